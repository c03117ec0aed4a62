"""Build the documentation: python docs/build.py. The first page is docs/_build/site/index.html.

Other arguments are passed to sphinx-build: python docs/build.py -E reads all pages anew.
"""

import importlib.util
import sys
from pathlib import Path

HERE = Path(__file__).parent
SITE = HERE / "_build" / "site"
NEEDED = ("sphinx", "furo", "myst_parser", "sphinx_click")


def build(*options: str, site: Path = SITE) -> int:
    """Build all pages into a folder; a warning is an error. Returns Sphinx's exit code, 0 if all is well."""
    from sphinx.cmd.build import main  # pyright: ignore[reportMissingImports] - of the extra `docs`

    return main(["-n", "-W", "--keep-going", "-q", "-d", str(site.parent / "doctrees"), *options, str(HERE), str(site)])


if __name__ == "__main__":
    if lacking := [name for name in NEEDED if importlib.util.find_spec(name) is None]:
        print(f"error: expected {', '.join(lacking)}, got none: pip install -e '.[docs]'", file=sys.stderr)  # noqa: T201
        sys.exit(2)
    code = build(*sys.argv[1:])
    if code == 0:
        print(f"written to {SITE}/index.html")  # noqa: T201
    sys.exit(code)
