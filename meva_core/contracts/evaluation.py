"""The contract of evaluations: questions about the players of a match, each in one file of a plugin.

Shapes: S seeds, V rows (settings of the learner's sweep), N pairs, P players, D numbers per policy.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

import attrs

if TYPE_CHECKING:
    from jax import Array

PyTree = Any


@attrs.frozen(kw_only=True)
class Asking:
    """Inputs of an evaluation beside the match and a key.

    planned: what its `plan` returned. pairs and steps: `evaluate.pairs` and `evaluate.steps`, the numbers of matches
    for each seed and row, and of steps in each.
    """

    planned: PyTree
    pairs: int
    steps: int


@attrs.frozen(kw_only=True)
class Answer:
    """each: what `ask` returned, every array [S, V, ...]; once: what `ask_once` did. None where there is no such."""

    each: PyTree = None
    once: PyTree = None


@attrs.frozen(kw_only=True)
class Column:
    """A column of the table of payoffs, and a line in the figure of payoffs.

    head: its words, lines split by a newline. cell: a row of summary.json -> a statistic, or None for an empty cell.
    of_seat: a row and the number of a seat, as text, -> the same for that seat, where seats stand apart.
    panel: the panel of the figure in which its line is drawn, as in "against its best response"; line: the line's
    label.
    """

    head: str
    panel: str
    line: str
    cell: Callable[[Mapping[str, Any]], Mapping[str, Any] | None]
    of_seat: Callable[[Mapping[str, Any], str], Mapping[str, Any] | None] = lambda row, seat: None


@attrs.frozen(kw_only=True)
class Panel:
    """A part of the page that follows the slider.

    script: a JavaScript function (box, rows, tools) => show: it fills the element `box` once and returns a function
    that shows row number v; `tools.svg` and `tools.html` make elements. rows: JSON for each row.
    """

    script: str
    rows: Sequence[Any]


class Evaluation(Protocol):
    """A question about the players of a match. Its hyper-parameters are `static` fields, [evaluate.NAME] in a file.

    Players are fitted, matches are played, and then every evaluation is asked. One that needs no more than what the
    matches gave has no `ask`.

    by_default: it is asked unless a user picks evaluations by name.
    builds_on: names of evaluations whose answers `inputs` reads; they are asked first, and without them this one is
        left out.
    first_seed: it is asked of the first seed alone.
    stream: the number that is folded into a seed's key for it (`streams`); None: one that is made from its name.
    says: what a screen says while it is answered.
    formerly: names of settings that older versions had in [evaluate], and the names of today.
    small: hyper-parameters with which the conformance kit asks it, `small = {"grid": 3}`.
    """

    by_default: bool = True
    builds_on: tuple[str, ...] = ()
    first_seed: bool = False
    stream: int | None = None
    says: str = ""
    formerly: Mapping[str, str] = {}
    small: ClassVar[Mapping[str, Any]] = {}

    # Before anything is fitted.

    @classmethod
    def settle(cls, settings: Mapping[str, Any], named: Mapping[str, Any], about: Any) -> Mapping[str, Any]:
        """The settings with what depends on the rest of the experiment, once names are resolved. named: those whom the
        settings name, by setting (`experiment.choice.Choice`). about: `experiment.resolve.About`."""
        return settings

    def lacks(self, composition: Any, seeds: int) -> str:
        """A phrase for what an experiment lacks to be asked this, "a game with a plane"; empty if it lacks nothing."""
        return ""

    def plan(self, composition: Any) -> PyTree:
        """Players and numbers that `ask` is given as `asking.planned`. Raises BadValue or BadCombination where the
        evaluation's settings do not fit the experiment."""
        return None

    def quantities(self, composition: Any) -> tuple[str, ...]:
        """Dotted names of the statistics that `rows` will hold, for claims and rankings."""
        return ()

    # Asked of matches.

    def inputs(self, ended: Any, answers: Mapping[str, Answer]) -> tuple[Array, ...]:
        """Arrays [S, V, ...] of which `ask` is given its seed's and row's part: from `ended`, how the matches ended
        (`evaluate.Ended`, every array [S, V, N, ...]), and from the answers to `builds_on`."""
        return ()

    def ask(self, match: Any, key: Array, asking: Asking, *inputs: Array) -> PyTree:
        """The answer for one seed and row, a tree of arrays. Pure; mapped over seeds and rows, and compiled."""
        return None

    def ask_once(self, game: Any, match: Any, keys: Array, asking: Asking) -> PyTree:
        """An answer about all seeds together, at the learner's own setting: every leaf of `match` begins [S]. None
        where there is nothing to be said."""
        return None

    # What stands in the folder. seen: how the matches ended, and who played (`evaluate.Seen`).

    def rows(self, answer: Answer, seen: Any) -> list[dict[str, Any]]:
        """For each row what this evaluation adds to it in summary.json, as plain numbers, lists and dictionaries."""
        return [{} for _ in seen.values]

    def whole(self, answer: Answer, seen: Any) -> dict[str, Any]:
        """Content that it adds to summary.json beside the rows."""
        return {}

    def arrays(self, answer: Answer) -> dict[str, Any]:
        """Arrays that it adds to policies.npz, by names that are its own."""
        return {}

    # What people see, made from what stands in the folder. summary: the content of summary.json.

    def columns(self, summary: Mapping[str, Any]) -> list[Column]:
        """Columns of the table of payoffs."""
        return []

    def first_tables(self, summary: Mapping[str, Any]) -> list[Any]:
        """Tables (`report.Grid`) for screen and page, in place of the shares of outcomes."""
        return []

    def tables(self, summary: Mapping[str, Any]) -> list[Any]:
        """Further tables (`report.Grid`) for the page."""
        return []

    def notes(self, summary: Mapping[str, Any]) -> list[str]:
        """Lines below the table of payoffs."""
        return []

    def compared(self, row: Mapping[str, Any]) -> Mapping[str, Mapping[str, Any]]:
        """Statistics of a row that `meva compare` shows, by names for people; `digits` beside mean and sem: how many
        after the point, where they are not payoffs."""
        return {}

    def figures(self, summary: Mapping[str, Any], arrays: Mapping[str, Any]) -> Mapping[str, Any]:
        """File name -> a figure of matplotlib. arrays: the content of policies.npz."""
        return {}

    def captions(self) -> Mapping[str, str]:
        """Captions that the page writes below its figures, by file name."""
        return {}

    def pictures(self) -> Mapping[str, Callable[[Mapping[str, Any], str], Any]]:
        """Pictures that reproductions and sweeps may ask for: name -> a function of runs by their labels
        (`report.Folder`) and of a heading that gives a figure."""
        return {}

    def panels(self, summary: Mapping[str, Any], arrays: Mapping[str, Any]) -> list[Panel]:
        """Parts of the page that follow the slider."""
        return []
