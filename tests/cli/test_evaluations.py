"""Evaluations as plugins: picked, set, left out, and a stranger's with a table, a picture and a panel of its own."""

import importlib
import itertools
import json
import re
import shutil
import sys

import jax.numpy as jnp
import numpy as np
import pytest

import meva_core as meva
from meva_core.contracts import Evaluation, component, static
from meva_core.errors import BadPlugin
from meva_core.evaluate import streams
from meva_core.registry import discovery, loading
from meva_core.report.statistics import statistic

SHORT = ("--set", "evaluate.pairs=2", "--set", "evaluate.steps=3", "--set", "evaluate.values=[0.0]")
LOLA = ("--game", "ipd", "--learner", "lola", *SHORT)
FAIRNESS = """
import jax.numpy as jnp
from meva_core.contracts import Entry, Evaluation, Panel, component, hookimpl, positive, static
from meva_core.report import tables
from meva_core.report.statistics import statistic


@hookimpl
def meva_evaluations():
    yield Entry("fairness", "fairness:Fairness", "how far apart payoffs are")


@component
class Fairness(Evaluation):
    \"\"\"How far apart payoffs are, in units of `unit`.\"\"\"

    unit: float = static(default=1.0, doc="of payoffs", check=positive)
    by_default = False
    says = "comparing payoffs"

    def inputs(self, ended, answers):
        return (ended.payoffs,)

    def ask(self, match, key, asking, payoffs):
        return jnp.ptp(payoffs, axis=1) / self.unit

    def rows(self, answer, seen):
        return [{"fairness": {"apart": statistic(answer.each[:, v])}} for v in range(len(seen.values))]

    def quantities(self, composition):
        return ("fairness.apart",)

    def tables(self, summary):
        def cells(row):
            return [tables.statistic(row["fairness"]["apart"])]

        return [tables.per_setting(summary, "how far payoffs are apart", ["apart"], cells)]

    def arrays(self, answer):
        return {"apart": answer.each}

    def figures(self, summary, arrays):
        from matplotlib.figure import Figure

        figure = Figure(figsize=(2, 2))
        figure.subplots().hist(arrays["apart"].ravel())
        return {"fairness": figure}

    def captions(self):
        return {"fairness": "A histogram of how far payoffs are apart."}

    def panels(self, summary, arrays):
        script = "(box, rows, { html }) => { const p = html('p', '', box); return (v) => p.textContent = rows[v]; }"
        rows = [f"apart: {n}" for n in arrays["apart"][0].mean(axis=1)]
        return [Panel(script=script, rows=rows, style="p::after { content: '</style>'; }")]


def fail(self, *arguments):
    raise KeyError("oops")
"""


def folder_of(meva_run, tmp_path, *words):
    outcome = meva_run(*words, "--out", tmp_path / "run")
    assert (outcome.code, outcome.err) == (0, "")
    return tmp_path / "run", json.loads((tmp_path / "run" / "summary.json").read_text())


# ---------------------------------------------------------------- a stranger's


def test_a_strangers_evaluation_has_its_table_picture_and_panel(fake_plugin, meva_run, meva_command, tmp_path):
    fake_plugin("fairness", FAIRNESS)
    words = (*LOLA, "--evaluate", "default,fairness", "--set", "evaluate.fairness.unit=2.0")
    out, summary = folder_of(meva_run, tmp_path, *words)
    assert summary["evaluations"] == ["best_response", "convergence", "shaping", "fairness"]
    assert summary["rows"][0]["fairness"]["apart"]["mean"] >= 0
    assert (out / "figures" / "fairness.svg").is_file()
    page = (out / "report.html").read_text()
    assert "<h2>How far payoffs are apart</h2>" in page
    assert "A histogram of how far payoffs are apart." in page
    assert "p.textContent = rows[v]" in page
    assert '"panels":[["apart: ' in page
    assert "<style>\np::after { content: '<\\/style>'; }</style>" in page
    (out / "report.html").unlink()
    assert meva_command("report", out).code == 0
    assert (out / "report.html").read_text() == page
    again = meva_run(out / "experiment.toml", "--out", tmp_path / "again")
    assert (again.code, json.loads((tmp_path / "again" / "summary.json").read_text())["hash"]) == (0, summary["hash"])
    assert any(line.split()[0] == "fairness" for line in meva_command("list", "evaluation").lines[1:])
    assert "unit" in meva_command("show", "evaluation", "fairness").out
    assert "share" not in meva_command("compare", out, tmp_path / "again").err


