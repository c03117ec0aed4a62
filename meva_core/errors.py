"""What can go wrong for a user: each message says what was expected, what came, and what to do.

One class is caught once, in the command line, and shown as one line with exit code 2. Anything else
keeps its traceback: it is a bug of ours.
"""

import difflib
import os
from collections.abc import Iterable

LONGEST = 600  # characters of a message: what came may be a file of them


class MevaError(Exception):
    """Bad input, in one line. Exit code 2."""

    exit_code = 2


class UnknownName(MevaError):
    """A game, learner, recipe, ... that nobody offers."""


class BadValue(MevaError):
    """A hyper-parameter of the wrong name, type or range; `path` says which, as in `learner.rate`."""


class BadCombination(MevaError):
    """Parts that do not fit together."""


class BadPlugin(MevaError):
    """A plugin that fails to import, offers what another offers, or returns something else than it should."""


class BadFolder(MevaError):
    """A run folder or file that cannot be used."""


class Unwritable(MevaError):
    """A disk that is full or read-only: no bad input. Exit code 1."""

    exit_code = 1


class Diverged(MevaError):
    """Numbers that turned NaN or infinite during a fit or a match."""


class Remark(UserWarning):
    """Something about what a user asked for that is allowed, and likely not what was meant; a command says it in one
    line, once."""


def debugging() -> bool:
    """Whether MEVA_DEBUG=1 asks for the tracebacks behind errors of one line."""
    return os.environ.get("MEVA_DEBUG", "") not in ("", "0")


def in_short(error: BaseException, most: int = 300) -> str:
    """Type and message, at most `most` letters of it; of bad input, which says it all, the message alone."""
    text = " ".join(str(error).split())
    text = text if len(text) <= most else f"{text[:most]} ..."
    if isinstance(error, MevaError):
        return text
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def did_you_mean(name: str, known: Iterable[str], *, most: int = 12) -> str:
    """A clause to end a message with: the nearest known name, and what there is."""
    known = sorted(known)
    near = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
    guess = f" - did you mean {near[0]!r}?" if near else ""
    shown = ", ".join(known[:most]) + (f" and {len(known) - most} more" if len(known) > most else "")
    return f"{guess} (known: {shown})" if known else f"{guess} (none are known)"


def one_line(message: object) -> str:
    """For a screen: what does not print is escaped, what is too long loses its middle."""
    text = "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in str(message))
    half = LONGEST // 2
    return text if len(text) <= LONGEST else f"{text[:half]} ... {text[5 - half :]}"
