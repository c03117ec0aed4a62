"""Games between policies of any kind, and games that are played."""

from meva_core.sampling.with_policies import WithPolicies as WithPolicies
from meva_core.sampling.with_policies import policy_arguments as policy_arguments
from meva_core.sampling.with_policies import rules_of as rules_of

__all__ = ["WithPolicies", "policy_arguments", "rules_of"]
