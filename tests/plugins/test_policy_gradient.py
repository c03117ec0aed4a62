"""Policy gradients from episodes: against closed forms, by limits, in any unit, and where the best answer is known."""

from functools import partial
from typing import Any

import attrs
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from meva_policies.gru import GRU
from meva_policies.mlp import MLP
from meva_policies.table import Table
from meva_policy_gradient import seen as seeing
from meva_policy_gradient import trained_response
from meva_policy_gradient.critics import LikePolicy
from meva_policy_gradient.ppo import PPO, Judged
from meva_policy_gradient.reinforce import Reinforce
from meva_policy_gradient.trained_response import TrainedResponse

import meva_core as meva
from meva_core import match as matching
from meva_core.contracts import Asking, EpisodeLearner, component, part, streams
from meva_core.contracts.states import first_state
from meva_core.errors import BadCombination
from meva_core.match import Fitted, Held, Match, Played, step
from meva_core.ops import simultaneous_gradient
from meva_core.sampling import Rollouts, policy_arguments, rules_of

KEY = jax.random.key(0)


@component
class Actions(EpisodeLearner):
    """Steps are the mean action of every player."""

    game: Any = part()

    def learn(self, params, state, x, episodes, key):
        means = episodes.actions.mean(axis=(0, 1), dtype=x.dtype)
        return jnp.broadcast_to(means[:, None], x.shape), state


def ipd(policy=Table, unit=1.0, stopping="horizon", **more):
    """The sampled prisoner's dilemma between policies of a kind, its payoffs in another unit."""
    tables = [[-2.0 * unit, 0.0], [-3.0 * unit, -1.0 * unit]]
    rules = rules_of(meva.make("game", "matrix", payoffs_1=tables, discount=0.9))
    width = {} if policy is Table else {"width": 4}
    own = policy(**{**policy_arguments(rules), **width})
    return Rollouts(rules=rules, policies=(own, own), episodes=8, horizon=5, stopping=stopping, **more)


def _table(**sizes):
    return Table(**sizes)


def learner(game, cls=PPO, **settings):
    return cls(game=game, critic=LikePolicy(policy=game.policies[0]), **settings)


def learnt(rule, x, key=KEY):
    """The steps f32[P, D] of a rule, and the episodes that it learnt from."""
    episodes = rule.game.play(x, jax.random.key(5))
    state = first_state(rule, None, x, jax.random.key(6))
    return jax.jit(lambda rule: rule.learn(None, state, x, episodes, key)[0])(rule), episodes


