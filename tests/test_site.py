"""The documentation: its programs and commands work, its links lead somewhere, and everything is documented.

Sphinx is needed by the long test alone, which builds the site.
"""

import doctest
import json
import re
import shlex
import subprocess
import sys
import tomllib
from pathlib import Path
from urllib.parse import urlparse

import click
import cost
import documents
import gallery
import meva_docs
import numpy as np
import pictures
import pytest
from meva_docs import entries, reference, repository, rst

import meva_core as meva
from meva_core import cli
from meva_core.contracts.hooks import KINDS, plural_label
from meva_core.contracts.hyperparameters import hyperparameters
from meva_core.experiment.experiment import EvaluateSettings, FitSettings
from meva_core.registry import discovery, loading
from meva_core.sampling import Rollouts

ROOT = Path(__file__).parent.parent
DOCS = documents.DOCS
WRITTEN = sorted(
    path.relative_to(DOCS).as_posix()
    for path in DOCS.rglob("*.md")
    if not {"generated", "_build", "decisions"} & {*path.relative_to(DOCS).parts}
)
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
OUTSIDE = ("python -m venv", ". .venv", "pip install")


@pytest.fixture(scope="module")
def generated():
    return meva_docs.pages()


def pages_with(language):
    return [page for page in WRITTEN if documents.blocks(documents.page(page), language)]


COMMANDS = [
    (page, command)
    for page in WRITTEN
    for line, _ in documents.commands(documents.page(page))
    for command in line.split(" && ")
]
RUNS = sorted(
    {command for page, command in COMMANDS if command.startswith("meva-run --game") and page not in documents.GUIDES}
)
OTHERS = [(page, command) for page, command in COMMANDS if command not in RUNS and page not in documents.GUIDES]


