"""The files of a reproduction; its runs have folders of their own.

summary.json   {schema, name, title, source, notes, quick, runs: {label: hash},
               claims: [one dict per line of claims.csv],
               ranking: {quantity, at, highest, places: [{run, rank, ours, sem, published, published_rank, seeds,
               worst, beside}], differences: [sentences]} or null}
claims.csv     one line per claim (the columns are `COLUMNS`)
ranking.csv    one line per run, if there is a ranking
figures/       pictures of the runs, as PNG and SVG
report.html    one page of all this
"""

from __future__ import annotations

import csv
import io
import textwrap
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import attrs

from meva_core.report import asked as evaluations_asked
from meva_core.report.tables import WIDTH, Drawn, Evaluations, Grid, plain, statistic, title
from meva_core.storage.run_folder import read_policies, read_summary
from meva_core.studies import reproductions
from meva_core.studies.reproductions import Place, Ranking, Reproduction, Verdict, differences

SCHEMA = 1
COLUMNS = ("says", "run", "at", "quantity", "ours", "sem", "expected", "difference", "holds")
HEADS = ["holds", "the claim", "quantity", "ours", "expected", "difference"]
ANSWERS = {True: "yes", False: "NO", None: "-"}


def summary(
    study: Reproduction, quick: bool, runs: Mapping[str, str], verdicts: Sequence[Verdict], places: Sequence[Place]
) -> dict[str, Any]:
    """Build the content of summary.json. runs: hashes of the runs by label."""
    return {
        "schema": SCHEMA,
        "name": study.name,
        "title": study.title,
        "source": study.source,
        "notes": list(study.notes),
        "quick": quick,
        "runs": dict(runs),
        "claims": [_line(verdict) for verdict in verdicts],
        "ranking": _ranking(study.ranking, places) if study.ranking else None,
    }


def _ranking(ranking: Ranking, places: Sequence[Place]) -> dict[str, Any]:
    about = {"quantity": ranking.quantity, "at": ranking.at, "highest": ranking.highest}
    return {**about, "places": [attrs.asdict(place) for place in places], "differences": differences(places)}


def _line(verdict: Verdict) -> dict[str, Any]:
    claim = verdict.claim
    return {
        "says": claim.says,
        "run": claim.run,
        "at": claim.at,
        "quantity": claim.quantity,
        "ours": verdict.ours,
        "sem": verdict.sem,
        "expected": verdict.expected,
        "difference": verdict.difference,
        "holds": verdict.holds,
    }


