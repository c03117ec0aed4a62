"""Results of strangers' evaluations after the matches: each fault is one line, and costs no other results."""

import json
import math
from typing import Any

import attrs
import jax.numpy as jnp
import numpy as np
import pytest

import meva_core as meva
from meva_core.contracts import Evaluation, component
from meva_core.contracts.evaluation import Column, Panel
from meva_core.errors import BadPlugin, Remark
from meva_core.report import asked, write
from meva_core.report.statistics import statistic
from meva_core.report.tables import Grid, per_setting


@component
class Sum(Evaluation):
    """The sum of all payoffs."""

    def inputs(self, ended, answers):
        return (ended.payoffs,)

    def ask(self, match, key, asking, *inputs):
        return jnp.sum(inputs[0], axis=1)

    def rows(self, answer, seen):
        return [{"sum": statistic(answer.each[:, v])} for v in range(len(seen.values))]

    def whole(self, answer, seen):
        return {"sums": [1, 2.5, None]}

    def arrays(self, answer):
        return {"sum": answer.each}

    def columns(self, summary):
        return [Column(head="sum", panel="p", line="l", cell=lambda row: row["sum"])]

    def tables(self, summary):
        return [per_setting(summary, "sums", ["a"], lambda row: ["1"])]

    def compared(self, row):
        return {"sum": row["sum"]}

    def panels(self, summary, arrays):
        return [Panel(script="s", rows=[1])]


SUM = f"{__name__}:Sum"


@pytest.fixture(scope="module")
def result():
    few = {"evaluate.pairs": 2, "evaluate.steps": 2}
    return meva.run("matrix", "naive", evaluate=["convergence", Sum], set=few)


def at_fault(result, **methods):
    """The result with another evaluation in place of `Sum`."""
    odd = type("Odd", (Sum,), methods)()
    return attrs.evolve(result, evaluations={**result.evaluations, SUM: odd})


def returning(found):
    return lambda self, *of: found


def fail(self, *of):
    raise KeyError("oops")


def column(cell):
    return returning([Column(head="h", panel="p", line="l", cell=cell)])


