"""What an op has to provide to be lowered, and what lowering makes of it: calls of kernels.

An OpKind is an op of the file, a Kernel is a function in `firmware/kernels`. Most ops are one call of the kernel of the
same name; several ops may share a kernel, an op may take several calls, and an op without a call only renames bytes.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tinyproof.export.c_values import CStruct
from tinyproof.export.graph import Graph, Op, OpOptions
from tinyproof.export.ops.window import Window
from tinyproof.optimize import Optimize

Events = tuple[int, ...]


@dataclass(frozen=True)
class Params(CStruct):
    """Base of the folded constants of every kernel."""


@dataclass(frozen=True)
class Kernel:
    """A C function `<name>_s8(y, x..., [scratch,] params)`; each callable here takes the params.

    `leads`: for each x how many bytes before it y has to begin where it may overwrite it, `memory_plan.IN_PLACE` where
    it has to begin with it, None where it must not overwrite it, which is the default. `events`: how often the kernel
    does each thing that `export.cost` has a price for; without it those are the elements it makes and reads, at the
    price of rare kernels, or its own if it `has_price`. `of_bytes`: what a kernel that goes byte by byte makes of one
    byte of each x.
    """

    name: str  # "conv2d": its file is <name>_s8.c
    scratch_bytes: Callable[[Any], int] | None = None  # None: the kernel takes no scratch
    leads: Callable[[Any], tuple[int | None, ...]] | None = None
    events: Callable[[Any], Events] | None = None
    has_price: bool = False
    of_bytes: Callable[[Any], Callable[..., int]] | None = None
    folder: str = ""  # below firmware/kernels; cores name those that they take (tinyproof/cores.py)


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
class Fast:
    """A fast kernel and when it computes what a plain one would.

    `fit` makes of a plain call, and of the window of the max pooling that is to become part of it if there is one, the
    call of this kernel; None where that would not be exact, or would take more than `Optimize` grants. `rank`: of those
    with the lowest that fit a call the cheapest computes it. `takes_more`: memory than those, one of which it replaces
    where it is cheaper and memory allows. `waits_less`: by which share its cycles, which are those of ideal memory,
    count less on a core whose flash makes it wait, as it reads its weights less often than the others.
    """

    kernel: Kernel
    fit: Callable[[Call, Window | None, Optimize], Call | None]
    rank: int = 0
    takes_more: bool = False
    waits_less: float = 0.0


def where_small(kernel: Kernel, fit: Callable[[Call, Window | None, Optimize], Call | None], rank: int) -> Fast:
    """The same as a fast kernel where weights are to be small and nowhere else."""

    def fit_small(call: Call, pool: Window | None, optimize: Optimize) -> Call | None:
        return fit(call, pool, optimize) if optimize is Optimize.SMALL else None

    return Fast(kernel, fit_small, rank)


@dataclass(frozen=True, eq=False)
class Choice:
    """The call that computes some ops, and what it was made of: so that it can be made again for a part of them."""

    call: Call
    plain: Call
    pool: Window | None = None  # of the max pooling that is part of the call
    fast: Fast | None = None  # whose kernel it is

    def fitted(self, plain: Call, pool: Window | None, optimize: Optimize) -> Call | None:
        """Another plain call on the same kernel; None where that does not take it."""
        return self.fast.fit(plain, pool, optimize) if self.fast else plain


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
