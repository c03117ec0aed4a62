"""Experiments with policies: [policy] in files and recipes, --policy and policy.NAME, and what they compose to."""

import tomllib
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import meva_core as meva
from meva_core.contracts import Policy, component, static
from meva_core.errors import BadPlugin, BadValue, MevaError, UnknownName
from meva_core.experiment import compose, labels, local, reading, resolve
from meva_core.registry import discovery, recipes
from meva_core.sampling import WithPolicies

KNOWN = discovery.installed()
NOTE = "its rates were chosen for tables, and mlp policies may need others"


def resolved(learner: Any = "lola", files: Any = (), game: Any = "ipd", registry: Any = KNOWN, **overrides: Any):
    """Overrides as `policy__name="mlp"`."""
    given = {name.replace("__", "."): value for name, value in overrides.items()}
    shipped = [recipes.shipped(), *files]
    return resolve.resolve(registry, shipped, game=game, learner=learner, overrides=given)


def with_recipe(**tables):
    return recipes.parse({"recipes": {"ipd": {"lola": {"default": tables}}}}, "here")


def test_without_one_nothing_is_written():
    assert resolved().policy is None
    assert "policy" not in resolved().to_plain()
    assert [choice.offer.kind for choice in resolved().cast] == ["game", "learner"]


def test_it_is_written_read_hashed_and_cited(tmp_path):
    found = resolved(policy__name="mlp", policy__width=8)
    plain = tomllib.loads(found.to_toml())["policy"]
    assert {key: plain[key] for key in ("name", "width", "layers", "activation")} == {
        "name": "mlp",
        "width": 8,
        "layers": 1,
        "activation": "tanh",
    }
    assert plain["from"]["plugin"] == "meva_policies"
    assert not {"observation_size", "num_actions", "one_hot"} & set(plain)
    (tmp_path / "experiment.toml").write_text(found.to_toml())
    assert reading.read(KNOWN, tmp_path / "experiment.toml") == found
    hashes = [resolved(), found, resolved(policy__name="mlp"), resolved(policy__name="table")]
    assert len({each.hash for each in hashes}) == len({each.fit_hash for each in hashes}) == 4
    assert [choice.name for choice in found.cast] == ["ipd", "mlp", "lola"]


def test_one_line_says_that_rates_were_chosen_for_tables():
    assert resolved(policy__name="mlp").source.count(NOTE) == 1
    for source in (resolved().source, resolved(policy__name="table").source):
        assert "chosen for tables" not in source
    assert NOTE not in resolved(files=[with_recipe(policy={"name": "mlp"}, learner={"rate": 1.0})]).source
    revised = resolve.revised(KNOWN, [recipes.shipped()], resolved(policy__name="mlp"), {"policy.width": 4})
    assert revised.source.count(NOTE) == 1
    assert revised.policy is not None
    assert revised.policy.settings["width"] == 4


def test_a_recipe_may_choose_one():
    mine = with_recipe(policy={"name": "mlp", "width": 4}, learner={"rate": 1.0})
    for overrides, expected in (
        ({}, ("mlp", 4)),
        ({"policy__layers": 2}, ("mlp", 4)),
        ({"policy__name": "mlp"}, ("mlp", 4)),
        ({"policy__name": "gru"}, ("gru", 16)),
    ):
        policy = resolved(files=[mine], **overrides).policy
        assert policy is not None
        assert (policy.name, policy.settings["width"]) == expected


@pytest.mark.parametrize(
    ("overrides", "error", "said"),
    [
        ({"policy__name": "mlpp"}, UnknownName, "unknown policy 'mlpp' - did you mean 'mlp'"),
        ({"policy__width": 8}, BadValue, "expected --policy NAME with policy.width, got none"),
        ({"policy": 8}, BadValue, "expected policy.NAME, got 'policy': name one of its hyper-parameters"),
        ({"policy__name": "mlp", "policy__widht": 8}, BadValue, "'widht' @ policy - did you mean 'width'"),
        ({"policy__name": "mlp", "policy__one_hot": True}, BadValue, "unknown hyper-parameter 'one_hot' @ policy"),
        ({"policy__name": "mlp", "policy__width": 2.5}, BadValue, "expected int, got 2.5 (float) @ policy.width"),
    ],
)
def test_bad_names_and_numbers(overrides, error, said):
    with pytest.raises(error, match=r"(?s).*") as raised:
        resolved(**overrides)
    assert said in str(raised.value)


def test_tables_leave_the_game_as_it_is():
    plain, tables = (compose.compose(resolved(**policy)) for policy in ({}, {"policy__name": "table"}))
    assert type(tables.game) is type(plain.game)
    assert tables.game == plain.game


def test_everybody_plays_the_game_between_networks():
    composition = compose.compose(resolved("meva", policy__name="mlp", policy__width=4, value_model__width=8))
    game = composition.game
    assert isinstance(game, WithPolicies)
    assert (game.policy_size, game.symmetric) == (5 * 4 + 4 + 4 + 1, True)
    (learner,) = composition.rehearse()
    assert learner.game == learner.model.game == game  # type: ignore[attr-defined]
    assert compose.played_game(resolved(policy__name="mlp", policy__width=4)) == game


@component
class Blind(Policy):
    """The same probabilities whatever it sees: a class of the caller's, with one of the three arguments."""

    num_actions: int = static(doc="A")
    sharpness: int = static(default=1, doc="factor of the logits")

    @property
    def policy_size(self) -> int:  # type: ignore[override]
        return self.num_actions

    def init(self, key):
        return meva.make("policy", "table", observation_size=2, num_actions=2, one_hot=True).init(key)

    def act(self, x, memory, observation):
        return self.sharpness * x, memory


