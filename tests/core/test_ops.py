"""Every op against hand-worked numbers, closed forms or plain loops."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

from meva_core import ops

# ---------------------------------------------------------------- Markov chains


def test_shares_by_hand():
    # From the first state, half of the time to the second, which stays: after t rounds 2^-t is left in the first, so
    # its share is (1 - d) / (1 - d / 2) = 2 / 3 at d = 1 / 2.
    after = jnp.array([[0.5, 0.5], [0.0, 1.0]])
    np.testing.assert_allclose(ops.discounted_shares(jnp.array([1.0, 0.0]), after, 0.5), [2 / 3, 1 / 3], 1e-6)


def chain(size, seed=0):
    generator = np.random.default_rng(seed)
    return generator.dirichlet(np.ones(size)), generator.dirichlet(np.ones(size) / 3, size)


def solved(start, after, discount):
    return (1 - discount) * np.linalg.solve(np.eye(len(start)) - discount * after.T, start)


@pytest.mark.parametrize("size", [1, 2, 4, 7, 20, 32])  # written out by numbers, by rows, and block by block
def test_shares_against_numpy(size):
    start, after = chain(size)
    with jax.enable_x64(True):
        found = ops.discounted_shares(jnp.array(start), jnp.array(after), 0.96)
    np.testing.assert_allclose(found, solved(start, after, 0.96), rtol=1e-10)


@pytest.mark.parametrize("size", [4, 7, 20])
@pytest.mark.parametrize("discount", [0.96, 0.9999, 0.999999])
def test_shares_keep_their_digits_in_single_precision(size, discount):
    start, after = chain(size)
    stays = after / 1000 + 0.999 * np.eye(size)  # slow to leave: hard for a solve that subtracts
    for chains in (after, stays):
        found = jax.jit(ops.discounted_shares)(jnp.float32(start), jnp.float32(chains), discount)
        exact = solved(start, chains, float(np.float32(discount)))
        np.testing.assert_allclose(found, exact, rtol=1e-5)
        assert float(jnp.sum(found)) == pytest.approx(1, abs=1e-6)


@pytest.mark.parametrize("size", [4, 20])
def test_shares_differentiate_as_the_closed_form_to_second_order(size):
    start, after = chain(size)
    generator = np.random.default_rng(1)
    weight, towards = generator.normal(size=size), chain(size, 2)[1]

    def along(shares):
        return lambda t: weight @ shares(start, after + t * (towards - after), 0.9)

    with jax.enable_x64(True):
        value = along(lambda *chain: ops.discounted_shares(*map(jnp.asarray, chain)))
        first, second = jax.grad(value)(0.1), jax.grad(jax.grad(value))(0.1)
    exact, h = along(solved), 1e-3
    low, middle, high = exact(0.1 - h), exact(0.1), exact(0.1 + h)
    np.testing.assert_allclose(first, (high - low) / (2 * h), rtol=1e-4)
    np.testing.assert_allclose(second, (high - 2 * middle + low) / h**2, rtol=1e-4)


# ---------------------------------------------------------------- quantiles

# Errors on both sides of the corners at -1 and 1.
ERRORS = jnp.array([-3.0, -1.5, -0.5, 0.0, 0.25, 0.75, 2.0])


def test_huber_by_hand():
    # e^2/2 up to 1, |e| - 1/2 beyond.
    np.testing.assert_allclose(ops.huber(ERRORS), [2.5, 1.0, 0.125, 0.0, 0.03125, 0.28125, 1.5], rtol=1e-6)


def test_huber_derivative_is_the_clipped_error():
    first = jax.vmap(jax.grad(ops.huber))(ERRORS)
    np.testing.assert_allclose(first, [-1.0, -1.0, -0.5, 0.0, 0.25, 0.75, 1.0], rtol=1e-6)


def test_huber_second_derivative_is_one_inside():
    second = jax.vmap(jax.grad(jax.grad(ops.huber)))(ERRORS)
    np.testing.assert_array_equal(second, [0.0, 0.0, 1.0, 1.0, 1.0, 1.0, 0.0])


def test_quantile_huber_by_hand():
    # Two predictions (0, 1) at midpoints (1/4, 3/4), two targets (0.5, 3).
    # Prediction 0: errors 0.5 and 3, huber 0.125 and 2.5, both weigh 1/4: mean 0.328125.
    # Prediction 1: errors -0.5 and 2, huber 0.125 and 1.5, weights 1/4 and 3/4: mean (0.03125 + 1.125)/2 = 0.578125.
    loss = ops.quantile_huber(jnp.array([0.0, 1.0]), jnp.array([0.5, 3.0]))
    np.testing.assert_allclose(loss, 0.328125 + 0.578125, rtol=1e-6)


def test_one_quantile_is_plain_huber():
    # Errors 0.5, -0.5, 3: (0.125 + 0.125 + 2.5)/3.
    loss = ops.quantile_huber(jnp.array([1.0]), jnp.array([1.5, 0.5, 4.0]))
    np.testing.assert_allclose(loss, 2.75 / 3, rtol=1e-6)


def plain_quantile_gradient(predictions, targets):
    gradient = np.zeros(len(predictions))
    for m, prediction in enumerate(predictions):
        midpoint = (m + 0.5) / len(predictions)
        for target in targets:
            weight = 1 - midpoint if target < prediction else midpoint
            gradient[m] -= weight * np.clip(target - prediction, -1, 1) / len(targets)
    return gradient


def test_quantile_huber_gradient_is_that_of_a_double_loop():
    generator = np.random.default_rng(0)
    predictions, targets = generator.normal(size=5), 2 * generator.normal(size=7)
    with jax.enable_x64(True):
        gradient = jax.grad(ops.quantile_huber)(jnp.array(predictions), jnp.array(targets))
    np.testing.assert_allclose(gradient, plain_quantile_gradient(predictions, targets), rtol=1e-12)


def test_quantile_huber_gradient_is_that_of_finite_differences():
    predictions, targets, h = np.array([-0.3, 0.4, 2.0]), np.array([0.1, 1.7, -2.0, 0.9]), 1e-6
    with jax.enable_x64(True):
        loss = lambda p: float(ops.quantile_huber(jnp.array(p), jnp.array(targets)))  # noqa: E731
        moves = h * np.eye(3)
        differences = [(loss(predictions + move) - loss(predictions - move)) / (2 * h) for move in moves]
        gradient = jax.grad(ops.quantile_huber)(jnp.array(predictions), jnp.array(targets))
    np.testing.assert_allclose(gradient, differences, rtol=1e-7)


def test_targets_of_quantile_regression_are_constants():
    predictions, targets = jnp.array([0.3, -1.0]), jnp.array([0.5, 3.0, 0.0])
    np.testing.assert_array_equal(jax.grad(ops.quantile_huber, argnums=1)(predictions, targets), 0.0)
    move = jnp.array([1.0, -2.0])
    forward = jax.jvp(lambda p: ops.quantile_huber(p, targets), (predictions,), (move,))[1]
    np.testing.assert_allclose(forward, jax.grad(ops.quantile_huber)(predictions, targets) @ move, rtol=1e-6)


# ---------------------------------------------------------------- returns


def plain_returns(payoffs, values, discounts, trace):
    after, targets = values[-1], np.zeros_like(values)
    for t in reversed(range(len(payoffs))):
        after = (1 - discounts) * payoffs[t] + discounts * ((1 - trace) * values[t] + trace * after)
        targets[t] = after
    return targets


def test_returns_by_hand():
    # g = 1/2, trace 1/2, payoffs (1, 2), values (4, 8).
    # Y_1 = 0.5*2 + 0.5*(0.5*8 + 0.5*8) = 5;  Y_0 = 0.5*1 + 0.5*(0.5*4 + 0.5*5) = 2.75.
    targets = ops.lambda_returns(jnp.array([1.0, 2.0]), jnp.array([4.0, 8.0]), jnp.array(0.5), 0.5)
    np.testing.assert_allclose(targets, [2.75, 5.0], rtol=1e-6)


@pytest.mark.parametrize("trace", [0.0, 0.3, 0.9, 1.0])
def test_returns_against_a_plain_loop(trace):
    # T = 6 steps, P = 2 players with a discount of their own, K = 3 quantiles.
    generator = np.random.default_rng(1)
    payoffs, values = generator.normal(size=(6, 2, 1)), generator.normal(size=(6, 2, 3))
    discounts = np.array([[0.2], [0.95]])
    with jax.enable_x64(True):
        targets = ops.lambda_returns(jnp.array(payoffs), jnp.array(values), jnp.array(discounts), trace)
    np.testing.assert_allclose(targets, plain_returns(payoffs, values, discounts, trace), rtol=1e-12)


def test_trace_one_is_the_normalised_discounted_sum():
    # Y_t = (1-g) sum_s g^s r_{t+s} + g^(T-t) v_{T-1}: no bootstrap but the last.
    payoffs, values, g = jnp.array([1.0, -2.0, 3.0, 0.5]), jnp.array([9.0, -9.0, 9.0, 7.0]), 0.8
    expected = [
        (1 - g) * sum(g**s * float(payoffs[t + s]) for s in range(4 - t)) + g ** (4 - t) * 7.0 for t in range(4)
    ]
    np.testing.assert_allclose(ops.lambda_returns(payoffs, values, jnp.array(g), 1.0), expected, rtol=1e-6)


def test_trace_zero_looks_one_step_ahead():
    payoffs, values, g = jnp.array([1.0, -2.0, 3.0]), jnp.array([9.0, -9.0, 7.0]), 0.8
    # 0.2*1 + 0.8*9 = 7.4; -0.4 - 7.2 = -7.6; 0.6 + 5.6 = 6.2.
    np.testing.assert_allclose(ops.lambda_returns(payoffs, values, jnp.array(g), 0.0), [7.4, -7.6, 6.2], rtol=1e-6)


# ---------------------------------------------------------------- gradients

MIX = jnp.array([[[0.5, -1.0], [2.0, 0.3], [-0.7, 1.1]], [[1.5, 0.2], [-0.4, 0.9], [0.6, -1.3]]])
X = jnp.array([[0.1, -0.4], [0.7, 0.2], [-0.5, 0.9]])


def payoff(x):
    """P = 3, D = 2: no two players alike, every player's payoff moves with every entry."""
    first, second = jnp.sin(jnp.sum(MIX[0] * x)), jnp.tanh(jnp.sum(MIX[1] * x))
    return jnp.array([1.0, -2.0, 3.0]) * first + jnp.array([0.5, 1.0, -1.0]) * second * x[:, 0] * x[::-1, 1]


