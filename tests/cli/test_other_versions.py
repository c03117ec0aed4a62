"""Folders that another version of meva wrote: one line that names it, and the page and the papers where possible."""

import html
import json
import re

import pytest

import meva_core as meva
from meva_core.errors import BadFolder
from meva_core.storage import files

pytestmark = pytest.mark.usefixtures("no_figures")

SMALL = "learner.loops=2 evaluate.pairs=4 evaluate.steps=5 evaluate.best_response.steps=3 evaluate.values=[0.9]"
EARLIER, NEWER = ("1.0.0", 2, 3), ("9.0", 99, 99)  # version, schema of the experiment, schema of the summary


@pytest.fixture(scope="module")
def run(toy, meva_run, tmp_path_factory):
    folder = tmp_path_factory.mktemp("versions") / "run"
    numbers = [word for setting in SMALL.split() for word in ("--set", setting)]
    outcome = meva_run("--game", "tandem", "--learner", "toy", *numbers, "--out", folder, "--quiet")
    assert outcome.code == 0, outcome.err
    return folder


def as_written_by(written, run, folder):
    """The run as another version wrote it, which stored no papers; None stands for a version that is not on record."""
    version, schema, of_summary = written
    files.copy(run, folder)
    (folder / "references.bib").unlink()
    text = (folder / "experiment.toml").read_text().replace("schema = 3", f"schema = {schema}", 1)
    text = re.sub('^meva = ".*"\n', f'meva = "{version}"\n' if version else "", text, flags=re.MULTILINE)
    (folder / "experiment.toml").write_text(text)
    told = json.loads((folder / "summary.json").read_text())
    (folder / "summary.json").write_text(json.dumps({**told, "schema": of_summary}))
    return folder


def refusal(outcome):
    assert (outcome.code, outcome.out, outcome.err.count("\n")) == (2, "", 1), outcome
    return outcome.err.removeprefix("error: ").rstrip("\n")


@pytest.mark.parametrize(
    ("written", "wrote"),
    [
        (EARLIER, "meva 1.0.0 wrote it; use that one (pip install meva==1.0.0), or run it again with this version"),
        (NEWER, "meva 9.0 wrote it; use that one (pip install meva==9.0), or run it again with this version"),
        ((None, *EARLIER[1:]), "an earlier version of meva wrote it; install that one, or run it again with this"),
        ((None, *NEWER[1:]), "a newer version of meva wrote it; upgrade meva, or run it again with this version"),
        ((None, "'two'", 4), "no version of meva writes that; correct it, or run it again"),
    ],
)
def test_what_needs_the_experiment_names_the_version_that_wrote_it(
    written, wrote, run, toy, meva_command, meva_run, tmp_path
):
    old = as_written_by(written, run, tmp_path / "old")
    told = f"expected schema 3, got {written[1]} @ {old / 'experiment.toml'}: {wrote}"
    for outcome in (
        meva_command("compare", old, run),
        meva_command("compare", run, old),
        meva_command("verify", old),
        meva_run("--resume", old),
        meva_run(old / "experiment.toml"),
    ):
        assert refusal(outcome).startswith(told)
    with pytest.raises(BadFolder) as caught:
        list(meva.snapshots(old))
    assert str(caught.value).startswith(told)


def test_a_run_that_another_version_did_not_finish_is_finished_by_that_one(run, toy, meva_command, tmp_path):
    old = as_written_by(EARLIER, run, tmp_path / "old")
    (old / "summary.json").unlink()
    for outcome in (meva_command("compare", old, run), meva_command("verify", old)):
        line = refusal(outcome)
        assert line.startswith(f"expected schema 3, got 2 @ {old / 'experiment.toml'}: meva 1.0.0 wrote it; use that")
        assert "--resume" not in line


@pytest.mark.parametrize(
    ("version", "schema", "told"),
    [("1.0.0", 2, "meva 1.0.0 wrote it"), ("9.0", 99, "meva 9.0 wrote it"), (None, 2, "an earlier version of meva")],
)
def test_a_summary_of_which_no_page_can_be_made(version, schema, told, run, toy, meva_command, tmp_path):
    old = as_written_by((version, 2, schema), run, tmp_path / "old")
    line = refusal(meva_command("report", old))
    assert line.startswith(f"expected schema 4, got {schema} @ {old / 'summary.json'}: {told}")


def test_an_earlier_folder_that_lacks_something(run, toy, meva_command, tmp_path):
    old = as_written_by(EARLIER, run, tmp_path / "old")
    told = json.loads((old / "summary.json").read_text())
    del told["rows"][0]["payoffs"]
    (old / "summary.json").write_text(json.dumps(told))
    line = refusal(meva_command("report", old))
    assert line.startswith(f"expected a folder as this version writes it, got {old} (KeyError 'payoffs'): meva 1.0.0")


@pytest.mark.parametrize("written", [EARLIER, (None, *EARLIER[1:]), ("9.0", 99, 4)])
def test_the_papers_are_found_by_the_names_in_the_folder(written, run, toy, meva_command, tmp_path):
    old = as_written_by(written, run, tmp_path / "old")
    cited = meva_command("cite", old)
    assert (cited.code, cited.err) == (0, meva_command("cite", run).err)
    assert cited.out == (run / "references.bib").read_text()
    assert meva_command("report", old).code == 0
    assert cited.out in html.unescape((old / "report.html").read_text())


def test_papers_that_are_not_found_are_said(run, toy, meva_command, tmp_path):
    old = as_written_by(EARLIER, run, tmp_path / "old")
    text = (old / "experiment.toml").read_text()
    (old / "experiment.toml").write_text(text.replace('name = "tandem"', 'name = "tandemm"', 1))
    (old / "report.html").unlink()
    outcome = meva_command("report", old)
    assert (outcome.code, outcome.err.count("\n")) == (0, 1)
    assert outcome.err.startswith("warning: papers to cite are left out: ")
    assert "'tandemm'" in outcome.err
    assert (old / "report.html").is_file()
