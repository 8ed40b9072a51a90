"""The parts a page is put together from: plain values in, HTML out (templates/parts.html.j2)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from markupsafe import Markup
from numpy.typing import NDArray

from tinyproof.page.figures import PixelArray, png_url
from tinyproof.page.page import render

Kind = Literal["good", "bad", "unsure", ""]
Cell = str | int | float | Markup | None

MARKS = {"good": "✓", "bad": "✗", "unsure": "?"}  # a verdict is never told by colour alone
NOT_KNOWN = "–"


@dataclass(frozen=True)
class Tile:
    """A key number; `note` says what it is made of, `kind` colours it."""

    label: str
    value: str
    note: str = ""
    kind: Kind = ""


@dataclass(frozen=True)
class Column:
    """A column's heading; numbers are set right-aligned in figures of one width. By default its cells decide."""

    title: str
    number: bool | None = None


@dataclass(frozen=True)
class Bar:
    """One bar: `text` is the value in words (by default the number), `note` stands behind it."""

    label: str
    value: float
    text: str = ""
    note: str = ""
    kind: Kind = ""


@dataclass(frozen=True)
class Picture:
    """An image of a gallery with what it shows (`alt`) and what to say below it; `pixels` None where none is known."""

    pixels: PixelArray | None
    alt: str
    caption: str | Markup = ""
    detail: str | Markup = ""


def _part(macro: str, **values: Any) -> Markup:
    return render("part.html.j2", macro=macro, values=values)


def banner(kind: Kind, word: str, text: str | Markup, details: Sequence[str | Markup] = ()) -> Markup:
    """The answer of the page in a word and a sentence, with more sentences in a list below."""
    return _part("banner", kind=kind, mark=MARKS.get(kind, ""), word=word, text=text, details=details)


def tiles(items: Sequence[Tile]) -> Markup:
    """Key numbers side by side."""
    return _part("tiles", items=items)


def note(text: str | Markup, kind: Kind = "") -> Markup:
    """A remark set apart: what is missing here and why, or what to mind."""
    return _part("note", text=text, kind=kind)


def bullets(items: Sequence[str | Markup]) -> Markup:
    """Sentences below each other."""
    return _part("bullets", items=items)


def facts(items: Sequence[tuple[str, Cell]]) -> Markup:
    """Names and values; None is shown as not known."""
    return _part("facts", items=[(name, cell_text(value)) for name, value in items])


def code(text: str, label: str = "command") -> Markup:
    """Commands or output, as they are; `label` names the block for a screen reader."""
    return _part("code", text=text, label=label)


def details(summary: str, *parts: Markup) -> Markup:
    """Parts folded away under a line that opens them."""
    return _part("details", summary=summary, parts=parts)


def figure(content: Markup, caption: str | Markup = "") -> Markup:
    """Anything drawn, with its caption. Something wider than the page scrolls by itself."""
    return _part("figure", content=content, caption=caption)


def cell_text(cell: Cell) -> str | Markup:
    """A cell as it is shown: whole numbers with commas, others with up to four digits, None as a dash."""
    if cell is None:
        return NOT_KNOWN
    if isinstance(cell, float):
        return f"{cell:,.4g}" if abs(cell) < 1000 else f"{cell:,.0f}"
    return cell if isinstance(cell, str) else f"{cell:,}"


def table(
    columns: Sequence[str | Column], rows: Sequence[Sequence[Cell]], caption: str, total: Sequence[Cell] = ()
) -> Markup:
    """Rows under headings; the first cell of each row heads it. `total` is one more row, set apart.

    A column is one of numbers where every known cell is an int or float, or where its Column says so.
    """
    headings = [column if isinstance(column, Column) else Column(column) for column in columns]
    everything = [*rows, *([total] if total else [])]
    numeric = [
        all(isinstance(row[i], int | float) or row[i] is None for row in everything)
        if heading.number is None
        else heading.number
        for i, heading in enumerate(headings)
    ]
    shown = [[cell_text(cell) for cell in row] for row in rows]
    return _part(
        "table",
        headings=headings,
        numeric=numeric,
        rows=shown,
        total=[cell_text(cell) for cell in total],
        caption=caption,
    )


def bars(items: Sequence[Bar], caption: str, columns: tuple[str, str], maximum: float | None = None) -> Markup:
    """Horizontal bars, as a table with headings for label and value; `maximum` is the value of a full bar."""
    top = maximum or max((bar.value for bar in items), default=0) or 1
    shown = [(bar, cell_text(bar.text or bar.value), min(100 * bar.value / top, 100)) for bar in items]
    return _part(
        "bars", items=shown, caption=caption, columns=columns, marks=MARKS, notes=any(bar.note for bar in items)
    )


def heat_table(
    values: NDArray[Any],
    rows: Sequence[str],
    columns: Sequence[str],
    caption: str,
    titles: tuple[str, str],
    text: Callable[[float], str] = lambda value: f"{value:,.0f}" if value else "·",
    confusion: bool = False,
) -> Markup:
    """A matrix (rows, columns) whose cells are shaded by their share of the largest value.

    The number is always there as text. `titles` name rows and columns. In a confusion matrix what lies off the diagonal
    has the colour of what is bad, shaded by its share of the largest number there.
    """
    numbers = np.asarray(values, float)
    off = (np.eye(*numbers.shape) == 0) & confusion
    largest = np.where(off, np.abs(numbers[off]).max(initial=0), np.abs(numbers).max(initial=0))
    shade = np.abs(numbers) / np.where(largest == 0, 1, largest)
    cells = [
        [(text(value), round(float(shade[i, j]), 3), bool(off[i, j])) for j, value in enumerate(row)]
        for i, row in enumerate(numbers)
    ]
    return _part("heat_table", cells=cells, rows=rows, columns=columns, caption=caption, titles=titles)


def gallery(pictures: Sequence[Picture], side: int = 112) -> Markup:
    """Small images side by side, each enlarged without smoothing to `side` pixels of width."""
    shown = [(picture, png_url(picture.pixels) if picture.pixels is not None else "") for picture in pictures]
    return _part("gallery", pictures=shown, side=side)


def strips(rows: Sequence[tuple[str, Sequence[Picture]]]) -> Markup:
    """Rows of small pictures that belong together, each with a line above it; as many beside each other as fit."""
    shown = [
        (title, [(one, png_url(one.pixels) if one.pixels is not None else "") for one in pictures])
        for title, pictures in rows
    ]
    return _part("strips", rows=shown)
