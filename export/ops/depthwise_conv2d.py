"""DEPTHWISE_CONV_2D, the kernel `depthwise_conv2d_s8`: any multiplier, stride, padding and dilation."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from math import prod

import numpy as np
import tflite

from tinyproof.export.graph import ABSENT, Graph, Op
from tinyproof.export.ops import conv2d, operands
from tinyproof.export.ops.conv2d import Conv2dParams
from tinyproof.export.ops.convolution import ConvolutionOptions, ConvolutionParams, fold_params, parser
from tinyproof.export.ops.kind import Call, Events, Kernel, OpKind
from tinyproof.export.ops.window import fold_window, windows_inside


@dataclass(frozen=True, eq=False)
class DepthwiseConv2dParams(ConvolutionParams):
    """Weights (k_h, k_w, y_c). The multiplier follows from the shapes, and the file says the same."""


def fold(graph: Graph, op: Op) -> DepthwiseConv2dParams:
    """All constants of the op."""
    options = op.options
    assert isinstance(options, ConvolutionOptions)
    operands.check_arity(graph, op, inputs=(2, 3))
    if op.inputs[2:] == (ABSENT,):
        raise graph.refusal(op, "its bias is left out by a -1, at which TFLM crashes; leave the operand out")
    x = operands.image(graph, op, op.inputs[0])
    y = operands.image(graph, op, op.outputs[0])
    weights = operands.weights(graph, op, op.inputs[1], rank=4, axis=3)
    one, k_h, k_w, y_c = weights.values.shape
    if one != 1 or y_c != y.shape[3] or y_c % x.shape[3]:
        raise graph.refusal(
            op,
            f"filters of shape {weights.values.shape} do not turn {x.shape[3]} channels into {y.shape[3]}; "
            "export the model again",
        )
    if options.multiplier * x.shape[3] != y_c:
        why = f"it turns {x.shape[3]} channels into {y_c}, and TFLM goes by its depth_multiplier, {options.multiplier}"
        raise graph.refusal(op, f"{why}; export the model again")
    window = fold_window(graph, op, x.shape, y.shape, (k_h, k_w), options.stride, options.dilation, options.padding)
    flat = replace(weights, values=weights.values[0])
    return fold_params(DepthwiseConv2dParams, graph, op, x, flat, y, window, filters_axis=2)


def macs(graph: Graph, op: Op) -> int:
    """Multiply-accumulates of one inference, taps outside the image included."""
    return prod(graph.tensors[op.outputs[0]].shape) * prod(graph.tensors[op.inputs[1]].shape[1:3])


def scratch_bytes(params: DepthwiseConv2dParams) -> int:
    """One window of the image."""
    return params.window.k_h * params.window.k_w * params.window.x_c


def events(params: DepthwiseConv2dParams) -> Events:
    """How often it does each thing that has a price."""
    window = params.window
    pixels, taps = window.y_h * window.y_w, window.k_h * window.k_w
    border = pixels - windows_inside(window)
    return pixels, pixels * taps * window.x_c, border * taps, pixels * window.y_c, pixels * window.y_c * taps


KERNEL = Kernel("depthwise_conv2d", scratch_bytes, events=events)


def lower(graph: Graph, op: Op) -> tuple[Call, ...]:
    """A call; of a convolution where all filters see the only channel."""
    params = fold(graph, op)
    if params.window.x_c > 1:
        return (Call(KERNEL, (op,), op.inputs[:1], op.outputs[0], params),)
    filters = np.ascontiguousarray(np.moveaxis(params.weights, 2, 0))[..., np.newaxis]
    same = {field.name: getattr(params, field.name) for field in fields(params) if field.name != "weights"}
    return (Call(conv2d.KERNEL, (op,), op.inputs[:1], op.outputs[0], Conv2dParams(filters, **same)),)


DEPTHWISE_CONV2D = OpKind(
    "depthwise_conv2d",
    "DEPTHWISE_CONV_2D",
    tflite.BuiltinOptions.DepthwiseConv2DOptions,
    parser(tflite.DepthwiseConv2DOptions),
    lower,
    macs,
)
