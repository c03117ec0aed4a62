"""Best response shaping on exact games. Shapes: P = 2 players, D numbers per policy, K replies."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
from jax import Array

from meva_best_response.replies import as_tables, deterministic_replies, of_tables
from meva_best_response.self_play import check_weight, weighted
from meva_core.contracts import Game, Learner, component, leaf, not_negative, part, positive
from meva_core.ops import each_player

TIE = 1e-3  # share of its payoffs' range that a responder gives up to take all of ours


@component
class BestResponseShaping(Learner):
    """Player i ascends its payoff against a best response to itself, and against itself:

        sum_k p_k f_i(x_i, b_k) + w f_i(x_i, x_i).

    The replies b_k are all deterministic policies of the other player j, one of which is a best response to x_i. With
    payoffs as shares of their range, a reply has the probability

        p_k = exp([f_j(x_i, b_k) - 0.001 f_i(x_i, b_k)] / t) / sum,

    and the gradient goes through it: x_i learns to make those replies the best that pay i most. As the temperature t
    falls to 0, the reply becomes the best response; of several, the one that is worst for i. What the other player
    really plays has no effect.

    In the second term, of weight w, x_i plays in both seats and is differentiated in both, so in a symmetric game
    learners cooperate with their like. Without it (w = 0) they extort.

    References:
        Aghajohari, Cooijmans, Duque, Akatsuka & Courville (2024), Best Response Shaping, RLJ: the first term as in the
        iterated prisoner's dilemma, but over listed replies in place of a tree search; the second is their self-play.
    """

    game: Game = part()
    rate: float = leaf(default=1.0, doc="learning rate", check=positive, per_payoff=True)
    temperature: float = leaf(
        default=0.03, doc="t, softness of the best response, as a share of the payoffs' range", check=positive
    )
    self_play_weight: float | None = leaf(
        default=None,
        doc="w, weight of the payoff against itself; unset: 1 in a symmetric game, else 0",
        check=not_negative,
    )

    def __attrs_post_init__(self) -> None:
        for seat in range(2):
            self.replies(seat)
        check_weight(self.self_play_weight, self.game)

    def update(self, params: Any, state: Any, x: Array, key: Array) -> tuple[Array, Any]:
        return self.rate * each_player(lambda seat: jax.grad(self.worth)(x[seat], seat), 2), state

    def worth(self, own: Array, seat: int) -> Array:
        """The objective of player `seat` with the policy `own` f32[D], f32[]."""
        against = self.against_best_response(jnp.stack([own, own]), seat)
        return against + weighted(self.game.payoff, own, seat, self.self_play_weight, self.game)

    def against_best_response(self, x: Array, seat: int) -> Array:
        """The payoff f32[] of player `seat`, who plays its row of x f32[2, D], against the soft best response."""
        payoffs = self._payoffs(x, seat)
        unit = jnp.asarray(self.game.payoff_range, x.dtype)
        shares = payoffs / jnp.where(unit > 0, unit, 1)
        prefers = shares[:, 1 - seat] - TIE * shares[:, seat]
        return jax.nn.softmax(prefers / self.temperature) @ payoffs[:, seat]

    def replies(self, seat: int) -> Array:
        """All replies to player `seat`, f32[K, D]. Raises BadCombination if the game cannot list them, or not all."""
        return deterministic_replies(of_tables(self.game), 1 - seat)

    def _payoffs(self, x: Array, seat: int) -> Array:
        """Payoffs f32[K, 2] of both players for each reply to player `seat`, who plays its row of x f32[2, D]."""
        game, tables = of_tables(self.game), as_tables(self.game, x)
        replies = self.replies(seat).astype(x.dtype)
        return jax.vmap(lambda reply: game.payoff(tables.at[1 - seat].set(reply)))(replies)
