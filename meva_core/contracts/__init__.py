"""Everything that authors of plugins import, in addition to `meva_core.ops` and `meva_core.errors`.

It holds the hooks and their entries, the decorator that makes a class a component, and the contracts of games,
policies, learners, value models, explorers, evaluations, loggers and executors. CONTRIBUTING.md lists what else an
evaluation may import.

Names are loaded when first used: the module that an entry point names imports `Entry` and `hookimpl`, and no jax.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from meva_core.contracts.capabilities import Facing as Facing
    from meva_core.contracts.capabilities import Myopic as Myopic
    from meva_core.contracts.capabilities import PlaysStrategies as PlaysStrategies
    from meva_core.contracts.capabilities import StepsLike as StepsLike
    from meva_core.contracts.components import component as component
    from meva_core.contracts.components import derived as derived
    from meva_core.contracts.components import leaf as leaf
    from meva_core.contracts.components import part as part
    from meva_core.contracts.components import static as static
    from meva_core.contracts.episodes import Episodes as Episodes
    from meva_core.contracts.evaluation import Answer as Answer
    from meva_core.contracts.evaluation import Asking as Asking
    from meva_core.contracts.evaluation import Column as Column
    from meva_core.contracts.evaluation import Evaluation as Evaluation
    from meva_core.contracts.evaluation import Panel as Panel
    from meva_core.contracts.executing import Executor as Executor
    from meva_core.contracts.executing import Job as Job
    from meva_core.contracts.executing import Workers as Workers
    from meva_core.contracts.frames import Frames as Frames
    from meva_core.contracts.frames import Mark as Mark
    from meva_core.contracts.hooks import Entry as Entry
    from meva_core.contracts.hooks import hookimpl as hookimpl
    from meva_core.contracts.logger import Logger as Logger
    from meva_core.contracts.logger import Loops as Loops
    from meva_core.contracts.logger import Results as Results
    from meva_core.contracts.logger import Run as Run
    from meva_core.contracts.machine import default_jobs as default_jobs
    from meva_core.contracts.machine import worker_environments as worker_environments
    from meva_core.contracts.playing import EpisodeLearner as EpisodeLearner
    from meva_core.contracts.playing import GivesLogits as GivesLogits
    from meva_core.contracts.playing import Playable as Playable
    from meva_core.contracts.playing import Policy as Policy
    from meva_core.contracts.playing import Sampled as Sampled
    from meva_core.contracts.playing import SampledGame as SampledGame
    from meva_core.contracts.playing import check_gives_logits as check_gives_logits
    from meva_core.contracts.playing import check_source as check_source
    from meva_core.contracts.playing import learns_from as learns_from
    from meva_core.contracts.playing import payoff_from as payoff_from
    from meva_core.contracts.playing import seats_or_all as seats_or_all
    from meva_core.contracts.protocols import Explorer as Explorer
    from meva_core.contracts.protocols import Game as Game
    from meva_core.contracts.protocols import Learner as Learner
    from meva_core.contracts.protocols import Sweep as Sweep
    from meva_core.contracts.protocols import Training as Training
    from meva_core.contracts.protocols import ValueModel as ValueModel
    from meva_core.contracts.protocols import look_ahead_sweep as look_ahead_sweep
    from meva_core.contracts.protocols import payoff_unit as payoff_unit
    from meva_core.contracts.states import first_state as first_state
    from meva_core.contracts.validators import Check as Check
    from meva_core.contracts.validators import at_least as at_least
    from meva_core.contracts.validators import below_one as below_one
    from meva_core.contracts.validators import between as between
    from meva_core.contracts.validators import finite as finite
    from meva_core.contracts.validators import not_negative as not_negative
    from meva_core.contracts.validators import one_of as one_of
    from meva_core.contracts.validators import positive as positive

_HOMES = {
    **dict.fromkeys(("Answer", "Asking", "Column", "Evaluation", "Panel"), "evaluation"),
    "Episodes": "episodes",
    "first_state": "states",
    **dict.fromkeys(("Executor", "Job", "Workers"), "executing"),
    **dict.fromkeys(("Frames", "Mark"), "frames"),
    **dict.fromkeys(("Logger", "Loops", "Results", "Run"), "logger"),
    **dict.fromkeys(("default_jobs", "worker_environments"), "machine"),
    **dict.fromkeys(("Facing", "Myopic", "PlaysStrategies", "StepsLike"), "capabilities"),
    **dict.fromkeys(("Entry", "hookimpl"), "hooks"),
    **dict.fromkeys(("component", "derived", "leaf", "part", "static"), "components"),
    **dict.fromkeys(
        ("Check", "at_least", "below_one", "between", "finite", "not_negative", "one_of", "positive"), "validators"
    ),
    **dict.fromkeys(
        (
            "EpisodeLearner",
            "GivesLogits",
            "Playable",
            "Policy",
            "Sampled",
            "SampledGame",
            "check_gives_logits",
            "check_source",
            "learns_from",
            "payoff_from",
            "seats_or_all",
        ),
        "playing",
    ),
    **dict.fromkeys(("Explorer", "Game", "Learner", "Training", "ValueModel"), "protocols"),
    **dict.fromkeys(("Sweep", "look_ahead_sweep", "payoff_unit"), "protocols"),
}
__all__ = sorted(_HOMES)  # pyright: ignore[reportUnsupportedDunderAll]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
