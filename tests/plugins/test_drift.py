"""Fixed points of rules: the game's own points, and the picture."""

from types import SimpleNamespace
from typing import Any

import matplotlib as mpl
import numpy as np
import pytest
from meva_evaluations import drift

from meva_core.errors import BadCombination

mpl.use("agg")
PLANE = np.array([0.0, 1.0])
VALUES = np.linspace(0.0, 1.0, 101)


def landscape(first, second):
    """Payoffs [101, 101, 2] at [policy of player 2, policy of player 1]."""
    b, a = np.meshgrid(VALUES, VALUES, indexing="ij")
    return np.stack([first(a, b), second(a, b)], axis=-1)


def test_the_games_points_in_an_unequal_duopoly():
    """f1 = (1 - a - b) a, f2 = (1 - a - b - c) b with c = 1/5: leader 1 sells (1 + c) / 2, and then 2 (1 - 3 c) / 4;
    leader 2 sells (1 - 2 c) / 2, and 1 then (1 + 2 c) / 4. Together they earn most if 1 alone sells, 1/2."""
    of_first = landscape(lambda a, b: (1 - a - b) * a, lambda a, b: (0.8 - a - b) * b)
    found = drift.landmarks(of_first, PLANE)
    np.testing.assert_allclose(found["leader and follower"], [(0.6, 0.1), (0.35, 0.3)], atol=0.011)
    np.testing.assert_allclose(found["joint optimum"], [(0.5, 0.0)], atol=0.011)


def test_of_places_that_pay_the_same_in_all_the_fairest_is_the_joint_optimum():
    equal = landscape(lambda a, b: (1 - a - b) * a, lambda a, b: (1 - a - b) * b)
    np.testing.assert_allclose(drift.landmarks(equal, PLANE)["joint optimum"], [(0.25, 0.25)], atol=0.011)


def run(game, rests, setting: str | None = "rate"):
    told = {"name": setting, "label": f"{setting} r", "symbol": "r"} if setting else None
    rows = [{"value": float(n) if setting else None, "rests": each} for n, each in enumerate(rests)]
    arrays = {"plane": PLANE, "landscape": landscape(lambda a, b: (1 - a - b) * a, lambda a, b: (1 - a - b) * b)}
    return SimpleNamespace(summary={"game": game, "setting": told, "rows": rows}, arrays=arrays)


def rest(a, b, stable: bool | None = True, own: Any = (1 / 3, 1 / 3)):
    return {"x": [a, b], "own": list(own), "stable": stable}


def test_a_figure_for_each_game_has_a_panel_for_each_run():
    runs = {
        "naive": run("cournot", [[rest(1 / 3, 1 / 3, own=(None, None))]], setting=None),
        "lola": run("cournot", [[rest(0.3, 0.3)], [rest(0.4, 0.4, stable=False)]]),
        "nowhere": run("cournot", [[], []]),
        "other": run("logistic", [[rest(0.2, 0.2)], [rest(0.2, 0.1, stable=None)]]),
    }
    drawn = drift.drift(runs, "rest")
    assert list(drawn) == ["cournot", "logistic"]
    panels = {axis.get_title().splitlines()[0]: axis for axis in drawn["cournot"].axes if axis.get_title()}
    assert list(panels) == ["naive", "lola", "nowhere"]
    shown: list[Any] = [line for line in panels["lola"].lines if line.get_marker() == "o"]
    np.testing.assert_allclose([np.ravel(line.get_data()) for line in shown], [(0.3, 0.3), (0.4, 0.4)])
    assert [str(line.get_markerfacecolor()) == "none" for line in shown] == [False, True]


def test_runs_without_fixed_points_are_refused():
    bare = SimpleNamespace(summary={"game": "ipd", "setting": None, "rows": [{"value": None}]}, arrays={})
    with pytest.raises(BadCombination, match="expected runs with evaluation fixed_points to draw, got 'bare'"):
        drift.drift({"bare": bare}, "rest")
