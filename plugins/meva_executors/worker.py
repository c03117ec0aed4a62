"""The module that Dask runs first in each worker of a cluster on this machine (a preload)."""

import json
import os
import signal
from typing import Any

ENVIRONMENTS = "MEVA_WORKERS"  # variable with the variables of each worker, as JSON


def dask_setup(worker: Any) -> None:
    """Take the worker's own cores and GPUs, and ignore Ctrl-C, which a terminal sends to all processes: the study tells
    its runs to save, and then stops."""
    os.environ.update(json.loads(os.environ[ENVIRONMENTS])[worker.name])  # numbers from 0, also if it is a second one
    signal.signal(signal.SIGINT, signal.SIG_IGN)
