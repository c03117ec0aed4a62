"""Fitted learners and policies as programs that run without MeVa: StableHLO, written by jax.export, and JSON that
explains it.

A folder holds PROGRAM.stablehlo for each program, and contents.json:

    schema, meva, jax: versions; keys: the form of random keys
    game, learners: their names; players, policy_size, entries: of the game
    run: {hash, seed, loops} if they are from a run, or else null; loops: how long the learners were fitted
    programs: {PROGRAM: {does, inputs: [{name, shape, dtype}], outputs: [likewise], platforms}}

Where only jax and flatbuffers are installed, a match of one learner with itself is

    import jax
    from jax import export

    def program(name):
        with open(f"folder/{name}.stablehlo", "rb") as file:
            return export.deserialize(bytearray(file.read())).call

    def key(seed):
        return jax.random.key_data(jax.random.key(seed))

    x = program("game.init")(key(0))
    x = program("learner.start")(x, key(1))
    state = program("learner.begin")(x, key(2))
    for step in range(100):
        steps, *state = program("learner.update")(x, key(3 + step), *state)
        x = x + steps

In a game that is played, episodes are part of the programs, which draw them with their key. In such games, and between
networks (--policy mlp), policies are programs too. They give the probabilities of the actions at an observation f32[O]
of the game's rules, for a row of x, or of `policies` in a run's policies.npz:

    (probabilities,) = program("policy.act")(x[0], observation)

A policy with memory begins every episode with `begin`, and returns what it remembers for the next step:

    (memory,) = program("policy.begin")(x[0])
    probabilities, memory = program("policy.act")(x[0], observation, memory)

If the policies of the players differ, the programs are called policy.1.act, policy.2.act and so on.

Shapes: P players, D numbers per policy, O numbers per observation, H numbers of memory, A actions.
"""

from __future__ import annotations

import importlib.metadata
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from meva_core.bridges.single import check_single
from meva_core.contracts import Policy, Sampled, SampledGame, kinds, streams
from meva_core.contracts.playing import check_source, learns_from
from meva_core.contracts.states import first_state
from meva_core.errors import BadCombination, BadFolder, BadValue, Diverged, UnknownName, did_you_mean, optional
from meva_core.experiment import compose, reading
from meva_core.match import Fitted
from meva_core.registry import attribution, discovery
from meva_core.sampling import WithPolicies, rules_behind
from meva_core.storage import files, run_folder
from meva_core.storage.snapshots import snapshots

SCHEMA = 1
PLATFORMS = ("cpu", "cuda", "rocm", "tpu")
CONTENTS = "contents.json"
_NAME = re.compile(r"(?!(game|policy)\b)\w[\w.-]*")  # programs of games and policies begin with these words
KEYS = "uint32[2]: random words, such as jax.random.key_data(jax.random.key(seed)); a fresh one for every call"


class Program(NamedTuple):
    """A function to write, its arguments by name, the names of its outputs, and a sentence about it."""

    call: Callable[..., Any]
    inputs: dict[str, Any]
    outputs: Sequence[str]
    does: str


@attribution.named()
def export(game: Any, players: Any, folder: str | Path, *, platforms: Sequence[str] | None = None) -> dict[str, Any]:
    """Write the programs of a game and of fitted learners to a new folder; returns the content of contents.json.

    players: a result of `meva.fit`, which is called "learner" in the folder, or several by name. Their parameters are
    part of the programs. platforms: those that the programs are for, ("cpu", "cuda", "rocm", "tpu"); by default this
    machine's.
    Raises BadCombination for learners that remember earlier episodes, or whose state has random keys, and
    MissingLibrary without flatbuffers.

    A program does for one joint policy what `Learner.update` does, or `Learner.learn` with the episodes that the policy
    plays in `game`. Programs are kept readable by later versions of jax for at least six months (its documentation of
    `jax.export` says more). In games that are played, and between networks, there are programs of the policies too.
    """
    kinds.check("game", game, "game")
    each = players if isinstance(players, dict) else {"learner": players}
    for name, player in each.items():
        if not isinstance(name, str) or not _NAME.fullmatch(name):
            raise BadValue(f"expected names of players such as 'learner', other than game and policy, got {name!r}")
        check_single(player)
    names = {name: type(player.learner).__name__ for name, player in each.items()}
    return _export(game, each, folder, platforms, {"game": type(game).__name__, "learners": names, "run": None})


