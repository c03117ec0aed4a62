"""The conformance kit: `checks` for the tests of a plugin, `installed` for any plugin that is installed."""

from meva_core.testing.checks import check_entry, check_explorer, check_game, check_learner, check_value_model
from meva_core.testing.evaluations import check_evaluation

__all__ = ["check_entry", "check_evaluation", "check_explorer", "check_game", "check_learner", "check_value_model"]
