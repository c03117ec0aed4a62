"""Naive learning."""

from typing import Any, cast

from jax import Array

from meva_core.contracts import (
    Game,
    Learner,
    Myopic,
    check_gives_logits,
    component,
    leaf,
    one_of,
    part,
    payoff_from,
    positive,
    static,
)
from meva_core.ops import natural_gradient, simultaneous_gradient


@component
class Naive(Myopic, Learner):
    """Simultaneous gradient ascent: player i steps by rate * d_i f_i(x).

    With gradient = `natural`, by rate * F_i^-1 d_i f_i(x), where F_i is the Fisher matrix summed over the states that
    policies distinguish: what policies do then changes in the same way whatever their numbers mean (see
    `ops.natural_gradient`).

    References:
        Singh, Kearns & Mansour (2000), Nash Convergence of Gradient Dynamics in General-Sum Games, UAI;
        Amari (1998), Natural Gradient Works Efficiently in Learning; Kakade (2001), A Natural Policy Gradient.
    """

    game: Game = part()
    rate: float = leaf(default=1.0, doc="learning rate", check=positive, per_payoff=True)

    gradient: str = static(
        default="plain",
        doc="plain, or natural: independent of how numbers parameterise policies",
        check=one_of("plain", "natural"),
    )
    damping: float = leaf(
        default=0.01, doc="damping of natural gradients where policies are almost deterministic", check=positive
    )

    learns_from = "sample"

    def __attrs_post_init__(self) -> None:
        if self.gradient == "natural":
            check_gives_logits(self.game, "natural gradients")

    def update(self, params: Any, state: Any, x: Array, key: Array) -> tuple[Array, Any]:
        own = simultaneous_gradient(payoff_from(self.game, key), x)
        if self.gradient == "natural":
            own = natural_gradient(own, x, cast(Any, self.game).to_logits, self.damping)
        return self.rate * own, state
