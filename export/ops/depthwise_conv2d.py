"""DEPTHWISE_CONV_2D, the kernel `depthwise_conv2d_s8`: any multiplier, stride, padding and dilation."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np
import tflite
from numpy.typing import NDArray

from export.c_values import ConstantTable, Field, Struct
from export.graph import Activation, Graph, Op, OpOptions, Padding
from export.ops import operands
from export.ops.enums import parse_activation, parse_padding
from export.ops.kind import Kernel, OpKind, Params, one_call
from export.ops.requantize import OutputStage, emit_output_stage, fold_bias, fold_output_stage
from export.ops.window import Window, emit_window, fold_window


@dataclass(frozen=True)
class DepthwiseConv2dOptions(OpOptions):
    """As in the file; pairs are (height, width). The multiplier follows from the shapes."""

    padding: Padding
    stride: tuple[int, int]
    dilation: tuple[int, int]
    activation: Activation


@dataclass(frozen=True, eq=False)
class DepthwiseConv2dParams(Params):
    """The members of `depthwise_conv2d_params`."""

    weights: NDArray[np.int8]  # (k_h, k_w, y_c)
    bias: NDArray[np.int32]  # (y_c,)
    x_zero_point: int
    window: Window
    output: OutputStage


def parse(table: Any) -> DepthwiseConv2dOptions:
    """The options out of the flatbuffer."""
    options = tflite.DepthwiseConv2DOptions()
    options.Init(table.Bytes, table.Pos)
    return DepthwiseConv2dOptions(
        parse_padding(options.Padding()),
        (options.StrideH(), options.StrideW()),
        (options.DilationHFactor(), options.DilationWFactor()),
        parse_activation(options.FusedActivationFunction()),
    )


def fold(graph: Graph, op: Op) -> DepthwiseConv2dParams:
    """All constants of the op."""
    options = op.options
    assert isinstance(options, DepthwiseConv2dOptions)
    operands.check_arity(graph, op, inputs=(2, 3))
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
    output = fold_output_stage(graph, op, x, weights, y, options.activation)
    by_channel = np.moveaxis(weights.values, 3, 0)
    return DepthwiseConv2dParams(
        weights=weights.values[0],
        bias=fold_bias(graph, op, operands.bias(graph, op, y_c), by_channel, x.zero_point, output),
        x_zero_point=x.zero_point,
        window=fold_window(graph, op, x.shape, y.shape, (k_h, k_w), options.stride, options.dilation, options.padding),
        output=output,
    )


def emit(params: DepthwiseConv2dParams) -> Struct:
    """The C initializer."""
    return Struct(
        "depthwise_conv2d_params",
        (
            Field("weights", ConstantTable(params.weights)),
            Field("bias", ConstantTable(params.bias)),
            Field("x_zero_point", params.x_zero_point),
            Field("window", emit_window(params.window)),
            Field("output", emit_output_stage(params.output)),
        ),
    )


def macs(graph: Graph, op: Op) -> int:
    """Multiply-accumulates of one inference, taps outside the image included."""
    return prod(graph.tensors[op.outputs[0]].shape) * prod(graph.tensors[op.inputs[1]].shape[1:3])


def scratch_bytes(params: DepthwiseConv2dParams) -> int:
    """One window of the image."""
    return params.window.k_h * params.window.k_w * params.window.x_c


KERNEL = Kernel("depthwise_conv2d", emit, scratch_bytes)
DEPTHWISE_CONV2D = OpKind(
    "depthwise_conv2d",
    "DEPTHWISE_CONV_2D",
    tflite.BuiltinOptions.DepthwiseConv2DOptions,
    parse,
    one_call(KERNEL, fold),
    macs,
)
