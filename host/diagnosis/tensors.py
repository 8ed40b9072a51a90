"""What an engine computes on the way to its output, tensor by tensor, in the order in which a device tells of it."""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy
from dataclasses import dataclass, replace

import numpy as np

from tinyproof.console import UserError
from tinyproof.export.dead_channels import Reduced, whole
from tinyproof.export.graph import ABSENT, Graph
from tinyproof.export.lower import lower
from tinyproof.export.ops import BY_TFLITE_NAME
from tinyproof.export.steps import roots
from tinyproof.export.tflite_reader import read_graph
from tinyproof.host.interpreters import TensorKeeper, tensor_keeper
from tinyproof.manifest import TFLITE_FILE, Manifest, StepInfo
from tinyproof.protocol import HelloReply

COMPILED = "compiled"


class Reference:
    """The golden's tensors, for one sample at a time.

    `graph` has every op of the model in its place, and `reduced` says of which tensors it has a part alone.
    """

    def __init__(self, tflite: bytes) -> None:
        self.graph = read_graph(tflite, TFLITE_FILE)
        self.reduced: Reduced = whole(self.graph)
        self._keeper: TensorKeeper = tensor_keeper(tflite)

    def as_computed_by(self, engine: str) -> Reference:
        """The same for an engine: the compiled one leaves out what is dead."""
        if engine != COMPILED:
            return self
        try:
            reduced = lower(self.graph).reduced
        except UserError:  # whatever it runs, it is not this model
            return self
        rest = copy(self)
        layers = {op.index: op for op in reduced.graph.ops}
        ops = tuple(layers.get(op.index, op) for op in self.graph.ops)
        rest.graph, rest.reduced = replace(self.graph, tensors=reduced.graph.tensors, ops=ops), reduced
        return rest

    def run(self, data: bytes) -> None:
        """Compute the sample whose tensors are asked for from now on."""
        self._keeper.run_bytes(data)

    def bytes_of(self, index: int) -> bytes:
        """The bytes of a tensor of the graph."""
        return self.reduced.rest_of(index, self._keeper.tensor(index)).tobytes()

    def place(self, index: int, element: int) -> list[int]:
        """Where in the model's tensor an element of the graph's lies."""
        *place, last = (int(i) for i in np.unravel_index(element, self.graph.tensors[index].shape))
        kept = self.reduced.kept
        return [*place, int(kept[index][last]) if index in kept else last]


@dataclass(frozen=True)
class OutputPart:
    """The bytes of an answer that one output tensor takes, and which of the computed tensors it is."""

    step: int
    start: int
    end: int


def computed_tensors(manifest: Manifest, graph: Graph, hello: HelloReply) -> tuple[StepInfo, ...]:
    """The program that the device's compiled engine runs; for an interpreter a line for each output of each op."""
    compiled = manifest.compiled_of(hello.segments_sha256.hex()) if hello.engine == COMPILED else None
    return compiled.steps if compiled else tuple(_op_outputs(manifest, graph))


def output_parts(graph: Graph, steps: Sequence[StepInfo]) -> list[OutputPart]:
    """Where the model's outputs lie in an answer."""
    root = roots(graph, {op for step in steps for op in step.ops})
    place = {step.tensor: number for number, step in enumerate(steps)}
    parts, start = [], 0
    for index in graph.outputs:
        end = start + graph.tensors[index].size
        if root[index] in place:
            parts.append(OutputPart(place[root[index]], start, end))
        start = end
    return parts


def _op_outputs(manifest: Manifest, graph: Graph) -> list[StepInfo]:
    """An interpreter's arena is its own business: no offsets."""
    known = {tensor.index for tensor in graph.tensors if tensor.data is not None} | {ABSENT}
    last_use = {index: op.index for op in graph.ops for index in op.inputs}
    lines = []
    for op in graph.ops:
        kind = BY_TFLITE_NAME.get(op.name)
        for y in op.outputs:
            lines.append(
                StepInfo(
                    name=f"{kind.name if kind else op.name.lower()}_{op.index}",
                    kernels=(op.name,),
                    ops=(op.index,),
                    label=graph.label(op),
                    inputs=tuple(index for index in op.inputs if index not in known),
                    tensor=y,
                    shape=graph.tensors[y].shape,
                    macs=manifest.ops[op.index].macs,
                    place="interpreter",
                    offset=0,
                    size_bytes=graph.tensors[y].size,
                    needed_from=op.index,
                    needed_to=last_use.get(y, len(graph.ops) - 1),
                    scratch_offset=0,
                    scratch_bytes=0,
                    plain="",
                )
            )
    return lines
