"""Fits: against a notebook's loop, against the machine's large product, over seeds, and over growing work."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
from reference import Notebook
from timing import Row, cpu_seconds, in_turns, large_product

from meva_core import fitting, runner
from meva_core.experiment import compose, resolve
from meva_core.ops import batching

LOOPS = 3  # of each timed call


def training(recipe: str, **settings: Any) -> Any:
    """The training of MeVa on the prisoner's dilemma."""
    return training_on("ipd", recipe, {f"learner.{name}": value for name, value in settings.items()})


def training_on(game: str, recipe: str, overrides: dict[str, Any]) -> Any:
    """The training of MeVa on a game."""
    known, files = runner.plugins()
    asked = resolve.resolve(known, files, game=game, learner="meva", recipe=recipe, overrides=overrides)
    return compose.compose(asked).rehearse()[0].training


def loops(one: Any, seeds: int = 1) -> Callable[[], Any]:
    """Runs `LOOPS` outer loops of so many seeds."""
    numbers = range(seeds)
    trainings = [one] * seeds
    state = fitting.start(trainings, numbers)

    def work() -> Any:
        chunks = fitting.fit(trainings, numbers, chunk=LOOPS, state=state, loops=one.num_steps - LOOPS)
        return [chunk.state for chunk in chunks]

    return work


def arithmetic(one: Any) -> float:
    """Floating-point operations of an outer loop, counting products with the network's weights alone.

    Per player and state of a trajectory: a step is a forward and a backward pass to the input, both while exploring
    and on policy; a target is a forward pass; the loss is three.
    """
    learner = one.learner
    weights = jax.tree.leaves(jax.eval_shape(learner.model.init, jax.random.key(0)))
    forward = 2 * sum(leaf.size for leaf in weights if leaf.ndim == 2)
    return (2 + 2 + 1 + 3) * forward * learner.trajectory * learner.batch_size * learner.game.num_players


def against_reference() -> list[Row]:
    """The authors' configuration."""
    one = training("authors")
    notebook = Notebook(one.learner)
    state = jax.tree.map(lambda leaf: leaf[0], fitting.start([one], [0]))
    theirs, ours = in_turns(lambda: notebook.loop(state, jax.random.key(1)), loops(one), repeats=3)
    ours /= LOOPS
    return [
        Row("fit", "notebook's loop", theirs, "s", "the authors' configuration, per outer loop"),
        Row("fit", "ours", ours, "s"),
        Row("fit", "ratio", theirs / ours, "x"),
    ]


def one_loop() -> list[Row]:
    """64 wide, 2 blocks, 32 quantiles, 128 trajectories of 100 steps."""
    one = training("paper")
    (seconds,) = in_turns(loops(one))
    rate, most = arithmetic(one) * LOOPS / seconds, large_product()
    return [
        Row("loop", "outer loop", seconds / LOOPS, "s", "the paper's IPD sizes, ten updates"),
        Row("loop", "useful arithmetic", rate / 1e9, "GFLOP/s"),
        Row("loop", "of the large product", 100 * rate / most, "%"),
    ]


def seeds() -> list[Row]:
    """Ten seeds against one."""
    one = training("paper")
    alone, ten = in_turns(loops(one), loops(one, 10), repeats=3)
    return [
        Row(
            "seeds",
            "ten seeds against one",
            ten / alone,
            "x",
            f"{jax.default_backend()}, {len(batching.used())} devices",
        )
    ]


def growth() -> list[Row]:
    """Twice the batch, twice the seeds."""
    small, batch = training("paper", batch_size=64), training("paper", batch_size=128)
    one, wide, two = in_turns(loops(small), loops(batch), loops(small, 2), repeats=3)
    return [Row("growth", "twice the batch", wide / one, "x"), Row("growth", "twice the seeds", two / one, "x")]


def launches() -> list[Row]:
    """A batch of one trajectory against the recipe's: the same kernels with next to no work.

    On an accelerator their ratio is the share of a loop that goes to launching kernels; on a processor, to small
    operations."""
    rows = []
    for game in ("ipd", "logistic"):
        one, whole = (training_on(game, "default", sizes) for sizes in ({"learner.batch_size": 1}, {}))
        least, usual = in_turns(loops(one), loops(whole), repeats=3)
        rows.append(Row("launches", f"{game}, share of a loop without its work", 100 * least / usual, "%"))
    return rows


def cost() -> list[Row]:
    """An outer loop of 16 trajectories over the numbers per policy, and over the number of players."""
    rows = []
    for model in ("paired_mlp", "fingerprint"):
        for width in (4, 16, 64, 256, 714):
            network = {"policy.name": "mlp", "policy.width": width, "value_model.name": model}
            one = training_on("ipd", "default", {"learner.batch_size": 16, **network})
            numbers = one.learner.game.policy_size
            rows.append(
                Row("cost", f"{numbers} numbers per policy", cpu_seconds(loops(one), 3) / LOOPS, "CPU s", model)
            )
    for players in (3, 4, 5, 6):
        one = training_on("public_goods", "reciprocity", {"game.num_players": players})
        seconds = cpu_seconds(loops(one), 3) / LOOPS
        rows.append(Row("cost", f"{players} players", seconds, "CPU s", f"{one.learner.game.policy_size} numbers each"))
    return rows
