"""The run folder: its files, written as the run proceeds and read again on resume.

experiment.toml   the resolved experiment, with the plugin and version of every entry that takes part;
                  `meva-run runs/.../experiment.toml` runs it again
metrics.jsonl     one line per seed and outer loop, written during the fit
checkpoints/      the last three of each fit
snapshots/        the parameters of each fit at ten points of training, in the layout of checkpoints
summary.json      everything in the tables (meva_core/report/summary.py documents it)
seeds.csv         one line per quantity, row, seat and seed, for pandas and R (meva_core/report/tidy.py documents it)
statistics.csv    one line per quantity, row and seat: mean, standard error, interval, interquartile mean (the same)
policies.npz      the final policies of every match, and the arrays that evaluations add
references.bib    the papers to cite, as BibTeX
logs/             what loggers write, a folder for each
figures/          as PNG and SVG
report.html       one page with all results, which needs no other file
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import tomli_w

from meva_core.errors import BadFolder
from meva_core.experiment import versions
from meva_core.experiment.experiment import Experiment
from meva_core.registry.toml_reading import read_toml
from meva_core.storage import files as disk
from meva_core.storage import kept_fit, locks, metrics, provenance

SUMMARY = 4  # the version of summary.json
READABLE = (3, SUMMARY)  # versions from which a page can be made
REFERENCES = "references.bib"
LOGS = "logs"
SEEDS, STATISTICS = "seeds.csv", "statistics.csv"
# Files that an interrupted start leaves behind; a folder that holds nothing else counts as empty.
LEFTOVERS = (
    locks.NAME,
    locks.CLAIM,
    "probe",
    *(f"{name}{disk.PARTIAL}" for name in ("probe", "experiment.toml", "tournament.toml")),
)


def create(out: Path, experiment: Experiment) -> None:
    """Make a new folder with the experiment in it. Raises BadFolder if it holds something already."""
    new(out, otherwise(out))
    write_experiment(out, experiment, provenance.record())


def otherwise(out: Path) -> str:
    """A hint for a user whose folder already exists."""
    return f"resume a run with --resume {out} (from Python: resume=True)"


def new(out: Path, otherwise: str) -> None:
    """Make a new folder. Raises BadFolder if it holds something already, BadFolder or Unwritable if it cannot be
    written."""
    _check_empty(out, otherwise)
    try:
        out.mkdir(parents=True, exist_ok=True)
        disk.write(out / "probe", "")
        (out / "probe").unlink()
    except OSError as error:
        raise disk.refused(error, f"expected a folder that can be written for --out, got {out}") from error


def check_new(out: Path, otherwise: str) -> None:
    """Raise BadFolder if another process uses the folder, or it holds something already."""
    if (out / locks.NAME).is_file():
        with locks.alone(out):
            pass
    _check_empty(out, otherwise)


def _check_empty(out: Path, otherwise: str) -> None:
    if out.exists() and (not out.is_dir() or any(path.name not in LEFTOVERS for path in out.iterdir())):
        raise BadFolder(
            f"expected a new or empty folder for --out, got {out}, which is not: choose another, or {otherwise}"
        )


def resume(out: Path, experiment: Experiment, warn: Callable[[str], None]) -> None:
    """Prepare a folder to be resumed: `warn` is called if numbers may round differently from before.

    The results of another experiment, with other loops or another evaluation, are deleted.
    """
    was = recorded(out)
    if changed := provenance.changes(was):
        warn(f"{out} was started in another environment, so numbers may round differently here: {', '.join(changed)}")
    if was.get("hash") != experiment.hash:
        for name in ("report.html", "summary.json", SEEDS, STATISTICS, REFERENCES):
            (out / name).unlink(missing_ok=True)
    write_experiment(out, experiment, {**provenance.record(), **was, **({"resumed_with": changed} if changed else {})})


def recorded(out: Path) -> dict[str, Any]:
    """Provenance that a run's folder has on record; {} if it has none."""
    record = read_toml(out / "experiment.toml").get("run", {})
    return record if isinstance(record, dict) else {}


def write_experiment(out: Path, experiment: Experiment, record: dict[str, Any]) -> None:
    """Write experiment.toml: the experiment, its hash and the provenance."""
    text = tomli_w.dumps({**experiment.to_plain(), "run": {**record, "hash": experiment.hash}})
    disk.write(out / "experiment.toml", text)


def read_summary(out: Path) -> dict[str, Any]:
    """Read summary.json of a run, a tournament or a reproduction. Raises BadFolder if it cannot be read."""
    path = out / "summary.json"
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise BadFolder(f"expected a readable JSON file at {path}, got: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise BadFolder(f"expected JSON in {path}, got: {error}; run it again") from error
    if not isinstance(content, dict):
        raise BadFolder(f"expected a summary in {path}, got a JSON {type(content).__name__}: run it again")
    found = content.get("schema")
    if "rows" in content and found not in READABLE:  # the summary of a run
        toml = out / "experiment.toml"
        raise BadFolder(versions.of_another(SUMMARY, found, path, read_toml(toml) if toml.is_file() else {}))
    return content


def read_policies(out: Path) -> dict[str, np.ndarray]:
    """Arrays of a run's policies.npz. Raises BadFolder if it is missing, damaged or not written by MeVa."""
    return disk.load_arrays(out / "policies.npz")[0]


def check_same(experiment: str, summary: Any, out: Path) -> None:
    """Raise BadFolder unless the hashes of experiment.toml and summary.json are equal."""
    if experiment != summary:
        raise BadFolder(
            f"expected experiment.toml and summary.json of one run in {out}, got experiments {experiment} and "
            f"{summary}: undo the change, or run it again"
        )


def files(out: Path) -> list[Path]:
    """Files of a run folder that exist, the most interesting first."""
    pictures = ("report.html", "figures")
    kept = (kept_fit.CHECKPOINTS, kept_fit.SNAPSHOTS)
    tables = ("summary.json", SEEDS, STATISTICS)
    numbers = (*tables, "experiment.toml", metrics.NAME, "policies.npz", REFERENCES, *kept, LOGS)
    return [out / name for name in (*pictures, *numbers) if (out / name).exists()]
