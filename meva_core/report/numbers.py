"""Numbers of a run: what its summary, tables and pictures are made of."""

from __future__ import annotations

from collections.abc import Mapping

import attrs
import numpy as np

from meva_core.contracts.evaluation import Evaluation
from meva_core.evaluate import Seen
from meva_core.experiment.experiment import Experiment
from meva_core.fitting import Divergence, History
from meva_core.match import Fitted


@attrs.frozen(repr=False)
class Numbers:
    """Numbers of a run.

    seen: how the matches ended and what evaluations found, arrays over seeds and rows. evaluations: those that were
    asked, by name.
    histories: metrics of each fit, one per learner that is fitted.
    players: the learners with their parameters, every leaf [S, ...] over seeds, the diverged ones included.
    """

    experiment: Experiment
    seen: Seen
    evaluations: Mapping[str, Evaluation]
    histories: list[History]
    players: list[Fitted]
    seconds: dict[str, float]

    @property
    def payoffs(self) -> np.ndarray:
        """f32[S, V, N, P]: seeds, rows, pairs, players."""
        return self.seen.payoffs

    @property
    def policies(self) -> np.ndarray:
        """f32[S, V, N, P, D]: where the matches ended."""
        return self.seen.policies

    @property
    def metrics(self) -> dict[str, np.ndarray]:
        """Metrics of the experiment's learner's fit (or else the only one), each f32[S, loops]; {} if nothing is
        fitted."""
        by_player = {history.player: history.metrics for history in self.histories}
        return by_player.get("learner", next(iter(by_player.values()), {}))

    @property
    def diverged(self) -> list[Divergence]:
        """Seeds that were lost in a fit, and where."""
        return [divergence for history in self.histories for divergence in history.diverged]

    @property
    def complaints(self) -> list[str]:
        """Failures in one line each: seeds that diverged in a fit, seeds of whose matches all diverged."""
        finite = np.asarray(np.isfinite(self.payoffs).all(axis=-1))
        lost = [seed for n, seed in enumerate(self.seeds) if not finite[n].any()]
        fits = [str(divergence) for divergence in self.diverged]
        return fits + [
            f"seed {seed}: no match ended with finite payoffs (likely a rate too high: lower learner.rate)"
            for seed in lost
        ]

    @property
    def seeds(self) -> list[int]:
        """Seeds that the survey is over."""
        lost = {divergence.seed for divergence in self.diverged}
        return [seed for seed in self.experiment.seeds if seed not in lost]
