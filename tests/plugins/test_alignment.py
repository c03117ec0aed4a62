"""LOQA and Advantage Alignment: their shaping by hand, in terms of each other, by limits and by symmetry.

All numbers of this file in double precision.
"""

from typing import Any, cast

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from meva_policies.mlp import MLP
from meva_policies.table import Table
from meva_policy_gradient import action_values as valuing
from meva_policy_gradient import former as remembering
from meva_policy_gradient import seen as seeing
from meva_policy_gradient.action_values import ActionCritic
from meva_policy_gradient.advantage_alignment import AdvantageAlignment
from meva_policy_gradient.loqa import LOQA, Judged, _met_by
from meva_policy_gradient.ppo import PPO
from rounds import Rounds

import meva_core as meva
from meva_core.contracts.states import first_state
from meva_core.sampling import Rollouts, policy_arguments, rules_of

KEY = jax.random.key(0)
DISCOUNT, TRACE, STEPS = 0.9, 0.8, 5


@pytest.fixture(autouse=True)
def double_precision():
    with jax.enable_x64(True):
        yield


def ipd(policy: Any = Table, horizon=STEPS, episodes=4):
    rules = rules_of(meva.make("game", "ipd", discount=DISCOUNT))
    own = policy(**{**policy_arguments(rules), **({} if policy is Table else {"width": 4})})
    return Rollouts(rules=rules, policies=(own, own), episodes=episodes, horizon=horizon)


def learner(cls, game, **settings) -> Any:
    return cls(game=game, critic=lambda **sizes: Table(**sizes), **settings)


def setting(rule):
    """Policies f64[P, D], the episodes that they play, and the rule's first state."""
    x = rule.game.init(KEY).astype(float)
    return x, jax.jit(rule.game.play)(x, jax.random.key(5)), first_state(rule, None, x, jax.random.key(6))


def learnt(rule, key=KEY):
    x, episodes, state = setting(rule)
    return jax.jit(lambda: rule.learn(None, state, x, episodes, key)[0])()


# LOQA.


@pytest.fixture(scope="module")
def judged():
    """A rule, policies, episodes as both critics of the rule judge them, and the unit of values."""
    with jax.enable_x64(True):
        rule = learner(LOQA, ipd(), trace=TRACE)
        x, episodes, state = setting(rule)
        each = [
            rule._judged(critic, side) for critic, side in zip(state.critics, rule._sides(x, episodes), strict=True)
        ]
        return x, tuple(each), rule.game.weights(jnp.ones(STEPS))[0]


def slope(judged, seat=0, **settings):
    """The gradient of LOQA's objective in the policy of a seat, f64[D]."""
    x, sides, unit = judged
    rule = learner(LOQA, ipd(), reach=TRACE, **settings)
    return jax.jit(jax.grad(lambda own: rule.objective(own, seat, sides, unit)))(x[seat])


def slope_of_gains(judged, gains, seat=0):
    """The gradient of mean_t log pi(a_t) g_t in the policy of a seat, f64[D]. gains g: f64[B, T]."""
    x, sides, _ = judged
    policy, seen = ipd().policies[seat], sides[seat].seen

    def objective(own):
        return jnp.mean(seeing.of_actions(seeing.log_policy(policy, own, seen), seen) * gains)

    return jax.jit(jax.grad(objective))(x[seat])


def shaping(judged, **settings):
    return slope(judged, weight=1.0, **settings) - slope(judged, weight=0.0, **settings)


@pytest.mark.parametrize("current", [True, False])
def test_loqa_is_advantage_alignment_with_weights_of_the_assumed_policy(judged, current):
    """sum_k dlog pi_k A_j,k sum_(t <= k) (b l)^(k - t) A_i,t (1 - p_t) / temperature; without the current reward
    sum_(t < k) b (b l)^(k - t - 1)."""
    _, (own, other), unit = judged
    temperature = 0.3 * unit
    returns = other.values + other.advantages
    actions = np.asarray(other.seen.actions)
    mine, yours = np.asarray(seeing.standardised(own.advantages, own.seen)), np.asarray(other.advantages)
    gains = np.zeros_like(yours)
    for b, k in np.ndindex(gains.shape):
        for t in range(k + 1 if current else k):
            values = np.array(other.action_values[b, t])
            values[actions[b, t]] = returns[b, t]
            assumed = np.exp(values / temperature) / np.sum(np.exp(values / temperature))
            decay = (DISCOUNT * TRACE) ** (k - t) if current else DISCOUNT * (DISCOUNT * TRACE) ** (k - t - 1)
            gains[b, k] += yours[b, k] * decay * mine[b, t] * (1 - assumed[actions[b, t]]) / temperature
    expected = slope_of_gains(judged, gains)
    assert np.linalg.norm(expected) > 0.01
    found = shaping(judged, current_reward=current, temperature=0.3)
    np.testing.assert_allclose(found, expected, rtol=1e-10, atol=1e-10)


