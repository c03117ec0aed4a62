"""Components: frozen classes that are JAX pytrees, of which games, learners, value models and explorers are made.

A component is a frozen attrs class that is also a JAX pytree. Its fields are of four kinds:

- `leaf`: a number or array that may change without compiling anything again (rates, discounts, payoff
  tables, fitted parameters): traced, vmapped, changed with `attrs.evolve`;
- `static`: structure (a variant, an order, widths): part of the compiled program;
- `part`: another component that it contains (the game of a learner, say);
- `derived`: a value that follows from the other fields (a network whose sizes they define): computed when an object is
  built, and traced like parts.

Leaves and statics are the hyper-parameters that users see and set; composition supplies the parts. Users choose a
learner's part, with its own hyper-parameters, if the part states its kind, `part(kind=...)`, or has a kind's name.
"""

from __future__ import annotations

import functools
import math
import typing
from collections.abc import Callable, Mapping
from typing import Any, Literal, TypeVar

import attrs
import jax
import numpy as np
from jax.core import Tracer

from meva_core.contracts.hooks import PARTS

T = TypeVar("T", bound=type)


@attrs.frozen
class Check:
    """A condition on a hyper-parameter, in words and as a predicate."""

    expected: str
    accepts: Callable[[Any], bool]


def leaf(*, default: Any = attrs.NOTHING, doc: str, check: Check | None = None, per_payoff: bool = False) -> Any:
    """A traced hyper-parameter: a number or array that may change without a new compilation.

    doc: its meaning, in one line. check: a value that does not pass it raises ValueError. per_payoff: True if its unit
    is one over the payoffs' unit (a learning rate, say): a recipe's number is for the payoffs of the recipe's game.

    >>> import attrs
    >>> from meva_core.contracts import component, leaf, positive
    >>> @component
    ... class Rule:
    ...     rate: float = leaf(default=1.0, doc="learning rate", check=positive)
    >>> attrs.evolve(Rule(), rate=0.5)
    Rule(rate=0.5)
    >>> Rule(rate=-1.0)
    Traceback (most recent call last):
        ...
    meva_core.contracts.components.Refused: 'rate' must be > 0 and finite, got -1.0
    """
    return _field(default, "leaf", doc, check, per_payoff=per_payoff)


def static(*, default: Any = attrs.NOTHING, doc: str, check: Check | None = None, names: str = "") -> Any:
    """A hyper-parameter that is part of the compiled program; must be hashable. names: the kind of component
    ("learner") if the value is the name of one."""
    return _field(default, "static", doc, check, names=names)


def part(*, kind: str = "", default: Any = attrs.NOTHING, doc: str = "") -> Any:
    """A field for another component (or a tuple of them) that this one contains.

    kind: for a learner's part that users choose, the kind of component that it takes; optional if the field's name is
    the kind's name. Raises ValueError if learners cannot have parts of this kind.
    """
    if kind and kind not in PARTS:
        raise ValueError(f"expected a kind of {', '.join(PARTS)} for part(kind=...), got {kind!r}")
    return _field(default, "part", doc, None, of_kind=kind)


def derived(compute: Callable[[Any], Any], *, init: Literal[False] = False, doc: str = "") -> Any:
    """A field that follows from the others: `compute(self)`, a component or arrays, for every new object.

    It is computed once, after all checks, and belongs to the pytree: tracing, mapping and stacking an object keep it,
    and `attrs.evolve` computes it again. compute: may raise, like a check, if the other fields do not fit together.

    >>> import attrs
    >>> from meva_core.contracts import component, derived, leaf
    >>> @component
    ... class Rule:
    ...     rate: float = leaf(doc="learning rate")
    ...     half: float = derived(lambda self: self.rate / 2)
    >>> attrs.evolve(Rule(rate=1.0), rate=3.0)
    Rule(rate=3.0, half=1.5)
    """
    told = {**_TOLD, "kind": "derived", "doc": doc, "compute": compute}
    return attrs.field(init=init, metadata=told)


