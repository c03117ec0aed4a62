"""The page report.html of a finished run, tournament, reproduction or search."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import attrs

from meva_core.errors import BadFolder, MevaError
from meva_core.experiment import versions
from meva_core.registry import bibtex, toml_reading
from meva_core.report import asked, citations, page, tables
from meva_core.report.tables import WIDTH
from meva_core.storage import files
from meva_core.storage.run_folder import read_summary
from meva_core.studies import participants, reproduction_report, search_report, standings_report


def of(folder: Path) -> str:
    """The page of a finished run, tournament, reproduction or search. Raises BadFolder for any other folder."""
    if not (folder / "summary.json").is_file():
        raise BadFolder(
            f"expected the folder of a finished run, tournament, reproduction or search, got {folder} without "
            "summary.json"
        )
    kinds = {"tournament.toml": of_tournament, "claims.csv": of_reproduction, search_report.FILE: of_search}
    make = next((make for file, make in kinds.items() if (folder / file).is_file()), page.of_run)
    try:
        return make(folder)
    except MevaError:
        raise
    except Exception as error:  # a file that another program wrote may fail anywhere
        names = [folder / name for name in ("experiment.toml", "tournament.toml")]
        advice = next((versions.advice_on(toml_reading.read_toml(path)) for path in names if path.is_file()), None)
        raise BadFolder(
            f"expected a folder as this version writes it, got {folder} ({type(error).__name__} {error}): "
            f"{advice or 'run it again'}"
        ) from error


def of_tournament(folder: Path) -> str:
    """The page of a finished tournament."""
    summary = read_summary(folder)
    return page.rendered(
        papers=_papers([folder]),
        kind="tournament",
        title=f"Tournament on {', '.join(summary['games'])}",
        source="",
        facts=f"{standings_report.trials(summary)} of {summary['steps']} steps, {page.listed(summary['seeds'])}",
        warnings=[],
        data=None,
        setting=None,
        seats=[],
        grids=[grid for game in summary["games"] for grid in standings_report.grids(summary, game)],
        note=standings_report.note(summary),
        figures=page.pictures(folder / "figures"),
        texts=page.experiment_texts(folder),
    )


def of_reproduction(folder: Path) -> str:
    """The page of a reproduction."""
    summary = read_summary(folder)
    of_label = {label: folder.parent / "runs" / hash for label, hash in summary["runs"].items()}
    return page.rendered(
        papers=_papers(of_label.values()),
        kind="reproduction",
        title=f"{summary['name']}: {summary['title']}",
        source=summary["source"],
        facts=reproduction_report.held(summary),
        warnings=[],
        data=None,
        setting=None,
        seats=[],
        grids=[
            *([reproduction_report.grid(summary)] if summary["claims"] else []),
            *([reproduction_report.ranking(summary)] if summary["ranking"] else []),
            *(grid for label, run in of_label.items() for grid in _grids(run, label, brief=bool(summary["ranking"]))),
        ],
        note="\n".join(_notes(summary, of_label.values())),
        remarks=[*(summary["ranking"]["differences"] if summary["ranking"] else []), *summary["notes"]],
        pictures=sorted(
            page.pictures(folder / "figures", captions=_captions(of_label.values())),
            key=lambda figure: _place(figure[0], list(of_label)),
        ),
        figures=[
            figure
            for label, run in of_label.items()
            for figure in page.pictures(run / "figures", "learning_*.svg", label)
        ],
        texts=[
            (f"{label}: {name}", text) for label, run in of_label.items() for name, text in page.experiment_texts(run)
        ],
        links=[(label, f"../runs/{hash}/report.html") for label, hash in summary["runs"].items()],
    )


def of_search(folder: Path) -> str:
    """The page of a search."""
    summary = read_summary(folder)
    runs = {place["run"]: folder.parent / "runs" / place["hash"] for place in summary["places"] if place["hash"]}
    best = summary["best"]
    command = [] if best is None else search_report.in_lines(best["command"], Path(search_report.BEST), WIDTH)
    names = [search_report.FILE, *([search_report.BEST] if best else [])]
    return page.rendered(
        papers=_papers([runs[best["run"]]] if best else []),
        kind="search",
        title=f"{summary['name']}: {summary['title']}",
        source="",
        facts=f"{summary['learner']} on {summary['game']}, {summary['trials']} trials by {summary['sampler']}",
        warnings=[search_report.warning(summary)] if best else [],
        data=None,
        setting=None,
        seats=[],
        grids=[search_report.grid(summary), *(_grids(runs[best["run"]], best["run"], brief=True) if best else [])],
        note="",
        remarks=search_report.remarks(summary),
        pictures=page.pictures(folder / "figures"),
        figures=[],
        texts=[
            *((name, (folder / name).read_text(encoding="utf-8")) for name in names),
            *([("the command for fresh seeds, in this folder", "\n".join(command))] if best else []),
        ],
        links=[(label, f"../runs/{run.name}/report.html") for label, run in runs.items()],
    )


def _notes(summary: Mapping[str, Any], runs: Iterable[Path]) -> Iterator[str]:
    """Yield the lines below the tables; tournaments say over what their errors are."""
    if summary["claims"] or summary["ranking"]:
        yield "ours: mean ± standard error of the mean"
    for of_run in map(read_summary, runs):
        if "games" in of_run:
            yield standings_report.note(of_run)


def _captions(runs: Iterable[Path]) -> dict[str, str]:
    """Captions of the pictures of the runs' evaluations, by name."""
    found: dict[str, str] = {}
    for run in runs:
        found |= asked.shown(asked.of_folder(run, read_summary(run)), page.captions)
    return found


def _place(figure: str, labels: list[str]) -> int:
    """Sort key of a figure: figures of all runs first, then those of one run, named KIND_LABEL, in order of labels."""
    label, names = figure.partition("_")[2], [files.file_name(label) for label in labels]
    return names.index(label) + 1 if label in names else 0


def _grids(run: Path, label: str, *, brief: bool) -> list[tables.Grid]:
    """The tables of a run or tournament, with its label in the captions. brief: only the first table of a run."""
    summary = read_summary(run)
    if "games" in summary:
        (game,) = summary["games"]
        told = standings_report.grids(summary, game)
        return [attrs.evolve(grid, caption=f"{label}: {grid.caption.removeprefix(f'{game}: ')}") for grid in told]

    def made(evaluations: tables.Evaluations) -> list[tables.Grid]:
        grids = tables.grids(summary, evaluations)
        return grids[:1] if brief else [*grids, *tables.further_grids(summary, evaluations)]

    grids = asked.shown(asked.of_folder(run, summary), made)
    return [attrs.evolve(grid, caption=f"{label}: {grid.caption}") for grid in grids]


def _papers(folders: Iterable[Path]) -> dict[str, str]:
    """Papers to cite for some runs or tournaments, without those whose plugins are no longer installed."""
    return bibtex.merged(citations.of_folder(folder, participants.of_folder) for folder in dict.fromkeys(folders))
