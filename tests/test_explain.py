"""Layers computed again in NumPy: exactly as the golden computes them, and every mistake told from the others."""

from __future__ import annotations

from dataclasses import replace

import needs
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from layers import Case, conv2d, conv2d_and_pool, dense
from networks import pooled_layer
from op_layers import depthwise_conv2d

from tinyproof.export.golden import Golden
from tinyproof.export.tflite_reader import read_graph
from tinyproof.host.diagnosis.explain import Example, Explanation, explain
from tinyproof.host.diagnosis.recompute import (
    Layer,
    finish,
    read_layer,
    round_down,
    round_float,
    round_once,
    round_twice,
    sums,
    with_padding,
)

pytestmark = needs.golden
CASES = settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)


@CASES
@given(case=st.one_of(conv2d(), conv2d_and_pool(), dense(), depthwise_conv2d()))
def test_a_layer_computed_again_is_the_golden(case: Case):
    graph = read_graph(case.model, "case")
    layer = read_layer(graph, tuple(range(len(graph.ops))))
    if layer is None:  # refused by the compiled engine
        return
    golden = Golden(case.model)
    for x in case.inputs:
        flat = np.frombuffer(x.tobytes(), np.int8)
        assert finish(layer, sums(layer, flat), round_twice).tobytes() == golden.run_bytes(x.tobytes())


def a_layer(same_padding: bool) -> tuple[bytes, Layer]:
    """A convolution with its pooling, three channels in or more, and every output byte its own."""
    for seed in range(100):
        model = pooled_layer(seed)
        layer = read_layer(read_graph(model, "layer"), (0, 1))
        assert layer is not None
        if bool(layer.params.window.pad_h) == same_padding and layer.params.window.x_c > 2:
            return model, layer
    raise AssertionError("no such layer")


def with_stage(layer: Layer, **changes) -> Layer:
    return replace(layer, params=replace(layer.params, output=replace(layer.params.output, **changes)))


def changed(values: np.ndarray, place: object, value: int) -> np.ndarray:
    copy = values.copy()
    copy[place] = value
    return copy


def compute(layer: Layer, x, round_=round_twice, outside=None) -> np.ndarray:
    return finish(layer, sums(layer, x, outside), round_)


def first_scale(layer: Layer) -> Layer:
    return with_stage(layer, multiplier=layer.params.output.multiplier[:1], shift=layer.params.output.shift[:1])


def other_bias(layer: Layer) -> Layer:
    bias = layer.params.bias
    return replace(layer, params=replace(layer.params, bias=changed(bias, 2, int(bias[2]) + 30_000)))


def other_scale(layer: Layer) -> Layer:
    return with_stage(layer, shift=changed(layer.params.output.shift, 2, int(layer.params.output.shift[2]) - 1))


def other_weight(layer: Layer) -> Layer:
    return replace(layer, params=replace(layer.params, weights=changed(layer.params.weights, (2, 1, 0, 3), 113)))


MISTAKES = [
    (False, lambda layer, x: compute(layer, x, round_once), "rounds once instead of twice", True),
    (False, lambda layer, x: compute(layer, x, round_down), "cuts instead of rounding", True),
    (False, lambda layer, x: compute(first_scale(layer), x), "first channel's scale for all channels", False),
    (False, lambda layer, x: compute(with_padding(layer, -1, 2), x), "a padding of -1 x 2 instead of 0 x 0", False),
    (True, lambda layer, x: compute(layer, x, outside=0), "pads with 0 instead of the input's zero point -128", False),
    (
        False,
        lambda layer, x: compute(other_bias(layer), x),
        "channel 2 alone: in its bias: the sums are about 3",
        False,
    ),
    (False, lambda layer, x: compute(other_scale(layer), x), "multiplier or shift: its scale is 0.5 times", False),
    (False, lambda layer, x: compute(other_weight(layer), x), "in its weight (1, 0, 3): it is 113, not", False),
]


@pytest.mark.parametrize("same_padding, mistaken, words, is_rounding", MISTAKES, ids=[m[2] for m in MISTAKES])
def test_every_mistake_is_told_from_the_others(same_padding, mistaken, words, is_rounding):
    model, layer = a_layer(same_padding)
    golden = Golden(model, keep_tensors=True)
    examples = []
    for seed in range(4):
        size = layer.params.window.x_h * layer.params.window.x_w * layer.params.window.x_c
        x = np.random.default_rng(seed).integers(-128, 128, size, np.int8)
        right = np.frombuffer(golden.run_bytes(x.tobytes()), np.int8)
        examples.append(Example(x, right, mistaken(layer, x)))
    found = explain(layer, examples)
    assert isinstance(found, Explanation) and found.proved
    assert words in found.text and found.is_rounding == is_rounding


def test_a_difference_that_no_mistake_explains_is_not_explained():
    model, layer = a_layer(same_padding=False)
    window = layer.params.window
    x = np.random.default_rng(0).integers(-128, 128, window.x_h * window.x_w * window.x_c, np.int8)
    right = np.frombuffer(Golden(model).run_bytes(x.tobytes()), np.int8)
    assert explain(layer, [Example(x, right, right[::-1].copy())]) is None


def test_float_rounding_differs_from_double_rounding_somewhere():
    _, layer = a_layer(same_padding=False)
    acc = np.arange(-200_000, 200_000).reshape(1, -1, 1)
    one = with_stage(layer, multiplier=layer.params.output.multiplier[:1], shift=layer.params.output.shift[:1])
    twice = round_twice(acc, one.params.output)
    for other in (round_once, round_float(np.float32), round_down):
        steps = np.abs(other(acc, one.params.output) - twice)
        assert steps.max() == 1
