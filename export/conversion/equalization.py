"""Cross-layer equalization: channels of a layer brought to one size, in a float model that computes the same after it.

A channel may be multiplied by a positive number where it is made and divided by it where it is read, if what lies
between (ReLU, pooling, an addition of such channels) lets the number through. Int8 gives a tensor one scale, so a
channel that is small beside another has few levels; after this it has more. Nagel et al., Data-Free Quantization
Through Weight Equalization and Bias Correction (2019), with ranges of activations as in Xiao et al., SmoothQuant
(2022). All factors are powers of two: float rounds as before.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tinyproof.export.conversion.running import Images, activations
from tinyproof.export.graph import ABSENT, Activation, Graph, Op
from tinyproof.export.tflite_editing import add_buffer, add_tensor, packed, unpacked
from tinyproof.export.tflite_reader import read_graph

PICTURES = 32
ROUNDS = 4  # each group's factors depend on its neighbours'
SMALLEST = 1e-4  # of the largest channel
LARGEST_FACTOR = 2.0**13  # pictures to come may wake a channel that hardly fires in these
LINEAR = ("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED")
LETS_THROUGH = (
    *("RELU", "LEAKY_RELU", "PRELU", "MAX_POOL_2D", "AVERAGE_POOL_2D", "MEAN", "PAD", "RESHAPE", "ADD"),
    *("RESIZE_NEAREST_NEIGHBOR", "RESIZE_BILINEAR"),
)
Array = NDArray[np.float64]
Constants = dict[tuple[int, int], Array]  # by op, and which of its operands


@dataclass(frozen=True)
class Group:
    """Tensors whose channels have their factors in common: `channels` of them, repeated along the last axis."""

    channels: int
    tensors: tuple[int, ...]
    makers: tuple[Op, ...]
    readers: tuple[Op, ...]


def equalized(calibrated: bytes, images: Images) -> bytes | None:
    """The model with equalized channels; its ranges are to be taken anew. None where it has no such layers."""
    graph = read_graph(calibrated, "float")
    groups = _groups(graph)
    if not groups:
        return None
    sizes: dict[int, Array] = {}
    for found in activations(calibrated, images[:: max(1, len(images) // PICTURES)][:PICTURES]):
        for index, values in found.items():
            largest = np.abs(values.astype(np.float64)).reshape(-1, values.shape[-1] if values.ndim else 1).max(0)
            sizes[index] = np.maximum(sizes.get(index, 0.0), largest)
    constants = {
        (op.index, place): np.array(graph.tensors[index].data, np.float64)
        for group in groups
        for op in (*group.makers, *group.readers)
        for place, index in enumerate(op.inputs)
        if place > 0 and index != ABSENT
    }
    so_far = [np.ones(group.channels) for group in groups]
    for _ in range(ROUNDS):
        for group, total in zip(groups, so_far, strict=True):
            wanted = np.clip(total * _factors(group, sizes, constants), 1 / LARGEST_FACTOR, LARGEST_FACTOR)
            factors = wanted / total
            total *= factors
            for index in group.tensors:
                sizes[index] *= _repeated(factors, len(sizes[index]))
            _apply(group, factors, constants)
    return with_constants(calibrated, constants)


def with_constants(content: bytes, constants: Constants) -> bytes:
    """The model with other weights and biases, each op's its own: equal ones are stored once."""
    model = unpacked(content, "the float model")
    subgraph = model.subgraphs[0]
    for (op, place), values in constants.items():
        buffer = add_buffer(model, values.astype("<f4"))
        operands = [int(index) for index in subgraph.operators[op].inputs]
        like = subgraph.tensors[operands[place]]
        operands[place] = add_tensor(subgraph, like.name, like.shape, like, buffer)
        subgraph.operators[op].inputs = operands
    return packed(model)


def _groups(graph: Graph) -> list[Group]:
    """All groups whose every tensor is made and read by layers that can take the factors, in order."""
    joined = list(range(len(graph.tensors)))

    def first(index: int) -> int:
        while joined[index] != index:
            index = joined[index]
        return index

    fixed, makers, readers = {*graph.inputs, *graph.outputs}, defaultdict(list), defaultdict(list)
    for op in graph.ops:
        computed = [index for index in op.inputs if index != ABSENT and graph.tensors[index].data is None]
        if op.name in LINEAR and computed == [op.inputs[0]] and _is_readable(graph, op):
            readers[op.inputs[0]].append(op)
            makers[op.outputs[0]].append(op)
            if not _is_homogeneous(op):
                fixed.add(op.outputs[0])
        elif _lets_through(graph, op, computed):
            for index in computed:
                joined[first(index)] = first(op.outputs[0])
        else:
            fixed |= {*computed, *op.outputs}
    members: dict[int, list[int]] = defaultdict(list)
    for index in dict.fromkeys([*readers, *makers, *(index for op in graph.ops for index in op.outputs)]):
        members[first(index)].append(index)
    closed = {first(index) for index in fixed if index != ABSENT}
    groups = []
    for root, tensors in members.items():
        channels = min(graph.tensors[index].shape[-1] if graph.tensors[index].shape else 1 for index in tensors)
        made, read = ([op for index in tensors for op in ops[index]] for ops in (makers, readers))
        fits = all(graph.tensors[index].shape[-1] % channels == 0 for index in tensors) and all(
            graph.tensors[op.inputs[0]].shape[-1] == channels for op in read if op.name == "DEPTHWISE_CONV_2D"
        )
        if root not in closed and made and read and fits:
            groups.append(Group(channels, tuple(tensors), tuple(made), tuple(read)))
    return groups


