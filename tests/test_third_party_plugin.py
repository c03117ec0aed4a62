"""A stranger's plugin: installed with pip into a fresh environment beside the project, and used there."""

import json
import os
import re
import site
import subprocess
import sys
import venv
from pathlib import Path

import pytest

PLUGIN = Path(__file__).parent.parent / "examples" / "third_party_plugin"
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


def run(interpreter, *words, cwd=None):
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("PYTHONPATH", "PIP_"))}
    done = subprocess.run(
        [str(interpreter), *words], capture_output=True, text=True, cwd=cwd, env=environment, timeout=600
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_is_listed_with_its_distribution(python):
    listed = run(python, "-m", "meva_core", "list")
    assert "cournot" in listed
    assert "momentum" in listed
    assert "meva_cournot (meva-cournot)" in listed
    assert "ipd" in listed


def test_its_papers_are_cited(python):
    assert re.findall(r"@\w+{(\w+),", run(python, "-m", "meva_core", "cite", "cournot", "momentum")) == [
        "cournot1838recherches",
        "polyak1964some",
    ]


def test_its_game_with_a_rule_of_ours(python, tmp_path):
    """LOLA, whose programs are few; MeVa meets a stranger's game in the notebook of test_examples."""
    out = tmp_path / "out"
    printed = run(python, "-m", "meva_core", "run", "--game", "cournot", "--learner", "lola", "--out", str(out), *TINY)
    assert "collusive" in printed
    summary = json.loads((out / "summary.json").read_text())
    assert summary["rows"][0]["basins"]["collusive"]["of"] == 9
    naive = summary["rows"][0]
    assert naive["self_play"]["mean"] == pytest.approx(1 / 9, abs=0.02)  # no look-ahead: on the way to Cournot's


def test_its_learner_and_the_conformance_kit(python):
    program = """
import meva_core as meva
from meva_core.testing import check_game, check_learner
game = meva.make("game", "cournot")
check_game(game)
for name in ("logistic", "cournot"):
    played = meva.make("game", name)
    check_learner(meva.make("learner", "momentum", game=played), played)
print("conforms")
"""
    assert "conforms" in run(python, "-c", program)


def test_a_plugin_that_is_written_here_installed_checked_and_tested(python, tmp_path):
    """As `meva plugin new` says it goes on."""
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
    assert "cournot" not in done.stdout