@pytest.mark.parametrize(("given", "sharpness"), [(Blind, 1), (Blind(num_actions=7, sharpness=3), 3)])
def test_a_class_or_an_object_of_ones_own(given, sharpness):
    """An object's sizes are those of the run's game."""
    cast = local.cast(KNOWN, "ipd", "naive", (), {}, given)
    found = resolved("naive", registry=cast.registry, **{k.replace(".", "__"): v for k, v in cast.overrides.items()})
    game = compose.compose(found).game
    assert isinstance(game, WithPolicies)
    assert game.policies[0] == Blind(num_actions=2, sharpness=sharpness)
    assert found.policy is not None
    assert found.policy.name == f"{__name__}:Blind"


@component
class Wide(Blind):
    """Returns one logit too many."""

    def act(self, x, memory, observation):
        return jnp.concatenate([x, x[:1]]), memory


@component
class Forgetful(Blind):
    """Returns a memory of another size than it says."""

    def act(self, x, memory, observation):
        return x, x


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (Wide, r"the logits of act\(x, memory, observation\): expected float32\[2\], got float32\[3\]"),
        (Forgetful, r"the memory of act\(x, memory, observation\): expected float32\[0\], got float32\[2\]"),
    ],
)
def test_a_policy_of_another_shape_is_one_line(given, said):
    cast = local.cast(KNOWN, "ipd", "naive", (), {}, given)
    with pytest.raises(BadPlugin, match=said):
        compose.compose(resolved("naive", registry=cast.registry, policy__name=cast.overrides["policy.name"]))


def test_a_learner_that_was_made_for_the_plain_game_plays_it_too():
    game = meva.make("game", "ipd")
    small = {"evaluate.pairs": 2, "evaluate.steps": 2}
    naive = meva.make("learner", "naive", game=game, rate=3.0)
    run = meva.run(game, naive, policy="mlp", evaluate=["convergence"], set=small)
    assert run.policies.shape == (1, 1, 2, 2, 113)
    assert run.experiment.learner.settings["rate"] == 3.0


# ---------------------------------------------------------------- by seat

MIXED: dict[str, Any] = {"policy.name": "mlp", "policy.2.name": "table"}


def test_seats_may_have_different_policies(tmp_path):
    found = resolved(**MIXED, **{"policy.width": 3})
    assert tomllib.loads(found.to_toml())["policy"]["2"]["name"] == "table"
    (tmp_path / "experiment.toml").write_text(found.to_toml())
    assert reading.read(KNOWN, tmp_path / "experiment.toml") == found
    assert found.hash != resolved(policy__name="mlp", policy__width=3).hash
    assert [choice.name for choice in found.cast] == ["ipd", "mlp", "table", "lola"]
    assert labels.of_policies(found) == "mlp and table"
    game: Any = compose.played_game(found)
    assert [type(policy).__name__ for policy in game.policies] == ["MLP", "Table"]
    assert not game.symmetric
    x = jnp.stack([game.policies[0].init(jax.random.key(0)), jnp.pad(jnp.arange(5.0), (0, game.policy_size - 5))])
    np.testing.assert_allclose(game.entries(x)[1], jax.nn.sigmoid(jnp.arange(5.0)), rtol=1e-6)


def test_policies_of_one_kind_differ_by_their_settings_and_are_revised():
    found = resolved(**{"policy.name": "mlp", "policy.2.name": "mlp", "policy.2.width": 4})
    assert labels.of_policies(found) == "mlp (width=16) and mlp (width=4)"
    revised = resolve.revised(KNOWN, [recipes.shipped()], found, {"policy.2.width": 5, "policy.name": "table"})
    assert (revised.policies[0].name, revised.by_seat[2].settings["width"]) == ("table", 5)


def test_python_callers_pass_a_list():
    second = meva.make("policy", "mlp", observation_size=5, num_actions=2, width=3)
    given = local.cast(KNOWN, "ipd", "naive", [], {}, policy=["table", second]).overrides
    assert (given["policy.name"], given["policy.2.name"], given["policy.2.width"]) == ("table", "mlp", 3)
    with pytest.raises(BadValue, match="expected a policy, or a list of policies by seat, got"):
        local.cast(KNOWN, "ipd", "naive", [], {}, policy=[])


@pytest.mark.parametrize(
    ("overrides", "said"),
    [
        ({"policy.2.name": "mlp"}, "expected --policy NAME with policy.2.name, got none"),
        ({"policy.name": "mlp", "policy.2.width": 3}, "expected policy.2.name with policy.2.width, got none"),
        ({**MIXED, "policy.2": 3}, "expected policy.2.NAME, got 'policy.2'"),
        ({**MIXED, "policy.2.width": 3}, "unknown hyper-parameter 'width' @ policy.2"),
        (
            {"policy.name": "mlp", "policy.3.name": "table"},
            "expected policies of seats from 1 to 2, got one for seat 3",
        ),
        ({"policy.name": "mlp", "policy.2.name": "gru"}, "expected policies without memory for the exact payoffs"),
    ],
)
def test_what_does_not_fit_a_seat_is_one_line(overrides, said):
    with pytest.raises(MevaError, match=said):
        compose.compose(resolved(**overrides))


@pytest.mark.parametrize("text", ["mlp,", ",", " "])
def test_every_seat_needs_a_name_on_the_command_line(meva_run, text):
    outcome = meva_run("--game", "ipd", "--learner", "naive", "--policy", text)
    assert (outcome.code, len(outcome.err.splitlines())) == (2, 1)
    assert "expected --policy NAME, or NAME,NAME,... by seat, got" in outcome.err
