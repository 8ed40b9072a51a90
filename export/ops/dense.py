"""FULLY_CONNECTED, the kernel `dense_s8`: any number of rows, with or without bias, quantized per tensor or channel."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import Any, ClassVar

import numpy as np
import tflite
from numpy.typing import NDArray

from tinyproof.export.graph import ABSENT, Activation, Graph, Op, OpOptions
from tinyproof.export.ops import operands
from tinyproof.export.ops.enums import parse_activation
from tinyproof.export.ops.kind import Events, Kernel, OpKind, Params, one_call
from tinyproof.export.ops.operands import Activations, Weights
from tinyproof.export.ops.requantize import OutputStage, fold_bias, fold_output_stage

BIAS_SCALE_TOLERANCE = 0.02  # TFLM's, in output steps for each unit of bias


@dataclass(frozen=True)
class DenseOptions(OpOptions):
    """As in the file."""

    activation: Activation
    shuffled_weights: bool


@dataclass(frozen=True, eq=False)
class DenseParams(Params):
    """The members of `dense_params`."""

    c_type: ClassVar[str] = "dense_params"
    members: ClassVar[tuple[str, ...]] = ("weights", "bias", "rows", "x_c", "y_c", "output")

    weights: NDArray[np.int8]  # (y_c, x_c)
    bias: NDArray[np.int32]  # (y_c,)
    rows: int
    output: OutputStage

    @property
    def x_c(self) -> int:
        """Inputs."""
        return int(self.weights.shape[1])

    @property
    def y_c(self) -> int:
        """Outputs."""
        return int(self.weights.shape[0])


def parse(table: Any) -> DenseOptions:
    """The options out of the flatbuffer."""
    options = tflite.FullyConnectedOptions()
    options.Init(table.Bytes, table.Pos)
    shuffled = options.WeightsFormat() != tflite.FullyConnectedOptionsWeightsFormat.DEFAULT
    return DenseOptions(parse_activation(options.FusedActivationFunction()), shuffled)


def fold(graph: Graph, op: Op) -> DenseParams:
    """All constants of the op."""
    options = op.options
    assert isinstance(options, DenseOptions)
    operands.check_arity(graph, op, inputs=(2, 3))
    x = operands.computed(graph, op, op.inputs[0])
    y = operands.computed(graph, op, op.outputs[0])
    weights = operands.weights(graph, op, op.inputs[1], rank=2)
    y_c, x_c = weights.values.shape
    rows = prod(y.shape[:-1])
    if y.shape[-1] != y_c or prod(x.shape) != rows * x_c:
        raise graph.refusal(
            op, f"weights of shape {weights.values.shape} do not turn {x.shape} into {y.shape}; export the model again"
        )
    if options.shuffled_weights:
        raise graph.refusal(op, "its weights are stored shuffled for another processor; export the model again")
    _check_bias_scale(graph, op, x, weights, y)
    output = fold_output_stage(graph, op, x, weights, y, options.activation)
    bias = fold_bias(graph, op, operands.bias(graph, op, y_c), weights.values, x.zero_point, output)
    return DenseParams(weights.values, bias, rows, output)


def _check_bias_scale(graph: Graph, op: Op, x: Activations, weights: Weights, y: Activations) -> None:
    """TFLM refuses a bias whose scale is not that of the accumulator, for weights with one scale."""
    if weights.scale.size > 1 or len(op.inputs) < 3 or op.inputs[2] == ABSENT:
        return
    quantization = graph.tensors[op.inputs[2]].quantization
    bias_scale = 0.0 if quantization is None else float(quantization.scale[0])
    difference = abs(float(x.scale) * float(weights.scale[0]) - bias_scale)
    if difference / float(y.scale) > BIAS_SCALE_TOLERANCE:
        raise graph.refusal(
            op, f"its bias has scale {bias_scale:.6g}, not that of input times weights; export the model again"
        )


def macs(graph: Graph, op: Op) -> int:
    """Multiply-accumulates of one inference."""
    return graph.tensors[op.outputs[0]].size * graph.tensors[op.inputs[1]].shape[-1]


def events(params: DenseParams) -> Events:
    """How often it does each thing that has a price."""
    y_c, x_c = params.weights.shape
    sums = params.rows * y_c
    return sums, sums * (x_c // 4), sums * (x_c % 4)


KERNEL = Kernel("dense", events=events)
DENSE = OpKind(
    "dense", "FULLY_CONNECTED", tflite.BuiltinOptions.FullyConnectedOptions, parse, one_call(KERNEL, fold), macs
)
