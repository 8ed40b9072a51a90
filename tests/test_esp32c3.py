"""The ESP32-C3's own image, in an emulator of the chip, and what its start-up shares with the emulated RISC-V."""

from __future__ import annotations

import json
import os
import re
import struct
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import needs
import pytest
from conftest import ROOT
from devices import running
from elftools.elf.elffile import ELFFile
from planting import model_c, take_for_ours
from runs import assert_equal_over_a_bad_line, assert_resumed_after_its_emulator_was_killed
from test_arduino_library import assert_is_hello_model

from tinyproof.boards import BOARDS
from tinyproof.firmware.build import build, build_example, image_path
from tinyproof.firmware.flash_files import flash_bytes
from tinyproof.framing import Frame
from tinyproof.host.unicorn_cpu import find_place
from tinyproof.protocol import Infer

BOARD = BOARDS["esp32c3-bare"]
FLASH = 0x4200_0000
STOPPED = re.compile(
    r"the firmware stopped and was reset: exception (\d\d) at (0x\w{8}), called from (0x\w{8}); address (0x\w{8})"
)
pytestmark = needs.portable


def plant(model: Path, wrong: str, first_byte: int | None = None) -> None:
    """Have the model do something else before it computes; with `first_byte` only for an input that begins so."""
    source = model_c(model, BOARD.core)
    head, opening, body = re.split(r"(void model_compute\([^{]+\{[^\n]*\n)", source.read_text(), maxsplit=1)
    condition = "" if first_byte is None else f"if (input[0] == {first_byte}) "
    includes = "#include <stdint.h>\nstatic int deeper(int);\nint (*volatile deep)(int) = deeper;\n"
    includes += (
        "static int deeper(int n) { volatile char room[512]; room[n] = 0; return n ? deep(n - 1) + room[n] : 0; }\n"
    )
    source.write_text(f"{includes}{head}{opening}    {condition}{{ {wrong} }}\n{body}")
    take_for_ours(model)


@pytest.mark.parametrize("name, compiler", [("esp32c3-bare", 0), ("esp32c3-usb", 1)])
def test_forty_images_over_a_line_with_faults_and_a_chip_that_is_reset(model, name, compiler):
    board = replace(BOARDS[name], compilers=BOARD.compilers[compiler : compiler + 1])
    build(model, board)
    assert_equal_over_a_bad_line(model, board)


def test_a_run_whose_emulator_was_killed_is_resumed(model):
    build(model, BOARD)
    assert_resumed_after_its_emulator_was_killed(model, BOARD)


@pytest.mark.parametrize("compiler", range(2), ids=["gcc", "zig"])
def test_the_file_for_flashing_begins_as_the_boot_rom_asks_and_holds_all_of_the_image(model, compiler):
    build(model, replace(BOARD, compilers=BOARD.compilers[compiler : compiler + 1]))
    image = image_path(model, BOARD)
    content = image.with_suffix(".bin").read_bytes()
    assert content == flash_bytes(image, FLASH) and len(content) > 60_000
    assert content[:8] == bytes.fromhex("1d04dbae1d04dbae") and not image.with_suffix(".hex").exists()
    with image.open("rb") as file:
        elf = ELFFile(file)
        sections = {section.name: section for section in elf.iter_sections()}
        assert elf["e_entry"] == FLASH + 8
        # What is read lies on the data bus, where the same flash is.
        constants = sections[".rodata"]
        place = constants["sh_addr"] - 0x3C00_0000
        assert content[place : place + constants["sh_size"]] == constants.data()


@pytest.mark.parametrize(
    "wrong, exception, address, compiler",
    [
        ("*(volatile int *)0xA0000000 = 1;", 7, 0xA000_0000, 0),  # store access fault
        ('__asm__ volatile(".word 0xFFFFFFFF");', 2, None, 1),  # illegal instruction
        ("output[0] = (int8_t)deep(40);", 7, None, 0),  # the stack leaves RAM
    ],
    ids=["store", "instruction", "stack"],
)
def test_a_fault_is_told_with_its_place_by_the_next_start(model, wrong, exception, address, compiler):
    """On board qemu-riscv32, which resets, traps and tells with the same code."""
    plant(model, wrong, first_byte=77)
    board = BOARDS["qemu-riscv32"]
    board = replace(board, compilers=board.compilers[compiler : compiler + 1])
    with running(model, board) as device:
        boots = device.hello().boot_count
        device.exchange.transport.send(Frame(Infer.ID, 1, bytes([77]) * 784))
        hello = device.hello()
        assert hello.boot_count == boots + 1 and hello.self_test_failures == 0
        [told] = device.exchange.logs
    number, pc, _, value = STOPPED.fullmatch(told).groups()
    assert int(number) == exception and address in (None, int(value, 0))
    function = "deeper" if "deep" in wrong else "model_compute"
    assert find_place(image_path(model, board), int(pc, 0)).startswith(f"{function} (")


