"""A stranger's component, asked for what its contract promises: in the abstract, so that nothing is compiled."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, NoReturn

import attrs
import jax
import jax.numpy as jnp
import numpy as np

from meva_core.contracts.abstract import abstract, difference, told
from meva_core.errors import MevaError, in_short
from meva_core.registry.entries import Offer


@attrs.frozen
class Asked:
    """A component that is asked for what its contract promises, and who answers for it. BadPlugin where it does not."""

    offer: Offer
    component: Any

    def refuse(self, what: str, expected: str, got: Any) -> NoReturn:
        """BadPlugin."""
        raise self.offer.fault(f"{what}: expected {expected}, got {told(got)}")

    def answer(self, what: str, ask: Callable[[], Any]) -> Any:
        """Result of `ask`. An exception is reported as the plugin's, unless it is a MevaError, which says it all."""
        try:
            return ask()
        except MevaError:
            raise
        except (Exception, SystemExit) as error:
            raise self.offer.fault(f"{what} raises {in_short(error)}", raised=True) from error

    def attribute(self, name: str, expected: str, accepts: Callable[[Any], bool]) -> Any:
        """A plain value."""
        value = self.answer(name, lambda: getattr(self.component, name))
        if not self.answer(name, lambda: accepts(value)):
            self.refuse(name, expected, value)
        return value

    def shapes(self, what: str, method: str, *args: Any, static: tuple = ()) -> Any:
        """Shapes of what a method returns, as ShapeDtypeStructs. args: in the abstract; static: those after them."""
        return self.answer(what, lambda: jax.eval_shape(_caller(method, static), abstract(self.component), *args))

    def array(self, what: str, got: Any, *shape: int | None) -> Any:
        """Refused if not floats of this shape; None: any number."""
        fits = hasattr(got, "shape") and len(got.shape) == len(shape)
        fits = fits and all(want in (None, have) for want, have in zip(shape, got.shape, strict=True))
        if not fits or got.dtype not in (jnp.float32, jnp.result_type(float)):
            self.refuse(what, f"float32[{','.join('N' if n is None else str(n) for n in shape)}]", got)
        return got

    def same(self, what: str, got: Any, before: Any) -> None:
        """Refused if not of one structure, shapes and types with what was before."""
        if (found := difference(got, before)) is not None:
            where, old, new = found
            self.refuse(f"{what}{where}", told(old), new)

    def pair(self, what: str, got: Any) -> tuple:
        """Refused if not two."""
        if not isinstance(got, tuple) or len(got) != 2:
            self.refuse(what, "a pair", got)
        return got


def whole(value: Any) -> bool:
    """True for a whole number >= 1."""
    return isinstance(value, (int, np.integer)) and not isinstance(value, bool) and int(value) >= 1


@functools.cache
def _caller(method: str, static: tuple) -> Callable[..., Any]:
    """Under jit for its memory: what was traced with these shapes before is not traced again."""
    return jax.jit(lambda component, *args: getattr(component, method)(*args, *static))
