"""What an op has to provide to be lowered: the functions behind one entry of `export.ops.OPS`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from export.c_values import Struct
from export.graph import Graph, Op, OpOptions


@dataclass(frozen=True)
class Params:
    """Base of the folded constants of every op."""


@dataclass(frozen=True)
class OpKind:
    """One op: its names, and how it goes from the file to the kernel's parameters.

    `parse` is the only function that sees the flatbuffer; its argument is the untyped table of builtin options.
    `fold` checks the op and computes its constants; it raises `Graph.refusal` for what the kernel cannot do exactly.
    `emit` is None for an op that needs no code: its output is its input's bytes.
    """

    name: str  # of the kernel and of its file here: "conv2d"
    tflite_name: str  # "CONV_2D"
    options_type: int  # the member of the schema's union that `parse` reads; 0: the op needs no options
    parse: Callable[[Any], OpOptions]
    fold: Callable[[Graph, Op], Params]
    emit: Callable[[Any], Struct] | None
    macs: Callable[[Graph, Op], int]
    scratch_bytes: Callable[[Any], int] | None = None  # of the folded params; None: the kernel takes no scratch
    lead_bytes: Callable[[Any], int] | None = None  # how far before x y must begin to overwrite it; None: never

    @property
    def is_alias(self) -> bool:
        """Whether the op moves no byte."""
        return self.emit is None


def no_macs(graph: Graph, op: Op) -> int:
    """For ops that multiply and accumulate nothing."""
    return 0