@typing.dataclass_transform(kw_only_default=True, frozen_default=True, field_specifiers=(leaf, static, part, derived))
def component(cls: T) -> T:
    """Make `cls` a frozen, keyword-only attrs class that is also a pytree.

    All its fields but statics are the pytree's children, so `jax.vmap` and `jax.grad` go through it. Raises TypeError
    if a field is not a `leaf`, `static`, `part` or `derived`.

    >>> import jax
    >>> from meva_core.contracts import component, leaf, static
    >>> @component
    ... class Rule:
    ...     rate: float = leaf(doc="learning rate")
    ...     order: int = static(default=1, doc="levels of look-ahead")
    >>> rule = Rule(rate=2.0)
    >>> rule
    Rule(rate=2.0, order=1)
    >>> jax.tree.leaves(rule)
    [2.0]
    >>> jax.grad(lambda rule: rule.rate**2)(rule).rate.item()
    4.0
    """
    frozen_class = attrs.define(cls, frozen=True, kw_only=True, eq=False, slots=False)  # type: ignore[call-overload]
    frozen_class.__eq__ = _equal  # type: ignore[method-assign]
    frozen_class.__hash__ = None  # type: ignore[assignment]
    for field in attrs.fields(frozen_class):
        if "kind" not in field.metadata:
            what = "leaf(...), static(...), part(...) or derived(...)"
            raise TypeError(f"{cls.__name__}.{field.name}: expected {what} as its value")
    frozen_class.__init__ = _by_name(frozen_class)  # type: ignore[misc]
    traced = tuple(f.name for f in attrs.fields(frozen_class) if f.metadata["kind"] != "static")
    fixed = tuple(f.name for f in attrs.fields(frozen_class) if f.metadata["kind"] == "static")

    def flatten_with_keys(self: Any) -> Any:
        children = tuple((jax.tree_util.GetAttrKey(name), getattr(self, name)) for name in traced)
        return children, tuple(getattr(self, name) for name in fixed)

    def flatten(self: Any) -> Any:
        return tuple(getattr(self, name) for name in traced), tuple(getattr(self, name) for name in fixed)

    def unflatten(aux: tuple, children: Any) -> Any:
        # Not through __init__: JAX rebuilds with tracers and placeholders, which no validator should see.
        self = object.__new__(frozen_class)
        for name, value in (*zip(traced, children, strict=True), *zip(fixed, aux, strict=True)):
            object.__setattr__(self, name, value)
        return self

    jax.tree_util.register_pytree_with_keys(frozen_class, flatten_with_keys, unflatten, flatten)
    return frozen_class


def is_component(cls: type) -> bool:
    """True if `component` made this very class, not only one that it inherits from."""
    return vars(cls).get("__eq__") is _equal


class Refused(ValueError):
    """Raised for a value that a component's check does not accept; `name` is the hyper-parameter's name."""

    def __init__(self, name: str, complaint: str, value: Any):
        shown = as_plain(value) if isinstance(value, (jax.Array, np.ndarray, np.generic)) else value
        super().__init__(f"{name!r} must be {complaint}, got {shown!r}")
        self.name = name
        self.complaint = f"expected {complaint}, got {shown!r}"


@attrs.frozen
class Hyperparameter:
    """One hyper-parameter of a component class: its name, type, default, meaning and check."""

    name: str
    type: Any
    default: Any  # attrs.NOTHING if there is none
    doc: str
    check: Check | None
    per_payoff: bool = False
    names: str = ""  # the kind of component that its value names

    @property
    def required(self) -> bool:
        """True if there is no default, so the user must give a value."""
        return self.default is attrs.NOTHING


def hyperparameters(cls: type) -> tuple[Hyperparameter, ...]:
    """Leaves and statics of a component class, in order of definition."""
    hints = typing.get_type_hints(cls)
    return tuple(
        Hyperparameter(
            f.name,
            hints.get(f.name, Any),
            f.default,
            *(f.metadata[key] for key in ("doc", "check", "per_payoff", "names")),
        )
        for f in attrs.fields(cls)
        if f.metadata.get("kind") in ("leaf", "static")
    )


def parts(cls: type) -> tuple[str, ...]:
    """Names of the fields that hold other components."""
    return tuple(f.name for f in attrs.fields(cls) if f.metadata.get("kind") == "part")


def part_kinds(cls: type) -> dict[str, str]:
    """The parts of a class that users choose, in order of definition: name -> the kind of component that it takes."""
    fields = {f.name: f.metadata["of_kind"] or f.name for f in attrs.fields(cls) if f.metadata.get("kind") == "part"}
    return {name: kind for name, kind in fields.items() if kind in PARTS}


def settings(self: Any) -> dict[str, Any]:
    """The hyper-parameters of a component as a plain dictionary."""
    return {h.name: getattr(self, h.name) for h in hyperparameters(type(self))}


