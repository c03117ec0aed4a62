"""No exploration."""

from meva_core.component import component
from meva_core.protocols import Explorer


@component
class NoExploration(Explorer):
    """Exploring trajectories follow the unperturbed learner: the ablation, and the paper's Logistic Game."""
