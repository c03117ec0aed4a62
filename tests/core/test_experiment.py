"""Experiments: strict types, messages that say where, TOML there and back, and what the hash depends on."""

import contextlib
import tomllib
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from meva_core import evaluate
from meva_core.cli.run import parse_setting
from meva_core.contracts.hyperparameters import hyperparameters
from meva_core.errors import BadFolder, BadValue, MevaError, UnknownName
from meva_core.experiment import compose, reading
from meva_core.experiment import experiment as experiments
from meva_core.experiment import resolve as resolving
from meva_core.registry import discovery, loading, recipes

KNOWN = discovery.installed()


def resolve(game="ipd", learner="meva", opponents=(), recipe="default", files=(), **more):
    """Overrides as `learner__rate=1.5`, or as `overrides={...}`."""
    overrides = {name.replace("__", "."): value for name, value in more.items() if "__" in name}
    return resolving.resolve(
        KNOWN,
        [recipes.shipped(), *files],
        game=game,
        learner=learner,
        opponents=opponents,
        recipe=recipe,
        overrides={**overrides, **more.get("overrides", {})},
    )


def read(text, tmp_path):
    path = tmp_path / "experiment.toml"
    path.write_text(text)
    return reading.read(KNOWN, path)


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        ("learner.loops", 2.5, "expected int, got 2.5 (float) @ learner.loops"),
        ("learner.loops", 2.0, "expected int, got 2.0 (float) @ learner.loops"),
        ("learner.loops", True, "expected int, got True (bool) @ learner.loops"),
        ("learner.loops", "4", "expected int, got '4' (str) @ learner.loops"),
        ("learner.rate", "fast", "expected float, got 'fast' (str) @ learner.rate"),
        ("learner.rate", True, "expected float, got True (bool) @ learner.rate"),
        ("learner.rate", float("nan"), "expected a finite number within single precision, got nan @ learner.rate"),
        ("learner.rate", float("inf"), "expected a finite number within single precision, got inf @ learner.rate"),
        ("learner.rate", [1.0], "expected float, got [1.0] (list) @ learner.rate"),
        ("learner.discount", "high", "expected float or list of floats, got 'high' (str) @ learner.discount"),
        (
            "learner.discount",
            [0.5, True],
            "expected float or list of floats, got [0.5, True] (list) @ learner.discount",
        ),
        ("learner.mixing", 1, "expected str, got 1 (int) @ learner.mixing"),
        ("value_model.embed_condition", 1, "expected bool, got 1 (int) @ value_model.embed_condition"),
        ("value_model.width", {"a": 1}, "expected int, got {'a': 1} (dict) @ value_model.width"),
        ("game.table", [[1, 2], [3]], "expected list of 2 lists of 2 floats, got [[1, 2], [3]] (list) @ game.table"),
        ("explorer.probability", "often", "expected float, got 'often' (str) @ explorer.probability"),
        ("fit.seeds", 1.0, "expected int, got 1.0 (float) @ fit.seeds"),
        ("evaluate.values", 3, "expected list of floats, got 3 (int) @ evaluate.values: write [3]"),
        ("evaluate.values", [0.5, "a"], "expected list of floats, got [0.5, 'a'] (list) @ evaluate.values"),
        ("evaluate.shaping.against", 1, "expected str or nothing, got 1 (int) @ evaluate.shaping.against"),
    ],
)
def test_a_wrong_type(path, value, said):
    with pytest.raises(BadValue) as caught:
        resolve(overrides={path: value})
    assert str(caught.value) == said


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("learner.raet", "unknown hyper-parameter 'raet' @ learner - did you mean 'rate'?"),
        ("game.discuont", "unknown hyper-parameter 'discuont' @ game - did you mean 'discount'?"),
        ("value_model.widht", "@ value_model - did you mean 'width'?"),
        ("value_model.outputs", "unknown hyper-parameter 'outputs' @ value_model"),
        ("explorer.prob", "@ explorer - did you mean 'probability'?"),
        ("fit.sed", "@ fit - did you mean 'seed'?"),
        ("evaluate.pair", "unknown hyper-parameter evaluate.pair - did you mean 'pairs'?"),
        ("evaluate.basins", "expected evaluate.basins.NAME, got 1: name one of its hyper-parameters"),
        ("lerner.rate", "expected SECTION.NAME, got 'lerner.rate' - did you mean 'learner'?"),
        ("rate", "expected SECTION.NAME, got 'rate'"),
    ],
)
def test_an_unknown_name_suggests_one(path, said):
    with pytest.raises(BadValue) as caught:
        resolve(overrides={path: 1})
    assert said in str(caught.value)


