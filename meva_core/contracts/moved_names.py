"""Old import paths, which still work with a DeprecationWarning through the modules in `moved/`."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from types import ModuleType
from typing import Any


def forward(old: str, *new: ModuleType) -> Callable[[str], Any]:
    """A `__getattr__` for a module that was moved: it takes each name from its new place, with a DeprecationWarning.

    new: the modules that the names are in now, all of one package.
    """
    home = new[0].__name__
    public = "meva_core.contracts" if home.startswith("meva_core.contracts.") else home

    def get(name: str) -> Any:
        value = getattr(next((module for module in new if hasattr(module, name)), new[0]), name)
        if not name.startswith("__"):
            warnings.warn(f"{old} has moved: import {name} from {public}", DeprecationWarning, stacklevel=2)
        return value

    return get
