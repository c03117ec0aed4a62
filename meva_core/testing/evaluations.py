"""The conformance kit for evaluations: a small run that asks one, and a look at all that it leaves."""

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


def check_evaluation(evaluation: Any, *, game: Any, learner: Any, settings: Mapping[str, Any] | None = None) -> None:
    """Run a small experiment on two seeds that asks an evaluation, by its name or as a class.

    It must be asked, give the numbers that it promises, the same ones twice, as JSON holds them, tables with as many
    cells as heads, figures with captions, and panels with an item for each row; and the page must hold them. settings:
    of the run beyond the smallest, by dotted names. Raises AssertionError with what was expected and what came.
    """
    overrides = {**TINY, **(settings or {})}

    def run(out: Path | None = None) -> Any:
        return runner.run(game, learner, evaluate=[evaluation], seeds=2, set=overrides, out=out)

    with tempfile.TemporaryDirectory() as folder:
        result = run(Path(folder) / "run")
        name = result.experiment.evaluate.asked[0].rpartition(":")[2]  # it may be named plugin:entry
        asked = result.evaluations
        assert name in asked, f"{name}: expected an answer, got none on {game}"
        summary, arrays, own = result.summary(), policies_of(result), asked[name]
        assert {**run().summary(), "seconds": None} == {**summary, "seconds": None}, (
            f"{name}: expected the same numbers from the same seed, got others"
        )
        json.dumps(summary, allow_nan=False)  # ValueError or TypeError where a number is none
        promised = set(own.quantities(compose.compose(result.experiment)))
        there = set(reproductions.rows_of(summary).quantities)
        assert promised <= there, f"{name}: expected the quantities {sorted(promised)}, got {sorted(there)}"
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
    tables.as_text(summary, asked)
