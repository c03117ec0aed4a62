"""COALA-PG on exact payoffs: its objective and its gradient, whom its members meet, and what it plays."""

import json
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from meva_policies.table import Table

import meva_core as meva
from meva_core import fitting
from meva_core.errors import BadCombination
from meva_core.match import Fitted, Held
from meva_core.sampling import Rollouts, policy_arguments

IPD, HAMILTONIAN = meva.make("game", "ipd"), meva.make("game", "hamiltonian")
ROWS = json.loads((Path(__file__).parent.parent / "golden" / "rules.json").read_text())["rows"]
KEY = jax.random.key(3)


def make(game=IPD, **settings):
    return meva.make("learner", "coala_pg", game=game, **{"batch_size": 2, "steps": 3, "loops": 3, **settings})


def fitted(learner):
    *_, last = fitting.fit([learner.training], [0], chunk=learner.loops)
    return jax.tree.map(lambda leaf: leaf[0], fitting.fitted_params([learner.training], last.state))


def held(*strategies):
    """A player who does not move, of the prisoner's dilemma's strategies by seat."""
    return Fitted(learner=Held(policies=jnp.stack([IPD.strategies[name] for name in strategies])))


@jax.jit
def rows_of(learner, x):
    """The gradient of every seat's objective in its own policy, f64[P, D], when x are the policies of all."""
    objective = learner.training.objective
    return jnp.stack([jax.grad(lambda own, s=seat: objective(s, own, x, KEY))(x[seat]) for seat in range(len(x))])


def golden(name):
    """A golden row with the golden steps of naive learning and of exact LOLA, and the game."""
    row = next(row for row in ROWS if row["game"] == name)
    return meva.make("game", name), row, *(np.array(row["steps"][rule]) for rule in ("naive", "lola"))


@pytest.mark.parametrize("name", ["logistic", pytest.param("ipd", marks=pytest.mark.long)])
def test_one_step_from_the_present_policies_is_naive_learning_and_lola(name):
    """The mean of f_i(x) and f_i(x_i, x_j + h d_j f_j) has half of both gradients."""
    with jax.enable_x64(True):
        game, row, naive, lola = golden(name)
        learner = make(game, starts="present", steps=1, rate=row["alpha"])
        found = rows_of(learner, jnp.array(row["x"]))
        np.testing.assert_allclose(2 * found, naive + lola, rtol=1e-9, atol=1e-9)


def test_the_last_payoff_alone_is_lola_mixed_with_naive_learning():
    with jax.enable_x64(True):
        game, row, naive, lola = golden("logistic")
        settings = {"starts": "present", "steps": 1, "rate": row["alpha"], "objective": "last"}
        for share in (1.0, 0.25):
            found = rows_of(make(game, naive_share=share, **settings), jnp.array(row["x"]))
            np.testing.assert_allclose(found, share * lola + (1 - share) * naive, rtol=1e-9, atol=1e-9)


@pytest.mark.long
def test_the_last_of_several_steps_is_lola_that_looks_as_far_ahead():
    game = meva.make("game", "tandem")
    x = game.init(KEY)
    lola = meva.make("learner", "lola", game=game, rate=1.0, look_ahead_rate=0.2, look_aheads=3)
    found = rows_of(make(game, rate=0.2, starts="present", objective="last"), x)
    np.testing.assert_allclose(found, lola.update(None, (), x, KEY)[0], rtol=1e-4, atol=1e-6)


def test_its_mean_payoff_is_the_good_shepherd_s_fitness():
    learner, member = make(rate=5.0), jnp.linspace(-1, 1, 5)
    shepherd = meva.make("learner", "good_shepherd", game=IPD, rate=5.0, steps=4, co_players=2)

    @jax.jit
    def both(key):
        fitness = shepherd.training.fitness(1, member, shepherd.training.init(KEY), key)
        each = jax.vmap(lambda key: learner.training.objective(1, member, IPD.init(KEY), key))(jax.random.split(key, 2))
        return fitness, jnp.mean(each)

    fitness, mean = both(KEY)
    np.testing.assert_allclose(mean, fitness, rtol=1e-5)


