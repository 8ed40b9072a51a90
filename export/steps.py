"""What the compiled engine's program looks like from outside: a line of `model.json` for every tensor that it computes.

The order is that of the program, which is the order in which a device tells of its tensors when it is traced. The host
finds a differing kernel by these lines, and draws the memory map from them.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence

from tinyproof.export.graph import Graph
from tinyproof.export.layout import Buffer, Place
from tinyproof.export.ops import macs_of
from tinyproof.export.program import Program, Step
from tinyproof.manifest import StepInfo


def describe_steps(program: Program, plain: Mapping[str, str]) -> tuple[StepInfo, ...]:
    """One StepInfo for each tensor; the kernels that lead to it, if several, are in its `kernels`.

    plain: by the names of calls that no fast kernel computes, why not.
    """
    groups = list(_groups(program))
    columns = _columns(groups)
    root = roots(program.graph, {op.index for step in program.steps for op in step.ops})
    return tuple(_describe(program, group, columns, root, plain) for group in groups)


def _groups(program: Program) -> Iterator[list[tuple[int, Step]]]:
    """The steps that lead to each tensor, with their places."""
    group: list[tuple[int, Step]] = []
    for place, step in enumerate(program.steps):
        group.append((place, step))
        if step.finishes_y:
            yield group
            group = []


def _kernels(group: Sequence[tuple[int, Step]]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(step.kernel.name for _, step in group))


def _columns(groups: Sequence[Sequence[tuple[int, Step]]]) -> dict[int, int]:
    """For the place of each step, how many kernels there were before: a kernel counts once for each tensor."""
    columns: dict[int, int] = {}
    start = 0
    for group in groups:
        kernels = _kernels(group)
        columns |= {place: start + kernels.index(step.kernel.name) for place, step in group}
        start += len(kernels)
    return columns


def roots(graph: Graph, computed: Collection[int]) -> dict[int, int]:
    """For every tensor, the one whose bytes it is: an op that is not `computed` passes its first input on."""
    root = {tensor.index: tensor.index for tensor in graph.tensors}
    for op in graph.ops:
        if op.index not in computed and op.inputs:
            root.update(dict.fromkeys(op.outputs, root[op.inputs[0]]))
    return root


def _describe(
    program: Program,
    group: Sequence[tuple[int, Step]],
    columns: Mapping[int, int],
    root: dict[int, int],
    plain: Mapping[str, str],
) -> StepInfo:
    graph, (place, step), calls = program.graph, group[-1], [step for _, step in group]
    ops = {op.index: op for call in calls for op in call.ops}
    own = {call.y.index for call in calls}
    written = next(first for first, other in enumerate(program.steps) if other.y.index == step.y.index)
    start, end = _scratch(calls)
    return StepInfo(
        name=_name(calls),
        kernels=_kernels(group),
        ops=tuple(ops),
        label=graph.label(list(ops.values())[-1]),
        inputs=tuple(
            dict.fromkeys(
                root[x.index] for call in calls for x in call.xs if x.data is None and root[x.index] not in own
            )
        ),
        tensor=step.y.index,
        shape=step.y.shape,
        macs=macs_of(graph, ops.values()),
        place=step.y_buffer.place.value,
        offset=step.y_buffer.offset,
        size_bytes=step.y.size,
        needed_from=columns[written],
        needed_to=columns[_last_read(program, step.y_buffer, place)],
        scratch_offset=start,
        scratch_bytes=end - start,
        plain="; ".join(dict.fromkeys(plain[call.name] for call in calls if call.name in plain)),
    )


def _name(calls: Sequence[Step]) -> str:
    """That of the first call, or from which op to which layers go in bands."""
    first, last = calls[0], calls[-1]
    return f"{first.name.rpartition('_')[0]}-{last.ops[-1].index}" if first.parts else first.name


def _scratch(calls: Sequence[Step]) -> tuple[int, int]:
    """Where in the arena there is what only these calls need: from the first byte to that behind the last."""
    scratch = [call.scratch for call in calls if call.scratch]
    rows = [call.y_buffer for call in calls if call.y.index != calls[-1].y.index]
    ends = [(buffer.offset, buffer.offset + buffer.size_bytes) for buffer in (*scratch, *rows)]
    return min((first for first, _ in ends), default=0), max((last for _, last in ends), default=0)


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
