"""A new distribution with a small working plugin, written from templates as a starting point for authors."""

from __future__ import annotations

import importlib.util
import keyword
import re
from importlib import resources
from pathlib import Path

import jinja2

from meva_core.contracts.hooks import FORMS, KINDS, VERSION, kind_label
from meva_core.errors import BadFolder, BadValue
from meva_core.registry.entries import Registry

# Names that the templates import.
_IMPORTED = ("Entry", *(form.protocol for kind in KINDS.values() for form in (kind, *kind.forms.values())))


def write(registry: Registry, name: str, form: str, folder: Path | None = None) -> dict[str, Path]:
    """Write pyproject.toml, NAME.py and test_NAME.py. Returns their paths by file name.

    form: a kind, or another form of one. folder: by default NAME in the working directory. Raises BadValue if NAME
    cannot be a module's name or is in use, BadFolder if the folder is a file or not empty.
    """
    module = _module(registry, name, FORMS.get(form, form))
    folder = Path(module) if folder is None else folder
    if folder.is_file() or (folder.is_dir() and any(folder.iterdir())):
        raise BadFolder(f"expected a new or empty folder to write to, got {folder}")
    dashed = module.replace("_", "-")
    words = {
        "name": module,
        "cls": _class(module),
        "distribution": dashed if dashed.startswith("meva-") else f"meva-{dashed}",
        "spoken": kind_label(form),
        "version": VERSION,
    }
    templates = {
        "pyproject.toml": "pyproject.toml",
        f"{module}.py": f"{form}.py",
        f"test_{module}.py": f"test_{form}.py",
    }
    folder.mkdir(parents=True, exist_ok=True)
    for file, template in templates.items():
        (folder / file).write_text(_template(template).render(words), encoding="utf-8")
    return {file: folder / file for file in templates}


def _module(registry: Registry, name: str, kind: str) -> str:
    """NAME as a module's name. Raises BadValue if it is not a valid name, or is in use."""
    module = name.replace("-", "_")
    if not re.fullmatch("[A-Za-z][A-Za-z0-9_]*", module) or keyword.iskeyword(module) or keyword.issoftkeyword(module):
        raise BadValue(f"expected a name of letters, digits, - and _ that a Python module can have, got {name!r}")
    if _class(module) in _IMPORTED:
        raise BadValue(f"expected a name that is not one of a contract, got {name!r}")
    if any(offer.name == module for offer in registry.of_kind(kind)) or any(p.name == module for p in registry.plugins):
        raise BadValue(f"expected a name that no installed entry or plugin has, got {name!r}: see meva list {kind}")
    spec = importlib.util.find_spec(module)
    if spec is not None and spec.origin is not None:
        raise BadValue(
            f"expected a name that no installed module has, got {name!r}: Python already has a module {module}"
        )
    return module


def _class(module: str) -> str:
    return "".join(word[:1].upper() + word[1:] for word in module.split("_"))


def _template(name: str) -> jinja2.Template:
    text = (resources.files("meva_core.registry") / "templates" / f"{name}.jinja").read_text(encoding="utf-8")
    return jinja2.Template(text, undefined=jinja2.StrictUndefined, keep_trailing_newline=True)
