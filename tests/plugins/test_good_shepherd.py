"""The Good Shepherd: its fitness by plain loops, and what it learns against who does not learn, and who does."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from meva_policies.table import Table
from meva_shapers.evolved import EvolutionTraining

import meva_core as meva
from meva_core import fitting
from meva_core.match import Fitted, Held
from meva_core.sampling import Rollouts, policy_arguments

IPD, IMP = meva.make("game", "ipd"), meva.make("game", "imp")
SMALL = {"pairs": 8, "co_players": 2, "steps": 3, "loops": 2}


def make(game=IPD, **settings):
    return meva.make("learner", "good_shepherd", game=game, **{**SMALL, **settings})


def fitted(learner):
    *_, last = fitting.fit([learner.training], [0], chunk=learner.loops)
    return jax.tree.map(lambda leaf: leaf[0], fitting.fitted_params([learner.training], last.state))


def against(policy, **settings):
    rival = Fitted(learner=Held(policies=jnp.stack([policy, policy])))
    return make(rivals=(None, rival), co_players=1, steps=1, **settings)


@pytest.mark.parametrize("seat", [1])
def test_fitness_by_a_plain_loop(seat):
    learner, key = make(IMP, rate=0.5), jax.random.key(3)
    state = learner.training.init(jax.random.key(0))
    member, earned = np.linspace(-1, 1, 5), []
    for own_key in jax.random.split(key, 2):
        start_key, _ = jax.random.split(own_key)
        x = np.array(IMP.init(jax.random.split(start_key)[0]))
        x[seat] = member
        for _ in range(3):
            earned.append(IMP.payoff(jnp.array(x))[seat])
            gradient = meva.make("learner", "naive", game=IMP, rate=0.5).update(None, (), jnp.array(x), key)[0]
            x[1 - seat] += np.asarray(gradient)[1 - seat]
    found = learner.training.fitness(seat, jnp.array(member), state, key)
    np.testing.assert_allclose(found, np.mean(earned), rtol=1e-5)


@pytest.mark.parametrize(("strategy", "payoff"), [("always_cooperate", 0.0), ("tit_for_tat", -1.0)])
def test_against_who_never_learns_it_finds_a_best_response(strategy, payoff):
    policy = IPD.strategies[strategy]
    learner = against(policy, loops=60, optimiser_rate=0.3, deviation=0.5)
    rows = fitted(learner)
    assert IPD.payoff(jnp.stack([rows[0], policy]))[0] == pytest.approx(payoff, abs=0.05)


def test_what_it_learns_does_not_depend_on_the_unit_of_payoffs():
    tables = {"payoffs_1": ((-2.0, 0.0), (-3.0, -1.0))}
    large = {"payoffs_1": tuple(tuple(1024.0 * entry for entry in row) for row in tables["payoffs_1"])}
    one, other = (
        fitted(make(meva.make("game", "matrix", **table), rate=rate))
        for table, rate in ((tables, 1.0), (large, 1 / 1024))
    )
    np.testing.assert_allclose(one, other, rtol=1e-5)


def test_only_the_order_of_payoffs_counts(monkeypatch):
    """The better one of two members at a distance e from the policy leads: the gradient is e / (2 deviation), however
    much better it is."""
    training, members = make(pairs=1, deviation=0.5, weight_decay=0.0).training, []
    state = training.init(jax.random.key(0))
    for rising in (lambda total: total, lambda total: 7 * total**3 + 1000):

        def fitness(own, seat, member, *_, rising=rising):
            jax.debug.callback(members.append, member)
            return rising(jnp.sum(member))

        monkeypatch.setattr(EvolutionTraining, "fitness", fitness)
        metrics = training.step(state, jax.random.key(1))[1]
        jax.effects_barrier()
        distance = np.linalg.norm(members[-1] - state.policies[0])
        assert metrics["gradient_norm"] == pytest.approx(distance / 0.5 / (2 * 0.5), rel=1e-5)


@pytest.mark.long
def test_a_symmetric_game_has_one_policy_and_another_one_per_seat():
    for game, alike in ((IPD, True), (IMP, False)):
        rows = fitted(make(game))
        assert np.array_equal(rows[0], rows[1]) is alike


def test_it_plays_what_it_learnt_and_stays_there():
    learner, key = make(), jax.random.key(0)
    x, params = IPD.init(key), jnp.arange(10.0).reshape(2, 5)
    np.testing.assert_array_equal(learner.start(params, x, key), params)
    np.testing.assert_array_equal(learner.update(params, (), x, key)[0], np.zeros((2, 5)))


def test_it_is_paid_by_the_episodes_from_which_others_learn():
    rules = IPD.rules()
    table = Table(**policy_arguments(rules))
    game = Rollouts(rules=rules, policies=(table, table), episodes=4, horizon=3)
    reinforce = Fitted(learner=meva.make("learner", "reinforce", game=game))
    learner = make(game, rivals=(None, reinforce))
    state = learner.training.init(jax.random.key(0))
    always = [IPD.strategies[name] for name in ("always_defect", "always_cooperate")]
    low, high = (float(learner.training.fitness(0, member, state, jax.random.key(1))) for member in reversed(always))
    assert low < high - 0.5


@pytest.mark.long
def test_learners_in_the_prisoners_dilemma_are_shaped_to_the_level_of_extortion():
    """A naive learner ends with at least -2, so nobody gets more than -1/2 for long (Press & Dyson, 2012)."""
    payoffs = [meva.run("ipd", "good_shepherd", opponent="naive", seed=seed, seeds=1).payoffs for seed in (2000, 2001)]
    means = [float(np.mean(each[..., 0])) for each in payoffs]
    assert min(means) > -0.6
    assert max(means) < -0.5
