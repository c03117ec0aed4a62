"""Flips bits in, and cuts, checkpoints of a real run: none that is damaged may be loaded.

python tests/trials/damage.py --trials 1000
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
from pathlib import Path

import jax

import meva_core as meva
from meva_core import fitting
from meva_core.errors import BadFolder
from meva_core.experiment import compose, resolve
from meva_core.registry import discovery, recipes
from meva_core.storage import checkpoint

SMALL = {
    "learner.loops": 1,
    "learner.trajectory": 10,
    "learner.batch_size": 2,
    "evaluate.pairs": 2,
    "evaluate.steps": 2,
}


def main() -> int:
    """Exit code 1 where one was loaded."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trials", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    draw = random.Random(asked.seed)
    with tempfile.TemporaryDirectory() as folder:
        meva.run("ipd", "meva", set=SMALL, out=Path(folder) / "run")
        (path,) = (Path(folder) / "run" / "checkpoints" / "learner").iterdir()
        resolved = resolve.resolve(
            discovery.installed(), [recipes.shipped()], game="ipd", learner="meva", overrides=SMALL
        )
        trainings = [learner.training for learner in compose.compose(resolved).rehearse()]
        like = jax.eval_shape(lambda: fitting.start([t for t in trainings if t is not None], [0]))
        assert checkpoint.load(path, like).loops == 1
        whole, loaded = path.read_bytes(), 0
        for n in range(asked.trials):
            damaged = bytearray(whole)
            if n % 4 == 0:
                del damaged[draw.randrange(len(whole)) :]
            else:
                for _ in range(draw.choice([1, 1, 1, 2, 100])):
                    damaged[draw.randrange(len(whole))] ^= 1 << draw.randrange(8)
            path.write_bytes(damaged)
            try:
                checkpoint.load(path, like)
                loaded += bytes(damaged) != whole
            except BadFolder:
                pass
    print(f"{asked.trials} checkpoints of {len(whole)} bytes flipped or cut: {asked.trials - loaded} noticed")
    return 1 if loaded else 0


if __name__ == "__main__":
    sys.exit(main())
