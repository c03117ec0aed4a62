"""COLA: its residual vanishes at the consistent field, and a fit finds that field."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from meva_cola.cola import COLA

import meva_core as meva
from meva_core import fitting, ops
from meva_core.registry import recipes

TANDEM, HAMILTONIAN, LOGISTIC = (meva.make("game", name) for name in ("tandem", "hamiltonian", "logistic"))


def tandem_field(x, h):
    """The affine solution that is continuous at h = 0: g_i = p (a + b) + q."""
    h = np.maximum(h, 1e-6)
    p = (-(4 * h + 1) + np.sqrt(8 * h + 1)) / (4 * h**2)
    q = 2 / (1 + 2 * h * (1 + h * p))
    return np.stack([p * (x[0] + x[1]) + q] * 2)


def hamiltonian_field(x, h):
    """g_1 = (-2 h a - b) / (1 + 2 h^2), g_2 = (a - 2 h b) / (1 + 2 h^2)."""
    return np.stack([-2 * h * x[0] - x[1], x[0] - 2 * h * x[1]]) / (1 + 2 * h**2)


FIELDS = {"tandem": tandem_field, "hamiltonian": hamiltonian_field}


def small(game, **settings):
    unit = {"payoff_range": float(max(game.payoff_range))}  # so that the unit is 1
    settings = {"value_model": {"width": 8, "blocks": 0}, "batch_size": 16, "loops": 3, **unit, **settings}
    return meva.make("learner", "cola", game=game, **settings)


class Known(COLA):
    """The closed form in place of the network."""

    def direction(self, params, x, look_ahead_rate):
        h = look_ahead_rate
        if type(self.game).__name__ == "Tandem":
            p = (-(4 * h + 1) + jnp.sqrt(8 * h + 1)) / (4 * h**2)
            return jnp.broadcast_to(p * jnp.sum(x) + 2 / (1 + 2 * h * (1 + h * p)), x.shape)
        a, b = x[:, 0]
        return jnp.stack([-2 * h * a - b, a - 2 * h * b])[:, None] / (1 + 2 * h**2)


@pytest.mark.parametrize("game", [TANDEM, HAMILTONIAN], ids=["tandem", "hamiltonian"])
@pytest.mark.parametrize("h", [0.1, 0.5, 1.0])
def test_the_residual_vanishes_at_the_consistent_field(game, h):
    learner = small(game)
    known = Known(game=game, value_model=learner.value_model)
    with jax.enable_x64(True):
        x = jnp.array([[0.7], [-1.3]])
        np.testing.assert_allclose(known.residual(None, x, jnp.array(h)), 0, atol=1e-10)
        closed = FIELDS["tandem" if game is TANDEM else "hamiltonian"](np.array(x)[:, 0], h)
        np.testing.assert_allclose(known.direction(None, x, h)[:, 0], closed, rtol=1e-9)


def test_the_residual_is_naive_learnings_where_nobody_looks_ahead():
    learner = small(LOGISTIC)
    params = learner.model.init(jax.random.key(0))
    x = LOGISTIC.init(jax.random.key(1))
    naive = meva.make("learner", "naive", game=LOGISTIC).update(None, (), x, None)[0]
    residual = learner.residual(params, x, jnp.array(0.0))
    np.testing.assert_allclose(learner.direction(params, x, jnp.array(0.0)) - residual, naive, rtol=1e-4, atol=1e-5)


def test_gradients_flow_through_both_sides():
    learner = small(LOGISTIC)
    params = learner.model.init(jax.random.key(0))
    x = LOGISTIC.init(jax.random.key(1))

    def loss(params, right_stopped):
        left = learner.direction(params, x, jnp.array(1.0))
        right = left - learner.residual(params, x, jnp.array(1.0))
        return jnp.sum((left - (jax.lax.stop_gradient(right) if right_stopped else right)) ** 2)

    both, one = (jax.grad(loss)(params, stopped) for stopped in (False, True))
    differences = [float(jnp.max(jnp.abs(a - b))) for a, b in zip(*map(jax.tree.leaves, (both, one)), strict=True)]
    assert max(differences) > 1e-3


def test_policies_are_drawn_from_the_domain():
    learner = small(TANDEM, domain=[-2.0, 3.0], batch_size=256)
    drawn = np.asarray(learner.training.policies(jax.random.key(0)))
    assert drawn.shape == (256, 2, 1)
    assert -2 <= drawn.min() < -1.8
    assert 2.8 < drawn.max() <= 3


@pytest.mark.parametrize("domain", [[1.0, 1.0], [2.0, -2.0]])
def test_an_empty_domain_is_refused(domain):
    with pytest.raises(meva.MevaError, match="low < high"):
        small(TANDEM, domain=domain)


def test_a_correction_is_of_the_simultaneous_gradient():
    direct, corrected = small(LOGISTIC), small(LOGISTIC, formulation="correction")
    params, x = direct.model.init(jax.random.key(0)), LOGISTIC.init(jax.random.key(1))
    naive = meva.make("learner", "naive", game=LOGISTIC).update(None, (), x, None)[0]
    for h in (0.0, 0.3):
        output = direct.direction(params, x, jnp.array(h))
        np.testing.assert_allclose(corrected.direction(params, x, jnp.array(h)), naive + h * output, rtol=1e-5)
    assert not np.allclose(output, 0, atol=1e-3)


@pytest.mark.parametrize("formulation", ["direction", pytest.param("correction", marks=pytest.mark.long)])
def test_the_loss_is_of_what_the_network_gives(formulation):
    """A correction's residual is divided by its weight in g, h; by a hundredth of the highest below that."""
    learner = small(LOGISTIC, formulation=formulation, highest_rate=2.0, batch_size=64)
    training, key = learner.training, jax.random.key(3)
    state = training.init(jax.random.key(0))
    _, metrics = jax.jit(training.step)(state, key)
    policy_key, rate_key = jax.random.split(key)
    rates = jax.random.uniform(rate_key, (64,), maxval=2.0)
    residuals = jax.vmap(lambda x, h: learner.residual(state.params, x, h))(training.policies(policy_key), rates)
    weights = np.ones(64) if formulation == "direction" else np.maximum(rates, 0.02)
    assert rates.min() < 0.1
    expected = np.mean(ops.huber(residuals / weights[:, None, None]))
    np.testing.assert_allclose(metrics["loss"], expected, rtol=1e-4)
    np.testing.assert_allclose(metrics["inconsistency"], np.sqrt(np.mean(residuals**2)), rtol=1e-4)