def test_the_kit_checks_it(fake_plugin, meva_command):
    fake_plugin("fairness", FAIRNESS)
    outcome = meva_command("plugin", "check", "fairness", "--game", "hamiltonian")
    assert (outcome.code, outcome.err) == (0, "")
    assert outcome.lines[-1] == "1 of 1 keep their contracts"


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        ("Fairness.ask = fail", "ask(match, key, asking, *inputs) raises KeyError: 'oops'"),
        ("Fairness.ask = lambda self, *rest: 'much'", "ask(match, key, asking, *inputs): expected a tree of arrays"),
        ("Fairness.ask = lambda self, *rest: None", "expected an array or a tree of arrays, got None"),
        ("Fairness.ask = lambda self, *rest: 1j", "ask(match, key, asking, *inputs): expected a tree of "),
        (
            "Fairness.ask = lambda self, match, *rest: match.game.init(rest[0]) * 1j",
            "expected a tree of real numbers, got",
        ),
        ("Fairness.inputs = fail", "inputs(ended, answers) raises KeyError: 'oops'"),
        ("Fairness.plan = fail", "raises KeyError: 'oops'"),
        ("del Fairness.ask\nFairness.rows = fail", "raises KeyError: 'oops'"),
        ("Fairness.rows = lambda self, *rest: []", "rows(answer, seen): expected a list of 1 dictionaries, got []"),
        ("Fairness.rows = lambda self, *rest: [{'fairness': float('nan')}]", "rows(answer, seen): Out of range float"),
        ("Fairness.rows = lambda self, *rest: [{'fairness': jnp.zeros(2)}]", "rows(answer, seen): Object of type"),
    ],
)
def test_a_fault_is_one_line_that_names_it(fake_plugin, meva_run, tmp_path, fault, said):
    fake_plugin("fairness", f"{FAIRNESS}\n{fault}\n")
    outcome = meva_run(*LOLA, "--evaluate", "fairness", "--out", tmp_path / "out")
    (line,) = outcome.err.splitlines()
    assert outcome.code == 2
    assert line.startswith("error: evaluation 'fairness' of plugin 'fairness' (meva-fairness)")
    assert said in line


