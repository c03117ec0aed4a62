"""Kills runs at random moments, and looks whether, gone on with, they end as those that were left alone.

    python tests/trials --trials 100

An equal share of the trials each for a fit, a tournament and a reproduction whose runs are made two at a time. By
hand: a trial takes some ten seconds. Ends with exit code 1 if any number of any run differs by a bit, or if one that
was resumed had lost more than a chunk.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

CHUNK = 5
SMALL = {
    "learner.loops": 150,
    "learner.trajectory": 20,
    "learner.stride": 10,
    "learner.batch_size": 16,
    "learner.quantiles": 8,
    "value_model.width": 32,
    "value_model.blocks": 0,
    "fit.chunk": CHUNK,
}
EVALUATION = {"evaluate.pairs": 8, "evaluate.steps": 20, "evaluate.values": [0.95]}
MEVA_RUN, MEVA = ([sys.executable, "-m", "meva_core", *rest] for rest in (["run"], []))

REPRODUCTION = """
[reproductions.trial]
title = "two seeds"
source = "nobody"
picture = "ranking"
ranking = { quantity = "self_play", at = 0.95 }

[reproductions.trial.runs.first]
game = "ipd"
learner = "meva"
set = %s

[reproductions.trial.runs.second]
game = "ipd"
learner = "meva"
set = %s
"""


def toml(table: dict) -> str:
    return "{ " + ", ".join(f'"{key}" = {json.dumps(value)}' for key, value in table.items()) + " }"


def settings(table: dict) -> list[str]:
    return [text for path, value in table.items() for text in ("--set", f"{path}={value}")]


class Subject:
    """A command that is killed and resumed: `begin` and `resume` return its words for a folder."""

    chunk: int | None = None

    def __init__(self, place: Path):
        self.place = place

    def begin(self, out: Path) -> list[str]:
        raise NotImplementedError

    def resume(self, out: Path) -> list[str]:
        raise NotImplementedError


class Fit(Subject):
    chunk = CHUNK

    def begin(self, out: Path) -> list[str]:
        names = ["--game", "ipd", "--learner", "meva", "--seeds", "2", "--out", str(out)]
        return [*MEVA_RUN, *names, *settings({**SMALL, **EVALUATION})]

    def resume(self, out: Path) -> list[str]:
        return [*MEVA_RUN, "--resume", str(out)] if (out / "experiment.toml").is_file() else self.begin(out)


class Tournament(Subject):
    def begin(self, out: Path) -> list[str]:
        small = {"m_maml.loops": 200, "m_maml.steps": 50, "m_maml.batch_size": 8}
        names = ["--game", "ipd", "--learners", "naive,lola,m_maml", "--trials", "16", "--steps", "20", "--seeds", "2"]
        return [*MEVA, "tournament", *names, "--out", str(out), *settings(small)]

    def resume(self, out: Path) -> list[str]:
        there = (out / "tournament.toml").is_file()
        return [*MEVA, "tournament", "--resume", str(out)] if there else self.begin(out)


class Reproduction(Subject):
    def begin(self, out: Path) -> list[str]:
        file = self.place / "trial.toml"
        if not file.exists():
            # One is over long before the other, which then is gone on with alone.
            runs = [toml({**SMALL, **EVALUATION, "learner.loops": loops}) for loops in (20, 150)]
            file.write_text(REPRODUCTION % tuple(runs))
        return [*MEVA, "reproduce", "trial", "--registry", str(file), "--out", str(out), "--jobs", "2"]

    resume = begin


def numbers(out: Path) -> dict[str, str]:
    """Checksums of all files but pictures and pages, without the seconds that runs took."""
    found = {}
    for path in sorted(out.rglob("*")):
        if path.suffix in (".npz", ".jsonl", ".csv"):
            found[str(path.relative_to(out))] = hashlib.sha256(path.read_bytes()).hexdigest()
        elif path.name == "summary.json":
            told = {key: value for key, value in json.loads(path.read_text()).items() if key != "seconds"}
            found[str(path.relative_to(out))] = json.dumps(told)
    return found


def start(command: Sequence[str], environment: dict[str, str]) -> subprocess.Popen:
    return subprocess.Popen(
        command, env=environment, start_new_session=True, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )  # fmt: skip


def loops_done(out: Path) -> int:
    """Chunks that were over when the fit was killed, in loops."""
    path = out / "metrics.jsonl"
    lines = path.read_text().splitlines() if path.exists() else []
    whole = [json.loads(line)["loop"] for line in lines if line.endswith("}")]
    return (max(whole, default=-1) + 1) // CHUNK * CHUNK


def trial(subject: Subject, out: Path, after: float, environment: dict[str, str], expected: dict) -> tuple[bool, str]:
    """Kill one process and resume it. Returns True if the results are the expected ones, and a line for the screen."""
    process = start(subject.begin(out), environment)
    time.sleep(after)
    over = process.poll() is not None
    if not over:
        os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    done = loops_done(out)
    command = subject.resume(out)
    resumed = start(command, environment)
    shown, _ = resumed.communicate()
    found = re.search(r"resumed at loop (\d+)", shown)
    at = int(found[1]) if found else 0
    lost = done - at if subject.chunk else 0
    there = numbers(out) if resumed.returncode == 0 else {}
    same = there == expected
    told = f"{'over' if over else f'killed after {after:.2f} s'}, {done} loops done, resumed at {at}"
    if not same:
        told += f": DIFFERENT in {sorted(k for k in {*there, *expected} if there.get(k) != expected.get(k))}\n{shown}"
    if lost > CHUNK:
        told += f": LOST {lost} loops"
    return same and lost <= CHUNK, told


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trials", type=int, default=100)
    parser.add_argument("--subjects", nargs="+", default=["fit", "tournament", "reproduction"])
    parser.add_argument("--jobs", type=int, default=2, help="trials at a time")
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    draw = random.Random(asked.seed)
    failed = 0
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        # Most of a short run's time is compiling; each has one core.
        quick = {"JAX_DISABLE_MOST_OPTIMIZATIONS": "true", "JAX_NUM_CPU_DEVICES": "1"}
        environment = {**os.environ, **quick, "MEVA_CACHE": str(place / "cache")}
        subjects = {kind.__name__.lower(): kind(place) for kind in (Fit, Tournament, Reproduction)}
        for n, subject in enumerate(subjects[name] for name in asked.subjects):
            name = type(subject).__name__.lower()
            for _ in (False, True):  # the second time with programs that are compiled already, as in the trials
                out = place / f"{name}-whole"
                shutil.rmtree(out, ignore_errors=True)
                began = time.monotonic()
                process = start(subject.begin(out), environment)
                shown, _ = process.communicate()
                assert process.returncode == 0, shown
                took = time.monotonic() - began
            expected = numbers(out)
            print(f"{name}: {took:.1f} s when left alone, {len(expected)} files", flush=True)
            count = asked.trials // len(asked.subjects) + (n < asked.trials % len(asked.subjects))
            moments = [draw.uniform(0.0, took) for _ in range(count)]

            def one(k: int, after: float, subject=subject, name=name, expected=expected) -> bool:
                out = place / f"{name}-{k}"
                good, told = trial(subject, out, after, environment, expected)
                print(f"  {k}: {'same' if good else 'FAILED'}, {told}", flush=True)
                shutil.rmtree(out, ignore_errors=True)
                return good

            with ThreadPoolExecutor(asked.jobs) as pool:
                failed += sum(not good for good in pool.map(one, range(len(moments)), moments))
    print(f"{asked.trials - failed} of {asked.trials} ended as if they had never been killed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
