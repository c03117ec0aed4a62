"""Old import paths, which still work with a DeprecationWarning through the modules in `moved/`."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from types import ModuleType
from typing import Any


def forward(old: str, new: ModuleType) -> Callable[[str], Any]:
    """A `__getattr__` for a module that was moved: it takes each name from its new place, with a DeprecationWarning."""
    public = "meva_core.contracts" if new.__name__.startswith("meva_core.contracts.") else new.__name__

    def get(name: str) -> Any:
        value = getattr(new, name)
        if not name.startswith("__"):
            warnings.warn(f"{old} has moved: import {name} from {public}", DeprecationWarning, stacklevel=2)
        return value

    return get
