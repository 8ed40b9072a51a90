"""CONCATENATION and PACK: every input is copied to its place in the output."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import tflite

from tinyproof.export.graph import Activation, Graph, Op, OpOptions
from tinyproof.export.ops import operands
from tinyproof.export.ops.copy import View, copy, whole
from tinyproof.export.ops.enums import parse_activation
from tinyproof.export.ops.kind import Call, OpKind, no_macs
from tinyproof.export.ops.loops import strides

MAX_INPUTS = 10  # TFLM's
MAX_RANK = 6  # TFLM's, of a CONCATENATION


@dataclass(frozen=True)
class ConcatenationOptions(OpOptions):
    """As in the file; PACK has no activation."""

    axis: int
    activation: Activation = Activation.NONE


def parse_concatenation(table: Any) -> ConcatenationOptions:
    """The options out of the flatbuffer."""
    options = tflite.ConcatenationOptions()
    options.Init(table.Bytes, table.Pos)
    return ConcatenationOptions(options.Axis(), parse_activation(options.FusedActivationFunction()))


def parse_pack(table: Any) -> ConcatenationOptions:
    """The options out of the flatbuffer."""
    options = tflite.PackOptions()
    options.Init(table.Bytes, table.Pos)
    return ConcatenationOptions(options.Axis())


def lower(graph: Graph, op: Op) -> tuple[Call, ...]:
    """A copy for each input. TFLM compares the quantization of what it concatenates, not of what it packs."""
    options = op.options
    assert isinstance(options, ConcatenationOptions)
    if len(op.inputs) > MAX_INPUTS:
        why = f"it joins {len(op.inputs)} tensors, and TFLM {MAX_INPUTS} at most"
        raise graph.refusal(op, f"{why}; join them in groups of {MAX_INPUTS}, and then the groups")
    operands.check_arity(graph, op, inputs=tuple(range(1, MAX_INPUTS + 1)))
    y = operands.computed(graph, op, op.outputs[0])
    xs = [operands.values(graph, op, index) for index in op.inputs]
    axis = operands.axis(graph, op, options.axis, len(y.shape))
    if op.name == "CONCATENATION":
        operands.check_rank(graph, op, y.shape, MAX_RANK)
    if options.activation is not Activation.NONE:
        raise graph.refusal(op, "TFLM concatenates without an activation; make the activation a layer of its own")
    if op.name == "CONCATENATION" and any((x.scale, x.zero_point) != (y.scale, y.zero_point) for x in xs):
        raise graph.refusal(op, "its inputs and its output are quantized differently, which TFLM refuses")
    shapes = [x.shape if op.name == "CONCATENATION" else (*x.shape[:axis], 1, *x.shape[axis:]) for x in xs]
    sizes = [shape[axis] if len(shape) == len(y.shape) else 0 for shape in shapes]
    if any(shape != (*y.shape[:axis], size, *y.shape[axis + 1 :]) for shape, size in zip(shapes, sizes, strict=True)):
        raise graph.refusal(op, f"it does not turn {[x.shape for x in xs]} into {y.shape}; export the model again")
    if sum(sizes) != y.shape[axis]:
        raise graph.refusal(op, f"{sizes} do not make {y.shape[axis]} along axis {axis}; export the model again")
    step = strides(y.shape)[axis]
    return tuple(
        copy(graph, op, x, op.outputs[0], shape, whole(shape), View(sum(sizes[:k]) * step, strides(y.shape)))
        for k, (x, shape) in enumerate(zip(op.inputs, shapes, strict=True))
    )


CONCATENATION = OpKind(
    "concatenation",
    "CONCATENATION",
    tflite.BuiltinOptions.ConcatenationOptions,
    parse_concatenation,
    lower,
    no_macs,
)
PACK = OpKind("pack", "PACK", tflite.BuiltinOptions.PackOptions, parse_pack, lower, no_macs)
