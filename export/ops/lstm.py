"""UNIDIRECTIONAL_SEQUENCE_LSTM, the kernel `lstm_s8`: a whole sequence, from a state of zero at every inference.

int8 in and out, int16 within; no peepholes, no projection, no normalization, as TFLM (lstm_eval.h).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import tflite
from numpy.typing import NDArray

from tinyproof.export.c_values import CStruct
from tinyproof.export.graph import ABSENT, Activation, Graph, Op, OpOptions
from tinyproof.export.ops import operands
from tinyproof.export.ops.enums import parse_activation
from tinyproof.export.ops.kind import Kernel, OpKind, Params, one_call
from tinyproof.export.ops.operands import Activations
from tinyproof.export.ops.requantize import OutputStage, fold_bias, quantize_multiplier, rescale, round_half_away

INPUTS = 24
# Places of the operands of the gates, in the kernel's order: forget, input, cell, output.
X_WEIGHTS, HIDDEN_WEIGHTS, BIASES = (2, 1, 3, 4), (6, 5, 7, 8), (13, 12, 14, 15)
HIDDEN_STATE, CELL_STATE = 18, 19
UNUSED = (*range(9, 12), 16, 17, *range(20, 24))  # of variants that TFLM refuses
GATE_SCALE = 2.0**-12  # of what goes into a gate's function
GATE = 2.0**-15  # of what comes out
LARGEST = 2**30  # product of two int16
NO_LIMIT = 2**15  # of a cell


@dataclass(frozen=True)
class LstmOptions(OpOptions):
    """As in the file."""

    activation: Activation
    cell_clip: float
    time_major: bool
    diagonal: bool


@dataclass(frozen=True, eq=False)
class LstmCell(CStruct):
    """The members of `lstm_cell`."""

    c_type: ClassVar[str] = "lstm_cell"

    sigmoid: NDArray[np.int16]  # (256,)
    forget_multiplier: int
    forget_shift: int
    input_multiplier: int
    input_shift: int
    cell_limit: int
    tanh_multiplier: int
    tanh_shift: int
    y_multiplier: int
    y_shift: int
    y_zero_point: int


@dataclass(frozen=True, eq=False)
class LstmParams(Params):
    """The members of `lstm_params`."""

    c_type: ClassVar[str] = "lstm_params"
    members: ClassVar[tuple[str, ...]] = (
        *("x_weights", "hidden_weights", "x_bias", "hidden_bias", "scales", "steps", "x_c", "y_c", "cell"),
    )

    x_weights: NDArray[np.int8]  # (4 gates, y_c, x_c)
    hidden_weights: NDArray[np.int8]  # (4, y_c, y_c)
    x_bias: NDArray[np.int32]  # (4, y_c), with the zero point of x in it
    hidden_bias: NDArray[np.int32]  # (4, y_c)
    scales: NDArray[np.int32]  # (4, 4): multiplier and shift for x, and for the hidden state
    steps: int
    cell: LstmCell

    @property
    def x_c(self) -> int:
        """Inputs of a step."""
        return int(self.x_weights.shape[2])

    @property
    def y_c(self) -> int:
        """Units."""
        return int(self.x_weights.shape[1])


def parse(table: Any) -> LstmOptions:
    """The options out of the flatbuffer."""
    options = tflite.UnidirectionalSequenceLSTMOptions()
    options.Init(table.Bytes, table.Pos)
    return LstmOptions(
        parse_activation(options.FusedActivationFunction()),
        options.CellClip(),
        bool(options.TimeMajor()),
        bool(options.DiagonalRecurrentTensors()),
    )


def sigmoid_table() -> NDArray[np.int16]:
    """65536 / (1 + exp(-k / 24)) less 32768, raised by half of what a chord between entries falls short of the curve.

    >>> sigmoid_table()[[0, 1, 255]].tolist()
    [0, 683, 32767]
    """

    def curve(k: int) -> float:
        return 65536 / (1 + math.exp(-k / 24))

    raised = [curve(k) - (curve(k + 1) - 2 * curve(k) + curve(k - 1)) / 16 for k in range(255)]
    return np.array([round_half_away(value) - 32768 for value in raised] + [32767], np.int16)


def fold(graph: Graph, op: Op) -> LstmParams:
    """All constants of the op."""
    operands.check_arity(graph, op, inputs=(INPUTS,))
    options = op.options
    assert isinstance(options, LstmOptions)
    x = operands.computed(graph, op, op.inputs[0])
    y = operands.computed(graph, op, op.outputs[0])
    _check_variant(graph, op, options)
    hidden, cell_scale = _states(graph, op)
    batch, steps = x.shape[:2][:: -1 if options.time_major else 1] if len(x.shape) == 3 else (0, 0)
    if batch != 1 or y.shape[:2] != x.shape[:2] or len(y.shape) != 3:
        raise graph.refusal(op, f"it turns {x.shape} into {y.shape}; convert with a fixed batch of one")
    x_c, y_c = x.shape[2], y.shape[2]
    x_weights, x_bias, x_scales = _gates(graph, op, X_WEIGHTS, x, (y_c, x_c), BIASES)
    hidden_weights, hidden_bias, hidden_scales = _gates(graph, op, HIDDEN_WEIGHTS, hidden, (y_c, y_c), ())
    if any(graph.tensors[op.inputs[place]].size != y_c for place in (HIDDEN_STATE, CELL_STATE)):
        raise graph.refusal(op, f"its states are not those of {y_c} units; export the model again")
    power = _nearest_power(cell_scale) if 0 < cell_scale < math.inf else 99
    if not -15 <= power + 12 <= 14:
        raise graph.refusal(op, f"its cell's scale {cell_scale} is too small for TFLM, or too large; export it again")
    limit = min(options.cell_clip / cell_scale, NO_LIMIT - 1) if options.cell_clip > 0 else NO_LIMIT
    forget, added, shown = (
        rescale(graph, op, real, LARGEST)
        for real in (GATE * cell_scale / cell_scale, GATE * GATE / cell_scale, GATE * GATE / float(hidden.scale))
    )
    tanh = (3 << power + 12, 0) if power + 12 >= 0 else (3, -power - 12)
    return LstmParams(
        *(x_weights, hidden_weights, x_bias, hidden_bias, np.concatenate([x_scales, hidden_scales], axis=1)),
        steps,
        LstmCell(sigmoid_table(), *forget, *added, int(limit), *tanh, *shown, hidden.zero_point),
    )


def _nearest_power(scale: float) -> int:
    """The logarithm to base two, rounded; taken in float32 as in TFLM (`CheckedLog2`)."""
    per_unit = np.float32(1) / np.float32(math.log(2))
    return round_half_away(float(np.float32(math.log(scale)) * per_unit))


def _check_variant(graph: Graph, op: Op, options: LstmOptions) -> None:
    if any(op.inputs[place] != ABSENT for place in UNUSED):
        raise graph.refusal(op, "TFLM has no peepholes, projection or normalization in it; use a plain LSTM")
    if options.activation is not Activation.TANH or options.diagonal or options.cell_clip < 0:
        raise graph.refusal(op, "TFLM has it with tanh and full matrices alone; use the LSTM layer as Keras has it")


def _states(graph: Graph, op: Op) -> tuple[Activations, float]:
    """The hidden state as activations, and the cell's scale."""
    tensors = [graph.tensors[op.inputs[place]] for place in (HIDDEN_STATE, CELL_STATE) if op.inputs[place] != ABSENT]
    kinds = [(t.dtype, t.is_variable, t.quantization is not None and t.quantization.scale.size == 1) for t in tensors]
    if kinds != [("int8", True, True), ("int16", True, True)]:
        raise graph.refusal(op, f"its states are not int8 and int16 variables; {operands.QUANTIZE_CURE}")
    cell = tensors[1].quantization
    assert cell is not None
    return operands.values(graph, op, op.inputs[HIDDEN_STATE]), float(cell.scale[0])


