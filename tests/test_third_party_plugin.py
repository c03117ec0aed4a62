"""A stranger's plugin: installed with pip into a fresh environment beside the project, and used there."""

import html
import json
import os
import re
import site
import subprocess
import sys
import venv
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parent.parent / "examples"
PLUGIN, EVALUATION = EXAMPLES / "third_party_plugin", EXAMPLES / "third_party_evaluation"
TINY = [
    *("--set", "evaluate.pairs=4", "--set", "evaluate.steps=20", "--set", "evaluate.basins.grid=3"),
    *(
        "--set",
        "evaluate.basins.steps=20",
        "--set",
        "evaluate.values=[0.0, 0.9]",
        "--set",
        "evaluate.best_response.steps=10",
    ),
]
INSTALL = ["-m", "pip", "install", "--quiet", "--no-build-isolation", "--no-index", "--disable-pip-version-check"]


@pytest.fixture(scope="module")
def python(tmp_path_factory):
    """The interpreter of a fresh environment that sees this one's packages, with the plugin installed in it."""
    folder = tmp_path_factory.mktemp("environment")
    venv.create(folder, with_pip=True)
    [packages] = (folder / "lib").glob("python*/site-packages")
    beside = "; ".join(f"site.addsitedir({path!r})" for path in site.getsitepackages())
    (packages / "beside.pth").write_text(f"import site; {beside}\n")
    interpreter = folder / "bin" / "python"
    run(interpreter, *INSTALL, str(PLUGIN))
    return interpreter


def start(interpreter, *words, cwd=None):
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("PYTHONPATH", "PIP_"))}
    return subprocess.run(
        [str(interpreter), *words], capture_output=True, text=True, cwd=cwd, env=environment, timeout=600
    )


def run(interpreter, *words, cwd=None):
    done = start(interpreter, *words, cwd=cwd)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_is_listed_with_its_distribution(python):
    listed = run(python, "-m", "meva_core", "list")
    assert "duopoly" in listed
    assert "momentum" in listed
    assert "meva_cournot (meva-cournot)" in listed
    assert "ipd" in listed


def test_its_papers_are_cited(python):
    assert re.findall(r"@\w+{(\w+),", run(python, "-m", "meva_core", "cite", "duopoly", "momentum")) == [
        "cournot1838recherches",
        "polyak1964some",
    ]


def test_its_game_with_a_rule_of_ours(python, tmp_path):
    """LOLA, whose programs are few; MeVa meets a stranger's game in the notebook of test_examples."""
    out = tmp_path / "out"
    printed = run(python, "-m", "meva_core", "run", "--game", "duopoly", "--learner", "lola", "--out", str(out), *TINY)
    assert "collusive" in printed
    summary = json.loads((out / "summary.json").read_text())
    assert summary["rows"][0]["basins"]["collusive"]["of"] == 9
    naive = summary["rows"][0]
    assert naive["self_play"]["mean"] == pytest.approx(1 / 9, abs=0.02)  # no look-ahead: on the way to Cournot's


def test_its_learner_and_the_conformance_kit(python):
    program = """
import meva_core as meva
from meva_core.testing import check_game, check_learner
game = meva.make("game", "duopoly")
check_game(game)
for name in ("logistic", "duopoly"):
    played = meva.make("game", name)
    check_learner(meva.make("learner", "momentum", game=played), played)
print("conforms")
"""
    assert "conforms" in run(python, "-c", program)


@pytest.mark.long
def test_an_evaluation_comes_with_a_column_a_figure_and_a_panel_and_goes_without_harm(python, tmp_path):
    """The example is one module and one entry point: nothing of the evaluation is elsewhere."""
    played = ("-m", "meva_core", "run", "--game", "ipd", "--learner", "naive", *TINY[:4])
    out, script = tmp_path / "out", "Mean inequality of payoffs: ${rows[v]}"
    run(python, *INSTALL, str(EVALUATION))
    try:
        assert "inequality" in run(python, "-m", "meva_core", "list", "evaluation")
        printed = run(python, *played, "--evaluate", "inequality", "--out", str(out))
    finally:
        run(python, "-m", "pip", "uninstall", "--quiet", "--yes", "meva-inequality")
    *_, table = re.findall(r"^payoffs\n(.*\n.*)\n", printed, re.MULTILINE)  # the first one shows the matches only
    heads, values = (re.split(r"\s{2,}", line.strip()) for line in table.splitlines())
    mean = json.loads((out / "summary.json").read_text())["rows"][0]["inequality"]["mean"]
    assert heads == ["self-play", "inequality"]
    assert float(values[1].split()[0]) == pytest.approx(mean, abs=6e-4)
    assert {path.name for path in (out / "figures").iterdir()} == {"inequality.png", "inequality.svg"}
    page = (out / "report.html").read_text()
    assert script in page
    assert "The largest difference between two players' payoffs" in html.unescape(page)
    assert '"policies":[[' in page  # a panel of other things does not replace the policies

    assert "inequality" not in run(python, "-m", "meva_core", "list", "evaluation")
    assert "self-play" in run(python, *played, "--evaluate", "convergence", "--out", str(tmp_path / "other"))
    run(python, "-m", "meva_core", "report", str(out))
    page = (out / "report.html").read_text()
    assert "self-play" in page
    assert "inequality</th>" not in page
    assert script not in page
    refused = start(python, *played, "--evaluate", "inequality")
    assert refused.returncode == 2
    assert refused.stderr.startswith("error: unknown evaluation 'inequality'")


@pytest.mark.long  # tests/cli/test_plugin.py does the same without pip
def test_a_plugin_that_is_written_here_installed_checked_and_tested(python, tmp_path):
    """The steps that `meva plugin new` prints work one after the other."""
    folder = tmp_path / "doves"
    told = run(python, "-m", "meva_core", "plugin", "new", "doves", "--kind", "game", "--out", str(folder))
    assert f"pip install -e {folder}" in told
    run(python, *INSTALL, str(folder))
    assert "doves  (meva-doves 1.0)" in run(python, "-m", "meva_core", "plugin", "list")
    checked = run(python, "-m", "meva_core", "plugin", "check", "doves", "momentum", "--game", "doves")
    assert "2 of 2 keep their contracts" in checked
    assert "3 passed" in run(python, "-m", "pytest", "-q", str(folder), cwd=tmp_path)


def test_it_is_not_in_this_environment():
    done = subprocess.run([sys.executable, "-m", "meva_core", "list"], capture_output=True, text=True, check=True)
    assert "duopoly" not in done.stdout
