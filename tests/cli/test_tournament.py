"""`meva tournament`: small ones on games of one number, whose programs compile quickly."""

import contextlib
import csv
import json
import os
import re
import shutil
from typing import Any

import jax.numpy as jnp
import numpy as np
import pytest
from doubles.tasks import InThread

import meva_core as meva
from meva_core import runner
from meva_core.compute.progress import Progress
from meva_core.errors import BadFolder, BadValue
from meva_core.storage import locks
from meva_core.studies import meetings, standings_report, tournament_folder, tournament_matches, tournament_settings
from meva_core.studies.reproductions import claims

SMALL = ["--set", "toy.loops=2", "--set", "toy_foe.loops=2"]
LEARNT = ["--game", "hamiltonian", "--learners", "naive,toy,toy_foe", "--trials", "8", "--steps", "5", "--seeds", "2"]
RULES = ["--game", "tandem", "--game", "hamiltonian", "--learners", "naive,lookahead", "--trials", "16", "--steps", "5"]


def cells(folder):
    with open(folder / "cells.csv", encoding="utf-8") as file:
        return {(c["game"], c["row"], c["column"]): c for c in csv.DictReader(file)}


@pytest.fixture(scope="module")
def learnt(toy, tmp_path_factory, meva_command):
    folder = tmp_path_factory.mktemp("tournament") / "out"
    outcome = meva_command("tournament", *LEARNT, *SMALL, "--out", folder)
    assert outcome.code == 0, outcome.err
    return folder, outcome


def test_every_pair_in_both_seats(tmp_path, meva_command):
    outcome = meva_command("tournament", *RULES, "--out", tmp_path / "out")
    assert outcome.code == 0, outcome.err
    found = cells(tmp_path / "out")
    assert len(found) == 2 * 2 * 2
    for (game, row, column), cell in found.items():
        first, second = float(cell["seat_1"]), float(cell["seat_2"])
        assert float(cell["payoff"]) == pytest.approx((first + second) / 2, rel=1e-5, abs=1e-7)
        assert (cell["fits"], cell["over"]) == ("1", "trials")
        if game == "hamiltonian":  # zero-sum: what the row wins in seat 1 the column loses in seat 2
            assert first == pytest.approx(-float(found[game, column, row]["seat_2"]), rel=1e-5)
    # Three lines per symmetric game, four per asymmetric one; every file in its place.
    assert len(list((tmp_path / "out" / "matches").iterdir())) == 3 + 4
    assert (tmp_path / "out" / "figures" / "tandem.png").stat().st_size > 5000
    assert "tandem: the row's payoff against the column" in outcome.out
    assert max(map(len, outcome.lines)) <= 80


def test_damaged_matches_are_played_again(tmp_path, meva_command):
    out = tmp_path / "out"
    meva_command("tournament", *RULES, "--out", out)
    before, matches = cells(out), sorted((out / "matches").iterdir())
    for path, content in zip(matches, (b"", b"no match", matches[2].read_bytes()[:-40]), strict=False):
        path.write_bytes(content)
    outcome = meva_command("tournament", "--resume", out)
    assert outcome.code == 0
    warnings = outcome.err.splitlines()
    assert len(warnings) == 3
    assert all(line.startswith("warning: expected a whole file as MeVa writes it") for line in warnings)
    assert all(line.endswith(".npz; the match is played again") for line in warnings)
    assert cells(out) == before


def test_a_cell_is_the_mean_over_trials_by_hand(tmp_path, meva_command):
    meva_command("tournament", *RULES, "--out", tmp_path / "out")
    with np.load(tmp_path / "out" / "matches" / "tandem--naive--lookahead.npz") as match:
        payoffs = match["payoffs"].astype(float)
    found = cells(tmp_path / "out")
    for row, column, seat in (("naive", "lookahead", 0), ("lookahead", "naive", 1)):
        trials = payoffs[0, :, seat]
        cell = found["tandem", row, column]
        assert float(cell["payoff"]) == pytest.approx(trials.mean(), rel=1e-6)
        assert float(cell["sem"]) == pytest.approx(trials.std(ddof=1) / 4, rel=1e-5)


