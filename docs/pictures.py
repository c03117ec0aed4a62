"""Draw the pictures of the pages of games and learners, from runs with seed 0.

    python docs/pictures.py                  all of them
    python docs/pictures.py lola ipd         some, by name

Each is two files in docs/pictures: NAME.svg, and NAME.txt with the text below it. Games with exact payoffs and learners
are shown by payoffs over learning steps, and so is `coin_choices`; other games that are played, by an episode between
two rule-based players. Runs of fitted learners take minutes.
"""

import json
import sys
import time
from pathlib import Path
from typing import Any

import jax
import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Circle, Rectangle

import meva_core as meva
from meva_core import match as matches
from meva_core import sampling
from meva_core.report.figures import style

FOLDER = Path(__file__).parent / "pictures"
SEED = 0
PAIRS = 64  # matches, from different starts
MOST = 300  # learning steps
SHOWN = slice(None, None, 3)  # points of a line, which keeps files small
POINTS = 100  # of a line of means over steps
WIDTH = 5.6, 7.2  # inches, of one panel and of two

# Learners are shown on the iterated prisoner's dilemma, with their default recipes.
STAGE = "ipd"
EXACT_GAMES = (
    *("chicken", "contribution", "cournot", "hamiltonian", "imp", "ipd", "logistic", "matrix", "normal_form"),
    *("public_goods", "social_dilemma", "stag_hunt", "tandem", "ultimatum"),
)
BY_CHOICES = ("coin_choices",)  # played, but without boards to draw
FRAMES = {"coin_game": 8, "exchange": 4}  # steps of the episodes of games that are played, as many as fit
EXACT = (
    *("naive", "lola", "lookahead", "hola", "sos", "consensus", "sga", "cgd", "extragradient", "copycat"),
    *("best_response_shaping", "detective_shaping", "good_shepherd", "coala_pg", "cola", "m_fos", "m_maml"),
    *("meta_mapg", "meva", "pola"),
)
STEPS = {"pola": 10}  # each goes to a maximum
FROM_EPISODES = ("a2c", "advantage_alignment", "loqa", "pola_dice", "ppo", "reinforce")
FITTED = ("coala_pg_sampled", "m_fos_sampled", "shaper")  # from episodes, before they play
LOOPS = {"in_context": 1000, "m_fos_sampled": 400, "shaper": 100}  # fewer than the recipes', which take too long
FEWER = ", fewer than its recipe's"
EPISODES = 512  # which show what fitted learners do from round to round
LED = 2000  # learning steps of LILI, a quarter of its recipe's
RED_FIRST = (style.COLOURS[1], style.COLOURS[0])  # of the players on a board; the first of the Coin Game is red
STRATEGIES = ("always_cooperate", "always_defect", "tit_for_tat", "win_stay_lose_shift", "extortion")


def payoffs(game: str, learner: str, opponent: str | None = None, steps: int = MOST) -> np.ndarray:
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
        return meva.play(match, matches.start(match, start), learn, steps).payoffs

    return np.asarray(jax.jit(jax.vmap(one))(keys))


def panel(axes, found: np.ndarray, names: list[str], title: str, shown: slice = SHOWN) -> None:
    """Means over matches, and the middle half of them, of each named player."""
    for n, name in enumerate(names):
        low, high = np.quantile(found[:, :, n], (0.25, 0.75), axis=0)
        mean = found[:, :, n].mean(axis=0)
        steps = np.arange(len(mean))[shown]
        axes.plot(steps, mean[shown], style.DASHES[n], color=style.COLOURS[n % 4], label=name)
        axes.fill_between(steps, low[shown], high[shown], color=style.COLOURS[n % 4], alpha=0.2, linewidth=0)
    axes.set(title=title, xlabel="learning step", ylabel="payoff")
    axes.legend()


def of_naive_learners(name: str) -> tuple[Figure, str]:
    """Naive learners on a game."""
    found = payoffs(name, "naive")
    figure = Figure(figsize=(WIDTH[0], 2.8), layout="constrained")
    axes = figure.subplots()
    panel(axes, found, [f"player {n + 1}" for n in range(found.shape[2])], f"naive learning on {name}")
    return figure, (
        f"Naive learners with their default recipe on {name}: payoffs of each player over {MOST} learning steps, "
        f"means over {PAIRS} starts and the middle half of them (seed {SEED})."
    )


