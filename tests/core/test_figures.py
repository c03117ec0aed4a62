"""Numbers that figures compute before they are drawn."""

import itertools
from typing import Any

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.text import Text
from meva_evaluations.planes import _rest_points

from meva_core.compute import progress
from meva_core.fitting import Chunk, History
from meva_core.report import figures
from meva_core.report.figures.style import head


def test_rest_points_are_where_several_end_the_worst_first():
    axis = np.linspace(-2, 2, 5)
    landscape = np.zeros((5, 5, 2))
    landscape[4, 3] = 1.0  # player 2 at 2, player 1 at 1: 1 each
    landscape[0, 1] = -3.0
    ends = np.array([[1.01, 2.0], [1.0, 1.99], [-1.0, -2.0], [-1.0, -2.04], [0.0, 0.0], [np.nan, 1.0], [np.inf, 1.0]])
    found = _rest_points(ends, axis, landscape)
    np.testing.assert_array_equal(found, [[-1.0, -2.0], [1.0, 2.0]])


def test_a_fit_shows_what_its_training_says_and_scales_axes_by_the_numbers():
    rising = np.linspace(1.0, 100.0, 5)[None]
    metrics = {"payoff": rising, "norm": rising, "loss": rising, "error": -rising}
    spoken = {"error": "TD error", "loss": "loss", "payoff": "payoff on policy", "angle": "not measured here"}
    told = History([0], "mine", metrics=metrics, shown=spoken, linear=("payoff",))
    axes = figures.learning(told).axes
    assert [(axis.get_title(), axis.get_yscale()) for axis in axes] == [
        ("TD error", "linear"),  # not positive
        ("loss", "log"),
        ("payoff on policy", "linear"),  # as the training says
    ]
    axes = figures.learning(History([0], "mine", metrics=metrics)).axes
    assert [axis.get_title() for axis in axes] == ["error", "loss", "norm"]  # the first three by name
    assert axes[1].get_yscale() == "log"


def test_a_line_of_progress_tells_the_first_two_that_are_shown():
    metrics = {name: np.array([[9.0, n], [9.0, n + 1]]) for n, name in enumerate("abc")}
    assert progress.numbers(Chunk(2, None, metrics, {"c": "third", "a": "first", "b": "second"})) == (
        "third 2.5000  first 0.5000"
    )
    assert progress.numbers(Chunk(2, None, {})) == ""


def test_payoffs_of_matches_share_one_scale_with_a_line_for_each_seed():
    steps = {"payoff_1": np.array([[0.0, 1.0], [0.0, 3.0]]), "payoff_2": np.array([[-5.0, -5.0], [-5.0, -7.0]])}
    first, second = figures.learning(History([0, 1], "the matches", "matches", steps, linear=tuple(steps))).axes
    assert first.get_ylim() == second.get_ylim()
    thin, other, mean = second.get_lines()
    assert thin.get_linewidth() == other.get_linewidth() < mean.get_linewidth()
    np.testing.assert_array_equal(mean.get_ydata(), [-5, -6])


def test_lines_of_a_learner_end_with_its_own_loops():
    """It was fitted together with one that has more."""
    metrics = {"a.loss": np.array([[3.0, 2.0, 1.0]]), "b.loss": np.array([[3.0, 2.0, 2.0]])}
    both = figures.learning(History([0], "a and b together", metrics=metrics, ends={"a.loss": 3, "b.loss": 2})).axes
    assert [np.asarray(axis.get_lines()[0].get_xdata()).tolist() for axis in both] == [[1, 2, 3], [1, 2]]
    assert both[0].get_xlim() == both[1].get_xlim()


@pytest.mark.parametrize("low", [0.0312, 0.205])
@pytest.mark.parametrize("factor", [1.0, 1.02, 4.4, 40.0, 1e7])
def test_labels_of_a_logarithmic_axis_can_be_read(low, factor):
    curve = np.geomspace(low, low * factor, 20)[None]
    figure = figures.learning(History([0], "meva", "learner", {"td_error": curve}))
    figure.set_dpi(150)
    canvas: Any = FigureCanvasAgg(figure)
    canvas.draw()
    axis = figure.axes[0]
    assert axis.get_yscale() == "log"
    labels = [label for label in axis.yaxis.get_ticklabels(which="both") if label.get_text()]
    below, above = axis.get_ylim()
    boxes = [label.get_window_extent() for label in labels if below <= label.get_position()[1] <= above]
    assert len(boxes) >= (1 if factor == 1.0 else 2)
    heights = sorted((box.y0, box.y1) for box in boxes)
    assert all(over > under for (_, under), (over, _) in itertools.pairwise(heights))


@pytest.mark.parametrize("width", [3.0, 6.0])
def test_a_long_heading_is_broken_and_stays_in_the_picture(width):
    figure = Figure(figsize=(width, 2.6), layout="constrained")
    figure.subplots()
    head(
        figure,
        "batch-unaware: coala_pg_sampled against reinforce on ipd between gru policies (5 seeds)",
    )
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    (heading,) = figure.findobj(lambda one: isinstance(one, Text) and one.get_text() == figure.get_suptitle())
    extent = heading.get_window_extent(canvas.get_renderer())
    assert "\n" in figure.get_suptitle()
    assert extent.x0 >= 0
    assert extent.x1 <= figure.bbox.width


def test_one_panel_is_as_wide_as_two_so_that_pages_do_not_enlarge_it():
    one, two = (
        figures.learning(History([0], "mine", metrics={name: np.ones((1, 3)) for name in names}))
        for names in (["loss"], ["error", "loss"])
    )
    assert one.get_figwidth() == pytest.approx(two.get_figwidth())
