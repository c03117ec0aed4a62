"""Entries of this plugin. Imports nothing heavy."""

from collections.abc import Iterable

from meva_core.contracts import Entry, hookimpl


@hookimpl
def meva_evaluations() -> Iterable[Entry]:
    at = "meva_evaluations."
    yield Entry("best_response", f"{at}best_response:BestResponse", "payoffs of and against best responses")
    yield Entry(
        "convergence", f"{at}convergence:Convergence", "lengths of steps, and the share of matches that settled"
    )
    yield Entry("shaping", f"{at}shaping:Shaping", "payoffs against a learner that is to be shaped")
    yield Entry("polytope", f"{at}polytope:PayoffPolytope", "what others can earn against the policy, along a match")
    yield Entry("cross_play", f"{at}cross_play:CrossPlay", "payoffs of independent fits against each other")
    yield Entry("basins", f"{at}basins:Basins", "which starts lead to which outcome, and trajectories")
    yield Entry(
        "fixed_points",
        f"{at}fixed_points:FixedPoints",
        "fixed points near the ends of trajectories, with stability",
    )
    yield Entry("learnt_policy", f"{at}learnt_policy:LearntPolicy", "probabilities of actions after the last step")
    yield Entry("lifetime", f"{at}lifetime:Lifetime", "mean payoffs over all steps of the matches")
    yield Entry("episode", f"{at}episode:Episode", "one episode between the last policies, to step through")
    yield Entry("situations", f"{at}situations:Situations", "choices of policies with memory after named outcomes")
