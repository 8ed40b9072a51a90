"""Drawn numbers without a drawing library: a histogram, and blocks on a plane. Both follow the page's width.

Who cannot see them gets `alt`; the exact numbers belong in a table or in the caption beside them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from tinyproof.page.page import render

NARROW_PERCENT = 4  # of a histogram's width: narrower bars than some dozen in there nobody can tell apart
LABELLED_PERCENT = 6.5  # of a plane's height: a block less high has no room for its label


@dataclass(frozen=True)
class Block:
    """A rectangle on a plane, edges in its units; `tone` picks one of the colours of series, 0 is quiet."""

    left: float
    right: float
    bottom: float
    top: float
    label: str
    title: str  # all about it, shown when the pointer rests on it
    tone: int = 1


@dataclass(frozen=True)
class Mark:
    """A place on an axis with its label."""

    at: float
    label: str


def histogram(
    counts: Sequence[int],
    edges: tuple[float, float],
    ends: tuple[Mark, Mark],
    alt: str,
    axis: str,
    caption: str | Markup = "",
    marks: Sequence[Mark] = (),
) -> Markup:
    """Bars of equal width from one of `edges` to the other, on an axis between its two `ends`.

    Ends and `marks` are labelled. What takes too little of the axis for bars of its own is one.
    """
    low, high = ends[0].at, ends[1].at
    span = (high - low) or 1
    width = 100 * (edges[1] - edges[0]) / span
    bars = list(counts) if width >= NARROW_PERCENT else [sum(counts)]
    top = max(bars, default=0) or 1
    values = {
        "heights": [round(100 * count / top, 1) for count in bars],
        "left": round(100 * (edges[0] - low) / span, 2),
        "width": round(width, 2),
        "marks": [(round(100 * (mark.at - low) / span, 1), mark.label) for mark in marks],
        "ends": (ends[0].label, ends[1].label),
        "alt": alt,
        "axis": axis,
        "caption": caption,
    }
    return render("part.html.j2", macro="histogram", values=values)


def plane(
    blocks: Sequence[Block],
    width: float,
    height: float,
    alt: str,
    columns: Sequence[str],
    levels: Sequence[Mark],
    axes: tuple[str, str],
    caption: str | Markup = "",
) -> Markup:
    """Blocks on a plane of `width` equal columns and `height` units, with lines at `levels`; `axes` names x and y."""
    values = {
        "blocks": [_placed(block, width, height) for block in blocks],
        "columns": columns,
        "levels": [(round(100 * level.at / height, 2), level.label) for level in levels],
        "alt": alt,
        "axes": axes,
        "caption": caption,
    }
    return render("part.html.j2", macro="plane", values=values)


def _placed(block: Block, width: float, height: float) -> dict[str, object]:
    """What the template needs; places in percent."""
    percent = 100 * (block.top - block.bottom) / height
    return {
        "label": block.label if percent >= LABELLED_PERCENT else "",
        "title": block.title,
        "tone": block.tone,
        "left": round(100 * block.left / width, 2),
        "width": round(100 * (block.right - block.left) / width, 2),
        "bottom": round(100 * block.bottom / height, 2),
        "height": round(percent, 2),
    }
