"""Plays a tournament in a folder, and resumes it from there.

tournament.toml   the settings
matches/          the payoffs of each match, written as soon as it is over
unfinished/       locks of matches that are played at present, and their checkpoints if their game is played
references.bib    the papers to cite, as BibTeX, written after all matches like the following
cells.csv, summary.json, seeds.csv, statistics.csv, figures/, report.html    (`standings` has their layout)
"""

from __future__ import annotations

import contextlib
import json
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import attrs
import numpy as np
import tomli_w

from meva_core import runner
from meva_core.compute import compilation_cache, devices
from meva_core.compute.progress import Overview, Progress
from meva_core.compute.tasks import Task
from meva_core.contracts import Executor
from meva_core.errors import BadFolder, BadValue, Diverged
from meva_core.experiment.experiment import Experiment
from meva_core.registry import bibtex
from meva_core.report import citations, tidy
from meva_core.storage import files, locks, provenance, run_folder
from meva_core.storage.resume import differences
from meva_core.studies import (
    executing,
    following,
    pages,
    standings,
    standings_report,
    tournament_matches,
    tournament_settings,
)
from meva_core.studies.meetings import Meeting, Met
from meva_core.studies.tournament_settings import Begun, Tournament

UNFINISHED = "unfinished"
MEASURE = "measure "  # how the names of measures begin in the files of matches


def make(
    settings: Tournament,
    planned: Sequence[Meeting],
    folder: Path,
    fits: Path,
    progress: Progress,
    show: Callable[[Met], None] = lambda met: None,
    *,
    jobs: int | None = None,
    executor: Executor | None = None,
    overview: Overview | None = None,
) -> dict[str, Any]:
    """Play all matches that the folder does not hold yet, and write all files.

    show: called with the result of every match. jobs, executor: several fits and matches at a time, or on other
    machines, which report to `overview`, by default as lines to `progress`; None and None for one after the other.
    Returns the content of summary.json.
    """
    if jobs is not None or executor is not None:
        missing = tasks(settings, planned, folder, fits, progress)
        _at_a_time(missing, folder, jobs, executor, following.as_overview(overview, progress))
    met = _play(settings, planned, folder, fits, progress, show)
    shutil.rmtree(folder / UNFINISHED, ignore_errors=True)
    return _write(folder, settings, met)


def _play(
    settings: Tournament,
    planned: Sequence[Meeting],
    folder: Path,
    fits: Path,
    progress: Progress,
    show: Callable[[Met], None] = lambda met: None,
) -> list[Met]:
    """Play the matches that the folder does not hold yet, and save each. Returns all, in order.

    Waits for a match that another process plays, and reads what it leaves.
    """
    compilation_cache.ready()
    kept: tournament_matches.Kept = {}
    met: list[Met] = []
    for meeting in planned:
        unfinished = folder / UNFINISHED / meeting.name
        with locks.alone(unfinished, wait=progress.status, pulse=progress.pulse):
            one = _load(folder, settings, meeting, progress)
            if one is None:
                one = tournament_matches.play(settings, meeting, fits, progress, kept, folder / UNFINISHED)
                _save(folder, settings, one)
            shutil.rmtree(unfinished, ignore_errors=True)
        met.append(one)
        show(one)
    return met


def _at_a_time(
    tasks: Sequence[Fitting | Playing], folder: Path, jobs: int | None, executor: Executor | None, overview: Overview
) -> None:
    """Do the fits and the matches, several at a time, each with a row of the overview."""
    overview.titles = [task.title for task in tasks]
    with overview, contextlib.closing(executing.do_all(tasks, executor, jobs, overview, folder)) as results:
        for n, _ in results:
            overview.ended(n, None)


def tasks(
    settings: Tournament, planned: Sequence[Meeting], folder: Path, fits: Path, progress: Progress
) -> list[Fitting | Playing]:
    """The matches that the folder does not hold yet, and before them the fits that they need, as tasks for any process;
    `make` then reads what they leave in the folder."""
    missing = [meeting for meeting in planned if _load(folder, settings, meeting, progress) is None]
    needed = {fit[0].fit_hash: (meeting, fit[0]) for meeting in missing for fit in meeting.fits if fit is not None}
    fittings = [
        Fitting(f"fit for {meeting.row} against {meeting.column}", experiment, fits.resolve())
        for meeting, experiment in needed.values()
    ]
    return [*fittings, *(Playing(settings, meeting, folder.resolve(), fits.resolve()) for meeting in missing)]


@attrs.frozen
class Fitting(Task):
    """The fit of one experiment, stored in a folder of its own in `fits`."""

    title: str
    experiment: Experiment
    fits: Path

    @property
    def alone(self) -> frozenset[str]:  # type: ignore[override]
        """The hash of the fit."""
        return frozenset({self.experiment.fit_hash})

    def do(self, progress: Progress) -> None:
        """Fit, or go on from the last checkpoint."""
        # A fit whose seeds all diverged is an error of the match that needs it, which says so.
        with contextlib.suppress(Diverged):
            runner.fitted(self.experiment, self.fits / self.experiment.fit_hash, progress)


@attrs.frozen
class Playing(Task):
    """One match, stored in the tournament's folder."""

    settings: Tournament
    meeting: Meeting
    folder: Path
    fits: Path

    @property
    def title(self) -> str:
        """The players and the game, for screens."""
        return f"{self.meeting.game}: {self.meeting.row} against {self.meeting.column}"

    @property
    def alone(self) -> frozenset[str]:  # type: ignore[override]
        """The file of the match."""
        return frozenset({str(_file(self.folder, self.meeting))})

    @property
    def needs(self) -> frozenset[str]:  # type: ignore[override]
        """The hashes of the fits that it uses."""
        return frozenset(fit[0].fit_hash for fit in self.meeting.fits if fit is not None)

    def do(self, progress: Progress) -> None:
        """Play the match, or go on from its last checkpoint; wait if another process plays it."""
        _play(self.settings, [self.meeting], self.folder, self.fits, progress)