def blocks(jacobian):
    """Row i: d f_i / d x_i."""
    return np.stack([jacobian[i, i] for i in range(3)])


def test_simultaneous_gradient_is_the_jacobians_blocks():
    np.testing.assert_allclose(ops.simultaneous_gradient(payoff, X), blocks(jax.jacobian(payoff)(X)), rtol=1e-5)


def test_effects_after_the_others_steps():
    steps = 0.3 * jnp.cos(X)
    for i, effects in enumerate(ops.effects_after(payoff, X, steps)):
        there = (X + steps).at[i].set(X[i])
        np.testing.assert_allclose(effects, jax.jacobian(payoff)(there)[i], rtol=1e-5, atol=1e-6)


def look_ahead(steps):
    """d_i [ f_i(x_i, x_j + steps_j(x)) ] as it is written, player by player."""

    def objective(x, i):
        return payoff((x + steps(x)).at[i].set(x[i]))[i]

    return np.stack([jax.grad(objective)(X, i)[i] for i in range(3)])


@pytest.mark.parametrize(
    "steps", [jnp.sin, lambda x: x * x[::-1], lambda x: 0.5 * ops.simultaneous_gradient(payoff, x)]
)
def test_the_look_ahead_gradient_is_what_it_says(steps):
    np.testing.assert_allclose(ops.look_ahead_gradient(payoff, steps, X), look_ahead(steps), rtol=1e-4, atol=1e-5)


