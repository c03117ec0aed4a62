"""The command `meva show`."""

from __future__ import annotations

import inspect
import re
from typing import Any

import click

from meva_core.cli import completion
from meva_core.cli.list import show as show_kinds
from meva_core.contracts import hooks
from meva_core.contracts.hooks import kind_label
from meva_core.errors import BadPlugin, BadValue, MevaError, UnknownName, did_you_mean
from meva_core.registry import discovery, entries
from meva_core.registry.entries import Offer, Registry
from meva_core.registry.recipes import RecipeFile

PER_PAYOFF = "per payoff: if payoffs are a thousand times as large, a thousandth of the value gives the same steps"


HELP = f"""Show one entry: its description, hyper-parameters, parts, recipes and paper.

KIND is one of {", ".join(hooks.KINDS)}; leave it out if only one kind has NAME. KIND alone lists all of that kind.
"""


@click.command("show", short_help="Show one entry and its hyper-parameters.", help=HELP)
@click.argument("wanted", nargs=-1, metavar="[KIND] NAME", shell_complete=completion.entries)
@click.option(
    "--registry",
    "registry_file",
    metavar="FILE",
    help="File with your own recipes, which come before the shipped ones.",
)
def show_command(wanted: tuple[str, ...], registry_file: str | None) -> None:
    """Show one entry, or list those of a kind."""
    if not wanted:
        raise BadValue("expected a kind or a name to show, got nothing: write meva show KIND NAME (see: meva list)")
    if kind := entries.kind_named(" ".join(wanted)):
        show_kinds([kind])
    else:
        _show(_offer(wanted), registry_file)


def _offer(wanted: tuple[str, ...]) -> Offer:
    """Find an entry by its name, or by a kind and a name. Raises MevaError if there is none, or more than one."""
    *words, name = wanted
    registry = discovery.installed()
    if len(words) > 1 and entries.kind_named(" ".join(words)) is None:
        raise BadValue(
            f"expected a kind and a name, got {' '.join(wanted)}: write meva show KIND NAME (see: meva list)"
        )
    if words:
        return registry.find(entries.check_kind(" ".join(words)), name)
    kinds = registry.kinds_of(name)
    if len(kinds) > 1:
        choose = " or ".join(f"meva show {kind} {name}" for kind in kinds)
        each = " and ".join(f"{'an' if kind[0] in 'aeiou' else 'a'} {kind_label(kind)}" for kind in kinds)
        raise BadValue(f"expected a kind, since {name!r} is {each}: write {choose}")
    if not kinds:
        names = {offer.name for offer in registry.offers} | {*hooks.KINDS}
        raise UnknownName(f"unknown name {name!r}{did_you_mean(name, names)}")
    return registry.find(kinds[0], name)


def _show(offer: Offer, registry_file: str | None) -> None:
    import attrs

    from meva_core.contracts.conversion import type_name
    from meva_core.contracts.hyperparameters import as_plain, hyperparameters
    from meva_core.registry import loading  # imports jax

    cls, kind = loading.load(offer), offer.kind
    click.secho(f"{kind_label(kind)} {offer.name}", bold=True, nl=False)
    click.echo(f"  ({offer.plugin}, distribution {offer.distribution})")
    click.echo(f"\n{_description(cls)}\n")
    rows = [h for h in hyperparameters(cls) if h.name not in hooks.KINDS[kind].fixed]
    click.secho("hyper-parameters", bold=True)
    if not rows:
        click.echo("  none")
    for h in rows:
        default = "" if h.default is attrs.NOTHING else f" = {_plain(as_plain(h.default))}"
        expected = (f", {h.check.expected}" if h.check else "") + ", per payoff" * h.per_payoff
        click.echo(_wrapped(f"{h.name}{default}  ({type_name(h.type)}{expected})", "  ", "    "))
        click.secho(_wrapped(h.doc, "      "), dim=True)
    if any(h.per_payoff for h in rows):
        click.secho(_wrapped(PER_PAYOFF, "  "), dim=True)
    if kind == "game" and (names := _strategies(cls)):
        click.secho("\nstrategies", bold=True)
        click.echo(_wrapped(", ".join(names), "  "))
    if kind == "learner":
        _show_parts(cls)
        _show_recipes(offer, registry_file)
    if offer.entry.reference:
        click.secho("\npaper", bold=True)
        click.echo(_wrapped(offer.entry.reference, "  "))
        if offer.entry.bibtex or offer.entry.cites:
            click.echo(f"  as BibTeX: meva cite {offer.name}")


