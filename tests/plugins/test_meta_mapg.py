"""Meta-MAPG: its gradient against those of other rules, on exact payoffs and on all episodes; personas, and play."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from meva_policies.table import Table
from meva_shapers.personas import fresh_peers, taught

import meva_core as meva
from meva_core import fitting
from meva_core.errors import BadCombination
from meva_core.ops import simultaneous_gradient
from meva_core.sampling import Enumerated, Rollouts, WithPolicies, policy_arguments

IPD, TANDEM, HAMILTONIAN = (meva.make("game", name) for name in ("ipd", "tandem", "hamiltonian"))
KEY = jax.random.key(0)
# SAMPLED.md 1.6: three rounds at discount 0.9, payoffs not normalised, and LOLA's exact step of player 1 at rate 1/2.
X = [[0.12573, -0.132105, 0.640423, 0.1049, -0.535669], [0.361595, 1.304, 0.947081, -0.703735, -1.265421]]
WEIGHTS = 1 + 0.9 + 0.9**2
LOLA = [-0.24318218, -0.10459107, -0.09612857, -0.11242157, -0.10817319]


def make(game=TANDEM, **settings):
    return meva.make("learner", "meta_mapg", game=game, **{"steps": 2, "batch_size": 2, "loops": 2, **settings})


def played(kind, rounds=3, **settings):
    """The prisoner's dilemma in three rounds, all of whose episodes are enumerated, or in sampled episodes."""
    rules = meva.make("game", "ipd", discount=0.9).rules()
    table = Table(**policy_arguments(rules))
    return kind(rules=rules, policies=(table, table), horizon=rounds, **settings)


def gradient_of(learner, x, rates=None, seat=0):
    """The derivative of the sum of a chain's payoffs in its first policy, f[D]; rates: default the learner's own."""
    rates = jnp.full(learner.steps, learner.own_rate) if rates is None else rates

    def total(policy):
        return jnp.sum(learner.training.payoffs(seat, policy, rates, x, KEY))

    return jax.jit(jax.grad(total))(x[seat])


@pytest.fixture
def in_double_precision():
    with jax.enable_x64(True):
        yield


def test_without_own_steps_one_step_of_the_peers_is_lola(in_double_precision):
    """On all episodes: the numbers of exact LOLA, in payoffs divided by the sum of the weights."""
    learner = make(played(Enumerated), steps=1, own_rate=0.0, rate=0.5 * WEIGHTS)
    np.testing.assert_allclose(WEIGHTS * gradient_of(learner, jnp.array(X)), LOLA, atol=1e-8)


def test_one_step_of_all_is_m_maml_of_one_step(in_double_precision):
    game = played(Enumerated)
    learner = make(game, steps=1, own_rate=0.7, rate=1.2)
    maml = meva.make("learner", "m_maml", game=game, steps=1, rate=1.2).training

    def payoff(policy):
        return maml.payoffs(jnp.array(0), policy, jnp.array(0.7), jnp.array(X))[0]

    expected = jax.jit(jax.grad(payoff))(jnp.array(X)[0])
    np.testing.assert_allclose(gradient_of(learner, jnp.array(X)), expected, atol=1e-8)


def test_without_a_step_it_is_reinforce(in_double_precision):
    """The derivative of the estimate from the same episodes."""
    game = played(Rollouts, episodes=8)
    x = jnp.array(X)
    expected = jax.jit(jax.grad(lambda own: game.sample(x.at[0].set(own), KEY)[0]))(x[0])
    np.testing.assert_allclose(gradient_of(make(game, steps=0), x), expected, atol=1e-8)


@pytest.mark.parametrize("peer_learning", [True, False])
def test_several_steps_by_a_plain_loop(in_double_precision, peer_learning):
    """Meta-PG counts the peers' policies after each step as constants."""
    x, rates = HAMILTONIAN.init(KEY).astype(float), [0.3, 0.2]
    learner = make(HAMILTONIAN, rate=0.4, peer_learning=peer_learning)

    def total(own):
        a, b, paid = own[0], x[1, 0], 0.0  # f1 = -a b, f2 = a b
        for rate in rates:
            a, b = a - rate * b, b + 0.4 * (a if peer_learning else jax.lax.stop_gradient(a))
            paid -= a * b
        return paid

    np.testing.assert_allclose(gradient_of(learner, x, jnp.array(rates)), jax.grad(total)(x[0]), atol=1e-8)


