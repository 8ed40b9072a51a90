"""Functions that are computed in float32 between int8 tensors: each becomes one op, a function of bytes.

DEQUANTIZE, NEG, QUANTIZE is such a function: an op that has no int8 form, as a LayerNormalization leaves it. What is
none, such as a sum along an axis, stays, and lowering refuses it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from tinyproof.export.graph import Activation, Graph, Op
from tinyproof.export.ops.enums import ActivationOptions
from tinyproof.export.ops.floats import FUNCTIONS, OPERANDS, STEPS, FloatOptions, Operand

MOST_STEPS = 100
LIMITS = {  # of fused activations
    Activation.NONE: (None, None),
    Activation.RELU: (0.0, None),
    Activation.RELU6: (0.0, 6.0),
    Activation.RELU_N1_TO_1: (-1.0, 1.0),
}


def fold_floats(graph: Graph) -> Graph:
    """The graph with one op in the place of those before a QUANTIZE, its index that of the QUANTIZE."""
    makers = {index: op for op in graph.ops for index in op.outputs}
    ops = [_folded(graph, op, makers) for op in graph.ops]
    if all(new is old for new, old in zip(ops, graph.ops, strict=True)):
        return graph
    while True:
        read = {index for op in ops for index in op.inputs} | set(graph.outputs)
        kept = [op for op in ops if op.name not in (*STEPS, "DEQUANTIZE") or read & set(op.outputs)]
        if len(kept) == len(ops):
            return replace(graph, ops=tuple(ops))
        ops = kept


@dataclass
class _Found:
    """What lies before a QUANTIZE."""

    graph: Graph
    makers: Mapping[int, Op]
    inputs: list[int] = field(default_factory=list)  # int8
    steps: list[tuple[str, tuple[Operand, ...]]] = field(default_factory=list)
    known: dict[int, Operand] = field(default_factory=dict)
    waiting: set[int] = field(default_factory=set)  # what is being looked into

    def operand(self, index: int) -> Operand | None:
        """How a tensor is made of the inputs; None where it is not by functions of single numbers."""
        if index not in self.known:
            if index in self.waiting or len(self.waiting) >= MOST_STEPS:
                return None
            self.waiting.add(index)
            operand = self._number(index) or self._input(index) or self._step(index)
            self.waiting.remove(index)
            if operand is None:
                return None
            self.known[index] = operand
        return self.known[index]

    def _number(self, index: int) -> Operand | None:
        data = self.graph.tensors[index].data
        if data is None or data.dtype not in (np.float32, np.bool_) or not data.size:
            return None
        return ("number", float(data.flat[0])) if np.all(data == data.flat[0]) else None

    def _input(self, index: int) -> Operand | None:
        maker = self.makers.get(index)
        if maker is None or maker.name != "DEQUANTIZE" or len(maker.inputs) != 1:
            return None
        if maker.inputs[0] not in self.inputs:
            self.inputs.append(maker.inputs[0])
        return "input", self.inputs.index(maker.inputs[0])

    def _step(self, index: int) -> Operand | None:
        maker = self.makers.get(index)
        if maker is None or maker.name not in STEPS or len(maker.outputs) != 1:
            return None
        limits = LIMITS.get(maker.options.activation) if isinstance(maker.options, ActivationOptions) else (None, None)
        if limits is None or len(maker.inputs) != OPERANDS[maker.name]:
            return None
        operands = [self.operand(x) for x in maker.inputs]
        if any(operand is None for operand in operands):
            return None
        result = self._add(maker.name, *(operand for operand in operands if operand))
        low, high = limits
        if low is not None:
            result = self._add("MAXIMUM", result, ("number", low))
        return result if high is None else self._add("MINIMUM", result, ("number", high))

    def _add(self, name: str, *operands: Operand) -> Operand:
        self.steps.append((name, operands))
        return "step", len(self.steps) - 1


def _folded(graph: Graph, op: Op, makers: Mapping[int, Op]) -> Op:
    """The function of bytes that ends in this QUANTIZE; the op itself where there is none."""
    if op.name != "QUANTIZE" or len(op.inputs) != 1:
        return op
    found = _Found(graph, makers)
    result = found.operand(op.inputs[0])
    if result is None or result[0] != "step" or not found.inputs:
        return op
    # Its name tells the rest of the export which channels it keeps apart: all of one input, or it does not say.
    alone = len(found.inputs) == 1
    names = [name for name, _ in found.steps if name in FUNCTIONS and (OPERANDS[name] == 1) == alone]
    if not alone and not names:
        return op
    options = FloatOptions(tuple(found.steps))
    return replace(op, name=names[0] if names else "QUANTIZE", inputs=tuple(found.inputs), options=options)
