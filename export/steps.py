"""What the compiled engine's program looks like from outside: a line of `model.json` for every tensor that it computes.

The order is that of the program, which is the order in which a device tells of its tensors when it is traced. The host
finds a differing kernel by these lines, and draws the memory map from them.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

from tinyproof.export.graph import Graph
from tinyproof.export.layout import Buffer, Place
from tinyproof.export.ops import macs_of
from tinyproof.export.program import Program, Step
from tinyproof.manifest import StepInfo


def describe_steps(program: Program, plain: Mapping[str, str]) -> tuple[StepInfo, ...]:
    """One StepInfo for each tensor; the calls that lead to it, if several, are in its `kernels`.

    plain: by the names of calls that no fast kernel computes, why not.
    """
    described = []
    calls: list[Step] = []
    root = roots(program.graph, {op.index for step in program.steps for op in step.ops})
    for place, step in enumerate(program.steps):
        calls.append(step)
        if step.finishes_y:
            described.append(_describe(program, calls, place, root, plain))
            calls = []
    return tuple(described)


def roots(graph: Graph, computed: Collection[int]) -> dict[int, int]:
    """For every tensor, the one whose bytes it is: an op that is not `computed` passes its first input on."""
    root = {tensor.index: tensor.index for tensor in graph.tensors}
    for op in graph.ops:
        if op.index not in computed and op.inputs:
            root.update(dict.fromkeys(op.outputs, root[op.inputs[0]]))
    return root


def _describe(
    program: Program, calls: list[Step], place: int, root: dict[int, int], plain: Mapping[str, str]
) -> StepInfo:
    graph, step = program.graph, calls[-1]
    ops = {op.index: op for call in calls for op in call.ops}
    scratch = [call.scratch for call in calls if call.scratch]
    written = next(first for first, other in enumerate(program.steps) if other.y.index == step.y.index)
    return StepInfo(
        name=calls[0].name,
        kernels=tuple(call.kernel.name for call in calls),
        ops=tuple(ops),
        label=graph.label(list(ops.values())[-1]),
        inputs=tuple(dict.fromkeys(root[x.index] for call in calls for x in call.xs if x.data is None)),
        tensor=step.y.index,
        shape=step.y.shape,
        macs=macs_of(graph, ops.values()),
        place=step.y_buffer.place.value,
        offset=step.y_buffer.offset,
        size_bytes=step.y.size,
        needed_from=written,
        needed_to=_last_read(program, step.y_buffer, place),
        scratch_offset=min((buffer.offset for buffer in scratch), default=0),
        scratch_bytes=max((buffer.size_bytes for buffer in scratch), default=0),
        plain="; ".join(plain[call.name] for call in calls if call.name in plain),
    )


def _last_read(program: Program, buffer: Buffer, written: int) -> int:
    """The last step that reads the buffer before another tensor is written to the same place."""
    read = written
    for place in range(written + 1, len(program.steps)):
        step = program.steps[place]
        if buffer in step.x_buffers:
            read = place
        if step.y_buffer == buffer and buffer.place is Place.ARENA:
            break
    return len(program.steps) - 1 if buffer.place is Place.OUTPUT else read