def test_a_whole_number_is_fine_for_a_float():
    rate = resolve(learner__rate=2).learner.settings["rate"]
    assert (rate, type(rate)) == (2.0, float)


def test_a_list_becomes_a_tuple():
    assert resolve(learner__discount=[0, 0.5]).learner.settings["discount"] == (0.0, 0.5)
    assert resolve(evaluate__values=[0, 1]).evaluate.values == (0.0, 1.0)


def test_every_hyperparameter_is_written_out():
    plain = resolve().to_plain()
    learner = loading.load(KNOWN.find("learner", "meva"))
    assert set(plain["learner"]) == {"name", "from", *(h.name for h in hyperparameters(learner))}


@pytest.mark.parametrize(
    "made",
    [
        lambda: resolve(),
        lambda: resolve(learner__discount=[0.9, 0.0], fit__seeds=3, evaluate__values=[0, 1 / 3]),
        lambda: resolve(opponents=["lola"], opponent__rate=0.1),
        lambda: resolve("logistic", "lola", recipe="default"),
        lambda: resolve(value_model__equivariant=False, recipe="paper"),
    ],
)
def test_toml_there_and_back(made, tmp_path):
    before = made()
    after = read(before.to_toml(), tmp_path)
    assert after == before
    assert after.hash == before.hash


def changed(plain, path, value):
    """A deep copy with one value changed."""
    copy = {key: dict(v) if isinstance(v, dict) else v for key, v in plain.items()}
    section, name = path
    copy[section][name] = value
    return copy


def others(value):
    """Another value of the same type."""
    if isinstance(value, bool):
        return not value
    if isinstance(value, int):
        return value + 1
    if isinstance(value, float):
        return value + 1e-6
    return [*value, 0.5] if isinstance(value, list) else value + "x"


@pytest.mark.parametrize(
    ("section", "name"),
    [
        (section, name)
        for section, table in resolve().to_plain().items()
        if isinstance(table, dict)
        for name in table
        if name not in ("name", "from", "table", "chunk", "on_divergence", "asked")
        and not isinstance(table[name], dict)
    ],
)
def test_the_hash_depends_on_every_number(section, name):
    plain = resolve().to_plain()
    other = reading.from_plain(KNOWN, changed(plain, (section, name), others(plain[section][name])), "here")
    assert other.hash != resolve().hash


EVALUATIONS = resolve().to_plain()["evaluate"]


@pytest.mark.parametrize(
    ("evaluation", "name"),
    [
        (evaluation, name)
        for evaluation, table in EVALUATIONS.items()
        if isinstance(table, dict)
        for name in table
        if name not in ("from", "against", "against_from")
    ],
)
def test_the_hash_depends_on_every_number_of_an_evaluation(evaluation, name):
    plain = resolve().to_plain()
    table = {**plain["evaluate"][evaluation], name: others(plain["evaluate"][evaluation][name])}
    other = reading.from_plain(KNOWN, changed(plain, ("evaluate", evaluation), table), "here")
    assert other.hash != resolve().hash
    assert other.fit_hash == resolve().fit_hash


def test_the_hash_depends_on_who_is_asked_and_not_on_how_they_were_picked():
    everybody = [name for name, table in EVALUATIONS.items() if isinstance(table, dict)]
    assert resolve(overrides={"evaluate.asked": everybody}).hash == resolve().hash
    assert resolve(overrides={"evaluate.asked": everybody[:1]}).hash != resolve().hash


@pytest.mark.parametrize(("name", "value"), [("chunk", 3), ("on_divergence", "stop")])
def test_the_hash_does_not_depend_on_what_decides_no_number(name, value):
    plain = resolve().to_plain()
    other = reading.from_plain(KNOWN, changed(plain, ("fit", name), value), "here")
    assert (other.hash, other.fit_hash) == (resolve().hash, resolve().fit_hash)


