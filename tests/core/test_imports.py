"""Imports that modules may have (the README's section on architecture), and imports that start-up may not have."""

import ast
import importlib
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from meva_core import contracts
from meva_core.contracts import hooks
from meva_core.registry import discovery

ROOT = Path(__file__).parents[2]
CORE = ROOT / "meva_core"
PLUGINS = sorted(path.parent for path in (ROOT / "plugins").glob("*/plugin.py"))
OPEN_TO_PLUGINS = {"meva_core.contracts", "meva_core.ops", "meva_core.errors", "meva_core.sampling"}
OPEN_TO_PLUGINS |= {"meva_core.sampling.play"}  # the function, which has the name of its module
# Evaluations also import these: matches, best responses, and how numbers, tables and figures are written.
OPEN_TO_PLUGINS |= {"meva_core.match", "meva_core.evaluate", "meva_core.report.tables", "meva_core.report.statistics"}
OPEN_TO_PLUGINS |= {"meva_core.report.figures.style"}
# The rooms of meva_core, from the ground: a module imports from lower rooms, and from its own.
RANKS = (
    "errors ops",
    "contracts",
    "fitting sampling",
    "match",
    "registry",
    "experiment",
    "compute",
    "storage evaluate",
)
RANKS += ("report", "runner", "studies", "bridges", "testing", "cli")
HEAVY = ("jax", "jaxlib", "haiku", "optax", "matplotlib", "numpy")


def sources(folder):
    return [pytest.param(path, id=str(path.relative_to(ROOT))) for path in sorted(folder.rglob("*.py"))]


def imports(path):
    """(module, name or "") of every import anywhere in a file, those inside functions included."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from ((alias.name, "") for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: expected absolute imports, got a relative one"
            yield from ((node.module or "", alias.name) for alias in node.names)


def modules(path):
    """Modules as they are imported: `from meva_core import ops` is meva_core.ops."""
    for module, name in imports(path):
        is_module = name and (ROOT / module.replace(".", "/") / f"{name}.py").exists()
        is_package = name and (ROOT / module.replace(".", "/") / name / "__init__.py").exists()
        yield f"{module}.{name}" if is_module or is_package else module


def at_start_up(path):
    """Modules imported when the file is, those only for type checking left out."""
    for node in ast.parse(path.read_text()).body:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or ""


def strings(path, *, prose=False):
    """String constants of the code: docstrings left out, or with `prose` only docstrings."""
    tree = ast.parse(path.read_text())
    docstrings = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef))
        and node.body
        and isinstance(node.body[0], ast.Expr)
    }
    return [
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and (id(node) in docstrings) == prose
    ]


def inside(path):
    """The module of a file of the core without the core's name, "report.tables"."""
    return ".".join(path.relative_to(CORE).with_suffix("").parts).removesuffix(".__init__")


def top(module):
    return module.partition(".")[0]


def test_no_module_imports_from_a_higher_room():
    rank = {room: n for n, rooms in enumerate(RANKS) for room in rooms.split()}
    for path in (path for path in CORE.rglob("*.py") if top(inside(path)) in rank and "moved" not in path.parts):
        for module in modules(path):
            own, other = top(inside(path)), module.removeprefix("meva_core.").partition(".")[0]
            if top(module) == "meva_core" and other != own:
                assert rank[other] < rank[own], f"{path}: {own} imports {module}, which is not below it"


def test_no_modules_import_one_another_in_a_circle():
    graph = {f"meva_core.{inside(path)}": set(modules(path)) for path in CORE.rglob("*.py")}
    left = dict(graph)
    while ready := [name for name, needed in left.items() if not (needed & left.keys()) - {name}]:
        for name in ready:
            del left[name]
    assert not left, f"circles among {sorted(left)}"


def test_the_core_has_few_rooms():
    rooms = {path.name for path in CORE.iterdir()} - {"__init__.py", "__main__.py", "__pycache__", "py.typed"}
    assert rooms <= {name if (CORE / name).is_dir() else f"{name}.py" for names in RANKS for name in names.split()}


@pytest.mark.parametrize("path", sources(CORE / "ops"))
def test_ops_import_jax_only(path):
    for module in modules(path):
        allowed = top(module) in {"jax", "numpy"} | sys.stdlib_module_names or module.startswith("meva_core.ops")
        assert allowed, f"{path}: imports {module}"


@pytest.mark.parametrize("plugin", PLUGINS, ids=lambda plugin: plugin.name)
def test_plugins_import_the_contracts_and_themselves(plugin):
    others = {other.name for other in PLUGINS} - {plugin.name}
    for path in plugin.rglob("*.py"):
        for module, name in imports(path):
            assert top(module) not in others, f"{path}: imports the plugin {module}"
            ours = top(module) in ("meva_core", plugin.name)
            assert not (ours and name.startswith("_") and name != "__all__"), f"{path}: imports the private {name}"
        for module in modules(path):
            if top(module) == "meva_core":
                allowed = module in OPEN_TO_PLUGINS or module.startswith(("meva_core.ops.", "meva_core.evaluate."))
                assert allowed, f"{path}: imports {module}"


