"""What is compiled takes memory maps, and they are given back."""

import jax
import jax.numpy as jnp
import pytest

from meva_core import room

MAPS = room._MAPS


def maps():
    return MAPS.read_bytes().count(b"\n")


@pytest.mark.skipif(not MAPS.exists(), reason="no /proc here")
def test_room_is_made_where_there_is_little():
    calls = [jax.jit(lambda x, n=n: jnp.sin(x) @ jnp.cos(x) + n) for n in range(20)]
    for call in calls:
        call(jnp.ones((3, 3)))
    before = maps()
    assert not room.make_room(before + 1000)
    assert room.make_room(1)
    assert maps() < before
    assert float(calls[3](jnp.zeros((3, 3)))[0, 0]) == 3.0  # what was forgotten is compiled anew


def test_where_the_system_does_not_say_nothing_is_forgotten(monkeypatch, tmp_path):
    monkeypatch.setattr(room, "_MAPS", tmp_path / "none")
    assert not room.make_room(0)
