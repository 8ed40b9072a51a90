"""TRANSPOSE_CONV, the kernel `transpose_conv2d_s8`: any stride and padding, quantized per channel or per tensor.

It is the convolution from y's image to x's turned round: output (i, j) sees every input pixel that this convolution
would make from it. So the window's geometry is that convolution's, with the names exchanged.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import prod

import tflite

from tinyproof.export.graph import Graph, Op
from tinyproof.export.ops import operands
from tinyproof.export.ops.convolution import ConvolutionOptions, ConvolutionParams, fold_params, parser
from tinyproof.export.ops.kind import Call, Kernel, OpKind
from tinyproof.export.ops.window import Window, fold_window


@dataclass(frozen=True, eq=False)
class TransposeConv2dParams(ConvolutionParams):
    """Weights (y_c, k_h, k_w, x_c)."""


def lower(graph: Graph, op: Op) -> tuple[Call, ...]:
    """Inputs (shape of y, weights, x) and a bias if there is one. The shape is y's own."""
    options = op.options
    assert isinstance(options, ConvolutionOptions)
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
    params = fold_params(TransposeConv2dParams, graph, op, x, weights, y, window, bias_position=3)
    return (Call(KERNEL, (op,), (op.inputs[2],), op.outputs[0], params),)


def macs(graph: Graph, op: Op) -> int:
    """Multiply-accumulates of one inference, taps outside of the output included."""
    return prod(graph.tensors[op.inputs[2]].shape[:3]) * prod(graph.tensors[op.inputs[1]].shape)


def scratch_bytes(params: TransposeConv2dParams) -> int:
    """One window of the image."""
    return prod(params.weights.shape[1:])


KERNEL = Kernel("transpose_conv2d", scratch_bytes)
TRANSPOSE_CONV2D = OpKind(
    "transpose_conv2d",
    "TRANSPOSE_CONV",
    tflite.BuiltinOptions.TransposeConvOptions,
    parser(tflite.TransposeConvOptions),
    lower,
    macs,
)
