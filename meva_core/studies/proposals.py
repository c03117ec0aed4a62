"""Proposes settings for trials, with Optuna."""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from meva_core.errors import debugging, optional
from meva_core.studies.searches import Numbers, Search


class Proposals:
    """The proposals of a search. They follow from its seed and from the values that `tell` received, in order.

    Raises MissingLibrary if Optuna is not installed.
    """

    def __init__(self, search: Search):
        optuna = optional("optuna", extra="search")
        self.optuna, self.ranges = optuna, search.ranges
        self.spaces = {path: self._space(values) for path, values in search.ranges.items()}
        with self._quiet():
            samplers = optuna.samplers
            if search.sampler == "random":
                sampler = samplers.RandomSampler(seed=search.seed)
            else:  # of all hyper-parameters together; trials that run at a time are spread out
                sampler = samplers.TPESampler(seed=search.seed, multivariate=True, constant_liar=search.batch > 1)
            direction = "maximize" if search.ranking.highest else "minimize"
            self.study = optuna.create_study(direction=direction, sampler=sampler)
        self.open: list[Any] = []

    def ask(self, count: int) -> list[dict[str, Any]]:
        """Settings for `count` trials, by name in --set. `tell` must be called before it is asked again."""
        with self._quiet():
            self.open = [self.study.ask(self.spaces) for _ in range(count)]
        return [self._values(trial.params) for trial in self.open]

    def tell(self, values: Sequence[float | None]) -> None:
        """Receive the values of the trials that were asked last, in order. None is worse than any number."""
        with self._quiet():
            for trial, value in zip(self.open, values, strict=True):
                if value is None:
                    self.study.tell(trial, state=self.optuna.trial.TrialState.PRUNED)
                else:
                    self.study.tell(trial, value)
        self.open = []

    def _space(self, values: Any) -> Any:
        distributions = self.optuna.distributions
        if isinstance(values, Numbers):
            kind = distributions.IntDistribution if values.whole else distributions.FloatDistribution
            return kind(values.low, values.high, log=values.log)
        return distributions.CategoricalDistribution(range(len(values.values)))

    def _values(self, params: Mapping[str, Any]) -> dict[str, Any]:
        return {
            path: values.proposed(params[path]) if isinstance(values, Numbers) else values.values[params[path]]
            for path, values in self.ranges.items()
        }

    @contextlib.contextmanager
    def _quiet(self) -> Iterator[None]:
        """Without Optuna's log, but for MEVA_DEBUG, and without its warnings about experimental options."""
        logging = self.optuna.logging
        before = logging.get_verbosity()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", self.optuna.exceptions.ExperimentalWarning)
            logging.set_verbosity(logging.INFO if debugging() else logging.ERROR)
            try:
                yield
            finally:
                logging.set_verbosity(before)
