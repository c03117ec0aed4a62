"""The loggers of a run. They change no number of it, so they belong to no experiment and to no hash."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping, Sequence
from typing import Any

import attrs

from meva_core.contracts import Logger, conversion, kinds
from meva_core.contracts.hyperparameters import settings
from meva_core.errors import BadValue
from meva_core.experiment import local
from meva_core.registry import loading
from meva_core.registry.entries import Offer, Registry

SECTION = "log"  # of their settings, log.NAME.SETTING


@attrs.frozen
class Named:
    """A logger and its name in messages, settings and folders."""

    name: str
    logger: Logger


def split(overrides: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """The settings of loggers, log.NAME.SETTING, and all other overrides."""
    own = {path: value for path, value in overrides.items() if path.partition(".")[0] == SECTION}
    return own, {path: value for path, value in overrides.items() if path not in own}


def chosen(registry: Registry, log: Any, overrides: Mapping[str, Any]) -> list[Named]:
    """The loggers that a user asks for. log: a name, a class or an object, or a list of these; None for no logger.
    overrides: settings by name, log.NAME.SETTING.

    Raises BadValue for a logger that comes twice, a wrong setting, or a setting of another logger, and UnknownName if
    nothing has a name.
    """
    loggers = log if isinstance(log, (list, tuple)) else [] if log is None else [log]
    offers = [_offer(registry, logger) for logger in loggers]
    names = [_name(registry, offer) for offer in offers]
    if twice := [name for name in names if names.count(name) > 1]:
        raise BadValue(f"expected every logger once, got {twice[0]} twice @ {SECTION}")
    tables: dict[str, dict[str, Any]] = {name: {} for name in names}
    for path, value in overrides.items():
        wanted, _, setting = path.removeprefix(f"{SECTION}.").rpartition(".")
        if not wanted or not setting:
            raise BadValue(f"expected {SECTION}.NAME.SETTING, got {path!r}: name a logger and one of its settings")
        name = next((name for name, offer in zip(names, offers, strict=True) if offer.goes_by(wanted)), None)
        if name is None:
            registry.find("logger", wanted)
            raise BadValue(
                f"expected settings of a logger that is asked for ({', '.join(names) or 'there is none'}), got {path}: "
                f"ask for it with --log {','.join([*names, wanted])}"
            )
        tables[name][setting] = value
    each = zip(names, loggers, offers, strict=True)
    return [Named(name, _build(logger, offer, tables[name], f"{SECTION}.{name}")) for name, logger, offer in each]


def _offer(registry: Registry, logger: Any) -> Offer:
    if isinstance(logger, str):
        return registry.find("logger", logger)
    if isinstance(logger, type):
        kinds.check_class("logger", logger, SECTION)
        return local.offer(registry, "logger", logger, {})
    kinds.check_any("logger", logger, SECTION)
    return local.offer(registry, "logger", type(logger), {})


def _name(registry: Registry, offer: Offer) -> str:
    """The name of a logger, with its plugin if several plugins offer the name."""
    several = sum(other.goes_by(offer.name) for other in registry.of_kind("logger")) > 1
    return f"{offer.plugin}:{offer.name}" if several else offer.name


def _build(logger: Any, offer: Offer, own: Mapping[str, Any], path: str) -> Logger:
    """The logger with the settings `own`; an object keeps its other ones."""
    if not isinstance(logger, (str, type)):
        values = conversion.structure(type(logger), {**settings(logger), **own}, path) if own else {}
        with conversion.explained(path):
            return attrs.evolve(logger, **values)
    factory = loading.load(offer)
    return conversion.construct(factory, conversion.structure(factory, own, path), path)


def as_options(names: Sequence[str], overrides: Mapping[str, Any]) -> str:
    """The options with which a command asks for these loggers again, for the end of a line; "" for none."""
    values = {path: value if isinstance(value, str) else json.dumps(value) for path, value in overrides.items()}
    texts = [f"--set {shlex.quote(f'{path}={value}')}" for path, value in values.items()]
    return " ".join(["", f"--log {','.join(names)}", *texts]) if names else ""
