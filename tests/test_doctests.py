"""Examples in public docstrings are run: each is a call and what it gives, rounded where the last bits may differ."""

import doctest
import importlib

import jax
import jax.numpy as jnp
import pytest

MODULES = {  # a module with examples -> the public functions and classes that have them
    "meva_core.bridges.axelrod": "from_axelrod memory_one",
    "meva_core.bridges.equilibria": "equilibria",
    "meva_core.bridges.meta_game": "MetaGame",
    "meva_core.contracts.components": "component derived leaf",
    "meva_core.contracts.machine": "environments",
    "meva_core.experiment.make": "make",
    "meva_core.match.playing": "lifetime play self_play",
    "meva_core.ops.advantages": "generalised_advantages step_discounts",
    "meva_core.ops.batching": "mean_over_batch over_batch",
    "meva_core.ops.dice": "box dice loaded_dice score_function",
    "meva_core.ops.divergences": "kl_divergence",
    "meva_core.ops.evolution": "antithetic_noise centred_ranks evolution_gradient",
    "meva_core.ops.gradients": (
        "each_player effects_after effects_at jacobian_product look_ahead_gradient off_diagonal_product own_gradient "
        "own_rows shaping_gradient simultaneous_gradient transposed_product"
    ),
    "meva_core.ops.markov": "discounted_shares",
    "meva_core.ops.meta_returns": "meta_returns",
    "meva_core.ops.natural": "natural_directions natural_gradient",
    "meva_core.ops.programs": "call",
    "meva_core.ops.quantiles": "huber quantile_huber",
    "meva_core.ops.returns": "lambda_returns mean_of_others returns_to_go",
    "meva_core.ops.schedules": "cosine",
    "meva_core.ops.statistics": "bootstrap_interval interquartile_mean mean_and_sem",
    "meva_core.ops.trees": "stacked",
    "meva_core.ops.values": "with_value",
    "meva_core.report.page": "listed marked",
    "meva_core.runner": "run",
    "meva_core.studies.plain": "fit",
    "meva_core.studies.tournament": "tournament",
    "meva_games.cournot": "Cournot",
    "meva_games.contribution": "Contribution",
    "meva_games.logistic": "Logistic",
    "meva_games.memory_one": "of_both_actions to_logits",
    "meva_games.named": "cooperation",
    "meva_games.normal_form": "NormalForm",
    "meva_games.public_goods": "PublicGoods",
    "meva_games.quadratic": "Hamiltonian Tandem",
    "meva_games.rounds": "Rounds default_horizon",
    "meva_games.social_dilemma": "SocialDilemma",
    "meva_games.two_by_two": "MatchingPennies PrisonersDilemma",
    "meva_games.ultimatum": "Ultimatum",
    "meva_sampled_games.coin_choices": "CoinChoices",
    "meva_sampled_games.coin_game": "CoinGame",
    "meva_sampled_games.exchange": "Exchange",
    "meva_sampled_games.scripts": "equally_likely",
    "meva_policies.actions": "as_logits",
    "meva_policies.conditioned": "ConditionedMLP",
    "meva_policies.layers": "count dense",
    "meva_policies.mlp": "MLP",
    "meva_policies.preconditioned": "Preconditioned",
    "meva_policies.table": "Table",
    "meva_policy_gradient.advantage_alignment": "average_of_past discounted_past of_others",
    "meva_policy_gradient.loqa": "shaped_returns",
    "meva_policy_gradient.optimisers": "decayed",
    "meva_shapers.shaper": "averaged",
    "meva_proximal.ascent": "climb maximum",
}


def with_examples(module):
    """The docstrings of a module that have examples, by the name of their function or class."""
    found = doctest.DocTestFinder().find(module, extraglobs={"jax": jax, "jnp": jnp})
    return {test.name.removeprefix(f"{module.__name__}."): test for test in found if test.examples}


@pytest.mark.parametrize("name", MODULES)
def test_examples_give_what_they_show(name):
    tests = with_examples(importlib.import_module(name))
    assert sorted(tests) == MODULES[name].split()
    for test in tests.values():
        lines = []
        results = doctest.DocTestRunner().run(test, out=lines.append)
        assert results.failed == 0, "".join(lines)


def test_every_function_of_ops_but_those_about_devices_has_an_example():
    from meva_core import ops

    shown = {name for module, names in MODULES.items() if ".ops." in module for name in names.split()}
    assert set(ops.__all__) - shown == {"everywhere", "spread"}