def test_learnt_rules_are_fitted_against_whom_they_meet(learnt):
    folder, _ = learnt
    # The foe alone; the foe against naive in either seat, which serves against the toy too; the toy once.
    assert len(list((folder / "fits").iterdir())) == 4
    found = cells(folder)
    assert {c["fits"] for key, c in found.items() if key[1:] != ("naive", "naive")} == {"2"}
    assert found["hamiltonian", "naive", "naive"]["fits"] == "1"
    summary = json.loads((folder / "summary.json").read_text())
    assert len(summary["games"]["hamiltonian"]["cells"]) == 9
    assert summary["trials"] == 8


@pytest.mark.parametrize("game", ["tandem", "hamiltonian"])
def test_who_is_fitted_against_another_plays_in_the_seat_of_its_fit(game):
    asked = meetings.Tournament(games=(game,), learners=("naive", "m_maml", "meva"))
    planned = meetings.meetings(*runner.plugins(None), asked)
    fits = set()
    for meeting in planned:
        for seat, fit in enumerate(meeting.fits):
            if fit is not None and fit[0].opponents:
                assert fit[1] == seat == meeting.composition.seats[seat]
                who = (fit[0].learner.name, *(o.name for o in fit[0].opponents))
                assert who[seat] == (meeting.row, meeting.column)[seat] == "meva"
                fits.add(fit[0].fit_hash)
    # One fit against naive steps serves against m_maml too; where seats differ, one in each.
    assert len(fits) == (1 if game == "tandem" else 2)


def test_in_a_symmetric_game_who_was_fitted_second_does_not_play_naively(toy, tmp_path, meva_command):
    arguments = ["--game", "tandem", "--learners", "naive,toy_foe", "--trials", "4", "--steps", "5", "--seeds", "1"]
    same = ["--set", "toy_foe.rate=0.1", "--set", "naive.rate=0.1"]
    outcome = meva_command("tournament", *arguments, *SMALL[2:], *same, "--out", tmp_path / "out")
    assert outcome.code == 0, outcome.err
    found = cells(tmp_path / "out")
    among_themselves = np.array([float(found["tandem", "naive", "naive"][f"seat_{n}"]) for n in (1, 2)])
    for row, column in (("naive", "toy_foe"), ("toy_foe", "naive")):
        assert np.abs(float(found["tandem", row, column]["payoff"]) - among_themselves).min() > 1e-3


def test_matches_as_tasks_of_their_own_are_the_same(learnt, tmp_path, meva_command):
    folder, _ = learnt
    outcome = meva_command("tournament", *LEARNT, *SMALL, "--out", tmp_path / "out", "--jobs", 1)
    assert outcome.code == 0, outcome.err
    assert (tmp_path / "out" / "cells.csv").read_bytes() == (folder / "cells.csv").read_bytes()
    told = [line.strip().rpartition(":")[0] for line in outcome.lines if line.startswith("  ")]
    fits, matches = ([line for line in told if line.startswith(start)] for start in ("fit for ", "hamiltonian: "))
    assert len(fits) == len(list((tmp_path / "out" / "fits").iterdir()))
    assert len(matches) == len(list((tmp_path / "out" / "matches").iterdir()))
    settings = tournament_settings.read(tmp_path / "out").tournament
    planned = meetings.meetings(*runner.plugins(), settings)
    tasks = tournament_folder.tasks(settings, planned, tmp_path / "new", tmp_path / "fits", Progress())
    fits = {name for task in tasks if not task.needs for name in task.alone}
    assert fits > {name for task in tasks for name in task.needs} != set()


