"""Episodes and the estimates made of them: on all episodes that may happen they are equal to the exact payoffs."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from rounds import Recurrent, Rounds, Table, Truncated

import meva_core as meva
from meva_core import ops
from meva_core.errors import BadCombination, BadValue
from meva_core.sampling import (
    Enumerated,
    Rollouts,
    WithPolicies,
    logits_after,
    logits_along,
    play,
    policy_arguments,
    rules_of,
)

# The pins of the project's notes, which are of unnormalised payoffs: weights 0.9^t over three steps, of sum 2.71.
X = np.array([[0.12573, -0.132105, 0.640423, 0.1049, -0.535669], [0.361595, 1.304, 0.947081, -0.703735, -1.265421]])
PAYOFFS, TOTAL = np.array([-3.92941812, -4.08116418]), 1 + 0.9 + 0.81
SHAPED = np.array([-0.24318218, -0.10459107, -0.09612857, -0.11242157, -0.10817319])  # LOLA's row 1 at η = 0.5
RULES, TABLES = Rounds(), (Table(), Table())
EXACT = Truncated(rules=RULES)
ENUMERATED = Enumerated(rules=RULES, policies=TABLES)
KEY = jax.random.key(0)


@pytest.fixture(autouse=True)
def double():
    with jax.enable_x64(True):
        yield


def all_orders(function):
    """A function's value, gradients and Hessians at X, in one program."""
    return jax.jit(lambda x: (function(x), jax.jacobian(function)(x), jax.hessian(function)(x)))(jnp.array(X))


@functools.cache
def exact():
    with jax.enable_x64(True):
        return all_orders(EXACT.payoff)


@functools.cache
def values():
    """The exact value f64[T + 1, 5, P] before every step, normalised to the step's own weight, in every joint state."""
    with jax.enable_x64(True):
        cooperate = jax.nn.sigmoid(jnp.stack([X[0], X[1][np.array([0, 1, 3, 2, 4])]]))
        chances = jnp.stack(
            [a * b for a in (1 - cooperate[0], cooperate[0]) for b in (1 - cooperate[1], cooperate[1])], 1
        )
        tables = jnp.array([[-2.0, 0.0, -3.0, -1.0], [-2.0, -3.0, 0.0, -1.0]])
        after = [jnp.zeros((5, 2))]
        for _ in range(RULES.horizon):
            after.append(chances @ (tables.T + 0.9 * after[-1][1:]))
        return jnp.stack(after[::-1])


def close(found, expected, tolerance=1e-10):
    for a, b in zip(found, expected, strict=True):
        np.testing.assert_allclose(a, b, rtol=0, atol=tolerance)


def estimated(surrogate):
    """The mean over all episodes of a surrogate of one episode and its joint states i32[T]."""

    def mean(x):
        episodes = ENUMERATED.play(x, KEY)
        states = jnp.argmax(episodes.observations[:, :, 0], axis=-1)
        weights = ENUMERATED.weights(episodes.alive[0])
        each = jax.vmap(lambda episode, states: surrogate(episode, weights, states))(episodes, states)
        return ENUMERATED.shares(episodes) @ each

    return all_orders(mean)


def test_the_exact_double_has_the_payoffs_of_the_notes():
    np.testing.assert_allclose(exact()[0] * TOTAL, PAYOFFS, rtol=1e-7)


def test_all_episodes_have_probability_one_together():
    episodes = jax.jit(ENUMERATED.play)(jnp.array(X), KEY)
    assert episodes.actions.shape == (4**3, 3, 2)
    assert float(jnp.sum(ENUMERATED.shares(episodes))) == pytest.approx(1, abs=1e-14)


@pytest.mark.parametrize(("estimator", "baseline"), [("dice", "none"), ("loaded_dice", "mean")])
def test_samples_of_all_episodes_are_the_payoffs_with_their_gradients_and_hessians(estimator, baseline):
    game = Enumerated(rules=RULES, policies=TABLES, estimator=estimator, baseline=baseline)
    close(all_orders(lambda x: game.sample(x, KEY)), exact())


def test_dice_is_exact_with_any_baseline_of_state_and_time():
    any_numbers = jnp.array(np.random.default_rng(0).normal(size=(3, 5, 2)))

    def surrogate(episode, weights, states):
        return ops.dice(episode.log_probs, episode.rewards, weights, any_numbers[jnp.arange(3), states])

    close(estimated(surrogate), exact())


