"""Labels of players: two different players of the same rule get different labels."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from meva_core.experiment.choice import FROM, Choice
from meva_core.experiment.experiment import Experiment, dotted

LONGEST = 40  # characters of a label, which is the head of a column


def of(experiment: Experiment) -> list[str]:
    """A label for the learner and for each opponent, as `told_apart` gives them."""
    return told_apart([experiment.learner, *experiment.opponents])


def of_policies(experiment: Experiment) -> str:
    """The labels of the policies, each once, "mlp and gru" if seats have different ones; empty for a game's own."""
    return " and ".join(dict.fromkeys(told_apart(experiment.policies)))


def told_apart(players: Sequence[Choice]) -> list[str]:
    """A label for each player: its name, or "lola (variant=taylor)" if another player with that name is different.

    The parentheses contain the hyper-parameters in which players of one name differ, or the player's first seat if
    that text is too long or empty. The plugin comes before the name if players of two plugins share the name. Equal
    players have equal labels, and different players have different labels.
    """
    names = [_name(own, [player for player in players if player.name == own.name]) for own in players]
    tables = [dotted({**_settings(player), "name": name}) for player, name in zip(players, names, strict=True)]
    texts = [_label(own, [table for table in tables if table["name"] == own["name"]]) for own in tables]
    return [
        f"{own['name']} (seat {tables.index(own) + 1})"
        if len(label) > LONGEST or any(label == texts[n] and own != other for n, other in enumerate(tables))
        else label
        for own, label in zip(tables, texts, strict=True)
    ]


def _name(own: Choice, namesakes: Sequence[Choice]) -> str:
    """The player's name, with as much of its origin as is needed to distinguish it from `namesakes`."""
    origin = own.origin
    if origin is None or all(player.origin == origin for player in namesakes):
        return own.name
    plugins = {player.origin.plugin for player in namesakes if player.origin is not None}
    distribution = f"{origin.distribution}/" if len(plugins) == 1 else ""
    return f"{distribution}{origin.plugin}:{own.name}"


def _settings(player: Choice) -> dict[str, Any]:
    """The hyper-parameters of a player and of its parts, as plain tables."""
    return {key: table for key, table in {**player.to_plain(), **player.parts_to_plain()}.items() if key != FROM}


def _label(own: Mapping[str, Any], namesakes: Sequence[Mapping[str, Any]]) -> str:
    differing = [key for key in own if any(table.get(key) != own[key] for table in namesakes)]
    shown = ", ".join(f"{key}={_shown(own[key])}" for key in differing)
    return f"{own['name']} ({shown})" if shown else own["name"]


def _shown(value: Any) -> str:
    if isinstance(value, str):
        return value
    return f"{value:g}" if isinstance(value, float) else json.dumps(value)
