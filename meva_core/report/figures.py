"""Figures of a run, as PNG and SVG: one style, readable in grey and by the colour-blind."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
from matplotlib.figure import Figure
from scipy.spatial import ConvexHull

from meva_core.errors import BadCombination
from meva_core.fit import History
from meva_core.report.folder import read_summary
from meva_core.report.result import Result
from meva_core.report.tables import symbol, title

# Okabe & Ito (2008), in an order that also falls off in lightness.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7")
DASHES = ("-", "--", "-.", ":")
STYLE: dict[Any, Any] = {
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlesize": 9,
    "legend.frameon": False,
    "figure.dpi": 150,
    "svg.hashsalt": "meva",
    "svg.fonttype": "none",
}


def draw(result: Result, folder: Path) -> list[Path]:
    """All figures that the result has numbers for, in a `folder` beside its numbers; byte-identical for equal results.
    Returns the files."""
    folder.mkdir(exist_ok=True)
    drawn: list[tuple[str, Figure]] = []
    with matplotlib.rc_context(STYLE):
        summary = result.summary()
        if len(summary["rows"]) > 1:
            drawn.append(("payoffs", payoffs(summary)))
        drawn += [(f"learning_{h.name}", learning(h)) for h in result.histories if h.metrics]
        if result.survey.basins:
            drawn.append(("basins", basins(result)))
            drawn.append(("trajectories", trajectories(result)))
        if result.survey.polytope is not None:
            drawn.append(("polytope", polytope(folder.parent, title(summary))))
        return [path for name, figure in drawn for path in save(figure, folder, name)]


def payoffs(summary: dict[str, Any], heading: str = "") -> Figure:
    """Payoffs over the settings, with bands of one s.e.m., and dots for the seeds; headed by who plays what, or so."""
    panels: list[tuple[str, list[tuple[str, Callable]]]] = []
    if summary["rows"][0]["self_play"]:
        panels.append(("self-play", [("each player", lambda row: row["self_play"])]))
    else:
        names = [summary["learner"], *summary["opponents"]]
        panels.append(
            ("match", [(f"seat {n + 1}: {name}", lambda row, n=n: row["payoffs"][n]) for n, name in enumerate(names)])
        )
    panels.append(
        (
            "against its best response",
            [
                ("ours", lambda row: row["best_response"]["ours"]),
                ("the best response's", lambda row: row["best_response"]["theirs"]),
            ],
        )
    )
    if summary["rows"][0]["against"]:
        rival = summary["rows"][0]["against"]["learner"]
        panels.append(
            (
                f"against a {rival} learner",
                [("ours", lambda r: r["against"]["ours"]), (f"the {rival} one's", lambda r: r["against"]["theirs"])],
            )
        )
    figure = Figure(figsize=(2.6 * len(panels) + 0.4, 2.6), layout="constrained")
    axes = figure.subplots(1, len(panels), sharey=True, squeeze=False)[0]
    positions = np.arange(len(summary["rows"]))
    for axis, (name, lines) in zip(axes, panels, strict=True):
        for k, (label, pick) in enumerate(lines):
            _line(axis, positions, [pick(row) for row in summary["rows"]], label, k)
        axis.set_title(name)
        # One step per row: discounts crowd near 1, rates double.
        axis.set_xticks(positions, [f"{row['value']:g}" if summary["setting"] else "" for row in summary["rows"]])
        axis.set_xlabel(summary["setting"]["label"] if summary["setting"] else "")
        if len(lines) > 1:
            axis.legend()
    axes[0].set_ylabel("payoff" if summary["rows"][0]["basins"] else "payoff per round")
    figure.suptitle(heading or title(summary), fontsize=9)
    return figure


def learning(history: History) -> Figure:
    """Loss, TD error and payoff over outer loops, a line per seed and their mean."""
    shown = {"loss": "loss", "td_error": "TD error", "payoff": "payoff on policy"}
    names = [name for name in shown if name in history.metrics] or list(history.metrics)[:3]
    figure = Figure(figsize=(2.6 * len(names) + 0.4, 2.4), layout="constrained")
    for axis, name in zip(figure.subplots(1, len(names), squeeze=False)[0], names, strict=True):
        values = history.metrics[name]
        loops = np.arange(1, values.shape[1] + 1)
        if len(values) > 1:
            axis.plot(loops, values.T, color=COLOURS[0], alpha=0.3, linewidth=0.7)
        axis.plot(loops, values.mean(axis=0), color=COLOURS[0], linewidth=1.4)
        axis.set_title(shown.get(name, name))
        axis.set_xlabel("outer loop")
        if name != "payoff" and np.all(values > 0):
            axis.set_yscale("log")
    figure.suptitle(f"fit of {history.name}, {len(history.seeds)} seed{'s' * (len(history.seeds) > 1)}", fontsize=9)
    return figure


def basins(result: Result) -> Figure:
    """Share of the seeds for which a start of the grid ends in the outcome: white all, black none."""
    survey = result.survey
    name, found = next(iter(survey.basins.items()))
    extent = _extent(result)

    def panel(axis: Any, v: int) -> None:
        _shares(axis, found[:, v].mean(axis=0), extent)

    return _panels(result, panel, f"starts that end in {name} (white; grey: only on some seeds)")


def trajectories(result: Result) -> Figure:
    """Where joint policies go, from fresh starts (open) to their ends (filled), of the first seed."""
    paths, extent = result.survey.trajectories, _extent(result)
    assert paths is not None

    def panel(axis: Any, v: int) -> None:
        _paths(axis, paths[0, v, ..., 0], extent)

    return _panels(result, panel, f"trajectories of learning (seed {result.seeds[0]})")


def _panels(result: Result, panel: Callable[[Any, int], None], heading: str) -> Figure:
    """One square panel per setting, in rows of up to six."""
    values, label = result.survey.values, symbol(result.survey.label)
    columns = min(len(values), 6)
    rows = -(-len(values) // columns)
    figure = Figure(figsize=(max(1.45 * columns + 0.5, 3.2), 1.75 * rows + 0.4), layout="constrained")
    axes = figure.subplots(rows, columns, sharex=True, sharey=True, squeeze=False)
    for v, axis in enumerate(axes.flat):
        if v >= len(values):
            axis.set_axis_off()
            continue
        panel(axis, v)
        if label:
            axis.set_title(f"{label} = {values[v]:g}")
        if v >= len(values) - columns:
            axis.set_xlabel("policy of player 1")
        if v % columns == 0:
            axis.set_ylabel("policy of player 2")
    figure.suptitle(f"{title(result.summary())}: {heading}", fontsize=9)
    return figure


def contours(folder: Path, heading: str) -> Figure:
    """Payoffs over the plane, a panel per player, and where the first setting's trajectories come to rest: A where
    the payoffs are lowest in sum."""
    with np.load(folder / "policies.npz", allow_pickle=False) as file:
        if "landscape" not in file:
            raise BadCombination("expected a run of a game with a plane for its contours, got one without")
        low, high = file["plane"]
        landscape, ends = file["landscape"], file["trajectories"][0, 0, :, -1, :, 0]
    axis_values = np.linspace(low, high, len(landscape))
    figure = Figure(figsize=(5.6, 2.9), layout="constrained")
    for player, axis in enumerate(figure.subplots(1, 2, sharey=True)):
        drawn = axis.contour(axis_values, axis_values, landscape[..., player], 14, cmap="cividis", linewidths=0.8)
        axis.clabel(drawn, fontsize=5)
        for letter, point in zip("ABCDEFGH", _rest_points(ends, axis_values, landscape), strict=False):
            axis.plot(*point, "o", color=COLOURS[1], markersize=4)
            axis.annotate(letter, point, xytext=(4, 4), textcoords="offset points", fontweight="bold")
        axis.set_aspect("equal")
        axis.set_title(f"payoff of player {player + 1}")
        axis.set_xlabel("policy of player 1")
        if player == 0:
            axis.set_ylabel("policy of player 2")
    figure.suptitle(heading, fontsize=9)
    return figure


def _rest_points(ends: np.ndarray, axis_values: np.ndarray, landscape: np.ndarray) -> list[np.ndarray]:
    """Where at least two trajectories end, by rising sum of payoffs."""
    points, counts = np.unique(np.round(ends[np.isfinite(ends).all(axis=1)], 1), axis=0, return_counts=True)

    def worth(point: np.ndarray) -> float:
        first, second = (int(np.abs(axis_values - policy).argmin()) for policy in point)
        return float(landscape[second, first].sum())

    return sorted(points[counts > 1], key=worth)


def polytope(folder: Path, heading: str) -> Figure:
    """Payoffs of the learner's policy against random others, step by step of a match: a row per setting. The outline
    holds all payoffs of the game; the ring is the match's own."""
    told = read_summary(folder)
    with np.load(folder / "policies.npz", allow_pickle=False) as file:
        if "cloud" not in file:
            raise BadCombination(f"expected a run with evaluate.polytope above 0 for a polytope, got {folder} without")
        clouds, met, feasible, settings = (file[name] for name in ("cloud", "met", "feasible", "settings"))
    steps = [at["step"] for at in told["rows"][0]["extortion"]["over_training"]]
    outline = _outline(feasible)
    figure = Figure(figsize=(1.45 * len(steps) + 0.6, 1.6 * len(settings) + 0.9), layout="constrained")
    axes = figure.subplots(len(settings), len(steps), sharex=True, sharey=True, squeeze=False)
    for v, row in enumerate(axes):
        for t, axis in enumerate(row):
            axis.fill(*outline.T, facecolor="0.93", edgecolor="0.6", linewidth=0.7)
            axis.plot(*clouds[v, t].T, ".", color=COLOURS[0], markersize=1.2, alpha=0.5)
            axis.plot(*met[v, t], "o", markerfacecolor="none", color=COLOURS[1], markersize=6, markeredgewidth=1.4)
            axis.set_aspect("equal")
            if v == 0:
                axis.set_title(f"{steps[t]} steps" if steps[t] != 1 else "1 step")
        row[0].set_ylabel("the opponent's payoff")
        if told["setting"]:
            row[-1].yaxis.set_label_position("right")
            row[-1].set_ylabel(f"{symbol(told['setting']['label'])} = {settings[v]:g}")
    figure.supxlabel("the learner's payoff", fontsize=9)
    figure.suptitle(f"{heading}: payoffs of the learner's policy against random opponents, over training", fontsize=9)
    return figure


