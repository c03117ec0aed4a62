"""Playing one episode. Shapes: P players, D numbers per policy, A actions, O numbers per observation, T steps, B
episodes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array

from meva_core.contracts import Episodes, Policy, SampledGame
from meva_core.ops import with_value
from meva_core.sampling.along import logits_along
from meva_core.sampling.with_policies import states_of

# Steps per turn of the loop: a turn has a cost of its own, but a long body compiles slowly, and that of policies with
# memory is long already.
UNROLLED = 4


def play(
    rules: SampledGame,
    policies: Sequence[Policy],
    x: Array,
    key: Array,
    horizon: int,
    continues: Array | float = 1.0,
    memories: Sequence[Array | None] | None = None,
) -> Episodes:
    """One episode [T, ...] of `horizon` steps between the policies, one per seat, of x f32[P, D].

    Only the log-probabilities can be differentiated: actions are drawn, and rewards follow from them. The memory of a
    policy is carried from step to step.

    continues: the probability that the episode goes on after a step. Its end is recorded in `alive`; the steps after it
    are played but do not count, and are not remembered.
    memories: per seat, the memory f32[H] with which its policy begins, or None to begin afresh; None: all begin afresh,
    and the episode does not say what they remember in the end.
    """
    reset_key, steps_key, actions_key, end_key = jax.random.split(key, 4)
    # All numbers are drawn at once: a generator inside the loop takes longer than the rest of a small game.
    uniform = jax.random.uniform(actions_key, (horizon, rules.num_players), x.dtype)
    alive = continues ** jnp.arange(horizon, dtype=x.dtype) > jax.random.uniform(end_key, dtype=x.dtype)
    keys = reset_key, jax.random.split(steps_key, horizon)
    alive = alive.astype(x.dtype)
    episode = unfold(rules, policies, x, keys, drawn, uniform, memories, alive, cumulative)
    return episode._replace(alive=alive)


def unfold(
    rules: SampledGame,
    policies: Sequence[Policy],
    x: Array,
    keys: tuple[Array, Array],
    choose: Callable[[Array, Array], Array],
    choices: Array,
    memories: Sequence[Array | None] | None = None,
    alive: Array | None = None,
    prepare: Callable[[Array], Array] = lambda logits: logits,
) -> Episodes:
    """One episode [T, ...], alive to its end, in which player i does choose(prepare(logits), choices[t, i]) at step t.

    keys: a key for the first state, and keys [T] for the steps. choices: [T, P]. memories: as for `play`. alive f32[T]:
    1 at steps that are remembered; None for all. prepare: what can be done once per state, from logits f32[..., A].
    """
    # A division into rows, not an index: the derivative of an index is a row of zeros but for one part, and a program
    # that needs one row's derivative would compute all.
    each = zip(jnp.split(x, len(policies)), policies, strict=True)
    rows = [row[0, : policy.policy_size] for row, policy in each]
    constant = jax.lax.stop_gradient(rows)

    each = zip(policies, constant, memories or (None,) * len(rows), strict=True)
    first_memories = tuple(policy.begin(row) if own is None else own for policy, row, own in each)

    # A policy without memory is asked once at each state of a game that has few, and not at every step.
    states = states_of(rules)
    each = zip(policies, constant, strict=True)
    tables = [
        None if states is None or policy.memory_size else prepare(logits_along(policy, row, states))
        for policy, row in each
    ]

    def act(i: int, memory: Array, observation: Array) -> tuple[Array, Array, Array | None]:
        """The prepared logits of player i at an observation, its memory afterwards, and the logits, if it was asked."""
        if (table := tables[i]) is not None:
            return jnp.matmul(observation, table, precision="highest"), memory, None
        logits, memory = policies[i].act(constant[i], memory, observation)
        return prepare(logits), memory, logits

    def step(carry: tuple, now: tuple) -> tuple:
        state, observations, before = carry
        key, choice, counts = now
        acts = [act(i, *given) for i, given in enumerate(zip(before, observations, strict=True))]
        chosen = [choose(prepared, choice[i]) for i, (prepared, *_) in enumerate(acts)]
        actions = jnp.stack(chosen).astype(jnp.int32)
        state, seen, rewards = rules.step(state, actions, key)
        after = tuple(memory for _, memory, _ in acts)
        if counts is not None:
            after = tuple(jnp.where(counts > 0, new, old) for new, old in zip(after, before, strict=True))
        return (state, seen, after), (observations, actions, rewards, [logits for *_, logits in acts])

    state, first = rules.reset(keys[0])
    counts = None if memories is None else alive
    (_, final, last), found = jax.lax.scan(
        step,
        (state, first, first_memories),
        (keys[1], choices, counts),
        unroll=1 if any(policy.memory_size for policy in policies) else UNROLLED,
    )
    observations, actions, rewards, given = found

    # Policies are asked again for their logits, so that no derivative runs through the loop above, which has the game
    # in it. One without memory is asked at all steps at once, or at all states. Where no derivative is taken, the
    # answers from the loop are enough.
    def log_probs(i: int, policy: Policy) -> Array:
        seen, taken = observations[:, i], actions[:, i]
        if states is not None and not policy.memory_size:
            return _log_prob_at(logits_along(policy, rows[i], states), seen, taken)
        begun = None if memories is None or memories[i] is None else jax.lax.stop_gradient(first_memories[i])
        return with_value(log_prob(logits_along(policy, rows[i], seen, begun), taken), log_prob(given[i], taken))

    along = jnp.stack([log_probs(i, policy) for i, policy in enumerate(policies)], axis=1)
    played = Episodes(observations, actions, rewards, along, jnp.ones(len(choices), x.dtype), final)
    return played if memories is None else played._replace(memories=last)


def replayed(game: Any, seat: int, row: Array, episodes: Episodes) -> Episodes:
    """Episodes [B, ...] with the log-probabilities that the numbers `row` f32[D] of the player in `seat` give to its
    actions, differentiable in them; its policy begins each episode afresh.

    So learners that are given episodes can differentiate the game's `estimate` of them.
    """
    policy = game.policies[seat]
    own = row[: policy.policy_size]

    def along(seen: Array, taken: Array) -> Array:
        return log_prob(logits_along(policy, own, seen), taken)

    log_probs = jax.vmap(along)(episodes.observations[:, :, seat], episodes.actions[:, :, seat])
    return episodes._replace(log_probs=episodes.log_probs.at[:, :, seat].set(log_probs))


def cumulative(logits: Array) -> Array:
    """The probabilities f32[..., A - 1] of all actions up to each but the last, given logits f32[..., A]."""
    return jnp.cumsum(jax.nn.softmax(logits), axis=-1)[..., :-1]


def drawn(cumulated: Array, uniform: Array) -> Array:
    """The action i32[] with these `cumulative` probabilities f32[A - 1] at a number drawn from [0, 1)."""
    return jnp.sum(uniform >= cumulated)


def log_prob(logits: Array, actions: Array) -> Array:
    """Log-probabilities f32[...] of actions i32[...] with logits f32[..., A]."""
    return _at(jax.nn.log_softmax(logits), actions)


def _log_prob_at(logits: Array, observations: Array, actions: Array) -> Array:
    """Log-probabilities f32[T] of actions i32[T] at observations f32[T, N], rows of the identity matrix, where `logits`
    f32[N, A] are those at each row: a policy is asked N times, and not at all steps of all episodes."""
    found = jnp.matmul(observations, jax.nn.log_softmax(logits), precision="highest")
    return _at(found, actions)


def _at(outputs: Array, actions: Array) -> Array:
    """The outputs f32[...] at the actions i32[...], of outputs f32[..., A]."""
    # A choice between numbers, not an index: the derivative of an index scatters, which is slow.
    return jnp.sum(jnp.where(actions[..., None] == jnp.arange(outputs.shape[-1]), outputs, 0), axis=-1)