def of_played_game(name: str) -> tuple[Figure, str]:
    """The first steps of an episode between a player who cooperates and one who defects."""
    players = ("always_cooperate", "always_defect")
    scripts = {"learner.strategy": players[0], "opponent.strategy": players[1]}
    few = {**scripts, "evaluate.pairs": 1, "evaluate.steps": 1, "sample.episodes": 2}
    told = meva.run(name, "fixed", opponent="fixed", seed=SEED, set=few, evaluate=["episode"]).summary()
    about, boards = told["episode"], [json.loads(board) for board in told["rows"][0]["boards"]][: FRAMES[name]]
    columns = len(boards) // 2
    wide = WIDTH[len(about["rows"]) != len(about["columns"])]
    height = wide / columns * len(about["rows"]) / len(about["columns"])
    figure = Figure(figsize=(wide, 2 * height + 0.8), layout="constrained")
    for n, (axes, board) in enumerate(zip(figure.subplots(2, columns).flat, boards, strict=True)):
        draw_board(axes, board, about["rows"], about["columns"], f"step {n}")
    return figure, (
        f"The first {len(boards)} steps of an episode of {name} between {players[0]} ({about['players'][0]}) and "
        f"{players[1]} ({about['players'][1]}), seed {SEED}. {about['caption']}"
    )


def draw_board(axes: Any, marks: list, rows: list[str], columns: list[str], title: str) -> None:
    """Draw one frame of an episode. marks: [row, column, text, form, seat, share] (`contracts.Mark`)."""
    axes.set(title=title, xlim=(0, len(columns)), ylim=(len(rows), 0), aspect="equal")
    axes.set_xticks(np.arange(len(columns)) + 0.5, columns)
    axes.set_yticks(np.arange(len(rows)) + 0.5, rows, rotation=90, va="center")
    axes.tick_params(length=0)
    for side in axes.spines.values():
        side.set_visible(True)
    axes.vlines(range(1, len(columns)), 0, len(rows), color="0.85", linewidth=0.6)
    axes.hlines(range(1, len(rows)), 0, len(columns), color="0.85", linewidth=0.6)
    for row, column, text, form, seat, share in marks:
        colour = "black" if seat is None else RED_FIRST[seat]
        x, y, ink = column + 0.5, row + 0.5, colour
        if form == "disc":
            axes.add_patch(Circle((x, y), 0.4, facecolor=colour))
            ink = "white"
        elif form == "ring":
            axes.add_patch(Circle((x, y), 0.22, facecolor="white", edgecolor=colour, linewidth=1.4))
        elif form == "bar":
            axes.add_patch(Rectangle((column + 0.05, row + 0.75), 0.9 * share, 0.15, facecolor=colour))
            y = row + 0.6
        else:
            y = row + 0.27
        size = 8 if form in ("disc", "ring") else 7
        axes.text(x, y, text.replace(", ", "\n"), ha="center", va="center", color=ink, fontsize=size)


def of_exact_learner(name: str) -> tuple[Figure, str]:
    """A learner against itself and against a naive learner."""
    steps = STEPS.get(name, MOST)
    shown = SHOWN if steps == MOST else slice(None)
    figure = Figure(figsize=(WIDTH[1], 2.8), layout="constrained")
    left, right = figure.subplots(1, 2, sharey=True)
    panel(left, payoffs(STAGE, name, None, steps), ["player 1", "player 2"], f"{name} in self-play", shown)
    panel(right, payoffs(STAGE, name, "naive", steps), [name, "naive"], f"{name} against a naive learner", shown)
    return figure, (
        f"{name} with its default recipe on {STAGE}, in self-play and against a naive learner: payoffs over {steps} "
        f"learning steps, means over {PAIRS} starts and the middle half of them (seed {SEED})."
    )


