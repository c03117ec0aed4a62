"""Games that are played: runs, files, resume, rule-based players and bad input, on tiny runs."""

import json
import shutil
import tomllib
from types import SimpleNamespace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from meva_evaluations.episode import Episode, episode_until

import meva_core as meva
from meva_core import fitting, runner
from meva_core.contracts import Answer, Episodes, Frames, streams
from meva_core.errors import BadPlugin
from meva_core.experiment import compose, reading, resolve

pytestmark = pytest.mark.usefixtures("no_figures")

IPD = "sample.episodes=4 sample.horizon=3 evaluate.pairs=2 evaluate.steps=6 fit.chunk=2"
COINS = f"{IPD} policy.width=4 policy.layers=1 critic.width=4 critic.layers=1 learner.minibatches=2"
KEPT = ("policies", "payoffs", "entries")
AGAINST = ("--opponent", "fixed", "--set", "opponent.strategy=always_defect")


def settings(text):
    return [part for each in text.split() for part in ("--set", each)]


def policies(folder):
    with np.load(folder / "policies.npz") as arrays:
        return {name: arrays[name] for name in arrays.files}


@pytest.fixture(scope="module")
def ipd(tmp_path_factory, meva_run, no_figures):
    folder = tmp_path_factory.mktemp("sampled") / "run"
    outcome = meva_run("--game", "ipd", "--learner", "naive", "--sampled", *settings(IPD), "--out", folder)
    assert outcome.code == 0, outcome.err
    return folder, outcome


@pytest.fixture(scope="module")
def coins(tmp_path_factory, meva_run, no_figures):
    folder = tmp_path_factory.mktemp("coins") / "run"
    outcome = meva_run("--game", "coin_game", "--learner", "ppo", *AGAINST, *settings(COINS), "--out", folder)
    assert outcome.code == 0, outcome.err
    return folder, outcome


def test_the_screen_counts_steps(ipd):
    _, outcome = ipd
    assert "playing matches: 6 steps, compiling" in outcome.lines
    assert any(line.startswith("  step 6/6  payoff of player 1 ") for line in outcome.lines)


def test_the_experiment_has_all_settings_and_tables_as_policies(ipd):
    folder, _ = ipd
    plain = tomllib.loads((folder / "experiment.toml").read_text())
    expected = {"episodes": 4, "horizon": 3, "stopping": "horizon", "estimator": "loaded_dice", "baseline": "mean"}
    assert plain["sample"] == expected
    assert plain["policy"]["name"] == "table"


def test_tables_show_the_exact_payoffs_of_the_policies(ipd):
    folder, _ = ipd
    found = policies(folder)
    game = meva.make("game", "ipd")
    x = found["policies"][0, 0]
    np.testing.assert_allclose(found["payoffs"][0, 0], [game.payoff(each) for each in x], rtol=1e-5)
    row = json.loads((folder / "summary.json").read_text())["rows"][0]
    assert "best_response" in row
    assert "against" not in row  # a shaped opponent costs as much as the matches: it has to be asked for


def test_a_run_that_was_stopped_ends_as_if_it_never_had_been(ipd, tmp_path, meva_run):
    folder, _ = ipd
    stopped = shutil.copytree(folder, tmp_path / "run")
    for name in ("summary.json", "report.html", "policies.npz"):
        (stopped / name).unlink()
    for late in (4, 6):
        (stopped / "checkpoints" / "matches" / f"loop-{late:07d}.npz").unlink()
    outcome = meva_run("--resume", stopped)
    assert outcome.code == 0, outcome.err
    assert "resumed at step 2" in outcome.lines
    before, after = policies(folder), policies(stopped)
    assert before.keys() == after.keys()
    assert all(np.array_equal(before[name], after[name]) for name in (*KEPT, "episode actions", "episode rewards"))
    assert (folder / "metrics.jsonl").read_bytes() == (stopped / "metrics.jsonl").read_bytes()


