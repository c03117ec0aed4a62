"""The five contracts: Game, Learner, Training, ValueModel, Explorer.

Everything concrete is a plugin that subclasses one of these (a frozen `component`). Whatever is optional has its
default here, so the core never asks what a component can do.

Shapes: P players, D numbers per policy, H features, K outputs, C conditions, N alternatives. All functions are pure,
unbatched, and safe under jit, vmap and scan; batching is the caller's vmap.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, NoReturn, Protocol

import attrs

from meva_core.errors import BadCombination

if TYPE_CHECKING:
    from jax import Array

PyTree = Any


@attrs.frozen
class Sweep:
    """The hyper-parameter over which a learner is evaluated, its default values, and its label in tables."""

    name: str
    values: tuple[float, ...]
    label: str


def look_ahead_sweep(rate: float) -> Sweep:
    """Look-ahead rates as multiples of the learning rate, from none to well beyond it."""
    multiples = (0.0, 0.25, 0.5, 1.0, 2.0, 4.0)
    return Sweep("look_ahead_rate", tuple(m * rate for m in multiples), "look-ahead rate η")


class Game(Protocol):
    """A differentiable game. Payoffs are maximised.

    num_players: P.
    policy_size: D, of every player; smaller policies are padded.
    symmetric: True if payoff(x[perm]) == payoff(x)[perm]; then equivariant models may be used.
    plane: the interval to draw, if both players' policies are one number; else None.
    notes: lines that a run prints before it begins, about what is easily mistaken.
    family: games of one family share recipes ("iterated"), where they have none of their own.
    payoff_scale: what the family's learning rates, and whatever else is per payoff, are multiplied by in this game:
        1 / (1 - discount) in an iterated game whose payoffs are normalised by that, at its default discount.

    The last two are attributes of the class, and say nothing about a game that is made with other numbers.
    """

    num_players: int = 2
    policy_size: int
    symmetric: bool
    plane: tuple[float, float] | None = None
    notes: tuple[str, ...] = ()
    family: str | None = None
    payoff_scale: float = 1.0

    def __init_subclass__(cls, **options: Any) -> None:
        """Make every function of a joint policy check its shape while it is traced, in games of plugins as in bundled
        ones."""
        super().__init_subclass__(**options)
        for name in ("payoff", "entries", "outcomes", "best_response"):
            if hasattr(vars(cls).get(name), "__call__"):  # noqa: B004 - no property
                setattr(cls, name, _of_policies(vars(cls)[name]))

    def init(self, key: Array) -> Array:
        """A fresh joint policy, f32[P, D]."""
        _lacks(self, "init")

    def payoff(self, x: Array) -> Array:
        """Payoffs f32[P] of a joint policy f32[P, D], differentiable."""
        _lacks(self, "payoff")

    @property
    def payoff_range(self) -> Array:
        """Difference between each player's highest and lowest payoff, f32[P]: the unit of all tolerances.

        So a game in another unit of payoffs is judged alike. The default, for a game that does not know better, is the
        spread of the payoffs of 64 fresh joint policies.
        """
        return spread_of_payoffs(self)

    # For evaluations and figures; empty or None if it has no meaning in the game (as with `plane`).

    @property
    def entry_names(self) -> tuple[str, ...]:
        """Names of a policy's D numbers, as people read them."""
        return tuple(f"x[{d}]" for d in range(self.policy_size))

    def entries(self, x: Array) -> Array:
        """The numbers that `entry_names` names, f32[P, D]: probabilities if a policy holds their logits."""
        return x

    def from_entries(self, entries: Array) -> Array | None:
        """Policies f32[P, D] that people read as `entries`: logits of probabilities, saturated at 0 and 1.

        None if a policy is read as it is.
        """
        return None

    @property
    def strategies(self) -> Mapping[str, Any]:
        """Policies by name: each f32[D], or f32[P, D] if seats differ, or a function of one number that returns either.

        The function's default is used if the user gives no number.
        """
        return {}

    def outcomes(self, x: Array) -> dict[str, Array]:
        """Shares by name, each f32[]: CC, CD, DC, DD in iterated games; ending in B in the Logistic Game."""
        return {}

    def best_response(self, x: Array, seat: int) -> Array | None:
        """Policies f32[N, D] that are certain to include a best response of player `seat`; None if the game does not
        know."""
        return None


def payoff_unit(game: Game, payoff_range: Any) -> Array:
    """Number to divide payoffs by, f32[], so that the widest player's payoffs range over `payoff_range`; 1 if all
    payoffs are equal."""
    import jax.numpy as jnp

    unit = jnp.max(jnp.asarray(game.payoff_range)) / payoff_range
    return jnp.where(unit > 0, unit, 1)


def spread_of_payoffs(game: Game, count: int = 64) -> Array:
    """Highest minus lowest payoff of `count` fresh joint policies, always the same ones, f32[P]; in a symmetric game
    equal for all players."""
    import jax

    payoffs = jax.vmap(game.payoff)(jax.vmap(game.init)(jax.random.split(jax.random.key(0), count)))
    spread = payoffs.max(axis=0) - payoffs.min(axis=0)
    return jax.numpy.full_like(spread, spread.max()) if game.symmetric else spread


