"""Results as CSV, data frames and datasets: the same numbers as in the arrays of a run."""

import io
import shutil
import sys

import attrs
import numpy as np
import pandas as pd
import pytest
import xarray as xr

import meva_core as meva
from meva_core.errors import BadValue, MissingLibrary
from meva_core.report import frames, tidy
from meva_core.storage import run_folder

pytestmark = pytest.mark.usefixtures("no_figures")

SMALL = {"learner.loops": 3, "evaluate.pairs": 3, "evaluate.steps": 2, "evaluate.values": [0.0, 0.9]}


@pytest.fixture(scope="module")
def run(toy, no_figures, tmp_path_factory):
    """A fitted learner against another in three seeds and two rows, and its folder."""
    folder = tmp_path_factory.mktemp("tidy") / "run"
    result = meva.run("ipd", "toy", opponent="naive", seeds=3, evaluate=["learnt_policy"], set=SMALL, out=folder)
    return result, folder


@pytest.mark.parametrize(("name", "per"), [("seeds.csv", "seed"), ("statistics.csv", "quantity")])
def test_a_folder_holds_the_frames_as_pandas_reads_them(run, name, per):
    result, folder = run
    pd.testing.assert_frame_equal(pd.read_csv(folder / name), result.to_pandas(per), check_dtype=False)


def test_another_evaluation_begins_without_the_files_of_the_last(run, tmp_path):
    result, folder = run
    shutil.copytree(folder, tmp_path / "run")
    experiment = attrs.evolve(result.experiment, evaluate=attrs.evolve(result.experiment.evaluate, pairs=4))
    run_folder.resume(tmp_path / "run", result.experiment, pytest.fail)
    assert {"seeds.csv", "statistics.csv"} <= {path.name for path in run_folder.files(tmp_path / "run")}
    run_folder.resume(tmp_path / "run", experiment, pytest.fail)
    assert not {"seeds.csv", "statistics.csv"} & {path.name for path in (tmp_path / "run").iterdir()}


def test_a_line_is_a_seed_s_mean_over_its_matches(run):
    result, _ = run
    lines = result.to_pandas()
    payoffs = lines[lines.quantity == "payoff"]
    assert list(payoffs.setting.unique()) == ["discount"]
    assert payoffs.groupby("seat").player.first().to_dict() == {1: "toy", 2: "naive"}
    found = payoffs.set_index(["seed", "at", "seat"]).value.sort_index().to_numpy().reshape(3, 2, 2)
    np.testing.assert_allclose(found, result.payoffs.mean(axis=2), rtol=1e-6)
    assert {"outcomes.CC", "learnt_policy.P(C|start)"} <= set(lines.quantity)
    assert lines[lines.quantity == "outcomes.CC"].seat.isna().all()
    assert not lines.duplicated(["quantity", "at", "seat", "seed"]).any()


def test_statistics_are_over_the_lines_of_seeds(run):
    result, _ = run
    keys = ["quantity", "at", "seat"]
    of_seeds = result.to_pandas().groupby(keys, dropna=False, sort=False).value
    told = result.to_pandas("quantity").set_index(keys)
    np.testing.assert_allclose(told["mean"], of_seeds.mean(), rtol=1e-6)
    np.testing.assert_allclose(told["sem"], of_seeds.sem(), rtol=1e-5, atol=1e-9)
    assert (told["ci_low"] <= told["mean"] + 1e-9).all()
    assert set(told["over"]) == {"seeds"}
    assert set(told["seeds"]) == {3}


def test_the_page_shows_intervals_over_seeds(run):
    result, folder = run
    payoff = result.summary()["rows"][1]["payoffs"][0]
    text = f"{payoff['iqm']:.3f} [{payoff['ci_low']:.3f},\N{NO-BREAK SPACE}{payoff['ci_high']:.3f}]"
    page = (folder / "report.html").read_text(encoding="utf-8")
    assert "Payoffs: interquartile mean, and 95 % interval of the mean, over 3 seeds" in page
    assert f"<td>{text}</td>" in page


