"""The emulated Cortex-M4F from PyPI: the same bytes and the same counts as QEMU's, and honest stops."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys

import pytest
from conftest import ROOT
from planting import model_c

from tinyproof.boards import BOARDS, find_board
from tinyproof.firmware.build import WATCHER_FILE, build
from tinyproof.host.record.file import REPORT_FILE

STOPS = [
    # what the model does instead of computing, and the words that name it
    ("*(volatile char *)(uintptr_t)constant = 1;", "a write of 1 bytes to 0x", "in flash"),
    ("*(volatile int *)0x20080000 = 1;", "a write of 4 bytes to 0x20080000", "outside flash and RAM"),
    ("(void)*(volatile int *)0x30000000;", "a read of 4 bytes from 0x30000000", "outside flash and RAM"),
    ("((void (*)(void))0x08000001)();", "a jump to 0x08000000", "outside flash and RAM"),
    ('__asm__ volatile("udf #0");', "Invalid instruction", ""),
]


@pytest.fixture(scope="module")
def images(tmp_path_factory):
    """The demo's model with the firmware of both emulated Cortex-M4F boards."""
    from conftest import DEMO_MODEL

    folder = tmp_path_factory.mktemp("pairs") / "digits_small"
    shutil.copytree(DEMO_MODEL, folder)
    for name in ("qemu", "unicorn"):
        build(folder, find_board(name))
    return folder


def test_both_pairs_of_compiler_and_emulator_give_the_same_bytes(images, command):
    for board in ("qemu", "unicorn"):
        result = command("validate", "--model", images, "--board", board)
        assert result.returncode == 0, result.stdout + result.stderr
        report = json.loads((images / REPORT_FILE).read_text())
        assert (report["verdict"], report["board"]) == ("equal", board)


def test_both_emulators_count_the_same_instructions_of_one_image(images, command):
    """What QEMU runs, run by unicorn."""
    answers = {}
    for board in ("qemu", "unicorn"):
        swapped = images.parent / f"{board}_swapped"
        shutil.copytree(images, swapped)
        if board == "unicorn":
            (swapped / "qemu" / WATCHER_FILE).write_bytes((images / "unicorn" / WATCHER_FILE).read_bytes())
            shutil.copytree(swapped / "qemu", swapped / "unicorn", dirs_exist_ok=True)
        answers[board] = subprocess.run(
            [sys.executable, "-c", COUNT, board, str(swapped)], capture_output=True, text=True, cwd=ROOT, timeout=120
        ).stdout
    pairs = list(zip(*map(json.loads, answers.values()), strict=True))
    assert len(pairs) == 5 and all(abs(a - b) <= 1 for a, b in pairs), answers  # a tick is 0.6 instructions


COUNT = """
import sys
from pathlib import Path
from tinyproof.boards import BOARDS, find_board
from tinyproof.host.connection import start
from tinyproof.host.device import Device
from tinyproof.host.transport import Transport
board, model = find_board(sys.argv[1]), Path(sys.argv[2])
with start(model, board) as emulator, Transport(emulator.port) as transport:
    device = Device(transport)
    hello = device.hello()
    size = 1
    for side in hello.inputs[0].shape:
        size *= side
    inputs = [bytes([k * n % 256 for n in range(size)]) for k in range(5)]
    ticks = [inference.ticks for inference in device.infer(inputs, hello)]
    print([round(count * hello.counter_numerator / hello.counter_denominator) for count in ticks])
"""


@pytest.mark.parametrize("crime, what, where", STOPS)
def test_what_no_chip_can_do_stops_with_address_function_and_line(crime, what, where, model, command):
    source = model_c(model, BOARDS["unicorn"].core)
    text = source.read_text()
    assert "void model_compute(" in text
    head, body = text.split("void model_compute(", 1)
    opening, rest = body.split("{", 1)
    planted = f"#include <stdint.h>\nstatic const int in_flash[4] = {{1}};\n{head}void model_compute({opening}{{\n"
    planted += f"const volatile void *volatile constant = in_flash;\n(void)constant;\n{crime}\n{rest}"
    source.write_text(planted)
    build(model, find_board("unicorn"))
    result = command("validate", "--model", model, "--board", "unicorn")
    assert result.returncode == 2
    for words in (what, where, "model_compute (model.c:", "the firmware stopped"):
        assert words in result.stderr, result.stderr


def test_the_flash_of_an_image_depends_on_sources_and_model_alone(images, tmp_path):
    elsewhere = tmp_path / "another" / "place"
    shutil.copytree(images, elsewhere)
    here, there = (build(folder, find_board("unicorn")).image_sha256 for folder in (images, elsewhere))
    assert here == there
    source = model_c(elsewhere, BOARDS["unicorn"].core)
    source.write_text(source.read_text() + "\nint another_byte = 1;\n")
    assert len(here) == 64
