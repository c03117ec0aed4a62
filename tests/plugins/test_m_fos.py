"""M-FOS: what it sees, does and is paid, whom it meets, and what it learns by either method."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.stats
from meva_policies.table import Table
from meva_shapers import m_fos_lifetimes, meta_policy
from meva_shapers.m_fos_genetic import Genetic
from meva_shapers.m_fos_ppo import Samples, normalised_returns

import meva_core as meva
from meva_core import fitting
from meva_core.match import Fitted, Held, Match, match_in
from meva_core.sampling import Rollouts, policy_arguments

IPD, IMP = (meva.make("game", name) for name in ("ipd", "imp"))
TANDEM, HAMILTONIAN = (meva.make("game", name) for name in ("tandem", "hamiltonian"))  # one number each; symmetric, not
SMALL = {"width": 4, "batch_size": 2, "steps": 3, "loops": 2, "population": 4, "trials": 4}
KEY = jax.random.key(3)


def make(game=IPD, **settings):
    return meva.make("learner", "m_fos", game=game, **{**SMALL, **settings})


def after(learner, seed=0):
    """The state of a fit, without the axis of seeds."""
    *_, last = fitting.fit([learner.training], [seed], chunk=learner.loops)
    return jax.tree.map(lambda leaf: leaf[0], last.state)


def held(game, policy):
    return Fitted(learner=Held(policies=jnp.broadcast_to(policy, (2, game.policy_size))))


def naive(game, rate=1.0):
    return Fitted(learner=meva.make("learner", "naive", game=game, rate=rate))


def payoff_at_the_mean(learner, params, policy):
    """Payoff of the first player on the third step against one who plays a policy."""
    x = learner.game.init(KEY).at[1].set(policy)
    for _ in range(3):
        x = x.at[0].add(learner.update(params, (), x, KEY)[0][0])
    return float(learner.game.payoff(x)[0])


def test_densities_and_entropy_are_those_of_the_normal_distribution():
    means, variances, rows = np.random.default_rng(0).uniform(0.5, 1.5, (3, 2, 4))
    expected = [
        scipy.stats.multivariate_normal(mean, cov=np.diag(v).tolist()) for mean, v in zip(means, variances, strict=True)
    ]
    found = meta_policy.log_density(*map(jnp.array, (means, variances, rows)))
    np.testing.assert_allclose(found, [e.logpdf(row) for e, row in zip(expected, rows, strict=True)], rtol=1e-5)
    np.testing.assert_allclose(meta_policy.entropy(jnp.array(variances)), [e.entropy() for e in expected], rtol=1e-5)


def test_it_sees_probabilities_the_own_ones_first():
    x = IMP.init(KEY)
    probabilities = 1 / (1 + np.exp(-np.asarray(x)))
    np.testing.assert_allclose(meta_policy.seen_by(IMP, 0, x), probabilities.ravel(), rtol=1e-5)
    np.testing.assert_allclose(meta_policy.seen_by(IMP, 1, x), probabilities[::-1].ravel(), rtol=1e-5)


def test_in_a_match_it_plays_the_mean_or_a_draw():
    mean, sample, x = make(HAMILTONIAN), make(HAMILTONIAN, acts="sample"), jnp.array([[0.3], [-0.7]])
    params = mean.training.params(mean.training.init(KEY))
    seen = np.array([[0.3, -0.7], [-0.7, 0.3]])
    outputs = jax.vmap(meta_policy.apply)(params, jnp.array(seen))
    np.testing.assert_allclose(x + mean.update(params, (), x, KEY)[0], outputs[:, :1], atol=1e-5)
    draw = jax.jit(jax.vmap(lambda key: x + sample.update(params, (), x, key)[0]))
    drawn = draw(jax.random.split(KEY, 20_000))
    np.testing.assert_allclose(drawn.mean(0), outputs[:, :1], atol=0.05)
    np.testing.assert_allclose(drawn.var(0), np.log1p(np.exp(outputs[:, 1:])), atol=0.05)


@pytest.mark.parametrize("seat", [0, 1])
def test_lifetimes_by_a_plain_loop(seat):
    """The others step from what was just played, while it chooses from the same, and is paid for what comes next."""
    learner = make(HAMILTONIAN, rate=0.5)
    params = learner.training.params(learner.training.init(KEY))
    own = m_fos_lifetimes.acting(learner, params, "mean")
    match = match_in(HAMILTONIAN, seat, own, own, (), 0.5)
    lived = m_fos_lifetimes.lived_by(
        HAMILTONIAN, seat, *m_fos_lifetimes.live(HAMILTONIAN, match, 3, jax.random.split(KEY, 1))
    )
    a, b = np.asarray(lived.seen[0, 0, :: 1 - 2 * seat])
    for t in range(3):
        np.testing.assert_allclose(lived.seen[0, t], [a, b][:: 1 - 2 * seat], rtol=1e-5)
        chosen = learner.update(params, (), jnp.array([[a], [b]]), KEY)[0][seat, 0] + (a, b)[seat]
        a, b = (chosen, b + 0.5 * a) if seat == 0 else (a - 0.5 * b, chosen)  # the payoffs are -a b and a b
        np.testing.assert_allclose(lived.chosen[0, t, 0], chosen, rtol=1e-5)
        np.testing.assert_allclose(lived.earned[0, t], a * b * (2 * seat - 1), rtol=1e-4)


def test_a_symmetric_game_has_one_network_and_another_one_per_seat():
    for game, alike in ((TANDEM, True), (HAMILTONIAN, False)):
        for fit_by in ("ppo", "genetic"):
            training = make(game, fit_by=fit_by).training
            rows = training.params(training.init(KEY)).hidden
            assert np.array_equal(rows[0], rows[1]) is alike


@pytest.mark.long
def test_against_who_never_learns_it_finds_the_best_reply_whatever_the_discount():
    """One program serves both discounts. Nothing comes of a choice but its payoff, so none has an effect."""
    policy = IPD.strategies["tit_for_tat"]
    for discount in (0.0, 0.9):
        settings = {"loops": 60, "batch_size": 32, "optimiser_rate": 0.05}
        learner = make(rivals=(None, held(IPD, policy)), discount=discount, **settings)
        params = learner.training.params(after(learner))
        assert payoff_at_the_mean(learner, params, policy) == pytest.approx(-1.0, abs=0.1)  # cooperate for ever


@pytest.mark.long
def test_on_a_quadratic_bandit_it_finds_the_optimum():
    """Cournot's duopoly is quadratic in the own quantity q: (4 - q - 1) q - q is highest at 1."""
    game, other = meva.make("game", "cournot", intercept=4.0, cost=1.0), jnp.array([1.0])
    settings = {"loops": 150, "batch_size": 64, "optimiser_rate": 0.01, "entropy_weight": 0.05, "steps": 1}
    learner = make(game, rivals=(None, held(game, other)), **settings)
    params, x = learner.training.params(after(learner)), jnp.array([[0.5], [1.0]])
    assert x[0] + learner.update(params, (), x, KEY)[0][0] == pytest.approx(1.0, abs=0.2)  # it earns 0.96 of 1