def _outline(points: np.ndarray) -> np.ndarray:
    """Corners of the hull of f32[F, 2]; of a line, as of all payoffs of a game of zero sum, its ends."""
    if np.linalg.matrix_rank(points - points[:1], tol=1e-4) < 2:
        return points[[points[:, 0].argmin(), points[:, 0].argmax()]] if len(points) else points
    return points[ConvexHull(points).vertices]


def ranking(told: dict[str, Any], heading: str) -> Figure:
    """Ours with its error, the best on top, beside what is published: `told` is the ranking of a summary.json."""
    places = [place for place in told["places"] if place["ours"] is not None]
    heights = np.arange(len(places))[::-1]
    figure = Figure(figsize=(5.2, 0.28 * len(places) + 1.2), layout="constrained")
    axis = figure.subplots()
    ours = [place["ours"] for place in places]
    axis.errorbar(
        ours, heights, xerr=[place["sem"] or 0 for place in places], fmt="o", color=COLOURS[0], markersize=4,
        label="ours, ± s.e.m.",
    )  # fmt: skip
    known = [
        (place["published"], height)
        for place, height in zip(places, heights, strict=True)
        if place["published"] is not None
    ]
    if known:
        axis.plot(
            *zip(*known, strict=True), "D", markerfacecolor="none", color=COLOURS[1], markersize=5, label="published"
        )
    axis.set_yticks(heights, [place["run"].replace("_", " ") for place in places])
    numbers = [*ours, *(number for number, _ in known)]
    if numbers and min(numbers) > 0 and max(numbers) > 20 * min(numbers):
        axis.set_xscale("log")
    axis.set_xlabel(told["quantity"] + ("" if told["at"] is None else f" at {told['at']:g}"))
    figure.legend(loc="outside lower center", ncols=2)
    figure.suptitle(heading, fontsize=9)
    return figure


