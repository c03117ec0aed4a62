"""`meva tournament` on games that are played: cells, files, resume and bad input, in tiny matches."""

import csv
import json
import shutil
import tomllib
from typing import Any

import jax.numpy as jnp
import numpy as np
import pandas as pd
import pytest

import meva_core as meva
from meva_core.cli.screen import Screen
from meva_core.contracts import Learner, component
from meva_core.errors import BadValue
from meva_core.registry import recipes
from meva_core.studies import common_ground, long_tables, standings_report
from meva_core.studies.reproductions import claims
from meva_core.studies.scores import Scores
from meva_core.studies.tournament_settings import Tournament

pytestmark = pytest.mark.usefixtures("no_figures")

LEARNERS = ("reinforce", "always_defect", "tit_for_tat")
NUMBERS = ["--trials", "2", "--steps", "12", "--seeds", "2", "--set", "sample.episodes=4", "--set", "sample.horizon=3"]
IPD = ["--game", "ipd", "--learners", ",".join(LEARNERS), *NUMBERS, "--evaluate", "best_response,learnt_policy"]


@pytest.fixture(scope="module")
def ipd(tmp_path_factory, meva_command, no_figures):
    folder = tmp_path_factory.mktemp("tournament") / "out"
    outcome = meva_command("tournament", *IPD, "--out", folder)
    assert outcome.code == 0, outcome.err
    return folder, outcome


def summary(folder):
    return json.loads((folder / "summary.json").read_text())


def cells(folder):
    with open(folder / "cells.csv", encoding="utf-8") as file:
        return {(cell["row"], cell["column"]): cell for cell in csv.DictReader(file)}


def test_a_learner_of_episodes_makes_all_play(ipd):
    """The numbers that a user leaves out are those of games that are played."""
    folder, _ = ipd
    written = tomllib.loads((folder / "tournament.toml").read_text())
    assert (written["sampled"], written["trials"], written["evaluate"]) == (True, 2, ["best_response", "learnt_policy"])
    found = cells(folder)
    assert list(found) == [(row, column) for row in LEARNERS for column in LEARNERS]
    still = set(LEARNERS[1:])
    assert all((cell["over"] == "nothing") == ({*pair} <= still) for pair, cell in found.items())


def test_a_folder_has_long_tables_of_payoffs_measures_and_evaluations(ipd):
    folder, _ = ipd
    scores = Scores(summary(folder))
    lines, statistics = (pd.read_csv(folder / f"{name}.csv") for name in ("seeds", "statistics"))
    for per, read in (("seed", lines), ("quantity", statistics)):
        pd.testing.assert_frame_equal(read, scores.to_pandas(per), check_dtype=False)
    payoffs = lines[lines.quantity == "payoff"]
    assert list(payoffs.seed[:2]) == [0, 1]
    means = payoffs.groupby(["row", "column"], sort=False).value.mean()
    assert means.tolist() == pytest.approx(scores.payoffs.ravel().tolist(), rel=1e-5)
    shares = statistics[statistics.quantity.isin(["CC", "CD", "DC", "DD"])]
    totals: Any = shares.groupby(["row", "column"])["mean"].sum()
    assert list(totals) == pytest.approx([1.0] * 6, rel=1e-5)  # of every match; a symmetric game has one for each pair
    of_learners = statistics[statistics.column.isna()]
    assert set(of_learners.row) == set(LEARNERS)
    assert {"best_response.ours", "learnt_policy.P(C|start)"} <= set(of_learners.quantity)
    for learner in LEARNERS:  # also of those that never move, whose payoffs have one seed
        assert list(lines[(lines.row == learner) & (lines.quantity == "best_response.ours")].seed) == [0, 1]
    of_study = long_tables.of_runs("seed", {"one": summary(folder), "other": summary(folder)})
    assert list(of_study.run.unique()) == ["one", "other"]
    pd.testing.assert_frame_equal(of_study[of_study.run == "one"].drop(columns="run"), lines, check_dtype=False)


def test_a_dataset_of_scores_has_the_rows_and_columns_of_its_table(ipd):
    scores = Scores(summary(ipd[0]))
    dataset = scores.to_xarray()
    np.testing.assert_array_equal(dataset["payoff"], scores.payoffs)
    of_fits = dataset["per_fit"].sel(row="reinforce", column="tit_for_tat")
    assert of_fits.mean().item() == pytest.approx(dataset["payoff"].sel(row="reinforce", column="tit_for_tat").item())
    with pytest.raises(BadValue, match="expected 'quantity' or 'seed' for per, got 'match'"):
        scores.to_pandas("match")


