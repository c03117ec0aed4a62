"""The contracts of games, learners, their training, value models and explorers.

The sixth contract, of evaluations, is in `evaluation`.

Every concrete class is in a plugin and subclasses one of these as a frozen `component`. All optional members have their
defaults here, so the core never tests for them.

Shapes: P players, D numbers per policy, H features, K outputs, C conditions, N alternatives. All functions are pure,
unbatched, and safe under jit, vmap and scan; batching is the caller's vmap.
"""

from __future__ import annotations

import functools
import warnings
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, ClassVar, NoReturn, Protocol

import attrs

from meva_core.errors import BadCombination

if TYPE_CHECKING:
    from jax import Array

    from meva_core.contracts.episodes import Episodes

PyTree = Any


@attrs.frozen
class Sweep:
    """The hyper-parameter over which a learner is evaluated, and its default values.

    name: a float hyper-parameter that is a `leaf`. label: its name in sentences and below figures, "meta-discount γ".
    symbol: its name at the head of a column and next to a number, "γ"; default: the last word of the label.
    """

    name: str
    values: tuple[float, ...]
    label: str
    symbol: str = attrs.field(default=attrs.Factory(lambda self: self.label.rpartition(" ")[2], takes_self=True))

    @classmethod
    def of_multiples(cls, name: str, unit: float, label: str) -> Sweep:
        """A sweep over a rate from 0 to four times `unit`, which is another rate of the learner."""
        return cls(name, tuple(multiple * unit for multiple in (0.0, 0.25, 0.5, 1.0, 2.0, 4.0)), label)


def look_ahead_sweep(rate: float) -> Sweep:
    """Look-ahead rates as multiples of the learning rate. Deprecated: use Sweep.of_multiples(name, rate, label)."""
    warnings.warn(
        'look_ahead_sweep(rate) is deprecated: use Sweep.of_multiples("look_ahead_rate", rate, label)',
        DeprecationWarning,
        stacklevel=2,
    )
    return Sweep.of_multiples("look_ahead_rate", rate, "look-ahead rate η")


class Game(Protocol):
    """A differentiable game. Payoffs are maximised.

    num_players: P.
    policy_size: D, the same for every player; smaller policies are padded.
    symmetric: True if payoff(x[perm]) == payoff(x)[perm]; then equivariant models may be used.
    plane: the interval to draw, if both players' policies are one number; else None.
    notes: lines that a run prints before it begins, about likely misunderstandings.
    family: games of one family ("iterated") share recipes; a game's own recipes take precedence.
    payoff_scale: the factor for the family's learning rates, and for all other `per_payoff` hyper-parameters, in this
        game: 1 / (1 - discount), at the default discount, in an iterated game with payoffs normalised by 1 - discount
        that range over a few units; a tenth of it if payoffs are ten times as large.
    small: hyper-parameters with which the conformance kit builds it, `small = {"rounds": 3}`.

    The last three are attributes of the class; they do not depend on the hyper-parameters of a game.
    """

    num_players: int = 2
    policy_size: int
    symmetric: bool
    plane: tuple[float, float] | None = None
    notes: tuple[str, ...] = ()
    family: str | None = None
    payoff_scale: float = 1.0
    small: ClassVar[Mapping[str, Any]] = {}

    def __init_subclass__(cls, **options: Any) -> None:
        """Make every method that takes a joint policy check its shape during tracing, in games of all plugins."""
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

        So results do not depend on the unit of payoffs. The default, for games without an exact value, is the spread of
        the payoffs of 64 fresh joint policies.
        """
        return spread_of_payoffs(self)

    # For evaluations and figures; empty or None if it has no meaning in the game (like `plane`).

    @property
    def entry_names(self) -> tuple[str, ...]:
        """Names of a policy's E entries for people; E is D unless a policy is a network."""
        return tuple(f"x[{d}]" for d in range(self.policy_size))

    def entries(self, x: Array) -> Array:
        """The numbers that `entry_names` names, f32[P, E]: probabilities if a policy holds their logits."""
        return x

    def from_entries(self, entries: Array) -> Array | None:
        """Policies f32[P, D] whose `entries` f32[P, E] are the given ones: logits of probabilities, saturated at 0 and
        1.

        None if the entries are the policy itself, or if no formula gives the policy.
        """
        return None

    @property
    def strategies(self) -> Mapping[str, Any]:
        """Policies by name: each f32[D], or f32[P, D] if seats differ, or a function of one number that returns either.

        The function's default is used if the user gives no number.
        """
        return {}

    def outcomes(self, x: Array) -> dict[str, Array]:
        """Shares of the possible outcomes, by names that the game chooses, each f32[] from 0 to 1: for example the
        frequency of each joint action, or the basin of the policies. Names put player 1's action first."""
        return {}

    def best_response(self, x: Array, seat: int) -> Array | None:
        """Policies f32[N, D] that are certain to include a best response of player `seat`; None if the game cannot list
        such policies."""
        return None


