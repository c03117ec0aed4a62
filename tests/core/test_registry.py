"""Plugins are found through entry points; broken ones are one warning; conflicts name both sides."""

import importlib.metadata
import re
import textwrap
import tomllib
import warnings

import pytest

from meva_core.contracts import Entry, hooks
from meva_core.errors import BadPlugin, UnknownName
from meva_core.registry import discovery, entries, loading, recipes
from meva_core.registry.discovery import PluginWarning

BUNDLED = {
    ("game", "ipd"),
    ("game", "logistic"),
    ("learner", "naive"),
    ("learner", "lola"),
    ("learner", "meva"),
    ("value_model", "paired_mlp"),
    ("explorer", "none"),
    ("explorer", "sign_flip"),
}
HEAD = "from meva_core.contracts import Entry, hookimpl\n\n\n"
GOOD = HEAD + "@hookimpl\ndef meva_games():\n    yield Entry({name!r}, 'some_module:Game', 'a game')\n"


def named(loaded):
    return {(offer.kind, offer.name) for offer in loaded.offers}


def example(text):
    """The indented block after `Example::`, or else after the first line that ends in a colon."""
    block = re.search(r"::?\n\n((?:    .*\n|\n)+)", textwrap.dedent(text.expandtabs()) + "\n")
    assert block, f"expected an example in {text!r}"
    return textwrap.dedent(block.group(1))


def test_bundled_entries_are_found():
    assert named(discovery.load()) >= BUNDLED
    assert all(offer.distribution == "meva" for offer in discovery.load().offers if (offer.kind, offer.name) in BUNDLED)


def test_nothing_is_found_without_entry_points(monkeypatch):
    monkeypatch.setattr(discovery.importlib.metadata, "entry_points", lambda group: ())
    assert discovery.load().offers == ()


def test_every_entry_can_be_imported_and_says_what_it_is():
    for offer in discovery.load().offers:
        assert loading.load(offer).__doc__
        assert offer.entry.summary
        assert "\n" not in offer.entry.summary


def test_unknown_name_suggests_the_nearest():
    with pytest.raises(UnknownName, match=r"unknown game 'ipdd' - did you mean 'ipd'\?.*logistic"):
        discovery.load().find("game", "ipdd")


@pytest.mark.parametrize("name", ["ipd:discount", "ipd:discount=0.9", "ipd:discount = 0.9:other=1"])
def test_settings_do_not_follow_a_name(name):
    with pytest.raises(UnknownName, match=f"the name of one game alone, such as ipd, got '{name}': .* with --set"):
        discovery.installed().find("game", name)


def test_unknown_plugin_before_the_colon():
    with pytest.raises(UnknownName, match="unknown game 'nosuch:ipd'"):
        discovery.load().find("game", "nosuch:ipd")


