"""Channels that are constant or read by nobody are left out, and every byte that is computed stays the golden's."""

from __future__ import annotations

import hashlib
from dataclasses import replace

import needs
import numpy as np
import pytest
from dead_networks import dead_network
from every_op import schema_options as options
from every_tensor import assert_golden, lowered
from hypothesis import given, settings
from hypothesis import strategies as st
from layers import UNDEFINED_IN_TFLM
from planting import expect_constants, model_c

import tinyproof.firmware.build
from tinyproof.boards import BOARDS
from tinyproof.console import UserError
from tinyproof.export.emit import export_model, write_export
from tinyproof.export.emit_model import emit_model_c, segments
from tinyproof.export.lower import Lowered, lower
from tinyproof.export.ops.equivalent import Stage, equivalent
from tinyproof.export.steps import describe_steps
from tinyproof.export.tflite_reader import read_graph
from tinyproof.export.tflite_writer import ModelBuilder
from tinyproof.host.validate import Plan, validate
from tinyproof.optimize import Optimize

SEEDS = 25


class Chain:
    """Layers one after the other on an image of 6 x 6 with as many channels as the first layer asks for."""

    def __init__(self, channels: int) -> None:
        self.b = ModelBuilder()
        self.rng = np.random.default_rng(1)
        self.first = self.x = self.b.tensor((1, 6, 6, channels), 0.5, -128)
        self.shape = (1, 6, 6, channels)

    def conv(self, filters: int, dead=(), kernel=1, padding="SAME", zero_bias=-9, x=None) -> int:
        """Filters that are `dead` have no weights, and a bias that a rectifier makes its zero of."""
        taps = self.rng.integers(-99, 100, (filters, kernel, kernel, self.shape[3]), np.int8)
        taps[list(dead)] = 0
        bias = np.full(filters, 50, np.int32)
        bias[list(dead)] = zero_bias
        out = self.shape[1] if padding == "SAME" else self.shape[1] - kernel + 1
        source = self.x if x is None else x
        return self._layer(self.b.conv2d, source, taps, bias, (1, out, out, filters), padding, 0)

    def depthwise(self, dead=(), zero_bias=-9) -> int:
        channels = self.shape[3]
        taps = self.rng.integers(-99, 100, (1, 3, 3, channels), np.int8)
        taps[..., list(dead)] = 0
        bias = np.full(channels, 50, np.int32)
        bias[list(dead)] = zero_bias
        return self._layer(self.b.depthwise_conv2d, self.x, taps, bias, self.shape, "SAME", 3)

    def _layer(self, add, x: int, taps, bias, shape, padding: str, axis: int) -> int:
        scale = 0.014 / float(np.sqrt(taps.size / bias.size))  # with which most of the output's range is used
        scales, bias_scales = [scale] * bias.size, [0.5 * scale] * bias.size
        operands = [x, self.b.constant(taps, scales, axis=axis), self.b.constant(bias, bias_scales)]
        self.x, self.shape = self.b.tensor(shape, 0.5, -128), shape
        add(operands, self.x, (1, 1), (1, 1), padding, "RELU")
        return self.x

    def model(self) -> bytes:
        return self.b.build([self.first], [self.x])


def channels(one: Lowered) -> list[int]:
    """Of what every step computes."""
    return [step.y.shape[-1] for step in one.program().steps]


@needs.golden
def test_random_networks_give_the_bytes_of_tflm_in_every_tensor(kernels):
    left_out, refused = 0, 0
    for seed in range(SEEDS):
        case = dead_network(seed)
        try:
            left_out += lowered(case.model).reduced.filters
        except UserError as refusal:
            assert UNDEFINED_IN_TFLM.search(refusal.message), refusal.message
            refused += 1
            continue
        assert_golden(kernels, case.model, case.inputs)
    assert left_out > 5 * SEEDS and refused < SEEDS / 4


def test_a_dead_channel_goes_with_all_that_is_its_own():
    chain = Chain(8)
    both = chain.conv(16, dead=(1, 2, 7, 8)), chain.depthwise()
    chain.conv(8)
    one = lowered(chain.model())
    assert channels(one) == [12, 12, 8]
    assert one.reduced.filters == 8 and one.reduced.macs == 36 * (4 * 8 + 4 * 9 + 4 * 8)
    assert one.reduced.line == "left out as dead, which changes no byte: 8 channels, 3,600 multiply-accumulates"
    assert sorted(one.reduced.kept) == sorted(both)
    assert all(left.tolist() == [0, 3, 4, 5, 6, *range(9, 16)] for left in one.reduced.kept.values())
    assert one.program().macs == 36 * (12 * 8 + 12 * 9 + 12 * 8)


def test_a_channel_that_only_a_dead_one_reads_goes_too():
    chain = Chain(8)
    chain.conv(16)
    chain.depthwise(dead=(0, 1, 2, 3))
    chain.conv(8)
    assert channels(lowered(chain.model())) == [12, 12, 8]


def test_channels_stay_in_fours_and_no_tensor_is_left_without_any():
    chain = Chain(8)
    chain.conv(16, dead=range(6))
    chain.conv(12, dead=range(12))
    chain.conv(8)
    assert channels(lowered(chain.model())) == [4, 4, 8]


def test_inputs_and_outputs_of_the_model_stay_whole():
    chain = Chain(8)
    chain.depthwise(dead=range(4))
    chain.conv(8, dead=range(4))
    one = lowered(chain.model())
    assert channels(one) == [8, 8] and not one.reduced.kept and one.reduced.line == ""


