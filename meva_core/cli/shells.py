"""Completion in bash and zsh of words with = or :, such as `--game=ipd`, which click alone does not complete."""

from __future__ import annotations

import re
from typing import Any

from click.shell_completion import BashComplete, CompletionItem, ZshComplete, add_completion_class

_BREAKS = re.compile(r"[=:]+")
_OPTION = re.compile(r"--[\w-]+=")


def register() -> None:
    """Put these classes in the place of click's own."""
    for shell in (Bash, Zsh):
        add_completion_class(shell)


class Bash(BashComplete):
    """Completion for bash, which splits words at = and :, and replaces only what comes after the last of them."""

    _kept = ""  # the part of the last word that bash does not replace

    def get_completion_args(self) -> tuple[list[str], str]:
        """The words before the last one, and the last one, as they were typed."""
        args, last = super().get_completion_args()
        *before, whole = _joined([*args, last])
        self._kept = whole if _BREAKS.fullmatch(last) else whole.removesuffix(last)
        return before, whole

    def format_completion(self, item: CompletionItem[Any]) -> str:
        """The line that the shell reads: the type of the item, and what to put in place of the last part."""
        return f"{item.type},{item.value.removeprefix(self._kept)}"


class Zsh(ZshComplete):
    """Completion for zsh, which replaces the whole word, so that a value needs its `--option=` again. Zsh itself
    completes paths, and has to leave out what comes before them, up to the first =."""

    source_template = ZshComplete.source_template.replace("_path_files", "compset -P 1 '--*='; _path_files")

    def get_completions(self, args: list[str], incomplete: str) -> list[CompletionItem[Any]]:
        """The items for the last word."""
        items = super().get_completions(args, incomplete)
        if option := _OPTION.match(incomplete):
            for item in items:
                item.value = option[0] + item.value
        return items


def _joined(words: list[str]) -> list[str]:
    """Words that bash has split at = and :, in one piece again."""
    whole: list[str] = []
    for before, word in zip(["", *words], words, strict=False):
        if whole and (_BREAKS.fullmatch(word) or _BREAKS.fullmatch(before)):
            whole[-1] += word
        else:
            whole.append(word)
    return whole
