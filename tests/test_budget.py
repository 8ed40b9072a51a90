"""A model that does not fit the chip stops the build with how much is missing and what weighs most."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest
from conftest import first_on_path

from tinyproof.cores import CORTEX_M4F
from tinyproof.cortex_m import NANO_33_BLE_SENSE
from tinyproof.export.tflite_writer import ModelBuilder
from tinyproof.firmware.build import load_sizes
from tinyproof.firmware.sizes import read_sizes, read_symbols
from tinyproof.manifest import load_manifest
from tinyproof.toolchain import demo_board, taken_compiler

BOARD = demo_board()  # an emulated Cortex-M4F


def dense_model(inputs: int, outputs: int) -> bytes:
    b = ModelBuilder()
    x, y = b.tensor((1, inputs), 0.1), b.tensor((1, outputs), 0.1)
    b.dense([x, b.constant(np.ones((outputs, inputs), np.int8), [0.01])], y)
    return b.build(inputs=[x], outputs=[y])


def pooling_model(side: int, channels: int) -> bytes:
    """Two poolings of images of `side` x `side` x `channels` bytes."""
    b = ModelBuilder()
    tensors = [b.tensor((1, side, side, channels), 0.1) for _ in range(3)]
    for x, y in zip(tensors, tensors[1:], strict=False):
        b.max_pool2d(x, y, kernel=(1, 1), stride=(1, 1))
    return b.build(inputs=tensors[:1], outputs=tensors[-1:])


@pytest.mark.parametrize(
    "content, memory, heaviest",
    [
        (dense_model(2000, 600), "weights alone", "FULLY_CONNECTED 1,20"),
        (dense_model(1600, 604), "flash", "dense_0_weights 966,400"),
        (pooling_model(260, 2), "RAM", "frame_memory"),
    ],
    ids=["weights", "flash", "ram"],
)
def test_what_does_not_fit_stops_the_build_and_leaves_no_firmware(content, memory, heaviest, command, tmp_path):
    (tmp_path / "big.tflite").write_bytes(content)
    model = tmp_path / "big"
    exported = command("emit", "--tflite", tmp_path / "big.tflite", "--model", model)
    assert exported.returncode == 0, exported.stderr
    result = command("build", "--model", model, "--board", BOARD.name)
    assert result.returncode == 2
    assert result.stderr.startswith("Error: ") and result.stderr.count("\n") == 1
    for words in ("does not fit the Arduino Nano 33 BLE Sense", memory, heaviest, "more than"):
        assert words in result.stderr
    assert not (model / BOARD.name / "firmware.elf").exists()


def convolutions_model(layers: int, channels: int) -> bytes:
    """Convolutions whose weights the default layout makes 3.6 times larger."""
    b = ModelBuilder()
    rng = np.random.default_rng(1)
    tensors = [b.tensor((1, 4, 4, channels), 0.1) for _ in range(layers + 1)]
    for x, y in zip(tensors, tensors[1:], strict=False):
        weights = rng.integers(-60, 61, (channels, 3, 3, channels), np.int8)
        b.conv2d([x, b.constant(weights, [0.001])], y, padding="SAME")
    return b.build(inputs=tensors[:1], outputs=tensors[-1:])


def test_the_refusal_names_the_setting_that_makes_it_fit(command, tmp_path):
    (tmp_path / "deep.tflite").write_bytes(convolutions_model(8, 64))
    model = tmp_path / "deep"
    for optimize, status in (("balanced", 2), ("small", 0)):
        exported = command("emit", "--tflite", f"{model}.tflite", "--model", model, "--optimize", optimize)
        assert exported.returncode == 0, exported.stderr
        result = command("build", "--model", model, "--board", BOARD.name)
        assert result.returncode == status, result.stderr
        advice = re.search(r"Use OPTIMIZE=small, which takes ([\d,]+) less", result.stderr)
        assert bool(advice) == bool(status)
        if advice:
            assert int(advice[1].replace(",", "")) == 8 * 64 * 64 * (32 - 9)


def test_the_export_is_made_again_when_optimize_changed_and_only_then(tmp_path, command):
    (tmp_path / "deep.tflite").write_bytes(convolutions_model(1, 16))
    weights = []
    for optimize in ("small", "small", ""):
        result = command("export", "TFLITE=deep.tflite", f"OPTIMIZE={optimize}", cwd=tmp_path)
        assert result.returncode == 0, result.stderr
        weights.append(
            load_manifest(tmp_path / "build" / "deep").compiled_for(CORTEX_M4F).weight_bytes
            if "wrote" in result.stdout
            else None
        )
    assert weights == [16 * 16 * 9 + 16 * 16, None, 16 * 16 * 32 + 16 * 16]


def test_sizes_are_those_that_the_linker_placed(command, model):
    assert command("build", "--model", model, "--board", BOARD.name).returncode == 0
    image = model / BOARD.name / "firmware.elf"
    sizes = load_sizes(model, BOARD.name)
    assert sizes == replace(read_sizes(image, sizes.weight_bytes), compiler=taken_compiler(BOARD).tool.command)
    symbols = {symbol.name: symbol for symbol in read_symbols(image)}
    tables = re.findall(r"^    \{(\w+), sizeof", (model / "c" / BOARD.core.name / "model.c").read_text(), re.MULTILINE)
    assert sum(symbols[table].size_bytes for table in tables) == sizes.weight_bytes
    assert all(symbols[table].in_flash for table in tables)
    assert not symbols["arena"].in_flash
    assert sizes.flash_bytes == sizes.code_bytes + sizes.weight_bytes + sizes.golden_bytes
    assert symbols["arena"].size_bytes + sizes.stack_bytes < sizes.ram_bytes < NANO_33_BLE_SENSE.ram_bytes


def test_validating_imports_no_tensorflow(command, model):
    """Neither in this process nor in the interpreter device it starts: a poisoned module would stop both."""
    poison = model / "poison"
    (poison / "tensorflow").mkdir(parents=True)
    (poison / "tensorflow" / "__init__.py").write_text("raise SystemExit('tensorflow was imported')\n")
    path = first_on_path(poison)
    for board in ("host", "interpreter"):
        if board == "host":
            assert command("build", "--model", model, "--board", board, PYTHONPATH=path).returncode == 0
        result = command("validate", "--model", model, "--board", board, "--limit", "5", PYTHONPATH=path)
        assert result.returncode == 0, result.stderr
    assert "tensorflow" not in result.stdout + result.stderr
