"""MeVa: targets, rollouts, rivals and schedules against plain recursions, at tiny sizes."""

import attrs
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from meva_meta_value import rollout
from scipy import stats

import meva_core as meva
from meva_core import fitting
from meva_core.contracts import Learner, component, leaf
from meva_core.errors import BadCombination
from meva_core.match import Fitted
from meva_core.ops import cosine

LOGISTIC, IPD = meva.make("game", "logistic"), meva.make("game", "ipd")
TINY = {"quantiles": 4, "batch_size": 4, "trajectory": 4, "stride": 2, "loops": 2}


def make(game=LOGISTIC, **settings):
    settings = {**TINY, "payoff_range": float(max(game.payoff_range)), **settings}  # so that the unit is 1
    return meva.make("learner", "meva", game=game, value_model={"width": 8, "blocks": 0}, **settings)


def lola(game=LOGISTIC):
    return meva.make("learner", "lola", game=game, look_ahead_rate=0.5, rate=0.7)


def against_lola(seat, **settings):
    """MeVa in this seat (0 or 1), LOLA in the other."""
    return make(rivals=tuple(None if s == seat else Fitted(learner=lola()) for s in (0, 1)), **settings)


def any_params(learner, seed=1):
    """Not those of an initialiser: every number N(0, 1)."""
    generator = np.random.default_rng(seed)
    shapes = jax.eval_shape(learner.model.init, jax.random.key(0))
    return jax.tree.map(lambda leaf: jnp.array(generator.normal(size=leaf.shape), leaf.dtype), shapes)


@jax.jit
def one_step(learner, state, key):
    return learner.training.step(state, key)


def fresh(learner):
    """A state as of params that are not an initialiser's, and another target network."""
    state = jax.eval_shape(learner.training.init, jax.random.key(0))
    zeros = jax.tree.map(lambda leaf: jnp.zeros(leaf.shape, leaf.dtype), state.optimiser)
    return type(state)(any_params(learner), any_params(learner, seed=2), zeros)


# ---------------------------------------------------------------- targets


@pytest.mark.parametrize("formulation", ["value", "correction"])
def test_targets_against_a_plain_recursion(formulation):
    learner, steps = make(formulation=formulation, trace_decay=0.7), 5
    params, generator = any_params(learner), np.random.default_rng(0)
    x = jnp.array(generator.normal(size=(steps + 1, 2, 1)), jnp.float32)
    f, discounts = generator.normal(size=(steps + 1, 2)), np.array([0.3, 0.95])
    data = rollout.OnPolicy(x, jnp.array(f, jnp.float32), jnp.array(discounts, jnp.float32))
    targets = jax.jit(lambda p, d: learner.training.targets(p, d))(params, data)

    def values(x):
        return learner.model.head(params, learner.model.features(params, x, x, data.discounts[:, None]))

    v = np.asarray(jax.vmap(values)(x))
    expected = np.zeros((steps, 2, 4))
    for i, g in enumerate(discounts):
        after = v[steps, i]
        for t in reversed(range(steps)):
            # V is earned where one stands, U where one gets.
            earned = f[t + 1, i] if formulation == "correction" else f[t, i]
            after = (1 - g) * earned + g * (0.3 * v[t + 1, i] + 0.7 * after)
            expected[t, i] = after
    np.testing.assert_allclose(targets, expected, rtol=1e-4, atol=1e-5)


def test_targets_are_constants():
    learner = make()
    data = rollout.OnPolicy(jnp.ones((3, 2, 1)), jnp.ones((3, 2)), jnp.array([0.5, 0.9]))
    gradient = jax.jit(jax.grad(lambda p: jnp.sum(learner.training.targets(p, data))))(any_params(learner))
    assert all(not np.any(leaf) for leaf in jax.tree.leaves(gradient))


# ---------------------------------------------------------------- rollouts


def explored_from(learner, seed=0):
    return rollout.start(learner, any_params(learner), jax.random.key(seed))