def test_a_champion_is_replaced_only_by_who_beats_it_on_fresh_lifetimes():
    learner = make(TANDEM, fit_by="genetic", loops=8)
    training = learner.training
    step = jax.jit(lambda state, key: training.step(state, key))
    state, replaced = training.init(KEY), []
    for n in range(8):
        new, metrics = step(state, jax.random.fold_in(KEY, n))
        same = all(map(np.array_equal, jax.tree.leaves(state.champions), jax.tree.leaves(new.champions)))
        assert same is (float(metrics["replaced"]) == 0)
        replaced.append(not same)
        state = new
    assert any(replaced)
    assert not all(replaced)


def test_the_champion_is_the_best_of_itself_and_its_mutants(monkeypatch):
    """If fitness is a sum of numbers, it rises, and it is the payoff that is told."""
    monkeypatch.setattr(Genetic, "fitness", lambda self, seat, member, *_: jnp.sum(member.output_bias))
    training = make(TANDEM, fit_by="genetic", population=16).training
    state, step = training.init(KEY), jax.jit(lambda state, key: training.step(state, key))
    for n in range(3):
        new, metrics = step(state, jax.random.fold_in(KEY, n))
        before, after = (float(jnp.sum(each.champions.output_bias[0])) for each in (state, new))
        assert after > before
        assert metrics["payoff"] == pytest.approx(after)
        state = new