def planes(picture: str, folders: Mapping[str, Path], heading: str) -> Figure:
    """`basins` (share of the seeds) or `trajectories` (of the first seed) of several runs, one row each, a panel per
    setting; the runs' folders by label."""
    runs = {label: _plane_of(folder, picture) for label, folder in folders.items()}
    columns = max(len(run["settings"]) for run in runs.values())
    figure = Figure(figsize=(1.3 * columns + 1.0, 1.45 * len(runs) + 0.4), layout="constrained")
    axes = figure.subplots(len(runs), columns, squeeze=False)
    for row, (label, run) in zip(axes, runs.items(), strict=True):
        for v, axis in enumerate(row):
            if v >= len(run["settings"]):
                axis.set_axis_off()
                continue
            if picture == "basins":
                _shares(axis, run["basin"][v], run["plane"])
            else:
                _paths(axis, run["trajectories"][0, v, ..., 0], run["plane"])
            axis.set_xticks([])
            axis.set_yticks([])
            axis.spines[:].set_visible(True)
            if run["symbol"]:
                axis.set_title(f"{run['symbol']} = {run['settings'][v]:g}")
        row[0].set_ylabel(label)
    figure.suptitle(heading, fontsize=9)
    return figure


def _plane_of(folder: Path, picture: str) -> dict[str, Any]:
    told = read_summary(folder)
    with np.load(folder / "policies.npz", allow_pickle=False) as file:
        basins = [file[name] for name in file if name.startswith("basin ")]
        if "plane" not in file or (picture == "basins" and not basins):
            raise BadCombination(f"expected runs of a game that has {picture} to draw, got {told['game']}")
        return {
            "symbol": symbol(told["setting"]["label"]) if told["setting"] else "",
            "settings": file["settings"],
            "plane": tuple(file["plane"]),
            "basin": basins[0].mean(axis=0) if basins else None,
            "trajectories": file["trajectories"],
        }