@pytest.mark.parametrize("formulation", ["value", "correction"])
def test_on_policy_rollouts_follow_x_plus_update(formulation):
    learner = make(formulation=formulation, stride=4)
    params, explored = any_params(learner), explored_from(learner)
    data = jax.jit(lambda e, key: rollout.on_policy(learner, params, e, key))(explored, jax.random.key(1))
    np.testing.assert_array_equal(data.x[0], explored.x)
    assert not np.any(data.discounts == explored.discounts)  # fresh ones
    player = attrs.evolve(learner, discount=data.discounts)
    update = jax.jit(lambda x: player.update(params, (), x, jax.random.key(0))[0])
    for t in range(4):
        np.testing.assert_allclose(data.x[t + 1], data.x[t] + update(data.x[t]), rtol=1e-4, atol=1e-5)
        np.testing.assert_allclose(data.payoffs[t + 1], LOGISTIC.payoff(data.x[t + 1]), rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(data.payoffs[0], LOGISTIC.payoff(data.x[0]), rtol=1e-4)


@pytest.mark.parametrize("formulation", ["value", "correction"])
def test_exploring_follows_the_gradient_of_the_perturbed_value_alone(formulation):
    learner = make(formulation=formulation, rate=0.5, explorer={"name": "sign_flip", "probability": 0.5})
    params, explored = any_params(learner), explored_from(learner)
    assert {-1.0, 1.0} == set(np.unique(explored.noise))
    flipped = {**params, "head": {**params["head"], "w": params["head"]["w"] * explored.noise[:, None]}}

    def value(x):
        features = learner.model.features(flipped, x, x, explored.discounts[:, None])
        return jnp.mean(learner.model.head(flipped, features), axis=-1)

    jacobian = jax.jit(jax.jacobian(value))
    x = explored.x
    for _ in range(2):  # the stride
        full = jacobian(x)
        x = x + 0.5 * jnp.stack([full[0, 0], full[1, 1]])
    after = jax.jit(lambda e, key: rollout.explore(learner, params, e, key))(explored, jax.random.key(1))
    np.testing.assert_allclose(after.x, x, rtol=1e-4, atol=1e-5)
    np.testing.assert_array_equal(after.discounts, explored.discounts)  # held along the trajectory, as the noise is
    np.testing.assert_array_equal(after.noise, explored.noise)


@pytest.mark.parametrize("mixing", ["convex", "sum"])
def test_exploring_along_the_update(mixing):
    """Unperturbed it is the update; a discount of 0 makes it naive whatever the noise."""
    learner = make(mixing=mixing, explore_along="update", explorer={"name": "sign_flip", "probability": 0.5})
    params, x, key = any_params(learner), LOGISTIC.init(jax.random.key(3)), jax.random.key(4)
    undisturbed, flipped = jnp.ones(learner.model.num_features), -jnp.ones(learner.model.num_features)
    discounts = jnp.array([0.3, 0.9])
    expected, _ = attrs.evolve(learner, discount=discounts).update(params, (), x, key)
    np.testing.assert_allclose(learner.explore(params, x, discounts, undisturbed, key), expected, rtol=1e-5)
    naive = meva.make("learner", "naive", game=LOGISTIC).update(None, (), x, key)[0]
    np.testing.assert_allclose(learner.explore(params, x, jnp.zeros(2), flipped, key), naive, rtol=1e-5)
    assert not np.allclose(learner.explore(params, x, discounts, flipped, key), expected, rtol=1e-2)


@pytest.mark.parametrize("concentration", [0.1, 0.5, 4.0])
def test_discounts_are_beta_distributed_and_independent(concentration):
    learner, keys = make(discount_concentration=concentration), jax.random.split(jax.random.key(0), 3000)
    drawn = np.asarray(jax.jit(jax.vmap(lambda key: rollout.draw_discounts(learner, key)))(keys))
    assert drawn.shape == (3000, 2)
    for column in drawn.T:
        low = column[column < 0.5]  # near 1 there are few numbers in single precision, and many draws
        assert stats.kstest(low, lambda y: 2 * stats.beta(concentration, concentration).cdf(y)).pvalue > 0.01
        assert abs(len(low) / 3000 - 0.5) < 3 / np.sqrt(4 * 3000)
    assert abs(np.corrcoef(drawn.T)[0, 1]) < 3 / np.sqrt(3000)


@pytest.mark.parametrize("share", [0.0, 0.3, 1.0])
def test_players_have_one_discount_as_often_as_asked(share):
    learner, keys = make(equal_players=share), jax.random.split(jax.random.key(0), 3000)
    drawn = np.asarray(jax.jit(jax.vmap(lambda key: rollout.draw_discounts(learner, key)))(keys))
    assert np.mean(drawn[:, 0] == drawn[:, 1]) == pytest.approx(share, abs=0.03)
    for column in drawn.T:
        low = column[column < 0.5]
        assert stats.kstest(low, lambda y: 2 * stats.beta(0.5, 0.5).cdf(y)).pvalue > 0.01
    spectrum = attrs.evolve(learner, mixing="between", incentive_draw="uniform")
    incentives = np.asarray(jax.jit(jax.vmap(lambda key: rollout.draw_incentives(spectrum, key)))(keys))
    np.testing.assert_array_equal(incentives[:, 0] == incentives[:, 1], drawn[:, 0] == drawn[:, 1])
    assert len(np.unique(incentives)) > 2900
    facing = rollout.draw_discounts(against_lola(0, equal_players=share), jax.random.key(0))
    assert facing[0] > 0 == facing[1]


@pytest.mark.parametrize("share", [0.5, 0.8, 1.0])
def test_far_sighted_players_are_as_many_as_asked(share):
    learner, keys = make(far_sighted=share), jax.random.split(jax.random.key(0), 3000)
    drawn = np.asarray(jax.jit(jax.vmap(lambda key: rollout.draw_discounts(learner, key)))(keys))
    assert np.mean(drawn > 0.5) == pytest.approx(share, abs=0.02)
    below = stats.beta(0.5, 0.5).cdf
    for column in drawn.T:
        high = column[(column > 0.5) & (column < 0.99)]  # near 1 there are few numbers in single precision
        assert stats.kstest(high, lambda y: (below(y) - 0.5) / (below(0.99) - 0.5)).pvalue > 0.01


@pytest.mark.parametrize("concentration", [1e-6, 1e6])
def test_extreme_concentrations_draw_numbers(concentration):
    learner, keys = make(discount_concentration=concentration), jax.random.split(jax.random.key(0), 1000)
    drawn = jax.vmap(lambda key: rollout.draw_discounts(learner, key))(keys)
    middle = np.mean(np.abs(drawn - 0.5) < 0.1)
    assert np.all((drawn >= 0) & (drawn <= 1))
    assert middle == (concentration > 1)


# ---------------------------------------------------------------- rivals


@pytest.mark.parametrize("seat", [0, 1])
def test_the_rival_takes_its_own_steps_in_its_seat(seat):
    learner, other = against_lola(seat, stride=2), 1 - seat
    params, explored = any_params(learner), explored_from(learner)
    assert learner.own_seats[seat]
    assert not learner.own_seats[other]
    rival = jax.jit(lambda x: lola().update(None, (), x, jax.random.key(0))[0])
    own = jax.jit(lambda x, g: attrs.evolve(learner, discount=g).update(params, (), x, jax.random.key(0))[0])

    data = jax.jit(lambda e, key: rollout.on_policy(learner, params, e, key))(explored, jax.random.key(1))
    for t in range(2):
        moved = data.x[t + 1] - data.x[t]
        np.testing.assert_allclose(moved[other], rival(data.x[t])[other], rtol=1e-3, atol=1e-5)
        np.testing.assert_allclose(moved[seat], own(data.x[t], data.discounts)[seat], rtol=1e-3, atol=1e-5)

    once = attrs.evolve(learner, stride=1)
    after = jax.jit(lambda e, key: rollout.explore(once, params, e, key))(explored, jax.random.key(1))
    np.testing.assert_allclose((after.x - explored.x)[other], rival(explored.x)[other], rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize("seat", [0, 1])
def test_the_rivals_discount_is_zero(seat):
    learner = against_lola(seat, discount=0.9)
    drawn = rollout.draw_discounts(learner, jax.random.key(0))
    assert drawn[1 - seat] == 0
    assert drawn[seat] > 0
    np.testing.assert_allclose(learner.discounts, [0.9, 0.0][:: 1 if seat == 0 else -1], rtol=1e-6)


def test_equivariant_in_self_play_only():
    assert make().model.equivariant
    assert not against_lola(0).model.equivariant


@pytest.mark.parametrize("seats", ["both", pytest.param("first", marks=pytest.mark.long), "second"])
def test_the_loss_is_that_of_own_seats(seats):
    # `start`: one update, so that its rollouts can be replayed from the keys.
    settings = {"rollout_from": "start", "optimiser": "adam"}
    learner = make(**settings) if seats == "both" else against_lola(("first", "second").index(seats), **settings)
    state, key = fresh(learner), jax.random.key(5)
    after, metrics = one_step(learner, state, key)

    start_key, update_key = jax.random.split(key)
    draws, keys = jax.random.split(start_key, 4), jax.random.split(update_key, 4)

    @jax.jit
    def roll(draw, key):
        data = rollout.on_policy(learner, state.params, rollout.start(learner, state.params, draw), key)
        return data, learner.training.targets(state.target_params, data)

    own = {"both": [0, 1], "first": [0], "second": [1]}[seats]
    losses, errors = [], []
    for draw, key in zip(draws, keys, strict=True):
        data, targets = roll(draw, key)
        for t in range(2):  # the stride
            x = data.x[t]
            features = learner.model.features(state.params, x, x, data.discounts[:, None])
            values = learner.model.head(state.params, features)
            for i in own:
                losses.append(plain_quantile_huber(np.asarray(values[i]), np.asarray(targets[t, i])))
                errors.append(abs(float(jnp.mean(values[i]) - jnp.mean(targets[t, i]))))
    assert float(metrics["loss"]) == pytest.approx(np.mean(losses), rel=1e-4)
    assert float(metrics["td_error"]) == pytest.approx(np.mean(errors), rel=1e-4)
    # It is descended: Adam's first step is its rate, against the sign of the gradient; the head's bias has one.
    assert np.max(np.abs(after.params["head"]["b"] - state.params["head"]["b"])) == pytest.approx(1e-3, rel=1e-2)


def plain_quantile_huber(predictions, targets):
    total = 0.0
    for m, prediction in enumerate(predictions):
        for target in targets:
            error = target - prediction
            weight = (m + 0.5) / len(predictions)
            weight = 1 - weight if error < 0 else weight
            total += weight * (error**2 / 2 if abs(error) <= 1 else abs(error) - 0.5) / len(targets)
    return total


# ---------------------------------------------------------------- the optimiser


def counts(state):
    """The numbers of updates that the optimiser has counted."""
    leaves = jax.tree.leaves(state.optimiser)
    return {int(leaf) for leaf in leaves if leaf.dtype == jnp.int32 and leaf.shape == ()}


@pytest.mark.parametrize(("inertia", "kept"), [(0.0, 0.0), (0.9, 0.9)])
def test_target_network_is_a_moving_average(inertia, kept):
    learner = make(rollout_from="start", target_inertia=inertia)
    state = fresh(learner)
    after, _ = one_step(learner, state, jax.random.key(0))
    expected = jax.tree.map(lambda old, new: kept * old + (1 - kept) * new, state.target_params, after.params)
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6), after.target_params, expected)
    if inertia == 0:
        jax.tree.map(np.testing.assert_array_equal, after.target_params, after.params)
    assert learner.training.params(after) is after.target_params


