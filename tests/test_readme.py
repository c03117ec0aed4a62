"""Every command, program and output of the README, and every command of the guides that go on from it, run.

Long fits are cut short; a long test checks the table.
"""

import json
import re
import shlex
import sys
import tomllib
from importlib.metadata import entry_points
from pathlib import Path

import documents
import numpy as np
import pytest

import meva_core as meva
from meva_core import cli
from meva_core.testing import checks

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
SHORT = {
    "learner.loops": 1,
    "learner.trajectory": 4,
    "learner.stride": 2,
    "learner.batch_size": 4,
    "learner.quantiles": 4,
    "value_model.width": 8,
    "value_model.blocks": 0,
    "evaluate.values": [0.95],
    "evaluate.pairs": 2,
    "evaluate.steps": 2,
    "evaluate.best_response.steps": 2,
    "evaluate.basins.steps": 2,
    "evaluate.basins.grid": 3,
}


SHORT_OF_ALL = [path for path in SHORT if path.startswith("evaluate") and path != "evaluate.values"]


def shortened(words):
    """The same command with a fit and an evaluation of next to no length."""
    trained = "meva" in words
    kept = {path: n for path, n in SHORT.items() if trained or path in SHORT_OF_ALL}
    return [*words, *(f"--set={path}={n}" for path, n in kept.items())]


OF_README = [command for command, _ in documents.commands(README)]
OF_GUIDES = [command for name in documents.GUIDES for command, _ in documents.commands(documents.page(name))]
COMMANDS = list(dict.fromkeys(OF_README + OF_GUIDES))
RUNS = sorted({words for command in COMMANDS for words in re.findall(r"meva-run [^&\n]+", command)})
# One fit goes to its end, and all that is not fitted; the others, of which tests/cli runs the like, to where it begins.
# Runs like these are in tests/cli/test_runs_of_networks.py, test_sampled_runs.py and tests/plugins.
PLAYED = re.compile(r"--policy|--sampled|coin_game|good_shepherd|m_fos")
TO_THE_END = [command for command in RUNS if "meva" not in command.split() or command.endswith("--learner meva")]
TO_THE_END = [command for command in TO_THE_END if not PLAYED.search(command)]


@pytest.mark.parametrize("command", [c if c in TO_THE_END else pytest.param(c, marks=pytest.mark.long) for c in RUNS])
def test_runs(command, monkeypatch, capsys, tmp_path):
    monkeypatch.chdir(tmp_path)
    printed = documents.invoke(monkeypatch, capsys, *shortened(shlex.split(command)))
    assert "payoffs" in printed
    [folder] = (tmp_path / "runs").iterdir()
    assert {"experiment.toml", "summary.json", "policies.npz", "figures"} <= {path.name for path in folder.iterdir()}


@pytest.mark.parametrize("command", RUNS)
def test_runs_as_they_are_written_begin(command, monkeypatch, tmp_path):
    """Composed, and their contracts kept in the abstract, at the sizes that are asked for."""

    monkeypatch.chdir(tmp_path)
    experiment = documents.begin(monkeypatch, *shlex.split(command))
    for word, name in zip(shlex.split(command), shlex.split(command)[1:], strict=False):
        if word in ("--game", "--learner"):
            assert getattr(experiment, word[2:]).name == name
        if word == "--opponent":
            assert experiment.opponents[0].name == name
        if word == "--recipe":
            assert experiment.recipe == name


ELSEWHERE = [command for command in COMMANDS if "--executor" in command]  # where the test has no machines
TOURNAMENTS = [c for c in COMMANDS if c.startswith("meva tournament") and c not in ELSEWHERE]


@pytest.mark.parametrize("command", [command for command in TOURNAMENTS if PLAYED.search(command)])
def test_tournaments_that_are_played_begin(command, monkeypatch, tmp_path):
    def begun(settings, planned, *_, **__):
        raise documents.Begun(planned)

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("meva_core.studies.tournament_folder.make", begun)
    monkeypatch.setattr(sys, "argv", shlex.split(command))
    with pytest.raises(documents.Begun) as stopped:
        cli.main()
    [planned] = stopped.value.args
    assert all(meeting.sampled for meeting in planned)


