"""The examples run, and say what they say they say."""

import ast
import json
import re
import runpy
import sys
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib import pyplot as plt

import meva_core as meva

mpl.use("agg")

EXAMPLES = Path(__file__).parent.parent / "examples"


def test_sweep_look_ahead(capsys):
    runpy.run_path(str(EXAMPLES / "sweep_look_ahead.py"))
    cells = [int(n) for n in re.findall(r": (\d+) of 841", capsys.readouterr().out)]
    # Naive learning goes where it is nearest to: the diagonal through the origin splits the grid in halves, and
    # LOLA grows B's basin.
    assert abs(cells[0] - 841 / 2) < 29
    assert cells[1] > cells[0]


def test_over_training(toy, capsys, tmp_path, monkeypatch):
    quick = {"learner.loops": 20, "fit.chunk": 2, "evaluate.pairs": 2, "evaluate.steps": 2, "evaluate.values": [0.9]}
    meva.run("ipd", "toy", seeds=2, set=quick, out=tmp_path / "run")
    monkeypatch.setattr(sys, "argv", ["example", str(tmp_path / "run")])
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(plt, "show", pytest.fail)
    runpy.run_path(str(EXAMPLES / "over_training.py"))
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert [int(line[0]) for line in lines] == list(range(2, 21, 2))
    assert all(len(line) == 3 and -3 <= float(line[1]) <= 0 for line in lines)
    assert (tmp_path / "over_training.png").read_bytes().startswith(b"\x89PNG")


ONE_PLAYER = r"meta-discount +([\d.]+): payoff (\d\.\d\d), at the higher peak (\d+)%"


def test_one_player(capsys, monkeypatch):
    """With two short loops of the fit; of ascent at discount 0, which learns nothing, the numbers are known."""
    run, quick = meva.run, {"learner.loops": 2, "learner.batch_size": 4, "learner.trajectory": 10}

    def shortened(*arguments, set, seeds, **others):
        return run(*arguments, set={**set, **quick}, seeds=1, **others)

    monkeypatch.setattr(meva, "run", shortened)
    runpy.run_path(str(EXAMPLES / "one_player.py"))
    rows = [[float(n) for n in found] for found in re.findall(ONE_PLAYER, capsys.readouterr().out)]
    assert [discount for discount, _, _ in rows] == [0.0, 0.9, 0.95, 0.99]
    _, paid, share = rows[0]
    assert 40 <= share <= 60
    assert paid == pytest.approx(1 + share / 100, abs=0.011)  # the peaks pay 1 and 2


@pytest.mark.long
def test_one_far_sighted_player_finds_the_higher_peak(capsys):
    runpy.run_path(str(EXAMPLES / "one_player.py"))
    found = {float(discount): int(share) for discount, _, share in re.findall(ONE_PLAYER, capsys.readouterr().out)}
    assert found[0.0] < 60
    assert found[0.95] >= 99
    assert found[0.99] >= 99


@pytest.mark.parametrize("own", [False, True])
def test_evaluate_own_policies(own, capsys, tmp_path, monkeypatch):
    np.save(tmp_path / "policies.npy", np.stack([np.full((2, 5), 20.0), np.full((2, 5), -20.0)]))
    monkeypatch.setattr(sys, "argv", ["example", *([str(tmp_path / "policies.npy")] if own else [])])
    runpy.run_path(str(EXAMPLES / "evaluate_own_policies.py"))
    lines = [line.split() for line in capsys.readouterr().out.splitlines()[1:]]
    cooperate, other = lines[:2]
    assert cooperate[-3:] == ["-1.00", "1.00", "2.00"]  # 0 instead of -1, and -3 for who cooperates
    assert other[-3:] == (["-2.00", "0.00", "0.00"] if own else ["-1.00", "0.00", "0.00"])  # all defect; tit-for-tat


def cells_of(name):
    """Sources of a notebook's cells of code, by their ids, and its cells."""
    notebook = json.loads((EXAMPLES / "notebook" / name).read_text(encoding="utf-8"))
    code = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
    return {cell["id"]: "".join(cell["source"]) for cell in code}, code


def value_of(source, names):
    """Run a cell as a notebook does. Returns the value of its last line if that is an expression."""
    tree = ast.parse(source)
    last = ast.Expression(tree.body.pop().value) if isinstance(tree.body[-1], ast.Expr) else None
    exec(compile(tree, "cell", "exec"), names)  # noqa: S102 - as a notebook does
    return None if last is None else eval(compile(last, "cell", "eval"), names)  # noqa: S307


