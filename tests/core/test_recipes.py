"""Recipe files: layers, bases, mistakes; and what ships, number by number."""

from pathlib import Path
from typing import Any

import attrs
import jax
import numpy as np
import pytest
from meva_best_response.best_response_shaping import BestResponseShaping
from meva_best_response.detective_shaping import DetectiveShaping

import meva_core as meva
from meva_core import evaluate
from meva_core.errors import BadCombination, BadFolder, BadValue, UnknownName
from meva_core.experiment import compose, resolve
from meva_core.experiment.cookbook import as_played
from meva_core.registry import discovery, loading, recipes
from meva_core.registry.recipes import Played

ROOT = Path(__file__).parents[2]
KNOWN = discovery.installed()
FILES = [*discovery.recipe_files(KNOWN), recipes.shipped()]
OURS = {kind: [offer for offer in KNOWN.of_kind(kind) if offer.bundled] for kind in ("game", "learner")}
SHIPPED = [
    (game.name, learner.name, name)
    for game in OURS["game"]
    for learner in OURS["learner"]
    for name in recipes.names(FILES, as_played(game), learner.name)
]


def response_rate(found):
    """The rate at which best responses are looked for."""
    return next(choice.settings["rate"] for choice in found.evaluations if choice.name == "best_response")


def parsed(**tables):
    """One learner `l` on one game `g` unless the tables say otherwise."""
    return recipes.parse({"recipes": {"g": {"l": tables}}}, "here")


def learner_of(files, name="default", game="g", family: Any = (None, 1.0), per_payoff=None):
    found = recipes.find(files, Played(game, *family), "l", name, per_payoff)
    assert found is not None
    return found.sections["learner"]


def test_the_users_file_lies_over_the_shipped():
    shipped = parsed(default={"learner": {"rate": 1.0}}, other={"learner": {"rate": 2.0}})
    user = parsed(default={"learner": {"rate": 3.0}})
    assert learner_of([shipped, user]) == {"rate": 3.0}
    assert learner_of([shipped, user], "other") == {"rate": 2.0}
    assert recipes.names([shipped, user], Played("g"), "l") == ["default", "other"]


def test_a_base_is_what_a_recipe_starts_from():
    file = parsed(
        default={"learner": {"rate": 1.0, "loops": 5}, "explorer": {"name": "e"}},
        middle={"base": "default", "learner": {"rate": 2.0}},
        last={"base": "middle", "learner": {"loops": 7}, "source": "here"},
    )
    found = recipes.find([file], Played("g"), "l", "last")
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
    with pytest.raises(BadValue, match=r"got a circle a -> b -> a @ recipes\.g\.l"):
        recipes.find([file], Played("g"), "l", "a")


def test_an_unknown_base():
    with pytest.raises(UnknownName, match=r"unknown base 'defalt'.*did you mean 'default'"):
        recipes.find([parsed(default={}, a={"base": "defalt"})], Played("g"), "l", "a")


def test_any_game_where_the_game_has_none():
    anywhere = recipes.parse({"recipes": {"*": {"l": {"default": {"learner": {"rate": 9.0}}}}}}, "here")
    here = parsed(default={"learner": {"rate": 1.0}})
    assert learner_of([here, anywhere]) == {"rate": 1.0}
    assert learner_of([here, anywhere], game="elsewhere") == {"rate": 9.0}
    assert recipes.names([anywhere], Played("elsewhere"), "l") == ["default"]


def of_places(**places):
    """Recipes of one learner `l` by the places that have them."""
    return recipes.parse({"recipes": {place: {"l": tables} for place, tables in places.items()}}, "here")


def test_a_game_has_its_family_s_recipes_in_its_own_unit():
    """Rates, 0.5 and the class's 1.0, are per payoff and multiplied by 25; loops are not."""
    file = of_places(round={"default": {"learner": {"rate": 0.5, "loops": 7}}})
    per_payoff = {"rate": 1.0, "look_ahead_rate": 1.0, "needed": attrs.NOTHING}
    found = learner_of([file], family=("round", 25.0), per_payoff=per_payoff)
    assert found == {"rate": 12.5, "look_ahead_rate": 25.0, "loops": 7}
    assert recipes.names([file], Played("g", "round"), "l") == ["default"]
    assert recipes.find([file], Played("g"), "l", "default") is None


def test_a_game_s_own_recipe_comes_before_its_family_s_and_is_taken_as_it_stands():
    file = of_places(g={"default": {"learner": {"rate": 3.0}}}, round={"default": {}}, **{"*": {"default": {}}})
    assert learner_of([file], family=("round", 25.0), per_payoff={"rate": 1.0}) == {"rate": 3.0}


