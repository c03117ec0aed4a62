"""`meva cite`: BibTeX that parses, of the papers that entries name, each once."""

import html
import re
from pathlib import Path

import attrs
import pytest
from meva_games.quadratic import Tandem

import meva_core as meva
from meva_core.contracts import component, hooks
from meva_core.errors import Remark
from meva_core.experiment import resolve
from meva_core.registry import bibtex, discovery, recipes
from meva_core.report import citations
from meva_core.storage import run_folder

pytestmark = pytest.mark.usefixtures("no_figures")

PLUGINS = Path(__file__).parents[2] / "plugins"
SHIPPED = [offer for offer in discovery.installed().offers if offer.distribution == "meva"]
MINE = """
    @book{stranger2001ropes,
      author = {Stranger, A. and {Tug Club}},
      title = {On {R}opes, @ home},
      year = {2001},
    }
"""
CODE = """
from meva_core.contracts import Entry, hookimpl

@hookimpl
def meva_games():
    yield Entry('tug_of_war', 'nosuch:TugOfWar', 'pulls', 'Stranger (2001)', bibtex={bibtex!r})

@hookimpl
def meva_learners():
    yield Entry('tug_of_war', 'nosuch:Tugger', 'pulls back', bibtex={bibtex!r})
"""


def closing(text, opening):
    """The position of the brace that closes the one at `opening`."""
    depth = 0
    for position in range(opening, len(text)):
        depth += {"{": 1, "}": -1}.get(text[position], 0)
        if depth == 0:
            return position
    raise AssertionError(f"expected a closing brace, got none: {text[opening:]}")


def parse(text):
    """Key -> fields. AssertionError unless it is entries, blank lines between them, and nothing else."""
    papers = {}
    position = 0
    while position < len(text):
        head = re.compile(r"@\w+\{(\w+),\n").match(text, position)
        assert head, f"expected an entry, got {text[position : position + 60]!r}"
        end = closing(text, text.index("{", position))
        fields = {}
        at = head.end()
        while start := re.compile(r"\s*(\w+) = (?=\{)").match(text, at):
            at = closing(text, start.end()) + 1
            fields[start[1]] = text[start.end() + 1 : at - 1]
            assert text[at] == ",", f"expected a comma after {start[1]} of {head[1]}"
            at += 1
        assert not text[at:end].strip(), f"expected fields in {head[1]}, got {text[at:end]!r}"
        assert head[1] not in papers, f"expected every key once, got {head[1]} twice"
        papers[head[1]] = fields
        rest = text[end + 1 :]
        assert re.match(r"\n(\n@|$)", rest), f"expected a blank line after {head[1]}, got {rest[:20]!r}"
        position = end + 1 + len(rest) - len(rest.lstrip())
    return papers


def cited(command, *names):
    outcome = command("cite", *names)
    assert (outcome.code, outcome.err) == (0, "")
    return parse(outcome.out)


def first_author(authors):
    """The surname, as plain text has it."""
    return authors.partition(",")[0].replace(r"{\"a}", "ae")


@pytest.mark.parametrize(
    "text",
    [
        "@book{a,\n  year = {2000},\n",
        "@book{a,\n  year = {20{00},\n}\n",
        "@book{a,\n  year = {2000}\n}\n",
        "@book{a,\n}\n\n@book{a,\n}\n",
        "@book{a,\n}\n@book{b,\n}\n",
        "@book{a,\n  ye ar = {2000},\n}\n",
        "see @book{a,\n}\n",
        "@book{a,\n}\n\nand more\n",
    ],
)
def test_the_checker_refuses(text):
    with pytest.raises(AssertionError):
        parse(text)


@pytest.mark.parametrize("offer", SHIPPED, ids=lambda offer: f"{offer.kind}-{offer.name}")
def test_what_an_entry_names_is_what_is_cited(meva_command, offer):
    outcome = meva_command("cite", f"{offer.plugin}:{offer.name}")
    papers = parse(outcome.out)
    assert all({"author", "title", "year"} <= set(fields) for fields in papers.values())
    assert outcome.err == (
        "" if offer.entry.reference else f"note: no BibTeX on record for {offer.kind} {offer.name}\n"
    )
    named = re.findall(r"(?:^|; )([\w-]+)[^;(]* \((\d{4})\)", offer.entry.reference)
    assert len(named) == offer.entry.reference.count("; ") + bool(offer.entry.reference)
    assert named == [(first_author(fields["author"]), fields["year"]) for fields in papers.values()]


def test_every_shipped_learner_and_game_has_a_paper():
    assert {offer.kind for offer in SHIPPED} == set(hooks.KINDS)
    nameless = [
        offer.name
        for offer in SHIPPED
        if offer.kind not in ("evaluation", "executor", "logger") and not bibtex.of(offer)
    ]
    assert nameless == ["none"]


def test_every_plugin_has_the_papers_that_its_entries_cite_and_no_others():
    named = {}
    for offer in SHIPPED:
        assert not offer.entry.bibtex
        if offer.entry.cites:
            assert offer.entry.references == f"{offer.plugin}:references.bib"
            named.setdefault(offer.plugin, set()).update(offer.entry.cites)
    stored = {path.parent.name: set(parse(path.read_text())) for path in PLUGINS.rglob("*.bib")}
    assert stored == named


