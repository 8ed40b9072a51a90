"""A model as the compiled engine runs it: kernel calls, with their constants, on bytes of the arena."""

from __future__ import annotations

from dataclasses import dataclass

from tinyproof.export.graph import Graph, Op, Tensor
from tinyproof.export.layout import Buffer, Place, one_after_the_other
from tinyproof.export.ops import macs_of
from tinyproof.export.ops.kind import Kernel, Params


@dataclass(frozen=True, eq=False)
class Step:
    """One kernel call: buffer y = kernel(buffers xs, params), with a buffer for scratch where the kernel takes one."""

    name: str  # unique: "conv2d_0", numbered as the ops of the graph
    kernel: Kernel
    ops: tuple[Op, ...]  # what it computes, one after the other
    xs: tuple[Tensor, ...]
    y: Tensor
    x_buffers: tuple[Buffer, ...]
    y_buffer: Buffer
    scratch: Buffer | None
    params: Params
    finishes_y: bool  # False: a later step writes another part of y, or it is never whole
    parts: tuple[Buffer, ...] = ()  # of a step on some rows: where these lie, of y and of each x
    row: int = 0  # of y, the first of those rows

    @property
    def op(self) -> Op:
        """The first op it computes: the one with the multiplications and the constants."""
        return self.ops[0]

    @property
    def buffers(self) -> tuple[Buffer, ...]:
        """What the kernel works on, in the order of its arguments."""
        return (*(self.parts or (self.y_buffer, *self.x_buffers)), *([self.scratch] if self.scratch else []))


@dataclass(frozen=True, eq=False)
class Program:
    """A model ready to be emitted. Inputs and outputs are int8, one after the other in the caller's memory."""

    graph: Graph
    inputs: tuple[Tensor, ...]
    outputs: tuple[Tensor, ...]
    steps: tuple[Step, ...]
    arena_bytes: int

    @property
    def macs(self) -> int:
        """Multiply-accumulates of one inference."""
        return macs_of(self.graph, self.graph.ops)

    @property
    def input_buffers(self) -> tuple[Buffer, ...]:
        """Where the inputs lie."""
        return tuple(one_after_the_other(Place.INPUT, self.inputs).values())

    @property
    def constants(self) -> tuple[Tensor, ...]:
        """The constant tensors that steps read as operands, each once."""
        found = {x.index: x for step in self.steps for x in step.xs if x.data is not None}
        return tuple(found.values())
