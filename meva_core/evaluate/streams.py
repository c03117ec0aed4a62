"""Streams of random numbers: what is folded into a seed's key for each purpose, numbers that no two share.

The outer loops of a fit fold in 0, 1, 2, ... (`fitting`); everything else is far above them.
"""

from __future__ import annotations

import zlib

MATCHES = 2**32 - 6  # starts and steps of the matches of a run
TOURNAMENT = 2**32 - 7  # of those of a tournament
RESPONSES = 2**32 - 5  # fresh starts of best responses
RESERVED = range(2**32 - 64, 2**32)  # for numbers on record: `Evaluation.stream` of those that stay as they were
NAMED = range(2**31, 2**32 - 64)  # for all others, by their names


def of(name: str, on_record: int | None) -> int:
    """The number of an evaluation: the one on record, or else one made from its name."""
    return NAMED[zlib.crc32(name.encode()) % len(NAMED)] if on_record is None else on_record
