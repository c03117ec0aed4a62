"""The files of a search; its runs have folders of their own.

summary.json   {schema, name, title, notes, game, learner, quantity, at, highest, sampler, seed, trials, seeds: those
               of the fits, ranges: {name in --set: {from, to, scale} or [values]},
               runs: {label: hash of each run with a number},
               places: [{rank, run, hash, values, ours, sem, seeds, worst, beside, why}], the best first. The recipe has
               no rank. Of trials with the same run the first has a place. why: the reason why a run
               counts as the worst, or null,
               best: {run, hash, values, recipe: the content of best.toml, exact: true if that gives its fit, command:
               the words of the command that tries it on fresh seeds, by option} or null,
               recipe: the label of the run that changes nothing, or null, differences: [sentences]}
ranking.csv    one line per place
best.toml      the best trial as a recipe
search.toml    the file of the search
figures/       the number of each trial over each hyper-parameter, as PNG and SVG
report.html    one page of all this
"""

from __future__ import annotations

import csv
import io
import shlex
import textwrap
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import matplotlib
import tomli_w

from meva_core.report import figures
from meva_core.report.tables import WIDTH, Drawn, Grid, number, plain, statistic
from meva_core.storage import files
from meva_core.studies.searches import Search, shorts, shown

FILE = "search.toml"
BEST = "best.toml"
MOST = 10  # places on a screen
MOST_SEEDS = 3  # places on a screen with a line of all their seeds


def write(folder: Path, search: Search, content: dict[str, Any]) -> None:
    """Write all files but the page."""
    files.write_json(folder / "summary.json", content)
    files.write(folder / FILE, search.text)
    files.write(folder / "ranking.csv", as_csv(content))
    if best := content["best"]:
        files.write(folder / BEST, recipe(best["recipe"], warning(content)))
    with matplotlib.rc_context(figures.STYLE):
        figures.draw({"search": figures.search(content, search.title)}, folder / "figures")


def grid(content: Mapping[str, Any], most: int | None = None) -> Grid:
    """The table of the places. most: the number of trials to show, beside the recipe; None for all."""
    names = shorts(list(content["ranges"]))
    places = [
        p for p in content["places"] if most is None or p["run"] == content["recipe"] or (p["rank"] or most + 1) <= most
    ]
    columns: dict[str, list[str]] = {
        "rank": ["-" if place["rank"] is None else str(place["rank"]) for place in places],
        "run": [place["run"] for place in places],
    }
    for path, name in names.items():
        columns[name.replace("_", "\n")] = [shown(place["values"].get(path, "-")) for place in places]
    at = "" if content["at"] is None else f" at {content['at']:g}"
    quantity = content["quantity"].replace("_", " ").replace(".", "\n")
    columns[quantity] = [
        statistic({"mean": place["ours"], "sem": place["sem"]}, digits=4) if place["hash"] else "refused"
        for place in places
    ]
    if len(content["seeds"]) > 1:
        columns["worst\nseed"] = [number(place["worst"], 4) for place in places]
    for path in content["places"][0]["beside"]:
        pairs = [place["beside"][path] for place in places]
        columns[path.replace("_", " ").replace(".", "\n")] = [statistic({"mean": m, "sem": sem}) for m, sem in pairs]
    rows = [list(row) for row in zip(*columns.values(), strict=True)]
    return Grid(f"ranked by {content['quantity']}{at}, the best first", list(columns), rows, ("run",), stubs=2)


def as_csv(content: Mapping[str, Any]) -> str:
    """Build the text of ranking.csv from the content of summary.json."""
    out, places = io.StringIO(), content["places"]
    writer = csv.writer(out, lineterminator="\n")
    beside = [head for path in places[0]["beside"] for head in (path, f"{path} sem")]
    paths = list(content["ranges"])
    writer.writerow(["rank", "run", "hash", *paths, content["quantity"], "sem", "worst", *beside, "seeds", "why"])
    for place in places:
        numbers = [number for pair in place["beside"].values() for number in pair]
        seeds = " ".join("nan" if number is None else repr(number) for number in place["seeds"])
        head = (place["rank"], place["run"], place["hash"], *(place["values"].get(path) for path in paths))
        writer.writerow([*head, place["ours"], place["sem"], place["worst"], *numbers, seeds, place["why"]])
    return out.getvalue()


def warning(content: Mapping[str, Any]) -> str:
    """A sentence that says what the best trial was chosen on."""
    return (
        f"{content['best']['run']} was chosen because it is the best of {content['trials']} on "
        f"{of_seeds(content['seeds'])}. So these numbers are no evidence for it: try it on fresh seeds."
    )


def remarks(content: Mapping[str, Any]) -> list[str]:
    """Sentences about the ranking: all seeds of the best, which trials are as good, and which have no number."""
    places, said = content["places"], []
    over = "the seeds" if len(content["seeds"]) > 1 else "the pairs of one seed"
    said.append(f"mean ± standard error of the mean over {over}")
    if len(content["seeds"]) > 1:
        for place in places[:MOST_SEEDS]:
            if place["ours"] is not None:
                said.append(
                    f"{place['run']}, {of_seeds(content['seeds'])}: " + " ".join(number(n, 4) for n in place["seeds"])
                )
    if content["best"] and places[0]["run"] == content["recipe"]:
        said.append("The recipe is better than every trial.")
    said += content["differences"]
    lost: dict[str, list[str]] = {}
    for place in places:
        if place["why"] is not None:
            lost.setdefault(place["why"], []).append(place["run"])
    said += [f"Count as the worst: {', '.join(runs)} ({why})." for why, runs in lost.items()]
    if again := content["trials"] - sum(place["run"] != content["recipe"] for place in places):
        said.append("1 trial repeats another." if again == 1 else f"{again} trials repeat others.")
    return [*said, *content["notes"]]


def recipe(content: Mapping[str, Any], about: str) -> str:
    """The text of best.toml. about: sentences that precede the recipe."""
    return textwrap.fill(about, WIDTH, initial_indent="# ", subsequent_indent="# ") + f"\n\n{tomli_w.dumps(content)}"


def in_lines(words: list[list[str]], path: Path, width: int) -> list[str]:
    """A command for a shell, in lines of at most `width` characters where its words allow it. path: of best.toml."""
    lines = [""]
    for group in words:
        added = shlex.join(str(path) if word == BEST else word for word in group)
        if lines[-1] and len(lines[-1]) + len(added) + 3 > width:
            lines[-1] += " \\"
            lines.append(f"    {added}")
        else:
            lines[-1] += f" {added}" if lines[-1] else added
    return lines


def lines(content: Mapping[str, Any], folder: Path) -> list[str]:
    """Format the ranking, the remarks and the advice for a screen. folder: that of the search, as the user names it."""
    table = grid(content, MOST)
    text = ["", *textwrap.indent(plain(table.caption, Drawn(table), width=WIDTH - 2), "  ").splitlines(), ""]

    def say(sentence: str) -> None:
        text.extend(textwrap.wrap(sentence, WIDTH, initial_indent="  ", subsequent_indent="  ", break_on_hyphens=False))

    for sentence in remarks(content):
        say(sentence)
    if best := content["best"]:
        text.append("")
        say(warning(content))
        text += [f"    {line}" for line in in_lines(best["command"], folder / BEST, WIDTH - 4)]
        text.append("")
    return text


def of_seeds(seeds: Sequence[int]) -> str:
    """Seeds in words, "seeds 0 to 2"."""
    return f"seed {seeds[0]}" if len(seeds) == 1 else f"seeds {seeds[0]} to {seeds[-1]}"
