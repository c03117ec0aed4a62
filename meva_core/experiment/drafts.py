"""Drafts: the tables of an experiment while it is put together, and the overrides that change them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import attrs

from meva_core.contracts.hooks import PARTS
from meva_core.errors import BadValue, did_you_mean
from meva_core.experiment.choice import FROM
from meva_core.experiment.experiment import Experiment
from meva_core.registry import recipes

Table = dict[str, Any]


@attrs.frozen
class Side:
    """A learner's tables: its own table, with its name, and one for each of its parts."""

    own: Table
    parts: dict[str, Table]

    @property
    def name(self) -> str:
        """The learner's name."""
        return self.own["name"]

    def put(self, inner: str, path: str, value: Any) -> None:
        """Set `inner`, a hyper-parameter of the learner or PART.NAME. path: the user's text, for messages."""
        part, dot, name = inner.partition(".")
        if part not in self.parts and not (dot and (self.parts or part in PARTS)):
            part, name = "", inner  # an error is reported when the table is read
        if not name:
            raise BadValue(f"expected {path.rstrip('.')}.NAME, got {path!r}: name one of its hyper-parameters")
        if part and part not in self.parts:
            hint = did_you_mean(part, self.parts) if self.parts else ""
            raise BadValue(f"expected a learner with a part {part}, got {path}: {self.name} has none{hint}")
        table = self.parts[part] if part else self.own
        if part and name == "name":
            _rename(table, value)
        table[name] = value