def test_a_strangers_plugin_is_found(fake_plugin):
    fake_plugin("tug_of_war", GOOD.format(name="tug_of_war"))
    offer = discovery.load().find("game", "tug_of_war")
    assert (offer.plugin, offer.distribution) == ("tug_of_war", "meva-tug-of-war")
    assert named(discovery.load()) >= BUNDLED


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("raise ImportError('needs a thing\\nthat is not there')", "needs a thing that is not there"),
        ("def broken(:", "SyntaxError"),
        (HEAD + "@hookimpl\ndef meva_gamess():\n    return []\n", "meva_gamess"),
        (HEAD + "@hookimpl\ndef meva_games(nosuch):\n    return []\n", "nosuch"),
        (HEAD + "@hookimpl\ndef meva_games():\n    raise RuntimeError('out of luck')\n", "out of luck"),
        (HEAD + "@hookimpl\ndef meva_games():\n    yield ('a', 'b:c', 'd')\n", "must yield"),
        (HEAD + "@hookimpl\ndef meva_games():\n    pass\n", "TypeError"),
        (HEAD + "@hookimpl\ndef meva_games():\n    yield Entry('only a name')\n", "TypeError"),
        (GOOD.format(name=3), "expected text for the name of an Entry, got 3"),
        (GOOD.format(name="odd").replace("'a game'", "'a game', bibtex=None"), "for the bibtex of an Entry, got None"),
        (GOOD.format(name="odd").replace("'a game'", "'a game', recipes=1"), "for the recipes of an Entry, got 1"),
        ("raise SystemExit(3)", "SystemExit: 3"),
        (HEAD + "@hookimpl\ndef meva_games():\n    raise SystemExit\n", "SystemExit"),
        (GOOD.format(name="half") + "\n\n@hookimpl\ndef meva_learners():\n    1 / 0\n", "division by zero"),
        (GOOD.format(name="../up"), "expected letters, digits, '_', '-' and '.' for the name of an Entry, got '../up'"),
        (
            GOOD.format(name="twice") + "    yield Entry('twice', 'a:B', 'again')\n",
            "every name once, got 'twice' twice",
        ),
        (
            "MEVA_CONTRACT = 3\n" + GOOD.format(name="new"),
            "expected MEVA_CONTRACT = 2, this meva's version of the hooks, got 3: upgrade meva",
        ),
        ("MEVA_CONTRACT = 0\n" + GOOD.format(name="old"), "got 0: upgrade meva-broken-one"),
        ("raise ValueError('no' * 1000)", "nono ..."),
    ],
    ids=[
        *("import", "syntax", "misspelt", "argument", "raises", "no-entry", "nothing", "half-an-entry"),
        *("number-for-name", "none-for-bibtex", "number-for-recipes", "exits", "hook-exits", "half-a-plugin"),
        *("a-path-for-name", "one-name-twice", "newer-contract", "older-contract", "long-winded"),
    ],
)
def test_a_broken_plugin_is_one_warning_and_all_else_works(fake_plugin, code, said):
    fake_plugin("good_one", GOOD.format(name="good_one"))
    fake_plugin("broken_one", code)
    with pytest.warns(PluginWarning) as caught:
        loaded = discovery.load()
    assert len(caught) == 1
    message = str(caught[0].message)
    assert "broken_one" in message
    assert "meva-broken-one" in message
    assert said in message
    assert "\n" not in message
    assert len(message) < 500
    assert named(loaded) == named(discovery.load(["broken_one"]))
    [plugin] = [plugin for plugin in loaded.plugins if plugin.name == "broken_one"]
    assert (plugin.distribution, plugin.version) == ("meva-broken-one", "1.0")
    assert plugin.fault in message
    assert ("game", "good_one") in named(loaded)


def test_a_broken_plugin_on_the_command_line(fake_plugin, meva_command):
    fake_plugin("broken_one", "1 / 0")
    outcome = meva_command("list", "game")
    assert outcome.code == 0
    assert outcome.err.splitlines() == [
        "warning: plugin 'broken_one' (meva-broken-one) is left out: ZeroDivisionError: division by zero"
    ]
    assert "ipd" in outcome.out


def test_two_plugins_with_one_name(fake_plugin):
    fake_plugin("first", GOOD.format(name="same"))
    fake_plugin("second", GOOD.format(name="same"))
    loaded = discovery.load()
    with pytest.raises(BadPlugin) as caught:
        loaded.find("game", "same")
    message = str(caught.value)
    for part in ("'first' (meva-first)", "'second' (meva-second)", "first:same", "second:same", "registry.toml"):
        assert part in message
    assert loaded.find("game", "first:same").distribution == "meva-first"
    assert loaded.find("game", "second:same").distribution == "meva-second"
    assert discovery.load(["first"]).find("game", "same").distribution == "meva-second"