@pytest.mark.parametrize(("rollout_from", "updates"), [("start", 1), ("explored", 2)])
def test_updates_per_loop(rollout_from, updates):
    # explored: trajectory 4 in strides of 2.
    learner = make(rollout_from=rollout_from)
    after, _ = one_step(learner, fresh(learner), jax.random.key(0))
    assert counts(after) == {updates}


def test_cosine_by_hand():
    # From 1 to a tenth over 8 updates: half way at (1 + 0.1)/2, and it stays where it ends.
    rates = cosine(1.0, 0.1, 8)(np.array([0, 4, 8, 12]))
    np.testing.assert_allclose(rates, [1.0, 0.55, 0.1, 0.1], rtol=1e-6)


def moved_last(learner, count):
    """Length of Adam's bias-corrected step at update number `count`, for a constant gradient of 1."""
    optimiser, params = learner.training._optimiser(), jnp.zeros(())
    state = optimiser.init(params)
    for _ in range(count):
        step, state = optimiser.update(jnp.ones(()), state, params)
    return -float(step)


@pytest.mark.parametrize(("rollout_from", "updates"), [("start", 2), ("explored", 4)])
def test_cosine_ends_with_the_fit(rollout_from, updates):
    # 2 loops: one update each, or two each. The update after the last would be at the final rate, 0.001 * 0.1.
    learner = make(rollout_from=rollout_from, optimiser="adam", schedule="cosine", final_rate=0.1)
    assert moved_last(learner, 1) == pytest.approx(1e-3, rel=1e-4)
    assert moved_last(learner, updates) > 1.5e-4
    assert moved_last(learner, updates + 1) == pytest.approx(1e-4, rel=1e-4)
    assert moved_last(attrs.evolve(learner, schedule="constant"), updates + 1) == pytest.approx(1e-3, rel=1e-4)