@pytest.mark.parametrize("way", experiments.WAYS)
def test_the_hash_is_that_of_files_from_before_a_way_to_fit(way):
    plain = resolve().to_plain()
    before = {**plain, "fit": {name: value for name, value in plain["fit"].items() if name != way}}
    assert experiments.hash_of(before) == resolve().hash
    changed_way = reading.from_plain(KNOWN, changed(plain, ("fit", way), True), "here")
    assert changed_way.fit_hash != resolve().fit_hash


def test_the_hash_does_not_depend_on_names_for_people():
    plain = resolve().to_plain()
    renamed = reading.from_plain(KNOWN, {**plain, "recipe": "mine", "source": "elsewhere"}, "here")
    assert renamed.hash == resolve().hash


def test_the_fits_hash_is_of_all_but_the_evaluation():
    assert resolve(evaluate__pairs=3).fit_hash == resolve().fit_hash
    assert resolve(evaluate__pairs=3).hash != resolve().hash
    assert len({resolve().fit_hash, resolve(fit__seeds=2).fit_hash, resolve(learner__rate=0.5).fit_hash}) == 3


def test_the_hash_depends_on_who_plays():
    hashes = {resolve().hash, resolve(opponents=["naive"]).hash, resolve(opponents=["lola"]).hash}
    hashes |= {resolve("logistic").hash, resolve(overrides={"evaluate.shaping.against": "lola"}).hash}
    assert len(hashes) == 5


def test_opponents_have_numbers_of_their_own():
    found = resolve(learner="lola", opponents=["naive"], overrides={"opponent.rate": 3, "learner.rate": 2})
    assert found.opponents[0].settings["rate"] == 3.0
    assert found.learner.settings["rate"] == 2.0
    again = resolve(learner="lola", opponents=["naive"], overrides={"opponent.1.rate": 3, "learner.rate": 2})
    assert again == found


def test_opponents_by_their_number():
    found = resolve(opponents=["lola", "naive"], overrides={"opponent.rate": 3, "opponent.2.rate": 4})
    assert [opponent.settings["rate"] for opponent in found.opponents] == [3.0, 4.0]


@pytest.mark.parametrize(
    ("opponents", "path", "said"),
    [
        ([], "opponent.rate", "expected --opponent NAME with opponent.rate, got self-play"),
        (["lola"], "opponent.2.rate", "expected an opponent from 1 to 1, got 2 @ opponent.2.rate"),
        (["lola"], "opponent.0.rate", "expected an opponent from 1 to 1, got 0 @ opponent.0.rate"),
        (["lola"], "opponent.raet", "unknown hyper-parameter 'raet' @ opponent - did you mean 'rate'?"),
        (["lola", "lola"], "opponent.2.raet", "unknown hyper-parameter 'raet' @ opponent.2"),
        (["lola"], "opponent.².rate", "opponent"),
    ],
)
def test_wrong_opponent_paths(opponents, path, said):
    with pytest.raises(BadValue) as caught:
        resolve(opponents=opponents, overrides={path: 1.0})
    assert said in str(caught.value)


def test_an_opponent_equal_to_the_learner_is_self_play():
    assert resolve(opponents=["meva"]) == resolve()
    assert resolve(opponents=["meva"], opponent__rate=1.0).opponents != ()


def test_an_opponent_without_the_recipe_uses_its_default():
    found = resolve(opponents=["naive"], recipe="paper")
    assert found.opponents[0].settings == resolve(learner="naive").learner.settings


def test_everybody_has_models_of_their_own():
    found = resolve(learner="naive", opponents=["meva"])
    assert found.learner.parts == {}
    assert found.opponents[0].parts == resolve().learner.parts
    assert reading.from_plain(KNOWN, found.to_plain(), "there and back") == found
    both = resolve(opponents=["cola"], game="tandem")
    assert both.learner.parts == resolve(game="tandem").learner.parts
    assert both.opponents[0].parts["value_model"] == resolve("tandem", "cola").learner.parts["value_model"]
    assert both.opponents[0].parts["value_model"] != both.learner.parts["value_model"]