def of_fixed(name: str) -> tuple[Figure, str]:
    """Payoffs of a naive learner against strategies that never move."""
    found = []
    for strategy in STRATEGIES:
        settings = {"learner.strategy": strategy, "evaluate.pairs": PAIRS, "evaluate.steps": MOST}
        result = meva.run(STAGE, name, opponent="naive", seed=SEED, set=settings, evaluate=["convergence"])
        found.append(result.payoffs[0, 0].mean(axis=0))
    figure = Figure(figsize=(WIDTH[0], 2.8), layout="constrained")
    axes = figure.subplots()
    for n, (label, numbers) in enumerate(zip(("the strategy", "the naive learner"), np.transpose(found), strict=True)):
        places = np.arange(len(STRATEGIES)) + 0.3 * n
        axes.plot(places, numbers, "os"[n], color=style.COLOURS[n], label=label)
        axes.vlines(places, -3.1, numbers, color=style.COLOURS[n], alpha=0.4)
    axes.set_xticks(np.arange(len(STRATEGIES)) + 0.15, [strategy.replace("_", "\n") for strategy in STRATEGIES])
    axes.set(title="a naive learner against strategies that never move", ylabel="payoff", ylim=(-3.1, 0.8))
    axes.legend(ncols=2, loc="upper right")
    return figure, (
        f"Payoffs of {len(STRATEGIES)} strategies on {STAGE}, and of the naive learners that meet them, after {MOST} "
        f"learning steps: means over {PAIRS} starts (seed {SEED})."
    )


def run_from_episodes(name: str, opponent: str | None, **options: Any) -> Any:
    """The result of a learner's run on payoffs that are estimated from episodes, with its default recipe, in `LOOPS`
    loops if it has them there."""
    options |= {"opponent": () if opponent is None else opponent, "sampled": True, "seed": SEED}
    if name in LOOPS:
        options["set"] = {"learner.loops": LOOPS[name]}
    return meva.run(STAGE, name, evaluate=["convergence"], **options)


