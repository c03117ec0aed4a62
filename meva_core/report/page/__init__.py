"""Builds report.html, one self-contained page, from the results of a run, in hand or stored in its folder."""

from __future__ import annotations

import base64
import html
import json
import re
from collections.abc import Mapping, Sequence
from importlib import resources
from pathlib import Path
from typing import Any

import jinja2
import numpy as np

from meva_core.contracts.evaluation import Panel
from meva_core.registry import bibtex
from meva_core.report import asked, citations, tables
from meva_core.storage.run_folder import read_policies, read_summary

CAPTIONS = {
    "payoffs": "Payoffs over the rows. Bands: one standard error of the mean; dots: seeds.",
    "heat-map": "The row's payoff against the column.",
    "learning": "The fit, loop by loop. The thick line is the mean over seeds; thin lines are seeds, if several.",
    "matches": "The matches, step by step. The thick line is the mean over seeds; thin lines are seeds, if several.",
    "ranking": "The runs, the best on top.",
    "search": "Each trial over each hyper-parameter that was searched. Bars: one standard error of the mean.",
}


def of_run(folder: Path) -> str:
    """The page of the finished run stored in a folder.

    Its evaluations are rebuilt from its experiment.toml. Those that can no longer show the run are left out, each with
    a `Remark`.
    """
    summary, arrays, papers = read_summary(folder), read_policies(folder), citations.of_folder(folder)
    found = asked.shown(asked.of_folder(folder, summary), lambda sound: content(summary, arrays, sound))
    return of_content(found, papers, folder)


def of_content(content: Mapping[str, Any], papers: Mapping[str, str], folder: Path) -> str:
    """The page of a finished run.

    content: the result of `content`. papers: citation key -> BibTeX. folder: holds the pictures, and the text of
    experiment.toml.
    """
    return rendered(
        papers=papers,
        figures=pictures(folder / "figures", captions=content["captions"]),
        texts=experiment_texts(folder),
        **content,
    )


def content(
    summary: dict[str, Any], arrays: Mapping[str, np.ndarray], evaluations: tables.Evaluations
) -> dict[str, Any]:
    """The content of a run's page, without the papers, the pictures and the text of experiment.toml.

    summary, arrays: the content of summary.json and of policies.npz.
    """
    panels = [panel for evaluation in evaluations.values() for panel in evaluation.panels(summary, arrays)]
    return {
        "kind": "run",
        "title": tables.title(summary),
        "source": summary["source"],
        "facts": _facts(summary),
        "warnings": [
            f"Seed {lost['seed']} diverged in loop {lost['loop']} ({lost['quantity']}) and is left out."
            for lost in summary["diverged"]
        ],
        "data": _explored(summary, panels),
        "scripts": [_safe(panel.script) for panel in panels],
        "styles": [_safe(panel.style) for panel in panels if panel.style],
        "setting": summary["setting"],
        "seats": tables.seats(summary),
        "grids": [*tables.grids(summary, evaluations), *tables.further_grids(summary, evaluations)],
        "note": tables.note(summary, evaluations),
        "captions": captions(evaluations),
    }


def captions(evaluations: tables.Evaluations) -> dict[str, str]:
    """The captions of the evaluations' figures, by the figures' names."""
    return {name: text for evaluation in evaluations.values() for name, text in evaluation.captions().items()}


def rendered(*, papers: Mapping[str, str], **content: Any) -> str:
    """The page as HTML. papers: citation key -> BibTeX, for all components that took part."""
    data = content.pop("data")
    return _template().render(
        css=_asset("page.css"),
        script=_asset("page.js") if data else "",
        data=_for_script(data) if data else "",
        papers=bibtex.as_text(papers),
        **{"links": [], "remarks": [], "pictures": [], "scripts": [], "styles": [], **content},
    )


def _facts(summary: dict[str, Any]) -> str:
    took = ", ".join(f"{what} {seconds:.0f} s" for what, seconds in summary["seconds"].items())
    return f"experiment {summary['hash']}, {listed(summary['seeds'])}, {took}"


def listed(seeds: list[int]) -> str:
    """Seeds in words.

    >>> listed([0]), listed([0, 1, 2])
    ('seed 0', 'seeds 0, 1, 2')
    """
    return f"seed{'s' * (len(seeds) > 1)} {', '.join(map(str, seeds))}"


def marked(text: str) -> str:
    """Text as HTML, in which names between backticks are code.

    >>> marked("`payoffs` < 1")
    '<code>payoffs</code> &lt; 1'
    """
    return re.sub("`([^`]+)`", r"<code>\1</code>", html.escape(text))


def _explored(summary: dict[str, Any], panels: Sequence[Panel]) -> dict[str, Any]:
    """Data for the slider, which has one position per row."""
    rows = summary["rows"]
    values, own = [row["value"] for row in rows], (summary["setting"] or {}).get("own")
    return {
        "symbol": tables.symbol(summary["setting"]) if summary["setting"] else "",
        "values": values,
        "start": values.index(own) if own in values else len(rows) - 1,
        "policies": None if any(panel.shows_policies for panel in panels) else _bars(rows),
        "panels": [panel.rows for panel in panels],
    }


def _bars(rows: list[dict[str, Any]]) -> list[Any] | None:
    """Bars for the policies, or None unless every entry is a probability."""
    numbers = [n for row in rows for seat in row["policies"] for entry in seat.values() for n in entry.values()]
    if not all(n is not None and 0 <= n <= 1 for n in numbers):
        return None
    return [
        [
            {name: [round(entry[k], 4) for k in ("mean", "low", "high")] for name, entry in seat.items()}
            for seat in seats
        ]
        for seats in (row["policies"] for row in rows)
    ]


def experiment_texts(folder: Path) -> list[tuple[str, str]]:
    """Name and text of the files with which a run or tournament can be repeated."""
    names = ("experiment.toml", "tournament.toml")
    return [(name, (folder / name).read_text(encoding="utf-8")) for name in names if (folder / name).is_file()]


def pictures(
    folder: Path, pattern: str = "*.svg", label: str = "", captions: Mapping[str, str] | None = None
) -> list[tuple[str, str, str]]:
    """Name, caption and data address of each figure. Separate images keep the styles of figures apart."""
    found = []
    for path in sorted(folder.glob(pattern), key=lambda path: path.name != "payoffs.svg"):
        encoded = base64.b64encode(path.read_bytes()).decode()
        caption = {**CAPTIONS, **(captions or {})}.get(path.stem.partition("_")[0], "")
        caption = f"{label}. {caption}" if label else caption
        found.append((path.stem, caption, f"data:image/svg+xml;base64,{encoded}"))
    return found


def _for_script(data: dict[str, Any]) -> str:
    """Encode data as JSON that cannot end the script element around it."""
    return json.dumps(data, separators=(",", ":"), allow_nan=False).replace("<", "\\u003c")


def _safe(text: str) -> str:
    """Escape a script or a style, so that it cannot end the element around it."""
    return text.replace("</", "<\\/")


def _template() -> jinja2.Template:
    environment = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True)
    environment.filters["marked"] = marked
    return environment.from_string(_asset("page.html"))


def _asset(name: str) -> str:
    return (resources.files("meva_core.report.page") / name).read_text(encoding="utf-8")
