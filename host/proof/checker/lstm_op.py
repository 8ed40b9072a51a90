"""UNIDIRECTIONAL_SEQUENCE_LSTM: the numbers with which TensorFlow Lite Micro goes through a sequence, from a state of
zero.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from .arithmetic import INT32_MAX, Ints, ints, quantize_multiplier, round_half_away
from .findings import NotCovered
from .ops import one_scale
from .tflite_model import TANH, Model, Op

NAME = "UNIDIRECTIONAL_SEQUENCE_LSTM"
# Places of the operands of the gates: forget, input, cell, output.
X_WEIGHTS, HIDDEN_WEIGHTS, BIASES = (2, 1, 3, 4), (6, 5, 7, 8), (13, 12, 14, 15)
HIDDEN, CELL = 18, 19
UNUSED = (*range(9, 12), 16, 17, *range(20, 24))  # peepholes, projection, normalization
GATE = 2.0**-15  # the scale of what a gate gives; what goes in has 2^-12


@dataclass(frozen=True, eq=False)
class Lstm:
    """The op: tables as lstm_params has them, by name, and numbers of its lstm_cell."""

    steps: int
    x_c: int
    y_c: int
    tables: dict[str, Ints]
    sigmoid: Ints
    cell: dict[str, int]


def lstm(model: Model, op: Op) -> Lstm:
    """The op, with the proof that its sums fit 32 bits. NotCovered for variants that TensorFlow Lite Micro lacks, and
    for states that others use.
    """
    o, others = op.options, [each for each in model.ops if each is not op]
    if len(op.inputs) != 24 or any(op.inputs[k] != -1 for k in UNUSED) or not o:
        raise NotCovered("peepholes, projection or normalization")
    states = [model.tensors[op.inputs[k]] for k in (HIDDEN, CELL)]
    shared = any(state.index in (*each.inputs, *each.outputs) for state in states for each in others)
    if not all(state.kept for state in states) or shared or states[1].dtype != "INT16" or states[1].scale.size != 1:
        raise NotCovered("states that are not its own")
    if o["activation"] != TANH or o["diagonal"] or o["cell_clip"] < 0:
        raise NotCovered("another activation, or matrices that are not full")
    x, y = model.tensors[op.inputs[0]], model.tensors[op.outputs[0]]
    (x_scale, x_zero), (hidden_scale, hidden_zero), _ = map(one_scale, (x, states[0], y))
    batch, steps = x.shape[:2][:: -1 if o["time_major"] else 1] if len(x.shape) == 3 else (0, 0)
    if batch != 1 or y.shape[:2] != x.shape[:2] or len(y.shape) != 3:
        raise NotCovered("more than one sequence")
    x_c, y_c, cell_scale = x.shape[2], y.shape[2], float(states[1].scale[0])
    of_x = _gates(model, op, X_WEIGHTS, x_scale, x_zero, (y_c, x_c), BIASES)
    of_hidden = _gates(model, op, HIDDEN_WEIGHTS, hidden_scale, hidden_zero, (y_c, y_c), ())
    tables = {"x_weights": of_x[0], "x_bias": of_x[1], "hidden_weights": of_hidden[0], "hidden_bias": of_hidden[1]}
    tables["scales"] = np.concatenate([of_x[2], of_hidden[2]], axis=1)
    cell = _cell(cell_scale, hidden_scale, float(o["cell_clip"])) | {"y_zero_point": hidden_zero}
    return Lstm(steps, x_c, y_c, tables, _sigmoid(), cell)


def _gates(
    model: Model,
    op: Op,
    places: tuple[int, ...],
    scale: float,
    zero: int,
    shape: tuple[int, int],
    biases: tuple[int, ...],
) -> tuple[Ints, Ints, Ints]:
    """Of all four gates the weights, the biases with the zero point in them, and multiplier and shift."""
    every: list[tuple[Ints, Ints, tuple[int, int]]] = []
    for gate, place in enumerate(places):
        w = model.tensors[op.inputs[place]]
        if w.data is None or w.dtype != "INT8" or w.shape != shape or w.scale.size != 1 or np.any(w.zero_point != 0):
            raise NotCovered("weights of another kind")
        weights, bias = ints(w.data), np.zeros(shape[0], np.int64)
        if biases and op.inputs[biases[gate]] != -1:
            data = model.tensors[op.inputs[biases[gate]]].data
            if data is None or data.dtype != np.int32 or data.shape != shape[:1]:
                raise NotCovered("a bias of another kind")
            bias = ints(data)
        to = quantize_multiplier(scale * float(w.scale[0]) / 2.0**-12)
        most = np.abs(bias) + np.abs(weights).sum(axis=1) * max(127 - zero, zero + 128)
        ours = np.abs(bias - zero * weights.sum(axis=1)) + 128 * np.abs(weights).sum(axis=1)
        if to[1] > 30 or max((int(most.max()) << max(to[1], 0)) + 256, int(ours.max())) > INT32_MAX:
            raise NotCovered("sums that may leave 32 bits")
        every.append((weights, bias - zero * weights.sum(axis=1), to))
    return (
        np.stack([each[0] for each in every]),
        np.stack([each[1] for each in every]),
        ints([each[2] for each in every]),
    )


def _cell(scale: float, hidden_scale: float, clip: float) -> dict[str, int]:
    """The numbers of `lstm_eval.h`; the cell's scale counts as the nearest power of two where its tanh is taken."""
    if not 0 < scale < math.inf:
        raise NotCovered("a cell without a scale")
    power = round_half_away(float(np.float32(math.log(scale)) * (np.float32(1) / np.float32(math.log(2)))))
    if not -15 <= power + 12 <= 14:
        raise NotCovered("a cell's scale that TFLM does not take")
    found = {"cell_limit": int(min(clip / scale, 2**15 - 1) if clip > 0 else 2**15)}
    found |= {"tanh_multiplier": 3 << max(power + 12, 0), "tanh_shift": max(-power - 12, 0)}
    reals = {"forget": GATE * scale / scale, "input": GATE * GATE / scale, "y": GATE * GATE / hidden_scale}
    for name, real in reals.items():
        multiplier, shift = quantize_multiplier(real)
        if (2**30 << max(shift, 0)) + 256 > INT32_MAX:
            raise NotCovered("products that may leave 32 bits")
        found |= {f"{name}_multiplier": multiplier, f"{name}_shift": shift}
    return found


def _sigmoid() -> Ints:
    """`sigmoid_table_uint16` less 2^15: the curve, raised by half of what a chord of it between entries falls short."""
    curve = 65536 / (1 + np.exp(-np.arange(-1, 257) / 24))
    raised = curve[1:-1] - (curve[2:] - 2 * curve[1:-1] + curve[:-2]) / 16
    return ints([*(round_half_away(float(value)) - 2**15 for value in raised[:255]), 2**15 - 1])
