"""`meva list` and `meva show`."""

import importlib.metadata
import io
import sys

import pytest

from meva_core import cli
from meva_core.contracts import hooks
from meva_core.contracts.hyperparameters import hyperparameters
from meva_core.registry import discovery, loading


def test_list_shows_every_entry_with_its_plugin_and_a_line(meva_command):
    outcome = meva_command("list")
    assert (outcome.code, outcome.err) == (0, "")
    for offer in discovery.installed().offers:
        at = next(n for n, line in enumerate(outcome.lines) if line.split()[:1] == [offer.name])
        assert offer.entry.summary.split()[-1] in " ".join(outcome.lines[at : at + 3])
        assert f"{offer.plugin} ({offer.distribution})" in " ".join(outcome.lines[at : at + 4])


def test_list_shows_a_strangers_entry(meva_command, fake_plugin):
    code = "from meva_core.contracts import Entry, hookimpl\n\n@hookimpl\ndef meva_explorers():\n"
    entries = (("shaking", "shakes"), ("a" * 90, "has a long name"), ("silent", ""))
    fake_plugin("shaky", code + "".join(f"    yield Entry({n!r}, 'nosuch:Shaking', {s!r})\n" for n, s in entries))
    outcome = meva_command("list")
    assert (outcome.code, outcome.err) == (0, "")
    assert outcome.out.count("shaky (meva-shaky)") == 3


@pytest.mark.parametrize("kind", hooks.KINDS)
def test_list_shows_one_kind(meva_command, kind):
    outcome = meva_command("list", kind)
    assert outcome.code == 0
    assert outcome.lines[0] == hooks.plural_label(kind)
    names = {line.split()[0] for line in outcome.lines[1:] if line.startswith("  ") and line[2] != " "}
    assert names == {offer.name for offer in discovery.installed().of_kind(kind)}


def test_list_of_an_unknown_kind(meva_command):
    outcome = meva_command("list", "gam")
    assert outcome.code == 2
    assert outcome.err.splitlines() == [
        "error: unknown kind 'gam' - did you mean 'game'? (known: evaluation, executor, explorer, game, learner, "
        "logger, policy, value_model)"
    ]


@pytest.mark.parametrize("kind", hooks.KINDS)
def test_list_fits_80_columns(meva_command, kind):
    assert max(map(len, meva_command("list", kind).lines)) <= 80


def test_show_says_everything_of_a_learner(meva_command):
    outcome = meva_command("show", "learner", "meva")
    assert (outcome.code, outcome.err) == (0, "")
    assert outcome.lines[0] == "learner meva  (meva_meta_value, distribution meva)"
    assert "Meta-Value Learning" in outcome.out
    for text in (
        "rate = 1.0  (float",
        "discount = 0.95  (float or list of floats",
        "mixing = 'convex'  (str",
        "quantiles = 32  (int",
        "ipd default:",
        "ipd paper: Cooijmans et al. (2023), appendix E",
        "ipd authors:",
        "ipd shaping:",
        "logistic paper: Cooijmans et al. (2023), appendix D",
    ):
        assert text in outcome.out
    paper = outcome.lines.index("paper")
    assert "arXiv 2307.08863" in " ".join(" ".join(outcome.lines[paper + 1 :]).split())
    joined = " ".join(outcome.out.split())
    for h in hyperparameters(loading.load(discovery.installed().find("learner", "meva"))):
        assert f"  {h.name} = " in outcome.out
        assert " ".join(h.doc.split()) in joined


@pytest.mark.parametrize("offer", discovery.installed().offers, ids=lambda offer: f"{offer.kind}-{offer.name}")
def test_show_works_for_every_entry(meva_command, offer):
    outcome = meva_command("show", offer.kind, offer.name)
    assert (outcome.code, outcome.err) == (0, "")
    assert "hyper-parameters" in outcome.lines
    assert ("paper" in outcome.lines) == bool(offer.entry.reference)
    assert ("recipes" in outcome.lines) == (offer.kind == "learner")


def test_show_leaves_out_what_learners_set(meva_command):
    out = meva_command("show", "value_model", "paired_mlp").out
    assert "  outputs" not in out
    assert "  conditions" not in out
    assert "equivariant = unset  (bool or nothing" in out


def test_show_lists_the_users_recipes(meva_command, tmp_path):
    (tmp_path / "mine.toml").write_text('[recipes.ipd.naive.mine]\nsource = "my own numbers"\n')
    outcome = meva_command("show", "learner", "naive", "--registry", tmp_path / "mine.toml")
    assert "ipd mine: my own numbers" in outcome.out


