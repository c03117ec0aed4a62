"""Import paths of before: they work, and say where their names are now."""

import importlib

import pytest

from meva_core import contracts, ops


@pytest.mark.parametrize(
    ("module", "name", "home"),
    [
        ("component", "leaf", contracts),
        ("hookspecs", "Entry", contracts),
        ("protocols", "Game", contracts),
        ("devices", "mean_over_batch", ops),
    ],
)
def test_an_import_path_of_before_warns_and_works(module, name, home):
    old = importlib.import_module(f"meva_core.{module}")
    with pytest.warns(DeprecationWarning, match=f"meva_core.{module} has moved: import {name} from {home.__name__}"):
        moved = getattr(old, name)
    assert moved is getattr(home, name)


def test_a_name_that_never_was_is_an_error():
    with pytest.raises(AttributeError, match="nosuch"):
        importlib.import_module("meva_core.component").nosuch  # noqa: B018
