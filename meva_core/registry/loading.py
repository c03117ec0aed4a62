"""Loading of component classes, with checks of those from third-party plugins."""

from __future__ import annotations

from typing import Any

from meva_core.registry import checks
from meva_core.registry.entries import Offer


def load(offer: Offer) -> Any:
    """Import the component class of an offer, and check it if its plugin is not bundled.

    Raises BadPlugin if the class cannot be imported, or fails the check (`checks.factory`).
    """
    factory = offer.import_factory()
    if not offer.bundled:
        checks.factory(offer, factory)
    return factory
