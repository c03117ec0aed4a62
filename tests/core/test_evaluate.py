"""The questions of an evaluation, asked of learners so simple that the answers are known."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from meva_evaluations import basins as evaluations_basins
from meva_evaluations import cross_play as evaluations_cross_play
from meva_evaluations import fixed_points as evaluations_fixed_points
from meva_evaluations import polytope as evaluations_polytope
from meva_evaluations import shaping as evaluations_shaping
from meva_evaluations import versus
from meva_evaluations.best_response import BestResponse
from meva_meta_value import value_errors

import meva_core as meva
from meva_core import evaluate
from meva_core import match as matching
from meva_core.contracts import Game, Learner, Sweep, component, leaf, static
from meva_core.errors import BadCombination
from meva_core.evaluate import Plan, Question
from meva_core.experiment.experiment import EvaluateSettings
from meva_core.match import Fitted, Match
from meva_core.ops import simultaneous_gradient, stacked

LOGISTIC, IPD = meva.make("game", "logistic"), meva.make("game", "ipd")
KEY = jax.random.key(0)


@component
class Drift(Learner):
    """Everybody's numbers grow by `rate` in each of the first `steps` steps, then rest."""

    rate: float = leaf(default=0.0, doc="how far")
    steps: float = leaf(default=1e9, doc="how often")

    def init(self, params, x, key):
        return jnp.zeros(())

    def update(self, params, state, x, key):
        return jnp.full(x.shape, self.rate) * (state < self.steps), state + 1


@component
class Split(Learner):
    """Player 1 goes up by the rate, player 2 down."""

    rate: float = leaf(default=1.0, doc="how far")

    def update(self, params, state, x, key):
        return self.rate * jnp.array([[1.0], [-1.0]]), state


def self_play(learner, game=LOGISTIC):
    return meva.self_play(game, Fitted(learner=learner))


# ---------------------------------------------------------------- matches


