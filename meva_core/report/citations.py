"""Registry entries used by a run, for citations."""

from __future__ import annotations

from pathlib import Path

from meva_core.experiment import experiment
from meva_core.registry.entries import Offer, Registry


def in_run(known: Registry, folder: Path) -> list[Offer]:
    """The game, the learners, their models, and the evaluations that were picked by name, in the run of a folder.
    Raises MevaError where its experiment.toml cannot be read, or a plugin that took part is not installed."""
    run = experiment.read(known, folder / "experiment.toml")
    picked = [evaluation for evaluation in run.evaluations if evaluation.name in run.evaluate.asked]
    return [choice.offer for choice in (*run.cast, *picked)]
