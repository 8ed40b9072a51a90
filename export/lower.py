"""From a Graph to a Program: which kernels to call, with which constants, on which bytes of the arena.

Lowering may change how a model is computed, never what: the Program's output bytes are TFLM's. What the compiled engine
cannot do that way is refused here, by name and place.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum

from export.graph import ABSENT, Graph, Op, Tensor
from export.memory_plan import Lifetime, plan_memory
from export.ops import BY_TFLITE_NAME, OPS, OpKind
from export.ops.kind import Params
from host.console import UserError


class Place(Enum):
    """Whose memory a buffer is."""

    INPUT = "input"  # the caller's, read only
    OUTPUT = "output"  # the caller's
    ARENA = "arena"


@dataclass(frozen=True)
class Buffer:
    """Bytes that one step writes and later ones read; tensors that are reshapes of each other share one."""

    place: Place
    size_bytes: int
    offset: int  # within the arena; 0 elsewhere


@dataclass(frozen=True, eq=False)
class Step:
    """One kernel call: buffer y = kernel(buffer x, params), with a buffer for scratch where the kernel takes one."""

    name: str  # unique: "conv2d_0", numbered as the ops of the graph
    kind: OpKind
    op: Op
    x: Tensor
    y: Tensor
    x_buffer: Buffer
    y_buffer: Buffer
    scratch: Buffer | None
    params: Params


@dataclass(frozen=True, eq=False)
class Program:
    """A model ready to be emitted. One input, one output, both int8, read and written in the caller's memory."""

    graph: Graph
    input: Tensor
    output: Tensor
    steps: tuple[Step, ...]
    arena_bytes: int

    @property
    def macs(self) -> int:
        """Multiply-accumulates of one inference."""
        return sum(step.kind.macs(self.graph, step.op) for step in self.steps)


@dataclass(frozen=True)
class _Layout:
    """Where everything lies: root tensors by their index, scratch by the index of its op."""

    tensors: dict[int, Buffer]
    scratch: dict[int, Buffer]
    arena_bytes: int


def lower(graph: Graph) -> Program:
    """The Program of a Graph. UserError for a model that the compiled engine does not run exactly."""
    source, sink = _check_ends(graph)
    kinds = [_kind(graph, op) for op in graph.ops]
    params = [kind.fold(graph, op) for kind, op in zip(kinds, graph.ops, strict=True)]
    _check_order(graph, source)
    root = _aliases(graph, kinds)
    if root[source.index] == root[sink.index]:
        raise UserError(f"{graph.source}: the model computes nothing, its output is its input; export another model.")
    lifetimes = _lifetimes(graph, kinds, root)
    layout = _lay_out(lifetimes, _scratch(graph, kinds, params), source, graph.tensors[root[sink.index]])
    steps = tuple(
        Step(
            name=f"{kind.name}_{op.index}",
            kind=kind,
            op=op,
            x=graph.tensors[op.inputs[0]],
            y=graph.tensors[op.outputs[0]],
            x_buffer=layout.tensors[root[op.inputs[0]]],
            y_buffer=layout.tensors[root[op.outputs[0]]],
            scratch=layout.scratch.get(op.index),
            params=folded,
        )
        for kind, op, folded in zip(kinds, graph.ops, params, strict=True)
        if not kind.is_alias
    )
    return Program(graph, source, sink, steps, layout.arena_bytes)


def _check_ends(graph: Graph) -> tuple[Tensor, Tensor]:
    """The one input and the one output tensor."""
    if len(graph.inputs) != 1 or len(graph.outputs) != 1 or ABSENT in graph.inputs + graph.outputs:
        raise UserError(
            f"{graph.source} has {len(graph.inputs)} inputs and {len(graph.outputs)} outputs; "
            "the compiled engine runs models with one of each."
        )
    ends = graph.tensors[graph.inputs[0]], graph.tensors[graph.outputs[0]]
    for tensor, what in zip(ends, ("input", "output"), strict=True):
        if tensor.dtype != "int8":
            raise UserError(
                f"{graph.source}: the {what} '{tensor.name}' is {tensor.dtype}, not int8; convert with full-integer "
                "quantization (a representative data set, TFLITE_BUILTINS_INT8, inference_input_type and "
                "inference_output_type tf.int8), which is what `python -m export quantize` does."
            )
    if ends[1].data is not None:
        raise UserError(f"{graph.source}: the model's output is a constant; export another model.")
    return ends