@pytest.mark.parametrize("plugin", PLUGINS, ids=lambda plugin: plugin.name)
def test_plugin_modules_import_nothing_heavy(plugin):
    light = {("meva_core.contracts", "Entry"), ("meva_core.contracts", "hookimpl")}
    for module, name in imports(plugin / "plugin.py"):
        assert (module, name) in light or top(module) in sys.stdlib_module_names, f"{plugin}: {module} {name}"
    for module in at_start_up(plugin / "__init__.py"):
        assert top(module) in sys.stdlib_module_names, f"{plugin}: imports {module}"


@pytest.mark.parametrize("path", sources(CORE))
def test_the_core_names_no_plugin(path):
    packages = {plugin.name for plugin in PLUGINS}
    for module in modules(path):
        assert top(module) not in packages, f"{path}: imports {module}"
    for text in strings(path):
        if text not in {kind.hook for kind in hooks.KINDS.values()}:
            assert not any(package in text for package in packages), f"{path}: names a plugin in {text!r}"


def bundled(*kinds):
    """Names of bundled entries, by default of all kinds. "meva" is the project's name too, "none" and "table" words."""
    offers = (offer for offer in discovery.installed().offers if offer.distribution == "meva")
    return {offer.name for offer in offers if not kinds or offer.kind in kinds} - {"meva", "none", "table"}


@pytest.mark.parametrize("path", sources(CORE))
def test_the_core_names_no_entry(path):
    names = bundled() - {"best_response", "fixed", "lifetime"}  # a method of games; a way to end episodes; a function
    for text in strings(path):
        assert text.rpartition(":")[2] not in names, f"{path}: names the entry {text!r}"


@pytest.mark.parametrize("path", sources(CORE))
def test_the_core_documents_no_setting_of_an_evaluation(path):
    settings = re.compile(rf"\bevaluate(?:\.| = {{ ?)(?:{'|'.join(bundled('evaluation'))})\b(?! import)")
    for text in strings(path, prose=True):
        assert not (named := settings.findall(text)), f"{path}: names {named[0]}"


@pytest.mark.parametrize("name", ["experiment/experiment.py", "registry/recipes/file.py"])
def test_layouts_of_files_name_no_entry(name):
    for text in strings(CORE / name, prose=True):
        assert not (named := bundled() & set(re.findall(r"\w+", text))), f"{name}: names {named}"


def test_the_core_spells_no_kind_of_a_part():
    """Their table is in hooks.py; beside it stand their contracts, the kit's check of each, and the scaffold's
    templates. A policy is also what every player of a game has."""
    spelled = re.compile(rf"\b({'|'.join({*hooks.PARTS} - {'policy'})})\b")
    files = "contracts/hooks.py", "contracts/protocols.py", "testing/__init__.py", "testing/checks.py"
    own = {CORE / name for name in files}
    for path in (path for path in CORE.rglob("*") if path.suffix in (".py", ".jinja", ".html") and path not in own):
        if path.parent.name != "templates":
            assert not (found := spelled.findall(path.read_text())), f"{path}: spells {found[0]}"
    assert spelled.search((CORE / "contracts/hooks.py").read_text())


def test_the_readme_names_every_room():
    table = (ROOT / "README.md").read_text().partition("| room |")[2].partition("\n\n")[0]
    rooms = {path.name for path in CORE.iterdir()} - {"__init__.py", "__main__.py", "__pycache__", "py.typed"}
    assert {room for room in rooms if f"`{room}`" not in table and f"[{room}](meva_core/{room})" not in table} == set()


def test_authors_find_all_types_of_signatures_in_the_contracts():
    """The documented methods of an evaluation name only what its author may import."""
    assert {"Answer", "Asking", "Column", "Evaluation", "Panel"} <= set(contracts.__all__)
    assert all(getattr(contracts, name).__name__ == name for name in ("Answer", "Asking", "Column", "Panel"))
    text = (CORE / "contracts" / "evaluation.py").read_text()
    for place in set(re.findall(r"`(meva_core\.[\w.]+)`", text)):
        module, _, name = place.rpartition(".")
        assert module in OPEN_TO_PLUGINS
        assert hasattr(importlib.import_module(module), name), f"expected {place} to exist"


def test_the_rule_holds_for_something():
    assert len(PLUGINS) >= 5
    assert any(
        top(module) == "meva_core" for plugin in PLUGINS for path in plugin.glob("*.py") for module in modules(path)
    )


@pytest.mark.parametrize(
    ("entry", "arguments"),
    [
        *(("run", ["--help"]), ("main", ["--help"]), ("main", ["list"]), ("main", ["list", "learner"])),
        ("main", ["cite", "ipd", "naive"]),
    ],
)
def test_start_up_imports_nothing_heavy(entry, arguments):
    code = f"""if True:
        import json, sys
        import meva_core.cli
        sys.argv = ["meva", *{arguments!r}]
        try:
            meva_core.cli.{entry}()
        except SystemExit as error:
            assert not error.code, error.code
        print(json.dumps([name for name in {HEAVY!r} if name in sys.modules]))
        """
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert len(done.stdout.splitlines()) > 3
    assert json.loads(done.stdout.splitlines()[-1]) == []
