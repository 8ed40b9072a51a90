"""What the three convolutions of the schema share: options, the struct of their parameters, and how it is filled.

Each has a file and a kernel of its own, for its shapes, its weights' layout and its arithmetic.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar, TypeVar

import numpy as np
from numpy.typing import NDArray

from tinyproof.export.graph import Activation, Graph, Op, OpOptions, Padding
from tinyproof.export.ops import operands
from tinyproof.export.ops.enums import parse_activation, parse_padding
from tinyproof.export.ops.kind import Params
from tinyproof.export.ops.operands import Activations, Weights
from tinyproof.export.ops.requantize import OutputStage, fold_bias, fold_output_stage
from tinyproof.export.ops.window import Window


@dataclass(frozen=True)
class ConvolutionOptions(OpOptions):
    """As in the file, or a padding in numbers; pairs are (height, width)."""

    padding: Padding | tuple[int, int]
    stride: tuple[int, int]
    dilation: tuple[int, int]
    activation: Activation
    multiplier: int = 1  # of a depthwise one: filters for each channel


@dataclass(frozen=True, eq=False)
class ConvolutionParams(Params):
    """The members of `convolution_params`; the layout of `weights` is the kernel's."""

    c_type: ClassVar[str] = "convolution_params"

    weights: NDArray[np.int8]
    bias: NDArray[np.int32]  # (y_c,)
    x_zero_point: int
    window: Window
    output: OutputStage


P = TypeVar("P", bound=ConvolutionParams)


def parser(table_class: Any) -> Callable[[Any], ConvolutionOptions]:
    """The `parse` of an op whose options are a `table_class` of the schema; a transposed one knows no dilation."""

    def parse(table: Any) -> ConvolutionOptions:
        options = table_class()
        options.Init(table.Bytes, table.Pos)
        dilated = hasattr(options, "DilationHFactor")
        return ConvolutionOptions(
            parse_padding(options.Padding()),
            (options.StrideH(), options.StrideW()),
            (options.DilationHFactor(), options.DilationWFactor()) if dilated else (1, 1),
            parse_activation(options.FusedActivationFunction()),
            options.DepthMultiplier() if hasattr(options, "DepthMultiplier") else 1,
        )

    return parse


def fold_params(
    kind: type[P],
    graph: Graph,
    op: Op,
    x: Activations,
    weights: Weights,
    y: Activations,
    window: Window,
    filters_axis: int = 0,
    bias_position: int = 2,
) -> P:
    """The params of one op; filters lie along `filters_axis` of the weights, the bias is the input at its position."""
    assert isinstance(op.options, ConvolutionOptions)
    filters = np.moveaxis(weights.values, filters_axis, 0)
    output = fold_output_stage(graph, op, x, weights, y, op.options.activation)
    bias = operands.bias(graph, op, len(filters), bias_position)
    return kind(
        weights=weights.values,
        bias=fold_bias(graph, op, bias, filters, x.zero_point, output),
        x_zero_point=x.zero_point,
        window=window,
        output=output,
    )
