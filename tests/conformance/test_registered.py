"""The shipped kit over everything that is registered: what a plugin's own tests would call."""

from typing import Any

import pytest

import meva_core as meva
from meva_core import testing
from meva_core.component import hyperparameters, parts

# Small, where an entry has such a hyper-parameter.
SMALL_LEARNER = {"batch_size": 4, "trajectory": 4, "stride": 2, "quantiles": 4, "loops": 2, "order": 1, "steps": 3}
SMALL_MODEL = {"width": 8, "blocks": 0}


def names(kind):
    return [offer.name for offer in meva.installed().of_kind(kind)]


def small(kind, name, wanted):
    known = {h.name for h in hyperparameters(meva.installed().find(kind, name).load())}
    return {name: value for name, value in wanted.items() if name in known}


def build_learner(name, game):
    settings: dict[str, Any] = small("learner", name, SMALL_LEARNER)
    wanted = parts(meva.installed().find("learner", name).load())
    if "value_model" in wanted:
        settings["value_model"] = {"name": "paired_mlp", **SMALL_MODEL}
    if "game" in wanted:
        settings["game"] = game
    return meva.make("learner", name, **settings)


def test_every_kind_has_entries():
    assert {kind for kind in ("game", "learner", "value_model", "explorer") if names(kind)} == {
        "game",
        "learner",
        "value_model",
        "explorer",
    }


@pytest.mark.parametrize("offer", meva.installed().offers, ids=lambda offer: f"{offer.kind}-{offer.name}")
def test_entry(offer):
    testing.check_entry(offer.entry)


@pytest.mark.parametrize("name", names("game"))
def test_game(name):
    testing.check_game(meva.make("game", name))


@pytest.mark.parametrize("game", names("game"))
@pytest.mark.parametrize("name", names("learner"))
def test_learner(name, game):
    here = meva.make("game", game)
    testing.check_learner(build_learner(name, here), here)


@pytest.mark.parametrize("game", names("game"))
@pytest.mark.parametrize("name", names("value_model"))
def test_value_model(name, game):
    here = meva.make("game", game)

    def build(outputs, conditions, equivariant):
        asked = {"outputs": outputs, "conditions": conditions, "equivariant": equivariant, **SMALL_MODEL}
        return meva.make("value_model", name, game=here, **small("value_model", name, asked))

    testing.check_value_model(build, here)


@pytest.mark.parametrize("name", names("explorer"))
def test_explorer(name):
    testing.check_explorer(meva.make("explorer", name))