def test_a_stopped_tournament_goes_on(learnt, tmp_path, meva_command, monkeypatch):
    folder, _ = learnt
    play, count = tournament_matches._play, iter(range(100))

    def interrupted(*arguments):
        if next(count) == 5:
            raise KeyboardInterrupt
        return play(*arguments)

    monkeypatch.setattr(tournament_matches, "_play", interrupted)
    stopped = meva_command("tournament", *LEARNT, *SMALL, "--out", tmp_path / "out")
    assert stopped.code == 130
    assert f"meva tournament --resume {tmp_path / 'out'}" in stopped.err
    assert len(list((tmp_path / "out" / "matches").iterdir())) == 5
    monkeypatch.setattr(tournament_matches, "_play", play)
    assert meva_command("tournament", "--resume", tmp_path / "out").code == 0
    assert (tmp_path / "out" / "cells.csv").read_text() == (folder / "cells.csv").read_text()


def test_a_match_that_another_process_plays_is_awaited(learnt, tmp_path, monkeypatch):
    folder, _ = learnt
    out, match = tmp_path / "out", "hamiltonian--naive--toy"
    shutil.copytree(folder, out)
    for name in (f"matches/{match}.npz", "cells.csv"):
        (out / name).unlink()

    class Other(Progress):
        def status(self, text):
            assert text.startswith(f"waiting for process {os.getpid()}")
            shutil.copy(folder / "matches" / f"{match}.npz", out / "matches")
            other.close()

    monkeypatch.setattr(tournament_matches, "_play", lambda *_: pytest.fail("played twice"))
    settings = tournament_settings.read(out).tournament
    planned = meetings.meetings(*runner.plugins(), settings)
    with contextlib.ExitStack() as other:
        other.enter_context(locks.alone(out / "unfinished" / match))
        tournament_folder.make(settings, planned, out, out / "fits", Other())
    assert (out / "cells.csv").read_bytes() == (folder / "cells.csv").read_bytes()


def test_a_finished_one_only_reads(learnt, meva_command, monkeypatch):
    folder, first = learnt
    monkeypatch.setattr(tournament_matches, "_play", lambda *_: pytest.fail("played again"))
    again = meva_command("tournament", "--resume", folder)
    assert again.code == 0
    assert again.out.partition("hamiltonian: the row's")[2] == first.out.partition("hamiltonian: the row's")[2]


def test_fits_are_used_again_by_another(learnt, tmp_path, meva_command, monkeypatch):
    folder, _ = learnt
    before = {path.name for path in (folder / "fits").iterdir()}
    arguments = [*LEARNT, *SMALL, "--out", tmp_path / "out", "--fits", folder / "fits"]
    assert meva_command("tournament", *arguments).code == 0
    assert {path.name for path in (folder / "fits").iterdir()} == before
    assert (tmp_path / "out" / "cells.csv").read_text() == (folder / "cells.csv").read_text()


STRATEGIES = "tit_for_tat,always_defect,extortion:factor=2,fierce=extortion:factor=4,naive,naive:rate=5.0"


def test_strategies_and_settings_take_part(tmp_path, meva_command):
    """Named strategies, two of them at settings of their own, and one learner at two rates."""
    arguments = ["--game", "ipd", "--learners", STRATEGIES, "--trials", "6", "--steps", "7", "--set", "naive.rate=25.0"]
    outcome = meva_command("tournament", *arguments, "--out", tmp_path / "out")
    assert outcome.code == 0, outcome.err
    labels = ["tit_for_tat", "always_defect", "extortion:factor=2", "fierce", "naive", "naive:rate=5.0"]
    found = cells(tmp_path / "out")
    assert list(found) == [("ipd", row, column) for row in labels for column in labels]

    # Whoever never moves earns what the game says, without an error.
    ipd = meva.make("game", "ipd")
    policies = dict(ipd.strategies) | {"fierce": ipd.strategies["extortion"](4.0)[0]}
    for row in ("tit_for_tat", "always_defect", "fierce"):
        for column in ("tit_for_tat", "always_defect", "fierce"):
            cell = found["ipd", row, column]
            x = jnp.stack([policies[row], policies[column]])
            assert float(cell["payoff"]) == pytest.approx(float(ipd.payoff(x)[0]), abs=1e-5)
            assert (cell["sem"], cell["over"], cell["diverged"]) == ("", "nothing", "0.0")
    # Against one that learns, trials differ; an entrant's own setting comes before --set.
    slow, fast = (found["ipd", label, "tit_for_tat"] for label in ("naive:rate=5.0", "naive"))
    assert (slow["over"], fast["over"]) == ("trials", "trials")
    assert float(slow["sem"]) > 0
    assert float(slow["payoff"]) < float(fast["payoff"]) - 0.05
    # Few programs: the learner against all that never move, against itself, and against itself at another rate.
    assert tournament_matches._payoffs(6, 7)._cache_size() == 3
    assert re.sub(r"\s+", " ", outcome.out).count("exact, without an error, where neither player moves") == 1
    assert max(map(len, outcome.lines)) <= 80

    # Every match is kept under a name of its own, and read again.
    matches = sorted((tmp_path / "out" / "matches").iterdir())
    assert len(matches) == 6 * 7 / 2
    assert meva_command("tournament", "--resume", tmp_path / "out").code == 0
    assert cells(tmp_path / "out") == found


