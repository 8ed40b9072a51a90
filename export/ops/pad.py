"""PAD and PADV2: the output is filled with one value, then the input is copied to its place in it."""

from __future__ import annotations

from tinyproof.export.graph import Graph, Op
from tinyproof.export.ops import operands
from tinyproof.export.ops.copy import View, copy, fill, whole
from tinyproof.export.ops.kind import Call, OpKind, no_macs
from tinyproof.export.ops.lookup import parse_nothing
from tinyproof.export.ops.loops import strides

MAX_RANK = 5  # TFLM's
LARGEST = 65535


def lower(graph: Graph, op: Op) -> tuple[Call, ...]:
    """Inputs (x, paddings) and, of PADV2, the value; PAD takes the output's zero point, the real number zero."""
    operands.check_arity(graph, op, inputs=(2, 3))
    x = operands.computed(graph, op, op.inputs[0])
    y = operands.computed(graph, op, op.outputs[0])
    paddings = operands.integers(graph, op, op.inputs[1], 0, LARGEST)
    before, after = paddings[::2], paddings[1::2]
    if len(paddings) != 2 * len(x.shape) or len(x.shape) > MAX_RANK:
        raise graph.refusal(op, f"its paddings {paddings} are not those of {x.shape}; export the model again")
    if y.shape != tuple(sum(sizes) for sizes in zip(before, x.shape, after, strict=True)):
        raise graph.refusal(op, f"its paddings {paddings} do not turn {x.shape} into {y.shape}; export the model again")
    value = y.zero_point if len(op.inputs) == 2 else _value(graph, op, op.inputs[2])
    if not any(paddings):
        return ()
    start = sum(size * step for size, step in zip(before, strides(y.shape), strict=True))
    return (
        fill(op, op.outputs[0], value, graph.tensors[op.outputs[0]].size),
        copy(graph, op, op.inputs[0], op.outputs[0], x.shape, whole(x.shape), View(start, strides(y.shape))),
    )


def _value(graph: Graph, op: Op, tensor_index: int) -> int:
    value = graph.tensors[tensor_index]
    y = operands.computed(graph, op, op.outputs[0])
    if value.data is None or value.dtype != "int8" or value.size != 1:
        raise graph.refusal(op, f"it pads with '{value.name}', which is not one int8 constant; export the model again")
    quantization = value.quantization
    same = quantization and (quantization.scale[0], quantization.zero_point[0]) == (y.scale, y.zero_point)
    if not same:
        raise graph.refusal(op, "its value and its output are quantized differently; export the model again")
    return int(value.data.reshape(-1)[0])


PAD, PADV2 = (OpKind(name, name.upper(), 0, parse_nothing, lower, no_macs) for name in ("pad", "padv2"))
