"""The C kernels against TensorFlow Lite Micro: byte for byte, over random layers and the edges of their arithmetic.

Every case runs on the plain kernels, and on those that export finds for it, for each core and with each value of
`--optimize`.
"""

from __future__ import annotations

from dataclasses import replace

import needs
import numpy as np
import pytest
from every_op import every_op_model, schema_options
from hypothesis import HealthCheck, Phase, given, reject, settings
from hypothesis import strategies as st
from kernel_library import KernelLibrary, different
from layers import (
    UNDEFINED_IN_TFLM,
    Case,
    conv2d,
    conv2d_and_pool,
    dense,
    inputs_for,
    max_pool2d,
    pointwise_layers,
    requantization,
    softmax,
)
from op_layers import (
    average_pool2d,
    byte_functions,
    concatenation,
    depthwise_conv2d,
    elementwise,
    grouped_conv2d,
    lookup,
    pad,
    reduction,
    resize_nearest,
    slice_op,
    split,
    strided_slice,
    transpose,
    transpose_conv2d,
)
from rarer_layers import RARER

from tinyproof.console import UserError
from tinyproof.cores import CORES, CORTEX_M0PLUS, CORTEX_M4F, CORTEX_M55, PLAIN, RV32IMC, SIMD
from tinyproof.export import choose
from tinyproof.export.borders import with_int8_ends
from tinyproof.export.golden import Golden
from tinyproof.export.lower import lower
from tinyproof.export.ops import FAST
from tinyproof.export.tflite_reader import read_graph
from tinyproof.export.tflite_writer import ModelBuilder
from tinyproof.host.bench.kinds import KINDS, Net
from tinyproof.optimize import Optimize

pytestmark = needs.golden
CASES = settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)

EVERY_KERNEL = replace(CORTEX_M4F, kernels=tuple({folder for core in CORES.values() for folder in core.kernels}))


def assert_equal_to_golden(kernels: KernelLibrary, case: Case) -> None:
    try:
        graph = read_graph(case.model, "case")
        lowered = lower(graph)
        programs = [lowered.program(core) for core in (PLAIN, CORTEX_M0PLUS, RV32IMC, CORTEX_M55, SIMD)]
        programs += [lowered.program(CORTEX_M4F, spent) for spent in Optimize]
    except UserError as refusal:
        assert UNDEFINED_IN_TFLM.search(refusal.message), refusal.message
        reject()
    golden = Golden(case.model)
    expected = [np.frombuffer(golden.run_bytes(x.tobytes()), np.int8) for x in case.inputs]
    for program in different(programs):
        for x, y in zip(case.inputs, expected, strict=True):
            np.testing.assert_array_equal(kernels.run(program, x), y)


@CASES
@given(case=conv2d())
def test_conv2d_gives_the_bytes_of_tflm(kernels, case):
    assert_equal_to_golden(kernels, case)


@pytest.mark.parametrize("usual", ["first", "inner"])
@settings(CASES, max_examples=200)
@given(data=st.data())
def test_the_usual_convolutions_give_the_bytes_of_tflm(kernels, usual, data):
    assert_equal_to_golden(kernels, data.draw(conv2d(usual=usual)))


@settings(CASES, max_examples=600)
@given(case=conv2d_and_pool())
def test_a_convolution_with_its_pooling_gives_the_bytes_of_tflm(kernels, case):
    assert_equal_to_golden(kernels, case)


@pytest.mark.parametrize("seed", range(4))
def test_pointwise_convolutions_give_the_bytes_of_tflm(kernels, seed):
    content = pointwise_layers(seed)
    size = sum(tensor.size for tensor in lower(read_graph(content, "case")).inputs)
    assert_equal_to_golden(kernels, Case(content, inputs_for((size,), seed)))


def test_a_depthwise_convolution_in_place_lies_where_its_input_does(kernels):
    content = Net((19, 6, 6)).depthwise().depthwise((2, 2), 2).depthwise((2, 2), 2).model()
    assert any(step.params.moves for step in lower(read_graph(content, "case")).program().steps)
    assert_equal_to_golden(kernels, Case(content, inputs_for((19 * 6 * 6,), 1)))


def assert_each_kernel_equal(kernels: KernelLibrary, case: Case, names: str) -> None:
    """Each fast kernel of these names, wherever it fits, and each layout of it, as if there were no other."""
    try:
        lowered = lower(read_graph(case.model, "case"), keep_dead=True)
    except UserError as refusal:
        assert UNDEFINED_IN_TFLM.search(refusal.message), refusal.message
        reject()
    plain = lowered.program(PLAIN)
    expected = [kernels.run(plain, x) for x in case.inputs]
    for one in FAST:
        if one.kernel.name.startswith(names):
            programs = []
            for spent in Optimize:
                with pytest.MonkeyPatch.context() as patch:
                    patch.setattr(choose, "FAST", [one])
                    programs.append(lowered.program(EVERY_KERNEL, spent))
            for program in different(programs):
                for x, y in zip(case.inputs, expected, strict=True):
                    np.testing.assert_array_equal(kernels.run(program, x), y, one.kernel.name)


