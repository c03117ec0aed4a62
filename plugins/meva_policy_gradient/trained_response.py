"""Trained responses: payoffs against a fresh learner that trains against a player's last policy.

Shapes: S seeds, V rows, N pairs, P players, D numbers per policy, R restarts.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from meva_core.contracts import (
    Answer,
    Asking,
    Column,
    Evaluation,
    Sampled,
    at_least,
    between,
    component,
    positive,
    static,
)
from meva_core.match import Fitted, Held, Match, play
from meva_core.report.statistics import statistic
from meva_policy_gradient.critics import LikePolicy
from meva_policy_gradient.ppo import PPO


@component
class TrainedResponse(Evaluation):
    """Payoffs where one player is replaced by a fresh one, which has learnt by PPO against the others' last policies.

    The responder has the architecture of the player that it replaces, and a critic of that architecture. It takes
    `steps` steps of PPO, each from as many episodes as a match plays per step, from several fresh starts, of which the
    best end counts. A longer training may earn more: what it earns is a lower bound of a best response's payoff.

    The answer contains payoffs f32[S, V, N, P, P], where the axis before the last is the responder; N is `pairs`.

    In a row of summary.json:
      trained_response  {ours, theirs, gain}: payoffs with our policy fixed and another seat replaced, averaged over our
                        seats and the responders, and how much the responder gains over the player that it replaced
    """

    steps: int = static(default=200, doc="steps of PPO of each responder", check=between(1, 10**6))
    restarts: int = static(default=2, doc="fresh starts of each responder", check=between(1, 1000))
    pairs: int = static(default=2, doc="matches of each seed and row whose ends are answered", check=at_least(1))
    rate: float = static(default=0.01, doc="learning rate of Adam for the responder", check=positive)

    by_default = False
    small: ClassVar = {"steps": 2, "restarts": 1, "pairs": 1}
    says = "training responses"

    def lacks(self, composition: Any, seeds: int) -> str:
        return "" if isinstance(composition.game, Sampled) else "a game that is played (--sampled)"

    def quantities(self, composition: Any) -> tuple[str, ...]:
        return ("trained_response.ours", "trained_response.theirs", "trained_response.gain")

    def inputs(self, ended: Any, answers: Mapping[str, Answer]) -> tuple[Array, ...]:
        return (ended.x[:, :, : self.pairs],)

    def ask(self, match: Any, key: Array, asking: Asking, *inputs: Array) -> Any:
        game, (x,) = match.game, inputs

        def against(x: Array, key: Array) -> Array:
            keys = jax.random.split(key, game.num_players)
            return jnp.stack([self._answered(game, x, seat, keys[seat]) for seat in range(game.num_players)])

        return jax.vmap(against)(x, jax.random.split(key, len(x)))

    def rows(self, answer: Answer, seen: Any) -> list[dict[str, Any]]:
        answered, before = answer.each, seen.payoffs[:, :, : self.pairs]
        pairs = [(seat, other) for seat in seen.own for other in range(answered.shape[-1]) if other != seat]
        found = []
        for v in range(len(seen.values)):
            payoffs, was = answered[:, v], before[:, v]
            ours = np.mean([payoffs[..., other, seat] for seat, other in pairs], axis=0)
            theirs = np.mean([payoffs[..., other, other] for _, other in pairs], axis=0)
            replaced = np.mean([was[..., other] for _, other in pairs], axis=0)
            told = {"ours": statistic(ours), "theirs": statistic(theirs), "gain": statistic(theirs - replaced)}
            found.append({"trained_response": told})
        return found

    def columns(self, summary: Mapping[str, Any]) -> list[Column]:
        heads = {"ours": ("ours vs trained\nresponse", "ours"), "theirs": ("trained\nresponse's", "the response's")}
        told = summary["rows"][0]["trained_response"]
        return [
            Column(
                head=head,
                panel="against a trained response",
                line=line,
                cell=lambda row, name=name: row["trained_response"][name],
            )
            for name, (head, line) in heads.items()
            if name in told
        ]

    def notes(self, summary: Mapping[str, Any]) -> list[str]:
        return [
            f"trained responses: the best of {self.restarts} fresh learners after {self.steps} steps of PPO, against "
            f"the ends of {self.pairs} matches of each seed"
        ]

    def compared(self, row: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
        told = row["trained_response"]
        return {"ours vs trained response": told["ours"], "trained response's": told["theirs"]}

    def _answered(self, game: Any, x: Array, seat: int, key: Array) -> Array:
        """Payoffs f32[P] after a fresh player has learnt against x f32[P, D] in this seat."""
        learner = PPO(game=game, critic=LikePolicy(policy=game.policies[seat]), rate=self.rate)
        seats = tuple(0 if other == seat else 1 for other in range(game.num_players))
        match = Match(game=game, players=(Fitted(learner=learner), Fitted(learner=Held(policies=x))), seats=seats)

        def once(key: Array) -> Array:
            fresh_key, play_key = jax.random.split(key)
            fresh = x.at[seat].set(game.init(fresh_key)[seat])
            return play(match, fresh, play_key, self.steps).payoffs[-1]

        ends = jax.vmap(once)(jax.random.split(key, self.restarts))
        return ends[jnp.argmax(ends[:, seat])]
