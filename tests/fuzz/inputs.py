"""Random command lines and contents of files, right and wrong."""

import copy
import datetime
import os
import re

import tomli_w
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

import meva_core as meva
from meva_core.contracts.hyperparameters import as_plain, hyperparameters, parts
from meva_core.experiment.experiment import EvaluateSettings, FitSettings
from meva_core.registry import discovery, loading, recipes
from meva_core.registry.toml_reading import read_toml

TIMES = int(os.environ.get("MEVA_FUZZ", "1"))
KNOWN = meva.installed()
SHIPPED = recipes.shipped()
NAMES = {kind: [offer.name for offer in KNOWN.of_kind(kind)] for kind in ("game", "learner", "value_model", "explorer")}
ON_RECORD = {  # recipes, by game and learner
    (game, learner): own
    for file in discovery.recipe_files(KNOWN)
    for game, learners in file.tables.items()
    for learner, own in learners.items()
    if game in NAMES["game"]
}
REPRODUCTIONS = {name: read_toml(path) for name, path in SHIPPED.studies.items()}


def tries(count):
    """Half as many examples in CI, and MEVA_FUZZ times as many by hand."""
    return settings(
        max_examples=count * TIMES if TIMES > 1 else count // 2,
        derandomize=TIMES == 1,
        deadline=None,
        database=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much],
    )


# ---------------------------------------------------------------- names

ODD = [
    "",
    " ",
    ".",
    "..",
    "../../x",
    "/",
    "a" * 5000,
    "ipd:ipd",
    ":",
    "meva_games:ipd",
    "-",
    "--",
    "*",
    "\n",
    "é",
    "🎲",
]
ODD += ["a\nb", "\x1b[31mred", "[bold]", "[/bold]", "%s{0}", "\u202e", "nan", "con", "name", "default", "\udcff"]
TEXTS = st.sampled_from(ODD) | st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=8)


def nearly(names):
    """One of these, mostly; a character more or less; anything."""
    known = st.sampled_from(names)
    mistyped = st.builds(
        lambda name, n, c: name[:n] + c + name[n + 1 :], known, st.integers(0, 9), st.sampled_from("x-:é")
    )
    return st.one_of(*[known] * 8, mistyped, TEXTS)


GAMES, LEARNERS = nearly(NAMES["game"]), nearly(NAMES["learner"])
RECIPES = nearly(["default", "paper", "authors", "shaping", "tournament"])

# ---------------------------------------------------------------- numbers and other values, as typed

LIMITS = [2**bits + more for bits in (16, 31, 32, 53, 63, 64) for more in (-1, 0, 1)]
WHOLE = ["0", "1", "2", "3", "7", "-0", "-1", "+5", "00", "1_000", "10" * 20, "1" * 5000, "0x" + "f" * 5000, "1e3"]
WHOLE += [str(sign * limit) for limit in LIMITS for sign in (1, -1)]
REAL = ["0.0", "0.5", "0.95", "1.0", "-0.5", "nan", "-nan", "inf", "-inf", "1e400", "1e-400", "1e30", "1e-30", "1e308"]
REAL += ["0." + "3" * 5000, "1e39", "1e-46", "1.", ".5"]
OTHER = ["true", "false", "1979-05-27", "07:32:00", "1979-05-27T07:32:00Z", "{}", "{ a = 1 }", "{ name = 'x' }"]
OTHER += [
    "[]",
    "[[]]",
    "[1, 2]",
    "[0.5, 0.9]",
    "[[1, 2], [3, 4]]",
    "[[1, 2], [3]]",
    "[nan]",
    "[true]",
    "[1, 'a', [{}]]",
]
OTHER += [
    "[" * 1000 + "]" * 1000,
    "[" * 9,
    "[" + "1, " * 3000 + "]",
    "{ a = " * 500 + "1" + " }" * 500,
    "''",
    '"x"',
    "'\t'",
]
OTHER += ["1\nb = 2", "1 # note", "1\n[table]", '"\\u001b[31m"', "0b1", "0o7", "exact", "1\r\n", '"""\n"""']
TYPED = st.sampled_from(WHOLE) | st.sampled_from(REAL) | st.sampled_from(OTHER) | TEXTS


GOOD = {"int": ["1", "2", "3", "4"], "float": ["0.5", "0.25", "1.0"], "bool": ["true", "false"]}
TYPES = {"int": WHOLE, "float": REAL}


