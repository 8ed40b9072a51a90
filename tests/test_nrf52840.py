"""The nRF52840's own image, in an emulator of the chip, behind the boot loaders of two boards."""

from __future__ import annotations

import json
import os
import struct
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import needs
import pytest
from conftest import ROOT
from elftools.elf.elffile import ELFFile
from planting import model_c, take_for_ours
from runs import assert_equal_over_a_bad_line

from tinyproof.boards import BOARDS
from tinyproof.firmware.build import UF2_FILE, build, image_path
from tinyproof.firmware.flash_files import flash_bytes

BOARD, XIAO = BOARDS["nano33ble-bare"], BOARDS["xiao-nrf52840"]
RAM, RAM_BYTES = 0x2000_0000, 256 << 10
START = {"nano33ble-bare": 0x1_0000, "xiao-nrf52840": 0x2_7000}
PORT_0, PORT_1 = 0x5000_0000, 0x5000_0300
pytestmark = needs.portable


def test_forty_images_over_a_line_with_faults_and_a_chip_that_is_reset(model):
    build(model, BOARD)
    assert_equal_over_a_bad_line(model, BOARD)


def symbols(image: Path) -> dict[str, int]:
    with image.open("rb") as file:
        table = ELFFile(file).get_section_by_name(".symtab")
        return {symbol.name: symbol["st_value"] for symbol in table.iter_symbols()}


@pytest.fixture(params=[("nano33ble-bare", 0), ("xiao-nrf52840", 1)], ids=["nano, gcc", "xiao, zig"])
def board(request, model):
    name, compiler = request.param
    board = replace(BOARDS[name], compilers=BOARD.compilers[compiler : compiler + 1])
    build(model, board)
    return board


def test_the_image_begins_with_vectors_behind_the_boot_loader_and_keeps_what_outlives_a_reset_where_no_loader_writes(
    model, board
):
    image = image_path(model, board)
    content = flash_bytes(image, START[board.name])
    vectors = struct.unpack("<33I", content[: 4 * 33])
    at = symbols(image)
    assert RAM < vectors[0] == at["stack_high"] <= RAM + RAM_BYTES and vectors[1] == at["reset"] | 1
    assert vectors[16 + 2] == at["take_bytes"] | 1, "UART0 is interrupt 2 of the chip"
    assert vectors[16 + 16] == vectors[3] == at["unexpected_exception"] | 1, "the watchdog is interrupt 16"
    with image.open("rb") as file:
        sections = {section.name: section for section in ELFFile(file).iter_sections()}
    kept = sections[".noinit"]
    assert 0 < kept["sh_size"] < 256 and kept["sh_addr"] == 0x2003_C000
    assert board.budget.ram_bytes == kept["sh_addr"] - RAM, "all before it is the program's"


def test_the_drive_file_is_for_that_chip_and_leaves_the_boot_loader_alone(model):
    build(model, replace(XIAO, compilers=XIAO.compilers[1:]))
    content, pages = flash_bytes(image_path(model, XIAO), START[XIAO.name]), b""
    data = (model / XIAO.name / UF2_FILE).read_bytes()
    for number in range(len(data) // 512):
        block = data[512 * number : 512 * number + 512]
        _, _, flags, address, size, _, count, family = struct.unpack("<8I", block[:32])
        assert (flags, address, size) == (0x2000, START[XIAO.name] + 256 * number, 256)
        assert (count, family) == (len(data) // 512, 0xADA5_2840)
        pages += block[32:288]
    assert pages.startswith(content) and set(pages[len(content) :]) <= {0xFF}


RUN = """
import json, sys
from pathlib import Path
from tinyproof.host.nrf52840_device import Chip, Nrf52840Registers
registers = Nrf52840Registers(has_crystal=sys.argv[2] == "crystal", reset_reasons=int(sys.argv[3]))
chip = Chip(Path(sys.argv[1]), registers)
chip.run(int(sys.argv[4]))
values = {hex(at): value for at, value in registers.values.items()}
print(json.dumps([values, registers.line.to_send.hex()]), file=sys.stderr)
"""


def registers_at(image: Path, function: str, crystal: str = "crystal", reset_reasons: int = 0):
    """The registers and what was sent, from reset until a function begins."""
    words = [sys.executable, "-c", RUN, str(image), crystal, str(reset_reasons), str(symbols(image)[function] & ~1)]
    reader, writer = os.pipe()  # a line that is open, and quiet
    result = subprocess.run(words, stdin=reader, capture_output=True, cwd=ROOT, timeout=60)
    os.close(reader)
    os.close(writer)
    values, unsent = json.loads(result.stderr)
    return {int(at, 16): value for at, value in values.items()}, result.stdout + bytes.fromhex(unsent)


def test_the_line_has_its_pins_and_speed_and_the_watchdog_is_started_after_the_self_test(model, board):
    image, is_nano = image_path(model, board), board.name == BOARD.name
    values, sent = registers_at(image, "app_init")
    assert sent == b"\0" and values[0x4000_0000] == 1, "the crystal was asked for"
    tx, rx = (3, 10) if is_nano else (11, 12)  # of port 1: D1 and D0, or D6 and D7
    assert (values[0x4000_250C], values[0x4000_2514]) == (32 + tx, 32 + rx)
    assert values[PORT_1 + 0x700 + 4 * tx] & 1 and values[PORT_1 + 0x700 + 4 * rx] & 0b1111 == 0b1100, "pulled up"
    assert abs(values[0x4000_2524] * 16e6 / 2**32 / 115200 - 1) < 0.001
    assert values[0x4001_E540] == 1 and 0x4001_0000 not in values
    values, _ = registers_at(image, "app_poll")
    assert (values[0x4001_0000], values[0x4001_0504]) == (1, 5 * 60 * 32768 - 1)
    assert (values[0x4001_0508], values[0x4001_050C], values[0x4001_0600]) == (1, 1, 0x6E52_4635)
    lit, led = (0x508, 1 << 13) if is_nano else (0x50C, 1 << 26)
    assert values[PORT_0 + lit] == values[PORT_0 + 0x518] == led, "the self-test passed"


def test_without_a_crystal_the_board_still_answers_and_a_watchdog_s_reset_is_told_once(model):
    build(model, BOARD)
    values, sent = registers_at(image_path(model, BOARD), "app_init", crystal="none", reset_reasons=2)
    assert b"the watchdog reset the chip: the firmware hung for five minutes" in sent
    assert values[0x4000_0400] == 0


@pytest.mark.parametrize(
    "wrong, words",
    [
        ("(void)*(volatile int *)0x00008000;", "a read of 0x00008000"),  # the boot loader
        ("*(volatile int *)0x40002528 = 1;", "a write to register 0x40002528, which nothing here is"),
    ],
)
def test_what_no_chip_can_do_stops_the_emulated_one_with_the_place(model, command, wrong, words):
    source = model_c(model, BOARD.core)
    head, body = source.read_text().split("void model_compute(", 1)
    opening, rest = body.split("{", 1)
    source.write_text(f"{head}void model_compute({opening}{{\n{wrong}\n{rest}")
    take_for_ours(model)
    build(model, BOARD)
    result = command("validate", "--model", model, "--board", BOARD.name, "--limit", "1")
    assert result.returncode == 2 and f"the firmware stopped: {words}" in result.stderr, result.stderr
    assert "by model_compute (" in result.stderr
