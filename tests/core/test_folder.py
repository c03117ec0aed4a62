"""Run folders: what is new."""

import pytest

from meva_core.errors import BadFolder
from meva_core.storage import run_folder


@pytest.mark.parametrize("left", run_folder.LEFTOVERS)
def test_a_folder_whose_making_was_cut_short_is_new(left, tmp_path):
    (tmp_path / left).touch()
    run_folder.new(tmp_path, "so")


def test_a_folder_with_anything_else_is_not(tmp_path):
    (tmp_path / "thesis.tex").touch()
    with pytest.raises(BadFolder, match="expected a new or empty folder"):
        run_folder.new(tmp_path, "so")
