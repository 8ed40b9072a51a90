"""Files that LiteRT reads and TensorFlow Lite Micro gets wrong: what becomes of them gives LiteRT's bytes in both."""

from __future__ import annotations

import doctest

import needs
import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema
from every_op import edited
from every_op import schema_options as options

from tinyproof.export import half_bytes
from tinyproof.export.adapting import adapted
from tinyproof.export.golden import Golden
from tinyproof.export.lower import lower
from tinyproof.export.other_writers import WHOLE_NUMBERS
from tinyproof.export.tflite_reader import read_graph
from tinyproof.export.tflite_writer import ABSENT, ModelBuilder

END = 2**63 - 1  # of a slice that goes as far as it can
SHAPE = (1, 4, 6, 2)
# By op its whole numbers, the shape that they make of SHAPE, and its options.
OPS = {
    "TRANSPOSE": (([0, 2, 1, 3],), (1, 6, 4, 2), None),
    "PAD": (([[0, 0], [1, 0], [0, 2], [0, 0]],), (1, 5, 8, 2), None),
    "PADV2": (([[0, 0], [1, 0], [0, 2], [0, 0]],), (1, 5, 8, 2), None),
    "GATHER": (([3, 0],), (1, 2, 6, 2), options("GatherOptionsT", axis=1)),
    "REVERSE_V2": (([1],), SHAPE, None),
    "RESIZE_BILINEAR": (([8, 9],), (1, 8, 9, 2), options("ResizeBilinearOptionsT")),
    "RESIZE_NEAREST_NEIGHBOR": (([8, 9],), (1, 8, 9, 2), options("ResizeNearestNeighborOptionsT")),
    "MEAN": (([1, 2],), (1, 2), options("ReducerOptionsT")),
    "SUM": (([1],), (1, 6, 2), options("ReducerOptionsT")),
    "REDUCE_MAX": (([-1],), (1, 4, 6), options("ReducerOptionsT")),
    "REDUCE_MIN": (([2],), (1, 4, 2), options("ReducerOptionsT")),
    "STRIDED_SLICE": (([0, 1, 0, 0], [1, END, END, 2], [1, 1, 2, 1]), (1, 3, 3, 2), options("StridedSliceOptionsT")),
    "SPACE_TO_BATCH_ND": (([2, 2], [[0, 0], [0, 0]]), (4, 2, 3, 2), None),
    "BATCH_TO_SPACE_ND": (([1, 1], [[1, 0], [0, 2]]), (1, 3, 4, 2), None),
}
X = np.random.default_rng(1).integers(-128, 128, SHAPE, np.int8)


def model_of(name: str, dtype: type) -> bytes:
    numbers, y_shape, chosen = OPS[name]
    limits = np.iinfo(dtype)
    b = ModelBuilder()
    x, y = b.tensor(SHAPE, 0.1, 7), b.tensor(y_shape, 0.1, 7)
    operands = [b.constant(np.clip(each, limits.min, limits.max).astype(dtype), None) for each in numbers]
    if name == "PADV2":
        operands.append(b.constant(np.array(3, np.int8), [0.1], [7]))
    b.op(name, [x, *operands], [y], chosen)
    return b.build([x], [y])


def depthwise_model(bias: bool, multiplier: int) -> bytes:
    def change(model) -> None:
        model.subgraphs[0].operators[0].builtinOptions.depthMultiplier = multiplier

    b = ModelBuilder()
    x, y = b.tensor(SHAPE, 0.1, 7), b.tensor((1, 2, 4, 4), 0.2, -3)
    taps = b.constant(np.arange(36, dtype=np.int8).reshape(1, 3, 3, 4), [0.01], axis=3)
    b.depthwise_conv2d([x, taps, ABSENT] if bias else [x, taps], y)
    return edited(b.build([x], [y]), change)


@needs.golden
@pytest.mark.parametrize("name", WHOLE_NUMBERS)
def test_whole_numbers_of_64_bits_are_those_of_32(name):
    after = adapted(model_of(name, np.int64), "model")
    lower(read_graph(after, "model"))
    np.testing.assert_array_equal(Golden(after).run(X), Golden(model_of(name, np.int32)).run(X))


@needs.golden
@pytest.mark.parametrize(("bias", "multiplier"), [(True, 2), (False, 0), (True, 1)])
def test_a_depthwise_layer_goes_by_its_shapes_and_needs_no_bias(bias, multiplier):
    right = depthwise_model(bias=False, multiplier=2)
    assert adapted(right, "model") == right
    after = adapted(depthwise_model(bias, multiplier), "model")
    lower(read_graph(after, "model"))
    np.testing.assert_array_equal(Golden(after).run(X), Golden(right).run(X))


HALVES = np.random.default_rng(2).integers(-8, 8, (3, 3, 3, 2), np.int8)  # an odd number of rows of an odd number


def half_bytes_model(name: str) -> bytes:
    """One layer whose weights are of 4 bits, two in a byte, the lower half first."""
    x_shape, y_shape, taps = {
        "CONV_2D": (SHAPE, (1, 2, 4, 3), HALVES),
        "DEPTHWISE_CONV_2D": (SHAPE, (1, 2, 4, 2), HALVES[:1]),
        "FULLY_CONNECTED": ((1, 9), (1, 3), HALVES.reshape(-1)[:27].reshape(3, 9)),
    }[name]

    def change(model) -> None:
        tensor = model.subgraphs[0].tensors[taps_index]
        tensor.type = schema.TensorType.INT4
        nibbles = np.append(taps.reshape(-1), np.zeros(taps.size % 2, np.int8)).view(np.uint8) & 15
        model.buffers[tensor.buffer].data = nibbles[::2] | nibbles[1::2] << 4

    b = ModelBuilder()
    x, y = b.tensor(x_shape, 0.1, 7), b.tensor(y_shape, 0.2, -3)
    channels = {"CONV_2D": (3, 0), "DEPTHWISE_CONV_2D": (2, 3), "FULLY_CONNECTED": (1, 0)}[name]
    taps_index = b.constant(taps, [0.01 * (1 + k) for k in range(channels[0])], axis=channels[1])
    {"CONV_2D": b.conv2d, "DEPTHWISE_CONV_2D": b.depthwise_conv2d, "FULLY_CONNECTED": b.dense}[name]([x, taps_index], y)
    return edited(b.build([x], [y]), change)


@needs.golden
@pytest.mark.parametrize("name", ["CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED"])
def test_weights_of_4_bits_answer_the_same_as_bytes(name):
    assert doctest.testmod(half_bytes).failed == 0
    before = half_bytes_model(name)
    after = adapted(before, "model")
    graph = read_graph(after, "model")
    lower(graph)
    x = X.reshape(-1)[: graph.tensors[graph.inputs[0]].size].reshape(graph.tensors[graph.inputs[0]].shape)
    np.testing.assert_array_equal(Golden(after).run(x), Golden(before).run(x))


@needs.golden
def test_an_output_that_is_an_input_or_another_output_has_a_tensor_of_its_own():
    b = ModelBuilder()
    x, y = b.tensor((1, 4), 1 / 256, -128), b.tensor((1, 4), 1 / 256, -128)
    b.softmax(x, y)
    before = b.build([x], [y, x, y])
    after = adapted(before, "model")
    given = np.int8([[-128, 0, 5, 127]])
    assert Golden(after).run_bytes(given.tobytes()) == Golden(before).run_bytes(given.tobytes())
    outputs = lower(read_graph(after, "model")).outputs
    assert len({tensor.index for tensor in outputs} | {x}) == 4
    assert adapted(after, "model") == after
