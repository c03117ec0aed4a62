"""The game of learning as an environment of gymnasium, against steps that are done by hand."""

import importlib
import sys

import gymnasium
import jax
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env

import meva_core as meva
from meva_core.bridges import against, meta_game
from meva_core.bridges.meta_game import ID, MetaGame, MetaGames
from meva_core.contracts import Learner, component
from meva_core.errors import BadValue, Diverged, MevaError, MissingLibrary

SLOW = {"opponent.rate": 0.25}
NAIVE = meva.Fitted(learner=meva.make("learner", "naive", game="hamiltonian", rate=0.25))
HAMILTONIAN = {"game": "hamiltonian", "opponents": "naive", "set": SLOW}  # f1 = -a b, f2 = a b


def numbers(seen):
    """The policies that an observation shows."""
    return 2 * np.arctanh(np.asarray(seen, float))


@pytest.fixture(scope="module")
def env():
    return MetaGame(**HAMILTONIAN, horizon=3, reach=2.0)


def test_gymnasium_finds_no_fault():
    check_env(gymnasium.make(ID, **HAMILTONIAN).unwrapped)


@pytest.mark.parametrize("seat", [0, 1])
def test_the_others_learn_from_what_was_seen_and_pay_what_was_chosen(seat):
    env = MetaGame(**HAMILTONIAN, seat=seat, reach=2.0)
    seen, _ = env.reset(seed=3)
    own, other = numbers(seen)
    seen, reward, _, _, info = env.step(np.array([0.5]))
    sign = -1 if seat == 0 else 1
    learnt = other - sign * 0.25 * own  # the other's gradient is minus the own one's
    np.testing.assert_allclose(numbers(seen), [1.0, learnt], rtol=1e-5)
    assert reward == pytest.approx(sign * learnt, rel=1e-5)
    assert info["payoffs"].tolist() == pytest.approx([-learnt, learnt], rel=1e-5)


def test_an_episode_is_cut_at_the_horizon_and_a_seed_gives_it_again(env):
    episodes = []
    for seed in (5, 5, 6):
        first, _ = env.reset(seed=seed)
        steps = [env.step(np.array([0.1])) for _ in range(3)]
        assert [(over, cut) for _, _, over, cut, _ in steps] == [(False, False), (False, False), (False, True)]
        episodes.append(np.stack([first, *(step[0] for step in steps)]))
    np.testing.assert_array_equal(episodes[0], episodes[1])
    assert np.any(episodes[0] != episodes[2])
    assert np.any(env.reset()[0] != env.reset()[0])


def test_many_at_once_are_as_one_and_begin_again_together(env):
    many = gymnasium.make_vec(ID, 3, "vector_entry_point", **HAMILTONIAN, horizon=3, reach=2.0)
    one: MetaGames = MetaGames(**HAMILTONIAN, horizon=3, reach=2.0)
    alone, together = env.reset(seed=1)[0], one.reset(seed=1)[0]
    np.testing.assert_array_equal([alone], together)
    assert many.reset(seed=1)[0].shape == (3, 2)
    for step in range(3):
        seen, reward, _, cut, info = env.step(np.array([0.3]))
        seens, rewards, _, cuts, infos = one.step(np.array([[0.3]]))
        np.testing.assert_array_equal([seen], seens)
        np.testing.assert_array_equal([info["payoffs"]], infos["payoffs"])
        assert (reward, cut) == (rewards[0], cuts[0])
        assert many.step(np.full((3, 1), 0.3))[3].tolist() == [step == 2] * 3
    fresh, rewards, _, cuts, _ = many.step(np.full((3, 1), 0.3))
    assert not np.any([rewards, cuts])
    assert len({tuple(row) for row in fresh.tolist()}) == 3


def test_players_that_are_fitted_or_made_by_hand(toy, capsys):
    game = meva.make("game", "hamiltonian")
    envs = [MetaGame(game, [NAIVE], reach=2.0), MetaGame(**HAMILTONIAN, reach=2.0)]
    seen = [(env.reset(seed=0), env.step(np.array([0.5])))[1][0] for env in envs]
    np.testing.assert_array_equal(seen[0], seen[1])
    MetaGame("hamiltonian", NAIVE, progress=True)
    assert capsys.readouterr().out == ""
    fitted = MetaGames("hamiltonian", "toy", set={"opponent.loops": 2}, progress=True)
    assert np.any(fitted.reset(seed=0)[0] != fitted.step(np.array([[0.5]]))[0])
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "fitting Toy: 2 loops, compiling"
    assert lines[-1].startswith("  loop 2/2  loss ")