def typed(h):
    """For a hyper-parameter: a good value, one of its type, any."""
    of_type = getattr(h.type, "__name__", "")
    words = re.findall(r"'(\w+)'", h.check.expected) if h.check else []
    good = [*words, *GOOD.get(of_type, []), *([] if h.required or h.default is None else [toml_value(h.default)])]
    return st.one_of(*[st.sampled_from(good or OTHER)] * 2, st.sampled_from(TYPES.get(of_type, OTHER)), TYPED)


def toml_value(value):
    """The text of a value in TOML."""
    return tomli_w.dumps({"v": as_plain(value)}).partition("=")[2].strip()


# ---------------------------------------------------------------- hyper-parameters


def hyperparameters_of(game, learner):
    """{path: hyper-parameter} of all that --set knows for the pair."""
    wanted = parts(loading.load(KNOWN.find("learner", learner)))
    kinds = ["game", "learner", *(part for part in ("value_model", "explorer") if part in wanted)]
    names = {"game": [game], "learner": [learner]}
    classes = [(kind, loading.load(KNOWN.find(kind, name))) for kind in kinds for name in names.get(kind, NAMES[kind])]
    classes += [("fit", FitSettings), ("evaluate", EvaluateSettings)]
    return {f"{section}.{h.name}": h for section, cls in classes for h in hyperparameters(cls)}


@st.composite
def settings_of(draw, game, learner, section="learner"):
    """PATH=VALUE, mostly of a hyper-parameter that there is."""
    known = hyperparameters_of(game, learner)
    path = draw(st.sampled_from(sorted(known)))
    value = draw(typed(known[path]))
    path = path.replace("learner.", f"{section}.", 1)
    return f"{draw(st.sampled_from([path] * 9 + [path[:-1], '', section]))}={value}"


# ---------------------------------------------------------------- files

SCALARS = st.one_of(
    st.sampled_from([0, 1, -1, 2, 2**31, -(2**63), 2**63 - 1, 0.5, -1.0, 1e300, 1e-320, float("nan"), float("inf")]),
    st.sampled_from([True, False, datetime.date(1979, 5, 27), datetime.time(7, 32), datetime.datetime(1979, 5, 27)]),
    st.sampled_from(["default", "ipd", "naive", "meva", "value", "learner.rate"]),
    TEXTS,
)
KEYS = st.sampled_from(["name", "schema", "base", "set", "rate", "learner.rate", "a.b", ""]) | TEXTS
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3), max_leaves=6
)


def places(node):
    """(container, key) of everything inside."""
    for key in list(node) if isinstance(node, dict) else range(len(node)):
        yield node, key
        if isinstance(node[key], (dict, list)):
            yield from places(node[key])


@st.composite
def changed(draw, plain, most=3):
    """Plain data with some of it lost, moved, or replaced."""
    plain = copy.deepcopy(plain)
    for _ in range(draw(st.integers(0, most))):
        if not (there := list(places(plain))):
            break
        node, key = there[draw(st.integers(0, len(there) - 1))]
        how = draw(st.sampled_from(["lose", "replace", "replace", "move", "rename", "add"]))
        if how == "replace":
            node[key] = draw(VALUES)
        elif how == "move":
            other, place = there[draw(st.integers(0, len(there) - 1))]
            node[key] = copy.deepcopy(other[place])
        elif how == "add" and isinstance(node, dict):
            node[draw(KEYS)] = draw(VALUES)
        else:
            value = node.pop(key)
            if how == "rename" and isinstance(node, dict):
                node[draw(st.one_of(KEYS, st.just(f"{key}x")))] = value
    return plain


@st.composite
def damaged(draw, content):
    """Bytes with some flipped, cut out or put in."""
    content = bytearray(content)
    for _ in range(draw(st.integers(0, 4))):
        at = draw(st.integers(0, len(content)))
        how = draw(st.sampled_from(["flip", "cut", "insert", "end"]))
        if how == "flip" and at < len(content):
            content[at] ^= 1 << draw(st.integers(0, 7))
        elif how == "cut":
            del content[at : at + draw(st.integers(1, 40))]
        elif how == "insert":
            content[at:at] = draw(
                st.binary(max_size=4) | st.sampled_from([b'"', b"[", b"]", b"=", b"\n", b"\0", b"0" * 5000])
            )
        elif how == "end":
            del content[at:]
    return bytes(content)


def toml_of(plain):
    """The bytes of a TOML file with this data; empty if TOML cannot hold it (the test of bytes covers such files)."""
    try:
        return tomli_w.dumps(plain).encode()
    except (UnicodeEncodeError, TypeError):
        return b""
