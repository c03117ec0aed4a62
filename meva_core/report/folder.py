"""The run folder: what is written when, and read again on resume.

experiment.toml   the resolved experiment; `meva-run runs/.../experiment.toml` runs it again
metrics.jsonl     one line per seed and outer loop, as the fit goes on
checkpoints/      the last three of each fit
summary.json      everything in the tables (meva_core/report/summary.py says what is where)
policies.npz      where every match ended; in a game whose plane is surveyed, its basins and trajectories too
figures/          as PNG and SVG
report.html       one page of all this, that needs nothing beside it
"""

from __future__ import annotations

import contextlib
import importlib.metadata
import json
import math
import os
import platform
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import tomli_w

from meva_core import devices
from meva_core.errors import BadFolder
from meva_core.experiment import Experiment
from meva_core.fit import Chunk, History
from meva_core.report.result import Result
from meva_core.report.summary import SCHEMA

LIBRARIES = ("meva", "jax", "jaxlib", "dm-haiku", "optax", "numpy", "scipy")
# Of a folder whose making was cut short.
LEFTOVERS = ("lock", "probe", "probe.partial", "experiment.toml.partial", "tournament.toml.partial")


def create(out: Path, experiment: Experiment) -> None:
    """A new folder with the experiment in it. BadFolder where it holds something already."""
    new(out, f"continue a run with --resume {out}")
    write_atomically(out / "experiment.toml", experiment_text(experiment))


def new(out: Path, otherwise: str) -> None:
    """A new folder. BadFolder where it holds something already, or cannot be written."""
    if out.exists() and (not out.is_dir() or any(path.name not in LEFTOVERS for path in out.iterdir())):
        raise BadFolder(
            f"expected a new or empty folder for --out, got {out}, which is not: choose another, or {otherwise}"
        )
    try:
        out.mkdir(parents=True, exist_ok=True)
        write_atomically(out / "probe", "")
        (out / "probe").unlink()
    except OSError as error:
        raise BadFolder(f"expected a folder that can be written for --out, got {out}: {error.strerror}") from error


@contextlib.contextmanager
def alone(out: Path) -> Iterator[None]:
    """Nobody else in the folder. BadFolder where another process is; a killed one's claim ends with it. On systems
    without `fcntl` nobody is kept out."""
    try:
        import fcntl
    except ImportError:
        yield
        return
    out.mkdir(parents=True, exist_ok=True)
    with open(out / "lock", "w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise BadFolder(
                f"expected a fit that nobody else works on, got {out}: another process is fitting it; wait for it"
            ) from error
        yield


def experiment_text(experiment: Experiment) -> str:
    """The experiment, and by what it is run: its hash and the versions of the libraries."""
    versions = {name: importlib.metadata.version(name) for name in LIBRARIES}
    run = {"hash": experiment.hash, "python": platform.python_version(), "versions": versions, **devices.record()}
    return tomli_w.dumps({**experiment.to_plain(), "run": run})


def write_metrics(place: Path, seeds: Sequence[int], chunk: Chunk) -> None:
    """Append a chunk's loops to metrics.jsonl; `place` is the fit's checkpoint folder, whose name is the learner's."""
    path = place.parent.parent / "metrics.jsonl"
    count = next(iter(chunk.metrics.values())).shape[1]
    with open(path, "a", encoding="utf-8") as file:
        for loop in range(count):
            for n, seed in enumerate(seeds):
                values = {name: _number(metric[n, loop]) for name, metric in chunk.metrics.items()}
                line = {"fit": place.name, "seed": seed, "loop": chunk.loops - count + loop, **values}
                file.write(json.dumps(line) + "\n")


def read_history(place: Path, history: History, loops: int) -> History:
    """The history up to `loops`, from metrics.jsonl, which is cut there: the loops since will be done again. BadFolder
    where it is not as `write_metrics` leaves it."""
    path = place.parent.parent / "metrics.jsonl"
    try:
        return _read_history(path, place, history, loops)
    except (LookupError, TypeError, ValueError, RecursionError) as error:
        raise BadFolder(
            f"expected {path} as a fit writes it, got another ({type(error).__name__}: {error}): "
            "put back what was changed, or run it again in a new folder"
        ) from error