def test_nothing_is_paid_back_that_the_own_actions_explain(judged):
    """The value of the own action explains the return of player 1: what player 2 did was neither good nor bad."""
    x, (own, other), unit = judged
    taken = own.seen.actions[..., None] == jnp.arange(2)
    values = jnp.where(taken, (own.values + own.advantages)[..., None], own.action_values)
    explained = (x, (own._replace(action_values=values), other), unit)
    assert np.linalg.norm(shaping(explained)) > 0.01
    np.testing.assert_allclose(shaping(explained, counterfactual=1.0), 0.0, atol=1e-12)


def test_the_part_of_the_own_action_is_a_baseline_of_the_shaping(judged):
    """Shaping is linear in the own advantages, from which Q_i(s, a_t) - V_i is taken off."""
    x, (own, other), unit = judged
    part = seeing.of_actions(own.action_values, own.seen) - own.values
    size = seeing.deviation(own.advantages, own.seen)
    less = own._replace(advantages=own.advantages - seeing.centred(part, own.seen))
    ratio = seeing.deviation(less.advantages, own.seen) / size
    expected = ratio * shaping((x, (less, other), unit))
    np.testing.assert_allclose(shaping(judged, counterfactual=1.0), expected, rtol=1e-9, atol=1e-12)


def test_loqa_without_shaping_is_actor_critic(judged):
    x, (own, _), _ = judged
    advantages = seeing.standardised(own.advantages, own.seen)

    def objective(row):
        log_policy = seeing.log_policy(ipd().policies[0], row, own.seen)
        entropy = -jnp.sum(jnp.exp(log_policy) * log_policy, axis=-1)
        return jnp.mean(seeing.of_actions(log_policy, own.seen) * advantages + 0.1 * entropy)

    found = slope(judged, weight=0.0, entropy_weight=0.1)
    np.testing.assert_allclose(found, jax.jit(jax.grad(objective))(x[0]), rtol=1e-10, atol=1e-10)


def test_the_value_of_a_state_is_the_mean_over_the_policy(judged):
    x, sides, _ = judged
    for policy, row, side in zip(ipd().policies, x, sides, strict=True):
        probabilities = np.exp(seeing.log_policy(policy, row, side.seen))
        np.testing.assert_allclose(side.values, np.sum(probabilities * side.action_values, axis=-1), rtol=1e-10)
        assert np.ptp(side.action_values, axis=-1).max() > 0.01


def test_the_first_output_of_a_critic_of_actions_is_the_mean_of_their_values(judged):
    seen, network = judged[1][0].seen, learner(LOQA, ipd()).network
    numbers = network.init(jax.random.key(7))
    found = valuing.action_values(network, numbers, seen, one_hot=True)
    first = seeing.outputs(network, numbers, seen.observations, one_hot=True)[..., 0]
    np.testing.assert_allclose(found.mean(axis=-1), first, rtol=1e-10)


def test_a_step_follows_the_objective_of_each_seat_and_is_remembered(judged):
    """The first moment of Adam is a tenth of the gradient, which is not cut here."""
    rule = learner(LOQA, ipd(), trace=TRACE, reach=TRACE, longest_gradient=1e9, former=2, every=1, present=1.0)
    x, episodes, state = setting(rule)
    steps, after = jax.jit(lambda: rule.learn(None, state, x, episodes, KEY))()
    for seat, optimiser in enumerate(after.optimisers):
        moment = optax.tree_utils.tree_get(optimiser, "mu")
        np.testing.assert_allclose(moment, -0.1 * slope(judged, seat), rtol=1e-8, atol=1e-12)
    np.testing.assert_allclose(after.former.policies, jnp.stack([x, x + steps]), rtol=1e-12)


