"""The ops the compiled engine runs and its fast kernels, one file each, named as in `firmware/kernels`.

Imports the graph and the values of `export`, and the floor. Called by the lowering; docs/adding.md has how to add one.
A file here that declares an OpKind, a Kernel or a Fast is found by that alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from importlib import import_module
from pkgutil import iter_modules
from typing import TypeVar

from tinyproof.export.graph import Graph, Op
from tinyproof.export.ops.kind import Fast, Kernel, OpKind

Declared = TypeVar("Declared", OpKind, Kernel, Fast)


def _declared(kind: type[Declared]) -> tuple[Declared, ...]:
    """Every object of a kind that a file of this package holds under a name or in a tuple, each once."""

    def values() -> Iterator[object]:
        for found in sorted(iter_modules(__path__), key=lambda found: found.name):
            for value in vars(import_module(f"{__name__}.{found.name}")).values():
                yield from value if isinstance(value, tuple) else (value,)

    return tuple({id(value): value for value in values() if isinstance(value, kind)}.values())


OPS = _declared(OpKind)
KERNELS = {kernel.name: kernel for kernel in _declared(Kernel)}
FAST = tuple(sorted(_declared(Fast), key=lambda fast: fast.rank))  # the cheapest of the first rank that fits is taken
BY_TFLITE_NAME = {kind.tflite_name: kind for kind in OPS}


def macs_of(graph: Graph, ops: Iterable[Op]) -> int:
    """Multiply-accumulates of one inference that ops of the graph take together."""
    return sum(BY_TFLITE_NAME[op.name].macs(graph, op) for op in ops)


__all__ = ["BY_TFLITE_NAME", "FAST", "KERNELS", "OPS", "OpKind", "macs_of"]