ONCE = "def once(self, game, match, keys, asking):\n    return {}\nFairness.ask_once = once\n"
COLUMN = "lambda self, summary: [Column(head='h', panel='p', line='l', cell={})]"
BEFORE = {
    "ask_once returns text": (ONCE.format("'much'"), "ask_once(game, match, keys, asking): expected a tree of arrays"),
    "ask_once returns keys": (ONCE.format("keys"), "ask_once(game, match, keys, asking): expected a tree of arrays"),
    "ask_once raises": (ONCE.format("{}['oops']"), "ask_once(game, match, keys, asking) raises KeyError: 'oops'"),
    "inputs are none": ("Fairness.inputs = lambda self, *rest: 3", "inputs(ended, answers) raises TypeError"),
    "inputs are texts": ("Fairness.inputs = lambda self, *rest: ('x',)", "inputs(ended, answers) raises"),
    "inputs are short": ("Fairness.inputs = lambda self, *rest: (3.0,)", "inputs(ended, answers) raises"),
    "plan returns text": ("Fairness.plan = lambda self, composition: 'much'", "plan(composition): expected a tree"),
    "lacks returns a number": ("Fairness.lacks = lambda self, *rest: 3", "lacks(composition, seeds): expected text"),
    "settle returns less": ("Fairness.settle = lambda *rest: {}", "settle(settings, named, about): expected values"),
    "settle returns text": (
        "Fairness.settle = lambda *rest: {'unit': 'x'}",
        "expected float, got 'x' (str) @ settle(settings, named, about).unit",
    ),
    "it builds on text": ("Fairness.builds_on = 'basins'", "builds_on: expected names of evaluations, got basins"),
    "it is by default a text": ("Fairness.by_default = 'no'", "by_default: expected True or False, got no"),
    "a stream of the loops": ("Fairness.stream = 3", "stream: expected None or a whole number from 2**31"),
    "its former settings": ("Fairness.formerly = ['a']", "formerly: expected a dictionary of former names"),
}  # fmt: skip
AFTER = {
    "ask_once needs numbers": (
        ONCE.format("str(float(__import__('jax').random.key_data(keys).sum()))"),
        "ask_once(game, match, keys, asking): expected a tree of arrays",
    ),
    "ask_once raises": (
        ONCE.format("{}[float(__import__('jax').random.key_data(keys).sum())]"),
        "raises KeyError",
    ),
    "whole of the core": (
        "Fairness.whole = lambda self, *rest: {'rows': 3}",
        "whole(answer, seen): expected names that nothing else uses, got 'rows'",
    ),
    "a cell of no kind": (
        f"Fairness.columns = {COLUMN.format('lambda row: 3')}",
        "cell of columns(summary): expected a statistic or None, got 3",
    ),
    "figures cannot be drawn": ("Fairness.figures = broken", "a figure of figures(summary, arrays) raises"),
    "a figure of the core": ("Fairness.figures = taken", "expected names that nothing else uses, got 'payoffs'"),
    "panels raises": ("Fairness.panels = fail", "panels(summary, arrays) raises KeyError"),
}  # fmt: skip
DRAWN = """
from meva_core.contracts.evaluation import Column


def broken(self, summary, arrays):
    from matplotlib.figure import Figure

    figure = Figure()
    figure.suptitle("$\\\\nosuch$")
    return {"fairness": figure}


def taken(self, summary, arrays):
    return {"payoffs": figures(self, summary, arrays)["fairness"]}


figures = Fairness.figures
"""


@pytest.mark.parametrize(("fault", "said"), BEFORE.values(), ids=BEFORE)
def test_a_fault_is_found_before_anything_is_written(fake_plugin, meva_run, tmp_path, fault, said):
    fake_plugin("fairness", f"{FAIRNESS}\n{fault}\n")
    check_line(meva_run(*LOLA, "--evaluate", "fairness", "--out", tmp_path / "out"), said)
    assert not (tmp_path / "out").exists()


def check_line(outcome, said):
    """Check that there is one line, and that it names plugin and distribution."""
    (line,) = outcome.err.splitlines()
    assert outcome.code == 2
    assert line.startswith("error: evaluation 'fairness' of plugin 'fairness' (meva-fairness): ")
    assert said in line
    assert len(line) < 700


TWO_ROWS = (*LOLA, "--set", "evaluate.values=[0.0, 1.0]", "--set", "evaluate.best_response.steps=2")


@pytest.mark.parametrize(("fault", "said"), AFTER.values(), ids=AFTER)
def test_a_fault_costs_no_other_results(fake_plugin, meva_run, meva_command, tmp_path, fault, said):
    fake_plugin("fairness", f"{FAIRNESS}\n{DRAWN}\n{fault}\n")
    out = tmp_path / "out"
    outcome = meva_run(*TWO_ROWS, "--evaluate", "best_response,fairness", "--out", out)
    check_line(outcome, said)
    assert f"All other results are in {out}" in outcome.err
    summary = json.loads((out / "summary.json").read_text())
    assert summary["evaluations"] == ["best_response"]
    assert {"payoffs", "best_response"} <= summary["rows"][0].keys()
    assert isinstance(summary["rows"][0]["payoffs"], list)
    with np.load(out / "policies.npz") as arrays:
        assert set(arrays.files) == {"policies", "payoffs", "seeds", "settings", "entries"}
    assert not (out / "report.html").exists()  # it is not finished
    assert not [path for path in (out / "figures").iterdir() if path.stem == "fairness"]
    assert (meva_command("report", out).code, meva_command("report", out).err) == (0, "")