def copies(self: Any) -> int | None:
    """The number S of components that are stacked in one, every leaf [S, ...], as for fits of several seeds. None for a
    single component, and for one without a leaf that is a plain number, since its shapes do not tell."""
    hints = typing.get_type_hints(type(self))
    for field in attrs.fields(type(self)):
        value, hint = getattr(self, field.name), hints.get(field.name)
        one_number = set(typing.get_args(hint) or (hint,)) <= {float, int, type(None)}
        if field.metadata["kind"] == "leaf" and (one_number or isinstance(value, tuple)):
            for number in jax.tree.leaves(value):
                return number.shape[0] if isinstance(number, (jax.Array, np.ndarray)) and number.ndim else None
    return None


_TOLD = {"check": None, "per_payoff": False, "names": "", "of_kind": ""}  # in a field's metadata


def _field(default: Any, kind: str, doc: str, check: Check | None, **told: Any) -> Any:
    def validate(self: Any, attribute: Any, value: Any) -> None:
        if check is not None and value is not None and _concrete(value) and not _accepted(check, value):
            raise Refused(attribute.name, check.expected, value)

    shown = kind != "part"
    told = {**_TOLD, "kind": kind, "doc": doc, "check": check, **told}
    return attrs.field(default=default, repr=shown, validator=validate, metadata=told)


def _concrete(value: Any) -> bool:
    """True if a validator can look at the value: no number in it is traced.

    Reading an array blocks and copies it, which is cheap: hyper-parameters are small, and those that change often
    change under jit, where they are traced.
    """
    return not any(isinstance(leaf, Tracer) for leaf in jax.tree.leaves(value))


def _accepted(check: Check, value: Any) -> bool:
    try:
        return check.accepts(value)
    except (TypeError, ValueError):  # not a number
        return False


def _by_name(cls: type) -> Callable[..., None]:
    """Wrap the class's __init__: it raises TypeError with the names of all fields if an argument is positional, and
    computes the derived fields at its end."""
    own, fields_of = cls.__init__, attrs.fields(cls)
    computed = {field.name: field.metadata["compute"] for field in fields_of if field.metadata["kind"] == "derived"}

    @functools.wraps(own)
    def init(self: Any, *unnamed: Any, **fields: Any) -> None:
        if unnamed:
            names = ", ".join(f"{field.name}=..." for field in fields_of if field.init)
            raise TypeError(
                f"expected every field by its name, {cls.__name__}({names}), got {len(unnamed)} without a name"
            )
        own(self, **fields)
        for name, compute in computed.items():
            object.__setattr__(self, name, compute(self))

    return init


def _equal(self: Any, other: Any) -> bool:
    if type(self) is not type(other):
        return NotImplemented
    mine, my_shape = jax.tree.flatten(self)
    theirs, their_shape = jax.tree.flatten(other)
    return my_shape == their_shape and all(np.array_equal(a, b) for a, b in zip(mine, theirs, strict=True))


def _numbers(value: Any) -> list[float]:
    return [_number(v) for v in np.ravel(value)]


def _number(value: Any) -> float:
    try:
        return float(value)
    except OverflowError:  # a whole number of hundreds of digits
        return math.inf


def _each(expected: str, holds: Callable[[float], bool]) -> Check:
    return Check(expected, lambda value: all(map(holds, _numbers(value))))


finite = _each("finite", math.isfinite)
positive = _each("> 0 and finite", lambda v: 0 < v < math.inf)
not_negative = _each(">= 0 and finite", lambda v: 0 <= v < math.inf)
below_one = _each(">= 0 and < 1", lambda v: 0 <= v < 1)


def at_least(least: float) -> Check:
    """A check for numbers >= least."""
    return _each(f">= {least}", lambda v: least <= v < math.inf)


def between(low: float, high: float) -> Check:
    """A check for numbers from low to high, both included."""
    return _each(f"between {low} and {high}", lambda v: low <= v <= high)


def one_of(*choices: str) -> Check:
    """A check for one of these words."""
    return Check("one of " + ", ".join(map(repr, choices)), lambda value: value in choices)


def as_plain(value: Any) -> Any:
    """A hyper-parameter's value for TOML, JSON and screens: numbers, strings, lists, tables; a function as its name."""
    if isinstance(value, (jax.Array, np.ndarray, np.generic)):
        return np.asarray(value).tolist()
    if isinstance(value, (tuple, list)):
        return [as_plain(v) for v in value]
    if isinstance(value, Mapping):
        return {k: as_plain(v) for k, v in value.items()}
    if callable(value):
        return f"{value.__module__}:{value.__qualname__}" if hasattr(value, "__qualname__") else repr(value)
    return value
