"""The shipped kit over everything that is registered: what a plugin's own tests would call."""

import pytest

import meva_core as meva
from meva_core.contracts import hooks, kinds
from meva_core.errors import BadCombination, MissingLibrary
from meva_core.registry import checks as contract
from meva_core.registry import loading
from meva_core.sampling import WithPolicies, policy_arguments, rules_of
from meva_core.testing import checks, evaluations, installed


def names(kind):
    return [offer.name for offer in meva.installed().of_kind(kind)]


MADE = {name: meva.make("game", name) for name in names("game")}
GAMES = {name: game for name, game in MADE.items() if kinds.form("game", type(game)) == "game"}  # exact ones


def of_episodes(learner):
    """True if a learner needs a game that is played."""
    return loading.load(meva.installed().find("learner", learner)).learns_from == "episodes"


def ones_of_each(kind):
    """Names of games, one for each value of `kind`: the game with the smallest policies."""
    first = {}
    for name in sorted(GAMES, key=lambda name: (GAMES[name].policy_size, name)):
        first.setdefault(kind(GAMES[name]), name)
    return list(first.values())


# The whole kit costs some programs of XLA for every pair of entries: in CI it plays two games of one number, with
# symmetry and without, and a double with three players and two numbers. On one game of every payoff function a contract
# is asked for in the abstract, which compiles nothing (numbers are looked at by properties/test_theory.py); all else is
# for -m long.
PLAYED = [
    name for name in ones_of_each(lambda game: (game.num_players, game.symmetric)) if GAMES[name].num_players == 2
]
TRACED = ones_of_each(lambda game: (type(game).payoff, game.num_players, game.symmetric))
played = pytest.mark.parametrize(
    "game", [name if name in PLAYED else pytest.param(name, marks=pytest.mark.long) for name in GAMES]
)
# In CI an iterated game stands for those of other tables and actions, as hamiltonian and cournot do for other formulas.
ASKED = ("chicken", "public_goods", "ultimatum")
traced = pytest.mark.parametrize(
    "game",
    [pytest.param(name, marks=[pytest.mark.long] * (name not in ASKED)) for name in TRACED if name not in PLAYED],
)


OF_ANOTHER = "a2c"  # a setting of ppo, as plugins/test_policy_gradient.py shows
# Their programs take longest to compile; what they compute is looked at in plugins/test_alignment.py and others.
# Their loops over players are those of lola and sos, or they have one seat at a time.
ALIKE = ("coala_pg", "consensus", "extragradient", "hola", "lookahead", "m_fos", "meta_mapg", "sga")
LONG = (OF_ANOTHER, "advantage_alignment", "best_response_shaping", "coala_pg", "copycat", "detective_shaping")
LONG += ("coala_pg_sampled", "in_context", "lili", "loqa", "m_fos", "m_fos_sampled", "meta_mapg", "pola_dice", "shaper")


def as_played(learner, game):
    """A game, by its name, as the kit makes it for a learner: played, if it learns from episodes."""
    return installed.made_for(meva.installed(), meva.installed().find("learner", learner), game)


def accepts(name, game):
    """False if a learner refuses a game, as one does that compares what policies do, if they are no probabilities."""
    try:
        installed.learner(meva.installed(), meva.installed().find("learner", name), as_played(name, game))
    except BadCombination:
        return False
    return True


def smallest(name, players=2):
    """Name of the smallest game that a learner accepts; None if it accepts none."""
    by_size = sorted(GAMES, key=lambda game: (GAMES[game].policy_size, game))
    return next((g for g in by_size if GAMES[g].num_players == players and accepts(name, g)), None)


def learners_and_games():
    """Every learner with one game of PLAYED, the next learner with the other, or if it refuses both, with the smallest;
    all others are for -m long."""
    for n, name in enumerate(names("learner")):
        accepted = [game for game in PLAYED if accepts(name, game)] or [smallest(name)]
        now = accepted[n % len(accepted)]
        for game in GAMES:
            if game not in PLAYED or game in accepted:
                yield pytest.param(name, game, marks=[] if game == now and name not in LONG else pytest.mark.long)