def test_members_of_a_population_meet_each_other_and_step_by_adamw():
    learner = make(HAMILTONIAN, population=2, naive_share=0.0, weight_decay=0.5, optimiser_rate=0.1)
    state = learner.training.init(KEY)
    after, metrics = jax.jit(type(learner.training).step)(learner.training, state, KEY)
    one, other = (np.asarray(member)[:, 0] for member in state.policies)  # a and b: f1 = -a b, f2 = a b
    paid = [-one[0] * other[1], other[0] * one[1], -other[0] * one[1], one[0] * other[1]]
    assert float(metrics["payoff"]) == pytest.approx(np.mean(paid), abs=1e-6)
    uphill = np.sign([[-other[1], other[0]], [-one[1], one[0]]])
    members = np.asarray(state.policies)[..., 0]
    np.testing.assert_allclose(after.policies[..., 0], members + 0.1 * (uphill - 0.5 * members), atol=1e-5)


@pytest.mark.long
def test_three_members_never_meet_themselves():
    learner = make(HAMILTONIAN, population=3, naive_share=0.0, batch_size=5000)
    state = learner.training.init(KEY)
    _, metrics = jax.jit(type(learner.training).step)(learner.training, state, KEY)
    a, b = (np.asarray(state.policies)[:, seat, 0] for seat in (0, 1))
    unit = float(np.max(HAMILTONIAN.payoff_range))
    expected = np.linalg.norm([(each.sum() - each) / 2 for each in (a, b)])  # the gradients: means of the others' a, b
    with_itself = np.linalg.norm([np.full(3, each.mean()) for each in (a, b)])
    found = float(metrics["gradient_norm"]) * unit
    assert found == pytest.approx(expected, rel=0.02) != pytest.approx(with_itself, rel=0.02)


def test_seats_play_members_in_turn():
    learner = make(HAMILTONIAN, population=2)
    state = learner.training.init(KEY)
    params = learner.training.params(state)
    np.testing.assert_array_equal(params, jnp.stack([state.policies[0, 0], state.policies[1, 1]]))
    x = HAMILTONIAN.init(KEY)
    np.testing.assert_array_equal(learner.start(params, x, KEY), params)
    np.testing.assert_array_equal(learner.update(params, (), x, KEY)[0], np.zeros((2, 1)))


def test_in_a_symmetric_game_a_member_has_one_policy():
    training = make(IPD, population=2).training
    state = training.init(KEY)
    assert state.policies.shape == (2, 1, 5)
    np.testing.assert_array_equal(training.params(state), state.policies[:, 0])


@pytest.mark.parametrize(("strategy", "payoff"), [("always_cooperate", 0.0), ("tit_for_tat", -1.0)])
def test_against_who_never_learns_it_finds_a_best_response(strategy, payoff):
    learner = make(
        rivals=(None, held(strategy, strategy)), population=5, batch_size=1, steps=1, loops=150, optimiser_rate=0.1
    )
    rows = fitted(learner)
    assert IPD.payoff(jnp.stack([rows[0], IPD.strategies[strategy]]))[0] == pytest.approx(payoff, abs=0.05)


def test_others_may_not_learn_from_episodes():
    rules = IPD.rules()
    table = Table(**policy_arguments(rules))
    reinforce = meva.make("learner", "reinforce", game=Rollouts(rules=rules, policies=(table, table)))
    with pytest.raises(BadCombination, match="Reinforce, which learns from episodes: use good_shepherd"):
        make(rivals=(None, Fitted(learner=reinforce)))


def test_what_it_learns_does_not_depend_on_the_unit_of_payoffs():
    """Prices and costs times 1024 are payoffs times 1024."""
    trainings = [
        make(meva.make("game", "cournot", intercept=100 * unit, slope=unit, cost=10 * unit), rate=0.1 / unit).training
        for unit in (1.0, 1024.0)
    ]
    *_, last = fitting.fit(trainings, [0, 0])
    one, other = fitting.fitted_params(trainings, last.state)
    np.testing.assert_allclose(one, other, rtol=1e-5)


@pytest.mark.long
def test_naive_learners_are_shaped_to_the_level_of_extortion():
    """A naive learner ends with at least -2, so nobody gets more than -1/2 for long (Press & Dyson, 2012)."""
    payoffs = [meva.run("ipd", "coala_pg", opponent="naive", seed=seed, seeds=1).payoffs for seed in (2000, 2001)]
    means = [float(np.mean(each[..., 0])) for each in payoffs]
    assert min(means) > -0.65
    assert max(means) < -0.5
