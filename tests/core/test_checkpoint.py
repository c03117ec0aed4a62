"""Checkpoints: bit by bit, three of them, and damage is noticed."""

import hashlib
import io
import zipfile

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from meva_core.errors import BadFolder
from meva_core.fitting import Divergence
from meva_core.storage import checkpoint, files

OF: dict = {"game": {"name": "ipd"}, "learner": {"name": "meva", "rate": 25.0}}


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
    checkpoint.save(tmp_path, 12, state(), OF)
    found = checkpoint.latest(tmp_path, state())
    assert found
    assert (found.loops, found.diverged) == (12, ())
    assert bits(found.state) == bits(state())


def test_a_fresh_folder_has_none(tmp_path):
    assert checkpoint.latest(tmp_path, small()) is None
    assert checkpoint.latest(tmp_path / "nosuch", small()) is None


def test_the_last_three_are_kept(tmp_path):
    for loops in (5, 10, 95, 100, 1000):
        checkpoint.save(tmp_path, loops, small(), OF)
    assert sorted(path.name for path in tmp_path.iterdir()) == [f"loop-{n:07d}.npz" for n in (95, 100, 1000)]
    found = checkpoint.latest(tmp_path, small())
    assert found
    assert found.loops == 1000


def test_ten_million_loops_come_after_nine(tmp_path):
    for loops in (9_999_999, 10_000_000):
        checkpoint.save(tmp_path, loops, small(), OF)
    found = checkpoint.latest(tmp_path, small())
    assert found
    assert found.loops == 10_000_000


def test_which_seeds_had_diverged(tmp_path):
    lost = (Divergence(3, 17, "loss"), Divergence(5, 18, "payoff"))
    checkpoint.save(tmp_path, 20, small(), OF, lost)
    found = checkpoint.latest(tmp_path, small())
    assert found
    assert found.diverged == lost


def test_stale_partial_files_are_swept(tmp_path):
    (tmp_path / "loop-0000001.partial").write_bytes(b"half")
    assert checkpoint.latest(tmp_path, small()) is None
    checkpoint.save(tmp_path, 2, small(), OF)
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
    np.savez(path, allow_pickle=True, **{files.META: np.array([{"schema": 1}], object)})


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
    damage(checkpoint.save(tmp_path, 3, small(), OF))
    with pytest.raises(BadFolder, match=r"(damaged or foreign file|got none): .*loop-0000003\.npz; remove .* to start"):
        checkpoint.latest(tmp_path, small())
    assert checkpoint.experiment_of(tmp_path) is None


@pytest.mark.parametrize("damage", DAMAGES)
def test_the_one_before_is_used_and_the_damaged_one_named(tmp_path, damage):
    checkpoint.save(tmp_path, 2, small(), OF)
    damage(checkpoint.save(tmp_path, 3, {"a": jnp.ones(3), "b": jnp.array(5)}, OF))
    complaints = []
    found = checkpoint.latest(tmp_path, small(), complaints.append)
    assert found
    assert found.loops == 2
    assert bits(found.state) == bits(small())
    assert len(complaints) == 1
    assert "loop-0000003.npz; the previous checkpoint is used" in complaints[0]
    assert checkpoint.experiment_of(tmp_path) == OF


def test_objects_are_never_unpickled(tmp_path):
    class Bomb:
        def __reduce__(self):
            return (pytest.fail, ("unpickled",))

    path = tmp_path / "loop-0000003.npz"
    forge(path, np.array([Bomb()]))
    with pytest.raises(BadFolder, match="damaged or foreign"):
        checkpoint.load(path, small())


def forge(path, array):
    """With a checksum that is right."""
    buffer = io.BytesIO()
    np.savez(buffer, allow_pickle=True, meta=array)
    with zipfile.ZipFile(buffer, "a") as archive:
        archive.comment = b"0" * 64
    content = buffer.getvalue()[:-64]
    path.write_bytes(content + hashlib.sha256(content).hexdigest().encode())