@pytest.mark.parametrize(("kind", "name"), [("learner", "meva"), ("learner", "lola"), ("game", "logistic")])
def test_show_fits_80_columns(meva_command, kind, name):
    assert max(map(len, meva_command("show", kind, name).lines)) <= 80


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["show"], "expected a kind or a name to show, got nothing"),
        (["show", "mevaa"], "unknown name 'mevaa' - did you mean 'meva'"),
        (["show", "learner", "meva", "ipd"], "expected a kind and a name, got learner meva ipd: write meva show"),
        (["list", "learner", "gmaes"], "unknown kind 'gmaes' - did you mean 'game'"),
        (["show", "learnr", "meva"], "unknown kind 'learnr' - did you mean 'learner'"),
        (["show", "learner", "mevaa"], "unknown learner 'mevaa' - did you mean 'meva'"),
        (["show", "learner", "naive", "--registry", "nosuch.toml"], "expected a readable TOML file at nosuch.toml"),
        (["lst"], "No such command 'lst'"),
        (["list", "--al"], "No such option '--al'"),
    ],
)
def test_bad_input(meva_command, arguments, said):
    outcome = meva_command(*arguments)
    assert outcome.code == 2
    (line,) = outcome.err.splitlines()
    assert line.startswith("error: ")
    assert said in line


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        (["list", "Games"], ["list", "game"]),
        (["list", "value-models"], ["list", "value_model"]),
        (["list", "value", "models"], ["list", "value_model"]),
        (["list", "games", "game"], ["list", "game"]),
        (["show", "explorers"], ["list", "explorer"]),
        (["list", "policies"], ["list", "policy"]),
        (["show", "learners", "meva"], ["show", "learner", "meva"]),
        (["show", "meva"], ["show", "learner", "meva"]),
        (["show", "meva_meta_value:meva"], ["show", "learner", "meva"]),
        (["show", "Value model", "paired_mlp"], ["show", "value_model", "paired_mlp"]),
        (["show", "value", "models", "paired_mlp"], ["show", "value_model", "paired_mlp"]),
    ],
)
def test_kinds_and_names_are_understood(meva_command, said, meant):
    outcome, same = meva_command(*said), meva_command(*meant)
    assert (outcome.code, outcome.err) == (0, "")
    assert outcome.out == same.out


def test_list_shows_several_kinds(meva_command):
    out = meva_command("list", "learners", "games").out
    assert out == "\n".join(meva_command("list", kind).out for kind in ("learner", "game"))


def test_a_name_of_several_kinds_is_told_in_one_line(meva_command, fake_plugin):
    code = "from meva_core.contracts import Entry, hookimpl\n\n@hookimpl\ndef meva_explorers():\n"
    fake_plugin("twice", code + "    yield Entry('naive', 'nosuch:Naive', 'explores naively')\n")
    outcome = meva_command("show", "naive")
    assert outcome.code == 2
    assert outcome.err == (
        "error: expected a kind, since 'naive' is a learner and an explorer: "
        "write meva show learner naive or meva show explorer naive\n"
    )


def test_help_names_the_commands(meva_command, meva_run):
    outcome = meva_command("--help")
    assert outcome.code == 0
    assert all(command in outcome.out for command in ("run", "list", "show", "cite"))
    text = meva_run("--help").out
    for option in (
        "game",
        "learner",
        "opponent",
        "recipe",
        "seed",
        "seeds",
        "set",
        "out",
        "resume",
        "registry",
        "quiet",
    ):
        assert f"--{option}" in text
    assert max(map(len, text.splitlines())) <= 80


def test_tables_in_descriptions_keep_their_lines(meva_command):
    shown = meva_command("show", "evaluation", "best_response")
    assert "  best_response: {ours, theirs, agreement}: payoffs with our policy fixed and" in shown.lines
    assert any(line.startswith("  exploitability: {gain, loss}: ") for line in shown.lines)
    assert max(map(len, shown.lines)) <= 80


def test_version(meva_command):
    assert meva_command("--version").out.strip().endswith(importlib.metadata.version("meva"))


def test_what_a_terminal_cannot_show_is_escaped(monkeypatch):
    shown = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(shown, encoding="ascii"))
    monkeypatch.setattr(sys, "argv", ["meva", "list", "game"])
    with pytest.raises(SystemExit):
        cli.main()
    print("\N{GREEK SMALL LETTER GAMMA}, \udcff", flush=True)
    assert b"ipd" in shown.getvalue()
    assert shown.getvalue().endswith(rb"\u03b3, \udcff" + b"\n")


def test_a_game_s_strategies_are_shown(meva_command):
    shown = meva_command("show", "game", "public_goods").out
    assert "strategies\n  always_contribute, always_keep, tit_for_tat," in shown
    assert "strategies" not in meva_command("show", "game", "tandem").out
