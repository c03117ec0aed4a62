"""Numbers of a run, the source of its summary, tables and pictures."""

from __future__ import annotations

from collections.abc import Mapping

import attrs
import numpy as np

from meva_core.contracts.evaluation import Evaluation
from meva_core.contracts.hyperparameters import pace
from meva_core.evaluate import Seen
from meva_core.experiment.experiment import Experiment, opponent_path
from meva_core.fitting import Divergence, History
from meva_core.match import Fitted
from meva_core.report.checked import checked


@attrs.frozen(repr=False)
class Numbers:
    """Numbers of a run.

    seen: final states of the matches and results of evaluations, arrays over seeds and rows.
    evaluations: the evaluations of the run, by name.
    histories: metrics of the fits, one per fitted learner.
    players: the learners with their parameters, every leaf [S, ...] over all seeds, also diverged ones.
    """

    experiment: Experiment
    seen: Seen
    evaluations: Mapping[str, Evaluation]
    histories: list[History]
    players: list[Fitted]
    seconds: dict[str, float]

    @property
    def checked(self) -> dict[str, Evaluation]:
        """The evaluations, with stand-ins that check the results of those of third parties."""
        offers = {choice.name: choice.offer for choice in self.experiment.evaluations}
        return {name: checked(name, evaluation, offers[name]) for name, evaluation in self.evaluations.items()}

    @property
    def payoffs(self) -> np.ndarray:
        """Payoffs f32[S, V, N, P]: seeds, rows, pairs, players."""
        return self.seen.payoffs

    @property
    def policies(self) -> np.ndarray:
        """Policies f32[S, V, N, P, D] at the end of the matches."""
        return self.seen.policies

    @property
    def metrics(self) -> dict[str, np.ndarray]:
        """Metrics f32[S, loops] of the fit of the experiment's learner, or of the only fit; {} if nothing is fitted."""
        by_player = {history.player: history.metrics for history in self.histories}
        return by_player.get("learner", next(iter(by_player.values()), {}))

    @property
    def diverged(self) -> list[Divergence]:
        """Seeds that diverged in a fit, with the loop and the quantity."""
        return [divergence for history in self.histories for divergence in history.diverged]

    @property
    def complaints(self) -> list[str]:
        """Failures in one line each: seeds that diverged in a fit, and seeds whose matches all diverged."""
        finite = np.asarray(np.isfinite(self.payoffs).all(axis=-1))
        lost = [seed for n, seed in enumerate(self.seeds) if not finite[n].any()]
        fits = [str(divergence) for divergence in self.diverged]
        return fits + [
            f"seed {seed}: no match ended with finite payoffs (steps are probably too large{self._lower})"
            for seed in lost
        ]

    @property
    def _lower(self) -> str:
        """Advice for steps that are too large, ": lower learner.rate"; empty if no player has such a number."""
        paths = ["learner", *(opponent_path(len(self.players) - 1, n) for n in range(len(self.players) - 1))]
        classes = [type(player.learner) for player in self.players]
        found = [f"{path}.{h.name}" for path, cls in zip(paths, classes, strict=True) if (h := pace(cls)) is not None]
        return f": lower {' or '.join(found)}" if found else ""

    @property
    def seeds(self) -> list[int]:
        """Seeds of the evaluation: all that did not diverge in a fit."""
        lost = {divergence.seed for divergence in self.diverged}
        return [seed for seed in self.experiment.seeds if seed not in lost]