@pytest.mark.parametrize("command", RUNS)
def test_runs_begin(command, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    words = shlex.split(command)
    options(words)
    here = shlex.split(re.sub(r" --devices? \w+", "", command))  # tests have one device
    assert documents.begin(monkeypatch, *here).game.name == words[words.index("--game") + 1]


def options(words):
    """The options of a command, read."""
    name, *arguments = ["run", *words[1:]] if words[0] == "meva-run" else words[1:]
    command = cli.group.commands[name]
    if isinstance(command, click.Group):  # meva plugin new
        command, arguments = command.commands[arguments[0]], arguments[1:]
    return command.make_context(name, arguments).params


@pytest.mark.parametrize("page", sorted({page for page, _ in OTHERS}))
def test_other_commands_are_as_they_are_written(page, monkeypatch, capsys):
    """Commands that print something are run, and the options of the others are read."""
    for command in (command for where, command in OTHERS if where == page):
        words = shlex.split(command)
        if command.startswith(OUTSIDE):
            extras = re.findall(r"\.\[(\w+)\]", command)
            assert {*extras} <= {*PROJECT["optional-dependencies"]}
        elif words[1] in ("list", "show", "cite"):
            assert documents.invoke(monkeypatch, capsys, *words)
        else:
            options(words)


@pytest.mark.parametrize("page", pages_with("python"))
def test_programs(page, monkeypatch, tmp_path):
    """The programs of a page run one after the other, as a reader would paste them. Evaluations that a program does not
    name are left out: tests/cli runs them."""
    run = meva.run
    monkeypatch.setattr(meva, "run", lambda *given, **named: run(*given, **{"evaluate": ["convergence"], **named}))
    monkeypatch.chdir(tmp_path)
    programs = documents.blocks(documents.page(page), "python")
    exec(compile("\n".join(programs), page, "exec"), {"__name__": "page"})  # noqa: S102 - it is ours


@pytest.mark.parametrize("page", WRITTEN)
def test_links_lead_somewhere(page, generated):
    for target in re.findall(r"\]\(([^)\s]+)\)", documents.page(page)):
        if "://" in target:
            assert urlparse(target).scheme == "https", target
            assert urlparse(target).netloc.count(".") >= 1, target
        elif target.startswith("#meva_core"):
            module, _, name = target[1:].rpartition(".")
            assert target[1:] in reference.MODULES or name in reference.public_names(module), target
        else:
            path = (DOCS / page).parent.joinpath(target.partition("#")[0]).resolve()
            name = path.relative_to(DOCS).as_posix() if path.is_relative_to(DOCS) else ""
            made = name.removeprefix("generated/")
            known = made in generated or f"{made}.rst" in generated if made != name else path.exists()
            assert known, target


def test_every_page_is_in_the_contents():
    contents = " ".join(re.findall(r"```\{toctree\}(.*?)```", documents.page("index.md"), flags=re.DOTALL)).split()
    assert {page.removesuffix(".md") for page in WRITTEN} - {"index"} <= {*contents}


@pytest.mark.parametrize("kind", KINDS)
def test_all_names_are_on_a_page(kind):
    [row] = re.findall(rf"^\| {plural_label(kind)} \|(.*)\|$", documents.page("names.md"), flags=re.MULTILINE)
    ours = [offer.name for offer in meva.installed().of_kind(kind) if offer.distribution == "meva"]
    assert re.findall(r"`(\w+)`", row) == sorted(ours)


def test_all_extras_are_on_the_page_on_installation():
    rows = re.findall(r"^\| (`.*?) \|", documents.page("how-to/install.md"), flags=re.MULTILINE)
    assert sorted(re.findall(r"`(\w+)`", " ".join(rows))) == sorted(PROJECT["optional-dependencies"])


def test_every_entry_is_documented(generated):
    registry = discovery.installed()
    for kind in KINDS:
        for offer in registry.of_kind(kind):
            page = generated[f"{entries.folder(kind)}/{entries.page_name(offer, registry)}.rst"]
            shown = {h.name for h in hyperparameters(loading.load(offer))} - {*KINDS[kind].fixed}
            assert {name for name in shown if f"``{name}``" not in page} == set(), offer
            assert rst.text(offer.entry.summary) in page
            assert offer.entry.cites == () or all(key in page for key in offer.entry.cites)
            assert offer.name in generated[f"{entries.folder(kind)}/index.rst"]


def test_every_recipe_is_on_the_pages_of_its_learner_and_its_game(generated):
    for file in discovery.recipe_files(discovery.installed()):
        for place, learners in file.tables.items():
            for learner, recipes in learners.items():
                for name, recipe in recipes.items():
                    source = rst.text(recipe["source"])
                    assert source in generated[f"learners/{learner}.rst"], (place, learner, name)
                    if f"games/{place}.rst" in generated:
                        assert source in generated[f"games/{place}.rst"], (place, learner, name)


def test_claims_on_record_are_shown(generated):
    for page in ("learners/meva.rst", "games/ipd.rst"):
        assert re.search(r"\d+ of \d+ fits on \d+ device", generated[page])


def test_every_reproduction_has_a_page(generated):
    for path in (ROOT / "reproductions").glob("*.toml"):
        page, content = generated[f"gallery/{path.stem}.rst"], tomllib.loads(path.read_text(encoding="utf-8"))
        assert rst.text(content["source"]) in page
        assert all(rst.text(note) in page for note in content.get("notes", []))
        assert all(rst.text(claim["says"]) in page for claim in content.get("claims", []))


def test_every_hook_is_documented(generated):
    for kind in KINDS.values():
        assert f"autofunction:: meva_core.contracts.hooks.{kind.hook}" in generated["hooks.rst"]


def test_every_setting_of_an_experiment_is_documented(generated):
    for section, cls in {"fit": FitSettings, "evaluate": EvaluateSettings, "sample": Rollouts}.items():
        names = [h.name for h in hyperparameters(cls)]
        assert names
        assert [name for name in names if f"``{section}.{name}``" not in generated["settings.rst"]] == []


@pytest.mark.parametrize("module", reference.MODULES)
def test_every_public_name_is_documented(module, generated):
    names = reference.public_names(module)
    documented = {*re.findall(r"auto\w+:: ([\w.]+)", "".join(generated.values()))}
    page = generated[f"api/{module}.rst"]
    linked = re.findall(r":py:obj:`~([\w.]+)`", page)
    assert [home.rpartition(".")[2] for home in linked] == names
    assert {*linked} <= documented


def test_a_plugin_of_strangers_has_a_page(toy):
    page = meva_docs.pages()["learners/toy.rst"]
    assert "``meva-toy``" not in page  # the plugin is named, as in meva show
    assert "Learner of plugin ``toy``" in page
    assert all(f"``{h.name}``" in page for h in hyperparameters(loading.load(meva.installed().find("learner", "toy"))))


def test_a_broken_plugin_has_a_page_that_says_so(fake_plugin):
    fake_plugin(
        "broken",
        "from meva_core.contracts import Entry, hookimpl\n"
        "@hookimpl\ndef meva_games():\n    yield Entry('broken', 'nowhere:Broken', 'cannot be imported')\n",
    )
    registry = discovery.load()
    page = entries.page(registry.find("game", "broken"), registry, [])
    assert "warning::" in page
    assert "cannot be imported from 'nowhere:Broken'" in page


def test_pages_are_written_once_and_old_ones_removed(tmp_path, monkeypatch):
    monkeypatch.setattr(meva_docs, "pages", lambda: {"a.rst": "one", "b/c.rst": "two"})
    (tmp_path / "old.rst").write_text("old")
    meva_docs.write(tmp_path)
    changed = (tmp_path / "a.rst").stat().st_mtime_ns
    meva_docs.write(tmp_path)
    assert (tmp_path / "a.rst").stat().st_mtime_ns == changed
    assert (tmp_path / "b" / "c.rst").read_text() == "two"
    assert not (tmp_path / "old.rst").exists()


def test_pictures_are_of_entries_and_have_texts():
    drawn = [path for path in (DOCS / "pictures").rglob("*.svg") if gallery.FOLDER not in path.parents]
    assert sorted(path.stem for path in drawn) == sorted(pictures.DRAWN)
    for path in drawn:
        [kind] = [kind for kind in KINDS if entries.folder(kind) == path.parent.name]
        assert path.stem in {offer.name for offer in meva.installed().of_kind(kind)}
        assert "seed" in path.with_suffix(".txt").read_text(encoding="utf-8")


def test_the_picture_of_costs_has_all_that_was_measured():
    rows = [{"benchmark": "fit", "what": "a loop", "value": 9.0, "note": ""}]
    for n, model in enumerate(cost.MODELS):
        rows += [
            {"benchmark": "cost", "what": f"{size} numbers per policy", "value": size + n, "note": model}
            for size in (29, 449)
        ]
    rows += [{"benchmark": "cost", "what": f"{p} players", "value": 2.0**p, "note": "7 numbers each"} for p in (3, 4)]
    left, right = cost.figure(rows).axes
    drawn = [np.asarray(line.get_data()).tolist() for axes in (left, right) for line in axes.lines]
    assert drawn == [[[29, 449], [29, 449]], [[29, 449], [30, 450]], [[3, 4], [8, 16]]]


def test_pictures_of_reproductions_are_on_their_pages(generated):
    for place in gallery.FOLDER.iterdir():
        page, shown = generated[f"gallery/{place.name}.rst"], {path.name for path in place.iterdir()} - {"caption.txt"}
        assert f"meva reproduce {place.name}" in (place / "caption.txt").read_text(encoding="utf-8")
        assert shown
        assert all(f".. figure:: /pictures/gallery/{place.name}/{name}\n" in page for name in shown)


def test_the_smaller_pictures_of_a_reproduction_are_kept(tmp_path):
    made = tmp_path / "figure-2b"
    (made / "figures").mkdir(parents=True)
    for name, size in {"a.svg": 9, "a.png": 2, "b.svg": 1, "b.png": 2}.items():
        (made / "figures" / name).write_bytes(b"x" * size)
    content = {"name": "figure-2b", "quick": True, "claims": [{"holds": True}, {"holds": False}], "ranking": None}
    (made / "summary.json").write_text(json.dumps(content))
    (tmp_path / "kept" / "figure-2b").mkdir(parents=True)
    (tmp_path / "kept" / "figure-2b" / "old.svg").write_text("old")
    caption = gallery.keep(made, tmp_path / "kept")
    assert caption.startswith("Result of `meva reproduce figure-2b --quick`: 1 of 2 claims hold")
    assert {path.name for path in (tmp_path / "kept" / "figure-2b").iterdir()} == {"a.png", "b.svg", "caption.txt"}


@pytest.mark.parametrize(
    ("plain", "shown"),
    [
        ("Steps x* of `rate_` in f_ and a|b.", "Steps x\\* of ``rate_`` in f\\_ and a\\|b.\n"),
        ("With\n\n    a = b\n      + c\n\nit is", "With\n\n.. code-block:: text\n\n   a = b\n     + c\n\n\nit is\n"),
        ("Modes:\n- `a`: one\nmore\n- two", "Modes:\n\n- ``a``: one more\n- two\n"),
        ("name: its name,\n    long\nrate: how fast", "- ``name``: its name, long\n- ``rate``: how fast\n"),
        (
            "In a row:\n  one        what\n             it is\n  two        more",
            "In a row:\n\n- ``one``: what it is\n- ``two``: more\n",
        ),
        ("One:\n  a  b\nTwo:\n  c  d\n", "One:\n\n- ``a``: b\n\nTwo:\n\n- ``c``: d\n"),
        ("Text.\n\nReferences:\n    Nash (1950).\n", "Text.\n\n.. rubric:: References\n\nNash (1950).\n"),
        (">>> 1 + 1\n2", ">>> 1 + 1\n2\n"),
        ("a `b`c ` and [1]_", "a ``b``\\ c \\` and [1]\\_\n"),
        (".. no directive", "\\.. no directive\n"),
    ],
)
def test_docstrings(plain, shown):
    assert rst.docstring(plain) == shown


def test_links_of_the_repository_hold_on_the_site():
    said = repository.linked(
        "[a](0001-x.md), [b](../../CONTRIBUTING.md#set-up), [c](../../meva_core/fitting.py)", "docs/decisions/y.md"
    )
    assert said == (
        "[a](/decisions/0001-x.md), [b](/generated/repository/contributing.md#set-up), c (`meva_core/fitting.py`)"
    )


@pytest.mark.parametrize("module", [rst, repository])
def test_examples_in_docstrings_give_what_they_show(module):
    found = doctest.testmod(module)
    assert found.attempted > 0
    assert found.failed == 0


def numbers(table):
    """Means in the rows of a table: "50  -1.081 ±.014 ..." has the setting 50 and the mean -1.081."""
    rows = [re.findall(r"(?<![\d.±])-?\d+(?:\.\d+)?", line) for line in table.splitlines() if re.match(r"^-?\d", line)]
    return [[float(n) for n in row] for row in rows]


@pytest.mark.long
@pytest.mark.parametrize(("learner", "block"), [("naive", 0), ("lola", 1)])
def test_tables_of_the_tutorial_are_what_the_commands_print(learner, block, monkeypatch, capsys, tmp_path):
    monkeypatch.chdir(tmp_path)
    printed = documents.invoke(monkeypatch, capsys, "meva-run", "--game", "ipd", "--learner", learner)
    shown = numbers(documents.blocks(documents.page("tutorial.md"), "text")[block])
    made = numbers(printed[printed.rindex("payoffs\n") :])[: len(shown)]
    assert len(shown) > 1
    for row, found in zip(shown, made, strict=True):
        np.testing.assert_allclose(row, found[: len(row)], atol=0.1)  # as far as rounding may matter


@pytest.mark.long
def test_the_site_builds_without_a_warning_and_needs_no_network():
    pytest.importorskip("sphinx")
    built = subprocess.run([sys.executable, DOCS / "build.py", "-E"], capture_output=True, text=True, check=False)
    assert built.returncode == 0, built.stderr
    for path in (DOCS / "_build" / "site").rglob("*.html"):
        html = path.read_text(encoding="utf-8")
        assert re.findall(r'<(?:script|img|iframe)[^>]*src="(?:https?:)?//[^"]*"', html) == [], path
        assert (
            re.findall(r'<link[^>]*rel="(?:stylesheet|preload|preconnect)"[^>]*href="(?:https?:)?//[^"]*"', html) == []
        ), path
        assert [image for image in re.findall(r"<img[^>]*>", html) if not re.search(r'alt="[^"]+"', image)] == [], path