def test_what_was_at_fault_is_asked_again(fake_plugin, meva_run, tmp_path):
    at_fault = f"{FAIRNESS}\nFairness.whole = fail\n"
    site, out = fake_plugin("fairness", at_fault), tmp_path / "out"

    def resumed(code):
        (site / "fairness.py").write_text(code)
        sys.modules.pop("fairness")
        discovery.installed.cache_clear()
        return meva_run("--resume", out)

    assert meva_run(*LOLA, "--evaluate", "convergence,fairness", "--out", out).code == 2
    outcome = resumed(FAIRNESS)
    assert (outcome.code, outcome.err) == (0, "")
    assert "fairness" in json.loads((out / "summary.json").read_text())["rows"][0]
    assert (out / "report.html").is_file()
    # At fault again, so the page of the finished run goes: the run counts as unfinished.
    assert resumed(at_fault).code == 2
    assert not (out / "report.html").exists()


def another(name, *, of=FAIRNESS, builds_on=()):
    """The code of an evaluation like fairness, with another name."""
    return of.replace("fairness", name).replace("    says", f"    builds_on = {builds_on!r}\n    says", 1)


def test_all_faults_are_named_with_what_builds_on_them(fake_plugin, meva_run, tmp_path):
    """One fault is met when the answer is computed, the other one when the page is made."""
    fake_plugin("fairness", f"{FAIRNESS}\n{AFTER['ask_once raises'][0]}")
    own = "Fairness.arrays = lambda self, answer: {}\nFairness.figures = lambda self, *of: {}\n"
    fake_plugin("odd", f"{another('odd')}\n{own}\nFairness.panels = fail")
    fake_plugin("above", f"{another('above', builds_on=('odd',))}\n{own}")
    fake_plugin("higher", f"{another('higher', builds_on=('above', 'fairness'))}\n{own}")
    out = tmp_path / "out"
    outcome = meva_run(*LOLA, "--evaluate", "convergence,fairness,odd,above,higher", "--out", out)
    check_line(outcome, "raises KeyError")
    for name in ("fairness", "odd"):
        assert f"evaluation {name!r} of plugin {name!r} (meva-{name}): " in outcome.err
    left_out = "fairness, odd, higher (builds on above and fairness), above (builds on odd)"
    assert f"Evaluations left out: {left_out}. All other results are in {out}" in outcome.err
    assert json.loads((out / "summary.json").read_text())["evaluations"] == ["convergence"]


CLASHES = {
    "figures(summary, arrays)": "{'trajectories': __import__('matplotlib.figure').figure.Figure()}",
    "arrays(answer)": "{'plane': 3}",
    "rows(answer, seen)": "[{'basins': 3}]",
}


@pytest.mark.parametrize(("what", "taken"), CLASHES.items(), ids=CLASHES)
def test_a_stranger_whose_name_comes_first_is_blamed_for_a_clash(fake_plugin, meva_run, tmp_path, what, taken):
    """Its distribution, too, comes before that of the plugins of ours."""
    words = ("--game", "hamiltonian", "--learner", "naive", *SHORT[:4], "--set", "evaluate.basins.grid=3")
    fault = f"Fairness.{what.partition('(')[0]} = lambda self, *of: {taken}"
    fake_plugin("aaa", f"{another('aaa')}\n{fault}\n", distribution="aaa")
    outcome = meva_run(*words, "--evaluate", "aaa,basins", "--out", tmp_path / "out")
    (line,) = outcome.err.splitlines()
    assert outcome.code == 2
    assert line.startswith(f"error: evaluation 'aaa' of plugin 'aaa' (aaa): {what}: expected names that nothing")
    assert json.loads((tmp_path / "out" / "summary.json").read_text())["evaluations"] == ["basins"]


