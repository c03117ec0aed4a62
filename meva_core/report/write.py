"""Writes a finished run into its folder: summary.json, tables as CSV, policies.npz, figures/, references.bib and
report.html."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import attrs
import numpy as np

from meva_core.errors import BadPlugin
from meva_core.registry import bibtex
from meva_core.registry.loading import load
from meva_core.report import citations, figures, page, tables, tidy
from meva_core.report.merging import above, merged, without_faults
from meva_core.report.numbers import Numbers
from meva_core.report.result import Result
from meva_core.storage import files
from meva_core.storage.run_folder import REFERENCES, SEEDS, STATISTICS

NO_NAMES = ("file", "allow_pickle", files.META)  # of arrays, since numpy's or our own functions use them


def finish(out: Path, result: Result) -> None:
    """Write all files of a finished run into `out`.

    Raises BadPlugin if evaluations of third parties break their contract. Then everything else is written without them
    and without those that build on them, except the page: without it the run counts as unfinished, and resuming it
    evaluates again.
    """
    made, later = without_faults(result.evaluations, lambda sound: _make(attrs.evolve(result, evaluations=sound)))
    summary, arrays, drawn, content = made
    papers = citations.of(result.experiment)
    files.write_json(out / "summary.json", summary)
    files.write(out / SEEDS, tidy.as_csv(tidy.PER_SEED, tidy.per_seed(summary)))
    files.write(out / STATISTICS, tidy.as_csv(tidy.PER_QUANTITY, tidy.per_quantity(summary)))
    files.save_arrays(out / "policies.npz", arrays, compress=True)
    figures.draw(drawn, out / "figures")
    if papers is not None:
        files.write(out / REFERENCES, bibtex.as_text(papers))
    if faults := {**result.seen.faults, **later}:
        (out / "report.html").unlink(missing_ok=True)
        raise BadPlugin(f"{_left_out(faults, result)}. All other results are in {out}") from next(iter(faults.values()))
    files.write(out / "report.html", page.of_content(content, papers or {}, out))


def _make(result: Result) -> tuple[dict[str, Any], dict[str, np.ndarray], dict[str, Any], dict[str, Any]]:
    """The content of summary.json and of policies.npz, the figures by name, and the content of the page."""
    summary, arrays = result.summary(), policies_of(result)
    tables.as_text(summary, result.checked)  # checks what the screen shows
    drawn = figures.of_run(result, summary, arrays)
    return summary, arrays, drawn, page.content(summary, arrays, result.checked)


def _left_out(faults: Mapping[str, Exception], result: Result) -> str:
    """Sentences with all faults, then with all evaluations that are left out if there are several."""
    builds_on = {choice.name: load(choice.offer).builds_on for choice in result.experiment.evaluations}
    innocent = above(builds_on, faults)
    sentences = [str(fault) for fault in faults.values()]
    if len(faults) + len(innocent) > 1:
        because = [f"{name} (builds on {' and '.join(builds_on[name])})" for name in innocent]
        sentences.append(f"Evaluations left out: {', '.join([*faults, *because])}")
    return ". ".join(sentences)


def policies_of(result: Numbers) -> dict[str, np.ndarray]:
    """The arrays of policies.npz: final policies and payoffs of the matches, and arrays of evaluations."""
    arrays = {
        "policies": result.policies,
        "payoffs": result.payoffs,
        "seeds": np.array(result.seeds),
        "settings": np.array(result.seen.values),
        "entries": np.array(result.seen.entry_names),
    }
    return arrays | merged(
        result.checked,
        "arrays(answer)",
        lambda name, evaluation: evaluation.arrays(result.seen.answers[name]),
        taken=(*arrays, *NO_NAMES),
    )
