"""Best response shaping with a learnt best response, on exact games and from episodes.

Shapes: P = 2 players, D numbers per policy, N states, A actions, K = N A questions, B agents in a buffer, M in a batch.
"""

from __future__ import annotations

from typing import Any, ClassVar, NamedTuple

import jax
import jax.numpy as jnp
import optax
from jax import Array

from meva_best_response import detective
from meva_best_response.replies import SURE, of_tables
from meva_best_response.self_play import check_weight, weighted
from meva_core.contracts import (
    Game,
    Learner,
    Sampled,
    at_least,
    component,
    leaf,
    not_negative,
    part,
    payoff_from,
    positive,
    static,
)
from meva_core.errors import BadCombination
from meva_core.sampling import WithPolicies, rules_of

LOUDNESS = 8.0  # of the answers, which are shares of the payoffs' range, mostly below a tenth


class Knowledge(NamedTuple):
    """The knowledge of a detective: its network, the optimiser's state, agents f32[B, D] to learn from, and how many
    have been added to them, i32[]."""

    layers: Any
    optimiser: Any
    agents: Array
    count: Array


@component
class DetectiveShaping(Learner):
    """Player i ascends its payoff against a network that learns best responses, and against itself:

        f_i(x_i, b(q(x_i))) + w f_i(x_i, x_i).

    The network b, the detective, sees answers q to questions about x_i: what both players would get if the other player
    acted at random but for one action at one state. It gives the other player's logits. At each step it first takes
    some steps of Adam on its own payoff against agents from a buffer, disturbed by noise, and against x_i. The gradient
    of player i goes through the answers and the network. The detective of a player is in the learner's state; what the
    other player really plays has no effect.

    On a game whose payoffs are estimated from episodes, all answers and payoffs are estimates from episodes of their
    own, which are differentiated by DiCE. A network of estimates is biased, the less the more episodes there are.

    References:
        Aghajohari, Cooijmans, Duque, Akatsuka & Courville (2024), Best Response Shaping, RLJ. Their questions are about
        states along the game; these are about the whole game.
    """

    game: Game = part()
    rate: float = leaf(default=1.0, doc="learning rate", check=positive, per_payoff=True)
    self_play_weight: float | None = leaf(
        default=None,
        doc="w, weight of the payoff against itself; unset: 1 in a symmetric game, else 0",
        check=not_negative,
    )
    detective_rate: float = leaf(default=0.01, doc="learning rate of Adam for the detective", check=positive)
    detective_steps: int = static(default=4, doc="steps of the detective per step", check=at_least(1))
    batch_size: int = static(default=16, doc="M, agents in a step of the detective", check=at_least(1))
    buffer_size: int = static(default=256, doc="B, agents that are kept", check=at_least(1))
    noise: float = leaf(default=1.0, doc="standard deviation of the noise on agents", check=not_negative)
    width: int = static(default=32, doc="H, units in each of the detective's two hidden layers", check=at_least(1))

    learns_from = "sample"
    small: ClassVar = {"detective_steps": 1, "batch_size": 2, "buffer_size": 4, "width": 4}

    def __attrs_post_init__(self) -> None:
        of_tables(self._tables())
        check_weight(self.self_play_weight, self.game)

    def init(self, params: Any, x: Array, key: Array) -> Knowledge:
        def of_seat(seat: Any) -> Knowledge:
            for_network, for_agents = jax.random.split(jax.random.fold_in(key, seat))
            states, actions = self._shape()
            sizes = (2 * states * actions, self.width, self.width, states * actions)
            layers = jax.tree.map(lambda leaf: leaf.astype(x.dtype), detective.fresh(for_network, sizes))
            keys = jax.random.split(for_agents, self.buffer_size)
            agents = jax.vmap(lambda key: self.game.init(key)[seat])(keys).astype(x.dtype)
            return Knowledge(layers, self._adam().init(layers), agents, jnp.zeros((), jnp.int32))

        return jax.lax.map(of_seat, jnp.arange(2))

    def update(self, params: Any, state: Knowledge, x: Array, key: Array) -> tuple[Array, Knowledge]:
        def of_seat(seat: Any) -> tuple[Array, Knowledge]:
            first, second = jax.random.split(jax.random.fold_in(key, seat))
            before = jax.tree.map(lambda leaf: leaf[seat], state)
            layers, optimiser = self._taught(before, x[seat], seat, first)
            agents = before.agents.at[before.count % self.buffer_size].set(x[seat])
            step = self.rate * jax.grad(self.worth)(x[seat], seat, layers, second)
            return step, Knowledge(layers, optimiser, agents, before.count + 1)

        # A loop over seats: copies of this program would take as many times as long to compile.
        return jax.lax.map(of_seat, jnp.arange(2))

    def worth(self, own: Array, seat: Any, layers: Any, key: Array) -> Array:
        """The objective f32[] of player `seat` with the policy `own` f32[D]."""
        first, second = jax.random.split(key)
        against = self.payoffs_against_detective(own, seat, layers, first)[seat]
        return against + weighted(payoff_from(self.game, second), own, seat, self.self_play_weight, self.game)

    def payoffs_against_detective(self, own: Array, seat: Any, layers: Any, key: Array) -> Array:
        """Payoffs f32[2] of player `seat` with the policy `own` f32[D], and of the detective."""
        to_ask, to_play = jax.random.split(key)
        logits = detective.reply(layers, self.answers(own, seat, to_ask)).reshape(self._shape())
        return payoff_from(self.game, to_play)(self._seated(own, logits, seat))

    def answers(self, own: Array, seat: Any, key: Array) -> Array:
        """Payoffs of both players if the other chooses an action at a state and else acts at random, f32[2 N A], less
        their mean over the actions at the state, as LOUDNESS times the share of the payoffs' range."""
        states, actions = self._shape()
        questions = SURE * jnp.eye(states * actions, dtype=own.dtype).reshape(-1, states, actions)

        def ask(logits: Array, key: Array) -> Array:
            return payoff_from(self.game, key)(self._seated(own, logits, seat))

        paid = jax.vmap(ask)(questions, jax.random.split(key, len(questions))) / self._unit(own)
        paid = paid.reshape(states, actions, 2)
        return LOUDNESS * (paid - jnp.mean(paid, axis=1, keepdims=True)).ravel()

    def _taught(self, before: Knowledge, own: Array, seat: Any, key: Array) -> tuple[Any, Any]:
        """The detective's network and the optimiser's state after its steps."""

        def loss(layers: Any, agents: Array, keys: Array) -> Array:
            paid = jax.vmap(lambda agent, key: self.payoffs_against_detective(agent, seat, layers, key))(agents, keys)
            return -jnp.mean(paid[:, 1 - seat]) / self._unit(own)[1 - seat]

        def step(carry: tuple[Any, Any], key: Array) -> tuple[tuple[Any, Any], None]:
            layers, optimiser = carry
            to_choose, to_disturb, to_play = jax.random.split(key, 3)
            chosen = jax.random.randint(to_choose, (self.batch_size - 1,), 0, self.buffer_size)
            agents = jnp.concatenate([before.agents[chosen], own[None]])
            agents += self.noise * jax.random.normal(to_disturb, agents.shape, agents.dtype)
            downhill = jax.grad(loss)(layers, agents, jax.random.split(to_play, self.batch_size))
            move, optimiser = self._adam().update(downhill, optimiser)
            return (optax.apply_updates(layers, move), optimiser), None

        return jax.lax.scan(step, (before.layers, before.optimiser), jax.random.split(key, self.detective_steps))[0]

    def _seated(self, own: Array, logits: Array, seat: Any) -> Array:
        """The joint policy f32[2, D] of `own` f32[D] in the seat and of these logits f32[N, A] in the other."""
        tables: Any = self._tables()
        return tables.from_logits(jnp.stack([logits, logits])).at[seat].set(own)

    def _unit(self, like: Array) -> Array:
        """The payoffs' range of each player, f32[2]; 1 if all are equal."""
        unit = jnp.asarray(self.game.payoff_range, like.dtype)
        return jnp.where(unit > 0, unit, 1)

    def _shape(self) -> tuple[int, int]:
        """The numbers of states and of actions, N and A."""
        rules = rules_of(self._tables())
        return len(rules.observations), rules.num_actions

    def _tables(self) -> Game:
        """The exact game of tables. Raises BadCombination if there is none, or if policies are of another kind."""
        game: Any = self.game
        if isinstance(game, Sampled) and game.rules.exact is None:
            raise BadCombination(
                f"expected the episodes of an exact game for a detective, got {type(game.rules).__name__}: try an "
                "iterated game"
            )
        tables = game.exact if isinstance(game, Sampled) else game
        if tables is None or isinstance(tables, WithPolicies):
            raise BadCombination(
                "expected tables as policies for a detective, which answers with tables, got "
                f"{type(game.policies[0]).__name__}: leave --policy out"
            )
        return tables

    def _adam(self) -> optax.GradientTransformation:
        return optax.adam(self.detective_rate)
