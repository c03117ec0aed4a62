"""Policies: what their numbers mean, and exact games between them."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import meva_core as meva
from meva_core.errors import BadCombination
from meva_core.ops import stacked
from meva_core.sampling import Rollouts, WithPolicies, policy_arguments, rules_of
from meva_core.testing import checks

SIZES = {"observation_size": 5, "num_actions": 2, "one_hot": True}
ASYMMETRIC = {"payoffs_1": ((3.0, 0.0, 1.0), (5.0, 1.0, 0.0)), "payoffs_2": ((3.0, 5.0, 0.0), (0.0, 1.0, 1.0))}
GAMES = {
    "ipd": ("ipd", {"noise": 0.05}),
    "imp": ("imp", {}),
    "public_goods": ("public_goods", {"num_players": 3}),
    "normal_form": ("normal_form", {}),
    "two_by_three": ("normal_form", ASYMMETRIC),
}
of_each_game = pytest.mark.parametrize("name", GAMES)


def made(name):
    game, settings = GAMES[name]
    return meva.make("game", game, **settings)


def between(game, name, **settings):
    """The game between policies of one kind, in all seats."""
    policy = meva.make("policy", name, **policy_arguments(rules_of(game)), **settings)
    return WithPolicies(game=game, policies=(policy,) * game.num_players)


def mlp_by_hand(x, states, width, outputs):
    """Outputs of a network of one hidden layer at every state, in NumPy: its rows are read off the weights."""
    x = np.asarray(x, np.float64)
    first, rest = x[: states * width].reshape(states, width), x[states * width :]
    biases, rest = rest[:width], rest[width:]
    second, last = rest[: width * outputs].reshape(width, outputs), rest[width * outputs :]
    return np.tanh(first + biases) @ second + last


# ---------------------------------------------------------------- one policy


def test_the_table_holds_a_logit_for_each_state():
    policy = meva.make("policy", "table", **SIZES)
    x = policy.init(jax.random.key(0))
    for state, seen in enumerate(jnp.eye(5)):
        assert policy.act(x, policy.begin(x), seen)[0].tolist() == [0.0, x[state]]
    of_three = meva.make("policy", "table", observation_size=2, num_actions=3, one_hot=True)
    assert of_three.act(jnp.arange(6.0), jnp.zeros(0), jnp.array([0.0, 1.0]))[0].tolist() == [3.0, 4.0, 5.0]


def test_an_mlp_is_the_network_that_its_numbers_are():
    policy = meva.make("policy", "mlp", **SIZES, width=4)
    x = jax.random.normal(jax.random.key(0), (policy.policy_size,))
    assert policy.policy_size == 5 * 4 + 4 + 4 + 1
    outputs = mlp_by_hand(x, 5, 4, 1)
    logits = jax.vmap(lambda seen: policy.act(x, jnp.zeros(0), seen)[0])(jnp.eye(5))
    np.testing.assert_allclose(logits, np.pad(outputs, ((0, 0), (1, 0))), rtol=1e-5)


@pytest.mark.parametrize(("layers", "size"), [(1, 5 * 8 + 8), (3, 5 * 8 + 8 + 2 * (8 * 8 + 8))])
def test_layers_and_activations(layers, size):
    policy = meva.make("policy", "mlp", **SIZES, width=8, layers=layers, activation="relu")
    assert policy.policy_size == size + 8 + 1
    x = jnp.zeros(policy.policy_size).at[-1].set(2.0)
    assert policy.act(x, jnp.zeros(0), jnp.eye(5)[0])[0].tolist() == [0.0, 2.0]


def test_the_condition_of_a_policy_is_seen_or_multiplies_the_last_hidden_layer():
    seen, state, condition = jnp.eye(5)[2], jnp.zeros(0), jnp.array([0.5, 0.0, 2.0])
    beside = meva.make("policy", "conditioned", **SIZES, condition_size=3, width=3)
    gated = meva.make("policy", "conditioned", **SIZES, condition_size=3, width=3, enters="gate")
    fresh = [policy.init(jax.random.key(0)) for policy in (beside, gated)]
    assert [x[-3:].tolist() for x in fresh] == [[0.0] * 3, [1.0] * 3]

    x = fresh[0].at[-3:].set(condition)
    into, biases, out, last = x[:24].reshape(8, 3), x[24:27], x[27:30], x[30]
    hidden = jnp.tanh(jnp.concatenate([seen, condition]) @ into + biases)
    np.testing.assert_allclose(beside.act(x, state, seen)[0], [0, hidden @ out + last], rtol=1e-5)

    x = fresh[1].at[-3:].set(condition)
    into, biases, out, last = x[:15].reshape(5, 3), x[15:18], x[18:21], x[21]
    hidden = jnp.tanh(seen @ into + biases) * condition
    np.testing.assert_allclose(gated.act(x, state, seen)[0], [0, hidden @ out + last], rtol=1e-5)
    with pytest.raises(BadCombination, match=r"got 4: set policy\.condition_size = 16"):
        meva.make("policy", "conditioned", **SIZES, enters="gate")


def test_a_gru_remembers():
    """A step by hand, in NumPy, without dense layers before it: Chung et al. (2014)."""
    policy = meva.make("policy", "gru", observation_size=3, num_actions=3, width=2, layers=0)
    rng = np.random.default_rng(0)
    shapes = {"W": (3, 6), "U": (2, 6), "b": (6,), "V": (2, 3), "c": (3,)}
    own = {name: rng.normal(size=shape) for name, shape in shapes.items()}
    x = jnp.concatenate([jnp.asarray(array.ravel(), float) for array in own.values()])
    assert policy.policy_size == x.shape[0]
    memory, seen = rng.normal(size=2), rng.normal(size=3)
    inputs, held = seen @ own["W"] + own["b"], memory @ own["U"]
    sigmoid = lambda z: 1 / (1 + np.exp(-z))  # noqa: E731
    reset, keep = sigmoid(inputs[:2] + held[:2]), sigmoid(inputs[2:4] + held[2:4])
    after = (1 - keep) * np.tanh(inputs[4:] + reset * held[4:]) + keep * memory
    logits, found = policy.act(x, jnp.asarray(memory), jnp.asarray(seen))
    np.testing.assert_allclose(found, after, rtol=1e-4)
    np.testing.assert_allclose(logits, after @ own["V"] + own["c"], rtol=1e-4, atol=1e-5)
    assert policy.begin(x).tolist() == [0.0, 0.0]


def test_the_condition_of_a_network_with_memory_multiplies_what_it_acts_by_and_not_what_it_remembers():
    plain, gated = (meva.make("policy", name, **SIZES, width=2) for name in ("gru", "conditioned_gru"))
    x, seen, memory = plain.init(jax.random.key(0)), jnp.eye(5)[1], jnp.array([0.3, -0.2])
    with_condition = gated.init(jax.random.key(0))
    assert (gated.condition_size, gated.memory_size) == (2, 2)
    np.testing.assert_array_equal(with_condition, [*x, 1.0, 1.0])  # which changes nothing
    logits, after = plain.act(x, memory, seen)
    for condition, factor in (([1.0, 1.0], after), ([0.5, 3.0], after * jnp.array([0.5, 3.0]))):
        found, remembered = gated.act(jnp.concatenate([x, jnp.array(condition)]), memory, seen)
        np.testing.assert_allclose(remembered, after, rtol=1e-6)
        np.testing.assert_allclose(found, [0, factor @ x[-3:-1] + x[-1]], rtol=1e-5)
    np.testing.assert_allclose(logits, [0, after @ x[-3:-1] + x[-1]], rtol=1e-5)


def test_the_output_scale_of_fresh_policies():
    """At 0 all actions are equally likely; at 1 the logits are as large for any width, and for one-hot observations."""

    def spread(scale, width, observation_size, one_hot):
        sizes = {"observation_size": observation_size, "num_actions": 2, "one_hot": one_hot}
        policy = meva.make("policy", "mlp", **sizes, width=width, output_scale=scale)
        seen = jnp.eye(observation_size)[0] if one_hot else jnp.ones(observation_size)

        def logit(key):
            x = policy.init(key)
            return policy.act(x, policy.begin(x), seen)[0][1]

        return float(jnp.std(jax.jit(jax.vmap(logit))(jax.random.split(jax.random.key(0), 1000))))

    assert spread(0.0, 4, 5, True) == 0
    found = [spread(1.0, *of) for of in ((4, 5, True), (16, 5, True), (16, 9, True), (16, 9, False))]
    np.testing.assert_allclose(found, found[0], rtol=0.15)
    assert 0.15 < found[0] < 1


def test_tables_need_states():
    with pytest.raises(BadCombination, match=r"tables, got one with observations of 36 numbers: use a network"):
        meva.make("policy", "table", observation_size=36, num_actions=4, one_hot=False)


# ---------------------------------------------------------------- exact games between policies


@of_each_game
def test_tables_are_the_games_own_policies(name):
    """They are equal to the bit, although composition leaves the game as it is (test_policies_of_experiments.py)."""
    game = made(name)
    with_tables, own = between(game, "table"), game.init(jax.random.key(3))
    assert with_tables.policy_size == game.policy_size
    found, expected = (jax.jit(each.payoff)(own) for each in (with_tables, game))
    np.testing.assert_array_equal(found, expected)
    np.testing.assert_array_equal(jax.jit(with_tables.tables)(own), own)


@of_each_game
def test_a_networks_payoff_is_that_of_its_table(name):
    """The table, in double precision by hand: the payoff of the exact game is the network's."""
    with jax.enable_x64(True):
        game = made(name)
        rules, played = rules_of(game), between(game, "mlp", width=4)
        x = jax.jit(played.init)(jax.random.key(0))
        outputs = 1 if rules.num_actions == 2 else rules.num_actions
        rows = [mlp_by_hand(row, rules.observation_size, 4, outputs).ravel() for row in x]
        table = jnp.stack([jnp.asarray(row) for row in rows])

        def told(game, x):
            return game.payoff(x), game.entries(x), game.outcomes(x)

        found, expected = jax.jit(told)(played, x), jax.jit(told)(game, table)
        jax.tree.map(lambda one, other: np.testing.assert_allclose(one, other, atol=1e-12), found, expected)
        assert found[1].shape == (game.num_players, len(played.entry_names))


