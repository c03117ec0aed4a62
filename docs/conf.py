"""Settings of Sphinx for the documentation. `python docs/build.py` builds it."""

import importlib.metadata
import inspect
import re
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import meva_docs
from meva_docs import repository, rst

project = "MeVa"
author = "The MeVa developers"
copyright = "The MeVa developers"
release = importlib.metadata.version("meva")

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx_click", "meva_docs.mathml"]
exclude_patterns = ["_build", "decisions/README.md", "pictures"]
nitpicky = True
nitpick_ignore_regex = [("py:.*", r".*")]  # names in signatures; `meva_docs.reference` links only to what it documents

myst_enable_extensions = ["dollarmath", "deflist"]
myst_heading_anchors = 3
autodoc_member_order = "bysource"
autodoc_typehints_format = "short"
python_use_unqualified_type_names = True
add_module_names = False
html_math_renderer = "mathml"

html_theme = "furo"
html_title = f"MeVa {release}"
html_static_path = ["static"]
html_css_files = ["site.css"]
html_copy_source = False
html_show_sphinx = False
smartquotes = False  # "--set" is no dash
pygments_style = "a11y-light"
pygments_dark_style = "github-dark"


TEXTS_OF_PYTHON = {inspect.getdoc(kind) for kind in (bool, int, float, str, tuple, list, dict)}


def setup(app):
    """Write the generated pages before Sphinx looks for sources, and read docstrings as this project writes them."""
    app.connect("builder-inited", lambda app: meva_docs.write())
    app.connect("autodoc-process-docstring", _plain)
    app.connect("autodoc-process-signature", _short)
    app.connect("source-read", _linked)
    app.connect("sphinx-click-process-description", _examples)


def _plain(app, what, name, obj, options, lines):
    text = "\n".join(lines)
    if text.strip() in TEXTS_OF_PYTHON or text.startswith("Alias for field number"):
        text = ""  # the text of Python for a member that has none
    lines[:] = rst.docstring(text).splitlines()


def _short(app, what, name, obj, options, signature, returns):
    """A signature with short names of types, and dots for defaults that only a program can read."""

    def short(text):
        if text is None:
            return None
        text = re.sub(r"~?\b(?:[a-z_]\w*\.)+(?=[A-Za-z_])", "", text)
        return re.sub(r"<.*?>+|\bNOTHING\b", "...", text)

    return short(signature), short(returns)


def _linked(app, docname, source):
    """Pages are read in the repository too, where their links are to files."""
    if not docname.startswith("generated/"):
        source[0] = repository.linked(source[0], f"docs/{docname}.md")


def _examples(app, context, lines):
    """Lines of a command's help that are commands are shown as such; sphinx-click gives them as `| meva ...`."""
    shown = []
    for line in lines:
        if line.startswith("| meva"):
            if not shown or not shown[-1].startswith("   $ "):
                shown += ["", ".. code-block:: console", ""]
            shown.append(f"   $ {line[2:]}")
        else:
            shown.append(line)
    lines[:] = shown