def test_what_builds_on_a_fault_is_left_out(fake_plugin, meva_run, tmp_path):
    fake_plugin("fairness", f"{FAIRNESS}\n{AFTER['ask_once needs numbers'][0]}")
    above = FAIRNESS.replace("fairness", "above").replace("    says", "    builds_on = ('fairness',)\n    says")
    fake_plugin("above", above)
    outcome = meva_run(*LOLA, "--evaluate", "above", "--out", tmp_path / "out")
    assert outcome.err.startswith("error: evaluation 'fairness' of plugin 'fairness' (meva-fairness)")


def test_one_may_build_on_one_without_arrays(fake_plugin, meva_run, tmp_path):
    """The rehearsal has an answer of every evaluation, also of one that asks nothing."""
    code = FAIRNESS.replace("    says", "    builds_on = ('convergence',)\n    says")
    fake_plugin(
        "fairness",
        code.replace("return (ended.payoffs,)", "return (ended.payoffs * (answers['convergence'].each is None),)"),
    )
    _, summary = folder_of(meva_run, tmp_path, *LOLA, "--evaluate", "fairness")
    assert summary["evaluations"] == ["convergence", "fairness"]


def test_an_empty_cell_is_no_fault(fake_plugin, meva_run, tmp_path):
    fake_plugin("fairness", f"{FAIRNESS}\n{DRAWN}\nFairness.columns = {COLUMN.format('lambda row: None')}\n")
    folder_of(meva_run, tmp_path, *TWO_ROWS, "--evaluate", "best_response,fairness")


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        ("1 / 0", "cannot be imported from 'fairness_too:Fairness': ZeroDivisionError"),
        ("Fairness.builds_on = 3", "builds_on: expected names of evaluations, got 3"),
    ],
)
def test_a_broken_class_runs_only_by_name(fake_plugin, meva_run, tmp_path, fault, said):
    """One that would run by default is left out with a warning; another run is not refused for it."""
    hook = FAIRNESS[: FAIRNESS.index("@component")].replace("fairness:", "fairness_too:")
    fake_plugin("fairness", hook)
    code = FAIRNESS.replace("    by_default = False\n", "")
    (tmp_path / "site" / "fairness_too.py").write_text(code.replace("@hookimpl", "") + fault)
    outcome = meva_run(*LOLA, "--set", "evaluate.best_response.steps=2", "--out", tmp_path / "out")
    sys.modules.pop("fairness_too", None)
    (line,) = outcome.err.splitlines()
    assert outcome.code == 0
    assert line.startswith("warning: evaluation 'fairness' of plugin 'fairness' (meva-fairness): ")
    assert said in line
    outcome = meva_run(*LOLA, "--evaluate", "fairness")
    sys.modules.pop("fairness_too", None)
    assert outcome.code == 2
    assert said in outcome.err
    assert "unknown hyper-parameter evaluate.pair -" in meva_run(*LOLA, "--set", "evaluate.pair=3").err


def test_an_evaluation_may_have_a_learners_name(fake_plugin, meva_run, tmp_path):
    code = FAIRNESS.replace('Entry("fairness"', 'Entry("naive"').replace("    by_default = False\n", "")
    fake_plugin("fairness", code)
    _, summary = folder_of(meva_run, tmp_path, *LOLA)
    assert {"naive", "shaping"} <= set(summary["evaluations"])


def test_what_nobody_asks_harms_nobody(fake_plugin, meva_run, tmp_path):
    fake_plugin("fairness", f"{FAIRNESS}\nFairness.ask = fail\n")
    _, summary = folder_of(meva_run, tmp_path, *LOLA)
    assert "fairness" not in summary["evaluations"]


# ---------------------------------------------------------------- drawn again


