"""Checks of TOML tables, and their conversion to attrs records."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import Any

import attrs

from meva_core.errors import BadValue, did_you_mean

# Annotation of a field -> types that it accepts, and a phrase for error messages.
_TOML: dict[str, tuple[Any, str]] = {
    "str": (str, "text"),
    "str | None": (str, "text"),
    "int": (int, "a whole number"),
    "float | None": ((int, float), "a number"),
    "datetime.date": (datetime.date, "a date"),
    "bool | None": (bool, "true"),
    "bool": (bool, "true or false"),
    "tuple[str, ...]": ((list, tuple), "a list"),
    "Mapping[str, Any]": (dict, "a table"),
}


def record(cls: type, content: Any, where: str) -> Any:
    """An attrs instance from a TOML table. Raises BadValue for unknown or missing keys, and wrong types."""
    types = {field.name: str(field.type) for field in attrs.fields(cls)}
    for key, value in table(content, where).items():
        if key not in types:
            raise BadValue(f"unknown key {key!r}{did_you_mean(key, types)} @ {where}")
        expected, what = _TOML.get(types[key], (object, ""))
        if not isinstance(value, expected) or (isinstance(value, bool) and expected not in (bool, object)):
            raise BadValue(f"expected {what}, got {value!r} @ {where}.{key}")
        texts: Any = value if what == "a list" else ()
        if not all(isinstance(text, str) for text in texts):
            raise BadValue(f"expected texts, got {value!r} @ {where}.{key}")
    try:
        return cls(**{key: tuple(value) if isinstance(value, list) else value for key, value in content.items()})
    except TypeError as error:
        raise BadValue(f"{error} @ {where}") from error


def table(value: Any, where: str) -> Mapping[str, Any]:
    """The value, if it is a table. Raises BadValue, which names `where`, if it is not."""
    if not isinstance(value, Mapping):
        raise BadValue(f"expected a table, got {value!r} @ {where}")
    return value


def tables(content: Mapping[str, Any], key: str, where: str) -> Mapping[str, Mapping[str, Any]]:
    """The table of tables at `key`, by name; {} if there is none. Raises BadValue if it is anything else."""
    found = table(content.get(key, {}), f"{where}: {key}")
    return {name: table(each, f"{where}: {key}.{name}") for name, each in found.items()}


def only_keys(content: Mapping[str, Any], known: tuple[str, ...], where: str) -> None:
    """Raise BadValue, which names `where`, if a table has a key that is not known."""
    for key in content:
        if key not in known:
            raise BadValue(f"unknown key {key!r}{did_you_mean(key, known)} @ {where}")
