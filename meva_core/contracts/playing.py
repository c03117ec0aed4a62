"""The contracts of games that are played, and of the policies that act in them. `episodes` has what happens then.

Shapes: P players, D numbers per policy, A actions, O numbers per observation, N different observations, H numbers of
memory, T steps per episode, B episodes. All functions are pure, unbatched, and safe under jit, vmap and scan.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Collection, Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Protocol, runtime_checkable

from meva_core.contracts.protocols import Learner
from meva_core.errors import BadCombination

if TYPE_CHECKING:
    from jax import Array

    from meva_core.contracts.episodes import Episodes
    from meva_core.contracts.frames import Frames

PyTree = Any


class SampledGame(Protocol):
    """The rules of a game that is played in steps, in which all players act at once.

    A game never restarts by itself, and every reward counts. Its docstring is its specification.

    num_players: P. num_actions: A, the same for every player. observation_size: O.
    horizon: the number of steps per episode, T, unless a user sets another.
    discount: weight of a step's reward relative to that of the step before it, from 0 to 1.
    symmetric: True if exchanging the players changes nothing but their names.
    exact: the differentiable `Game` of which this is the sample; None if there is none.
    observations: all observations that a player may have, f32[N, O]; None if they are too many to list.
    observation_names: short names of `observations`, ("DD", "DC", "CD", "CC"). With them, and
        without an exact game, policies without memory are shown by their probabilities at each, and tables can be set
        by probabilities.
    action_names: names of the actions for people.
    notes, family, payoff_scale, small: as in `Game`.
    """

    num_players: int = 2
    num_actions: int
    observation_size: int
    horizon: int
    discount: Any
    symmetric: bool
    exact: Any = None
    observations: Any = None
    observation_names: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    family: str | None = None
    payoff_scale: float = 1.0
    small: ClassVar[Mapping[str, Any]] = {}

    def reset(self, key: Array) -> tuple[PyTree, Array]:
        """The first state of an episode, and what every player sees, f32[P, O]."""
        ...

    def step(self, state: PyTree, actions: Array, key: Array) -> tuple[PyTree, Array, Array]:
        """The next state, what every player sees then, f32[P, O], and the rewards f32[P]. actions: i32[P]."""
        ...

    @property
    def payoff_range(self) -> Array:
        """Difference between each player's highest and lowest payoff per step, f32[P]: the unit of all tolerances."""
        ...

    @property
    def action_names(self) -> tuple[str, ...]:
        """Names of the actions."""
        return tuple(map(str, range(self.num_actions)))

    def measures(self, episodes: Episodes) -> dict[str, Array]:
        """Shares of what happened in episodes [B, ...], by names that the game chooses, each f32[] from 0 to 1: the
        frequency of every joint action, the share of coins that went to their owner."""
        return {}

    @property
    def scripts(self) -> Mapping[str, Callable[[Array, int], Array]]:
        """Rule-based players by name: each a function of an observation f32[O] and the player's seat, which returns
        logits of the actions f32[A]."""
        return {}

    def frames(self, episode: Episodes) -> Frames | None:
        """One episode [T, ...], of numpy arrays, as boards that the page of a run shows one after the other; None if
        the game has no picture."""
        return None


class Policy(Protocol):
    """The meaning of a player's D numbers: how they act. The numbers of a network are flattened.

    Composition supplies the arguments, as far as a class has fields with these names: `observation_size`, O;
    `num_actions`, A; `one_hot`, True if an observation is one of O states, written as a row of the identity matrix.

    policy_size: D. memory_size: H, 0 for a policy without memory.
    condition_size: the count of its last numbers that are not weights: there a learner writes what the policy is to
        know in the next episodes. 0 for most policies.
    tabular: True if the numbers are tables as the exact games have them without a policy: composition then leaves an
        exact game as it is. An attribute of the class.
    small: hyper-parameters with which the conformance kit builds it, `small = {"width": 4}`.
    """

    policy_size: int
    memory_size: int = 0
    condition_size: int = 0
    tabular: ClassVar[bool] = False
    small: ClassVar[Mapping[str, Any]] = {}

    def init(self, key: Array) -> Array:
        """Fresh numbers, f32[D]."""
        ...

    def begin(self, x: Array) -> Array:
        """The memory f32[H] with which the numbers x f32[D] begin an episode."""
        import jax.numpy as jnp

        return jnp.zeros((self.memory_size,), x.dtype)

    def act(self, x: Array, memory: Array, observation: Array) -> tuple[Array, Array]:
        """Logits of the actions f32[A] of the numbers x f32[D] with the memory f32[H], who see f32[O]; and the memory
        afterwards. Logits may differ by any constant. With two actions, the bundled policies give (0, z)."""
        ...


@runtime_checkable
class Playable(Protocol):
    """The capability of an exact game to be played: its policies are tables over a few observations, so policies of
    other kinds can play it too, and it can be sampled."""

    def rules(self) -> SampledGame:
        """The game as rules. `exact` is this game, and `observations` are the states that its policies distinguish."""
        ...

    def from_logits(self, logits: Array) -> Array:
        """The joint policy f32[P, D] that acts by these logits of actions, f32[P, N, A], at `rules().observations`."""
        ...