def check_new(folder: Path) -> None:
    """Raise BadFolder if the folder already holds something, or another process uses it."""
    run_folder.check_new(folder, _otherwise(folder))


def check_same(folder: Path, settings: Tournament, registry_file: Path | None, warn: Callable[[str], None]) -> Begun:
    """Raise BadValue that lists the differences, unless the folder's tournament has these settings. `warn` is called if
    numbers may round differently from before. Returns the content of tournament.toml."""
    begun = tournament_settings.read(folder)
    if changes := differences(_plain(begun.tournament, begun.registry_file), _plain(settings, registry_file)):
        listed = ", ".join(f"{name} = {here!r} (was {was!r})" for name, (was, here) in changes.items())
        raise BadValue(
            f"expected the settings of the tournament in {folder}, got {listed}: restore them, or choose a new folder"
        )
    warn_of_changes(folder, begun, warn)
    return begun


def _plain(settings: Tournament, registry_file: Path | None) -> dict[str, Any]:
    """The settings and the file of recipes, as TOML holds them."""
    return settings.to_plain() | ({} if registry_file is None else {"registry": str(registry_file.resolve())})


def warn_of_changes(folder: Path, begun: Begun, warn: Callable[[str], None]) -> None:
    """Warn if the tournament was begun in another environment."""
    if changed := provenance.changes(begun.record):
        warn(
            f"{folder} was started in another environment, so numbers may round differently here: {', '.join(changed)}"
        )


def create(
    folder: Path,
    settings: Tournament,
    registry_file: Path | None,
    fits: Path | None = None,
    *,
    jobs: int | None = None,
    executor: Executor | None = None,
) -> None:
    """Make a new folder that holds tournament.toml. Raises BadFolder if it already holds something.

    jobs, executor: what computes the matches. Several jobs on this machine have fewer devices each, which are recorded.
    """
    content = _plain(settings, registry_file)
    if fits is not None:
        content["fits"] = str(fits.resolve())
    content["run"] = provenance.record()
    if executor is None and (jobs or 1) > 1:
        content["run"] |= devices.record_of_workers(jobs or 1)
    run_folder.new(folder, _otherwise(folder))
    files.write(folder / "tournament.toml", tomli_w.dumps(content))


def begin(folder: Path, settings: Tournament, registry_file: Path | None, progress: Progress) -> None:
    """Make the folder as `create` does, unless it is there: in the first of several processes that do its tasks."""
    path = folder / "tournament.toml"
    if not path.is_file():
        with locks.alone(folder, wait=progress.status, pulse=progress.pulse):
            if not path.is_file():
                create(folder, settings, registry_file)


def _otherwise(folder: Path) -> str:
    return f"resume it with meva tournament --resume {folder} (from Python: resume=True)"


def _file(folder: Path, meeting: Meeting) -> Path:
    return folder / "matches" / f"{meeting.name}.npz"


def _key(settings: Tournament, meeting: Meeting) -> str:
    return " ".join((*meeting.hashes, str(settings.trials), str(settings.steps)))


def _save(folder: Path, settings: Tournament, met: Met) -> None:
    path = _file(folder, met.meeting)
    path.parent.mkdir(exist_ok=True)
    arrays = {"payoffs": met.payoffs, "seeds": np.array(met.seeds)}
    arrays |= {f"{MEASURE}{name}": shares for name, shares in met.measures.items()}
    if met.evaluated:
        arrays["evaluated"] = np.array(json.dumps(met.evaluated))
    files.save_arrays(path, arrays, _key(settings, met.meeting), compress=True)


def _load(folder: Path, settings: Tournament, meeting: Meeting, progress: Progress) -> Met | None:
    """The stored result of this match; None if it is missing, damaged, or from other settings."""
    path = _file(folder, meeting)
    if not path.is_file():
        return None
    try:
        arrays, key = files.load_arrays(path)
        if key != _key(settings, meeting):
            return None
        return Met(
            meeting=meeting,
            payoffs=arrays["payoffs"],
            seeds=tuple(map(int, arrays["seeds"])),
            measures={name.removeprefix(MEASURE): arrays[name] for name in arrays if name.startswith(MEASURE)},
            evaluated=json.loads(str(arrays["evaluated"])) if "evaluated" in arrays else {},
        )
    except (BadFolder, KeyError, ValueError) as error:
        progress.warn(f"{error}; the match is played again")
        return None


def _write(folder: Path, settings: Tournament, met: Sequence[Met]) -> dict[str, Any]:
    """Write the files that need all matches. Returns the content of summary.json."""
    files.write(folder / "cells.csv", standings.as_csv(standings.cells(settings, met)))
    content = standings.summary(settings, met)
    files.write_json(folder / "summary.json", content)
    files.write(folder / run_folder.SEEDS, tidy.as_csv(standings.PER_SEED, standings.per_seed(content)))
    files.write(folder / run_folder.STATISTICS, tidy.as_csv(standings.PER_QUANTITY, standings.per_quantity(content)))
    papers = bibtex.merged(citations.of(one.meeting.experiment) or {} for one in met)
    files.write(folder / run_folder.REFERENCES, bibtex.as_text(papers))
    standings_report.draw(content, folder / "figures")
    files.write(folder / "report.html", pages.of_tournament(folder))
    return content