def test_the_frame_of_matches_is_the_dataset(run):
    result, _ = run
    matches, dataset = result.to_pandas(per="match"), result.to_xarray()
    again = matches.rename(columns={"at": "setting", "setting": "name"}).set_index(["seed", "setting", "pair", "seat"])
    again = again.to_xarray()
    xr.testing.assert_equal(again["payoff"].rename(None), dataset["payoffs"].drop_vars("player").rename(None))
    of_cc = dataset["outcomes"].sel(outcome="CC", drop=True)
    xr.testing.assert_equal(again["outcomes.CC"].isel(seat=1, drop=True), of_cc.rename("outcomes.CC"))
    start = dataset["entries"].sel(entry="P(C|start)", drop=True).drop_vars("player")
    xr.testing.assert_equal(again["policy.P(C|start)"], start.rename("policy.P(C|start)"))
    np.testing.assert_array_equal(dataset["payoffs"], result.payoffs)


def test_a_dataset_has_the_evaluations_and_the_fits(run):
    result, _ = run
    dataset = result.to_xarray()
    assert dataset["fit.learner.loss"].dims == ("seed", "loop")
    np.testing.assert_allclose(dataset["fit.learner.loss"], result.metrics["loss"])
    learnt = dataset["learnt_policy.P(C|start)"]
    assert learnt.dims == ("seed", "setting")
    entries = dataset["entries"].sel(entry="P(C|start)", seat=1).mean("pair")
    np.testing.assert_allclose(learnt.sel(setting=0.9), entries.sel(setting=0.9), rtol=1e-5)
    assert dataset.attrs["hash"] == result.experiment.hash


def test_rows_of_one_setting_keep_their_own_values(run):
    result, _ = run
    twice = attrs.evolve(result, seen=attrs.evolve(result.seen, values=(0.5, 0.5)))
    learnt = twice.to_xarray()["learnt_policy.P(C|start)"]
    np.testing.assert_array_equal(learnt, result.to_xarray()["learnt_policy.P(C|start)"])


def statistic(*seeds, **more):
    return {"mean": seeds[0], "sem": None, "over": "seeds", "per_seed": list(seeds), **more}


def test_counts_are_shares_and_seats_have_their_column():
    row = {
        "value": None,
        "payoffs": [statistic(1.0, None), statistic(2.0, 4.0)],
        "self_play": None,
        "seats": {"1": {"payoff": statistic(1.0, None), "response": {"ours": statistic(5.0, 6.0)}}},
        "basins": {"B": {"cells": statistic(3.0, 6.0), "of": 12}, "nowhere": {"cells": statistic(0.0, 0.0), "of": 0}},
        "of_a_stranger": {"mean": "a text"},
        "of_other_seeds": statistic(1.0, 2.0, 3.0),
    }
    summary = {"setting": None, "players": ["a, b", 'c "d"'], "seeds": [4, 7], "rows": [row]}
    found = [(r["quantity"], r["seat"], r["player"], r["seed"], r["value"]) for r in tidy.per_seed(summary)]
    assert found == [
        ("payoff", 1, "a, b", 4, 1.0),
        ("payoff", 1, "a, b", 7, None),
        ("payoff", 2, 'c "d"', 4, 2.0),
        ("payoff", 2, 'c "d"', 7, 4.0),
        ("response.ours", 1, "a, b", 4, 5.0),
        ("response.ours", 1, "a, b", 7, 6.0),
        ("basins.B", None, None, 4, 0.25),
        ("basins.B", None, None, 7, 0.5),
    ]
    first = tidy.per_quantity(summary)[0]
    assert (first["mean"], first["sem"], first["ci_low"], first["seeds"]) == (1.0, None, None, 1)
    read = pd.read_csv(io.StringIO(tidy.as_csv(tidy.PER_SEED, tidy.per_seed(summary))))
    assert list(read.player[:4]) == ["a, b", "a, b", 'c "d"', 'c "d"']
    assert read.value.isna().sum() == 1


def test_shorter_metrics_end_in_nan():
    dims, values = frames._padded("loop", {"long": np.ones((1, 3)), "short": np.zeros((1, 1))})["short"]
    assert dims == ("seed", "loop")
    np.testing.assert_array_equal(values, [[0.0, np.nan, np.nan]])


@pytest.mark.parametrize(("name", "method"), [("pandas", "to_pandas"), ("xarray", "to_xarray")])
def test_a_missing_library_is_named_with_its_extra(run, monkeypatch, name, method):
    monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(MissingLibrary) as told:
        getattr(run[0], method)()
    assert str(told.value) == f'expected the library {name}, got none: pip install "meva[{name}]"'


@pytest.mark.parametrize("per", ["seeds", None, ["seed"]])
def test_a_table_that_is_not_there_is_refused(run, per):
    with pytest.raises(BadValue, match="expected 'seed' or 'quantity' or 'match' for per, got"):
        run[0].to_pandas(per)
