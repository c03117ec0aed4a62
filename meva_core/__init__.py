"""The MeVa framework: learning with learning awareness, composed from plugins.

Names are loaded when first used, so that the command line starts at once.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from meva_core.api import make as make
    from meva_core.errors import MevaError as MevaError
    from meva_core.evaluate import best_response as best_response
    from meva_core.evaluate import matches as matches
    from meva_core.experiment import Experiment as Experiment
    from meva_core.hookspecs import Entry as Entry
    from meva_core.hookspecs import hookimpl as hookimpl
    from meva_core.match import Fitted as Fitted
    from meva_core.match import Match as Match
    from meva_core.match import play as play
    from meva_core.match import self_play as self_play
    from meva_core.match import trajectory as trajectory
    from meva_core.moments import snapshots as snapshots
    from meva_core.plain import Surveyed as Surveyed
    from meva_core.plain import fit as fit
    from meva_core.plain import survey as survey
    from meva_core.progress import Progress as Progress
    from meva_core.registry import installed as installed
    from meva_core.report import Result as Result
    from meva_core.runner import run as run
    from meva_core.tournaments import tournament as tournament

_HOMES = {
    "Entry": "hookspecs",
    "Experiment": "experiment",
    "Fitted": "match",
    "Match": "match",
    "MevaError": "errors",
    "Progress": "progress",
    "Result": "report",
    "Surveyed": "plain",
    "best_response": "evaluate",
    "fit": "plain",
    "hookimpl": "hookspecs",
    "installed": "registry",
    "make": "api",
    "matches": "evaluate",
    "play": "match",
    "run": "runner",
    "self_play": "match",
    "snapshots": "moments",
    "survey": "plain",
    "tournament": "tournaments",
    "trajectory": "match",
}
__all__ = list(_HOMES)  # pyright: ignore[reportUnsupportedDunderAll]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