def test_other_matches_begin_anew(ipd, tmp_path, meva_run):
    folder, _ = ipd
    other = shutil.copytree(folder, tmp_path / "run")
    outcome = meva_run("--resume", other, "--set", "evaluate.pairs=1")
    assert outcome.code == 0, outcome.err
    assert not any("resumed" in line for line in outcome.lines)
    assert policies(other)["policies"].shape[2] == 1


@pytest.mark.long
def test_a_run_is_verified(coins, meva_command):
    folder, _ = coins
    done = meva_command("verify", folder)
    assert done.code == 0, done.out + done.err


@pytest.mark.long
def test_policies_of_several_seeds_meet_and_a_naive_learner_is_shaped(tmp_path, meva_run):
    """Cross-play and shaping work on episodes: the diagonal is self-play, and everything has a standard error."""
    asked = ("--seeds", "2", "--evaluate", "cross_play,shaping", *settings(IPD), "--out", tmp_path / "run")
    outcome = meva_run("--game", "ipd", "--learner", "reinforce", *asked)
    assert outcome.code == 0, outcome.err
    told = json.loads((tmp_path / "run" / "summary.json").read_text())
    cross, x = told["cross_play"], policies(tmp_path / "run")["policies"][:, 0]
    game = meva.make("game", "ipd")
    for i, j in np.ndindex(2, 2):
        paid = [float(game.payoff(np.stack([x[i, n, 0], x[j, n, 1]]))[0]) for n in range(2)]
        assert cross["payoffs"][i][j] == pytest.approx(np.mean(paid), rel=1e-4)
        assert cross["sems"][i][j] == pytest.approx(abs(paid[0] - paid[1]) / 2, rel=1e-2, abs=1e-5)
    against = told["rows"][0]["against"]
    assert (against["learner"], against["ours"]["over"]) == ("naive", "seeds")
    assert against["theirs"]["sem"] > 0


def test_the_coin_game_shows_its_measures_and_actions(coins):
    folder, outcome = coins
    assert "  policy mlp" in outcome.lines
    row = json.loads((folder / "summary.json").read_text())["rows"][0]
    assert {"own coins", "picked up"} <= set(row["outcomes"])
    assert "best_response" not in row  # it needs exact payoffs
    assert set(row["policies"][0]) == {"P(right)", "P(left)", "P(down)", "P(up)"}


def test_the_episode_in_the_folder_is_played_by_the_policies_in_it(coins):
    folder, _ = coins
    found = policies(folder)
    game: Any = compose.played_game(reading.read(runner.plugins()[0], folder / "experiment.toml"))
    key = jax.random.fold_in(fitting.seed_keys((0,))[0], streams.of("episode", None))
    played = jax.tree.map(lambda leaf: np.asarray(leaf[0]), jax.jit(game.play)(found["policies"][0, 0, 0], key))
    for name in ("observations", "actions", "rewards", "alive"):
        np.testing.assert_array_equal(found[f"episode {name}"][0], getattr(played, name))
    summary = json.loads((folder / "summary.json").read_text())
    boards = [[tuple(mark) for mark in json.loads(board)] for board in summary["rows"][0]["boards"]]
    assert boards == [[tuple(mark) for mark in board] for board in game.rules.frames(played).boards]
    assert summary["episode"]["players"] == ["red", "blue"]
    assert summary["episode"]["actions"] == ["right", "left", "down", "up"]


def test_an_episode_ends_where_it_ends():
    """Three of six steps count, and what was seen before the fourth comes after the last."""
    leaves = [jnp.arange(6.0).reshape(6, 1, 1)] * 4
    episode = Episodes(*leaves, alive=jnp.array([1.0, 1, 1, 0, 0, 0]), final=jnp.array([[6.0]]))
    short = episode_until(episode, 3)
    assert [len(leaf) for leaf in short[:6]] == [3, 3, 3, 3, 3, 1]
    assert short.final == 3
    assert episode_until(episode, 6) is episode