def test_a_short_fit_lowers_the_td_error():
    learner = make(rollout_from="start", batch_size=32, loops=60, optimiser_rate=1e-2, formulation="value")
    (chunk,) = fitting.fit([learner.training], [0], chunk=60)
    errors = chunk.metrics["td_error"][0]
    assert np.mean(errors[-10:]) < 0.7 * np.mean(errors[:10])


# ---------------------------------------------------------------- who may meet whom


def test_facing_a_naive_rival_its_discount_is_zero():
    naive = meva.make("learner", "naive", game=LOGISTIC)
    np.testing.assert_allclose(make(discount=0.9).facing((None, naive)).discounts, [0.9, 0.0], rtol=1e-6)
    np.testing.assert_allclose(make(discount=(0.9, 0.4)).facing((naive, None)).discounts, [0.0, 0.4], rtol=1e-6)
    np.testing.assert_allclose(make(discount=0.9).facing((None, None)).discounts, [0.9, 0.9], rtol=1e-6)


def test_facing_a_learner_it_was_not_fitted_against():
    with pytest.raises(BadCombination, match=r"does not hold against LOLA in seat 2: fit it against that learner"):
        make().facing((None, lola()))


def test_fitted_against_one_rival_it_faces_no_other():
    naive = meva.make("learner", "naive", game=LOGISTIC)
    with pytest.raises(BadCombination, match="does not hold against another"):
        against_lola(0).facing((None, naive))


