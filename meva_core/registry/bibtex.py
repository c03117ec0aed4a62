"""BibTeX, as far as citing needs it."""

from __future__ import annotations

import itertools
import re
import textwrap
from collections.abc import Iterable

from meva_core.registry.entries import Offer

_START = re.compile(r"^[ \t]*@\w+[ \t]*\{[ \t]*([^\s,{}]+)[ \t]*,", re.MULTILINE)


def entries(text: str) -> dict[str, str]:
    """Citation key -> entry, in order; the first of a key counts."""
    starts = list(_START.finditer(text))
    bounds = [*(start.start() for start in starts), len(text)]
    found: dict[str, str] = {}
    for start, (begin, end) in zip(starts, itertools.pairwise(bounds), strict=True):
        found.setdefault(start[1], textwrap.dedent(text[begin:end]).strip())
    return found


def papers(offers: Iterable[Offer]) -> dict[str, str]:
    """Citation key -> BibTeX, each key once: the first text counts."""
    found: dict[str, str] = {}
    for offer in offers:
        for key, text in entries(offer.entry.bibtex).items():
            found.setdefault(key, text)
    return found