@pytest.mark.parametrize(
    "wrong, words",
    [
        ("*(volatile char *)0x3C000000 = 1;", "a write to 0x3c000000"),
        ("*(volatile int *)0x60000040 = 1;", "a write to register 0x60000040, which nothing here is"),
        ("output[0] = (int8_t)deep(40);", "exception 7, by deeper ("),
    ],
)
def test_what_no_chip_can_do_stops_the_emulated_one_with_the_place(model, command, wrong, words):
    plant(model, wrong)
    build(model, BOARD)
    result = command("validate", "--model", model, "--board", BOARD.name, "--limit", "1")
    assert result.returncode == 2 and f"the firmware stopped: {words}" in result.stderr, result.stderr


@needs.golden
def test_hello_model_is_a_program_of_the_chip(model):
    build(model, BOARD)
    image = build_example(model, BOARD, "hello_model")
    command = [word.format(firmware=image) for word in BOARD.run]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        said = b""
        while b"again" not in said:
            said += process.stdout.read1()
    finally:
        process.kill()
        process.communicate()
    assert_is_hello_model(said.decode(), model)


START = """
import json, sys
from pathlib import Path
from tinyproof.host.esp32c3_device import Chip, Esp32C3Registers
registers = Esp32C3Registers(has_pll=sys.argv[2] == "pll")
chip = Chip(Path(sys.argv[1]), registers)
chip.run(int(sys.argv[3]))
board = bytes(chip.cpu.mem_read(int(sys.argv[4]), 20))
unsent = registers.line.to_send.hex()
values = {hex(at): value for at, value in registers.values.items()}
print(json.dumps([values, board.hex(), registers.mhz, unsent]), file=sys.stderr)
"""


@pytest.mark.parametrize("pll, mhz", [("pll", 160), ("none", 40)])
def test_the_clock_that_runs_is_said_the_line_has_its_speed_and_no_watchdog_is_left(model, pll, mhz):
    build(model, BOARD)
    image = image_path(model, BOARD)
    with image.open("rb") as file:
        symbols = ELFFile(file).get_section_by_name(".symtab")
        address = {symbol.name: symbol["st_value"] for symbol in symbols.iter_symbols()}
    words = [sys.executable, "-c", START, str(image), pll, str(address["app_init"]), str(address["board"])]
    reader, writer = os.pipe()  # a line that is open, and quiet
    result = subprocess.run(words, stdin=reader, capture_output=True, cwd=ROOT, timeout=60)
    os.close(reader)
    os.close(writer)
    values, info, running_mhz, unsent = json.loads(result.stderr)
    assert (result.stdout + bytes.fromhex(unsent)).endswith(b"\r\n\0"), "no frame begins with what the boot ROM said"
    assert struct.unpack("<HHI", bytes.fromhex(info)[8:16]) == (1, 1, mhz * 1_000_000) and running_mhz == mhz
    divider = values["0x60000014"]
    before = (values["0x60000078"] >> 12 & 255) + 1
    assert values["0x60000078"] >> 20 & 3 == 3, "the line's clock is the crystal's"
    assert abs(40e6 / before / ((divider & 0xFFF) + (divider >> 20) / 16) / 115200 - 1) < 0.002
    assert values["0x60008090"] >> 31 == values["0x60008090"] >> 12 & 1 == 0, "watchdog of the real-time clock"
    assert values["0x6001f048"] & (1 << 31 | 1 << 14) == 0, "watchdog of timer group 0"
    assert values["0x600080ac"] >> 31 == 1, "super watchdog: feeds itself"
