"""The Good Shepherd. Shapes: P players, D numbers per policy."""

from __future__ import annotations

from meva_core.contracts import component
from meva_shapers.evolved import Evolved


@component
class GoodShepherd(Evolved):
    """Plays one policy and never moves: the one with the highest mean payoff over the lifetimes of others, who learn
    against it all the time.

    The fit finds it by evolution strategies. All members of a population, in antithetic pairs around the present
    policy, play the same lifetimes: `co_players` fresh opponents, who take `steps` steps. Their ranks make the gradient
    that Adam climbs. The others are the rivals of the match; in self-play, they are naive learners with learning rate
    `rate`. In a symmetric game all seats share one policy.

    It uses no derivative, so the others may follow any rule. On games that are played, a lifetime is paid what its
    episodes pay.

    References:
        Balaguer, Koster, Summerfield & Tacchetti (2022), The Good Shepherd: An Oracle Agent for Mechanism Design;
        Khan et al. (2024), Scaling Opponent Shaping to High Dimensional Games, AAMAS;
        Salimans et al. (2017), Evolution Strategies as a Scalable Alternative to Reinforcement Learning.
    """
