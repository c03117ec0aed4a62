"""The gallery: a page for every reproduction on record, with its question, its runs, its claims and what was found."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable
from pathlib import Path

from meva_core.registry import discovery, recipes
from meva_core.registry.entries import Registry
from meva_core.registry.recipes import RecipeFile
from meva_core.studies import entrants, reproductions
from meva_core.studies.reproductions import Claim, PlannedRun, Reproduction
from meva_docs import rst

PICTURES = Path(__file__).parents[1] / "pictures" / "gallery"


def on_record(registry: Registry) -> list[Reproduction]:
    """All reproductions, those of the shipped registry first."""
    files = _files(registry)
    return [reproductions.find(files, name) for name in reproductions.names(files)]


def used(found: Iterable[Reproduction]) -> dict[str, list[str]]:
    """Name of an entry -> names of the reproductions that it takes part in."""
    names: dict[str, list[str]] = {}
    for each in found:
        cast = {name for run in each.runs for name in _cast(run)}
        for name in sorted(cast):
            names.setdefault(name, []).append(each.name)
    return names


def pages(found: list[Reproduction]) -> dict[str, str]:
    """Path -> reStructuredText of every reproduction, and of the index."""
    written = {f"gallery/{each.name}": page(each) for each in found}
    rows = [[f":doc:`{each.name}`\n\n{rst.code(each.name)}", rst.text(each.source)] for each in found]
    about = (
        "Results of papers, made anew, and questions that the papers leave open. Each page says what is asked, with "
        "which runs, and what is claimed of them. `meva reproduce NAME` makes the runs, draws the picture, and says "
        "claim by claim whether it holds; `--quick` uses fewer seeds and shorter fits."
    )
    written["gallery/index"] = "\n".join(
        [
            rst.heading("Gallery of reproductions"),
            rst.text(about) + "\n",
            *_thumbnails(found),
            rst.table(["what it shows, and its name", "source"], rows, (60, 40)),
            rst.toctree([each.name for each in found], ":hidden:"),
        ]
    )
    return written


def page(each: Reproduction) -> str:
    """The page of one reproduction."""
    notes = "".join(f"{rst.text(note)}\n\n" for note in each.notes)
    claims = [[rst.text(c.says), rst.text(_where(c)), rst.text(_bound(c))] for c in each.claims]
    runs = [[rst.text(run.label), _players(run), _settings(run)] for run in each.runs]
    parts = [
        f".. _reproduction-{each.name}:\n",
        rst.heading(rst.text(f"{each.title[:1].upper()}{each.title[1:]}")),
        rst.text(f"Source: {each.source}.") + "\n",
        rst.block(f"$ meva reproduce {each.name}\n$ meva reproduce {each.name} --quick", "console"),
    ]
    parts += _pictures(each)
    if notes:
        parts += [rst.heading("Findings", "-"), notes]
    if claims:
        parts += [rst.heading("Claims", "-"), rst.text("Each run of the reproduction checks these.") + "\n"]
        parts += [rst.table(["claim", "measured on", "expected"], claims, (48, 32, 20))]
    parts += [rst.heading("Runs", "-"), rst.table(["label", "who plays what", "settings"], runs, (20, 36, 44))]
    return "\n".join(parts)


def _pictures(each: Reproduction) -> list[str]:
    """The pictures of a run of a reproduction, and the text below them, if docs/gallery.py has kept them."""
    if not (kept := _kept(each)):
        return []
    caption = (PICTURES / each.name / "caption.txt").read_text(encoding="utf-8").strip()
    shown = [rst.figure(_path(picture), caption) for picture in kept]
    return [rst.heading("Result", "-"), *shown]


def _kept(each: Reproduction) -> list[Path]:
    return sorted((PICTURES / each.name).glob("*.*g"))  # svg or png


def _path(picture: Path) -> str:
    return f"pictures/gallery/{picture.parent.name}/{picture.name}"


def _thumbnails(found: Iterable[Reproduction]) -> list[str]:
    """The first picture of every reproduction that has one, with a link to its page."""
    shown = [rst.figure(_path(kept[0]), each.title, f"{each.name}.html") for each in found if (kept := _kept(each))]
    return [".. container:: thumbnails\n", *(textwrap.indent(each, "   ") for each in shown)] if shown else []


def _files(registry: Registry) -> list[RecipeFile]:
    return [recipes.shipped(), *discovery.recipe_files(registry)]


def _cast(run: PlannedRun) -> Iterable[str]:
    learners = [entrants.parse(text).name for text in run.learners] if run.learners else [run.learner]
    return (run.game, *learners, *run.opponents)


def _players(run: PlannedRun) -> str:
    """The game and who plays it, a line for each in a tournament."""
    if run.learners:
        return "\n\n".join([rst.text(f"{run.game}: a tournament of"), *map(rst.code, run.learners)])
    against = f" against {', '.join(run.opponents)}" if run.opponents else ""
    recipe = f", recipe {run.recipe}" if run.recipe != "default" else ""
    return rst.text(f"{run.game}: {run.learner}{against}{recipe}{', sampled' * run.sampled}")


def _settings(run: PlannedRun) -> str:
    return "\n\n".join(f"``{name} = {value}``" for name, value in run.overrides.items()) or "—"


def _where(claim: Claim) -> str:
    at = "" if claim.at is None else f" at {claim.at:g}"
    return f"{claim.run}: `{claim.quantity}`{at}"


def _bound(claim: Claim) -> str:
    if claim.published is not None:
        within = f" ± {claim.within:g}" if claim.within is not None else ""
        sem = f" ± {claim.published_sem:g} (s.e.m.)" if claim.published_sem is not None else ""
        return f"{claim.published:g}{within}{sem}, as published" if not within else f"{claim.published:g}{within}"
    if claim.above is not None:
        return f"above that of {claim.above}"
    if claim.rising:
        return "rises with the setting"
    return f"at least {claim.at_least:g}" if claim.at_least is not None else f"at most {claim.at_most:g}"
