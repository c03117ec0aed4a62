"""Writes a finished run into its folder: summary.json, policies.npz, figures/ and report.html."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from meva_core.report import figures, page
from meva_core.report.result import Result
from meva_core.storage import files


def finish(out: Path, result: Result) -> None:
    """Everything that is known once the run is over."""
    files.write_json(out / "summary.json", result.summary())
    files.save_arrays(out / "policies.npz", policies_of(result), compress=True)
    figures.draw(result, out / "figures")
    files.write(out / "report.html", page.of_run(out))


def policies_of(result: Result) -> dict[str, np.ndarray]:
    """The arrays of policies.npz."""
    return {
        "policies": result.policies,
        "payoffs": result.payoffs,
        "seeds": np.array(result.seeds),
        "settings": np.array(result.survey.values),
        "entries": np.array(result.entry_names),
        **_plane(result),
        **_polytope(result),
    }


def _plane(result: Result) -> dict[str, Any]:
    """What the page draws of a game with a plane."""
    survey = result.survey
    if survey.trajectories is None:
        return {}
    basins = {f"basin {name}": cells for name, cells in survey.basins.items()}
    plane = {"plane": np.array(survey.plane), "landscape": survey.landscape}
    return {**plane, "trajectories": survey.trajectories, **basins}


def _polytope(result: Result) -> dict[str, Any]:
    """The first seed's first match, f32[V, T, N, 2] and f32[V, T, 2]."""
    found = result.survey.polytope
    if found is None:
        return {}
    return {"cloud": found.cloud[0, :, 0], "met": found.payoffs[0, :, 0], "feasible": result.survey.feasible}