def test_the_shaping_gradient_is_what_it_says():
    effects = jax.jacobian(payoff)(X)

    def objective(x, i):
        others = np.arange(3) != i
        return jnp.sum(effects[i][others] * ops.simultaneous_gradient(payoff, x)[others])

    expected = np.stack([jax.grad(objective)(X, i)[i] for i in range(3)])
    np.testing.assert_allclose(ops.shaping_gradient(payoff, X), expected, rtol=1e-4, atol=1e-5)


def test_shaping_with_effects_elsewhere_is_the_chain_rule_of_looking_ahead():
    def steps(x):
        return 0.5 * ops.simultaneous_gradient(payoff, x)

    effects = ops.effects_after(payoff, X, steps(X))
    own = effects[np.arange(3), np.arange(3)]
    found = own + 0.5 * ops.shaping_gradient(payoff, X, effects)
    np.testing.assert_allclose(found, look_ahead(steps), rtol=1e-4, atol=1e-5)


def test_own_gradient_is_the_jacobians_blocks_in_one_pass():
    def split(own, others):
        """Entry i reads player i from `own` and the rest from `others`."""
        return jnp.stack([payoff(others.at[i].set(own[i]))[i] for i in range(3)])

    np.testing.assert_allclose(ops.own_gradient(split, X), blocks(jax.jacobian(payoff)(X)), rtol=1e-5)