def test_settings_that_do_not_fit_together():
    with pytest.raises(BadCombination, match="got stride 3 and trajectory 4"):
        make(stride=3)
    with pytest.raises(BadCombination, match=r"one discount or one for each of 2 players, got shape \(3,\)"):
        make(discount=(0.1, 0.2, 0.3))
    with pytest.raises(BadCombination, match=r"value_model.equivariant = true"):
        meva.make(
            "learner",
            "meva",
            game=LOGISTIC,
            value_model={"equivariant": True},
            rivals=(None, Fitted(learner=lola())),
        )


def test_discounts_of_a_fit_stay_below_the_highest():
    learner = make(highest_discount=0.6, discount_concentration=0.2)
    drawn = jax.vmap(lambda key: rollout.draw_discounts(learner, key))(jax.random.split(jax.random.key(0), 500))
    # Beta(0.2, 0.2) crowds its ends: a third within a tenth of each.
    assert np.max(drawn) <= 0.6
    assert np.mean(drawn > 0.54) == pytest.approx(0.332, abs=0.06)
    assert np.mean(drawn < 0.06) == pytest.approx(0.332, abs=0.06)


def test_fits_can_start_from_further_out():
    keys = jax.random.split(jax.random.key(0), 500)
    near, far = (
        jax.vmap(lambda key, scale=scale: rollout.start(make(start_scale=scale), {}, key).x)(keys)
        for scale in (1, 1.25)
    )
    assert np.max(np.abs(near)) <= 8 < 9.5 < np.max(np.abs(far)) <= 10
    np.testing.assert_allclose(far, 1.25 * near, rtol=1e-6)


