"""The examples run, and say what they say they say."""

import re
import runpy
from pathlib import Path

EXAMPLES = Path(__file__).parent.parent / "examples"


def test_sweep_look_ahead(capsys):
    runpy.run_path(str(EXAMPLES / "sweep_look_ahead.py"))
    cells = [int(n) for n in re.findall(r": (\d+) of 841", capsys.readouterr().out)]
    # Naive learning goes where it is nearest to: the diagonal through the origin splits the grid in halves, and
    # LOLA grows B's basin.
    assert abs(cells[0] - 841 / 2) < 29
    assert cells[1] > cells[0]
