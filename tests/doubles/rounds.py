"""The iterated prisoner's dilemma in rounds, tables and recurrent policies: the smallest that play."""

from typing import Any

import jax
import jax.numpy as jnp
from jax.flatten_util import ravel_pytree

from meva_core.contracts import Game, Policy, SampledGame, component, leaf, part, static

STATES = jnp.eye(5)
SEEN = jnp.array([[0, 1, 2, 3, 4], [0, 1, 3, 2, 4]])  # the state of a player: own action first


@component
class Rounds(SampledGame):
    """The prisoner's dilemma, round by round. Actions 0 = D, 1 = C; states [start, DD, DC, CD, CC]."""

    horizon: int = static(default=3, doc="rounds")
    discount: float = leaf(default=0.9, doc="discount")
    exact: Any = part(default=None)

    num_actions = 2
    observation_size = 5
    symmetric = True
    observations = STATES

    @property
    def payoff_range(self):
        return jnp.full(2, 3.0)

    def reset(self, key):
        return jnp.int32(0), STATES[jnp.zeros(2, int)]

    def step(self, state, actions, key):
        state = 1 + 2 * actions[0] + actions[1]
        rewards = jnp.array([[-2.0, 0.0, -3.0, -1.0], [-2.0, -3.0, 0.0, -1.0]])[:, state - 1]
        return state, STATES[SEEN[:, state]], rewards

    def measures(self, episodes):
        return {"CC": jnp.mean(jnp.prod(episodes.actions, axis=-1) * 1.0)}


@component
class Table(Policy):
    """A logit of the second action per state."""

    policy_size = 5
    tabular = True

    def init(self, key):
        return jax.random.normal(key, (5,))

    def act(self, x, memory, observation):
        chosen = jnp.sum(x * observation)
        return jnp.stack([jnp.zeros_like(chosen), chosen]), memory


@component
class Recurrent(Policy):
    """A gated recurrent unit."""

    width: int = static(default=3, doc="width")
    observation_size: int = static(default=5, doc="numbers that it sees")
    num_actions: int = static(default=2, doc="actions")

    @property
    def memory_size(self):
        return self.width

    def _layers(self, key):
        a, b, c = jax.random.split(key, 3)
        w, o = self.width, self.observation_size
        return {
            "in": jax.random.normal(a, (o, 3 * w)) / o**0.5,
            "on": jax.random.normal(b, (w, 3 * w)) / w**0.5,
            "out": jax.random.normal(c, (w, self.num_actions)) / w**0.5,
        }

    @property
    def policy_size(self):
        return sum(leaf.size for leaf in jax.tree.leaves(jax.eval_shape(self._layers, jax.random.key(0))))

    def init(self, key):
        return ravel_pytree(self._layers(key))[0]

    def act(self, x, memory, observation):
        w, o = self.width, self.observation_size
        into = x[: 3 * o * w].reshape(o, 3 * w)
        on = x[3 * o * w : 3 * w * (o + w)].reshape(w, 3 * w)
        out = x[3 * w * (o + w) :].reshape(w, self.num_actions)
        a, b = observation @ into, memory @ on
        reset, update = jax.nn.sigmoid(a[:w] + b[:w]), jax.nn.sigmoid(a[w : 2 * w] + b[w : 2 * w])
        new = jnp.tanh(a[2 * w :] + reset * b[2 * w :])
        memory = (1 - update) * new + update * memory
        return memory @ out, memory


@component
class Truncated(Game):
    """The exact payoffs of `Rounds`: sum_t w_t r_t, by the distribution over outcomes at every step."""

    rules: Any = part()

    policy_size = 5
    symmetric = True

    def init(self, key):
        return jax.random.normal(key, (2, 5))

    def payoff(self, x):
        tables = jnp.array([[-2.0, 0.0, -3.0, -1.0], [-2.0, -3.0, 0.0, -1.0]], x.dtype)
        cooperate = jax.nn.sigmoid(jnp.stack([x[0], x[1][SEEN[1]]]))
        first = jnp.stack([1 - cooperate[0], cooperate[0]])
        second = jnp.stack([1 - cooperate[1], cooperate[1]])
        after = jnp.stack([a * b for a in first for b in second], axis=1)
        weights = self.rules.discount ** jnp.arange(self.rules.horizon, dtype=x.dtype)
        now, paid = after[0], 0.0
        for weight in weights / jnp.sum(weights):
            paid += weight * tables @ now
            now = now @ after[1:]
        return paid
