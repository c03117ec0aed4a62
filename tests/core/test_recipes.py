"""Recipe files: layers, bases, mistakes; and what ships, number by number."""

import attrs
import jax
import numpy as np
import pytest

import meva_core as meva
from meva_core import evaluate
from meva_core.errors import BadFolder, BadValue, UnknownName
from meva_core.experiment import compose, resolve
from meva_core.registry import discovery, recipes

SHIPPED = [
    (game, learner, name)
    for game, learners in recipes.shipped().tables.items()
    for learner, found in learners.items()
    for name in found
]


def parsed(**tables):
    """One learner `l` on one game `g` unless the tables say otherwise."""
    return recipes.parse({"recipes": {"g": {"l": tables}}}, "here")


def learner_of(files, name="default", game="g"):
    found = recipes.find(files, game, "l", name)
    assert found is not None
    return found.sections["learner"]


def test_the_users_file_lies_over_the_shipped():
    shipped = parsed(default={"learner": {"rate": 1.0}}, other={"learner": {"rate": 2.0}})
    user = parsed(default={"learner": {"rate": 3.0}})
    assert learner_of([shipped, user]) == {"rate": 3.0}
    assert learner_of([shipped, user], "other") == {"rate": 2.0}
    assert recipes.names([shipped, user], "g", "l") == ["default", "other"]


def test_a_base_is_what_a_recipe_starts_from():
    file = parsed(
        default={"learner": {"rate": 1.0, "loops": 5}, "explorer": {"name": "e"}},
        middle={"base": "default", "learner": {"rate": 2.0}},
        last={"base": "middle", "learner": {"loops": 7}, "source": "here"},
    )
    found = recipes.find([file], "g", "l", "last")
    assert found is not None
    assert found.sections["learner"] == {"rate": 2.0, "loops": 7}
    assert found.sections["explorer"] == {"name": "e"}
    assert found.source == "here"


def test_a_base_may_lie_in_another_file():
    user = parsed(mine={"base": "default", "learner": {"rate": 2.0}})
    shipped = parsed(default={"learner": {"loops": 5}})
    assert learner_of([shipped, user], "mine") == {"loops": 5, "rate": 2.0}


def test_a_circle_of_bases():
    file = parsed(a={"base": "b"}, b={"base": "a"})
    with pytest.raises(BadValue, match=r"circle of bases a -> b -> a @ recipes\.g\.l"):
        recipes.find([file], "g", "l", "a")


def test_an_unknown_base():
    with pytest.raises(UnknownName, match=r"unknown base 'defalt'.*did you mean 'default'"):
        recipes.find([parsed(default={}, a={"base": "defalt"})], "g", "l", "a")


def test_any_game_where_the_game_has_none():
    anywhere = recipes.parse({"recipes": {"*": {"l": {"default": {"learner": {"rate": 9.0}}}}}}, "here")
    here = parsed(default={"learner": {"rate": 1.0}})
    assert learner_of([here, anywhere]) == {"rate": 1.0}
    assert learner_of([here, anywhere], game="elsewhere") == {"rate": 9.0}
    assert recipes.names([anywhere], "elsewhere", "l") == ["default"]


def test_a_missing_default_is_none():
    assert recipes.find([parsed()], "g", "l", "default") is None


def test_another_missing_recipe_is_an_error():
    with pytest.raises(UnknownName, match="unknown recipe 'papr' for l on g - did you mean 'paper'"):
        recipes.find([parsed(paper={})], "g", "l", "papr")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ({"defaults": {"explorr": "none"}}, "unknown key 'explorr' - did you mean 'explorer'"),
        ({"defaults": {"explorer": 3}}, "got 3 @ here: defaults"),
        ({"recipe": {}}, "unknown key 'recipe' - did you mean 'recipes'"),
        ({"plugins": {"disable": []}}, "unknown key 'disable' - did you mean 'disabled'"),
        ({"plugins": {"disabled": "meva_games"}}, "expected a list of plugin names, got 'meva_games'"),
        ({"plugins": {"disabled": [3]}}, "expected a list of plugin names"),
        ({"recipes": 3}, "expected a table, got 3 @ here: recipes"),
        ({"recipes": {"g": 3}}, "@ here: recipes.g"),
        ({"recipes": {"g": {"l": []}}}, "@ here: recipes.g.l"),
        ({"recipes": {"g": {"l": {"r": 1}}}}, "@ here: recipes.g.l.r"),
        ({"recipes": {"g": {"l": {"r": {"lerner": {}}}}}}, "unknown key 'lerner' - did you mean 'learner'"),
        ({"recipes": {"g": {"l": {"r": {"learner": 1.0}}}}}, "@ here: recipes.g.l.r.learner"),
        ({"recipes": {"g": {"l": {"r": {"source": 1}}}}}, "expected text, got 1 @ here: recipes.g.l.r.source"),
        ({"recipes": {"g": {"l": {"r": {"base": []}}}}}, "expected text, got \\[\\] @ here: recipes.g.l.r.base"),
    ],
)
def test_a_wrong_layout_says_where(content, said):
    with pytest.raises(BadValue, match=said):
        recipes.parse(content, "here")


