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
      `convex`, what normalised values imply and the authors' code does) or grad f + g grad U (mixing `sum`, as
      printed in the paper's algorithm 1). Mixing `between` (ours): (1 - g + g w) grad f + g grad U, with an incentive w
      from 0, `convex`, to 1, `sum`; drawn during the fit it is a condition of the network, as the discount is.

    A player with discount 0 is a naive learner, exactly so in the correction formulation. A model fitted in
    self-play holds against players who use it (at any discounts); fitted with `rivals`, the rivals' steps are
    part of the rollouts, and the other seats follow the value.

    The network learns values in a unit of its own, in which payoffs range over `payoff_range`: the same game with
    payoffs in another unit, and a rate to match, is learnt alike.

    References:
        Cooijmans, Aghajohari & Courville (2023), Meta-Value Learning, arXiv 2307.08863.
    """

    @property
    def training(self) -> MetaValueTraining:
        return MetaValueTraining(learner=self)