def _export(
    game: Any,
    players: Mapping[str, Fitted],
    folder: str | Path,
    platforms: Sequence[str] | None,
    origin: Mapping[str, Any],
) -> dict[str, Any]:
    """Write the folder. origin: the names of the game and the learners, and the run that they are from."""
    programs = {**dict(_of_game(game)), **dict(_of_policies(game))}
    for name, player in players.items():
        programs |= dict(_of_player(game, name, player))
    if unknown := [name for name in platforms or () if name not in PLATFORMS]:
        raise UnknownName(f"unknown platform {unknown[0]!r}{did_you_mean(unknown[0], PLATFORMS)}")
    written = {name: _written(program, platforms) for name, program in programs.items()}
    contents = {
        "schema": SCHEMA,
        "meva": importlib.metadata.version("meva"),
        "jax": jax.__version__,
        **origin,
        "players": game.num_players,
        "policy_size": game.policy_size,
        "entries": list(game.entry_names),
        "keys": KEYS,
        "programs": {name: described for name, (_, described) in written.items()},
    }
    folder = Path(folder)
    run_folder.check_new(folder, "remove it")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, (binary, _) in written.items():
            files.write(folder / _file(name), binary)
        files.write_json(folder / CONTENTS, contents)  # last: a folder that has it is whole
    except OSError as error:
        raise files.refused(error, f"expected a folder that can be written, got {folder}") from error
    return contents


@attribution.named()
def export_run(
    run: str | Path, folder: str | Path, *, seed: int | None = None, platforms: Sequence[str] | None = None
) -> dict[str, Any]:
    """Write the learners of a finished run as programs to a new folder: `learner`, `opponent` and so on, as in the
    run's experiment.toml.

    seed: of the fit; by default the run's first. Raises BadFolder for a folder without a finished run, BadValue for a
    seed that the run does not have, Diverged for one that diverged, and what `export` raises.
    """
    run = Path(run)
    for name in ("experiment.toml", "summary.json"):
        if not (run / name).is_file():
            raise BadFolder(f"expected the folder of a finished run, got {run} without {name}")
    experiment = reading.read(discovery.installed(), run / "experiment.toml")
    run_folder.check_same(experiment.hash, run_folder.read_summary(run).get("hash"), run)
    seed = experiment.seeds[0] if seed is None else seed
    if seed not in experiment.seeds:
        raise BadValue(f"expected a seed of the run, {', '.join(map(str, experiment.seeds))}, got {seed}")
    composition = compose.compose(experiment)
    fitted, loops = [Fitted(learner=learner) for learner in composition.rehearse()], 0
    if any(player.learner.training for player in fitted):
        *_, (loops, match) = snapshots(run)
        row = experiment.seeds.index(seed)
        fitted = [jax.tree.map(lambda leaf: leaf[row], player) for player in match.players]
    if not all(np.all(np.isfinite(leaf)) for leaf in jax.tree.leaves([player.params for player in fitted])):
        raise Diverged(f"seed {seed} of {run} diverged: choose another seed")
    players = {player.path: own for player, own in zip(composition.players, fitted, strict=True)}
    names = {player.path: player.name for player in composition.players}
    source = {"hash": experiment.hash, "seed": seed, "loops": loops}
    origin = {"game": experiment.game.name, "learners": names, "run": source}
    return _export(composition.game, players, folder, platforms, origin)


def _of_game(game: Any) -> Iterator[tuple[str, Program]]:
    x, key = _arguments(game)
    does = "a fresh joint policy"
    yield "game.init", Program(lambda key: game.init(_key(key)), {"key": key}, ["x"], does)
    does = "payoffs of a joint policy, by seat"
    yield "game.payoff", Program(lambda x: game.payoff(x), {"x": x}, ["payoffs"], does)
    does = "the numbers of policies that `entries` names: probabilities, if policies are logits"
    yield "game.entries", Program(lambda x: game.entries(x), {"x": x}, ["entries"], does)


def _of_policies(game: Any) -> Iterator[tuple[str, Program]]:
    """Programs of the policies that act by themselves: one for all players, or if they differ, one for each."""
    rules: Any = rules_behind(game)
    if not isinstance(game, (Sampled, WithPolicies)) or not _can_begin(rules):
        return
    policies = game.players if isinstance(game, Sampled) else game.policies
    x, _ = _arguments(game)
    row, seen = (jax.ShapeDtypeStruct((size,), x.dtype) for size in (x.shape[1], rules.observation_size))
    acts = f"probabilities of the actions {', '.join(rules.action_names)}"
    if all(policy == policies[0] for policy in policies):
        yield from _of_policy("policy", "a row of x", policies[0], row, seen, acts)
    else:
        for seat, policy in enumerate(policies):
            yield from _of_policy(f"policy.{seat + 1}", f"row {seat} of x", policy, row, seen, acts)


def _can_begin(rules: SampledGame) -> bool:
    """False if a game has exact payoffs only, since players have different numbers of actions."""
    try:
        jax.eval_shape(rules.reset, jax.random.key(0))
    except BadCombination:
        return False
    return True


