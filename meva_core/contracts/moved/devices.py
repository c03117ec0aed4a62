"""Moved to `meva_core.ops`."""

from meva_core import ops as _new
from meva_core.contracts.moved_names import forward

__getattr__ = forward(__name__, _new)
