"""Writes a finished run into its folder: summary.json, policies.npz, figures/, references.bib and report.html."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from meva_core.registry import bibtex
from meva_core.report import citations, figures, page
from meva_core.report.numbers import Numbers
from meva_core.report.result import Result
from meva_core.storage import files
from meva_core.storage.run_folder import REFERENCES


def finish(out: Path, result: Result) -> None:
    """Write all files of a finished run into `out`."""
    summary, arrays, papers = result.summary(), policies_of(result), citations.of(result.experiment)
    files.write_json(out / "summary.json", summary)
    files.save_arrays(out / "policies.npz", arrays, compress=True)
    figures.draw(result, summary, arrays, out / "figures")
    if papers is not None:
        files.write(out / REFERENCES, bibtex.as_text(papers))
    files.write(out / "report.html", page.of_results(summary, arrays, result.evaluations, papers or {}, out))


def policies_of(result: Numbers) -> dict[str, np.ndarray]:
    """The arrays of policies.npz: final policies and payoffs of the matches, and arrays of evaluations."""
    arrays = {
        "policies": result.policies,
        "payoffs": result.payoffs,
        "seeds": np.array(result.seeds),
        "settings": np.array(result.seen.values),
        "entries": np.array(result.seen.entry_names),
    }
    for name, evaluation in result.evaluations.items():
        arrays |= evaluation.arrays(result.seen.answers[name])
    return arrays
