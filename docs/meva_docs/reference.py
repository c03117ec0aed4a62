"""Pages on the public names, the hooks, the settings of an experiment and the layouts of files."""

from __future__ import annotations

import importlib
import inspect

from meva_core.contracts.hooks import KINDS, plural_label
from meva_core.contracts.hyperparameters import hyperparameters
from meva_core.experiment.experiment import EvaluateSettings, FitSettings
from meva_core.sampling import Rollouts
from meva_docs import rst
from meva_docs.entries import numbers_table

MODULES = {  # whose __all__ are the public names
    "meva_core": "Runs, fits, matches and studies from Python.",
    "meva_core.contracts": "Everything that authors of plugins import: contracts, components, hooks and checks.",
    "meva_core.ops": "Pure mathematics for games and learners, each function unbatched and with its source.",
    "meva_core.sampling": "Games between policies of any kind, and games that are played.",
    "meva_core.testing": "The conformance kit, for the tests of a plugin.",
    "meva_core.bridges.axelrod": "Policies to and from the Axelrod library.",
    "meva_core.bridges.equilibria": "Nash equilibria, by nashpy.",
    "meva_core.bridges.exporting": "Learners as programs that run without MeVa.",
    "meva_core.bridges.meta_game": "The game of learning as an environment of gymnasium.",
    "meva_core.errors": "Errors that stand for bad input: each is one line, and exit code 2.",
}
LAYOUTS = {  # modules whose docstrings document a file
    "Recipes": "meva_core.registry.recipes.file",
    "Claims and their records": "meva_core.registry.claims",
    "Reproductions": "meva_core.studies.reproductions.data",
    "Sweeps": "meva_core.studies.sweeps",
    "Searches": "meva_core.studies.searches",
    "Entrants of tournaments": "meva_core.studies.entrants",
    "experiment.toml": "meva_core.experiment.experiment",
    "summary.json": "meva_core.report.summary",
}
NOT_FOR_READERS = " Imports no jax."  # in docstrings of modules
SETTINGS = {"fit": FitSettings, "evaluate": EvaluateSettings, "sample": Rollouts}


def public_names(module: str) -> list[str]:
    """The public names of a module: those in its __all__, or else what it defines without an underscore."""
    content = importlib.import_module(module)
    own = (n for n, v in vars(content).items() if n[0] != "_" and getattr(v, "__module__", None) == module)
    return sorted(getattr(content, "__all__", None) or own, key=str.lower)


def pages() -> dict[str, str]:
    """Path -> reStructuredText of all pages of the reference."""
    written = {f"api/{module}": _module(module, about) for module, about in MODULES.items()}
    return {**written, "settings": settings_page(), "hooks": hooks_page(), "files": _files()}


def _module(module: str, about: str) -> str:
    content = importlib.import_module(module)
    names = public_names(module)
    homes = {name: _home(module, name) for name in names}
    listed = ", ".join(f":py:obj:`~{home}.{name}`" for name, home in homes.items())
    parts = [rst.heading(rst.text(module)), f".. py:module:: {module}\n", rst.text(about) + "\n", listed + "\n"]
    for name in (name for name, home in homes.items() if home == module):
        value = getattr(content, name)
        if isinstance(value, type):
            parts.append(f".. autoclass:: {module}.{name}\n   :members:\n")
        elif inspect.isfunction(value):
            parts.append(f".. autofunction:: {module}.{name}\n")
        else:  # a check or a marker, whose value would be the address of a function
            parts.append(f".. autodata:: {module}.{name}\n   :no-value:\n")
    return "\n".join(parts)


def _home(module: str, name: str) -> str:
    """The module on whose page a name is documented: meva_core has some names that are those of another module."""
    value = getattr(importlib.import_module(module), name)
    others = [other for other in MODULES if module == "meva_core" != other and name in public_names(other)]
    same = (other for other in others if getattr(importlib.import_module(other), name) is value)
    return next(same, module)


def settings_page() -> str:
    """The page on the settings of an experiment that belong to no entry."""
    about = (
        "A run takes its numbers from the recipe, and `--set PATH=VALUE` (in Python, `set={PATH: VALUE}`) changes one "
        "of them. The path begins with `game`, `learner`, `opponent`, `policy`, `fit`, `evaluate`, `sample` or the "
        "name of a part of the learner. The numbers of entries are on their pages; these are the rest."
    )
    titles = {
        "fit": "How learners are fitted",
        "evaluate": "How fitted learners are evaluated",
        "sample": "How payoffs are estimated, in games that are played",
    }
    parts = [rst.heading("Settings"), rst.text(about) + "\n"]
    for section, cls in SETTINGS.items():
        parts += [rst.heading(titles[section], "-"), numbers_table(hyperparameters(cls), f"{section}.")]
    return "\n".join(parts)


def hooks_page() -> str:
    """The page on the hooks of plugins."""
    module = "meva_core.contracts.hooks"
    rows = [
        [rst.code(kind.hook), rst.text(plural_label(name)), rst.code(kind.protocol)] for name, kind in KINDS.items()
    ]
    doc = inspect.getdoc(importlib.import_module(module)) or ""
    parts = [rst.heading("Hooks"), rst.docstring(doc), rst.table(["hook", "offers", "contract"], rows, (36, 32, 32))]
    parts += [f".. autofunction:: {module}.{kind.hook}\n" for kind in KINDS.values()]
    return "\n".join(parts)


def _files() -> str:
    parts = [rst.heading("Layouts of files"), rst.text("What each file may contain. All are TOML or JSON.") + "\n"]
    for title, module in LAYOUTS.items():
        doc = (importlib.import_module(module).__doc__ or "").replace(NOT_FOR_READERS, "")
        parts += [rst.heading(title, "-"), rst.docstring(doc)]
    return "\n".join(parts)
