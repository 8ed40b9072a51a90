"""The same convolution with image, taps or filters laid out in other ways, of which one suits a kernel best."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from tinyproof.export.ops.conv2d import Conv2dParams
from tinyproof.export.ops.packed import fours
from tinyproof.export.ops.window import Window

MOST_FILTERS = 2  # that leave half of the four that a kernel computes at a time without work
MOST_SPREAD = 8  # pixels

# Of a layer and the max pooling that is to become part of it; None where it has no such form, or would gain nothing.
Layout = Callable[[Conv2dParams, "Window | None"], "Conv2dParams | None"]


def as_it_is(conv: Conv2dParams, pool: Window | None) -> Conv2dParams:
    """The layer."""
    return conv


def with_whole_rows(conv: Conv2dParams, pool: Window | None) -> Conv2dParams | None:
    """Zeros behind each row of its windows, so that rows are words; None where they are, or are copied anyway."""
    window = conv.window
    row = window.k_w * window.x_c
    if row % 4 == 0 or window.dilation_w > 1:
        return None
    rows = conv.weights.reshape(window.y_c, window.k_h, row)
    return replace(conv, weights=np.pad(rows, ((0, 0), (0, 0), (0, -row % 4))))


def spread(conv: Conv2dParams, pool: Window | None) -> Conv2dParams | None:
    """Some output pixels side by side as the channels of one, which lie in memory as they do: each filter once for
    every such pixel, in a window that is as wide as all of theirs.
    """
    window = conv.window
    if pool or window.y_c > MOST_FILTERS or window.dilation_w > 1:
        return None

    def width(pixels: int) -> int:
        return window.k_w + (pixels - 1) * window.stride_w

    def work(pixels: int) -> float:
        return fours(pixels * window.y_c) * width(pixels) / pixels

    pixels = min((n for n in range(1, MOST_SPREAD + 1) if window.y_w % n == 0), key=work)
    if pixels == 1:
        return None
    shape = (pixels, window.y_c, window.k_h, width(pixels), window.x_c)
    weights = np.zeros(shape, conv.weights.dtype)
    for pixel in range(pixels):
        left = pixel * window.stride_w
        weights[pixel, :, :, left : left + window.k_w] = conv.weights
    channels = pixels * window.y_c
    wide = replace(window, y_w=window.y_w // pixels, y_c=channels, k_w=shape[3], stride_w=pixels * window.stride_w)
    output = conv.output
    if output.per_channel:
        output = replace(output, multiplier=np.tile(output.multiplier, pixels), shift=np.tile(output.shift, pixels))
    return replace(
        conv, weights=weights.reshape(channels, *shape[2:]), bias=np.tile(conv.bias, pixels), window=wide, output=output
    )


def along_line(conv: Conv2dParams, pool: Window) -> tuple[Conv2dParams, Window]:
    """An image that is a line, with its windows and those of its pooling, the way that suits kernels: as a row, of
    which a window sees several pixels as one run; with dilated windows as a column, whose rows may lie apart. Bytes
    lie alike in both. Others as they are.
    """
    window = conv.window
    is_column = is_in_a_column(window) and pool.k_w == 1
    is_row = (window.x_h, window.y_h, window.k_h, pool.k_h) == (1, 1, 1, 1)
    is_dilated = (window.dilation_h if is_column else window.dilation_w) > 1
    if is_column in (is_row, is_dilated):
        return conv, pool
    return turned_line(conv), turned(pool)


def as_row(conv: Conv2dParams) -> Conv2dParams:
    """A line as a row, where it is a column; others as they are."""
    return turned_line(conv) if is_in_a_column(conv.window) else conv


def is_in_a_column(window: Window) -> bool:
    """Whether image, output and windows are lines from top to bottom."""
    return (window.x_w, window.y_w, window.k_w) == (1, 1, 1)


def turned_line(conv: Conv2dParams) -> Conv2dParams:
    """A line the other way."""
    return replace(conv, weights=conv.weights.swapaxes(1, 2), window=turned(conv.window))


def turned(window: Window) -> Window:
    """Rows as columns, columns as rows."""
    return Window(
        *(window.x_w, window.x_h, window.x_c, window.y_w, window.y_h, window.y_c, window.k_w, window.k_h),
        *(window.stride_w, window.stride_h, window.dilation_w, window.dilation_h, window.pad_w, window.pad_h),
    )


LAYOUTS: tuple[Layout, ...] = (as_it_is, with_whole_rows, spread)
