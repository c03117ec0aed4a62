"""Runs side by side: what differs in their experiments, and their numbers.

run       Run: the data of a finished run, from its folder or from a summary and the tables of an experiment
compare   Comparison: differences of runs, the settings that they share, their numbers there; as_csv: all numbers
text      a comparison for a screen, or as plain text
"""

from meva_core.report.comparison.compare import Comparison, Line, as_csv, compare
from meva_core.report.comparison.run import Quantity, Run, Statistic, of, read
from meva_core.report.comparison.text import as_text, drawn

__all__ = ["Comparison", "Line", "Quantity", "Run", "Statistic", "as_csv", "as_text", "compare", "drawn", "of", "read"]
