"""From a Graph to a Program: which kernels to call, with which constants, on which bytes of the arena.

Lowering may change how a model is computed, never what: the Program's output bytes are TFLM's. What the compiled engine
cannot do that way is refused here, by name and place.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from tinyproof.console import UserError
from tinyproof.cores import CORTEX_M4F, Core
from tinyproof.export.banding import with_bands
from tinyproof.export.byte_functions import with_lookups
from tinyproof.export.choose import choose_kernels, fastest
from tinyproof.export.dead_channels import Reduced, whole, without_dead_channels
from tinyproof.export.float_folding import fold_floats
from tinyproof.export.graph import ABSENT, Graph, Op, Tensor
from tinyproof.export.layout import arena_bytes, lay_out
from tinyproof.export.op_table import NEWEST_VERSIONS, cure
from tinyproof.export.ops import BY_TFLITE_NAME
from tinyproof.export.ops.copy import copy_all
from tinyproof.export.ops.floats import FLOATS, FUNCTIONS, FloatOptions, refuse_joining
from tinyproof.export.ops.kind import Call, Choice, OpKind
from tinyproof.export.ops.operands import QUANTIZE_CURE
from tinyproof.export.pads_in_windows import with_pads_in_windows
from tinyproof.export.placed_calls import placed_calls
from tinyproof.export.program import Program, Step
from tinyproof.export.shape_folding import fold_shapes
from tinyproof.export.unread_pixels import without_unread_pixels
from tinyproof.export.unseen_taps import without_unseen_taps
from tinyproof.optimize import Optimize

FLOAT_CURE = "use a layer that has one there, or end the model before it"


@dataclass(frozen=True, eq=False)
class Lowered:
    """A Graph as calls of plain kernels: what a model computes, before it is chosen how."""

    graph: Graph  # without its arithmetic on shapes, dead channels and unread pixels
    inputs: tuple[Tensor, ...]
    outputs: tuple[Tensor, ...]
    calls: tuple[Call, ...]
    root: dict[int, int]  # for every tensor, the one whose bytes it is
    reduced: Reduced  # what was left out

    def program(self, core: Core = CORTEX_M4F, optimize: Optimize = Optimize.BALANCED) -> Program:
        """The Program for a core; `optimize` says what its fast kernels may take."""
        return self.laid_out(self._together(self.choices(core, optimize), core, optimize))

    def call_by_call(self, core: Core) -> Program:
        """The Program of as many calls, so that every tensor is made, each by the first of the kernels that fit it."""
        return self.laid_out(tuple(fastest(call, core) for call in self.calls))

    def choices(self, core: Core = CORTEX_M4F, optimize: Optimize = Optimize.BALANCED) -> tuple[Choice, ...]:
        """Which kernel computes what."""
        return choose_kernels(
            self.graph,
            self.calls,
            core,
            optimize,
            arena_bytes=lambda choices: self._arena_bytes([choice.call for choice in choices]),
            least_bytes=lambda choices: self._arena_bytes(self._together(choices, core, optimize)),
        )

    def _together(self, choices: Sequence[Choice], core: Core, optimize: Optimize) -> tuple[Call, ...]:
        if not core.prices:
            return tuple(choice.call for choice in choices)
        return with_bands(self.graph, choices, self.root, core, optimize, self._arena_bytes)

    def _arena_bytes(self, calls: Sequence[Call]) -> int:
        return arena_bytes(self.graph, calls, self.root)

    def laid_out(self, calls: tuple[Call, ...]) -> Program:
        """The Program of these calls."""
        graph = self.graph
        layout = lay_out(graph, calls, self.root)
        placed = [
            each
            for place, call in enumerate(calls)
            for each in placed_calls(call, self.root, layout.tensors, layout.scratch.get(place))
        ]
        last = {each.call.y: place for place, each in enumerate(placed)}
        whole = {call.y for call in calls}
        steps = tuple(
            Step(
                name=name,
                kernel=each.call.kernel,
                ops=each.call.ops,
                xs=tuple(graph.tensors[x] for x in each.call.xs),
                y=graph.tensors[each.call.y],
                x_buffers=each.x_buffers,
                y_buffer=each.y_buffer,
                scratch=each.scratch,
                params=each.call.params,
                finishes_y=each.call.y in whole and last[each.call.y] == place,
                parts=each.parts,
                row=each.row,
            )
            for place, (name, each) in enumerate(zip(_names([each.call for each in placed]), placed, strict=True))
        )
        return Program(graph, self.inputs, self.outputs, steps, layout.arena_bytes)


def lower(graph: Graph, keep_dead: bool = False) -> Lowered:
    """Lower a model, whole if `keep_dead`. UserError for one that the compiled engine does not run exactly."""
    graph = fold_floats(fold_shapes(graph))
    _refuse_int16(graph)
    kinds = {op.index: _kind(graph, op) for op in graph.ops}
    check_ends(graph)

    def lowered_ops(graph: Graph) -> dict[int, tuple[Call, ...]]:
        return {op.index: kinds[op.index].lower(graph, op) for op in graph.ops}

    calls_of = lowered_ops(graph)
    _check_order(graph)
    if keep_dead:
        return _lowered(whole(graph), calls_of)
    reduced = without_dead_channels(graph, calls_of)
    calls_of = lowered_ops(reduced.graph) if reduced.graph is not graph else calls_of
    for smaller in (with_pads_in_windows, without_unread_pixels):
        before, reduced = reduced, smaller(reduced, calls_of)
        calls_of = lowered_ops(reduced.graph) if reduced is not before else calls_of
    return _lowered(reduced, calls_of)


def _lowered(reduced: Reduced, calls_of: dict[int, tuple[Call, ...]]) -> Lowered:
    graph = reduced.graph
    inputs, outputs = check_ends(graph)
    root = _roots(graph, calls_of)
    copies = _copies_to_outputs(graph, root)
    calls = tuple(call for op in graph.ops for call in (*calls_of[op.index], *copies.get(op.index, ())))
    simpler = tuple(map(without_unseen_taps, with_lookups(graph, calls, root)))
    refuse_joining(graph, simpler)
    return Lowered(graph, inputs, outputs, simpler, root, reduced)


def check_ends(graph: Graph) -> tuple[tuple[Tensor, ...], tuple[Tensor, ...]]:
    """The input and the output tensors, all int8. UserError for a model with others."""
    if not graph.inputs or not graph.outputs or ABSENT in graph.inputs + graph.outputs:
        raise UserError(f"{graph.source} has no inputs or no outputs; export the model again.")
    inputs, outputs = (tuple(graph.tensors[index] for index in ends) for ends in (graph.inputs, graph.outputs))
    read = {index for op in graph.ops for index in op.inputs}
    for what, tensor in [*(("input", x) for x in inputs), *(("output", y) for y in outputs)]:
        if tensor.data is not None:
            raise UserError(f"{graph.source}: the model's {what} is a constant, '{tensor.name}'; leave it out.")
        if tensor.dtype != "int8" and tensor.index not in (*graph.outputs, *read):
            raise UserError(
                f"{graph.source}: no op reads the input '{tensor.name}', so that the converter left it {tensor.dtype}; "
                "leave it out."
            )
        if tensor.dtype != "int8":
            raise UserError(
                f"{graph.source}: the {what} '{tensor.name}' is {tensor.dtype}, not int8; convert with full-integer "
                "quantization (a representative data set, TFLITE_BUILTINS_INT8, inference_input_type and "
                "inference_output_type tf.int8), which is what `tinyproof quantize` does."
            )
        if tensor.quantization is None or tensor.quantization.scale.size != 1:
            raise UserError(f"{graph.source}: the {what} '{tensor.name}' has no scale of its own; {QUANTIZE_CURE}.")
    return inputs, outputs


def _kind(graph: Graph, op: Op) -> OpKind:
    is_of_floats = isinstance(op.options, FloatOptions)  # whatever its name; their kinds differ in nothing else
    kind = FLOATS[0] if is_of_floats else BY_TFLITE_NAME.get(op.name)
    if op.name == "DEQUANTIZE":
        _refuse_float(graph, op)
    if kind is None:
        raise graph.refusal(op, f"the compiled engine does not run {op.name}; {cure(op.name)}")
    if kind.options_type and op.options is None:
        raise graph.refusal(op, "its options are missing; export the model again")
    refused_anyway = op.name in FUNCTIONS and not is_of_floats  # in words of its own
    if op.version > NEWEST_VERSIONS[op.name] and not refused_anyway:
        why = f"it has version {op.version} of its op, and {NEWEST_VERSIONS[op.name]} is the newest that is known here"
        raise graph.refusal(op, f"{why}; convert the model with TensorFlow 2.21 or an earlier one")
    return kind


def _refuse_float(graph: Graph, dequantize: Op) -> None:
    """Refuse the op that goes on in float32 behind a DEQUANTIZE, if there is one."""
    constant = next((x for x in dequantize.inputs[:1] if x != ABSENT and graph.tensors[x].data is not None), ABSENT)
    for reader in graph.ops:
        if dequantize.outputs and dequantize.outputs[0] in reader.inputs:
            if constant != ABSENT:
                kept = f"it computes in float32, with weights that are kept as {graph.tensors[constant].dtype}"
                raise graph.refusal(reader, f"{kept}; {QUANTIZE_CURE}")
            raise graph.refusal(reader, f"the converter left it in float32, for want of an int8 form; {FLOAT_CURE}")


def _refuse_int16(graph: Graph) -> None:
    for op in graph.ops:
        if any(index != ABSENT and graph.tensors[index].dtype == "int16" for index in op.outputs):
            why = "its result is int16, and the engine computes int8; convert with tf.lite.OpsSet.TFLITE_BUILTINS_INT8"
            raise graph.refusal(op, f"{why}, not EXPERIMENTAL_TFLITE_BUILTINS_ACTIVATIONS_INT16_WEIGHTS_INT8")


def _check_order(graph: Graph) -> None:
    """Every operand is an input, a constant, a state or computed by an earlier op, and nothing is computed twice."""
    there = (tensor.index for tensor in graph.tensors if tensor.data is not None or tensor.is_variable)
    known = {*graph.inputs, *there, ABSENT}
    for op in graph.ops:
        if not known.issuperset(op.inputs) or not known.isdisjoint(op.outputs):
            why = "it reads what no earlier op computes, or computes a tensor again; export the model again"
            raise graph.refusal(op, why)
        known.update(op.outputs)
    if not known.issuperset(graph.outputs):
        raise UserError(f"{graph.source}: no op computes the model's output; export the model again.")


def _roots(graph: Graph, calls_of: dict[int, tuple[Call, ...]]) -> dict[int, int]:
    """For every tensor, the one whose bytes it is: of an op without a call, what its first input is."""
    root = {tensor.index: tensor.index for tensor in graph.tensors}
    for op in graph.ops:
        if not calls_of[op.index]:
            root.update(dict.fromkeys(op.outputs, root[op.inputs[0]]))
    return root


def _copies_to_outputs(graph: Graph, root: dict[int, int]) -> dict[int, list[Call]]:
    """By op the copies of outputs that only rename bytes lying elsewhere: an input's, a constant's, another output's.

    Such an output becomes a root of its own, which later ops may read: so the copy belongs to the op that renames.
    """
    twice = next((index for index, count in Counter(graph.inputs + graph.outputs).items() if count > 1), None)
    if twice is not None:
        what = f"'{graph.tensors[twice].name}' is more than one of its inputs and outputs"
        raise UserError(f"{graph.source}: {what}; export it otherwise.")
    maker = {index: op for op in graph.ops for index in op.outputs}
    taken = {*graph.inputs, *(tensor.index for tensor in graph.tensors if tensor.data is not None)}
    copies: dict[int, list[Call]] = {}
    for index in sorted(graph.outputs, key=lambda index: root[index] != index):
        if root[index] in taken:
            copy = copy_all(graph, maker[index], root[index], index)
            copies.setdefault(maker[index].index, []).append(copy)
            root[index] = index
        taken.add(root[index])
    return copies


def _names(calls: Sequence[Call]) -> list[str]:
    """A name for each call: that of its first op, and a number more where this op takes several."""
    total = Counter(call.ops[0].index for call in calls)
    seen: Counter[int] = Counter()
    names = []
    for call in calls:
        op = call.ops[0]
        part = f"_{seen[op.index]}" if total[op.index] > 1 else ""
        seen[op.index] += 1
        names.append(f"{BY_TFLITE_NAME[op.name].name}_{op.index}{part}")
    return names