@settings(CASES, max_examples=150)
@given(case=depthwise_conv2d())
def test_each_depthwise_kernel_gives_the_bytes_of_the_plain_one_wherever_it_fits(kernels, case):
    assert_each_kernel_equal(kernels, case, "depthwise_")


@pytest.mark.parametrize("usual", ["", "few", "first"])
@settings(CASES, max_examples=100, phases=[Phase.generate])
@given(data=st.data())
def test_each_conv2d_kernel_gives_the_bytes_of_the_plain_one_wherever_it_fits(kernels, usual, data):
    assert_each_kernel_equal(kernels, data.draw(conv2d(usual=usual)), "conv2d_")


@CASES
@given(case=dense())
def test_dense_gives_the_bytes_of_tflm(kernels, case):
    assert_equal_to_golden(kernels, case)


@CASES
@given(case=max_pool2d())
def test_max_pool2d_gives_the_bytes_of_tflm(kernels, case):
    assert_equal_to_golden(kernels, case)


@CASES
@given(case=softmax())
def test_softmax_gives_the_bytes_of_tflm(kernels, case):
    assert_equal_to_golden(kernels, case)


@CASES
@given(case=requantization())
def test_requantization_rounds_as_tflm_at_every_half_step(kernels, case):
    assert_equal_to_golden(kernels, case)


MOVES = {
    "pad": pad(),
    "concatenation": concatenation(),
    "split": split(),
    "transpose": transpose(),
    "strided_slice": strided_slice(),
    "slice": slice_op(),
    "resize_nearest": resize_nearest(),
}
OPS = {
    "depthwise_conv2d": depthwise_conv2d(),
    "transpose_conv2d": transpose_conv2d(),
    "grouped_conv2d": grouped_conv2d(),
    "average_pool2d": average_pool2d(),
    **{name: elementwise(name) for name in ("ADD", "SUB", "MUL", "MAXIMUM", "MINIMUM", "PRELU", "SQUARED_DIFFERENCE")},
    "functions of bytes": byte_functions(),
    **{name: reduction(name) for name in ("MEAN", "SUM")},
    **RARER,
}
LOOKUPS = ("RELU", "RELU6", "LEAKY_RELU", "HARD_SWISH", "LOGISTIC", "TANH", "QUANTIZE", "ELU", "ABS", "RSQRT")


@pytest.mark.parametrize("name", OPS)
@settings(CASES, max_examples=150)
@given(data=st.data())
def test_an_op_gives_the_bytes_of_tflm(kernels, name, data):
    assert_equal_to_golden(kernels, data.draw(OPS[name]))


@pytest.mark.parametrize("kind", KINDS)
def test_layers_and_networks_of_the_usual_kinds_give_the_bytes_of_tflm(kernels, kind):
    content = KINDS[kind]().model()
    graph = read_graph(content, kind)
    assert_equal_to_golden(kernels, Case(content, inputs_for(graph.tensors[graph.inputs[0]].shape, 1)))


@pytest.mark.parametrize("name", LOOKUPS)
@settings(CASES, max_examples=60)
@given(data=st.data())
def test_a_function_of_one_byte_gives_the_bytes_of_tflm(kernels, name, data):
    assert_equal_to_golden(kernels, data.draw(lookup(name)))


@pytest.mark.parametrize("name", MOVES)
@settings(CASES, max_examples=100)
@given(data=st.data())
def test_bytes_are_moved_as_tflm_moves_them(kernels, name, data):
    assert_equal_to_golden(kernels, data.draw(MOVES[name]))


@pytest.mark.parametrize("zero_points", [(0, 255), (128, 3), (7, 0)])
def test_uint8_borders_that_rescale_give_the_bytes_of_tflm_less_128(kernels, zero_points):
    b = ModelBuilder()
    x = b.tensor((1, 256), 0.02, zero_points[0], dtype="uint8")
    inside = [b.tensor((1, 256), 0.03, 5), b.tensor((1, 256), 0.03, 5)]
    y = b.tensor((1, 256), 0.025, zero_points[1], dtype="uint8")
    for name, source, target in (("QUANTIZE", x, inside[0]), ("RELU", *inside), ("QUANTIZE", inside[1], y)):
        b.op(name, [source], [target])
    model = b.build([x], [y])
    content, line = with_int8_ends(model, "old")
    assert line == "counted from -128 instead of 0, for a device exchanges int8: uint8 'tensor_0', uint8 'tensor_3'"
    every = np.arange(256, dtype=np.uint8).reshape(1, 256)
    golden = Golden(model).run(every)
    assert golden.dtype == np.uint8
    program = lower(read_graph(content, "old")).program()
    less = (every.astype(np.int16) - 128).astype(np.int8)
    np.testing.assert_array_equal(kernels.run(program, less), (golden.astype(np.int16) - 128).astype(np.int8)[0])
    np.testing.assert_array_equal(Golden(content).run(less), (golden.astype(np.int16) - 128).astype(np.int8))