def learners_and_formulas():
    """Every learner with one game of ASKED that it accepts, the next with another; all of TRACED are for -m long."""
    for n, name in enumerate(names("learner")):
        accepted = [game for game in ASKED if accepts(name, game)] or ASKED
        for game in TRACED:
            if game not in PLAYED:
                now = game == accepted[n % len(accepted)] and name != OF_ANOTHER
                yield pytest.param(name, game, marks=[] if now else pytest.mark.long)


def learners_among_three():
    """Every learner; those that take no game of one number, and so one of many states, are for -m long."""
    for name in names("learner"):
        few = name == "reinforce" or (not of_episodes(name) and name not in ALIKE and accepts(name, PLAYED[0]))
        yield pytest.param(name, marks=[] if few else pytest.mark.long)


@pytest.fixture
def hills(toy):
    """Three players: what loops over pairs of them meets a pair that it is no part of."""
    return meva.make("game", "toy_hills", num_players=3)


def test_every_kind_has_entries():
    assert all(names(kind) for kind in hooks.KINDS)


@pytest.mark.parametrize("offer", meva.installed().offers, ids=lambda offer: f"{offer.kind}-{offer.name}")
def test_entry(offer):
    checks.check_entry(offer.entry)


# Games of one payoff function differ in their tables.
@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[pytest.mark.long] * (name in GAMES and name not in TRACED)) for name in MADE]
)
def test_game(name):
    checks.check_game(MADE[name])


@pytest.mark.parametrize(("name", "game"), list(learners_and_games()))
def test_learner(name, game):
    known = meva.installed()
    if not accepts(name, game):
        pytest.skip(f"{name} refuses {game}")
    assert game in installed.check(known, known.find("learner", name), [game])


def test_a_learner_that_refuses_the_games_of_one_number_has_one_that_can_be_played(monkeypatch):
    monkeypatch.setattr(installed, "_check_on", lambda known, offer, game, _: installed.learner(known, offer, game))
    known = meva.installed()
    offer = known.find("learner", "best_response_shaping")
    assert not set(installed.default_games(known, offer)) & set(installed.smallest_played(known))
    assert installed.check(known, offer) == installed.smallest_played(known)


def test_learners_are_checked_on_games_without_exact_payoffs(monkeypatch):
    monkeypatch.setattr(installed, "_check_on", lambda known, offer, game, _: installed.learner(known, offer, game))
    known = meva.installed()
    for name in ("ppo", "lola"):
        assert installed.check(known, known.find("learner", name), ["coin_game"]) == ["coin_game"]
    with pytest.raises(BadCombination, match="expected a game that can be played in episodes, got Tandem"):
        installed.check(known, known.find("learner", "ppo"), ["tandem"])


def test_evaluations_of_episodes_are_checked_in_episodes(monkeypatch):
    asked = []

    def check(evaluation, *, game, learner, settings, sampled):
        asked.append((game.rpartition(":")[2], sampled))
        if not sampled:
            raise BadCombination("expected a game that is played")

    monkeypatch.setattr(evaluations, "check_evaluation", check)
    known = meva.installed()
    offer = known.find("evaluation", "episode")
    assert [name.rpartition(":")[2] for name in installed.check(known, offer)] == ["public_goods"]
    assert asked == [("cournot", False), ("hamiltonian", False), ("public_goods", False), ("public_goods", True)]
    asked.clear()
    assert installed.check(known, offer, ["coin_game"]) == ["coin_game"]
    assert asked == [("coin_game", True)]
    with pytest.raises(BadCombination, match="expected a game that is played"):
        installed.check(known, offer, ["tandem"])


