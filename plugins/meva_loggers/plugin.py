"""Entries of this plugin. Imports nothing heavy."""

from collections.abc import Iterable

from meva_core.contracts import Entry, hookimpl


@hookimpl
def meva_loggers() -> Iterable[Entry]:
    yield Entry("tensorboard", "meva_loggers.tensorboard:TensorBoard", "event files for TensorBoard, by tensorboardX")
    yield Entry("wandb", "meva_loggers.wandb:WeightsAndBiases", "a run of Weights & Biases, online or offline")