def test_a_file_that_unpacks_to_more_than_the_state_is_not_unpacked(tmp_path):
    path = tmp_path / "loop-0000003.npz"
    files.save_arrays(path, {"leaf0": np.zeros(10**8, np.uint8)}, {"schema": checkpoint.SCHEMA}, compress=True)
    assert path.stat().st_size < 10**6
    with pytest.raises(BadFolder, match="damaged or foreign"):
        checkpoint.load(path, small())


def test_what_is_said_about_a_file_is_read_alone(tmp_path, monkeypatch):
    checkpoint.save(tmp_path, 3, small(), OF)
    assert checkpoint.experiment_of(tmp_path) == OF
    files.save_arrays(tmp_path / "loop-0000004.npz", {}, {"experiment": "x" * 2 * 10**6}, compress=True)
    assert (tmp_path / "loop-0000004.npz").stat().st_size < 10**4
    assert checkpoint.experiment_of(tmp_path) == OF  # the one before


def test_random_keys_are_part_of_a_state(tmp_path):
    keys = {"one": jax.random.key(3), "many": jax.random.split(jax.random.key(4), (2, 3)), "old": jax.random.PRNGKey(5)}
    checkpoint.save(tmp_path, 3, keys, OF)
    found = checkpoint.latest(tmp_path, jax.tree.map(lambda leaf: leaf, keys))
    assert found
    for name, leaf in keys.items():
        back = found.state[name]
        assert (back.dtype, back.shape) == (leaf.dtype, leaf.shape)
        np.testing.assert_array_equal(jax.random.key_data(back), jax.random.key_data(leaf))


METAS = [
    None,
    [],
    {"schema": 99},
    {"schema": checkpoint.SCHEMA},
    {"schema": checkpoint.SCHEMA, "experiment": {}, "loops": -1, "leaves": [], "diverged": []},
    {"schema": checkpoint.SCHEMA, "experiment": {}, "loops": 1.5, "leaves": [], "diverged": []},
    {"schema": checkpoint.SCHEMA, "experiment": [], "loops": 1, "leaves": [], "diverged": []},
]


@pytest.mark.parametrize("meta", METAS)
def test_a_checksum_is_not_enough(tmp_path, meta):
    path = tmp_path / "loop-0000003.npz"
    files.save_arrays(path, {"leaf0": np.zeros(3)}, meta)
    with pytest.raises(BadFolder, match="damaged or foreign"):
        checkpoint.load(path, small())


HARMS = [
    {"diverged": [1]},
    {"diverged": [{"seed": 1}]},
    {"diverged": [{"seed": [], "loop": 1, "quantity": "x"}]},
    {"without": "leaf0"},
]


@pytest.mark.parametrize("harm", HARMS)
def test_a_forged_file_that_is_nearly_right(tmp_path, harm):
    path = checkpoint.save(tmp_path, 3, small(), OF)
    arrays, meta = files.load_arrays(path)
    arrays.pop(harm.pop("without", ""), None)
    files.save_arrays(path, arrays, {**meta, **harm})
    with pytest.raises(BadFolder, match="damaged or foreign"):
        checkpoint.load(path, small())


def flipped(content, n):
    changed = bytearray(content)
    changed[n] ^= 1 << n % 8
    return changed


@pytest.mark.parametrize("damage", [flipped, lambda content, n: content[:n]], ids=["flipped", "cut"])
def test_damage_is_noticed_wherever_it_is(damage, tmp_path):
    path = checkpoint.save(tmp_path, 3, small(), OF)
    content = path.read_bytes()
    for n in range(len(content)):
        path.write_bytes(damage(content, n))
        with pytest.raises(BadFolder, match="damaged or foreign"):
            checkpoint.load(path, small())


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
    checkpoint.save(tmp_path, 3, small(), OF)
    with pytest.raises(BadFolder, match="arrays of this experiment's state"):
        checkpoint.latest(tmp_path, like)