NUMBERS: Any = [[1]]
CIRCLE: dict = {}
CIRCLE["circle"] = CIRCLE
TAKEN = "expected names that nothing else uses, got "
FAULTS = {
    **{
        f"{method} raises": ({method: fail}, f"{method}(")
        for method in ("rows", "whole", "arrays", "columns", "first_tables", "tables", "notes", "captions", "panels")
    },
    "more numbers than seeds": (
        {"rows": returning([{"sum": {"mean": 1.0, "sem": None, "over": "pairs", "per_seed": [1.0, 2.0]}}])},
        "rows(answer, seen): expected sum with a number for each of 1 seeds in per_seed, got {",
    ),
    "fewer rows": ({"rows": returning([])}, "rows(answer, seen): expected a list of 1 dictionaries, got []"),
    "NaN in rows": ({"rows": returning([{"a": math.nan}])}, "rows(answer, seen): Out of range float"),
    "arrays in rows": ({"rows": returning([{"a": jnp.zeros(2)}])}, "rows(answer, seen): Object of type"),
    **{
        f"row of {name}": ({"rows": returning([{name: {}}])}, f"rows(answer, seen): {TAKEN}{name!r}")
        for name in ("payoffs", "policies", "value", "self_play", "outcomes", "settled", "diverged", "convergence")
    },
    "seats of no game": ({"rows": returning([{"seats": {"1": {}}}])}, f"{TAKEN}'seats'"),
    "NaN in whole": ({"whole": returning({"a": math.nan})}, "whole(answer, seen): Out of range float"),
    "objects in whole": ({"whole": returning({"a": object()})}, "whole(answer, seen): Object of type"),
    "a circle in whole": ({"whole": returning(CIRCLE)}, "whole(answer, seen): Circular reference"),
    "whole of no kind": ({"whole": returning(3)}, "whole(answer, seen): expected a dictionary, got 3"),
    **{
        f"whole of {name}": ({"whole": returning({name: 3})}, f"whole(answer, seen): {TAKEN}{name!r}")
        for name in ("rows", "hash", "schema", "seeds", "fits", "seconds", "evaluations", "diverged")
    },
    **{
        f"array of {name}": ({"arrays": returning({name: 3})}, f"arrays(answer): {TAKEN}{name!r}")
        for name in ("policies", "payoffs", "seeds", "settings", "entries", "file", "meta")
    },
    "arrays of objects": ({"arrays": returning({"a": object()})}, "arrays(answer): expected arrays of numbers or"),
    "arrays of texts": ({"arrays": returning({"a": "text"})}, "arrays(answer): expected arrays of numbers or"),
    "arrays of no kind": ({"arrays": returning(3)}, "arrays(answer): expected arrays of numbers or texts by name"),
    "ragged arrays": ({"arrays": returning({"a": [[1], [1, 2]]})}, "arrays(answer) raises ValueError"),
    "columns of no kind": ({"columns": returning([3])}, "columns(summary): expected columns, got [3]"),
    "a cell raises": ({"columns": column(fail)}, "cell of columns(summary) raises KeyError"),
    "a cell of no kind": ({"columns": column(returning(3))}, "cell of columns(summary): expected a statistic or None"),
    "a cell of less": ({"columns": column(returning({"mean": 3}))}, "cell of columns(summary): expected a statistic"),
    "first tables of no kind": ({"first_tables": returning(3)}, "first_tables(summary): expected tables"),
    "a table of other widths": ({"tables": returning([Grid("c", ["a"], [["1", "2"]])])}, "tables(summary): expected"),
    "a table of numbers": ({"tables": returning([Grid("c", ["a"], NUMBERS)])}, "tables(summary): expected tables"),
    "a table without caption": ({"tables": returning([Grid("", ["a"], [["1"]])])}, "tables(summary): expected tables"),
    "a text for tables": ({"tables": returning("table")}, "tables(summary): expected tables"),
    "notes of no kind": ({"notes": returning("note")}, "notes(summary): expected texts, got note"),
    "figures of no kind": ({"figures": returning({"a": 3})}, "figures(summary, arrays): expected figures by name"),
    "captions of no kind": ({"captions": returning({"a": 3})}, "captions(): expected texts by name, got {'a': 3}"),
    "panels of no kind": ({"panels": returning([3])}, "panels(summary, arrays): expected panels with 1 rows, and"),
    "fewer panels": ({"panels": returning([Panel(script="", rows=[])])}, "expected panels with 1 rows"),
    "a style of no kind": ({"panels": returning([Panel(script="", rows=[1], style=NUMBERS)])}, "texts for script and"),
    "NaN in panels": ({"panels": returning([Panel(script="", rows=[math.nan])])}, "panels(summary, arrays): Out of"),
}  # fmt: skip


@pytest.mark.parametrize(("methods", "said"), FAULTS.values(), ids=FAULTS)
def test_a_fault_costs_no_other_results(result, tmp_path, methods, said):
    with pytest.raises(BadPlugin) as caught:
        write.finish(tmp_path, at_fault(result, **methods))
    assert str(caught.value).startswith("evaluation Sum (defined in test_checked): ")
    assert said in str(caught.value)
    assert str(caught.value).endswith(f". All other results are in {tmp_path}")
    summary = json.loads((tmp_path / "summary.json").read_text())
    assert (summary["evaluations"], list(summary)[-2:]) == (["convergence"], ["fits", "seconds"])
    assert isinstance(summary["rows"][0]["payoffs"], list)
    assert (tmp_path / "policies.npz").is_file()
    assert not (tmp_path / "report.html").exists()


def test_without_a_fault_all_is_written(result, tmp_path):
    write.finish(tmp_path, result)
    summary = json.loads((tmp_path / "summary.json").read_text())
    assert summary["sums"] == [1, 2.5, None]
    assert summary == result.summary()
    with np.load(tmp_path / "policies.npz") as arrays:
        assert arrays["sum"].shape == (1, 1, 2)
    assert "<h2>Sums</h2>" in (tmp_path / "report.html").read_text()


