"""Streams of random numbers: the numbers that keys are folded with, each for a purpose that no other shares.

Two kinds of keys are folded. A seed's key: with 0, 1, 2, ... for the outer loops of its fit, and far above them with
the numbers below and those of evaluations (`Evaluation.stream`). The key of a match: with 0, 1, 2, ... for its players,
and with `FIRST_STATES`. What else is folded, a seat or a step say, is folded into a key that one of these made.
"""

from __future__ import annotations

import zlib

FRESH_FIT = 2**32 - 1  # of a seed: the state that its fit begins with
RESPONSES = 2**32 - 5  # of a seed: fresh starts of best responses
MATCHES = 2**32 - 6  # of a seed: starts and steps of the matches of a run
TOURNAMENT = 2**32 - 7  # of a seed: those of a tournament
RESERVED = range(2**32 - 64, 2**32)  # of a seed: evaluations whose numbers are on record, and what stands above
NAMED = range(2**31, 2**32 - 64)  # of a seed: all other evaluations, by their names
FIRST_STATES = 2**32 - 1  # of a match: the states that its players begin with
LOOPS = range(2**31)  # of a seed: the outer loops of its fit


def of(name: str, on_record: int | None) -> int:
    """The number of an evaluation: the one on record, or else one made from its name."""
    return NAMED[zlib.crc32(name.encode()) % len(NAMED)] if on_record is None else on_record
