"""Games between policies of any kind; and games that are played: episodes, and payoffs that are estimated from them."""

from meva_core.sampling.along import divergence_along, logits_along
from meva_core.sampling.enumerated import Enumerated
from meva_core.sampling.play import play, replayed
from meva_core.sampling.rollouts import Rollouts
from meva_core.sampling.situations import choice_names, logits_after, probabilities_after
from meva_core.sampling.with_policies import WithPolicies, policy_arguments, rules_behind, rules_of

__all__ = [
    "Enumerated",
    "Rollouts",
    "WithPolicies",
    "choice_names",
    "divergence_along",
    "logits_after",
    "logits_along",
    "play",
    "policy_arguments",
    "probabilities_after",
    "replayed",
    "rules_behind",
    "rules_of",
]
