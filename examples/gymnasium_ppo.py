"""PPO of stable-baselines3 shapes a naive learner: the game of learning as an environment of gymnasium.

    pip install "meva[gymnasium]" stable-baselines3

PPO knows nothing of MeVa, of games or of gradients. It sees both policies of the iterated prisoner's dilemma, chooses
its own before every step of the naive learner's, and is paid by the game. Mutual defection pays -2, and mutual
cooperation -1. Over lifetimes of 100 steps we measured, in some minutes on a CPU:

                          own payoff        the naive learner's
    PPO, seeds 0, 1, 2    -0.46 -0.47 -0.49      -2.27 -2.21 -2.23
    good_shepherd         -0.64                  -1.86
    m_fos                 -0.51                  -2.10

The Good Shepherd plays one policy, which never moves. PPO and M-FOS lead the naive learner on: they choose afresh at
every step.
"""

import gymnasium
import jax
import numpy as np
from stable_baselines3 import PPO  # pyright: ignore[reportMissingImports]
from stable_baselines3.common.vec_env import DummyVecEnv  # pyright: ignore[reportMissingImports]

import meva_core as meva
from meva_core.bridges import meta_game
from meva_core.match import start

SEEDS, STEPS, HORIZON = 3, 400_000, 100


def meta():
    return gymnasium.make(meta_game.ID, game="ipd", opponents="naive", horizon=HORIZON)


def fitted(seed, games=16):
    model = PPO(
        "MlpPolicy",
        DummyVecEnv([meta] * games),
        n_steps=HORIZON,
        batch_size=25 * games,
        learning_rate=1e-3,
        policy_kwargs={"log_std_init": -0.5},
        device="cpu",
        seed=seed,
    )
    return model.learn(STEPS)


def earned(model, games=256):
    """Mean payoffs of both players over fresh lifetimes, in which PPO plays its means."""
    lives = meta_game.MetaGames("ipd", "naive", num_envs=games, horizon=HORIZON)
    seen, _ = lives.reset(seed=10**6)
    payoffs = []
    for _ in range(HORIZON):
        seen, *_, infos = lives.step(model.predict(seen, deterministic=True)[0])
        payoffs.append(infos["payoffs"].mean(axis=0))
    return np.mean(payoffs, axis=0)


def earned_by(shaper, games=256):
    """The same for a shaper of MeVa, fitted against the naive learner."""
    players = meva.run("ipd", shaper, opponent="naive", set={"evaluate.pairs": 1, "evaluate.asked": []}).players
    match = meva.Match(
        game=meva.make("game", "ipd"), players=jax.tree.map(lambda leaf: leaf[0], tuple(players)), seats=(0, 1)
    )

    def life(key):
        return meva.play(match, start(match, key), key, HORIZON).payoffs[1:]

    return jax.jit(jax.vmap(life))(jax.random.split(jax.random.key(10**6), games)).mean(axis=(0, 1))


if __name__ == "__main__":
    for seed in range(SEEDS):
        own, naive = earned(fitted(seed))
        print(f"PPO, seed {seed}: {own:.2f}, and the naive learner {naive:.2f}", flush=True)
    for shaper in ("good_shepherd", "m_fos"):
        own, naive = earned_by(shaper)
        print(f"{shaper}: {own:.2f}, and the naive learner {naive:.2f}", flush=True)
