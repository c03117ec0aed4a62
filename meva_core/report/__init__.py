"""The report of a run: a result, its summary, tables, figures, and the run folder that holds them."""

from meva_core.report.result import Result

__all__ = ["Result"]
