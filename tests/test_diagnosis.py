"""Faults planted in firmware, each named by its cause and its op: the hash checks are satisfied again where they would
have refused the device before anything is compared.
"""

from __future__ import annotations

import hashlib
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from conftest import FIRMWARE
from layers import add_linear_constants
from planting import expect_constants, model_c

import tinyproof.firmware.build
import tinyproof.host.diagnosis.diagnose
from tinyproof.boards import BOARDS
from tinyproof.cores import CORES, CORTEX_M4F, PLAIN
from tinyproof.export import c_text
from tinyproof.export.emit import export_model, write_export
from tinyproof.export.emit_model import emit_model_c, emit_model_h, segments
from tinyproof.export.golden import Golden
from tinyproof.export.graph import Graph
from tinyproof.export.lower import lower
from tinyproof.export.steps import describe_steps
from tinyproof.export.tflite_reader import read_graph
from tinyproof.export.tflite_writer import ModelBuilder
from tinyproof.host.record.parts import Cause
from tinyproof.host.record.report import Report
from tinyproof.host.samples import load_samples
from tinyproof.host.validate import Plan, validate
from tinyproof.manifest import TFLITE_FILE, load_manifest
from tinyproof.toolchain import demo_board

CONV_1, CONV_2, DENSE_1, DENSE_2, SOFTMAX = range(5)  # the tensors of the demo's model


def graph_of(model: Path) -> Graph:
    return read_graph((model / TFLITE_FILE).read_bytes(), TFLITE_FILE)


def emit(model: Path, graph: Graph, fast: bool = True) -> None:
    """Write the C of `graph` into the model's folder, and make its hash the one that is expected of the device."""
    program = lower(graph).program(CORTEX_M4F if fast else PLAIN)
    for core in CORES.values():
        model_c(model, core).write_text(emit_model_c(program, c_text.provenance("planted", "a test")))
        model_c(model, core, "model.h").write_text(emit_model_h(program, c_text.provenance("planted", "a test")))
    constants = hashlib.sha256(b"".join(table.flash_bytes for _, table in segments(program))).hexdigest()
    for core in CORES.values():
        expect_constants(model, constants, core, describe_steps(program, {}))


def with_tensor(graph: Graph, index: int, **changes) -> Graph:
    tensors = list(graph.tensors)
    tensors[index] = replace(tensors[index], **changes)
    return replace(graph, tensors=tuple(tensors))


def with_weight(graph: Graph, op: int, place: tuple[int, ...], change: int) -> Graph:
    index = graph.ops[op].inputs[1]
    data = graph.tensors[index].data.copy()
    data[place] += change
    return with_tensor(graph, index, data=data)


def with_scale(graph: Graph, op: int, channel: int, factor: float) -> Graph:
    index = graph.ops[op].inputs[1]
    quantization = graph.tensors[index].quantization
    scale = quantization.scale.copy()
    scale[channel] *= np.float32(factor)
    return with_tensor(graph, index, quantization=replace(quantization, scale=scale))


def validated(model: Path, board_name: str, limit: int = 12) -> Report:
    tinyproof.firmware.build.build(model, BOARDS[board_name])
    return validate(Plan(model, BOARDS[board_name], limit=limit))


def only(report: Report, kind: str) -> Cause:
    [cause] = [cause for cause in report.diagnosis.causes if cause.kind != "self-test"]
    assert cause.kind == kind, cause
    return cause


def busiest_input(model: Path, op: int) -> int:
    """The element of the op's input whose value changes most between test images."""
    golden = Golden((model / TFLITE_FILE).read_bytes(), keep_tensors=True)
    rows = []
    for data in load_samples(model, load_manifest(model), 60).inputs:
        golden.run_bytes(data.tobytes())
        rows.append(golden.tensor(graph_of(model).ops[op].inputs[0]).reshape(-1).astype(int))
    return int(np.std(rows, axis=0).argmax())


@pytest.fixture
def firmware_copy(tmp_path, monkeypatch) -> Path:
    """The firmware's sources, to be changed; `build` compiles them."""
    copy = tmp_path / "firmware"
    shutil.copytree(FIRMWARE, copy)
    monkeypatch.setattr(tinyproof.firmware.build, "FIRMWARE", copy)
    return copy


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert text.count(old) == 1, f"{path.name} has {text.count(old)} times {old!r}"
    path.write_text(text.replace(old, new))


