"""Tables that a page has room for, beyond those of a screen."""

from __future__ import annotations

from typing import Any

from meva_core.report.tables import Grid, Unit, lines, number, per_seat, per_setting, statistic, symbol, unit


def grids(summary: dict[str, Any]) -> list[Grid]:
    """The tables of a run's summary beyond `tables.grids`."""
    rows = summary["rows"]
    shown = [_exploitability(summary), _convergence(summary)]
    if rows[0]["errors"]:
        shown.append(_errors(summary))
    if len(rows[0]["regions"]) > 1:
        shown.append(_regions(summary))
    if len(summary["seeds"]) > 1:
        shown.append(_by_seed(summary))
    if any(row["extortion"] for row in rows):
        shown.append(_extortion(summary))
    if summary["cross_play"]:
        shown.append(_cross_play(summary["cross_play"], summary["setting"], unit(summary)))
    if any(row["unstable"] for row in rows):
        shown.append(_unstable(summary))
    if any(row["rests"] for row in rows):
        shown.append(_rests(summary))
    return shown


def _exploitability(summary: dict[str, Any]) -> Grid:
    told = unit(summary)

    def cells(found: dict[str, Any]) -> list[str]:
        return [told.statistic(found["exploitability"][name]) for name in ("gain", "loss")]

    heads, caption = ["the best response's gain", "our loss by it"], "exploitability: what a best response changes"
    if summary["rows"][0]["seats"]:
        return per_seat(summary, caption, heads, lambda row, seat: cells(row["seats"][seat]))
    return per_setting(summary, caption, heads, cells)


def _errors(summary: dict[str, Any]) -> Grid:
    told = unit(summary)
    heads = ["error, 100 steps", "the first 10", "10 after 500", "TD error, 10 steps", "gradient off by, in degrees"]

    def cells(row: dict[str, Any]) -> list[str]:
        errors = row["errors"]
        found = [told.statistic(errors[name], more=1) for name in ("value", "early", "late", "td")]
        return [*found, "-" if errors["angle"]["mean"] is None else statistic(errors["angle"], digits=1)]

    return per_setting(summary, "the learnt meta-value against the true discounted sum, along play", heads, cells)


def _regions(summary: dict[str, Any]) -> Grid:
    told, names = unit(summary), list(summary["rows"][0]["regions"])

    def cells(row: dict[str, Any]) -> list[str]:
        found = [row["regions"][name] for name in names]
        return [
            f"{told.statistic(f['error'], more=1)} ({100 * f['share']:.0f} %)" if f["share"] else "-" for f in found
        ]

    caption = "the learnt meta-value's error by what is mostly played (and the share of the states where it is)"
    return per_setting(summary, caption, names, cells)


def _convergence(summary: dict[str, Any]) -> Grid:
    heads = [f"step {found['step']}" for found in summary["rows"][0]["convergence"]]

    def cells(row: dict[str, Any]) -> list[str]:
        lengths = [_tiny(found["length"]) for found in row["convergence"]]
        return [*lengths, f"{100 * row['settled']:.0f} %"]

    caption = "convergence: mean length of a player's step, and matches whose payoffs settled"
    return per_setting(summary, caption, [*heads, "settled"], cells)


def _by_seed(summary: dict[str, Any]) -> Grid:
    told = unit(summary)

    def cells(found: dict[str, Any]) -> list[str]:
        return [told.number(payoff) for payoff in found["best_response"]["ours"]["per_seed"]]

    heads, caption = [f"seed {s}" for s in summary["seeds"]], "our payoff against the best response, seed by seed"
    if summary["rows"][0]["seats"]:
        return per_seat(summary, caption, heads, lambda row, seat: cells(row["seats"][seat]))
    return per_setting(summary, caption, heads, cells)


def _cross_play(found: dict[str, Any], setting: dict[str, Any] | None, told: Unit) -> Grid:
    at = f" at {symbol(setting['label'])} = {found['value']:g}" if setting and found["value"] is not None else ""
    names = [f"seed {seed}" for seed in found["seeds"]]
    rows = [[name, *map(told.number, payoffs)] for name, payoffs in zip(names, found["payoffs"], strict=True)]
    caption = f"cross-play{at}: payoff of the row's fit, in seat 1, against the column's"
    return Grid(caption, ["", *names], rows, ("",), stubs=1)


def _extortion(summary: dict[str, Any]) -> Grid:
    told = unit(summary)

    def found(row: dict[str, Any]) -> list[list[str]]:
        return [
            [f"{at['step']}", number(at["slope"], 3), number(at["straightness"], 3), *map(told.number, at["payoffs"])]
            for at in row["extortion"]["over_training"]
        ]

    rival = summary["rows"][0]["against"]["learner"]
    heads = ["step", "their gain per ours", "straightness", "ours", f"{rival}'s"]
    caption = f"extortion along matches against {rival}: payoffs of our policy and random opponents, as a line"
    return lines(summary, caption, heads, found)


def _unstable(summary: dict[str, Any]) -> Grid:
    told = [row["unstable"] for row in summary["rows"]]

    def cells(row: dict[str, Any]) -> list[str]:
        starts = row["unstable"]["starts"]
        listed = "; ".join(f"{a:.3g}, {b:.3g}" for a, b in starts)
        return [statistic(row["unstable"]["cells"], digits=0), listed or "none"]

    caption = f"starts that end elsewhere when moved by {told[0]['by']:g}, of {told[0]['of']}"
    which = f"which, on seed {summary['seeds'][0]}"
    return per_setting(summary, caption, ["number", which], cells, (which,))


def _rests(summary: dict[str, Any]) -> Grid:
    def found(row: dict[str, Any]) -> list[list[str]]:
        return [
            [
                ", ".join(f"{number:.3f}" for number in rest["x"]),
                number(rest["modulus"], 3),
                {True: "yes", False: "no", None: "neutral"}[rest["stable"]],
                f"{100 * rest['share']:.0f} %",
                number(rest["away"], 3),
            ]
            for rest in row["rests"]
        ]

    heads = ["policies", "largest |eigenvalue|", "stable", "trajectories", "from the game's own equilibrium"]
    caption = f"fixed points near the ends of trajectories, on seed {summary['seeds'][0]}"
    return lines(summary, caption, heads, found)


def _tiny(value: float | None) -> str:
    """Of lengths that fall by orders of magnitude."""
    return "-" if value is None else f"{value:.2g}"
