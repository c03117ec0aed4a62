"""Files that are written whole or not at all, and array files in which every byte is checked.

Arrays are stored in npz files, which plain NumPy reads. Each file ends with the SHA-256 of everything before it, as the
comment of the zip archive. Nothing is ever unpickled.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import io
import json
import os
import re
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from meva_core.errors import BadFolder, MevaError, Unwritable

PARTIAL = ".partial"
META = "meta"  # the name of the array that holds JSON about the others
_OF_THE_DISK = {errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM, errno.EIO}
_DIGEST = 64  # characters


def file_name(text: str) -> str:
    """Turn any text into a file name that cannot point outside its folder."""
    return re.sub(r"[^\w.+-]", "-", text).lstrip(".") or "-"


def file_name_of_its_own(text: str, longest: int = 120) -> str:
    """A file name for a text, with a few digits of its hash if other texts could share the name or it is too long."""
    name = file_name(text)
    if name == text and len(name) <= longest:
        return name
    return f"{name[:longest]}-{hashlib.sha256(text.encode()).hexdigest()[:8]}"


def write(path: Path, content: str | bytes) -> None:
    """Write a file atomically (temporary file, fsync, rename): on failure the old file stays. OSError names the
    file."""
    partial = path.with_name(path.name + PARTIAL)
    with naming(path):
        try:
            with open(partial, "wb") as file:
                file.write(content if isinstance(content, bytes) else content.encode(errors="backslashreplace"))
                file.flush()
                os.fsync(file.fileno())
            os.replace(partial, path)
        except OSError:
            with contextlib.suppress(OSError):
                partial.unlink()
            raise


def write_json(path: Path, content: Any) -> None:
    """Write JSON that people can read. Raises ValueError for NaN and infinity."""
    write(path, json.dumps(content, indent=1, allow_nan=False) + "\n")


def copy(source: Path, target: Path) -> None:
    """Copy a file, or all files of a folder, over existing ones. OSError names the file."""
    if source.is_dir():
        target.mkdir(parents=True, exist_ok=True)
        for path in source.iterdir():
            copy(path, target / path.name)
    else:
        write(target, source.read_bytes())


def refused(error: OSError, text: str) -> MevaError:
    """The error to raise if a user's path cannot be written: Unwritable if the disk is the reason, else BadFolder."""
    kind = Unwritable if error.errno in _OF_THE_DISK else BadFolder
    return kind(f"{text}: {error.strerror}")


@contextlib.contextmanager
def naming(path: Path) -> Iterator[None]:
    """Context manager for writing a file: it adds the file's name to an OSError, since that of a full disk has none."""
    try:
        yield
    except OSError as error:
        error.filename = error.filename or str(path)
        raise


def save_arrays(path: Path, arrays: Mapping[str, Any], meta: Any = None, *, compress: bool = False) -> None:
    """Write an npz file with its checksum; `meta` is anything that JSON can hold."""
    content: dict[str, Any] = dict(arrays)
    if meta is not None:
        content[META] = np.frombuffer(json.dumps(meta).encode(), np.uint8)
    buffer = io.BytesIO()
    (np.savez_compressed if compress else np.savez)(buffer, **content)
    with zipfile.ZipFile(buffer, "a") as archive:
        archive.comment = b"0" * _DIGEST
    data = buffer.getvalue()[:-_DIGEST]
    write(path, data + hashlib.sha256(data).hexdigest().encode())


def load_arrays(path: Path, *, most: int | None = None) -> tuple[dict[str, np.ndarray], Any]:
    """Read the arrays and the meta (or None) that `save_arrays` wrote. `most`: bytes that they may take up.

    Raises BadFolder if the file is truncated, altered (even by one bit), in another format, or larger than `most`.
    """
    with _opened(path, most) as file:
        arrays = {name: file[name] for name in file.files}
        return arrays, json.loads(arrays.pop(META).tobytes()) if META in arrays else None


def load_meta(path: Path, *, most: int) -> Any:
    """Read only the meta of an array file. Raises BadFolder if it is larger than `most` bytes, or the file is
    damaged."""
    with _opened(path, None) as file:
        if META not in file.files or file.zip.getinfo(f"{META}.npy").file_size > most:  # type: ignore[union-attr]
            raise ValueError("size")
        return json.loads(file[META].tobytes())


@contextlib.contextmanager
def _opened(path: Path, most: int | None) -> Iterator[Any]:
    """Open a checked npz file: damaged bytes raise BadFolder, and a failing disk raises OSError."""
    try:
        content = path.read_bytes()
    except (FileNotFoundError, IsADirectoryError, NotADirectoryError) as error:
        raise BadFolder(f"expected a file, got none: {path}") from error
    try:
        if hashlib.sha256(content[:-_DIGEST]).hexdigest().encode() != content[-_DIGEST:]:
            raise ValueError("checksum")
        with np.load(io.BytesIO(content), allow_pickle=False) as file:
            if most is not None and sum(entry.file_size for entry in file.zip.infolist()) > most:
                raise ValueError("size")
            yield file
    except MemoryError:
        raise
    except Exception as error:  # zipfile and numpy raise a dozen types of exceptions for broken bytes
        raise BadFolder(f"expected a whole file as MeVa writes it, got a damaged or foreign file: {path}") from error