@pytest.mark.long
def test_estimates_from_episodes_come_near_the_derivative_through_the_chain():
    """Means over keys lie within four standard errors of it; without peer learning they do not."""
    x = jnp.array(X)
    settings = {"steps": 1, "own_rate": 1.0, "rate": 8.0}
    exact = gradient_of(make(played(Enumerated, 2), **settings), x)
    alone = gradient_of(make(played(Enumerated, 2), **settings, peer_learning=False), x)
    training = make(played(Rollouts, 2, episodes=256), **settings).training

    @jax.jit
    def estimates(keys):
        return jax.vmap(lambda key: jax.grad(lambda own: training.payoffs(0, own, jnp.ones(1), x, key)[0])(x[0]))(keys)

    found = np.asarray(estimates(jax.random.split(KEY, 1000)))
    error = found.std(axis=0) / np.sqrt(len(found))
    assert np.all(np.abs(found.mean(axis=0) - exact) < 4 * error + 1e-3)
    assert np.any(np.abs(found.mean(axis=0) - alone) > 10 * error)


def test_rates_and_start_are_learnt_and_rates_stay_positive():
    training = make(optimiser_rate=3.0).training
    state = training.init(KEY)
    after, metrics = jax.jit(type(training).step)(training, state, KEY)
    params = training.params(after)
    assert params.rates.shape == (2, 2)
    assert np.all(np.asarray(params.rates) > 0)
    assert not np.any(np.asarray(params.rates) == 1.0)
    assert not np.any(np.asarray(after.learnt.policy) == np.asarray(state.learnt.policy))
    assert np.isfinite(list(metrics.values())).all()


def test_in_a_match_every_step_has_its_own_rate_and_later_ones_the_first_value():
    learner = make(HAMILTONIAN, own_rate=0.7)
    params = learner.training.params(learner.training.init(KEY))._replace(rates=jnp.array([[0.1, 0.2], [0.3, 0.4]]))
    x = HAMILTONIAN.init(KEY)
    np.testing.assert_array_equal(learner.start(params, x, KEY), params.policy)
    gradient = simultaneous_gradient(HAMILTONIAN.payoff, x)
    state = learner.init(params, x, KEY)
    for rates in ([0.1, 0.3], [0.2, 0.4], [0.7, 0.7], [0.7, 0.7]):
        steps, state = learner.update(params, state, x, KEY)
        np.testing.assert_allclose(steps, jnp.array(rates)[:, None] * gradient, rtol=1e-6)


@pytest.mark.parametrize("game", [IPD, played(Rollouts, episodes=2)])
def test_personas_lean_to_one_action(game):
    def chances(persona):
        drawn = jax.jit(jax.vmap(lambda key: game.entries(fresh_peers(game, persona, key))))
        return np.asarray(drawn(jax.random.split(KEY, 20))).reshape(20 * 2, 5)

    cooperating, defecting, either = map(chances, ("cooperating", "defecting", "either"))
    assert 0.5 <= cooperating.min() < 0.6 < 0.9 < cooperating.max()
    assert defecting.min() < 0.1 < 0.4 < defecting.max() <= 0.5
    each = np.all(either >= 0.5, axis=1)
    np.testing.assert_array_equal(~each, np.all(either <= 0.5, axis=1))
    assert 5 < each.sum() < 35
    np.testing.assert_array_equal(fresh_peers(game, "fresh", KEY), game.init(KEY))


def network(name, **settings):
    return meva.make("policy", name, **policy_arguments(IPD.rules()), **settings)


@pytest.mark.parametrize("exact", [True, False])
def test_networks_are_taught_the_probabilities_of_their_persona(exact):
    """Networks without memory in either seat, and a network that plays a table: exact, and from episodes."""
    policies = (network("mlp", width=8), Table(**policy_arguments(IPD.rules())))
    if exact:
        game = WithPolicies(game=IPD, policies=policies)
    else:
        game = Rollouts(rules=IPD.rules(), policies=policies, horizon=3, episodes=2)
    peers = jax.jit(jax.vmap(lambda key: fresh_peers(game, "cooperating", key)))(jax.random.split(KEY, 50))
    assert peers.shape == (50, 2, game.policy_size)
    chances = np.asarray(jax.vmap(game.entries)(peers))
    for seat in (0, 1):
        assert 0.5 - 1e-4 <= chances[:, seat].min() < 0.55 < 0.95 < chances[:, seat].max()
        np.testing.assert_allclose(np.mean(chances[:, seat]), 0.75, atol=0.04)
    assert len(np.unique(peers[:, 0].round(3), axis=0)) == 50


