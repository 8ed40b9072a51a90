"""Functions of one number that the converter left in float32 between int8 ones: each becomes a table of 256 bytes.

DEQUANTIZE, NEG, QUANTIZE is such a function of a byte: an op that has no int8 form, as a LayerNormalization leaves it.
What is not such a chain stays, and lowering refuses it.
"""

from __future__ import annotations

from dataclasses import replace

from tinyproof.export.graph import Graph, Op
from tinyproof.export.ops.floats import FUNCTIONS, FloatOptions


def fold_floats(graph: Graph) -> Graph:
    """The graph with one op in the place of each chain, its index that of the QUANTIZE. Others keep theirs."""
    makers = {index: op for op in graph.ops for index in op.outputs}
    ops = [_folded(graph, op, makers) for op in graph.ops]
    while True:
        read = {index for op in ops for index in op.inputs} | set(graph.outputs)
        kept = [op for op in ops if op.name not in (*FUNCTIONS, "DEQUANTIZE") or op.options or read & set(op.outputs)]
        if len(kept) == len(ops):
            return replace(graph, ops=tuple(ops))
        ops = kept


def _folded(graph: Graph, op: Op, makers: dict[int, Op]) -> Op:
    """The function of a byte that ends in this QUANTIZE; the op itself where there is none."""
    if op.name != "QUANTIZE":
        return op
    names: list[str] = []
    version, maker = 1, _maker(op, makers)
    while maker is not None and maker.name in FUNCTIONS and len(names) < len(graph.ops):
        names.insert(0, maker.name)
        version = maker.version
        maker = _maker(maker, makers)
    if not names or maker is None or maker.name != "DEQUANTIZE" or len(maker.inputs) != 1:
        return op
    return replace(op, name=names[0], version=version, inputs=maker.inputs, options=FloatOptions(tuple(names)))


def _maker(op: Op, makers: dict[int, Op]) -> Op | None:
    return makers.get(op.inputs[0]) if len(op.inputs) == 1 else None