def fitted_and_known(name, learner, points, rates):
    """Steps of a fit of seed 0 and those of the closed form, both [N, 2]."""
    *_, last = fitting.fit([learner.training], [0], chunk=100)
    params = jax.tree.map(lambda leaf: leaf[0], fitting.fitted_params([learner.training], last.state))
    got = jax.jit(jax.vmap(lambda x, h: learner.direction(params, x, h)))(jnp.array(points), jnp.array(rates))[..., 0]
    return np.asarray(got), np.array([FIELDS[name](x[:, 0], h) for x, h in zip(points, rates, strict=True)])


@pytest.mark.parametrize(
    ("name", "formulation"),
    [
        ("tandem", "direction"),
        pytest.param("hamiltonian", "correction", marks=pytest.mark.long),
        pytest.param("tandem", "correction", marks=pytest.mark.long),
        pytest.param("hamiltonian", "direction", marks=pytest.mark.long),
    ],
)
def test_a_fit_comes_near_the_consistent_field(name, formulation):
    points = np.random.default_rng(0).uniform(-1.5, 1.5, size=(50, 2, 1))
    rates = np.random.default_rng(1).uniform(0, 1, size=50)
    settings = {"value_model": {"width": 32, "blocks": 0}, "loops": 400, "optimiser_rate": 1e-2}
    learner = small(meva.make("game", name), domain=[-2.0, 2.0], formulation=formulation, **settings)
    got, expected = fitted_and_known(name, learner, points, rates)
    naive = np.array([FIELDS[name](x[:, 0], 0.0) for x in points])
    error = np.sqrt(np.mean((got - expected) ** 2))
    assert error < 0.25 * np.sqrt(np.mean((naive - expected) ** 2))  # far nearer than no look-ahead at all


@pytest.mark.long
@pytest.mark.parametrize("name", ["tandem", "hamiltonian"])
def test_the_recipe_finds_the_consistent_field(name):
    """Everywhere on the square and at every look-ahead rate, to a thousandth of the largest step."""
    found = recipes.find([recipes.of_package("meva_cola:recipes.toml")], recipes.Played(name), "cola", "default")
    assert found is not None
    recipe = found.sections
    learner = meva.make(
        "learner", "cola", game=meva.make("game", name), value_model=recipe["value_model"], **recipe["learner"]
    )
    side, shares = np.linspace(-2, 2, 21), np.linspace(0, 1, 21)
    points = np.array([[[a], [b]] for a in side for b in side for _ in shares])
    got, expected = fitted_and_known(name, learner, points, np.tile(shares, side.size**2))
    assert np.abs(got - expected).max() <= 1e-3 * np.abs(expected).max()
