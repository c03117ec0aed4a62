"""Errors that a user can cause or see: each message says what was expected, what was received, and what to do.

The command line catches the base class in one place, and shows one line with exit code 2. Any other exception keeps its
traceback: it is a bug in MeVa.
"""

import difflib
import importlib
import os
from collections.abc import Iterable
from typing import Any

LONGEST = 600  # characters of a message: a value that it quotes may be as long as a file


class MevaError(Exception):
    """Bad input, in one line. Exit code 2."""

    exit_code = 2


class UnknownName(MevaError):
    """A name of a game, learner, recipe, ... that no installed plugin or file offers."""


class BadValue(MevaError):
    """A hyper-parameter of the wrong name, type or range; `path` says which one, as in `learner.rate`."""


class BadCombination(MevaError):
    """Parts that do not fit together."""


class BadPlugin(MevaError):
    """A plugin that fails to import, offers a name that is taken, or returns a value that breaks its contract."""


class BadFolder(MevaError):
    """A run folder or file that cannot be used."""


class Unwritable(MevaError):
    """A disk that is full or read-only, which is not bad input. Exit code 1."""

    exit_code = 1


class MissingLibrary(MevaError):
    """An optional library that is not installed, or whose installation is broken.

    extra: the extra of MeVa that installs it. got: "none", or the reason why it cannot be imported.
    """

    def __init__(self, library: str, extra: str, got: str = "none") -> None:
        super().__init__(library, extra, got)  # what it is made from again after pickling

    def __str__(self) -> str:
        library, extra, got = self.args
        return f'expected the library {library}, got {got}: pip install "meva[{extra}]"'


class Diverged(MevaError):
    """Numbers that became NaN or infinite during a fit or a match."""


class Lost(MevaError):
    """A worker that died with the job that it had. Exit code 1."""

    exit_code = 1


class Unreachable(Lost):
    """Workers or their scheduler that cannot be reached at present."""


class Remark(UserWarning):
    """A warning about input that is allowed, but probably a mistake; a command prints it once, in one line."""


def optional(module: str, extra: str = "") -> Any:
    """Import a module of an optional library.

    extra: the extra of MeVa that installs the library; by default it has the library's name. Raises MissingLibrary if
    the library is not installed, or if it lacks a library of its own.
    """
    library = module.partition(".")[0]
    extra = extra or library
    try:
        whole = importlib.import_module(library)
        imported = importlib.import_module(module)
    except ImportError as error:
        if isinstance(error, ModuleNotFoundError) and error.name == library:
            raise MissingLibrary(library, extra) from None
        raise MissingLibrary(library, extra, f"a broken one ({in_short(error)})") from error
    if getattr(whole, "__file__", None) is None:  # a folder of this name, which wandb leaves where it has run
        raise MissingLibrary(library, extra)
    return imported


def debugging() -> bool:
    """True if MEVA_DEBUG=1 asks for the traceback behind each one-line error."""
    return os.environ.get("MEVA_DEBUG", "") not in ("", "0")


def out_of_memory(error: BaseException) -> bool:
    """True for an error of Python or of jax that says that memory is exhausted. Jax's error is recognised by its text,
    so that jax need not be imported."""
    return isinstance(error, MemoryError) or (isinstance(error, RuntimeError) and "RESOURCE_EXHAUSTED" in str(error))


def in_short(error: BaseException, most: int = 300) -> str:
    """Type and message of an exception, at most `most` characters; a MevaError's message alone, since it is
    complete."""
    text = " ".join(str(error).split())
    text = text if len(text) <= most else f"{text[:most]} ..."
    if isinstance(error, MevaError):
        return text
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def did_you_mean(name: str, names: Iterable[str], *, most: int = 12) -> str:
    """A clause for the end of a message: the most similar name, and the names that exist."""
    names = sorted(names)
    near = difflib.get_close_matches(name, names, n=1, cutoff=0.5)
    guess = f" - did you mean {near[0]!r}?" if near else ""
    shown = ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")
    return f"{guess} (known: {shown})" if names else f"{guess} (none are known)"


def one_line(message: object) -> str:
    """A message in one line for a screen: unprintable characters are escaped, and the middle of a long text is cut."""
    text = "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in str(message))
    half = LONGEST // 2
    return text if len(text) <= LONGEST else f"{text[:half]} ... {text[5 - half :]}"