@pytest.mark.parametrize("learnt", ["zero", "any"])
def test_loaded_dice_is_exact_with_any_values(learnt):
    generator = np.random.default_rng(1)
    numbers = jnp.array(generator.normal(size=(3, 5, 2)) if learnt == "any" else np.zeros((3, 5, 2)))

    def surrogate(episode, weights, states):
        advantages = ops.returns_to_go(episode.rewards, weights) - numbers[jnp.arange(3), states]
        return ops.loaded_dice(episode.log_probs, advantages, weights)

    found = estimated(surrogate)
    close(found, (jnp.zeros(2), *exact()[1:]))


@pytest.mark.parametrize("trace", [0.0, 0.5, 1.0])
def test_loaded_dice_is_exact_with_generalised_advantages_of_the_true_values(trace):
    def surrogate(episode, weights, states):
        ahead = jnp.append(states[1:], 0)  # after the last step every value is 0
        now, later = values()[jnp.arange(3), states], values()[jnp.arange(1, 4), ahead]
        errors = episode.rewards + 0.9 * later - now
        reach = jnp.triu((0.9 * trace) ** jnp.clip(jnp.arange(3) - jnp.arange(3)[:, None], 0))
        return ops.loaded_dice(episode.log_probs, reach @ errors, weights)

    np.testing.assert_allclose(values()[0, 0] / TOTAL, exact()[0], rtol=1e-12)
    close(estimated(surrogate), (jnp.zeros(2), *exact()[1:]))


# ---------------------------------------------------------------- rules

RULES_OF_GAMES = [
    ("naive", {}),
    ("lookahead", {}),
    ("lola", {"variant": "exact"}),
    ("lola", {"variant": "foerster"}),
    ("lola", {"variant": "taylor"}),
    ("lola", {"look_aheads": 2}),
    pytest.param("hola", {"order": 2}, marks=pytest.mark.long),
    ("hola", {"order": 1}),
    *(("sos", {}), ("consensus", {}), ("sga", {}), ("cgd", {}), ("extragradient", {})),
]


@jax.jit
def step(learner, x, key=KEY):
    return learner.update(None, (), x, key)[0]


def rule(name, game, **settings):
    learner = meva.make("learner", name, game=game, **settings)
    return jax.tree.map(lambda leaf: leaf, learner)


@pytest.mark.parametrize(("name", "settings"), RULES_OF_GAMES, ids=lambda each: str(each))
def test_every_rule_is_on_all_episodes_what_it_is_on_the_exact_game(name, settings):
    x = jnp.array(X)
    found, expected = (step(rule(name, game, **settings), x) for game in (ENUMERATED, EXACT))
    assert np.max(np.abs(expected)) > 1e-2
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-12)


def test_lola_dice_is_lola_as_in_the_notes():
    learner = rule("lola", ENUMERATED, rate=TOTAL, look_ahead_rate=0.5 * TOTAL)
    np.testing.assert_allclose(step(learner, jnp.array(X))[0], SHAPED, rtol=2e-6)


def test_without_the_box_lola_dice_looks_ahead():
    game = Enumerated(rules=RULES, policies=TABLES, estimator="score_function")
    x, rate = jnp.array(X), {"look_ahead_rate": 0.5}
    ahead = step(rule("lookahead", EXACT, **rate), x)
    np.testing.assert_allclose(step(rule("lola", game, **rate), x), ahead, atol=1e-12)
    assert np.max(np.abs(step(rule("lola", EXACT, **rate), x) - ahead)) > 1e-3


# ---------------------------------------------------------------- batches of episodes


@pytest.mark.parametrize("estimator", ["loaded_dice", pytest.param("dice", marks=pytest.mark.long)])
def test_rollouts_estimate_payoffs_gradients_and_hessians(estimator):
    # 32 batches of 2^11 episodes: their means are normal, and their spread is the standard error.
    game = Rollouts(rules=RULES, policies=TABLES, episodes=2**11, estimator=estimator)
    x, along = jnp.array(X), jnp.array(np.random.default_rng(2).normal(size=(2, 2, 5)))

    def derivatives(function):
        slope = lambda x: jax.jvp(function, (x,), (along[0],))[1]  # noqa: E731
        return jnp.stack([function(x), slope(x), jax.jvp(slope, (x,), (along[1],))[1]])

    batches = jax.jit(jax.vmap(lambda key: derivatives(lambda x: game.sample(x, key))))(jax.random.split(KEY, 32))
    errors = np.mean(batches, axis=0) - derivatives(EXACT.payoff)
    standard = np.std(batches, axis=0, ddof=1) / np.sqrt(32)
    assert np.all(np.abs(errors) < 4 * standard)
    assert np.all(standard < 0.1)