def payoff_unit(game: Game, payoff_range: Any) -> Array:
    """Number to divide payoffs by, f32[], so that the largest range of any player's payoffs becomes `payoff_range`; 1
    if all payoffs are equal."""
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

    A step that calls `meva_core.ops.spread(batch)` shares the batch between devices.

    num_steps: the number of outer loops.
    extended_by: the learner's hyper-parameter that sets `num_steps` and nothing else, so that a fit can be resumed with
        a larger value. None if there is none (a schedule depends on the length of the fit, say).
    shown: metrics to display, name -> label, {"td_error": "TD error"}; the screen shows the first two. Default: the
        first three by name.
    linear: metrics that are always drawn on a linear axis, such as payoffs; other metrics are drawn on a logarithmic
        axis if all values are positive.
    """

    num_steps: int
    extended_by: str | None = None
    shown: Mapping[str, str] = {}
    linear: tuple[str, ...] = ()

    def init(self, key: Array) -> PyTree:
        """A fresh state."""
        ...

    def step(self, state: PyTree, key: Array) -> tuple[PyTree, dict[str, Array]]:
        """Run one outer loop; metrics are f32[]. Loop n is given the key `fold_in(seed key, n)`."""
        ...

    def params(self, state: PyTree) -> PyTree:
        """The parameters for `Learner.update`."""
        ...


class Learner(Protocol):
    """An update rule: the steps of every player who follows it.

    Optional abilities of learners are in `capabilities`.

    training: the fit before use; None for a rule without parameters.
    sweep: the hyper-parameter over which it is evaluated, if any.
    paced_by: the hyper-parameter that its steps are proportional to, `paced_by = "step"`, an attribute of the class.
        Best responses are looked for at the same number, and messages about steps that are too large name it. None if
        there is none; the default has no effect on a class without such a hyper-parameter.
    learns_from: what its steps are computed from, an attribute of the class. "payoff": exact payoffs, `game.payoff`;
        "sample": payoffs that may be estimated, `payoff_from(game, key)`; "episodes": what all players did and got in
        the episodes of a match, which `learn` receives; "nothing": neither.
    remembers: True if its policies keep their memory from the episodes of one step of a match to those of the next,
        where the game is played; an attribute of the class. `carry` may change the memory in between.
    small: hyper-parameters with which the conformance kit builds it, `small = {"batch_size": 4}`.
    """

    training: Training | None = None
    sweep: Sweep | None = None
    paced_by: ClassVar[str | None] = "rate"
    learns_from: ClassVar[str] = "payoff"
    remembers: ClassVar[bool] = False
    small: ClassVar[Mapping[str, Any]] = {}

    def start(self, params: PyTree, x: Array, key: Array) -> Array:
        """Its first policies, f32[P, D]; usually x itself."""
        return x

    def held(self) -> Array | None:
        """Policies f32[P, D], by seat, that it starts with and never changes; None if it moves or starts from x."""
        return None

    def init(self, params: PyTree, x: Array, key: Array) -> PyTree:
        """The initial state of a trajectory from x f32[P, D], which may be drawn with `key`; () if there is none."""
        return ()

    def update(self, params: PyTree, state: PyTree, x: Array, key: Array) -> tuple[Array, PyTree]:
        """Steps f32[P, D] to add to x, and the new state; row i if player i follows this rule."""
        _lacks(self, "update")

    def learn(self, params: PyTree, state: PyTree, x: Array, episodes: Episodes, key: Array) -> tuple[Array, PyTree]:
        """The result of `update`, from the episodes [B, ...] that x has just played; all learn from the same ones.

        A learner that is slow may have one more argument, `seats=None`. In a match it receives the seats in which the
        learner sits, integers from 0: the other rows of the steps are not used there, so it need not compute them.
        None: all rows are used.
        """
        return self.update(params, state, x, key)

    def carry(self, memory: Array) -> Array:
        """The memory f32[B, H] with which its policy begins the next B episodes, if it remembers."""
        return memory


class ValueModel(Protocol):
    """A function of the joint policy with K outputs per player.

    num_features: H, the number of features that an explorer may perturb.
    small: hyper-parameters with which the conformance kit builds it, `small = {"width": 8}`.
    """

    num_features: int
    small: ClassVar[Mapping[str, Any]] = {}

    def init(self, key: Array) -> PyTree:
        """Fresh parameters."""
        ...

    def features(self, params: PyTree, x: Array, others: Array, condition: Array) -> Array:
        """The last hidden layer: f32[P, D], f32[P, D], f32[P, C] -> f32[P, H].

        Row i reads player i's own policy from `x` and the rest from `others`: a value uses `features(x, x)`; one
        backward pass with `others = stop(x)` gives the gradients of all players in their own policies.
        """
        ...

    def head(self, params: PyTree, features: Array) -> Array:
        """Outputs of the last hidden layer: f32[P, H] -> f32[P, K]."""
        ...


class Explorer(Protocol):
    """A perturbation, drawn once per exploring trajectory; a method that perturbs nothing returns its argument.

    small: hyper-parameters with which the conformance kit builds it.
    """

    small: ClassVar[Mapping[str, Any]] = {}

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
    """Wrap a game's method so that it checks the joint policy that it receives."""

    @functools.wraps(method)
    def checked(self: Any, x: Any, *args: Any, **kwargs: Any) -> Any:
        from meva_core.contracts import shapes  # imports jax, which only computations need

        return method(self, shapes.policies(self, x), *args, **kwargs)

    return checked


def _lacks(component: Any, method: str) -> NoReturn:
    raise BadCombination(f"expected a method {method} of class {type(component).__name__}, got none")
