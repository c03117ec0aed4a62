"""What figures work out before they draw."""

import itertools
from typing import Any

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from meva_evaluations.planes import _rest_points

from meva_core.fitting import History
from meva_core.report import figures


def test_rest_points_are_where_several_end_the_worst_first():
    axis = np.linspace(-2, 2, 5)
    landscape = np.zeros((5, 5, 2))
    landscape[4, 3] = 1.0  # player 2 at 2, player 1 at 1: 1 each
    landscape[0, 1] = -3.0
    ends = np.array([[1.01, 2.0], [1.0, 1.99], [-1.0, -2.0], [-1.0, -2.04], [0.0, 0.0], [np.nan, 1.0], [np.inf, 1.0]])
    found = _rest_points(ends, axis, landscape)
    np.testing.assert_array_equal(found, [[-1.0, -2.0], [1.0, 2.0]])


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
