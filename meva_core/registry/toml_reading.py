"""Reading of TOML, from files and from the command line, with limits on what it may hold. Imports no jax."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

from meva_core.errors import BadFolder, BadValue

DEEPEST = 50  # levels of nested tables and lists


def read_toml(path: Path) -> dict[str, Any]:
    """Read a TOML file. Raises BadFolder if it cannot be read or is not TOML."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, ValueError) as error:  # a ValueError: the text's encoding, or a path that no file can have
        reason = getattr(error, "strerror", None) or ("not UTF-8 text" if isinstance(error, UnicodeError) else error)
        raise BadFolder(f"expected a readable TOML file at {path}, got: {reason}") from error
    try:
        return parse_toml(text)
    except ValueError as error:
        raise BadFolder(f"expected TOML in {path}, got: {error}") from error


def parse_toml(text: str) -> dict[str, Any]:
    """Parse TOML. Raises TOMLDecodeError if the text is not TOML.

    Raises ValueError for integers of more than 64 bits, and for nesting deeper than `DEEPEST`.
    """
    try:
        content = tomllib.loads(text)
    except RecursionError as error:
        raise ValueError(f"tables or lists nested more than {DEEPEST} deep") from error
    _within_limits(content)
    return content


def parse_setting(text: str, expected: str) -> tuple[str, Any]:
    """`learner.rate=1.5` -> ("learner.rate", 1.5). A value that is not TOML is plain text.

    Raises BadValue, which says what was `expected`, if the path or the value is missing; also for values out of limits.
    """
    path, equals, value = text.partition("=")
    if not equals or not path.strip() or not value.strip():
        raise BadValue(f"expected {expected}, got {text!r}")
    try:
        found = parse_toml(f"value = {value}")
    except tomllib.TOMLDecodeError:
        found = {}
    except ValueError as error:
        raise BadValue(f"expected a value, got {error} @ {path.strip()}") from error
    return path.strip(), found["value"] if len(found) == 1 else value.strip()


def _within_limits(value: Any, depth: int = 0) -> None:
    if depth > DEEPEST:
        raise ValueError(f"tables or lists nested more than {DEEPEST} deep")
    if isinstance(value, int) and not -(2**63) <= value < 2**63:
        raise ValueError("a whole number of more than 64 bits")
    for inner in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        _within_limits(inner, depth + 1)
