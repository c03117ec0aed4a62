"""Keep the pictures of reproductions for their pages on the site.

    meva reproduce figure-2b --quick         make a reproduction, in the folder reproductions
    python docs/gallery.py reproductions     keep the pictures of all that are there

Pictures go to docs/pictures/gallery/NAME, each as the smaller of SVG and PNG, with the text below them in caption.txt.
"""

import json
import shutil
import sys
from pathlib import Path

from meva_core.studies import reproduction_report

FOLDER = Path(__file__).parent / "pictures" / "gallery"


def keep(reproduction: Path, folder: Path = FOLDER) -> str:
    """Copy the pictures of a reproduction's folder. Returns the text below them."""
    content = json.loads((reproduction / "summary.json").read_text(encoding="utf-8"))
    place = folder / content["name"]
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir(parents=True)
    for drawn in (reproduction / "figures").glob("*.svg"):
        smaller = min(drawn, drawn.with_suffix(".png"), key=lambda path: path.stat().st_size)
        shutil.copy(smaller, place / smaller.name)
    command = f"meva reproduce {content['name']}{' --quick' * content['quick']}"
    caption = f"Result of `{command}`: {reproduction_report.held(content)}." if content["claims"] else f"`{command}`."
    (place / "caption.txt").write_text(f"{caption}\n", encoding="utf-8")
    return caption


if __name__ == "__main__":
    if len(sys.argv) != 2 or not (found := sorted(Path(sys.argv[1]).glob("*/summary.json"))):
        print("error: expected a folder of reproductions: python docs/gallery.py reproductions", file=sys.stderr)  # noqa: T201
        sys.exit(2)
    for path in found:
        print(keep(path.parent))  # noqa: T201
