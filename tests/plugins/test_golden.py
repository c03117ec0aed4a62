"""Payoffs and steps against the golden file, in float64 and float32.

`tests/golden/rules.json` comes with the project's method notes; it is not regenerated. A failure here is a
difference from the method, not a stale file.
"""

import json
from pathlib import Path

import attrs
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import meva_core as meva

ROWS = json.loads((Path(__file__).parent.parent / "golden" / "rules.json").read_text())["rows"]
GAMES = {offer.name for offer in meva.installed().of_kind("game")}
LEARNERS = {
    "naive": ("naive", {}),
    "lola": ("lola", {"variant": "exact"}),
    "lola_foerster": ("lola", {"variant": "foerster"}),
    "lola_taylor": ("lola", {"variant": "taylor"}),
    "lookahead": ("lookahead", {}),
    "hola2": ("hola", {"order": 2}),
    "hola3": ("hola", {"order": 3}),
    "sos": ("sos", {}),
    "consensus": ("consensus", {}),
    "sga": ("sga", {}),
    "cgd": ("cgd", {}),
    "extragradient": ("extragradient", {}),
}
# What is another program for every game, in CI on these alone: single precision, and derivatives of high order, whose
# programs take longer than all others together. Of the iterated games CI plays one; payoffs are of all.
IN_DOUBLE = GAMES - {"chicken", "imp"}
IN_SINGLE = ("logistic", "ipd")
OF_HIGH_ORDER = {
    "hola2": {"double": ("logistic", "tandem", "hamiltonian", "ipd"), "single": ("logistic",)},
    "hola3": {"double": ("logistic", "tandem", "hamiltonian"), "single": ()},
}


def cases(precision):
    for n, row in enumerate(ROWS):
        for rule in LEARNERS if row["game"] in GAMES else ():
            games = IN_SINGLE if precision == "single" else IN_DOUBLE
            games = OF_HIGH_ORDER[rule][precision] if rule in OF_HIGH_ORDER else games
            marks = [] if row["game"] in games else [pytest.mark.long]
            yield pytest.param(row, rule, id=f"{row['game']}{n}-{rule}", marks=marks)


def make(row, rule, game):
    """The golden steps carry no learning rate of their own: rate 1."""
    name, settings = LEARNERS[rule]
    learner = meva.make("learner", name, game=game, **settings)
    if "look_ahead_rate" in settings or hasattr(learner, "look_ahead_rate"):
        learner = attrs.evolve(learner, look_ahead_rate=row["alpha"])
    return learner


@jax.jit
def update(learner, x):
    """Steps of a learner. Games that differ only in numbers share one compiled program."""
    return learner.update(None, (), x, jax.random.key(0))[0]


@pytest.mark.parametrize(("row", "rule"), list(cases("double")))
def test_steps_in_float64(row, rule):
    with jax.enable_x64(True):
        learner = make(row, rule, meva.make("game", row["game"]))
        steps = update(learner, jnp.array(row["x"]))
        assert steps.dtype == np.float64
        np.testing.assert_allclose(steps, row["steps"][rule], rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize(("row", "rule"), list(cases("single")))
def test_steps_in_float32(row, rule):
    learner = make(row, rule, meva.make("game", row["game"]))
    steps = update(learner, jnp.array(row["x"], jnp.float32))
    expected = np.array(row["steps"][rule])
    error = np.linalg.norm(steps - expected) / np.linalg.norm(expected)
    assert error < 1e-4


@pytest.mark.parametrize(
    "row", [pytest.param(r, id=f"{r['game']}{n}") for n, r in enumerate(ROWS) if r["game"] in GAMES]
)
def test_payoffs(row):
    game = meva.make("game", row["game"])
    np.testing.assert_allclose(game.payoff(jnp.array(row["x"], jnp.float32)), row["payoff"], rtol=1e-4)
    with jax.enable_x64(True):
        np.testing.assert_allclose(game.payoff(jnp.array(row["x"])), row["payoff"], rtol=1e-9, atol=1e-9)
