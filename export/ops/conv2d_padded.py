"""CONV_2D of a small image, such as the network's input, with the MAX_POOL_2D that follows it: `conv2d_padded_s8`."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import ClassVar

from tinyproof.export.ops import conv2d_packed
from tinyproof.export.ops.conv2d import Conv2dParams
from tinyproof.export.ops.conv2d_packed import Conv2dPackedParams
from tinyproof.export.ops.kind import Call, Events, Fast, Kernel, Params
from tinyproof.export.ops.layouts import LAYOUTS, Layout
from tinyproof.export.ops.packed import DSP, is_affordable, rounded_up
from tinyproof.export.ops.window import Window
from tinyproof.optimize import Optimize

LARGEST_SHARE = 0.5  # of the output's bytes that the padded image may take


@dataclass(frozen=True, eq=False)
class Conv2dPaddedParams(Params):
    """The members of `conv2d_padded_params`."""

    c_type: ClassVar[str] = "conv2d_padded_params"

    conv: Conv2dPackedParams  # of the padded image
    x_h: int
    x_w: int
    pad_h: int
    pad_w: int
    padded_bytes: int


def pack(conv: Conv2dParams, pool: Window) -> Conv2dPaddedParams | None:
    """The padded layer; None where it gains nothing, takes much memory, or its numbers do not fit the kernel."""
    window = conv.window
    padded = _around(window)
    padded_bytes = rounded_up(padded.x_h * padded.x_w * padded.x_c + 3)  # the last row may be read three bytes too far
    at_border = padded.x_h > window.x_h or padded.x_w > window.x_w
    if window.dilation_w > 1 or not at_border:
        return None
    if padded_bytes > LARGEST_SHARE * window.y_h * window.y_w * window.y_c:
        return None
    packed = conv2d_packed.pack(replace(conv, window=padded), pool)
    if packed is None:
        return None
    return Conv2dPaddedParams(packed, window.x_h, window.x_w, window.pad_h, window.pad_w, padded_bytes)


def _around(window: Window) -> Window:
    """The window in an image that holds all that it sees, and that begins where the first one does."""
    h = (window.y_h - 1) * window.stride_h + (window.k_h - 1) * window.dilation_h + 1
    w = (window.y_w - 1) * window.stride_w + window.k_w
    h, w = max(h, window.x_h + window.pad_h), max(w, window.x_w + window.pad_w)
    return replace(window, x_h=h, x_w=w, pad_h=0, pad_w=0)


def scratch_bytes(params: Conv2dPaddedParams) -> int:
    """The padded image, and what the packed kernel takes."""
    return params.padded_bytes + conv2d_packed.scratch_bytes(params.conv)


def events(params: Conv2dPaddedParams) -> Events:
    """How often it does each thing that has a price."""
    return (params.padded_bytes, *conv2d_packed.events(params.conv))


CONV2D_PADDED = Kernel("conv2d_padded", scratch_bytes, events=events, folder=DSP)


def _fit(layout: Layout, call: Call, pool: Window | None, optimize: Optimize) -> Call | None:
    """Where weights may take twice their bytes."""
    if optimize is Optimize.SMALL or not isinstance(call.params, Conv2dParams):
        return None
    params = conv2d_packed.laid_out(call.params, pool, layout, pack)
    is_small = params and is_affordable(params.conv.weights)
    return replace(call, kernel=CONV2D_PADDED, params=params) if params and is_small else None


FAST = tuple(Fast(CONV2D_PADDED, partial(_fit, layout), rank=2) for layout in LAYOUTS)
