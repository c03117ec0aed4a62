"""LOQA. Shapes: P players, D numbers per policy, B episodes, T steps, A actions."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any, ClassVar, NamedTuple

import attrs
import jax
import jax.numpy as jnp
import optax
from jax import Array

from meva_core.contracts import (
    EpisodeLearner,
    Episodes,
    Policy,
    at_least,
    below_one,
    between,
    component,
    derived,
    leaf,
    not_negative,
    part,
    positive,
    seats_or_all,
    static,
)
from meva_core.ops import box
from meva_core.sampling import policy_arguments
from meva_policy_gradient import action_values as valuing
from meva_policy_gradient import former as remembering
from meva_policy_gradient import seen as seeing
from meva_policy_gradient.action_values import ActionCritic
from meva_policy_gradient.former import Former
from meva_policy_gradient.optimisers import adam, decayed
from meva_policy_gradient.seen import Seen

GROUPS = 8  # former selves that each player meets per step, at most


class Learning(NamedTuple):
    """The optimisers of the policies and the critics of actions, one per seat, the former policies, if kept, and the
    number i32[] of steps so far."""

    optimisers: tuple[Any, ...]
    critics: tuple[ActionCritic, ...]
    former: Former | None
    steps: Array


class Side(NamedTuple):
    """One player's side of B episodes: what it saw, and the probabilities f32[B, T, A] of its actions."""

    seen: Seen
    probabilities: Array


class Judged(NamedTuple):
    """One player's side of B episodes as its critic of actions judges them.

    action_values f32[B, T, A]; values f32[B, T], their means over the policy; advantages f32[B, T].
    """

    seen: Seen
    action_values: Array
    values: Array
    advantages: Array


