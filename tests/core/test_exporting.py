"""Learners as programs that run where only jax and flatbuffers are."""

import json
import subprocess
import sys

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from doubles.rounds import Table
from jax.export import deserialize

import meva_core as meva
from meva_core.bridges import exporting
from meva_core.bridges.exporting import export
from meva_core.contracts import EpisodeLearner, Learner, component, leaf, static, streams
from meva_core.errors import MevaError, MissingLibrary
from meva_core.sampling import Rollouts, WithPolicies, logits_along, policy_arguments

# A match of two learners, told by contents.json alone, in a process that refuses everything but jax and its needs.
ALONE = """
import functools, json, pathlib, sys
for name in ("meva_core", "meva_games", "haiku", "optax", "attrs"):
    sys.modules[name] = None
import jax, numpy
from jax import export

folder = pathlib.Path(sys.argv[1])
contents = json.loads((folder / "contents.json").read_text())

@functools.cache
def program(name):
    assert name in contents["programs"]
    return export.deserialize(bytearray((folder / f"{name}.stablehlo").read_bytes())).call

def key(n):
    return jax.random.key_data(jax.random.key(n))

players = ["learner", "opponent"]
x = program("game.init")(key(0))
x = numpy.stack([program(f"{name}.start")(x, key(1))[seat] for seat, name in enumerate(players)])
states = [program(f"{name}.begin")(x, key(2)) for name in players]
found = [x]
for n in range(3):
    moved = [program(f"{name}.update")(x, key(3 + n), *state) for name, state in zip(players, states)]
    states = [state for _, *state in moved]
    x = x + numpy.stack([steps[seat] for seat, (steps, *_) in enumerate(moved)])
    found.append(x)
numpy.savez(sys.argv[2], x=numpy.stack(found), payoffs=program("game.payoff")(x), entries=program("game.entries")(x))
"""


@pytest.fixture(scope="module")
def run(toy, tmp_path_factory, meva_run, no_figures):
    """A run of a learner that is fitted, and has a state, against one that is not."""
    folder = tmp_path_factory.mktemp("exporting") / "run"
    sizes = ("learner.loops=2", "evaluate.pairs=1", "evaluate.steps=1", "evaluate.values=[0.9]")
    flags = [flag for size in sizes for flag in ("--set", size)]
    played = ("--game", "hamiltonian", "--learner", "toy", "--opponent", "lola", "--seeds", 2)
    done = meva_run(*played, *flags, "--evaluate", "convergence", "--out", folder, "--quiet")
    assert done.code == 0, done.err
    return folder


def test_a_match_without_meva_is_the_same_to_the_bit(run, meva_command, tmp_path):
    done = meva_command("export", run, "--out", tmp_path / "out", "--seed", 1)
    assert (done.code, done.err) == (0, "")
    contents = json.loads((tmp_path / "out" / "contents.json").read_text())
    assert contents["entries"] == ["x"]
    assert (contents["game"], contents["learners"]) == ("hamiltonian", {"learner": "toy", "opponent": "lola"})
    digest = json.loads((run / "summary.json").read_text())["hash"]
    assert contents["run"] == {"hash": digest, "seed": 1, "loops": 2}
    arguments = [tmp_path / "out", tmp_path / "found.npz"]
    subprocess.run([sys.executable, "-c", ALONE, *arguments], check=True, cwd=tmp_path, timeout=120)
    found = np.load(tmp_path / "found.npz")

    *_, (_, match) = meva.snapshots(run)
    game, players = jax.tree.map(lambda leaf: leaf[1], (match.game, match.players))
    keys = [jax.random.key(n) for n in range(6)]
    first = [player.learner.start(player.params, game.init(keys[0]), keys[1]) for player in players]
    x = np.stack([rows[seat] for seat, rows in enumerate(first)])
    states = [player.learner.init(player.params, x, keys[2]) for player in players]
    for n in range(4):
        np.testing.assert_array_equal(found["x"][n], x)
        if n < 3:
            updates = [jax.jit(lambda s, x, k, p=player: p.learner.update(p.params, s, x, k)) for player in players]
            moved = [update(state, x, keys[3 + n]) for update, state in zip(updates, states, strict=True)]
            states = [state for _, state in moved]
            x = x + np.stack([steps[seat] for seat, (steps, _) in enumerate(moved)])
    np.testing.assert_array_equal(found["payoffs"], jax.jit(game.payoff)(x))
    np.testing.assert_array_equal(found["entries"], jax.jit(game.entries)(x))


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (("--seed", "7"), "expected a seed of the run, 0, 1, got 7"),
        (("--platforms", "gpu"), "unknown platform 'gpu'"),
        (("--platforms", ","), "expected names of platforms, such as cpu,cuda"),
        (("--out", "."), "expected a new or empty folder for --out"),
    ],
)
def test_one_line_for_what_does_not_fit(run, meva_command, tmp_path, monkeypatch, flags, said):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "something").touch()
    done = meva_command("export", run, *flags)
    assert done.code == 2
    assert said in done.err
    assert len(done.err.splitlines()) == 1
    assert not (run / "export").exists()


