"""Content that the evaluations of a run make together: merged by name, and without evaluations that are faulty."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any, NoReturn

from meva_core.contracts.evaluation import Evaluation
from meva_core.report.checked import BadEvaluation, Checked


def without_faults(
    evaluations: Mapping[str, Evaluation], make: Callable[[Mapping[str, Evaluation]], Any]
) -> tuple[Any, dict[str, BadEvaluation]]:
    """The result of `make` for the evaluations that keep their contracts, and the faults of the others by name.

    An evaluation that builds on a faulty one is left out too.
    """
    builds_on = {name: evaluation.builds_on for name, evaluation in evaluations.items()}
    faults: dict[str, BadEvaluation] = {}
    while True:
        lost = {*faults, *above(builds_on, faults)}
        sound = {name: evaluation for name, evaluation in evaluations.items() if name not in lost}
        try:
            return make(sound), faults
        except BadEvaluation as fault:
            if fault.name not in sound:
                raise
            faults[fault.name] = fault


def above(builds_on: Mapping[str, Sequence[str]], names: Iterable[str]) -> list[str]:
    """The evaluations that build on one of `names`, directly or through others. builds_on: by the name of each."""
    reached = list(names)
    below = len(reached)
    for base in reached:  # it grows in the loop
        reached += [name for name, needed in builds_on.items() if base in needed and name not in reached]
    return reached[below:]


def third_parties_last(evaluations: Mapping[str, Evaluation]) -> list[tuple[str, Evaluation]]:
    """Names and evaluations, those of third parties last, so that a clash of names is the fault of a third party."""
    return sorted(evaluations.items(), key=lambda item: isinstance(item[1], Checked))


def merged(
    evaluations: Mapping[str, Evaluation],
    what: str,
    add: Callable[[str, Evaluation], Mapping[str, Any]],
    taken: Collection[str],
) -> dict[str, Any]:
    """Everything that evaluations add by name.

    what: the method, for messages. add: a function of an evaluation's name and the evaluation. taken: names that no
    evaluation may add.
    """
    content: dict[str, Any] = {}
    for name, evaluation in third_parties_last(evaluations):
        added = add(name, evaluation)
        for key in added:
            if key in taken or key in content:
                clash(evaluation, what, key)
        content |= added
    return content


def clash(evaluation: Evaluation, what: str, name: str) -> NoReturn:
    """Raise the error for an evaluation that adds a name that something else uses already."""
    refuse(evaluation, what, "names that nothing else uses", repr(name))


def refuse(evaluation: Evaluation, what: str, expected: str, got: Any) -> NoReturn:
    """Raise the error for an evaluation whose method `what` returns `got`."""
    if isinstance(evaluation, Checked):
        evaluation.refuse(what, expected, got)
    raise ValueError(f"{evaluation}: {what}: expected {expected}, got {got}")  # a bug of ours