def test_tournament(monkeypatch, capsys, tmp_path):
    [command] = [command for command in TOURNAMENTS if not PLAYED.search(command)]
    monkeypatch.chdir(tmp_path)
    printed = documents.invoke(monkeypatch, capsys, *shlex.split(command), "--trials=2", "--steps=2", "--out=here")
    assert "ipd: the row's payoff against the column" in printed
    assert (tmp_path / "here" / "figures" / "ipd.png").exists()


def only(start):
    [command] = [command for command in COMMANDS if command.startswith(start) and command not in ELSEWHERE]
    return shlex.split(command)


@pytest.mark.parametrize("command", ELSEWHERE)
def test_studies_on_other_machines_begin(command, monkeypatch, tmp_path):
    def begun(tasks, executor, *_):
        raise documents.Begun(tasks, executor)

    monkeypatch.setattr("meva_core.compute.remote.do_all", begun)
    monkeypatch.setattr(sys, "argv", [*shlex.split(command), f"--out={tmp_path / 'here'}"])
    monkeypatch.chdir(ROOT)
    with pytest.raises(documents.Begun) as stopped:
        cli.main()
    tasks, executor = stopped.value.args
    assert len(tasks) >= 4
    assert type(executor).__name__.lower() == re.findall(r"--executor (\w+)", command)[0]


def test_sweep(monkeypatch, capsys, tmp_path):
    """The example's own file, of each list the value that is the recipe's: the program of the first run above."""
    monkeypatch.chdir(tmp_path)
    command = only("meva sweep")
    text = re.sub(r"= \[[^,\]]+, ([^\]]+)\]", r"= [\1]", (ROOT / command[2]).read_text(encoding="utf-8"))
    quick = ", ".join(f'"{path}" = {n}' for path, n in {**SHORT, "fit.seeds": 1}.items())
    (tmp_path / "examples" / "sweeps").mkdir(parents=True)
    (tmp_path / command[2]).write_text(re.sub(r"^quick = .*$", f"quick = {{ {quick} }}", text, flags=re.MULTILINE))
    printed = documents.invoke(monkeypatch, capsys, *command, "--jobs=1")
    assert "ranked by best_response.ours at 0.95, the best first" in printed
    assert "schedule=cosine" in printed


def test_search_begins(monkeypatch, tmp_path):
    """The trials are composed; tests/cli/test_search.py has searches that go to the end."""

    def begun(work, *_):
        raise documents.Begun(work.planner)

    monkeypatch.chdir(ROOT)
    monkeypatch.setattr("meva_core.studies.searching._make", begun)
    monkeypatch.setattr(sys, "argv", [*only("meva search"), f"--out={tmp_path}"])
    with pytest.raises(documents.Begun) as stopped:
        cli.main()
    [planner] = stopped.value.args
    assert planner.search.trials >= 4
    assert planner.job({path: values.ends[0] for path, values in planner.search.ranges.items()}).hash


def test_reproduce_and_compare(monkeypatch, capsys, tmp_path):
    monkeypatch.chdir(tmp_path)
    reproduce, compare = only("meva reproduce"), only("meva compare")
    sizes = "".join(f'"{path}" = {n}\n' for path, n in SHORT.items() if path.startswith("evaluate"))
    runs = "".join(
        f'[reproductions.{reproduce[2]}.runs.{name}]\ngame = "logistic"\nlearner = "{name}"\n'
        f"[reproductions.{reproduce[2]}.runs.{name}.set]\n{sizes}"
        for name in ("naive", "extragradient")
    )
    (tmp_path / "short.toml").write_text(
        f'[reproductions.{reproduce[2]}]\ntitle = "short"\nsource = "here"\npicture = "basins"\n{runs}'
    )
    printed = documents.invoke(monkeypatch, capsys, *reproduce, "--registry", "short.toml")
    assert f"written to reproductions/{reproduce[2]}/report.html" in re.sub(r"\s+", " ", printed)
    made = sorted((tmp_path / "reproductions" / "runs").iterdir())
    (tmp_path / "runs").mkdir()
    for folder, name in zip(made, compare[2:], strict=True):
        folder.rename(tmp_path / name)
    assert "differences in configuration" in documents.invoke(monkeypatch, capsys, *compare)