@pytest.mark.parametrize("board_name", ["host", "qemu"])
@pytest.mark.parametrize("op, place, tensor", [(0, (3, 1, 1, 0), CONV_1), (2, (9, 2, 0, 7), CONV_2)])
def test_one_wrong_weight_is_named_with_its_op_and_channel(model, board_name, op, place, tensor):
    graph = graph_of(model)
    value = int(graph.tensors[graph.ops[op].inputs[1]].data[place])
    emit(model, with_weight(graph, op, place, 60 if value < 0 else -60))
    report = validated(model, board_name)
    assert report.self_test.failures > 0 and "self-test" in [cause.kind for cause in report.diagnosis.causes]
    cause = only(report, "kernel")
    assert cause.op == tensor and report.diagnosis.ops[tensor].ops[0] == op
    changed = value + (60 if value < 0 else -60)
    assert f"channel {place[0]} alone: in its weight {place[1:]}: it is {changed}, not {value}" in cause.text
    assert cause.count == report.samples_different


def test_one_wrong_weight_of_a_dense_layer_is_named_with_its_channel(model):
    graph = graph_of(model)
    emit(model, with_weight(graph, 6, (4, busiest_input(model, 6)), -50))
    cause = only(validated(model, "host", limit=60), "kernel")
    assert cause.op == DENSE_2
    assert "channel 4 alone: in its weight" in cause.text


@pytest.mark.parametrize("op, channel, tensor", [(0, 5, CONV_1), (2, 17, CONV_2)])
def test_one_wrong_multiplier_is_named_with_its_op_and_channel(model, op, channel, tensor):
    emit(model, with_scale(graph_of(model), op, channel, 1.3))
    cause = only(validated(model, "host"), "kernel")
    assert cause.op == tensor
    assert f"channel {channel} alone: in its multiplier or shift: its scale is 1.3 times the right one" in cause.text


def test_a_wrong_padding_is_named_with_its_op(model):
    """On a chip: there a read before the image finds other bytes, where a process may be ended for it."""
    source = model_c(model, CORTEX_M4F).read_text()
    head, struct, rest = source.partition("static const conv2d_winograd_params conv2d_2")
    assert rest.count(".pad_w = 0") > 1
    model_c(model, CORTEX_M4F).write_text(head + struct + rest.replace(".pad_w = 0", ".pad_w = 1", 1))
    cause = only(validated(model, demo_board().name), "kernel")
    assert cause.op == CONV_2
    assert "computes with a padding of 0 x 1 instead of 0 x 0" in cause.text


def test_an_input_cut_short_on_the_device_is_named(model, firmware_copy):
    edit(
        firmware_copy / "core" / "app.c",
        "static kept_reply *run(uint16_t sequence, const uint8_t *input, engine_watcher watch) {\n",
        "static kept_reply *run(uint16_t sequence, const uint8_t *whole, engine_watcher watch) {\n"
        "    static alignas(4) uint8_t input[MODEL_INPUT_BYTES];\n    memcpy(input, whole, MODEL_INPUT_BYTES - 300);\n",
    )
    cause = only(validated(model, "host"), "input")
    assert cause.op is None and cause.count > 0


def test_a_device_that_does_not_repeat_itself_is_named(model, firmware_copy):
    edit(
        firmware_copy / "core" / "app.c",
        "    reply->ticks = board_counter() - start;\n",
        "    reply->ticks = board_counter() - start;\n    static unsigned runs;\n"
        "    reply->output[0] = (int8_t)(reply->output[0] + (++runs % 3 == 0));\n",
    )
    report = validated(model, "host")
    assert only(report, "not repeatable").count == report.samples_different == 4


SINGLE_ROUNDING = """
static inline int32_t requantize(int32_t acc, int32_t multiplier, int32_t shift) {
    return (int32_t)(((int64_t)acc * multiplier + ((int64_t)1 << (30 - shift))) >> (31 - shift));
}
static inline int32_t requantize_twice("""


