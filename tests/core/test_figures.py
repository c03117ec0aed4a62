"""What figures work out before they draw."""

import numpy as np

from meva_core.report.figures.planes import _rest_points


def test_rest_points_are_where_several_end_the_worst_first():
    axis = np.linspace(-2, 2, 5)
    landscape = np.zeros((5, 5, 2))
    landscape[4, 3] = 1.0  # player 2 at 2, player 1 at 1: 1 each
    landscape[0, 1] = -3.0
    ends = np.array([[1.01, 2.0], [1.0, 1.99], [-1.0, -2.0], [-1.0, -2.04], [0.0, 0.0], [np.nan, 1.0], [np.inf, 1.0]])
    found = _rest_points(ends, axis, landscape)
    np.testing.assert_array_equal(found, [[-1.0, -2.0], [1.0, 2.0]])
