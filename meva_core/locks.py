"""One process per folder: a file named `lock`, held by the system for as long as its process lives.

A process that was killed holds nothing: the next one takes over what it left.
"""

from __future__ import annotations

import contextlib
import datetime
import json
import os
import platform
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO

from meva_core import disk
from meva_core.errors import BadFolder

NAME = "lock"
_SECONDS = 0.5  # between two looks at a lock that is waited for


@contextlib.contextmanager
def alone(folder: Path, *, wait: Callable[[str], None] | None = None) -> Iterator[None]:
    """Nobody else in the folder, which is made where it is missing. BadFolder says who is in it; with `wait`, which
    is told so, they are waited for. BadFolder or Unwritable where it cannot be written.

    On systems without `fcntl` nobody is kept out.
    """
    try:
        import fcntl
    except ImportError:
        yield
        return
    path, told = folder / NAME, False
    while True:
        file = _opened(path)
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            if not isinstance(error, BlockingIOError):  # a disk without locks
                file.close()
                raise disk.refused(error, f"expected a folder that can be locked, got {folder}") from error
            holder = _holder(file)
            file.close()
            if wait is None:
                raise BadFolder(
                    f"expected a folder that nobody else works in, got {folder}: {holder} does; wait for it, or stop it"
                ) from error
            if not told:
                wait(f"waiting for {holder}, who works in {folder}")
            told = True
            time.sleep(_SECONDS)
            continue
        if _is_there(path, file):
            break
        file.close()  # its holder took it away before we had it
    try:
        _sign(file)
        yield
    finally:
        with contextlib.suppress(OSError):
            path.unlink()
        file.close()


def _opened(path: Path) -> IO[str]:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        return open(path, "a+", encoding="utf-8")
    except OSError as error:
        raise disk.refused(error, f"expected a folder that can be written, got {path.parent}") from error


def _is_there(path: Path, file: IO[str]) -> bool:
    with contextlib.suppress(OSError):
        return os.path.samestat(os.stat(path), os.fstat(file.fileno()))
    return False


def _sign(file: IO[str]) -> None:
    told = {
        "pid": os.getpid(),
        "host": platform.node(),
        "since": f"{datetime.datetime.now():%Y-%m-%d %H:%M}",
        "command": " ".join([Path(sys.argv[0]).name, *sys.argv[1:]])[:200],
    }
    with contextlib.suppress(OSError):  # a full disk: the lock is held all the same
        file.truncate(0)
        file.write(json.dumps(told) + "\n")
        file.flush()


def _holder(file: IO[str]) -> str:
    try:
        file.seek(0)
        told = json.loads(file.read())
        return f"process {told['pid']} on {told['host']} (since {told['since']}: {told['command']})"
    except (ValueError, KeyError, TypeError, OSError):
        return "another process"