def test_loaded_dice_and_baselines_reduce_variance():
    x, keys = jnp.array(X), jax.random.split(KEY, 64)

    def spread(**settings):
        """The variances of gradients, and of second derivatives."""
        game = Rollouts(rules=RULES, policies=TABLES, episodes=64, **settings)

        def both(key):
            effects, pull = jax.vjp(lambda x: ops.effects_at(lambda x: game.sample(x, key), x), x)
            return ops.own_rows(effects), pull(jnp.ones_like(effects))[0]

        return [float(np.mean(np.var(each, axis=0))) for each in jax.jit(jax.vmap(both))(keys)]

    plain, better, best = spread(estimator="dice", baseline="none"), spread(estimator="dice"), spread()
    assert better[0] < 0.5 * plain[0]
    assert best[1] < 0.5 * better[1]


def test_the_mean_baseline_leaves_out_the_episode_itself():
    game = Rollouts(rules=Rounds(discount=0.5), policies=TABLES, episodes=3, stopping="geometric")
    episodes = jax.eval_shape(game.play, jnp.array(X), KEY)
    alive = jnp.array([[1.0, 1.0, 0.0], [1.0, 0.0, 0.0], [1.0, 1.0, 1.0]])
    returns = jnp.arange(9.0).reshape(3, 3, 1)
    found = game.baselines(episodes._replace(alive=alive), returns)[..., 0]
    # At step 0 all live: the mean of the two others; at step 1 the second does not; at step 2 only the third does.
    np.testing.assert_allclose(found, [[4.5, 7.0, 8.0], [3.0, 4.0, 8.0], [1.5, 1.0, 0.0]])


# ---------------------------------------------------------------- episodes


def long(**settings):
    return Rollouts(rules=Rounds(horizon=200, discount=0.9), policies=TABLES, episodes=512, **settings)


def test_an_episode_tells_what_happened():
    game = long()
    played = jax.jit(game.play)(jnp.array(X), KEY)
    shapes = [each.shape for each in played[:-1]]
    assert played.memories == ()
    assert shapes == [(512, 200, 2, 5), (512, 200, 2), (512, 200, 2), (512, 200, 2), (512, 200), (512, 2, 5)]
    assert played.actions.dtype == np.int32
    first, actions = played.observations[:, 0], played.actions
    np.testing.assert_array_equal(first, np.broadcast_to(np.eye(5)[[0, 0]], (512, 2, 5)))
    own, other = actions[..., 0], actions[..., 1]
    after = np.concatenate([played.observations[:, 1:], played.final[:, None]], axis=1)
    np.testing.assert_array_equal(np.argmax(after[:, :, 0], -1), 1 + 2 * own + other)
    np.testing.assert_array_equal(np.argmax(after[:, :, 1], -1), 1 + 2 * other + own)
    np.testing.assert_array_equal(played.rewards[..., 0], np.array([[-2, 0], [-3, -1]])[own, other].astype(float) * 1.0)
    logits = np.einsum("pd,btpd->btp", X, played.observations)
    np.testing.assert_allclose(played.log_probs, -np.logaddexp(0, np.where(actions == 1, -logits, logits)), rtol=1e-12)
    seen = np.argmax(played.observations, -1)
    for p in range(2):
        for state in range(5):
            chosen = actions[..., p][seen[..., p] == state]
            assert abs(np.mean(chosen) - 1 / (1 + np.exp(-X[p, state]))) < 4 * 0.5 / np.sqrt(len(chosen))


def test_episodes_end_at_random_if_they_stop_geometrically():
    played = jax.jit(long(stopping="geometric").play)(jnp.array(X), KEY)
    assert np.all(np.diff(played.alive, axis=1) <= 0)
    lengths = np.sum(played.alive, axis=1)
    assert np.mean(lengths) == pytest.approx(10, abs=4 * np.sqrt(90 / 512))  # 1 / (1 - 0.9), variance 0.9 / 0.1^2
    weights = jax.vmap(long(stopping="geometric").weights)(played.alive)
    np.testing.assert_allclose(np.sum(weights, axis=1), 0.1 * lengths)


def test_weights_sum_to_one_and_are_even_without_a_discount():
    for discount, first in ((0.9, 1 / 2.71), (1.0, 1 / 3), (0.0, 1.0)):
        weights = Rollouts(rules=Rounds(discount=discount), policies=TABLES).weights(jnp.ones(3))
        assert float(jnp.sum(weights)) == pytest.approx(1)
        assert float(weights[0]) == pytest.approx(first)