def test_a_page_is_made_again_with_the_settings_and_the_plugin_of_the_run(
    fake_plugin, meva_run, meva_command, tmp_path
):
    """Two plugins offer the name, and the settings are not those by default: the page is the same, byte by byte."""
    caption = 'f"how far payoffs are apart, in {self.unit}"'
    code = FAIRNESS.replace('"how far payoffs are apart"', caption)
    fake_plugin("fairness", code)
    fake_plugin("unfair", FAIRNESS.replace("fairness:", "unfair:").replace("how far payoffs are", "unfair payoffs are"))
    words = (*LOLA, "--evaluate", "fairness:fairness", "--set", "evaluate.fairness.unit=2.0")
    out, _ = folder_of(meva_run, tmp_path, *words)
    page = (out / "report.html").read_text()
    assert "<h2>How far payoffs are apart, in 2.0</h2>" in page
    outcome = meva_command("report", out)
    assert (outcome.code, outcome.err) == (0, "")
    assert (out / "report.html").read_text() == page
    assert meva_command("compare", out, shutil.copytree(out, tmp_path / "copy")).err == ""


def test_what_cannot_be_shown_again_is_left_out_with_a_remark(fake_plugin, meva_run, meva_command, tmp_path):
    site = fake_plugin("fairness", FAIRNESS)
    out, _ = folder_of(meva_run, tmp_path, *LOLA, "--evaluate", "convergence,fairness")
    # The new text has another length: Python reads compiled code again if time (in seconds) and length are the same.
    (site / "fairness.py").write_text(
        FAIRNESS.replace("unit: float", "scale: float").replace("self.unit", "self.scale")
    )
    assert "warning: evaluation fairness is not shown: unknown hyper-parameter 'unit' @ evaluate.fairness" in shown(
        meva_command, out
    )
    (site / "fairness.py").write_text(f"{FAIRNESS}\nFairness.tables = fail\n")
    assert (
        "warning: evaluation fairness is not shown: evaluation 'fairness' of plugin 'fairness' (meva-fairness): "
        in (shown(meva_command, out))
    )
    (site / "meva_fairness-1.0.dist-info" / "entry_points.txt").unlink()
    assert (
        "warning: evaluation fairness is not shown: expected evaluation 'fairness' of plugin 'fairness' (meva-fairness"
        in (shown(meva_command, out))
    )


def test_a_fault_in_a_comparison_costs_only_its_own_numbers(fake_plugin, meva_run, meva_command, tmp_path):
    fake_plugin("fairness", f"{FAIRNESS}\nFairness.compared = fail\n")
    out, _ = folder_of(meva_run, tmp_path, *LOLA, "--evaluate", "convergence,fairness")
    outcome = meva_command("compare", out, shutil.copytree(out, tmp_path / "copy"))
    (line,) = outcome.err.splitlines()
    assert outcome.code == 0
    assert line.startswith("warning: evaluation fairness is not shown: evaluation 'fairness' of plugin 'fairness'")
    assert "compared(row) raises KeyError" in line
    assert "self-play" in outcome.out


STUDY = """
[reproductions.tiny]
title = "fairness"
source = "nobody (1999)"
picture = "PICTURE"
[reproductions.tiny.runs.lola]
game = "ipd"
learner = "lola"
[reproductions.tiny.runs.lola.set]
"evaluate.asked" = ["best_response", "fairness"]
"evaluate.best_response.steps" = 2
"evaluate.pairs" = 2
"evaluate.steps" = 3
"evaluate.values" = [0.0, 1.0]
[[reproductions.tiny.claims]]
says = "fair"
run = "lola"
at = 0.0
quantity = "fairness.apart"
at_least = 0.0
"""