def test_two_distributions_with_one_plugin_name(fake_plugin):
    fake_plugin("module_a", GOOD.format(name="same"), name="games")
    fake_plugin("module_b", GOOD.format(name="same"), name="games")
    with pytest.raises(BadPlugin) as caught:
        discovery.load().find("game", "same")
    message = str(caught.value)
    assert "meva-module-a" in message
    assert "meva-module-b" in message
    choices = re.search(r"write (\S+) or (\S+), or", message)
    assert choices
    found = {discovery.load().find("game", choice).distribution for choice in choices.groups()}
    assert found == {"meva-module-a", "meva-module-b"}


def test_a_conflict_with_a_bundled_name(fake_plugin, meva_run):
    fake_plugin("mine", GOOD.format(name="ipd"))
    outcome = meva_run("--game", "ipd", "--learner", "naive")
    assert outcome.code == 2
    assert "mine:ipd" in outcome.err
    assert "meva_games:ipd" in outcome.err


def test_one_distribution_found_twice_counts_once(fake_plugin):
    fake_plugin("twice", GOOD.format(name="twice"), site="one")
    fake_plugin("twice", GOOD.format(name="twice"), site="two")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        loaded = discovery.load()
    assert [offer.name for offer in loaded.offers].count("twice") == 1
    assert loaded.find("game", "twice").distribution == "meva-twice"


def test_a_factory_that_cannot_be_imported(fake_plugin):
    fake_plugin("hollow", GOOD.format(name="hollow"))
    with pytest.raises(BadPlugin, match=r"'hollow' of plugin 'hollow' \(meva-hollow\).*some_module:Game.*ModuleNot"):
        loading.load(discovery.load().find("game", "hollow"))


@pytest.mark.parametrize("factory", ["json:nosuch", "json", "", ":", "no such:module"])
def test_a_factory_that_is_not_there(factory):
    offer = entries.Offer("game", Entry("odd", factory, "odd"), "odd_plugin", "odd-distribution")
    with pytest.raises(BadPlugin, match=r"odd_plugin.*odd-distribution"):
        loading.load(offer)


def test_a_factory_that_is_no_component(fake_plugin, meva_run):
    fake_plugin("plain", GOOD.format(name="plain").replace("some_module:Game", "plain:Game") + "\n\nclass Game: ...\n")
    outcome = meva_run("--game", "plain", "--learner", "naive")
    assert outcome.code == 2
    assert "meva-plain" in outcome.err


def test_disabled_plugins_are_left_out():
    assert ("game", "ipd") not in named(discovery.load(["meva_games"]))
    assert ("learner", "lola") in named(discovery.load(["meva_games"]))


@pytest.mark.parametrize("name", ["a", "A-1.0", "_x", "7"])
def test_names_that_files_can_have(name):
    assert Entry(name, "a:B", "a game").name == name


@pytest.mark.parametrize("name", ["", "a/b", "..", ".a", "-a", "a b", "a:b", "a\n", "ä"])
def test_names_that_files_cannot_have(name):
    with pytest.raises(ValueError, match="for the name of an Entry"):
        Entry(name, "a:B", "a game")


@pytest.mark.parametrize("version", hooks.READ)
def test_plugins_of_this_contract_and_of_older_ones_are_found(version, fake_plugin):
    fake_plugin("of_today", f"MEVA_CONTRACT = {version}\n" + GOOD.format(name="of_today"))
    assert ("game", "of_today") in named(discovery.load())


def test_plugins_with_their_distributions_and_versions():
    ours = {(p.name, p.distribution, p.version, p.fault) for p in discovery.load().plugins}
    assert ("meva_games", "meva", importlib.metadata.version("meva"), "") in ours


