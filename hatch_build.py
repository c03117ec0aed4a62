"""The README as a package index shows it, where links into the repository lead nowhere and pictures are missing."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from hatchling.metadata.plugin.interface import MetadataHookInterface

# Code comes first, so that nothing in it is taken for a link.
_CODE_OR_LINK = re.compile(r"```.*?```|`[^`]+`|(?P<picture>!?)\[(?P<text>[^\]]*)\]\((?P<target>[^)]*)\)", re.DOTALL)


class Readme(MetadataHookInterface):
    """Hook of hatchling that fills in the field `readme`, which is dynamic."""

    def update(self, metadata: dict[str, Any]) -> None:
        """Set the field. Raises OSError if there is no README.md."""
        text = (Path(self.root) / "README.md").read_text(encoding="utf-8")
        metadata["readme"] = {"content-type": "text/markdown", "text": without_dead_links(text)}


def without_dead_links(markdown: str) -> str:
    """The text with files of the repository named, not linked, and their pictures replaced by the alternative text."""
    return _CODE_OR_LINK.sub(_as_text, markdown)


def _as_text(match: re.Match[str]) -> str:
    text, target = match["text"], match["target"]
    if target is None or "://" in target:
        return match[0]
    if match["picture"]:
        return f"*(Picture: {text})*"
    return f"`{target}`" if target.endswith(text) else f"{text} (`{target}`)"
