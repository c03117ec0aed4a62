"""Registry, experiment, sweep and tournament files: with anything changed, and as damaged bytes."""

import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from inputs import KNOWN, NAMES, ON_RECORD, REPRODUCTIONS, SHIPPED, changed, damaged, toml_of, tries

from meva_core.experiment import resolve

ROOT = Path(__file__).parents[2]
SEARCHES = [path.read_text() for path in sorted((ROOT / "examples" / "searches").glob("*.toml"))]
SWEEPS = [path.read_text() for path in sorted((ROOT / "examples" / "sweeps").glob("*.toml"))]
TOURNAMENT = {"games": ["ipd", "imp"], "learners": ["naive", "lola"], "trials": 4, "steps": 5, "seed": 0, "seeds": 1}
TOURNAMENT |= {"recipe": "tournament", "overrides": {"lola.variant": "taylor"}}


def experiments(game, learner, opponents=()):
    """An experiment in the form in which a run writes it."""
    return resolve.resolve(KNOWN, [SHIPPED], game=game, learner=learner, opponents=opponents).to_plain()


def registry_of(game, learner):
    """A full registry file with the recipes of one pair."""
    own = {game: {learner: ON_RECORD[game, learner]}}
    return {"plugins": {"disabled": ["x"]}, "defaults": dict(SHIPPED.defaults), "recipes": own}


@tries(60)
@given(pair=st.sampled_from(sorted(ON_RECORD)), data=st.data())
def test_a_changed_registry(ask, pair, data):
    game, learner = pair
    recipe = data.draw(st.sampled_from(sorted(ON_RECORD[pair])))
    files = {"mine.toml": toml_of(data.draw(changed(registry_of(game, learner))))}
    ask("meva-run", "--game", game, "--learner", learner, "--recipe", recipe, "--registry", "mine.toml", files=files)


@pytest.mark.long
@tries(20)
@given(name=st.sampled_from(sorted(REPRODUCTIONS)), quick=st.booleans(), data=st.data())
def test_changed_reproductions(ask, name, quick, data):
    table = REPRODUCTIONS[name]
    needed = {of: REPRODUCTIONS[of] for of in [table.get("runs_of", name)]}
    files = {"mine.toml": toml_of(data.draw(changed({"reproductions": {**needed, name: table}})))}
    ask("meva", "reproduce", name, "--registry", "mine.toml", *(["--quick"] if quick else []), files=files)


@tries(60)
@given(
    game=st.sampled_from(NAMES["game"]),
    learner=st.sampled_from(NAMES["learner"]),
    opponents=st.lists(st.sampled_from(NAMES["learner"]), max_size=1),
    data=st.data(),
)
def test_a_changed_experiment(ask, game, learner, opponents, data):
    plain = experiments(game, learner, opponents)
    ask("meva-run", "mine.toml", files={"mine.toml": toml_of(data.draw(changed(plain)))})


@pytest.mark.long
@tries(20)
@given(content=st.sampled_from(SWEEPS), data=st.data())
def test_a_changed_sweep(ask, content, data):
    ask("meva", "sweep", "mine.toml", files={"mine.toml": toml_of(data.draw(changed(tomllib.loads(content))))})


@pytest.mark.long
@tries(20)
@given(content=st.sampled_from(SEARCHES), data=st.data())
def test_a_changed_search(ask, content, data):
    ask("meva", "search", "mine.toml", files={"mine.toml": toml_of(data.draw(changed(tomllib.loads(content))))})


@tries(40)
@given(plain=changed(TOURNAMENT))
def test_a_changed_tournament(ask, plain):
    ask("meva", "tournament", "--resume", "here", files={"here/tournament.toml": toml_of(plain)})


REGISTRY = toml_of({**registry_of("ipd", "meva"), "reproductions": {"figure-2a": REPRODUCTIONS["figure-2a"]}})
DAMAGED = {
    "registry": (REGISTRY, ["meva-run", "--game", "ipd", "--learner", "meva", "--registry", "mine.toml"]),
    "experiment": (toml_of(experiments("ipd", "lola", ["naive"])), ["meva-run", "mine.toml"]),
    "resumed": (toml_of(experiments("ipd", "naive")), ["meva-run", "--resume", "."]),
    "cited": (toml_of(experiments("ipd", "meva")), ["meva", "cite", "."]),
    "sweep": (SWEEPS[0].encode(), ["meva", "sweep", "mine.toml"]),
    "search": (SEARCHES[0].encode(), ["meva", "search", "mine.toml"]),
    "tournament": (toml_of(TOURNAMENT), ["meva", "tournament", "--resume", "."]),
}


@pytest.mark.long
@pytest.mark.parametrize("what", DAMAGED)
@tries(15)
@given(data=st.data())
def test_damaged_bytes(ask, what, data):
    content, command = DAMAGED[what]
    names = {"resumed": "experiment.toml", "cited": "experiment.toml", "tournament": "tournament.toml"}
    ask(*command, files={names.get(what, "mine.toml"): data.draw(damaged(content))})
