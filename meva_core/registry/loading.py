"""Loads the class behind an offer, and checks what a stranger's plugin gives."""

from __future__ import annotations

from typing import Any

from meva_core.registry import checks
from meva_core.registry.entries import Offer


def load(offer: Offer) -> Any:
    """Import the component class of an offer. Raises BadPlugin where it cannot be imported, or where it is of a
    stranger's plugin and does not have the methods of its kind."""
    factory = offer.import_factory()
    if not offer.bundled:
        checks.factory(offer, factory)
    return factory
