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
from meva_core.compute.messages import STOP, Told
from meva_core.errors import BadFolder, BadPlugin, BadValue, Lost, MevaError, Remark
from meva_core.registry import attribution
from meva_core.registry.discovery import PluginWarning

_ONE_AT_A_TIME = threading.Lock()  # if workers have several threads
RETURNED, RAISED, FAILED = "returned", "raised", "failed"


def work(folder: str, version: str, tasks: Sequence[tuple[int, bytes]]) -> list[tuple[int, str, Any]]:
    """Do the pickled tasks in order. folder: that of the study's messages. version: that of meva there.

    Returns for every task its index, and "returned" with what it returned, "raised" with a MevaError or an OSError, or
    "failed" with a traceback. The tasks after one that raised are left out. Raises Lost if a signal stops this process.
    """
    here, outcomes = platform.node(), []
    for n, pickled in tasks:
        try:
            with _ONE_AT_A_TIME:
                outcomes.append((n, RETURNED, _done(Path(folder), version, n, pickled)))
        except MevaError as error:
            outcomes.append((n, RAISED, type(error)(f"{error} (on worker {here})")))
        except OSError as error:  # a full disk
            outcomes.append((n, RAISED, error))
        except KeyboardInterrupt as error:
            if Path(folder).exists() and not (Path(folder) / STOP).exists():
                raise Lost(f"worker {here} was stopped by a signal") from error
        except Exception as error:
            outcomes.append((n, FAILED, "".join(traceback.format_exception(error))))
        if not outcomes or outcomes[-1][1] != RETURNED:
            break
    return outcomes


def _done(folder: Path, version: str, n: int, pickled: bytes) -> Any:
    mine = importlib.metadata.version("meva")
    if mine != version:
        raise BadPlugin(f"expected meva {version} as in the study, got {mine}: install the same version")
    if not folder.is_dir():
        raise BadFolder(f"expected a folder that all machines see, got {folder}: choose another disk with --out")
    for category in (PluginWarning, Remark):  # the study warns already
        warnings.simplefilter("ignore", category)
    devices.prepare()
    with attribution.named():
        return _loaded(pickled).do(Told(folder, n))


def _loaded(pickled: bytes) -> Any:
    try:
        return pickle.loads(pickled)  # noqa: S301 - it comes from the study, by the way that its calls come
    except ModuleNotFoundError as error:
        raise BadPlugin(f"expected the module {error.name}, got none: install its plugin there too") from error
    except AttributeError as error:
        raise BadValue(f"expected the plugins of the study, got others: {error}") from error