def test_own_gradient_stops_at_the_others():
    # Entry i = own_i * sum of everybody's number in `others`: the gradient is that sum, 1.5 + 0.5 = 2, and no more.
    x = jnp.array([[1.5], [0.5]])
    np.testing.assert_allclose(ops.own_gradient(lambda own, others: own[:, 0] * jnp.sum(others), x), [[2.0], [2.0]])


def test_simultaneous_gradient_can_be_differentiated():
    # d/dx_j of d_i f_i is the (i, j) block of the Hessian of f_i.
    second = jax.jacobian(lambda x: ops.simultaneous_gradient(payoff, x))(X)
    hessian = jax.hessian(payoff)(X)
    for i in range(3):
        np.testing.assert_allclose(second[i], hessian[i, i], rtol=1e-4, atol=1e-5)


# ---------------------------------------------------------------- statistics, trees


def test_mean_and_sem_by_hand():
    # Mean 2.5; squares of deviations 2.25, 0.25, 0.25, 2.25 sum to 5; sem = sqrt(5/3) / sqrt(4) = sqrt(5/12).
    mean, sem = ops.mean_and_sem(np.array([[1.0, 2.0], [3.0, 4.0]]))
    assert mean == 2.5
    np.testing.assert_allclose(sem, np.sqrt(5 / 12), rtol=1e-12)


def test_mean_and_sem_of_float32_is_summed_in_float64():
    # In float32 the mean of a million times 0.1 would drift.
    mean, sem = ops.mean_and_sem(np.full(1_000_000, 0.1, np.float32))
    np.testing.assert_allclose(mean, float(np.float32(0.1)), rtol=1e-12)
    assert sem < 1e-12


def test_one_sample_has_no_error():
    mean, sem = ops.mean_and_sem(np.array([7.0]))
    assert mean == 7.0
    assert np.isnan(sem)


def test_no_samples_have_no_mean():
    assert np.isnan(ops.mean_and_sem(np.array([]))).all()


def test_the_interval_is_scipy_s():
    samples = np.random.default_rng(0).exponential(size=12)
    theirs = stats.bootstrap((samples,), np.mean, rng=1).confidence_interval
    np.testing.assert_allclose(ops.bootstrap_interval(samples), theirs, atol=0.05 * (theirs.high - theirs.low))


def test_the_interval_holds_the_true_mean_as_often_as_its_docstring_says():
    draws = np.random.default_rng(0).normal(size=(1000, 10))
    held = [low <= 0 <= high for low, high in map(ops.bootstrap_interval, draws)]
    assert np.mean(held) == pytest.approx(0.89, abs=0.03)


def test_the_interval_of_many_samples_continues_that_of_fewer():
    samples = np.random.default_rng(0).normal(size=1001)
    np.testing.assert_allclose(ops.bootstrap_interval(samples), ops.bootstrap_interval(samples[:-1]), atol=5e-3)


@pytest.mark.parametrize(
    ("samples", "interval"),
    [
        ([0.1] * 7, (0.1, 0.1)),
        ([0.1, 0.2], (0.1, 0.2)),
        ([0.0, 0.0, 0.0, 0.0, 1.0], (0.0, 0.8)),
        ([3e-300, 4e-300], (3e-300, 4e-300)),
        ([-3e200, 4e200], (-3e200, 4e200)),
        ([7.0], (np.nan, np.nan)),
        ([1.0, 2.0, np.inf], (np.nan, np.nan)),
    ],
)
def test_intervals_of_odd_samples(samples, interval):
    np.testing.assert_allclose(ops.bootstrap_interval(samples), interval, rtol=1e-12)


@pytest.mark.parametrize("count", [20, 100, 513])
@pytest.mark.parametrize("more", [2e-16, 1e-15, 6.6e-15, 1e-13])
def test_the_interval_of_samples_that_differ_by_rounding_has_no_width(count, more):
    for value in np.random.default_rng(0).uniform(0.5, 3, 40):
        samples = np.full(count, value)
        samples[0] *= 1 + more
        np.testing.assert_allclose(ops.bootstrap_interval(samples), samples.mean(), rtol=1e-12)


@pytest.mark.parametrize("outlier", [1e6, 1e9, 1e15])
def test_the_interval_of_samples_with_an_outlier_holds_their_mean(outlier):
    samples = np.append(np.random.default_rng(0).normal(size=9), outlier)
    low, high = ops.bootstrap_interval(samples)
    assert low <= samples.mean() <= high <= outlier


