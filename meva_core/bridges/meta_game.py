"""The game of learning as an environment of gymnasium, for agents of any library: `MetaGame`, and many at once.

`import meva_core.bridges.meta_game` registers both as "meva/MetaGame-v0". Shapes: P players, D numbers per policy,
N environments.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any, ClassVar, NamedTuple

import attrs
import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from meva_core.bridges.against import match_against
from meva_core.compute.progress import Progress
from meva_core.contracts import conversion, shapes
from meva_core.errors import BadValue, Diverged, in_short, optional
from meva_core.match import Going, Match, advance, begin, start
from meva_core.registry import attribution

gymnasium = optional("gymnasium")
AutoresetMode = gymnasium.vector.AutoresetMode

ID = "meva/MetaGame-v0"


class _Matches(NamedTuple):
    """N matches under way: every leaf of `going` is [N, ...]. keys [N]: of their steps."""

    going: Going
    keys: Array


class _Rules:
    """The steps of N meta-games of one match, and the spaces of one."""

    def __init__(self, horizon: int, reach: float, seat: Any, match: Match) -> None:
        self.horizon, self.reach, self.match, self.seat = horizon, reach, match, int(seat)
        own, everyone = match.game.policy_size, match.game.num_players * match.game.policy_size
        self.actions = gymnasium.spaces.Box(-1.0, 1.0, (own,), np.float32)
        self.observations = gymnasium.spaces.Box(-1.0, 1.0, (everyone,), np.float32)

    def reset(self, keys: Array) -> tuple[_Matches, np.ndarray]:
        """Fresh matches, and what their seat sees f32[N, P D]."""
        matches, seen = _fresh(self.seat, self.match, keys)
        return matches, np.array(seen)

    def step(self, matches: _Matches | None, actions: np.ndarray, time: int) -> tuple[_Matches, np.ndarray, np.ndarray]:
        """The matches after one more step with these actions f32[N, D], what their seat sees f32[N, P D], and the
        payoffs f32[N, P]."""
        if matches is None:
            raise BadValue("expected a reset before the first step, got none: call reset")
        after, seen, payoffs = _stepped(self.seat, self.match, matches, self.reach * actions, time)
        seen, payoffs = np.array(seen), np.array(payoffs)  # copies, since some libraries want to write to them
        if not np.all(np.isfinite(seen)) or not np.all(np.isfinite(payoffs)):
            raise Diverged(f"step {time + 1} of the meta-game is no finite number: lower the opponents' step sizes")
        return after, seen, payoffs


class MetaGame(gymnasium.Env):
    """A game whose every step is a step of learning: the action is an own policy, and the others learn.

    action f32[D], from -1 to 1 (beyond it, it is clipped): the numbers of the own policy, divided by `reach`. In
    iterated games they are logits, so with the default reach of 5 probabilities go from 0.7 % to 99.3 %.
    observation f32[P D]: tanh(x / 2) of all numbers x of the present policies, the own first, then those of the other
    seats in their order. If x is the logit of a probability p, that is 2 p - 1.
    reward: the own payoff when the chosen policy meets those that the others have learnt meanwhile. They take their
    step from the policies of the observation, as in M-FOS. info["payoffs"] f32[P] has everybody's.
    An episode begins at a fresh joint policy of the game. It is truncated after `horizon` steps, and never terminated.

    game, policy, sampled and set: as `meva.run` has them. opponents: one for all other seats, or one for each, in the
    order of the seats: names, learners or their classes, with the hyper-parameters of their recipes, or results of
    `meva.fit`. Learners that need a fit, such as "meva", are fitted here, for self-play and with this `seed`; that may
    take minutes. progress: as in `meva.fit`, True shows it. Results of `meva.fit` are not fitted again.

    One environment is for any library's agents; `MetaGames` steps many at once: 256 take little longer than one. Raises
    MevaError on bad input, Diverged if the others diverge.

    >>> import numpy as np
    >>> from meva_core.bridges.meta_game import MetaGame
    >>> env = MetaGame("hamiltonian", "naive", reach=2.0, set={"opponent.rate": 0.5})  # f1 = -a b, f2 = a b
    >>> observation, info = env.reset(seed=0)
    >>> observation, reward, terminated, truncated, info = env.step(np.array([1.0]))
    >>> round(2 * float(np.arctanh(observation[0])), 4)  # a: the reach times the action
    2.0

    References:
        Lu, Willi, Schroeder de Witt & Foerster (2022), Model-Free Opponent Shaping, ICML (section 4).
    """

    metadata: ClassVar[dict[str, Any]] = {"render_modes": []}

    @attribution.named()
    def __init__(
        self,
        game: Any,
        opponents: Any,
        *,
        seat: int = 0,
        horizon: int = 100,
        reach: float = 5.0,
        policy: Any = None,
        sampled: bool = False,
        seed: int = 0,
        set: Mapping[str, Any] | None = None,
        progress: Progress | bool | None = None,
    ) -> None:
        horizon, reach = shapes.whole("horizon", horizon, 1), conversion.convert(reach, float, "reach")
        if not 0 < reach < np.inf:
            raise BadValue(f"expected a positive number, got {reach:g} @ reach")
        match = match_against(
            game, opponents, seat, policy=policy, sampled=sampled, seed=seed, set=set, progress=progress
        )
        self._rules, self._time = _Rules(horizon, reach, seat, match), 0
        self._matches: _Matches | None = None
        self.action_space, self.observation_space = self._rules.actions, self._rules.observations

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[np.ndarray, dict]:
        """A fresh start: the observation f32[P D], and {}."""
        super().reset(seed=seed)
        self._time = 0
        self._matches, seen = self._rules.reset(_keys(self.np_random, 1))
        return seen[0], {}

    def step(self, action: Any) -> tuple[np.ndarray, float, bool, bool, dict]:
        """One step of learning: observation f32[P D], reward, terminated (never), truncated, info."""
        rules, chosen = self._rules, _clipped(action, self.action_space.shape)
        self._matches, seen, payoffs = rules.step(self._matches, chosen[None], self._time)
        self._time += 1
        return seen[0], float(payoffs[0, rules.seat]), False, self._time >= rules.horizon, {"payoffs": payoffs[0]}


class MetaGames(gymnasium.vector.VectorEnv):
    """`num_envs` meta-games in one program, by vmap; the other arguments are those of `MetaGame`.

    All end at the same step, and the step after that begins new ones (`AutoresetMode.NEXT_STEP`).
    """

    metadata: ClassVar[dict[str, Any]] = {
        "render_modes": [],
        "autoreset_mode": AutoresetMode.NEXT_STEP,
    }

    @attribution.named()
    def __init__(self, game: Any, opponents: Any, *, num_envs: int = 1, **arguments: Any) -> None:
        self.num_envs = shapes.whole("num_envs", num_envs, 1)
        self._rules, self._time = MetaGame(game, opponents, **arguments)._rules, 0
        self._matches: _Matches | None = None
        self.single_action_space, self.single_observation_space = self._rules.actions, self._rules.observations
        self.action_space = gymnasium.vector.utils.batch_space(self.single_action_space, self.num_envs)
        self.observation_space = gymnasium.vector.utils.batch_space(self.single_observation_space, self.num_envs)

    def reset(
        self, *, seed: int | list[int | None] | None = None, options: dict[str, Any] | None = None
    ) -> tuple[np.ndarray, dict]:
        """Fresh starts: the observations f32[N, P D], and {}. seed: one number for all N."""
        if isinstance(seed, list):
            raise BadValue(f"expected one seed for all environments, got {seed}")
        super().reset(seed=seed)
        self._time = 0
        self._matches, seen = self._rules.reset(_keys(self.np_random, self.num_envs))
        return seen, {}

    def step(self, actions: Any) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, dict]:
        """One step of learning in each: observations f32[N, P D], rewards f64[N], terminated (never), truncated,
        infos."""
        nowhere = np.zeros(self.num_envs, bool)
        if self._time >= self._rules.horizon:
            seen, infos = self.reset()
            return seen, np.zeros(self.num_envs), nowhere, nowhere, infos
        chosen = _clipped(actions, self.action_space.shape)
        self._matches, seen, payoffs = self._rules.step(self._matches, chosen, self._time)
        self._time += 1
        over = np.full(self.num_envs, self._time >= self._rules.horizon)
        infos = {"payoffs": payoffs, "_payoffs": ~nowhere}
        return seen, payoffs[:, self._rules.seat].astype(float), nowhere, over, infos


def _keys(random: np.random.Generator, count: int) -> Array:
    """Keys [N] of the matches that begin now."""
    return jax.random.split(jax.random.key(int(random.integers(2**31))), count)


def _clipped(action: Any, shape: tuple[int, ...] | None) -> np.ndarray:
    """An agent's action, or several, as f32[shape] from -1 to 1."""
    try:
        numbers = np.asarray(action)
    except (TypeError, ValueError) as error:  # rows of several lengths, say
        raise BadValue(f"expected an action of shape {shape}, got one that is no array: {in_short(error)}") from error
    if numbers.shape != shape:
        raise BadValue(f"expected an action of shape {shape}, got shape {numbers.shape}")
    if numbers.dtype.kind not in "biuf" or not np.all(np.isfinite(numbers)):
        raise BadValue(f"expected an action of finite numbers, got {numbers.ravel().tolist()!r:.120}")
    return np.clip(numbers.astype(float), -1, 1).astype(np.float32)