class Training(Protocol):
    """A learner's fit before use, one outer loop at a time; `fit` gives it seeds, progress and checkpoints.

    A step that draws `meva_core.ops.spread(batch)` has the batch shared out between devices.

    num_steps: how many outer loops.
    extended_by: the learner's hyper-parameter that sets `num_steps` and nothing else, so that a fit can be resumed with
        a larger value. None if there is none (a schedule depends on the length of the fit, say).
    """

    num_steps: int
    extended_by: str | None = None

    def init(self, key: Array) -> PyTree:
        """A fresh state."""
        ...

    def step(self, state: PyTree, key: Array) -> tuple[PyTree, dict[str, Array]]:
        """Run one outer loop; metrics are f32[]. Loop n is given the key `fold_in(seed key, n)`."""
        ...

    def params(self, state: PyTree) -> PyTree:
        """The parameters that `Learner.update` is given."""
        ...


class Learner(Protocol):
    """An update rule: the steps of every player who follows it.

    rate: the learning rate of the policies.
    training: how it is fitted before use; None for a rule without parameters.
    sweep: the hyper-parameter over which it is evaluated, if any.
    myopic: True if it follows the gradient of its own payoff and nothing else (a meta-discount of 0).
    met_as: entry name of a rule with the same steps: tournaments fit others against that rule instead. None: itself.
    plays_strategies: the hyper-parameter that takes the name of one of the game's strategies, if any.
    """

    rate: Any
    training: Training | None = None
    sweep: Sweep | None = None
    myopic: bool = False
    met_as: str | None = None
    plays_strategies: str | None = None

    def facing(self, rivals: tuple[Learner | None, ...]) -> Learner:
        """This learner as it plays against `rivals[j]` in seat j (None: against itself there)."""
        return self

    def start(self, params: PyTree, x: Array, key: Array) -> Array:
        """Its first policies, f32[P, D]; usually x itself."""
        return x

    def held(self) -> Array | None:
        """Policies f32[P, D], by seat, that it starts with and never leaves; None if it moves or starts from the given
        x."""
        return None

    def init(self, params: PyTree, x: Array, key: Array) -> PyTree:
        """The state that a trajectory from x f32[P, D] begins with, which may be drawn with `key`; () if none."""
        return ()

    def update(self, params: PyTree, state: PyTree, x: Array, key: Array) -> tuple[Array, PyTree]:
        """Steps f32[P, D] to add to x, and the new state; row i if player i follows this rule."""
        _lacks(self, "update")

    def meta_value(self, params: PyTree, x: Array) -> tuple[Array, Array] | None:
        """Learnt meta-value at x: V(x) f32[P] with discounts g f32[P], V(x) = (1 - g) f(x) + g V(x + step).

        None for a learner without one.
        """
        return None


class ValueModel(Protocol):
    """A function of the joint policy with K outputs per player.

    num_features: H, the size of what an explorer may perturb.
    """

    num_features: int

    def init(self, key: Array) -> PyTree:
        """Fresh parameters."""
        ...

    def features(self, params: PyTree, x: Array, others: Array, condition: Array) -> Array:
        """The last hidden layer: f32[P, D], f32[P, D], f32[P, C] -> f32[P, H].

        Row i reads player i's own policy from `x` and the rest from `others`: a value uses `features(x, x)`; the own
        gradients of all players come from one backward pass with `others = stop(x)`.
        """
        ...

    def head(self, params: PyTree, features: Array) -> Array:
        """Outputs of the last hidden layer: f32[P, H] -> f32[P, K]."""
        ...


class Explorer(Protocol):
    """A perturbation, drawn once per exploring trajectory; a method that perturbs nothing returns its argument."""

    def draw(self, key: Array, params: PyTree, num_features: int) -> PyTree:
        """The noise of one trajectory."""
        return ()

    def perturb_params(self, noise: PyTree, params: PyTree) -> PyTree:
        """The value model's parameters along the trajectory."""
        return params

    def perturb_features(self, noise: PyTree, features: Array) -> Array:
        """The value model's last hidden layer, f32[P, H]."""
        return features

    def perturb_step(self, noise: PyTree, step: Array, key: Array) -> Array:
        """The step taken, f32[P, D]."""
        return step


def _of_policies(method: Callable[..., Any]) -> Callable[..., Any]:
    """Wrap a game's method so that it checks the joint policy that it is called with."""

    @functools.wraps(method)
    def checked(self: Any, x: Any, *args: Any, **kwargs: Any) -> Any:
        from meva_core.contracts import shapes  # jax, which only those who compute need

        return method(self, shapes.policies(self, x), *args, **kwargs)

    return checked


def _lacks(component: Any, method: str) -> NoReturn:
    raise BadCombination(f"expected a method {method} of class {type(component).__name__}, got none")
