"""What an op has to provide to be lowered, and what lowering makes of it: calls of kernels.

An OpKind is an op of the file, a Kernel is a function in `firmware/kernels`. Most ops are one call of the kernel of the
same name; several ops may share a kernel, an op may take several calls, and an op without a call only renames bytes.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tinyproof.export.c_values import Struct
from tinyproof.export.graph import Graph, Op, OpOptions


@dataclass(frozen=True)
class Params:
    """Base of the folded constants of every kernel."""


@dataclass(frozen=True)
class Kernel:
    """A C function `<name>_s8(y, x..., [scratch,] params)`.

    `leads`: for each x how far before it y must begin to overwrite it, None where y must not; by default nowhere.
    """

    name: str  # "conv2d", as its file in firmware/kernels
    emit: Callable[[Any], Struct]
    scratch_bytes: Callable[[Any], int] | None = None  # of the params; None: the kernel takes no scratch
    leads: Callable[[Any], tuple[int | None, ...]] | None = None


@dataclass(frozen=True, eq=False)
class Call:
    """One kernel call that computes `ops`, from the first one's inputs to the last one's output, or a part of that.

    `xs` and `y` are tensor indexes. An x may be computed, a constant or an input of the model.
    """

    kernel: Kernel
    ops: tuple[Op, ...]
    xs: tuple[int, ...]
    y: int
    params: Params


@dataclass(frozen=True)
class OpKind:
    """One op: its names, and how it goes from the file to kernel calls.

    `parse` is the only function that sees the flatbuffer; its argument is the untyped table of builtin options.
    `lower` checks the op and computes its constants; it raises `Graph.refusal` for what no kernel can do exactly. No
    call at all makes every output another name for the bytes of the first input.
    """

    name: str  # of its file here: "conv2d"
    tflite_name: str  # "CONV_2D"
    options_type: int  # the member of the schema's union that `parse` reads; 0: the op needs no options
    parse: Callable[[Any], OpOptions]
    lower: Callable[[Graph, Op], tuple[Call, ...]]
    macs: Callable[[Graph, Op], int]


def one_call(
    kernel: Kernel, fold: Callable[[Graph, Op], Params], inputs: int = 1
) -> Callable[[Graph, Op], tuple[Call, ...]]:
    """The `lower` of an op that is one call of `kernel` on its first `inputs` inputs, with what `fold` makes of it."""

    def lower(graph: Graph, op: Op) -> tuple[Call, ...]:
        params = fold(graph, op)  # refuses an op that lacks the operands used here
        return (Call(kernel, (op,), op.inputs[:inputs], op.outputs[0], params),)

    return lower


def no_macs(graph: Graph, op: Op) -> int:
    """For ops that multiply and accumulate nothing."""
    return 0