@component
class Drawn(Learner):
    """A rival whose state begins at random."""

    rate: float = leaf(default=1.0, doc="learning rate")

    def init(self, params, x, key):
        return self.rate * jax.random.normal(key)

    def start(self, params, x, key):
        return jax.random.normal(key, x.shape)

    def update(self, params, state, x, key):
        return state * jnp.ones_like(x), state


def test_a_rivals_first_state_is_drawn_anew_for_every_trajectory():
    learner = make(rivals=(None, Fitted(learner=Drawn())))
    params = any_params(learner)
    drawn = [rollout.start(learner, params, jax.random.key(n)) for n in (3, 3, 4)]
    states = [float(each.rivals[1]) for each in drawn]
    assert all(each.rivals[0] is None for each in drawn)
    assert states[0] == states[1] != states[2]
    assert float(drawn[0].x[1, 0]) not in states  # of another key than its first policy


def test_discounts_of_a_fit_can_be_fixed():
    learner = make(discount_draw="fixed", discount=(0.9, 0.3))
    np.testing.assert_allclose(rollout.draw_discounts(learner, jax.random.key(3)), [0.9, 0.3], rtol=1e-6)
    facing = attrs.evolve(learner, rivals=(None, Fitted(learner=lola())))
    np.testing.assert_allclose(rollout.draw_discounts(facing, jax.random.key(3)), [0.9, 0.0], rtol=1e-6)


@pytest.mark.parametrize("formulation", ["value", "correction"])
def test_the_meta_value_of_both_formulations_is_v(formulation):
    """V(x) as it is, or (1 - g) f(x) + g U(x) by hand."""
    learner = make(formulation=formulation, discount=0.7)
    params = learner.model.init(jax.random.key(1))
    x = jnp.array([[0.4], [-1.2]])
    found, discounts = learner.meta_value(params, x)
    learnt = np.mean(learner.quantile_values(params, x, x, learner.discounts), axis=-1)
    expected = learnt if formulation == "value" else 0.3 * np.asarray(LOGISTIC.payoff(x)) + 0.7 * learnt
    np.testing.assert_allclose(found, expected, rtol=1e-5)
    np.testing.assert_allclose(discounts, 0.7, rtol=1e-6)


# ---------------------------------------------------------------- incentives, between the mixings


@pytest.mark.parametrize(("incentive", "mixing"), [(0.0, "convex"), (1.0, "sum")])
def test_the_incentive_goes_from_one_mixing_to_the_other(incentive, mixing):
    between, end = make(IPD, mixing="between", incentive=incentive), make(IPD, mixing=mixing)
    x, params = IPD.init(jax.random.key(0)), any_params(end)
    update = jax.jit(lambda learner: learner.update(params, (), x, jax.random.key(1))[0])
    np.testing.assert_allclose(update(between), update(end), rtol=1e-5, atol=1e-6)


def test_between_the_mixings_each_player_has_its_own_weight():
    learner = make(IPD, mixing="between", discount=0.9).drawn(jnp.array([0.25, 1.0]))
    x, params = IPD.init(jax.random.key(0)), any_params(learner)
    update = jax.jit(lambda learner: learner.update(params, (), x, jax.random.key(1))[0])
    convex, both = update(attrs.evolve(learner, mixing="convex")), update(attrs.evolve(learner, mixing="sum"))
    weight = np.array([[0.25], [1.0]])
    np.testing.assert_allclose(update(learner), (1 - weight) * convex + weight * both, rtol=1e-4, atol=1e-5)


def drawing(**settings):
    return make(IPD, mixing="between", incentive_draw="uniform", **settings)


