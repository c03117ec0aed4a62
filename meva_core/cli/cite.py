"""The command `meva cite`."""

from __future__ import annotations

from pathlib import Path

import click

from meva_core.errors import BadValue, UnknownName, did_you_mean
from meva_core.registry import bibtex, discovery
from meva_core.registry.entries import Offer, Registry


@click.command("cite")
@click.argument("wanted", nargs=-1, metavar="NAME|RUN...")
def cite_command(wanted: tuple[str, ...]) -> None:
    """Print the papers to cite, as BibTeX, each once.

    NAME is the name of any entry (see: meva list). RUN is the folder of a run or a tournament, and stands for
    every entry that took part in it.

    \b
    meva cite lola ipd > refs.bib
    meva cite runs/ipd-meva-...
    """
    if not wanted:
        raise BadValue("expected names or run folders to cite, got nothing: write meva cite NAME (see: meva list)")
    registry = discovery.installed()
    offers = list(dict.fromkeys(offer for each in wanted for offer in _offers(registry, each)))
    items = [entry for offer in offers for entry in bibtex.of(offer).items()]
    papers = bibtex.papers(offers)
    if papers:
        click.echo("\n\n".join(papers.values()))
    if differing := sorted({key for key, text in items if text != papers[key]}):
        click.echo(f"note: plugins have different texts for {', '.join(differing)}: the first one is printed", err=True)
    if lacking := [_described(offer) for offer in offers if not bibtex.of(offer)]:
        click.echo(f"note: no BibTeX on record for {', '.join(lacking)}", err=True)


def _offers(registry: Registry, name_or_run: str) -> list[Offer]:
    if kinds := registry.kinds_of(name_or_run):
        return [registry.find(kind, name_or_run) for kind in kinds]
    folder = Path(name_or_run)
    if folder.is_dir():
        from meva_core.studies import participants  # imports jax

        return participants.of_folder(registry, folder)
    names = {offer.name for offer in registry.offers}
    raise UnknownName(f"unknown name or run {name_or_run!r}{did_you_mean(name_or_run, names)}")


def _described(offer: Offer) -> str:
    source = f" ({offer.entry.reference})" if offer.entry.reference else ""
    return f"{offer.kind.replace('_', ' ')} {offer.name}{source}"
