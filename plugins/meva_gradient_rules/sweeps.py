"""Sweeps that several rules share."""

from meva_core.contracts import Sweep


def look_ahead_rates(rate: float) -> Sweep:
    """Look-ahead rates as multiples of the learning rate, from 0 to well above it."""
    return Sweep.of_multiples("look_ahead_rate", rate, "look-ahead rate η")
