"""The result of a run."""

from __future__ import annotations

from typing import Any

import attrs

from meva_core.report import summary, tables
from meva_core.report.numbers import Numbers


@attrs.frozen(repr=False)
class Result(Numbers):
    """Numbers of a run. Its repr is the tables that `meva-run` prints."""

    def summary(self) -> dict[str, Any]:
        """The content of summary.json."""
        return summary.summarise(self)

    def __repr__(self) -> str:
        return tables.as_text(self.summary(), self.checked)