def test_a_result_has_the_callers_own_objects(result):
    assert type(result.evaluations[SUM]) is Sum


@pytest.mark.parametrize(
    ("seats", "got"), [({"1": 3}, "{'1': 3}"), (3, "3"), ({"3": {}}, "{'3': {}}"), ({"1": {"seats": {}}}, None)]
)
def test_seats_at_fault_cost_no_other_results(apart, tmp_path, seats, got):
    """A game that is not symmetric has numbers for each seat; in a seat, `seats` is an entry like any other."""
    run = at_fault(apart, rows=returning([{"seats": seats}]), tables=returning([]), columns=returning([]))
    if got is None:
        assert run.summary()["rows"][0]["seats"]["1"]["seats"] == {}
        return
    with pytest.raises(BadPlugin) as caught:
        write.finish(tmp_path, run)
    expected = f"seats of rows(answer, seen): expected a dictionary for each of the seats 1, 2, got {got}"
    assert expected in str(caught.value)
    assert json.loads((tmp_path / "summary.json").read_text())["evaluations"] == ["convergence"]


@pytest.fixture(scope="module")
def apart():
    """A result on a game that is not symmetric."""
    few = {"evaluate.pairs": 2, "evaluate.steps": 2}
    return meva.run("imp", "naive", evaluate=["convergence", Sum], set=few)


def test_no_figure_of_what_is_left_out_remains(result, tmp_path):
    from matplotlib.figure import Figure

    figures = returning({"sum": Figure()})
    write.finish(tmp_path, at_fault(result, figures=figures, captions=returning({"sum": "c"})))
    assert (tmp_path / "figures" / "sum.svg").is_file()
    with pytest.raises(BadPlugin):
        write.finish(tmp_path, at_fault(result, figures=figures, captions=fail))
    assert list((tmp_path / "figures").iterdir()) == []


def stand_in(result, **methods):
    return at_fault(result, **methods).checked[SUM]


def test_what_builds_on_a_fault_is_not_shown_again(result):
    odd = attrs.evolve(stand_in(result, captions=fail), name="odd")
    above = {name: type("Above", (Sum,), {"builds_on": (below,)})() for name, below in (("b", "odd"), ("c", "b"))}
    evaluations = {"odd": odd, **above, "fine": Sum()}
    with pytest.warns(Remark) as caught:
        shown = asked.shown(evaluations, lambda sound: {name: sound[name].captions() for name in sound})
    assert shown == {"fine": {}}
    first, *others = [str(warning.message) for warning in caught]
    assert first.startswith("evaluation odd is not shown: evaluation Sum")
    assert others == [f"evaluation {name} is not shown: it builds on odd" for name in "bc"]


def unfit():
    """A figure that cannot be drawn."""
    from matplotlib.figure import Figure

    figure = Figure()
    figure.suptitle("$\\nosuch$")
    return figure


def test_faults_in_comparisons_and_pictures(result):
    row = result.summary()["rows"][0]
    assert stand_in(result).compared(row) == {"sum": row["sum"]}
    for found, said in ((3, "got 3"), ({"a": 3}, "got"), ({"a": {"mean": 1.0}}, "got")):
        with pytest.raises(BadPlugin, match=rf"compared\(row\): expected statistics by their labels, {said}"):
            stand_in(result, compared=returning(found)).compared(row)
    with pytest.raises(BadPlugin, match=r"pictures\(\): expected functions by name, got {'a': 3}"):
        stand_in(result, pictures=returning({"a": 3})).pictures()
    with pytest.raises(BadPlugin, match=r"pictures\(\)\['a'\]: expected a figure, or figures by name, got 3"):
        stand_in(result, pictures=returning({"a": lambda runs, heading: 3})).pictures()["a"]({}, "")
    with pytest.raises(BadPlugin, match=r"a figure of pictures\(\)\['a'\] raises ValueError"):
        stand_in(result, pictures=returning({"a": lambda runs, heading: unfit()})).pictures()["a"]({}, "")
    with pytest.raises(BadPlugin, match=r"quantities\(composition\): expected texts, got 3"):
        stand_in(result, quantities=returning(3)).quantities(None)
