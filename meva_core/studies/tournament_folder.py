"""Plays a tournament in a folder, and resumes it from there.

tournament.toml   the settings
matches/          the payoffs of each match, written as soon as it is over
references.bib    the papers to cite, as BibTeX, written after all matches like the following
cells.csv, summary.json, figures/, report.html    (`standings` has their layout)
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import attrs
import numpy as np
import tomli_w

from meva_core.compute.progress import Progress
from meva_core.errors import BadFolder
from meva_core.registry import bibtex
from meva_core.report import citations
from meva_core.storage import files, provenance, run_folder
from meva_core.studies import pages, standings, tournament
from meva_core.studies.meetings import Meeting, Met, Tournament


def make(
    asked: Tournament,
    planned: Sequence[Meeting],
    folder: Path,
    fits: Path,
    progress: Progress,
    said: Callable[[Met], None] = lambda met: None,
) -> dict[str, Any]:
    """Play all matches that the folder does not hold yet, and write all files.

    said: called with the result of every match. Returns the content of summary.json.
    """
    met: list[Met] = []
    for one in tournament.play(asked, planned, fits, progress, lambda m: _load(folder, asked, m, progress)):
        _save(folder, asked, one)
        met.append(one)
        said(one)
    return _write(folder, asked, met)


def check_new(folder: Path) -> None:
    """Raise BadFolder if the folder already holds something, or another process uses it."""
    run_folder.check_new(folder, f"meva tournament --resume {folder}")


def create(folder: Path, asked: Tournament, registry_file: Path | None, fits: Path | None = None) -> None:
    """Make a new folder that holds tournament.toml. Raises BadFolder if it already holds something."""
    content = attrs.asdict(asked, recurse=False)
    content |= {"games": list(asked.games), "learners": list(asked.learners), "overrides": dict(asked.overrides)}
    if registry_file is not None:
        content["registry"] = str(registry_file.resolve())
    if fits is not None:
        content["fits"] = str(fits.resolve())
    content["run"] = provenance.record()
    run_folder.new(folder, f"meva tournament --resume {folder}")
    files.write(folder / "tournament.toml", tomli_w.dumps(content))


def _key(asked: Tournament, meeting: Meeting) -> str:
    return " ".join((*meeting.hashes, str(asked.trials), str(asked.steps)))


def _save(folder: Path, asked: Tournament, met: Met) -> None:
    (folder / "matches").mkdir(exist_ok=True)
    arrays = {"payoffs": met.payoffs, "seeds": np.array(met.seeds)}
    files.save_arrays(folder / "matches" / f"{met.meeting.name}.npz", arrays, _key(asked, met.meeting), compress=True)


def _load(folder: Path, asked: Tournament, meeting: Meeting, progress: Progress) -> Met | None:
    """The stored result of this match; None if it is missing, damaged, or from other settings."""
    path = folder / "matches" / f"{meeting.name}.npz"
    if not path.is_file():
        return None
    try:
        arrays, key = files.load_arrays(path)
        if key != _key(asked, meeting):
            return None
        return Met(meeting=meeting, payoffs=arrays["payoffs"], seeds=tuple(map(int, arrays["seeds"])))
    except (BadFolder, KeyError, ValueError) as error:
        progress.warn(f"{error}; the match is played again")
        return None


def _write(folder: Path, asked: Tournament, met: Sequence[Met]) -> dict[str, Any]:
    """Write the files that need all matches. Returns the content of summary.json."""
    files.write(folder / "cells.csv", standings.as_csv(standings.cells(asked, met)))
    found = standings.summary(asked, met)
    files.write_json(folder / "summary.json", found)
    papers = bibtex.merged(citations.of(one.meeting.experiment) or {} for one in met)
    files.write(folder / run_folder.REFERENCES, bibtex.as_text(papers))
    standings.draw(found, folder / "figures")
    files.write(folder / "report.html", pages.of_tournament(folder))
    return found
