"""Counting on the Cortex-M4's own instructions: the timing table, the counts, the kernels' assembly, the estimate."""

from __future__ import annotations

from dataclasses import replace

import hypothesis
import needs
import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, settings
from layers import conv2d_and_pool, few_taps_layers, inputs_for, pointwise_layers, window_output

from tinyproof.boards import find_board
from tinyproof.export.cost import modelled_cycles
from tinyproof.export.emit import export_model, write_export
from tinyproof.export.golden import Golden
from tinyproof.export.lower import lower
from tinyproof.export.tflite_reader import load_graph, read_graph
from tinyproof.export.tflite_writer import ModelBuilder
from tinyproof.firmware.build import build, image_path
from tinyproof.host.bench.calibrate import random_layers
from tinyproof.host.bench.cortex_m4 import decode, refill_cycles, straight_cycles
from tinyproof.host.bench.cycles import measure, output_of
from tinyproof.host.bench.image import Image
from tinyproof.host.bench.layers import LAYERS
from tinyproof.host.connection import connect
from tinyproof.host.samples import load_samples
from tinyproof.manifest import load_manifest
from tinyproof.optimize import Optimize

BOARD = find_board("qemu")


def stretch(*lines: str):
    """Instructions of four bytes each, as objdump writes them."""
    return [decode(4 * k, 4, *line.split(maxsplit=1)) for k, line in enumerate(lines)]


@pytest.mark.parametrize(
    "cycles, lines",
    [
        (3, ["ldr r0, [r1]", "ldr r1, [r2]"]),  # the examples of the manual's section 3.3.3
        (3, ["ldr r0, [r1, r2]", "str r0, [r3, #20]"]),
        (3, ["ldr r0, [r1, r2]", "str r1, [r3, r2]"]),
        (4, ["ldr r0, [r1, r5]", "ldr r1, [r2]", "ldr r2, [r3, #4]"]),
        (4, ["ldr r1, [r0]", "ldr r2, [r1]"]),  # the address comes out of the load before
        (3, ["ldr r1, [r0], #4", "ldr r2, [r0], #4"]),  # a base that moves on is no result of the load
        (4, ["adds r1, #4", "ldr r2, [r1]"]),  # ... or out of a sum
        (3, ["ldrd r0, r1, [r2], #8"]),
        (5, ["ldmia r2!, {r4-r6, r8}"]),
        (10, ["stmdb sp!, {r4, r5, r6, r7, r8, r9, sl, fp, lr}"]),
        (2, ["smlad r4, r0, r12, r4", "smlad r5, r3, r12, r5"]),
        (12, ["udiv r0, r0, r1"]),
        (1, ["bne.n 1234"]),
    ],
)
def test_cycles_follow_the_timing_table(cycles, lines):
    assert straight_cycles(stretch(*lines)) == cycles


def test_a_branch_to_where_nobody_could_know_refills_longer():
    near, far, narrow = decode(0, 2, "b.n", "8"), decode(0, 2, "bx", "lr"), decode(6, 2, "movs", "r0, #0")
    across = decode(6, 4, "movw", "r0, #0")
    assert refill_cycles(near, narrow) == 2
    assert refill_cycles(near, across) == refill_cycles(far, narrow) == 3


def test_as_many_instructions_as_the_emulator_counts(model):
    build(model, BOARD)
    manifest = load_manifest(model)
    inputs = [row.tobytes() for row in load_samples(model, manifest, 3).inputs]
    with connect(model, BOARD, None) as device:
        hello = device.hello()
        replies = list(device.infer(inputs, hello))
    counted = [hello.counter_numerator * reply.ticks / hello.counter_denominator for reply in replies]
    costs = [measure(image_path(model, BOARD), x, manifest.output_bytes) for x in inputs]
    assert [cost.output for cost in costs] == [reply.output for reply in replies]
    # The device counts its call of the engine too, the same few instructions each time, in ticks of 1.6 instructions.
    beyond = [round(count - cost.instructions) for count, cost in zip(counted, costs, strict=True)]
    assert 10 <= min(beyond) <= max(beyond) <= min(beyond) + 2 <= 40
    program = lower(load_graph(model / "model.tflite")).program()
    assert abs(modelled_cycles(program) / costs[0].cycles - 1) < 0.1