def test_a_recipe_may_start_from_its_family_s_and_that_from_any_game_s():
    file = of_places(
        g={"default": {"base": "default", "learner": {"weight": 2.0}}},
        round={"default": {"base": "default", "learner": {"rate": 0.5}}},
        **{"*": {"default": {"learner": {"loops": 7, "rate": 9.0, "push": 9.0}}}},
    )
    found = learner_of([file], family=("round", 25.0), per_payoff={"rate": 1.0, "weight": 1.0, "push": 1.0})
    assert found == {"weight": 2.0, "rate": 12.5, "loops": 7, "push": 9.0}


def test_a_list_per_payoff_is_in_the_game_s_unit_and_what_is_no_number_is_left_for_its_complaint():
    file = of_places(round={"default": {"learner": {"rate": [1, 2.0], "weight": "much", "push": True}}})
    found = learner_of([file], family=("round", 10.0), per_payoff=dict.fromkeys(["rate", "weight", "push"], 1.0))
    assert found == {"rate": [10.0, 20.0], "weight": "much", "push": True}


def test_a_missing_default_is_none():
    assert recipes.find([parsed()], Played("g"), "l", "default") is None


def test_another_missing_recipe_is_an_error():
    with pytest.raises(UnknownName, match="unknown recipe 'papr' for l on g - did you mean 'paper'"):
        recipes.find([parsed(paper={})], Played("g"), "l", "papr")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ({"defaults": {"explorr": "none"}}, "unknown key 'explorr' - did you mean 'explorer'"),
        ({"defaults": {"explorer": 3}}, "got 3 @ here: defaults"),
        ({"recipe": {}}, "unknown key 'recipe' - did you mean 'recipes'"),
        ({"plugins": {"disable": []}}, "unknown key 'disable' - did you mean 'disabled'"),
        ({"plugins": {"disabled": "meva_games"}}, "expected a list of plugin names, got 'meva_games'"),
        ({"plugins": {"disabled": [3]}}, "expected a list of plugin names"),
        ({"studies": "one.toml"}, "expected a list of files, got 'one.toml' @ here: studies"),
        ({"studies": [3]}, "expected a list of files, got"),
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


def test_a_plugins_own_file_is_read_anew_where_it_changed(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "another_package_of_recipes").mkdir()
    (tmp_path / "another_package_of_recipes" / "__init__.py").touch()
    for rate in (4.0, 15.0):
        text = f"[recipes.g.l.default]\nlearner = {{ rate = {rate} }}\n"
        (tmp_path / "another_package_of_recipes" / "mine.toml").write_text(text)
        assert learner_of([recipes.of_package("another_package_of_recipes:mine.toml")]) == {"rate": rate}


def test_every_reproduction_is_in_the_index():
    assert {path.parent for path in recipes.shipped().studies.values()} == {ROOT / "reproductions"}
    assert {path.stem for path in (ROOT / "reproductions").glob("*.toml")} == set(recipes.shipped().studies)


def resolved(game, learner, name):
    return resolve.resolve(KNOWN, [recipes.shipped()], game=game, learner=learner, recipe=name)


# Too many players, or too many replies to list.
REFUSED = {
    BestResponseShaping: ("normal_form", "public_goods", "social_dilemma"),
    DetectiveShaping: ("public_goods", "social_dilemma"),
}


def lacks(game, learner):
    """The message about what the learner misses in the game; empty if it can learn there."""
    played, learner = (loading.load(KNOWN.find(kind, name)) for kind, name in (("game", game), ("learner", learner)))
    if learner.learns_from == "episodes" and not (hasattr(played, "rules") or hasattr(played, "reset")):
        return "learns from episodes"
    if game in REFUSED.get(learner, ()):
        return "deterministic replies|of two players"
    return "learns from exact payoffs" if learner.learns_from == "payoff" and hasattr(played, "reset") else ""


@pytest.mark.parametrize(("game", "learner", "name"), SHIPPED)
def test_every_shipped_recipe_composes(game, learner, name):
    found = resolved(game, learner, name)
    assert len(found.source) > 10
    assert found.source != "no source given"
    if lacking := lacks(game, learner):
        with pytest.raises(BadCombination, match=lacking):
            compose.compose(found).players[0].build()
        return
    composition = compose.compose(found)
    assert composition.seats == (0,) * composition.game.num_players
    composition.players[0].build()


def test_every_iterated_game_has_a_recipe_for_every_rule():
    """At rate 1 on what its payoffs are before they are normalised; chicken's crash is too costly for that."""
    for game in OURS["game"]:
        if (played := as_played(game)).family == "iterated":
            rate = 1.0 if game.name == "chicken" else 25.0
            assert played.payoff_scale == rate
            for learner in ("naive", "lola", "sos", "cgd", "sga", "m_maml"):
                found = resolved(game.name, learner, "default")
                assert (found.learner.settings["rate"], response_rate(found)) == (rate, rate)


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