def as_csv(content: dict[str, Any]) -> str:
    """Build the text of claims.csv from the content of summary.json."""
    text = io.StringIO()
    writer: Any = csv.DictWriter(text, COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(content["claims"])
    return text.getvalue()


def grid(content: dict[str, Any]) -> Grid:
    """The table of the claims."""
    rows = []
    for claim in content["claims"]:
        at = "" if claim["at"] is None else f" at {claim['at']:g}"
        ours = statistic({"mean": claim["ours"], "sem": claim["sem"]})
        difference = "" if claim["difference"] is None else f"{claim['difference']:+.3f}"
        quantity = f"{claim['run']}{at}: {claim['quantity']}"
        rows.append([ANSWERS[claim["holds"]], claim["says"], quantity, ours, claim["expected"], difference])
    return Grid("claims", HEADS, rows, ("holds", "the claim", "quantity", "expected"))


def ranking(content: dict[str, Any]) -> Grid:
    """The table of the runs by rank, with the other quantities in further columns."""
    table = content["ranking"]
    places = table["places"]
    columns: dict[str, list[str]] = {
        "rank": ["-" if place["rank"] is None else str(place["rank"]) for place in places],
        "run": [place["run"] for place in places],
        "ours": [statistic({"mean": place["ours"], "sem": place["sem"]}, digits=4) for place in places],
    }
    if any(len(place["seeds"]) > 1 for place in places):
        columns["worst\nseed"] = [_or_dash(place["worst"], ".4f") for place in places]
    if any(place["published"] is not None for place in places):
        columns["published"] = [_or_dash(place["published"], "g") for place in places]
        columns["its\nrank"] = [_or_dash(place["published_rank"], "d") for place in places]
    for path in places[0]["beside"]:
        pairs = [place["beside"][path] for place in places]
        columns[path.replace("_", " ").replace(".", "\n")] = [statistic({"mean": m, "sem": sem}) for m, sem in pairs]
    at = "" if table["at"] is None else f" at {table['at']:g}"
    rows = [list(row) for row in zip(*columns.values(), strict=True)]
    return Grid(f"ranked by {table['quantity']}{at}, the best first", list(columns), rows, ("run",), stubs=2)


def _or_dash(number: float | None, form: str) -> str:
    return "-" if number is None else format(number, form)


def ranking_as_csv(content: dict[str, Any]) -> str:
    """Build the text of ranking.csv from the content of summary.json."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    table = content["ranking"]
    beside = list(table["places"][0]["beside"])
    heads = [head for path in beside for head in (path, f"{path} sem")]
    writer.writerow(["rank", "run", table["quantity"], "sem", "worst", *heads, "seeds"])
    for place in table["places"]:
        numbers = [number for path in beside for number in place["beside"][path]]
        seeds = " ".join("nan" if number is None else repr(number) for number in place["seeds"])
        writer.writerow([place["rank"], place["run"], place["ours"], place["sem"], place["worst"], *numbers, seeds])
    return text.getvalue()


def lines(content: dict[str, Any]) -> list[str]:
    """Format the claims (two or more lines each), the ranking and the notes for a screen."""
    text = []
    for holds, says, quantity, ours, expected, difference in grid(content).rows:
        text += textwrap.wrap(says, WIDTH, initial_indent=f"  {holds:>3}  ", subsequent_indent=" " * 7)
        line = f"{quantity} {ours}, expected {expected}" + (f", difference {difference}" if difference else "")
        text += textwrap.wrap(line, WIDTH, initial_indent=" " * 7, subsequent_indent=" " * 7)
    if content["ranking"]:
        table = ranking(content)
        text += ["", *textwrap.indent(plain(table.caption, Drawn(table), width=WIDTH - 2), "  ").splitlines(), ""]
        for difference_line in content["ranking"]["differences"]:
            text += textwrap.wrap(difference_line, WIDTH, initial_indent="  ", subsequent_indent="  ")
    for note in content["notes"]:
        text += textwrap.wrap(note, WIDTH, initial_indent="  ", subsequent_indent="  ")
    return text


def held(content: dict[str, Any]) -> str:
    """A phrase that says how many claims hold; without claims, the number of ranked runs."""
    answers = [claim["holds"] for claim in content["claims"]]
    if not answers:
        return f"{len(content['runs'])} runs" if content["ranking"] else "no numbers to compare with"
    return f"{answers.count(True)} of {len(answers)} claims hold" + (
        " (quick: fewer seeds and shorter fits)" if content["quick"] else ""
    )


def draw(study: Reproduction, folders: Mapping[str, Path], out: Path, content: dict[str, Any]) -> list[Path]:
    """Draw the picture of a reproduction and return its files.

    The picture is one of `DRAWN` (payoffs and heat-maps: one per run; lines and maps: one of all), or else a picture of
    an evaluation. Older figures in `out` are deleted. content: the content of summary.json.
    """
    import matplotlib

    from meva_core.report import figures

    with matplotlib.rc_context(figures.STYLE):
        make = DRAWN.get(study.picture, _drawn_by_evaluations)
        return figures.draw(make(study, folders, content) if folders else {}, out)


def _draw_ranking(study: Reproduction, folders: Mapping[str, Path], content: dict[str, Any]) -> dict[str, Any]:
    from meva_core.report import figures

    return {"ranking": figures.ranking(content["ranking"], study.title)}


def _draw_heat_maps(study: Reproduction, folders: Mapping[str, Path], content: dict[str, Any]) -> dict[str, Any]:
    from meva_core.studies import standings_report

    return {
        f"heat-map_{run.label}": standings_report.heat_map(read_summary(folders[run.label]), run.game, run.label)
        for run in study.runs
        if run.label in folders
    }


def _draw_payoffs(study: Reproduction, folders: Mapping[str, Path], content: dict[str, Any]) -> dict[str, Any]:
    from meva_core.report import figures

    summaries = {label: read_summary(folder) for label, folder in folders.items()}

    def drawn(label: str, run: dict[str, Any]) -> Any:
        heading = f"{label}: {title(run)}"
        return evaluations_asked.shown(
            evaluations_asked.of_folder(folders[label], run), lambda sound: figures.payoffs(run, sound, heading)
        )

    return {f"payoffs_{label}": drawn(label, run) for label, run in summaries.items()}


def _draw_chart(study: Reproduction, folders: Mapping[str, Path], content: dict[str, Any]) -> dict[str, Any]:
    """Draw lines or maps of the quantities of all runs; those that diverged leave gaps."""
    from meva_core.report import figures

    assert study.chart is not None
    labels = [run.label for run in study.runs]
    summaries = {label: read_summary(folders[label]) if label in folders else None for label in labels}
    settings, maps = reproductions.settings(labels), study.picture == "maps"
    panels: dict[str, dict[str, dict[str, list[Any]]]] = {}
    for says, quantity in study.chart.panels.items():
        panels[says] = {setting: {} for setting in settings}
        for spot, *number in reproductions.numbers(study.chart, quantity, summaries, all_rows=maps):
            points = panels[says][spot.setting].setdefault(spot.line, [])
            points.append(figures.Point(spot.value, *number))
    if not maps:
        return {"lines": figures.lines(panels, study.title)}
    (setting,), other = settings, next(filter(None, summaries.values()))["setting"]
    of_setting = {says: over[setting] for says, over in panels.items()}
    return {"maps": figures.maps(of_setting, setting, other["label"], study.title)}


# Pictures that are drawn without an evaluation, by their names in `data.PICTURES`. Each is a function of the
# reproduction, the folders of its runs and the content of summary.json, and returns figures by their names.
DRAWN = {
    "payoffs": _draw_payoffs,
    "heat-maps": _draw_heat_maps,
    "ranking": _draw_ranking,
    "lines": _draw_chart,
    "maps": _draw_chart,
}


@attrs.frozen
class Folder:
    """Content of a finished run's folder: summary.json and policies.npz."""

    summary: Mapping[str, Any]
    arrays: Mapping[str, Any]


def _drawn_by_evaluations(study: Reproduction, folders: Mapping[str, Path], content: dict[str, Any]) -> dict[str, Any]:
    """Figures by name: one for all runs, or one for each if the evaluation draws every run separately.

    {} if the evaluation breaks its contract, or is no longer installed.
    """
    runs = {label: Folder(read_summary(folder), read_policies(folder)) for label, folder in folders.items()}
    label, first = next(iter(runs.items()))

    def draw(evaluations: Evaluations) -> Any:
        offered = (evaluation.pictures().get(study.picture) for evaluation in evaluations.values())
        picture = next(filter(None, offered), None)
        return {} if picture is None else picture(runs, study.title)

    drawn = evaluations_asked.shown(evaluations_asked.of_folder(folders[label], first.summary), draw)
    if isinstance(drawn, Mapping):
        return {f"{study.picture}_{label}": figure for label, figure in drawn.items()}
    return {study.picture: drawn}