def test_a_model_of_every_op_gives_the_bytes_of_tflm(kernels):
    content, taken_off = with_int8_ends(every_op_model(), "every op")
    assert taken_off
    shape = read_graph(content, "every op").tensors[read_graph(content, "every op").inputs[0]].shape
    assert_equal_to_golden(kernels, Case(content, inputs_for(shape, 1)))


def test_products_of_matrices_are_rescaled_by_a_product_in_double_precision(kernels):
    """Of these 65,536 sums some lie so close to a rounding edge that a multiplier from float32 makes another byte."""
    rng = np.random.default_rng(52)
    a_scale, b_scale = (float(np.float32(rng.uniform(0.001, 0.1))) for _ in range(2))
    sides = (256, 14)
    a, c = (rng.integers(-128, 128, sides, np.int8) for _ in range(2))
    largest = np.abs((a.astype(int) - 14) @ (c.astype(int) + 51).T).max()
    b = ModelBuilder()
    xs = [b.tensor(sides, a_scale, 14), b.tensor(sides, b_scale, -51)]
    y = b.tensor((256, 256), float(np.float32(a_scale * b_scale * largest / 127)))
    b.op("BATCH_MATMUL", xs, [y], schema_options("BatchMatMulOptionsT", adjY=True))
    assert_equal_to_golden(kernels, Case(b.build(xs, [y]), [np.concatenate([a.reshape(-1), c.reshape(-1)])]))


@pytest.mark.parametrize("channels", [1, 5])
@pytest.mark.parametrize("count", [1, 2, 3, 4, 6, 9, 49, 64, 146, 147, 148])
def test_the_mean_of_every_sum_of_bytes_rounds_as_in_tflm(kernels, count, channels):
    """A window for each sum that so many bytes can have; counts on both sides of where the kernel begins to divide."""
    sums = np.arange(-128 * count, 127 * count + 1)
    whole, more = np.divmod(sums, count)
    windows = (whole[:, None] + (np.arange(count) < more[:, None])).astype(np.int8)
    image = np.stack([np.roll(windows, c, axis=0) for c in range(channels)], axis=-1)
    b = ModelBuilder()
    x, y = b.tensor((1, *image.shape), 1.0), b.tensor((1, len(image), 1, channels), 1.0)
    b.average_pool2d(x, y, (1, count), (1, 1), "VALID")
    assert_equal_to_golden(kernels, Case(b.build([x], [y]), [image.reshape(-1)]))


# Scales with which a byte lies so close to a rounding edge that a quotient or product in float32 makes another one.
CLOSE = {
    "RELU": (0.006800000090152025, 0, 0.012000000104308128, 0),
    "ABS": (0.006800000090152025, 0, 0.012000000104308128, 0),
    "HARD_SWISH": (0.24073973298072815, 3, 0.05999999865889549, -100),
    "RSQRT": (0.02319999970495701, -128, 0.005469188559800386, -128),
    "LEAKY_RELU 0.3": (0.11796295642852783, 127, 0.06499999761581421, 0),
    "LEAKY_RELU -0.3": (0.08599206060171127, 127, 0.010999999940395355, 0),
}


@pytest.mark.parametrize("case", CLOSE)
def test_functions_of_a_byte_are_rescaled_in_double_precision(kernels, case):
    (name, *alpha), (x_scale, x_zero_point, y_scale, y_zero_point) = case.split(), CLOSE[case]
    b = ModelBuilder()
    x, y = b.tensor((1, 256), x_scale, x_zero_point), b.tensor((1, 256), y_scale, y_zero_point)
    b.op(name, [x], [y], schema_options("LeakyReluOptionsT", alpha=float(alpha[0])) if alpha else None)
    assert_equal_to_golden(kernels, Case(b.build([x], [y]), (np.arange(-128, 128).astype(np.int8),)))


def test_differences_are_rescaled_in_double_precision(kernels):
    b = ModelBuilder()
    xs = [b.tensor((256, 1), 0.06109999865293503), b.tensor((1, 256), 0.010400000028312206)]
    y = b.tensor((256, 256), 0.010599999688565731)
    b.op("SUB", xs, [y], schema_options("SubOptionsT"))
    assert_equal_to_golden(kernels, Case(b.build(xs, [y]), (np.tile(np.arange(-128, 128).astype(np.int8), 2),)))