def means(line: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The middles of at most `POINTS` windows of a line, and the means in them."""
    window = -(-len(line) // POINTS)
    whole = line[: len(line) // window * window].reshape(-1, window)
    return (np.arange(len(whole)) + 0.5) * window, whole.mean(axis=1)


def curves(axes: Any, result: Any, names: list[str], title: str) -> None:
    """Payoffs of the players along the matches of a run."""
    history = result.histories[-1]
    for n, name in enumerate(names):
        axes.plot(*means(history.metrics[f"payoff_{n + 1}"][0]), style.DASHES[n], color=style.COLOURS[n], label=name)
    axes.set(title=title, xlabel="learning step", ylabel="payoff")
    axes.legend()


def of_learner_from_episodes(name: str) -> tuple[Figure, str]:
    """A learner against itself and against a naive learner."""
    figure = Figure(figsize=(WIDTH[1], 2.8), layout="constrained")
    left, right = figure.subplots(1, 2, sharey=True)
    alone, against = run_from_episodes(name, None), run_from_episodes(name, "naive")
    curves(left, alone, ["player 1", "player 2"], f"{name} in self-play")
    curves(right, against, [name, "naive"], f"{name} against naive")
    steps, pairs = alone.experiment.evaluate.steps, alone.experiment.evaluate.pairs
    return figure, (
        f"{name} with its default recipe on {STAGE}, from episodes, in self-play and against naive: payoffs over "
        f"{steps} learning steps, means over {pairs} matches (seed {SEED})."
    )


def of_fitted_from_episodes(name: str) -> tuple[Figure, str]:
    """A learner's fit to a naive learner, and a match against one."""
    figure = Figure(figsize=(WIDTH[1], 2.8), layout="constrained")
    left, right = figure.subplots(1, 2, sharey=True)
    result = run_from_episodes(name, "naive")
    fit = result.histories[0].metrics["payoff"][0]
    left.plot(*means(fit), color=style.COLOURS[0])
    left.set(title=f"the fit of {name} to naive learners", xlabel="outer loop", ylabel="payoff")
    curves(right, result, [name, "naive"], "after the fit, against naive")
    steps, pairs = result.experiment.evaluate.steps, result.experiment.evaluate.pairs
    return figure, (
        f"{name} with its default recipe on {STAGE}, from episodes, fitted to naive learners in {len(fit)} outer "
        f"loops{FEWER * (name in LOOPS)}: the payoff in the fit, and payoffs over {steps} learning steps afterwards, "
        f"means over {pairs} matches (seed {SEED})."
    )


def of_in_context(name: str) -> tuple[Figure, str]:
    """A fit among learners and fixed co-players, and the rounds of an episode between the learners."""
    figure = Figure(figsize=(WIDTH[1], 2.8), layout="constrained")
    left, right = figure.subplots(1, 2, sharey=True)
    result = run_from_episodes(name, None)
    fit = result.histories[0].metrics
    loops = len(fit["payoff"][0])
    for n, (label, metric) in enumerate({"learners": "payoff", "fixed co-players": "against_pool"}.items()):
        left.plot(*means(fit[metric][0]), style.DASHES[n], color=style.COLOURS[n], label=f"against {label}")
    left.set(title=f"the fit of {name}", xlabel="loop", ylabel="payoff")
    left.legend()
    rewards = rounds(result)
    for n in range(rewards.shape[1]):
        right.plot(rewards[:, n], style.DASHES[n], color=style.COLOURS[n], label=f"player {n + 1}")
    right.set(title="after the fit, an episode in self-play", xlabel="round", ylabel="payoff of the round")
    right.legend()
    return figure, (
        f"{name} with its default recipe on {STAGE}, fitted in {loops} loops{FEWER * (name in LOOPS)}: the payoff in "
        f"the fit against learners and against fixed co-players, and the payoffs in each round of an episode between "
        f"the learners afterwards, means over {EPISODES} episodes (seed {SEED}). This is the first part of a fit: "
        "`meva reproduce in-context` makes whole ones."
    )


def rounds(result: Any) -> np.ndarray:
    """Rewards f32[T, P] in the rounds of an episode of a run in self-play, means over episodes."""
    [player] = [jax.tree.map(lambda leaf: leaf[0], player) for player in result.players]
    game = player.learner.game
    match = meva.self_play(game, player)

    def one(key):
        start, play = jax.random.split(key)
        return sampling.play(game.rules, game.policies, matches.start(match, start), play, game.steps).rewards

    return np.asarray(jax.jit(jax.vmap(one))(jax.random.split(jax.random.key(SEED), EPISODES))).mean(axis=0)


def of_lili(name: str) -> tuple[Figure, str]:
    """A learner that leads a copycat, which adapts by a rule."""
    figure = Figure(figsize=(WIDTH[0], 2.8), layout="constrained")
    policies, steps = ("conditioned", "table"), {"evaluate.steps": LED}
    result = run_from_episodes(name, "copycat", policy=policies, set=steps)
    curves(figure.subplots(), result, [name, "copycat"], f"{name} against a copycat")
    pairs = result.experiment.evaluate.pairs
    return figure, (
        f"{name} with its default recipe on {STAGE}, from episodes, against copycat, which cooperates as often as the "
        f"others did in the step before: payoffs over {LED} learning steps{FEWER}, means over {pairs} matches (seed "
        f"{SEED})."
    )


DRAWN = {
    **dict.fromkeys((*EXACT_GAMES, *BY_CHOICES), ("games", of_naive_learners)),
    **dict.fromkeys(FRAMES, ("games", of_played_game)),
    **dict.fromkeys(EXACT, ("learners", of_exact_learner)),
    "fixed": ("learners", of_fixed),
    **dict.fromkeys(FROM_EPISODES, ("learners", of_learner_from_episodes)),
    **dict.fromkeys(FITTED, ("learners", of_fitted_from_episodes)),
    "in_context": ("learners", of_in_context),
    "lili": ("learners", of_lili),
}


def main(wanted: list[str]) -> None:
    """Draw the pictures of some entries, or of all."""
    if unknown := {*wanted} - {*DRAWN}:
        print(f"error: unknown picture {', '.join(sorted(unknown))} (known: {', '.join(DRAWN)})")  # noqa: T201
        sys.exit(2)
    for name in wanted or DRAWN:
        folder, draw = DRAWN[name]
        began = time.monotonic()
        with mpl.rc_context(style.STYLE):
            figure, caption = draw(name)
            (FOLDER / folder).mkdir(parents=True, exist_ok=True)
            figure.savefig(FOLDER / folder / f"{name}.svg", metadata={"Date": None})
        (FOLDER / folder / f"{name}.txt").write_text(f"{caption}\n", encoding="utf-8")
        print(f"{folder}/{name}: {time.monotonic() - began:.0f} s", flush=True)  # noqa: T201


if __name__ == "__main__":
    main(sys.argv[1:])
