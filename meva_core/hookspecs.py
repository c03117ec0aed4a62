"""The hooks: what a plugin offers. A plugin is a module named by an entry point of the group `meva`.

A complete plugin is two files. `pyproject.toml`:

    [project]
    name = "meva-tug-of-war"
    version = "1.0"
    dependencies = ["meva"]

    [project.entry-points.meva]
    tug_of_war = "tug_of_war"

and `tug_of_war.py`, which holds one of the hooks below. Keep the module that the entry point names free of
jax: it is imported whenever names are listed, its factories only when they are used.
"""

from collections.abc import Iterable

import attrs
import pluggy

GROUP = "meva"

hookspec = pluggy.HookspecMarker(GROUP)
hookimpl = pluggy.HookimplMarker(GROUP)


@attrs.frozen
class Entry:
    """One named thing that a plugin offers.

    name: as users write it, `--game NAME`.
    factory: "package.module:Class", a `component` of the kind that the hook is for; imported when used.
    summary: one line for `meva list`.
    reference: the paper it comes from, if any.
    recipes: optional "package:file.toml", recipes for this entry, laid out like the project's registry.toml.
    """

    name: str
    factory: str
    summary: str
    reference: str = ""
    recipes: str | None = None


@hookspec
def meva_games() -> Iterable[Entry]:  # type: ignore[empty-body]
    """Games. The factory takes the game's hyper-parameters.

    Example::

        from meva_core.hookspecs import Entry, hookimpl

        @hookimpl
        def meva_games():
            yield Entry("tug_of_war", "tug_of_war_game:TugOfWar", "two players pull at a rope")
    """


@hookspec
def meva_learners() -> Iterable[Entry]:  # type: ignore[empty-body]
    """Learners. The factory takes its hyper-parameters and those of the parts `game`, `value_model`,
    `explorer` and `rivals` that it has fields for.

    Example::

        from meva_core.hookspecs import Entry, hookimpl

        @hookimpl
        def meva_learners():
            yield Entry("sign_gradient", "sign_gradient:SignGradient", "steps by the gradient's sign")
    """


@hookspec
def meva_value_models() -> Iterable[Entry]:  # type: ignore[empty-body]
    """Value models. The factory takes its hyper-parameters and the parts `game`, `outputs`, `conditions`
    and `equivariant` that it has fields for.

    Example::

        from meva_core.hookspecs import Entry, hookimpl

        @hookimpl
        def meva_value_models():
            yield Entry("linear", "linear_model:Linear", "a linear function of both policies")
    """


@hookspec
def meva_explorers() -> Iterable[Entry]:  # type: ignore[empty-body]
    """Explorers. The factory takes its hyper-parameters.

    Example::

        from meva_core.hookspecs import Entry, hookimpl

        @hookimpl
        def meva_explorers():
            yield Entry("dropout", "dropout:Dropout", "drops features along a trajectory")
    """
