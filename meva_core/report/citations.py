"""Registry entries used by a run, for citations."""

from __future__ import annotations

from pathlib import Path

from meva_core.experiment import reading
from meva_core.registry.entries import Offer, Registry


def in_run(known: Registry, folder: Path) -> list[Offer]:
    """The game, the learners and their parts in the run of a folder. Raises MevaError where its experiment.toml cannot
    be read, or a plugin that took part is not installed."""
    return [choice.offer for choice in reading.read(known, folder / "experiment.toml").participants]