def test_the_interquartile_mean_leaves_out_a_quarter_at_either_end():
    samples = np.random.default_rng(0).normal(size=11)
    np.testing.assert_allclose(ops.interquartile_mean(samples), stats.trim_mean(samples, 0.25), rtol=1e-12)
    assert ops.interquartile_mean(np.array([[3.0, 1.0, 5.0]])) == 3.0
    assert np.isnan(ops.interquartile_mean(np.array([])))
    assert np.isnan(ops.interquartile_mean(np.array([0.0, 1.0, 2.0, np.inf])))


def test_stacked():
    trees = [{"a": 1.0, "b": (jnp.array([1.0, 2.0]),)}, {"a": 3.0, "b": (jnp.array([4.0, 5.0]),)}]
    together = ops.stacked(trees)
    np.testing.assert_array_equal(together["a"], [1.0, 3.0])
    np.testing.assert_array_equal(together["b"][0], [[1.0, 2.0], [4.0, 5.0]])


# ---------------------------------------------------------------- evolution strategies


def test_the_gradient_of_a_quadratic_is_exact_but_for_the_noise_s_second_moments():
    """F = -|x - c|^2 / 2 at x + s e: antithetic pairs leave s e.(c - x), and so E = mean(e e^T) (c - x)."""
    noise = ops.antithetic_noise(jax.random.key(0), 3, 4)
    np.testing.assert_array_equal(noise[3:], -noise[:3])
    mean, goal, deviation = jnp.arange(4.0), jnp.array([2.0, -1.0, 0.0, 5.0]), 0.3
    fitness = -jnp.sum((mean + deviation * noise - goal) ** 2, axis=1) / 2
    expected = noise[:3].T @ noise[:3] @ (goal - mean) / 3
    np.testing.assert_allclose(ops.evolution_gradient(noise, fitness, deviation), expected, rtol=1e-4)


def test_infinite_samples_have_a_mean_and_no_error():
    mean, sem = ops.mean_and_sem(np.array([np.inf, 1.0]))
    assert mean == np.inf
    assert np.isnan(sem)


# ---------------------------------------------------------------- a number with the derivatives of another


def stopped(z, value):
    return value + z - jax.lax.stop_gradient(z)


def product(with_value):
    """A function of two numbers, in which one is replaced."""

    def function(t):
        value = jax.lax.stop_gradient(jnp.cos(t[0])) + 5.0
        return with_value(t[0] ** 3 * t[1] ** 2, value) * t[0]

    return function


def stepped(step):
    """The sum of what two steps of a loop lead to."""
    return lambda t: jnp.sum(jax.lax.scan(lambda t, _: (t + 0.1 * step(t), None), t, length=2)[0])


ORDERS = {
    "the value": lambda f: f,
    "a gradient": jax.grad,
    "a Hessian": jax.hessian,
    "by reverse twice": lambda f: jax.jacrev(jax.jacrev(f)),
    "by forward twice": lambda f: jax.jacfwd(jax.jacfwd(f)),
    "of third order": lambda f: jax.jacfwd(jax.hessian(f)),
    "through a loop": lambda f: jax.hessian(stepped(f)),
    "through a loop of gradients": lambda f: jax.hessian(stepped(jax.grad(f))),
    "through a loop, by reverse twice": lambda f: jax.jacrev(jax.jacrev(stepped(jax.grad(f)))),
    "through a checkpoint": lambda f: jax.hessian(jax.checkpoint(f)),
}


@pytest.mark.parametrize("order", ORDERS)
def test_a_number_has_the_derivatives_of_another(order):
    with jax.enable_x64(True):
        t = jnp.array([[0.7, -1.3], [0.2, 0.4]])
        found, expected = (jax.jit(jax.vmap(ORDERS[order](product(one))))(t) for one in (ops.with_value, stopped))
        np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-12)


def test_either_number_may_be_mapped():
    z, value = jnp.array([1.0, 2.0]), jnp.array([[3.0, 4.0], [5.0, 6.0], [7.0, 8.0]])
    np.testing.assert_array_equal(jax.vmap(ops.with_value, in_axes=(None, 0))(z, value), value)
    np.testing.assert_array_equal(jax.vmap(ops.with_value, in_axes=(1, None))(value, z[:1].repeat(3)), np.ones((2, 3)))
    np.testing.assert_array_equal(jax.vmap(ops.with_value, in_axes=(0, 1), out_axes=1)(z, value), value)
