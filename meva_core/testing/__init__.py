"""The conformance kit: `checks` and `evaluations` for the tests of a plugin, `installed` for installed plugins."""

from meva_core.testing.checks import (
    check_entry,
    check_explorer,
    check_game,
    check_learner,
    check_policy,
    check_value_model,
)
from meva_core.testing.evaluations import check_evaluation
from meva_core.testing.executors import check_executor
from meva_core.testing.loggers import check_logger
from meva_core.testing.sampled_games import check_sampled_game
from meva_core.testing.scripted import episodes

__all__ = [
    "check_entry",
    "check_evaluation",
    "check_executor",
    "check_explorer",
    "check_game",
    "check_learner",
    "check_logger",
    "check_policy",
    "check_sampled_game",
    "check_value_model",
    "episodes",
]
