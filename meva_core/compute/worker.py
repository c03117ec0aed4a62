"""The function that workers call: it does some tasks of a study, and returns how each of them ended."""

from __future__ import annotations

import importlib.metadata
import pickle
import platform
import threading
import traceback
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from meva_core.compute import devices
from meva_core.compute.messages import Reporter
from meva_core.errors import BadFolder, BadPlugin, BadValue, MevaError, Remark, in_short, out_of_memory
from meva_core.registry import attribution
from meva_core.registry.discovery import PluginWarning

_ONE_AT_A_TIME = threading.Lock()  # if workers have several threads
RETURNED, RAISED, FAILED = "returned", "raised", "failed"


def work(folder: str, version: str, tasks: Sequence[tuple[int, bytes]]) -> list[tuple[int, str, Any]]:
    """Do the pickled tasks in order. folder: that of the study's messages. version: that of meva there.

    Returns for every task its index, and "returned" with what it returned, "raised" with an error for the user, or
    "failed" with a traceback. The tasks after one that did not return are left out, and so is one that a signal
    stopped.
    """
    here, outcomes = platform.node(), []
    for n, pickled in tasks:
        try:
            with _ONE_AT_A_TIME:
                outcomes.append((n, RETURNED, _done(Path(folder), version, n, pickled)))
        except MevaError as error:
            outcomes.append((n, RAISED, _plain(error)(f"{error} (on worker {here})")))
        except OSError as error:  # a full disk
            outcomes.append((n, RAISED, error))
        except KeyboardInterrupt:  # the study stops, or the machine wants this process to
            break
        except Exception as error:
            if out_of_memory(error):
                outcomes.append((n, RAISED, MemoryError(f"{in_short(error)}, on worker {here}")))
            else:
                outcomes.append((n, FAILED, "".join(traceback.format_exception(error))))
        if outcomes[-1][1] != RETURNED:
            break
    return outcomes


def _plain(error: MevaError) -> type[MevaError]:
    """The class of an error, or the nearest of its bases, that every process has and that takes a message alone."""
    known = (cls for cls in type(error).__mro__ if cls.__module__ == MevaError.__module__)
    return next(cls for cls in known if cls.__init__ is Exception.__init__)


def _done(folder: Path, version: str, n: int, pickled: bytes) -> Any:
    mine = importlib.metadata.version("meva")
    if mine != version:
        raise BadPlugin(f"expected meva {version} as in the study, got {mine}: install the same version")
    if not folder.is_dir():
        raise BadFolder(f"expected a folder that all machines see, got {folder}: choose another disk with --out")
    devices.prepare()
    with warnings.catch_warnings(), attribution.named():
        for category in (PluginWarning, Remark):  # the study warns already
            warnings.simplefilter("ignore", category)
        return _loaded(pickled).do(Reporter(folder, n))


def _loaded(pickled: bytes) -> Any:
    try:
        return pickle.loads(pickled)  # noqa: S301 - it comes from the study, by the way that its calls come
    except ModuleNotFoundError as error:
        raise BadPlugin(f"expected the module {error.name}, got none: install its plugin there too") from error
    except AttributeError as error:
        raise BadValue(f"expected the plugins of the study, got others: {error}") from error
