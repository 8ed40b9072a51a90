"""STRIDED_SLICE and SLICE with constant bounds: a copy of some elements."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import tflite

from tinyproof.export.graph import Graph, Op, OpOptions
from tinyproof.export.ops import operands
from tinyproof.export.ops.copy import View, copy, is_plain, whole
from tinyproof.export.ops.kind import Call, OpKind, no_macs
from tinyproof.export.ops.lookup import parse_nothing
from tinyproof.export.ops.loops import strides

INT32 = (-(2**31), 2**31 - 1)
MAX_RANK = {"STRIDED_SLICE": 4, "SLICE": 5}  # TFLM's


@dataclass(frozen=True)
class StridedSliceOptions(OpOptions):
    """As in the file: bit k of a mask is about axis k."""

    begin_mask: int  # from the first element on, whatever begin says
    end_mask: int  # up to the last, whatever end says
    shrink_axis_mask: int  # one element, and the axis goes
    other_masks: int
    ends_at_offset: bool  # end counts from begin


def parse_strided_slice(table: Any) -> StridedSliceOptions:
    """The options out of the flatbuffer."""
    options = tflite.StridedSliceOptions()
    options.Init(table.Bytes, table.Pos)
    return StridedSliceOptions(
        options.BeginMask(),
        options.EndMask(),
        options.ShrinkAxisMask(),
        options.EllipsisMask() | options.NewAxisMask(),
        bool(options.Offset()),
    )


def ranges_of(graph: Graph, op: Op, shape: tuple[int, ...], bounds: list[list[int]]) -> list[range]:
    """The elements a STRIDED_SLICE takes along each axis; `bounds` are begin, end and stride along each."""
    options = op.options
    assert isinstance(options, StridedSliceOptions)
    if options.other_masks:
        raise graph.refusal(op, "it inserts axes, which TFLM does not do; reshape in a layer of its own")
    if options.ends_at_offset:
        raise graph.refusal(op, "its end counts from its begin, which TFLM ignores; slice with plain bounds")
    if any(len(bound) != len(shape) for bound in bounds) or 0 in bounds[2]:
        raise graph.refusal(op, f"its bounds {bounds} are not those of {shape}; export the model again")
    found = []
    for axis, (size, begin, end, stride) in enumerate(zip(shape, *bounds, strict=True)):
        bit = 1 << axis
        if options.shrink_axis_mask & bit:
            begin = 0 if options.begin_mask & bit else begin + size * (begin < 0)
            found.append(range(begin, begin + 1))
        else:
            first = None if options.begin_mask & bit else begin
            last = None if options.end_mask & bit else end
            found.append(range(*slice(first, last, stride).indices(size)))
    return found


def lower_strided_slice(graph: Graph, op: Op) -> tuple[Call, ...]:
    """Inputs (x, begin, end, strides)."""
    operands.check_arity(graph, op, inputs=(4,))
    x = operands.computed(graph, op, op.inputs[0])
    operands.check_rank(graph, op, x.shape, MAX_RANK[op.name])
    bounds = [operands.integers(graph, op, index, *INT32) for index in op.inputs[1:]]
    return _taken(graph, op, x.shape, ranges_of(graph, op, x.shape, bounds))


def lower_slice(graph: Graph, op: Op) -> tuple[Call, ...]:
    """Inputs (x, begin, size); a size of -1 takes the rest."""
    operands.check_arity(graph, op, inputs=(3,))
    x = operands.computed(graph, op, op.inputs[0])
    operands.check_rank(graph, op, x.shape, MAX_RANK[op.name])
    begins, sizes = (operands.integers(graph, op, index, *INT32) for index in op.inputs[1:])
    if len(begins) != len(x.shape) or len(sizes) != len(x.shape):
        raise graph.refusal(op, f"its bounds {begins}, {sizes} are not those of {x.shape}; export the model again")
    ends = [n if size == -1 else begin + size for n, begin, size in zip(x.shape, begins, sizes, strict=True)]
    return _taken(graph, op, x.shape, [range(begin, end) for begin, end in zip(begins, ends, strict=True)])


def _taken(graph: Graph, op: Op, shape: tuple[int, ...], taken: list[range]) -> tuple[Call, ...]:
    """Copy these elements of x."""
    y = graph.tensors[op.outputs[0]]
    operands.computed(graph, op, y.index)
    counts = [len(r) for r in taken]
    inside = all(0 <= end < size for r, size in zip(taken, shape, strict=True) if r for end in (r[0], r[-1]))
    if not inside or [n for n in counts if n != 1] != [n for n in y.shape if n != 1]:
        raise graph.refusal(op, f"it takes {counts} of {shape}, not {y.shape}; export the model again")
    steps = strides(shape)
    start = sum(r.start * step for r, step in zip(taken, steps, strict=True))
    source = View(start, [r.step * step for r, step in zip(taken, steps, strict=True)])
    call = copy(graph, op, op.inputs[0], y.index, counts, source, whole(tuple(counts)))
    return () if is_plain(call, graph.tensors[op.inputs[0]].size) else (call,)


STRIDED_SLICE = OpKind(
    "strided_slice",
    "STRIDED_SLICE",
    tflite.BuiltinOptions.StridedSliceOptions,
    parse_strided_slice,
    lower_strided_slice,
    no_macs,
)
SLICE = OpKind("slice", "SLICE", 0, parse_nothing, lower_slice, no_macs)
