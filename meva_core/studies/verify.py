"""Run a finished run or tournament again, and compare it with the stored results, bit for bit."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import attrs
import jax
import numpy as np

from meva_core.report import Result
from meva_core.report.write import policies_of
from meva_core.storage import files, kept_fit, metrics
from meva_core.storage.run_folder import check_same, read_policies, read_summary

# Paths of entries that 1.1 added to statistics, and to the cells of tournaments.
LATER = re.compile(r".*\['(ci_low|ci_high|iqm|seeds)'\]")


@attrs.frozen
class Compared:
    """The comparison of stored numbers with new ones.

    what: the name of the numbers. of: their count. different: the count of those that are not equal bit by bit. most:
    the largest difference, infinite if one of the two numbers is not finite or the shapes differ. lacking: names of
    numbers that an earlier version did not store, and that are not compared.
    """

    what: str
    of: int
    different: int
    most: float
    lacking: tuple[str, ...] = ()

    def __str__(self) -> str:
        text = f"{self.what}: {self.of} numbers, equal bit by bit"
        if self.different:
            text = f"{self.what}: {self.different} of {self.of} numbers differ, by {self.most:.3g} at most"
        if self.lacking:
            text += f"; not compared, since an earlier version wrote none: {', '.join(self.lacking)}"
        return text


@attrs.frozen
class StoredRun:
    """The files of a run's folder that `run` compares, read before the run is repeated."""

    folder: Path
    policies: Mapping[str, np.ndarray]
    summary: Mapping[str, Any]


@attrs.frozen
class StoredTournament:
    """The files of a tournament's folder that `tournament` compares, read before the tournament is repeated.

    matches: the arrays of each match by file name.
    """

    summary: Mapping[str, Any]
    matches: Mapping[str, Mapping[str, np.ndarray]]


def read_run(folder: Path, hash: str) -> StoredRun:
    """Read the files of a run. Raises BadFolder if a file is missing or damaged, or the experiment's hash differs."""
    summary = read_summary(folder)
    check_same(hash, summary.get("hash"), folder)
    if (folder / kept_fit.CHECKPOINTS).exists():
        metrics.check(folder)
    return StoredRun(folder, read_policies(folder), summary)


def read_tournament(folder: Path) -> StoredTournament:
    """Read the files of a tournament. Raises BadFolder if a file is missing or damaged."""
    paths = sorted((folder / "matches").glob("*.npz"))
    return StoredTournament(read_summary(folder), {path.name: files.load_arrays(path)[0] for path in paths})


def run(result: Result, stored: StoredRun) -> list[Compared]:
    """Compare a repeated run with its folder: the arrays of policies.npz, summary.json and the metrics."""
    differences = [_arrays("policies.npz", stored.policies, policies_of(result))]
    was, now = ({**summary, "seconds": None} for summary in (stored.summary, result.summary()))
    differences.append(_plain("summary.json", was, now))
    for history in result.histories:
        loops = next(iter(history.metrics.values())).shape[1] if history.metrics else 0
        stored_metrics, _ = metrics.read(stored.folder, history.player, history.seeds, loops)
        differences.append(_arrays(f"{metrics.NAME}, {history.name}", stored_metrics, history.metrics))
    return differences


def tournament(stored: StoredTournament, again: StoredTournament) -> list[Compared]:
    """Compare two runs of one tournament: summary.json, and the payoffs of every match."""
    names = sorted({*stored.matches, *again.matches})
    return [
        _plain("summary.json", stored.summary, again.summary),
        *(_arrays(name, stored.matches.get(name, {}), again.matches.get(name, {})) for name in names),
    ]


def _plain(what: str, was: Any, now: Any) -> Compared:
    """Compare two values that JSON can hold, leaf by leaf, without entries that earlier versions did not write."""
    stored, again = _leaves(was), _leaves(now)
    entries = {entry[0] for path in stored if (entry := LATER.match(path))}
    absent = {path: entry[1] for path in again if (entry := LATER.match(path)) and entry[0] not in entries}
    compared = _arrays(what, stored, {path: leaf for path, leaf in again.items() if path not in absent})
    return attrs.evolve(compared, lacking=tuple(sorted({*absent.values()})))


def _leaves(plain: Any) -> dict[str, np.ndarray]:
    leaves = jax.tree_util.tree_leaves_with_path(plain, is_leaf=lambda leaf: leaf is None)
    return {jax.tree_util.keystr(path): np.array(np.nan if leaf is None else leaf) for path, leaf in leaves}


def _arrays(what: str, was: Mapping[str, np.ndarray], now: Mapping[str, np.ndarray]) -> Compared:
    """Compare arrays by name; all numbers of an array count as different if only one side has it."""
    size, different, most = 0, 0, 0.0
    for name in dict.fromkeys([*was, *now]):
        first, second = (np.asarray(arrays.get(name, np.zeros(0))) for arrays in (was, now))
        size += max(first.size, second.size)
        if first.shape != second.shape or first.dtype.kind != second.dtype.kind:
            different, most = different + max(first.size, second.size), np.inf
        elif first.dtype.kind not in "fiub":
            unequal = int(np.sum(first != second))
            different, most = different + unequal, np.inf if unequal else most
        else:
            unequal = ~((first == second) | ((first != first) & (second != second)))  # two NaNs are equal
            different += int(unequal.sum())
            if unequal.any():
                gap = np.abs(first[unequal].astype(float) - second[unequal].astype(float))
                most = max(most, float(np.nan_to_num(gap, nan=np.inf).max()))
    return Compared(what, size, different, most)
