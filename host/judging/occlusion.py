"""Which parts of a picture matter: a patch is moved over it, and where the score of a class falls, the part was needed.

Zeiler and Fergus, Visualizing and understanding convolutional networks, ECCV 2014, section 4.2. The score is read
before a last softmax or sigmoid, behind which a sure answer hides what it rests on. Any model of one picture and one
row of scores, int8.
"""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tinyproof.console import UserError
from tinyproof.export.tflite_reader import read_graph
from tinyproof.host.interpreters import Interpreter, default_interpreter, golden_interpreter

SIDE_OF_PATCH = 6  # so many times smaller than the picture
SMALLEST_PATCH = 3  # pixels
HIDING = ("SOFTMAX", "LOG_SOFTMAX", "LOGISTIC")


@dataclass(frozen=True)
class Grid:
    """Where the patch stands: at the middle of each of rows x columns cells of `step` pixels; all sides in pixels."""

    height: int
    width: int
    step: int

    @property
    def rows(self) -> int:
        """Cells from top to bottom."""
        return -(-self.height // self.step)

    @property
    def columns(self) -> int:
        """Cells from left to right."""
        return -(-self.width // self.step)

    @property
    def patch(self) -> tuple[int, int]:
        """Height and width of the patch, which is no smaller than a cell."""
        side = max(SMALLEST_PATCH, self.step, round(min(self.height, self.width) / SIDE_OF_PATCH))
        return min(side, self.height), min(side, self.width)

    def covered(self, row: int, column: int) -> tuple[slice, slice]:
        """The part of the picture below the patch."""
        return (
            _around(row * self.step + self.step // 2, self.patch[0], self.height),
            _around(column * self.step + self.step // 2, self.patch[1], self.width),
        )


def _around(middle: int, side: int, length: int) -> slice:
    first = middle - side // 2
    return slice(max(first, 0), min(first + side, length))


def grid_of(height: int, width: int, cells: int) -> Grid:
    """At most `cells` along the longer side.

    >>> grid_of(28, 28, 14).rows, grid_of(96, 48, 7).columns, grid_of(96, 48, 14).patch, grid_of(5, 5, 14).rows
    (14, 4, (8, 8), 5)
    """
    return Grid(height, width, -(-max(height, width) // cells))


class Scorer:
    """The scores of an int8 model, read before what hides them; `score` and `name` say which and by what."""

    def __init__(self, tflite: bytes) -> None:
        """UserError where no interpreter of this Python runs the model."""
        cut = _before_what_hides(tflite)
        self.score = "output" if cut is None else "before softmax"
        self._interpreter = _fastest(tflite if cut is None else cut)
        self.name = self._interpreter.name

    def run(self, pixels: NDArray[np.int8]) -> NDArray[np.int8]:
        """The picture's bytes, (H,W,C) -> (classes,)."""
        return np.frombuffer(self._interpreter.run_bytes(pixels.tobytes()), np.int8)

    def seconds(self, pixels: NDArray[np.int8]) -> float:
        """What one answer takes; the first is not counted."""
        self.run(pixels)
        started = time.perf_counter()
        self.run(pixels)
        return time.perf_counter() - started


def _before_what_hides(tflite: bytes) -> bytes | None:
    """The model without its last op, where that squeezes the scores; None of others."""
    graph = read_graph(tflite, "the model")
    last = graph.ops[-1]
    if last.name not in HIDING or list(last.outputs) != list(graph.outputs):
        return None
    maker = next((op.index for op in graph.ops if last.inputs[0] in op.outputs), None)
    if maker is None:
        return None
    try:
        from tinyproof.export.truncation import truncate
    except ImportError:  # of what reads the file's schema: absent, or broken
        return None
    return truncate(tflite, [maker])


def _fastest(tflite: bytes) -> Interpreter:
    try:
        return default_interpreter(tflite)
    except UserError:
        exact = golden_interpreter(tflite)
        if exact is None:
            raise
        return exact


def falls(scorer: Scorer, pixels: NDArray[np.int8], cover: NDArray[np.int8], grid: Grid) -> NDArray[np.int16]:
    """By how many steps each class's score falls below the patch, (rows, columns, classes); negative where it rises.

    pixels int8 (H,W,C); cover int8 (C,), what the patch is filled with.
    """
    usual = scorer.run(pixels).astype(np.int16)
    result = np.zeros((grid.rows, grid.columns, len(usual)), np.int16)
    for row in range(grid.rows):
        for column in range(grid.columns):
            patched = pixels.copy()
            patched[grid.covered(row, column)] = cover
            result[row, column] = usual - scorer.run(patched)
    return result