@pytest.mark.parametrize("name", ["ipd", "two_by_three"])
def test_gradients_are_exact(name):
    """Against central differences in double precision, along random directions."""
    with jax.enable_x64(True):
        played, rng, h = between(made(name), "mlp", width=4, layers=2), np.random.default_rng(0), 1e-5
        shape = (2, played.policy_size)
        x, payoff = rng.normal(size=shape), jax.jit(played.payoff)
        slopes = np.asarray(jax.jit(jax.jacobian(payoff))(x))
        for along in rng.normal(size=(3, *shape)):
            found = (payoff(x + h * along) - payoff(x - h * along)) / (2 * h)
            np.testing.assert_allclose(found, np.sum(slopes * along, axis=(1, 2)), rtol=1e-7, atol=1e-9)


def test_hidden_units_have_no_order():
    """Exchanging two units changes the numbers, not the payoffs, and exchanges the gradient: a symmetry of networks."""
    with jax.enable_x64(True):
        played = between(made("ipd"), "mlp", width=3)
        x = np.random.default_rng(0).normal(size=(2, played.policy_size))
        order = np.arange(x.shape[1])
        for start in (*range(0, 15, 3), 15, 18):  # the rows of the first weights, the biases, the second weights
            order[[start, start + 1]] = order[[start + 1, start]]
        slopes, payoff = jax.jit(jax.jacobian(played.payoff)), jax.jit(played.payoff)
        np.testing.assert_allclose(payoff(x[:, order]), payoff(x), rtol=1e-12)
        np.testing.assert_allclose(slopes(x[:, order]), slopes(x)[..., order], rtol=1e-9, atol=1e-12)


