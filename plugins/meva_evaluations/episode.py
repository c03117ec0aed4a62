"""Episodes: one that was played between the last policies, as pictures that a reader steps through.

Shapes: V rows, N pairs, P players, D numbers per policy, T steps, O numbers per observation.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from importlib import resources
from typing import Any

import jax
import numpy as np
from jax import Array

from meva_core.contracts import Answer, Asking, Episodes, Evaluation, Frames, Panel, Sampled, SampledGame, component
from meva_core.errors import BadPlugin
from meva_core.report import tables

NO_PICTURE = Frames((), (), (), (), "")
KEPT = ("observations", "actions", "rewards", "alive")  # of an episode, in policies.npz

ALONG = "observations", "actions", "rewards", "log_probs", "alive"  # what an episode has at every step


@component
class Episode(Evaluation):
    """One episode between the last policies of the first match of the first seed, in pictures, step by step.

    It applies to games that are played and that draw their episodes (`SampledGame.frames`). Every row has an episode of
    its own, drawn with the same key.

    In policies.npz: `episode observations` f32[V, T, P, O], `episode actions` i32[V, T, P], `episode rewards`
    f32[V, T, P], and `episode alive` f32[V, T], 1 until the episode ends.

    In summary.json:
      episode           {seed, players, actions, rows, columns, caption}: names of players and actions, and the board's
                        headings
    In a row of summary.json:
      boards            the frames of the episode: of each the marks as a text of JSON, [[row, column, text, form, seat,
                        share], ...] (`contracts.Mark`)
    """

    first_seed = True
    says = "playing an episode"

    def lacks(self, composition: Any, seeds: int) -> str:
        if not isinstance(composition.game, Sampled):
            return "a game that is played (--sampled)"
        return "" if _draws(composition.game.rules) else "a game that draws its episodes"

    def inputs(self, ended: Any, answers: Mapping[str, Answer]) -> tuple[Array, ...]:
        return (ended.x[:, :, 0],)

    def ask(self, match: Any, key: Array, asking: Asking, *inputs: Array) -> Episodes:
        (x,) = inputs
        return jax.tree.map(lambda leaf: leaf[0], match.game.play(x, key))

    def rows(self, answer: Answer, seen: Any) -> list[dict[str, Any]]:
        return [{"boards": [_text(board) for board in frames.boards]} for frames in _drawn(answer, seen)]

    def whole(self, answer: Answer, seen: Any) -> dict[str, Any]:
        frames = _drawn(answer, seen)[0]
        names = frames._asdict()
        lists = {name: list(names[name]) for name in ("players", "rows", "columns")}
        actions = list(seen.game.rules.action_names)
        return {"episode": {"seed": seen.seeds[0], "actions": actions, **lists, "caption": frames.caption}}

    def arrays(self, answer: Answer) -> dict[str, Any]:
        return {f"episode {name}": getattr(answer.each, name)[0] for name in KEPT}

    def panels(self, summary: Mapping[str, Any], arrays: Mapping[str, Any]) -> list[Panel]:
        if not all(row["boards"] for row in summary["rows"]):
            return []
        package = resources.files("meva_evaluations")
        script, style = ((package / f"episode.{kind}").read_text(encoding="utf-8") for kind in ("js", "css"))
        return [Panel(script=script, style=style, rows=_shown(summary, arrays))]


def _draws(rules: SampledGame) -> bool:
    """True if a game has pictures of its own."""
    return type(rules).frames is not SampledGame.frames


def _drawn(answer: Answer, seen: Any) -> list[Frames]:
    """The frames of each row's episode, without the steps after its end. Raises BadPlugin if the game breaks the
    contract of frames."""
    rules = seen.game.rules

    def one(v: int) -> Frames:
        episode = jax.tree.map(lambda leaf: leaf[0, v], answer.each)
        steps = int(episode.alive.sum())
        if (found := rules.frames(episode_until(episode, steps))) is None:
            return NO_PICTURE
        if wrong := Frames.complaint(found, steps, rules.num_players):
            raise BadPlugin(f"{type(rules).__name__}.{wrong}")
        return found

    return [one(v) for v in range(len(seen.values))]


def episode_until(episode: Episodes, steps: int) -> Episodes:
    """The first steps of an episode [T, ...] of numpy arrays."""
    if steps == len(episode.alive):
        return episode
    along: Any = {name: getattr(episode, name)[:steps] for name in ALONG}
    return Episodes(**along, final=episode.observations[steps])


def _text(board: Sequence[Any]) -> str:
    """The marks of a board as JSON."""
    return json.dumps(
        [[int(m.row), int(m.column), m.text, m.form, m.seat, round(float(m.share), 4)] for m in board],
        separators=(",", ":"),
    )


def _shown(summary: Mapping[str, Any], arrays: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Data for the page, for each row."""
    told, found = summary["episode"], []
    for v, row in enumerate(summary["rows"]):
        steps = int(np.sum(arrays["episode alive"][v]))
        actions, rewards = (arrays[f"episode {name}"][v, :steps] for name in ("actions", "rewards"))
        found.append(
            {
                **told,
                "seats": tables.seats(summary),
                "boards": [json.loads(board) for board in row["boards"]],
                "taken": actions.tolist(),
                "rewards": np.round(rewards.astype(float), 4).tolist(),
            }
        )
    return found