def test_a_fault_in_a_study_costs_only_its_own_part(fake_plugin, meva_command, tmp_path):
    """The runs are finished with the plugin as it was; then each method of its page and its pictures fails."""
    drawn = "    def pictures(self):\n        return {'fair': lambda runs, heading: figure()}\n\n    def captions"
    code = (
        FAIRNESS.replace("    def captions", drawn)
        + "\n\ndef figure():\n    return __import__('matplotlib.figure').figure.Figure()\n"
    )
    site = fake_plugin("fairness", code)
    out, study = tmp_path / "out", tmp_path / "own.toml"
    faults = {
        "fair": ["", "Fairness.captions = fail", "Fairness.tables = fail", "figure = lambda: 3"],
        "payoffs": ["", "Fairness.columns = fail"],
    }
    for picture, lines in faults.items():
        study.write_text(STUDY.replace("PICTURE", picture))
        for fault in lines:
            (site / "fairness.py").write_text(f"{code}\n{fault}\n")
            sys.modules.pop("fairness", None)
            importlib.invalidate_caches()
            discovery.installed.cache_clear()
            outcome = meva_command("reproduce", "tiny", "--jobs", 1, "--out", out, "--registry", study)
            assert outcome.code == 0, outcome.err
            said = "evaluation fairness is not shown: evaluation 'fairness' of plugin 'fairness' (meva-fairness): "
            assert (said in outcome.err, outcome.err == "") == (bool(fault), not fault)
            assert "1 of 1 claims hold" in outcome.out
            drawn = {path.name for path in (out / "tiny" / "figures").iterdir()}
            assert ("fair.svg" in drawn) == (picture == "fair" and not fault.startswith("figure"))
            assert "lola: payoffs" in (out / "tiny" / "report.html").read_text()


def shown(meva_command, out):
    """The warning about an evaluation that the page lacks; it has that of the other one."""
    sys.modules.pop("fairness", None)
    importlib.invalidate_caches()
    discovery.installed.cache_clear()
    outcome = meva_command("report", out)
    page = (out / "report.html").read_text()
    assert outcome.code == 0
    assert "How far payoffs are apart</h2>" not in page
    assert "Convergence: mean length" in page
    (line,) = outcome.err.splitlines()
    return line


# ---------------------------------------------------------------- picked


def test_without_evaluations_matches_are_played(meva_run, tmp_path, monkeypatch):
    monkeypatch.setenv("MEVA_BLOCK", "meva_evaluations")
    discovery.installed.cache_clear()
    out, summary = folder_of(meva_run, tmp_path, *LOLA)
    assert summary["evaluations"] == []
    assert summary["rows"][0]["self_play"]["mean"] < 0
    assert (out / "report.html").is_file()
    monkeypatch.delenv("MEVA_BLOCK")
    discovery.installed.cache_clear()


def test_picked_evaluations_alone_are_asked(meva_run, tmp_path):
    out, summary = folder_of(meva_run, tmp_path, *LOLA, "--evaluate", "convergence")
    assert summary["evaluations"] == ["convergence"]
    assert "best_response" not in summary["rows"][0]
    text = (out / "experiment.toml").read_text()
    assert re.search(r'asked = \[\s*"convergence",?\s*\]', text)
    assert "[evaluate.best_response]" not in text


def test_what_it_builds_on_is_asked_too(meva_run, tmp_path):
    words = ("--game", "hamiltonian", "--learner", "naive", *SHORT[:4], "--set", "evaluate.basins.grid=3")
    _, summary = folder_of(meva_run, tmp_path, *words, "--evaluate", "fixed_points")
    assert summary["evaluations"] == ["basins", "fixed_points"]


@pytest.mark.parametrize("names", ["", ",", " , "])
def test_no_name_is_no_pick(meva_run, names):
    outcome = meva_run(*LOLA, "--evaluate", names)
    assert (outcome.code, outcome.err) == (
        2,
        f"error: expected names of evaluations for --evaluate, got {names!r}\n",
    )


