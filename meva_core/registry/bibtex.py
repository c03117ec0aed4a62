"""A small parser of BibTeX: citation keys and entries."""

from __future__ import annotations

import itertools
import re
import textwrap
from collections.abc import Iterable, Mapping

from meva_core.contracts.hooks import Entry
from meva_core.errors import BadFolder, UnknownName, did_you_mean, in_short
from meva_core.registry.entries import Offer
from meva_core.registry.recipes import package_file

_START = re.compile(r"^[ \t]*@\w+[ \t]*\{[ \t]*([^\s,{}]+)[ \t]*,", re.MULTILINE)


def entries(text: str) -> dict[str, str]:
    """Citation key -> entry, in order. If a key occurs twice, its first entry counts."""
    starts = list(_START.finditer(text))
    bounds = [*(start.start() for start in starts), len(text)]
    found: dict[str, str] = {}
    for start, (begin, end) in zip(starts, itertools.pairwise(bounds), strict=True):
        found.setdefault(start[1], textwrap.dedent(text[begin:end]).strip())
    return found


def of_entry(entry: Entry) -> dict[str, str]:
    """Citation key -> BibTeX of the papers that an entry names, in its own text (`bibtex`) or by their keys (`cites`).

    Raises BadFolder if the entry has keys but no readable file of references, UnknownName if the file lacks a key.
    """
    found = entries(entry.bibtex)
    if entry.cites:
        if (where := entry.references) is None:
            raise BadFolder(
                "expected references = 'package:file.bib', or MEVA_REFERENCES, together with cites, got none"
            )
        try:
            there = entries(package_file(where).read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise BadFolder(f"expected BibTeX at {where!r} (package:file.bib), got: {in_short(error)}") from error
        for key in entry.cites:
            if key not in there:
                raise UnknownName(f"unknown citation key {key!r} @ {where}{did_you_mean(key, there)}")
            found.setdefault(key, there[key])
    return found


def of(offer: Offer) -> dict[str, str]:
    """Citation key -> BibTeX of an offer's papers. Raises BadPlugin if its references cannot be read."""
    try:
        return of_entry(offer.entry)
    except (Exception, SystemExit) as error:
        raise offer.fault(f"its references: {in_short(error)}", raised=True) from error


def papers(offers: Iterable[Offer]) -> dict[str, str]:
    """Citation key -> BibTeX of the papers of all offers. If a key occurs twice, its first entry counts."""
    return merged(of(offer) for offer in offers)


def merged(sources: Iterable[Mapping[str, str]]) -> dict[str, str]:
    """Citation key -> BibTeX of the papers of all sources. If a key occurs twice, its first entry counts."""
    found: dict[str, str] = {}
    for source in sources:
        for key, text in source.items():
            found.setdefault(key, text)
    return found


def as_text(papers: Mapping[str, str]) -> str:
    """The text of a BibTeX file."""
    return "\n".join(f"{text}\n" for text in papers.values())
