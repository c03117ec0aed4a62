"""An evaluation for MeVa, in one module. Install it with pip, and it is there: `meva list evaluation`."""

import jax.numpy as jnp
import numpy as np

from meva_core.contracts import Column, Entry, Evaluation, Panel, component, hookimpl, positive, static
from meva_core.report import tables
from meva_core.report.statistics import statistic

# Fills the panel once with a sentence, and returns the function that shows row number v.
SCRIPT = """(box, rows, { html }) => {
  const sentence = html("p", "", box);
  return (v) => { sentence.textContent = `Mean inequality of payoffs: ${rows[v]}`; };
}"""


@hookimpl
def meva_evaluations():
    yield Entry("inequality", "meva_inequality:Inequality", "how far apart the players' payoffs are")


@component
class Inequality(Evaluation):
    """The largest difference between two players' payoffs at the end of a match, in units of `unit`.

    The answer is one number for each match of each seed and row, f32[S, V, N].
    """

    unit: float = static(default=1.0, doc="unit of payoffs", check=positive)

    by_default = False
    says = "comparing the players' payoffs"

    def quantities(self, composition):
        return ("inequality",)

    def inputs(self, ended, answers):
        return (ended.payoffs,)

    def ask(self, match, key, asking, payoffs):
        return jnp.ptp(payoffs, axis=1) / self.unit

    def rows(self, answer, seen):
        return [{"inequality": statistic(answer.each[:, v])} for v in range(len(seen.values))]

    def columns(self, summary):
        return [
            Column(head="inequality", panel="inequality", line="largest difference", cell=lambda row: row["inequality"])
        ]

    def figures(self, summary, arrays):
        from matplotlib.figure import Figure

        figure = Figure(figsize=(3.2, 2.4), layout="constrained")
        axis = figure.subplots()
        means = np.array([row["inequality"]["mean"] for row in summary["rows"]], float)  # NaN where payoffs diverged
        axis.bar(range(len(means)), means)
        axis.set_xlabel("row")
        axis.set_ylabel("largest difference of payoffs")
        return {"inequality": figure}

    def captions(self):
        return {"inequality": "The largest difference between two players' payoffs, row by row."}

    def panels(self, summary, arrays):
        return [Panel(script=SCRIPT, rows=[tables.statistic(row["inequality"]) for row in summary["rows"]])]
