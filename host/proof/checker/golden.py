"""What TensorFlow Lite Micro computes, op by op: for every element of every tensor a label, and the interval of bytes
that any input can make of it.

A label is a number for one element of one computed tensor; -1000 + v for the constant byte v. Ops that move bytes give
their output the labels of their input, so that equal labels are equal bytes for every input (lemma "moves").
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from .arithmetic import Ints, ints, stage
from .byte_functions import BYTES, OF_ONE, OF_TWO, bounds_of_two, of_one, range_through
from .findings import NotCovered, require
from .followed import in_floats, is_undefined, origins, require_function, table_of
from .lstm_op import NAME as LSTM
from .lstm_op import lstm
from .moves import MOVES, moves
from .ops import Convolution, bilinear, convolution, image_of, pool_clamp, same_scale
from .sums import mean, products, reduced_axes
from .tflite_model import Model, Op

CONSTANT = -1000  # label of the byte 0


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
        if op.name == LSTM:
            lstm(self.model, op)
            return
        if any(self.model.tensors[x].kept for x in op.inputs if x != -1):
            raise NotCovered(f"no lemma for the state of {op.name}")
        known = all(x == -1 or x in self.labels or self.model.tensors[x].data is not None for x in op.inputs)
        require(known, f"{op.where}: it reads what no op before it computes")
        if in_floats(self.model, op):
            self._in_floats(op)
        elif op.name in MOVES:
            self._move(op)
        elif op.name in ("CONV_2D", "DEPTHWISE_CONV_2D", "TRANSPOSE_CONV", "FULLY_CONNECTED"):
            found = convolution(self.model, op, self.ranges(image_of(op)))
            self.convolutions[op.index] = found
            ways = stage(found.multiplier, found.shift, found.y_zero, *found.clamp)
            low, high = (ways(each[:, None])[:, 0] for each in (found.lowest, found.highest))
            self._range(op.outputs[0], low, high)
        elif op.name in ("MAX_POOL_2D", "AVERAGE_POOL_2D"):
            axes, clamp = (0, 1, 2), pool_clamp(self.model, op)
            low, high = self.low[op.inputs[0]].min(axis=axes), self.high[op.inputs[0]].max(axis=axes)
            self._range(op.outputs[0], np.clip(low, *clamp), np.clip(high, *clamp))
        elif op.name in OF_TWO:
            self._range(op.outputs[0], *bounds_of_two(self.model, op, *map(self.ranges, op.inputs)))
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
        elif op.name == "RESIZE_BILINEAR":
            self._bilinear(op)
        elif op.name == "BATCH_MATMUL":
            of = products(self.model, op)
            ends = of.way(ints([[-of.most, of.most]]))[0]
            self._range(op.outputs[0], ends[0], ends[1])
        elif op.name not in ("SOFTMAX", "LOG_SOFTMAX", "L2_NORMALIZATION"):
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

    def _in_floats(self, op: Op) -> None:
        """What is quantized again is bounded where it follows from one tensor."""
        require_function(self.model, op)
        if op.name != "QUANTIZE":
            return
        y = op.outputs[0]
        for x in origins(self.model, y):
            try:
                table = table_of(self.model, y, x)
            except NotCovered:
                continue
            low, high = (each.reshape(self.model.tensors[y].shape) for each in self.ranges(x))
            if not is_undefined(table, low, high):
                self._range(y, *range_through(table, low, high))
            return

    def _mean(self, op: Op) -> None:
        of, shape = mean(self.model, op), self.model.tensors[op.outputs[0]].shape
        low, high = self.ranges(op.inputs[0])
        ends = [of.way(of.count * end.reshape(1, -1)).reshape(shape) for end in (low.min(of.axes), high.max(of.axes))]
        self._range(op.outputs[0], ends[0], ends[1])

    def _bilinear(self, op: Op) -> None:
        """A mean of four bytes stays between them."""
        x, y = (self.model.tensors[k] for k in (op.inputs[0], op.outputs[0]))
        if (x.dtype, y.dtype) != ("INT8", "INT8"):
            raise NotCovered("an operand that is not int8")
        if len(x.shape) != 4 or not op.options or (y.shape[0], y.shape[3]) != (x.shape[0], x.shape[3]):
            raise NotCovered("images of another shape")
        rows, columns = (bilinear(y.shape[k], x.shape[k], op.options) for k in (1, 2))
        low, high = (
            [each[:, rows[:, k]][:, :, columns[:, j]] for k in (0, 1) for j in (0, 1)] for each in self.ranges(x.index)
        )
        self._range(y.index, np.minimum.reduce(low), np.maximum.reduce(high))

    def _move(self, op: Op) -> None:
        """Lemma "moves": the same function of positions for labels and both bounds."""
        moved = moves(self.model, op)
        found = [moved(of, base) for of, base in ((self.labels, CONSTANT), (self.low, 0), (self.high, 0))]
        for index, labels, low, high in zip(op.outputs, *found, strict=True):
            self._set(index, labels, low, high)
