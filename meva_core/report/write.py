"""Writes a finished run into its folder: summary.json, policies.npz, figures/, references.bib and report.html."""

from __future__ import annotations

from pathlib import Path

import attrs
import numpy as np

from meva_core.errors import BadPlugin
from meva_core.registry import bibtex
from meva_core.report import citations, figures, page, tables
from meva_core.report.checked import Checked, clash, without_faults
from meva_core.report.numbers import Numbers
from meva_core.report.result import Result
from meva_core.storage import files
from meva_core.storage.run_folder import REFERENCES

NO_NAMES = ("file", "allow_pickle", files.META)  # of arrays, since numpy's or our own functions use them


def finish(out: Path, result: Result) -> None:
    """Write all files of a finished run into `out`.

    Raises BadPlugin if an evaluation of a third party breaks its contract. Then everything else is written without this
    evaluation, except the page: without it the run counts as unfinished, and resuming it evaluates again.
    """
    text, later = without_faults(result.evaluations, lambda sound: _write(out, attrs.evolve(result, evaluations=sound)))
    if faults := [*result.seen.faults.values(), *later]:
        (out / "report.html").unlink(missing_ok=True)
        raise BadPlugin(f"{faults[0]}. All other results are in {out}") from faults[0]
    files.write(out / "report.html", text)


def _write(out: Path, result: Result) -> str:
    """Write all files except the page, and return the page's text."""
    summary, arrays, papers = result.summary(), policies_of(result), citations.of(result.experiment)
    files.write_json(out / "summary.json", summary)
    files.save_arrays(out / "policies.npz", arrays, compress=True)
    figures.draw(result, summary, arrays, out / "figures")
    if papers is not None:
        files.write(out / REFERENCES, bibtex.as_text(papers))
    tables.as_text(summary, result.evaluations)  # checks what the screen shows
    return page.of_results(summary, arrays, result.evaluations, papers or {}, out)


def policies_of(result: Numbers) -> dict[str, np.ndarray]:
    """The arrays of policies.npz: final policies and payoffs of the matches, and arrays of evaluations."""
    arrays = {
        "policies": result.policies,
        "payoffs": result.payoffs,
        "seeds": np.array(result.seeds),
        "settings": np.array(result.seen.values),
        "entries": np.array(result.seen.entry_names),
    }
    # A clash of names is the fault of a stranger, so strangers come last.
    for name, evaluation in sorted(result.evaluations.items(), key=lambda item: isinstance(item[1], Checked)):
        added = evaluation.arrays(result.seen.answers[name])
        for key in added:
            if key in (*arrays, *NO_NAMES):
                clash(evaluation, "arrays(answer)", key)
        arrays |= added
    return arrays