@pytest.mark.long
def test_the_genetic_algorithm_finds_a_best_reply():
    policy = IPD.strategies["tit_for_tat"]
    learner = make(rivals=(None, held(IPD, policy)), fit_by="genetic", loops=20, population=16)
    assert payoff_at_the_mean(learner, learner.training.params(after(learner)), policy) > -1.1


@pytest.mark.parametrize(
    ("ratio", "advantage", "goes_on"), [(2, 1, False), (2, -1, True), (0.5, 1, True), (0.5, -1, False)]
)
def test_what_is_already_much_likelier_or_rarer_than_it_was_goes_no_further(ratio, advantage, goes_on):
    """Outside the clip, only the gradient that leads back into it is followed (Schulman et al., 2017)."""
    training = make(HAMILTONIAN, entropy_weight=0.0).training
    networks = jax.tree.map(lambda rows: rows[0], training.init(KEY).networks)
    seen, chosen = jnp.array([[0.3, -0.7]]), jnp.array([[0.8]])
    density = meta_policy.log_density(*meta_policy.choices(networks.actor, seen), chosen)
    value = meta_policy.apply(networks.critic, seen)[:, 0]
    some = Samples(seen, chosen, density - jnp.log(ratio), value + advantage)
    gradient = jax.grad(training._loss)(networks, some).actor
    assert any(np.any(leaf) for leaf in gradient) is goes_on


def test_returns_do_not_depend_on_the_unit_of_payoffs_and_are_centred_at_each_step():
    earned = jax.random.normal(KEY, (5, 3)) + jnp.array([3.0, 0.0, 0.0])
    normalised = np.asarray(normalised_returns(1024 * earned, 0.5))
    np.testing.assert_allclose(normalised, normalised_returns(earned, 0.5), rtol=1e-5)
    np.testing.assert_allclose([normalised.mean(), normalised.std()], [0, 1], atol=1e-5)
    centred = np.asarray(normalised_returns(earned, 0.5, centred=True))
    np.testing.assert_allclose(centred.mean(axis=0), 0, atol=1e-5)
    assert centred.std() == pytest.approx(1, abs=1e-5)


@pytest.mark.long
def test_what_it_learns_does_not_depend_on_the_unit_of_payoffs():
    one, other = (
        after(
            make(meva.make("game", "matrix", payoffs_1=((-2 * unit, 0.0), (-3 * unit, -unit))), rate=1 / unit)
        ).networks
        for unit in (1.0, 1024.0)  # one program
    )
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-6), one, other)


def test_each_seat_lives_with_naive_learners_as_it_would_alone():
    together = make(TANDEM, tracing=True).training
    actors = together.params(together.init(KEY))
    lived = together._lives(actors, (), KEY)
    for seat, rivals in enumerate(((None, naive(TANDEM)), (naive(TANDEM), None))):
        alone = make(TANDEM, rivals=rivals).training
        own = jax.tree.map(lambda rows, seat=seat: jnp.stack([rows[seat]] * 2), actors)
        found = alone._lives(own, rivals, KEY)
        jax.tree.map(lambda a, b, seat=seat: np.testing.assert_array_equal(a[seat], b[0]), lived, found)