def test_a_page_is_made_of_a_folder_of_the_version_before(meva_run, meva_command, tmp_path):
    """Its summary did not say who was asked, and its experiment.toml is read by the version that wrote it."""
    out, summary = folder_of(meva_run, tmp_path, *LOLA)
    page = (out / "report.html").read_text()
    del summary["evaluations"], summary["setting"]["own"]
    summary["schema"] = 3
    summary["rows"][0] |= {"basins": {}, "unstable": None, "rests": [], "errors": {}, "regions": {}, "extortion": None}
    (out / "summary.json").write_text(json.dumps(summary))
    text = (out / "experiment.toml").read_text()
    text = re.sub("^meva = .*", 'meva = "1.0.0"', text.replace("schema = 3", "schema = 2", 1), flags=re.M)
    (out / "experiment.toml").write_text(text)
    assert meva_command("report", out).code == 0
    tables = [re.findall(r"<h2>(.*?)</h2>", text) for text in (page, (out / "report.html").read_text())]
    assert tables[0][:4] == tables[1][:4]


def test_payoffs_stand_before_anything_else_is_asked(meva_run, tmp_path):
    outcome = meva_run(*LOLA, "--out", tmp_path / "run")
    first = outcome.out.index("\npayoffs\n")
    assert first < outcome.out.index("finding best responses ...")
    assert outcome.out.index("ours vs best") > outcome.out.index("drawing figures ...")


# ---------------------------------------------------------------- from Python


@component
class Sum(Evaluation):
    """The sum of all payoffs, times a number."""

    times: float = static(default=1.0, doc="times")

    def inputs(self, ended, answers):
        return (ended.payoffs,)

    def ask(self, match, key, asking, *inputs):
        return self.times * jnp.sum(inputs[0], axis=1)

    def rows(self, answer, seen):
        return [{"sum": statistic(answer.each[:, v])} for v in range(len(seen.values))]


def test_a_class_of_ones_own_is_asked():
    few = {"evaluate.pairs": 2, "evaluate.steps": 2}
    result = meva.run("matrix", "naive", evaluate=[Sum], set=few)
    assert result.summary()["rows"][0]["sum"]["mean"] == pytest.approx(result.payoffs.sum(axis=-1).mean(), rel=1e-6)


def test_a_class_at_fault_is_named():
    class Odd(Sum):
        """Not what it says."""

        def rows(self, answer, seen):
            return [{"sum": answer.each}]

    result = meva.run("matrix", "naive", evaluate=[component(Odd)], set={"evaluate.pairs": 2, "evaluate.steps": 2})
    with pytest.raises(BadPlugin, match=r"evaluation .*Odd.*rows\(answer, seen\): Object of type ndarray"):
        result.summary()


def test_streams_of_random_numbers_are_apart():
    offers = discovery.installed().of_kind("evaluation")
    named = {offer.name: streams.of(offer.name, loading.load(offer).stream) for offer in offers}
    numbers = [streams.FRESH_FIT, streams.MATCHES, streams.TOURNAMENT, *named.values()]
    assert named["best_response"] == streams.RESPONSES
    assert len(set(numbers)) == len(numbers)
    assert all(number in streams.RESERVED or number in streams.NAMED for number in numbers)
    ranges = (streams.LOOPS, streams.NAMED, streams.RESERVED)
    assert all(before.stop <= after.start for before, after in itertools.pairwise(ranges))
    assert streams.RESERVED.stop == 2**32  # what a key can be folded with


def test_streams_of_random_numbers_stay_as_they_were():
    """On record with every run that there is: another number, other policies."""
    offers = discovery.installed().of_kind("evaluation")
    on_record = {o.name: loading.load(o).stream for o in offers if loading.load(o).stream is not None}
    seed = ("fresh_fit", "best_response", "matches", "tournament", "basins", "shaping", "polytope", "fixed_points")
    numbers = {"fresh_fit": streams.FRESH_FIT, "matches": streams.MATCHES, "tournament": streams.TOURNAMENT}
    found = {name: 2**32 - number for name, number in {**numbers, **on_record}.items()}
    expected = dict(zip((*seed, "value_errors"), (1, 5, 6, 7, 3, 4, 8, 9, 10), strict=True))
    assert found == expected
    assert streams.FIRST_STATES == 2**32 - 1
