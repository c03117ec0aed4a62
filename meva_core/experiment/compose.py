"""Experiment -> objects: the game and the player in each seat. A learner with rivals is built after they are fitted."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from meva_core.contracts import conversion, kinds
from meva_core.contracts.playing import Policy, Sampled, SampledGame, learns_from
from meva_core.contracts.protocols import Game
from meva_core.errors import BadCombination
from meva_core.experiment import experiment as experiments
from meva_core.experiment import labels
from meva_core.experiment.choice import Choice
from meva_core.experiment.composition import Composition, Player, game_part
from meva_core.experiment.experiment import Experiment, FitSettings
from meva_core.experiment.parts import as_part, build
from meva_core.match import Fitted
from meva_core.registry import checks, loading
from meva_core.sampling import Rollouts, WithPolicies, policy_arguments, rules_of


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
        players.append(_player(game, choice, label, seats, path, experiment.fit))
    choices = experiment.evaluations
    evaluations = {choice.name: build(choice, f"evaluate.{choice.name}") for choice in choices}
    offers = {choice.name: choice.offer for choice in choices}
    named = {choice.name: choice.offer for evaluation in choices for choice in evaluation.named.values()}
    fit = experiment.fit
    settings = {"float64": experiment.evaluate.float64, "in_turn": fit.in_turn, "exact": fit.exact}
    composition = Composition(game, tuple(players), evaluations, offers=offers, named=named, **settings)
    _check_exact_fits(composition)
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


def _check_exact_fits(composition: Composition) -> None:
    """Raise BadCombination if a learner would be fitted to exact payoffs against one that needs episodes."""
    exact = [each for each in composition.players if each.wants_rivals and composition.sees_exact_payoffs(each)]
    for other in composition.players:
        if len(composition.players) > 1 and exact and learns_from(other.factory) == "episodes":
            raise BadCombination(
                f"expected fit.self_play=true with fit.exact=true, since {other.label} learns from episodes and a fit "
                f"of {exact[0].label} to exact payoffs has none, got fit.self_play=false"
            )


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


def _player(game: Game, choice: Choice, label: str, seats: tuple[int, ...], path: str, fit: FitSettings) -> Player:
    offer, inside = choice.offer, "" if path == "learner" else f"{path}."
    factory = loading.load(offer)
    given = {name: as_part(part, game, f"{inside}{name}") for name, part in choice.parts.items()}
    extra = {**offer.parts, **game_part(factory, game, fit.exact), **given}
    offers = {name: part.offer for name, part in choice.parts.items()}
    return Player(choice.name, label, path, seats, factory, dict(choice.settings), extra, offer, offers, fit.self_play)
