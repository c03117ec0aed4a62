"""Fresh policies of peers with a leaning. Shapes: P players, D numbers per policy, N states, of two actions each."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
from jax import Array
from jax.scipy.special import logit

from meva_core.contracts import Game, Playable, Sampled
from meva_core.errors import BadCombination

PERSONAS = ("fresh", "cooperating", "defecting", "either")


def check_persona(game: Game, persona: str) -> None:
    """Raise BadCombination if a game's policies are not probabilities of two actions, and the persona needs them."""
    exact = _exact(game)
    if persona != "fresh" and not (isinstance(exact, Playable) and exact.rules().num_actions == 2):
        raise BadCombination(
            f"expected personas = 'fresh' in {type(game).__name__}, got {persona!r}: other personas are tables of two "
            "actions in an iterated game"
        )


def fresh_peers(game: Game, persona: str, key: Array) -> Array:
    """A fresh joint policy f32[P, D] of players with a persona: `fresh`, the game's own first policies.

    `cooperating` players take the second action, which is to cooperate in dilemmas, with a probability that is uniform
    between 1/2 and 1 in every state, and `defecting` ones between 0 and 1/2; of `either`, each player is one of the two
    with equal probability. Source: Kim et al. (2021), A Policy Gradient Algorithm for Learning to Learn in Multiagent
    Reinforcement Learning, ICML (its experiments in the prisoner's dilemma).
    """
    if persona == "fresh":
        return game.init(key)
    exact = _exact(game)
    players, states = game.num_players, len(exact.rules().observations)
    half_key, coin_key = jax.random.split(key)
    half = jax.random.uniform(half_key, (players, states), maxval=0.5)
    leaning = {"cooperating": 1.0, "defecting": 0.0}.get(persona)
    leans = jax.random.bernoulli(coin_key, shape=(players, 1)) if leaning is None else leaning
    least = jnp.finfo(half.dtype).eps
    second = logit(jnp.clip(half + 0.5 * leans, least, 1 - least))
    return exact.from_logits(jnp.stack([jnp.zeros_like(second), second], axis=-1))


def _exact(game: Any) -> Any:
    return game.exact if isinstance(game, Sampled) else game