def test_a_game_that_draws_badly_is_one_line():
    """An episode of two steps, and a game that draws no board, then nothing."""
    zeros = jnp.zeros((1, 1, 2, 2))
    answer = Answer(each=Episodes(zeros, zeros, zeros, zeros, alive=jnp.ones((1, 1, 2)), final=zeros[:, :, 0]))
    drawn: list = [Frames((), ("",), ("",), ("a", "b"), "")]
    rules = SimpleNamespace(frames=lambda episode: drawn[-1], num_players=2, action_names=("x",))
    seen: Any = SimpleNamespace(game=SimpleNamespace(rules=rules), values=(1.0,), seeds=(0,))
    with pytest.raises(BadPlugin, match=r"frames\(episode\).boards: expected 2 or 3 for 2 steps, got 0"):
        Episode().rows(answer, seen)
    drawn.append(None)
    assert Episode().rows(answer, seen) == [{"boards": []}]
    assert Episode().panels({"rows": [{"boards": []}]}, {}) == []


def test_runs_are_compared_by_their_samples_too(ipd, coins, meva_command):
    done = meva_command("compare", ipd[0], coins[0])
    assert done.code == 0, done.err
    shown = [line.split()[0] for line in done.lines if line.startswith(("game.name", "policy.name", "learner.name"))]
    assert shown == ["game.name", "policy.name", "learner.name"]


def test_who_learns_from_exact_payoffs_sees_the_exact_game():
    """So POLA, which needs to know what policies do, learns beside those that learn from episodes."""
    names = {"game": "ipd", "learner": "pola", "opponents": ["reinforce"]}
    composition = compose.compose(resolve.resolve(*runner.plugins(), **names))
    played: Any = composition.game
    pola, reinforce = (getattr(learner, "game", None) for learner in composition.rehearse())
    assert (pola, reinforce) == (played.exact, played)


@pytest.mark.parametrize(
    ("learner", "opponent", "lacks"),
    [
        ("shaper", "naive", "shaper remembers nothing"),
        ("m_fos_sampled", "naive", "m_fos_sampled does nothing that it did in the match"),
        ("shaper", "reinforce", None),
        ("m_fos_sampled", "reinforce", None),
        ("ppo", "naive", None),
    ],
)
def test_a_run_says_who_learns_from_episodes_in_which_a_shaper_has_no_part(learner, opponent, lacks):
    names = {"game": "ipd", "learner": learner, "opponents": [opponent], "sampled": True}
    composition = compose.compose(resolve.resolve(*runner.plugins(), **names))
    found = [note.partition(": choose")[0] for note in composition.notes if "episodes of its own" in note]
    assert found == ([f"naive learns from episodes of its own, in which {lacks}"] if lacks else [])


def test_a_rule_based_player_does_not_learn(coins):
    folder, _ = coins
    x = policies(folder)["policies"][0, 0]
    assert np.all(x[:, 1, :-1] == 0)
    assert np.all(x[:, 1, -1] == 2)  # the second script
    assert np.all(x[:, 0, -1] == 0)  # a policy that learns plays by no script


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("--game coin_game --learner cola", "cola learns from exact payoffs: expected a game and policies that have"),
        ("--game logistic --learner ppo", "ppo learns from episodes: expected a game that is played, got logistic"),
        ("--game logistic --learner naive --sampled", "expected a game that shows its players a state"),
        ("--game ipd --learner naive --set sample.episodes=3", "expected --sampled with sample.episodes, got none"),
        ("--game ipd --learner naive --sampled --set sample.horizon=0", "expected between 1 and 1000000, got 0"),
        ("--game ipd --learner naive --sampled --set sample.stopping=never", "expected one of 'horizon', 'geometric'"),
        (
            "--game coin_game --learner naive --policy table",
            "expected a game that shows its players one of a few",
        ),
        ("--game ipd --learner naive --policy gru", "expected policies without memory"),
        ("--game coin_game --learner ppo --opponent fixed --set opponent.strategy=tat", "unknown strategy 'tat'"),
        ("--game coin_game --learner ppo --evaluate best_response", "expected a game with exact payoffs"),
    ],
)
def test_bad_input_is_one_line(line, said, tmp_path, meva_run):
    outcome = meva_run(*line.split(), "--out", tmp_path / "run")
    assert outcome.code == 2, outcome.out
    assert len(outcome.err.splitlines()) == 1, outcome.err
    assert said in outcome.err
    assert not (tmp_path / "run").exists()
