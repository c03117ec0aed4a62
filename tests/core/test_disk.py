"""Files: whole or not at all, where they belong, and what a disk refuses is told with its name."""

import errno
import os

import numpy as np
import pytest

from meva_core.errors import BadFolder, BadValue, Unwritable
from meva_core.storage import files
from meva_core.studies.reproductions.data import parse


def full(*_):
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_what_was_there_stays_where_the_disk_is_full(tmp_path, monkeypatch):
    path = tmp_path / "file"
    files.write(path, "old")
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left on device") as caught:
        files.write(path, "new")
    assert caught.value.filename == str(path)
    assert [(file.name, file.read_text()) for file in tmp_path.iterdir()] == [("file", "old")]


def test_copies(tmp_path):
    (tmp_path / "from" / "deep").mkdir(parents=True)
    (tmp_path / "from" / "deep" / "file").write_text("new")
    (tmp_path / "to" / "deep").mkdir(parents=True)
    (tmp_path / "to" / "deep" / "file").write_text("old")
    files.copy(tmp_path / "from", tmp_path / "to")
    assert (tmp_path / "to" / "deep" / "file").read_text() == "new"


def test_arrays_are_what_any_numpy_reads(tmp_path):
    arrays = {"a": np.arange(3), "b": np.zeros((0, 2), np.float32)}
    for compress in (False, True):
        files.save_arrays(tmp_path / "x.npz", arrays, {"c": [1]}, compress=compress)
        found, meta = files.load_arrays(tmp_path / "x.npz")
        assert meta == {"c": [1]}
        with np.load(tmp_path / "x.npz") as file:
            for name, array in arrays.items():
                np.testing.assert_array_equal(file[name], array)
                np.testing.assert_array_equal(found[name], array)
                assert found[name].dtype == array.dtype


def test_what_takes_up_more_than_it_may_is_not_unpacked(tmp_path):
    files.save_arrays(tmp_path / "x.npz", {"a": np.zeros(10**6)}, compress=True)
    assert (tmp_path / "x.npz").stat().st_size < 10**5
    assert files.load_arrays(tmp_path / "x.npz", most=9 * 10**6)[0]["a"].size == 10**6
    with pytest.raises(BadFolder, match="damaged or foreign file"):
        files.load_arrays(tmp_path / "x.npz", most=7 * 10**6)


def test_a_missing_file_is_none(tmp_path):
    with pytest.raises(BadFolder, match="expected a file, got none"):
        files.load_arrays(tmp_path / "x.npz")


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("ipd--meva--naive", "ipd--meva--naive"),
        ("plugin:ipd", "plugin-ipd"),
        ("../../etc/passwd", "-..-etc-passwd"),
        ("/etc/passwd", "-etc-passwd"),
        ("a\0b\nc", "a-b-c"),
        ("..", "-"),
        ("γ=0.5", "γ-0.5"),
    ],
)
def test_names_stay_in_their_folder(text, name, tmp_path):
    assert files.file_name(text) == name
    assert (tmp_path / name).resolve().parent == tmp_path.resolve()


@pytest.mark.parametrize("name", ["../x", "/x", "..", ".x", "", "a/b", "a\0", "-x"])
def test_a_reproduction_writes_into_a_folder_of_its_own(name):
    with pytest.raises(BadValue, match="expected a name that can be a folder's"):
        parse(name, {}, {}, "here")


@pytest.mark.parametrize(
    ("number", "kind"),
    [(errno.ENOSPC, Unwritable), (errno.EROFS, Unwritable), (errno.EACCES, Unwritable), (errno.ENOTDIR, BadFolder)],
)
def test_whose_fault_it_is(number, kind):
    error = files.refused(OSError(number, os.strerror(number)), "expected a folder")
    assert type(error) is kind
    assert str(error) == f"expected a folder: {os.strerror(number)}"