@attrs.frozen
class Draft:
    """The tables of an experiment; `override` changes them.

    policy: empty if the game has its own policies; a table inside it that has the number of a seat as its name is for
    this seat. sample: None if the game is not played.
    """

    game: Table
    policy: Table
    sample: Table | None
    learner: Side
    opponents: Sequence[Side]
    fit: Table
    evaluate: Table

    @property
    def sides(self) -> list[Side]:
        """The learner and its opponents."""
        return [self.learner, *self.opponents]

    @property
    def policies(self) -> list[str]:
        """The names of all policies, each once; empty if the game has its own."""
        seats = [own for seat, own in self.policy.items() if is_seat(seat)]
        return list(dict.fromkeys(own["name"] for own in ([self.policy, *seats] if self.policy else [])))

    def to_plain(self) -> dict[str, Any]:
        """The tables in the layout of an experiment's file."""
        policy = {"policy": self.policy} if self.policy else {}
        sample = {} if self.sample is None else {"sample": self.sample}
        return {
            "game": self.game,
            **policy,
            **sample,
            "learner": self.learner.own,
            **self.learner.parts,
            "fit": self.fit,
            "evaluate": self.evaluate,
            "opponents": [{**side.own, **side.parts} for side in self.opponents],
        }

    def override(self, path: str, value: Any) -> None:
        """Set one hyper-parameter by its dotted name. Raises BadValue if there is no such hyper-parameter."""
        section, _, name = path.partition(".")
        if section == "opponent":
            self._override_opponents(name, path, value)
            return
        if name == "name" and section in ("game", "learner"):
            raise BadValue(
                f"expected --{section} {value}, got {path}: recipes are found by the names of game and learner"
            )
        if section == "learner":
            self.learner.put(name, path, value)
        elif section not in recipes.SECTIONS:
            self._override_parts(section, path, value)
        elif not name:
            raise BadValue(f"expected {section}.NAME, got {path!r}: name one of its hyper-parameters")
        elif section == "policy":
            self._override_policy(name, path, value)
        elif section == "sample":
            self._override_sample(name, path, value)
        elif section == "evaluate" and "." in name:
            self._override_evaluation(name, value)
        else:
            {"game": self.game, "fit": self.fit, "evaluate": self.evaluate}[section][name] = value

    def _override_opponents(self, name: str, path: str, value: Any) -> None:
        number, _, rest = name.partition(".")
        numbered = re.fullmatch("[0-9]+", number) is not None
        if (rest if numbered else name) == "name":
            raise BadValue(
                f"expected --opponent {value}, got {path}: recipes are found by the names of game and learner"
            )
        if not self.opponents:
            raise BadValue(f"expected --opponent NAME with {path}, got self-play")
        meant = self.opponents
        if numbered:
            if not 1 <= int(number) <= len(self.opponents):
                raise BadValue(f"expected an opponent from 1 to {len(self.opponents)}, got {number} @ {path}")
            meant, name = [self.opponents[int(number) - 1]], rest
        for side in meant:
            side.put(name, path, value)

    def _override_parts(self, part: str, path: str, value: Any) -> None:
        """Set a hyper-parameter of this part for every learner that has the part."""
        having = [side for side in self.sides if part in side.parts]
        if not having and part not in PARTS:
            sections = {*recipes.SECTIONS, "opponent", *(name for side in self.sides for name in side.parts)}
            raise BadValue(f"expected SECTION.NAME, got {path!r}{did_you_mean(part, sections)}")
        if path.rstrip(".") == part:
            raise BadValue(f"expected {part}.NAME, got {path!r}: name one of its hyper-parameters")
        for side in having or self.sides:
            side.put(path, path, value)

    def _override_policy(self, name: str, path: str, value: Any) -> None:
        seat, _, inner = name.partition(".")
        if not self.policy and name != "name":
            raise BadValue(
                f"expected --policy NAME with {path}, got none: a game's own policies have no {inner or name}"
            )
        table = self.policy
        if is_seat(seat):
            if not inner:
                raise BadValue(f"expected policy.{seat}.NAME, got {path!r}: name one of its hyper-parameters")
            table, name = self.policy.setdefault(seat, {}), inner
            if not table and name != "name":
                raise BadValue(f"expected policy.{seat}.name with {path}, got none: seat {seat} plays as all others do")
        if name == "name":
            _rename(table, value)
        table[name] = value

    def _override_sample(self, name: str, path: str, value: Any) -> None:
        if self.sample is None:
            raise BadValue(f"expected --sampled with {path}, got none: the payoffs of this game are computed")
        self.sample[name] = value

    def _override_evaluation(self, name: str, value: Any) -> None:
        evaluation, _, setting = name.partition(".")
        settings = self.evaluate.get(evaluation, {})
        if not isinstance(settings, Mapping):
            raise BadValue(f"expected evaluate.{evaluation}.NAME, got {settings!r}: name one of its hyper-parameters")
        table = {**settings, setting: value}
        table.pop(f"{setting}_{FROM}", None)  # it recorded the origin of the previous name
        self.evaluate[evaluation] = table


def is_seat(name: str) -> bool:
    """True for the number of a seat, counted from 1: the name of a table in [policy]."""
    return re.fullmatch("[1-9][0-9]*", name) is not None


def _rename(table: Table, name: Any) -> None:
    """Empty the table of another entry, whose hyper-parameters do not apply to the entry `name`; tables of single seats
    stay."""
    if table.get("name") != name:
        seats = {key: own for key, own in table.items() if is_seat(key)}
        table.clear()
        table.update(seats)


def of_experiment(experiment: Experiment) -> Draft:
    """The draft of an existing experiment."""
    plain = experiment.to_plain()
    learner = Side(plain["learner"], {name: plain[name] for name in experiment.learner.parts})
    rivals = zip(plain.get("opponents", []), experiment.opponents, strict=True)
    opponents = [_side(table, rival.parts) for table, rival in rivals]
    return Draft(
        plain["game"], plain.get("policy", {}), plain.get("sample"), learner, opponents, plain["fit"], plain["evaluate"]
    )


def _side(table: Table, parts: Iterable[str]) -> Side:
    """A learner's tables, split from one table that also holds the tables of its parts."""
    inside = {name: table[name] for name in parts}
    return Side({key: value for key, value in table.items() if key not in inside}, inside)
