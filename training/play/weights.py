"""Where the weights of a layer's filters lie in the tables that the page's module computes with."""

from __future__ import annotations

from math import prod

import numpy as np
from numpy.typing import NDArray

from tinyproof.export.ops import conv2d_simd, depthwise_conv2d_simd
from tinyproof.export.ops.conv2d import Conv2dParams
from tinyproof.export.ops.conv2d_simd import Conv2dSimdParams
from tinyproof.export.ops.depthwise_conv2d import DepthwiseConv2dParams
from tinyproof.export.ops.depthwise_conv2d_simd import DepthwiseConv2dSimdParams
from tinyproof.export.ops.simd import EIGHT

AnyConvolution = Conv2dParams | DepthwiseConv2dParams | Conv2dSimdParams | DepthwiseConv2dSimdParams


def places(params: AnyConvolution) -> NDArray[np.int64]:
    """(filters, taps): in its table, flat. Numbers are laid out as the weights are, and then looked for."""
    window = params.window
    is_depthwise = isinstance(params, DepthwiseConv2dParams | DepthwiseConv2dSimdParams)
    shape = (window.y_c, window.k_h, window.k_w, *([] if is_depthwise else [window.x_c]))
    filters = np.arange(1, prod(shape) + 1).reshape(shape)
    if isinstance(params, Conv2dSimdParams):
        table = conv2d_simd.in_pairs(np.pad(filters, ((0, -window.y_c % EIGHT), (0, 0), (0, 0), (0, 0))), window)
    elif isinstance(params, DepthwiseConv2dSimdParams):
        table = depthwise_conv2d_simd.in_pairs(filters[depthwise_conv2d_simd.octets(window.y_c)])
    else:
        table = np.moveaxis(filters, 0, 2) if is_depthwise else filters
    found = np.zeros(filters.size + 1, np.int64)
    found[table.reshape(-1)] = np.arange(table.size)  # of a number that is there twice, one of both places
    return found[1:].reshape(window.y_c, -1)
