"""Windows without the rows and columns that lie outside the image wherever they stand, as on a map of one pixel.

What lies outside is the zero point, so such a tap adds nothing: of a 3 x 3 window on one pixel one tap is left.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from tinyproof.export.ops.conv2d import Conv2dParams
from tinyproof.export.ops.depthwise_conv2d import DepthwiseConv2dParams
from tinyproof.export.ops.kind import Call


def without_unseen_taps(call: Call) -> Call:
    """The call with as small a window as gives the same bytes."""
    params = call.params
    if not isinstance(params, Conv2dParams | DepthwiseConv2dParams):
        return call
    w = params.window
    rows = _seen(w.y_h, w.k_h, w.stride_h, w.dilation_h, w.pad_h, w.x_h)
    columns = _seen(w.y_w, w.k_w, w.stride_w, w.dilation_w, w.pad_w, w.x_w)
    if (len(rows), len(columns)) == (w.k_h, w.k_w):
        return call
    first_axis, filters = (1, 0) if isinstance(params, Conv2dParams) else (0, 2)
    weights = params.weights.take(rows, first_axis).take(columns, first_axis + 1)
    others = tuple(axis for axis in range(weights.ndim) if axis != filters)
    gone = params.weights.sum(axis=others, dtype=np.int64) - weights.sum(axis=others, dtype=np.int64)
    window = replace(
        w,
        k_h=len(rows),
        k_w=len(columns),
        pad_h=w.pad_h - rows[0] * w.dilation_h,
        pad_w=w.pad_w - columns[0] * w.dilation_w,
    )
    bias = (params.bias + params.x_zero_point * gone).astype(np.int32)
    return replace(call, params=replace(params, weights=np.ascontiguousarray(weights), bias=bias, window=window))


def _seen(y: int, k: int, stride: int, dilation: int, pad: int, x: int) -> range:
    """The taps along an axis from the first to the last that is ever inside; all where the padding cannot say so."""
    at = np.arange(y) * stride - pad + dilation * np.arange(k)[:, None]
    inside = np.flatnonzero(np.any((at >= 0) & (at < x), axis=1)).tolist()
    if not inside or pad < inside[0] * dilation:
        return range(k)
    return range(inside[0], inside[-1] + 1)
