"""The command line, as a user waits for it: cold with an empty cache of compiled programs, and warm."""

from __future__ import annotations

import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from timing import Row

GAMES = ("ipd", "logistic")


def _run(*words: str, **environment: str) -> float:
    program = str(Path(sys.executable).with_name(words[0]))
    began = time.perf_counter()
    subprocess.run([program, *words[1:]], env={**os.environ, **environment}, check=True, capture_output=True)
    return time.perf_counter() - began


def start() -> list[Row]:
    """Times of commands that compute nothing."""
    commands = (("meva-run", "--help"), ("meva", "list"))
    return [Row("start", " ".join(words), statistics.median(_run(*words) for _ in range(7)), "s") for words in commands]


def default_runs() -> list[Row]:
    """The default MeVa runs to their files; memory is the largest of all commands so far."""
    rows = []
    with tempfile.TemporaryDirectory() as place:
        for game in GAMES:
            seconds, fitting = {}, 0.0
            for temperature in ("cold", "warm"):
                out = Path(place, f"{game}-{temperature}")
                command = ("meva-run", "--game", game, "--learner", "meva", "--out", str(out))
                seconds[temperature] = _run(*command, MEVA_CACHE=place, JAX_COMPILATION_CACHE_DIR="")
                fitting = json.loads((out / "summary.json").read_text(encoding="utf-8"))["seconds"]["fit"]
            for temperature, whole in seconds.items():  # where all is compiled, a fit is nothing but fitting
                rows.append(Row("runs", f"{game}, {temperature}", whole, "s"))
                rows.append(Row("runs", f"{game}, {temperature}, but the fit", whole - fitting, "s"))
        most = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
        rows.append(Row("runs", "peak memory", most / 2**20, "GiB"))
    return rows
