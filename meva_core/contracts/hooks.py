"""The hooks through which a plugin offers its entries. A plugin is a module named by an entry point of the group
`meva`.

A complete plugin is two files. `pyproject.toml`:

    [project]
    name = "meva-tug-of-war"
    version = "1.0"
    dependencies = ["meva"]

    [project.entry-points.meva]
    tug_of_war = "tug_of_war"

and `tug_of_war.py`, which contains one of the hooks below; `meva plugin new` writes both. If possible, the module that
the entry point names should not import jax: it is imported whenever names are listed, its factories only when used.

The module may name two files of its package, for all of its entries: `MEVA_RECIPES = "tug_of_war:recipes.toml"`, with
recipes, claims and reproductions, and `MEVA_REFERENCES = "tug_of_war:references.bib"`, with the papers that entries
cite by their keys. They are read when they are needed.

The contract has a version, `VERSION`. A module may state the version that it was written for, `MEVA_CONTRACT = 2`; it
is left out with a warning if that is not one of `READ`. A module without this line is always accepted. Within one
version, the hooks below keep their names and arguments, Entry keeps its fields, and the ten contracts (five in
`protocols`, `SampledGame`, `Policy`, `Evaluation`, `Logger` and `Executor`) keep their requirements and arguments.
Optional additions do not change the version; any other change raises it by one:

2. `Learner.init` receives a random key. A learner of version 1, whose `init` takes no key, still works, with a
   DeprecationWarning; a plugin that plays other learners gets their states from `first_state`. A learner may have no
   `rate`. Optional abilities are no longer in `Learner` but in `capabilities`: learners of version 1 that define
   `myopic`, `facing`, `meta_value` or `plays_strategies` have these capabilities, and `met_as` is read as `steps_like`.
   Test `isinstance(learner, Facing)` before you use a capability of another learner.
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
class Form:
    """Another contract that components of a kind may have instead of its own.

    protocol: its contract, a class of `meva_core.contracts`. own: the methods that every class must define.
    instead: for messages, what to do where only components with the kind's own contract will do.
    """

    protocol: str
    own: tuple[str, ...]
    instead: str


@attrs.frozen
class Kind:
    """One kind of component, with everything that the core knows about it.

    hook: the hook with which plugins offer its components. protocol: its contract, a class of `meva_core.contracts`.
    own: the methods that every class must define, since they have no default.
    forms: other contracts that its components may have instead, by name.
    core_parts: the parts that the core supplies to it.
    part: True if learners may have parts of this kind, `part(kind=...)`, or fields with the kind's name.
    arguments: names of the arguments that composition, or the learner of a part of this kind, supplies: the learner
        receives a builder that takes them; () if it receives the component itself.
    allowed: those of `arguments` that are permissions, True or False: users choose within them. Each maps to two
        phrases for messages: the requirement, and what there is instead.
    reserved: names that no entry may have, since they have another meaning where users write the names of entries.
    """

    hook: str
    protocol: str
    own: tuple[str, ...] = ()
    forms: Mapping[str, Form] = attrs.field(factory=dict)
    core_parts: tuple[str, ...] = ()
    part: bool = False
    arguments: tuple[str, ...] = ()
    allowed: Mapping[str, tuple[str, str]] = attrs.field(factory=dict)
    reserved: tuple[str, ...] = ()

    @property
    def fixed(self) -> tuple[str, ...]:
        """Hyper-parameters that users cannot set, since only composition or the learner sets them."""
        return tuple(name for name in self.arguments if name not in self.allowed)


KINDS: Mapping[str, Kind] = {
    "game": Kind(
        "meva_games",
        "Game",
        own=("init", "payoff"),
        forms={
            "sampled_game": Form(
                "SampledGame",
                own=("reset", "step"),
                instead="its payoffs are estimates from episodes (meva_core.sampling.Rollouts)",
            )
        },
    ),
    "learner": Kind("meva_learners", "Learner", own=("update",), core_parts=("game", "rivals")),
    "value_model": Kind(
        "meva_value_models",
        "ValueModel",
        own=("init", "features", "head"),
        core_parts=("game",),
        part=True,
        arguments=("outputs", "conditions", "equivariant"),
        allowed={
            "equivariant": (
                "a symmetric game with one rule in all seats",
                "an asymmetric game or two different rules",
            )
        },
    ),
    "explorer": Kind("meva_explorers", "Explorer", part=True),
    "policy": Kind(
        "meva_policies",
        "Policy",
        own=("init", "act"),
        part=True,
        arguments=("observation_size", "num_actions", "one_hot"),
    ),
    "evaluation": Kind(  # `default` stands for a selection; the others are the settings of [evaluate]
        "meva_evaluations",
        "Evaluation",
        reserved=("default", "pairs", "steps", "values", "asked", "float64"),
    ),
    "logger": Kind("meva_loggers", "Logger", own=("metrics",)),
    "executor": Kind("meva_executors", "Executor", own=("open",), reserved=("processes",)),  # those of the core
}
FORMS = {name: kind for kind, of_kind in KINDS.items() for name in of_kind.forms}  # other forms -> their kinds
PARTS = tuple(name for name, kind in KINDS.items() if kind.part)  # kinds of the parts of learners


def kind_label(kind: str) -> str:
    """Label of a kind for messages: "value_model" -> "value model"."""
    return kind.replace("_", " ")


def plural_label(kind: str) -> str:
    """Label of several components of a kind: "value_model" -> "value models", "policy" -> "policies"."""
    label = kind_label(kind)
    return f"{label[:-1]}ies" if label.endswith("y") else f"{label}s"


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
    if not re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9_.-]*", value):  # folders and files have this name
        raise ValueError(f"expected letters, digits, '_', '-' and '.' for the name of an Entry, got {value!r}")


@attrs.frozen
class Entry:
    """One named component of a kind in `KINDS` that a plugin offers: a game, a learner, an evaluation or another.

    name: the name for users, `--game NAME`: letters, digits, `_`, `-` and `.`; it cannot begin with the last two. An
        evaluation cannot have the name of a setting in [evaluate], or `default`.
    factory: "package.module:Class", a `component` of the kind that the hook is for; imported when used.
    summary: one line for `meva list`.
    reference: the paper or papers it comes from, if any.
    bibtex: the same as BibTeX, one or more entries, each with author, title and year; `meva cite NAME` prints them.
    cites: instead of `bibtex`, keys of entries in `references`.
    references: "package:file.bib"; default: the plugin's MEVA_REFERENCES.
    recipes: "package:file.toml", recipes for this entry, laid out as `meva_core.registry.recipes.file` says; default:
        the plugin's MEVA_RECIPES.
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
    """Games, exact (`Game`) or played in steps (`SampledGame`). The factory takes the game's hyper-parameters.

    Example::

        from meva_core.contracts import Entry, hookimpl

        @hookimpl
        def meva_games():
            yield Entry("tug_of_war", "tug_of_war_game:TugOfWar", "two players pull at a rope")
    """


