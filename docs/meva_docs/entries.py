"""A page for every entry of every installed plugin: what `meva show` prints, with its recipes and papers in full."""

from __future__ import annotations

import contextlib
import functools
import inspect
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from meva_core.contracts import kinds
from meva_core.contracts.conversion import type_name
from meva_core.contracts.hooks import KINDS, kind_label, plural_label
from meva_core.contracts.hyperparameters import Hyperparameter, as_plain, hyperparameters, part_kinds
from meva_core.errors import MevaError
from meva_core.experiment.cookbook import as_played
from meva_core.registry import bibtex, claims, discovery, loading, recipes
from meva_core.registry.entries import Offer, Registry
from meva_core.registry.recipes import ANY_GAME, RecipeFile
from meva_docs import rst

NO_SOURCE = "no source given"
PICTURES = Path(__file__).parents[1] / "pictures"
ABOUT = {
    "game": "What is played. Each page gives the payoffs, the numbers that can be set, and the named strategies.",
    "learner": "Who plays. Each page gives the formula of the steps, the numbers that can be set, and the recipes.",
    "value_model": "Networks that learn a value of joint policies, for learners that need one.",
    "explorer": "What perturbs a learner while it is fitted.",
    "policy": "What the numbers of a player mean: a table, or the weights of a network.",
    "evaluation": "Questions about matches between fitted learners. Each page says what is measured, and how.",
    "executor": "Machines that compute the runs of a study, `--executor NAME`.",
    "logger": "Where the curves and results of a run go as well, `--log NAME`: services and files of other tools.",
}


def folder(kind: str) -> str:
    """The folder of a kind's pages: "value_model" -> "value-models"."""
    return plural_label(kind).replace(" ", "-")


def page_name(offer: Offer, registry: Registry) -> str:
    """The name of an entry's page: its own, with its plugin's if two plugins offer it."""
    twice = sum(other.name == offer.name for other in registry.of_kind(offer.kind)) > 1
    return re.sub(r"[^\w.-]", "-", f"{offer.plugin}-{offer.name}") if twice else offer.name


def pages(registry: Registry, used: Mapping[str, Iterable[str]]) -> dict[str, str]:
    """Path -> reStructuredText of every entry's page, and of an index for every kind.

    used: name of an entry -> the reproductions that it takes part in.
    """
    files = [recipes.shipped(), *discovery.recipe_files(registry)]
    written: dict[str, str] = {}
    for kind in KINDS:
        offers = registry.of_kind(kind)
        for offer in offers:
            path = f"{folder(kind)}/{page_name(offer, registry)}"
            written[path] = page(offer, registry, files, used.get(offer.name, ()))
        written[f"{folder(kind)}/index"] = _index(kind, offers, registry)
    return written


def page(offer: Offer, registry: Registry, files: list[RecipeFile], used: Iterable[str] = ()) -> str:
    """The page of one entry. An entry that cannot be loaded has a page that says why."""
    title = rst.heading(rst.text(offer.name))
    summary = rst.text(f"{kind_label(offer.kind).capitalize()} of plugin `{offer.plugin}`: {offer.entry.summary}.")
    try:
        parts = list(_parts(offer, registry, files, used))
    except MevaError as error:
        parts = [f".. warning::\n\n   {rst.text(error)}\n"]
    return "\n".join([f".. _{offer.kind}-{page_name(offer, registry)}:\n", title, summary + "\n", *filter(None, parts)])


def _parts(offer: Offer, registry: Registry, files: list[RecipeFile], used: Iterable[str]) -> Iterable[str]:
    cls = loading.load(offer)
    described, _, _ = (inspect.getdoc(cls) or "").partition("\nReferences:")
    examples = _examples(inspect.getdoc(cls) or "")
    yield rst.docstring(described.partition("\nExamples:")[0])
    yield _picture(offer)
    yield _numbers(offer, cls)
    yield _strategies(offer, cls)
    yield _chosen_parts(offer, cls)
    if offer.kind == "learner":
        yield _recipes(offer, files)
    if offer.kind == "game":
        yield _players(offer, registry, files)
    yield _claims(offer, registry, files)
    yield _commands(offer)
    if examples:
        yield rst.heading("Example", "-") + "\n" + rst.docstring(examples)
    yield _used(used)
    yield _references(offer, cls)


def _examples(doc: str) -> str:
    found = re.search(r"^Examples?:\n((?: .*\n?|\n)+)", doc, flags=re.MULTILINE)
    return inspect.cleandoc("\n" + found[1]) if found else ""


