"""summary.json beyond payoffs: each number against the evaluation that it comes from, asked directly."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from meva_meta_value import value_errors

import meva_core as meva
from meva_core import evaluate, ops
from meva_core.errors import MevaError
from meva_core.experiment import compose
from meva_core.report import statistics, tables
from meva_core.report.quantities import quantities
from meva_core.studies import reproductions

FEW = {"evaluate.pairs": 3, "evaluate.steps": 12, "evaluate.basins.grid": 5, "evaluate.basins.steps": 200}


@pytest.fixture(scope="module")
def lola():
    values = {"evaluate.values": [0.0, 10.0], "evaluate.best_response.steps": 3}
    return meva.run("logistic", "lola", set={**FEW, **values, "evaluate.basins.nudge": 1e-6, "evaluate.float64": True})


@pytest.fixture(scope="module")
def fitted():
    model = {"value_model.width": 8, "value_model.blocks": 0, "learner.quantiles": 2, "learner.batch_size": 4}
    asked = {"learner.loops": 2, "evaluate.values": [0.0, 0.95], "evaluate.asked": ["default", "polytope"]}
    asked["evaluate.polytope.opponents"] = 20
    return meva.run("ipd", "meva", recipe="shaping", seeds=2, set={**FEW, **model, **asked})


@pytest.fixture(scope="module")
def naive():
    return meva.run("ipd", "naive", opponent="lola", set={"evaluate.pairs": 2, "evaluate.steps": 2})


def captions(result):
    return [grid.caption.partition(" ")[0] for grid in tables.further_grids(result.summary(), result.evaluations)]


def test_exploitability_is_the_best_responses(fitted):
    x = fitted.policies[:, 1].reshape(-1, 2, 5)
    asked = [evaluate.exploitability(meva.make("game", "ipd"), jnp.asarray(pair), jax.random.key(0)) for pair in x]
    told = fitted.summary()["rows"][1]["exploitability"]
    np.testing.assert_allclose(told["gain"]["mean"], np.mean([found.gain for found in asked]), rtol=1e-3)
    crossed = [[found.loss[0, 1], found.loss[1, 0]] for found in asked]
    np.testing.assert_allclose(told["loss"]["mean"], np.mean(crossed), rtol=1e-3, atol=1e-4)


def test_a_naive_player_knows_its_own_worth(fitted):
    """At discount 0 the value is the payoff, in the correction formulation exactly; beyond, two loops teach little."""
    none, much = (row["errors"] for row in fitted.summary()["rows"])
    assert (none["value"]["mean"], none["td"]["mean"]) == pytest.approx((0.0, 0.0), abs=1e-8)  # but for rounding
    assert much["value"]["mean"] > 0.01
    assert len(much["td"]["per_seed"]) == 2
    assert none["angle"]["mean"] < 0.1  # and it follows the payoff
    assert much["angle"]["mean"] > 1


def test_regions_hold_all_states(fitted):
    for row in fitted.summary()["rows"]:
        assert list(row["regions"]) == ["DD", "DC", "CD", "CC", "elsewhere"]
        assert sum(region["share"] for region in row["regions"].values()) == pytest.approx(1.0)
    states = sum(sums[..., 1] for sums in fitted.seen.answers["value_errors"].each.regions.values())
    np.testing.assert_array_equal(states, 2 * 120)  # two seats; 110 states and 10 late ones


def test_errors_of_regions_are_over_the_seeds_that_came_there():
    sums = {"DD": np.array([[[3.0, 2.0], [1.0, 2.0]], [[0.0, 0.0], [0.0, 0.0]]]), "CC": np.ones((2, 2, 2))}
    found = value_errors._by_region(sums)
    single = {"mean": 1.0, "sem": None, "ci_low": None, "ci_high": None, "iqm": 1.0}
    assert found["DD"]["error"] == {**single, "over": "seeds", "per_seed": [1.0, None]}
    assert found["DD"]["share"] == 0.5
    assert found["CC"]["error"]["per_seed"] == [1.0, 1.0]


def test_a_match_that_diverged_leaves_no_mean():
    assert statistics.statistic(np.array([[0.1, np.nan]]))["mean"] is None
    found = value_errors._by_region({"DD": np.array([[[np.nan, 1.0], [1.0, 2.0]], [[2.0, 2.0], [2.0, 2.0]]])})
    assert found["DD"]["error"]["mean"] is None


def test_intervals_and_interquartile_means_are_over_seeds_if_there_are_several():
    samples = np.random.default_rng(0).normal(size=(8, 5))
    several, one = statistics.statistic(samples), statistics.statistic(samples[:1])
    assert (several["ci_low"], several["ci_high"]) == ops.bootstrap_interval(samples.mean(axis=1))
    assert several["iqm"] == ops.interquartile_mean(samples.mean(axis=1))
    assert (one["ci_low"], one["ci_high"]) == ops.bootstrap_interval(samples[0])
    assert several["ci_low"] < several["mean"] < several["ci_high"]
    assert several == statistics.statistic(samples)


def test_what_is_known_of_nothing():
    assert statistics.known(np.full((1, 3), np.nan))["mean"] is None
    assert statistics.known(np.array([[np.nan, 2.0, 4.0]]))["mean"] == 3.0


def test_convergence_is_the_matches(fitted):
    told = fitted.summary()["rows"][1]["convergence"]
    assert [at["step"] for at in told] == [1, 10, 12]
    np.testing.assert_allclose([at["length"] for at in told], fitted.seen.lengths[:, 1].mean(axis=(0, 1)), rtol=1e-5)


def test_cross_play_has_self_play_on_its_diagonal(fitted):
    told = fitted.summary()["cross_play"]
    assert (told["seeds"], told["value"]) == ([0, 1], 0.95)
    assert np.shape(told["payoffs"]) == (2, 2)
    first = fitted.players[0]
    own = jax.tree.map(lambda leaf: leaf[1], first)
    key = jax.random.fold_in(jax.random.key(0), 2**32 - 6)
    played = evaluate.matches(meva.self_play(meva.make("game", "ipd"), own), key, 3, 12)
    np.testing.assert_allclose(told["payoffs"][1][1], np.mean(played.payoffs[:, 0]), rtol=1e-3)


def test_extortion_is_told_snapshot_by_snapshot(fitted):
    told = fitted.summary()["rows"][1]["extortion"]
    assert [at["step"] for at in told["over_training"]] == [0, 3, 10]
    last = fitted.seen.answers["polytope"].each
    np.testing.assert_allclose(told["slope"]["mean"], last.slope[:, 1, :, -1].mean(), rtol=1e-5)
    np.testing.assert_allclose(
        told["over_training"][0]["payoffs"], last.payoffs[:, 1, :, 0].mean(axis=(0, 1)), rtol=1e-5
    )


def test_without_a_question_there_is_no_answer(lola):
    told = lola.summary()
    assert "cross_play" not in told
    assert not any({"errors", "extortion"} & row.keys() for row in told["rows"])
    assert told["evaluations"] == ["best_response", "convergence", "shaping", "basins", "fixed_points"]


def test_float64_is_only_inside(lola):
    assert lola.payoffs.dtype == np.float64
    assert jnp.zeros(1).dtype == jnp.float32


def test_unstable_starts_are_listed(lola):
    """Naive learning goes to the nearer solution: the starts on the line a = -b are a toss."""
    told = lola.summary()["rows"][0]["unstable"]
    assert (told["by"], told["of"], told["cells"]["mean"]) == (1e-6, 25, 5.0)
    assert sorted(map(tuple, told["starts"])) == [(a, -a) for a in (-10.0, -5.0, 0.0, 5.0, 10.0)]


def test_rests_are_where_the_game_has_its_own_unless_they_moved(lola):
    naive, shaped = (row["rests"] for row in lola.summary()["rows"])
    assert sorted(round(rest["x"][0], 2) for rest in naive if rest["share"] > 0) == [-5.03, 5.03]
    for rest in naive:
        assert rest["away"] < 1e-5
    for rest in shaped:
        game = meva.make("game", "logistic")
        match = meva.self_play(
            game, meva.Fitted(learner=meva.make("learner", "lola", game=game, look_ahead_rate=10.0, variant="exact"))
        )
        x = jnp.array(rest["x"])[:, None]
        np.testing.assert_allclose(meva.play(match, x, jax.random.key(0), 1).x, x, atol=1e-3)
        assert rest["stable"] == (rest["modulus"] < 1)
    assert max(rest["away"] for rest in shaped) > 1e-3


@pytest.mark.parametrize("name", ["lola", "fitted", "naive"])
def test_the_numbers_of_a_summary_are_known_before_it_is_made(name, request):
    """So that a misspelt one costs no fit."""
    result = request.getfixturevalue(name)
    composition = compose.compose(result.experiment)
    plan = evaluate.plan(result.experiment, composition)
    there = reproductions.rows_of(result.summary())
    assert sorted(quantities(composition, plan)) == sorted(there.quantities)


def test_a_page_has_a_table_for_each(lola, fitted):
    assert captions(lola) == ["exploitability:", "convergence:", "starts", "fixed"]
    assert captions(fitted) == [
        "payoffs:",
        "exploitability:",
        "our",
        "convergence:",
        "extortion",
        "cross-play",
        "the",
        "the",
    ]
    for grid in (g for run in (lola, fitted) for g in tables.further_grids(run.summary(), run.evaluations)):
        assert all(len(row) == len(grid.heads) for row in grid.rows)


def test_a_line_of_rests_is_neither_stable_nor_not():
    """Tandem: naive learning settles on a + b = 1, and along it nothing pulls."""
    told = meva.run("tandem", "naive", set={**FEW, "learner.rate": 0.1}).summary()["rows"][0]["rests"]
    assert len(told) > 3
    assert {rest["stable"] for rest in told} == {None}
    np.testing.assert_allclose([sum(rest["x"]) for rest in told], 1.0, atol=1e-3)


@pytest.mark.long
def test_a_polytope_of_a_zero_sum_game_is_a_line(tmp_path):
    asked = {
        "evaluate.asked": ["polytope"],
        "evaluate.polytope.opponents": 5,
        "evaluate.values": [0.0],
        "evaluate.pairs": 2,
        "evaluate.steps": 3,
    }
    meva.run("imp", "lola", set=asked, out=tmp_path / "run")
    assert (tmp_path / "run" / "figures" / "polytope.svg").is_file()


@pytest.mark.parametrize(
    ("game", "asked", "said"),
    [
        (
            "ipd",
            {"asked": ["basins"]},
            "expected a game with a plane of two numbers to survey for evaluation basins, got",
        ),
        (
            "logistic",
            {"basins.nudge": 1e-6},
            "expected evaluate.basins.nudge of 1e-05 or more in single precision, got",
        ),
        (
            "public_goods",
            {"asked": ["polytope"]},
            "expected a game of two players for evaluation polytope, got lola on",
        ),
        ("ipd", {"shaping.against": "m_maml"}, "expected an opponent that needs no fit, got 'm_maml'"),
        (
            "ipd",
            {"asked": ["polytope"], "shaping.against": "lola"},
            "expected self-play of a learner that can play against lola for evaluation polytope",
        ),
        ("ipd", {"asked": ["nosuch"]}, "unknown evaluation 'nosuch'"),
        ("ipd", {"asked": ["basin"]}, "did you mean 'basins'?"),
        ("ipd", {"polytope.opponents": 5}, "add it with --evaluate default,polytope"),
        ("ipd", {"nosuch.grid": 5}, "unknown evaluation 'nosuch'"),
        ("ipd", {"basins.gird": 5}, "unknown hyper-parameter 'gird'"),
        ("ipd", {"grid": 5}, "evaluate.grid is now evaluate.basins.grid: use that instead"),
        ("ipd", {"response_rate": 5.0}, "evaluate.response_rate is now evaluate.best_response.rate"),
    ],
)
def test_questions_without_an_answer_cost_no_fit(game, asked, said):
    settings = {f"evaluate.{name}": value for name, value in asked.items()}
    if game == "public_goods":
        settings["game.num_players"] = 3
    with pytest.raises(MevaError) as told:
        meva.run(game, "lola", set=settings)
    assert said in str(told.value)
