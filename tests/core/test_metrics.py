"""metrics.jsonl: what was written is read back, what is damaged is missing."""

import json

import numpy as np
import pytest

from meva_core.fitting import Chunk
from meva_core.storage import metrics

SEEDS = [3, 5]


def chunk(loops, values):
    return Chunk(loops, None, {"loss": np.asarray(values, np.float32)})


@pytest.fixture
def out(tmp_path):
    metrics.append(tmp_path, "learner", SEEDS, chunk(2, [[1, 2], [3, np.nan]]))
    metrics.append(tmp_path, "opponent", SEEDS, chunk(1, [[7], [8]]))
    metrics.append(tmp_path, "learner", SEEDS, chunk(3, [[5], [6]]))
    return tmp_path


def test_what_was_written_is_read_back(out):
    found, missing = metrics.read(out, "learner", SEEDS, 3)
    np.testing.assert_array_equal(found["loss"], [[1, 2, 5], [3, np.nan, 6]])
    assert missing == 0
    assert metrics.read(out, "opponent", SEEDS, 1)[0]["loss"].tolist() == [[7], [8]]


def test_loops_that_will_be_done_again_are_cut(out):
    metrics.cut(out, "learner", 2)
    assert metrics.read(out, "learner", SEEDS, 3)[1] == 2
    assert metrics.read(out, "opponent", SEEDS, 1)[1] == 0


def test_where_nothing_is_cut_nothing_is_written(out, monkeypatch):
    monkeypatch.setattr(metrics.files, "write", lambda *_: pytest.fail("written"))
    metrics.cut(out, "learner", 3)
    metrics.cut(out / "nosuch", "learner", 3)


DAMAGED = [
    "{",
    "",
    "[]",
    "null",
    '{"fit": "learner", "seed": 3}',
    '{"fit": "learner", "seed": 3, "loop": -1}',
    '{"fit": "learner", "seed": true, "loop": 0, "loss": 1.0}',
    '{"fit": "learner", "seed": 3, "loop": 0, "loss": "low"}',
    '{"fit": "learner", "seed": 3, "loop": 0, "loss": NaN}',
    '{"fit": "learner", "seed": 3, "loop": 0, "loss": Infinity}',
    '{"fit": "learner", "seed": 3, "loop": 0, "loss": 1e300}',
    '{"fit": "learner", "seed": 3, "loop": 0, "loss": 1' + "0" * 400 + "}",
    "[" * 10**5,
]


@pytest.mark.parametrize("line", DAMAGED, ids=range(len(DAMAGED)))
def test_damaged_lines_are_missing(line, out):
    lines = (out / metrics.NAME).read_text().splitlines()
    assert json.loads(lines[0])["seed"] == 3
    (out / metrics.NAME).write_text("\n".join([line, *lines[1:]]) + "\n")
    found, missing = metrics.read(out, "learner", SEEDS, 3)
    np.testing.assert_array_equal(found["loss"], [[np.nan, 2, 5], [3, np.nan, 6]])
    assert missing == 1
    metrics.cut(out, "learner", 3)
    assert (out / metrics.NAME).read_text().splitlines() == lines[1:]