def _show_parts(learner: Any) -> None:
    """Print the parts of a learner, each with its kind and its default entry."""
    from meva_core.contracts.hyperparameters import part_kinds
    from meva_core.registry import recipes

    for n, (name, kind) in enumerate(part_kinds(learner).items()):
        if n == 0:
            click.secho("\nparts", bold=True)
        default = recipes.shipped().defaults.get(kind)
        click.echo(f"  {name}" + (f" = {default}" if default else "") + f"  ({kind_label(kind)})")


def _show_recipes(learner: Offer, registry_file: str | None) -> None:
    """Print every plugin's recipes for a learner, by game, by family of games, or for any game."""
    from meva_core.registry import recipes
    from meva_core.runner import plugins

    registry, files = plugins(registry_file)
    own = learner.recipes()
    files = [*discovery.recipe_files(registry), *([] if own is None else [own]), *files]
    click.secho("\nrecipes", bold=True)
    sources = recipes.sources(files, learner.name)
    for (place, name), source in sources.items():
        click.echo(_wrapped(f"{place} {name}: {source}", "  ", "      "))
        for line in _measured(registry, files, place, learner.name, name):
            click.echo(_wrapped(line, "      "))
    if not sources:
        click.echo("  none: the defaults above")


def _measured(registry: Registry, files: list[RecipeFile], place: str, learner: str, name: str) -> list[str]:
    """Sentences with measured counts of a recipe.

    The list is empty for recipes of a family of games, or if the game cannot be loaded: commands that play the game
    report that error.
    """
    from meva_core.experiment.cookbook import as_played
    from meva_core.registry import claims

    try:
        return claims.measured(files, as_played(registry.find("game", place)), learner, name)
    except (UnknownName, BadPlugin):
        return []


def _strategies(game: Any) -> list[str]:
    """Names of a game's strategies, or of a sampled game's scripts, at its default numbers; none if a number has no
    default."""
    from meva_core.contracts import kinds  # imports jax

    try:
        return list(game().scripts if kinds.form("game", game) != "game" else game().strategies)
    except (TypeError, MevaError):  # a number without a default
        return []


def _plain(value: object) -> str:
    return "unset" if value is None else f"{value!r}" if isinstance(value, str) else f"{value}"


def _description(cls: type) -> str:
    """The class's docstring up to its references, wrapped; items of lists become paragraphs."""
    text = (inspect.getdoc(cls) or "").partition("\nReferences:")[0]
    paragraphs = [""]
    for line in text.splitlines():
        if not line or line.startswith("- "):
            paragraphs.append(line)
        elif re.match(r" {2}\S", line) and not paragraphs[-1].startswith("- "):  # an indented name with its meaning
            paragraphs[-1] += "\n" + line
        else:
            paragraphs[-1] += f" {line.strip()}" if paragraphs[-1] else line
    return "\n\n".join("\n".join(map(_unfolded, each.split("\n"))) for each in paragraphs if each)


def _unfolded(line: str) -> str:
    """One line or item of a docstring, wrapped; an item keeps its indentation."""
    if not line.startswith("  "):
        return _wrapped(" ".join(line.split()), "")
    return _wrapped(" ".join(re.sub(" {2,}", ": ", line.strip(), count=1).split()), "  ", "      ")


def _wrapped(text: str, first: str, rest: str | None = None) -> str:
    """Text in lines of at most 80 columns."""
    return click.wrap_text(text, 80, first, first if rest is None else rest)
