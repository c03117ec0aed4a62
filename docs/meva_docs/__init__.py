"""Generator of the pages of the site that nobody writes by hand, from installed plugins, recipes and docstrings.

It does not use Sphinx: it returns texts, and writes them into docs/generated.
"""

from __future__ import annotations

from pathlib import Path

from meva_core.registry import discovery
from meva_docs import entries, reference, repository, reproductions

FOLDER = Path(__file__).parents[1] / "generated"


def pages() -> dict[str, str]:
    """Name of a file in docs/generated -> its text."""
    registry = discovery.installed()
    found = reproductions.on_record(registry)
    generated = {
        **entries.pages(registry, reproductions.used(found)),
        **reproductions.pages(found),
        **reference.pages(),
    }
    return {
        **{f"{path}.rst": text for path, text in generated.items()},
        **{f"{path}.md": text for path, text in repository.pages().items()},
    }


def write(folder: Path = FOLDER) -> None:
    """Write all pages into a folder, and remove those of former builds. A page that has not changed stays as it is."""
    texts = pages()
    for path in [path for path in folder.rglob("*") if path.is_file()]:
        if path.relative_to(folder).as_posix() not in texts:
            path.unlink()
    for name, text in texts.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")