def test_shaping_vanishes_as_one_over_the_temperature(judged):
    slopes = jax.jit(jax.vmap(lambda temperature: shaping(judged, temperature=temperature)))
    temperatures = jnp.array([1e3, 1e4, 1e5])
    times = temperatures[:, None] * slopes(temperatures)
    assert np.linalg.norm(times[-1]) > 1e-3
    near, nearer = (np.linalg.norm(each - times[-1]) for each in times[:2])
    assert nearer < 0.11 * near < 1e-3  # and the difference falls tenfold


def test_in_a_game_of_one_step_nothing_can_be_paid_back():
    """There only the return of the same step may be shaped: with it left out the player is a plain one."""
    game = ipd(horizon=1)
    one, other = (learnt(learner(LOQA, game, current_reward=False, weight=weight)) for weight in (0.0, 5.0))
    np.testing.assert_array_equal(one, other)


def test_the_critic_of_actions_learns_the_values_of_those_taken():
    """Player 1 defects and player 2 cooperates, twice: 0 and -3 per round, in the unit 3, times the first weight."""
    game = ipd(horizon=2)
    x = jnp.stack([game.strategies["always_defect"], game.strategies["always_cooperate"]]).astype(float)
    rule = learner(LOQA, game, critic_steps=1000, critic_rate=0.02, target_rate=0.1)
    state = first_state(rule, None, x, KEY)
    episodes = jax.jit(game.play)(x, KEY)
    _, after = jax.jit(lambda: rule.learn(None, state, x, episodes, KEY))()
    expected = {0: (0.0, 0.0), 1: (-1.0, -1 / (1 + DISCOUNT))}
    for seat, values in expected.items():
        seen = seeing.seen_by(game, episodes, seat)
        found = valuing.action_values(rule.network, after.critics[seat].numbers, seen, one_hot=True)[0]
        np.testing.assert_allclose(found[np.arange(2), [seat, seat]], values, atol=2e-3)


def test_a_critic_of_actions_follows_targets_of_its_average(judged):
    """A step of plain gradient descent on half of the squared differences, which are below 1; the average moves by a
    quarter."""
    seen, network = judged[1][0].seen, learner(LOQA, ipd()).network
    numbers, average = (0.1 * network.init(jax.random.key(n)) for n in (7, 8))
    before = ActionCritic(numbers, average, optax.sgd(0.5).init(numbers))
    after = jax.jit(lambda: valuing.improved(network, before, seen, True, 1, optax.sgd(0.5), 0.25))()

    def taken(numbers):
        return seeing.of_actions(valuing.action_values(network, numbers, seen, one_hot=True), seen)

    following = jnp.pad(taken(average)[:, 1:], ((0, 0), (0, 1)))
    targets = seen.rewards + seen.discounts * following
    downhill = jax.grad(lambda numbers: jnp.mean((targets - taken(numbers)) ** 2) / 2)(numbers)
    assert np.linalg.norm(downhill) > 0.01
    np.testing.assert_allclose(after.numbers, numbers - 0.5 * downhill, rtol=1e-10)
    np.testing.assert_allclose(after.target, average + 0.25 * (after.numbers - average), rtol=1e-10)


class WithScript(Rounds):
    scripts: Any = {"never": lambda observation, seat: jnp.array([5.0, -5.0])}  # noqa: RUF012  # pyright: ignore


def test_a_rule_based_player_has_its_own_probabilities():
    """The last number of a row chooses the script; what the network would do does not matter."""
    rules = WithScript()
    own = MLP(**policy_arguments(rules), width=2)
    rule = learner(LOQA, Rollouts(rules=rules, policies=(own, own), episodes=2))
    x = rule.game.init(KEY).at[1].set(rule.game.strategies["never"]).astype(float)
    mine, scripted = jax.jit(lambda: rule._sides(x, rule.game.play(x, KEY)))()
    np.testing.assert_allclose(scripted.probabilities[..., 0], jax.nn.sigmoid(10.0), rtol=1e-6)
    assert np.all(mine.probabilities[..., 0] < 0.99)


def test_former_policies_are_kept_in_turn():
    former = remembering.beginning(jnp.zeros((2, 1)), capacity=3)
    for step in range(1, 8):
        former = remembering.kept(former, jnp.full((2, 1), float(step)), every=2)
    assert former.policies[:, 0, 0].tolist() == [6.0, 2.0, 4.0]
    fresh = remembering.beginning(jnp.full((2, 1), 9.0), capacity=3)
    fresh = remembering.kept(remembering.kept(fresh, jnp.ones((2, 1)), 2), jnp.ones((2, 1)), 2)
    fresh = fresh._replace(policies=fresh.policies.at[2].set(5.0))
    drawn = remembering.drawn(fresh, 2, 200, KEY)[:, 0, 0]
    assert sorted(set(drawn.tolist())) == [1.0, 9.0]  # not the room that is left


