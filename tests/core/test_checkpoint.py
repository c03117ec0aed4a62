"""Checkpoints: bit by bit, three of them, and damage is noticed."""

import jax.numpy as jnp
import numpy as np
import pytest

from meva_core import checkpoint
from meva_core.errors import BadFolder

HASH = "0123456789ab"


def state():
    return {
        "half": jnp.array([1.5, -0.0, jnp.nan, jnp.inf], jnp.bfloat16),
        "odd": jnp.array([jnp.nan, -0.0, 1e-45, -jnp.inf], jnp.float32),
        "empty": jnp.zeros((0, 3)),
        "nested": (jnp.array(7), [jnp.array(True), jnp.array(-0.0)]),
        "table": jnp.arange(6, dtype=jnp.uint32).reshape(2, 3),
    }


def small():
    return {"a": jnp.arange(3.0), "b": jnp.array(2)}


def bits(tree):
    """Path, type, shape and bytes of every leaf."""
    return [
        (path, str(leaf.dtype), leaf.shape, np.asarray(leaf).tobytes())
        for path, leaf in checkpoint._leaves(tree).items()
    ]


def test_round_trip_is_exact(tmp_path):
    checkpoint.save(tmp_path, 12, state(), HASH)
    loops, back = checkpoint.latest(tmp_path, state(), HASH) or (0, None)
    assert loops == 12
    assert bits(back) == bits(state())


def test_a_fresh_folder_has_none(tmp_path):
    assert checkpoint.latest(tmp_path, small(), HASH) is None
    assert checkpoint.latest(tmp_path / "nosuch", small(), HASH) is None


def test_the_last_three_are_kept(tmp_path):
    for loops in (5, 10, 95, 100, 1000):
        checkpoint.save(tmp_path, loops, small(), HASH)
    assert sorted(path.name for path in tmp_path.iterdir()) == [f"loop-{n:07d}.npz" for n in (95, 100, 1000)]
    assert (checkpoint.latest(tmp_path, small(), HASH) or (0,))[0] == 1000


def test_stale_partial_files_are_swept(tmp_path):
    (tmp_path / "loop-0000001.partial").write_bytes(b"half")
    assert checkpoint.latest(tmp_path, small(), HASH) is None
    checkpoint.save(tmp_path, 2, small(), HASH)
    assert [path.name for path in tmp_path.iterdir()] == ["loop-0000002.npz"]


def damage_truncate(path):
    path.write_bytes(path.read_bytes()[:-40])


def damage_half(path):
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def damage_flip(path):
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def damage_empty(path):
    path.write_bytes(b"")


def damage_text(path):
    path.write_text("no checkpoint")


def damage_array(path):
    with open(path, "wb") as file:
        np.save(file, np.arange(3))


def damage_foreign(path):
    np.savez(path, a=np.arange(3))


def damage_objects(path):
    np.savez(path, allow_pickle=True, **{checkpoint._META: np.array([{"schema": 1}], object)})


def damage_folder(path):
    path.unlink()
    path.mkdir()


DAMAGES = [
    damage_truncate,
    damage_half,
    damage_flip,
    damage_empty,
    damage_text,
    damage_array,
    damage_foreign,
    damage_objects,
    damage_folder,
]


@pytest.mark.parametrize("damage", DAMAGES)
def test_damage_is_noticed(tmp_path, damage):
    damage(checkpoint.save(tmp_path, 3, small(), HASH))
    with pytest.raises(BadFolder, match=r"damaged or foreign file: .*loop-0000003\.npz"):
        checkpoint.latest(tmp_path, small(), HASH)


@pytest.mark.parametrize("damage", DAMAGES)
def test_the_one_before_is_used(tmp_path, damage):
    checkpoint.save(tmp_path, 2, small(), HASH)
    damage(checkpoint.save(tmp_path, 3, {"a": jnp.ones(3), "b": jnp.array(5)}, HASH))
    loops, back = checkpoint.latest(tmp_path, small(), HASH) or (0, None)
    assert loops == 2
    assert bits(back) == bits(small())


def test_objects_are_never_unpickled(tmp_path):
    class Bomb:
        def __reduce__(self):
            return (pytest.fail, ("unpickled",))

    path = checkpoint.save(tmp_path, 3, small(), HASH)
    np.savez(path, allow_pickle=True, **{checkpoint._META: np.array([Bomb()], object)})
    with pytest.raises(BadFolder):
        checkpoint.load(path, small(), HASH)


def test_any_flipped_byte_is_noticed_or_harmless(tmp_path):
    path = checkpoint.save(tmp_path, 3, small(), HASH)
    content = path.read_bytes()
    for n in range(len(content)):
        flipped = bytearray(content)
        flipped[n] ^= 0xFF
        path.write_bytes(flipped)
        try:
            loops, back = checkpoint.load(path, small(), HASH)
        except BadFolder:
            continue
        assert (loops, bits(back)) == (3, bits(small()))


def test_another_experiments_checkpoint(tmp_path):
    checkpoint.save(tmp_path, 3, small(), HASH)
    with pytest.raises(BadFolder, match=f"expected a checkpoint of fit {'f' * 12}, got one of {HASH}"):
        checkpoint.latest(tmp_path, small(), "f" * 12)


@pytest.mark.parametrize(
    "like",
    [
        {"a": jnp.zeros(4), "b": jnp.array(2)},
        {"a": jnp.zeros(3, jnp.bfloat16), "b": jnp.array(2)},
        {"a": jnp.zeros(3)},
        {"a": jnp.zeros(3), "c": jnp.array(2)},
    ],
    ids=["shape", "type", "fewer", "names"],
)
def test_a_state_of_another_shape(tmp_path, like):
    checkpoint.save(tmp_path, 3, small(), HASH)
    with pytest.raises(BadFolder, match="arrays of this experiment's state"):
        checkpoint.latest(tmp_path, like, HASH)