def test_seats_may_have_policies_of_different_sizes():
    game = made("ipd")
    table, mlp = (meva.make("policy", name, **SIZES) for name in ("table", "mlp"))
    played = WithPolicies(game=game, policies=(table, mlp))
    assert (played.policy_size, played.symmetric) == (mlp.policy_size, False)
    x = played.init(jax.random.key(0))
    assert jnp.all(x[0, table.policy_size :] == 0)
    slopes = jax.jit(jax.jacobian(played.payoff))(x)
    assert not np.any(slopes[:, 0, table.policy_size :])
    assert np.any(slopes[:, 0, : table.policy_size])
    both = WithPolicies(game=game, policies=(mlp, mlp))
    table_of_mlp = jax.jit(both.tables)(x)[1]
    apart = jnp.stack([x[0, : table.policy_size], table_of_mlp])
    np.testing.assert_allclose(jax.jit(played.payoff)(x), jax.jit(game.payoff)(apart), rtol=1e-5)


def test_it_is_symmetric_if_the_game_and_the_policies_are():
    assert between(made("ipd"), "mlp").symmetric
    assert not between(made("imp"), "mlp").symmetric
    one, other = (meva.make("policy", "mlp", **SIZES, output_scale=scale) for scale in (1.0, 2.0))
    assert not WithPolicies(game=made("ipd"), policies=(one, other)).symmetric
    many = stacked([between(made("ipd"), "mlp")] * 2)
    assert jax.vmap(lambda game: jnp.asarray(game.symmetric))(many).tolist() == [True, True]


