"""The state with which a learner begins a trajectory, for all code that plays learners."""

from __future__ import annotations

import functools
import inspect
import warnings
from typing import Any

from jax import Array

from meva_core.contracts.protocols import Learner

PyTree = Any


def first_state(learner: Learner, params: PyTree, x: Array, key: Array) -> PyTree:
    """Return `learner.init(params, x, key)` for the joint policy x f32[P, D] and a random key that is used only here.

    For a learner of contract 1, whose `init` takes no key, calls `init(params, x)` with a DeprecationWarning.
    """
    cls = type(learner)
    if _takes_key(cls):
        return learner.init(params, x, key)
    warnings.warn(
        f"{cls.__module__}.{cls.__qualname__}.init(params, x): expected init(params, x, key): add the argument key",
        DeprecationWarning,
        stacklevel=2,
    )
    return learner.init(params, x)  # pyright: ignore[reportCallIssue]


@functools.cache
def _takes_key(cls: type) -> bool:
    try:
        inspect.signature(cls.init).bind("self", "params", "x", "key")  # type: ignore[attr-defined]
    except TypeError:
        return False
    return True