def test_settings_of_models_are_for_all_or_for_opponents():
    def widths(**more):
        found = resolve("tandem", "meva", ["cola"], overrides=more)
        return [choice.parts["value_model"].settings["width"] for choice in (found.learner, *found.opponents)]

    usual = widths()
    assert widths(**{"value_model.width": 7}) == [7, 7]
    assert widths(**{"opponent.value_model.width": 7}) == [usual[0], 7]
    assert widths(**{"learner.value_model.width": 7}) == [7, usual[1]]
    assert widths(**{"value_model.width": 7, "opponent.1.value_model.width": 9}) == [7, 9]
    with pytest.raises(BadValue, match=r"expected int, got 'wide' .* @ opponent\.value_model\.width"):
        widths(**{"opponent.value_model.width": "wide"})


@pytest.mark.parametrize("path", ["opponent.explorer.name", "opponent.1.explorer.name", "learner.explorer.name"])
def test_another_model_for_one_side(path):
    found = resolve("tandem", "meva", ["meva"], overrides={path: "gaussian_step", "opponent.rate": 0.5})
    names = [choice.parts["explorer"].name for choice in (found.learner, *found.opponents)]
    there = path.startswith("opponent")
    assert (names[there], names[not there]) == ("gaussian_step", "sign_flip")


def asked(found, name):
    """Settings of an evaluation."""
    return next(choice.settings for choice in found.evaluations if choice.name == name)


def shaped(found):
    """The learner to be shaped."""
    questions = evaluate.plan(found, compose.compose(found)).questions
    return next(question.planned for question in questions if question.name == "shaping")


@pytest.mark.parametrize(
    ("game", "overrides", "rate"),
    [
        ("ipd", {}, 25.0),  # as naive learners are played there, and not at the 0 of a learner that never moves
        ("ultimatum", {}, 1.0),
        ("ipd", {"evaluate.shaping.rate": 3.0}, 3.0),
    ],
)
def test_a_learner_without_a_rate_shapes_others_at_theirs(game, overrides, rate):
    found = resolve(game, "fixed", overrides=overrides)
    assert asked(found, "shaping")["rate"] == rate
    assert shaped(found).rate == rate
    assert reading.from_plain(KNOWN, found.to_plain(), "here") == found


def test_a_learner_with_a_rate_lends_it():
    assert "rate" not in resolve("ipd", "lola").to_plain()["evaluate"]["shaping"]
    found = resolve("ipd", "lola", overrides={"learner.rate": 3.0})
    assert shaped(found).rate == 3.0


@pytest.mark.parametrize("path", ["opponent.name", "opponent.1.name"])
def test_an_opponent_is_not_named_by_a_setting(path):
    with pytest.raises(BadValue, match="expected --opponent lola"):
        resolve(opponents=["naive"], overrides={path: "lola"})


def test_everybody_is_built_with_models_of_their_own():
    widths = {"value_model.width": 5, "opponent.value_model.width": 7}
    built: tuple[Any, ...] = compose.compose(resolve("tandem", "meva", ["cola"], overrides=widths)).rehearse()
    assert [dict(player.value_model.settings)["width"] for player in built] == [5, 7]
    for path, value in (("value_model.width", 0), ("explorer.probability", 2.0)):
        composed = compose.compose if path.startswith("explorer") else lambda *a: compose.compose(*a).rehearse()
        with pytest.raises(BadValue, match=f"got {value} @ opponent.{path}"):
            composed(resolve("tandem", "naive", ["meva"], overrides={f"opponent.{path}": value}))


def test_a_model_that_nobody_or_somebody_lacks():
    plain = resolve(learner="naive", opponents=["lola"]).to_plain()
    with pytest.raises(BadValue, match=r"expected a learner with a part explorer for \[explorer\], got none"):
        reading.from_plain(KNOWN, {**plain, "explorer": {"name": "none"}}, "file")
    plain = resolve().to_plain()
    del plain["value_model"]
    with pytest.raises(BadValue, match=r"expected a table \[value_model\] for 'meva', got none @ learner"):
        reading.from_plain(KNOWN, plain, "file")


def test_models_of_an_opponent_that_has_none():
    plain = resolve(opponents=["naive"]).to_plain()
    plain["opponents"][0]["explorer"] = {"name": "none"}
    with pytest.raises(BadValue, match=r"expected a learner with a part explorer, got 'naive' @ opponent\.explorer"):
        reading.from_plain(KNOWN, plain, "file")