def test_the_kit_accepts_a_game_between_networks():
    checks.check_game(between(made("ipd"), "mlp", width=4))


@pytest.mark.parametrize(
    ("game", "policies", "said"),
    [
        (
            "logistic",
            ("mlp", "mlp"),
            "a game that shows its players a state for policies of another kind, got Logistic",
        ),
        ("ipd", ("mlp",), "expected 2 policies, one per seat of PrisonersDilemma, got 1"),
        ("ipd", ("gru", "gru"), "policies without memory for the exact payoffs of PrisonersDilemma, got GRU: it needs"),
    ],
)
def test_what_does_not_fit_together(game, policies, said):
    chosen = tuple(meva.make("policy", name, **SIZES) for name in policies)
    with pytest.raises(BadCombination, match=said):
        WithPolicies(game=meva.make("game", game), policies=chosen)


# ---------------------------------------------------------------- learning


@functools.cache
def learnt(name, steps):
    played = between(meva.make("game", "ipd"), "mlp")
    learner = meva.make("learner", name, game=played, rate=5.0)
    match = meva.self_play(played, meva.Fitted(learner=learner))

    def ended(key):
        x = meva.play(match, played.init(key), key, steps).x
        return played.payoff(x), played.entries(x), x

    return played, *jax.jit(jax.vmap(ended))(jax.random.split(jax.random.key(0), 8))


def test_naive_networks_defect():
    _, payoffs, entries, _ = learnt("naive", 300)
    np.testing.assert_allclose(payoffs, -2.0, atol=0.01)
    assert np.all(entries[..., :2] < 0.05)  # at the start and after DD, where they are


def test_a_best_response_to_a_network_is_exact():
    """It is the one to the table that acts alike, among all of the game's policies; also if the game is played."""
    played = between(meva.make("game", "ipd"), "mlp")
    x = played.init(jax.random.key(0))
    rollouts = Rollouts(rules=rules_of(played.game), policies=played.policies)
    expected = meva.best_response(played.game, played.tables(x), 1, jax.random.key(0))
    for game, row in ((played, x), (rollouts, jnp.pad(x, ((0, 0), (0, 1))))):
        found = meva.best_response(game, row, 1, jax.random.key(0))
        np.testing.assert_array_equal(found.policy, expected.policy)
        np.testing.assert_allclose(found.payoffs, expected.payoffs, rtol=1e-6)
        assert found.agreement == 1
