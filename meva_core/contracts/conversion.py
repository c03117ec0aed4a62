"""Conversion of user input to hyper-parameters: strict types, and errors that state the place, the expected value and
the value received."""

from __future__ import annotations

import contextlib
import re
import types
import typing
from collections.abc import Iterator, Mapping
from typing import Any

import cattrs
import jax
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer

from meva_core.contracts.components import Refused
from meva_core.contracts.hyperparameters import hyperparameters
from meva_core.errors import BadValue, did_you_mean

LARGEST = 3.4e38  # the largest number of single precision
LONGEST = 120  # characters of a value in a message


def structure(cls: type, given: Mapping[str, Any], path: str, *, fixed: tuple[str, ...] = ()) -> dict[str, Any]:
    """All hyper-parameters of `cls`: the user's values, checked and converted, and the defaults of the rest.

    The `fixed` hyper-parameters are set by composition and left out. Raises BadValue for unknown names, wrong types and
    missing values.
    """
    own = {h.name: h for h in hyperparameters(cls) if h.name not in fixed}
    for key in given:
        if key not in own:
            raise BadValue(f"unknown hyper-parameter {key!r} @ {path}{did_you_mean(key, own)}")
    values = {}
    for name, h in own.items():
        if name in given:
            values[name] = convert(given[name], h.type, f"{path}.{name}")
        elif h.required:
            raise BadValue(f"expected a value for {path}.{name} ({type_name(h.type)}: {h.doc}), got none")
        else:
            values[name] = h.default
    return values


def convert(value: Any, to: Any, path: str) -> Any:
    """Convert `value` to the type `to`. Numbers must be finite; nothing is rounded or parsed.

    Numbers and arrays of NumPy and JAX count as the Python numbers and lists that they hold. Tracers are returned
    unchanged: their value cannot be seen. Raises BadValue if the value does not fit the type.
    """
    if isinstance(value, Tracer) or to is Any or _is_already(value, to):
        return value
    plain = _plain(value)
    try:
        return _CONVERTER.structure(plain, to)
    except Exception as error:
        if (beyond := _beyond(plain, to)) is not None:
            what = "finite numbers" if isinstance(plain, (list, tuple)) else "a finite number"
            raise BadValue(f"expected {what} within single precision, got {beyond!r} @ {path}") from error
        shown = repr(plain) if len(repr(plain)) <= LONGEST else f"{repr(plain)[:LONGEST]} ..."
        hint = f": write [{shown}]" if _is_lone_element(plain, to) else ""
        raise BadValue(f"expected {type_name(to)}, got {shown} ({_type_of(value)}) @ {path}{hint}") from error


def construct(cls: type, values: Mapping[str, Any], path: str) -> Any:
    """Build a component; raises BadValue with the path of the hyper-parameter if a check does not accept its value."""
    with explained(path):
        return cls(**values)


@contextlib.contextmanager
def explained(path: str) -> Iterator[None]:
    """Context manager: turns a validator's complaint into a BadValue that names the hyper-parameter under `path`."""
    try:
        yield
    except Refused as error:
        raise BadValue(f"{error.complaint} @ {path}.{error.name}") from error


def type_name(to: Any) -> str:
    """Name of a type for users."""
    origin, arguments = typing.get_origin(to), typing.get_args(to)
    if origin in (typing.Union, types.UnionType):
        return " or ".join(type_name(a) for a in arguments)
    if origin is typing.Literal:
        return "one of " + ", ".join(map(repr, arguments))
    if origin is tuple:
        if len(arguments) == 2 and arguments[1] is Ellipsis:
            return f"list of {_several(arguments[0])}"
        if len(set(arguments)) == 1:
            return f"list of {len(arguments)} {_several(arguments[0])}"
        return "[" + ", ".join(map(type_name, arguments)) + "]"
    return "nothing" if to is type(None) else getattr(to, "__name__", str(to))


def _several(of: Any) -> str:
    """Name of a type in the plural: `floats`, `lists of 2 floats`."""
    name = type_name(of)
    return re.sub(r"^(list|float|int|bool|str)\b", r"\1s", name)