def test_a_paper_has_the_same_text_in_every_plugin():
    texts = [entry for path in PLUGINS.rglob("*.bib") for entry in bibtex.entries(path.read_text()).items()]
    keys = [key for key, _ in texts]
    assert len(set(texts)) == len(set(keys))
    assert {key for key in keys if keys.count(key) > 2} >= {"cooijmans2023meta", "willi2022cola"}


def test_the_papers_come_in_the_order_asked_and_once(meva_command):
    once = cited(meva_command, "sos", "hola", "imp", "lola", "sos")
    assert [first_author(fields["author"]) for fields in once.values()] == ["Letcher", "Foerster", "Willi"]
    assert list(cited(meva_command, "imp", "sos")) == ["foerster2018learning", "letcher2019stable"]


def test_the_fields_are_the_papers(meva_command):
    (fields,) = cited(meva_command, "lola").values()
    assert fields["title"] == "Learning with Opponent-Learning Awareness"
    assert (fields["pages"], fields["year"], fields["eprint"]) == ("122--130", "2018", "1709.04326")
    assert fields["author"].count(" and ") + fields["author"].count(" and\n") == 5


def test_what_has_no_paper_is_said_beside_the_papers(meva_command):
    outcome = meva_command("cite", "none", "lola", "none")
    assert outcome.code == 0
    assert outcome.err == "note: no BibTeX on record for explorer none\n"
    assert len(parse(outcome.out)) == 1
    assert meva_command("cite", "none").out == ""


def test_a_run_s_folder_is_all_that_took_part(meva_command, tmp_path):
    known = discovery.installed()
    overrides = {"learner.explorer.name": "noisy_network"}
    resolved = resolve.resolve(
        known, [recipes.shipped()], game="tandem", learner="meva", opponents=["cola"], overrides=overrides
    )
    run_folder.create(tmp_path / "run", resolved)
    found = cited(meva_command, tmp_path / "run")
    assert found == cited(meva_command, "tandem", "meva", "paired_mlp", "noisy_network", "cola")
    assert len(found) == 4
    assert list(cited(meva_command, "cgd", tmp_path / "run"))[1:] == list(found)


@component
class Mine(Tandem):
    """A game that no plugin offers."""


def test_a_finished_run_has_its_papers_on_record_also_with_a_class_from_python(tmp_path, meva_command):
    small = {"evaluate.pairs": 2, "evaluate.steps": 2}
    meva.run(Mine, "hola", set=small, evaluate=["convergence"], out=tmp_path / "run")
    written = (tmp_path / "run" / "references.bib").read_text()
    assert list(parse(written)) == ["foerster2018learning", "willi2022cola"]
    outcome = meva_command("cite", tmp_path / "run")
    assert (outcome.out, outcome.err) == (written, "")


def test_references_that_cannot_be_read_cost_the_papers_and_no_run():
    resolved = resolve.resolve(discovery.installed(), [recipes.shipped()], game="ipd", learner="lola")
    assert list(citations.of(resolved) or {}) == ["foerster2018learning"]
    entry = attrs.evolve(resolved.game.offer.entry, cites=("nosuch",))
    game = attrs.evolve(resolved.game, offer=attrs.evolve(resolved.game.offer, entry=entry))
    with pytest.warns(Remark, match="papers to cite are left out: game 'ipd' of plugin 'meva_games'"):
        assert citations.of(attrs.evolve(resolved, game=game)) is None


def test_a_tournament_s_folder_is_its_games_and_learners(meva_command, tmp_path):
    lines = ['games = ["ipd", "tandem"]', 'learners = ["naive", "hola"]', "seeds = 2"]
    (tmp_path / "tournament.toml").write_text("\n".join(lines))
    assert cited(meva_command, tmp_path) == cited(meva_command, "ipd", "tandem", "naive", "hola")


def test_a_finished_tournament_has_its_papers_on_record(meva_command, tmp_path):
    asked = ("--game", "tandem", "--learners", "naive,hola", "--trials", 2, "--steps", 2, "--seeds", 1)
    assert meva_command("tournament", *asked, "--out", tmp_path / "all", "--quiet").code == 0
    written = (tmp_path / "all" / "references.bib").read_text()
    assert parse(written) == cited(meva_command, "tandem", "naive", "hola")
    assert meva_command("cite", tmp_path / "all").out == written
    assert written in html.unescape((tmp_path / "all" / "report.html").read_text())