def _gates(
    graph: Graph, op: Op, places: tuple[int, ...], x: Activations, shape: tuple[int, int], biases: tuple[int, ...]
) -> tuple[NDArray[np.int8], NDArray[np.int32], NDArray[np.int32]]:
    """(weights (4, *shape), bias (4, units), multiplier and shift (4, 2)) of what the four gates make of x."""
    all_weights, all_biases, scales = [], [], []
    for gate, place in enumerate(places):
        weights = operands.weights(graph, op, op.inputs[place], rank=2)
        if weights.values.shape != shape or weights.scale.size != 1:
            raise graph.refusal(
                op, f"weights of shape {weights.values.shape} are not {shape} of one scale; export the model again"
            )
        multiplier, shift = quantize_multiplier(float(x.scale) * float(weights.scale[0]) / GATE_SCALE)
        if shift > 30:
            raise graph.refusal(op, "its scales make a multiplier above 2^30; export the model again")
        stage = OutputStage(np.array([multiplier], np.int32), np.array([shift], np.int8), 0, 0, 0)
        bias = operands.bias(graph, op, shape[0], biases[gate]) if biases else np.zeros(shape[0], np.int32)
        all_biases.append(fold_bias(graph, op, bias, weights.values, x.zero_point, stage))
        all_weights.append(weights.values)
        scales.append((multiplier, shift))
    return np.stack(all_weights), np.stack(all_biases), np.array(scales, np.int32)


def macs(graph: Graph, op: Op) -> int:
    """Multiply-accumulates of one inference."""
    y = graph.tensors[op.outputs[0]]
    return 4 * y.size * (graph.tensors[op.inputs[0]].shape[-1] + y.shape[-1])


def scratch_bytes(params: LstmParams) -> int:
    """The cell's state in int16, and the hidden state before the first step."""
    return 3 * params.y_c


KERNEL = Kernel("lstm", scratch_bytes=scratch_bytes)
OPTIONS = tflite.BuiltinOptions.UnidirectionalSequenceLSTMOptions
LSTM = OpKind("lstm", "UNIDIRECTIONAL_SEQUENCE_LSTM", OPTIONS, parse, one_call(KERNEL, fold), macs)
