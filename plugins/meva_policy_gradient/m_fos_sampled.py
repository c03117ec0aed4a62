"""M-FOS from episodes. Shapes: P players, D numbers per policy, R numbers of the reader, C numbers of the condition, G
meta-episodes, B copies, M inner episodes, T steps of each, L = M T, O numbers per observation, A actions."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
from jax import Array

from meva_core.contracts import EpisodeLearner, Episodes, Policy, component, derived, one_of, part, static
from meva_core.errors import BadCombination
from meva_core.sampling import logits_along, policy_arguments
from meva_policy_gradient.critics import network_between, used
from meva_policy_gradient.over_meta_episodes import OverMetaEpisodes
from meva_policy_gradient.seen import Seen


@component
class MFOSSampled(OverMetaEpisodes, EpisodeLearner):
    """Plays a policy that sees a condition, and chooses the condition anew after every inner episode, from what it has
    just seen there; a policy gradient has found both, over meta-episodes in which the others learn.

    In every inner episode B copies of the policy play the same others at the same time, under the same condition c. A
    second network, the reader, reads the episodes of all copies, each with a fresh memory, and sets the next one,

        c = sigmoid(mean over the copies of its last outputs), and c = 1 in the first inner episode.

    So it is a meta-policy whose state is the last inner episode, and whose action is a condition. In a match the
    numbers of both networks stay as they are; only the condition moves.

    A fit plays `batch_size` meta-episodes per loop, and passes over whole ones as PPO does: the probability of an
    action depends on the reader through the condition, and so on the episodes before of all copies. An action is paid

        own rewards until the end of the inner episode + mean over all copies of the rewards after it,

    `returns = "m_fos"`, as published. `coala` divides the own rewards by B, as is right for the gradient of the mean
    payoff of all copies (Meulemans et al., 2025): without the division, the present outweighs what others learn. A
    critic, with a memory of the whole meta-episode if it has any, learns the own copy's return.

    The others are the rivals of the match, from its starts; in self-play, naive learners in the share `naive_share` of
    the meta-episodes, and else another member of the population, where both choose their conditions. Others learn from
    the episodes of the match, since actions can change nothing else.

    It needs a policy with a condition (`--policy conditioned`); with `policy.enters = "gate"` the condition multiplies
    the last hidden layer, as published. Advantages are standardised, so the unit of payoffs has no effect. The form for
    exact payoffs is `m_fos`.

    References:
        Lu, Willi, Schroeder de Witt & Foerster (2022), Model-Free Opponent Shaping, ICML;
        Meulemans et al. (2025), Multi-agent Cooperation through Learning-Aware Policy Gradients, ICLR, algorithm 1;
        Schulman et al. (2017), Proximal Policy Optimization Algorithms, equation 7.
    """

    reader: Any = part(kind="policy", doc="network that reads an inner episode and sets the next condition")
    returns: str = static(default="m_fos", doc="what an action is paid", check=one_of("m_fos", "coala"))
    network: Policy = derived(lambda self: _reader_of(self), doc="the reader")

    def __attrs_post_init__(self) -> None:
        super().__attrs_post_init__()
        if not any(policy.condition_size for policy in self.game.policies):
            kinds = ", ".join(dict.fromkeys(type(policy).__name__ for policy in self.game.policies))
            raise BadCombination(
                f"expected a policy whose condition the learner can set, got {kinds}: add --policy conditioned"
            )

    def start(self, params: Any, x: Array, key: Array) -> Array:
        """Its policies, with a condition of 1."""
        policies, condition = params[:, self.network.policy_size :], jnp.ones(self.longest_condition, x.dtype)
        return jnp.stack([self.under(seat, row, condition) for seat, row in enumerate(policies)])

    def learn(self, params: Any, state: Any, x: Array, episodes: Episodes, key: Array) -> tuple[Array, Any]:
        """The way to the next condition, in the numbers of x; no others move."""
        said = [self.said(own, episodes.observations[:, :, seat]) for seat, own in enumerate(params)]
        rows = [self.under(seat, row, c) for seat, (row, c) in enumerate(zip(x, said, strict=True))]
        return jnp.stack(rows) - x, state

    def said(self, own: Array, observations: Array) -> Array:
        """The condition f32[C] that a player's numbers f32[R + D] set after an inner episode with these observations
        f32[B, T, O]."""
        reader = own[: self.network.policy_size]
        outputs = jax.vmap(lambda seen: logits_along(self.network, reader, seen)[-1])(observations)
        return jax.nn.sigmoid(jnp.mean(used(outputs), axis=0))

    def under(self, seat: int, row: Array, condition: Array) -> Array:
        """A row of x f32[D] with another condition f32[C], as far as the policy in `seat` has one."""
        policy = self.game.policies[seat]
        own, size = policy.policy_size, policy.condition_size
        return row.at[own - size : own].set(condition[:size])

    def first(self, x: Array, key: Array) -> Array:
        """Fresh readers, each with the policy of its seat after it, f32[P, R + D]."""
        readers = jax.vmap(self.network.init)(jax.random.split(key, len(x)))
        return jnp.concatenate([readers.astype(x.dtype), x], axis=1)

    def size(self, seat: int) -> int:
        return self.network.policy_size + self.game.policies[seat].policy_size

    def log_policy(self, seat: int, own: Array, seen: Seen) -> Array:
        return jax.vmap(lambda observations: self._along(seat, own, observations))(seen.observations)

    def divided_by_passes(self, batch: Any) -> Any:
        """The batch as it is: the copies of a meta-episode share their conditions."""
        return batch

    def shared(self, others_learn: bool) -> bool:
        """True always: even where nobody learns, the next condition depends on the episodes of all copies."""
        return True

    @property
    def divided(self) -> bool:
        return self.returns == "coala"

    def _along(self, seat: int, own: Array, observations: Array) -> Array:
        """Log-probabilities f32[B, L, A] of a meta-episode with these observations f32[B, L, O]."""
        policy, copies = self.game.policies[seat], len(observations)
        inner = observations.reshape(copies, -1, self.game.steps, observations.shape[-1]).swapaxes(0, 1)
        row = own[self.network.policy_size :]
        later = jax.vmap(lambda each: self.said(own, each))(inner[:-1])
        conditions = jnp.concatenate([jnp.ones((1, self.longest_condition), later.dtype), later])

        def log_probs(condition: Array, episodes: Array) -> Array:
            given = self.under(seat, row, condition)
            return jax.nn.log_softmax(jax.vmap(lambda seen: logits_along(policy, given, seen))(episodes))

        found = jax.vmap(log_probs)(conditions, inner)  # [M, B, T, A]
        return found.swapaxes(0, 1).reshape(copies, -1, found.shape[-1])

    @property
    def longest_condition(self) -> int:
        """C, the largest count of numbers of a policy's condition."""
        return max(policy.condition_size for policy in self.game.policies)


def _reader_of(learner: MFOSSampled) -> Policy:
    """The network that reads what a player sees, for all numbers of the largest condition."""
    arguments = policy_arguments(learner.game.rules)
    sizes = arguments["observation_size"], learner.longest_condition
    return network_between(learner.reader, *sizes, one_hot=arguments["one_hot"])
