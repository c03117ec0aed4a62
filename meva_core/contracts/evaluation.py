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
    """Inputs of an evaluation in addition to the match and a key.

    planned: the result of its `plan`. pairs: `evaluate.pairs`, the number of matches for each seed and row. steps:
    `evaluate.steps`, the number of steps in each match. ended: for `ask_once`, the ends of the matches
    (`meva_core.evaluate.Ended`, every array [S, V, N, ...]); None for `ask`, which gets `inputs`.
    """

    planned: PyTree
    pairs: int
    steps: int
    ended: Any = None


@attrs.frozen(kw_only=True)
class Answer:
    """The answer to an evaluation. each: results of `ask`, every array [S, V, ...]; once: the result of `ask_once`;
    each is None if there is no such result."""

    each: PyTree = None
    once: PyTree = None


@attrs.frozen(kw_only=True)
class Column:
    """A column of the table of payoffs, and a line in the figure of payoffs.

    head: its heading, lines split by a newline. cell: a row of summary.json -> a statistic, or None for an empty cell.
    of_seat: a row and the number of a seat, as text -> the same for that seat, in tables that show seats separately.
    panel: the figure's panel that contains its line, as in "against its best response"; line: the line's label.
    """

    head: str
    panel: str
    line: str
    cell: Callable[[Mapping[str, Any]], Mapping[str, Any] | None]
    of_seat: Callable[[Mapping[str, Any], str], Mapping[str, Any] | None] = lambda row, seat: None


@attrs.frozen(kw_only=True)
class Panel:
    """A part of the page that changes with the slider.

    script: a JavaScript function (box, rows, tools) => show: it fills the element `box` once and returns a function
    that shows row number v; `tools.svg` and `tools.html` make elements, and `tools.bars(element, v => {name: [mean,
    low, high]})` makes a bar for every name. rows: JSON for each row. shows_policies: True if the panel shows more
    about policies than the page's bars of them do; then the page leaves the bars out. style: rules of CSS for what it
    draws, in addition to those of the page.
    """

    script: str
    rows: Sequence[Any]
    shows_policies: bool = False
    style: str = ""