@hookspec
def meva_learners() -> Iterable[Entry]:  # type: ignore[empty-body]
    """Learners. The factory takes its hyper-parameters, `game` and `rivals` if it has parts with these names, and its
    other parts, which users choose. Such a part states its kind, or has the name of a kind:
    `critic: Any = part(kind="value_model")`, `explorer: Explorer = part()`.

    Example::

        from meva_core.contracts import Entry, hookimpl

        @hookimpl
        def meva_learners():
            yield Entry("sign_gradient", "sign_gradient:SignGradient", "steps by the gradient's sign")
    """


@hookspec
def meva_value_models() -> Iterable[Entry]:  # type: ignore[empty-body]
    """Value models. The factory takes its hyper-parameters, and `game`, `outputs`, `conditions` and `equivariant` as
    far as it has such fields.

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
def meva_policies() -> Iterable[Entry]:  # type: ignore[empty-body]
    """Policies. The factory takes the policy's hyper-parameters, from the table [policy], and `observation_size`,
    `num_actions` and `one_hot` as far as it has such fields.

    Example::

        from meva_core.contracts import Entry, hookimpl

        @hookimpl
        def meva_policies():
            yield Entry("linear", "linear_policy:Linear", "logits that are linear in the observation")
    """


@hookspec
def meva_evaluations() -> Iterable[Entry]:  # type: ignore[empty-body]
    """Evaluations. The factory takes the evaluation's hyper-parameters, from the table [evaluate.NAME].

    Example::

        from meva_core.contracts import Entry, hookimpl

        @hookimpl
        def meva_evaluations():
            yield Entry("fairness", "fairness_of_payoffs:Fairness", "how far apart the players' payoffs are")
    """


@hookspec
def meva_loggers() -> Iterable[Entry]:  # type: ignore[empty-body]
    """Loggers. The factory takes the logger's hyper-parameters, `--set log.NAME.SETTING=VALUE`.

    Example::

        from meva_core.contracts import Entry, hookimpl

        @hookimpl
        def meva_loggers():
            yield Entry("csv", "csv_logger:Csv", "a line of a table for each loop")
    """


@hookspec
def meva_executors() -> Iterable[Entry]:  # type: ignore[empty-body]
    """Executors. The factory takes the executor's hyper-parameters, which follow its name after --executor.

    Example::

        from meva_core.contracts import Entry, hookimpl

        @hookimpl
        def meva_executors():
            yield Entry("threads", "threads:Threads", "threads of this process, for tests")
    """
