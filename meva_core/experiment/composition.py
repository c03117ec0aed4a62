"""The game, the players before they are built, and who is fitted against whom, in which order.

Shapes: S seeds.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import attrs
import jax

from meva_core.contracts import conversion
from meva_core.contracts.evaluation import Evaluation
from meva_core.contracts.hyperparameters import hyperparameters, parts
from meva_core.contracts.playing import Sampled, learns_from
from meva_core.contracts.protocols import Game, Learner, Training
from meva_core.errors import BadValue
from meva_core.experiment.lock_step import LockStep
from meva_core.match import Fitted
from meva_core.ops import stacked
from meva_core.registry import checks, loading
from meva_core.registry.entries import Offer


@attrs.frozen
class Player:
    """A learner before it is built: its name and label (`labels`), its seats, and its parts."""

    name: str
    label: str
    path: str
    seats: tuple[int, ...]
    factory: type
    settings: dict[str, Any]
    extra: dict[str, Any]
    offer: Offer
    offers: dict[str, Offer]  # offers of its parts, by name
    in_self_play: bool = False

    @property
    def wants_rivals(self) -> bool:
        """True if it is fitted against the others."""
        return self._takes_rivals and not self.in_self_play

    @property
    def _takes_rivals(self) -> bool:
        return "rivals" in parts(self.factory)

    @property
    def shapes_by_episodes(self) -> bool:
        """True if it needs others who learn from the episodes of the match: it remembers them, or is fitted by what
        comes of its actions there."""
        fitted_by_them = self.wants_rivals and learns_from(self.factory) == "episodes"
        return fitted_by_them or getattr(self.factory, "remembers", False)

    def build(self, rivals: tuple[Fitted | None, ...] = ()) -> Learner:
        """Build the learner. rivals: per seat the fitted rival, None in its own seats; empty in self-play."""
        extra = {**self.extra, "rivals": rivals} if self._takes_rivals else self.extra
        return conversion.construct(self.factory, {**self.settings, **extra}, self.path)


@attrs.frozen
class Composition:
    """The game, the distinct players (the first is the experiment's learner), and the evaluations by name.

    float64: evaluations compute in double precision. in_turn: learners that are each fitted against the other are
    fitted one after the other (`fit.in_turn`). exact: learners that are fitted see exact payoffs (`fit.exact`).
    offers: offers of the evaluations, by name. named: offers of the entries that evaluations name, by name.
    """

    game: Game
    players: tuple[Player, ...]
    evaluations: Mapping[str, Evaluation] = attrs.field(factory=dict)
    float64: bool = False
    in_turn: bool = False
    exact: bool = False
    offers: Mapping[str, Offer] = attrs.field(factory=dict, repr=False)
    named: Mapping[str, Offer] = attrs.field(factory=dict, repr=False)

    @property
    def seats(self) -> tuple[int, ...]:
        """Per seat, an index into players."""
        owner = {seat: n for n, player in enumerate(self.players) for seat in player.seats}
        return tuple(owner[seat] for seat in range(self.game.num_players))

    @property
    def notes(self) -> tuple[str, ...]:
        """Lines that a run prints before it begins: those of the game; one for each learner that computes its steps
        from exact payoffs of a game that is played; and one for each that draws episodes of its own, where another
        learner remembers those of the match, or is fitted by what others learn from them."""
        if not isinstance(self.game, Sampled):
            return tuple(self.game.notes)
        notes = list(self.game.notes)
        met = [player for player in self.players if player.shapes_by_episodes]
        for player in self.players:
            source = learns_from(player.factory)
            if self.sees_exact_payoffs(player):
                notes.append(f"{player.label} steps by exact payoffs, not by episodes")
            elif source == "sample" and not player.wants_rivals and met:
                remembers = getattr(met[0].factory, "remembers", False)
                lacks = "remembers nothing" if remembers else "does nothing that it did in the match"
                notes.append(
                    f"{player.label} learns from episodes of its own, in which {met[0].label} {lacks}: choose an "
                    "opponent that learns from the episodes of the match"
                )
        return tuple(notes)

    def sees_exact_payoffs(self, player: Player) -> bool:
        """True if a player sees the exact payoffs of a game that is played."""
        return seen_by(player.factory, self.game, self.exact) is not self.game

    def rehearse(self) -> tuple[Learner, ...]:
        """Build all players as if the rivals were fitted, so that bad hyper-parameters and combinations raise early."""
        built: dict[int, Fitted] = {}
        for n in self.order:
            built[n] = Fitted(learner=self.players[n].build(self.rivals(n, built)))
        return tuple(built[n].learner for n in range(len(self.players)))

    def rivals(self, own: int, fitted: Mapping[int, Fitted]) -> tuple[Fitted | None, ...]:
        """The `rivals` argument of player `own`: per seat the fitted rival, None in its own seats; () for learners
        without rivals.

        If players are fitted together, the rivals that are not in `fitted` have no parameters yet.
        """
        if len(self.players) == 1 or not self.players[own].wants_rivals or (self.in_turn and own != self._against[0]):
            return ()
        every = {n: fitted[n] if n in fitted else self._before_its_fit(n, fitted) for n in self.seats if n != own}
        return tuple(every.get(n) for n in self.seats)

    def _before_its_fit(self, n: int, fitted: Mapping[int, Fitted]) -> Fitted:
        """Player n without parameters, as it is in the seats of its rivals, who are as in self-play here."""
        alone = {m: Fitted(learner=self.players[m].build()) for m in self.together if m != n}
        rivals = tuple(None if m == n else {**alone, **fitted}[m] for m in self.seats)
        return Fitted(learner=self.players[n].build(rivals))

    def of_seeds(self, own: int, fitted: Mapping[int, Fitted], seeds: int) -> list[Learner]:
        """Build player `own` for every seed. fitted: the players before it in `order`, every leaf [S, ...]."""
        rivals = [jax.tree.map(lambda leaf, s=s: leaf[s], dict(fitted)) for s in range(seeds)]
        return [self.players[own].build(self.rivals(own, of_seed)) for of_seed in rivals]

    def another(self, name: str, path: str, **lent: Any) -> Learner:
        """A learner for this game that needs no fit, by name: the players may meet it in an evaluation.

        lent: values for the hyper-parameters with these names, as far as the learner has them. Raises BadValue, which
        names the setting `path`, if the learner needs a fit.
        """
        offer = self.named[name]
        factory = loading.load(offer)
        needs_parts = set(parts(factory)) - {"game", *offer.parts}
        given = {**offer.parts, **game_part(factory, self.game, self.exact)}
        given |= {h.name: lent[h.name] for h in hyperparameters(factory) if h.name in lent}
        learner = None if needs_parts else conversion.construct(factory, given, path)
        if learner is None or learner.training is not None:
            raise BadValue(f"expected an opponent that needs no fit, got {name!r} @ {path}")
        if not offer.bundled:
            checks.learner(offer, learner, self.game)
        return learner

    def is_first(self, name: str) -> bool:
        """True if `name`, in an evaluation, refers to the first player's learner."""
        return self.named[name] == self.players[0].offer

    @property
    def _against(self) -> list[int]:
        """Indices of the players that are fitted against others."""
        return [n for n, player in enumerate(self.players) if player.wants_rivals and len(self.players) > 1]

    @property
    def together(self) -> tuple[int, ...]:
        """Indices of the players that are each fitted against another one of them; () if there are none."""
        return tuple(self._against) if len(self._against) > 1 and not self.in_turn else ()

    @property
    def order(self) -> list[int]:
        """Indices of players in the order in which they are fitted; those that are fitted together come last."""
        against = self._against[:1] if self.in_turn else self._against
        return sorted(range(len(self.players)), key=lambda n: n in against)

    @property
    def fits(self) -> list[tuple[int, ...]]:
        """Indices of players, fit by fit, in order; a fit of several is one of players who are fitted together."""
        alone = [(n,) for n in self.order if n not in self.together]
        return [*alone, self.together] if self.together else alone

    def path_of(self, fit: tuple[int, ...]) -> str:
        """The path of a fit: that of its player in the experiment, or those of its players, "learner+opponent"."""
        return "+".join(self.players[n].path for n in fit)

    def label_of(self, fit: tuple[int, ...]) -> str:
        """The name of a fit on screens: its player's label, or "meva and cola together"."""
        labels = [self.players[n].label for n in fit]
        return labels[0] if len(fit) == 1 else f"{' and '.join(labels)} together"

    def trainings(self, fit: tuple[int, ...], fitted: Mapping[int, Fitted], seeds: int) -> list[Training]:
        """The training of a fit for every seed; [] if its player needs none. fitted: the players before it, every leaf
        [S, ...]."""
        learners = [self.of_seeds(n, fitted, seeds) for n in fit]
        if len(fit) == 1:
            return [training for learner in learners[0] if (training := learner.training) is not None]
        seats = tuple(tuple(fit.index(m) if m in fit and m != n else -1 for m in self.seats) for n in fit)
        names = tuple(self.players[n].label for n in fit)
        return [LockStep(learners=each, seats=seats, names=names) for each in zip(*learners, strict=True)]

    def after(self, fit: tuple[int, ...], fitted: Mapping[int, Fitted], params: Any, seeds: int) -> dict[int, Fitted]:
        """The players of a fit after it, every leaf [S, ...]. params: what the training gave, None without one."""
        if len(fit) == 1:
            return {fit[0]: Fitted(learner=stacked(self.of_seeds(fit[0], fitted, seeds)), params=params)}
        each = [jax.tree.map(lambda leaf, s=s: leaf[s], dict(fitted)) for s in range(seeds)]
        met = {
            n: Fitted(learner=stacked([self._before_its_fit(n, one).learner for one in each]), params=own)
            for n, own in zip(fit, params, strict=True)
        }
        of_all = {n: stacked(self.of_seeds(n, {**fitted, **met}, seeds)) for n in fit}
        return {n: Fitted(learner=of_all[n], params=own) for n, own in zip(fit, params, strict=True)}


def seen_by(factory: type, game: Game, exact_fits: bool = False) -> Game:
    """The game as a learner sees it: the exact one, with all that it can, if the learner learns from exact payoffs, or
    if it is fitted and `exact_fits`."""
    source = learns_from(factory)
    by_payoffs = source == "payoff" or (exact_fits and source == "sample" and may_be_fitted(factory))
    exact = game.exact if by_payoffs and isinstance(game, Sampled) else None
    return game if exact is None else exact


def game_part(factory: type, game: Game, exact_fits: bool = False) -> dict[str, Game]:
    """The part `game` of a learner of this class, as `seen_by` it; nothing if the class has no such part."""
    return {"game": seen_by(factory, game, exact_fits)} if "game" in parts(factory) else {}


def may_be_fitted(factory: type) -> bool:
    """True if learners of this class may need a fit."""
    return getattr(factory, "training", None) is not None
