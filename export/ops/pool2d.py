"""MAX_POOL_2D and AVERAGE_POOL_2D, the kernels `max_pool2d_s8` and `average_pool2d_s8`: any window, stride, padding."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import tflite

from tinyproof.export.graph import Activation, Graph, Op, OpOptions, Padding
from tinyproof.export.ops import operands
from tinyproof.export.ops.enums import parse_activation, parse_padding
from tinyproof.export.ops.kind import Events, Kernel, OpKind, Params, no_macs, one_call
from tinyproof.export.ops.requantize import clamp_range
from tinyproof.export.ops.window import Window, fold_window

SCALE_TOLERANCE = 1e-6  # TFLM's: it does not rescale, so it takes scales this close for equal


@dataclass(frozen=True)
class Pool2dOptions(OpOptions):
    """As in the file, or a padding in numbers; pairs are (height, width)."""

    padding: Padding | tuple[int, int]
    kernel: tuple[int, int]
    stride: tuple[int, int]
    activation: Activation


@dataclass(frozen=True)
class Pool2dParams(Params):
    """The members of `pool2d_params`."""

    c_type: ClassVar[str] = "pool2d_params"

    window: Window
    y_min: int
    y_max: int


@dataclass(frozen=True)
class MaxPool2dParams(Pool2dParams):
    """Of a max pooling: the kind that can join the convolution before it."""


def parse(table: Any) -> Pool2dOptions:
    """The options out of the flatbuffer."""
    options = tflite.Pool2DOptions()
    options.Init(table.Bytes, table.Pos)
    return Pool2dOptions(
        parse_padding(options.Padding()),
        (options.FilterHeight(), options.FilterWidth()),
        (options.StrideH(), options.StrideW()),
        parse_activation(options.FusedActivationFunction()),
    )


def fold(graph: Graph, op: Op) -> Pool2dParams:
    """All constants of the op."""
    options = op.options
    assert isinstance(options, Pool2dOptions)
    operands.check_arity(graph, op, inputs=(1,))
    x = operands.image(graph, op, op.inputs[0])
    y = operands.image(graph, op, op.outputs[0])
    if abs(float(x.scale - y.scale)) > SCALE_TOLERANCE or x.zero_point != y.zero_point:
        raise graph.refusal(op, "its input and output are quantized differently; export the model again")
    if x.shape[3] != y.shape[3]:
        raise graph.refusal(op, f"it turns {x.shape[3]} channels into {y.shape[3]}; export the model again")
    window = fold_window(graph, op, x.shape, y.shape, options.kernel, options.stride, (1, 1), options.padding)
    kind = MaxPool2dParams if op.name == "MAX_POOL_2D" else Pool2dParams
    return kind(window, *clamp_range(graph, op, y, options.activation))


def events(params: Pool2dParams) -> Events:
    """How often it does each thing that has a price."""
    window = params.window
    pixels, taps = window.y_h * window.y_w, window.k_h * window.k_w
    return pixels, pixels * taps, pixels * window.y_c, pixels * taps * window.y_c


MAX_KERNEL, AVERAGE_KERNEL = Kernel("max_pool2d", events=events), Kernel("average_pool2d", events=events)
OPTIONS = tflite.BuiltinOptions.Pool2DOptions
MAX_POOL2D = OpKind("max_pool2d", "MAX_POOL_2D", OPTIONS, parse, one_call(MAX_KERNEL, fold), no_macs)
AVERAGE_POOL2D = OpKind("average_pool2d", "AVERAGE_POOL_2D", OPTIONS, parse, one_call(AVERAGE_KERNEL, fold), no_macs)
