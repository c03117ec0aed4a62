"""COALA-PG from episodes. Shapes: P players, D numbers per policy, K members of the population, N seats whose policies
are learnt, G meta-episodes, B copies, L steps of a meta-episode."""

from __future__ import annotations

from typing import Any, ClassVar, NamedTuple

import jax
import jax.numpy as jnp
from jax import Array

from meva_core.contracts import (
    Training,
    at_least,
    between,
    check_source,
    component,
    derived,
    leaf,
    not_negative,
    one_of,
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
class COALAPGSampled(Settled):
    """Plays one policy whose memory lasts from episode to episode, while the others learn from these; a policy
    gradient that knows of their learning has found it.

    In every inner episode of a meta-episode, B copies of the policy play the same others at the same time, and these
    learn from all B episodes at once. So what a copy does now changes what all copies get later, but only by the share
    1/B. The return of an action is therefore

        (own rewards until the end of the inner episode) / B + mean over all copies of the rewards after it,

    `returns = "coala"`, which makes the gradient unbiased. For comparison, `unaware` counts only the own copy's
    rewards, at any time: what the action does to the other copies is missing. `m_fos` does not divide the present
    episode by B, as sampled M-FOS, where the present outweighs all learning of the others.

    A fit plays `batch_size` meta-episodes per loop, and passes over them as PPO does, through all of their steps; a
    critic with memory learns the own copy's return. The share `naive_share` of the meta-episodes is played with naive
    learners, who begin anew; the others with another member of the population, where nobody learns and returns are
    `unaware`. Every member learns; in a match, seat i plays member i mod K. Against other learners, these take the
    place of naive learners, from the starts of the match, and there is one member.

    It is meant for policies with memory (`--policy gru`). Advantages are standardised, so the unit of payoffs has no
    effect. The form that differentiates exact payoffs is `coala_pg`.

    References:
        Meulemans et al. (2025), Multi-agent Cooperation through Learning-Aware Policy Gradients, ICLR, equations 5 and
        6 and algorithm 1;
        Schulman et al. (2017), Proximal Policy Optimization Algorithms, equation 7.
    """

    game: Any = part()
    critic: Any = part(kind="policy", doc="network with one output, the value of what a player sees and remembers")
    rivals: tuple = part(
        default=(), doc="for each seat a Fitted rival, or None for this learner; empty: naive learners"
    )
    rate: float = leaf(
        default=1.0, doc="learning rate of the naive learners in a fit for self-play", check=positive, per_payoff=True
    )
    returns: str = static(default="coala", doc="what an action is paid", check=one_of("coala", "unaware", "m_fos"))
    steps: int = static(default=10, doc="M, inner episodes of a meta-episode", check=between(1, 10**5))
    batch_size: int = static(default=16, doc="G, meta-episodes per loop", check=at_least(1))
    naive_share: float = static(
        default=1.0, doc="share of meta-episodes with naive learners; the rest: other members", check=between(0, 1)
    )
    population: int = static(default=1, doc="K, members in a fit for self-play", check=between(1, 1000))
    loops: int = static(default=500, doc="loops of the fit", check=between(1, 10**9))
    policy_rate: float = leaf(default=3e-3, doc="learning rate of Adam for the policy", check=positive)
    critic_rate: float = leaf(default=3e-3, doc="learning rate of Adam for the critic", check=positive)
    trace: float = leaf(default=1.0, doc="lambda of the advantages; 1: return minus value", check=between(0, 1))
    clip: float = leaf(default=0.2, doc="clip of the ratio of probabilities", check=positive)
    entropy_weight: float = leaf(default=0.0, doc="weight of the entropy", check=not_negative)
    epochs: int = static(default=4, doc="passes over the meta-episodes of a loop", check=at_least(1))
    minibatches: int = static(default=2, doc="parts into which each pass divides all copies", check=at_least(1))
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

    remembers = True
    learns_from = "episodes"
    small: ClassVar = {"steps": 2, "batch_size": 2, "loops": 2, "epochs": 1}

    def __attrs_post_init__(self) -> None:
        check_source(self, self.game)
        check_length(self.game)

    @property
    def training(self) -> COALAPGSampledTraining:
        return COALAPGSampledTraining(learner=self)


class FitState(NamedTuple):
    """State of the fit: the policies f32[K, N, D] of all members, and what else each of them learns: one `Learning` per
    learnt seat, every leaf [K, ...]."""

    policies: Array
    learning: tuple


@component
class COALAPGSampledTraining(Training):
    """A training whose step is one loop: fresh meta-episodes for every member, and the passes over them."""

    learner: Any = part()

    extended_by = "loops"
    shown: ClassVar = {"payoff": "payoff among learners", "among": "payoff among members"}
    linear = ("payoff", "among")

    @property
    def num_steps(self) -> int:
        return self.learner.loops

    def init(self, key: Array) -> FitState:
        learner: COALAPGSampled = self.learner

        def member(key: Array) -> tuple[Array, tuple]:
            x_key, key = jax.random.split(key)
            x = learner.game.init(x_key)
            learning = learner.as_ppo.init(None, x, key)
            return x[jnp.array(self._seats)], tuple(learning[seat] for seat in self._seats)

        count = 1 if learner.rivals else learner.population
        return FitState(*jax.vmap(member)(jax.random.split(key, count)))

    def params(self, state: FitState) -> Array:
        each = jnp.arange(self.learner.game.num_players)
        return self._by_seat(state.policies)[each % len(state.policies), each]

    def step(self, state: FitState, key: Array) -> tuple[FitState, dict[str, Array]]:
        count = len(state.policies)
        mate_key, key = jax.random.split(key)
        places = jax.random.randint(mate_key, (count, self._among), 1, max(count, 2))  # further in the circle
        mates = self._by_seat(state.policies)[(jnp.arange(count)[:, None] + places) % count]
        each = (state.policies, state.learning, mates, jax.random.split(key, count))
        steps, learning, metrics = jax.vmap(self._improved)(*each)
        return FitState(state.policies + steps, learning), jax.tree.map(jnp.mean, metrics)

    def _improved(self, policies: Array, learning: tuple, mates: Array, key: Array) -> tuple[Array, tuple, dict]:
        """The steps f32[N, D] of a member's policies, what else it has learnt, and its metrics. mates: f32[., P, D]."""
        live_key, learn_key = jax.random.split(key)
        judged, gains, metrics = [], [], []
        for n, seat in enumerate(self._seats):
            key = jax.random.fold_in(live_key, n)
            each = self._lives(seat, self._seated(policies), mates, key)
            metrics.append({name: self._paid(seen) for name, (seen, _) in each.items()})
            both = [self._judged(learning[n], *one) for one in each.values()]
            one, gain = jax.tree.map(lambda *parts: jnp.concatenate(parts), *both)
            judged.append(one)
            gains.append(seeing.standardised(gain, one.seen))
        ppo: PPO = self.learner.as_ppo
        steps, after = ppo.climb(learning, policies, judged, gains, learn_key, self._seats)
        return steps, after, jax.tree.map(lambda *parts: jnp.mean(jnp.stack(parts)), *metrics)

    def _lives(self, seat: int, x: Array, mates: Array, key: Array) -> dict[str, tuple[Seen, bool]]:
        """Meta-episodes [G, B, L, ...] of the policy x f32[P, D] in `seat`, by the name of a metric, and True where
        the others learnt in them."""
        learner: COALAPGSampled = self.learner
        game, own, found = learner.game, Fitted(learner=learner, params=x), {}
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
        """Meta-episodes [G, B, L, ...] as the critic judges them, and the advantages of their actions. All copies of
        all meta-episodes are in one batch [G B, L, ...]."""
        learner: COALAPGSampled = self.learner
        values = jax.vmap(lambda one: seeing.values(learner.as_ppo.network, learning.critic, one))(seen)
        shared, divided = others_learn and learner.returns != "unaware", learner.returns != "m_fos"
        inner = learner.game.steps
        own = advantages(seen, values, inner, learner.trace, shared=False, divided=False)
        gains = advantages(seen, values, inner, learner.trace, shared, divided)
        return jax.tree.map(lambda leaf: leaf.reshape(-1, *leaf.shape[2:]), (Judged(seen, values, own), gains))

    def _paid(self, seen: Seen) -> Array:
        """The mean payoff f32[] of an inner episode."""
        return jnp.mean(jnp.sum(seen.rewards, axis=-1)) * jnp.max(self.learner.game.rules.payoff_range)

    def _by_seat(self, policies: Array) -> Array:
        """Policies f32[K, N, D] by seat, f32[K, P, D]."""
        return jax.vmap(self._seated)(policies)

    def _seated(self, rows: Array) -> Array:
        """Policies f32[N, D] by seat, f32[P, D]."""
        return in_all_seats(self.learner.game, self.learner.rivals, rows)

    @property
    def _seats(self) -> tuple[int, ...]:
        return own_seats(self.learner.game, self.learner.rivals)

    @property
    def _among(self) -> int:
        """The number of a member's meta-episodes with other members."""
        learner: COALAPGSampled = self.learner
        return 0 if learner.rivals else learner.batch_size - round(learner.naive_share * learner.batch_size)

    @property
    def _met_learn(self) -> bool:
        """True unless all others play one policy with memory, as shapers do."""
        rivals = [rival.learner for rival in self.learner.rivals if rival is not None]
        return not rivals or not all(getattr(rival, "remembers", False) for rival in rivals)