def test_a_file_that_is_no_toml(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text("[recipes\n")
    with pytest.raises(BadFolder, match=f"expected TOML in {path}"):
        recipes.read(path)


@pytest.mark.parametrize(("content", "said"), [(None, "No such file"), (b"\xff\xfe", "not UTF-8 text")])
def test_a_file_that_cannot_be_read(tmp_path, content, said):
    path = tmp_path / "mine.toml"
    if content:
        path.write_bytes(content)
    with pytest.raises(BadFolder, match=said):
        recipes.read(path)


def test_a_plugins_own_file(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "a_package_of_recipes").mkdir()
    (tmp_path / "a_package_of_recipes" / "__init__.py").touch()
    (tmp_path / "a_package_of_recipes" / "mine.toml").write_text("[recipes.g.l.default]\nlearner = { rate = 4.0 }\n")
    assert learner_of([recipes.of_package("a_package_of_recipes:mine.toml")]) == {"rate": 4.0}


@pytest.mark.parametrize("where", ["no_such_package:mine.toml", "json:nosuch.toml"])
def test_a_plugins_own_file_that_is_not_there(where):
    with pytest.raises(BadFolder):
        recipes.of_package(where)


def resolved(game, learner, name):
    file = recipes.shipped()
    if game == recipes.ANY_GAME:  # where the game has none of its own
        file, game = attrs.evolve(file, tables={game: file.tables[game]}), "ipd"
    return resolve.resolve(discovery.installed(), [file], game=game, learner=learner, recipe=name)


@pytest.mark.parametrize(("game", "learner", "name"), SHIPPED)
def test_every_shipped_recipe_composes(game, learner, name):
    found = resolved(game, learner, name)
    assert len(found.source) > 10
    assert found.source != "no source given"
    composition = compose.compose(found)
    assert composition.seats == (0,) * composition.game.num_players
    composition.players[0].build()


def test_every_pair_has_a_default():
    assert {(game, learner) for game, learner, _ in SHIPPED} == {
        (game, learner) for game, learner, name in SHIPPED if name == "default"
    }


@pytest.mark.parametrize(("name", "near"), [("paper", True), ("default", False)])
def test_lola_comes_near_the_equilibrium_of_matching_pennies_as_published(name, near):
    """All probabilities are one half there."""
    composition = compose.compose(resolved("imp", "lola", name))
    (learner,) = composition.rehearse()
    match = meva.self_play(composition.game, meva.Fitted(learner=learner))
    ended = jax.jit(lambda key: evaluate.matches(match, key, 16, 500))(jax.random.key(0))
    away = np.mean(np.abs(jax.nn.sigmoid(ended.x) - 0.5))
    assert (away < 0.03) == near
    assert (away < 0.4) == near


def test_meva_has_the_promised_recipes():
    assert {name for game, learner, name in SHIPPED if (game, learner) == ("ipd", "meva")} >= {
        "default",
        "paper",
        "authors",
        "shaping",
    }
    assert {name for game, learner, name in SHIPPED if (game, learner) == ("logistic", "meva")} >= {
        "default",
        "paper",
        "authors",
    }


# METHOD.md, section 4, "Hyper-parameters on record", and its paragraph on the network.
ADAM = {"optimiser": "adam", "optimiser_rate": 1e-3, "schedule": "constant"}
ADAMW = {"optimiser": "adamw", "schedule": "constant", "weight_decay": 1e-2}
LOGISTIC = {
    "learner": {
        "formulation": "value",
        "rate": 1.0,
        "trajectory": 50,
        "stride": 50,
        "batch_size": 128,
        "rollout_from": "start",
        "quantiles": 16,
        "target_inertia": 0.0,
        "trace_decay": 0.0,
        "loops": 1000,
        **ADAM,
    },
    "value_model": {"width": 64, "blocks": 1, "transform": "identity", "input_scale": 1.0, "last_activation": "gelu"},
    "explorer": {"name": "none"},
}
IPD = {
    "learner": {
        "formulation": "correction",
        "mixing": "sum",
        "rate": 2.0,
        "trajectory": 100,
        "stride": 10,
        "batch_size": 128,
        "rollout_from": "explored",
        "quantiles": 32,
        "optimiser_rate": 1e-4,
        "target_inertia": 0.99,
        "trace_decay": 0.9,
        "loops": 2000,
        **ADAMW,
    },
    "value_model": {
        "width": 64,
        "blocks": 2,
        "transform": "identity",
        "input_scale": 1.0,
        "last_activation": "tanh",
        "embed_condition": False,
    },
    "explorer": {"name": "sign_flip", "probability": 1 / 16},
}


def over(table, **sections):
    return {name: {**table[name], **sections.get(name, {})} for name in table}


ON_RECORD = {
    ("logistic", "paper"): LOGISTIC,
    ("logistic", "authors"): over(
        LOGISTIC, learner={"trace_decay": 0.9, "loops": 5001}, value_model={"input_scale": 0.1}
    ),
    ("ipd", "paper"): IPD,
    ("ipd", "authors"): over(
        IPD,
        learner={
            "mixing": "convex",
            "rate": 25.0,
            "quantiles": 64,
            "optimiser_rate": 1e-3,
            "beta2": 0.99,
            "loops": 1001,
        },
        value_model={"width": 128, "blocks": 0, "transform": "sigmoid", "embed_condition": True},
    ),
}


@pytest.mark.parametrize(("game", "name"), ON_RECORD)
def test_numbers_on_record(game, name):
    plain = resolved(game, "meva", name).to_plain()
    expected = ON_RECORD[game, name]
    found = {section: {key: plain[section][key] for key in expected[section]} for section in expected}
    assert found == expected
