"""Components: frozen classes that are pytrees, and what their validators say."""

import math
from typing import Any

import attrs
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from meva_core.contracts import component, derived, hyperparameters, leaf, part, static, validators


@component
class Part:
    """A component within another."""

    table: Any = leaf(default=(1.0, 2.0), doc="numbers", check=validators.finite)


@component
class Thing:
    """One field of every kind."""

    inner: Any = part(default=None)
    rate: float = leaf(default=1.0, doc="how fast", check=validators.positive)
    order: int = static(default=2, doc="how often", check=validators.at_least(1))


@component
class Other:
    """Like Thing, another class."""

    inner: Any = part(default=None)
    rate: float = leaf(default=1.0, doc="how fast")
    order: int = static(default=2, doc="how often")


def moved(thing, x):
    for _ in range(thing.order):
        x = x + thing.rate
    return x


# ---------------------------------------------------------------- derived fields

COMPUTED = []


def computed(self):
    COMPUTED.append(self.rate)
    return Part(table=jnp.array([self.rate, self.order]))


@component
class Whole:
    """A field that follows from the others."""

    rate: float = leaf(default=1.0, doc="how fast", check=validators.positive)
    order: int = static(default=2, doc="how often")
    made: Any = derived(computed)

    def __attrs_post_init__(self):
        if self.order == 7:
            raise ValueError("seven")


def test_what_is_derived_is_computed_once_and_printed():
    COMPUTED.clear()
    whole = Whole(rate=3.0)
    assert repr(whole).startswith("Whole(rate=3.0, order=2, made=Part(table=Array([3., 2.]")
    leaves, structure = jax.tree.flatten(whole)
    assert jax.tree.unflatten(structure, leaves) == whole
    assert jax.jit(lambda whole: whole.made.table.sum())(whole) == 5.0
    assert COMPUTED == [3.0]


def test_what_is_derived_follows_other_fields_where_they_are_traced():
    rates = jnp.array([1.0, 4.0])
    tables = jax.vmap(lambda rate: attrs.evolve(Whole(), rate=rate).made.table)(rates)
    np.testing.assert_array_equal(tables, [[1.0, 2.0], [4.0, 2.0]])
    assert jax.grad(lambda rate: jnp.sum(attrs.evolve(Whole(), rate=rate).made.table ** 2))(3.0) == 6.0


def test_what_is_derived_is_stacked_with_the_rest():
    many = jax.tree.map(lambda *leaves: jnp.stack(jnp.asarray(leaves)), *(Whole(rate=rate) for rate in (1.0, 4.0)))
    np.testing.assert_array_equal(jax.vmap(lambda whole: whole.made.table[0])(many), [1.0, 4.0])


def test_nothing_is_derived_from_what_is_refused():
    COMPUTED.clear()
    refused: list[dict[str, Any]] = [{"rate": -1.0}, {"order": 7}]
    for fields in refused:
        with pytest.raises(ValueError, match=r"'rate' must be|seven"):
            Whole(**fields)
    with pytest.raises(TypeError, match="unexpected keyword argument 'made'"):
        Whole(made=None)  # type: ignore[call-arg]
    with pytest.raises(TypeError, match=r"Whole\(rate=\.\.\., order=\.\.\.\), got 1 without"):
        Whole(1.0)  # type: ignore
    assert COMPUTED == []


# ---------------------------------------------------------------- pytree


def test_round_trip():
    thing = Thing(inner=Part(table=(3.0, 4.0)), rate=0.5, order=3)
    leaves, structure = jax.tree.flatten(thing)
    assert sorted(leaves) == [0.5, 3.0, 4.0]  # the static is not among them
    assert jax.tree.unflatten(structure, leaves) == thing


def test_round_trip_does_not_validate():
    # JAX rebuilds with placeholders that no validator would pass.
    rebuilt = jax.tree.map(lambda leaf: None, Thing())
    assert rebuilt.rate is None
    assert jax.tree.map(lambda leaf: -leaf, Thing(rate=2.0)).rate == -2.0


def test_paths_name_the_fields():
    paths = [jax.tree_util.keystr(path) for path, _ in jax.tree_util.tree_leaves_with_path(Thing(inner=Part()))]
    assert sorted(paths) == [".inner.table[0]", ".inner.table[1]", ".rate"]


def test_evolve_under_jit():
    jitted = jax.jit(lambda thing, rate: moved(attrs.evolve(thing, rate=rate), 0.0))
    assert jitted(Thing(order=3), 0.5) == 1.5


def test_evolve_under_vmap():
    each = jax.vmap(lambda rate: moved(attrs.evolve(Thing(), rate=rate), 10.0))(jnp.array([1.0, 2.0, 3.0]))
    np.testing.assert_array_equal(each, [12.0, 14.0, 16.0])


def test_vmap_over_a_component():
    things = Thing(rate=jnp.array([1.0, 2.0]))  # type: ignore[arg-type]
    np.testing.assert_array_equal(jax.vmap(lambda thing: moved(thing, 0.0))(things), [2.0, 4.0])


def test_a_leaf_compiles_nothing_anew_a_static_does():
    traced = []
    jitted = jax.jit(lambda thing, x: (traced.append(thing), moved(thing, x))[1])
    assert jitted(Thing(rate=1.0), 0.0) == 2.0
    assert jitted(Thing(rate=5.0), 0.0) == 10.0
    assert len(traced) == 1
    assert jitted(Thing(order=4), 0.0) == 4.0
    assert len(traced) == 2


def test_gradient_with_respect_to_a_component():
    # d (x + order * rate) / d rate = order.
    assert jax.grad(moved)(Thing(order=3), 0.0).rate == 3.0


# ---------------------------------------------------------------- equality, printing