def _kind(graph: Graph, op: Op) -> OpKind:
    kind = BY_TFLITE_NAME.get(op.name)
    if kind is None:
        supported = ", ".join(known.tflite_name for known in OPS)
        raise graph.refusal(op, f"the compiled engine does not run {op.name}; it runs {supported}; change the layer")
    if kind.options_type and op.options is None:
        raise graph.refusal(op, "its options are missing; export the model again")
    return kind


def _check_order(graph: Graph, source: Tensor) -> None:
    """Every operand is the input, a constant or computed by an earlier op, and nothing is computed twice."""
    known = {source.index} | {tensor.index for tensor in graph.tensors if tensor.data is not None} | {ABSENT}
    for op in graph.ops:
        if not known.issuperset(op.inputs) or not known.isdisjoint(op.outputs):
            why = "it reads what no earlier op computes, or computes a tensor again; export the model again"
            raise graph.refusal(op, why)
        known.update(op.outputs)
    if not known.issuperset(graph.outputs):
        raise UserError(f"{graph.source}: no op computes the model's output; export the model again.")


def _aliases(graph: Graph, kinds: list[OpKind]) -> dict[int, int]:
    """For every computed tensor, the tensor whose bytes it is."""
    root = {index: index for index in (*graph.inputs, *(index for op in graph.ops for index in op.outputs))}
    for kind, op in zip(kinds, graph.ops, strict=True):
        if kind.is_alias:
            root[op.outputs[0]] = root[op.inputs[0]]
    return root


def _lifetimes(graph: Graph, kinds: list[OpKind], root: dict[int, int]) -> dict[int, Lifetime]:
    """From which op to which every root tensor computed by an op is needed."""
    lifetimes: dict[int, Lifetime] = {}
    for kind, op in zip(kinds, graph.ops, strict=True):
        if kind.is_alias:
            continue
        x, y = root[op.inputs[0]], root[op.outputs[0]]
        lifetimes[y] = Lifetime(graph.tensors[y].size, op.index, op.index)
        if x in lifetimes:
            lifetimes[x] = replace(lifetimes[x], last=op.index)
    return lifetimes


def _scratch(graph: Graph, kinds: list[OpKind], params: list[Params]) -> dict[int, Lifetime]:
    """The scratch memory of every op whose kernel takes some, by the op's index."""
    return {
        op.index: Lifetime(kind.scratch_bytes(folded), op.index, op.index)
        for kind, op, folded in zip(kinds, graph.ops, params, strict=True)
        if kind.scratch_bytes is not None
    }


def _lay_out(
    lifetimes: dict[int, Lifetime], scratch: dict[int, Lifetime], source: Tensor, sink_root: Tensor
) -> _Layout:
    """Places for everything: input and output in the caller's memory, the rest in the arena."""
    in_arena = [index for index in lifetimes if index != sink_root.index]
    asked = [lifetimes[index] for index in in_arena] + list(scratch.values())
    plan = plan_memory(asked)
    placed = [Buffer(Place.ARENA, life.size, at) for life, at in zip(asked, plan.offsets, strict=True)]
    tensors = dict(zip(in_arena, placed, strict=False))
    tensors[source.index] = Buffer(Place.INPUT, source.size, 0)
    tensors[sink_root.index] = Buffer(Place.OUTPUT, sink_root.size, 0)
    return _Layout(tensors, dict(zip(scratch, placed[len(in_arena) :], strict=True)), plan.arena_bytes)