def _numbers(offer: Offer, cls: type) -> str:
    """The table of hyper-parameters, with their units."""
    title = rst.heading("Hyper-parameters", "-")
    shown = [h for h in hyperparameters(cls) if h.name not in KINDS[offer.kind].fixed]
    if not shown:
        return f"{title}\nNone.\n"
    where = {"evaluation": f"evaluate.{offer.name}", "logger": f"log.{offer.name}"}.get(offer.kind, offer.kind)
    option = f"--executor {offer.name}:" if offer.kind == "executor" else f"--set {where}."
    said = [rst.text(f"Set one with `{option}NAME=VALUE`.")]
    if any(h.per_payoff for h in shown):
        said.append(
            "Per payoff: if all payoffs are multiplied by a number, divide the value by it; steps stay the same."
        )
    return f"{title}\n{numbers_table(shown)}\n" + "\n\n".join(said) + "\n"


def numbers_table(shown: Iterable[Hyperparameter], prefix: str = "") -> str:
    """A table of hyper-parameters. prefix: of their names, such as "fit."."""
    rows = []
    for h in shown:
        default = "required" if h.required else f"= {rst.code(_value(h.default))}"
        expected = type_name(h.type) + (f", {h.check.expected}" if h.check else "")
        unit = "\n\n*per payoff*" if h.per_payoff else ""
        rows.append([f"{rst.code(prefix + h.name)}\n\n{default}", rst.text(expected) + unit, rst.text(h.doc)])
    return rst.table(["name and default", "values and unit", "meaning"], rows, (32, 28, 40))


def _value(value: Any) -> str:
    plain = as_plain(value)
    return "unset" if plain is None else repr(plain) if isinstance(plain, str) else str(plain)


def _strategies(offer: Offer, cls: Any) -> str:
    """Names of a game's strategies at its default numbers."""
    if offer.kind != "game" or any(h.required for h in hyperparameters(cls)):
        return ""
    try:
        game = cls()
        names = list(game.scripts if kinds.form("game", cls) != "game" else game.strategies)
    except (TypeError, MevaError):  # a number that is needed only sometimes
        return ""
    shown = ", ".join(f"``{name}``" for name in names)
    return f"{rst.heading('Strategies', '-')}\n{shown}\n" if names else ""


def _chosen_parts(offer: Offer, cls: type) -> str:
    chosen = part_kinds(cls)
    if offer.kind != "learner" or not chosen:
        return ""
    defaults = recipes.shipped().defaults
    rows = [
        [
            rst.code(name),
            f":doc:`{kind_label(kind)} </generated/{folder(kind)}/index>`",
            rst.code(defaults.get(kind, "")),
        ]
        for name, kind in chosen.items()
    ]
    return rst.heading("Parts", "-") + "\n" + rst.table(["part", "kind", "default"], rows, (30, 40, 30))


def _places(game: Offer) -> tuple[str, ...]:
    try:
        return as_played(game).places[:-1]
    except MevaError:
        return (game.name,)


def _players(game: Offer, registry: Registry, files: list[RecipeFile]) -> str:
    """The recipes of all learners for a game, with links to their numbers."""
    names = {o.name for o in registry.of_kind("learner")}
    rows = []
    for place in _places(game):
        for file in files:
            for learner, named in file.tables.get(place, {}).items():
                whose = f":doc:`{learner} </generated/learners/{learner}>`" if learner in names else rst.text(learner)
                for name, table in named.items():
                    family = "" if place == game.name else f" (for the family `{place}`)"
                    rows.append([f"{whose}\n\n{rst.code(name)}", rst.text(table.get("source", NO_SOURCE) + family)])
    if not rows:
        return ""
    about = "Hyper-parameters on record. Their numbers are on the pages of the learners."
    table = rst.table(["learner and recipe", "source"], sorted(rows), (36, 64))
    return f"{rst.heading('Recipes', '-')}\n{about}\n\n{table}"


def _recipes(learner: Offer, files: list[RecipeFile]) -> str:
    """All recipes of a learner, each with its source and its numbers."""
    shown = [
        _recipe(place, name, table)
        for file in files
        for place, learners in file.tables.items()
        for name, table in learners.get(learner.name, {}).items()
    ]
    title = rst.heading("Recipes", "-")
    if not shown:
        return f"{title}\nNone: the defaults above.\n"
    about = "Numbers on record, each with its source."
    if any("family" in recipe for recipe in shown):
        about += " For a family of games, numbers per payoff are multiplied by the `payoff_scale` of the game."
    return f"{title}\n{rst.text(about)}\n\n" + "\n".join(shown)


