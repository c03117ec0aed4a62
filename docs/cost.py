"""Draw what a loop of MeVa's fit costs, for the page docs/concepts/cost.md.

python tests/benchmarks cost --json cost.json    measure, some minutes on an idle machine
python docs/cost.py cost.json                    draw docs/concepts/cost.svg
"""

import json
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from meva_core.report.figures import style

DRAWN = Path(__file__).parent / "concepts" / "cost.svg"
MODELS = {"paired_mlp": "sees the numbers (paired_mlp)", "fingerprint": "sees what they do (fingerprint)"}


def figure(rows: Iterable[dict[str, Any]]) -> Figure:
    """CPU seconds per loop over the numbers per policy, and over the number of players. rows: of tests/benchmarks."""
    costs = [(*row["what"].split(" ", 1), row["value"], row["note"]) for row in rows if row["benchmark"] == "cost"]
    drawn = Figure(figsize=(7.2, 2.8), layout="constrained")
    left, right = drawn.subplots(1, 2)
    for n, (model, label) in enumerate(MODELS.items()):
        line(left, [(int(number), seconds) for number, _, seconds, note in costs if note == model], n, label)
    left.set(title="a longer policy (ipd)", xlabel="numbers per policy", ylabel="CPU seconds per loop")
    for which in ("x", "y"):
        style.logarithmic(left, which)
    left.legend()
    line(right, [(int(number), seconds) for number, unit, seconds, _ in costs if unit == "players"], 0)
    right.set(title="more players (public_goods)", xlabel="players")
    style.logarithmic(right, "y")
    right.set_xticks([3, 4, 5, 6])
    return drawn


def line(axes: Axes, points: list[tuple[int, float]], n: int, label: str | None = None) -> None:
    """The n-th line of a panel, with its points."""
    axes.plot(*zip(*points, strict=True), style.DASHES[n], marker="o", color=style.COLOURS[n], label=label)


if __name__ == "__main__":
    if len(sys.argv) != 2 or not Path(sys.argv[1]).is_file():
        print("error: expected the file of python tests/benchmarks cost --json FILE", file=sys.stderr)  # noqa: T201
        sys.exit(2)
    with mpl.rc_context(style.STYLE):
        figure(json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))["rows"]).savefig(
            DRAWN, metadata={"Date": None}
        )
