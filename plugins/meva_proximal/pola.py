"""Proximal LOLA on exact games. Shapes: P players, D numbers per policy."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

import jax
import jax.numpy as jnp
from jax import Array

from meva_core.contracts import (
    Game,
    Learner,
    between,
    check_gives_logits,
    component,
    leaf,
    not_negative,
    one_of,
    part,
    positive,
    static,
)
from meva_core.ops import kl_divergence, natural_directions
from meva_proximal.ascent import Ascent, climb, maximum


@component
class POLA(Learner):
    """Player i moves to the policy that pays best once the others have responded, near its present one:

        argmax_z rate f_i(z, y(z)) - KL(x_i || z),

    where y_j(z), differentiated through, is the response of every other player j to z, at look-ahead rate h:

    - `outer`: a naive step, x_j + h d_j f_j(z, x_j), as in LOLA;
    - `ideal`: a proximal step, argmax_y h f_j(z, y) - KL(x_j || y).

    KL is the divergence of what a policy does from what it did, summed over all states that policies distinguish. So
    `ideal` does not depend on how numbers parameterise policies, and `outer` only as far as the others' naive steps do.
    The papers' weights of KL are 1 / rate and, in `ideal`, 1 / h. For small rates, `outer` is LOLA with a natural
    gradient, step = rate F^-1 LOLA, where F is the Fisher matrix summed over states.

    Maxima are looked for by gradient ascent from x; with ascent_steps = 1, `outer` is exact LOLA at the rate
    ascent_rate * rate. There may be several, and near deterministic policies the objective is almost level, so where an
    ascent ends depends on how numbers parameterise policies. `natural` ascents, along natural gradients, take the same
    way through the space of policies in networks as in tables, up to terms of second order in the ascent's rate.

    References:
        Zhao, Lu, Grosse & Foerster (2022), Proximal Learning with Opponent-Learning Awareness, NeurIPS (`ideal`:
        equation 5; `outer`: algorithm 1 and equation 6).
    """

    game: Game = part()
    rate: float = leaf(
        default=1.0, doc="weight of the payoff against one unit of KL, 1 / beta_out", check=positive, per_payoff=True
    )
    look_ahead_rate: float = leaf(
        default=1.0,
        doc="h: in `outer`, the rate of the others' naive step; in `ideal`, their weight of the payoff, 1 / beta_in",
        check=not_negative,
        per_payoff=True,
    )
    variant: str = static(default="outer", doc="how the others respond", check=one_of("outer", "ideal"))
    ascent_rate: float = leaf(default=0.03, doc="learning rate of the ascent to each maximum", check=positive)
    natural: bool = static(default=False, doc="ascents follow natural gradients, not those in the policies' numbers")
    damping: float = leaf(default=0.05, doc="damping of natural gradients, as of `natural_gradient`", check=positive)
    tolerance: float = leaf(
        default=1e-3, doc="norm of the gradient at which an ascent ends, in units of KL", check=not_negative
    )
    ascent_steps: int = leaf(default=5000, doc="most steps of an ascent", check=between(1, 10**6))

    small: ClassVar = {"ascent_steps": 2}

    def __attrs_post_init__(self) -> None:
        check_gives_logits(self.game, "POLA, which compares policies by what they do")

    @property
    def ascent(self) -> Ascent:
        """The ascent to every maximum."""
        return Ascent(self.ascent_rate, self.tolerance, self.ascent_steps, self.natural)

    def update(self, params: Any, state: Any, x: Array, key: Array) -> tuple[Array, Any]:
        # A loop over players: copies of this program for every player would take as many times as long to compile.
        return jax.lax.map(lambda i: self._proximal(x, i), jnp.arange(len(x))) - x, state

    def _proximal(self, x: Array, i: Any) -> Array:
        """The next policy of player i, f32[D]."""

        def slope(z: Array, guess: Array) -> tuple[Array, Array]:
            return jax.grad(lambda z: self._worth(z, x, i, guess), has_aux=True)(z)

        return climb(slope, x[i], x, self.ascent, self._directions(x, i))

    def _worth(self, z: Array, x: Array, i: Any, guess: Array) -> tuple[Array, Array]:
        """The objective of player i, f32[], and the policies f32[P, D] after all responses to z.

        guess: those policies at a z nearby, f32[P, D].
        """
        offer = x.at[i].set(z)
        after = offer
        for n in range(1, len(x)):
            j = (i + n) % len(x)
            after = after.at[j].set(self._response(offer, guess[j], j))
        return self.rate * self.game.payoff(after)[i] - self._divergence(x, offer, i), after

    def _response(self, x: Array, guess: Array, j: Any) -> Array:
        """The response of player j to the others' policies in x, f32[D]."""
        if self.variant == "outer":
            return x[j] + self.look_ahead_rate * jax.grad(lambda y: self.game.payoff(x.at[j].set(y))[j])(x[j])

        def worth(y: Array, x: Array) -> Array:
            after = x.at[j].set(y)
            return self.look_ahead_rate * self.game.payoff(after)[j] - self._divergence(x, after, j)

        return maximum(jax.grad(worth), guess, x, self.ascent, self._directions(x, j))

    def _directions(self, x: Array, i: Any) -> Callable[[Array], Array]:
        """The natural directions f32[D, R] at policies z f32[D] of player i, without a derivative."""
        game: Any = self.game
        x = jax.lax.stop_gradient(x)
        own = lambda z: game.to_logits(x.at[i].set(z[0]))[i][None]  # noqa: E731
        return lambda z: natural_directions(z[None], own, self.damping)[0]

    def _divergence(self, old: Array, new: Array, i: Any) -> Array:
        """Divergence of player i's new policy from the old one, summed over states, f32[]."""
        game: Any = self.game
        return jnp.sum(kl_divergence(jax.lax.stop_gradient(game.to_logits(old))[i], game.to_logits(new)[i]))
