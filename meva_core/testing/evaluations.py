"""The conformance kit for evaluations: makes a small run with one evaluation and checks all its results."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from meva_core import runner
from meva_core.experiment import compose
from meva_core.report import page, tables
from meva_core.report.write import policies_of
from meva_core.studies import reproductions

TINY = {"evaluate.pairs": 2, "evaluate.steps": 3}
SHORT = {"sample.episodes": 4, "sample.horizon": 3}


def check_evaluation(
    evaluation: Any, *, game: Any, learner: Any, settings: Mapping[str, Any] | None = None, sampled: bool = False
) -> None:
    """Run a small experiment on two seeds with an evaluation, which is a name or a class, and check its results.

    The evaluation must appear in the results and return the quantities that it promises, the same ones in a second run,
    and all of them valid in JSON. Its tables must have one head per column, its figures captions, and its panels one
    item per row; the page must show its tables.

    settings: hyper-parameters of the run by dotted name, in addition to those that make it small. sampled: the game is
    played in episodes, for an evaluation that needs it. Raises AssertionError with the expected and the actual value.
    """
    overrides = {**TINY, **(SHORT if sampled else {}), **(settings or {})}

    def run(out: Path | None = None) -> Any:
        return runner.run(game, learner, evaluate=[evaluation], sampled=sampled, seeds=2, set=overrides, out=out)

    with tempfile.TemporaryDirectory() as folder:
        result = run(Path(folder) / "run")
        name = result.experiment.evaluate.asked[0].rpartition(":")[2]  # the name may have the form plugin:entry
        evaluations = result.evaluations
        assert name in evaluations, f"{name}: expected an answer, got none on {game}"
        summary, arrays, own = result.summary(), policies_of(result), evaluations[name]
        assert {**run().summary(), "seconds": None} == {**summary, "seconds": None}, (
            f"{name}: expected the same numbers from the same seed, got different ones"
        )
        json.dumps(summary, allow_nan=False)  # raises ValueError or TypeError if JSON cannot hold a value
        promised = set(own.quantities(compose.compose(result.experiment)))
        quantities = set(reproductions.rows_of(summary).quantities)
        assert promised <= quantities, f"{name}: expected the quantities {sorted(promised)}, got {sorted(quantities)}"
        for grid in (*own.first_tables(summary), *own.tables(summary)):
            cells = {len(row) for row in grid.rows}
            assert cells <= {len(grid.heads)}, f"{name}: expected rows of {len(grid.heads)} cells, got {cells}"
        figures, captions = own.figures(summary, arrays), own.captions()
        lacking = set(figures) - set(captions)
        assert not lacking, f"{name}: expected a caption for each figure, got none for {sorted(lacking)}"
        for panel in own.panels(summary, arrays):
            assert len(panel.rows) == len(summary["rows"]), (
                f"{name}: expected a panel with {len(summary['rows'])} rows, got {len(panel.rows)}"
            )
        text = page.of_run(Path(folder) / "run")
        for grid in own.tables(summary):
            assert grid.caption[1:] in text, f"{name}: expected the table {grid.caption!r} on the page"
    tables.as_text(summary, evaluations)
