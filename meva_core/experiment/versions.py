"""Files that another version of meva wrote: which version it was, and what to do."""

from __future__ import annotations

import importlib.metadata
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from meva_core.registry.entries import OURS


def of_another(expected: int, schema: Any, path: Path, plain: Mapping[str, Any]) -> str:
    """A line about a file of another schema, which names the version that wrote it and says what to do.

    plain: the content of the experiment.toml beside it, whose [run] names the version.
    """
    problem = f"expected schema {expected}, got {schema!r} @ {path}"
    if (advice := advice_on(plain)) is not None:
        return f"{problem}: {advice}"
    if not isinstance(schema, int) or schema < 1:
        return f"{problem}: no version of meva writes that; correct it, or run it again"
    if schema > expected:
        return f"{problem}: a newer version of meva wrote it; upgrade meva, or run it again with this version"
    return f"{problem}: an earlier version of meva wrote it; install that one, or run it again with this version"


def advice_on(plain: Mapping[str, Any]) -> str | None:
    """The version that wrote an experiment.toml or tournament.toml, and what to do; None if it is this version, or if
    the file does not say."""
    match plain:
        case {"run": {"versions": {"meva": str(wrote)}}} if wrote not in ("", importlib.metadata.version(OURS)):
            return f"meva {wrote} wrote it; use that one (pip install meva=={wrote}), or run it again with this version"
    return None
