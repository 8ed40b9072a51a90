"""The tensors an op works on, checked: what every int8 op asks of its inputs, weights, bias and output.

Each function returns values a kernel may rely on, or raises the refusal that names the op, the trouble and the cure.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tinyproof.export.graph import ABSENT, Graph, Op, Quantization, Tensor

QUANTIZE_CURE = "convert with full-integer quantization, int8 (see `tinyproof quantize`)"


@dataclass(frozen=True)
class Activations:
    """An int8 tensor with one scale. real value = scale * (value - zero_point)."""

    shape: tuple[int, ...]
    scale: np.float32
    zero_point: int


@dataclass(frozen=True, eq=False)
class Weights:
    """A constant int8 tensor, symmetric. real value = scale[o] * value, o along the output channels, or scale[0]."""

    values: NDArray[np.int8]
    scale: NDArray[np.float32]  # (1,) or (output channels,)


def check_arity(graph: Graph, op: Op, inputs: tuple[int, ...]) -> None:
    """The op has one output and a number of inputs out of `inputs`."""
    if len(op.inputs) not in inputs or len(op.outputs) != 1 or op.outputs[0] == ABSENT:
        raise graph.refusal(op, f"it has {len(op.inputs)} inputs and {len(op.outputs)} outputs; export the model again")


def computed(graph: Graph, op: Op, tensor_index: int) -> Activations:
    """The input or output `tensor_index` of the op, an int8 tensor with one scale that is no constant."""
    tensor = _operand(graph, op, tensor_index)
    if tensor.data is not None:
        raise graph.refusal(op, f"its operand '{tensor.name}' is a constant; fold it in the model before converting")
    return values(graph, op, tensor_index)


def values(graph: Graph, op: Op, tensor_index: int) -> Activations:
    """The input or output `tensor_index` of the op, an int8 tensor with one scale, computed or constant."""
    tensor = _operand(graph, op, tensor_index)
    if tensor.dtype != "int8":
        raise graph.refusal(op, f"tensor '{tensor.name}' is {tensor.dtype}, the kernels take int8; {QUANTIZE_CURE}")
    if tensor.data is None and not tensor.shape:
        why = "is one number without an axis, or its shape is left open"
        raise graph.refusal(op, f"tensor '{tensor.name}' {why}; keep an axis of one (keepdims=True), with fixed shapes")
    if min(tensor.shape, default=1) < 1:
        raise graph.refusal(
            op, f"tensor '{tensor.name}' has the dynamic shape {tensor.shape}; convert with a fixed batch of one"
        )
    if max(tensor.shape, default=1) > np.iinfo(np.uint16).max or tensor.size > np.iinfo(np.int32).max:
        raise graph.refusal(op, f"tensor '{tensor.name}' of shape {tensor.shape} is too large for a microcontroller")
    quantization = _quantization(graph, op, tensor)
    if quantization.scale.size != 1:
        raise graph.refusal(op, f"tensor '{tensor.name}' is quantized per channel; {QUANTIZE_CURE}")
    return Activations(tensor.shape, quantization.scale[0], int(quantization.zero_point[0]))


def image(graph: Graph, op: Op, tensor_index: int) -> Activations:
    """The input or output `tensor_index` of the op, an int8 tensor of shape (1, h, w, c)."""
    found = computed(graph, op, tensor_index)
    if len(found.shape) != 4 or found.shape[0] != 1:
        # what the converter leaves of a dilated layer (export.dilations makes one of most)
        cut = any(earlier.name == "SPACE_TO_BATCH_ND" for earlier in graph.ops[: op.index])
        cure = "of a dilated layer only the convolution may stand between SPACE_TO_BATCH_ND and BATCH_TO_SPACE_ND"
        raise graph.refusal(
            op,
            f"tensor '{graph.tensors[tensor_index].name}' has shape {found.shape}, not (1, h, w, c); "
            f"{cure if cut else 'convert with a fixed batch of one'}",
        )
    return found


def images(graph: Graph, op: Op, tensor_index: int) -> Activations:
    """The input or output `tensor_index` of the op, an int8 tensor of shape (n, h, w, c): a batch of any size."""
    found = computed(graph, op, tensor_index)
    if len(found.shape) != 4:
        raise graph.refusal(
            op, f"tensor '{graph.tensors[tensor_index].name}' has shape {found.shape}, not (n, h, w, c); reshape it"
        )
    return found


def weights(graph: Graph, op: Op, tensor_index: int, rank: int, axis: int = 0) -> Weights:
    """The constant int8 weights of the op, quantized along `axis`, the output channels, or as a whole."""
    tensor = _operand(graph, op, tensor_index)
    if tensor.data is None or tensor.dtype != "int8" or len(tensor.shape) != rank or min(tensor.shape) < 1:
        raise graph.refusal(
            op,
            f"weights '{tensor.name}' are {tensor.dtype} of shape {tensor.shape}, not int8 constants of rank {rank}; "
            f"{QUANTIZE_CURE}",
        )
    quantization = _quantization(graph, op, tensor)
    per_channel = quantization.scale.size > 1
    if per_channel and (quantization.axis != axis or quantization.scale.size != tensor.shape[axis]):
        raise graph.refusal(
            op,
            f"its weights of shape {tensor.shape} have {quantization.scale.size} scales along axis "
            f"{quantization.axis}, not one for each output channel; {QUANTIZE_CURE}",
        )
    if np.any(quantization.zero_point != 0):
        how = "if their ranges are those of fake_quant ops, make these symmetric: min = -max, with narrow_range=True"
        raise graph.refusal(op, f"its weights have a zero point other than 0; {QUANTIZE_CURE}; {how}")
    return Weights(tensor.data.astype(np.int8), quantization.scale)


def bias(graph: Graph, op: Op, channels: int, position: int = 2) -> NDArray[np.int32]:
    """The constant int32 bias of the op, shape (channels,): its input at `position`, zeros when it has none."""
    if len(op.inputs) <= position or op.inputs[position] == ABSENT:
        return np.zeros(channels, np.int32)
    tensor = graph.tensors[op.inputs[position]]
    if tensor.data is None or tensor.dtype != "int32" or tensor.size != channels:
        raise graph.refusal(
            op,
            f"its bias '{tensor.name}' is {tensor.dtype} of shape {tensor.shape}, not {channels} int32 constants; "
            f"{QUANTIZE_CURE}",
        )
    return tensor.data.astype(np.int32).reshape(channels)


def axis(graph: Graph, op: Op, value: int, rank: int) -> int:
    """An axis counted from the front, given one that may be counted from the back."""
    if not -rank <= value < rank:
        raise graph.refusal(op, f"its axis {value} is none of {rank}; export the model again")
    return value % rank


def check_rank(graph: Graph, op: Op, shape: tuple[int, ...], most: int) -> None:
    """The op has no more axes than TFLM takes of it, which stops at more, some without a word."""
    if len(shape) > most:
        raise graph.refusal(op, f"TFLM takes at most {most} axes of it, not those of {shape}; reshape before")


def integers(graph: Graph, op: Op, tensor_index: int, least: int, most: int) -> list[int]:
    """The constant int32 operand of the op as a list: axes, sizes, shapes. Refuses values outside of [least, most]."""
    tensor = _operand(graph, op, tensor_index)
    if not tensor.size:
        raise graph.refusal(op, f"'{tensor.name}', which it goes by, is empty; leave the op out")
    if tensor.data is None or tensor.dtype not in ("int32", "int64"):
        raise graph.refusal(
            op,
            f"'{tensor.name}' is computed at run time where the op needs a constant; use fixed shapes",
        )
    found = [int(value) for value in tensor.data.reshape(-1)]
    if any(not least <= value <= most for value in found):
        raise graph.refusal(op, f"'{tensor.name}' holds {found}, not values from {least} to {most}; export it again")
    return found


def _operand(graph: Graph, op: Op, tensor_index: int) -> Tensor:
    if tensor_index == ABSENT:
        raise graph.refusal(op, "a tensor it needs is left out; export the model again")
    return graph.tensors[tensor_index]


def _quantization(graph: Graph, op: Op, tensor: Tensor) -> Quantization:
    found = tensor.quantization
    if found is None:
        raise graph.refusal(op, f"tensor '{tensor.name}' has no quantization; {QUANTIZE_CURE}")
    smallest = np.min(found.scale)
    if not np.all(np.isfinite(found.scale)) or smallest < 0 or (smallest == 0 and tensor.data is None):
        raise graph.refusal(op, f"a scale of tensor '{tensor.name}' is not a positive number; export the model again")
    if np.any(found.zero_point < -128) or np.any(found.zero_point > 127):
        raise graph.refusal(op, f"a zero point of tensor '{tensor.name}' is not an int8; export the model again")
    return found
