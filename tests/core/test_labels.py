"""Labels: players of one rule are told apart, others go by their names."""

import json
from typing import Any

import attrs
import numpy as np
import pytest

import meva_core as meva
from meva_core.experiment import labels
from meva_core.experiment.choice import Choice
from meva_core.registry.entries import Origin
from meva_core.report import figures, tables
from meva_core.storage import metrics

TINY = {"evaluate.pairs": 3, "evaluate.steps": 2}


KNOWN = meva.installed()


def player(name, settings=None, model=None):
    offer = KNOWN.find("learner", name)
    return Choice(
        offer=offer,
        name=name,
        origin=offer.origin,
        settings=settings or {},
        parts={} if model is None else {"value_model": model},
    )


def lola(**settings):
    return player("lola", {"rate": 1.0, "variant": "exact", **settings})


def mlp(width):
    return Choice(offer=KNOWN.find("value_model", "paired_mlp"), name="paired_mlp", settings={"width": width})


def of(*origin):
    """A learner of somebody else's by a name that is ours."""
    return attrs.evolve(player("naive"), origin=Origin(*origin))


@pytest.mark.parametrize(
    ("players", "expected"),
    [
        ([lola()], ["lola"]),
        ([lola(), lola()], ["lola", "lola"]),
        ([lola(), player("naive", {"rate": 2.0})], ["lola", "naive"]),
        ([lola(), lola(variant="taylor")], ["lola (variant=exact)", "lola (variant=taylor)"]),
        ([lola(), player("naive"), lola(rate=0.5)], ["lola (rate=1)", "naive", "lola (rate=0.5)"]),
        (
            [lola(), lola(rate=0.5), lola(rate=0.5, variant="taylor")],
            ["lola (rate=1, variant=exact)", "lola (rate=0.5, variant=exact)", "lola (rate=0.5, variant=taylor)"],
        ),
        # What is unset says nothing, and is left out.
        (
            [player("fixed", {"strategy": None}), player("fixed", {"strategy": "tit_for_tat"})],
            ["fixed", "fixed (strategy=tit_for_tat)"],
        ),
        # Too long to head a column.
        (
            [lola(policy=[0.125] * 9), lola(policy=[0.25] * 9), lola(policy=[0.125] * 9)],
            ["lola (seat 1)", "lola (seat 2)", "lola (seat 1)"],
        ),
        # Equal to the digits that are shown.
        ([lola(), lola(rate=1.0 + 1e-9)], ["lola (seat 1)", "lola (seat 2)"]),
        # A difference in what it is composed with.
        (
            [player("meva", {}, mlp(8)), player("meva", {}, mlp(16))],
            ["meva (value_model.width=8)", "meva (value_model.width=16)"],
        ),
        # One name, two plugins; and two plugins of one name.
        ([of("a", "meva-a"), lola(), of("b", "meva-b")], ["a:naive", "lola", "b:naive"]),
        ([of("a", "meva-a"), of("a", "meva-b")], ["meva-a/a:naive", "meva-b/a:naive"]),
    ],
)
def test_players_of_one_name_are_told_apart(players, expected):
    assert labels.told_apart(players) == expected


@pytest.fixture(scope="module")
def two(tmp_path_factory):
    """Two fits of one rule, of different lengths."""
    out = tmp_path_factory.mktemp("labels") / "run"
    small = {f"{who}.{name}": 2 for who in ("learner", "opponent") for name in ("steps", "batch_size")}
    asked = {**TINY, **small, "learner.loops": 2, "opponent.loops": 3}
    return meva.run("ipd", "m_maml", opponent="m_maml", set=asked, out=out), out


def test_the_metrics_are_the_learners(two):
    result, out = two
    assert {metric.shape for metric in result.metrics.values()} == {(1, 2)}
    found, missing = metrics.read(out, "opponent", [0], 3)
    assert missing == 0
    np.testing.assert_array_equal(found["payoff"], result.histories[1].metrics["payoff"])


def test_tables_pages_and_figures_have_the_labels(two):
    result, out = two
    summary = result.summary()
    assert summary["players"] == ["m_maml (loops=2)", "m_maml (loops=3)"]
    assert [fit["learner"] for fit in summary["fits"]] == summary["players"]
    assert tables.title(summary).startswith("m_maml (loops=2) against m_maml (loops=3) on ipd ")
    assert tables.grids(summary, result.evaluations)[0].heads[:2] == [
        "seat 1, m_maml\n(loops=2)",
        "seat 2, m_maml\n(loops=3)",
    ]
    assert tables.seats(json.loads((out / "summary.json").read_text())) == [
        "seat 1: m_maml (loops=2)",
        "seat 2: m_maml (loops=3)",
    ]
    legend: Any = figures.payoffs(summary, result.evaluations).axes[0].get_legend()
    assert [text.get_text() for text in legend.get_texts()] == tables.seats(summary)
    assert {path.stem for path in (out / "figures").iterdir()} == {
        "learning_m_maml_learner",
        "learning_m_maml_opponent",
    }


def test_the_screen_compares_players_not_names(meva_run, tmp_path):
    strategies = ("learner.strategy=extortion", "opponent.strategy=always_cooperate")
    asked = [text for each in (*strategies, *(f"{k}={v}" for k, v in TINY.items())) for text in ("--set", each)]
    outcome = meva_run("--game", "ipd", "--learner", "fixed", "--opponent", "fixed", *asked, "--out", tmp_path / "run")
    assert outcome.code == 0, outcome.err
    assert outcome.lines[0] == "ipd: fixed (strategy=extortion) against fixed (strategy=always_cooperate)"
