"""The size of TFLM's arena: measured with the wheel, and enough for the chips."""

from __future__ import annotations

import needs
import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema
from conftest import DEMO_MODEL
from networks import random_network

from tinyproof.console import UserError
from tinyproof.export.arena import (
    ALIGNMENT_BYTES,
    MARGIN_BYTES,
    arena_bytes,
    kernel_scratch_bytes,
    measure_arena,
    unmeasured_arena_bytes,
)
from tinyproof.export.tflite_reader import read_graph
from tinyproof.export.tflite_writer import ModelBuilder


class Network(ModelBuilder):
    """A chain of layers with weights of ones; `shape` is that of the last output."""

    def __init__(self, *shape: int) -> None:
        super().__init__()
        self.shape = shape
        self.x = self.source = self.tensor((1, *shape), 0.1)

    def _layer(self, *shape: int) -> int:
        x, self.shape = self.x, shape
        self.x = self.tensor((1, *shape), 0.1)
        return x

    def conv(self, size: int, channels: int) -> Network:
        height, width, depth = self.shape
        weights = self.constant(np.ones((channels, size, size, depth), np.int8), [0.01] * channels)
        bias = self.constant(np.ones(channels, np.int32), [0.001] * channels)
        x = self._layer(height - size + 1, width - size + 1, channels)
        self.conv2d([x, weights, bias], self.x)
        return self

    def depthwise(self, size: int) -> Network:
        height, width, depth = self.shape
        weights = self.constant(np.ones((1, size, size, depth), np.int8), [0.01] * depth, axis=3)
        bias = self.constant(np.ones(depth, np.int32), [0.001] * depth)
        x = self._layer(height - size + 1, width - size + 1, depth)
        options = schema.DepthwiseConv2DOptionsT()
        options.strideH = options.strideW = options.depthMultiplier = 1
        options.padding = schema.Padding.VALID
        self.op("DEPTHWISE_CONV_2D", [x, weights, bias], [self.x], options)
        return self

    def pool(self, name: str) -> Network:
        height, width, depth = self.shape
        x = self._layer(height // 2, width // 2, depth)
        options = schema.Pool2DOptionsT()
        options.filterHeight = options.filterWidth = options.strideH = options.strideW = 2
        options.padding = schema.Padding.VALID
        self.op(name, [x], [self.x], options)
        return self

    def dense_softmax(self, size: int) -> Network:
        inputs = int(np.prod(self.shape))
        self.reshape(self._layer(inputs), self.x)
        weights = self.constant(np.ones((size, inputs), np.int8), [0.01])
        self.dense([self._layer(size), weights, self.constant(np.ones(size, np.int32), [0.001])], self.x)
        y = self.tensor((1, size), 1 / 256, -128)
        self.softmax(self.x, y)
        self.x = y
        return self

    def skip(self) -> Network:
        """Adds the first image to the last: it has to be kept all the way."""
        x = self._layer(*self.shape)
        self.op("ADD", [x, self.source], [self.x], schema.AddOptionsT())
        return self

    def bytes(self) -> bytes:
        return self.build([self.source], [self.x])


# The smallest arena in which each network ran on an emulated Cortex-M4: with TFLM of August 2026 and CMSIS-NN, with
# February 2023's and CMSIS-NN (Chirale_TensorFLowLite 2.0.0), with esp-tflite-micro 1.3.8, whose source
# 1.4.0 has unchanged, and ESP-NN 1.1.2.
NEEDS = {
    "lenet": (
        lambda: Network(28, 28, 1).conv(3, 16).pool("MAX_POOL_2D").conv(3, 32).dense_softmax(10),
        (15008, 15120, 14960),
    ),
    "deep": (lambda: Network(10, 10, 64).conv(5, 16).conv(3, 16), (14240, 14320, 7840)),
    "narrow": (lambda: Network(8, 4, 128).conv(4, 8), (12848, 12928, 4656)),
    "depthwise": (lambda: Network(13, 11, 32).depthwise(5).conv(1, 8).pool("AVERAGE_POOL_2D"), (9248, 9344, 7632)),
    "wide": (lambda: Network(4, 4, 3).conv(1, 8).dense_softmax(300), (1488, 1568, 2656)),
    "pool": (lambda: Network(6, 6, 8).pool("MAX_POOL_2D"), (784, 864, 784)),
}


def runs(model: bytes, arena_size: int) -> bool:
    from tflite_micro.python.tflite_micro import runtime

    try:
        runtime.Interpreter.from_bytes(model, arena_size=arena_size).invoke()
    except RuntimeError:
        return False
    return True


@needs.golden
def test_the_measured_arena_is_the_smallest_in_which_tflm_runs_the_model():
    model = (DEMO_MODEL / "model.tflite").read_bytes()
    measured = measure_arena(model)
    assert measured is not None and measured % ALIGNMENT_BYTES == 0
    assert runs(model, measured)
    assert not runs(model, measured - ALIGNMENT_BYTES)


@needs.golden
@pytest.mark.parametrize("name", NEEDS)
def test_the_arena_is_enough_for_what_each_network_needed_on_a_cortex_m4(name):
    make, needed = NEEDS[name]
    arena = arena_bytes(make().bytes())
    assert arena is not None and arena % ALIGNMENT_BYTES == 0
    assert max(needed) <= arena - MARGIN_BYTES


@needs.golden
def test_what_the_wheel_needs_is_no_upper_bound_where_a_convolution_unfolds_much():
    make, (cmsis_nn, _, _) = NEEDS["deep"]
    measured = measure_arena(make().bytes())
    assert measured is not None and measured < cmsis_nn


@pytest.mark.parametrize(
    "network, scratch",
    [
        (Network(10, 10, 64).conv(3, 16).conv(5, 8), 4 * 3 * 3 * 64),
        (Network(10, 10, 32).depthwise(5), 4 * 5 * 5 * 32),
        (Network(10, 10, 32).pool("AVERAGE_POOL_2D"), 4 * 32),
        (Network(10, 10, 32).pool("MAX_POOL_2D"), 0),
        (Network(2, 2, 1).dense_softmax(100), 4 * 100),
    ],
)
def test_scratch_is_that_of_the_op_that_takes_most(network, scratch):
    assert kernel_scratch_bytes(read_graph(network.bytes(), "network")) == scratch


@needs.golden
def test_a_model_that_tflm_does_not_run_is_named_as_such():
    network = Network(4, 4, 1)
    network.op("DENSIFY", [network._layer(4, 4, 1)], [network.x])
    with pytest.raises(UserError, match="does not run the model"):
        measure_arena(network.bytes())


@needs.golden
@pytest.mark.parametrize(
    "model",
    [
        *(make().bytes() for make, _ in NEEDS.values()),
        Network(16, 16, 16).conv(1, 16).conv(1, 16).skip().bytes(),
        *(random_network(seed) for seed in range(4)),
    ],
    ids=[*NEEDS, "skip", *(f"random {seed}" for seed in range(4))],
)
def test_without_the_wheel_the_arena_is_little_larger(model):
    measured, unmeasured = arena_bytes(model), unmeasured_arena_bytes(read_graph(model, "network"))
    assert measured is not None and measured <= unmeasured <= measured + 4096


def test_without_the_wheel_nothing_is_measured(monkeypatch):
    monkeypatch.setattr("tinyproof.export.arena.golden_available", lambda: False)
    model = Network(4, 4, 1).pool("MAX_POOL_2D").bytes()
    assert measure_arena(model) is None
    assert arena_bytes(model) is None
