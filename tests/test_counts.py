"""Cores without DSP instructions: their loops in the images of their boards, and how instructions are counted."""

from __future__ import annotations

from dataclasses import replace

import needs
import numpy as np
import pytest
from layers import inputs_for

from tinyproof.boards import find_board
from tinyproof.console import UserError
from tinyproof.cores import CORTEX_M0PLUS, RV32IMC
from tinyproof.export.cost import modelled_cycles
from tinyproof.export.emit import export_model, write_export
from tinyproof.export.golden import Golden
from tinyproof.export.lower import lower
from tinyproof.export.ops.conv2d_halves import segment_lengths
from tinyproof.export.tflite_reader import load_graph, read_graph
from tinyproof.export.tflite_writer import ModelBuilder
from tinyproof.firmware.build import build, image_path
from tinyproof.host.bench import calibrate
from tinyproof.host.bench.calibrate import random_layers
from tinyproof.host.bench.convolution_layers import ALONG_ONE_AXIS
from tinyproof.host.bench.counts import count
from tinyproof.host.connection import connect
from tinyproof.host.samples import load_samples
from tinyproof.manifest import load_manifest
from tinyproof.optimize import Optimize
from tinyproof.toolchain import with_compiler

BOARDS = {"cortex-m0plus": find_board("pico"), "rv32imc": find_board("qemu-riscv32")}


def test_as_many_instructions_as_the_emulator_counts(model):
    board = BOARDS[RV32IMC.name]
    build(model, board)
    manifest = load_manifest(model)
    inputs = [row.tobytes() for row in load_samples(model, manifest, 3).inputs]
    with connect(model, board, None) as device:
        hello = device.hello()
        replies = list(device.infer(inputs, hello))
    counts = [count(image_path(model, board), x, manifest.output_bytes) for x in inputs]
    assert [each.output for each in counts] == [reply.output for reply in replies]
    # The device counts its call of the engine too, the same few instructions each time.
    beyond = [reply.ticks - each.instructions for reply, each in zip(replies, counts, strict=True)]
    assert 10 <= min(beyond) == max(beyond) <= 100
    program = lower(load_graph(model / "model.tflite")).program(RV32IMC)
    assert abs(modelled_cycles(program, RV32IMC) / counts[0].instructions - 1) < 0.1


def assert_image_equals_golden(
    content: bytes, folder, core: str, compiler: str, optimize: Optimize, inputs=3
) -> set[str]:
    """By its core's kernels, whose names are returned."""
    board = replace(BOARDS[core], budget=None)
    export = export_model(content, "layers", "layers", (), None, optimize=optimize)
    write_export(folder, content, export)
    build(folder, with_compiler(board, compiler))
    graph = read_graph(content, "layers")
    size, golden = sum(graph.tensors[index].size for index in graph.inputs), Golden(content)
    for x in inputs_for((size,), 5)[:inputs]:
        y = count(image_path(folder, board), x.tobytes(), export.manifest.output_bytes).output
        np.testing.assert_array_equal(np.frombuffer(y, np.int8), np.frombuffer(golden.run_bytes(x.tobytes()), np.int8))
    return {step.kernel.name for step in export.programs[core].steps}


@needs.golden
@pytest.mark.parametrize("core, compiler", [("cortex-m0plus", "gcc"), ("cortex-m0plus", "zig"), ("rv32imc", "zig")])
def test_every_kernel_s_loops_give_the_bytes_of_tflm(core, compiler, tmp_path):
    optimize = Optimize.BALANCED if compiler == "gcc" else Optimize.SMALL
    assert_image_equals_golden(random_layers(5, side_by_side=True), tmp_path, core, compiler, optimize, inputs=1)


def convolutions_at_the_edge(filters: int = 5) -> bytes:
    """Weights whose sums just fit, or do not fit, the halves of a number; windows of every alignment."""
    b, rng, xs, ys = ModelBuilder(), np.random.default_rng(7), [], []
    for k, channels, padding, stride in ((1, 5, "VALID", 1), (3, 3, "SAME", 2), (2, 4, "SAME", 1), (3, 8, "VALID", 1)):
        for signs in ((127,), (-127,), (127, -127), (127, 1, -127, 0)):
            taps = rng.choice(np.array(signs, np.int8), (filters, k, k, channels))
            side = 5 if padding == "SAME" else 4 + k
            out = -(-side // stride) if padding == "SAME" else side - k + 1
            xs.append(b.tensor((1, side, side, channels), 1.0, int(rng.integers(-128, 128))))
            ys.append(b.tensor((1, out, out, filters), 127.0 * k * k * channels, int(rng.integers(-128, 128))))
            b.conv2d([xs[-1], b.constant(taps, [1.0] * filters, axis=0)], ys[-1], (stride, stride), padding=padding)
    return b.build(xs, ys)


@needs.golden
@pytest.mark.parametrize("core, kernel", [("cortex-m0plus", "conv2d_halves"), ("rv32imc", "conv2d_fours")])
def test_the_largest_sums_are_exact(core, kernel, tmp_path):
    assert kernel in assert_image_equals_golden(convolutions_at_the_edge(), tmp_path, core, "gcc", Optimize.BALANCED)


@pytest.mark.parametrize(
    "filters, lengths",
    [
        ([[127, 127, 1, 0], [0, 0, 0, 0]], [4]),  # 127 * 255 + 127 * 1 = 32,512
        ([[127, 127, 5, 0], [0, 0, 0, 0]], [2, 2]),  # 33,147, and 2^15 is 32,768
        ([[-127, -127, -1, 0], [0, 0, 0, 0]], [4]),  # -128 * 255 = -32,640, and 128 * 255 the other way
        ([[1, 1, 1, 1], [100, -100, 50, 8]], [2, 2]),
        ([[-128, -128], [0, 0]], None),  # 2^15 does not fit
        ([[-128, 127], [0, 0]], [2]),
    ],
)
def test_segments_end_before_a_half_could_overflow(filters, lengths):
    assert segment_lengths(np.array(filters)) == lengths


def test_a_price_of_a_kernel_that_no_layer_takes_is_refused_before_any_is_counted(monkeypatch):
    monkeypatch.setattr(calibrate, "LAYERS", [ALONG_ONE_AXIS])  # all take half a minute
    monkeypatch.setattr(calibrate, "_samples", lambda *_: pytest.fail("counted"))
    with pytest.raises(UserError, match="^no layer takes conv2d_helium on cortex-m0plus; those taken: .*depthwise"):
        calibrate.calibrate(["depthwise_conv1d_packed", "conv2d_helium"], CORTEX_M0PLUS)