def test_a_folder_that_is_no_run(meva_command, tmp_path):
    assert "expected the folder of a finished run" in meva_command("export", tmp_path).err


HAMILTONIAN = meva.make("game", "hamiltonian")
NAIVE = meva.Fitted(learner=meva.make("learner", "naive", game=HAMILTONIAN))


@component
class Heavy(Learner):
    """Goes on as it went, and draws: a learner with a state that is a table."""

    rate: float = leaf(default=0.5, doc="learning rate")

    def init(self, params, x, key):
        return {"speed": jax.random.normal(key, x.shape), "steps": jnp.zeros((), jnp.int32)}

    def update(self, params, state, x, key):
        speed = 0.9 * state["speed"] + self.rate * jax.random.normal(key, x.shape) * params - x
        return speed / (1 + state["steps"]), {"speed": speed, "steps": state["steps"] + 1}


def test_a_state_goes_from_step_to_step(tmp_path):
    heavy, params = Heavy(), jnp.float32(3)
    contents = export(HAMILTONIAN, meva.Fitted(learner=heavy, params=params), tmp_path / "out")
    assert [output["dtype"] for output in contents["programs"]["learner.update"]["outputs"]] == [
        *("float32", "float32", "int32"),
    ]
    begin, update = (
        deserialize(bytearray((tmp_path / "out" / f"learner.{name}.stablehlo").read_bytes())).call
        for name in ("begin", "update")
    )
    x, keys = jnp.ones((2, 1)), [jax.random.key(n) for n in range(3)]
    words = [jax.random.key_data(key) for key in keys]
    expected, state = jax.jit(heavy.init)(None, x, keys[0]), begin(x, words[0])
    for key, bits in zip(keys, words, strict=True):
        steps, *state = update(x, bits, *state)
        moved, expected = jax.jit(lambda state, key: heavy.update(params, state, x, key))(expected, key)
        np.testing.assert_allclose(steps, moved, rtol=1e-6)
    np.testing.assert_array_equal(state[1], 3)


IPD = meva.make("game", "ipd")
PLAYED = Rollouts(rules=IPD.rules(), policies=(Table(), Table()), episodes=2, horizon=2)


@component
class Taught(EpisodeLearner):
    """Goes where it was taught to go, as far as it was paid, and counts what it saw."""

    remembers: bool = static(default=False, doc="memories of earlier episodes")

    def init(self, params, x, key):
        return jnp.zeros((), jnp.int32)

    def learn(self, params, state, x, episodes, key):
        paid = jnp.mean(episodes.rewards, axis=(0, 1))[:, None]
        return paid * (params + jax.random.normal(key, x.shape)), state + jnp.sum(episodes.actions)


REINFORCE = meva.Fitted(learner=meva.make("learner", "naive", game=PLAYED))
TAUGHT = meva.Fitted(learner=Taught(), params=jnp.arange(5.0))


@pytest.mark.parametrize("player", [REINFORCE, TAUGHT], ids=["estimates", "episodes"])
def test_programs_play_the_episodes_from_which_players_learn(player, tmp_path):
    learner, x, key = player.learner, PLAYED.init(jax.random.key(0)), jax.random.key(1)

    def library(state, x, key):
        if learner.learns_from != "episodes":
            return learner.update(player.params, state, x, key)
        episodes = PLAYED.play(x, jax.random.fold_in(key, streams.EPISODES))
        return learner.learn(player.params, state, x, episodes, key)

    export(PLAYED, player, tmp_path / "out")
    update = deserialize(bytearray((tmp_path / "out" / "learner.update.stablehlo").read_bytes())).call
    first = learner.init(player.params, x, key)
    steps, *state = update(x, jax.random.key_data(key), *jax.tree.leaves(first))
    expected, after = jax.jit(library)(first, x, key)
    assert np.any(steps != 0)
    np.testing.assert_array_equal(steps, expected)
    np.testing.assert_array_equal(state, jax.tree.leaves(after))


RULES = IPD.rules()
SEEN = jnp.eye(RULES.observation_size)


def network(name, rules=RULES):
    return meva.make("policy", name, **policy_arguments(rules), width=2)


