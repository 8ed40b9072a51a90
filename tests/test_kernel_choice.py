"""Which kernel a layer gets: what is computed together with what, and where only the plain kernels are exact."""

from __future__ import annotations

import numpy as np
import pytest
from every_op import schema_options as options
from kernel_cases import conv

from tinyproof.cores import CORTEX_M4F, PLAIN, Core
from tinyproof.export.cost import modelled_cycles
from tinyproof.export.emit_model import constant_bytes
from tinyproof.export.lower import lower
from tinyproof.export.ops.copy import MOVE
from tinyproof.export.ops.packed import pack_bytes, pack_quads, pack_two_filters
from tinyproof.export.tflite_reader import read_graph
from tinyproof.export.tflite_writer import ModelBuilder
from tinyproof.host.bench.kinds import KINDS, Net
from tinyproof.optimize import Optimize


def conv_and_pool(
    channels=12,
    filters=8,
    kernel=(3, 3),
    pool=(2, 2),
    step=None,
    real=0.01,
    w_scale=(1.0,),
    side=10,
    second_reader=False,
    largest=127,
) -> bytes:
    """A convolution whose accumulators are worth `real` output steps each, and a pooling."""
    b = ModelBuilder()
    taps = np.random.default_rng(1).integers(-largest, largest, (filters, *kernel, channels), np.int8, endpoint=True)
    conv = [side - k + 1 for k in kernel]
    step = step or pool
    out = [(n - k) // s + 1 for n, k, s in zip(conv, pool, step, strict=True)]
    x = b.tensor((1, side, side, channels), 0.5, -128)
    between = b.tensor((1, *conv, filters), 0.5 / real, -128)
    y = b.tensor((1, *out, filters), 0.5 / real, -128)
    b.conv2d([x, b.constant(taps, list(w_scale))], between, activation="RELU")
    if second_reader:
        b.max_pool2d(between, b.tensor((1, *out, filters), 0.5 / real, -128), pool, step)
    b.max_pool2d(between, y, pool, step)
    return b.build([x], [y])


def kernels_of(content: bytes, core: Core = CORTEX_M4F, optimize: Optimize = Optimize.BALANCED) -> list[str]:
    return [step.kernel.name for step in lower(read_graph(content, "model")).program(core, optimize).steps]


@pytest.mark.parametrize(
    "layer, kernels",
    [
        ({}, ["conv2d_winograd"]),
        ({"channels": 1}, ["conv2d_one_channel"]),
        ({"channels": 6}, ["conv2d_packed"]),
        ({"kernel": (1, 5)}, ["conv2d_packed"]),
        ({"kernel": (2, 2), "channels": 2}, ["conv2d_narrow"]),
        ({"channels": 4}, ["conv2d_packed"]),  # transforms cost more than the products that they save
        ({"pool": (3, 3)}, ["conv2d_packed"]),
        ({"pool": (2, 2), "step": (3, 3)}, ["conv2d_packed"]),
        ({"w_scale": [0.0] + [1.0] * 7}, ["conv2d_winograd"]),
    ],
)
def test_a_pooling_is_computed_with_the_convolution_before_it(layer, kernels):
    assert kernels_of(conv_and_pool(**layer)) == kernels


@pytest.mark.parametrize(
    "layer, kernels",
    [
        ({"pool": (3, 3), "step": (2, 2), "channels": 32}, ["conv2d_winograd", "max_pool2d_packed"]),  # windows overlap
        ({"second_reader": True}, ["conv2d_winograd", "max_pool2d_packed", "max_pool2d_packed"]),
        (
            {"real": 1000.0},
            ["conv2d", "max_pool2d_packed"],
        ),  # shifted to the left so far that weights would leave 16 bits
    ],
)
def test_it_is_not_where_that_would_not_be_exact_or_would_repeat_work(layer, kernels):
    assert kernels_of(conv_and_pool(**layer)) == kernels


@pytest.mark.parametrize(
    "numbers",
    [
        {"real": 1.5},  # a shift to the left
        {"real": 0.75},  # no shift, so no second rounding
        {"real": 2.0**-23},  # too long a shift for the zero point in its offset
        {"real": 2.0**-27},
        {"w_scale": [1.0] * 7 + [100.0]},  # one such channel beside others
        {"w_scale": [1.0] * 7 + [2.0**-21]},
    ],
)
def test_no_shift_of_a_channel_keeps_a_layer_from_its_fast_kernel(numbers):
    assert kernels_of(conv_and_pool(**numbers))[0].startswith("conv2d_")


@pytest.mark.parametrize(
    "channels, kernels",
    [(64, ["conv2d_winograd"]), (96, ["conv2d_packed"]), (128, ["conv2d_bytes"])],
)
def test_packing_does_not_eat_the_flash(channels, kernels):
    layer = conv_and_pool(channels=channels, filters=channels, side=10, real=0.0001, largest=90)
    assert kernels_of(layer) == kernels


@pytest.mark.parametrize(
    "layer, kernel",
    [
        ({}, "conv2d_bytes"),
        ({"kernel": (1, 1), "channels": 12}, "conv2d_bytes"),
        ({"channels": 6, "kernel": (2, 5), "pool": (3, 3)}, "conv2d_bytes"),
        ({"kernel": (2, 2), "channels": 2}, "conv2d_narrow"),
        ({"channels": 128, "side": 4, "real": 0.0001}, "conv2d_wide"),  # sums that do not fit beside another filter's
        ({"real": 1.5}, "conv2d_packed"),  # weights that do not fit beside another filter's once they are scaled
    ],
)
def test_small_keeps_a_byte_for_every_weight_where_that_is_exact(layer, kernel):
    assert kernels_of(conv_and_pool(**layer), optimize=Optimize.SMALL)[0] == kernel


@pytest.mark.parametrize("kind", KINDS)
def test_every_usual_kind_of_layer_has_a_fast_kernel(kind):
    program = lower(read_graph(KINDS[kind]().model(), kind)).program()
    assert {step.kernel.folder for step in program.steps if step.kernel is not MOVE} == {"dsp"}


def test_a_depthwise_convolution_of_one_channel_is_a_convolution():
    assert kernels_of(KINDS["depthwise, 1 channel to 8"]().model()) == ["conv2d_packed"]


def test_a_wide_layer_takes_a_byte_for_a_weight():
    content = KINDS["conv 9x3, 48 to 128"]().model()
    assert kernels_of(content) == ["conv2d_wide"]
    assert constant_bytes(lower(read_graph(content, "wide")).program()) == 128 * 9 * 3 * 48 + 16 * 128


def test_small_takes_as_much_flash_for_weights_as_the_tflite():
    program = lower(read_graph(conv_and_pool(channels=16, filters=16), "model")).program(optimize=Optimize.SMALL)
    assert constant_bytes(program) == 16 * 3 * 3 * 16 + 16 * 16  # and four words for each filter


def test_the_model_s_output_is_never_skipped():
    b = ModelBuilder()
    x, between, y = b.tensor((1, 4, 4, 4), 0.5), b.tensor((1, 4, 4, 4), 50.0), b.tensor((1, 2, 2, 4), 50.0)
    b.conv2d([x, b.constant(np.ones((4, 1, 1, 4), np.int8))], between)
    b.max_pool2d(between, y, (2, 2), (2, 2))
    assert kernels_of(b.build([x], [between])) == ["conv2d_pointwise", "max_pool2d_packed"]


def test_plain_kernels_alone_on_demand():
    assert kernels_of(conv_and_pool(), PLAIN) == ["conv2d", "max_pool2d"]


def test_the_image_between_is_not_stored():
    program = lower(read_graph(conv_and_pool(), "model")).program()
    assert program.arena_bytes == 128 + 32 * 8 + 16 * 12  # products, sums and transformed pixels; no 8 x 8 x 8
    assert [op.name for op in program.steps[0].ops] == ["CONV_2D", "MAX_POOL_2D"]


def test_an_output_that_overwrites_its_input_takes_no_room_of_its_own():
    b = ModelBuilder()
    tensors = [b.tensor((1, side, side, 4), 50.0) for side in (16, 16, 14, 7, 7)]
    last = b.constant(np.ones((4, 1, 1, 4), np.int8), [0.01])
    b.conv2d([tensors[0], b.constant(np.ones((4, 1, 1, 4), np.int8), [0.01])], tensors[1])
    b.conv2d([tensors[1], b.constant(np.ones((4, 3, 3, 4), np.int8), [0.01])], tensors[2])
    b.max_pool2d(tensors[2], tensors[3], (2, 2), (2, 2))
    b.conv2d([tensors[3], last], tensors[4])
    program = lower(read_graph(b.build([tensors[0]], [tensors[4]]), "model")).program()
    x, y = program.steps[1].x_buffers[0], program.steps[1].y_buffer
    assert x.offset - y.offset == 2 * 4  # two pixels ahead
    assert program.arena_bytes == 2 * 4 + 16 * 16 * 4 + program.steps[1].scratch.size_bytes


def test_packed_weights_hold_every_tap_where_the_kernel_reads_it():
    taps = np.arange(1, 1 + 5 * 6, dtype=np.int16).reshape(5, 6)
    quads = pack_quads(taps)  # (groups, quads, 2, 4, 2)
    assert quads.shape == (2, 2, 2, 4, 2) and quads.sum() == taps.sum()
    assert quads[0, 0, :, 1].tolist() == taps[1, [[0, 2], [1, 3]]].tolist()
    assert quads[1, 1].tolist() == [[[29, 0]] + [[0, 0]] * 3, [[30, 0]] + [[0, 0]] * 3]
    assert pack_bytes(taps.astype(np.int8))[1, 1, 0].tolist() == [29, 30, 0, 0]
    pairs = pack_two_filters(-taps.astype(np.int8))  # (groups, quads, 2, 2, 2)
    assert pairs.shape == (2, 2, 2, 2, 2)
    assert pairs[0, 0, 1, 1].tolist() == [-(256 * taps[3, t] + taps[2, t]) for t in (1, 3)]


@pytest.mark.parametrize(
    "first, second, fits",
    [([-127], [-128], False), ([0], [-128], True), ([-128], [127], True), ([0] * 517, [127] * 516 + [4], False)],
)
def test_two_filters_share_a_number_only_where_both_can_be_had_out_of_it(first, second, fits):
    assert (pack_two_filters(np.array([first, second], np.int8)) is not None) == fits


@pytest.mark.parametrize("dilation, shape", [(1, (1, 5)), (2, (5, 1))])
def test_a_line_is_computed_alike_as_a_row_and_as_a_column(dilation, shape):
    row = conv((1, 40, 3), 6, (1, 5), dilation=(1, dilation), pool=(1, 2))
    column = conv((40, 1, 3), 6, (5, 1), dilation=(dilation, 1), pool=(2, 1))
    (one,), (other,) = (lower(read_graph(content, "model")).program().steps for content in (row, column))
    ours, same = (getattr(step.params, "conv", step.params) for step in (one, other))
    assert (ours.window, ours.pool) == (same.window, same.pool) and np.array_equal(ours.weights, same.weights)
    assert (ours.window.k_h, ours.window.k_w) == shape


def test_speed_is_bought_with_memory_as_far_as_asked():
    layer = conv_and_pool(channels=16, filters=16, side=16, pool=(3, 3), step=(1, 1))
    chosen = {spent: lower(read_graph(layer, "model")).program(optimize=spent) for spent in Optimize}
    kernels = {spent: program.steps[0].kernel.name for spent, program in chosen.items()}
    assert list(kernels.values()) == ["conv2d_bytes", "conv2d_winograd", "conv2d_winograd4"]
    small, balanced, fast = chosen.values()
    assert small.arena_bytes <= balanced.arena_bytes < fast.arena_bytes
    assert constant_bytes(small) < constant_bytes(balanced) < constant_bytes(fast)
    assert modelled_cycles(small) > modelled_cycles(balanced) > modelled_cycles(fast)


def test_of_kernels_that_take_as_much_flash_the_cheapest_computes_a_layer():
    few, many = (kernels_of(conv_and_pool(channels, 64, side=20)) for channels in (4, 16))
    assert (few, many) == (["conv2d_packed"], ["conv2d_winograd"])


def test_what_one_tensor_decides_byte_by_byte_is_one_lookup():
    b = ModelBuilder()
    x, swish, less, y = (b.tensor((1, 8), 0.1, zero_point) for zero_point in (3, -100, -90, 0))
    gate = b.tensor((1, 8), 1 / 256, -128)
    b.op("LOGISTIC", [x], [gate])
    b.op("MUL", [x, gate], [swish], options("MulOptionsT"))
    b.op("SUB", [swish, b.constant(np.array([4], np.int8), [0.1])], [less], options("SubOptionsT"))
    b.op("ADD", [less, b.constant(np.arange(8, dtype=np.int8), [0.1])], [y], options("AddOptionsT"))
    program = lower(read_graph(b.build([x], [y]), "model")).program()
    assert [step.kernel.name for step in program.steps] == ["lookup", "add_packed"]
    assert [op.name for op in program.steps[0].ops] == ["LOGISTIC", "MUL", "SUB"]
    both = lower(read_graph(b.build([x], [y, gate]), "model")).program()  # a second reader
    assert [[op.name for op in step.ops] for step in both.steps] == [["LOGISTIC"], ["MUL", "SUB"], ["ADD"]]


def test_a_window_is_no_larger_than_the_image():
    b = ModelBuilder()
    x, y, z = (b.tensor((1, side, side, 8), 0.5, 7) for side in (2, 1, 1))
    b.conv2d([x, b.constant(np.ones((8, 3, 3, 8), np.int8), [0.1])], y, (2, 2), padding="SAME")
    b.depthwise_conv2d([y, b.constant(np.ones((1, 5, 5, 8), np.int8), [0.1])], z, padding="SAME")
    windows = [call.params.window for call in lower(read_graph(b.build([x], [z]), "model")).calls]
    assert [(w.k_h, w.k_w, w.pad_h, w.pad_w) for w in windows] == [(2, 2, 0, 0), (1, 1, 0, 0)]


def test_a_dense_layer_of_many_rows_is_a_convolution_of_as_many_pixels():
    b = ModelBuilder()
    x, y = b.tensor((12, 16), 0.5), b.tensor((12, 8), 50.0)
    b.dense([x, b.constant(np.ones((8, 16), np.int8), [0.1])], y)
    assert kernels_of(b.build([x], [y])) == ["conv2d_pointwise"]


def test_a_single_filter_takes_no_kernel_that_computes_four():
    b = ModelBuilder()
    x, y = b.tensor((1, 12, 12, 16), 0.5), b.tensor((1, 12, 12, 1), 50.0)
    b.conv2d([x, b.constant(np.ones((1, 1, 1, 16), np.int8), [0.1])], y)
    assert kernels_of(b.build([x], [y])) == ["conv2d_few"]


def test_of_kernels_about_as_quick_the_one_that_reads_its_weights_less_often_is_taken():
    b, rng = ModelBuilder(), np.random.default_rng(1)
    x, y = b.tensor((1, 25, 5, 64), 0.5), b.tensor((1, 25, 5, 64), 50.0)
    b.conv2d([x, b.constant(rng.integers(-127, 128, (64, 1, 1, 64), np.int8), [0.1])], y)
    assert kernels_of(b.build([x], [y])) == ["conv2d_pointwise"]


def test_a_signal_takes_no_more_memory_than_its_largest_image_and_what_is_computed_together():
    """Of an image of one row a row is all of it: pixels of the output take the places of those that were seen."""

    def arena_bytes(row: bool) -> int:
        def along(n: int) -> tuple[int, int]:
            return (1, n) if row else (n, 1)

        net = Net((*along(200), 16)).conv(32, along(3)).depthwise(along(9)).conv(32).conv(32, along(5))
        return lower(read_graph(net.model(), "signal")).program(CORTEX_M4F, Optimize.BALANCED).arena_bytes

    assert arena_bytes(row=True) == arena_bytes(row=False) < 1.3 * 200 * 32
