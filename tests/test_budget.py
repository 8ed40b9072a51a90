"""A model that does not fit the chip stops the build with how much is missing and what weighs most."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest
from conftest import ROOT

from export.tflite_writer import ModelBuilder
from firmware.boards import NANO_33_BLE_SENSE
from firmware.sizes import Sizes, read_sizes, read_symbols
from firmware.toolchain import demo_board, taken_compiler

BOARD = demo_board()  # an emulated Cortex-M4F


def dense_model(inputs: int, outputs: int) -> bytes:
    b = ModelBuilder()
    x, y = b.tensor((1, inputs), 0.1), b.tensor((1, outputs), 0.1)
    b.dense([x, b.constant(np.ones((outputs, inputs), np.int8), [0.01])], y)
    return b.build(inputs=[x], outputs=[y])


def pooling_model(side: int, channels: int) -> bytes:
    """Two poolings, so that one map of `side` x `side` x `channels` bytes lies in the arena."""
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
        (pooling_model(200, 2), "RAM", "frame_memory"),
    ],
    ids=["weights", "flash", "ram"],
)
def test_what_does_not_fit_stops_the_build_and_leaves_no_firmware(content, memory, heaviest, command, tmp_path):
    (tmp_path / "big.tflite").write_bytes(content)
    model = tmp_path / "big"
    exported = command("export", "emit", "--tflite", tmp_path / "big.tflite", "--model", model)
    assert exported.returncode == 0, exported.stderr
    result = command("firmware", "build", "--model", model, "--board", BOARD.name)
    assert result.returncode == 2
    assert result.stderr.startswith("Error: ") and result.stderr.count("\n") == 1
    for words in ("does not fit the Arduino Nano 33 BLE Sense", memory, heaviest, "more than"):
        assert words in result.stderr
    assert not (model / BOARD.name / "firmware.elf").exists()


def test_sizes_are_those_that_the_linker_placed(command, model):
    assert command("firmware", "build", "--model", model, "--board", BOARD.name).returncode == 0
    image = model / BOARD.name / "firmware.elf"
    sizes = Sizes.load(model / BOARD.name / "sizes.json")
    assert sizes == replace(read_sizes(image, sizes.weight_bytes), compiler=taken_compiler(BOARD).tool.command)
    symbols = {symbol.name: symbol for symbol in read_symbols(image)}
    tables = re.findall(r"^    \{(\w+), sizeof", (model / "c" / "model.c").read_text(), re.MULTILINE)
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
    for board in ("host", "interpreter"):
        if board == "host":
            assert (
                command("firmware", "build", "--model", model, "--board", board, PYTHONPATH=str(poison)).returncode == 0
            )
        result = command(
            "host", "validate", "--model", model, "--board", board, "--limit", "5", PYTHONPATH=f"{poison}:{ROOT}"
        )
        assert result.returncode == 0, result.stderr
    assert "tensorflow" not in result.stdout + result.stderr