@pytest.mark.parametrize("name", list(learners_among_three()))
def test_learner_among_three(name, hills):
    known = meva.installed()
    if (found := "toy_hills" if accepts(name, "toy_hills") else smallest(name, players=3)) is None:
        pytest.skip(f"{name} is for two players")
    game = hills if found == "toy_hills" else as_played(name, found)
    checks.check_learner(installed.learner(known, known.find("learner", name), game), game)


@played
@pytest.mark.parametrize("name", names("value_model"))
def test_value_model(name, game):
    known = meva.installed()
    skip_if_refused(name, GAMES[game])
    assert game in installed.check(known, known.find("value_model", name), [game])


@pytest.mark.parametrize(("name", "game"), list(learners_and_formulas()))
def test_learner_in_the_abstract(name, game):
    known = meva.installed()
    if not accepts(name, game):
        pytest.skip(f"{name} refuses {game}")
    offer, on = known.find("learner", name), as_played(name, game)
    contract.learner(offer, installed.learner(known, offer, on), on)


@pytest.mark.parametrize("name", [name for name in names("learner") if not of_episodes(name)])
def test_learner_among_networks_in_the_abstract(name):
    """Policies whose numbers are not the game's entries."""
    known, ipd = meva.installed(), GAMES["ipd"]
    policy = meva.make("policy", "mlp", **policy_arguments(rules_of(ipd)))
    game = WithPolicies(game=ipd, policies=(policy, policy))
    offer = known.find("learner", name)
    try:
        learner = installed.learner(known, offer, game)
    except BadCombination:
        pytest.skip(f"{name} refuses networks")
    contract.learner(offer, learner, game)


def builder(name, game):
    return lambda outputs, conditions, equivariant: meva.make(
        "value_model", name, game=game, outputs=outputs, conditions=conditions, equivariant=equivariant
    )


def skip_if_refused(name, game):
    """Skip a value model that is not for a game, as one is that asks policies what they do, if they choose nothing."""
    try:
        builder(name, game)(1, 1, None)
    except BadCombination as error:
        pytest.skip(str(error))


@pytest.mark.parametrize("name", names("value_model"))
def test_value_model_of_networks(name):
    rules = rules_of(GAMES["ipd"])
    policy = meva.make("policy", "mlp", **policy_arguments(rules), width=3)
    game = WithPolicies(game=GAMES["ipd"], policies=(policy, policy))
    checks.check_value_model(builder(name, game), game)


@pytest.mark.long
@pytest.mark.parametrize("name", names("value_model"))
def test_value_model_among_three(name, hills):
    skip_if_refused(name, hills)
    checks.check_value_model(builder(name, hills), hills)


@traced
@pytest.mark.parametrize("name", names("value_model"))
def test_value_model_in_the_abstract(name, game):
    skip_if_refused(name, GAMES[game])
    offer = meva.installed().find("value_model", name)
    contract.parts({"model": offer}, {"model": builder(name, GAMES[game])}, GAMES[game])


@pytest.mark.parametrize("name", names("policy"))
def test_policy(name):
    known = meva.installed()
    offer = known.find("policy", name)
    assert installed.check(known, offer, []) == []
    contract.policy(offer, installed.builder(offer)(5, 3, True), 5, 3)


@pytest.mark.parametrize("name", names("logger"))
def test_logger(name):
    offer = meva.installed().find("logger", name)
    try:
        checks.check_logger(meva.make("logger", name, **installed.small(offer)))
    except MissingLibrary as error:
        pytest.skip(str(error))


@pytest.mark.parametrize("name", names("executor"))
def test_executor(name):
    """With real processes: a Dask cluster on this machine, and jobs of submitit without SLURM."""
    offer = meva.installed().find("executor", name)
    try:
        checks.check_executor(meva.make("executor", name, **installed.small(offer)))
    except MissingLibrary as error:
        pytest.skip(str(error))


@pytest.mark.parametrize("name", names("explorer"))
def test_explorer(name):
    checks.check_explorer(meva.make("explorer", name))