def test_a_memory_is_carried_and_differentiated_through_the_episode():
    # The policy is asked again along the episode by hand, and as a whole by finite differences.
    network = Recurrent()
    game = Enumerated(rules=RULES, policies=(network, Table()))
    x, direction = game.init(jax.random.key(1)), game.init(jax.random.key(2))
    assert x.shape == (2, network.policy_size)
    np.testing.assert_array_equal(x[1, 5:], 0)
    episodes = jax.jit(game.play)(x, KEY)
    memory, total = network.begin(x[0]), 0.0
    for seen, action in zip(episodes.observations[7, :, 0], episodes.actions[7, :, 0], strict=True):
        logits, memory = network.act(x[0], memory, seen)
        total += jax.nn.log_softmax(logits)[action]
    assert float(jnp.sum(episodes.log_probs[7, :, 0])) == pytest.approx(float(total), abs=1e-12)
    sample = jax.jit(lambda t: game.sample(x + t * direction, KEY))
    slope = (sample(1e-5) - sample(-1e-5)) / 2e-5
    np.testing.assert_allclose(jax.jit(jax.jacfwd(sample))(0.0), slope, atol=1e-8)


def test_situations_are_told_from_the_start_to_policies_that_remember():
    network = Recurrent()
    x = jnp.stack([network.init(jax.random.key(1)), jnp.pad(jnp.arange(5.0), (0, network.policy_size - 5))])
    found = logits_after(RULES, (network, Table()), x, times=3)
    assert found.shape == (2, 5, 2)
    for state, row in enumerate(found[0]):
        memory, told = network.begin(x[0]), [0] if state == 0 else [0, state, state, state]
        for seen in told:
            logits, memory = network.act(x[0], memory, RULES.observations[seen])
        np.testing.assert_allclose(row, logits, rtol=1e-6)
    np.testing.assert_array_equal(found[1, :, 1], jnp.arange(5.0))  # a table does not care what was before


def test_policies_of_different_sizes_share_a_game_and_pads_get_no_gradient():
    game = Rollouts(rules=RULES, policies=(Recurrent(), Table()), episodes=8)
    assert not game.symmetric
    x = game.init(KEY)
    steps = step(rule("naive", game), x)
    np.testing.assert_array_equal(steps[1, 5:], 0)
    assert np.count_nonzero(steps[0]) > 5


# ---------------------------------------------------------------- the game

IPD = meva.make("game", "ipd")


@functools.cache
def sampled_ipd():
    return Rollouts(rules=Rounds(horizon=150, discount=0.96, exact=IPD), policies=TABLES)


def test_what_evaluations_show_of_tables_is_the_exact_games():
    game, x = sampled_ipd(), IPD.init(KEY)
    np.testing.assert_array_equal(game.init(KEY), x)
    np.testing.assert_array_equal(game.payoff(x), IPD.payoff(x))
    np.testing.assert_array_equal(game.best_response(x, 0), IPD.best_response(x, 0))
    assert game.entry_names == IPD.entry_names
    assert list(game.strategies) == list(IPD.strategies)
    assert game.outcomes(x).keys() == IPD.outcomes(x).keys()


def test_networks_show_exact_payoffs_and_are_asked_once_per_state():
    rules = rules_of(IPD)
    network = meva.make("policy", "mlp", width=3, **policy_arguments(rules))
    game = Rollouts(rules=rules, policies=(network,) * 2, episodes=4, horizon=5)
    x = game.init(jax.random.key(3))  # with a last number that chooses a script, here none
    exact = WithPolicies(game=IPD, policies=(network,) * 2)
    np.testing.assert_allclose(jax.jit(game.payoff)(x), jax.jit(exact.payoff)(x[:, :-1]), rtol=1e-6)
    played = jax.jit(game.play)(x, KEY)
    for p in range(2):
        logits = jax.jit(jax.vmap(lambda seen, p=p: logits_along(network, x[p, :-1], seen)))(
            played.observations[:, :, p]
        )
        taken = jnp.take_along_axis(jax.nn.log_softmax(logits), played.actions[:, :, p, None], axis=-1)
        np.testing.assert_allclose(played.log_probs[:, :, p], taken[..., 0], rtol=1e-6)


