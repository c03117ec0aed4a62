"""Formulas as MathML, which browsers show without a script or a font from elsewhere."""

from __future__ import annotations

from typing import Any

from docutils import nodes  # pyright: ignore[reportMissingImports, reportMissingModuleSource] - of the extra `docs`
from docutils.utils.math.latex2mathml import (  # pyright: ignore[reportMissingImports, reportMissingModuleSource]
    tex2mathml,
)


def _inline(translator: Any, node: nodes.math) -> None:
    translator.body.append(str(tex2mathml(node.astext())))
    raise nodes.SkipNode


def _display(translator: Any, node: nodes.math_block) -> None:
    formula = tex2mathml(node.astext(), as_block=True)
    translator.body.append(f'<div class="formula">{formula}</div>\n')
    raise nodes.SkipNode


def setup(app: Any) -> dict[str, bool]:
    """Register the renderer, `html_math_renderer = "mathml"`."""
    app.add_html_math_renderer("mathml", (_inline, None), (_display, None))
    return {"parallel_read_safe": True, "parallel_write_safe": True}
