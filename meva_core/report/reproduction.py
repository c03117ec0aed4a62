"""What a reproduction writes, beside the folders of its runs.

summary.json   {schema, name, title, source, quick, runs: {label: hash}, claims: [a dict per line of claims.csv]}
claims.csv     a line per claim (the columns are `COLUMNS`)
figures/       the runs' pictures, drawn together, as PNG and SVG
report.html    one page of all this
"""

from __future__ import annotations

import csv
import io
import textwrap
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from meva_core.report.folder import read_summary
from meva_core.report.tables import WIDTH, Grid, statistic
from meva_core.reproductions import Reproduction, Verdict

SCHEMA = 1
COLUMNS = ("says", "run", "at", "quantity", "ours", "sem", "expected", "difference", "holds")
HEADS = ["holds", "the publication says", "quantity", "ours", "expected", "difference"]
ANSWERS = {True: "yes", False: "NO", None: "-"}


def summary(asked: Reproduction, quick: bool, runs: Mapping[str, str], found: Sequence[Verdict]) -> dict[str, Any]:
    """summary.json; `runs` are the hashes of the runs by label."""
    return {
        "schema": SCHEMA,
        "name": asked.name,
        "title": asked.title,
        "source": asked.source,
        "quick": quick,
        "runs": dict(runs),
        "claims": [_line(verdict) for verdict in found],
    }


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


def as_csv(found: dict[str, Any]) -> str:
    """claims.csv, of the content of summary.json."""
    text = io.StringIO()
    writer: Any = csv.DictWriter(text, COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(found["claims"])
    return text.getvalue()


def grid(found: dict[str, Any]) -> Grid:
    """The claims, for the page."""
    rows = []
    for claim in found["claims"]:
        at = "" if claim["at"] is None else f" at {claim['at']:g}"
        ours = statistic({"mean": claim["ours"], "sem": claim["sem"]})
        difference = "" if claim["difference"] is None else f"{claim['difference']:+.3f}"
        quantity = f"{claim['run']}{at}: {claim['quantity']}"
        rows.append([ANSWERS[claim["holds"]], claim["says"], quantity, ours, claim["expected"], difference])
    return Grid("claims", HEADS, rows, ("holds", "the publication says", "quantity", "expected"))


def lines(found: dict[str, Any]) -> list[str]:
    """The claims for a screen, two lines or more each."""
    text = []
    for holds, says, quantity, ours, expected, _ in grid(found).rows:
        text.append(textwrap.fill(says, WIDTH, initial_indent=f"  {holds:>3}  ", subsequent_indent=" " * 7))
        text.append(f"       {quantity} {ours}, expected {expected}")
    return text


def held(found: dict[str, Any]) -> str:
    """How many claims hold, in a sentence."""
    answers = [claim["holds"] for claim in found["claims"]]
    if not answers:
        return "no numbers to compare with"
    return f"{answers.count(True)} of {len(answers)} claims hold" + (" (quick: fewer seeds)" if found["quick"] else "")


def draw(asked: Reproduction, folders: Mapping[str, Path], out: Path) -> list[Path]:
    """The picture: payoffs run by run, all runs' basins or trajectories in one, or the contours of the game."""
    import matplotlib

    from meva_core.report import figures

    out.mkdir(exist_ok=True)
    with matplotlib.rc_context(figures.STYLE):
        if asked.picture == "contours":  # of the game, and so of its first run
            return figures.save(figures.contours(next(iter(folders.values())), asked.title), out, "contours")
        if asked.picture != "payoffs":
            return figures.save(figures.planes(asked.picture, folders, asked.title), out, asked.picture)
        drawn = []
        for label, folder in folders.items():
            drawn += figures.save(figures.payoffs(read_summary(folder)), out, f"payoffs_{label}")
        return drawn
