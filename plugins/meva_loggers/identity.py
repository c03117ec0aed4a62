"""The identity of a run folder, which no other one has."""

import secrets
from pathlib import Path

ID = "run_id.txt"  # in the logger's folder


def identity(folder: Path) -> str:
    """The identity of the run in which a logger has this folder, 8 characters: a new one if it has none yet."""
    path = folder / ID
    if not path.is_file():
        folder.mkdir(parents=True, exist_ok=True)
        path.write_text(secrets.token_hex(4), encoding="utf-8")
    return path.read_text(encoding="utf-8").strip()
