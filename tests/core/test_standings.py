"""Cells of a tournament by hand, where fits diverged, and long tables of summaries that older versions wrote."""

import numpy as np
import pytest

from meva_core import runner
from meva_core.studies import long_tables, standings
from meva_core.studies.meetings import Met, meetings
from meva_core.studies.scores import Scores
from meva_core.studies.tournament_settings import Tournament

SETTINGS = Tournament(games=("hamiltonian",), learners=("naive", "m_maml"), trials=4, steps=1)


@pytest.fixture(scope="module")
def planned():
    """The meetings of two learners in both seatings, by row and column."""
    return {(one.row, one.column): one for one in meetings(*runner.plugins(), SETTINGS)}


@pytest.fixture
def summary(planned):
    """A function from the seeds and the row's payoffs of each seating to the summary of the tournament."""

    def of(here, swapped):
        (seeds, first), (other_seeds, second) = here, swapped
        places = {("naive", "m_maml"): (seeds, first, 0), ("m_maml", "naive"): (other_seeds, second, 1)}
        met = []
        for place, (of_fits, payoffs, seat) in places.items():
            both = np.zeros((*np.shape(payoffs), 2), np.float32)
            both[..., seat] = payoffs
            met.append(Met(meeting=planned[place], payoffs=both, seeds=of_fits))
        return standings.summary(SETTINGS, met)

    return of


def cell_of(summary):
    return next(cell for cell in summary["games"]["hamiltonian"]["cells"] if cell["row"] == "naive")


def test_fits_of_different_seeds_are_not_averaged(summary):
    told = summary(((0, 1), [[0.0], [1.0]]), ((1, 2), [[101.0], [102.0]]))
    cell = cell_of(told)
    assert (cell["over"], cell["seeds"], cell["per_fit"], cell["payoff"]) == ("trials", None, [51.0], 51.0)
    lines = [line for line in standings.per_seed(told) if line["row"] == "naive"]
    assert [(line["seed"], line["value"]) for line in lines] == [(None, 51.0)]


def test_a_payoff_is_the_mean_of_its_fits_where_trials_diverged(summary):
    left = [[10.0, np.nan, np.nan, np.nan], [0.0, 0.0, 0.0, 0.0]]
    told = summary(((0, 1), left), ((0, 1), left))
    cell = cell_of(told)
    assert (cell["per_fit"], cell["payoff"], cell["iqm"], cell["sem"]) == ([10.0, 0.0], 5.0, 5.0, 5.0)
    assert (cell["over"], cell["diverged"], cell["seeds"]) == ("fits", 3 / 8, [0, 1])
    values = [line["value"] for line in standings.per_seed(told) if line["row"] == "naive"]
    lines = [line for line in standings.per_quantity(told) if line["row"] == "naive"]
    assert [line["mean"] for line in lines] == [np.mean(values)]


def as_before(cell):
    return {name: value for name, value in cell.items() if name not in ("seeds", "ci_low", "ci_high", "iqm")}


def test_summaries_of_older_versions_have_long_tables_without_seeds(summary):
    told = summary(((0, 1), [[0.0], [1.0]]), ((0, 1), [[3.0], [4.0]]))
    game = told["games"]["hamiltonian"]
    share = {"mean": 0.5, "sem": 0.1, "over": "seeds", "per_seed": [0.4, 0.6]}
    more = {
        "cells": [as_before(cell) for cell in game["cells"]],
        "measures": [{"row": "naive", "column": "m_maml", "shares": {"CC": share}}],
        "evaluated": [{"learner": "naive", "basins": {"B": {"cells": share, "of": 2}, "C": {"cells": share, "of": 0}}}],
    }
    old = {**told, "games": {"hamiltonian": {**game, **more}}}
    lines = long_tables.of_runs("seed", {"old": old})
    assert lines.seed.isna().all()
    of_naive = lines[lines.row == "naive"]
    assert list(zip(of_naive.quantity, of_naive.value, strict=True)) == [
        *(("payoff", 1.5), ("payoff", 2.5)),
        *(("CC", 0.4), ("CC", 0.6)),
        *(("basins.B", 0.2), ("basins.B", 0.3)),
    ]
    statistics = long_tables.of_runs("quantity", {"old": old})
    assert statistics.ci_low.isna().all()
    assert list(statistics.seeds.unique()) == [2]
    assert np.isnan(Scores(old)._numbers("ci_low")).all()
