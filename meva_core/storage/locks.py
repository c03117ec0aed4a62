"""One process per folder: the process holds a system lock on a file named `lock` for as long as it lives.

A killed process holds no lock, so the next process can use its folder. On a disk without such locks, filelock creates
the file `lock.claim` in the same folder, which the process renews as long as it lives. Others take it over at once if
they see that the process is dead, and after `LEASE` seconds without renewal if it was on another machine.
"""

from __future__ import annotations

import contextlib
import datetime
import errno
import json
import os
import platform
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO

from meva_core.errors import BadFolder
from meva_core.storage import files

NAME = "lock"
CLAIM = "lock.claim"
LEASE = 60.0  # seconds after which a claim that nobody renews belongs to nobody
_SECONDS = 0.5  # between two attempts to take a lock
_NO_LOCKS = {errno.ENOSYS, errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOTSUP}


@contextlib.contextmanager
def alone(
    folder: Path, *, wait: Callable[[str], None] | None = None, pulse: Callable[[], None] = lambda: None
) -> Iterator[None]:
    """Hold an exclusive lock on `folder`, which is created if missing.

    If another process holds it: raises BadFolder that names the holder, or, with `wait`, calls `wait(message)` and
    blocks, and calls `pulse` about once a second, which may raise. Raises BadFolder or Unwritable if the folder cannot
    be written.
    """
    path, waiting = folder / NAME, False
    while True:
        file = _opened(path)
        release = _claimed(file, folder, 2 * LEASE if waiting else _SECONDS, pulse)
        if release is None:
            holder = _holder(file)
            file.close()
            if wait is None:
                gone = f" (or remove {folder / CLAIM}, if it is gone)" if (folder / CLAIM).exists() else ""
                raise BadFolder(
                    f"expected a folder that no other process uses, got {folder}, which is in use by {holder}: "
                    f"wait for it, or stop it{gone}"
                )
            if not waiting:
                wait(f"waiting for {holder}, which uses {folder}")
            waiting = True
            pulse()
            time.sleep(_SECONDS)
            continue
        if _is_there(path, file):
            break
        release()
        file.close()  # the holder removed the file before this process got the lock
    try:
        _sign(file)
        yield
    finally:
        with contextlib.suppress(OSError):
            path.unlink()
        release()
        file.close()


def _claimed(file: IO[str], folder: Path, seconds: float, pulse: Callable[[], None]) -> Callable[[], object] | None:
    """Take the folder's lock, `file`. Returns a function that releases it; None if another process holds it.

    seconds: how long to try on a disk without locks, where only a longer look shows that a claim is not renewed.
    """
    try:
        import fcntl

        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return lambda: None  # closing the file releases it
    except ImportError:
        return _without_system(file, folder, seconds, pulse)
    except BlockingIOError:
        return None
    except OSError as error:
        if error.errno in _NO_LOCKS:
            return _without_system(file, folder, seconds, pulse)
        file.close()
        raise files.refused(error, f"expected a folder that can be locked, got {folder}") from error


def _without_system(
    file: IO[str], folder: Path, seconds: float, pulse: Callable[[], None]
) -> Callable[[], object] | None:
    """Take the lock of a folder on a disk where the system has no locks, like `_claimed`."""
    import filelock

    claim = filelock.SoftFileLease(folder / CLAIM, lease_duration=LEASE, thread_local=False)
    try:
        # The second try takes a dead process's lock.
        claim.acquire(timeout=seconds, poll_interval=_SECONDS / 10, cancel_check=lambda: pulse() is not None)
    except filelock.Timeout:
        return None
    except OSError as error:
        file.close()
        raise files.refused(error, f"expected a folder that can be locked, got {folder}") from error
    return claim.release


def _opened(path: Path) -> IO[str]:
    try:
        while True:
            path.parent.mkdir(parents=True, exist_ok=True)
            with contextlib.suppress(FileNotFoundError):  # a holder has just removed the folder that it is done with
                return open(path, "a+", encoding="utf-8")
    except OSError as error:
        raise files.refused(error, f"expected a folder that can be written, got {path.parent}") from error


def _is_there(path: Path, file: IO[str]) -> bool:
    with contextlib.suppress(OSError):
        return os.path.samestat(os.stat(path), os.fstat(file.fileno()))
    return False


def _sign(file: IO[str]) -> None:
    holder = {
        "pid": os.getpid(),
        "host": platform.node(),
        "since": f"{datetime.datetime.now():%Y-%m-%d %H:%M}",
        "command": " ".join([Path(sys.argv[0]).name, *sys.argv[1:]])[:200],
    }
    with contextlib.suppress(OSError):  # the disk may be full: the lock is held anyway
        file.truncate(0)
        file.write(json.dumps(holder) + "\n")
        file.flush()


def _holder(file: IO[str]) -> str:
    try:
        file.seek(0)
        holder = json.loads(file.read())
        return f"process {holder['pid']} on {holder['host']} (since {holder['since']}: {holder['command']})"
    except (ValueError, KeyError, TypeError, OSError):
        return "another process"