@partial(jax.jit, static_argnums=0)
def _fresh(seat: int, match: Match, keys: Array) -> tuple[_Matches, Array]:
    def one(key: Array) -> _Matches:
        start_key, state_key, step_key = jax.random.split(key, 3)
        return _Matches(begin(match, start(match, start_key), state_key), step_key)

    matches = jax.vmap(one)(keys)
    return matches, _seen(seat, matches.going.x)


@partial(jax.jit, static_argnums=0)
def _stepped(seat: int, match: Match, matches: _Matches, chosen: Array, time: Any) -> tuple[_Matches, Array, Array]:
    def one(going: Going, policy: Array, key: Array) -> tuple[Going, Array]:
        own = attrs.evolve(match.players[0], params=policy)
        of_step = attrs.evolve(match, players=(own, *match.players[1:]))
        after, payoffs, _ = advance(of_step, going, jax.random.fold_in(key, time))
        return after, payoffs

    going, payoffs = jax.vmap(one)(matches.going, chosen, matches.keys)
    return _Matches(going, matches.keys), _seen(seat, going.x), payoffs


def _seen(seat: int, x: Array) -> Array:
    """The observations f32[N, P D] of a seat at the joint policies f32[N, P, D]."""
    own_first = jnp.concatenate([x[:, seat : seat + 1], x[:, :seat], x[:, seat + 1 :]], axis=1)
    return jnp.tanh(own_first / 2).reshape(len(x), -1)


gymnasium.register(ID, entry_point=f"{__name__}:MetaGame", vector_entry_point=f"{__name__}:MetaGames")