def test_an_opponents_models_may_be_left_to_the_learner():
    plain = resolve("tandem", "meva", ["cola"]).to_plain()
    del plain["opponents"][0]["value_model"]
    found = reading.from_plain(KNOWN, plain, "file")
    assert found.opponents[0].parts["value_model"] == found.learner.parts["value_model"]


def test_another_explorers_numbers_are_dropped():
    found = resolve(explorer__name="none").learner.parts["explorer"]
    assert found is not None
    assert (found.name, dict(found.settings)) == ("none", {})


@pytest.mark.parametrize("path", ["learner.name", "game.name", "opponent.name"])
def test_who_plays_is_not_a_setting(path):
    """It would run with another's recipe: --game, --learner and --opponent say who plays."""
    name = "logistic" if path == "game.name" else "lola"
    with pytest.raises(BadValue, match="--" + path.partition(".")[0]):
        resolve("ipd", "naive", ["naive"] if path == "opponent.name" else [], overrides={path: name})


def test_settings_of_parts_that_nobody_has():
    for path in ("value_model.width", "learner.explorer.name", "opponent.value_model.width"):
        with pytest.raises(BadValue, match=f"a part .*, got {path}: (naive|lola) has none"):
            resolve(learner="naive", opponents=["lola"], overrides={path: 8})


def test_the_users_recipes_win():
    mine = recipes.parse({"recipes": {"ipd": {"meva": {"default": {"learner": {"rate": 3.0}, "source": "me"}}}}}, "x")
    found = resolve(files=[mine])
    assert (found.learner.settings["rate"], found.source) == (3.0, "me")


def test_no_recipe_on_record():
    found = resolve("ultimatum", "lola")
    assert found.learner.settings["rate"] == 1.0
    assert "defaults" in found.source


def test_a_name_with_its_plugin_has_the_same_recipes():
    found = resolve("meva_games:ipd", "meva_meta_value:meva", recipe="paper")
    assert found.learner.settings == resolve(recipe="paper").learner.settings


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("schema = 3", "schema = 2", "expected schema 3, got 2"),
        ("schema = 3", "", "expected schema 3, got None"),
        ("schema = 3", "schema = 3\nbogus = 1", "unknown key 'bogus'"),
        ("[learner]", "[lerner]", "unknown key 'lerner'"),
        ("[fit]", "[fit]\nsed = 1", "unknown hyper-parameter 'sed' @ fit"),
        ("seeds = 1", "seeds = 0", "got 0 @ fit"),
        ("seeds = 1", "seeds = 'one'", "expected int, got 'one' (str) @ fit.seeds"),
        ('name = "ipd"', 'name = "ipdd"', "unknown game 'ipdd' - did you mean 'ipd'?"),
        ('name = "ipd"', "", "expected a table with a name"),
        (
            'name = "meva"',
            'name = "lola"',
            ", which offers none: name plugin 'meva_gradient_rules' (meva ",
        ),
        ("[learner.from]", "[learner.from]\nplace = 1", "unknown key 'place'"),
        ('[game.from]\nplugin = "meva_games"', "[game.from]\nplugin = 1", "expected text, got 1 @ game.from.plugin"),
        ('recipe = "default"', "recipe = 3", "expected str, got 3 (int) @ recipe"),
        ("schema = 3", "schema = 3\nopponents = 3", "expected a list of tables, got 3"),
        ("schema = 3", "schema = 3\nopponents = [3]", "expected a table with a name, got 3 @ opponent"),
    ],
)
def test_an_edited_file(tmp_path, old, new, said):
    text = resolve().to_toml()
    assert old in text
    with pytest.raises(MevaError) as caught:
        read(text.replace(old, new, 1), tmp_path)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_file_that_is_no_toml(tmp_path):
    with pytest.raises(BadFolder, match="expected TOML"):
        read("schema = = 1", tmp_path)


def test_an_older_file_keeps_its_numbers(tmp_path):
    """A number that the file lacks has the class's default; the numbers in the file stay."""
    plain = resolve().to_plain()
    del plain["learner"]["beta2"], plain["evaluate"]["basins"]["grid"]
    found = reading.from_plain(KNOWN, plain, "here")
    assert found == resolve()


