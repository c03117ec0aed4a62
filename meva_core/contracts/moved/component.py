"""Moved to `meva_core.contracts`."""

from meva_core.contracts import components as _components
from meva_core.contracts import hyperparameters as _hyperparameters
from meva_core.contracts import validators as _validators
from meva_core.contracts.moved_names import forward

__getattr__ = forward(__name__, _components, _hyperparameters, _validators)
