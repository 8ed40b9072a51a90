"""Ranges of activations without the values that are too rare or too small to count, in a calibrated float model."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinyproof.export.conversion.running import Images, activations
from tinyproof.export.graph import Graph
from tinyproof.export.tflite_editing import packed, unpacked
from tinyproof.export.tflite_reader import read_graph

PICTURES = 64
VALUES = 4096  # of a tensor and a picture, spread over it
KEPT = 0.9995  # of a tensor's values
LEAST_LOGIT = 12.0  # below the largest: e^-12 is a hundredth of a step of softmax
OF_ONE_RANGE = ("SOFTMAX", "LOGISTIC", "TANH", "LOG_SOFTMAX")  # the output, whatever the calibration


def clipped(calibrated: bytes, images: Images) -> bytes:
    """The model with ranges of 99.95 % of each tensor's values. A pixel keeps its own; so do outputs of softmax, the
    inputs of which end below where they count.
    """
    graph, model = read_graph(calibrated, "float"), unpacked(calibrated, "the float model")
    tensors = model.subgraphs[0].tensors
    chosen = images[:: max(1, len(images) // PICTURES)][:PICTURES]
    kept = set(graph.inputs) if images.dtype == np.uint8 else set()
    kept |= {index for op in graph.ops if op.name in OF_ONE_RANGE for index in op.outputs}
    for index, (low, high) in _ranges(graph, calibrated, chosen).items():
        given = tensors[index].quantization
        if index not in kept and low < high and given is not None and _size(given.min) == _size(given.max) == 1:
            given.min, given.max = [max(float(given.min[0]), low)], [min(float(given.max[0]), high)]
    return packed(model)


def _size(values: Any) -> int:
    return 0 if values is None else len(values)


def _ranges(graph: Graph, calibrated: bytes, images: Images) -> dict[int, tuple[float, float]]:
    """(lowest, highest) of each tensor, with zero, which every int8 tensor has a level for."""
    into_softmax = {op.inputs[0] for op in graph.ops if op.name == "SOFTMAX"}
    seen: dict[int, list[NDArray[np.float32]]] = defaultdict(list)
    least: dict[int, float] = {}
    for found in activations(calibrated, images):
        for index, values in found.items():
            flat = values.ravel()
            seen[index].append(flat[:: max(1, flat.size // VALUES)])
            if index in into_softmax:
                least[index] = min(least.get(index, np.inf), float(values.max(-1).min()) - LEAST_LOGIT)
    ranges = {}
    for index, parts in seen.items():
        low, high = (float(end) for end in np.quantile(np.concatenate(parts), (1 - KEPT, KEPT)))
        ranges[index] = min(max(low, least.get(index, low)), 0.0), max(high, 0.0)
    return ranges
