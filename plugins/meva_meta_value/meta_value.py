"""The meta-value, its gradient, and the steps of players who follow it.

Shapes: P players, D numbers per policy, K quantiles.
"""

from __future__ import annotations

from typing import Any, ClassVar, cast

import attrs
import jax
import jax.numpy as jnp
from jax import Array

from meva_core.contracts import (
    Explorer,
    Facing,
    Game,
    Learner,
    Myopic,
    Sweep,
    ValueModel,
    below_one,
    between,
    check_gives_logits,
    check_source,
    component,
    derived,
    leaf,
    not_negative,
    one_of,
    part,
    payoff_from,
    payoff_unit,
    positive,
    static,
)
from meva_core.errors import BadCombination
from meva_core.ops import natural_gradient, own_gradient, simultaneous_gradient
from meva_meta_value.capability import HasMetaValue

UNPERTURBED = None  # the noise of a player who does not explore
# Folded into an exploring step's key, this gives the key of the episodes of its naive gradient. It is large, since
# fold_in(key, n) is split(key)[n], and an explorer may split the key.
EPISODES = 2**32 - 1


@component
class MetaValue(HasMetaValue, Facing, Learner):
    """A learner with a learnt meta-value and its gradient: everything in `MeVa` except the fit."""

    game: Game = part()
    value_model: Any = part(doc="builder of the network: (outputs, conditions, equivariant) -> ValueModel")
    explorer: Explorer = part()
    rivals: tuple = part(default=(), doc="for each seat a Fitted rival, or None for this learner; empty: self-play")

    rate: float = leaf(default=1.0, doc="learning rate of the policies", check=positive, per_payoff=True)
    discount: float | tuple[float, ...] = leaf(
        default=0.95, doc="meta-discount: one for all players, or one per player", check=between(0, 1)
    )
    formulation: str = static(
        default="correction", doc="learnt quantity: V (value) or U (correction)", check=one_of("value", "correction")
    )
    gradient: str = static(
        default="plain",
        doc="of players: plain, or natural: independent of how numbers parameterise policies",
        check=one_of("plain", "natural"),
    )
    damping: float = leaf(
        default=0.01, doc="damping of natural gradients where policies are almost deterministic", check=positive
    )
    mixing: str = static(
        default="convex",
        doc="weight of the naive gradient: 1 - discount (convex), 1 (sum), or between the two, set by the incentive",
        check=one_of("convex", "sum", "between"),
    )
    incentive: float = leaf(
        default=0.5,
        doc="position between the two mixings, for mixing between: 0 is convex, 1 is sum",
        check=between(0, 1),
    )
    incentive_draw: str = static(
        default="fixed",
        doc="incentives of the fit: the learner's own, or drawn uniformly, like discounts, as an input of the network",
        check=one_of("fixed", "uniform"),
    )
    payoff_range: float = leaf(
        default=3.0,
        doc="range of payoffs for which the fit's hyper-parameters are set; the fit scales payoffs to it",
        check=positive,
    )
    quantiles: int = static(default=32, doc="K, quantiles of each value", check=between(1, 4096))

    loops: int = static(default=200, doc="outer loops of the fit", check=between(1, 10**9))
    batch_size: int = static(default=128, doc="trajectories per outer loop", check=between(1, 10**6))
    trajectory: int = static(default=100, doc="T, steps of an exploring trajectory", check=between(1, 10**6))
    stride: int = static(
        default=10, doc="k, steps between two updates, and length of each on-policy rollout", check=between(1, 10**6)
    )
    start_scale: float = leaf(
        default=1.0, doc="factor of the game's starts in the fit; above 1: starts further out", check=positive
    )
    rollout_from: str = static(
        default="explored",
        doc="start of on-policy rollouts: along the exploring trajectory, or at the initial draw",
        check=one_of("explored", "start"),
    )
    explore_along: str = static(
        default="value",
        doc="steps of exploring trajectories: the value's gradient, or the update (correction: naive at discount 0)",
        check=one_of("value", "update"),
    )
    discount_draw: str = static(
        default="beta",
        doc="discounts of the fit: drawn again for every rollout, or the learner's own",
        check=one_of("beta", "fixed"),
    )
    discount_concentration: float = leaf(
        default=0.5, doc="a of the Beta(a, a) distribution of discounts; below 1/2: more extreme", check=positive
    )
    far_sighted: float = leaf(
        default=0.5,
        doc="share of the fit's discounts in the upper half of their range; above 1/2: fewer naive players",
        check=between(0.5, 1),
    )
    equal_players: float = leaf(
        default=0.0,
        doc="share of the fit's rollouts in which all players have one discount and one incentive, as in self-play",
        check=between(0, 1),
    )
    highest_discount: float = leaf(
        default=1.0,
        doc="highest discount that the fit draws; below 1: hardly any endless horizons",
        check=between(0, 1),
    )
    trace_decay: float = leaf(default=0.9, doc="lambda of the lambda-returns", check=between(0, 1))
    target_inertia: float = leaf(default=0.99, doc="rho of the target network; 0: no target network", check=below_one)

    optimiser: str = static(default="adamw", doc="optimiser of the value model", check=one_of("adam", "adamw"))
    optimiser_rate: float = leaf(default=1e-3, doc="learning rate of the value model", check=positive)
    schedule: str = static(
        default="constant", doc="schedule of the optimiser's rate over the fit", check=one_of("constant", "cosine")
    )
    final_rate: float = leaf(
        default=0.02, doc="end of the cosine schedule, as a share of its start", check=between(0, 1)
    )
    beta2: float = leaf(default=0.999, doc="Adam's decay of squared gradients", check=below_one)
    weight_decay: float = leaf(default=1e-2, doc="weight decay of adamw", check=not_negative)

    learns_from = "sample"
    small: ClassVar = {"batch_size": 4, "trajectory": 4, "stride": 2, "quantiles": 4, "loops": 2}

    model: ValueModel = derived(
        lambda self: self._network(), doc="the network; equivariant if the game is symmetric and one rule plays all"
    )

    def __attrs_post_init__(self) -> None:
        if self.trajectory % self.stride:
            raise BadCombination(
                f"expected stride to divide trajectory, got stride {self.stride} and trajectory {self.trajectory}: "
                f"change learner.stride or learner.trajectory"
            )
        if self.mixing == "between" and self.formulation == "value":
            raise BadCombination(
                "expected learner.formulation = correction for learner.mixing = between, got value, which does not mix"
            )
        if self.incentive_draw == "uniform" and self.mixing != "between":
            raise BadCombination(
                f"expected learner.mixing = between for learner.incentive_draw = uniform, got {self.mixing}"
            )
        if self.gradient == "natural":
            check_gives_logits(self.game, "natural gradients")
        for rival in (each.learner for each in self.rivals if each is not None):
            check_source(rival, self.game)
            if getattr(rival, "remembers", False):
                raise BadCombination(
                    f"expected rivals who begin every episode afresh, got {type(rival).__name__}, which remembers all "
                    "episodes of a match: use learner = good_shepherd or m_fos against it"
                )
        shape, players = jnp.shape(jnp.asarray(self.discount)), self.game.num_players
        if shape not in ((), (players,)):
            raise BadCombination(f"expected one discount or one for each of {players} players, got shape {shape}")

    def _network(self) -> ValueModel:
        conditions = 2 if self.incentive_draw == "uniform" else 1
        return self.value_model(self.quantiles, conditions, self.game.symmetric and not self.rivals)

    @property
    def sweep(self) -> Sweep:
        if self.mixing == "between":
            return Sweep("incentive", (0.0, 0.25, 0.5, 0.75, 1.0), "incentive w")
        return Sweep("discount", (0.0, 0.5, 0.8, 0.9, 0.95, 0.99), "meta-discount γ")

    @property
    def unit(self) -> Array:
        """Payoff that counts as 1 in the network, f32[]."""
        return payoff_unit(self.game, self.payoff_range)

    @property
    def own_seats(self) -> tuple[bool, ...]:
        """Per seat, True if this learner sits there during its fit."""
        rivals = self.rivals or (None,) * self.game.num_players
        return tuple(rival is None for rival in rivals)

    @property
    def discounts(self) -> Array:
        """Meta-discounts f32[P]; 0 in the rivals' seats, whose rule has none."""
        discount = jnp.asarray(self.discount, dtype=float)
        return jnp.where(jnp.array(self.own_seats), discount, 0.0)

    def facing(self, rivals: tuple[Learner | None, ...]) -> MetaValue:
        """This learner with discount 0 in the seats of rivals, who must be myopic. Raises BadCombination for any other
        rival, and if it was fitted against rivals."""
        if self.rivals:
            raise BadCombination("a meta-value fitted against one rival does not hold against another: fit it again")
        for seat, rival in enumerate(rivals):
            if rival is not None and not (isinstance(rival, Myopic) and rival.myopic):
                raise BadCombination(
                    f"a meta-value fitted in self-play does not hold against {type(rival).__name__} "
                    f"in seat {seat + 1}: fit it against that learner"
                )
        each = jnp.broadcast_to(jnp.asarray(self.discount, dtype=float), (len(rivals),))
        return attrs.evolve(self, discount=jnp.where(jnp.array([r is None for r in rivals]), each, 0.0))

    def update(self, params: Any, state: Any, x: Array, key: Array) -> tuple[Array, Any]:
        discounts = self.discounts
        gradient = self._mixed(self.value_gradient(params, x, discounts), x, discounts, key)
        return self.rate * self._direction(gradient, x), state

    def explore(self, params: Any, x: Array, discounts: Array, noise: Any, key: Array) -> Array:
        """Steps f32[P, D] of exploring players.

        They follow the perturbed value's gradient, alone (footnote 2) or mixed as in an update.
        """
        gradient = self.value_gradient(params, x, discounts, noise)
        if self.explore_along == "update":
            gradient = self._mixed(gradient, x, discounts, jax.random.fold_in(key, EPISODES))
        return self.explorer.perturb_step(noise, self.rate * self._direction(gradient, x), key)

    def _mixed(self, gradient: Array, x: Array, discounts: Array, key: Array) -> Array:
        """Direction that players follow, f32[P, D], given the own gradients of the learnt value. key: for episodes."""
        if self.formulation == "value":
            return gradient
        naive = simultaneous_gradient(payoff_from(self.game, key), x)
        weight = discounts[:, None]
        own = 1.0 if self.mixing == "sum" else 1 - weight
        if self.mixing == "between":
            own += weight * self._incentives[:, None]
        return own * naive + weight * gradient

    def _direction(self, gradient: Array, x: Array) -> Array:
        """The direction f32[P, D] in which players go, given their own gradients: these, or natural ones."""
        if self.gradient == "plain":
            return gradient
        return natural_gradient(gradient, x, cast(Any, self.game).to_logits, self.damping)

    @property
    def _incentives(self) -> Array:
        """Incentives f32[P]."""
        return jnp.broadcast_to(jnp.asarray(self.incentive, dtype=float), (self.game.num_players,))

    def _conditions(self, discounts: Array) -> Array:
        """Inputs of the network in addition to policies, f32[P, C]."""
        shown = [discounts, self._incentives] if self.incentive_draw == "uniform" else [discounts]
        return jnp.stack(shown, axis=-1)

    def drawn(self, incentives: Array | None) -> MetaValue:
        """This learner at incentives f32[P]; unchanged for None, when none were drawn."""
        return self if incentives is None else attrs.evolve(self, incentive=incentives)

    def meta_value(self, params: Any, x: Array) -> tuple[Array, Array]:
        """V(x) f32[P] and the meta-discounts f32[P]; in the correction formulation V(x) = (1 - g) f(x) + g U(x)."""
        discounts = self.discounts
        learnt = self.unit * jnp.mean(self.quantile_values(params, x, x, discounts), axis=-1)
        if self.formulation == "correction":
            learnt = (1 - discounts) * self.game.payoff(x) + discounts * learnt
        return learnt, discounts

    def quantile_values(
        self, params: Any, x: Array, others: Array, discounts: Array, noise: Any = UNPERTURBED
    ) -> Array:
        """Quantiles of the learnt value in the network's unit, f32[P, K]."""
        features = self.model.features(params, x, others, self._conditions(discounts))
        if noise is not UNPERTURBED:
            features = self.explorer.perturb_features(noise, features)
        return self.model.head(params, features)

    def value_gradient(self, params: Any, x: Array, discounts: Array, noise: Any = UNPERTURBED) -> Array:
        """Own gradients of the mean over quantiles, in the game's unit, f32[P, D], in one backward pass."""

        def value(own: Array, others: Array) -> Array:
            return jnp.mean(self.quantile_values(params, own, others, discounts, noise), axis=-1)

        return self.unit * own_gradient(value, x)
