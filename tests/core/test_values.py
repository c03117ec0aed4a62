"""Values as loops and notebooks give them: NumPy's and JAX's numbers and arrays count as the numbers they hold."""

from collections.abc import Callable
from typing import Any, Literal

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import meva_core as meva
from meva_core.contracts import conversion
from meva_core.errors import BadValue

Table = tuple[tuple[float, float], tuple[float, float]]
TABLE = [[1.0, 5.0], [0.0, 3.0]]
BEYOND = "finite numbers within single precision"


@pytest.mark.parametrize(
    ("value", "to", "expected"),
    [
        (np.float32(0.9), float, float(np.float32(0.9))),
        (np.float64(1.0), float, 1.0),
        (np.int64(4), int, 4),
        (np.int8(4), float, 4.0),
        (np.bool_(True), bool, True),
        (np.str_("exact"), str, "exact"),
        (np.array(0.5), float, 0.5),
        (jnp.array(0.5), float, 0.5),
        (jnp.array(3), int, 3),
        (np.array(TABLE), Table, ((1.0, 5.0), (0.0, 3.0))),
        (np.array(TABLE, int), Table, ((1.0, 5.0), (0.0, 3.0))),
        (jnp.array(TABLE), Table, ((1.0, 5.0), (0.0, 3.0))),
        ([np.array([1.0, 5.0]), (np.float32(0), jnp.array(3))], Table, ((1.0, 5.0), (0.0, 3.0))),
        (np.linspace(0, 1, 3), tuple[float, ...], (0.0, 0.5, 1.0)),
        (np.linspace(0, 1, 3), float | tuple[float, ...], (0.0, 0.5, 1.0)),
        (np.arange(2), tuple[int, ...] | None, (0, 1)),
    ],
)
def test_what_converts_without_loss_is_taken(value, to, expected):
    found = conversion.convert(value, to, "here")
    assert found == expected
    assert jax.tree.map(type, found) == jax.tree.map(type, expected)


@pytest.mark.parametrize(
    ("value", "to", "said"),
    [
        (np.float64(2.5), int, "expected int, got 2.5 (float64) @ here"),
        (np.bool_(True), int, "expected int, got True (bool) @ here"),
        (np.complex64(1j), float, "expected float, got 1j (complex64) @ here"),
        (np.array([0.5]), float, "expected float, got [0.5] (float64[1]) @ here"),
        (jnp.array([0.5]), float, "expected float, got [0.5] (float32[1]) @ here"),
        (jnp.array(2.5), int, "expected int, got 2.5 (float32[]) @ here"),
        (jnp.zeros((1, 2)), Table, "expected list of 2 lists of 2 floats, got [[0.0, 0.0]] (float32[1,2]) @ here"),
        (np.float64(1e39), float, "expected a finite number within single precision, got 1e+39 @ here"),
        (float("nan"), float, "expected a finite number within single precision, got nan @ here"),
        ([[float("nan"), 5], [0, 3]], Table, f"expected {BEYOND}, got nan @ here"),
        (np.array([[1e39, 5], [0, 3]]), Table, f"expected {BEYOND}, got 1e+39 @ here"),
        ([[1, 5], [0, -float("inf")]], Table | None, f"expected {BEYOND}, got -inf @ here"),
        ([float("nan"), "x"], tuple[float, ...], "expected list of floats, got [nan, 'x'] (list) @ here"),
        (np.full(3, np.inf), jax.Array, f"expected {BEYOND}, got inf @ here"),
    ],
)
def test_what_would_be_lost_is_refused(value, to, said):
    with pytest.raises(BadValue) as caught:
        conversion.convert(value, to, "here")
    assert str(caught.value) == said


def test_what_is_no_number_is_checked_by_its_class():
    assert conversion.convert(np.tanh, Callable, "here") is np.tanh
    with pytest.raises(BadValue, match=r"^expected one of 'a', 'b', got 'c' \(str\) @ here$"):
        conversion.convert("c", Literal["a", "b"], "here")
    with pytest.raises(BadValue, match=r"^expected Callable, got 3 \(int\) @ here$"):
        conversion.convert(3, Callable, "here")


def test_a_long_array_is_told_in_short():
    with pytest.raises(BadValue) as caught:
        conversion.convert(np.zeros((100, 100)), float, "here")
    assert str(caught.value).endswith(" ... (float64[100,100]) @ here")
    assert len(str(caught.value)) < 200


def test_tracers_pass_in_tables_too():
    given = {"discount": 0.5, "table": [[jnp.array(-2.0), 0.0], [-3.0, -1.0]]}
    game: Any = jax.jit(lambda given: meva.make("game", "ipd", **given))(given)
    assert game == meva.make("game", "ipd", discount=0.5)


@pytest.mark.parametrize("numbers", [np.array, jnp.array])
def test_make_takes_arrays_and_checks_them(numbers):
    assert meva.make("game", "matrix", payoffs_1=numbers(TABLE)) == meva.make("game", "matrix", payoffs_1=TABLE)
    fixed = meva.make("learner", "fixed", game=meva.make("game", "ipd"), policy=numbers([20.0, 0, 1, 2, 3]))
    assert fixed.policy == (20.0, 0.0, 1.0, 2.0, 3.0)
    with pytest.raises(BadValue, match=r"^expected >= 0 and < 1, got 1\.[89].* @ ipd\.discount$"):
        meva.make("game", "ipd", discount=numbers(1.9))
    with pytest.raises(BadValue, match=r"^expected list of 2 lists of 2 floats, got .* @ ipd\.table$"):
        meva.make("game", "ipd", table=numbers(np.eye(3)))
