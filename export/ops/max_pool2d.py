"""MAX_POOL_2D, the kernel `max_pool2d_s8`: any window, stride and padding."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import tflite

from export.c_values import Field, Struct
from export.graph import Activation, Graph, Op, OpOptions, Padding
from export.ops import operands
from export.ops.enums import parse_activation, parse_padding
from export.ops.kind import OpKind, Params, no_macs
from export.ops.requantize import clamp_range
from export.ops.window import Window, emit_window, fold_window

SCALE_TOLERANCE = 1e-6  # TFLM's: it does not rescale, so it takes scales this close for equal


@dataclass(frozen=True)
class MaxPool2dOptions(OpOptions):
    """As in the file; pairs are (height, width)."""

    padding: Padding
    kernel: tuple[int, int]
    stride: tuple[int, int]
    activation: Activation


@dataclass(frozen=True)
class MaxPool2dParams(Params):
    """The members of `max_pool2d_params`."""

    window: Window
    y_min: int
    y_max: int


def parse(table: Any) -> MaxPool2dOptions:
    """The options out of the flatbuffer."""
    options = tflite.Pool2DOptions()
    options.Init(table.Bytes, table.Pos)
    return MaxPool2dOptions(
        parse_padding(options.Padding()),
        (options.FilterHeight(), options.FilterWidth()),
        (options.StrideH(), options.StrideW()),
        parse_activation(options.FusedActivationFunction()),
    )


def fold(graph: Graph, op: Op) -> MaxPool2dParams:
    """All constants of the op."""
    options = op.options
    assert isinstance(options, MaxPool2dOptions)
    operands.check_arity(graph, op, inputs=(1,))
    x = operands.image(graph, op, op.inputs[0])
    y = operands.image(graph, op, op.outputs[0])
    if abs(float(x.scale - y.scale)) > SCALE_TOLERANCE or x.zero_point != y.zero_point:
        raise graph.refusal(op, "its input and output are quantized differently; export the model again")
    if x.shape[3] != y.shape[3]:
        raise graph.refusal(op, f"it turns {x.shape[3]} channels into {y.shape[3]}; export the model again")
    window = fold_window(graph, op, x.shape, y.shape, options.kernel, options.stride, (1, 1), options.padding)
    return MaxPool2dParams(window, *clamp_range(graph, op, y, options.activation))


def emit(params: MaxPool2dParams) -> Struct:
    """The C initializer."""
    return Struct(
        "max_pool2d_params",
        (
            Field("window", emit_window(params.window)),
            Field("y_min", params.y_min),
            Field("y_max", params.y_max),
        ),
    )


MAX_POOL2D = OpKind("max_pool2d", "MAX_POOL_2D", tflite.BuiltinOptions.Pool2DOptions, parse, fold, emit, no_macs)
