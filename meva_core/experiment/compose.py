"""Experiment -> objects: the game and the player in each seat. A learner with rivals is built after they are fitted."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import attrs
import jax

from meva_core.contracts import conversion, kinds
from meva_core.contracts.evaluation import Evaluation
from meva_core.contracts.hyperparameters import hyperparameters, parts
from meva_core.contracts.playing import Policy, Sampled, SampledGame, learns_from
from meva_core.contracts.protocols import Game, Learner, Training
from meva_core.errors import BadCombination, BadValue
from meva_core.experiment import experiment as experiments
from meva_core.experiment import labels
from meva_core.experiment.choice import Choice
from meva_core.experiment.experiment import Experiment
from meva_core.experiment.lock_step import LockStep
from meva_core.experiment.parts import as_part, build
from meva_core.match import Fitted
from meva_core.ops import stacked
from meva_core.registry import checks, loading
from meva_core.registry.entries import Offer
from meva_core.sampling import Rollouts, WithPolicies, policy_arguments, rules_of


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

    @property
    def wants_rivals(self) -> bool:
        """True if it is fitted against the others."""
        return "rivals" in parts(self.factory)

    def build(self, rivals: tuple[Fitted | None, ...] = ()) -> Learner:
        """Build the learner. rivals: per seat the fitted rival, None in its own seats; empty in self-play."""
        extra = {**self.extra, "rivals": rivals} if self.wants_rivals else self.extra
        return conversion.construct(self.factory, {**self.settings, **extra}, self.path)


@attrs.frozen
class Composition:
    """The game, the distinct players (the first is the experiment's learner), and the evaluations by name.

    float64: evaluations compute in double precision. in_turn: learners that are each fitted against the other are
    fitted one after the other (`fit.in_turn`). offers: offers of the evaluations, by name. named: offers of the entries
    that evaluations name, by name.
    """

    game: Game
    players: tuple[Player, ...]
    evaluations: Mapping[str, Evaluation] = attrs.field(factory=dict)
    float64: bool = False
    in_turn: bool = False
    offers: Mapping[str, Offer] = attrs.field(factory=dict, repr=False)
    named: Mapping[str, Offer] = attrs.field(factory=dict, repr=False)

    @property
    def seats(self) -> tuple[int, ...]:
        """Per seat, an index into players."""
        owner = {seat: n for n, player in enumerate(self.players) for seat in player.seats}
        return tuple(owner[seat] for seat in range(self.game.num_players))

    @property
    def notes(self) -> tuple[str, ...]:
        """Lines that a run prints before it begins: those of the game, and one for each learner that computes its
        steps from exact payoffs of a game that is played."""
        if not isinstance(self.game, Sampled):
            return tuple(self.game.notes)
        exact = [player.label for player in self.players if learns_from(player.factory) == "payoff"]
        return (*self.game.notes, *(f"{label} steps by exact payoffs, not by episodes" for label in exact))

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
        given = {**offer.parts, **({"game": _seen_by(factory, self.game)} if "game" in parts(factory) else {})}
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


def compose(experiment: Experiment) -> Composition:
    """Build the game and the players of an experiment.

    Raises BadCombination if the parts do not fit together, BadValue if a number is out of range, and BadPlugin if an
    entry that is not bundled breaks its contract.
    """
    game = played_game(experiment)
    experiments.check_seats(experiment, game.num_players)
    _check_source(experiment, game)
    chosen = [experiment.learner, *experiment.opponents]
    if not experiment.opponents:
        chosen *= game.num_players
    players = []
    for n, (choice, label) in enumerate(zip(chosen, labels.told_apart(chosen), strict=True)):
        if choice in chosen[:n]:
            continue
        seats = tuple(seat for seat, other in enumerate(chosen) if other == choice)
        path = "learner" if n == 0 else experiments.opponent_path(len(chosen) - 1, n - 1)
        players.append(_player(game, choice, label, seats, path))
    choices = experiment.evaluations
    evaluations = {choice.name: build(choice, f"evaluate.{choice.name}") for choice in choices}
    offers = {choice.name: choice.offer for choice in choices}
    named = {choice.name: choice.offer for evaluation in choices for choice in evaluation.named.values()}
    settings = {"float64": experiment.evaluate.float64, "in_turn": experiment.fit.in_turn}
    composition = Composition(game, tuple(players), evaluations, offers=offers, named=named, **settings)
    _check_players(composition)
    return composition


def played_game(experiment: Experiment) -> Game:
    """Build the game that the players of an experiment play: its game, between its policies if it has any.

    Raises BadCombination if they do not fit together, and the errors of `compose`.
    """
    return game_between(experiment.game, experiment.policy, experiment.sample, experiment.by_seat)


def game_between(
    choice: Choice,
    policy: Choice | None,
    sample: Mapping[str, Any] | None = None,
    by_seat: Mapping[int, Choice] | None = None,
) -> Game:
    """Build a game, played between policies if some are chosen; tables leave an exact game as it is. sample: its
    payoffs are estimated from episodes. by_seat: the policies of seats, counted from 1, that have others."""
    game = build(choice, "game")
    if not choice.offer.bundled:
        checks.game(choice.offer, game)
    if policy is None:
        kinds.check("game", game, "game")  # an exact one
        return game
    rules = game if kinds.form("game", type(game)) == "sampled_game" else rules_of(game)
    policies = _policies(policy, by_seat or {}, game, rules)
    if sample is not None:
        return conversion.construct(Rollouts, {"rules": rules, "policies": policies, **sample}, "sample")
    return game if all(own.tabular for own in policies) else WithPolicies(game=game, policies=policies)


def _policies(every: Choice, by_seat: Mapping[int, Choice], game: Game, rules: SampledGame) -> tuple[Policy, ...]:
    """Build the policy of each seat. Raises BadCombination for a seat that the game does not have."""
    if max(by_seat, default=0) > (players := rules.num_players):
        raise BadCombination(f"expected policies of seats from 1 to {players}, got one for seat {max(by_seat)}")
    policies = [_policy(every, game, rules, "policy")] * players
    for seat, choice in by_seat.items():
        policies[seat - 1] = _policy(choice, game, rules, f"policy.{seat}")
    return tuple(policies)


def _policy(choice: Choice, game: Game, rules: SampledGame, path: str) -> Policy:
    """Build a policy for the observations and actions of a game's rules."""
    arguments = policy_arguments(rules)
    policy = as_part(choice, game, path)(**arguments)
    if not choice.offer.bundled:
        checks.policy(choice.offer, policy, arguments["observation_size"], arguments["num_actions"])
    return policy


def _check_source(experiment: Experiment, game: Game) -> None:
    """Raise BadCombination unless every learner can compute its steps from what the game gives: payoffs or episodes."""
    for choice in (experiment.learner, *experiment.opponents):
        source = learns_from(loading.load(choice.offer))
        if source == "episodes" and not isinstance(game, Sampled):
            raise BadCombination(
                f"{choice.name} learns from episodes: expected a game that is played, got {experiment.game.name} with "
                "exact payoffs: add --sampled"
            )
        if source == "payoff" and isinstance(game, Sampled) and game.exact is None:
            raise BadCombination(
                f"{choice.name} learns from exact payoffs: expected a game and policies that have them, got "
                f"{experiment.game.name} with {labels.of_policies(experiment) or 'its own'} policies, "
                "which is only played: choose another learner (meva list learner)"
            )


def _seen_by(factory: type, game: Game) -> Game:
    """The game as a learner sees it: the exact one, with all that it can, if the learner learns from exact payoffs."""
    exact = game.exact if isinstance(game, Sampled) and learns_from(factory) == "payoff" else None
    return game if exact is None else exact


def _check_players(composition: Composition) -> None:
    """Evaluate every player of a composition and its parts in the abstract (shapes only). Raises BadPlugin if an entry
    of a third party breaks its contract."""
    if all(offer.bundled for player in composition.players for offer in (player.offer, *player.offers.values())):
        return
    game, built = composition.game, dict[int, Fitted]()
    for n in composition.order:
        player = composition.players[n]
        checks.parts(player.offers, player.extra, game)
        made = player.build(composition.rivals(n, built))
        if not player.offer.bundled:
            checks.learner(player.offer, made, game)
        built[n] = Fitted(learner=made, params=checks.fitted(player.offer, made))


def _player(game: Game, choice: Choice, label: str, seats: tuple[int, ...], path: str) -> Player:
    offer, inside = choice.offer, "" if path == "learner" else f"{path}."
    factory = loading.load(offer)
    given = {name: as_part(part, game, f"{inside}{name}") for name, part in choice.parts.items()}
    extra = {**offer.parts, **({"game": _seen_by(factory, game)} if "game" in parts(factory) else {}), **given}
    offers = {name: part.offer for name, part in choice.parts.items()}
    return Player(choice.name, label, path, seats, factory, dict(choice.settings), extra, offer, offers)
