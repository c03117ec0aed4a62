"""The hooks through which a plugin offers its entries. A plugin is a module named by an entry point of the group
`meva`.

A complete plugin is two files. `pyproject.toml`:

    [project]
    name = "meva-tug-of-war"
    version = "1.0"
    dependencies = ["meva"]

    [project.entry-points.meva]
    tug_of_war = "tug_of_war"

and `tug_of_war.py`, which holds one of the hooks below; `meva plugin new` writes both. Keep the module that the entry
point names free of jax if you can: it is imported whenever names are listed, its factories only when they are used.

The module may name two files of its package, for all of its entries: `MEVA_RECIPES = "tug_of_war:recipes.toml"`, with
recipes, claims and reproductions, and `MEVA_REFERENCES = "tug_of_war:references.bib"`, with the papers that entries
cite by their keys. They are read when they are asked for.

The contract has a version, `VERSION`. A module that says which one it was written for, `MEVA_CONTRACT = 2`, is left
out with a warning where this is not one of `READ`; one that says nothing is taken as it is. The version says that the
hooks below keep their names and arguments, Entry its fields, and the five contracts in `protocols` what they ask of a
plugin and hand to it. What is new and optional leaves it as it is; whatever else changes raises it by one:

2. `Learner.init` is given a random key. A learner of version 1, whose `init` takes none, works on, with a
   DeprecationWarning; whoever plays other learners asks `first_state` for their states. A learner may have no `rate`.
   What some learners can do is no longer in `Learner` but in `capabilities`: those of version 1 that say `myopic`,
   `facing`, `meta_value` or `plays_strategies` have these capabilities, and `met_as` is read as `steps_like`; whoever
   asks other learners for one asks `isinstance(learner, Facing)` first.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Any

import attrs
import pluggy

GROUP = "meva"
VERSION = 2  # of the contract between plugins and the core
READ = (1, 2)  # the versions whose plugins work


@attrs.frozen
class Kind:
    """One kind of component: all that the core knows of it.

    hook: with which plugins offer components of it. protocol: its contract, a class of `meva_core.contracts`. own: the
        methods that every class defines, since they have no default.
    given: the parts that every composition hands to it.
    part: True if learners are composed with it, `part(kind=...)`; a part that is called as the kind is of it unasked.
    asked: what a learner says of a part of this kind, which it is handed as a builder of these arguments; () if it is
        handed the component itself.
    allowed: those of `asked` that a learner only allows, True or False, and users may choose within that; of each what
        it takes, and what is there in its place, for messages.
    """

    hook: str
    protocol: str
    own: tuple[str, ...] = ()
    given: tuple[str, ...] = ()
    part: bool = False
    asked: tuple[str, ...] = ()
    allowed: Mapping[str, tuple[str, str]] = attrs.field(factory=dict)

    @property
    def fixed(self) -> tuple[str, ...]:
        """Hyper-parameters that are not the users', since the learner alone says them."""
        return tuple(name for name in self.asked if name not in self.allowed)


KINDS: Mapping[str, Kind] = {
    "game": Kind("meva_games", "Game", own=("init", "payoff")),
    "learner": Kind("meva_learners", "Learner", own=("update",), given=("game", "rivals")),
    "value_model": Kind(
        "meva_value_models",
        "ValueModel",
        own=("init", "features", "head"),
        given=("game",),
        part=True,
        asked=("outputs", "conditions", "equivariant"),
        allowed={
            "equivariant": (
                "a symmetric game with one rule in all seats",
                "an asymmetric game or two different rules",
            )
        },
    ),
    "explorer": Kind("meva_explorers", "Explorer", part=True),
    "evaluation": Kind("meva_evaluations", "Evaluation"),
}
PARTS = tuple(name for name, kind in KINDS.items() if kind.part)  # kinds that learners are composed with


def kind_label(kind: str) -> str:
    """A kind as people write it: "value_model" -> "value model"."""
    return kind.replace("_", " ")


hookspec = pluggy.HookspecMarker(GROUP)
hookimpl = pluggy.HookimplMarker(GROUP)


def _text(entry: Any, attribute: attrs.Attribute, value: Any) -> None:
    if not isinstance(value, str):
        raise TypeError(f"expected text for the {attribute.name} of an Entry, got {value!r}")


