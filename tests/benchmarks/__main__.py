"""Measures how fast MeVa is on this machine. Prints a table, and writes the same as JSON.

python tests/benchmarks                       all, some minutes
python tests/benchmarks fit seeds --json FILE

Ratios are what counts: what is compared is timed in turns in one process. No test asserts a time.
"""

from __future__ import annotations

import argparse
import json
import platform
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import episodes
import fit_speed
import jax
import play
import rules
import runs
from rich.console import Console
from rich.table import Table
from timing import Row, large_product

from meva_core.compute import devices

BENCHMARKS = {
    "fit": fit_speed.against_reference,
    "loop": fit_speed.one_loop,
    "seeds": fit_speed.seeds,
    "growth": fit_speed.growth,
    "launches": fit_speed.launches,
    "cost": fit_speed.cost,
    "matches": rules.matches,
    "pairs": rules.pairs,
    "coins": play.coin_game,
    "episodes": episodes.episodes,
    "lola_dice": episodes.lola_dice,
    "start": runs.start,
    "runs": runs.default_runs,
}


def main() -> None:
    """Run what is asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(BENCHMARKS)}; all unless given")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the numbers there too")
    asked = parser.parse_args()
    unknown = [name for name in asked.names if name not in BENCHMARKS]
    if unknown:
        parser.error(f"expected names of {', '.join(BENCHMARKS)}, got {unknown[0]!r}")
    devices.prepare()
    rows = [Row("machine", "large product", large_product() / 1e9, "GFLOP/s", "float32, 3072 x 3072")]
    for name in asked.names or BENCHMARKS:
        rows += BENCHMARKS[name]()
        print(f"{name} done", file=sys.stderr)
    table = Table(box=None)
    for column in ("", "", "value", "", ""):
        table.add_column(column, justify="right" if column else "left")
    for row in rows:
        table.add_row(row.benchmark, row.what, f"{row.value:.3g}", row.unit, row.note)
    Console(width=None if sys.stdout.isatty() else 120).print(table)
    if asked.json:
        machine = {"cores": devices.cores(), **devices.record(), "platform": platform.platform()}
        found = {"machine": machine, "jax": jax.__version__, "rows": [row._asdict() for row in rows]}
        asked.json.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


main()
