"""Games that are played: episodes, and the games whose payoffs are estimated from them."""

from meva_core.sampling.along import logits_along
from meva_core.sampling.enumerated import Enumerated
from meva_core.sampling.play import play
from meva_core.sampling.rollouts import Rollouts

__all__ = ["Enumerated", "Rollouts", "logits_along", "play"]
