"""Filters made by hand: the classic ones by name, and whatever a user types as numbers.

A filter is a small table of numbers and the weight that their sum is multiplied by. Refuses what is no rectangular
table of finite numbers.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from tinyproof import advice
from tinyproof.console import UserError

LARGEST_SIDE = 31
ROW_ENDS = ("/", ";")
SUM_TOLERANCE = 1e-9


@dataclass(frozen=True)
class Filter:
    """`rows` of numbers, top to bottom; a filtered pixel is weight * (sum of number * pixel), clamped to 0..255."""

    name: str
    rows: tuple[tuple[float, ...], ...]
    weight: float
    shows: str = ""  # what to look for in the filtered picture

    @property
    def array(self) -> NDArray[np.float64]:
        """The numbers, (height, width)."""
        return np.array(self.rows, np.float64)

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width."""
        return len(self.rows), len(self.rows[0])

    @property
    def text(self) -> str:
        """The numbers as they can be typed.

        >>> NAMED["sharp-edges"].text
        '0 1 0 / 1 -4 1 / 0 1 0'
        """
        return " / ".join(" ".join(f"{number:g}" for number in row) for row in self.rows)


AnyFilter = Filter | str | Sequence[Sequence[float]] | NDArray[np.floating] | NDArray[np.integer]


def natural_weight(rows: Sequence[Sequence[float]]) -> float:
    """Return 1 where the numbers add up to 0 or 1, else what makes them add up to 1 or -1: an even grey stays.

    >>> natural_weight([[-1, 0, 1]]), natural_weight([[1, 2, 1]])
    (1.0, 0.25)
    """
    total = math.fsum(number for row in rows for number in row)
    if abs(total) < SUM_TOLERANCE or abs(total - 1) < SUM_TOLERANCE:
        return 1.0
    return 1 / abs(total)


def _named(name: str, text: str, shows: str, weight: float | None = None) -> Filter:
    rows = _rows(text)
    return Filter(name, rows, natural_weight(rows) if weight is None else weight, shows)


def as_filter(value: AnyFilter, weight: float | None = None) -> Filter:
    """Return a filter from its name, its numbers as text, a table of numbers, or itself; `weight` overrides its own.

    Text holds the numbers of a square filter (`-1 0 1 -2 0 2 -1 0 1`), or one of any shape with `/` or `;` between its
    rows. UserError, in one line, for anything else.

    >>> as_filter("1 2 / 3 4").array
    array([[1., 2.],
           [3., 4.]])
    >>> as_filter("box blur").weight == 1 / 9
    True
    """
    if weight is not None and not math.isfinite(weight):
        raise UserError(f"{advice.setting('weight', f'{weight:g}')} is no weight: give a finite number")
    if isinstance(value, Filter):
        found = value
    elif isinstance(value, str):
        found = _from_text(value)
    else:
        rows = tuple(tuple(float(number) for number in row) for row in value)
        found = _checked(rows, "the filter")
    return found if weight is None else replace(found, weight=weight)


def _from_text(text: str) -> Filter:
    name = advice.same_name(text, NAMED)
    if name:
        return NAMED[name]
    return _checked(_rows(text), f"{advice.setting('filter', text)}")


def _checked(rows: tuple[tuple[float, ...], ...], what: str) -> Filter:
    widths = {len(row) for row in rows}
    if len(widths) != 1 or 0 in widths:
        raise UserError(f"{what} has rows of {' and '.join(map(str, sorted(widths))) or 'no'} numbers: make them equal")
    if max(len(rows), *widths) > LARGEST_SIDE:
        raise UserError(f"{what} is {len(rows)}x{max(widths)}: at most {LARGEST_SIDE}x{LARGEST_SIDE} numbers")
    if not all(math.isfinite(number) for row in rows for number in row):
        raise UserError(f"{what} holds a number that is not finite")
    return Filter("yours", rows, natural_weight(rows), "your own numbers")


def _rows(text: str) -> tuple[tuple[float, ...], ...]:
    if text.lstrip().startswith("["):  # as Python and NumPy write it: [[0, 1, 0], [1, -4, 1], [0, 1, 0]]
        text = " / ".join(re.findall(r"\[([^\[\]]+)\]", text))
    words = text.replace(",", " ").replace(";", " ; ").split()
    rows: list[list[float]] = [[]]
    for word in words:
        if word in ROW_ENDS:
            rows.append([])
        else:
            rows[-1].append(_number(word, text))
    if len(rows) == 1:
        side = math.isqrt(len(rows[0]))
        if side == 0 or side * side != len(rows[0]):
            raise UserError(
                f"{advice.setting('filter', text)} has {len(rows[0])} numbers, which make no square: give 1, 4, 9, "
                "16, 25, ... of them, "
                "or put / between the rows"
            )
        rows = [rows[0][i : i + side] for i in range(0, len(rows[0]), side)]
    return tuple(map(tuple, rows))


def _number(word: str, text: str) -> float:
    """A decimal number, or a fraction such as 1/9."""
    try:
        return float(Fraction(word) if "/" in word else float(word))
    except (ValueError, ZeroDivisionError, OverflowError):
        raise UserError(
            f"{advice.setting('filter', text)}: {word!r} is neither a number nor part of a filter's name; names: "
            f"{', '.join(NAMED)}{advice.did_you_mean(text, NAMED)}"
        ) from None


NAMED: dict[str, Filter] = {}
NAMED |= {
    made.name: made
    for made in (
        _named("identity", "0 0 0 / 0 1 0 / 0 0 0", "the picture itself: the centre counts once, nothing else does"),
        _named(
            "centre-only",
            "0 0 0 / 0 2 0 / 0 0 0",
            "the centre counts twice: brighter, and what passes 255 is clamped to white",
            weight=1.0,
        ),
        _named("sharp-edges", "0 1 0 / 1 -4 1 / 0 1 0", "edges in every direction; even areas turn black"),
        _named("horizontal-lines", "-1 -2 -1 / 0 0 0 / 1 2 1", "edges with the bright side below"),
        _named("vertical-lines", "-1 0 1 / -2 0 2 / -1 0 1", "edges with the bright side on the right"),
        _named("sharpen", "0 -1 0 / -1 5 -1 / 0 -1 0", "the picture with its edges exaggerated"),
        _named("emboss", "-2 -1 0 / -1 1 1 / 0 1 2", "a relief, lit from the lower right"),
        _named("box-blur", "1 1 1 / 1 1 1 / 1 1 1", "the mean of nine pixels"),
        _named("gaussian-blur", "1 2 1 / 2 4 2 / 1 2 1", "a mean that counts near pixels more"),
    )
}
