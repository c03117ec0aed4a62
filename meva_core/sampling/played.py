"""The base of games whose payoffs are estimated from episodes: all that does not depend on which episodes are played.

Shapes: P players, D numbers per policy, N different observations, A actions, T steps, B episodes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array
from jax.scipy.special import logit

from meva_core.contracts import Episodes, Game, Policy, SampledGame, between, component, one_of, part, static
from meva_core.errors import BadCombination
from meva_core.ops import dice, loaded_dice, returns_to_go, score_function
from meva_core.sampling.scripted import Scripted
from meva_core.sampling.situations import choice_names, probabilities_after
from meva_core.sampling.with_policies import WithPolicies, fresh

SURE = 30.0  # a logit of an action that is always, or never, taken
SHOWN = 0  # the seed of the episodes that stand for all where a game shows one payoff, and not an estimate


@component
class PlayedGame(Game):
    """A game made of rules and of a policy for each seat.

    Payoffs are sums of rewards with weights discount^t, divided by the sum of these weights (so 1/T each at discount
    1). `estimator` and `baseline` define the surrogate whose value and derivatives estimate them (see `ops.dice` and
    `ops.loaded_dice`; with `ops.score_function`, the ablation, only first derivatives are right): the baseline `mean`
    of a step is the mean return to go of the other episodes.

    A row of x may also play by a script of the rules: `strategies` has these rows. Tables at named observations can say
    what a script does; for other policies the last number of a row chooses a script.

    If the rules have an exact game and no policy has memory, `payoff` is that game's, and so is all that evaluations
    show. Otherwise it is an estimate from the episodes of `play_shown`, always drawn with the same key.

    References:
        Foerster et al. (2018), DiCE: The Infinitely Differentiable Monte Carlo Estimator, ICML;
        Farquhar, Whiteson & Foerster (2019), Loaded DiCE, NeurIPS;
        Kool, van Hoof & Welling (2019), Buy 4 REINFORCE Samples, Get a Baseline for Free! (the baseline).
    """

    rules: SampledGame = part()
    policies: tuple[Policy, ...] = part()
    horizon: int | None = static(default=None, doc="steps per episode; unset: the game's", check=between(1, 10**6))
    estimator: str = static(
        default="loaded_dice",
        doc="estimator of derivatives; score_function: of the first order only",
        check=one_of("loaded_dice", "dice", "score_function"),
    )
    baseline: str = static(
        default="mean",
        doc="baseline of the estimator, the mean return of other episodes",
        check=one_of("mean", "none"),
    )
    alike: bool | None = static(default=None, doc="all policies are of one kind; computed when unset")

    def __attrs_post_init__(self) -> None:
        if len(self.policies) != self.rules.num_players:
            raise BadCombination(
                f"expected a policy for each of the {self.rules.num_players} players of {type(self.rules).__name__}, "
                f"got {len(self.policies)}"
            )
        if self.alike is None:
            object.__setattr__(self, "alike", all(policy == self.policies[0] for policy in self.policies))

    # What is played.

    def play(self, x: Array, key: Array, memories: tuple | None = None) -> Episodes:
        """Episodes [B, ...] between the policies of x f32[P, D]. memories: per seat, the memory f32[B, H] with which
        its policy begins, or None to begin afresh."""
        raise NotImplementedError

    def play_shown(self, x: Array, key: Array) -> Episodes:
        """The episodes [B, ...] of x f32[P, D] from which payoffs are shown, not learnt."""
        return self.play(x, key)

    def sample(self, x: Array, key: Array) -> Array:
        """Estimated payoffs f32[P] of x f32[P, D]; the derivatives of every order estimate those of the payoffs."""
        return self.estimate(self.play(x, key))

    def estimate(self, episodes: Episodes) -> Array:
        """Estimated payoffs f32[P] of the policies that played these episodes [B, ...]; the derivatives of every order
        estimate those of the payoffs."""
        weights = jax.vmap(self.weights)(episodes.alive)
        shares = self.shares(episodes)
        returns = jax.vmap(returns_to_go)(episodes.rewards, weights)
        baselines = jnp.zeros_like(returns) if self.baseline == "none" else self.baselines(episodes, returns)
        if self.estimator == "dice":
            return shares @ jax.vmap(dice)(episodes.log_probs, episodes.rewards, weights, baselines)
        paid = jnp.einsum("b,bt,btp->p", shares, weights, episodes.rewards)
        surrogate = loaded_dice if self.estimator == "loaded_dice" else score_function
        return paid + shares @ jax.vmap(surrogate)(episodes.log_probs, returns - baselines, weights)

    def look(self, x: Array, key: Array) -> tuple[Array, dict[str, Array]]:
        """Payoffs f32[P] and outcomes of x f32[P, D]: exact if they can be, else those of episodes drawn with `key`."""
        if self.exact is not None:
            return self.exact.payoff(x), self.exact.outcomes(x)
        episodes = self.play_shown(x, key)
        return self.estimate(episodes), self._measures(episodes)

    def weights(self, alive: Array) -> Array:
        """The weight f32[T] of each step's reward in the payoff of an episode with this `alive` f32[T]."""
        weights = self.rules.discount ** jnp.arange(len(alive), dtype=alive.dtype)
        return alive * weights / jnp.sum(weights)

    def shares(self, episodes: Episodes) -> Array:
        """The weight f32[B] of each episode in the mean over all, of sum 1."""
        raise NotImplementedError

    def baselines(self, episodes: Episodes, returns: Array) -> Array:
        """The mean of the returns to go f32[B, T, P] at each step over the other episodes, f32[B, T, P]."""
        raise NotImplementedError

    @property
    def steps(self) -> int:
        """Steps per episode, T."""
        return self.rules.horizon if self.horizon is None else self.horizon

    # The game.

    @property
    def num_players(self) -> int:  # type: ignore[override]
        return self.rules.num_players

    @property
    def policy_size(self) -> int:  # type: ignore[override]
        return max(policy.policy_size for policy in self.policies) + self._has_scripts

    @property
    def players(self) -> tuple[Policy, ...]:
        """The policies as they play; the last number of a row may choose a script."""
        if not self._has_scripts:
            return self.policies
        size = self.policy_size
        each = enumerate(self.policies)
        return tuple(Scripted(policy=policy, rules=self.rules, seat=seat, size=size) for seat, policy in each)

    @property
    def symmetric(self) -> bool:  # type: ignore[override]
        return bool(self.alike) and self.rules.symmetric

    @property
    def notes(self) -> tuple[str, ...]:  # type: ignore[override]
        return self.rules.notes

    @property
    def payoff_range(self) -> Array:
        return self.rules.payoff_range

    def init(self, key: Array) -> Array:
        return fresh(self.players, key) if self.exact is None else self.exact.init(key)

    def payoff(self, x: Array) -> Array:
        return self.exact.payoff(x) if self.exact is not None else self.estimate(self._stand_ins(x))

    @property
    def entry_names(self) -> tuple[str, ...]:
        if self.exact is not None:
            return self.exact.entry_names
        if self._shows_states:
            return choice_names(self.rules)
        return tuple(f"P({name})" for name in self.rules.action_names)

    def entries(self, x: Array) -> Array:
        if self.exact is not None:
            return self.exact.entries(x)
        if self._shows_states:
            return probabilities_after(self.rules, self.players, x, 1)
        episodes = self._stand_ins(x)
        taken = episodes.actions[..., None] == jnp.arange(self.rules.num_actions)
        alive = episodes.alive[..., None, None]
        return jnp.sum(alive * taken, axis=(0, 1)) / jnp.sum(alive)

    def from_entries(self, entries: Array) -> Array | None:
        if self.exact is not None:
            return self.exact.from_entries(entries)
        if not self._by_state:
            return None
        if self.rules.num_actions == 2:
            return jnp.clip(logit(entries), -SURE, SURE)
        return jnp.clip(jnp.log(entries), -SURE)

    @property
    def strategies(self) -> Mapping[str, Any]:
        if self.exact is not None and not self._has_scripts:
            return self.exact.strategies
        if self._by_state:
            return {name: self._table_of(script) for name, script in self.rules.scripts.items()}
        rows = jnp.zeros((len(self.rules.scripts), self.policy_size))
        chosen = rows.at[:, -1].set(jnp.arange(1, len(rows) + 1))
        return dict(zip(self.rules.scripts, chosen, strict=True))

    def outcomes(self, x: Array) -> dict[str, Array]:
        if self.exact is None:
            return self._measures(self._stand_ins(x))
        return self.exact.outcomes(x)

    def best_response(self, x: Array, seat: int) -> Array | None:
        return None if self.exact is None else self.exact.best_response(x, seat)

    @property
    def exact(self) -> Game | None:
        """The exact game between these policies; None if there is none, or if a policy has memory."""
        game = self.rules.exact
        if game is None or any(policy.memory_size for policy in self.policies):
            return None
        return game if self._tables else WithPolicies(game=game, policies=self.players)

    def _stand_ins(self, x: Array) -> Episodes:
        """The episodes that stand for all where a game shows one payoff."""
        return self.play_shown(x, jax.random.key(SHOWN))

    def _measures(self, episodes: Episodes) -> dict[str, Array]:
        """The measures of the rules; NaN, like payoffs, if probabilities are: policies still act, but not as learnt."""
        broken = jnp.any(jnp.isnan(episodes.log_probs))
        return {name: jnp.where(broken, jnp.nan, share) for name, share in self.rules.measures(episodes).items()}

    @property
    def _tables(self) -> bool:
        """True if a joint policy is one of the exact game's."""
        return self.rules.exact is not None and all(policy.tabular for policy in self.policies)

    @property
    def _shows_states(self) -> bool:
        """True if policies are shown by what they do at each observation."""
        return bool(self.rules.observation_names) and not any(policy.memory_size for policy in self.policies)

    @property
    def _by_state(self) -> bool:
        """True if policies are tables of what they do at each named observation."""
        return self._shows_states and all(policy.tabular for policy in self.policies)

    @property
    def _has_scripts(self) -> bool:
        """True if the last number of a row chooses a script. Tables need none: scripts are policies among them."""
        return not (self._tables or self._by_state) and bool(self.rules.scripts)

    def _table_of(self, script: Callable[[Array, int], Array]) -> Array:
        """The tables f32[P, D] that play by a script."""

        def row(seat: int) -> Array:
            logits = jax.vmap(lambda seen: script(seen, seat))(jnp.asarray(self.rules.observations))
            return (logits[:, 1:] - logits[:, :1] if self.rules.num_actions == 2 else logits).ravel()

        return jnp.stack([row(seat) for seat in range(self.rules.num_players)])
