"""Small runs: what they cost is compilation."""

import pytest


@pytest.fixture(scope="module", autouse=True)
def quickly(compile_quickly):
    """All of them."""
