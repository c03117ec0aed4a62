"""The base of all iterated games of this plugin."""

from meva_core.contracts import Game


class Discounted(Game):
    """Base of games of infinitely many rounds, whose payoffs are discounted sums normalised by 1 - discount.

    A learning rate of 1 on the sum itself is one of 1 / (1 - discount) on the normalised one: 25 at 0.96, the discount
    that every one of these games has by default.
    """

    family = "iterated"
    payoff_scale = 25.0
