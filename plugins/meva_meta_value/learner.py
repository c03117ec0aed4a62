"""MeVa: players follow the gradient of the meta-value."""

from __future__ import annotations

from meva_core.contracts import component
from meva_meta_value.meta_value import MetaValue
from meva_meta_value.training import MetaValueTraining


@component
class MeVa(MetaValue):
    """Meta-Value Learning: V(x) = (1 - g) f(x) + g V(x + step), with one meta-discount g per player.

    - formulation `value`: players follow own gradients of V.
    - formulation `correction`: U(x) = V(x + step) is learnt; players follow (1 - g) grad f + g grad U (mixing
      `convex`, which follows from normalised values and is in the authors' code) or grad f + g grad U (mixing `sum`, as
      printed in the paper's algorithm 1). Mixing `between` (ours): (1 - g + g w) grad f + g grad U, with an incentive w
      from 0, `convex`, to 1, `sum`. If w is drawn during the fit, it is an input of the network, like the discount.

    A player with discount 0 is a naive learner (in the correction formulation exactly, not only approximately). A model
    fitted in self-play is valid against players who use it (at any discounts). In a fit with `rivals`, the rivals'
    steps are part of the rollouts, and the other seats follow the value.

    In a game that is played, payoffs and naive gradients are estimated from episodes, fresh ones for each. Targets are
    linear in payoffs, so they have no bias; the value is that of players who learn from episodes themselves. What the
    network learns from noisy targets may still have one, since the loss is not linear in them.

    The network learns values in its own unit, in which payoffs range over `payoff_range`: if the unit of the game's
    payoffs changes and the rate with it, the fit stays the same.

    References:
        Cooijmans, Aghajohari & Courville (2023), Meta-Value Learning, arXiv 2307.08863.
    """

    @property
    def training(self) -> MetaValueTraining:
        return MetaValueTraining(learner=self)
