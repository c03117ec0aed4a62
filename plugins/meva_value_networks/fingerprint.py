"""A value model that sees what policies do, not the numbers that they are made of.

Shapes: P players, D numbers per policy, N probes of L observations of O numbers each, A actions.
"""

from __future__ import annotations

from typing import Any, ClassVar, NamedTuple

import jax
import jax.numpy as jnp
from jax import Array

from meva_core.contracts import GivesLogits, Policy, Sampled, at_least, between, component, static
from meva_core.errors import BadCombination
from meva_core.sampling import logits_along, play, rules_behind
from meva_value_networks.paired_mlp import PairedMLP

OF_MANY = 16  # probes in games with more observations than can be listed


class Params(NamedTuple):
    """Parameters: the probes f32[N, L, O], divided by `probe_rate`; and those of the network that sees the answers."""

    probes: Array
    network: Any


@component
class Fingerprint(PairedMLP):
    """The network `paired_mlp`, which sees each policy's answers to learnt questions in place of its numbers.

    A question, or probe, is one observation. For policies with memory it is `length` observations, one after the other.
    The answers are the log-odds of each action against the first, at every observation, and the code of a policy is all
    its answers; `transform` and `input_scale` apply to them. So policies that give the same answers have one value,
    however many numbers they have and however these are arranged, and a value's gradient flows through the policy that
    is asked.

    Probes are parameters. They start as observations that players make: in a game of a few states, the first probe is
    the first state, and so on. They are learnt at the share `probe_rate` of the rate of the other parameters; weight
    decay applies to them as to all.

    Raises BadCombination for a game whose policies cannot be asked, and for questions of several observations if no
    policy has a memory.

    References:
        Harb, Schaul, Precup & Bacon (2020), Policy Evaluation Networks, arXiv 2002.11833; Faccio, Ramesh, Herrmann,
        Harb & Schmidhuber (2022), General Policy Evaluation and Improvement by Learning to Identify Few But Crucial
        States, arXiv 2207.01566.
    """

    probes: int | None = static(
        default=None,
        doc="N, questions; unset: one for each state, or 16 where states are too many",
        check=between(1, 4096),
    )
    length: int | None = static(
        default=None, doc="L, observations of a question; unset: 4 for policies with memory, else 1", check=at_least(1)
    )
    probe_rate: float = static(
        default=0.1,
        doc="learning rate of the probes as a share of the optimiser's; 0: they are not learnt",
        check=between(0, 1),
    )

    small: ClassVar = {"width": 8, "blocks": 0, "probes": 2}

    def __attrs_post_init__(self) -> None:
        if rules_behind(self.game) is None or not (self._policies or isinstance(self.game, GivesLogits)):
            raise BadCombination(
                "expected a game that is played, or one with rules() and to_logits(), for fingerprints of policies, "
                f"got {type(self.game).__name__}: use value_model.name = paired_mlp"
            )
        if self.length not in (None, 1) and not self._remember:
            raise BadCombination(
                f"expected value_model.length = 1 for policies without memory, got {self.length}: leave it unset"
            )

    def init(self, key: Array) -> Params:
        probes_key, key = jax.random.split(key)
        probes = self._first_probes(probes_key)
        codes: Any = jax.eval_shape(self._answers, probes, self.game.init(key))
        network = self._network.init(key, jnp.zeros(codes.shape), jnp.zeros((self.game.num_players, self.conditions)))
        return Params(probes / (self.probe_rate or 1), network)

    def features(self, params: Params, x: Array, others: Array, condition: Array) -> Array:
        probes = params.probes * self.probe_rate if self.probe_rate else jax.lax.stop_gradient(params.probes)
        own = self._answers(probes, x)
        theirs = own if others is x else self._answers(probes, others)
        return super().features(params.network, own, theirs, condition)

    def head(self, params: Params, features: Array) -> Array:
        return super().head(params.network, features)

    def _answers(self, probes: Array, x: Array) -> Array:
        """The codes f32[P, N * L * (A - 1)] of a joint policy x f32[P, D]."""

        def code(logits: Array) -> Array:
            return (logits[..., 1:] - logits[..., :1]).ravel()

        def answers(policy: Policy, own: Array) -> Array:
            return code(jax.vmap(lambda probe: logits_along(policy, own[: policy.policy_size], probe))(probes))

        game: Any = self.game
        if not self._policies:  # the game's own tables, which give mixtures of states mixtures of logits
            return jax.vmap(lambda table: code(probes @ table))(game.to_logits(x))
        if self._policies is getattr(game, "policies", None) and game.alike:
            return jax.vmap(lambda own: answers(self._policies[0], own))(x)
        return jnp.stack([answers(policy, own) for policy, own in zip(self._policies, x, strict=True)])

    def _first_probes(self, key: Array) -> Array:
        """Probes f32[N, L, O]: the states in turn, or what players see in episodes between fresh policies."""
        game: Any = self.game
        rules: Any = rules_behind(game)
        states, length = rules.observations, self.length or (4 if self._remember else 1)
        count = self.probes or (OF_MANY if states is None else len(states))
        if length == 1 and states is not None:
            return jnp.asarray(states)[jnp.arange(count) % len(states)][:, None]

        def probe(key: Array) -> Array:
            x_key, play_key, when_key, who_key = jax.random.split(key, 4)
            x, steps = game.init(x_key), length if self._remember else game.steps
            seen = play(rules, self._policies, x, play_key, steps).observations  # f32[T, P, O]
            first = jax.random.randint(when_key, (), 0, steps - length + 1)
            seat = jax.random.randint(who_key, (), 0, game.num_players)
            return jax.lax.dynamic_slice_in_dim(seen[:, seat], first, length)

        return jax.lax.map(probe, jax.random.split(key, count))

    @property
    def _remember(self) -> bool:
        """True if a policy has a memory."""
        return any(policy.memory_size for policy in self._policies)

    @property
    def _policies(self) -> tuple[Policy, ...]:
        """The policy of each seat; in games that are played, with the last number of a row, which may choose a
        rule-based player. Empty in exact games of tables."""
        game: Any = self.game
        return game.players if isinstance(game, Sampled) else getattr(game, "policies", ())