def test_the_error_of_a_cell_is_over_seeds(ipd):
    folder, outcome = ipd
    with np.load(folder / "matches" / "ipd--reinforce--always_defect.npz") as match:
        payoffs, shares = match["payoffs"].astype(float), match["measure CD"]
    assert payoffs.shape == (2, 2, 2)
    assert np.unique(payoffs).size == 8
    for row, column, seat in (("reinforce", "always_defect", 0), ("always_defect", "reinforce", 1)):
        cell, of_seeds = cells(folder)[row, column], payoffs[..., seat].mean(axis=1)
        assert cell["over"] == "seeds"
        assert float(cell["payoff"]) == pytest.approx(of_seeds.mean(), rel=1e-5)
        assert float(cell["sem"]) == pytest.approx(of_seeds.std(ddof=1) / 2**0.5, rel=1e-5)
    assert claims.quantity("reinforce.always_defect.CD", summary(folder), None).mean == pytest.approx(
        shares.mean(), rel=1e-5
    )
    assert "± standard error of the mean over 2 seeds" in " ".join(outcome.out.split())
    assert max(map(len, outcome.lines)) <= 80


def test_rule_based_players_earn_what_the_exact_game_pays(ipd):
    """Tables of a played game are those of the exact one, so payoffs, outcomes and best responses are exact."""
    folder, _ = ipd
    game = meva.make("game", "ipd")
    x = np.stack([game.strategies[name] for name in LEARNERS[1:]])
    cell = cells(folder)["always_defect", "tit_for_tat"]
    assert float(cell["payoff"]) == pytest.approx(float(game.payoff(x)[0]), abs=1e-5)
    assert (cell["sem"], cell["over"]) == ("", "nothing")  # nobody moves, so every trial pays the same
    told = summary(folder)
    assert claims.quantity("always_defect.tit_for_tat.CC", told, None).mean == pytest.approx(0, abs=1e-6)
    for name, ours in (("always_defect", -2.0), ("tit_for_tat", -1.0)):
        found = claims.quantity(f"{name}.best_response.ours", told, None)
        assert (found.mean, len(found.seeds)) == (pytest.approx(ours, abs=1e-4), 2)
    gain = claims.quantity("reinforce.exploitability.gain", told, None).mean
    assert gain is not None
    assert gain >= 0


def test_policies_that_were_learnt_are_told_in_a_table_of_their_own(ipd):
    """Both evaluations together have more columns than a page holds, so each has a table."""
    folder, _ = ipd
    told = summary(folder)
    played = claims.quantity("tit_for_tat.learnt_policy.P(C|CD)", told, None)
    assert played.mean == pytest.approx(0, abs=1e-6)
    assert len(played.seeds) == 2
    assert claims.quantity("tit_for_tat.learnt_policy.P(C|DC)", told, None).mean == pytest.approx(1)
    learnt = claims.quantity("reinforce.learnt_policy.P(C|start)", told, None)
    assert learnt.seeds[0] != learnt.seeds[1]
    assert all(0 < share < 1 for share in learnt.seeds if share is not None)
    _, first, second, _ = standings_report.grids(told, "ipd")
    assert [len(first.heads), len(second.heads)] == [1 + 4, 1 + 5]
    assert second.heads[1] == "learnt policy\nP(C|start)"
    assert "-0.000" not in str([*first.rows, *second.rows])


def test_the_page_has_every_table(ipd):
    page = (ipd[0] / "report.html").read_text()
    for caption in ("payoff against the column", "has become in matches with itself", "happened after the last step"):
        assert page.count(caption) >= 1
    assert "payoffs are computed from policies" in page
    assert 'class="many' not in page  # five columns and their labels fit


def test_a_killed_tournament_goes_on_in_the_middle_of_a_match(ipd, tmp_path, meva_command, monkeypatch):
    folder, _ = ipd
    stopped = shutil.copytree(folder, tmp_path / "out")
    (stopped / "matches" / "ipd--reinforce--always_defect.npz").unlink()
    chunk = Screen.chunk

    def interrupted(screen, found):
        if found.loops == 10:  # the first chunk of the match that is left to play
            raise KeyboardInterrupt
        chunk(screen, found)

    with monkeypatch.context() as patch:
        patch.setattr(Screen, "chunk", interrupted)
        assert meva_command("tournament", "--resume", stopped).code == 130
    assert [path.name for path in (stopped / "unfinished").iterdir()] == ["ipd--reinforce--always_defect"]
    outcome = meva_command("tournament", "--resume", stopped)
    assert outcome.code == 0, outcome.err
    assert "resumed at step 10" in outcome.lines
    assert (stopped / "cells.csv").read_bytes() == (folder / "cells.csv").read_bytes()
    assert not (stopped / "unfinished").exists()


def test_a_played_tournament_is_verified(ipd, meva_command):
    done = meva_command("verify", ipd[0])
    assert done.code == 0, done.out + done.err


