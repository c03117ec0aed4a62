"""Folders of finished runs and tournaments, with a file changed or damaged."""

import json
import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from inputs import changed, damaged, toml_of, tries

pytestmark = [pytest.mark.usefixtures("no_figures"), pytest.mark.long]  # the runs take longer than all other fuzzing

SMALL = "evaluate.pairs=3 evaluate.steps=4"
GRID = f"{SMALL} evaluate.values=[0.0,1.0] evaluate.basins.grid=3 evaluate.basins.steps=3"
FITTED = f"{SMALL} learner.loops=3 learner.batch_size=4 value_model.width=4 value_model.blocks=0 fit.chunk=1"


def setting(text):
    return [word for each in text.split() for word in ("--set", each)]


def contents(folder):
    """path -> bytes; without figures and checkpoints."""
    there = {str(path.relative_to(folder)): path for path in folder.rglob("*") if path.is_file()}
    return {name: path.read_bytes() for name, path in there.items() if "/" not in name and name != "report.html"}


@pytest.fixture(scope="session")
def made(tmp_path_factory, meva_run, meva_command):
    """Files of a run of each kind, of a fit, and of a tournament."""
    place = tmp_path_factory.mktemp("made")
    fitted = ["--game", "imp", "--learner", "cola", *setting(FITTED)]
    plane = ["--game", "tandem", "--learner", "lola", *setting(GRID)]
    against = ["--game", "ipd", "--learner", "naive", "--opponent", "fixed", *setting(SMALL)]
    for name, arguments in {"fitted": fitted, "plane": plane, "against": against}.items():
        assert meva_run(*arguments, "--quiet", "--out", place / name).code == 0
    few = ["--trials", 2, "--steps", 2, "--quiet", "--out", place / "tournament"]
    assert meva_command("tournament", "--game", "tandem", "--learners", "naive,fixed", *few).code == 0
    return {folder.name: contents(folder) for folder in place.iterdir()}


@st.composite
def spoilt(draw, files, name):
    """The files with this one changed: as data where it can be read as such, or its bytes."""
    content = files[name]
    if name.endswith(".npz") or draw(st.booleans()):
        new = draw(damaged(content))
    elif name.endswith(".json"):
        new = json.dumps(draw(changed(json.loads(content))), default=str).encode()
    elif name.endswith(".jsonl"):
        lines = draw(changed([json.loads(line) for line in content.splitlines()]))
        new = "".join(json.dumps(line, default=str) + "\n" for line in lines).encode()
    elif name.endswith(".toml"):
        new = toml_of(draw(changed(tomllib.loads(content.decode()))))
    else:
        new = draw(damaged(content))
    return {**files, name: new}


RUNS = ["fitted", "plane", "against"]


def under(folder, files):
    return {f"{folder}/{name}": content for name, content in files.items()}


@tries(70)
@given(kind=st.sampled_from(RUNS), data=st.data())
def test_compare(ask, made, kind, data):
    name = data.draw(st.sampled_from(["summary.json", "experiment.toml"]))
    files = under("a", data.draw(spoilt(made[kind], name))) | under("b", made[data.draw(st.sampled_from(RUNS))])
    ask("meva", "compare", "a", "b", "--csv", "all.csv", files=files)


@tries(80)
@given(kind=st.sampled_from([*RUNS, "tournament"]), data=st.data())
def test_report(ask, made, kind, data):
    name = data.draw(st.sampled_from(sorted({*made[kind]} - {"metrics.jsonl"})))
    ask("meva", "report", "a", files=under("a", data.draw(spoilt(made[kind], name))))


@tries(30)
@given(data=st.data())
def test_resume(ask, made, data):
    name = data.draw(st.sampled_from(["metrics.jsonl", "experiment.toml"]))
    ask("meva-run", "--resume", "a", files=under("a", data.draw(spoilt(made["fitted"], name))))


@tries(30)
@given(data=st.data())
def test_files_of_others(ask, made, data):
    """Each file from any of the folders."""
    names = sorted({name for files in made.values() for name in files})
    from_where = {name: data.draw(st.sampled_from(sorted(k for k in made if name in made[k]))) for name in names}
    files = {name: made[kind][name] for name, kind in from_where.items() if data.draw(st.booleans())}
    for command in (["report", "a"], ["compare", "a", "b"], ["cite", "a"]):
        ask("meva", *command, files=under("a", files) | under("b", made["fitted"]))


def test_unspoilt(ask, made):
    for kind, files in made.items():
        assert ask("meva", "report", "a", files=under("a", files)).code == 0
        assert ask("meva", "cite", "a", files=under("a", files)).code == 0, kind