def _texts(entry: Any, attribute: attrs.Attribute, value: Any) -> None:
    if not isinstance(value, tuple) or not all(isinstance(text, str) for text in value):
        raise TypeError(f"expected a tuple of texts for the {attribute.name} of an Entry, got {value!r}")


def _file_name(entry: Any, attribute: attrs.Attribute, value: str) -> None:
    _text(entry, attribute, value)
    if not re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9_.-]*", value):  # folders and files are called so
        raise ValueError(f"expected letters, digits, '_', '-' and '.' for the name of an Entry, got {value!r}")


@attrs.frozen
class Entry:
    """One named game, learner, value model or explorer that a plugin offers.

    name: as users write it, `--game NAME`: letters, digits, `_`, `-` and `.`, the last two not in front.
    factory: "package.module:Class", a `component` of the kind that the hook is for; imported when used.
    summary: one line for `meva list`.
    reference: the paper or papers it comes from, if any.
    bibtex: the same as BibTeX, one or more entries, each with author, title and year; `meva cite NAME` prints them.
    cites: in place of that, keys of entries in `references`.
    references: "package:file.bib"; unset: the plugin's MEVA_REFERENCES.
    recipes: "package:file.toml", recipes for this entry, laid out as `meva_core.registry.recipes` says; unset: the
        plugin's MEVA_RECIPES.
    """

    name: str = attrs.field(validator=_file_name)
    factory: str = attrs.field(validator=_text)
    summary: str = attrs.field(validator=_text)
    reference: str = attrs.field(default="", validator=_text)
    bibtex: str = attrs.field(default="", validator=_text, kw_only=True)
    recipes: str | None = attrs.field(default=None, validator=attrs.validators.optional(_text))
    cites: tuple[str, ...] = attrs.field(default=(), validator=_texts, kw_only=True)
    references: str | None = attrs.field(default=None, validator=attrs.validators.optional(_text), kw_only=True)


@hookspec
def meva_games() -> Iterable[Entry]:  # type: ignore[empty-body]
    """Games. The factory takes the game's hyper-parameters.

    Example::

        from meva_core.contracts import Entry, hookimpl

        @hookimpl
        def meva_games():
            yield Entry("tug_of_war", "tug_of_war_game:TugOfWar", "two players pull at a rope")
    """


@hookspec
def meva_learners() -> Iterable[Entry]:  # type: ignore[empty-body]
    """Learners. The factory takes its hyper-parameters, `game` and `rivals` where it has parts called so, and what
    users choose for its other parts. Such a part says what kind it is of, or is called as that kind is:
    `critic: Any = part(kind="value_model")`, `explorer: Explorer = part()`.

    Example::

        from meva_core.contracts import Entry, hookimpl

        @hookimpl
        def meva_learners():
            yield Entry("sign_gradient", "sign_gradient:SignGradient", "steps by the gradient's sign")
    """


@hookspec
def meva_value_models() -> Iterable[Entry]:  # type: ignore[empty-body]
    """Value models. The factory takes its hyper-parameters and the parts `game`, `outputs`, `conditions`
    and `equivariant` that it has fields for.

    Example::

        from meva_core.contracts import Entry, hookimpl

        @hookimpl
        def meva_value_models():
            yield Entry("linear", "linear_model:Linear", "a linear function of both policies")
    """


@hookspec
def meva_explorers() -> Iterable[Entry]:  # type: ignore[empty-body]
    """Explorers. The factory takes its hyper-parameters.

    Example::

        from meva_core.contracts import Entry, hookimpl

        @hookimpl
        def meva_explorers():
            yield Entry("dropout", "dropout:Dropout", "drops features along a trajectory")
    """


@hookspec
def meva_evaluations() -> Iterable[Entry]:  # type: ignore[empty-body]
    """Evaluations. The factory takes the evaluation's hyper-parameters, which stand in [evaluate.NAME].

    Example::

        from meva_core.contracts import Entry, hookimpl

        @hookimpl
        def meva_evaluations():
            yield Entry("fairness", "fairness_of_payoffs:Fairness", "how far apart the players' payoffs are")
    """