TINY = {"evaluate.pairs": 2, "evaluate.steps": 2}
TINY_FIT = {"learner.loops": 2, "learner.batch_size": 4, "learner.trajectory": 10, "learner.quantiles": 4}
TINY_FIT |= {"value_model.width": 8, "value_model.blocks": 0, "evaluate.values": [0.0, 0.9]}


def test_tour(monkeypatch, tmp_path, capsys):
    """The notebook with short matches, a fit of two loops, two rates, a tournament of strategies, and no evaluation
    that compiles a program of its own: other tests have those."""
    run, tournament = meva.run, meva.tournament

    def short_run(game, learner, **others):
        quick = {**TINY, **(TINY_FIT if learner == "meva" else {})}
        return run(game, learner, evaluate=["learnt_policy"], set=quick, **others)

    monkeypatch.setattr(meva, "run", short_run)
    monkeypatch.setattr(
        meva, "tournament", lambda game, learners, trials: tournament(game, learners[2:], trials=2, steps=2)
    )
    monkeypatch.setattr(plt, "show", lambda: None)
    monkeypatch.chdir(tmp_path)
    cells, code = cells_of("tour.ipynb")
    for long, short in (("300", "3"), ("40.0, 16", "40.0, 2"), ("(0), 64", "(0), 4")):
        assert long in cells["vmap"]
        cells["vmap"] = cells["vmap"].replace(long, short)
    names: dict[str, Any] = {"__name__": "__main__"}
    values: dict[str, Any] = {name: value_of(source, names) for name, source in cells.items()}
    plt.close("all")
    assert "loop 2/2" in capsys.readouterr().out
    lola = values["run"]
    np.testing.assert_allclose(values["pandas"].sum(axis=1), 1.0, atol=2e-3)
    np.testing.assert_allclose(values["statistics"]["mean"], lola.payoffs.mean(axis=(0, 2, 3)), atol=6e-4)
    assert list(values["statistics"].seeds) == [5] * 6
    assert list(values["xarray"].index) == list(lola.seen.entry_names)
    assert all(-3.0 <= float(found.min()) <= float(found.max()) <= 0.0 for found in names["payoffs"].values())
    assert len({float(found[1]) for found in names["payoffs"].values()}) == 3
    assert values["ranking"].index.sort_values().tolist() == sorted(values["tournament"].labels)
    # The stored outputs are those of a run of these cells from top to bottom, and no cell failed.
    assert [cell["execution_count"] for cell in code] == list(range(1, len(code) + 1))
    shown = {output["output_type"] for cell in code for output in cell["outputs"]}
    assert shown == {"execute_result", "display_data"}


def test_own_game_and_learner(monkeypatch, capsys):
    """The notebook, its definitions run twice, with a fit of two loops on a game and a rule that nobody registered."""
    cells, code = cells_of("own_game_and_learner.ipynb")
    assert not any(cell["outputs"] for cell in code)
    small = {"learner.batch_size": 4, "learner.trajectory": 10, "learner.quantiles": 4, "value_model.width": 8}
    quick = {"evaluate.pairs": 3, "evaluate.steps": 2, "evaluate.best_response.steps": 2, "evaluate.values": [0.0, 0.9]}
    assert '{"learner.loops": 100}' in cells["run"]
    cells["run"] = cells["run"].replace('{"learner.loops": 100}', repr({"learner.loops": 2, **small, **quick}))
    plt.close("all")  # those of other examples
    monkeypatch.setattr(plt, "show", lambda: None)
    names = {"__name__": "__main__"}
    for cell in ("imports", "game", "learner", "game", "learner", "run", "picture"):
        value_of(cells[cell], names)
    found: Any = names["found"]
    assert (found.experiment.game.name, found.experiment.opponents[0].name) == ("__main__:Hawk", "__main__:Cautious")
    (lines,) = (axes.get_lines() for axes in plt.gcf().axes)
    for player, line in enumerate(lines):
        np.testing.assert_array_equal(line.get_xdata(), [0.0, 0.9])
        np.testing.assert_allclose(np.asarray(line.get_ydata()), found.payoffs.mean(axis=(0, 2))[:, player])
    legend: Any = plt.gca().get_legend()
    assert [text.get_text() for text in legend.get_texts()] == ["MeVa", "Cautious"]
    plt.close()
    # In the dove's and the hawk's payoffs nothing is worth more than the prize.
    assert np.all(found.payoffs <= 2.0)
    assert "loop 2/2" in capsys.readouterr().out
