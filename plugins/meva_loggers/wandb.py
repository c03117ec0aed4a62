"""Logs for Weights & Biases."""

from __future__ import annotations

import html
from collections.abc import Mapping
from typing import Any, ClassVar

from meva_core.contracts import Logger, Loops, Results, Run, at_least, component, one_of, static
from meva_core.errors import optional
from meva_loggers.curves import MEAN, curves
from meva_loggers.identity import identity


@component
class WeightsAndBiases(Logger):
    """Sends the curves, tables and figures of a run to Weights & Biases, or stores them to be sent later.

    There a run folder is one run, and the experiment is its configuration. A metric is a curve over the loops of its
    fit: `learner/loss` is the mean over the seeds, and `learner/loss/seed_0` belongs to one seed. The means of the row
    of the learner's own setting are in the run's summary, under `results`, and `results/row` names it. Log in once with
    `wandb login`. With `log.wandb.mode=offline`, for machines without a connection, the run is in logs/wandb of the run
    folder, and `wandb sync` sends it later.
    """

    small: ClassVar = {"mode": "offline"}  # no run of a test is sent

    project: str = static(default="meva", doc="project of the run")
    entity: str | None = static(default=None, doc="user or team of the project; unset: the default of your account")
    group: str | None = static(default=None, doc="group of runs that the run belongs to")
    mode: str | None = static(
        default=None, doc="unset: WANDB_MODE, or else online", check=one_of("online", "offline", "disabled")
    )
    seeds: int = static(default=20, doc="number of seeds that have their own curves, the first ones", check=at_least(0))

    def check(self, run: Run) -> None:
        optional("wandb")

    def begun(self, run: Run) -> Any:
        wandb = optional("wandb")
        return wandb.init(
            project=self.project,
            entity=self.entity,
            group=self.group,
            mode=self.mode,
            name=run.name,
            id=None if run.folder is None else identity(run.folder),
            resume="allow",
            reinit="create_new",  # a run that the user has open is not ours
            dir=None if run.folder is None else str(run.folder),
            config=dict(run.experiment),
            settings=wandb.Settings(console="off", quiet=True),  # the screen is ours
        )

    def metrics(self, state: Any, loops: Loops) -> None:
        state.define_metric(f"{loops.fit}/*", step_metric=f"{loops.fit}/loop")
        named = _named(curves(loops, self.seeds), loops.fit)
        for n in range(len(next(iter(named.values())))):
            state.log({f"{loops.fit}/loop": loops.first + n + 1, **{name: float(v[n]) for name, v in named.items()}})

    def finished(self, state: Any, results: Results) -> None:
        wandb = optional("wandb")
        figures = {f"figures/{name}": wandb.Image(str(path)) for name, path in results.figures.items()}
        state.log({"tables": wandb.Html(f"<pre>{html.escape(results.table)}</pre>"), **figures})
        row = {"results/row": results.row} if results.row else {}
        state.summary.update({**{f"results/{name}": number for name, number in results.numbers.items()}, **row})
        state.finish()

    def failed(self, state: Any, reason: str) -> None:
        try:
            state.summary.update({"stopped": reason})
        finally:
            state.finish(exit_code=1)


def _named(of_curves: Mapping[str, Mapping[str, Any]], fit: str) -> dict[str, Any]:
    """Values f32[N] by name: FIT/METRIC for the mean, or for a single seed, and FIT/METRIC/seed_N for each of several
    seeds."""
    if MEAN not in of_curves:
        return {f"{fit}/{name}": values for metrics in of_curves.values() for name, values in metrics.items()}
    return {
        f"{fit}/{name}" + ("" if curve == MEAN else f"/{curve}"): values
        for curve, metrics in of_curves.items()
        for name, values in metrics.items()
    }