def test_incentives_are_drawn_per_player_and_rollout():
    learner, keys = drawing(), jax.random.split(jax.random.key(2), 400)
    params = any_params(learner)
    explored = jax.vmap(lambda key: rollout.start(learner, params, key))(keys)
    data = jax.jit(jax.vmap(lambda e, key: rollout.on_policy(learner, params, e, key)))(explored, keys)
    first, again = np.asarray(explored.incentives), np.asarray(data.incentives)
    for drawn in (first, again):
        assert drawn.shape == (400, 2)
        assert stats.kstest(drawn.ravel(), "uniform").pvalue > 0.01
        assert abs(np.corrcoef(drawn.T)[0, 1]) < 0.15
    assert abs(np.corrcoef(first.ravel(), again.ravel())[0, 1]) < 0.15
    assert abs(np.corrcoef(np.ravel(data.discounts), again.ravel())[0, 1]) < 0.15
    assert rollout.start(make(IPD), any_params(make(IPD)), keys[0]).incentives is None


def test_rollouts_targets_and_losses_are_at_the_incentives_drawn():
    learner = drawing(trace_decay=0.0)
    params = any_params(learner)
    explored = rollout.start(learner, params, jax.random.key(4))
    data = jax.jit(lambda e, key: rollout.on_policy(learner, params, e, key))(explored, jax.random.key(1))
    assert data.incentives is not None
    at = attrs.evolve(learner, discount=data.discounts, incentive=data.incentives)
    x = data.x[0]
    moved = jax.jit(lambda x: at.update(params, (), x, jax.random.key(0))[0])(x)
    np.testing.assert_allclose(data.x[1], x + moved, rtol=1e-4, atol=1e-5)

    def values(x):
        condition = jnp.stack([data.discounts, data.incentives], axis=-1)
        return learner.model.head(params, learner.model.features(params, x, x, condition))

    g = data.discounts[:, None]
    expected = (1 - g) * data.payoffs[1][:, None] + g * values(data.x[1])
    np.testing.assert_allclose(learner.training.targets(params, data)[0], expected, rtol=1e-4, atol=1e-5)
    batch = jax.tree.map(lambda leaf: leaf[None], data)
    states, discounts, targets, incentives = learner.training.examples(params, batch)
    assert incentives is not None
    np.testing.assert_array_equal(incentives, np.stack([data.incentives] * 2))  # of every step of the rollout
    _, error = learner.training.loss(params, states, discounts, targets, incentives)
    predicted = np.stack([np.mean(values(x), axis=-1) for x in data.x[:2]])
    assert float(error) == pytest.approx(np.mean(np.abs(predicted - np.mean(targets, axis=-1))), rel=1e-4)
    _, other = learner.training.loss(params, states, discounts, targets, 1 - incentives)
    assert float(other) != pytest.approx(float(error), rel=1e-3)


def test_exploring_trajectories_keep_their_incentives():
    learner = drawing(explore_along="update")
    params = any_params(learner)
    explored = rollout.start(learner, params, jax.random.key(4))
    assert explored.incentives is not None
    moved = jax.jit(lambda e: rollout.explore(learner, params, e, jax.random.key(1)))(explored)
    np.testing.assert_array_equal(moved.incentives, explored.incentives)
    other = jax.jit(lambda e: rollout.explore(learner, params, e, jax.random.key(1)))(
        explored._replace(incentives=1 - explored.incentives)
    )
    assert np.max(np.abs(moved.x - other.x)) > 1e-3


def test_between_the_mixings_rows_are_incentives():
    learner = make(IPD, mixing="between")
    assert (learner.sweep.name, learner.sweep.values) == ("incentive", (0.0, 0.25, 0.5, 0.75, 1.0))
    assert make(IPD).sweep.name == "discount"


@pytest.mark.parametrize(
    ("settings", "complaint"),
    [
        ({"mixing": "between", "formulation": "value"}, "expected learner.formulation = correction"),
        ({"mixing": "sum", "incentive_draw": "uniform"}, "expected learner.mixing = between .*, got sum"),
    ],
)
def test_what_incentives_do_not_go_with(settings, complaint):
    with pytest.raises(BadCombination, match=complaint):
        make(IPD, **settings)
