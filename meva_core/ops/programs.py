"""Programs that take long to compile, each compiled by one process, even if many processes need it at the same time.

`compile_once` and `call` compile a program while its lock is held. Who waited for the lock finds the program in jax's
cache on disk. `compute.compilation_cache` decides what the locks are, and `use` takes them; without it there are none.
"""

from __future__ import annotations

import hashlib
import weakref
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import jax
from jax.core import Tracer

_lock: Callable[[str], AbstractContextManager[Any]] | None = None
_compiled = weakref.WeakSet[Any]()  # traces of the programs that this process has compiled


def use(lock: Callable[[str], AbstractContextManager[Any]] | None) -> None:
    """Hold lock(name) while a program is compiled. Its name says what it computes, the same in all processes."""
    global _lock
    _lock = lock


def compile_once(function: Any, *args: Any, **kwargs: Any) -> None:
    """Compile a function of `jax.jit` for these arguments under the program's lock, and do not call it.

    A call with such arguments then compiles nothing. Does nothing without locks, for a program that this process has
    compiled, if an argument is traced, or under `jax.disable_jit`.
    """
    if _lock is None or jax.config.jax_disable_jit:  # type: ignore[attr-defined]
        return
    if any(isinstance(leaf, Tracer) for leaf in jax.tree.leaves((args, kwargs))):
        return
    traced = function.trace(*args, **kwargs)
    if traced.jaxpr in _compiled:
        return
    lowered = traced.lower()
    with _lock(hashlib.sha256(lowered.as_text().encode()).hexdigest()):
        lowered.compile()
    _compiled.add(traced.jaxpr)


def call(function: Any, *args: Any, **kwargs: Any) -> Any:
    """Call a function of `jax.jit`, after `compile_once`.

    >>> call(jax.jit(jnp.square), 3.0).item()
    9.0
    """
    compile_once(function, *args, **kwargs)
    return function(*args, **kwargs)
