"""The data of a finished run, from its summary.json and its experiment.toml."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import attrs

from meva_core.errors import BadFolder
from meva_core.experiment import experiment, reading
from meva_core.registry.toml_reading import read_toml
from meva_core.report import asked, tables
from meva_core.storage import run_folder as folders

KINDS = ("self-play", "seat", "evaluation", "outcome")  # in the order of tables
SELF_PLAY, SEAT, EVALUATION, OUTCOME = KINDS
FILES = ("experiment.toml", "summary.json")


@attrs.frozen
class Quantity:
    """A quantity of a run's rows.

    kind: one of KINDS. name: the name in tables. digits: decimal places, None for the number that payoffs have.
    """

    kind: str
    name: str
    digits: int | None = None


@attrs.frozen
class Statistic:
    """The mean of a quantity with its standard error; None if it is not finite or not known. over: seeds or pairs."""

    mean: float | None = attrs.field(converter=attrs.converters.optional(float))
    sem: float | None = attrs.field(converter=attrs.converters.optional(float))
    over: str


Row = Mapping[Quantity, Statistic]


@attrs.frozen(kw_only=True)
class Run:
    """The data of a finished run.

    name: the folder, for example. title: game and players. hash: the hash of the experiment.
    seeds, lost: how many seeds the numbers are over, and how many diverged.
    payoff_range: the range of payoffs in the game.
    setting: the setting in which rows differ, None if there is one row, rows[None]. symbol: its short name.
    configuration: every hyper-parameter by its dotted name, as after --set, and the provenance of the run.
    """

    name: str
    title: str
    game: str
    hash: str
    seeds: int
    lost: int
    payoff_range: float
    setting: str | None
    rows: Mapping[float | None, Row] = attrs.field(validator=attrs.validators.min_len(1))
    configuration: Mapping[str, Any]
    symbol: str = ""

    @property
    def over_seeds(self) -> bool:
        """True if the errors are over seeds, else over the pairs of one seed."""
        row = next(iter(self.rows.values()))
        return next(iter(row.values())).over == "seeds"

    @property
    def over(self) -> str:
        """A phrase for what the errors are over."""
        return f"{self.seeds} seeds" if self.over_seeds else "the pairs of one seed"


def of(name: str, summary: Mapping[str, Any], plain: Mapping[str, Any]) -> Run:
    """Build a run from the results of `Result.summary` and `Experiment.to_plain`, or from their files."""
    setting, evaluations = summary["setting"], asked.of_run(summary, plain)
    return Run(
        name=name,
        title=tables.title(dict(summary)),
        game=str(summary["game"]),
        hash=summary["hash"],
        seeds=len(summary["seeds"]),
        lost=len(summary["diverged"]),
        payoff_range=float(summary["payoff_range"] or 0),
        setting=None if setting is None else str(setting["label"]),
        rows=asked.shown(evaluations, lambda sound: _rows(summary, sound)),
        configuration=experiment.dotted(plain),
        symbol="" if setting is None else tables.symbol(setting),
    )


def read(folder: Path) -> Run:
    """Read a run's folder. Raises BadFolder if the run is not finished, or its files have another layout."""
    _check_finished(folder)
    toml = folder / FILES[0]
    plain = read_toml(toml)
    reading.check_schema(plain, toml)
    summary = folders.read_summary(folder)
    try:
        run, written_for = of(str(folder), summary, plain), experiment.hash_of(plain)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise BadFolder(
            f"expected {' and '.join(FILES)} as a run writes them, got others in {folder} "
            f"({type(error).__name__}: {error}): run it again"
        ) from error
    folders.check_same(written_for, run.hash, folder)
    return run


def _check_finished(folder: Path) -> None:
    if not folder.is_dir():
        came = "which is a file: name the folder it is in" if folder.exists() else "which does not exist"
        raise BadFolder(f"expected the folder of a finished run, got {folder}, {came}")
    lacking = [name for name in FILES if not (folder / name).is_file()]
    if lacking == ["summary.json"]:
        toml = folder / FILES[0]
        reading.check_schema(read_toml(toml), toml)  # only the version that began a run can finish it
        raise BadFolder(
            f"expected the folder of a finished run, got {folder}, which has no summary.json yet: "
            f"finish it with meva-run --resume {folder}"
        )
    if lacking:
        raise BadFolder(
            f"expected the folder of a finished run, got {folder} without {' and '.join(lacking)}: "
            "name one that meva-run wrote"
        )


def _rows(summary: Mapping[str, Any], evaluations: tables.Evaluations) -> dict[float | None, Row]:
    """Every statistic of a summary's rows, by the row's setting."""
    return {
        None if row["value"] is None else float(row["value"]): _quantities(row, evaluations) for row in summary["rows"]
    }


def _quantities(row: Mapping[str, Any], evaluations: tables.Evaluations) -> Row:
    """Every statistic of a summary's row."""
    found = {Quantity(SEAT, f"seat {n + 1}"): payoff for n, payoff in enumerate(row["payoffs"])}
    if row["self_play"] and not row["seats"]:  # if seats differ, there is no common payoff
        found[Quantity(SELF_PLAY, "self-play")] = row["self_play"]
    for evaluation in evaluations.values():
        found |= {
            Quantity(EVALUATION, name, statistic.get("digits")): statistic
            for name, statistic in evaluation.compared(row).items()
        }
    for name, share in row["outcomes"].items():
        found[Quantity(OUTCOME, f"share of {name}", 3)] = share
    return {quantity: Statistic(s["mean"], s["sem"], s["over"]) for quantity, s in found.items()}
