"""Quantization-aware fine-tuning: weights and ranges of a calibrated float model, trained to be rounded to int8.

Every tensor is rounded on the way as int8 will round it, and the gradient goes through as if it were not (Jacob et
al., Quantization and Training of Neural Networks, 2018); the ranges learn too (Esser et al., Learned Step Size
Quantization, 2020). What is learnt are the float model's own answers, so that no labels are needed. Every fourth
picture is kept out of it: these say which epoch was best, and the result is measured on them.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinyproof.backend import load_keras, make_repeatable
from tinyproof.export.conversion.convert import as_inputs
from tinyproof.export.conversion.differentiable import KEEPS_SCALE, LINEAR, Constants, outputs
from tinyproof.export.conversion.equalization import with_constants
from tinyproof.export.graph import ABSENT, Graph
from tinyproof.export.ops import macs_of
from tinyproof.export.tflite_editing import packed, unpacked
from tinyproof.export.tflite_reader import read_graph

HELD_OUT = 4  # every fourth picture
LEAST_PICTURES = 64
BATCH, STEPS = 32, 300
MOST_MACS = 4e10  # of all steps forward; fewer of them where it would be more
RATE = 3e-3  # of a weight's own size, at first; falls to zero along a cosine
RANGES_FASTER = 10.0
SMALLEST = 1 / 127  # of a weight's size, in the largest of its channel: a step of int8
SEED = 1
OF_ONE_RANGE = ("SOFTMAX", "LOGISTIC", "TANH")  # the output, whatever the calibration
Place = tuple[int, int]  # an op, and which of its operands
Array = NDArray[np.float32]


def held_out(count: int) -> NDArray[np.bool_]:
    """Which of so many pictures are kept out of the training."""
    return np.asarray(np.arange(count) % HELD_OUT == 0)


def finetuned(calibrated: bytes, images: NDArray[Any]) -> bytes | None:
    """The model with other weights and ranges; None where none were better on the pictures kept out. Raises
    differentiable.Unknown for an op that cannot be trained through.
    """
    make_repeatable(SEED)
    graph = read_graph(calibrated, "float")
    x = np.concatenate(as_inputs(images))
    student = _Student(graph, _ends(calibrated, graph), x[:BATCH])
    wanted = np.concatenate([student.float_answers(x[k : k + BATCH]) for k in range(0, len(x), BATCH)])
    out = held_out(len(x))
    best, kept = student.error(x[out], wanted[out]), None
    steps = min(STEPS, int(MOST_MACS / (BATCH * max(1, macs_of(graph, graph.ops)))))
    for _ in _epochs(student, x[~out], wanted[~out], max(1, steps * BATCH // int((~out).sum()))):
        if (error := student.error(x[out], wanted[out])) < best:
            best, kept = error, [variable.numpy() for variable in student.variables]
    return student.written(calibrated, kept) if kept else None


def _epochs(student: _Student, x: Array, wanted: Array, count: int) -> Iterator[None]:
    """Train the student so many times over all of x (N,...)."""
    import tensorflow as tf

    optimizer = load_keras().optimizers.Adam(RATE)
    optimizer.build(student.variables)

    @tf.function  # type: ignore[untyped-decorator]
    def step(some: Any, answers: Any) -> None:
        with tf.GradientTape() as tape:
            error = student.loss(some, answers)
        optimizer.apply_gradients(zip(tape.gradient(error, student.variables), student.variables, strict=True))

    rng = np.random.default_rng(SEED)
    for epoch in range(count):
        optimizer.learning_rate = RATE * 0.5 * (1 + np.cos(np.pi * epoch / count))
        order = rng.permutation(len(x))
        for k in range(0, len(order) - BATCH + 1, BATCH):
            step(x[order[k : k + BATCH]], wanted[order[k : k + BATCH]])
        yield


class _Student:
    """The model with what is learnt of it: numbers without a unit, 0 at first, for each weight, bias and range."""

    def __init__(self, graph: Graph, ends: dict[int, tuple[float, float]], some: Array) -> None:
        import tensorflow as tf

        self._tf, self._graph, self._ends = tf, graph, ends
        self._first: dict[Place, Array] = {}
        self._unit: dict[Place, Array] = {}
        self._moved: dict[Place, Any] = {}
        sizes: dict[int, Array] = {}  # of each tensor, the largest of each channel

        def see(index: int, y: Any) -> Any:
            sizes[index] = np.abs(y).reshape(-1, y.shape[-1]).max(0)
            return y

        self._spread = float(np.std(outputs(graph, some, {}, see))) or 1.0
        for op in graph.ops:
            for place, index in enumerate(op.inputs if op.name in LINEAR else ()):
                if place and index != ABSENT:
                    first = np.array(graph.tensors[index].data, np.float32)
                    largest = np.abs(first).max(_axes(op.name), keepdims=True) if place == 1 else np.ones(1)
                    unit = largest * SMALLEST if place == 1 else sizes[op.outputs[0]]
                    self._first[op.index, place] = first
                    self._unit[op.index, place] = np.maximum(np.abs(first), unit).astype(np.float32)
                    self._moved[op.index, place] = tf.Variable(np.zeros_like(first))
        self._stretched = {index: tf.Variable(np.zeros(2, np.float32)) for index in ends if index not in graph.inputs}
        self.variables = [*self._moved.values(), *self._stretched.values()]
        self._loss = tf.function(self.loss)

    def float_answers(self, x: Array) -> Array:
        """What the model says as it is, unrounded."""
        return np.asarray(outputs(self._graph, x, {}, lambda _, y: y))

    def loss(self, x: Any, wanted: Any) -> Any:
        """How far rounded answers are from those wanted: what the softmax makes of them, else the numbers."""
        tf, y = self._tf, self._answers(x)
        if self._graph.ops[-1].name != "SOFTMAX":
            return tf.reduce_mean(((y - wanted) / self._spread) ** 2)
        shares, logarithms = tf.nn.softmax(wanted), tf.nn.log_softmax(wanted) - tf.nn.log_softmax(y)
        return tf.reduce_mean(tf.reduce_sum(shares * logarithms, -1))

    def error(self, x: Array, wanted: Array) -> float:
        """The loss on all of x (N,...)."""
        parts = [slice(k, k + BATCH) for k in range(0, len(x), BATCH)]
        return float(sum(float(self._loss(x[part], wanted[part])) * len(x[part]) for part in parts) / len(x))

    def _answers(self, x: Any) -> Any:
        constants: Constants = {}
        for place, moved in self._moved.items():
            value = self._first[place] + self._unit[place] * moved
            constants[place] = self._rounded_weights(place, value) if place[1] == 1 else value
        return outputs(self._graph, x, constants, self._rounded)

    def _rounded_weights(self, place: Place, value: Any) -> Any:
        tf, axes = self._tf, _axes(self._graph.ops[place[0]].name)
        step = tf.stop_gradient(tf.maximum(tf.reduce_max(tf.abs(value), axes, keepdims=True), 1e-12) / 127)
        return self._to_whole(value / step) * step

    def _rounded(self, index: int, value: Any) -> Any:
        if index not in self._ends:
            return value
        low, high = self._ends[index]
        if index in self._stretched:
            factors = self._tf.exp(RANGES_FASTER * self._stretched[index])
            low, high = low * factors[0], high * factors[1]
        step = (high - low) / 255
        zero = self._tf.stop_gradient(self._tf.round(-low / step))
        return self._to_whole(self._tf.clip_by_value(value / step, -zero, 255 - zero)) * step

    def _to_whole(self, value: Any) -> Any:
        """Rounded, with the gradient of what was not."""
        return value + self._tf.stop_gradient(self._tf.round(value) - value)

    def written(self, calibrated: bytes, kept: list[Array]) -> bytes:
        """The model with what was learnt, in the order of `variables`."""
        moved = dict(zip(self._moved, kept, strict=False))
        weights = {place: self._first[place] + self._unit[place] * change for place, change in moved.items()}
        model = unpacked(with_constants(calibrated, weights), "the float model")
        for index, change in zip(self._stretched, kept[len(moved) :], strict=True):
            given = model.subgraphs[0].tensors[index].quantization
            low, high = np.array(self._ends[index]) * np.exp(RANGES_FASTER * change)
            given.min, given.max = [float(low)], [float(high)]
        return packed(model)


def _axes(name: str) -> tuple[int, ...]:
    """Of a layer's weights, those along which one scale holds."""
    return {"CONV_2D": (1, 2, 3), "DEPTHWISE_CONV_2D": (0, 1, 2)}.get(name, (0, 1))


def _ends(calibrated: bytes, graph: Graph) -> dict[int, tuple[float, float]]:
    """(lowest, highest), with zero between, of each tensor that int8 rounds by itself."""
    tensors = unpacked(calibrated, "the float model").subgraphs[0].tensors
    computed = [op.outputs[0] for op in graph.ops if op.name not in (*KEEPS_SCALE, *OF_ONE_RANGE)]
    found = {}
    for index in (*graph.inputs, *computed):
        given = tensors[index].quantization
        if given is not None and given.min is not None and len(given.min) == 1 and given.min[0] < given.max[0]:
            found[index] = (min(0.0, float(given.min[0])), max(0.0, float(given.max[0])))
    return found
