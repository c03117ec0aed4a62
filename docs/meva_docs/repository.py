"""Pages that are files of the repository: the changelog, how to contribute, the decisions, and the like."""

from __future__ import annotations

import posixpath
import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGES = {  # file of the repository -> its page
    "CHANGELOG.md": "repository/changelog",
    "CONTRIBUTING.md": "repository/contributing",
    "docs/decisions/README.md": "repository/decisions",
    "examples/sweeps/README.md": "repository/sweeps",
    "examples/searches/README.md": "repository/searches",
}
_LINK = re.compile(r"(?<!!)\[([^\]]+)\]\(([^)\s#]*)(#[^)\s]*)?\)")


def pages() -> dict[str, str]:
    """Path -> Markdown of these files."""
    written = {page: linked((ROOT / file).read_text(encoding="utf-8"), file) for file, page in PAGES.items()}
    decisions = sorted(path.stem for path in (ROOT / "docs" / "decisions").glob("0*.md"))
    toctree = "\n".join(["```{toctree}", ":hidden:", "", *(f"/decisions/{name}" for name in decisions), "```"])
    written[PAGES["docs/decisions/README.md"]] += f"\n{toctree}\n"
    return {**written, "repository/architecture": _architecture()}


def _architecture() -> str:
    """The README's section on the architecture."""
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    section = re.search(r"^#(# Architecture\n.*?)^## ", readme, flags=re.DOTALL | re.MULTILINE)
    if section is None:
        raise ValueError("expected a section '## Architecture' in README.md, got none")
    return linked(section[1], "README.md")


def linked(markdown: str, file: str) -> str:
    """The text of a file of the repository with links that hold on the site: pages are linked, and other files of the
    repository, which the site does not contain, are named by their paths.

    >>> linked("[protocols.py](meva_core/errors.py), [changes](CHANGELOG.md)", "README.md")
    'protocols.py (`meva_core/errors.py`), [changes](/generated/repository/changelog.md)'
    """

    def link(match: re.Match[str]) -> str:
        label, target, anchor = match[1], match[2], match[3] or ""
        if "://" in target or not target:
            return match[0]
        path = posixpath.normpath(posixpath.join(posixpath.dirname(file), target))
        if path in PAGES:
            return f"[{label}](/generated/{PAGES[path]}.md{anchor})"
        if path.startswith("docs/generated/") or (path.startswith("docs/") and path.endswith(".md")):
            return f"[{label}](/{path.removeprefix('docs/')}{anchor})"
        return f"`{path}`" if path.endswith(label) else f"{label} (`{path}`)"

    return _LINK.sub(link, markdown)
