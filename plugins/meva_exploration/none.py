"""The explorer that does nothing."""

from meva_core.contracts import Explorer, component


@component
class NoExploration(Explorer):
    """Exploring trajectories follow the unperturbed learner: the ablation, and the paper's Logistic Game."""