def _of_policy(name: str, whose: str, policy: Policy, row: Any, seen: Any, acts: str) -> Iterator[tuple[str, Program]]:
    """Programs of one policy, for the shapes of its numbers and of an observation. acts: the outputs in words."""
    size = policy.policy_size

    def begin(row: Array) -> tuple[Array]:
        return (policy.begin(row[:size]),)

    def act(row: Array, observation: Array, *memory: Array) -> tuple:
        own = row[:size]
        logits, after = policy.act(own, memory[0] if memory else policy.begin(own), observation)
        return (jax.nn.softmax(logits), *([after] if memory else []))

    inputs, outputs = {"row": row, "observation": seen}, ["probabilities"]
    if policy.memory_size:
        does = f"the memory with which {whose} begins an episode"
        yield f"{name}.begin", Program(begin, {"row": row}, ["memory"], does)
        (inputs["memory"],) = jax.eval_shape(begin, row)
        outputs.append("memory")
    yield f"{name}.act", Program(act, inputs, outputs, f"{acts} of {whose} at an observation")


def _of_player(game: Any, name: str, player: Fitted) -> Iterator[tuple[str, Program]]:
    learner, params = player.learner, player.params
    check_source(learner, game)
    if getattr(learner, "remembers", False) and isinstance(game, Sampled):
        raise BadCombination(
            f"expected a learner that begins every episode afresh, got {kinds.describe(learner)}, which remembers "
            "those of earlier steps"
        )
    x, key = _arguments(game)
    first = jax.eval_shape(lambda x, key: first_state(learner, params, x, _key(key)), x, key)
    leaves, tree = jax.tree.flatten(first)
    if any(jnp.issubdtype(leaf.dtype, jax.dtypes.prng_key) for leaf in leaves):
        raise BadCombination(
            f"expected a learner whose state is numbers, got {kinds.describe(learner)} with random keys"
        )
    names = [f"state_{n}" for n in range(len(leaves))]

    def begin(x: Array, key: Array) -> tuple:
        return tuple(jax.tree.leaves(first_state(learner, params, x, _key(key))))

    def update(x: Array, key: Array, *state: Array) -> tuple:
        steps, after = _moved(game, player, jax.tree.unflatten(tree, state), x, _key(key))
        return (steps, *jax.tree.leaves(after))

    inputs = {"x": x, "key": key}
    does = "the policies with which the learner begins; row i, if it is in seat i"
    yield f"{name}.start", Program(lambda x, key: learner.start(params, x, _key(key)), inputs, ["x"], does)
    does = "the state with which a trajectory begins, from a joint policy"
    yield f"{name}.begin", Program(begin, inputs, names, does)
    does = "the step that the learner takes, to be added to x; row i, if it is in seat i; and its next state"
    yield (
        f"{name}.update",
        Program(update, {**inputs, **dict(zip(names, leaves, strict=True))}, ["steps", *names], does),
    )


def _moved(game: Any, player: Fitted, state: Any, x: Array, key: Array) -> tuple[Array, Any]:
    """The steps f32[P, D] of a player and its next state. Episodes are drawn with a key of their own, as in a match."""
    learner: Any = player.learner
    if learns_from(learner) != "episodes":
        return learner.update(player.params, state, x, key)
    episodes = game.play(x, jax.random.fold_in(key, streams.EPISODES))
    return learner.learn(player.params, state, x, episodes, key)


def _written(program: Program, platforms: Sequence[str] | None) -> tuple[bytes, dict[str, Any]]:
    """A program's bytes, and its entry in contents.json."""
    from jax import export as exporting

    optional("flatbuffers", extra="export")  # jax needs it to serialize
    inputs = program.inputs
    exported = exporting.export(jax.jit(program.call), platforms=platforms)(*inputs.values())
    binary = bytes(exported.serialize())
    outputs = jax.tree.leaves(jax.eval_shape(program.call, *inputs.values()))
    return binary, {
        "does": program.does,
        "inputs": [_described(name, value) for name, value in inputs.items()],
        "outputs": [_described(name, value) for name, value in zip(program.outputs, outputs, strict=True)],
        "platforms": list(exported.platforms),
    }


def _described(name: str, value: Any) -> dict[str, Any]:
    return {"name": name, "shape": list(value.shape), "dtype": str(value.dtype)}


def _arguments(game: Any) -> tuple[Any, Any]:
    """The shapes of a joint policy and of a random key."""
    return jax.eval_shape(game.init, jax.random.key(0)), jax.ShapeDtypeStruct((2,), jnp.uint32)


def _key(words: Array) -> Array:
    return jax.random.wrap_key_data(words, impl="threefry2x32")


def _file(name: str) -> str:
    return f"{name}.stablehlo"
