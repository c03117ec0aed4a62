"""Run folders: what is new."""

import pytest

from meva_core.errors import BadFolder
from meva_core.report import folder


@pytest.mark.parametrize("left", folder.LEFTOVERS)
def test_a_folder_whose_making_was_cut_short_is_new(left, tmp_path):
    (tmp_path / left).touch()
    folder.new(tmp_path, "so")


def test_a_folder_with_anything_else_is_not(tmp_path):
    (tmp_path / "thesis.tex").touch()
    with pytest.raises(BadFolder, match="expected a new or empty folder"):
        folder.new(tmp_path, "so")
