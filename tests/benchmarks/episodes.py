"""Environment steps per second of games that are played, and many seeds of LOLA-DiCE in one program."""

from __future__ import annotations

import jax
from timing import Row, cpu_seconds, in_turns

import meva_core as meva
from meva_core.errors import MevaError
from meva_core.ops import simultaneous_gradient
from meva_core.sampling import Rollouts, policy_arguments, rules_of

EPISODES = {"episodes": 64}  # of LOLA-DiCE's recipe, 150 steps each
LARGE = {"episodes": 512, "horizon": 50}
SEEDS, STEPS = 10, 20


def played(rules, policy: str, sample: dict, **settings) -> Rollouts:
    """A game between policies of one kind."""
    one = meva.make("policy", policy, **policy_arguments(rules), **settings)
    return Rollouts(rules=rules, policies=(one,) * rules.num_players, **sample)


def episodes() -> list[Row]:
    """Episodes of tables and of recurrent networks, with and without the first derivative of their payoffs."""
    ipd = rules_of(meva.make("game", "ipd"))
    rows = throughput("ipd, tables", played(ipd, "table", EPISODES))
    try:
        coins = meva.make("game", "coin_game")
    except MevaError:
        return rows
    return rows + throughput("coin_game, two GRU(64)", played(coins, "gru", LARGE, width=64, layers=0))


def throughput(what: str, game: Rollouts) -> list[Row]:
    """Environment steps per second, and per second of a core."""
    x, key = game.init(jax.random.key(0)), jax.random.key(1)
    sample = jax.jit(lambda x: game.sample(x, key))
    gradient = jax.jit(lambda x: simultaneous_gradient(lambda x: game.sample(x, key), x))
    count, rows = game.episodes * game.steps, []
    for name, work in (("played", lambda: sample(x)), ("with gradients", lambda: gradient(x))):
        note = f"{count / cpu_seconds(work):.3g} per second of a core; {game.episodes} episodes of {game.steps}"
        (seconds,) = in_turns(work)
        rows.append(Row("episodes", f"{what}, {name}", count / seconds, "steps/s", note))
    return rows


def lola_dice() -> list[Row]:
    """Ten seeds in one program against one seed, and the share of one seed's time that further seeds do not take."""
    game = played(rules_of(meva.make("game", "ipd")), "table", EPISODES)
    learner = meva.make("learner", "lola", game=game, rate=5.0, look_ahead_rate=5.0, look_aheads=2)
    match = meva.self_play(game, meva.Fitted(learner=learner))

    def one(key):
        return meva.play(match, game.init(key), key, STEPS).payoffs

    many, keys = jax.jit(jax.vmap(one)), jax.random.split(jax.random.key(0), SEEDS)
    more = jax.random.split(jax.random.key(0), 2 * SEEDS)
    alone, together, twice = in_turns(lambda: many(keys[:1]), lambda: many(keys), lambda: many(more), repeats=3)
    further = (twice - together) / SEEDS
    note = f"{STEPS} updates, two look-aheads; one seed takes {alone:.2g} s"
    return [
        Row("lola_dice", f"{SEEDS} seeds against one", together / alone, "times", note),
        Row("lola_dice", "a further seed", further / alone, "of one", "the rest of one is launches and what is shared"),
    ]
