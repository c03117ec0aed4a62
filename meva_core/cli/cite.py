"""The command `meva cite`."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from pathlib import Path

import click

from meva_core.cli import completion
from meva_core.errors import BadValue, MevaError, UnknownName, did_you_mean
from meva_core.registry import bibtex, discovery
from meva_core.registry.entries import Offer, Registry


@click.command("cite")
@click.argument("wanted", nargs=-1, metavar="NAME|RUN...", shell_complete=completion.entries)
def cite_command(wanted: tuple[str, ...]) -> None:
    """Print the papers to cite, as BibTeX, each once.

    NAME is the name of any entry (see: meva list). RUN is the folder of a run or a tournament, and stands for
    every entry that took part in it. A finished one stores its papers in references.bib.

    \b
    meva cite lola ipd > refs.bib
    meva cite runs/ipd-meva-...
    """
    if not wanted:
        raise BadValue("expected names or run folders to cite, got nothing: write meva cite NAME (see: meva list)")
    registry = discovery.installed()
    entries_and_papers = [_entries_and_papers(registry, each) for each in wanted]
    offers = dict.fromkeys(offer for entries, _ in entries_and_papers for offer in entries)
    sources = [papers for _, each in entries_and_papers for papers in each]
    papers = bibtex.merged(sources)
    click.echo(bibtex.as_text(papers), nl=False)
    if differing := sorted({key for source in sources for key, text in source.items() if text != papers[key]}):
        click.echo(f"note: plugins have different texts for {', '.join(differing)}: the first one is printed", err=True)
    if lacking := [_described(offer) for offer in offers if not (offer.entry.bibtex or offer.entry.cites)]:
        click.echo(f"note: no BibTeX on record for {', '.join(lacking)}", err=True)


def _entries_and_papers(registry: Registry, name_or_run: str) -> tuple[list[Offer], list[Mapping[str, str]]]:
    """The entries that a name or a folder stands for, and tables of their papers."""
    if kinds := registry.kinds_of(name_or_run):
        offers = [registry.find(kind, name_or_run) for kind in kinds]
    elif (folder := Path(name_or_run)).is_dir():
        from meva_core.report import citations
        from meva_core.studies import participants  # imports jax

        if (stored := citations.stored(folder)) is not None:
            with contextlib.suppress(MevaError):  # a plugin that is not installed: its papers are stored all the same
                return participants.of_folder(registry, folder), [stored]
            return [], [stored]
        offers = participants.of_folder(registry, folder)
    else:
        names = {offer.name for offer in registry.offers}
        raise UnknownName(f"unknown name or run {name_or_run!r}{did_you_mean(name_or_run, names)}")
    return offers, [bibtex.of(offer) for offer in offers]


def _described(offer: Offer) -> str:
    source = f" ({offer.entry.reference})" if offer.entry.reference else ""
    return f"{offer.kind.replace('_', ' ')} {offer.name}{source}"