def test_long_labels_take_lines_of_their_own():
    lines = ["lola:", "look_ahead_rate=50:", "variant=taylor"]
    assert standings_report.wrapped("".join(lines)).splitlines() == lines
    assert standings_report.wrapped("tit_for_tat") == "tit_for_tat"
    assert standings_report.wrapped("x" * 45) == "\n".join(["x" * 20, "x" * 20, "x" * 5])


def test_from_python_without_a_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    scores = meva.tournament("tandem", ["naive", "slow=naive:rate=0.1"], trials=4, steps=3)
    assert scores.labels == ("naive", "slow")
    assert scores.payoffs.shape == scores.sems.shape == (2, 2)
    assert np.isfinite(scores.payoffs).all()
    assert "tandem: the row's payoff against the column" in repr(scores)
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(meva.MevaError, match="expected a list of learners, got 'naive'"):
        meva.tournament("tandem", "naive")


def test_from_python_in_a_folder(learnt, tmp_path, monkeypatch, capsys):
    folder, _ = learnt
    players, out = ["naive", "toy", "toy_foe"], tmp_path / "out"
    asked: dict[str, Any] = {"trials": 8, "steps": 5, "seeds": 2, "set": {"toy.loops": 2, "toy_foe.loops": 2}}
    scores = meva.tournament("hamiltonian", players, **asked, out=out, executor=InThread(), progress=True)
    assert "hamiltonian: naive against toy: done" in capsys.readouterr().out.splitlines()
    assert (out / "cells.csv").read_bytes() == (folder / "cells.csv").read_bytes()
    monkeypatch.setattr(tournament_matches, "_play", lambda *_: pytest.fail("played again"))
    (out / "cells.csv").unlink()
    again = meva.tournament("hamiltonian", players, **asked, out=out, resume=True, jobs=1, progress=True)
    np.testing.assert_array_equal(scores.payoffs, again.payoffs)
    assert (out / "cells.csv").read_bytes() == (folder / "cells.csv").read_bytes()
    with pytest.raises(BadFolder, match=r"expected a new or empty folder for --out, got .* resume=True"):
        meva.tournament("hamiltonian", players, **asked, out=out)
    with pytest.raises(BadValue, match=r"got steps = 6 \(was 5\): restore them, or choose a new folder"):
        meva.tournament("hamiltonian", players, **{**asked, "steps": 6}, out=out, resume=True)