@pytest.mark.parametrize(
    ("text", "parsed"),
    [
        ("learner.rate=1.5", ("learner.rate", 1.5)),
        ("learner.rate = 1", ("learner.rate", 1)),
        ("learner.mixing=sum", ("learner.mixing", "sum")),
        ('learner.mixing="sum"', ("learner.mixing", "sum")),
        ("a.b=[0, 0.5]", ("a.b", [0, 0.5])),
        ("a.b=true", ("a.b", True)),
        ("a.b=x=y", ("a.b", "x=y")),
    ],
)
def test_settings_on_the_command_line(text, parsed):
    assert parse_setting(text) == parsed


@pytest.mark.parametrize("text", ["", "=", "learner.rate", "=1", "learner.rate=", "learner.rate= "])
def test_settings_that_are_none(text):
    with pytest.raises(BadValue, match=r"expected --set SECTION\.NAME=VALUE"):
        parse_setting(text)


@contextlib.contextmanager
def explained():
    """Passes, or raises a MevaError of one line."""
    try:
        yield
    except MevaError as error:
        if "\n" in str(error):
            raise AssertionError("expected one line") from error


PATHS = [f"{s}.{n}" for s, t in resolve().to_plain().items() if isinstance(t, dict) for n in t]
PATHS += [
    "opponent.explorer.name",
    "opponent.value_model.width",
    "learner.value_model.width",
    "opponent.1.explorer.name",
]
PATHS += ["opponent.rate", "opponent.1.rate", "opponent.name", "opponent.", "learner", ".", "opponent.9.x"]
ASCII = st.text(st.characters(max_codepoint=127, exclude_categories=["C"]), max_size=12)
SCALARS = st.one_of(st.integers(), st.just(10**400), st.floats(), st.booleans(), ASCII, st.dates(), st.none())
VALUES = st.recursive(SCALARS, lambda v: st.lists(v, max_size=3) | st.dictionaries(ASCII, v, max_size=2), max_leaves=4)


@settings(deadline=None, max_examples=300, suppress_health_check=[HealthCheck.too_slow])
@given(
    overrides=st.dictionaries(st.sampled_from(PATHS) | ASCII, VALUES, max_size=3),
    opponents=st.lists(st.sampled_from(["naive", "lola", "meva", "nosuch"]), max_size=2),
)
def test_whatever_is_set_is_accepted_or_explained(overrides, opponents):
    with explained():
        found = resolve(opponents=opponents, overrides=overrides)
        assert reading.from_plain(KNOWN, tomllib.loads(found.to_toml()), "here").hash == found.hash


def test_a_number_of_hundreds_of_digits_is_refused():
    with pytest.raises(BadValue, match=r"between 1 and 10+, got 10+ @ evaluate\.pairs"):
        resolve(overrides={"evaluate.pairs": 10**400})


@settings(deadline=None, max_examples=100)
@given(value=ASCII)
def test_whatever_is_typed_is_accepted_or_explained(value):
    with explained():
        path, parsed = parse_setting(f"learner.rate={value}")
        resolve(overrides={path: parsed})


def test_unknown_names():
    for more, said in [
        ({"game": "ipdd"}, "unknown game 'ipdd'"),
        ({"learner": "mevaa"}, "unknown learner 'mevaa' - did you mean 'meva'"),
        ({"opponents": ["lolla"]}, "unknown learner 'lolla' - did you mean 'lola'"),
        ({"recipe": "papr"}, "unknown recipe 'papr' for meva on ipd - did you mean 'paper'"),
        ({"explorer__name": "sing_flip"}, "unknown explorer 'sing_flip' - did you mean 'sign_flip'"),
        ({"value_model__name": "mlp"}, "unknown value model 'mlp'"),
    ]:
        with pytest.raises(UnknownName) as caught:
            resolve(**more)
        assert said in str(caught.value)


def test_rates_for_payoffs_in_another_unit_are_told():
    table = [[-2000.0, 0.0], [-3000.0, -1000.0]]
    told = resolve(learner="lola", overrides={"game.table": table, "learner.rate": 0.025}).source
    assert told.endswith(
        "; its rates are for payoffs with a range of 3, not 3000: consider learner.look_ahead_rate=0.025"
    )
    near = [[-2.0, 2.0], [-3.0, -1.0]]
    both = {"game.table": table, "learner.rate": 0.025, "learner.look_ahead_rate": 0.025}
    for overrides in ({"game.table": near}, {"game.discount": 0.9}, both):
        assert "consider" not in resolve(learner="lola", overrides=overrides).source