@pytest.mark.parametrize(
    "kernel, padding, bias, left",
    [
        (1, "SAME", 5000, 12),
        (3, "VALID", 5000, 12),
        (3, "SAME", -5000, 12),  # constantly the zero point, which stands outside of the image too
        (3, "SAME", 5000, 16),  # adds less at the border
    ],
)
@needs.golden
def test_a_constant_that_adds_the_same_everywhere_goes_into_the_bias(kernels, kernel, padding, bias, left):
    chain = Chain(8)
    chain.conv(16, dead=range(4), zero_bias=bias)
    chain.conv(8, kernel=kernel, padding=padding)
    content = chain.model()
    assert channels(lowered(content)) == [left, 8]
    assert_golden(kernels, content, np.random.default_rng(2).integers(-128, 128, (3, 6, 6, 8), np.int8))


@pytest.mark.parametrize("dead, left", [(range(4), 4), (range(4, 8), 8)])
def test_a_sum_loses_what_both_its_operands_can_do_without(dead, left):
    chain = Chain(8)
    a = chain.conv(8, dead=range(4))
    b = chain.conv(8, dead=dead)
    chain.x = chain.b.tensor(chain.shape, 0.5, -128)
    chain.b.op("ADD", [a, b], [chain.x], options("AddOptionsT"))
    chain.conv(8)
    assert channels(lowered(chain.model()))[-2:] == [left, 8]


def test_a_wide_layer_with_one_odd_channel_stays_on_its_fast_kernel():
    for scale in (0.0, 1e-9, 2.0**-22, 0.7, 3.0):
        b = ModelBuilder()
        taps = np.random.default_rng(1).integers(-127, 128, (16, 1, 1, 16), np.int8)
        x, y = b.tensor((1, 8, 8, 16), 1.0, 3), b.tensor((1, 8, 8, 16), 1.0, -128)
        b.conv2d([x, b.constant(taps, [0.001] * 15 + [scale])], y, activation="RELU")
        one = lowered(b.build([x], [y]))
        kernels = {optimize: one.program(optimize=optimize).steps[0].kernel.name for optimize in Optimize}
        assert set(kernels.values()) <= {"conv2d_pointwise", "conv2d_packed", "conv2d_bytes"}, (scale, kernels)


@settings(max_examples=150, deadline=None, derandomize=True)
@given(seed=st.integers(0, 2**32 - 1))
def test_an_equivalent_output_stage_is_found_and_equal(seed):
    rng = np.random.default_rng(seed)
    weights = rng.integers(-60, 61, int(rng.choice([1, 9, 64, 300])))
    magnitude = int(np.abs(weights).sum())
    reach = 128 * magnitude
    shift = int(rng.choice([*range(-31, -23), *range(0, 7)]))
    bits = int(rng.integers(0, 30 - max(shift, 0)))
    bias = int(rng.integers(-(2**bits), 2**bits + 1))
    multiplier, zero_point = int(rng.integers(2**30, 2**31)), int(rng.integers(-128, 128))
    stage = Stage(multiplier, shift, zero_point, -128, 127, bias - reach, bias + reach)
    found = equivalent(stage, bias, magnitude, 7)
    assert found is not None
    sums = np.unique(np.concatenate([rng.integers(-reach, reach + 1, 3000), np.arange(-300, 301), [-reach, reach]]))
    for sign in ("product", "sum", "none"):
        np.testing.assert_array_equal(found.bytes_of(sums, -128, 127, sign), stage.bytes_of(sums + bias))


@pytest.fixture
def exported(tmp_path):
    """A model whose second layer has lost channels 1, 2, 7 and 8 of its input."""
    chain = Chain(8)
    chain.conv(16, dead=(1, 2, 7, 8))
    chain.conv(8, kernel=3)
    chain.conv(8)
    content, model = chain.model(), tmp_path / "dead"
    write_export(model, content, export_model(content, "dead", "dead", (), None))
    return model, content


@needs.golden
def test_a_device_is_compared_in_the_channels_that_it_computes(exported):
    model, _ = exported
    tinyproof.firmware.build.build(model, BOARDS["host"])
    report = validate(Plan(model, BOARDS["host"], limit=8))
    assert (report.verdict, report.diagnosis.causes) == ("equal", [])
    assert [op.shape[-1] for op in report.diagnosis.ops] == [12, 8, 8]
    assert all((op.traced, op.different) == (5, 0) for op in report.diagnosis.ops)


@needs.golden
def test_a_wrong_weight_is_named_by_its_place_in_the_model(exported):
    model, content = exported
    graph = read_graph(content, "dead")
    tensors = list(graph.tensors)
    weights = graph.ops[1].inputs[1]
    values = np.array(tensors[weights].data)
    wrong = -90 if values[5, 1, 2, 9] > 0 else 90
    right, values[5, 1, 2, 9] = int(values[5, 1, 2, 9]), wrong
    tensors[weights] = replace(tensors[weights], data=values)
    program = lower(replace(graph, tensors=tuple(tensors))).program(BOARDS["host"].core)
    model_c(model).write_text(emit_model_c(program, ""))
    sha256 = hashlib.sha256(b"".join(table.flash_bytes for _, table in segments(program))).hexdigest()
    expect_constants(model, sha256, steps=describe_steps(program, {}))
    tinyproof.firmware.build.build(model, BOARDS["host"])
    report = validate(Plan(model, BOARDS["host"], limit=30))
    [cause] = [cause for cause in report.diagnosis.causes if cause.kind == "kernel"]
    assert f"channel 5 alone: in its weight (1, 2, 9): it is {wrong}, not {right}" in cause.text
