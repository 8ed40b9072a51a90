"""Where the window of a convolution or a pooling lies on the image. The C side is `window_geometry` in `kernels.h`."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from tinyproof.export.c_values import CStruct
from tinyproof.export.graph import Graph, Op, Padding


@dataclass(frozen=True)
class Window(CStruct):
    """Sizes in pixels, shapes are (h, w, c); members in the order of the C struct."""

    c_type: ClassVar[str] = "window_geometry"

    x_h: int
    x_w: int
    x_c: int
    y_h: int
    y_w: int
    y_c: int
    k_h: int
    k_w: int
    stride_h: int
    stride_w: int
    dilation_h: int
    dilation_w: int
    pad_h: int
    pad_w: int


def fold_window(
    graph: Graph,
    op: Op,
    x: tuple[int, ...],
    y: tuple[int, ...],
    kernel: tuple[int, int],
    stride: tuple[int, int],
    dilation: tuple[int, int],
    padding: Padding | tuple[int, int],
) -> Window:
    """The geometry for x (1,h,w,c) and y (1,h,w,c); refuses an output whose shape does not follow from the rest.

    With a padding in numbers, rows above and columns to the left, y may be less than all that the window makes.
    """
    (x_h, x_w, x_c), (y_h, y_w, y_c) = x[1:], y[1:]
    if isinstance(padding, tuple):
        return Window(x_h, x_w, x_c, y_h, y_w, y_c, *kernel, *stride, *dilation, *padding)
    if min(*kernel, *stride, *dilation) < 1 or max(*kernel, *stride, *dilation) > 65535:
        raise graph.refusal(op, f"window {kernel}, stride {stride}, dilation {dilation} make no sense; export it again")
    extent = [(k - 1) * d + 1 for k, d in zip(kernel, dilation, strict=True)]
    if padding is Padding.SAME:
        expected = [-(-size // step) for size, step in zip(x[1:3], stride, strict=True)]
    else:
        expected = [(size - span) // step + 1 for size, span, step in zip(x[1:3], extent, stride, strict=True)]
    if list(y[1:3]) != expected:
        made = f"{expected[0]} x {expected[1]}"
        raise graph.refusal(op, f"its output is {y[1]} x {y[2]}, its window makes {made}; export the model again")
    pad = [
        max((out - 1) * step + span - size, 0) // 2
        for out, step, span, size in zip(y[1:3], stride, extent, x[1:3], strict=True)
    ]
    if max(pad) > 65535:
        raise graph.refusal(op, f"window {kernel} with dilation {dilation} is too large for a microcontroller")
    return Window(x_h, x_w, x_c, y_h, y_w, y_c, *kernel, *stride, *dilation, *pad)


def rows_seen(window: Window, rows: tuple[int, int]) -> tuple[int, int]:
    """Which rows of x some rows of y see, both from the first to that behind the last: no further than x goes."""
    top, bottom = rows[0] * window.stride_h - window.pad_h, (rows[1] - 1) * window.stride_h - window.pad_h
    return max(top, 0), min(bottom + (window.k_h - 1) * window.dilation_h + 1, window.x_h)


def of_rows(window: Window, rows: tuple[int, int]) -> Window:
    """The window that makes these rows of y of the rows of x that they see."""
    first, behind = rows_seen(window, rows)
    pad_h = first - rows[0] * window.stride_h + window.pad_h
    return replace(window, x_h=behind - first, y_h=rows[1] - rows[0], pad_h=pad_h)


def rows_seen_back(window: Window, rows: tuple[int, int]) -> tuple[int, int]:
    """`rows_seen` of a transposed convolution, which puts a window of y for every pixel of x."""
    first = max(-(-(rows[0] + window.pad_h - window.k_h + 1) // window.stride_h), 0)
    return first, min((rows[1] - 1 + window.pad_h) // window.stride_h + 1, window.x_h)


def of_rows_back(window: Window, rows: tuple[int, int]) -> Window:
    """`of_rows` of a transposed convolution."""
    first, behind = rows_seen_back(window, rows)
    pad_h = window.pad_h + rows[0] - first * window.stride_h
    return replace(window, x_h=behind - first, y_h=rows[1] - rows[0], pad_h=pad_h)


def taps_inside(window: Window) -> tuple[list[int], list[int]]:
    """How many rows of taps lie inside the image, for each row of windows; and columns, for each column of windows."""

    def along(y: int, stride: int, pad: int, k: int, dilation: int, x: int) -> list[int]:
        starts = (i * stride - pad for i in range(y))
        return [max(0, min(k, -(-(x - at) // dilation)) - max(0, -(at // dilation))) for at in starts]

    rows = along(window.y_h, window.stride_h, window.pad_h, window.k_h, window.dilation_h, window.x_h)
    return rows, along(window.y_w, window.stride_w, window.pad_w, window.k_w, window.dilation_w, window.x_w)


def windows_inside(window: Window) -> int:
    """How many windows lie wholly inside the image."""
    rows, columns = taps_inside(window)
    return rows.count(window.k_h) * columns.count(window.k_w)


def lead_bytes(window: Window, pool: Window, together: int = 0) -> int:
    """How many bytes before x the output of a convolution and its pooling has to begin where it overwrites x.

    They go from top to bottom: until so many pixels of y that are computed together are finished, no byte of x from the
    first one that they or later ones see may be touched. together: in the order of memory; 0: a row of them.
    """
    starts, written, seen = _progress(window, pool, together or pool.y_w)
    return max(0, int((written - seen[starts]).max()))


@lru_cache(maxsize=256)  # memory is planned again and again while kernels are chosen
def _progress(window: Window, pool: Window, together: int) -> tuple[NDArray[np.int64], ...]:
    """At which pixels of y each group begins, how many bytes of y there are to its end, and for every pixel of y the
    first byte of x that it or a later one sees.
    """

    def first(count: int, pool_stride: int, pool_pad: int, stride: int, pad: int, x: int) -> NDArray[np.int64]:
        of_conv = np.maximum(np.arange(count) * pool_stride - pool_pad, 0)
        return np.asarray(np.clip(of_conv * stride - pad, 0, x), np.int64)

    rows = first(pool.y_h, pool.stride_h, pool.pad_h, window.stride_h, window.pad_h, window.x_h)
    columns = first(pool.y_w, pool.stride_w, pool.pad_w, window.stride_w, window.pad_w, window.x_w)
    seen = ((rows[:, None] * window.x_w + columns) * window.x_c).ravel()
    starts = np.arange(0, seen.size, together)
    written = np.minimum(starts + together, seen.size) * pool.y_c
    return starts, written, np.minimum.accumulate(seen[::-1])[::-1]


def lead_bytes_of_squares(window: Window, pool: Window) -> int:
    """The same of a kernel that computes 2 x 2 outputs together, which are one pixel of y where a pooling follows."""
    return lead_bytes(window, pool, (1 if pool.k_h > 1 else 2) * pool.y_w)


def pools_squares(pool: Window) -> bool:
    """Whether a pooling takes 2 x 2 pixels side by side, all of them inside, or single ones."""
    two_by_two = (pool.k_h, pool.k_w, pool.stride_h, pool.stride_w) == (2, 2, 2, 2)
    inside = 2 * pool.y_h <= pool.x_h and 2 * pool.y_w <= pool.x_w
    return (two_by_two and inside) or (pool.k_h, pool.k_w) == (1, 1)


def squares(window: Window, pool: Window) -> tuple[int, int]:
    """Rows and columns of 2 x 2 outputs that are computed together, before a pooling if there is one."""
    return (pool.y_h, pool.y_w) if pool.k_h > 1 else (-(-window.y_h // 2), -(-window.y_w // 2))


def squares_inside(window: Window, rows: int, columns: int, side: int = 2) -> int:
    """How many of the squares of side x side outputs of a 3 x 3 window see nothing outside the image."""

    def inside(count: int, pad: int, x: int) -> int:
        return sum(0 <= side * i - pad <= x - side - 2 for i in range(count))

    return inside(rows, window.pad_h, window.x_h) * inside(columns, window.pad_w, window.x_w)
