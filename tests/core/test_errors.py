"""Errors that users see: libraries that are missing or broken."""

import json
import sys

import pytest

from meva_core.errors import MissingLibrary, optional


@pytest.fixture
def installed(tmp_path, monkeypatch):
    """`installed(name, code)`: a library of this code that can be imported."""
    monkeypatch.syspath_prepend(tmp_path)

    def write(name, code):
        (tmp_path / f"{name}.py").write_text(code)
        monkeypatch.delitem(sys.modules, name, raising=False)

    return write


def test_a_library_that_is_installed_is_imported():
    assert optional("json.decoder").JSONDecoder is json.JSONDecoder


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("import no_such_library", "ModuleNotFoundError: No module named 'no_such_library'"),
        ("raise ImportError('wrong version of numpy')", "ImportError: wrong version of numpy"),
    ],
)
def test_a_library_that_lacks_another_one_is_broken(code, reason, installed):
    installed("half_installed", code)
    with pytest.raises(MissingLibrary) as caught:
        optional("half_installed", extra="half")
    got = f"got a broken one ({reason})"
    assert str(caught.value) == f'expected the library half_installed, {got}: pip install "meva[half]"'


def test_a_library_that_is_not_installed_is_missing(tmp_path, installed):
    (tmp_path / "only_a_folder").mkdir()
    for name in ("no_such_library", "only_a_folder"):
        with pytest.raises(MissingLibrary) as caught:
            optional(name)
        assert str(caught.value) == f'expected the library {name}, got none: pip install "meva[{name}]"'
