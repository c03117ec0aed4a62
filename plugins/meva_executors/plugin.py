"""Entries of this plugin. Imports nothing heavy."""

from collections.abc import Iterable

from meva_core.contracts import Entry, hookimpl


@hookimpl
def meva_executors() -> Iterable[Entry]:
    yield Entry(
        "dask", "meva_executors.dask:Dask", "workers of a Dask cluster, or of one that it starts on this machine"
    )
    yield Entry("slurm", "meva_executors.slurm:Slurm", "jobs of a SLURM cluster, submitted with submitit")
