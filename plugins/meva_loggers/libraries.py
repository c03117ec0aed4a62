"""Libraries that the loggers need, which extras of MeVa install."""

import importlib
from typing import Any

from meva_core.errors import MissingLibrary


def load(module: str, library: str, extra: str) -> Any:
    """A module of an optional library. Raises MissingLibrary if it is not installed.

    library: the name of the library for messages. extra: the extra of MeVa that installs it.
    """
    try:
        found = importlib.import_module(module)
    except ModuleNotFoundError as error:
        raise MissingLibrary(library, extra) from error
    if getattr(found, "__file__", None) is None:  # a folder of this name, which wandb leaves where it has run
        raise MissingLibrary(library, extra)
    return found
