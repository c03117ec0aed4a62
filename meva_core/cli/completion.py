"""Completion of names in shells that have installed it, `eval "$(_MEVA_COMPLETE=bash_source meva)"`. Imports no jax."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable
from typing import Any

import click
from click.shell_completion import CompletionItem

from meva_core.contracts.hooks import KINDS
from meva_core.registry import discovery
from meva_core.registry.entries import Registry

Complete = Callable[[click.Context, click.Parameter, str], list[str]]


def of(*kinds: str, several: bool = False) -> Complete:
    """A function that completes the name of an entry of one of these kinds. several: names separated by commas."""

    def complete(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[str]:
        before, comma, begun = incomplete.rpartition(",") if several else ("", "", incomplete)
        return [f"{before}{comma}{name}" for name in _starting(begun, _names(kinds))]

    return complete


def entries(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[Any]:
    """Complete the name of any entry, or of a kind; if there is none, that of a folder."""
    found = _starting(incomplete, {*KINDS, *_names(KINDS)})
    return found or [CompletionItem(incomplete, type="dir")]


def reproductions(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[str]:
    """Complete the name of a reproduction."""
    from meva_core.registry import recipes

    files = [*discovery.recipe_files(_registry()), recipes.shipped()]
    return _starting(incomplete, {name for file in files for name in (*file.studies, *file.reproductions)})


def _names(kinds: Iterable[str]) -> set[str]:
    wanted = set(kinds)
    return {offer.name for offer in _registry().offers if offer.kind in wanted}


def _registry() -> Registry:
    with warnings.catch_warnings():  # the shell would show them in the middle of the line
        warnings.simplefilter("ignore")
        return discovery.installed()


def _starting(text: str, names: Iterable[str]) -> list[str]:
    return sorted(name for name in names if name.startswith(text))
