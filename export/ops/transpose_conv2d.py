"""TRANSPOSE_CONV, the kernel `transpose_conv2d_s8`: any stride and padding, quantized per channel or per tensor.

It is the convolution from y's image to x's turned round: output (i, j) sees every input pixel that this convolution
would make from it. So the window's geometry is that convolution's, with the names exchanged.
"""

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
from export.ops.kind import Call, Kernel, OpKind, Params
from export.ops.requantize import OutputStage, emit_output_stage, fold_bias, fold_output_stage
from export.ops.window import Window, emit_window, fold_window


@dataclass(frozen=True)
class TransposeConv2dOptions(OpOptions):
    """As in the file; pairs are (height, width)."""

    padding: Padding
    stride: tuple[int, int]
    activation: Activation


@dataclass(frozen=True, eq=False)
class TransposeConv2dParams(Params):
    """The members of `transpose_conv2d_params`."""

    weights: NDArray[np.int8]  # (y_c, k_h, k_w, x_c)
    bias: NDArray[np.int32]  # (y_c,)
    x_zero_point: int
    window: Window
    output: OutputStage


def parse(table: Any) -> TransposeConv2dOptions:
    """The options out of the flatbuffer."""
    options = tflite.TransposeConvOptions()
    options.Init(table.Bytes, table.Pos)
    return TransposeConv2dOptions(
        parse_padding(options.Padding()),
        (options.StrideH(), options.StrideW()),
        parse_activation(options.FusedActivationFunction()),
    )


def lower(graph: Graph, op: Op) -> tuple[Call, ...]:
    """Inputs (shape of y, weights, x) and a bias if there is one. The shape is y's own."""
    options = op.options
    assert isinstance(options, TransposeConv2dOptions)
    operands.check_arity(graph, op, inputs=(3, 4))
    x = operands.image(graph, op, op.inputs[2])
    y = operands.image(graph, op, op.outputs[0])
    weights = operands.weights(graph, op, op.inputs[1], rank=4)
    y_c, k_h, k_w, x_c = weights.values.shape
    if (x_c, y_c) != (x.shape[3], y.shape[3]):
        raise graph.refusal(
            op, f"weights of shape {weights.values.shape} do not turn {x.shape} into {y.shape}; export the model again"
        )
    back = fold_window(graph, op, y.shape, x.shape, (k_h, k_w), options.stride, (1, 1), options.padding)
    window = Window(
        *(back.y_h, back.y_w, back.y_c, back.x_h, back.x_w, back.x_c),
        *(k_h, k_w, back.stride_h, back.stride_w, 1, 1, back.pad_h, back.pad_w),
    )
    output = fold_output_stage(graph, op, x, weights, y, options.activation)
    bias = operands.bias(graph, op, y_c, position=3)
    params = TransposeConv2dParams(
        weights=weights.values,
        bias=fold_bias(graph, op, bias, weights.values, x.zero_point, output),
        x_zero_point=x.zero_point,
        window=window,
        output=output,
    )
    return (Call(KERNEL, (op,), (op.inputs[2],), op.outputs[0], params),)


def emit(params: TransposeConv2dParams) -> Struct:
    """The C initializer."""
    return Struct(
        "transpose_conv2d_params",
        (
            Field("weights", ConstantTable(params.weights)),
            Field("bias", ConstantTable(params.bias)),
            Field("x_zero_point", params.x_zero_point),
            Field("window", emit_window(params.window)),
            Field("output", emit_output_stage(params.output)),
        ),
    )


def macs(graph: Graph, op: Op) -> int:
    """Multiply-accumulates of one inference, taps outside of the output included."""
    return prod(graph.tensors[op.inputs[2]].shape[:3]) * prod(graph.tensors[op.inputs[1]].shape)


def scratch_bytes(params: TransposeConv2dParams) -> int:
    """One window of the image."""
    return prod(params.weights.shape[1:])


KERNEL = Kernel("transpose_conv2d", emit, scratch_bytes)
TRANSPOSE_CONV2D = OpKind(
    "transpose_conv2d", "TRANSPOSE_CONV", tflite.BuiltinOptions.TransposeConvOptions, parse, lower, macs
)
