"""Abstract checks of what a component returns: shapes and types only, so nothing is compiled."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, NoReturn

import attrs
import jax
import jax.numpy as jnp
import numpy as np

from meva_core.contracts.abstract import abstract, describe, difference
from meva_core.errors import MevaError, in_short, out_of_memory
from meva_core.registry.entries import Offer

NUMBERS = tuple("biufcV")  # kinds of dtypes: booleans, numbers, and those of ml_dtypes, such as bfloat16


@attrs.frozen
class Asked:
    """A component under check and the offer that it comes from. Every method raises BadPlugin if a check fails."""

    offer: Offer
    component: Any

    def refuse(self, what: str, expected: str, got: Any) -> NoReturn:
        """Raise BadPlugin: `what` was expected to be `expected`, and is `got`."""
        raise self.offer.fault(f"{what}: expected {expected}, got {describe(got)}")

    def answer(self, what: str, ask: Callable[[], Any]) -> Any:
        """The result of `ask`. An exception becomes a BadPlugin that names the plugin, unless it is a
        MevaError or says that memory is exhausted."""
        try:
            return ask()
        except MevaError:
            raise
        except (Exception, SystemExit) as error:
            if out_of_memory(error):
                raise
            raise self.offer.fault(f"{what} raises {in_short(error)}", raised=True) from error

    def attribute(self, name: str, expected: str, accepts: Callable[[Any], bool]) -> Any:
        """An attribute of the component, if `accepts` is true for it."""
        value = self.answer(name, lambda: getattr(self.component, name))
        if not self.answer(name, lambda: accepts(value)):
            self.refuse(name, expected, value)
        return value

    def shapes(self, what: str, method: str, *args: Any, static: tuple = ()) -> Any:
        """Shapes of the result of a method, as ShapeDtypeStructs. args: abstract; static: concrete ones after them."""
        return self.answer(what, lambda: jax.eval_shape(_caller(method, static), abstract(self.component), *args))

    def array(self, what: str, got: Any, *shape: int | None) -> Any:
        """The array `got`, if it holds floats of this shape; None in `shape` allows any size."""
        fits = hasattr(got, "shape") and len(got.shape) == len(shape)
        fits = fits and all(want in (None, have) for want, have in zip(shape, got.shape, strict=True))
        if not fits or got.dtype not in (jnp.float32, jnp.result_type(float)):
            self.refuse(what, f"float32[{','.join('N' if n is None else str(n) for n in shape)}]", got)
        return got

    def same(self, what: str, got: Any, before: Any) -> None:
        """Check that `got` has the same structure, shapes and types as `before`."""
        if (change := difference(got, before)) is not None:
            where, old, new = change
            self.refuse(f"{what}{where}", describe(old), new)

    def tree(self, what: str, got: Any) -> Any:
        """The value `got`, if it is a tree of arrays of numbers."""
        for leaf in jax.tree.leaves(got):
            kind = getattr(getattr(leaf, "dtype", np.dtype(type(leaf))), "kind", None)
            if not isinstance(leaf, (jax.Array, np.ndarray, np.generic, float, int)) or kind not in NUMBERS:
                self.refuse(what, "a tree of arrays", leaf)
        return got

    def pair(self, what: str, got: Any) -> tuple:
        """The value `got`, if it is a pair."""
        if not isinstance(got, tuple) or len(got) != 2:
            self.refuse(what, "a pair", got)
        return got


def whole(value: Any) -> bool:
    """True for a whole number >= 1."""
    return isinstance(value, (int, np.integer)) and not isinstance(value, bool) and int(value) >= 1


@functools.cache
def _caller(method: str, static: tuple) -> Callable[..., Any]:
    """A call of a method as a jitted function: its cache avoids a second trace for the same shapes."""
    return jax.jit(lambda component, *args: getattr(component, method)(*args, *static))
