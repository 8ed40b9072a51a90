"""The model as a typed graph: what the reader makes of a `.tflite`, and all that later stages know of it.

Plain frozen values, no flatbuffer behind them. A Graph may hold ops that no engine runs; `export.lower` refuses those.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from math import prod

import numpy as np
from numpy.typing import NDArray

from tinyproof.console import UserError

ABSENT = -1  # the tensor index of an optional operand that is not there


class Padding(Enum):
    """Whether a window may lie partly outside the image."""

    SAME = "SAME"
    VALID = "VALID"


class Activation(Enum):
    """The clamp, or the function, fused to the end of an op."""

    NONE = "NONE"
    RELU = "RELU"
    RELU_N1_TO_1 = "RELU_N1_TO_1"
    RELU6 = "RELU6"
    TANH = "TANH"
    SIGN_BIT = "SIGN_BIT"


@dataclass(frozen=True, eq=False)
class Quantization:
    """real value = scale * (value - zero_point), one pair for the tensor or one for each index along `axis`."""

    scale: NDArray[np.float32]  # (n,)
    zero_point: NDArray[np.int32]  # (n,)
    axis: int

    def equals(self, other: Quantization) -> bool:
        """Whether a byte is the same number under both."""
        return np.array_equal(self.scale, other.scale) and np.array_equal(self.zero_point, other.zero_point)


@dataclass(frozen=True, eq=False)
class Tensor:
    """One tensor; `data` is there for constants alone and has the shape of the tensor."""

    index: int
    name: str
    shape: tuple[int, ...]
    dtype: str  # "int8", "int32", "float32", ...
    quantization: Quantization | None
    data: NDArray[np.generic] | None
    is_variable: bool = False  # a state, zero when an inference begins

    @property
    def size(self) -> int:
        """Number of elements."""
        return prod(self.shape)


@dataclass(frozen=True)
class OpOptions:
    """Base of the options of every op the reader understands; each lives beside its lowering in `export.ops`."""


@dataclass(frozen=True)
class Op:
    """One operation; `inputs` and `outputs` are tensor indexes, `ABSENT` for an optional operand left out."""

    index: int
    name: str  # as in the schema: "CONV_2D"; of an op that is in none, "CUSTOM ethos-u"
    version: int
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    options: OpOptions | None  # None: an op whose options the reader does not understand


FOR_ANY_BATCH = ("SHAPE", "FILL", "SPACE_TO_BATCH_ND", "BATCH_TO_SPACE_ND")  # made of layers with such a batch
OPEN_BATCH_CURE = "its batch is open: give the .keras file, or convert again with a fixed batch of one"


@dataclass(frozen=True, eq=False)
class Graph:
    """A `.tflite` with one subgraph. `inputs` and `outputs` are tensor indexes."""

    source: str  # where it was read from, for messages
    sha256: str  # of the file's bytes, in hex
    file_bytes: int
    tensors: tuple[Tensor, ...]
    ops: tuple[Op, ...]
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    batch_is_open: bool = False  # of any size, so that shapes may be computed on the device

    def label(self, op: Op) -> str:
        """What the training framework called the op: the name of its first output, without what was fused into it."""
        return self.tensors[op.outputs[0]].name.split(";")[0] if op.outputs else ""

    def place(self, op: Op) -> str:
        """The op's place in the graph, for messages: `op 3 of 0-6, CONV_2D 'model/conv2d'`."""
        return f"op {op.index} of 0-{self.ops[-1].index}, {op.name} '{self.label(op)}'"

    def refusal(self, op: Op, why: str) -> UserError:
        """The error that stops the export at this op; `why` says what is wrong and, behind a semicolon, what to do."""
        if self.batch_is_open and self._computes_shapes(op):
            why = f"{why.partition('; ')[0]}; {OPEN_BATCH_CURE}"
        return UserError(f"{self.source}: {self.place(op)}: {why}")

    def _computes_shapes(self, op: Op) -> bool:
        """Whether the op would not be there, or have a known shape, if the batch were fixed."""
        computed = (self.tensors[index] for index in op.inputs if index != ABSENT)
        return op.name in FOR_ANY_BATCH or any(x.data is None and x.dtype in ("int32", "int64") for x in computed)