class Evaluation(Protocol):
    """A question about the players of a match. Its hyper-parameters are `static` fields, [evaluate.NAME] in a file.

    After players are fitted and matches are played, every evaluation runs. An evaluation that needs only the results of
    the matches does not define `ask`.

    by_default: True if it runs unless a user picks evaluations by name.
    by_default_if_played: the same for games that are played (--sampled), where matches take long.
    builds_on: names of evaluations whose answers `inputs` reads; they run first, and without them this one is left out.
    first_seed: True if it runs for the first seed only.
    stream: the number that is folded into a seed's key for it, from 2**31 to 2**32 - 65 (`streams`); None: a number
        computed from its name.
    says: the text on the screen while it runs.
    formerly: names of settings that older versions had in [evaluate] -> their present names.
    small: hyper-parameters that the conformance kit uses for it, `small = {"grid": 3}`.
    """

    by_default: bool = True
    by_default_if_played: bool = True
    builds_on: tuple[str, ...] = ()
    first_seed: bool = False
    stream: int | None = None
    says: str = ""
    formerly: Mapping[str, str] = {}
    small: ClassVar[Mapping[str, Any]] = {}

    # Before anything is fitted.

    @classmethod
    def settle(cls, settings: Mapping[str, Any], named: Mapping[str, Any], about: Any) -> Mapping[str, Any]:
        """The settings, with values filled in that depend on the rest of the experiment; called after names are
        resolved.

        named: the entries that settings name, by setting. about: an object with `learner`, `opponents` (empty in
        self-play), `rate`, the number in the learner's recipe that its steps are proportional to (`Learner.paced_by`),
        or None, and `of_recipe`, a function from an entry of `named` to the hyper-parameters in its default recipe for
        the game. An entry has `name` and `settings`.
        """
        return settings

    def lacks(self, composition: Any, seeds: int) -> str:
        """A phrase for what the experiment lacks for this evaluation, "a game with a plane"; empty if it can run."""
        return ""

    def plan(self, composition: Any) -> PyTree:
        """Players and numbers that `ask` receives as `asking.planned`. Raises BadValue or BadCombination if the
        evaluation's settings do not fit the experiment."""
        return None

    def quantities(self, composition: Any) -> tuple[str, ...]:
        """Dotted names of the statistics that `rows` will hold, for claims and rankings."""
        return ()

    # After the matches.

    def inputs(self, ended: Any, answers: Mapping[str, Answer]) -> tuple[Array, ...]:
        """Arrays [S, V, ...], of which `ask` receives the entry of its seed and row. They are computed from `ended`,
        the ends of the matches (`meva_core.evaluate.Ended`, every array [S, V, N, ...]), and the answers to
        `builds_on`."""
        return ()

    def ask(self, match: Any, key: Array, asking: Asking, *inputs: Array) -> PyTree:
        """The answer for one seed and row, a tree of arrays. Pure; mapped over seeds and rows, and compiled."""
        return None

    def ask_once(self, game: Any, match: Any, keys: Array, asking: Asking) -> PyTree:
        """The answer for all seeds together, at the learner's own hyper-parameters, a tree of arrays: every leaf of
        `match` is [S, ...]. None if there is no such answer."""
        return None

    # The content of the run folder. seen: the ends of the matches and the players (`meva_core.evaluate.Seen`). A name
    # that something else uses already is an error.

    def rows(self, answer: Answer, seen: Any) -> list[dict[str, Any]]:
        """Content that it adds to each row in summary.json, as finite numbers, None, texts, lists and dictionaries.

        If the row has entries in `seats`, the content may have some for the same seats, which are added to them.
        """
        return [{} for _ in seen.values]

    def whole(self, answer: Answer, seen: Any) -> dict[str, Any]:
        """Content of the same types that it adds to summary.json outside the rows."""
        return {}

    def arrays(self, answer: Answer) -> dict[str, Any]:
        """Arrays of numbers or texts that it adds to policies.npz, by name."""
        return {}

    # Tables and figures, built from the content of the folder. summary: the content of summary.json.

    def columns(self, summary: Mapping[str, Any]) -> list[Column]:
        """Columns of the table of payoffs."""
        return []

    def first_tables(self, summary: Mapping[str, Any]) -> list[Any]:
        """Tables (`meva_core.report.tables.Grid`) for screen and page, in place of the shares of outcomes."""
        return []

    def tables(self, summary: Mapping[str, Any]) -> list[Any]:
        """Further tables (`meva_core.report.tables.Grid`) for the page."""
        return []

    def notes(self, summary: Mapping[str, Any]) -> list[str]:
        """Lines below the table of payoffs."""
        return []

    def compared(self, row: Mapping[str, Any]) -> Mapping[str, Mapping[str, Any]]:
        """Statistics of a row that `meva compare` shows, label -> statistic. Besides mean and sem a statistic may have
        `digits`, the number of decimals, if it is not a payoff."""
        return {}

    def figures(self, summary: Mapping[str, Any], arrays: Mapping[str, Any]) -> Mapping[str, Any]:
        """File name -> a figure of matplotlib. arrays: the content of policies.npz."""
        return {}

    def captions(self) -> Mapping[str, str]:
        """Captions that the page writes below its figures, by file name."""
        return {}

    def pictures(self) -> Mapping[str, Callable[[Mapping[str, Any], str], Any]]:
        """Pictures for reproductions and sweeps, name -> function. The function takes runs by their labels and a
        heading. It returns a figure, or a dictionary of one figure per label. A run has `summary` and `arrays`, the
        content of summary.json and of policies.npz."""
        return {}

    def panels(self, summary: Mapping[str, Any], arrays: Mapping[str, Any]) -> list[Panel]:
        """Parts of the page that change with the slider."""
        return []
