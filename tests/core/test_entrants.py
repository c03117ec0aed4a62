"""Participants of a tournament, from the words of the command line."""

import numpy as np
import pytest

import meva_core as meva
from meva_core.errors import BadValue, UnknownName
from meva_core.studies import entrants
from meva_core.studies.entrants import Entrant, as_learner, as_text, parse, split


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("naive,lola", ["naive", "lola"]),
        (" naive , ,lola,", ["naive", "lola"]),
        ("lola:rate=[1, 2],naive", ["lola:rate=[1, 2]", "naive"]),
        ('a:b={ c = "]," },d', ['a:b={ c = "]," }', "d"]),
        ("", []),
    ],
)
def test_commas_separate_entrants_outside_of_brackets_and_quotes(text, parts):
    assert entrants.split(text) == parts


@pytest.mark.parametrize(
    ("text", "entrant"),
    [
        ("naive", Entrant("naive", "naive", {})),
        (
            "lola:look_ahead_rate=50:variant=taylor",
            Entrant("lola:look_ahead_rate=50:variant=taylor", "lola", {"look_ahead_rate": 50, "variant": "taylor"}),
        ),
        ("slow=naive:rate=0.5", Entrant("slow", "naive", {"rate": 0.5})),
        ("some_plugin:lola:rate=1", Entrant("some_plugin:lola:rate=1", "some_plugin:lola", {"rate": 1})),
        ("meva:explorer.name='a:b=c'", Entrant("meva:explorer.name='a:b=c'", "meva", {"explorer.name": "a:b=c"})),
    ],
)
def test_name_label_and_settings(text, entrant):
    assert parse(text) == entrant


@pytest.mark.parametrize("text", ["", ":", "=naive", ":rate=1", "lola:rate=", "lola:=1", "a/b=naive", "lola:rate=1:x"])
def test_what_is_no_entrant_says_how_one_is_written(text):
    with pytest.raises(BadValue, match=r"expected \[LABEL=\]NAME\[:PATH=VALUE\]\.\.\. in --learners, got "):
        parse(text)


def test_brackets_are_closed():
    with pytest.raises(BadValue, match=r"expected every bracket .* to be closed, got 'lola:rate=\[1' without ]"):
        entrants.split("lola:rate=[1")


def test_a_strategy_is_played_by_the_learner_that_says_so():
    known = meva.installed()
    played = as_learner(known, parse("extortion:factor=2"), "ipd", ["extortion"])
    assert played == Entrant("extortion:factor=2", "fixed", {"strategy": "extortion", "factor": 2})
    # A learner's name comes first, and what is neither is told with all that there is.
    assert as_learner(known, parse("naive"), "ipd", ["naive"]) == parse("naive")
    with pytest.raises(UnknownName, match="strategy of ipd 'extorsion' - did you mean 'extortion'"):
        as_learner(known, parse("extorsion"), "ipd", ["extortion"])
    for text in ("lola:rate", "extortion:factor", "slow=lola:rate:variant=taylor"):
        with pytest.raises(BadValue, match=r"--learners, got '(lola:rate|extortion:factor)': (rate|factor) has no ="):
            as_learner(known, parse(text), "ipd", ["extortion"])
    with pytest.raises(UnknownName, match="unknown learner or strategy of ipd 'lola:Climb'"):  # of an own module
        as_learner(known, parse("lola:Climb"), "ipd", ["extortion"])
    with pytest.raises(UnknownName, match=r"unknown learner 'extortion'.*; tandem names no strategies"):
        as_learner(known, parse("extortion"), "tandem", [])


def test_an_entrant_as_text_is_read_as_itself():
    settings = {"rate": 0.1, "variant": 'a:b, "c"', "loops": 3, "critic.widths": [4, [0.5, 1e-30]], "in_turn": True}
    entrant = Entrant("Climb 2", "module:Climb", settings)
    text = as_text(entrant)
    assert parse(text) == entrant
    assert split(f"{text},naive") == [text, "naive"]
    assert as_text(Entrant("a", "b", {"unset": None, "probabilities": np.array([0.25, 1.0])})) == (
        "a=b:probabilities=[0.25, 1.0]"
    )
