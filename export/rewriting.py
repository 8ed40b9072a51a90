"""A graph with some indexes of its tensors left out, and with the constants that its layers have without them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinyproof.export.graph import ABSENT, Graph, Op, Quantization, Tensor
from tinyproof.export.mixers import Mixer

Kept = Mapping[int, NDArray[np.intp]]  # by tensor, the indexes along its last axis that are left


def rewritten(graph: Graph, mixers: Mapping[int, Mixer], kept: Kept) -> Graph:
    """The graph of what is kept. Constants of layers become tensors of their own, behind the others."""
    tensors = [_rest(tensor, kept[tensor.index]) if tensor.index in kept else tensor for tensor in graph.tensors]
    ops = []
    for op in graph.ops:
        mixer = mixers.get(op.index)
        is_touched = mixer and (mixer.changed or any(index in kept for index in (op.inputs[0], op.outputs[0])))
        ops.append(_layer(graph, mixer, kept, tensors) if mixer and is_touched else op)
    return replace(graph, tensors=tuple(tensors), ops=tuple(ops))


def _rest(tensor: Tensor, left: NDArray[np.intp]) -> Tensor:
    data = None if tensor.data is None else np.ascontiguousarray(tensor.data[..., left])
    return replace(tensor, shape=(*tensor.shape[:-1], len(left)), data=data)


def _layer(graph: Graph, mixer: Mixer, kept: Kept, tensors: list[Tensor]) -> Op:
    """The op with its new weights and bias, which are added to the tensors."""
    op = mixer.op
    y_left = kept.get(op.outputs[0], np.arange(len(mixer.bias)))
    gone = np.ones(mixer.taps.shape[2], np.bool_)
    gone[kept.get(op.inputs[0], np.arange(gone.size))] = False
    bias = mixer.bias + mixer.added[:, gone].sum(axis=1)
    old = graph.tensors[op.inputs[1]]
    if op.name == "DEPTHWISE_CONV_2D":
        weights, axis = mixer.weights[..., y_left], 3
    else:
        taps = np.resize(~gone, mixer.weights.shape[-1])  # of a dense layer the channels repeat along the axis
        weights, axis = mixer.weights[y_left][..., taps], 0
    scales = _along(old.quantization, y_left)
    values = np.ascontiguousarray(weights)
    index = len(tensors)
    tensors.append(replace(old, index=index, shape=values.shape, data=values, quantization=scales))
    tensors.append(_bias(graph, op, index + 1, bias[y_left].astype(np.int32), y_left, axis))
    return replace(op, inputs=(op.inputs[0], index, index + 1))


def _bias(graph: Graph, op: Op, index: int, values: NDArray[np.int32], left: NDArray[np.intp], axis: int) -> Tensor:
    """The tensor of a bias; a layer that had none gets the scale that one has to have."""
    shape = values.shape
    if len(op.inputs) > 2 and op.inputs[2] != ABSENT:
        old = graph.tensors[op.inputs[2]]
        return replace(old, index=index, shape=shape, data=values, quantization=_along(old.quantization, left))
    x, weights = (graph.tensors[k].quantization for k in op.inputs[:2])
    assert x is not None and weights is not None
    scale: Any = x.scale.astype(np.float64) * weights.scale.astype(np.float64)  # exactly, as lowering compares it
    scales = Quantization(scale, np.zeros_like(weights.zero_point), 0)
    return Tensor(index, "bias", shape, "int32", _along(scales, left), values)


def _along(quantization: Quantization | None, left: NDArray[np.intp]) -> Quantization | None:
    """One scale for each of the channels that are left; one for all stays as it is."""
    if quantization is None or quantization.scale.size == 1:
        return quantization
    return replace(quantization, scale=quantization.scale[left], zero_point=quantization.zero_point[left])
