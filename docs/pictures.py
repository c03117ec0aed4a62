"""Draw the pictures of the pages of games and learners: payoffs over learning steps, from runs with seed 0.

    python docs/pictures.py                  all of them
    python docs/pictures.py lola ipd         some, by name

Each is two files in docs/pictures: NAME.svg, and NAME.txt with the text below it. Runs of fitted learners take minutes.
"""

import sys
import time
from pathlib import Path

import jax
import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure

import meva_core as meva
from meva_core import match as matches
from meva_core.report.figures import style

FOLDER = Path(__file__).parent / "pictures"
SEED = 0
PAIRS = 64  # matches, from different starts
MOST = 300  # learning steps
SHOWN = slice(None, None, 3)  # points of a line, which keeps files small

# Learners are shown on the iterated prisoner's dilemma, with their default recipes.
STAGE = "ipd"
GAMES = (
    *("chicken", "contribution", "cournot", "hamiltonian", "imp", "ipd", "logistic", "matrix", "normal_form"),
    *("public_goods", "social_dilemma", "stag_hunt", "tandem", "ultimatum"),
)
LEARNERS = (
    *("naive", "lola", "lookahead", "hola", "sos", "consensus", "sga", "cgd", "extragradient", "copycat"),
    *("best_response_shaping", "good_shepherd", "coala_pg", "cola", "m_maml", "meva"),
)


def payoffs(game: str, learner: str, opponent: str | None = None) -> np.ndarray:
    """Payoffs f32[N, S + 1, P] of N matches over S learning steps: the learner, with its default recipe, in all seats,
    or against an opponent."""
    least = {"evaluate.pairs": 1, "evaluate.steps": 1, "evaluate.values": []}
    rivals = () if opponent is None else opponent
    result = meva.run(game, learner, opponent=rivals, seed=SEED, set=least, evaluate=["convergence"])
    players = [jax.tree.map(lambda leaf: leaf[0], player) for player in result.players]
    played = players[0].learner.game
    seats = (0, 1) if len(players) > 1 else (0,) * played.num_players
    match = meva.Match(game=played, players=tuple(players), seats=seats)
    keys = jax.random.split(jax.random.key(SEED), PAIRS)

    def one(key):
        start, learn = jax.random.split(key)  # some learners choose where they start
        return meva.play(match, matches.start(match, start), learn, MOST).payoffs

    return np.asarray(jax.jit(jax.vmap(one))(keys))


def panel(axes, found: np.ndarray, names: list[str], title: str) -> None:
    """Means over matches, and the middle half of them, of each named player."""
    for n, name in enumerate(names):
        low, high = np.quantile(found[:, :, n], (0.25, 0.75), axis=0)
        mean = found[:, :, n].mean(axis=0)
        steps = np.arange(len(mean))[SHOWN]
        axes.plot(steps, mean[SHOWN], style.DASHES[n], color=style.COLOURS[n % 4], label=name)
        axes.fill_between(steps, low[SHOWN], high[SHOWN], color=style.COLOURS[n % 4], alpha=0.2, linewidth=0)
    axes.set(title=title, xlabel="learning step", ylabel="payoff")
    axes.legend()


def of_game(name: str) -> tuple[Figure, str]:
    """Naive learners on a game."""
    found = payoffs(name, "naive")
    figure = Figure(figsize=(5.6, 2.8), layout="constrained")
    axes = figure.subplots()
    panel(axes, found, [f"player {n + 1}" for n in range(found.shape[2])], f"naive learning on {name}")
    return figure, (
        f"Naive learners with their default recipe on {name}: payoffs of each player over {MOST} learning steps, "
        f"means over {PAIRS} starts and the middle half of them (seed {SEED})."
    )


def of_learner(name: str) -> tuple[Figure, str]:
    """A learner against itself and against a naive learner."""
    figure = Figure(figsize=(7.2, 2.8), layout="constrained")
    left, right = figure.subplots(1, 2, sharey=True)
    panel(left, payoffs(STAGE, name), ["player 1", "player 2"], f"{name} in self-play")
    panel(right, payoffs(STAGE, name, "naive"), [name, "naive"], f"{name} against a naive learner")
    return figure, (
        f"{name} with its default recipe on {STAGE}, in self-play and against a naive learner: payoffs over {MOST} "
        f"learning steps, means over {PAIRS} starts and the middle half of them (seed {SEED})."
    )


def main(wanted: list[str]) -> None:
    """Draw the pictures of some entries, or of all."""
    drawings = [("games", name, of_game) for name in GAMES] + [("learners", name, of_learner) for name in LEARNERS]
    if unknown := {*wanted} - {name for _, name, _ in drawings}:
        print(f"error: unknown picture {', '.join(sorted(unknown))} (known: {', '.join((*GAMES, *LEARNERS))})")  # noqa: T201
        sys.exit(2)
    for folder, name, draw in drawings:
        if wanted and name not in wanted:
            continue
        began = time.monotonic()
        with mpl.rc_context(style.STYLE):
            figure, caption = draw(name)
            (FOLDER / folder).mkdir(parents=True, exist_ok=True)
            figure.savefig(FOLDER / folder / f"{name}.svg", metadata={"Date": None})
        (FOLDER / folder / f"{name}.txt").write_text(f"{caption}\n", encoding="utf-8")
        print(f"{folder}/{name}: {time.monotonic() - began:.0f} s", flush=True)  # noqa: T201


if __name__ == "__main__":
    main(sys.argv[1:])