def test_a_name_is_not_taken_for_a_folder(meva_command, tmp_path, monkeypatch):
    (tmp_path / "lola").mkdir()
    monkeypatch.chdir(tmp_path)
    assert len(cited(meva_command, "lola")) == 1


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ([], "expected names or run folders to cite, got nothing: write meva cite NAME"),
        (["lolla"], "unknown name or run 'lolla' - did you mean 'lola'? (known: "),
        (["sos", "lolla"], "unknown name or run 'lolla'"),
        (["nosuch:lola"], "unknown name or run 'nosuch:lola'"),
        (["noisy_netwrk"], "did you mean 'noisy_network'?"),
        (["empty"], "expected a folder with an experiment.toml or a tournament.toml, got empty"),
        (["broken"], "expected TOML in broken/experiment.toml"),
        (["odd"], "unknown game 'nosuch'"),
        (["half"], "expected a tournament.toml as meva tournament writes it, got half/tournament.toml"),
        (["--al"], "No such option '--al'"),
    ],
)
def test_bad_input_is_one_line_and_no_paper(meva_command, tmp_path, monkeypatch, given, said):
    monkeypatch.chdir(tmp_path)
    for name in ("empty", "broken", "odd", "half"):
        (tmp_path / name).mkdir()
    (tmp_path / "broken" / "experiment.toml").write_text("[game\n")
    odd = 'schema = 3\ngame = { name = "nosuch" }\nlearner = { name = "naive" }\n'
    (tmp_path / "odd" / "experiment.toml").write_text(odd)
    (tmp_path / "half" / "tournament.toml").write_text('games = ["ipd"]\n')
    outcome = meva_command("cite", *given)
    assert (outcome.code, outcome.out) == (2, "")
    (line,) = outcome.err.splitlines()
    assert line.startswith("error: ")
    assert said in line


def test_a_strangers_entry_of_two_kinds(meva_command, fake_plugin):
    fake_plugin("ropes", CODE.format(bibtex=MINE))
    found = cited(meva_command, "tug_of_war", "ipd")
    assert list(found) == ["stranger2001ropes", "foerster2018learning"]
    assert found["stranger2001ropes"]["title"] == "On {R}opes, @ home"
    assert "\n  title = " in meva_command("cite", "tug_of_war").out  # as it stands in the code, but for the indentation


def test_a_strangers_entry_without_bibtex_is_said_with_its_paper(meva_command, fake_plugin):
    fake_plugin("ropes", CODE.format(bibtex=""))
    outcome = meva_command("cite", "tug_of_war")
    assert (outcome.code, outcome.out) == (0, "")
    assert outcome.err == "note: no BibTeX on record for game tug_of_war (Stranger (2001)), learner tug_of_war\n"


def test_another_text_of_the_same_key_is_left_out_and_said(meva_command, fake_plugin):
    fake_plugin("ropes", CODE.format(bibtex=MINE.replace("stranger2001ropes", "foerster2018learning")))
    outcome = meva_command("cite", "ipd", "ropes:tug_of_war")
    assert outcome.code == 0
    assert outcome.err == "note: plugins have different texts for foerster2018learning: the first one is printed\n"
    assert parse(outcome.out)["foerster2018learning"]["year"] == "2018"


def install_with_keys(fake_plugin, cites, references):
    """A plugin that cites by keys, and a package of its with a file of papers."""
    named = "" if references is None else f"MEVA_REFERENCES = {references!r}\n"
    code = CODE.replace("bibtex={bibtex!r}", "cites={cites!r}").format(cites=cites)
    package = fake_plugin("ropes", named + code) / "ropes_papers"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "papers.bib").write_text(MINE)


def test_a_strangers_keys_stand_in_its_own_file(meva_command, fake_plugin):
    install_with_keys(fake_plugin, ("stranger2001ropes",), "ropes_papers:papers.bib")
    assert list(cited(meva_command, "tug_of_war")) == ["stranger2001ropes"]


@pytest.mark.parametrize(
    ("references", "said"),
    [
        ("ropes_papers:papers.bib", "unknown citation key 'stranger2001' @ ropes_papers:papers.bib - did you mean"),
        (
            "ropes_papers:nosuch.bib",
            "expected BibTeX at 'ropes_papers:nosuch.bib' (package:file.bib), got: File",
        ),
        ("nosuch:papers.bib", "expected a file at 'nosuch:papers.bib' (package:file), got no such package"),
        (None, "expected references = 'package:file.bib', or MEVA_REFERENCES, together with cites, got none"),
    ],
)
def test_keys_that_no_file_has_are_their_plugins_fault(meva_command, fake_plugin, references, said):
    install_with_keys(fake_plugin, ("stranger2001",), references)
    outcome = meva_command("cite", "tug_of_war")
    assert (outcome.code, outcome.out, outcome.err.count("\n")) == (2, "", 1)
    assert f"error: game 'tug_of_war' of plugin 'ropes' (meva-ropes): its references: {said}" in outcome.err


def test_two_plugins_with_one_name_are_not_chosen_between(meva_command, fake_plugin):
    fake_plugin("ropes", CODE.format(bibtex=MINE))
    fake_plugin("strings", CODE.format(bibtex=MINE))
    outcome = meva_command("cite", "tug_of_war")
    assert (outcome.code, outcome.out) == (2, "")
    assert "ropes:tug_of_war or strings:tug_of_war" in outcome.err
    assert len(cited(meva_command, "strings:tug_of_war")) == 1


def test_show_says_how_to_cite(meva_command):
    assert meva_command("show", "learner", "lola").lines[-1] == "  as BibTeX: meva cite lola"
    assert "meva cite" not in meva_command("show", "explorer", "none").out