def _read_history(path: Path, place: Path, history: History, loops: int) -> History:
    text = path.read_text(encoding="utf-8") if path.exists() else ""
    lines = [json.loads(line) for line in text.splitlines() if line.endswith("}")]  # a last one may be cut off
    kept = [line for line in lines if line["fit"] != place.name or line["loop"] < loops]
    write_atomically(path, "".join(json.dumps(line) + "\n" for line in kept))
    own = [line for line in kept if line["fit"] == place.name]
    if not own:
        return history
    position = {seed: n for n, seed in enumerate(history.seeds)}
    names = [name for name in own[0] if name not in ("fit", "seed", "loop")]
    metrics = {name: np.full((len(position), loops), np.nan, np.float32) for name in names}
    for line in own:
        for name in names:
            value = line[name]
            metrics[name][position[line["seed"]], line["loop"]] = np.nan if value is None else value
    history.add(Chunk(loops, None, metrics))
    return history


def finish(out: Path, result: Result) -> None:
    """Everything that is known once the run is over."""
    from meva_core.report import figures, page  # matplotlib, jinja2: only now

    write_atomically(out / "summary.json", json.dumps(result.summary(), indent=1, allow_nan=False) + "\n")
    partial = out / "policies.partial"
    with open(partial, "wb") as file:
        np.savez_compressed(
            file,
            policies=result.policies,
            payoffs=result.payoffs,
            seeds=np.array(result.seeds),
            settings=np.array(result.survey.values),
            entries=np.array(result.entry_names),
            **_plane(result),
            **_polytope(result),
        )
    os.replace(partial, out / "policies.npz")
    figures.draw(result, out / "figures")
    write_atomically(out / "report.html", page.of_run(out))


def _plane(result: Result) -> dict[str, Any]:
    """What the page draws of a game with a plane."""
    survey = result.survey
    if survey.trajectories is None:
        return {}
    basins = {f"basin {name}": cells for name, cells in survey.basins.items()}
    plane = {"plane": np.array(survey.plane), "landscape": survey.landscape}
    return {**plane, "trajectories": survey.trajectories, **basins}


def _polytope(result: Result) -> dict[str, Any]:
    """The first seed's first match, f32[V, T, N, 2] and f32[V, T, 2]."""
    found = result.survey.polytope
    if found is None:
        return {}
    return {"cloud": found.cloud[0, :, 0], "met": found.payoffs[0, :, 0], "feasible": result.survey.feasible}


def read_summary(out: Path) -> dict[str, Any]:
    """The content of summary.json, of a run, a tournament or a reproduction. BadFolder where it cannot be read."""
    path = out / "summary.json"
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise BadFolder(f"expected a readable JSON file at {path}, got: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise BadFolder(f"expected JSON in {path}, got: {error}; run it again") from error
    if not isinstance(content, dict):
        raise BadFolder(f"expected a summary in {path}, got a JSON {type(content).__name__}: run it again")
    if "rows" in content:  # of a run
        check_schema(content.get("schema"), SCHEMA, path)
    return content


def check_schema(found: Any, expected: int, path: Path) -> None:
    """BadFolder where a file is of another version."""
    if found != expected:
        raise BadFolder(f"expected schema {expected}, got {found!r} @ {path}: written by another version? run it again")


def files(out: Path) -> list[Path]:
    """What a run folder holds, in the order people look."""
    pictures = ("report.html", "figures")
    numbers = ("summary.json", "experiment.toml", "metrics.jsonl", "policies.npz", "checkpoints")
    return [out / name for name in (*pictures, *numbers) if (out / name).exists()]


def write_atomically(path: Path, text: str) -> None:
    """All of it or nothing."""
    partial = path.with_name(path.name + ".partial")
    with open(partial, "w", encoding="utf-8", errors="backslashreplace") as file:  # of a file's name that is no text
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    os.replace(partial, path)


def _number(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None