@pytest.mark.parametrize(("stopping", "baseline"), [("horizon", "none"), ("geometric", "mean")])
def test_reinforce_steps_by_the_gradient_of_the_estimate(stopping, baseline):
    game = ipd(stopping=stopping, estimator="dice", baseline=baseline)
    x = game.init(KEY)
    steps, _ = learnt(Reinforce(game=game, rate=2.0, baseline=baseline), x)
    estimate = jax.jit(lambda x: 2.0 * simultaneous_gradient(lambda x: game.sample(x, jax.random.key(5)), x))
    np.testing.assert_allclose(steps, estimate(x), rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("policy", [MLP, pytest.param(GRU, marks=pytest.mark.long)])
def test_the_first_step_of_ppo_climbs_advantages_and_entropy(policy):
    """The policy is the one that played: the ratio is 1, and no clip matters."""
    game = ipd(policy)
    x = game.init(KEY)
    rule = learner(game, epochs=1, minibatches=1, trace=0.8, entropy_weight=0.1, longest_gradient=1e9)
    steps, episodes = learnt(rule, x)
    before = first_state(rule, None, x, jax.random.key(6))

    def objective(own, seat):
        seen = seeing.seen_by(game, episodes, seat)
        values = seeing.values(rule.network, before[seat].critic, seen)
        gains = seeing.standardised(seeing.advantages(seen, values, 0.8), seen)
        log_probs = seeing.log_policy(game.policies[seat], own, seen)
        entropy = -jnp.sum(jnp.exp(log_probs) * log_probs, axis=-1)
        return jnp.mean(seeing.of_actions(log_probs, seen) * gains + 0.1 * entropy)

    size = game.policies[0].policy_size
    for seat in (0, 1):
        uphill = jax.jit(jax.grad(objective), static_argnums=1)(x[seat, :size], seat)
        # The first step of Adam has the length of the rate in every number with a gradient.
        np.testing.assert_allclose(steps[seat, :size], 3e-3 * uphill / (np.abs(uphill) + 1e-5), rtol=2e-3, atol=1e-6)
        np.testing.assert_array_equal(steps[seat, size:], 0)  # what chooses a script is left alone


def test_a_clipped_ratio_gains_no_more():
    """Ratios and advantages in the order of the steps of one episode, and what each gains."""
    rule = learner(ipd(), clip=0.2, entropy_weight=0.0)
    (policy, _), x = rule.game.policies, rule.game.init(KEY)
    ratios, gains = jnp.array([1.5, 0.5, 1.5, 0.5, 1.1]), jnp.array([1.0, 1.0, -1.0, -1.0, 2.0])

    @jax.jit
    def objective(x):
        seen = seeing.seen_by(rule.game, rule.game.play(x, KEY), 0)
        seen = seen._replace(log_probs=seen.log_probs - jnp.log(ratios))
        log_policy = partial(seeing.log_policy, policy)
        return rule.objective(x[0], seen, jnp.broadcast_to(gains, seen.rewards.shape), 0.0, log_policy)

    np.testing.assert_allclose(objective(x), np.mean([1.2, 0.5, -1.5, -0.8, 2.2]), rtol=1e-5)


def test_advantages_are_centred_at_each_step_among_the_episodes_that_reach_it():
    numbers, alive = jnp.array([[1.0, 2.0], [3.0, 8.0], [8.0, 6.0]]), jnp.array([[1.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
    seen: Any = seeing.Seen(*[alive] * 6)
    found = seeing.centred(numbers, seen)
    np.testing.assert_allclose(found, [[-3.0, -2.0], [-1.0, 4.0], [4.0, 2.0]])
    judged, game = Judged(seen, numbers, numbers), ipd()
    np.testing.assert_allclose(learner(game, centred=True).gains(judged), seeing.standardised(found, seen), rtol=1e-6)
    np.testing.assert_allclose(learner(game).gains(judged), seeing.standardised(numbers, seen), rtol=1e-6)


@pytest.mark.parametrize("policy", [MLP, GRU])
def test_networks_are_asked_once_per_state_unless_they_remember(policy):
    network = policy(observation_size=3, num_actions=2, one_hot=True, width=4)
    numbers, seen = network.init(KEY), jnp.eye(3)[jnp.array([[0, 2, 2, 1], [1, 1, 0, 2]])]
    step_by_step = seeing.outputs(network, numbers, seen, one_hot=False)
    np.testing.assert_allclose(seeing.outputs(network, numbers, seen, one_hot=True), step_by_step, rtol=1e-5, atol=1e-6)


def test_networks_that_remember_are_asked_once_per_step_where_no_derivative_is_taken():
    game = ipd()
    wide = GRU(**policy_arguments(game.rules), width=32)
    game = attrs.evolve(game, policies=(wide, wide))
    x = game.init(KEY)

    def operations(function):
        return dict(jax.jit(function).lower(x).compile().cost_analysis() or {})["flops"]

    assert operations(lambda x: game.play(x, KEY)) < 1.2 * operations(lambda x: game.play(x, KEY).rewards)


def test_the_critic_learns_the_return():
    """One defects, one cooperates: 0 and -3 in each of 5 rounds at discount 0.9, in the unit 3 and times the weight of
    the first round."""
    game = ipd()
    x = jnp.stack([game.strategies["always_defect"], game.strategies["always_cooperate"]])
    rule = learner(game, epochs=500, critic_rate=0.03, trace=1.0)
    state = first_state(rule, None, x, KEY)
    _, after = jax.jit(lambda: rule.learn(None, state, x, game.play(x, KEY), KEY))()
    discounts = 0.9 ** np.arange(5)
    to_go = -np.array([discounts[: 5 - t].sum() for t in range(5)]) / discounts.sum()
    learnt = np.array([to_go[0], to_go[1:].mean()])
    for each, expected, state in ((after[0], 0 * learnt, 2), (after[1], learnt, 3)):  # DC, CD after the start
        np.testing.assert_allclose(each.critic[jnp.array([0, state])], expected, atol=2e-3)


def test_a2c_is_ppo_with_one_step():
    game = ipd()
    x = game.init(KEY)
    a2c = meva.make("learner", "a2c", game=game, critic="table", rate=3e-3)
    one, _ = learnt(a2c, x)
    other, _ = learnt(learner(game, epochs=1, minibatches=1, clip=0.01), x)
    np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("unit", [1e-3, 1e3])
def test_steps_of_ppo_know_no_unit_of_payoffs(unit):
    x = ipd().init(KEY)
    one, other = (learnt(learner(ipd(unit=each)), x)[0] for each in (1.0, unit))
    np.testing.assert_allclose(one, other, rtol=2e-3, atol=2e-6)


def test_the_return_ends_with_the_episode():
    """With episodes that end, steps after the end change nothing."""
    game = ipd(stopping="geometric")
    x = game.init(KEY)
    rule, episodes = learner(game, minibatches=2), game.play(x, jax.random.key(5))
    assert 0 < float(jnp.mean(episodes.alive)) < 1
    ended = episodes.alive[..., None] == 0
    spoilt = episodes._replace(
        rewards=jnp.where(ended, 1e3, episodes.rewards), actions=jnp.where(ended, 1, episodes.actions)
    )
    state = first_state(rule, None, x, jax.random.key(6))
    step = jax.jit(lambda episodes: rule.learn(None, state, x, episodes, KEY)[0])
    np.testing.assert_array_equal(step(episodes), step(spoilt))


def test_minibatches_hold_every_episode_once_in_each_pass():
    chosen = learner(ipd(), epochs=3, minibatches=4)._chosen(8, KEY)
    assert chosen.shape == (12, 2)
    for passed in chosen.reshape(3, 8):
        assert sorted(passed.tolist()) == list(range(8))


def against_defection(rule, game):
    """The match of a rule in seat 1 against players that always defect."""
    rows = jnp.broadcast_to(game.strategies["always_defect"], (2, game.policy_size))
    return Match(game=game, players=(Fitted(learner=rule), Fitted(learner=Held(policies=rows))), seats=(0, 1))


@pytest.mark.parametrize("name", [pytest.param("a2c", marks=pytest.mark.long), "ppo", "reinforce"])
def test_against_defection_everybody_learns_to_defect(name):
    """The best answer pays -2, and any cooperation costs 1."""
    game = attrs.evolve(ipd(), episodes=32)
    faster = {"reinforce": {"rate": 20.0}, "a2c": {"rate": 0.1}, "ppo": {"rate": 0.05}}[name]
    parts = {} if name == "reinforce" else {"critic": "table", "entropy_weight": 0.0}
    rule = meva.make("learner", name, game=game, **faster, **parts)
    play = jax.jit(jax.vmap(lambda x, key: meva.play(against_defection(rule, game), x, key, 200).payoffs[-1]))
    starts = jax.vmap(game.init)(jax.random.split(KEY, 3)).at[:, 1].set(game.strategies["always_defect"])
    ends = play(starts, jax.random.split(KEY, 3))
    np.testing.assert_allclose(ends[:, 0], -2.0, atol=0.1)  # 5 % of the best


def test_a_trained_response_finds_what_an_exploitable_policy_gives():
    """Against one that always cooperates the best answer is to defect, which pays 0."""
    game = attrs.evolve(ipd(), episodes=32)
    evaluation = TrainedResponse(steps=40, restarts=2, pairs=1, rate=0.1)
    always = game.strategies["always_cooperate"]
    x = jnp.broadcast_to(always, (1, 2, game.policy_size))
    match = meva.self_play(game, Fitted(learner=Held(policies=x[0])))
    asking = Asking(planned=None, pairs=1, steps=1)
    (found,) = jax.jit(lambda x: evaluation.ask(match, KEY, asking, x))(x)
    for seat in (0, 1):
        np.testing.assert_allclose(found[seat, seat], 0.0, atol=0.15)
        np.testing.assert_allclose(found[seat, 1 - seat], -3.0, atol=0.15)


def test_the_best_of_the_fresh_starts_counts(monkeypatch):
    """The training is replaced by a draw; the best draw for the responder's seat is the answer."""
    monkeypatch.setattr(trained_response, "play", lambda match, x, key, steps: Played(x, draw(key)[None], x))
    game = ipd()
    found = TrainedResponse(restarts=3)._answered(game, game.init(KEY), 1, KEY)
    draws = np.stack([draw(jax.random.split(key)[1]) for key in jax.random.split(KEY, 3)])
    np.testing.assert_array_equal(found, draws[draws[:, 1].argmax()])


@pytest.mark.parametrize("name", ["ppo", "a2c", "advantage_alignment", "loqa", "pola_dice"])
def test_a_learner_may_be_told_its_seats_and_then_moves_no_other(name):
    game = ipd()
    small = {"ascent_steps": 2, "response_steps": 1} if name == "pola_dice" else {"critic": _table}
    rule = meva.make("learner", name, game=game, **small)
    x = game.init(KEY)
    episodes, state = game.play(x, jax.random.key(5)), first_state(rule, None, x, KEY)
    learn = jax.jit(lambda seats: rule.learn(None, state, x, episodes, KEY, seats), static_argnums=0)
    (both, after), (own, mine) = learn(None), learn((1,))
    assert np.any(np.asarray(both[0]) != 0)
    np.testing.assert_allclose(own[1], both[1], rtol=1e-5, atol=1e-7)
    np.testing.assert_array_equal(own[0], 0)
    if name in ("ppo", "a2c"):
        jax.tree.map(np.testing.assert_array_equal, mine[0], state[0])
        jax.tree.map(partial(np.testing.assert_allclose, rtol=1e-5, atol=1e-7), mine[1], after[1])
    if name == "advantage_alignment":  # it needs the other's critic
        np.testing.assert_allclose(mine[0].critic, after[0].critic, rtol=1e-5, atol=1e-7)
    if name == "loqa":
        jax.tree.map(partial(np.testing.assert_allclose, rtol=1e-5, atol=1e-7), mine.critics, after.critics)


@component
class Seats(EpisodeLearner):
    """Steps are the own seats plus one, in all rows."""

    game: Any = part()

    def learn(self, params, state, x, episodes, key, seats: Any = None):
        return jnp.full_like(x, sum(seat + 1 for seat in seats)), state


def test_a_match_tells_learners_their_seats_if_they_ask():
    game = ipd()
    x, asks, does_not = game.init(KEY), Fitted(learner=Seats(game=game)), Fitted(learner=Actions(game=game))
    for players, seats, expected in [([asks], (0, 0), (3, 3)), ([does_not, asks], (0, 1), (None, 2)),
                                     ([asks, does_not], (0, 1), (1, None))]:  # fmt: skip
        moved = step(Match(game=game, players=tuple(players), seats=seats), x, KEY) - x
        for row, value in zip(moved, expected, strict=True):
            assert value is None or row == pytest.approx(value, abs=1e-6)


def draw(key):
    return jax.random.normal(key, (2,))


def test_all_players_learn_from_the_same_episodes_of_a_stream_of_their_own():
    game = ipd()
    match = Match(game=game, players=(Fitted(learner=Actions(game=game)),) * 2, seats=(0, 1))
    x = game.init(KEY)
    stepped = matching.step(match, x, jax.random.key(3))
    expected = game.play(x, jax.random.fold_in(jax.random.key(3), streams.EPISODES)).actions.mean(axis=(0, 1))
    np.testing.assert_allclose((stepped - x)[:, 0], expected, rtol=1e-5)


@pytest.mark.parametrize("name", ["a2c", "ppo", "reinforce"])
def test_an_exact_game_is_refused_in_one_line(name):
    with pytest.raises(BadCombination, match="learns from episodes: expected a game that is played") as raised:
        meva.make("learner", name, game="logistic")
    assert len(str(raised.value).splitlines()) == 1