def _shares(axis: Any, cells: np.ndarray, extent: tuple[float, float]) -> None:
    axis.imshow(cells, origin="lower", extent=extent * 2, cmap="gray", vmin=0, vmax=1)


def _paths(axis: Any, paths: np.ndarray, extent: tuple[float, float]) -> None:
    for k, path in enumerate(paths):
        colour = COLOURS[k % len(COLOURS)]
        axis.plot(path[:, 0], path[:, 1], color=colour, linewidth=0.7)
        axis.plot(*path[0], "o", markersize=2.5, markerfacecolor="white", color=colour)
        axis.plot(*path[-1], "o", markersize=2.5, color=colour)
    axis.set_xlim(*extent)
    axis.set_ylim(*extent)
    axis.set_aspect("equal")


def _line(axis: Any, positions: np.ndarray, statistics: list[dict[str, Any]], label: str, k: int) -> None:
    mean = np.array([s["mean"] for s in statistics], float)
    sem = np.array([s["sem"] for s in statistics], float)
    axis.plot(positions, mean, DASHES[k], color=COLOURS[k], label=label, linewidth=1.4, marker="o", markersize=3)
    axis.fill_between(positions, mean - sem, mean + sem, color=COLOURS[k], alpha=0.2, linewidth=0)
    if statistics[0]["over"] == "seeds":
        for position, s in zip(positions, statistics, strict=True):
            seeds = np.array(s["per_seed"], float)
            axis.plot(np.full(len(seeds), position), seeds, ".", color=COLOURS[k], markersize=2, alpha=0.5)


def _extent(result: Result) -> tuple[float, float]:
    assert result.survey.plane is not None
    return result.survey.plane


def save(figure: Figure, folder: Path, name: str) -> list[Path]:
    """As PNG and SVG, byte-identical for equal figures."""
    paths = [folder / f"{name}.{kind}" for kind in ("png", "svg")]
    for path in paths:
        figure.savefig(path, metadata={"Date": None} if path.suffix == ".svg" else {"Software": None})
    return paths
