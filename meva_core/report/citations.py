"""Registry entries used by a run, for citations."""

from __future__ import annotations

from pathlib import Path

from meva_core.experiment import reading
from meva_core.registry.entries import Offer, Registry


def in_run(known: Registry, folder: Path) -> list[Offer]:
    """Entries of the game, the learners, their parts, and the evaluations that the run in `folder` names.

    Raises MevaError if experiment.toml cannot be read, or a plugin of the run is not installed.
    """
    run = reading.read(known, folder / "experiment.toml")
    picked = [evaluation for evaluation in run.evaluations if evaluation.name in run.evaluate.asked]
    return [choice.offer for choice in (*run.cast, *picked)]