@pytest.mark.parametrize("wrong", [{"seat": 2}, {"horizon": 0}, {"reach": 0.0}, {"num_envs": 0}, {"progress": "yes"}])
def test_nobody_waits_for_a_fit_to_hear_what_does_not_fit(toy, monkeypatch, wrong):
    monkeypatch.setattr(against.plain, "fit", lambda *_, **__: pytest.fail("a fit"))
    with pytest.raises(BadValue):
        MetaGames("hamiltonian", "toy", **wrong)


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"game": "ipdd"}, "unknown game 'ipdd'"),
        ({"opponents": "naiv"}, "unknown learner 'naiv'"),
        ({"opponents": ["naive", "naive"]}, "2 players"),
        ({"opponents": 3}, "expected a learner"),
        ({"set": {"opponent.rat": 1}}, "rat"),
        ({"seat": 2}, "expected a seat from 0 to 1, got 2"),
        ({"horizon": 0}, "horizon"),
        ({"reach": -1}, "expected a positive number, got -1 @ reach"),
        ({"reach": "far"}, "expected float, got 'far' (str) @ reach"),
        (
            {"opponents": [NAIVE, "naive"]},
            "or for none",
        ),
        (
            {"opponents": jax.tree.map(lambda leaf: np.stack([leaf] * 2), NAIVE), "set": None},
            "expected a player of one fit, got 2 seeds: take one with jax.tree.map(lambda leaf: leaf[0], player)",
        ),
    ],
)
def test_one_line_for_what_does_not_fit(changed, said):
    with pytest.raises(MevaError) as caught:
        MetaGame(**{**HAMILTONIAN, **changed})
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_actions_have_the_size_of_a_policy_and_no_bounds(env):
    env.reset(seed=0)
    with pytest.raises(BadValue, match=r"^expected an action of shape \(1,\), got shape \(2,\)$"):
        env.step(np.zeros(2))
    assert numbers(env.step(np.array([7.0]))[0])[0] == pytest.approx(2.0, rel=1e-5)


@pytest.mark.parametrize(
    ("action", "said"),
    [
        ([np.nan], r"^expected an action of finite numbers, got \[nan\]$"),
        (["left"], r"^expected an action of finite numbers, got \['left'\]$"),
        ([[0.0], [0.0, 1.0]], r"^expected an action of shape \(1,\), got one that is no array: ValueError: [^\n]*$"),
    ],
)
def test_an_agent_at_fault_is_told_so(env, action, said):
    env.reset(seed=0)
    with pytest.raises(BadValue, match=said):
        env.step(action)


@pytest.mark.parametrize("kind", [MetaGame, MetaGames])
def test_an_episode_begins_with_a_reset(kind):
    env = kind(**HAMILTONIAN)
    with pytest.raises(BadValue, match=r"^expected a reset before the first step, got none: call reset$"):
        env.step(np.zeros(env.action_space.shape))


@component
class Drawing(Learner):
    """Draws its policy, at the start from its key and in each step from the second half of its key."""

    def start(self, params, x, key):
        return jax.random.normal(key, x.shape)

    def update(self, params, state, x, key):
        return jax.random.normal(jax.random.split(key)[1], x.shape) - x, state


def test_a_step_draws_other_numbers_than_the_start():
    env = MetaGame("hamiltonian", meva.Fitted(learner=Drawing()))
    seen = [env.reset(seed=0)[0], *(env.step(np.zeros(1))[0] for _ in range(2))]
    assert len({float(observation[1]) for observation in seen}) == 3


def test_others_who_diverge_are_named():
    env = MetaGame(**{**HAMILTONIAN, "set": {"opponent.rate": 3e38}})
    env.reset(seed=0)
    with pytest.raises(Diverged, match=r"^step [12] of .* lower the opponents' step sizes$"):
        _ = [env.step(np.array([1.0])) for _ in range(2)]


def test_one_line_without_gymnasium(monkeypatch):
    monkeypatch.setitem(sys.modules, "gymnasium", None)
    monkeypatch.delitem(sys.modules, meta_game.__name__)
    with pytest.raises(
        MissingLibrary, match=r'^expected the library gymnasium, got none: pip install "meva\[gymnasium\]"$'
    ):
        importlib.import_module(meta_game.__name__)
