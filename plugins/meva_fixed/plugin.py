"""Entries of this plugin. Imports nothing heavy."""

from collections.abc import Iterable

from meva_core.contracts import Entry, hookimpl

MEVA_REFERENCES = "meva_fixed:references.bib"


@hookimpl
def meva_learners() -> Iterable[Entry]:
    yield Entry(
        "fixed",
        "meva_fixed.fixed:Fixed",
        "a named strategy or a given policy; never moves",
        "Axelrod (1984), The Evolution of Cooperation; Press & Dyson (2012), PNAS; "
        "Hilbe, Traulsen & Sigmund (2015), Games and Economic Behavior",
        cites=("axelrod1984evolution", "press2012iterated", "hilbe2015partners"),
    )
    yield Entry(
        "copycat",
        "meva_fixed.copycat:Copycat",
        "does to others in a step what they did to it in the step before",
        "Axelrod (1984), The Evolution of Cooperation",
        cites=("axelrod1984evolution",),
    )