def test_plugins(monkeypatch, capsys, tmp_path):
    monkeypatch.chdir(tmp_path)
    new, check = (only(f"meva plugin {name}") for name in ("new", "check"))
    assert "pytest" in documents.invoke(monkeypatch, capsys, *new)
    assert (tmp_path / new[3] / f"test_{new[3]}.py").is_file()
    assert "1 of 1 keep their contracts" in documents.invoke(monkeypatch, capsys, *check)


def test_cite(monkeypatch, capsys):
    [command] = re.findall(r"`(meva cite [^`>]+) > ", README)
    assert documents.invoke(monkeypatch, capsys, *shlex.split(command)).startswith("@")


def test_show(monkeypatch, capsys):
    shown = [command for command in COMMANDS if command.startswith("meva show")]
    assert shown
    for command in shown:
        assert "hyper-parameters" in documents.invoke(monkeypatch, capsys, *shlex.split(command))


def test_set_up_commands_are_those_of_the_project():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    set_up = [command for command in OF_README if command.startswith("pip install")]
    assert len(set_up) == 2
    assert "meva-run" in shlex.split(set_up[0])
    assert "meva-run" in project["scripts"]
    assert '".[test]"' in set_up[1]
    assert "test" in project["optional-dependencies"]
    ci = (ROOT / ".ci" / "run").read_text()
    install, test = set_up[1].split(" && ")
    assert install.removeprefix("pip install ") in ci
    assert "pytest" in test
    assert "pytest" in ci


def test_python(capsys):
    program = documents.blocks(README, "python")[0]
    assert "import meva_core" in program or "meva_core as meva" in program
    exec(compile(program, "README.md", "exec"), {})  # noqa: S102 - it is ours
    payoffs = np.array(re.findall(r"-?\d+\.\d+", capsys.readouterr().out), float)
    assert payoffs.shape == (2,)
    assert np.all((payoffs > -1.3) & (payoffs < -0.9))  # LOLA cooperates


def test_plugin_in_two_files(monkeypatch, tmp_path):
    project = tomllib.loads(documents.blocks(README, "toml")[0])
    points = project["project"]["entry-points"][meva.hookimpl.project_name]
    [module] = points.values()
    (tmp_path / f"{module}.py").write_text(documents.blocks(README, "python")[1])
    info = tmp_path / "meva_tragedy-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: meva-tragedy\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[meva]\n" + "\n".join(f"{k} = {v}" for k, v in points.items()))
    monkeypatch.syspath_prepend(tmp_path)
    assert module in {point.value for point in entry_points(group="meva")}
    meva.installed.cache_clear()
    try:
        checks.check_game(meva.make("game", "tragedy"))
    finally:
        meva.installed.cache_clear()


def test_links_and_picture_exist():
    for target in re.findall(r"\]\(([^)#]+)\)", README):
        if "://" not in target:
            assert (ROOT / target).exists(), target


def shown_table():
    [text] = [block for block in documents.blocks(README, "text") if "self-play" in block]
    rows = [re.findall(r"-?\d+\.\d+|^\d", line) for line in text.splitlines() if re.match(r"^\d", line)]
    return np.array([[float(n) for n in row] for row in rows if len(row) == len(rows[0])])


def test_table_is_of_the_default_rows():
    assert [row[0] for row in shown_table()][:6] == [0.0, 0.5, 0.8, 0.9, 0.95, 0.99]


@pytest.mark.long
def test_table_is_what_the_command_prints(monkeypatch, capsys, tmp_path):
    monkeypatch.chdir(tmp_path)
    documents.invoke(monkeypatch, capsys, "meva-run", "--game", "ipd", "--learner", "meva")
    [folder] = (tmp_path / "runs").iterdir()
    rows = json.loads((folder / "summary.json").read_text())["rows"]
    found = [[row["value"], row["self_play"]["mean"]] for row in rows]
    np.testing.assert_allclose(shown_table()[:6, :2], found, atol=0.05)