@pytest.mark.parametrize("width", [4, 8])
def test_a_network_is_taught_to_the_digit(width):
    log_odds, policy = jnp.array([0.5, -3.0, 8.0, 0.0, -1.0]), network("mlp", width=width)
    observations = IPD.rules().observations
    own = taught(policy, policy.init(KEY), log_odds, observations, KEY)
    found = jax.vmap(lambda seen: policy.act(own, policy.begin(own), seen)[0][1])(observations)
    np.testing.assert_allclose(found, log_odds, atol=1e-3)


def test_a_network_that_cannot_play_a_table_comes_as_near_as_it_can():
    """One unit has one direction; a step that takes it further away is not taken."""
    policy, observations = network("mlp", width=1), IPD.rules().observations

    def missed(key):
        goals = 2 + 3 * jax.random.normal(key, (5,))

        def error(own):
            found = jax.vmap(lambda seen: policy.act(own, policy.begin(own), seen)[0][1])(observations)
            return jnp.mean((found - goals) ** 2)

        own = policy.init(key)
        return error(own), error(taught(policy, own, goals, observations, key))

    before, after = jax.vmap(missed)(jax.random.split(KEY, 100))
    assert np.all(after <= before)
    assert np.mean(after) < 0.6 * np.mean(before)


@pytest.mark.long
def test_networks_with_memory_nearly_play_their_persona_after_any_past():
    policy, observations = network("gru", width=8), IPD.rules().observations
    game = Rollouts(rules=IPD.rules(), policies=(policy, policy), horizon=3, episodes=2)
    peers = jax.jit(jax.vmap(lambda key: fresh_peers(game, "defecting", key)))(jax.random.split(KEY, 40))

    def cooperates(own):
        def act(memory, seen):
            logits, memory = policy.act(own[: policy.policy_size], memory, observations[seen])
            return memory, jax.nn.sigmoid(logits[1] - logits[0])

        return jax.lax.scan(
            act, policy.begin(own[: policy.policy_size]), jax.random.randint(jax.random.key(1), (30,), 0, 5)
        )[1]

    chances = np.asarray(jax.vmap(cooperates)(peers[:, 0]))
    assert np.mean(chances <= 0.55) > 0.9
    assert 0.2 < np.mean(chances) < 0.3


def test_a_persona_needs_one_of_two_actions_in_each_of_a_few_states():
    coins = meva.make("game", "coin_game")
    walker = meva.make("policy", "mlp", **policy_arguments(coins))
    in_coins = Rollouts(rules=coins, policies=(walker, walker), horizon=3, episodes=2)
    for game in (TANDEM, meva.make("game", "normal_form"), in_coins):
        with pytest.raises(BadCombination, match="one of two actions"):
            make(game, personas="either")


def test_what_it_learns_does_not_depend_on_the_unit_of_payoffs():
    """Prices and costs times 1024 are payoffs times 1024."""
    found = []
    for unit in (1.0, 1024.0):
        game = meva.make("game", "cournot", intercept=100 * unit, slope=unit, cost=10 * unit)
        training = make(game, rate=0.1 / unit, own_rate=0.1 / unit).training
        found.append(jax.jit(type(training).step)(training, training.init(KEY), KEY)[0].learnt)
    np.testing.assert_allclose(found[0].policy, found[1].policy, rtol=1e-5)
    np.testing.assert_allclose(found[0].log_rates, found[1].log_rates, rtol=1e-5)


@pytest.mark.long
@pytest.mark.parametrize("persona", ["cooperating", "defecting"])
def test_who_knows_that_peers_learn_ends_a_chain_with_more(persona):
    """Meta-MAPG against Meta-PG in the prisoner's dilemma: at the end of the chain, with 256 peers of the persona."""
    peers = jax.vmap(lambda key: fresh_peers(IPD, persona, key))(jax.random.split(jax.random.key(9), 256))

    def earned(peer_learning):
        settings = {"steps": 7, "loops": 500, "batch_size": 32, "rate": 25.0, "own_rate": 25.0, "personas": persona}
        training = make(IPD, peer_learning=peer_learning, **settings).training
        *_, last = fitting.fit([training] * 2, [2000, 2001], chunk=500)
        params = fitting.fitted_params([training] * 2, last.state)

        def at_the_end(policies, rates, x):
            return training.payoffs(0, policies[0], rates[0], x, KEY)[-1]

        each = jax.vmap(jax.vmap(at_the_end, in_axes=(None, None, 0)), in_axes=(0, 0, None))
        return np.mean(each(params.policy, params.rates, peers), axis=1)

    assert np.all(earned(True) > earned(False) + 0.3)
