"""The settings of a tournament, and the file tournament.toml that holds them."""

from __future__ import annotations

import typing
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import attrs

from meva_core.contracts import conversion
from meva_core.contracts.hyperparameters import as_plain
from meva_core.errors import BadFolder, BadValue
from meva_core.registry.toml_reading import read_toml
from meva_core.studies import entrants
from meva_core.studies.entrants import Entrant

EXACT = {"trials": 1024, "steps": 300}  # numbers that a user leaves out, where payoffs are computed
PLAYED = {"trials": 4, "steps": 200}  # the same where games are played, and matches take much longer


@attrs.frozen(kw_only=True)
class Tournament:
    """Settings of a tournament. Raises BadValue for a number out of range, no name, or a name that appears twice.

    learners: entrants, or texts that `entrants.parse` reads.
    trials, steps: matches per pair and seed, and steps of every match; None until `meetings.settled` fills them in.
    seed, seeds: first seed and number of seeds; where payoffs are computed, only learners that are fitted need several.
    sampled: all games are played, and learners learn from episodes.
    evaluate: names of evaluations of what every learner has become in its matches with itself.
    overrides: hyper-parameters by learner, {"lola.variant": "taylor"} or {"maml.critic.width": 32}; by "game",
    "policy", "sample" or "evaluate", where policy.name chooses the policies of all players; or by a part, for all
    learners that have it, {"critic.width": 32}. An entrant's own settings override these.
    """

    games: tuple[str, ...]
    learners: tuple[str | Entrant, ...]
    trials: int | None = None
    steps: int | None = None
    seed: int = 0
    seeds: int = 5
    recipe: str = "tournament"
    sampled: bool = False
    evaluate: tuple[str, ...] = ()
    overrides: Mapping[str, Any] = attrs.field(factory=dict)

    def __attrs_post_init__(self) -> None:
        for name, most in (("trials", 10**7), ("steps", 10**7), ("seeds", 2**16)):
            if (number := getattr(self, name)) is not None and not 1 <= number <= most:
                raise BadValue(f"expected --{name} between 1 and {most}, got {number}")
        for option, names in (("--game", self.games), ("--learners", self.labels)):
            if not names:
                raise BadValue(f"expected at least one name for {option}, got none")
            twice = [name for n, name in enumerate(names) if name in names[:n]]
            if twice:
                raise BadValue(f"expected every name once in {option}, got {twice[0]!r} twice")

    @property
    def entrants(self) -> list[Entrant]:
        """The participants; texts are parsed."""
        return [each if isinstance(each, Entrant) else entrants.parse(each) for each in self.learners]

    @property
    def labels(self) -> list[str]:
        """The entrants' names in tables and files."""
        return [entrant.label for entrant in self.entrants]

    def section(self, section: str) -> dict[str, Any]:
        """The overrides of a section, by their names in it."""
        own = ((path.partition("."), value) for path, value in self.overrides.items())
        return {name: value for (of, _, name), value in own if of == section}

    def filled(self, *, sampled: bool) -> Tournament:
        """The same tournament, played or not, with the numbers that are left out."""
        numbers = PLAYED if sampled else EXACT
        missing = {name: number for name, number in numbers.items() if getattr(self, name) is None}
        return attrs.evolve(self, sampled=sampled, **missing)

    def to_plain(self) -> dict[str, Any]:
        """The settings as TOML holds them; `read` reads them."""
        fields = {field.name: getattr(self, field.name) for field in attrs.fields(Tournament)}
        fields["learners"] = [one if isinstance(one, str) else entrants.as_text(one) for one in self.learners]
        fields["overrides"] = {path: value for path, value in self.overrides.items() if value is not None}
        return {name: as_plain(value) for name, value in fields.items() if value is not None}


@attrs.frozen
class Begun:
    """The content of tournament.toml: settings, the user's registry file, the folder of the fits, provenance."""

    tournament: Tournament
    registry_file: Path | None
    fits: Path
    record: Mapping[str, Any]


def begun(folder: str | Path) -> Path | None:
    """The file tournament.toml of a tournament that was begun in a folder; None if there is none."""
    path = Path(folder) / "tournament.toml"
    return path if path.is_file() else None


def read(folder: Path) -> Begun:
    """Read tournament.toml. Raises BadFolder or BadValue if it is missing or has another layout."""
    path = folder / "tournament.toml"
    if not path.is_file():
        raise BadFolder(f"expected a folder with a tournament.toml to resume, got {folder}")
    types = {**typing.get_type_hints(Tournament), "registry": str, "fits": str, "run": dict}
    content = {name: conversion.convert(value, types.get(name), name) for name, value in read_toml(path).items()}
    registry, fits, record = (content.pop(name, None) for name in ("registry", "fits", "run"))
    try:
        settings = Tournament(**content)
        return Begun(settings, registry and Path(registry), Path(fits) if fits else folder / "fits", record or {})
    except TypeError as error:
        raise BadFolder(f"expected a tournament.toml as meva tournament writes it, got {path}: {error}") from error