def _recipe(place: str, name: str, table: Mapping[str, Any]) -> str:
    families = {cls.family for cls in _games()}
    where = "any game" if place == ANY_GAME else f"the family {place}" if place in families else place
    sections = {key: value for key, value in table.items() if isinstance(value, Mapping)}
    lines = [f"{section}.{key} = {_toml(value)}" for section, each in sections.items() for key, value in _flat(each)]
    base = f" It changes recipe `{table['base']}`." if "base" in table else ""
    source = rst.text(f"{table.get('source', NO_SOURCE)}.{base}")
    numbers = rst.block("\n".join(lines), "toml") if lines else ""
    return f"**{rst.text(where)}: {rst.text(name)}.** {source}\n\n{numbers}"


@functools.cache
def _games() -> list[Any]:
    """The classes of all games that can be loaded."""
    found = []
    for offer in discovery.installed().of_kind("game"):
        with contextlib.suppress(MevaError):
            found.append(loading.load(offer))
    return found


def _flat(table: Mapping[str, Any], above: str = "") -> Iterable[tuple[str, Any]]:
    for key, value in table.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{above}{key}.")
        else:
            yield above + key, value


def _toml(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else f'"{value}"' if isinstance(value, str) else str(value)


def _claims(offer: Offer, registry: Registry, files: list[RecipeFile]) -> str:
    """Claims about recipes of the entry, with the counts of fits for which they hold."""
    about = {"game": lambda c: c.game, "learner": lambda c: c.learner}.get(offer.kind)
    if about is None:
        return ""
    found: dict[str, None] = {}
    for claim in (claims.find(files, name) for name in claims.names(files)):
        if about(claim) == offer.name:
            played = as_played(registry.find("game", claim.game))
            for sentence in claims.measured(files, played, claim.learner, claim.recipe, claim.opponents):
                found[f"`{claim.learner}` on `{claim.game}`, recipe `{claim.recipe}`: {sentence}"] = None
    items = "".join(f"- {rst.text(sentence)}.\n" for sentence in found)
    return f"{rst.heading('Claims on record', '-')}\n{items}" if items else ""


def _commands(offer: Offer) -> str:
    lines = [f"$ meva show {offer.kind} {offer.name}"]
    if offer.entry.bibtex or offer.entry.cites:
        lines.append(f"$ meva cite {offer.name}")
    return f"{rst.heading('On the command line', '-')}\n{rst.block(chr(10).join(lines), 'console')}"


def _used(names: Iterable[str]) -> str:
    items = "".join(f"- :doc:`/generated/gallery/{name}`\n" for name in names)
    return f"{rst.heading('Reproductions', '-')}\n{items}" if items else ""


def _references(offer: Offer, cls: type) -> str:
    said = re.search(r"^References:\n((?: .*\n?|\n)+)", inspect.getdoc(cls) or "", flags=re.MULTILINE)
    said = inspect.cleandoc("\n" + said[1]) if said else offer.entry.reference
    papers = bibtex.as_text(bibtex.of(offer))
    if not said and not papers:
        return ""
    shown = rst.docstring(said) if said else ""
    return f"{rst.heading('References', '-')}\n{shown}\n" + (rst.block(papers, "bibtex") if papers else "")


def _picture(offer: Offer) -> str:
    """The picture of an entry and the text beside it, NAME.svg and NAME.txt, if docs/pictures.py has drawn one."""
    picture = PICTURES / folder(offer.kind) / f"{offer.name}.svg"
    if not (offer.bundled and picture.exists()):
        return ""
    caption = picture.with_suffix(".txt").read_text(encoding="utf-8").strip()
    return rst.figure(f"pictures/{folder(offer.kind)}/{offer.name}.svg", caption)


def _index(kind: str, offers: Iterable[Offer], registry: Registry) -> str:
    label = plural_label(kind).capitalize()
    rows = [
        [
            f":doc:`{page_name(o, registry)}`",
            rst.text(o.entry.summary + ("" if o.bundled else f" (`{o.distribution}`)")),
        ]
        for o in offers
    ]
    return "\n".join(
        [
            rst.heading(label),
            rst.text(ABOUT.get(kind, "")) + "\n",
            rst.table(["name", "what it is"], rows, (34, 66)),
            rst.toctree([page_name(o, registry) for o in offers], ":hidden:"),
        ]
    )