@pytest.fixture
def exported(monkeypatch, tmp_path):
    """`exported(game)`: the entries of contents.json, and the programs, of a game's policies alone."""
    monkeypatch.setattr(exporting, "_of_game", lambda game: ())

    def written(game):
        described = export(game, {}, tmp_path / "out")["programs"]
        files = {name: (tmp_path / "out" / f"{name}.stablehlo").read_bytes() for name in described}
        return described, {name: deserialize(bytearray(binary)).call for name, binary in files.items()}

    return written


def test_networks_act_where_payoffs_are_exact(exported):
    game = WithPolicies(game=IPD, policies=(network("mlp"),) * 2)
    described, found = exported(game)
    assert list(found) == ["policy.act"]
    assert described["policy.act"]["does"] == "probabilities of the actions D, C of a row of x at an observation"
    assert described["policy.act"]["inputs"] == [
        {"name": "row", "shape": [15], "dtype": "float32"},
        {"name": "observation", "shape": [5], "dtype": "float32"},
    ]
    x = game.init(jax.random.key(0))
    for row, logits in zip(x, game.to_logits(x), strict=True):
        told = [found["policy.act"](row, seen)[0] for seen in SEEN]
        np.testing.assert_allclose(told, jax.nn.softmax(logits), rtol=1e-6)


def test_networks_that_remember_act_and_so_do_scripts(exported):
    game = Rollouts(rules=RULES, policies=(network("mlp"), network("gru")), episodes=2, horizon=2)
    described, found = exported(game)
    assert list(found) == ["policy.1.act", "policy.2.begin", "policy.2.act"]
    assert described["policy.2.begin"]["does"] == "the memory with which row 1 of x begins an episode"
    row = game.init(jax.random.key(0))[1]
    (memory,), told = found["policy.2.begin"](row), []
    for seen in SEEN:
        probabilities, memory = found["policy.2.act"](row, seen, memory)
        told.append(probabilities)
    np.testing.assert_allclose(told, jax.nn.softmax(logits_along(game.players[1], row, SEEN)), rtol=1e-6)
    they_cooperated = SEEN[2]
    probabilities = found["policy.1.act"](game.strategies["tit_for_tat"], they_cooperated)[0]
    np.testing.assert_allclose(probabilities, [0, 1], atol=1e-3)


def test_policies_with_unequal_actions_have_no_program(exported):
    game = meva.make("game", "normal_form", payoffs_1=np.ones((2, 3)), payoffs_2=np.ones((2, 3)))
    game = WithPolicies(game=game, policies=(network("mlp", game.rules()),) * 2)
    assert exported(game)[1] == {}


def test_players_by_hand(tmp_path):
    contents = export(HAMILTONIAN, {"mine": NAIVE}, tmp_path / "out", platforms=("cpu", "cuda"))
    assert contents["programs"]["mine.update"]["inputs"] == [
        {"name": "x", "shape": [2, 1], "dtype": "float32"},
        {"name": "key", "shape": [2], "dtype": "uint32"},
    ]
    assert contents["programs"]["mine.update"]["platforms"] == ["cpu", "cuda"]
    assert (contents["game"], contents["learners"], contents["run"]) == ("Hamiltonian", {"mine": "Naive"}, None)


@pytest.mark.parametrize(
    ("game", "player", "said"),
    [
        (HAMILTONIAN, NAIVE.learner, "expected a result of meva.fit"),
        (HAMILTONIAN, jax.tree.map(lambda number: np.stack([number] * 3), NAIVE), "a player of one fit, got 3 seeds"),
        (
            HAMILTONIAN,
            {"a/b": NAIVE},
            "expected names of players such as 'learner', other than game and policy, got 'a/b'",
        ),
        (HAMILTONIAN, {"policy": NAIVE}, "other than game and policy, got 'policy'"),
        (HAMILTONIAN, TAUGHT, "Taught learns from episodes: expected a game that is played"),
        (PLAYED, meva.Fitted(learner=Taught(remembers=True)), "expected a learner that begins every episode afresh"),
    ],
)
def test_players_that_do_not_fit(game, player, said, tmp_path):
    with pytest.raises(MevaError) as caught:
        export(game, player, tmp_path / "out")
    assert said in str(caught.value)
    assert not (tmp_path / "out").exists()


def test_one_line_without_flatbuffers(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "flatbuffers", None)
    monkeypatch.delitem(sys.modules, "jax._src.export.serialization", raising=False)
    with pytest.raises(MissingLibrary, match=r'got none: pip install "meva\[export\]"$'):
        export(HAMILTONIAN, NAIVE, tmp_path / "out")