@pytest.mark.long
def test_estimates_of_rule_based_players_have_errors_and_measures():
    """Nothing is exact in the Coin Game: each trial of each seed has episodes of its own."""
    numbers = {"trials": 3, "seeds": 2, "set": {"sample.episodes": 5, "sample.horizon": 8, "policy.width": 2}}
    scores = meva.tournament("coin_game", ["always_cooperate", "always_defect"], **numbers)
    assert np.all(scores.sems > 0)
    assert scores.payoffs[1, 0] > scores.payoffs[0, 1]  # who picks up all coins earns more than who picks up its own
    pairs = ("always_cooperate.always_cooperate", "always_defect.always_defect")
    kind, greedy = (claims.quantity(f"{pair}.own coins", scores.summary, None).mean for pair in pairs)
    assert kind == 1
    assert greedy is not None
    assert greedy < 0.8
    assert "payoffs are means over fresh episodes" in repr(scores)


@component
class Burst(Learner):
    """Its numbers are no numbers after the first step."""

    learns_from = "nothing"

    def update(self, params, state, x, key):
        return jnp.full_like(x, jnp.nan), state


def test_a_match_that_diverges_is_left_out_with_a_warning():
    warned = []

    class Screen(meva.Progress):
        def warn(self, text):
            warned.append(text)

    screen = Screen()
    numbers = {"trials": 1, "steps": 1, "seeds": 2, "set": {"sample.episodes": 2, "sample.horizon": 2}}
    scores = meva.tournament("ipd", [Burst, "tit_for_tat"], sampled=True, progress=screen, **numbers)
    assert np.isnan(scores.payoffs[0]).all()
    assert scores.payoffs[1, 1] == pytest.approx(-1, abs=1e-5)
    assert [text.partition(":")[0] for text in warned] == ["Burst against Burst", "Burst against tit_for_tat"]
    assert "partly diverged, averaged over the rest: Burst against Burst" in repr(scores)


def test_the_common_ground_has_policies_of_single_seats():
    policy = {"name": "table", "2": {"name": "mlp", "width": 3}}
    recipe = {"source": "a test", "sample": {"episodes": 4}, "policy": policy}
    file = recipes.parse({"recipes": {"ipd": {"reinforce": {"ours": recipe}}}}, "here")
    settings = Tournament(games=("ipd",), learners=("naive", "reinforce"), recipe="ours")
    found = common_ground.of_recipes(meva.installed(), [file], settings, "ipd")
    assert found == {"policy.name": "table", "policy.2.name": "mlp", "policy.2.width": 3, "sample.episodes": 4}


OWN = """
[recipes.ipd.naive.ours]
source = "a test"
sample = { episodes = 8 }
[recipes.ipd.lola.ours]
source = "a test"
sample = { horizon = 5 }
"""


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("tandem --learners reinforce", "reinforce learns from episodes: expected a game that is played"),
        ("tandem --sampled --learners naive", "expected a game that shows its players a state"),
        ("coin_game --learners cola", "cola learns from exact payoffs: expected a game and policies that have them"),
        ("coin_game --learners ppo,tit_for_tat", "unknown learner or strategy of coin_game 'tit_for_tat'"),
        ("ipd --learners naive --set sample.episodes=3", "expected LEARNER.NAME=VALUE with one of naive, game, policy"),
        ("ipd --sampled --learners naive --set sample.horizon=0", "expected between 1 and 1000000, got 0"),
        ("ipd --sampled --learners naive --evaluate cross_play --seeds 1", "expected self-play of several fits"),
        ("ipd --learners naive --evaluate trained_response", "expected a game that is played (--sampled)"),
        ("coin_game --learners ppo --evaluate best_response", "expected a game with exact payoffs"),
        ("ipd --sampled --learners naive --evaluate cross_play", "evaluations that give numbers of a player"),
        ("ipd --learners naive --evaluate default", "expected names of evaluations of the players, got 'default'"),
        ("ipd --learners naive --evaluate best_respons", "unknown evaluation 'best_respons' - did you mean"),
        ("ipd --learners naive --evaluate ,", "expected names of evaluations for --evaluate, got ','"),
        (
            "ipd --learners naive --evaluate best_response --set evaluate.pairs=3",
            "expected evaluate.EVALUATION.NAME=VALUE in a tournament, got 'evaluate.pairs'",
        ),
        (
            "ipd --learners naive,lola --recipe ours --registry own.toml",
            "expected the same sample.horizon in all matches of ipd, got none in naive against naive and 5 in lola",
        ),
    ],
)
def test_bad_input_is_one_line(line, said, tmp_path, meva_command, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "own.toml").write_text(OWN)
    outcome = meva_command("tournament", "--game", *line.split(), "--out", tmp_path / "out")
    assert outcome.code == 2, outcome.out
    assert len(outcome.err.splitlines()) == 1, outcome.err
    assert said in outcome.err
    assert not (tmp_path / "out").exists()