def test_equality():
    assert Thing() == Thing()
    assert Thing(inner=Part()) == Thing(inner=Part())
    assert Thing(rate=2.0) != Thing()
    assert Thing(order=3) != Thing()
    assert Thing(inner=Part()) != Thing()
    assert Thing(inner=Part(table=(1.0, 3.0))) != Thing(inner=Part())
    assert Thing() != Other()
    assert Thing() != "Thing"


def test_equality_of_arrays():
    assert Part(table=jnp.arange(3.0)) == Part(table=np.arange(3.0))
    assert Part(table=jnp.arange(3.0)) != Part(table=jnp.arange(4.0))
    assert Part(table=jnp.zeros(3)) != Part(table=jnp.array([0.0, 0.0, 1.0]))


def test_frozen_keyword_only_and_not_hashable():
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        Thing().rate = 2.0  # type: ignore[misc]
    with pytest.raises(TypeError, match=r"^expected every field by its name, Thing\(inner=\.\.\., rate=\.\.\., order"):
        Thing(Part())  # type: ignore[misc]
    with pytest.raises(TypeError, match="unhashable"):
        hash(Thing())


def test_repr_shows_hyperparameters_and_hides_parts():
    assert repr(Thing(inner=Part(), rate=0.5)) == "Thing(rate=0.5, order=2)"


# ---------------------------------------------------------------- validators

NAN, INF = math.nan, math.inf


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Thing(rate=-1), r"> 0 and finite, got -1$"),
        (lambda: Thing(order=0), r">= 1, got 0$"),
        (lambda: attrs.evolve(Thing(), rate=-2.0), r"> 0 and finite, got -2.0$"),
    ],
)
def test_a_validator_says_what_was_expected_and_what_came(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_a_validator_says_which_hyperparameter():
    with pytest.raises(ValueError, match="rate"):
        Thing(rate=-1)


@pytest.mark.parametrize(
    ("check", "good", "bad", "complaint"),
    [
        (validators.finite, [0, -3.5, ((1.0, 2.0), (3.0, 4.0))], [NAN, INF, ((1.0, 2.0), (3.0, -INF))], "finite"),
        (validators.positive, [1e-9, 3, (1.0, 2.0)], [0, -1.0, INF, NAN, (1.0, 0.0)], "> 0 and finite"),
        (validators.not_negative, [0, 2.5, (0.0, 1.0)], [-1e-9, INF, NAN, (1.0, -1.0)], ">= 0 and finite"),
        (validators.at_least(2), [2, 7], [1, -3, NAN], ">= 2"),
        (validators.between(0, 1), [0, 0.5, 1, (0.0, 1.0)], [-0.1, 1.1, NAN, (0.5, 2.0)], "between 0 and 1"),
        (validators.below_one, [0, 0.99], [1, -0.1, NAN, (0.5, 1.0)], ">= 0 and < 1"),
        (validators.one_of("a", "b"), ["a", "b"], ["c", "", 1], "one of 'a', 'b'"),
    ],
)
def test_checks(check, good, bad, complaint):
    assert check.expected == complaint
    assert [check.accepts(value) for value in good] == [True] * len(good)
    assert [check.accepts(value) for value in bad] == [False] * len(bad)


def test_traced_values_are_taken_as_they_are():
    # No validator can look at a tracer.
    assert jax.jit(lambda rate: Thing(rate=rate).rate)(-1.0) == -1.0


@pytest.mark.parametrize("array", [jnp.array, np.array, np.float32])
def test_arrays_are_checked_like_numbers(array):
    assert Thing(rate=array(2.0)).rate == 2.0
    with pytest.raises(ValueError, match=r"'rate' must be > 0 and finite, got -1\.0$"):
        Thing(rate=array(-1.0))
    with pytest.raises(ValueError, match=r"finite, got \[1\.0, 0\.0\]$"):
        attrs.evolve(Thing(), rate=np.array([1.0, 0.0]))


def test_what_is_no_number_is_refused_by_a_check_of_numbers():
    with pytest.raises(ValueError, match=r"'rate' must be > 0 and finite, got 'fast'$"):
        Thing(rate="fast")  # type: ignore[arg-type]


# ---------------------------------------------------------------- what is known of a class


def test_hyperparameters_and_parts():
    known = hyperparameters.hyperparameters(Thing)
    assert [(h.name, h.type, h.default, h.doc, h.required) for h in known] == [
        ("rate", float, 1.0, "how fast", False),
        ("order", int, 2, "how often", False),
    ]
    assert hyperparameters.parts(Thing) == ("inner",)
    assert hyperparameters.settings(Thing(inner=Part(), rate=0.5)) == {"rate": 0.5, "order": 2}


def test_a_plain_field_is_refused_with_a_word_of_help():
    with pytest.raises(Exception, match=r"leaf.*static.*part"):

        @component
        class Plain:  # type: ignore[unused]
            count: int = 3


def test_a_hyperparameter_without_a_default_is_required():
    @component
    class Needy:
        count: int = static(doc="has to be given")

    assert hyperparameters.hyperparameters(Needy)[0].required
    with pytest.raises(TypeError, match="count"):
        Needy()  # type: ignore[call-arg]


def test_as_plain():
    value = {"a": (1.0, jnp.array([2.0, 3.0])), "b": np.float64(4.0), "c": "word", "d": None, "e": moved}
    found = hyperparameters.as_plain(value)
    assert found == {"a": [1.0, [2.0, 3.0]], "b": 4.0, "c": "word", "d": None, "e": f"{__name__}:moved"}


def test_a_hyperparameter_without_a_type_is_taken_as_it_is():
    @component
    class Untyped:
        rate = leaf(default=1.0, doc="how fast")  # type: ignore[misc]

    assert hyperparameters.hyperparameters(Untyped)[0].type is Any