def test_from_python_it_goes_on_as_it_was_begun(tmp_path, meva_command, monkeypatch):
    recipes, out, fits = tmp_path / "recipes.toml", tmp_path / "out", tmp_path / "fits"
    recipes.write_text('[recipes.tandem.naive.tournament]\nsource = "mine"\nlearner = { rate = 0.5 }\n')
    asked: dict[str, Any] = {"trials": 1, "steps": 1, "out": out, "resume": True}
    flags = ("--trials", 1, "--steps", 1, "--fits", fits, "--registry", recipes, "--out", out)
    assert meva_command("tournament", "--game", "tandem", "--learners", "naive", *flags).code == 0
    with pytest.raises(BadValue, match=rf"got registry = None \(was '{re.escape(str(recipes))}'\): restore them"):
        meva.tournament("tandem", ["naive"], **asked)
    used = []
    monkeypatch.setattr(tournament_folder, "make", lambda *arguments, **_: used.append(arguments[3]) or {})
    meva.tournament("tandem", ["naive"], **asked, registry_file=recipes)
    assert used == [fits]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"resume": True}, "expected out=FOLDER with resume, got none"),
        ({"jobs": 2}, "expected out=FOLDER with jobs, got none"),
        ({"executor": InThread()}, "expected out=FOLDER with executor, got none"),
        ({"out": "out", "resume": "no"}, "expected bool, got 'no' (str) @ resume"),
        ({"out": "out", "jobs": 0}, "expected 1 or more for jobs, got 0"),
        ({"out": 3}, "expected a path for out, got 3"),
        ({"out": "out", "executor": "dusk"}, "unknown executor 'dusk' - did you mean 'dask'?"),
        ({"progress": 3}, "expected True, False or a Progress for progress, got 3"),
    ],
)
def test_from_python_one_line_for_what_does_not_fit(given, said, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(meva.MevaError) as caught:
        meva.tournament("tandem", ["naive"], **{"trials": 1, "steps": 1, **given})
    assert said in str(caught.value)
    assert list(tmp_path.iterdir()) == []


BAD = {
    "nothing": ([], "expected --game and --learners"),
    "unknown game": (["--game", "ipdd", "--learners", "naive"], "unknown game 'ipdd' - did you mean 'ipd'?"),
    "unknown learner": (["--game", "tandem", "--learners", "naive,lolla"], "unknown learner 'lolla' - did you mean"),
    "a name twice": (["--game", "tandem", "--learners", "naive,lola,naive"], "once in --learners, got 'naive' twice"),
    "a game twice": (["--game", "tandem", "--game", "tandem", "--learners", "naive"], "once in --game, got 'tandem'"),
    "no trials": (
        ["--game", "tandem", "--learners", "naive", "--trials", "0"],
        "expected --trials between 1 and 10000000, got 0",
    ),
    "no steps": (
        ["--game", "tandem", "--learners", "naive", "--steps", "-1"],
        "expected --steps between 1 and 10000000, got -1",
    ),
    "no seeds": (
        ["--game", "tandem", "--learners", "naive", "--seeds", "0"],
        "expected --seeds between 1 and 65536, got 0",
    ),
    "only commas": (["--game", "tandem", "--learners", ",,"], "at least one name for --learners"),
    "three players": (["--game", "public_goods", "--learners", "naive"], "games of two players"),
    "no setting": (
        ["--game", "tandem", "--learners", "naive:rate"],
        "got 'naive:rate': rate has no =VALUE",
    ),
    "unknown strategy": (
        ["--game", "ipd", "--learners", "naive,tit_for_tatt"],
        "unknown learner or strategy of ipd 'tit_for_tatt' - did you mean 'tit_for_tat'?",
    ),
    "unknown setting": (["--game", "tandem", "--learners", "naive:rte=1"], "unknown hyper-parameter 'rte' @ learner"),
    "a label twice": (["--game", "tandem", "--learners", "a=naive,a=lola"], "once in --learners, got 'a' twice"),
    "open bracket": (["--game", "tandem", "--learners", "naive:rate=[1"], "every bracket and quote to be closed"),
    "order": (["--game", "tandem", "--learners", "hola", "--set", "hola.order=0"], "expected between 1 and 8, got 0"),
    "who is not there": (
        ["--game", "tandem", "--learners", "naive", "--set", "lola.rate=1"],
        "expected LEARNER.NAME=VALUE with one of naive",
    ),
    "no such strategy": (
        ["--game", "tandem", "--learners", "fixed", "--set", "fixed.strategy=tit_for_tat"],
        "Tandem names no strategies",
    ),
    "resume and more": (["--resume", "nowhere", "--trials", "3"], "expected --resume DIR alone"),
    "nothing to resume": (["--resume", "nowhere"], "a folder with a tournament.toml to resume, got nowhere"),
}


@pytest.mark.parametrize(("arguments", "message"), BAD.values(), ids=BAD)
def test_bad_input(arguments, message, tmp_path, meva_command, monkeypatch):
    monkeypatch.chdir(tmp_path)
    outcome = meva_command("tournament", *arguments)
    assert (outcome.code, outcome.out) == (2, "")
    assert outcome.err.startswith("error: ")
    assert message in outcome.err
    assert outcome.err.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_not_empty_is_left_alone(tmp_path, meva_command):
    (tmp_path / "mine.txt").write_text("precious")
    outcome = meva_command("tournament", *RULES, "--out", tmp_path)
    assert outcome.code == 2
    assert "expected a new or empty folder" in outcome.err
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_payoffs_on_their_way_to_infinity_keep_the_table_narrow(tmp_path, meva_command):
    rates = [f"--set={name}.rate=1" for name in ("naive", "lookahead")]
    outcome = meva_command("tournament", *RULES[:2], *RULES[4:6], *rates, "--steps", "20", "--out", tmp_path / "out")
    assert outcome.code == 0, outcome.err
    assert re.search(r"naive +-\d\.\d+e\+\d\d ±\de\+\d\d", outcome.out)
    assert max(map(len, outcome.lines)) <= 80


def test_counts_of_starts_are_told_as_shares():
    counts = {"mean": 12.0, "sem": 2.0, "per_seed": [10.0, 14.0]}
    evaluated = [{"learner": "naive", "basins": {"B": {"cells": counts, "of": 25}}}]
    cell = {"row": "naive", "column": "naive", "payoff": 1.0, "sem": 0.1, "over": "trials", "diverged": 0.0}
    game = {"learners": ["naive"], "payoff_range": 1.0, "cells": [cell], "evaluated": evaluated}
    summary = {"steps": 5, "trials": 2, "seeds": [0, 1], "games": {"logistic": game}}
    assert claims.quantity("naive.basins.B", summary, None) == claims.Estimate(12 / 25, 2 / 25, (10 / 25, 14 / 25))
    _, table = standings_report.grids(summary, "logistic")
    assert (table.heads, table.rows) == (["", "basins\nB"], [["naive", "0.480 ±.080"]])
    assert "ours" not in standings_report.note(summary)


def test_fits_in_self_play_are_one_for_all_matches_and_matches_without_fits_stay_the_same():
    def planned(**overrides):
        asked = meetings.Tournament(games=("ipd",), learners=("naive", "meva"), overrides=overrides)
        return {(each.row, each.column): each for each in meetings.meetings(*runner.plugins(None), asked)}

    def fits(found):
        of_each = [fit for meeting in found.values() for fit in meeting.fits if fit is not None]
        return {(fit.fit_hash, n) for fit, n in of_each}

    before, alone = planned(), planned(**{"fit.self_play": True})
    assert (len(fits(before)), len(fits(alone))) == (2, 1)
    assert before["naive", "naive"].experiment == alone["naive", "naive"].experiment


def test_entrants_that_are_each_fitted_against_the_other_share_one_fit(toy, tmp_path, meva_command):
    quick, counts = "toy_foe,quick=toy_foe:rate=0.2", ["--trials", "2", "--steps", "2", "--seeds", "1"]
    arguments = ["--game", "hamiltonian", "--learners", quick, *counts, *SMALL[2:]]
    done = meva_command("tournament", *arguments, "--out", tmp_path / "out")
    assert done.code == 0, done.err
    told = " ".join((done.out + done.err).split())
    assert "fitting toy_foe (rate=0.1) and toy_foe (rate=0.2) together: 2 loops" in told
    # Each alone, and one for their two matches: either may sit in seat 1.
    assert len(list((tmp_path / "out" / "fits").iterdir())) == 4
    refused = meva_command("tournament", *arguments, "--set", "fit.chunk=1")
    assert refused.code == 2
    assert "expected one of fit.in_turn, fit.self_play, fit.exact" in refused.err
