"""What TensorFlow Lite Micro computes, op by op: for every element of every tensor a label, and the interval of bytes
that any input can make of it.

A label is a number for one element of one computed tensor; -1000 + v for the constant byte v. Ops that move bytes give
their output the labels of their input, so that equal labels are equal bytes for every input (lemma "moves").
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from .arithmetic import Ints, ints, stage
from .byte_functions import BYTES, OF_ONE, OF_TWO, of_one, of_two, range_through
from .findings import NotCovered, require
from .ops import Convolution, convolution, mean, nearest, pool_clamp, reduced_axes, same_scale
from .tflite_model import NONE, Model, Op

CONSTANT = -1000  # label of the byte 0
RENAMES = ("RESHAPE", "SQUEEZE", "EXPAND_DIMS")
SLICES = ("SLICE", "STRIDED_SLICE")
MOVES = (*RENAMES, "PAD", "PADV2", "CONCATENATION", "TRANSPOSE", "RESIZE_NEAREST_NEIGHBOR", *SLICES)


@dataclass(eq=False)
class Golden:
    """A model with labels and intervals of its int8 tensors, all in the tensors' shapes."""

    model: Model
    labels: dict[int, Ints] = field(default_factory=dict)
    low: dict[int, Ints] = field(default_factory=dict)
    high: dict[int, Ints] = field(default_factory=dict)
    convolutions: dict[int, Convolution] = field(default_factory=dict)
    uncovered: dict[int, str] = field(default_factory=dict)  # by op: why nothing is known of it
    # Tensors with wider intervals than need be: for want of which op, and why.
    loose: dict[int, tuple[str, str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        next_label = 0
        for index in self.model.inputs:
            next_label = self._fresh(index, next_label)
        for tensor in self.model.tensors:
            if tensor.data is not None and tensor.dtype == "INT8":
                data = ints(tensor.data)
                self._set(tensor.index, CONSTANT + data, data, data)
        for op in self.model.ops:
            require(all(y not in self.labels for y in op.outputs), f"{op.where}: it computes a tensor again")
            loose = [self.loose[x] for x in op.inputs if x in self.loose]
            try:
                self._op(op)
            except (NotCovered, LookupError, TypeError, ValueError) as reason:
                why = str(reason) if isinstance(reason, NotCovered) else "operands of another kind"
                self.uncovered[op.index] = why
                loose.append((op.where, why))
            if loose:
                self.loose |= dict.fromkeys(op.outputs, loose[0])
            for index in op.outputs:
                if index not in self.labels:
                    next_label = self._fresh(index, next_label)

    def ranges(self, index: int) -> tuple[Ints, Ints]:
        """The smallest and the largest byte of every element of a tensor."""
        return self.low[index], self.high[index]

    def _set(self, index: int, labels: Ints, low: Ints, high: Ints) -> None:
        shape = self.model.tensors[index].shape
        self.labels[index], self.low[index], self.high[index] = (
            np.broadcast_to(each, shape) for each in (labels, low, high)
        )

    def _fresh(self, index: int, start: int) -> int:
        shape = self.model.tensors[index].shape
        count = int(np.prod(shape))
        low, high = (self.low.get(index, ints(-128)), self.high.get(index, ints(127)))
        self._set(index, np.arange(start, start + count).reshape(shape), low, high)
        return start + count

    def _range(self, index: int, low: Ints, high: Ints) -> None:
        shape = self.model.tensors[index].shape
        self.low[index], self.high[index] = np.broadcast_to(low, shape), np.broadcast_to(high, shape)

    def require_covered(self, op: Op) -> None:
        """Raise NotCovered where nothing is known of the op."""
        if op.index in self.uncovered:
            raise NotCovered(self.uncovered[op.index])

    def _op(self, op: Op) -> None:
        if any(self.model.tensors[x].kept for x in op.inputs if x != -1):
            raise NotCovered(f"no lemma for the state of {op.name}")
        known = all(x == -1 or x in self.labels or self.model.tensors[x].data is not None for x in op.inputs)
        require(known, f"{op.where}: it reads what no op before it computes")
        if op.name in MOVES:
            self._move(op)
        elif op.name in ("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED"):
            found = convolution(self.model, op, self.ranges(op.inputs[0]))
            self.convolutions[op.index] = found
            ways = stage(found.multiplier, found.shift, found.y_zero, *found.clamp)
            low, high = (ways(each[:, None])[:, 0] for each in (found.lowest, found.highest))
            self._range(op.outputs[0], low, high)
        elif op.name in ("MAX_POOL_2D", "AVERAGE_POOL_2D"):
            axes, clamp = (0, 1, 2), pool_clamp(self.model, op)
            low, high = self.low[op.inputs[0]].min(axis=axes), self.high[op.inputs[0]].max(axis=axes)
            self._range(op.outputs[0], np.clip(low, *clamp), np.clip(high, *clamp))
        elif op.name in OF_TWO:
            function, (a, b) = of_two(self.model, op), op.inputs
            of_x = [*self.ranges(a)]
            if op.name == "PRELU":
                of_x.append(np.clip(int(self.model.tensors[a].zero_point[0]), *of_x))
            corners = [function(x, y) for x in of_x for y in self.ranges(b)]
            self._range(op.outputs[0], np.minimum.reduce(corners), np.maximum.reduce(corners))
        elif op.name in OF_ONE:
            self._function(op)
        elif op.name in ("MEAN", "SUM"):
            self._mean(op)
        elif op.name in ("REDUCE_MAX", "REDUCE_MIN"):
            same_scale(self.model, op, self.model.tensors[op.inputs[0]], self.model.tensors[op.outputs[0]])
            gone, shape = reduced_axes(self.model, op), self.model.tensors[op.outputs[0]].shape
            end = np.max if op.name == "REDUCE_MAX" else np.min
            low, high = (end(each, axis=gone) for each in self.ranges(op.inputs[0]))
            self._range(op.outputs[0], low.reshape(shape), high.reshape(shape))
        elif op.name != "SOFTMAX":
            raise NotCovered(f"no lemma for {op.name}")

    def _function(self, op: Op) -> None:
        """One that leaves every byte as it is moves labels."""
        x, y = op.inputs[0], op.outputs[0]
        require(self.model.tensors[x].shape == self.model.tensors[y].shape, f"{op.where}: its output has another shape")
        table = of_one(self.model, op)(BYTES)
        if np.array_equal(table, BYTES):
            self._set(y, self.labels[x], *self.ranges(x))
        else:
            self._range(y, *range_through(table, *self.ranges(x)))

    def _mean(self, op: Op) -> None:
        of, shape = mean(self.model, op), self.model.tensors[op.outputs[0]].shape
        low, high = self.ranges(op.inputs[0])
        ends = [of.way(of.count * end.reshape(1, -1)).reshape(shape) for end in (low.min(of.axes), high.max(of.axes))]
        self._range(op.outputs[0], ends[0], ends[1])

    def _move(self, op: Op) -> None:
        """Lemma "moves": the same function of positions for labels and both bounds."""
        y = self.model.tensors[op.outputs[0]]
        sources = [x for x in op.inputs if x != -1 and x in self.labels]
        for index in sources if op.name == "CONCATENATION" else sources[:1]:
            same_scale(self.model, op, self.model.tensors[index], y)
        moves: dict[str, Callable[[dict[int, Ints], int], Ints]] = {
            **dict.fromkeys(RENAMES, lambda of, _: of[sources[0]].reshape(y.shape)),
            **dict.fromkeys(("PAD", "PADV2"), lambda of, base: self._padded(op, of, base)),
            "CONCATENATION": lambda of, _: np.concatenate([of[x] for x in sources], axis=op.options["axis"]),
            **dict.fromkeys(
                ("SLICE", "STRIDED_SLICE"), lambda of, _: of[sources[0]][self._sliced(op)].reshape(y.shape)
            ),
            "RESIZE_NEAREST_NEIGHBOR": lambda of, _: self._resized(op, of[sources[0]]),
            "TRANSPOSE": lambda of, _: of[sources[0]].transpose([int(k) for k in self._constant(op, 1).reshape(-1)]),
        }
        if op.name == "CONCATENATION" and op.options["activation"] != NONE:
            raise NotCovered("a fused activation")
        if not sources or (op.name == "CONCATENATION" and len(sources) != len(op.inputs)):
            raise NotCovered("an operand that is not int8")
        found = [moves[op.name](of, base) for of, base in ((self.labels, CONSTANT), (self.low, 0), (self.high, 0))]
        require(found[0].shape == y.shape, f"{op.where}: its output has another shape")
        self._set(y.index, *found)

    def _constant(self, op: Op, place: int) -> Any:
        data = self.model.tensors[op.inputs[place]].data
        if data is None:
            raise NotCovered("an operand computed at run time")
        return data

    def _sliced(self, op: Op) -> tuple[slice, ...]:
        """What is taken along each axis; of STRIDED_SLICE without axes that are new or left out at one end."""
        first, second = (ints(self._constant(op, place).reshape(-1)).tolist() for place in (1, 2))
        if op.name == "SLICE":
            return tuple(slice(k, None if n == -1 else k + n) for k, n in zip(first, second, strict=True))
        masks = op.options
        if not masks or masks["ellipsis"] or masks["new"]:
            raise NotCovered("a slice with other axes")
        steps, parts = ints(self._constant(op, 3).reshape(-1)).tolist(), []
        for axis, (begin, end, step) in enumerate(zip(first, second, steps, strict=True)):
            if masks["shrink"] >> axis & 1:
                begin, end, step = begin, (begin + 1) or None, 1
            else:
                begin = None if masks["begin"] >> axis & 1 else begin
                end = None if masks["end"] >> axis & 1 else end
            parts.append(slice(begin, end, step))
        return tuple(parts)

    def _resized(self, op: Op, image: Ints) -> Ints:
        """Each pixel that of `GetNearestNeighbor`; of images (1, h, w, c)."""
        h, w = ints(self._constant(op, 1).reshape(-1)).tolist()
        if image.ndim != 4 or not op.options:
            raise NotCovered("images of another shape")
        rows, columns = (nearest(y, x, op.options) for y, x in ((h, image.shape[1]), (w, image.shape[2])))
        return image[:, rows][:, :, columns]

    def _padded(self, op: Op, of: dict[int, Ints], base: int) -> Ints:
        value = int(self.model.tensors[op.outputs[0]].zero_point[0])
        if op.name == "PADV2":
            value = int(self._constant(op, 2).reshape(-1)[0])
        return np.pad(of[op.inputs[0]], ints(self._constant(op, 1)).tolist(), constant_values=base + value)