def test_matches_end_where_the_learner_leads():
    ended = evaluate.matches(self_play(Drift(rate=2.0)), KEY, 5, 3)
    assert ended.x.shape == (5, 2, 1)
    still = evaluate.matches(self_play(Drift()), KEY, 5, 3)
    np.testing.assert_allclose(ended.x, still.x + 6.0, rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(ended.payoffs, jax.vmap(LOGISTIC.payoff)(ended.x), rtol=1e-5, atol=1e-5)
    assert len(np.unique(still.x)) == 10  # fresh starts, all of them


def test_outcomes_are_those_of_the_end():
    ended = evaluate.matches(self_play(Drift(rate=2.0)), KEY, 20, 2)
    np.testing.assert_array_equal(ended.outcomes["B"], np.all(ended.x > 0, axis=(1, 2)))
    assert 0 < np.mean(ended.outcomes["B"]) < 1


@pytest.mark.parametrize(
    ("rate", "moving", "played", "settled"),
    [
        (0.0, 0, 3, 1),  # never moves, in matches shorter than the window too
        (0.01, 1e9, 3, 0),
        (0.01, 50, 150, 1),  # at rest for exactly the last 100 steps
        (0.01, 51, 150, 0),
        (np.nan, 1e9, 3, 0),  # no numbers are no rest
    ],
)
def test_settled_looks_at_the_last_hundred_steps(rate, moving, played, settled):
    ended = jax.jit(lambda key: evaluate.matches(self_play(Drift(rate=rate, steps=moving)), key, 4, played))(KEY)
    np.testing.assert_array_equal(ended.settled, settled)


# ---------------------------------------------------------------- basins


def test_grid_has_player_1_along_the_second_axis():
    starts = evaluations_basins.grid(-10.0, 10.0, 3)
    assert starts.shape == (3, 3, 2, 1)
    np.testing.assert_array_equal(starts[0, 2, :, 0], [10.0, -10.0])
    np.testing.assert_array_equal(starts[1, 1, :, 0], [0.0, 0.0])


def test_basins_of_a_learner_that_splits():
    # Player 1 goes from a to a + 3, player 2 from b to b - 3: B where a > -3 and b > 3.
    starts = evaluations_basins.grid(-10.0, 10.0, 9)  # -10, -7.5, ... 10
    found = evaluations_basins.basins(self_play(Split()), starts, KEY, 3)
    axis = np.linspace(-10, 10, 9)
    np.testing.assert_array_equal(found["B"], (axis[None, :] > -3) & (axis[:, None] > 3))


def test_what_is_not_a_number_is_in_no_basin():
    found = evaluations_basins.basins(self_play(Drift(rate=np.nan)), evaluations_basins.grid(1.0, 2.0, 2), KEY, 1)
    assert not np.any(found["B"])


# ---------------------------------------------------------------- shaping


def test_against_seats_the_learner_first():
    learner, rival = Drift(rate=1.0), Drift(rate=10.0)
    match = versus.against(LOGISTIC, Fitted(learner=learner, params=3.0), rival)
    assert match.seats == (0, 1)
    assert match.players[0] == Fitted(learner=learner, params=3.0)
    assert match.players[1] == Fitted(learner=rival)
    played = meva.play(match, jnp.zeros((2, 1)), KEY, 2)
    np.testing.assert_array_equal(played.x, [[2.0], [20.0]])


def test_against_asks_the_learner_whom_it_can_face():
    learner = meva.make("learner", "meva", game=LOGISTIC, value_model={"width": 4, "blocks": 0}, discount=0.9)
    naive, lola = (meva.make("learner", name, game=LOGISTIC) for name in ("naive", "lola"))
    facing: Any = versus.against(LOGISTIC, Fitted(learner=learner), naive).players[0].learner
    np.testing.assert_allclose(facing.discounts, [0.9, 0.0], rtol=1e-6)
    with pytest.raises(BadCombination):
        versus.against(LOGISTIC, Fitted(learner=learner), lola)


# ---------------------------------------------------------------- survey

TINY = EvaluateSettings(pairs=3, steps=4)
RESPONSES = Question(name="best_response", evaluation=BestResponse(steps=5, restarts=1))


def over_seeds(game, learners):
    """A match whose leaves begin [S]."""
    player = Fitted(learner=stacked(learners))
    return Match(game=stacked([game] * len(learners)), players=(player,), seats=(0, 0))


def planned(*questions, sweep=None, values=(float("nan"),)):
    return Plan(sweep=sweep, values=values, own_value=None, settings=TINY, questions=questions)


@pytest.fixture(scope="module")
def ipd_seen():
    # Two seeds; against each other, and with a naive learner of rate 3 in the other seat.
    naive = meva.make("learner", "naive", game=IPD, rate=25.0)
    rival = meva.make("learner", "naive", game=IPD, rate=3.0)
    shaping = Question(name="shaping", evaluation=evaluations_shaping.Shaping(against="naive"), planned=rival)
    plan = planned(RESPONSES, shaping)
    keys = jax.random.split(KEY, 2)
    return evaluate.ask(IPD, over_seeds(IPD, [naive, naive]), keys, plan, (0, 1))


def test_seen_shapes(ipd_seen):
    assert ipd_seen.payoffs.shape == (2, 1, 3, 2)
    assert ipd_seen.policies.shape == (2, 1, 3, 2, 5)
    assert ipd_seen.settled.shape == (2, 1, 3)
    assert ipd_seen.answers["best_response"].each[0].shape == (2, 1, 3, 2, 2)
    assert ipd_seen.answers["shaping"].each.shape == (2, 1, 3, 2)
    assert list(ipd_seen.outcomes) == ["DD", "DC", "CD", "CC"]
    assert {share.shape for share in ipd_seen.outcomes.values()} == {(2, 1, 3)}
    assert list(ipd_seen.answers) == ["best_response", "shaping"]


def test_seen_reports_payoffs_of_its_policies(ipd_seen):
    policies = ipd_seen.policies.reshape(6, 2, 5)
    payoffs = jax.vmap(IPD.payoff)(policies)
    np.testing.assert_allclose(ipd_seen.payoffs.reshape(6, 2), payoffs, rtol=1e-4)
    # Seeds and pairs are all different.
    assert len(np.unique(np.round(payoffs, 5))) == 12


@pytest.mark.parametrize("seat", [0, 1])
def test_seen_responses_are_best_responses(ipd_seen, seat):
    policies = ipd_seen.policies.reshape(6, 2, 5)
    for x, found in zip(policies, ipd_seen.answers["best_response"].each[0].reshape(6, 2, 2), strict=True):
        expected = meva.best_response(IPD, jnp.asarray(x), seat, KEY).payoffs
        np.testing.assert_allclose(found[seat], expected, rtol=1e-4)


def test_rows_are_settings_of_the_learner():
    basins = Question(name="basins", evaluation=evaluations_basins.Basins(grid=3, steps=2))
    plan = planned(RESPONSES, basins, sweep=Sweep("rate", (), "how far"), values=(0.0, 1.0))
    found: Any = evaluate.ask(LOGISTIC, over_seeds(LOGISTIC, [Drift(rate=0.25)]), KEY[None], plan, (0,))
    assert found.label == "how far"
    cells, paths, moved = found.answers["basins"].each
    assert moved is None
    # The same starts in every row; four steps by 0 or by 1.
    np.testing.assert_allclose(found.policies[0, 1], found.policies[0, 0] + 4.0, rtol=1e-5, atol=1e-5)
    # Basins over the plane -10 ... 10 in three steps of 10, two steps by 0 or by 1: 0 becomes positive.
    expected = np.array([[[0, 0, 0], [0, 0, 0], [0, 0, 1]], [[0, 0, 0], [0, 1, 1], [0, 1, 1]]], bool)
    np.testing.assert_array_equal(cells["B"][0], expected)
    assert paths.shape[:2] == (1, 2)
    moved = paths[0, :, :, -1] - paths[0, :, :, 0]
    np.testing.assert_allclose(moved[0], 0.0)
    np.testing.assert_allclose(moved[1], 2.0, rtol=1e-5)
    # And the answers to what they end with, by ascent: no worse than what was there.
    own = np.diagonal(found.answers["best_response"].each[0][0], axis1=2, axis2=3)
    assert np.all(own >= found.payoffs[0] - 1e-3)


# ---------------------------------------------------------------- exploitability, stability, cross-play, polytope

TANDEM, HAMILTONIAN = meva.make("game", "tandem"), meva.make("game", "hamiltonian")


def rule(name, game, **settings):
    return meva.self_play(game, Fitted(learner=meva.make("learner", name, game=game, **settings)))


def test_unconditional_cooperation_is_exploitable_and_tit_for_tat_is_not():
    named = IPD.strategies
    naive = evaluate.exploitability(IPD, jnp.stack([named["always_cooperate"]] * 2), KEY)
    np.testing.assert_allclose(naive.gain, 1.0, atol=1e-3)  # 0 instead of -1
    np.testing.assert_allclose(naive.loss, [[-1, 2], [2, -1]], atol=1e-3)  # -3 instead of -1
    fair = evaluate.exploitability(IPD, jnp.stack([named["tit_for_tat"]] * 2), KEY)
    np.testing.assert_allclose(fair.gain, 0.0, atol=1e-3)


def test_exploitability_knows_the_seats():
    x = jnp.stack([IPD.strategies["always_cooperate"], IPD.strategies["always_defect"]])
    found = evaluate.exploitability(IPD, x, KEY)
    np.testing.assert_allclose(found.gain, [1.0, 0.0], atol=1e-3)  # only the first has something better to do
    np.testing.assert_allclose(found.loss[0], [-1.0, 2.0], atol=1e-3)


def test_exploitability_where_answers_are_found_by_ascent():
    """Tandem: what 2 a - (a + b)^2 lacks of the best against b, a = 1 - b, is (a + b - 1)^2."""
    found = evaluate.exploitability(TANDEM, jnp.array([[0.0], [2.5]]), KEY, rate=0.1)
    np.testing.assert_allclose(found.gain, 1.5**2, atol=1e-3)


@pytest.mark.parametrize("rate", [0.01, 0.1])
def test_eigenvalues_of_naive_learning_by_hand(rate):
    around = evaluations_fixed_points.eigenvalues(rule("naive", HAMILTONIAN, rate=rate), jnp.zeros((2, 1)), KEY)
    np.testing.assert_allclose(np.sort_complex(around), [1 - rate * 1j, 1 + rate * 1j], rtol=1e-5)  # outwards
    along = evaluations_fixed_points.eigenvalues(rule("naive", TANDEM, rate=rate), jnp.full((2, 1), 0.5), KEY)
    np.testing.assert_allclose(along, [1, 1 - 4 * rate], rtol=1e-4, atol=1e-5)  # a line of rest, drawn to


def test_rest_of_naive_learning_is_on_its_line():
    start = jnp.array([[2.0], [-0.3]])
    found = evaluations_fixed_points.rest(rule("naive", TANDEM, rate=0.1), start, KEY)
    np.testing.assert_allclose(jnp.sum(found.x), 1.0, atol=1e-4)
    np.testing.assert_allclose(found.x[0] - found.x[1], start[0] - start[1], atol=1e-4)  # the nearest point of it
    assert found.speed < 1e-5


def test_rest_of_lola_has_moved_from_the_games_equilibrium():
    """Newton's method finds at once where the steps lead; the tandem's other roots are in test_rules."""
    match = rule("lola", TANDEM, rate=0.1, look_ahead_rate=0.1)
    found = evaluations_fixed_points.rest(match, jnp.zeros((2, 1)), KEY)
    np.testing.assert_allclose(found.x, meva.play(match, jnp.zeros((2, 1)), KEY, 500).x, atol=1e-4)
    assert abs(float(jnp.sum(found.x)) - 1) > 1e-2
    assert np.all(np.abs(evaluations_fixed_points.eigenvalues(match, found.x, KEY)) < 1 + 1e-5)


def test_no_rest_is_told_by_its_speed():
    found = evaluations_fixed_points.rest(self_play(Drift(rate=0.5)), jnp.zeros((2, 1)), KEY)
    np.testing.assert_allclose(found.speed, 0.5, rtol=1e-5)


def test_cross_play_seats_the_row_first():
    drifts = stacked([Fitted(learner=Drift(rate=r)) for r in (0.0, 1.0)])
    found = evaluations_cross_play.cross_play(LOGISTIC, drifts, KEY, 6, 2)
    assert found.shape == (2, 2, 6, 2)
    x = evaluate.matches(self_play(Drift()), KEY, 6, 2).x
    for i in (0, 1):
        for j in (0, 1):
            moved = x + 2.0 * jnp.array([[i], [j]])
            np.testing.assert_allclose(found[i, j], jax.vmap(LOGISTIC.payoff)(moved), rtol=1e-5, atol=1e-6)


def test_the_polytope_of_extortion_is_a_line():
    policy = IPD.strategies["extortion"](3.0)[0]
    opponents = jax.random.normal(KEY, (50, 5))
    found = evaluations_polytope.polytope(IPD, policy, opponents)
    surplus = np.asarray(found.payoffs) + 2.0  # over mutual defection
    np.testing.assert_allclose(surplus[:, 0], 3 * surplus[:, 1], atol=1e-3)
    mirrored = evaluations_polytope.polytope(IPD, policy, opponents, seat=1)
    np.testing.assert_allclose(mirrored.payoffs, found.payoffs[:, ::-1], atol=1e-5)
    corners = np.asarray(found.feasible)
    assert corners.shape == (32 * 32, 2)
    for direction in np.stack([np.cos(np.linspace(0, 6, 20)), np.sin(np.linspace(0, 6, 20))], axis=1):
        assert np.max(found.payoffs @ direction) <= np.max(corners @ direction) + 1e-4  # within the hull
    np.testing.assert_allclose([found.feasible.min(), found.feasible.max()], [-3, 0], atol=1e-3)


def test_a_polytope_takes_two_players():
    with pytest.raises(BadCombination, match="two players for a polytope, got one with 3"):
        evaluations_polytope.polytope(meva.make("game", "public_goods", num_players=3), jnp.zeros(5), jnp.zeros((2, 5)))
    assert evaluations_polytope.polytope(LOGISTIC, jnp.zeros(1), jnp.zeros((3, 1))).feasible.shape == (0, 2)


def test_extortion_over_training_is_told_by_slope_and_straightness():
    """Press & Dyson: who extorts with factor 3 gains 3 where the other gains 1."""
    x = jnp.stack([IPD.strategies["extortion"](3.0)[0], IPD.strategies["random"]])
    opponents = jax.random.normal(KEY, (50, 5))
    found = evaluations_polytope.over_training(self_play(Drift(), IPD), x, KEY, opponents, 12)
    assert evaluations_polytope.snapshots(12) == [0, 3, 10]
    assert (found.payoffs.shape, found.cloud.shape) == ((3, 2), (3, 50, 2))
    np.testing.assert_allclose(found.slope, 1 / 3, atol=1e-3)
    np.testing.assert_allclose(found.straightness, 1.0, atol=1e-4)
    np.testing.assert_allclose(found.payoffs[0], IPD.payoff(x), rtol=1e-5)
    np.testing.assert_allclose(found.cloud[0], evaluations_polytope.polytope(IPD, x[0], opponents).payoffs, rtol=1e-5)


def test_over_training_looks_at_the_policies_of_each_step():
    x = jnp.zeros((2, 5))
    found = evaluations_polytope.over_training(
        self_play(Drift(rate=0.5), IPD), x, KEY, jax.random.normal(KEY, (9, 5)), 5
    )
    np.testing.assert_allclose(found.payoffs, [IPD.payoff(x), IPD.payoff(x + 1.5)], rtol=1e-5)


# ---------------------------------------------------------------- unstable starts, the game's own equilibria


def test_starts_on_the_border_are_unstable():
    # B where both end positive: of -1, -0.5 ... 1 those with a 0, unless the other is negative.
    starts = evaluations_basins.grid(-1.0, 1.0, 5)
    ends = evaluations_basins.basins(self_play(Drift()), starts, KEY, 1)
    found = evaluations_basins.unstable(self_play(Drift()), starts, ends, KEY, 1, 1e-3)
    axis = np.linspace(-1, 1, 5)
    a, b = np.meshgrid(axis, axis)
    np.testing.assert_array_equal(found, (a >= 0) & (b >= 0) & ((a == 0) | (b == 0)))


def test_equilibria_of_the_games_themselves():
    found = evaluations_fixed_points.equilibrium(LOGISTIC, jnp.array([[4.0], [6.0]]))
    np.testing.assert_allclose(found, 5.0307, atol=1e-3)  # METHOD: the fixed point B
    line = evaluations_fixed_points.equilibrium(TANDEM, jnp.array([[2.0], [-0.3]]))
    np.testing.assert_allclose(line, [[1.65], [-0.65]], atol=1e-4)  # the nearest point of a + b = 1


# ---------------------------------------------------------------- errors of a learnt value


@component
class Halves(Learner):
    """Everybody's number halves in every step; on f = -ab, ab that is a quarter of the payoff each time."""

    rate: float = leaf(default=0.5, doc="how far towards 0")
    discount: float = leaf(default=0.9, doc="meta-discount")
    error: float = leaf(default=0.0, doc="by which it values too much")

    def update(self, params, state, x, key):
        return -self.rate * x, state

    def meta_value(self, params, x):
        value = (1 - self.discount) * HAMILTONIAN.payoff(x) / (1 - self.discount / 4)
        return value + self.error, jnp.full(2, self.discount)


@pytest.mark.parametrize("discount", [0.0, 0.9, 0.99])
def test_a_true_value_has_no_error(discount):
    found: Any = value_errors.value_errors(
        self_play(Halves(discount=discount), HAMILTONIAN), jnp.array([[2.0], [-3.0]]), KEY
    )
    np.testing.assert_allclose(found[:4], 0.0, atol=1e-6)
    assert list(found.regions) == ["elsewhere"]  # a game without outcomes
    np.testing.assert_allclose(found.regions["elsewhere"], [0.0, 2 * 120], atol=1e-4)  # two seats, 100 + 10 + 10 states


def test_a_constant_error_is_told_and_in_ten_steps_fades():
    match = self_play(Halves(discount=0.9, error=0.25), HAMILTONIAN)
    found: Any = jax.jit(value_errors.value_errors)(match, jnp.array([[2.0], [-3.0]]), KEY)
    np.testing.assert_allclose(found.value, 0.25, rtol=1e-4)
    np.testing.assert_allclose(found.td, 0.25 * (1 - 0.9**10), rtol=1e-4)
    np.testing.assert_allclose([found.early, found.late], 0.25, rtol=1e-4)


def test_only_the_learners_own_seats_count():
    @component
    class FirstIsWrong(Halves):
        def meta_value(self, params, x):
            value, discounts = Halves.meta_value(self, params, x)
            return value + jnp.array([0.5, 100.0]), discounts

    players = (Fitted(learner=FirstIsWrong()), Fitted(learner=Halves()))
    match = Match(game=HAMILTONIAN, players=players, seats=(0, 1))
    found: Any = value_errors.value_errors(match, jnp.array([[2.0], [-3.0]]), KEY)
    np.testing.assert_allclose(found.value, 0.5, rtol=1e-4)


def test_who_learns_no_value_has_no_errors():
    assert value_errors.value_errors(self_play(Drift()), jnp.ones((2, 1)), KEY) is None


def test_errors_are_told_where_they_are_made():
    @component
    class WrongAtB(Drift):
        def meta_value(self, params, x):
            return LOGISTIC.payoff(x) + jnp.all(x > 0), jnp.full(2, 0.9)

    # Player 1 is at 4, player 2 at -10.5 and grows by 1: after 11 steps both are positive, and then they rest.
    match = self_play(WrongAtB(rate=1.0, steps=11.0))
    found: Any = value_errors.value_errors(match, jnp.array([[4.0], [-10.5]]), KEY)
    assert list(found.regions) == ["B", "elsewhere"]
    np.testing.assert_array_equal([region[1] for region in found.regions.values()], [2 * 109, 2 * 11])
    np.testing.assert_allclose(found.regions["B"][0], 2 * 109, rtol=1e-4)
    np.testing.assert_allclose(found.late, 1.0, rtol=1e-4)


def test_a_true_value_points_the_right_way():
    for discount in (0.0, 0.9, 0.99):
        match = self_play(Halves(discount=discount), HAMILTONIAN)
        found: Any = jax.jit(value_errors.value_errors)(match, jnp.array([[2.0], [-3.0]]), KEY)
        np.testing.assert_allclose(found.angle, 0.0, atol=0.1)
        x = jnp.array([[1.0], [3.0]])
        xs = matching.trajectory(match, x, KEY, 50)
        slope = value_errors.true_gradients(match, xs, KEY)[0, 0, 0]
        np.testing.assert_allclose(slope, -3 * (1 - discount) / (1 - discount / 4), rtol=1e-4)


def test_the_true_gradient_goes_through_the_others_steps():
    @component
    class Copied(Learner):
        """Player 2 copies player 1; its value knows that, or takes the copy for a constant. On f = -ab, ab."""

        rate: float = leaf(default=1.0, doc="how far")
        knows: bool = static(default=True, doc="whether it does")

        def update(self, params, state, x, key):
            return self.rate * jnp.stack([jnp.zeros(1), x[0] - x[1]]), state

        def meta_value(self, params, x):
            copy = x[0] if self.knows else jax.lax.stop_gradient(x[0])
            value = (HAMILTONIAN.payoff(x) + HAMILTONIAN.payoff(jnp.stack([x[0], copy]))) / 2
            return value, jnp.full(2, 0.5)

    # V1 = (-ab - aa) / 2: at (1, -1.5) it falls with a, by 0.25, and would rise by 0.25 were the copy a constant.
    # There the two point apart; in the states after 3, 10 and 30 steps, (1, 1), and for player 2 they agree.
    x = jnp.array([[1.0], [-1.5]])
    known: Any = value_errors.value_errors(self_play(Copied(knows=True), HAMILTONIAN), x, KEY)
    constant: Any = value_errors.value_errors(self_play(Copied(knows=False), HAMILTONIAN), x, KEY)
    assert known.angle == 0.0
    np.testing.assert_allclose(constant.angle, 180 / 8)


@component
class Trio(Game):
    """Three players with two numbers each, who care differently for either neighbour."""

    num_players, policy_size, symmetric = 3, 2, False

    def init(self, key):
        return jax.random.normal(key, (3, 2))

    def payoff(self, x):
        left, right = jnp.roll(x, 1, axis=0), jnp.roll(x, -1, axis=0)
        return jnp.sum(jnp.sin(x * left) + x * right**2 - x**2, axis=1)


def test_true_gradients_are_those_of_the_unrolled_sum():
    game = Trio()
    discounts = jnp.array([0.0, 0.6, 0.9])

    @component
    class Valued(Drift):
        def update(self, params, state, x, key):
            return 0.1 * simultaneous_gradient(game.payoff, x), state

        def meta_value(self, params, x):
            return game.payoff(x), discounts

    match, x = self_play(Valued(), game), game.init(KEY)

    def unrolled(x):
        payoffs = matching.play(match, x, KEY, 5).payoffs
        weights = (1 - discounts) * discounts ** jnp.arange(6.0)[:, None]
        return jnp.sum(weights[:-1] * payoffs[:-1], axis=0) + discounts**5 * payoffs[-1]

    found = value_errors.true_gradients(match, matching.trajectory(match, x, KEY, 5), KEY)
    assert found.shape == (6, 3, 3, x.shape[1])
    np.testing.assert_allclose(found[0], jax.jit(jax.jacrev(unrolled))(x), rtol=1e-4, atol=1e-7)
    np.testing.assert_allclose(
        found[-1], jax.jacrev(game.payoff)(matching.play(match, x, KEY, 5).x), rtol=1e-4, atol=1e-7
    )


@pytest.mark.parametrize("size", [1e-30, 1e30])
def test_angles_of_tiny_and_huge_gradients(size):
    @component
    class Scaled(Halves):
        def meta_value(self, params, x):
            value, discounts = Halves.meta_value(self, params, x)
            return size * value, discounts

    found: Any = value_errors.value_errors(self_play(Scaled(), HAMILTONIAN), jnp.array([[2.0], [-3.0]]), KEY)
    np.testing.assert_allclose(found.angle, 0.0, atol=0.1)


def test_where_nothing_is_to_be_gained_there_is_no_direction():
    found: Any = value_errors.value_errors(self_play(Halves(), HAMILTONIAN), jnp.zeros((2, 1)), KEY)
    assert np.isnan(found.angle)


def test_steps_are_measured():
    ended = evaluate.matches(self_play(Drift(rate=2.0, steps=30.0)), KEY, 4, 120)
    assert evaluate.looked_at(120) == [1, 10, 100, 120]
    np.testing.assert_allclose(ended.lengths, np.tile([2.0, 2.0, 0.0, 0.0], (4, 1)), rtol=1e-4, atol=1e-6)
