"""Learners that a policy gradient fits over meta-episodes, and their fit.

Shapes: P players, D numbers per policy, E numbers that are learnt for a seat, K members of the population, N seats that
are learnt, G meta-episodes, B copies, L steps of a meta-episode, A actions.
"""

from __future__ import annotations

from functools import partial
from typing import Any, ClassVar, NamedTuple

import jax
import jax.numpy as jnp
from jax import Array

from meva_core.contracts import (
    Learner,
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
from meva_core.match import Fitted, Settled, in_all_seats, match_in, own_seats
from meva_policy_gradient import seen as seeing
from meva_policy_gradient.meta_episodes import advantages, check_length, live
from meva_policy_gradient.ppo import PPO, Judged
from meva_policy_gradient.seen import Seen


@component
class OverMetaEpisodes(Learner):
    """Base of learners whose numbers are found by proximal policy optimisation over meta-episodes, in each of which B
    copies play the same others, who learn from all copies' episodes at once.

    A subclass says what its E numbers for a seat are (`first`, `size`), what they do in a meta-episode (`log_policy`),
    what passes divide (`divided_by_passes`), and what actions are paid (`shared`, `divided`). Its parameters are the
    numbers f32[P, E] of all seats.
    """

    game: Any = part()
    critic: Any = part(kind="policy", doc="network with one output, the value of what a player sees and remembers")
    rivals: tuple = part(
        default=(), doc="for each seat a Fitted rival, or None for this learner; empty: naive learners"
    )
    rate: float = leaf(
        default=1.0, doc="learning rate of the naive learners in a fit for self-play", check=positive, per_payoff=True
    )
    steps: int = static(default=10, doc="M, inner episodes of a meta-episode", check=between(1, 10**5))
    batch_size: int = static(default=16, doc="G, meta-episodes per loop", check=at_least(1))
    naive_share: float = static(
        default=1.0,
        doc="share of meta-episodes with naive learners; the rest: another member, or itself if there is none",
        check=between(0, 1),
    )
    population: int = static(default=1, doc="K, members in a fit for self-play", check=between(1, 1000))
    loops: int = static(default=500, doc="loops of the fit", check=between(1, 10**9))
    policy_rate: float = leaf(default=3e-3, doc="learning rate of Adam for the policy", check=positive)
    critic_rate: float = leaf(default=3e-3, doc="learning rate of Adam for the critic", check=positive)
    trace: float = leaf(default=1.0, doc="lambda of the advantages; 1: return minus value", check=between(0, 1))
    clip: float = leaf(default=0.2, doc="clip of the ratio of probabilities", check=positive)
    entropy_weight: float = leaf(default=0.0, doc="weight of the entropy", check=not_negative)
    epochs: int = static(default=4, doc="passes over the meta-episodes of a loop", check=at_least(1))
    minibatches: int = static(default=2, doc="parts into which each pass is divided", check=at_least(1))
    longest_gradient: float = leaf(default=1.0, doc="norm to which longer gradients are cut", check=positive)

    as_ppo: PPO = derived(
        lambda self: PPO(
            game=self.game,
            critic=self.critic,
            rate=self.policy_rate,
            critic_rate=self.critic_rate,
            clip=self.clip,
            entropy_weight=self.entropy_weight,
            epochs=self.epochs,
            minibatches=self.minibatches,
            longest_gradient=self.longest_gradient,
        ),
        doc="proximal policy optimisation",
    )

    learns_from = "episodes"
    small: ClassVar = {"steps": 2, "batch_size": 2, "loops": 2, "epochs": 1}

    def __attrs_post_init__(self) -> None:
        check_source(self, self.game)
        check_length(self.game)

    @property
    def training(self) -> MetaEpisodeTraining:
        return MetaEpisodeTraining(learner=self)

    def first(self, x: Array, key: Array) -> Array:
        """The numbers f32[P, E] with which a fit begins, given fresh policies x f32[P, D]."""
        raise NotImplementedError

    def size(self, seat: int) -> int:
        """The count of the first of the E numbers that are learnt for a seat; the others stay."""
        raise NotImplementedError

    def log_policy(self, seat: int, own: Array, seen: Seen) -> Array:
        """Log-probabilities of all actions f32[..., L, A] under the numbers of a seat that are learnt, given what was
        seen in meta-episodes."""
        raise NotImplementedError

    def divided_by_passes(self, batch: Any) -> Any:
        """A batch, every leaf [G, B, ...], with the axes of what a pass may part in front."""
        raise NotImplementedError

    def shared(self, others_learn: bool) -> bool:
        """True if actions are paid what all copies get after the present inner episode, and not only the own one.
        others_learn: True in meta-episodes with others who learn."""
        raise NotImplementedError

    @property
    def divided(self) -> bool:
        """True if what an action is paid in the present inner episode is divided by B."""
        raise NotImplementedError


class FitState(NamedTuple):
    """State of the fit: the numbers f32[K, N, E] of all members, and what else each of them learns: one `Learning` per
    learnt seat, every leaf [K, ...]."""

    numbers: Array
    learning: tuple


@component
class MetaEpisodeTraining(Training):
    """A training whose step is one loop: fresh meta-episodes for every member, and the passes over them."""

    learner: Any = part()

    extended_by = "loops"
    shown: ClassVar = {"payoff": "payoff among learners", "among": "payoff among members"}
    linear = ("payoff", "among")

    @property
    def num_steps(self) -> int:
        return self.learner.loops

    def init(self, key: Array) -> FitState:
        learner: OverMetaEpisodes = self.learner

        def member(key: Array) -> tuple[Array, tuple]:
            x_key, key = jax.random.split(key)
            x = learner.game.init(x_key)
            numbers = learner.first(x, jax.random.fold_in(key, len(x)))
            begun = [(numbers[seat, : learner.size(seat)], jax.random.fold_in(key, seat)) for seat in self._seats]
            return numbers[jnp.array(self._seats)], tuple(learner.as_ppo.fresh(*one) for one in begun)

        count = 1 if learner.rivals else learner.population
        return FitState(*jax.vmap(member)(jax.random.split(key, count)))

    def params(self, state: FitState) -> Array:
        each = jnp.arange(self.learner.game.num_players)
        return self._by_seat(state.numbers)[each % len(state.numbers), each]

    def step(self, state: FitState, key: Array) -> tuple[FitState, dict[str, Array]]:
        count = len(state.numbers)
        mate_key, key = jax.random.split(key)
        places = jax.random.randint(mate_key, (count, self._among), 1, max(count, 2))  # further in the circle
        mates = self._by_seat(state.numbers)[(jnp.arange(count)[:, None] + places) % count]
        each = (state.numbers, state.learning, mates, jax.random.split(key, count))
        steps, learning, metrics = jax.vmap(self._improved)(*each)
        return FitState(state.numbers + steps, learning), jax.tree.map(jnp.mean, metrics)

    def _improved(self, numbers: Array, learning: tuple, mates: Array, key: Array) -> tuple[Array, tuple, dict]:
        """The steps f32[N, E] of a member's numbers, what else it has learnt, and its metrics. mates: f32[., P, E]."""
        learner: OverMetaEpisodes = self.learner
        live_key, learn_key = jax.random.split(key)
        rows, states, metrics = [], [], []
        for n, seat in enumerate(self._seats):
            lives = self._lives(seat, self._seated(numbers), mates, jax.random.fold_in(live_key, n))
            metrics.append({name: self._paid(seen) for name, (seen, _) in lives.items()})
            both = [self._judged(learning[n], *one) for one in lives.values()]
            judged, gains = learner.divided_by_passes(jax.tree.map(lambda *parts: jnp.concatenate(parts), *both))
            gains = seeing.standardised(gains, judged.seen)
            size, log_policy = learner.size(seat), partial(learner.log_policy, seat)
            own_key = jax.random.fold_in(learn_key, seat)
            own, after = learner.as_ppo.improved(numbers[n, :size], learning[n], judged, gains, own_key, log_policy)
            rows.append(numbers[n].at[:size].set(own))
            states.append(after)
        means = jax.tree.map(lambda *parts: jnp.mean(jnp.stack(parts)), *metrics)
        return jnp.stack(rows) - numbers, tuple(states), means

    def _lives(self, seat: int, numbers: Array, mates: Array, key: Array) -> dict[str, tuple[Seen, bool]]:
        """Meta-episodes [G, B, L, ...] of the numbers f32[P, E] in `seat`, by the name of a metric, and True where the
        others learnt in them."""
        learner: OverMetaEpisodes = self.learner
        game, own, found = learner.game, Fitted(learner=learner, params=numbers), {}
        with_learners, with_members = jax.random.split(key)
        if count := learner.batch_size - len(mates):
            match = match_in(game, seat, own, own, learner.rivals, learner.rate)
            lives = jax.vmap(lambda key: live(match, seat, learner.steps, key))(jax.random.split(with_learners, count))
            found["payoff"] = lives, self._met_learn
        if len(mates):
            alone = (None,) * game.num_players

            def among(mate: Array, key: Array) -> Seen:
                match = match_in(game, seat, own, Fitted(learner=learner, params=mate), alone, learner.rate)
                return live(match, seat, learner.steps, key)

            found["among"] = jax.vmap(among)(mates, jax.random.split(with_members, len(mates))), False
        return found

    def _judged(self, learning: Any, seen: Seen, others_learn: bool) -> tuple[Judged, Array]:
        """Meta-episodes [G, B, L, ...] as the critic judges them, and the advantages of their actions."""
        learner: OverMetaEpisodes = self.learner
        values = seeing.values(learner.as_ppo.network, learning.critic, seen)
        inner = learner.game.steps
        own = advantages(seen, values, inner, learner.trace, shared=False, divided=False)
        gains = advantages(seen, values, inner, learner.trace, learner.shared(others_learn), learner.divided)
        return Judged(seen, values, own), gains

    def _paid(self, seen: Seen) -> Array:
        """The mean payoff f32[] of an inner episode."""
        return jnp.mean(jnp.sum(seen.rewards, axis=-1)) * jnp.max(self.learner.game.rules.payoff_range)

    def _by_seat(self, numbers: Array) -> Array:
        """Numbers f32[K, N, E] by seat, f32[K, P, E]."""
        return jax.vmap(self._seated)(numbers)

    def _seated(self, rows: Array) -> Array:
        """Numbers f32[N, E] by seat, f32[P, E]."""
        return in_all_seats(self.learner.game, self.learner.rivals, rows)

    @property
    def _seats(self) -> tuple[int, ...]:
        return own_seats(self.learner.game, self.learner.rivals)

    @property
    def _among(self) -> int:
        """The number of a member's meta-episodes with other members."""
        learner: OverMetaEpisodes = self.learner
        return 0 if learner.rivals else learner.batch_size - round(learner.naive_share * learner.batch_size)

    @property
    def _met_learn(self) -> bool:
        """True unless all others are shapers that play one policy and never move."""
        rivals = [rival.learner for rival in self.learner.rivals if rival is not None]
        return not rivals or not all(isinstance(rival, Settled) for rival in rivals)
