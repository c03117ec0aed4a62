"""The file metrics.jsonl: one line per seed and outer loop, written while a fit runs.

Shapes: S seeds, N loops.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from meva_core.errors import BadFolder
from meva_core.fitting import Chunk
from meva_core.storage import files

NAME = "metrics.jsonl"
_KEYS = ("fit", "seed", "loop")
_LARGEST = float(np.finfo(np.float32).max)


def append(out: Path, fit: str, seeds: Sequence[int], chunk: Chunk) -> None:
    """Append the loops of a chunk; `fit` is the player's path in the experiment."""
    count = next(iter(chunk.metrics.values())).shape[1]
    lines = []
    for loop in range(count):
        for n, seed in enumerate(seeds):
            values = {name: _number(metric[n, loop]) for name, metric in chunk.metrics.items()}
            line = {"fit": fit, "seed": seed, "loop": chunk.loops - count + loop, **values}
            lines.append(json.dumps(line) + "\n")
    with files.naming(out / NAME), open(out / NAME, "a", encoding="utf-8") as file:
        file.write("".join(lines))


def cut(out: Path, fit: str, loops: int) -> None:
    """Delete the loops from `loops` on, which will be repeated, and damaged lines."""
    if not (out / NAME).exists():
        return
    kept = [line for line in _lines(out) if line["fit"] != fit or line["loop"] < loops]
    text = "".join(json.dumps(line) + "\n" for line in kept)
    if text.encode() != (out / NAME).read_bytes():
        files.write(out / NAME, text)


def check(out: Path) -> None:
    """Raise BadFolder unless the file exists and has no damaged line, as in the folder of a finished fit."""
    path = out / NAME
    if not path.is_file():
        raise BadFolder(f"expected the loops of a fit in {path}, got no such file: run it again")
    lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    if damaged := len(lines) - sum(1 for _ in _lines(out)):
        raise BadFolder(f"expected whole lines in {path}, got {damaged} of {len(lines)} damaged: run it again")


def read(out: Path, fit: str, seeds: Sequence[int], loops: int) -> tuple[dict[str, np.ndarray], int]:
    """Metrics of the first `loops` loops, each f32[S, N], and the number of missing or damaged lines, whose values are
    NaN."""
    position = {seed: n for n, seed in enumerate(seeds)}
    metrics: dict[str, np.ndarray] = {}
    loops_read = set()
    for line in _lines(out):
        if line["fit"] != fit or line["seed"] not in position or line["loop"] >= loops:
            continue
        loops_read.add((line["seed"], line["loop"]))
        for name, value in line.items():
            if name not in _KEYS:
                metric = metrics.setdefault(name, np.full((len(seeds), loops), np.nan, np.float32))
                metric[position[line["seed"]], line["loop"]] = np.nan if value is None else value
    return metrics, len(seeds) * loops - len(loops_read)


def _lines(out: Path) -> Iterator[dict[str, Any]]:
    """Well-formed lines of the file; truncated or damaged ones are skipped."""
    path = out / NAME
    text = path.read_text(encoding="utf-8", errors="replace") if path.exists() else ""
    for text_line in text.splitlines():
        try:
            line = json.loads(text_line)
        except (ValueError, RecursionError):  # cut off by a kill, or altered
            continue
        if isinstance(line, dict) and _whole(line):
            yield line


def _whole(line: dict[str, Any]) -> bool:
    numbers = [value for name, value in line.items() if name not in _KEYS]
    return (
        isinstance(line.get("fit"), str)
        and type(line.get("seed")) is int
        and type(line.get("loop")) is int
        and line["loop"] >= 0
        and all(value is None or (type(value) in (int, float) and abs(value) <= _LARGEST) for value in numbers)
    )


def _number(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None