def _is_already(value: Any, to: Any) -> bool:
    """True if the value already has the type, and the type is one without conversion (a function, say)."""
    cls = typing.get_origin(to) or to
    others = isinstance(cls, type) and not issubclass(cls, (int, float, str, tuple, list, dict, np.ndarray, jax.Array))
    return others and isinstance(value, cls)


def _is_lone_element(plain: Any, to: Any) -> bool:
    """True if the value has the type of one element of a list, and is not in one."""
    arguments = typing.get_args(to)
    if typing.get_origin(to) is not tuple or arguments[1:] != (Ellipsis,):
        return False
    with contextlib.suppress(Exception):
        _CONVERTER.structure(plain, arguments[0])
        return True
    return False


def _plain(value: Any) -> Any:
    """Replace NumPy's and JAX's numbers and arrays by Python's numbers and lists; tracers are unchanged."""
    if isinstance(value, (np.ndarray, np.generic)) or (isinstance(value, jax.Array) and not isinstance(value, Tracer)):
        return np.asarray(value).tolist()
    if type(value) is list:
        return [_plain(inner) for inner in value]
    return tuple(map(_plain, value)) if type(value) is tuple else value


def _type_of(value: Any) -> str:
    """The name of a value's type, with the shape of an array."""
    if isinstance(value, (np.ndarray, jax.Array)):
        return f"{value.dtype}[{','.join(map(str, value.shape))}]"
    return type(value).__name__


def _beyond(plain: Any, to: Any) -> Any:
    """First number that single precision cannot hold, if nothing else is wrong with the value; else None."""
    too_large: list[Any] = []

    def within(value: Any) -> Any:
        if isinstance(value, (list, tuple)):
            return [within(inner) for inner in value]
        if type(value) in (int, float) and not abs(value) <= LARGEST:
            too_large.append(value)
            return 0.0
        return value

    try:
        _CONVERTER.structure(within(plain), to)
    except Exception:
        return None
    return too_large[0] if too_large else None


def _exact(to: type) -> Any:
    def hook(value: Any, _: Any) -> Any:
        if type(value) is not to:
            raise TypeError(value)
        return value

    return hook


def _float(value: Any, _: Any) -> float:
    if isinstance(value, Tracer):
        return value  # type: ignore[return-value]
    # NaN is refused, and so is a number that would be infinite in single precision.
    if type(value) not in (int, float) or not abs(value) <= LARGEST:
        raise TypeError(value)
    return float(value)


def _union(value: Any, to: Any) -> Any:
    for choice in typing.get_args(to):
        try:
            return _CONVERTER.structure(value, choice)
        except Exception:
            continue
    raise TypeError(value)


def _tuple(value: Any, to: Any) -> tuple:
    if not isinstance(value, (list, tuple)):
        raise TypeError(value)
    arguments = typing.get_args(to)
    if arguments[-1] is Ellipsis:
        arguments = (arguments[0],) * len(value)
    return tuple(_CONVERTER.structure(v, a) for v, a in zip(value, arguments, strict=True))


def _array(value: Any, _: Any) -> Any:
    numbers = np.asarray(value)
    if numbers.dtype.kind in "iuf":
        if not np.all(np.abs(numbers) <= LARGEST):
            raise ValueError(value)
        return jnp.asarray(numbers, float)
    if numbers.dtype.kind == "b" and numbers.size:
        return jnp.asarray(numbers)
    raise TypeError(value)


_CONVERTER = cattrs.Converter()
_CONVERTER.register_structure_hook(int, _exact(int))
_CONVERTER.register_structure_hook(bool, _exact(bool))
_CONVERTER.register_structure_hook(str, _exact(str))
_CONVERTER.register_structure_hook(float, _float)
_CONVERTER.register_structure_hook(type(None), _exact(type(None)))
_CONVERTER.register_structure_hook_func(lambda t: typing.get_origin(t) in (typing.Union, types.UnionType), _union)
_CONVERTER.register_structure_hook_func(lambda t: typing.get_origin(t) is tuple, _tuple)
_CONVERTER.register_structure_hook_func(lambda t: t in (jax.Array, np.ndarray), _array)
