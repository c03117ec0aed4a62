"""Checks of arrays and of functions under the transformations of JAX, which all checks of the conformance kit share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

BATCH = 3
TOLERANCE, OF_LARGEST = 2e-4, 2e-5  # relative to each number and to the largest: float32 sums may run in another order


def check_array(what: str, value: Any, shape: tuple[int, ...]) -> None:
    """Check that a value is an array of this shape, of finite floats."""
    assert jnp.shape(value) == shape, f"{what}: expected shape {shape}, got {jnp.shape(value)}"
    assert jnp.issubdtype(jnp.result_type(value), jnp.floating), (
        f"{what}: expected floats, got {jnp.result_type(value)}"
    )
    assert np.all(np.isfinite(value)), f"{what}: expected finite numbers, got {value}"


def check_pytree(component: Any) -> None:
    """Check that a component survives `jax.tree.flatten`, and that its repr names it."""
    leaves, structure = jax.tree.flatten(component)
    rebuilt = jax.tree.unflatten(structure, leaves)
    name = type(component).__name__
    assert rebuilt == component, f"{name}: expected a component (meva_core.contracts) that survives jax.tree.flatten"
    assert name in repr(component), f"{name}: expected a repr that names it, got {component!r}"


def check_transforms(what: str, function: Callable[[Any], Any], batch: Any) -> None:
    """Check that jit agrees with eager execution, and vmap with a loop."""
    compiled = jax.jit(function)
    mapped = jax.jit(jax.vmap(function))(batch)
    singles = [jax.tree.map(lambda leaf, n=n: leaf[n], batch) for n in range(BATCH)]
    check_close(f"{what}: jit differs from calling it", compiled(singles[0]), function(singles[0]))
    for n, single in enumerate(singles):
        one = jax.tree.map(lambda leaf, n=n: leaf[n], mapped)
        check_close(f"{what}: vmap differs from a loop", one, compiled(single))


def counting(function: Callable[..., Any]) -> tuple[Callable[..., Any], list[None]]:
    """The function under jit, and a list that grows by one entry each time it is traced."""
    traced: list[None] = []

    def counted(*args: Any) -> Any:
        traced.append(None)
        return function(*args)

    return jax.jit(counted), traced


def check_close(message: str, actual: Any, expected: Any) -> None:
    """Check that two trees of arrays agree up to rounding."""

    def close(a: Array, b: Array) -> None:
        largest = np.max(np.abs(b), initial=0.0)
        np.testing.assert_allclose(a, b, rtol=TOLERANCE, atol=OF_LARGEST * largest, err_msg=message)

    jax.tree.map(close, actual, expected)


def check_pure(what: str, function: Callable[..., Any], component: Any, *args: Any) -> None:
    """Check that a second call or a changed number of the component does not compile again."""
    compiled, traced = counting(function)
    compiled(component, *args)
    compiled(component, *args)
    compiled(jax.tree.map(lambda leaf: leaf * 1.0 if isinstance(leaf, float) else leaf, component), *args)
    count = len(traced)
    assert count == 1, f"{what}: expected one compilation, got {count}: is a traced value part of the structure?"