def test_every_player_also_meets_former_policies_in_its_share_of_the_episodes():
    """The others' former policies always defect, the present ones always cooperate."""
    game = ipd(episodes=8)
    rule = learner(LOQA, game, former=2, present=0.8)
    always, never = (game.strategies[name].astype(float) for name in ("always_cooperate", "always_defect"))
    x, former = jnp.stack([always, always]), remembering.beginning(jnp.stack([never, never]), 2)
    for seat in (0, 1):
        sides = jax.jit(lambda seat=seat: rule._against_former(seat, former, x, 8, KEY))()
        assert sides[0].seen.actions.shape == (2, STEPS)  # 8 of 10 episodes with the present policies
        assert np.all(sides[seat].seen.actions == 1)
        assert np.all(sides[1 - seat].seen.actions == 0)
    joint = jnp.arange(12.0)  # 8 episodes of all, then 2 of each player
    met = _met_by(1, Judged(seen=cast(Any, joint), action_values=joint, values=joint, advantages=joint), 8, 2)
    assert met.values.tolist() == [*range(8), 10, 11]


def test_policies_learn_where_they_play_and_critics_from_all_episodes(monkeypatch):
    """8 episodes of present policies, and 2 more of each of two players."""
    met, judged = [], []
    monkeypatch.setattr(LOQA, "_improved", lambda self, seat, before, row, each, unit: (met.append(each), (row, 0))[1])
    monkeypatch.setattr(LOQA, "_fitted", lambda self, critic, each: judged.append(each))
    rule = learner(LOQA, ipd(episodes=8), former=2, present=0.8)
    x = rule.game.init(KEY).astype(float)
    jax.eval_shape(lambda: rule.learn(None, rule.init(None, x, KEY), x, rule.game.play(x, KEY), KEY)[0])
    assert [[len(each.values) for each in seats] for seats in met] == [[10, 10], [10, 10]]
    assert [len(each.values) for each in judged] == [12, 12]


@pytest.mark.parametrize("cls", [LOQA, AdvantageAlignment])
def test_players_who_change_seats_change_steps(cls):
    rule = learner(cls, ipd(), **({"weighting": "theory"} if cls is AdvantageAlignment else {}))
    x, episodes, state = setting(rule)
    swapped = jax.tree.map(lambda leaf: leaf[..., ::-1, :], (episodes.observations, episodes.final))
    turned = episodes._replace(
        observations=swapped[0],
        final=swapped[1],
        **{name: getattr(episodes, name)[..., ::-1] for name in ("actions", "rewards", "log_probs")},
    )
    step = jax.jit(lambda state, x, episodes: rule.learn(None, state, x, episodes, KEY)[0])
    other = (
        state._replace(optimisers=state.optimisers[::-1], critics=state.critics[::-1]) if cls is LOQA else state[::-1]
    )
    np.testing.assert_allclose(step(other, x[::-1], turned), step(state, x, episodes)[::-1], rtol=1e-10, atol=1e-10)


# Advantage Alignment.


def aligned(advantages, discounts=None, **settings):
    """Advantages f64[T, P] and those that a rule climbs."""
    advantages = jnp.asarray(advantages, float)
    rule = learner(AdvantageAlignment, ipd(), **settings)
    return rule.aligned(advantages, jnp.full(len(advantages), DISCOUNT) if discounts is None else discounts)


@pytest.mark.parametrize("weighting", ["theory", "average"])
def test_two_steps_by_hand(weighting):
    """Only the second step changes: by w b^2 A_i,0 A_j,1, or by w A_i,0 A_j,1 / 2."""
    (a0, c0), (a1, c1) = advantages = [[2.0, -3.0], [5.0, 7.0]]
    factor = 1.5 * (DISCOUNT**2 if weighting == "theory" else 0.5)
    expected = [[a0, c0], [a1 + factor * a0 * c1, c1 + factor * c0 * a1]]
    found = aligned(advantages, weight=1.5, weighting=weighting)
    np.testing.assert_allclose(found, expected, rtol=1e-12)


