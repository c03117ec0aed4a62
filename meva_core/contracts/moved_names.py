"""Import paths of before, which go on with a DeprecationWarning: modules in `moved/` stand where they were."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from types import ModuleType
from typing import Any


def forward(old: str, new: ModuleType) -> Callable[[str], Any]:
    """The `__getattr__` of a module that was moved: its names come from the new place, with a DeprecationWarning."""
    public = "meva_core.contracts" if new.__name__.startswith("meva_core.contracts.") else new.__name__

    def get(name: str) -> Any:
        value = getattr(new, name)
        if not name.startswith("__"):
            warnings.warn(f"{old} is moved: import {name} from {public}", DeprecationWarning, stacklevel=2)
        return value

    return get
