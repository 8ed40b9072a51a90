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
from export.ops.fast import Call, choose_kernels
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
    ops: tuple[Op, ...]  # what it computes, one after the other
    x: Tensor
    y: Tensor
    x_buffer: Buffer
    y_buffer: Buffer
    scratch: Buffer | None
    params: Params

    @property
    def op(self) -> Op:
        """The first op it computes: the one with the multiplications and the constants."""
        return self.ops[0]


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
    """Where everything lies: root tensors by their index, scratch by the place of its call."""

    tensors: dict[int, Buffer]
    scratch: dict[int, Buffer]
    arena_bytes: int


def lower(graph: Graph, fast: bool = True) -> Program:
    """The Program of a Graph. UserError for a model that the compiled engine does not run exactly.

    `fast` False: one call of a plain kernel for each op, which is what the fast ones are held against.
    """
    source, sink = check_ends(graph)
    kinds = [_kind(graph, op) for op in graph.ops]
    params = [kind.fold(graph, op) for kind, op in zip(kinds, graph.ops, strict=True)]
    _check_order(graph, source)
    root = _aliases(graph, kinds)
    if root[source.index] == root[sink.index]:
        raise UserError(f"{graph.source}: the model computes nothing, its output is its input; export another model.")
    calls = tuple(
        Call(kind, (op,), op.inputs[0], op.outputs[0], folded)
        for kind, op, folded in zip(kinds, graph.ops, params, strict=True)
    )
    if fast:
        calls = choose_kernels(graph, calls)
    calls = tuple(call for call in calls if not call.kind.is_alias)
    lifetimes = _lifetimes(graph, calls, root)
    over = _overwriting(calls, root, lifetimes)
    layout = _lay_out(lifetimes, over, _scratch(calls), source, graph.tensors[root[sink.index]])
    steps = tuple(
        Step(
            name=f"{BY_TFLITE_NAME[call.ops[0].name].name}_{call.ops[0].index}",
            kind=call.kind,
            ops=call.ops,
            x=graph.tensors[call.x],
            y=graph.tensors[call.y],
            x_buffer=layout.tensors[root[call.x]],
            y_buffer=layout.tensors[root[call.y]],
            scratch=layout.scratch.get(place),
            params=call.params,
        )
        for place, call in enumerate(calls)
    )
    return Program(graph, source, sink, steps, layout.arena_bytes)


def check_ends(graph: Graph) -> tuple[Tensor, Tensor]:
    """The one input and the one output tensor, both int8. UserError for a model with others."""
    if len(graph.inputs) != 1 or len(graph.outputs) != 1 or ABSENT in graph.inputs + graph.outputs:
        raise UserError(
            f"{graph.source} has {len(graph.inputs)} inputs and {len(graph.outputs)} outputs; "
            "models with one of each can be exported."
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


def _lifetimes(graph: Graph, calls: tuple[Call, ...], root: dict[int, int]) -> dict[int, Lifetime]:
    """From which call to which every root tensor computed by one is needed."""
    lifetimes: dict[int, Lifetime] = {}
    for place, call in enumerate(calls):
        x, y = root[call.x], root[call.y]
        lifetimes[y] = Lifetime(graph.tensors[y].size, place, place)
        if x in lifetimes:
            lifetimes[x] = replace(lifetimes[x], last=place)
    return lifetimes


def _scratch(calls: tuple[Call, ...]) -> dict[int, Lifetime]:
    """The scratch memory of every call whose kernel takes some, by the call's place."""
    return {
        place: Lifetime(call.kind.scratch_bytes(call.params), place, place)
        for place, call in enumerate(calls)
        if call.kind.scratch_bytes is not None
    }


def _overwriting(
    calls: tuple[Call, ...], root: dict[int, int], lifetimes: dict[int, Lifetime]
) -> dict[int, tuple[int, int]]:
    """The root tensors that may overwrite another, which one, and how far before it they must begin."""
    found: dict[int, tuple[int, int]] = {}
    for place, call in enumerate(calls):
        x, y = root[call.x], root[call.y]
        if call.kind.lead_bytes and x in lifetimes and lifetimes[x].last == place:
            found[y] = x, call.kind.lead_bytes(call.params)
    return found


def _lay_out(
    lifetimes: dict[int, Lifetime],
    over: dict[int, tuple[int, int]],
    scratch: dict[int, Lifetime],
    source: Tensor,
    sink_root: Tensor,
) -> _Layout:
    """Places for everything: input and output in the caller's memory, the rest in the arena."""
    in_arena = [index for index in lifetimes if index != sink_root.index]
    asked = [lifetimes[index] for index in in_arena]
    for y, (x, lead) in over.items():
        if y in in_arena:
            asked[in_arena.index(y)] = replace(lifetimes[y], ahead_of=in_arena.index(x), lead=lead)
    asked += scratch.values()
    plan = plan_memory(asked)
    placed = [Buffer(Place.ARENA, life.size, at) for life, at in zip(asked, plan.offsets, strict=True)]
    tensors = dict(zip(in_arena, placed, strict=False))
    tensors[source.index] = Buffer(Place.INPUT, source.size, 0)
    tensors[sink_root.index] = Buffer(Place.OUTPUT, sink_root.size, 0)
    return _Layout(tensors, dict(zip(scratch, placed[len(in_arena) :], strict=True)), plan.arena_bytes)
