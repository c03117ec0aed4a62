"""Files that are there whole or not at all, and arrays every byte of which is checked.

Arrays are npz files, which any numpy reads. The SHA-256 of everything before it stands at a file's very end, as the
zip archive's comment. Nothing is ever unpickled.
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
META = "meta"  # the name of the array that holds what is said about the others
_OF_THE_DISK = {errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM, errno.EIO}
_DIGEST = 64  # characters


def file_name(text: str) -> str:
    """One that stays in its folder, whatever names it is made of."""
    return re.sub(r"[^\w.+-]", "-", text).lstrip(".") or "-"


def file_name_of_its_own(text: str, longest: int = 120) -> str:
    """The file name of a text, with a few digits of its hash where other texts could share it or it is too long."""
    name = file_name(text)
    if name == text and len(name) <= longest:
        return name
    return f"{name[:longest]}-{hashlib.sha256(text.encode()).hexdigest()[:8]}"


def write(path: Path, content: str | bytes) -> None:
    """All of it or nothing: what was there before stays until the new file is on the disk. OSError names the file."""
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
    """As text that people can read."""
    write(path, json.dumps(content, indent=1, allow_nan=False) + "\n")


def copy(source: Path, target: Path) -> None:
    """A file, or all files of a folder; what is there already is overwritten. OSError names the file."""
    if source.is_dir():
        target.mkdir(parents=True, exist_ok=True)
        for path in source.iterdir():
            copy(path, target / path.name)
    else:
        write(target, source.read_bytes())


def refused(error: OSError, text: str) -> MevaError:
    """What to raise where a path of the user's cannot be written: of the disk's doing, or of the path's."""
    kind = Unwritable if error.errno in _OF_THE_DISK else BadFolder
    return kind(f"{text}: {error.strerror}")


@contextlib.contextmanager
def naming(path: Path) -> Iterator[None]:
    """Around the writing of a file: errors of a full disk do not say which it was."""
    try:
        yield
    except OSError as error:
        error.filename = error.filename or str(path)
        raise


def save_arrays(path: Path, arrays: Mapping[str, Any], meta: Any = None, *, compress: bool = False) -> None:
    """Write an npz file with its checksum; `meta` is anything that JSON can say."""
    found: dict[str, Any] = dict(arrays)
    if meta is not None:
        found[META] = np.frombuffer(json.dumps(meta).encode(), np.uint8)
    buffer = io.BytesIO()
    (np.savez_compressed if compress else np.savez)(buffer, **found)
    with zipfile.ZipFile(buffer, "a") as archive:
        archive.comment = b"0" * _DIGEST
    content = buffer.getvalue()[:-_DIGEST]
    write(path, content + hashlib.sha256(content).hexdigest().encode())


def load_arrays(path: Path, *, most: int | None = None) -> tuple[dict[str, np.ndarray], Any]:
    """What `save_arrays` wrote: the arrays, and meta or None. `most`: bytes that they may take up.

    BadFolder where the file is cut, altered in a single bit, of another make, or larger than that.
    """
    with _opened(path, most) as file:
        arrays = {name: file[name] for name in file.files}
        return arrays, json.loads(arrays.pop(META).tobytes()) if META in arrays else None


def load_meta(path: Path, *, most: int) -> Any:
    """Of these, meta alone. `most`: bytes that it may take up."""
    with _opened(path, None) as file:
        if META not in file.files or file.zip.getinfo(f"{META}.npy").file_size > most:  # type: ignore[union-attr]
            raise ValueError("size")
        return json.loads(file[META].tobytes())


@contextlib.contextmanager
def _opened(path: Path, most: int | None) -> Iterator[Any]:
    """What is wrong with the bytes of a file becomes a BadFolder; what is wrong with the disk stays an OSError."""
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
    except Exception as error:  # zipfile and numpy answer broken bytes with exceptions of a dozen kinds
        raise BadFolder(f"expected a whole file as MeVa writes it, got a damaged or foreign file: {path}") from error
