"""The MeVa framework: learning with learning awareness, composed from plugins.

Names are loaded when first used, so that the command line starts at once.
"""

import importlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from meva_core.compute.progress import Progress as Progress
    from meva_core.contracts.hooks import Entry as Entry
    from meva_core.contracts.hooks import hookimpl as hookimpl
    from meva_core.errors import MevaError as MevaError
    from meva_core.evaluate import best_response as best_response
    from meva_core.evaluate import matches as matches
    from meva_core.experiment.experiment import Experiment as Experiment
    from meva_core.experiment.make import make as make
    from meva_core.match import Fitted as Fitted
    from meva_core.match import Match as Match
    from meva_core.match import play as play
    from meva_core.match import self_play as self_play
    from meva_core.match import trajectory as trajectory
    from meva_core.registry.discovery import installed as installed
    from meva_core.report import Result as Result
    from meva_core.runner import run as run
    from meva_core.storage.snapshots import snapshots as snapshots
    from meva_core.studies.batch import reproduce as reproduce
    from meva_core.studies.batch import sweep as sweep
    from meva_core.studies.plain import Surveyed as Surveyed
    from meva_core.studies.plain import fit as fit
    from meva_core.studies.plain import survey as survey
    from meva_core.studies.searching import search as search
    from meva_core.studies.tournament import tournament as tournament

# Old import paths that still work: meva_core.component, .devices, .hookspecs and .protocols.
__path__.append(str(Path(__file__).parent / "contracts" / "moved"))

_HOMES = {
    "Entry": "contracts.hooks",
    "Experiment": "experiment.experiment",
    "Fitted": "match",
    "Match": "match",
    "MevaError": "errors",
    "Progress": "compute.progress",
    "Result": "report",
    "Surveyed": "studies.plain",
    "best_response": "evaluate",
    "fit": "studies.plain",
    "hookimpl": "contracts.hooks",
    "installed": "registry.discovery",
    "make": "experiment.make",
    "matches": "evaluate",
    "play": "match",
    "reproduce": "studies.batch",
    "run": "runner",
    "search": "studies.searching",
    "self_play": "match",
    "snapshots": "storage.snapshots",
    "survey": "studies.plain",
    "sweep": "studies.batch",
    "tournament": "studies.tournament",
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
