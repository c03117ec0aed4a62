"""Plain text to reStructuredText: headings, tables and docstrings, with nothing left that Sphinx could misread."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterable, Sequence

_CODE = re.compile(r"(``?[^`]*[^`\s][^`]*``?)")
_SPECIAL = re.compile(r"([\\*|`]|_(?!\w)|(?<!\w)_)")
_MARK = re.compile(r"\.\.(?= |$)|__(?= |$)|:(?=\w[^:]*:)|>>>|([-=~^\"'#+.:_])\1{2,}$|[-+•](?= |$)")  # of a block
_LEFT, _RIGHT = r"[\s(\[{<'\"/:-]", r"[\s.,:;!?)\]}>'\"/-]"  # what literal text may stand beside
_SECTION = re.compile(r"(References|Examples?|Raises|Returns|Args|Arguments|Yields|Attributes|Notes?):$")
_ITEM = re.compile(r"(?:-|\d+\.) ")
_NAMED = re.compile(r"(\w[\w ,.-]*): (?=\S)")
_PROGRAM = re.compile(r"(from|import|class|def) |@\w")
_NAME = re.compile(r"\w[\w ,.-]*")  # of a setting or of a file's content


def text(plain: object) -> str:
    """One paragraph: `code` becomes literal, and characters with a meaning in reStructuredText are escaped.

    >>> text("a rate_ of `lola`, x* and [0, 1]")
    'a rate\\\\_ of ``lola``, x\\\\* and [0, 1]'
    """
    pieces = _CODE.split(" ".join(str(plain).split()))
    for n in range(0, len(pieces), 2):
        pieces[n] = _SPECIAL.sub(r"\\\1", pieces[n])
    for n in range(1, len(pieces), 2):
        before, after = pieces[n - 1][-1:] or "x" * (n > 1), pieces[n + 1][:1]
        left, right = ("" if re.match(may, c + " ") else "\\ " for may, c in ((_LEFT, before), (_RIGHT, after)))
        pieces[n] = f"{left}``{pieces[n].strip('` ')}``{right}"
    shown = "".join(pieces)
    return f"\\{shown}" if _MARK.match(shown) else shown


def code(plain: object) -> str:
    """Literal text; a dash for none."""
    return f"``{plain}``" if str(plain).strip() else "—"


def heading(title: str, line: str = "=") -> str:
    """A title, or with another line a section: "-", then "~"."""
    return f"{title}\n{line * (len(title) + 2)}\n"


def table(head: Sequence[str], rows: Iterable[Sequence[str]], widths: Sequence[int]) -> str:
    """A table of paragraphs that scrolls on a narrow screen. widths: shares of the columns."""
    shown = [".. list-table::", "   :header-rows: 1", f"   :widths: {' '.join(map(str, widths))}", ""]
    for row in (head, *rows):
        for n, cell in enumerate(row):
            first, *rest = (cell or " ").split("\n")
            shown.append(f"   {'* ' if n == 0 else '  '}- {first}".rstrip())
            shown += [f"       {line}".rstrip() for line in rest]
    return "\n".join(shown) + "\n"


def block(content: str, language: str = "text") -> str:
    """A block of code."""
    return f".. code-block:: {language}\n\n{textwrap.indent(content.strip(chr(10)), '   ')}\n"


def figure(path: str, caption: str, target: str = "") -> str:
    """A picture with the text below it. path: from the folder docs. target: the page that it links to, if any."""
    link = f"   :target: {target}\n" if target else ""
    return f".. figure:: /{path}\n   :alt: {caption}\n   :width: 100%\n{link}\n   {text(caption)}\n"


def toctree(pages: Iterable[str], *options: str) -> str:
    """The pages below this one. options: such as ":hidden:"."""
    lines = [":maxdepth: 1", *options, "", *pages]
    return ".. toctree::\n" + "".join(f"   {line}".rstrip() + "\n" for line in lines)


def docstring(plain: str) -> str:
    """A docstring in the style of this project: paragraphs, lists, `name: meaning` lines, indented formulas and
    programs, and sections such as References."""
    return "\n".join(_blocks(textwrap.dedent(plain).strip("\n").expandtabs().splitlines())).strip() + "\n"


def _blocks(lines: list[str]) -> list[str]:
    shown: list[str] = []
    for group in _groups(lines):
        first = group[0]
        if _SECTION.match(first):
            shown += [f".. rubric:: {first[:-1]}", "", *_blocks(_dedented(group[1:]))]
        elif first.startswith(" "):
            shown += [*_indented(_dedented(group)), ""]
        elif first.startswith(">>> "):
            shown += [*group, ""]
        else:
            shown += [*_paragraph(group), ""]
    return shown


def _groups(lines: list[str]) -> list[list[str]]:
    """Paragraphs. An indented part of several paragraphs is one group, and so is a section with its content."""
    groups: list[list[str]] = []
    gap = True
    for line in lines:
        if not line.strip():
            gap = True
            continue
        last = groups[-1] if groups else []
        next_table = last and last[-1].startswith(" ") and not line.startswith(" ") and line.endswith(":")
        belongs = last and line.startswith(" ") and (last[0].startswith(" ") or bool(_SECTION.match(last[0])))
        after_section = last and _SECTION.match(last[0]) and not line.startswith(" ")
        if (gap and not belongs) or (not gap and (after_section or next_table)):
            groups.append([line])
        else:
            last += [""] * gap + [line]
        gap = False
    return groups


def _paragraph(lines: list[str]) -> list[str]:
    """One paragraph, or its items: those that begin with a dash or a number, and names with their meanings."""
    if lines[-1].endswith("::"):
        lines = [*lines[:-1], lines[-1][:-1]]
    if _ITEM.match(lines[0]) or any(line.startswith("- ") for line in lines):
        return _items(lines, _ITEM)
    starts = [line for line in lines if not line.startswith(" ")]
    if len(starts) < len(lines) and all(_NAMED.match(line) for line in starts):
        return _items(lines, _NAMED)
    if any(line.startswith("  ") for line in lines):  # names and meanings, or a formula, below a sentence
        n = next(n for n, line in enumerate(lines) if line.startswith("  "))
        return [text("\n".join(lines[:n])), "", *_indented(_dedented(lines[n:]))]
    return [text("\n".join(lines))]


def _indented(lines: list[str]) -> list[str]:
    """Names with their meanings, in two columns or after a colon; or else a formula or a program, as it stands."""
    entries: list[tuple[int, str, list[str]]] = []  # depth, name, lines of the meaning
    column = re.search(r" {2,}(?=\S)", lines[0].strip())
    column = column.end() if column else 0
    for line in lines:
        depth = len(line) - len(line.lstrip())
        if (
            column
            and _NAME.fullmatch(line[:column].strip())
            and line[column - 2 : column] == "  "
            and line[column:].strip()
        ):
            entries.append((depth, line[:column].strip(), [line[column:]]))
        elif not column and depth == 0 and (named := _NAMED.match(line)):
            entries.append((0, named[1], [line[named.end() :]]))
        elif entries and depth >= (column or 2):
            entries[-1][2].append(line)
        elif not column or not entries or not line.strip() or not _NAMED.match(line.strip()):
            return [block("\n".join(lines), "python" if _PROGRAM.match(lines[0]) else "text")]
        else:
            name, _, meaning = line.strip().partition(": ")
            entries.append((depth, name, [meaning]))
    shown: list[str] = []
    for n, (depth, name, meaning) in enumerate(entries):
        if n and depth != entries[n - 1][0]:
            shown.append("")
        names = ", ".join(f"``{each.strip()}``" for each in name.split(","))
        shown.append(f"{' ' * depth}- {names}: {text(chr(10).join(meaning))}")
    return shown


def _items(lines: list[str], start: re.Pattern[str]) -> list[str]:
    before: list[str] = []
    items: list[list[str]] = []
    for line in lines:
        if start.match(line):
            items.append([line])
        else:
            (items[-1] if items else before).append(line)
    shown = [text("\n".join(before)), ""] if before else []
    for first, *rest in items:
        if start is _NAMED:
            name, _, meaning = first.partition(": ")
            names = ", ".join(f"``{each.strip()}``" for each in name.split(","))
            shown.append(f"- {names}: {text(chr(10).join([meaning, *rest]))}")
        else:
            mark, _, meaning = first.partition(" ")
            if shown and shown[-1][:1].isdigit() != mark[0].isdigit():  # another list
                shown.append("")
            shown.append(f"{mark} {text(chr(10).join([meaning, *rest]))}")
    return shown


def _dedented(lines: list[str]) -> list[str]:
    return textwrap.dedent("\n".join(lines)).splitlines()