@runtime_checkable
class GivesLogits(Protocol):
    """The capability of a game to say how its policies act: the inverse of `Playable.from_logits`, which games whose
    policies are networks have too. Learners that measure distances between policies by what they do need it."""

    def to_logits(self, x: Array) -> Array:
        """Logits of the actions f32[P, N, A] of a joint policy x f32[P, D], at each of the N states that its policies
        distinguish; differentiable, and finite: an action that a player does not have is merely very unlikely."""
        ...


@runtime_checkable
class Sampled(Protocol):
    """The capability of a game whose payoffs are estimated from episodes."""

    @property
    def rules(self) -> SampledGame:
        """The rules of the game that is played."""
        ...

    @property
    def policies(self) -> tuple[Policy, ...]:
        """The policy of each seat."""
        ...

    @property
    def players(self) -> tuple[Policy, ...]:
        """The policy of each seat as it acts with a whole row of x f32[D], which may choose a rule-based player."""
        ...

    @property
    def exact(self) -> Any:
        """The exact game between these policies; None if there is none."""
        ...

    def sample(self, x: Array, key: Array) -> Array:
        """Estimated payoffs f32[P] of a joint policy f32[P, D], drawn with a key; its derivatives of every order in x
        estimate those of the payoffs without bias."""
        ...

    def play(self, x: Array, key: Array, memories: tuple | None = None) -> Episodes:
        """Episodes [B, ...] between the policies of x f32[P, D].

        memories: per seat, the memory f32[B, H] with which its policy begins the episodes, or None to begin afresh.
        """
        ...

    def estimate(self, episodes: Episodes) -> Array:
        """The payoffs f32[P] that `sample` returns, with their derivatives, from episodes [B, ...] of `play`."""
        ...

    def shares(self, episodes: Episodes) -> Array:
        """The weight f32[B] of each episode in the mean over all, of sum 1."""
        ...

    def weights(self, alive: Array) -> Array:
        """The weight f32[T] of each step's reward in the payoff of an episode with this `alive` f32[T]."""
        ...


def payoff_from(game: Any, key: Array) -> Callable[[Array], Array]:
    """The payoffs of a game as a function of x f32[P, D] alone: exact, or if the game is sampled, drawn with `key`.

    Use one key per evaluation that is differentiated, and different keys for factors that are multiplied.
    """
    if not isinstance(game, Sampled):
        return game.payoff
    return lambda x: game.sample(x, key)


def learns_from(learner: Any) -> str:
    """`Learner.learns_from` of a learner, or of its class, which need not have the contract as its base."""
    return getattr(learner, "learns_from", Learner.learns_from)


def check_source(learner: Any, game: Any) -> None:
    """Raise BadCombination if a learner learns from episodes, and its game is not one that is played."""
    if learns_from(learner) == "episodes" and not isinstance(game, Sampled):
        raise BadCombination(
            f"{type(learner).__name__} learns from episodes: expected a game that is played (--sampled, or "
            f"meva_core.sampling.Rollouts), got {type(game).__name__}"
        )


def check_gives_logits(game: Any, what: str) -> None:
    """Raise BadCombination if a game does not say how its policies act, which `what` needs."""
    if not isinstance(game, GivesLogits):
        raise BadCombination(
            f"expected a game whose policies are probabilities of actions (with a method to_logits) for {what}, got "
            f"{type(game).__name__}: try an iterated game, without --sampled"
        )


def takes_seats(learner: Any) -> bool:
    """True if `learn` of this learner has the argument `seats`."""
    return "seats" in inspect.signature(learner.learn).parameters


def seats_or_all(seats: Collection[int] | None, x: Array) -> Collection[int]:
    """The seats whose steps are used: those that `learn` was told, or if it was told none, all rows of x f32[P, D]."""
    return range(len(x)) if seats is None else seats


class EpisodeLearner(Learner):
    """Base of the learners that learn from the episodes of a match, and so need a game that is played.

    They define `learn` in place of `update`. Raises BadCombination if the part `game` is not a game that is played.
    """

    learns_from: ClassVar[str] = "episodes"

    def __attrs_post_init__(self) -> None:
        if (game := getattr(self, "game", None)) is not None:
            check_source(self, game)

    def update(self, params: PyTree, state: PyTree, x: Array, key: Array) -> tuple[Array, PyTree]:
        """Raises BadCombination: there are no episodes here."""
        raise BadCombination(
            f"{type(self).__name__} learns from episodes: expected a call of learn, with episodes, got one of update"
        )

    def learn(self, params: PyTree, state: PyTree, x: Array, episodes: Episodes, key: Array) -> tuple[Array, PyTree]:
        """Steps f32[P, D] to add to x, and the new state, from the episodes [B, ...] that x has just played.

        It may have one more argument, `seats=None`, the seats whose steps are used: see `Learner.learn`, and
        `seats_or_all`.
        """
        raise BadCombination(f"expected a method learn of class {type(self).__name__}, got none")
