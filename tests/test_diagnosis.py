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

import firmware.build
from export import c_text
from export.emit_model import emit_model_c, emit_model_h, segments
from export.graph import Graph
from export.lower import lower
from export.manifest import TFLITE_FILE, load_manifest, save_manifest
from export.steps import describe_steps
from export.tflite_reader import read_graph
from firmware.boards import BOARDS
from host.report import Cause, Report
from host.validate import Plan, validate

CONV_1, CONV_2, DENSE_1, DENSE_2, SOFTMAX = range(5)  # the tensors of the demo's model


def graph_of(model: Path) -> Graph:
    return read_graph((model / TFLITE_FILE).read_bytes(), TFLITE_FILE)


def emit(model: Path, graph: Graph, fast: bool = True) -> None:
    """Write the C of `graph` into the model's folder, and make its hash the one that is expected of the device."""
    program = lower(graph, fast)
    (model / "c" / "model.c").write_text(emit_model_c(program, c_text.provenance("planted", "a test")))
    (model / "c" / "model.h").write_text(emit_model_h(program, c_text.provenance("planted", "a test")))
    constants = hashlib.sha256(b"".join(table.flash_bytes for _, table in segments(program))).hexdigest()
    manifest = load_manifest(model)
    save_manifest(model, replace(manifest, segments_sha256=constants, steps=describe_steps(program)))


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
    firmware.build.build(model, BOARDS[board_name])
    return validate(Plan(model, BOARDS[board_name], limit=limit))


def only(report: Report, kind: str) -> Cause:
    [cause] = [cause for cause in report.causes if cause.kind != "self-test"]
    assert cause.kind == kind, cause
    return cause


@pytest.fixture
def firmware_copy(tmp_path, monkeypatch) -> Path:
    """The firmware's sources, to be changed; `build` compiles them."""
    copy = tmp_path / "firmware"
    shutil.copytree(FIRMWARE, copy)
    monkeypatch.setattr(firmware.build, "FIRMWARE", copy)
    return copy


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert text.count(old) == 1, f"{path.name} has {text.count(old)} times {old!r}"
    path.write_text(text.replace(old, new))


@pytest.mark.parametrize("board_name", ["host", "qemu"])
@pytest.mark.parametrize(
    "op, place, tensor, channel",
    [(0, (3, 1, 1, 0), CONV_1, 3), (2, (9, 2, 0, 7), CONV_2, 9), (6, (4, 20), DENSE_2, 4)],
)
def test_one_wrong_weight_is_named_with_its_op_and_channel(model, board_name, op, place, tensor, channel):
    graph = graph_of(model)
    value = int(graph.tensors[graph.ops[op].inputs[1]].data[place])
    emit(model, with_weight(graph, op, place, 60 if value < 0 else -60))
    report = validated(model, board_name)
    assert report.self_test_failures > 0 and "self-test" in [cause.kind for cause in report.causes]
    cause = only(report, "kernel")
    assert cause.op == tensor and report.ops[tensor].ops[0] == op
    assert f"channel {channel} alone: in its weight" in cause.text
    assert cause.count == report.samples_different


@pytest.mark.parametrize("op, channel, tensor", [(0, 5, CONV_1), (2, 17, CONV_2)])
def test_one_wrong_multiplier_is_named_with_its_op_and_channel(model, op, channel, tensor):
    emit(model, with_scale(graph_of(model), op, channel, 1.3))
    cause = only(validated(model, "host"), "kernel")
    assert cause.op == tensor
    assert f"channel {channel} alone: in its multiplier or shift: its scale is 1.3 times the right one" in cause.text