@pytest.mark.parametrize("board_name", ["host", "qemu"])
def test_a_kernel_that_rounds_once_is_named_as_rounding(model, firmware_copy, board_name):
    emit(model, graph_of(model), fast=False)
    edit(firmware_copy / "kernels" / "requantize.h", "static inline int32_t requantize(", SINGLE_ROUNDING)
    report = validated(model, board_name, limit=100)
    cause = only(report, "rounding")
    assert report.diagnosis.ops[cause.op].kernels in (["conv2d"], ["dense"])
    assert "rounds once instead of twice" in cause.text
    assert cause.difference.max_step == 1


def dense_network() -> bytes:
    """Three dense layers with one scale each."""
    rng = np.random.default_rng(1)
    b = ModelBuilder()
    source = x = b.tensor((1, 64), 0.02, -5)
    size, scale = 64, 0.02
    for outputs in (64, 64, 32):
        taps, bias = rng.integers(-127, 128, (outputs, size), np.int8), rng.integers(-3000, 3000, outputs, np.int32)
        y_scale = scale * 0.9 * float(np.sqrt(size))
        y = b.tensor((1, outputs), y_scale, 3)
        b.dense([x, *add_linear_constants(b, taps, [0.01], bias, scale)], y, "NONE")
        x, size, scale = y, outputs, y_scale
    return b.build([source], [x])


def test_litert_as_the_device_differs_by_rounding_and_each_layer_is_named(tmp_path):
    model = tmp_path / "dense"
    content = dense_network()
    write_export(model, content, export_model(content, "dense", "dense", (), None))
    board = BOARDS["interpreter"]
    report = validate(Plan(model, replace(board, run=(*board.run, "reference")), limit=150))
    assert report.verdict == "different" and report.samples_different > 5
    assert {cause.kind for cause in report.diagnosis.causes} == {"rounding"}
    assert sum(cause.count for cause in report.diagnosis.causes) == report.samples_different
    assert all("rounds once" in cause.text for cause in report.diagnosis.causes)
    assert all(op.kernels == ["FULLY_CONNECTED"] and op.count is None for op in report.diagnosis.ops)


@pytest.mark.parametrize("board_name", ["host", "interpreter"])
def test_where_nothing_differs_every_tensor_of_a_few_samples_is_the_goldens(model, board_name):
    if BOARDS[board_name].sources:
        tinyproof.firmware.build.build(model, BOARDS[board_name])
    report = validate(Plan(model, BOARDS[board_name], limit=6))
    assert (report.verdict, report.diagnosis.causes) == ("equal", [])
    assert all((op.traced, op.different) == (5, 0) for op in report.diagnosis.ops)
    assert all((op.count is not None) == (board_name == "host") for op in report.diagnosis.ops)
    assert "transport" in report.diagnosis.ruled_out[0]


def test_more_differences_than_are_looked_into_are_counted(model, monkeypatch):
    monkeypatch.setattr(tinyproof.host.diagnosis.diagnose, "TRACED", 2)
    monkeypatch.setattr(tinyproof.host.diagnosis.diagnose, "EXAMINED", 1)
    emit(model, with_weight(graph_of(model), 0, (3, 1, 1, 0), 60))
    report = validated(model, "host", limit=30)
    kernel, rest = [cause for cause in report.diagnosis.causes if cause.kind != "self-test"]
    assert (kernel.kind, kernel.count, kernel.examined) == ("kernel", 2, 1)
    assert (rest.kind, rest.count) == ("not traced", report.samples_different - 2)


def test_bisect_and_profile_say_it_on_the_terminal(model, command):
    tinyproof.firmware.build.build(model, BOARDS["host"])
    equal = command("bisect", "--model", model, "--board", "host")
    assert equal.returncode == 0 and "All 5 tensors are the golden's" in equal.stdout
    profile = command("profile", "--model", model, "--board", "host")
    assert profile.returncode == 0 and all(f"conv2d_{op}" in profile.stdout for op in (0, 2))
    emit(model, with_weight(graph_of(model), 0, (3, 1, 1, 0), 60))
    tinyproof.firmware.build.build(model, BOARDS["host"])
    different = command("bisect", "--model", model, "--board", "host", "--sample", 1)
    assert different.returncode == 1 and "differs first" in different.stdout
    missing = command("bisect", "--model", model, "--board", "host", "--sample", 9999)
    assert missing.returncode == 2 and "no sample 9999" in missing.stderr
    silent = command("profile", "--model", model, "--board", "interpreter")
    assert silent.returncode == 2 and "does not tell the time of single ops" in silent.stderr
