"""Memory-one strategies by name, read from strategies.toml, which has their numbers and sources."""

import functools
import tomllib
from collections.abc import Mapping
from importlib import resources


@functools.cache
def cooperation() -> Mapping[str, tuple[float, ...]]:
    """Probabilities of cooperation at [start, DD, DC, CD, CC], the own action first, by the strategy's name.

    >>> cooperation()["tit_for_tat"]
    (1.0, 0.0, 1.0, 0.0, 1.0)
    """
    text = resources.files("meva_games").joinpath("strategies.toml").read_text(encoding="utf-8")
    numbers = {name: table["cooperates"] for name, table in tomllib.loads(text).items()}
    return {name: tuple(map(float, (start, dd, dc, cd, cc))) for name, (start, cc, cd, dc, dd) in numbers.items()}
