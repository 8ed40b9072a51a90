"""The filters of a layer: where their weights lie in the tables that the page's module computes with."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod

import numpy as np
from numpy.typing import NDArray

from tinyproof.export.ops import conv2d_simd, depthwise_conv2d_simd
from tinyproof.export.ops.conv2d import Conv2dParams
from tinyproof.export.ops.conv2d_simd import Conv2dSimdParams
from tinyproof.export.ops.depthwise_conv2d import DepthwiseConv2dParams
from tinyproof.export.ops.depthwise_conv2d_simd import DepthwiseConv2dSimdParams
from tinyproof.export.ops.simd import EIGHT
from tinyproof.training.lab.trained import Layer, Trained

AnyConvolution = Conv2dParams | DepthwiseConv2dParams | Conv2dSimdParams | DepthwiseConv2dSimdParams


@dataclass(frozen=True)
class Filters:
    """Weights within the module: its table of constants, `shape` (filters, h, w, channels), a scale for each filter.

    The weight of tap t of filter f is number first[f] + taps[t] of the table.
    """

    table: int
    weight_bytes: int  # of each number of the table
    shape: tuple[int, ...]
    first: tuple[int, ...]
    taps: tuple[int, ...]
    scales: tuple[float, ...]


def filters_of(trained: Trained, layer: Layer, params: AnyConvolution, table: int) -> Filters | None:
    """Those of a layer whose kernel has these constants, its weights in that table of the module; None where there are
    none to be shown.
    """
    if layer.op.name not in ("CONV_2D", "DEPTHWISE_CONV_2D"):
        return None
    weights = trained.graph.tensors[layer.op.inputs[1]]
    assert weights.quantization is not None and weights.data is not None
    window, at = params.window, places(params)
    if weights.shape[1:3] != (window.k_h, window.k_w):  # some taps are never seen, and left out
        return None
    # A power of two that a kernel has in its weights goes out of their scale.
    gains = np.abs(params.weights.reshape(-1)[at].astype(np.int64)).max(1) // _largest(weights.data, layer)
    scales = np.broadcast_to(weights.quantization.scale, window.y_c) / np.maximum(gains, 1)
    return Filters(
        table=table,
        weight_bytes=params.weights.itemsize,
        shape=(window.y_c, window.k_h, window.k_w, at.shape[1] // (window.k_h * window.k_w)),
        first=tuple(at[:, 0].tolist()),
        taps=tuple((at[0] - at[0, 0]).tolist()),
        scales=tuple(map(float, scales)),
    )


def _largest(weights: NDArray[np.generic], layer: Layer) -> NDArray[np.int64]:
    """The largest weight of each filter, or 1."""
    axis = 3 if layer.op.name == "DEPTHWISE_CONV_2D" else 0
    by_filter = np.moveaxis(weights.astype(np.int64), axis, 0).reshape(weights.shape[axis], -1)
    return np.asarray(np.maximum(np.abs(by_filter).max(1), 1), np.int64)


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
