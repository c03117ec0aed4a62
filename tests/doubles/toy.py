"""A game and learners with a fit, as small as they come: for tests of what is done around them."""

from typing import Any

import jax
import jax.numpy as jnp

from meva_core.contracts import Entry, Game, Learner, Sweep, Training, component, hookimpl, leaf, part, static
from meva_core.ops import simultaneous_gradient


@hookimpl
def meva_games():
    """The game."""
    yield Entry("toy_hills", "toy:Hills", "everybody climbs, and gains a little by what the others do")


@hookimpl
def meva_learners():
    """Two learners."""
    yield Entry("toy", "toy:Toy", "ascent of one's own payoff, by a step that is drawn loop by loop")
    yield Entry("toy_foe", "toy:Foe", "the same, where others sit as a naive learner would do it")


@component
class Hills(Game):
    """Players with two numbers each."""

    num_players: int = static(default=2, doc="players")
    height: float = leaf(default=1.0, doc="of the hills")
    policy_size = 2
    symmetric = True

    def init(self, key):
        return jax.random.normal(key, (self.num_players, 2))

    def payoff(self, x):
        return self.height * jnp.sum(jnp.sin(jnp.sum(x, axis=0) - x) - x**2, axis=1)


@component
class Drawn(Training):
    """Every loop adds what it drew."""

    num_steps: int = static(default=5, doc="loops")
    width: int = static(default=3, doc="numbers that are learnt")
    scale: float = leaf(default=1.0, doc="of what is drawn, before it is squared")

    extended_by = "loops"

    def init(self, key):
        return jax.random.uniform(key, (self.width,))

    def step(self, state, key):
        state = state + (self.scale * jax.random.uniform(key, (self.width,))) ** 2
        return state, {"loss": jnp.sum(state), "payoff": jnp.mean(state)}

    def params(self, state):
        return state


@component
class Toy(Learner):
    """Ascent by as much as was learnt."""

    game: Any = part()
    rate: float = leaf(default=0.1, doc="learning rate")
    discount: float = leaf(default=0.9, doc="of what was learnt; at 0 the learner is naive")
    loops: int = static(default=5, doc="of the fit")
    width: int = static(default=3, doc="numbers that are learnt")
    scale: float = leaf(default=1.0, doc="of the numbers that are learnt; at 1e30 they diverge")

    sweep = Sweep("discount", (0.0, 0.9), "discount")
    steps_like = "naive"

    @property
    def training(self):
        return Drawn(num_steps=self.loops, width=self.width, scale=self.scale)

    def farther(self, params):
        """The length of a step, as a multiple of a naive learner's."""
        return 1 + self.discount * jnp.mean(params)

    def update(self, params, state, x, key):
        return self.rate * self.farther(params) * simultaneous_gradient(self.game.payoff, x), state


@component
class Foe(Toy):
    """Fitted against others, and naive in their seats."""

    rivals: tuple[Any, ...] = part(default=())

    steps_like = None

    def update(self, params, state, x, key):
        own = jnp.array([not self.rivals or self.rivals[n] is None for n in range(len(x))])[:, None]
        far = jnp.where(own, self.farther(params), 1.0)
        return self.rate * far * simultaneous_gradient(self.game.payoff, x), state
