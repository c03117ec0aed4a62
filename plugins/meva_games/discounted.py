"""The base of all iterated games of this plugin."""

from meva_core.contracts import Game
from meva_games.rounds import Rounds, default_horizon


class Discounted(Game):
    """Base of games of infinitely many rounds, whose payoffs are discounted sums normalised by 1 - discount.

    A learning rate of 1 for the sum itself equals a rate of 1 / (1 - discount) for the normalised sum: 25 at 0.96, the
    default discount of all these games. A game whose payoffs range over much more than a few units says a smaller
    `payoff_scale`. Policies are tables over what a player remembers of the last round, so each of these games can also
    be played: `rules`.
    """

    family = "iterated"
    payoff_scale = 25.0

    discount: float

    def rules(self) -> Rounds:
        return Rounds(exact=self, rounds=default_horizon(self.discount))
