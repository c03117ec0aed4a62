"""Fresh policies of peers with a leaning. Shapes: P players, D numbers per policy, N states, of two actions each, S
sequences of T observations of O numbers each."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
from jax import Array
from jax.scipy.special import logit

from meva_core.contracts import Game, Playable, Policy, Sampled
from meva_core.errors import BadCombination
from meva_core.sampling import logits_along, policy_arguments, rules_behind

PERSONAS = ("fresh", "cooperating", "defecting", "either")

# A network is taught to play a table in STEPS steps. Their damping is multiplied by LESS after a step that helped, and
# by MORE after one that did not. Then an MLP of four or more units has the right probabilities to six digits, of three
# units to .02, and of one unit, which cannot play all tables, it misses them by .02 on average. Networks with memory
# are taught by so many sequences per state, of so many rounds; they miss probabilities by .01 to .02 on average.
STEPS, DAMPING, LESS, MORE = 12, 1e-2, 0.2, 8.0
SEQUENCES, LENGTH = 2, 4


def check_persona(game: Game, persona: str) -> None:
    """Raise BadCombination if a game's players do not choose one of two actions in one of a few states, and the persona
    needs them to."""
    if persona == "fresh":
        return
    rules = rules_behind(game)
    if rules is None or rules.num_actions != 2 or not policy_arguments(rules)["one_hot"]:
        raise BadCombination(
            f"expected personas = 'fresh' in {type(game).__name__}, got {persona!r}: other personas choose one of two "
            "actions in each state of an iterated game"
        )


def fresh_peers(game: Game, persona: str, key: Array) -> Array:
    """A fresh joint policy f32[P, D] of players with a persona: `fresh`, the game's own first policies.

    `cooperating` players take the second action, which is to cooperate in dilemmas, with a probability that is uniform
    between 1/2 and 1 in every state, and `defecting` ones between 0 and 1/2; of `either`, each player is one of the two
    with equal probability. Players with networks begin with fresh ones, which are then taught such probabilities: those
    of a few units without memory exactly, and those with memory nearly, whatever came before the state.

    Source: Kim et al. (2021), A Policy Gradient Algorithm for Learning to Learn in Multiagent Reinforcement Learning,
    ICML (its experiments in the prisoner's dilemma).
    """
    if persona == "fresh":
        return game.init(key)
    exact: Any = game.exact if isinstance(game, Sampled) else game
    rules: Any = rules_behind(game)
    observations = rules.observations
    half_key, coin_key, network_key = jax.random.split(key, 3)
    half = jax.random.uniform(half_key, (game.num_players, len(observations)), maxval=0.5)
    leaning = {"cooperating": 1.0, "defecting": 0.0}.get(persona)
    leans = jax.random.bernoulli(coin_key, shape=(game.num_players, 1)) if leaning is None else leaning
    least = jnp.finfo(half.dtype).eps
    second = logit(jnp.clip(half + 0.5 * leans, least, 1 - least))
    if isinstance(exact, Playable):
        return exact.from_logits(jnp.stack([jnp.zeros_like(second), second], axis=-1))
    networks: Any = game
    fresh_key, *keys = jax.random.split(network_key, 1 + game.num_players)
    x = game.init(fresh_key)
    each = zip(networks.policies, x, second, keys, strict=True)
    return jnp.stack([taught(policy, own, goals, observations, key) for policy, own, goals, key in each])


def taught(policy: Policy, own: Array, log_odds: Array, observations: Array, key: Array) -> Array:
    """The numbers f32[D] near `own` with which a policy takes the second action at these log-odds f32[N] after each of
    these observations f32[N, O].

    Policies with memory are taught by sequences of observations that are drawn with `key`. Sources: Levenberg (1944), A
    Method for the Solution of Certain Non-Linear Problems in Least Squares, Quarterly of Applied Mathematics; Marquardt
    (1963), An Algorithm for Least-Squares Estimation of Nonlinear Parameters, SIAM Journal.
    """
    states = jnp.arange(len(observations))[:, None]
    if policy.memory_size:
        states = jax.random.randint(key, (SEQUENCES * len(observations), LENGTH), 0, len(observations))
    goals = log_odds[states].ravel()
    sequences = jnp.asarray(observations, own.dtype)[states]

    def answers(own: Array) -> Array:
        """The log-odds f32[S * T] of the second action after every observation of all sequences."""
        logits = jax.vmap(lambda seen: logits_along(policy, own[: policy.policy_size], seen))(sequences)
        return (logits[..., 1] - logits[..., 0]).ravel()

    def step(carry: tuple[Array, Array], _: None) -> tuple[tuple[Array, Array], None]:
        own, damping = carry
        missed, slopes = goals - answers(own), jax.jacrev(answers)(own)
        product = slopes @ slopes.T
        damped = product + damping * jnp.mean(jnp.diagonal(product)) * jnp.eye(len(goals), dtype=own.dtype)
        moved = own + slopes.T @ jnp.linalg.solve(damped, missed)
        better = jnp.sum((goals - answers(moved)) ** 2) < jnp.sum(missed**2)
        return (jnp.where(better, moved, own), damping * jnp.where(better, LESS, MORE)), None

    (own, _), _ = jax.lax.scan(step, (own, jnp.asarray(DAMPING, own.dtype)), length=STEPS)
    return own