@pytest.mark.parametrize("weighting", ["theory", "average"])
def test_the_sums_over_the_past_are_those_of_the_paper(weighting):
    advantages = np.asarray(jax.random.normal(KEY, (6, 3)))
    found = aligned(advantages, weight=2.0, weighting=weighting)
    for t, i in np.ndindex(6, 3):
        theory = DISCOUNT * sum(DISCOUNT ** (t - k) * advantages[k, i] for k in range(t))
        past = theory if weighting == "theory" else advantages[:t, i].sum() / (1 + t)
        others = advantages[t].sum() - advantages[t, i]
        np.testing.assert_allclose(found[t, i], advantages[t, i] + 2.0 * past * others, rtol=1e-10)


@pytest.mark.parametrize("weighting", ["theory", "average"])
def test_shaping_is_linear_in_the_others_advantages_and_knows_no_names(weighting):
    advantages = jax.random.normal(KEY, (6, 3))
    term = aligned(advantages, weighting=weighting)[:, 0] - advantages[:, 0]
    larger = aligned(advantages * jnp.array([1.0, 3.0, 3.0]), weighting=weighting)[:, 0] - advantages[:, 0]
    np.testing.assert_allclose(larger, 3 * term, rtol=1e-10)
    order = np.array([2, 0, 1])
    turned = aligned(advantages[:, order], weighting=weighting)
    np.testing.assert_allclose(turned, aligned(advantages, weighting=weighting)[:, order], rtol=1e-10)


def test_an_episode_s_past_is_discounted_step_by_step():
    """b is the discount between the steps, whatever it is there."""
    found = aligned([[2.0, 1.0], [3.0, 1.0], [0.0, 1.0]], jnp.array([0.5, 0.25, 0.0]), weighting="theory")
    np.testing.assert_allclose(found[:, 0], [2.0, 3.0 + 0.5 * 0.5 * 2.0, 0.25 * (0.25 * 3.0 + 0.25 * 0.5 * 2.0)])


def test_every_player_climbs_its_aligned_advantages_in_the_game_s_discount(monkeypatch):
    monkeypatch.setattr(PPO, "climb", lambda self, state, x, judged, gains, key: (judged, gains))
    rule = learner(AdvantageAlignment, ipd(), weighting="theory")
    x, episodes, state = setting(rule)
    judged, gains = jax.jit(lambda: rule.learn(None, state, x, episodes, KEY))()
    each = jnp.stack([rule.as_ppo.gains(one) for one in judged.values()], axis=-1)
    expected = jnp.stack([aligned(one, weighting="theory") for one in each])
    for seat in (0, 1):
        np.testing.assert_allclose(gains[seat], expected[..., seat], rtol=1e-10)


@pytest.mark.parametrize(("horizon", "weight", "weighting"), [(3, 0.0, "average"), (1, 3.0, "theory")])
def test_without_weight_or_past_it_is_ppo(horizon, weight, weighting):
    """No setting is a default of PPO."""
    game = ipd(horizon=horizon)
    sizes = {"epochs": 2, "minibatches": 2, "centred": True}
    numbers = {"rate": 0.02, "critic_rate": 0.05, "clip": 0.1, "entropy_weight": 0.3, "trace": 0.5}
    settings = {**sizes, **numbers, "longest_gradient": 0.1}
    one = learnt(learner(AdvantageAlignment, game, weight=weight, weighting=weighting, **settings))
    np.testing.assert_array_equal(one, learnt(learner(PPO, game, **settings)))


@pytest.mark.parametrize("cls", [LOQA, AdvantageAlignment])
def test_the_weight_of_the_entropy_decays_after_its_first_steps(cls):
    game = ipd()
    one = learner(cls, game, entropy_weight=0.8, entropy_decay=0.5, decay_from=2)
    other = learner(cls, game, entropy_weight=0.2)
    x, episodes, state = setting(one)

    later = tuple(each._replace(steps=jnp.array(4)) for each in state) if cls is AdvantageAlignment else None
    later = later or state._replace(steps=jnp.array(4))
    moved, expected = (jax.jit(lambda r=rule: r.learn(None, later, x, episodes, KEY)[0])() for rule in (one, other))
    np.testing.assert_allclose(moved, expected, rtol=1e-6)


@pytest.mark.parametrize("cls", [LOQA, AdvantageAlignment])
def test_steps_are_counted(cls):
    rule = learner(cls, ipd())
    x, episodes, state = setting(rule)
    after = jax.jit(lambda: rule.learn(None, state, x, episodes, KEY)[1])()
    assert [int(one.steps) for one in ([after] if cls is LOQA else after)] == [1] * (1 if cls is LOQA else 2)
