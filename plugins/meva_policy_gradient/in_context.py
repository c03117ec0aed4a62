"""Learners that infer within an episode whom they play. Shapes: P players, D numbers per policy, B episodes."""

from __future__ import annotations

from typing import Any, ClassVar, NamedTuple

import attrs
import jax
import jax.numpy as jnp
from jax import Array

from meva_core.contracts import (
    Episodes,
    Training,
    at_least,
    between,
    check_source,
    component,
    derived,
    leaf,
    not_negative,
    part,
    positive,
    static,
)
from meva_core.errors import BadCombination
from meva_core.match import Settled
from meva_core.sampling import policy_arguments
from meva_policy_gradient.pool import play_against_pool
from meva_policy_gradient.ppo import PPO


@component
class InContext(Settled):
    """Plays one policy with memory, which has learnt to find out within an episode whom it plays, and what to do then.

    The fit is plain advantage actor-critic, in long episodes. Every player learns on its own: in the share `pool` of
    its `batch_size` episodes it meets fixed co-players, who choose by the last round only, with probabilities that are
    drawn uniformly for every episode; in the others it meets the learners in the other seats. Nothing tells it whom it
    meets. Best responses within an episode make it open to extortion, and mutual extortion makes learners cooperate.
    There are no derivatives through learning, and no two time scales.

    Two ablations, after which learners defect: `pool = 0`, and `announced`: in episodes against a fixed co-player all
    observations are negative, so that learners are told apart.

    The gradients are those of learner `a2c`, except that advantages are not standardised. Their deviation depends on
    whom learners meet, so with it the ablations would change how much the entropy weighs. In a match its numbers do not
    move.

    References:
        Weis et al. (2026), Multi-Agent Cooperation Through In-Context Co-Player Inference, arXiv 2602.16301;
        Mnih et al. (2016), Asynchronous Methods for Deep Reinforcement Learning, ICML.
    """

    game: Any = part()
    critic: Any = part(kind="policy", doc="network with one output, the value of what a player sees")
    pool: float = static(default=0.5, doc="share of the episodes with fixed co-players; 0: none", check=between(0, 1))
    announced: bool = static(default=False, doc="tell learners whether their co-player is a fixed one")
    batch_size: int = static(default=256, doc="B, episodes of each player per loop", check=at_least(1))
    loops: int = static(default=3000, doc="loops of the fit", check=between(1, 10**9))
    rate: float = leaf(default=1e-3, doc="learning rate of Adam for the policy", check=positive)
    critic_rate: float = leaf(default=1e-3, doc="learning rate of Adam for the critic", check=positive)
    entropy_weight: float = leaf(
        default=0.0026, doc="weight of the entropy; an episode's return ranges over 1", check=not_negative
    )
    trace: float = leaf(default=1.0, doc="lambda of the advantages; 1: return minus value", check=between(0, 1))
    longest_gradient: float = leaf(default=0.5, doc="norm to which longer gradients are cut", check=positive)

    as_ppo: PPO = derived(
        lambda self: PPO(
            game=self.game,
            critic=self.critic,
            rate=self.rate,
            critic_rate=self.critic_rate,
            entropy_weight=self.entropy_weight,
            trace=self.trace,
            longest_gradient=self.longest_gradient,
            epochs=1,
            minibatches=1,
        ),
        doc="actor-critic",
    )

    learns_from = "episodes"
    small: ClassVar = {"batch_size": 4, "loops": 2}

    def __attrs_post_init__(self) -> None:
        check_source(self, self.game)
        if self.pool > 0 and not policy_arguments(self.game.rules)["one_hot"]:
            raise BadCombination(
                "expected a game whose players see one of a few states, for fixed co-players that choose by it, got "
                f"{type(self.game.rules).__name__}: play an iterated game, or set learner.pool = 0"
            )

    @property
    def training(self) -> InContextTraining:
        return InContextTraining(learner=self)


class FitState(NamedTuple):
    """State of the fit: the policies x f32[P, D], and what else each player learns."""

    x: Array
    learning: tuple


@component
class InContextTraining(Training):
    """A training whose step is one of actor-critic, for all players at once."""

    learner: Any = part()

    extended_by = "loops"
    shown: ClassVar = {"payoff": "payoff among learners", "against_pool": "payoff against the pool"}
    linear = ("payoff", "against_pool")

    @property
    def num_steps(self) -> int:
        return self.learner.loops

    def init(self, key: Array) -> FitState:
        x_key, key = jax.random.split(key)
        x = self.learner.game.init(x_key)
        return FitState(x, self.learner.as_ppo.init(None, x, key))

    def params(self, state: FitState) -> Array:
        return state.x

    def step(self, state: FitState, key: Array) -> tuple[FitState, dict[str, Array]]:
        learner: InContext = self.learner
        ppo, seats = learner.as_ppo, range(learner.game.num_players)
        among_key, pool_key, learn_key = jax.random.split(key, 3)
        among = self._among(state.x, among_key)
        pooled = [self._against_pool(seat, state.x, jax.random.fold_in(pool_key, seat)) for seat in seats]
        each = [_joined([one for one in (among, against) if one is not None]) for against in pooled]
        judged = {seat: ppo.judged_by(seat, state.learning[seat], each[seat]) for seat in seats}
        gains = {seat: one.advantages for seat, one in judged.items()}
        steps, learning = ppo.climb(state.learning, state.x, judged, gains, learn_key)
        metrics = {} if among is None else {"payoff": jnp.mean(learner.game.estimate(among))}
        if against := [learner.game.estimate(one)[seat] for seat, one in enumerate(pooled) if one is not None]:
            metrics["against_pool"] = jnp.mean(jnp.stack(against))
        return FitState(state.x + steps, learning), metrics

    def _among(self, x: Array, key: Array) -> Episodes | None:
        """The episodes among learners; None if there are none."""
        count = self.learner.batch_size - self._fixed
        return attrs.evolve(self.learner.game, episodes=count).play(x, key) if count else None

    def _against_pool(self, seat: int, x: Array, key: Array) -> Episodes | None:
        """The episodes of the learner in `seat` against fixed co-players; None if there are none."""
        learner: InContext = self.learner
        if not self._fixed:
            return None
        return play_against_pool(learner.game, seat, x[seat], self._fixed, learner.announced, key)

    @property
    def _fixed(self) -> int:
        """The number of a player's episodes against fixed co-players."""
        return round(self.learner.pool * self.learner.batch_size)


def _joined(parts: list[Episodes]) -> Episodes:
    """All episodes of these batches in one."""
    return jax.tree.map(lambda *leaves: jnp.concatenate(leaves), *parts)
