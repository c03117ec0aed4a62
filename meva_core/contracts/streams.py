"""Streams of random numbers: the numbers that are folded into keys, each for one purpose only.

A seed's key is folded with 0, 1, 2, ... for the outer loops of its fit, and with much larger numbers: those below and
those of evaluations (`Evaluation.stream`). The key of a match, and that of each of its steps, is folded with 0, 1, 2,
... for its players; the former also with `FIRST_STATES`, the latter with `EPISODES`. All other
numbers, such as a seat or a step, are folded into a key that results from one of these.
"""

from __future__ import annotations

import zlib

FRESH_FIT = 2**32 - 1  # of a seed: the initial state of its fit
RESPONSES = 2**32 - 5  # of a seed: fresh starts of best responses
MATCHES = 2**32 - 6  # of a seed: starts and steps of the matches of a run
TOURNAMENT = 2**32 - 7  # of a seed: the matches of a tournament
RESERVED = range(2**32 - 64, 2**32)  # of a seed: bundled evaluations with a fixed number, and the streams above
NAMED = range(2**31, 2**32 - 64)  # of a seed: all other evaluations, by their names or a number of their own
FIRST_STATES = 2**32 - 1  # of a match: the initial states of its players
EPISODES = 2**32 - 2  # of a step of a match: the episodes from which all players learn
LOOPS = range(2**31)  # of a seed: the outer loops of its fit


def of(name: str, on_record: int | None) -> int:
    """The number of an evaluation: its fixed number `on_record`, or else one computed from its name."""
    return NAMED[zlib.crc32(name.encode()) % len(NAMED)] if on_record is None else on_record
