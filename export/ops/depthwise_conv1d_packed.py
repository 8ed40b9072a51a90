"""DEPTHWISE_CONV_2D along one axis, from pairs of pixels side by side: the kernel `depthwise_conv1d_packed_s8`."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from tinyproof.export.memory_plan import IN_PLACE
from tinyproof.export.ops.conv2d_packed import no_pool
from tinyproof.export.ops.depthwise_conv2d import DepthwiseConv2dParams
from tinyproof.export.ops.kind import Call, Events, Fast, Kernel, Params
from tinyproof.export.ops.packed import DSP, MOST_WEIGHT, fours, pack_output
from tinyproof.export.ops.window import Window, lead_bytes
from tinyproof.optimize import Optimize

SCRATCH_BYTES = 2048  # more only where lines are to be computed whole
QUAD, SIX = 4, 6
LONGEST_RUN = 8


@dataclass(frozen=True, eq=False)
class DepthwiseConv1dPackedParams(Params):
    """The members of `depthwise_conv1d_packed_params`."""

    c_type: ClassVar[str] = "depthwise_conv1d_packed_params"

    channels: NDArray[np.int32]  # (y_c, pairs of all sets + 4), and behind them the runs (run_count, 2)
    run_count: int
    x_zero_point: int
    pairs: int
    columns: int
    window: Window
    y_min: int
    y_max: int


@dataclass(frozen=True)
class Line:
    """The axis that the window goes along."""

    x: int  # pixels
    y: int
    k: int
    stride: int
    maps: int  # of how many images, each with every so many pixels, a dilated window computes one after the other
    pad: int
    count: int  # of lines
    down: bool  # lines are columns of the image, else rows

    @property
    def longest(self) -> int:
        """Outputs of the longest of these images."""
        return -(-self.y // self.maps)

    @property
    def pairs(self) -> int:
        """How many an output sees; those at odd places begin with half of one."""
        return self.k // 2 + 1 if self.stride == 1 else -(-self.k // 2)

    def words(self, columns: int) -> int:
        """Of a plane, from which so many outputs are computed."""
        steps = SIX // 2 * -(-columns // SIX) if self.stride == 1 else max(columns, QUAD)
        return steps + self.pairs - 1


def line_of(window: Window) -> Line | None:
    """None where the window goes along two, or by steps that the kernel does not take."""
    w = window
    if w.k_w == 1 and w.pad_w == 0 and (w.y_w - 1) * w.stride_w < w.x_w:
        line = Line(w.x_h, w.y_h, w.k_h, w.stride_h, w.dilation_h, w.pad_h, w.y_w, True)
    elif w.k_h == 1 and w.pad_h == 0 and (w.y_h - 1) * w.stride_h < w.x_h:
        line = Line(w.x_w, w.y_w, w.k_w, w.stride_w, w.dilation_w, w.pad_w, w.y_h, False)
    else:
        return None
    return line if line.k > 1 and (line.stride == 1 or (line.stride == 2 and line.maps == 1)) else None


def pack(conv: DepthwiseConv2dParams) -> DepthwiseConv1dPackedParams | None:
    """The packed layer; None where its shape or its numbers do not fit the kernel."""
    window, line = conv.window, line_of(conv.window)
    if line is None:
        return None
    by_channel = np.moveaxis(conv.weights, 2, 0).reshape(window.y_c, -1)
    output = pack_output(conv.bias, by_channel, conv.output, MOST_WEIGHT)
    if output is None:
        return None
    taps = 2 * output.scaled(by_channel).astype("<i2")
    starts = range(2) if line.stride == 1 else range(1)
    sets = [np.pad(taps, ((0, 0), (start, 2 * line.pairs - line.k - start))) for start in starts]
    pairs = [np.ascontiguousarray(each).view("<i4").astype(np.int32) for each in sets]  # (y_c, pairs)
    by_pair = np.stack(pairs, axis=2).reshape(window.y_c, -1)
    firsts = range(0, line.pairs, LONGEST_RUN) if line.stride == 2 else ()
    runs = [(4 * first, min(LONGEST_RUN, line.pairs - first)) for first in firsts]
    return DepthwiseConv1dPackedParams(
        channels=np.concatenate([np.hstack([by_pair, output.channels]).ravel(), np.array(runs, np.int32).ravel()]),
        run_count=len(runs),
        x_zero_point=conv.x_zero_point,
        pairs=line.pairs,
        columns=_columns(window, line),
        window=window,
        y_min=output.y_min,
        y_max=output.y_max,
    )


def _columns(window: Window, line: Line) -> int:
    """As many as fit `SCRATCH_BYTES`, and all where lines come one after the other."""
    columns = SIX
    alone = line.count == line.maps == 1
    while columns < line.longest and (not alone or _scratch_bytes(line, columns + SIX) <= SCRATCH_BYTES):
        columns += SIX
    return columns


def _scratch_bytes(line: Line, columns: int) -> int:
    return 4 * QUAD * line.words(columns)


def scratch_bytes(params: DepthwiseConv1dPackedParams) -> int:
    """The pairs of four channels."""
    return _scratch_bytes(_line(params), min(params.columns, _line(params).longest))


def _line(params: DepthwiseConv1dPackedParams) -> Line:
    line = line_of(params.window)
    assert line is not None
    return line


def leads(params: DepthwiseConv1dPackedParams) -> tuple[int | None]:
    """In place where four channels of a line, or of an image of it, are laid out whole before the same of y come there;
    else how many bytes before the input the output has to begin where it overwrites it.
    """
    window, line = params.window, _line(params)
    whole = params.columns >= line.longest
    if whole and window.x_c == window.y_c and _in_its_place(window, line):
        return (IN_PLACE,)
    if line.maps > 1 or (line.down and window.x_w > 1):
        return (None,)
    return (lead_bytes(window, no_pool(window), min(params.columns, line.y)),)


def _in_its_place(window: Window, line: Line) -> bool:
    """Whether each pixel of y takes the place of one of x of the same line and image, or of a line before it."""
    if line.y > line.x or (line.maps > 1 and line.pad % line.maps != 0):
        return False
    return window.x_w == window.y_w or (not line.down and (line.maps == 1 or line.count == 1))


def events(params: DepthwiseConv1dPackedParams) -> Events:
    """How often it does each thing that has a price."""
    window, line = params.window, _line(params)
    lengths = [-(-(line.y - k) // line.maps) for k in range(min(line.maps, line.y))]
    chunks = [min(params.columns, y - j) for y in lengths for j in range(0, y, params.columns)]
    quads, words = fours(window.x_c), line.count * sum(line.words(chunk) for chunk in chunks)
    few = window.x_c if window.x_c < QUAD else 0
    laid = line.count * len(chunks), line.count * quads * len(chunks), 0 if few else quads * words, few * words
    calls = line.count * window.y_c * len(chunks)
    if line.stride == 1:
        sixes = line.count * window.y_c * sum(-(-chunk // SIX) for chunk in chunks)
        return (*laid, calls, sixes, sixes * line.pairs, 0, 0, 0)
    blocks = line.count * window.y_c * sum(fours(chunk) for chunk in chunks)
    return (*laid, 0, 0, 0, calls, blocks, blocks * line.pairs)


DEPTHWISE_CONV1D_PACKED = Kernel("depthwise_conv1d_packed", scratch_bytes, leads, events=events, folder=DSP)


def fit(call: Call, pool: Window | None, optimize: Optimize) -> Call | None:
    """Without a pooling."""
    params = pack(call.params) if not pool and isinstance(call.params, DepthwiseConv2dParams) else None
    return replace(call, kernel=DEPTHWISE_CONV1D_PACKED, params=params) if params else None


FAST = Fast(DEPTHWISE_CONV1D_PACKED, fit)
