"""CONV_2D, the kernel `conv2d_s8`: any stride, padding and dilation, quantized per channel or per tensor."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import prod

import numpy as np
import tflite
from numpy.typing import NDArray

from tinyproof.export.graph import Graph, Op
from tinyproof.export.ops import operands
from tinyproof.export.ops.convolution import ConvolutionOptions, ConvolutionParams, fold_params, parser
from tinyproof.export.ops.dense import DenseParams
from tinyproof.export.ops.kind import Call, Events, Kernel, OpKind, one_call
from tinyproof.export.ops.window import Window, fold_window, windows_inside


@dataclass(frozen=True, eq=False)
class Conv2dParams(ConvolutionParams):
    """Weights (y_c, k_h, k_w, x_c)."""


def fold(graph: Graph, op: Op) -> Conv2dParams:
    """All constants of the op."""
    options = op.options
    assert isinstance(options, ConvolutionOptions)
    operands.check_arity(graph, op, inputs=(2, 3))
    x = operands.image(graph, op, op.inputs[0])
    y = operands.image(graph, op, op.outputs[0])
    weights = operands.weights(graph, op, op.inputs[1], rank=4)
    y_c, k_h, k_w, w_c = weights.values.shape
    if x.shape[3] % w_c or y_c % (x.shape[3] // w_c):
        raise graph.refusal(op, f"its filters see {w_c} of {x.shape[3]} channels; export the model again")
    weights = replace(weights, values=ungrouped(weights.values, x.shape[3]))
    if y_c != y.shape[3]:
        raise graph.refusal(op, f"it has {y_c} filters but {y.shape[3]} output channels; export the model again")
    window = fold_window(graph, op, x.shape, y.shape, (k_h, k_w), options.stride, options.dilation, options.padding)
    return fold_params(Conv2dParams, graph, op, x, weights, y, window)


def as_convolution(call: Call) -> Call | None:
    """A dense layer of many rows as a convolution of as many pixels in a row, with 1 x 1 filters; None for others."""
    dense = call.params
    if not isinstance(dense, DenseParams) or dense.rows == 1:
        return None
    return replace(call, kernel=KERNEL, params=as_pixels(dense))


def as_pixels(dense: DenseParams) -> Conv2dParams:
    """The same layer as a convolution of its rows as pixels, with 1 x 1 filters."""
    window = Window(
        x_h=1, x_w=dense.rows, x_c=dense.x_c, y_h=1, y_w=dense.rows, y_c=dense.y_c,
        k_h=1, k_w=1, stride_h=1, stride_w=1, dilation_h=1, dilation_w=1, pad_h=0, pad_w=0,
    )  # fmt: skip
    weights = dense.weights.reshape(dense.y_c, 1, 1, dense.x_c)
    return Conv2dParams(weights, dense.bias, 0, window, dense.output)


def ungrouped(weights: NDArray[np.int8], x_c: int) -> NDArray[np.int8]:
    """Filters that see a group of the channels each, (y_c, k_h, k_w, x_c / groups), with zeros for all the others."""
    y_c, k_h, k_w, w_c = weights.shape
    groups = x_c // w_c
    if groups == 1:
        return weights
    whole = np.zeros((groups, y_c // groups, k_h, k_w, groups, w_c), np.int8)
    for group, filters in enumerate(np.split(weights, groups)):
        whole[group, :, :, :, group] = filters
    return whole.reshape(y_c, k_h, k_w, x_c)


def macs(graph: Graph, op: Op) -> int:
    """Multiply-accumulates of one inference, taps outside the image included."""
    y, weights = graph.tensors[op.outputs[0]].shape, graph.tensors[op.inputs[1]].shape
    return prod(y) * prod(weights[1:])


def scratch_bytes(params: Conv2dParams) -> int:
    """One window of the image."""
    return prod(params.weights.shape[1:])


def events(params: Conv2dParams) -> Events:
    """How often it does each thing that has a price."""
    window, taps = params.window, prod(params.weights.shape[1:])
    pixels = window.y_h * window.y_w
    border = pixels - windows_inside(window)
    sums = pixels * window.y_c
    return pixels, pixels * taps, border * window.k_h * window.k_w, sums, sums * (taps // 4), sums * (taps % 4)


KERNEL = Kernel("conv2d", scratch_bytes, events=events)
CONV2D = OpKind(
    "conv2d",
    "CONV_2D",
    tflite.BuiltinOptions.Conv2DOptions,
    parser(tflite.Conv2DOptions),
    one_call(KERNEL, fold),
    macs,
)
