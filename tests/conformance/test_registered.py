"""The shipped kit over everything that is registered: what a plugin's own tests would call."""

import pytest

import meva_core as meva
from meva_core.testing import checks, installed


def names(kind):
    return [offer.name for offer in meva.installed().of_kind(kind)]


def program(name):
    """What a learner's program depends on, but for numbers: games that are alike in it are played once in CI."""
    game = meva.make("game", name)
    return type(game).payoff, game.symmetric, game.num_players


ONCE = {program(name): name for name in reversed(names("game"))}.values()
PLAYED = [name if name in ONCE else pytest.param(name, marks=pytest.mark.long) for name in names("game")]


def test_every_kind_has_entries():
    assert {kind for kind in ("game", "learner", "value_model", "explorer") if names(kind)} == {
        "game",
        "learner",
        "value_model",
        "explorer",
    }


@pytest.mark.parametrize("offer", meva.installed().offers, ids=lambda offer: f"{offer.kind}-{offer.name}")
def test_entry(offer):
    checks.check_entry(offer.entry)


@pytest.mark.parametrize("name", names("game"))
def test_game(name):
    checks.check_game(meva.make("game", name))


@pytest.mark.parametrize("game", PLAYED)
@pytest.mark.parametrize("name", names("learner"))
def test_learner(name, game):
    known = meva.installed()
    assert installed.check(known, known.find("learner", name), [game]) == [game]


@pytest.mark.parametrize("game", PLAYED)
@pytest.mark.parametrize("name", names("value_model"))
def test_value_model(name, game):
    known = meva.installed()
    assert installed.check(known, known.find("value_model", name), [game]) == [game]


@pytest.mark.parametrize("name", names("explorer"))
def test_explorer(name):
    checks.check_explorer(meva.make("explorer", name))