def test_a_game_without_an_exact_one_shows_the_same_estimate_each_time():
    game = Rollouts(rules=RULES, policies=TABLES)
    x, payoff = game.init(KEY), jax.jit(game.payoff)
    np.testing.assert_array_equal(payoff(x), payoff(x))
    assert jax.eval_shape(game.outcomes, x).keys() == {"CC"}
    assert game.best_response(x, 0) is None
    assert game.strategies == {}
    assert game.symmetric


def test_more_episodes_may_be_shown_than_learnt_from():
    few, many = (Rollouts(rules=RULES, policies=TABLES, episodes=count) for count in (2, 64))
    game = Rollouts(rules=RULES, policies=TABLES, episodes=2, shown=64)
    x = game.init(KEY)
    np.testing.assert_array_equal(game.sample(x, KEY), few.sample(x, KEY))

    def shown(game):
        return game.payoff(x), game.look(x, KEY), game.outcomes(x), game.entries(x)

    jax.tree.map(np.testing.assert_array_equal, shown(game), shown(many))
    assert game.notes[-1].endswith("for every estimate of payoffs, and 64 for what is shown")


@pytest.mark.parametrize("estimator", ["loaded_dice", "dice"])
def test_policies_that_are_no_numbers_pay_none(estimator):
    """They act all the same, so a match that diverged would look like any other."""
    game = Rollouts(rules=RULES, policies=TABLES, episodes=4, estimator=estimator)
    look = jax.jit(game.look)
    payoffs, measures = look(jnp.array(X), KEY)
    np.testing.assert_allclose(payoffs, game.sample(jnp.array(X), KEY), rtol=1e-12)
    assert 0 <= measures["CC"] <= 1
    payoffs, measures = look(jnp.array(X).at[1].set(jnp.nan), KEY)
    assert jnp.isnan(payoffs).all()
    assert jnp.isnan(measures["CC"])


def test_a_match_of_a_rule_is_played_on_samples():
    game = Rollouts(rules=Rounds(horizon=10, discount=0.9), policies=TABLES, episodes=64)
    match = meva.self_play(game, meva.Fitted(learner=rule("naive", game, rate=20.0)))
    played = jax.jit(lambda x: meva.play(match, x, KEY, 60))(jnp.array(X))
    assert np.all(played.payoffs[-1] < -1.9)
    assert not np.array_equal(played.lengths[0], played.lengths[1])


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Rollouts(rules=RULES, policies=(Table(),)), "a policy for each of the 2 players of Rounds, got 1"),
        (lambda: Rollouts(rules=Rounds(discount=1.0), policies=TABLES, stopping="geometric"), "a discount below 1 for"),
        (
            lambda: Enumerated(rules=RULES, policies=TABLES, horizon=9),
            "at most 65536 episodes to enumerate, got 262144",
        ),
    ],
)
def test_what_does_not_fit_is_one_line(make, message):
    with pytest.raises(BadCombination, match=message):
        make()


@pytest.mark.parametrize("settings", [{"episodes": 0}, {"horizon": 0}, {"estimator": "magic"}, {"baseline": "state"}])
def test_settings_are_checked(settings):
    with pytest.raises(ValueError, match="must be"):
        Rollouts(rules=RULES, policies=TABLES, **settings)


def test_play_gives_one_episode():
    episode = play(RULES, TABLES, jnp.array(X), KEY, horizon=4)
    assert episode.actions.shape == (4, 2)
    np.testing.assert_array_equal(episode.alive, np.ones(4))


def test_networks_play_where_a_strategy_is_not_feasible():
    """Extortion by the factor 3 is not, in the chicken game: outside jit, its script cannot be made."""
    rules = rules_of(meva.make("game", "chicken"))
    with pytest.raises(BadValue, match="feasible"):
        rules.scripts["extortion"]
    own = meva.make("policy", "mlp", **policy_arguments(rules), width=2)
    game = Rollouts(rules=rules, policies=(own, own), episodes=1, horizon=1)
    assert game.play(game.init(jax.random.key(0)), jax.random.key(1)).rewards.shape == (1, 1, 2)


def test_payoffs_of_given_episodes_are_means_over_as_many_as_there_are():
    rules = rules_of(meva.make("game", "ipd"))
    own = meva.make("policy", "table", **policy_arguments(rules))
    few, many = (Rollouts(rules=rules, policies=(own, own), episodes=n, horizon=2) for n in (2, 6))
    episodes = many.play(jnp.zeros((2, 5)), jax.random.key(0))
    np.testing.assert_allclose(few.estimate(episodes), many.estimate(episodes), rtol=1e-6)