def some_layers() -> list[bytes]:
    """What `random_layers` makes, and convolutions with their poolings."""
    drawn: list[bytes] = []

    @settings(
        max_examples=4,
        database=None,
        derandomize=True,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @hypothesis.given(case=conv2d_and_pool())
    def draw(case):
        drawn.append(case.model)

    draw()
    return drawn


@needs.golden
@pytest.mark.parametrize("optimize", [Optimize.SMALL, Optimize.FAST])
@pytest.mark.parametrize("number", range(4))
def test_the_assembly_gives_the_bytes_of_tflm(number, optimize, tmp_path):
    content = some_layers()[number]
    assert_image_equals_golden(content, tmp_path, optimize)


@needs.golden
@pytest.mark.parametrize("optimize", [Optimize.SMALL, Optimize.FAST])
def test_every_kernel_s_assembly_gives_the_bytes_of_tflm(optimize, tmp_path):
    assert_image_equals_golden(random_layers(5, side_by_side=True), tmp_path, optimize)


@needs.golden
@pytest.mark.parametrize("flags", [("-O0",), ("-Os", "-fno-omit-frame-pointer")])
def test_however_the_compiler_optimizes_every_kernel_gives_the_bytes_of_tflm(flags, tmp_path):
    for half in range(2):  # all layers together fill a chip where nothing is optimized
        content = random_layers(5, side_by_side=True, kinds=LAYERS[half::2])
        assert_image_equals_golden(content, tmp_path / str(half), Optimize.BALANCED, flags)


def depthwise_layers(seed: int, count: int = 40) -> bytes:
    """Depthwise convolutions of any geometry, each with an input and an output of its own."""
    b, rng = ModelBuilder(), np.random.default_rng(seed)
    xs, ys = [], []
    while len(ys) < count:
        kernel, stride = tuple(map(int, rng.choice([1, 2, 3, 3, 3, 5, 7], 2))), tuple(map(int, rng.integers(1, 4, 2)))
        if rng.random() < 0.5:
            kernel, stride = (3, 3), ((1, 1), (2, 2))[rng.integers(2)]
        dilation = (1, 1) if rng.random() < 0.8 or kernel == (3, 3) else (2, 2)
        padding = str(rng.choice(["SAME", "VALID"]))
        sides = [int(n) for n in rng.integers(1, 12, 2)]
        if len(ys) % 4 == 0:  # along an axis: up to 25 taps go more than twice round the loop
            kernel, stride = (int(rng.integers(2, 26)), 1), (int(rng.choice([1, 1, 2])), 1)
            sides[0] += int(rng.integers(40))
            if rng.random() < 0.5:
                kernel, stride, sides = kernel[::-1], stride[::-1], sides[::-1]
        span = [(k - 1) * d + 1 for k, d in zip(kernel, dilation, strict=True)]
        same = padding == "SAME"
        out = [-(-n // s) if same else (n - k) // s + 1 for n, k, s in zip(sides, span, stride, strict=True)]
        if min(out) < 1:
            continue
        channels, filters = int(rng.integers(2, 10)), 1 + int(rng.random() < 0.3)
        scales = list(10 ** rng.uniform(-7, 0.3, channels * filters))  # shifts far to the right, and to the left
        xs.append(b.tensor((1, *sides, channels), 1.0, int(rng.integers(-128, 128))))
        ys.append(b.tensor((1, *out, channels * filters), 1.0, int(rng.integers(-128, 128))))
        taps = b.constant(rng.integers(-128, 128, (1, *kernel, channels * filters), np.int8), scales, axis=3)
        b.depthwise_conv2d([xs[-1], taps], ys[-1], stride, dilation, padding)
    return b.build(xs, ys)


@needs.golden
@pytest.mark.parametrize("seed", range(2))
def test_the_assembly_of_depthwise_windows_gives_the_bytes_of_tflm(seed, tmp_path):
    content = depthwise_layers(seed)
    assert_image_equals_golden(content, tmp_path, Optimize.BALANCED)
    kernels = {kernel for step in load_manifest(tmp_path).compiled_for(BOARD.core).steps for kernel in step.kernels}
    assert kernels == {"depthwise_conv1d_packed", "depthwise_conv2d_packed", "depthwise_conv2d_taps"}


def few_filters_layers(seed: int, count: int = 40) -> bytes:
    """Convolutions with filters that make no fours, on images and lines of any geometry; a pooling behind some."""
    b, rng = ModelBuilder(), np.random.default_rng(seed)
    xs, ys = [], []
    while len(ys) < count:
        sides, kernel, stride = (tuple(map(int, rng.integers(1, most, 2))) for most in (13, 5, 3))
        dilation, line = (int(rng.integers(1, 4)),) * 2, len(ys) % 3
        if line:  # a column or a row
            sides, kernel, stride, dilation = (
                (each[0], 1)[:: 1 if line == 1 else -1] for each in (sides, kernel, stride, dilation)
            )
        padding = str(rng.choice(["SAME", "VALID"]))
        out = window_output(sides, [(k - 1) * d + 1 for k, d in zip(kernel, dilation, strict=True)], stride, padding)
        if min(out) < 1:
            continue
        channels, filters = int(rng.integers(1, 10)), int(rng.choice([1, 2, 3, 5, 6, 7, 9, 14]))
        scales = list(10 ** rng.uniform(-4, -2, filters))
        xs.append(b.tensor((1, *sides, channels), 1.0, int(rng.integers(-128, 128))))
        y = b.tensor((1, *out, filters), 1.0, int(rng.integers(-128, 128)))
        taps = b.constant(rng.integers(-127, 128, (filters, *kernel, channels), np.int8), scales)
        b.conv2d([xs[-1], taps], y, stride, dilation, padding)
        ys.append(y)
    return b.build(xs, ys)


@needs.golden
@pytest.mark.parametrize("optimize", [Optimize.BALANCED, Optimize.SMALL])
def test_the_assembly_of_filters_that_make_no_fours_gives_the_bytes_of_tflm(optimize, tmp_path):
    assert_image_equals_golden(few_filters_layers(0), tmp_path, optimize)
    kernels = {kernel for step in load_manifest(tmp_path).compiled_for(BOARD.core).steps for kernel in step.kernels}
    assert ("conv2d_packed" if optimize is Optimize.BALANCED else "conv2d_bytes") in kernels


@needs.golden
@pytest.mark.parametrize("seed", range(2))
def test_the_assembly_of_pointwise_convolutions_gives_the_bytes_of_tflm(seed, tmp_path):
    assert_image_equals_golden(pointwise_layers(seed), tmp_path, Optimize.BALANCED)
    kernels = {kernel for step in load_manifest(tmp_path).compiled_for(BOARD.core).steps for kernel in step.kernels}
    assert "conv2d_pointwise" in kernels and kernels <= {"conv2d_pointwise", "conv2d_packed", "conv2d_padded"}


@needs.golden
@pytest.mark.parametrize(
    "seed, channels, kernel",
    [(0, 1, "conv2d_one_channel"), (1, 1, "conv2d_one_channel"), (2, 2, "conv2d_narrow")],
)
def test_the_assembly_for_few_taps_gives_the_bytes_of_tflm(seed, channels, kernel, tmp_path):
    assert_image_equals_golden(few_taps_layers(seed, channels), tmp_path, Optimize.BALANCED)
    taken = [name for step in load_manifest(tmp_path).compiled_for(BOARD.core).steps for name in step.kernels]
    assert taken.count(kernel) >= 3


@needs.golden
def test_the_largest_sums_that_fit_beside_another_filter_s_are_exact(tmp_path):
    """The absolute weights of filters 1 and 3 add up to 2^16 - 1: 256 times their sums just fits 32 bits."""
    taps = np.full((6, 1, 1, 517), 127, np.int8)
    taps[1::2, ..., 516] = 3
    taps[2:4] *= -1
    b = ModelBuilder()
    x, y = b.tensor((1, 2, 3, 517), 1.0), b.tensor((1, 2, 3, 6), 2.0**17)
    b.conv2d([x, b.constant(taps, [1.0])], y)
    content = b.build([x], [y])
    assert_image_equals_golden(content, tmp_path, Optimize.SMALL)
    assert [step.kernels for step in load_manifest(tmp_path).compiled_for(BOARD.core).steps] == [("conv2d_bytes",)]


def assert_image_equals_golden(content: bytes, folder, optimize: Optimize, flags: tuple[str, ...] = ()) -> None:
    compilers = tuple(replace(compiler, flags=(*compiler.flags, *flags)) for compiler in BOARD.compilers)
    board = replace(BOARD, compilers=compilers)
    export = export_model(content, "layers", "layers", (), None, optimize=optimize)
    write_export(folder, content, export)
    build(folder, board)
    graph = read_graph(content, "layers")
    size = sum(graph.tensors[index].size for index in graph.inputs)
    golden, image = Golden(content), Image(image_path(folder, board))
    for x in inputs_for((size,), 5):
        y = output_of(image, x.tobytes(), export.manifest.output_bytes)
        np.testing.assert_array_equal(np.frombuffer(y, np.int8), np.frombuffer(golden.run_bytes(x.tobytes()), np.int8))