@pytest.mark.parametrize("blocked", ["mine,yours", " mine , yours,", "meva-mine/mine,meva-yours/yours"])
def test_blocked_plugins_are_left_out(fake_plugin, monkeypatch, blocked):
    fake_plugin("mine", "1 / 0")
    fake_plugin("yours", GOOD.format(name="yours"))
    monkeypatch.setenv("MEVA_BLOCK", blocked)
    loaded = discovery.load()
    assert named(loaded) >= BUNDLED
    assert ("game", "yours") not in named(loaded)
    assert {p.name: p.fault for p in loaded.plugins if p.fault} == dict.fromkeys(
        ("mine", "yours"), "switched off (MEVA_BLOCK, or disabled in a registry file)"
    )
    assert not loaded.kinds_of("yours")


def test_blocked_for_every_command(fake_plugin, monkeypatch, meva_command, tmp_path):
    fake_plugin("yours", GOOD.format(name="yours").replace("'a game'", "'a game', recipes='nosuch:file.toml'"))
    monkeypatch.setenv("MEVA_BLOCK", "yours")
    (tmp_path / "mine.toml").write_text("")
    outcome = meva_command("list", "game")
    assert "yours" not in outcome.out
    registry_file = ("--registry", str(tmp_path / "mine.toml"))
    outcome = meva_command("run", "--game", "yours", "--learner", "naive", *registry_file)
    assert (outcome.code, outcome.err.count("\n")) == (2, 1)
    assert "error: unknown game 'yours'" in outcome.err


def test_names_to_switch_off_that_nobody_has(monkeypatch, meva_command, tmp_path):
    monkeypatch.setenv("MEVA_BLOCK", "meva_game")
    (tmp_path / "mine.toml").write_text('[plugins]\ndisabled = ["nobody"]\n')
    discovery.installed.cache_clear()
    try:
        outcome = meva_command("show", "learner", "naive", "--registry", str(tmp_path / "mine.toml"))
    finally:
        discovery.installed.cache_clear()
    assert outcome.code == 0
    first, second = outcome.err.splitlines()  # although plugins are read twice
    assert first.startswith("warning: no plugin 'meva_game' to switch off (MEVA_BLOCK, plugins.disabled)")
    assert "did you mean 'meva_games'?" in first
    assert second.startswith("warning: no plugin 'nobody' to switch off")


def test_a_traceback_for_those_who_ask(fake_plugin, monkeypatch, meva_command):
    fake_plugin("broken_one", "1 / 0")
    monkeypatch.setenv("MEVA_DEBUG", "1")
    outcome = meva_command("list", "game")
    assert "broken_one.py" in outcome.err
    assert "warning: plugin 'broken_one' (meva-broken-one) is left out: ZeroDivisionError" in outcome.err


def test_the_shipped_file_disables(monkeypatch):
    discovery.installed.cache_clear()
    monkeypatch.setattr(
        recipes, "shipped", lambda: recipes.parse({"plugins": {"disabled": ["meva_exploration"]}}, "here")
    )
    try:
        assert discovery.installed().of_kind("explorer") == []
    finally:
        discovery.installed.cache_clear()


@pytest.mark.parametrize("hook", [kind.hook for kind in hooks.KINDS.values()])
def test_every_hooks_docstring_holds_an_example_that_works(hook, fake_plugin):
    doc = getattr(hooks, hook).__doc__
    assert "Example::" in doc
    fake_plugin("example_of_a_hook", example(doc))
    kinds = {kind.hook: name for name, kind in hooks.KINDS.items()}
    offers = [offer for offer in discovery.load().offers if offer.plugin == "example_of_a_hook"]
    assert [offer.kind for offer in offers] == [kinds[hook]]


def test_every_hook_is_known_to_the_registry():
    names = {name for name in vars(hooks) if name.startswith("meva_")}
    assert names == {kind.hook for kind in hooks.KINDS.values()}


def test_the_module_docstring_holds_a_complete_plugin():
    project = tomllib.loads(example(hooks.__doc__ or ""))["project"]
    assert "meva" in project["dependencies"]
    (point,) = project["entry-points"][hooks.GROUP].items()
    assert point == ("tug_of_war", "tug_of_war")
    assert f"`{point[1]}.py`" in (hooks.__doc__ or "")