@component
class LOQA(EpisodeLearner):
    """Learning with opponent Q-learning awareness: every player assumes that the others choose actions with
    probabilities softmax(Q_j / temperature), and shapes the values Q_j by the returns that its own actions cause.

    One step of Adam per batch of episodes, for every player i, on

        mean_t [ log pi_i(a_t) A_i,t + w A_i,t sum_(j != i) log p_j(b_t) + c H_i ],

    A_i generalised advantages, standardised, H_i the entropy, and p_j the assumed policy in which the value of the
    action taken, b_t, is the return of player j, differentiable in the log-probabilities of player i's actions (see
    `shaped_returns`). So a player makes likely what others did to its advantage, by paying them for it. All else is
    constant. At w = 0 it is actor-critic. The effect of an action on a return fades with `reach` per step between them
    (the paper has one lambda for both).

    In the second term A_i,t also contains what the player's own action brought, and it pays the others for that too.
    So against a player who always defects it may learn to defect, to take the gain for a gift, to cooperate in the next
    step, and so on. `counterfactual` is the share of that part, Q_i(s, a_t) - V_i, that is taken off there: a baseline
    which does not depend on what the others do, as in COMA. It is not in the paper, whose share is 0.

    The critics of actions learn by temporal differences (SARSA, Huber loss) with targets from an averaged critic. There
    is one for each player's rewards, from what that player sees, fitted here, so the others may follow any rule. In
    self-play it is the other's own critic, as in the paper. Payoffs are taken in the game's own unit, so the numbers
    below fit games with payoffs of any size.

    With `former` above 0, every player also plays against former policies of the others, which are kept after every
    `every` steps; `present` is the share of the episodes with the present ones. The paper also lets players take random
    actions (epsilon-greedy); here they explore by their entropy.

    References:
        Aghajohari, Duque, Cooijmans & Courville (2024), LOQA: Learning with Opponent Q-Learning Awareness, ICLR:
        equations 5 to 9, and section 4.3 for former selves;
        Foerster, Farquhar, Afouras, Nardelli & Whiteson (2018), Counterfactual Multi-Agent Policy Gradients, AAAI.
    """

    game: Any = part()
    critic: Any = part(kind="policy", doc="network whose outputs are the values of the actions")
    rate: float = leaf(default=1e-3, doc="learning rate of Adam for the policy", check=positive)
    critic_rate: float = leaf(default=1e-2, doc="learning rate of Adam for the critic", check=positive)
    critic_steps: int = static(default=1, doc="steps of the critic per batch of episodes", check=at_least(1))
    target_rate: float = leaf(default=0.01, doc="share by which the averaged critic moves", check=between(0, 1))
    weight: float = leaf(default=1.0, doc="weight w of the shaping of others", check=not_negative)
    temperature: float = leaf(
        default=0.3, doc="temperature of the others' choices, in ranges of one step's payoff", check=positive
    )
    trace: float = leaf(default=0.95, doc="lambda of advantages and returns; 1: no bootstrap", check=between(0, 1))
    reach: float = leaf(default=0.95, doc="lambda of the effects on the returns of others", check=between(0, 1))
    entropy_weight: float = leaf(default=0.0, doc="weight c of the entropy", check=not_negative)
    entropy_decay: float = leaf(
        default=0.0,
        doc="share of the entropy's weight that every step takes off, from step decay_from on",
        check=below_one,
    )
    decay_from: float = leaf(default=0.0, doc="steps with the whole weight of the entropy", check=not_negative)
    counterfactual: float = leaf(
        default=0.0, doc="share of what the own action brought that is not paid back to others", check=between(0, 1)
    )
    current_reward: bool = static(default=True, doc="the return that is shaped contains the reward of the same step")
    former: int = static(default=0, doc="former policies that are kept as co-players; 0: none", check=at_least(0))
    every: int = static(default=10, doc="steps between two policies that are kept", check=at_least(1))
    present: float = static(
        default=0.5, doc="share of the episodes with the others' present policies", check=between(0.01, 1)
    )
    longest_gradient: float = leaf(default=0.5, doc="norm to which longer gradients are cut", check=positive)
    network: Policy = derived(lambda self: valuing.action_critic_of(self.critic, self.game), doc="the critic")

    small: ClassVar = {"former": 2, "every": 1}

    def init(self, params: Any, x: Array, key: Array) -> Any:
        seats = range(len(x))
        rows = [x[seat, : self.game.policies[seat].policy_size] for seat in seats]
        numbers = [self.network.init(jax.random.fold_in(key, seat)).astype(x.dtype) for seat in seats]
        of_policy, of_critic = self._optimiser(self.rate), self._optimiser(self.critic_rate)
        return Learning(
            optimisers=tuple(of_policy.init(row) for row in rows),
            critics=tuple(ActionCritic(each, each, of_critic.init(each)) for each in numbers),
            former=remembering.beginning(x, self.former) if self.former else None,
            steps=jnp.zeros((), jnp.int32),
        )

    def learn(
        self,
        params: Any,
        state: Learning,
        x: Array,
        episodes: Episodes,
        key: Array,
        seats: Collection[int] | None = None,
    ) -> tuple[Array, Learning]:
        present = self._sides(x, episodes)
        against = [self._against_former(seat, state.former, x, len(episodes.alive), key) for seat in range(len(x))]
        judged = [
            self._judged(critic, _joined([side, *(sides[seat] for sides in against if sides)]))
            for seat, (critic, side) in enumerate(zip(state.critics, present, strict=True))
        ]
        unit = jax.vmap(self.game.weights)(episodes.alive)[0, 0]
        weight = decayed(self.entropy_weight, self.entropy_decay, self.decay_from, state.steps)
        now = attrs.evolve(self, entropy_weight=weight)
        rows, optimisers = list(x), list(state.optimisers)
        for seat in seats_or_all(seats, x):
            met = [_met_by(seat, each, len(episodes.alive), len(x)) for each in judged]
            rows[seat], optimisers[seat] = now._improved(seat, optimisers[seat], x[seat], met, unit)
        critics = [self._fitted(*pair) for pair in zip(state.critics, judged, strict=True)]
        x_after = jnp.stack(rows)  # of players who do not learn by this rule: what they have just played
        former = remembering.kept(state.former, x_after, self.every) if state.former is not None else None
        return x_after - x, Learning(tuple(optimisers), tuple(critics), former, state.steps + 1)

    def objective(self, own: Array, seat: int, judged: Sequence[Judged], unit: Array) -> Array:
        """The objective f32[] of a policy f32[D]. judged: the same episodes by seat. unit f32[]: the range of one
        step's payoffs in the unit of the values."""
        mine = judged[seat]
        log_policy = self._log_policy(self.game.policies[seat], own, mine.seen)
        log_probs = seeing.of_actions(log_policy, mine.seen)
        advantages = seeing.standardised(mine.advantages, mine.seen)
        assumed = sum(self.assumed(each, log_probs, unit) for other, each in enumerate(judged) if other != seat)
        gain = advantages * (log_probs + self.weight * assumed) + self.entropy_weight * seeing.entropy(log_policy)
        gain = gain - self.weight * self.counterfactual * _of_own_action(mine) * assumed
        return seeing.mean_over_steps(gain, mine.seen)

    def assumed(self, other: Judged, log_probs: Array, unit: Array) -> Array:
        """Log-probabilities f32[B, T] of another player's actions in its assumed policy, differentiable in the own
        log-probabilities f32[B, T]."""
        returns = jax.vmap(shaped_returns, in_axes=(0, 0, 0, 0, None, None))(
            log_probs, other.values + other.advantages, other.advantages, other.seen.discounts, self.reach,
            self.current_reward,
        )  # fmt: skip
        taken = other.seen.actions[..., None] == jnp.arange(other.action_values.shape[-1])
        values = jnp.where(taken, returns[..., None], other.action_values)
        return seeing.of_actions(jax.nn.log_softmax(values / (self.temperature * unit)), other.seen)

    def _sides(self, x: Array, episodes: Episodes) -> tuple[Side, ...]:
        """The side of every player of x f32[P, D] in the episodes."""

        def one(seat: int) -> Side:
            seen, player = seeing.seen_by(self.game, episodes, seat), self.game.players[seat]
            log_policy = self._log_policy(player, jax.lax.stop_gradient(x[seat]), seen)
            return Side(seen, jnp.exp(log_policy))

        return tuple(map(one, range(len(x))))

    def _against_former(self, seat: int, former: Former | None, x: Array, count: int, key: Array) -> tuple[Side, ...]:
        """The sides of all players in further episodes of the player in `seat` and of former policies of the others;
        () if there are none. count: the number of the episodes between present policies."""
        further = round(count * (1 - self.present) / self.present)
        if former is None or not further:
            return ()
        groups = min(GROUPS, further)
        game = attrs.evolve(self.game, episodes=further // groups)
        draw_key, play_key = jax.random.split(jax.random.fold_in(key, seat))
        rivals = remembering.drawn(former, self.every, groups, draw_key).at[:, seat].set(x[seat])
        sides = jax.vmap(lambda x, key: self._sides(x, game.play(x, key)))(rivals, jax.random.split(play_key, groups))
        return jax.tree.map(lambda leaf: leaf.reshape(-1, *leaf.shape[2:]), sides)

    def _judged(self, critic: ActionCritic, side: Side) -> Judged:
        values_of_actions = valuing.action_values(self.network, critic.numbers, side.seen, self._one_hot)
        values = jnp.sum(side.probabilities * values_of_actions, axis=-1)
        advantages = seeing.centred(seeing.advantages(side.seen, values, self.trace), side.seen)
        return Judged(side.seen, values_of_actions, values, advantages)

    def _improved(self, seat: int, before: Any, row: Array, judged: Sequence[Judged], unit: Array) -> tuple[Array, Any]:
        """The player's row of x f32[D] after a step, and the state of its optimiser."""
        size = self.game.policies[seat].policy_size
        uphill = jax.grad(self.objective)(row[:size], seat, judged, unit)
        moved, after = self._optimiser(self.rate).update(-uphill, before)
        return row.at[:size].add(moved), after

    def _fitted(self, critic: ActionCritic, judged: Judged) -> ActionCritic:
        optimiser = self._optimiser(self.critic_rate)
        return valuing.improved(
            self.network, critic, judged.seen, self._one_hot, self.critic_steps, optimiser, self.target_rate
        )

    def _log_policy(self, policy: Policy, own: Array, seen: Seen) -> Array:
        return jax.nn.log_softmax(seeing.outputs(policy, own, seen.observations, self._one_hot))

    @property
    def _one_hot(self) -> bool:
        return policy_arguments(self.game.rules)["one_hot"]

    def _optimiser(self, rate: Array | float) -> optax.GradientTransformation:
        return adam(rate, self.longest_gradient)


def shaped_returns(
    log_probs: Array,
    returns: Array,
    advantages: Array,
    discounts: Array,
    trace: Array | float,
    current_reward: bool,
) -> Array:
    """Returns f32[T] of another player from each step on, differentiable in the own log-probabilities f32[T]:

        R_t + sum_(k >= t) (d l)^(k - t) A_k (box(c_k) - box(c_(k-1))),   c_k = sum_(l = t..k) log_probs_l.

    Only the first derivative is right, that of (box(log_probs_k) - 1), which is used here. Without `current_reward` the
    reward of step t itself is a constant, and the sum begins at k = t + 1, with the factor d (d l)^(k - t - 1).

    returns R, advantages A f32[T]: of the other player. discounts d f32[T]: between each step and the next. trace: l.
    Source: Aghajohari et al. (2024), equation 7 and algorithm 1.

    >>> slope = jax.jacobian(lambda p: shaped_returns(p, *3 * [jnp.array([2.0, 4.0])], trace=1.0, current_reward=True))
    >>> slope(jnp.zeros(2)).tolist()  # the first return by both actions, 2 and 2 * 4; the second by its own
    [[2.0, 8.0], [0.0, 4.0]]
    """

    def backwards(after: Array, now: tuple[Array, Array]) -> tuple[Array, Array]:
        effect, discount = now
        return effect + discount * trace * after, after

    effects = jax.lax.stop_gradient(advantages) * (box(log_probs) - 1)
    zero = jnp.zeros_like(effects[0])
    _, following = jax.lax.scan(backwards, zero, (effects, discounts), reverse=True)
    caused = effects + discounts * trace * following if current_reward else discounts * following
    return jax.lax.stop_gradient(returns) + caused


def _of_own_action(mine: Judged) -> Array:
    """The part f32[B, T] of the player's standardised advantages that its own actions explain, Q_i(s, a_t) - V_i."""
    explained = seeing.of_actions(mine.action_values, mine.seen) - mine.values
    return seeing.centred(explained, mine.seen) / seeing.deviation(mine.advantages, mine.seen)


def _joined(sides: Sequence[Side]) -> Side:
    """All episodes of these sides in one."""
    return jax.tree.map(lambda *leaves: jnp.concatenate(leaves), *sides)


def _met_by(seat: int, judged: Judged, count: int, players: int) -> Judged:
    """The episodes in which the present policy in `seat` plays: the first `count`, in which all are present, and its
    part of the rest, of which every player has equally many."""
    further = (len(judged.values) - count) // players
    if not further:
        return judged
    own = slice(count + seat * further, count + (seat + 1) * further)
    return jax.tree.map(lambda leaf: jnp.concatenate([leaf[:count], leaf[own]]), judged)
