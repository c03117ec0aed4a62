"""Moved to `meva_core.contracts`."""

from meva_core.contracts import protocols as _new
from meva_core.contracts.moved_names import forward

__getattr__ = forward(__name__, _new)
