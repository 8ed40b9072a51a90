"""Which pixels of the input a value deep in a network sees, and which pixels nothing sees any more.

Followed from the input on, along rows and along columns, through every op of the graph; so paddings, strides, odd sizes
that pooling cuts, and branches are all in it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from tinyproof.export.ops.window import Window
from tinyproof.training.lab.trained import Layer, Trained


@dataclass(frozen=True, eq=False)
class Span:
    """Along one side: which of the input's pixels each position of a layer's output sees, bool (positions, pixels).

    Position i looks at `start + i * jump`, in pixels from the edge; where a picture is padded that is not the middle of
    what it sees.
    """

    sees: NDArray[np.bool_]
    start: float
    jump: float

    @property
    def first(self) -> NDArray[np.int64]:
        """The first pixel that each position sees."""
        return np.asarray(self.sees.argmax(axis=1), np.int64)

    @property
    def last(self) -> NDArray[np.int64]:
        """The last one."""
        return np.asarray(self.sees.shape[1] - 1 - self.sees[:, ::-1].argmax(axis=1), np.int64)

    @property
    def size(self) -> int:
        """Pixels from first to last, seen from the middle, where no edge cuts anything off."""
        return int((self.last - self.first + 1).max())


@dataclass(frozen=True, eq=False)
class Field:
    """What one layer sees of the input."""

    layer: Layer
    rows: Span
    columns: Span

    @property
    def size(self) -> tuple[int, int]:
        """Height and width of what one value sees."""
        return self.rows.size, self.columns.size

    @property
    def seen(self) -> NDArray[np.int64]:
        """How many values of one map see each pixel of the input, (H,W)."""
        return np.outer(self.rows.sees.sum(axis=0), self.columns.sees.sum(axis=0))

    @property
    def centres(self) -> tuple[tuple[float, float], tuple[float, float]]:
        """Where the first and the last value look at, along rows and along columns, in pixels from 0 to the side."""
        return _centres(self.rows), _centres(self.columns)


def receptive_fields(trained: Trained) -> tuple[Field, ...]:
    """One for each layer whose output is a stack of pictures, in order."""
    height, width, _ = trained.input_shape
    spans = {trained.graph.inputs[0]: (_identity(height), _identity(width))}
    fields = []
    for layer in trained.layers:
        sources = [spans[index] for index in layer.op.inputs if index in spans]
        if not sources or not layer.is_maps:
            continue
        rows, columns = (_union([source[side] for source in sources]) for side in (0, 1))
        if (window := layer.window) is not None:
            rows, columns = _slide(rows, window, 0), _slide(columns, window, 1)
        spans[layer.op.outputs[0]] = rows, columns
        fields.append(Field(layer, rows, columns))
    return tuple(fields)


def _identity(side: int) -> Span:
    return Span(np.eye(side, dtype=np.bool_), start=0.5, jump=1.0)


def _union(spans: list[Span]) -> Span:
    return replace(spans[0], sees=np.logical_or.reduce([span.sees for span in spans]))


def _slide(span: Span, window: Window, side: int) -> Span:
    """The span behind a window; side 0 is along rows, 1 along columns."""
    if side == 0:
        count, k, stride, dilation, pad = window.y_h, window.k_h, window.stride_h, window.dilation_h, window.pad_h
    else:
        count, k, stride, dilation, pad = window.y_w, window.k_w, window.stride_w, window.dilation_w, window.pad_w
    sees = np.zeros((count, span.sees.shape[1]), np.bool_)
    for tap in range(k):
        at = np.arange(count) * stride - pad + tap * dilation
        inside = (at >= 0) & (at < len(span.sees))
        sees[inside] |= span.sees[at[inside]]
    return Span(sees, span.start + span.jump * ((k - 1) * dilation / 2 - pad), span.jump * stride)


def _centres(span: Span) -> tuple[float, float]:
    return span.start, span.start + (len(span.sees) - 1) * span.jump