@pytest.mark.long
@pytest.mark.parametrize("fit_by", ["ppo", "genetic"])
def test_with_naive_learners_only_self_play_is_two_separate_fits(fit_by):
    together = after(make(TANDEM, fit_by=fit_by, tracing=True, trace_fall=0.0))
    for seat, rivals in enumerate(((None, naive(TANDEM)), (naive(TANDEM), None))):
        alone = after(make(TANDEM, fit_by=fit_by, rivals=rivals))
        jax.tree.map(
            lambda a, b, seat=seat: np.testing.assert_array_equal(a[seat], b[0]),
            together[0],
            alone[0],
        )


def test_without_naive_learners_the_seats_meet_each_other():
    training = make(HAMILTONIAN, tracing=True, trace_from=0.0).training
    state = training.init(KEY)
    lived = training._lives(training.params(state), (None, None), KEY)
    np.testing.assert_allclose(lived.earned[0], -lived.earned[1], atol=1e-6)  # of a game of sum 0
    np.testing.assert_array_equal(lived.seen[0], lived.seen[1][..., ::-1])
    assert "tracing" in jax.eval_shape(training.step, state, KEY)[1]


def test_the_share_of_naive_learners_falls_to_0():
    learner = make(tracing=True, trace_from=0.5, trace_fall=0.25)
    shares = [float(m_fos_lifetimes.naive_share(learner, jnp.array(loop))) for loop in range(4)]
    assert shares == [0.5, 0.25, 0.0, 0.0]


def test_rivals_leave_no_room_for_tracing():
    learner = make(TANDEM, rivals=(None, naive(TANDEM)), tracing=True)
    assert m_fos_lifetimes.seats_of(learner) == (0,)
    assert "tracing" not in jax.eval_shape(learner.training.step, learner.training.init(KEY), KEY)[1]


@pytest.mark.long
def test_it_is_paid_by_the_episodes_from_which_others_learn():
    rules = IPD.rules()
    table = Table(**policy_arguments(rules))
    game = Rollouts(rules=rules, policies=(table, table), episodes=4, horizon=3)
    reinforce = Fitted(learner=meva.make("learner", "reinforce", game=game))
    learner = make(game, rivals=(None, reinforce))
    own = held(IPD, IPD.strategies["always_cooperate"])
    match = match_in(game, 0, own, own, learner.rivals, 1.0)
    xs, earned = m_fos_lifetimes.live(game, match, 3, jax.random.split(KEY, 2))
    exact = jax.vmap(jax.vmap(IPD.payoff))(xs[:, 1:])
    assert np.abs(np.asarray(earned - exact)).max() > 0.01  # payoffs of few rounds


@pytest.mark.long
def test_in_the_prisoners_dilemma_it_extorts_naive_learners():
    """At rest a naive learner has at least -2, so nobody gets more than -1/2 from it (Press & Dyson, 2012)."""
    found = meva.run("ipd", "m_fos", opponent="naive", seed=2000, seeds=2, evaluate=["lifetime"])
    lifetime = found.summary()["rows"][0]["lifetime"]
    assert min(lifetime["ours"]["per_seed"]) > -0.65
    for x in found.policies[:, 0, :4].reshape(-1, 2, 5):  # both go on, the one with the policy that it has come to
        players = Fitted(learner=Held(policies=x)), naive(IPD, 25.0)
        played = jax.jit(lambda x, p=players: meva.play(Match(game=IPD, players=p, seats=(0, 1)), x, KEY, 2000))(x)
        assert float(played.payoffs[-1, 0]) < -0.5 + 1e-3


@pytest.mark.long
def test_by_tracing_it_cooperates_with_itself():
    found = meva.run("ipd", "m_fos", recipe="tracing", seed=2000, seeds=1, evaluate=["lifetime"])
    assert found.summary()["rows"][0]["lifetime"]["ours"]["mean"] > -1.06
