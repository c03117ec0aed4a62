"""The module that Dask runs first in each worker of a cluster on this machine (a preload)."""

import signal
from typing import Any


def dask_setup(worker: Any) -> None:
    """Ignore Ctrl-C, which a terminal sends to all processes: the study tells its runs to save, and then stops."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
