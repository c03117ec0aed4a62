"""A release for a package index: a source distribution, the wheel that is built from it, and their metadata."""

import email
import os
import re
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from pathlib import Path

import pytest
from markdown_it import MarkdownIt
from packaging.version import Version

from meva_core.registry import recipes

ROOT = Path(__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def build(kind, source, to):
    """The one file of this kind (sdist or wheel) that hatchling makes of a source."""
    subprocess.run([sys.executable, "-m", "hatchling", "build", "-t", kind, "-d", to], cwd=source, check=True)
    [path] = to.iterdir()
    return path


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    """The folder into which the source distribution is unpacked."""
    folder = tmp_path_factory.mktemp("source")
    with tarfile.open(build("sdist", ROOT, tmp_path_factory.mktemp("sdist"))) as archive:
        archive.extractall(folder, filter="data")
    [unpacked] = folder.iterdir()
    return unpacked


@pytest.fixture(scope="module")
def wheel(source, tmp_path_factory):
    """The folder into which a wheel is installed. The results of a run lay in the source when it was built."""
    (source / "reproductions" / "figure-9").mkdir()
    (source / "reproductions" / "figure-9" / "report.html").touch()
    installed = tmp_path_factory.mktemp("installed")
    with zipfile.ZipFile(build("wheel", source, tmp_path_factory.mktemp("wheel"))) as archive:
        archive.extractall(installed)
    return installed


@pytest.fixture(scope="module")
def metadata(wheel):
    [info] = wheel.glob("*.dist-info")
    return email.message_from_bytes((info / "METADATA").read_bytes())


def files(folder):
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def test_the_source_has_every_file_and_no_cache(source):
    assert not [name for name in files(source) if "cache" in Path(name).parent.name or name.endswith(".pyc")]
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False)
    if listed.returncode or not (ROOT / ".git").exists():
        pytest.skip("this is no checkout")
    tracked = {name for name in listed.stdout.splitlines() if (ROOT / name).is_file()}
    assert tracked <= files(source), "list them in pyproject.toml: [tool.hatch.build.targets.sdist]"


def test_a_wheel_has_every_file_of_its_packages(wheel):
    packages = [ROOT / "meva_core", *(path.parent for path in (ROOT / "plugins").glob("*/__init__.py"))]
    assert {path.name for path in packages} == {path.name for path in wheel.iterdir() if path.suffix != ".dist-info"}
    for package in packages:
        expected = {name for name in files(package) if "__pycache__" not in name}
        built = files(wheel / package.name)
        assert {name for name in built if not name.startswith("registry/shipped/")} == expected
        assert "py.typed" in built, "without it, type checkers ignore the annotations of an installed package"


def test_an_installed_wheel_finds_the_shipped_recipes_and_studies(wheel):
    code = """
from meva_core.registry import recipes
file = recipes.shipped()
print(recipes.__file__, all(path.is_file() for path in file.studies.values()), *file.studies)
"""
    environment = {**os.environ, "PYTHONPATH": str(wheel)}
    told = subprocess.run([sys.executable, "-c", code], env=environment, cwd=wheel, capture_output=True, text=True)
    here = str(wheel / "meva_core" / "registry" / "recipes" / "__init__.py")
    assert told.stdout.split() == [here, "True", *recipes.shipped().studies], told.stderr


def test_no_results_of_runs_are_in_a_wheel(wheel):
    shipped = {f"reproductions/{name}.toml" for name in recipes.shipped().studies}
    assert files(wheel / "meva_core" / "registry" / "shipped") == {"registry.toml", *shipped}


def test_the_description_is_the_readme_with_no_link_that_leads_nowhere(metadata):
    assert metadata["Description-Content-Type"] == "text/markdown"
    readme, description = (ROOT / "README.md").read_text(encoding="utf-8"), described(metadata)
    targets = links(readme)
    assert links(description) == [target for target in targets if target.startswith("https://")]
    assert {target for target in targets if "://" not in target} <= {*contents(description, "code_inline")}
    assert PROJECT["urls"]["Paper"] in links(description)
    assert contents(description, "fence") == contents(readme, "fence")
    [picture] = contents(readme, "image")
    assert contents(description, "image") == []
    assert f"(Picture: {picture})" in contents(description, "text")


def described(metadata):
    return metadata.get_payload(decode=True).decode("utf-8")


def tokens(markdown):
    for block in MarkdownIt().enable("table").parse(markdown):
        yield block
        yield from block.children or ()


def links(markdown):
    return [str(token.attrs["href"]) for token in tokens(markdown) if token.type == "link_open"]


def contents(markdown, kind):
    return [token.content for token in tokens(markdown) if token.type == kind]


def test_versions_agree():
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    headings = re.findall(r"^## (.+)$", changelog, flags=re.MULTILINE)
    [version, date] = next(heading for heading in headings if heading != "Unreleased").split(" - ")
    citation = (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    assert re.findall(r"^(?:version|date-released): (.+)$", citation, flags=re.MULTILINE) == [version, date]
    ours, last = Version(PROJECT["version"]), Version(version)
    assert (headings[0] == "Unreleased") == ours.is_devrelease
    assert ours > last if ours.is_devrelease else ours == last