def _is_readable(graph: Graph, op: Op) -> bool:
    """Whether weights and bias are float numbers, and each channel of the input has its weights."""
    x, weights = graph.tensors[op.inputs[0]].shape, graph.tensors[op.inputs[1]].shape
    own = [index for index in op.inputs[1:] if index != ABSENT]
    fits = op.name == "DEPTHWISE_CONV_2D" or weights[-1] % x[-1] == 0
    return fits and all(graph.tensors[index].dtype == "float32" for index in own)


def _is_homogeneous(op: Op) -> bool:
    """Whether the activation within the op gives a times as much for a times as much."""
    return getattr(op.options, "activation", Activation.NONE) in (Activation.NONE, Activation.RELU)


def _lets_through(graph: Graph, op: Op, computed: list[int]) -> bool:
    if op.name not in LETS_THROUGH or not _is_homogeneous(op) or len(op.outputs) != 1:
        return False
    y = graph.tensors[op.outputs[0]].shape
    if op.name == "ADD":
        return len(computed) == 2 and all(graph.tensors[index].shape == y for index in computed)
    x = graph.tensors[op.inputs[0]].shape
    if op.name == "RESHAPE":
        return bool(x and y) and (x[-1] % y[-1] == 0 or y[-1] % x[-1] == 0)
    axes = graph.tensors[op.inputs[1]].data if op.name == "MEAN" else None
    return x[-1:] == y[-1:] and (op.name != "MEAN" or (axes is not None and not np.isin(axes, (-1, len(x) - 1)).any()))


def _repeated(factors: Array, count: int) -> Array:
    return np.tile(factors, count // len(factors))


def _largest(values: Array, channels: int) -> Array:
    """The largest of each channel, along the last axis."""
    return np.asarray(np.abs(values).reshape(-1, channels).max(0))


def _factors(group: Group, sizes: dict[int, Array], constants: Constants) -> Array:
    """Powers of two that share the ranges out: of what is computed, and of the weights that read it."""
    computed = np.max([_largest(sizes[index], group.channels) for index in group.tensors if index in sizes], axis=0)
    if not computed.any():
        return np.ones(group.channels)
    shares = np.maximum(computed / computed.max(), SMALLEST)
    computed = np.where(computed > 0, shares, np.median(shares[computed > 0]))  # one that never fires is like others
    for op in group.makers:
        if op.name == "FULLY_CONNECTED":  # whose weights have one scale
            rows = _largest(np.abs(constants[op.index, 1]).max(1), group.channels)
            computed = np.maximum(computed, rows / max(rows.max(), 1e-30))
    columns = []
    for op in group.readers:
        weights = np.abs(constants[op.index, 1])
        if op.name != "DEPTHWISE_CONV_2D":  # which has a scale of its own for each channel
            axes = tuple(range(weights.ndim)) if op.name == "FULLY_CONNECTED" else tuple(range(1, weights.ndim))
            columns.append(_largest(weights / np.maximum(weights.max(axes, keepdims=True), 1e-30), group.channels))
    read = np.maximum(np.max(columns, axis=0), SMALLEST) if columns else 1 / computed
    factors = np.sqrt(read / computed)
    return np.asarray(2.0 ** np.rint(np.log2(factors / np.exp(np.log(factors).mean()))))


def _apply(group: Group, factors: Array, constants: Constants) -> None:
    for op in group.makers:
        weights = constants[op.index, 1]
        rows = _repeated(factors, weights.shape[-1 if op.name == "DEPTHWISE_CONV_2D" else 0])
        weights *= rows if op.name == "DEPTHWISE_CONV_2D" else rows.reshape(-1, *[1] * (weights.ndim - 1))
        if len(op.inputs) > 2 and op.inputs[2] != ABSENT:
            constants[op.index, 2] *= rows
    for op in group.readers:
        weights = constants[op.index, 1]
        if op.name == "DEPTHWISE_CONV_2D":
            weights /= np.repeat(factors, weights.shape[-1] // group.channels)
        else:
            weights /= _repeated(factors, weights.shape[-1])
