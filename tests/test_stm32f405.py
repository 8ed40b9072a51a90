"""The STM32F405's own image, in an emulator of the chip: what the board adds to the engine that all boards share."""

from __future__ import annotations

import re
import struct
import subprocess
from dataclasses import replace
from pathlib import Path

import needs
import pytest
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

BOARD = BOARDS["stm32f405"]
FLASH = 0x0800_0000
PERIPHERALS, SYSTEM = 0x4000_0000, 0xE000_0000
USART1, RCC, FLASH_ACCESS = 0x4001_1000, 0x4002_3800, 0x4002_3C00
STOPPED = re.compile(
    r"the firmware stopped and was reset: exception (\d\d) at (0x\w{8}), called from (0x\w{8}); "
    r"fault status (0x\w{8}), address (0x\w{8})"
)


def from_intel_hex(text: str) -> dict[int, int]:
    """Address of a byte: the byte; every line's sum is checked."""
    found, upper = {}, 0
    for line in text.splitlines():
        record = bytes.fromhex(line.removeprefix(":"))
        assert line[0] == ":" and sum(record) % 256 == 0 and len(record) == record[0] + 5
        address, kind, data = int.from_bytes(record[1:3], "big"), record[3], record[4:-1]
        if kind == 4:
            upper = int.from_bytes(data, "big") << 16
        elif kind == 0:
            found.update((upper + address + i, byte) for i, byte in enumerate(data))
    assert line == ":00000001FF"
    return found


def test_forty_images_over_a_line_with_faults_and_a_chip_that_is_reset(model):
    build(model, BOARD)
    assert_equal_over_a_bad_line(model, BOARD)


def test_a_run_whose_emulator_was_killed_is_resumed(model):
    build(model, BOARD)
    assert_resumed_after_its_emulator_was_killed(model, BOARD)


@pytest.mark.parametrize(
    "wrong, exception, status",
    [
        ("*(volatile int *)0xC0000000 = 1;", 3, 1 << 15 | 1 << 9),  # precise data bus error, its address valid
        ('__asm__ volatile("udf #0");', 3, 1 << 16),  # undefined instruction
    ],
    ids=["bus", "instruction"],
)
def test_a_fault_is_told_with_its_place_by_the_next_start(model, wrong, exception, status):
    source = model_c(model, BOARD.core)
    text = source.read_text()
    head, opening, body = re.split(r"(void model_compute\([^{]+\{[^\n]*\n)", text, maxsplit=1)[0:3]
    source.write_text(f"{head}{opening}    if (input[0] == 77) {{ {wrong} }}\n{body}")
    take_for_ours(model)
    with running(model, BOARD.name) as device:
        boots = device.hello().boot_count
        device.exchange.transport.send(Frame(Infer.ID, 1, bytes([77]) * 784))
        hello = device.hello()
        assert hello.boot_count == boots + 1 and hello.self_test_failures == 0
        [told] = device.exchange.logs
    number, pc, _, cfsr, address = STOPPED.fullmatch(told).groups()
    assert int(number) == exception and int(cfsr, 0) & status == status
    assert "model_compute (" in find_place(image_path(model, BOARD), int(pc, 0))
    assert (int(address, 0) == 0xC0000000) == ("C0000000" in wrong)


@needs.golden
def test_hello_model_is_a_program_of_the_chip(model):
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


@pytest.mark.parametrize("compiler", range(2), ids=["gcc", "zig"])
def test_the_files_for_flashing_have_the_bytes_of_the_image(model, compiler):
    build(model, replace(BOARD, compilers=BOARD.compilers[compiler : compiler + 1]))
    folder = model / BOARD.name
    content = (folder / "firmware.bin").read_bytes()
    assert content == flash_bytes(folder / "firmware.elf", FLASH) and len(content) > 60_000
    stack, reset = (int.from_bytes(content[i : i + 4], "little") for i in (0, 4))
    assert 0x2000_0000 < stack <= 0x2002_0000 and FLASH < reset < FLASH + len(content) and reset % 2
    lines = from_intel_hex((folder / "firmware.hex").read_text())
    assert bytes(lines[FLASH + i] for i in range(len(content))) == content and len(lines) == len(content)


class Registers:
    """The chip's registers for Unicorn: what is written is read again, and oscillators are ready once they are on."""

    def __init__(self, image: Path, revision: int, dead: str) -> None:
        import unicorn

        self.unicorn = unicorn
        self.dead = dead
        self.values = {SYSTEM + 0x42000: revision << 16 | 0x413, USART1: 0xC0}
        self.written: list[tuple[int, int]] = []
        self.cycles = 0
        self.cpu = unicorn.Uc(unicorn.UC_ARCH_ARM, unicorn.UC_MODE_THUMB | unicorn.UC_MODE_MCLASS)
        self.cpu.ctl_set_cpu_model(unicorn.arm_const.UC_CPU_ARM_CORTEX_M4)
        self.cpu.mem_map(FLASH, 1 << 20)
        self.cpu.mem_map(0x2000_0000, 128 << 10)
        self.cpu.mem_map(0xE000_E000, 0x1000)
        for base, size in ((PERIPHERALS, 0x30000), (SYSTEM, 0x2000), (SYSTEM + 0x42000, 0x1000)):
            self.cpu.mmio_map(base, size, self._read, base, self._write, base)
        self.content = flash_bytes(image, FLASH)
        self.cpu.mem_write(FLASH, self.content)

    def _read(self, cpu, offset, size, base):
        at = base + offset
        value = self.values.get(at, 0)
        if at == RCC and self.dead != "oscillators":
            return value & ~(2 | 1 << 25) | (value & 1) << 1 | (0 if self.dead == "pll" else (value >> 24 & 1) << 25)
        if at == RCC + 8:
            return value & ~12 | (value & 3) << 2
        if at == FLASH_ACCESS and self.dead == "flash":
            return 0
        if at == SYSTEM + 0x1004:
            self.cycles += 4
            return self.cycles
        return value

    def _write(self, cpu, offset, size, value, base):
        self.values[base + offset] = value
        self.written.append((base + offset, value))

    def run_until(self, address: int) -> None:
        """From reset until this instruction."""
        stack, start = (int.from_bytes(self.content[i : i + 4], "little") for i in (0, 4))
        self.cpu.reg_write(self.unicorn.arm_const.UC_ARM_REG_SP, stack)
        self.cpu.emu_start(start | 1, address & ~1)


@needs.portable
@pytest.mark.parametrize(
    "revision, dead, mhz",
    [(0x1007, "", 168), (0x1000, "", 168), (0x1007, "oscillators", 16), (0x1007, "pll", 16), (0x1007, "flash", 16)],
)
def test_the_clock_that_runs_is_the_one_that_the_line_and_the_counter_reckon_with(model, revision, dead, mhz):
    build(model, BOARD)
    image = image_path(model, BOARD)
    with image.open("rb") as file:
        symbols = ELFFile(file).get_section_by_name(".symtab")
        address = {symbol.name: symbol["st_value"] for symbol in symbols.iter_symbols()}
    chip = Registers(image, revision, dead)
    chip.run_until(address["app_init"])
    info = struct.unpack("<IIHHI", chip.cpu.mem_read(address["board"], 16))
    unit = bytes(chip.cpu.mem_read(info[1], 7))
    assert (info[2:], unit) == ((1, 1, mhz * 1_000_000), b"cycles\0")
    usart_hz = {168: 84_000_000, 16: 16_000_000}[mhz]
    assert abs(usart_hz / chip.values[USART1 + 8] / 115200 - 1) < 0.002
    assert chip.values.get(RCC + 8, 0) & 3 == (2 if mhz == 168 else 0)
    if mhz == 168:
        pll = chip.values[RCC + 4]
        assert not pll >> 22 & 1, "the crystal, which may not be there"
        assert 16 / (pll & 63) * (pll >> 6 & 511) / (2 * (pll >> 16 & 3) + 2) == 168
        access = chip.values[FLASH_ACCESS]
        assert access & 7 == 5 and access >> 9 & 3 == 3 and bool(access >> 8 & 1) == (revision != 0x1000)
        order = [at for at, value in chip.written if at == FLASH_ACCESS or (at == RCC + 8 and value & 3 == 2)]
        assert order == [FLASH_ACCESS, RCC + 8], "wait states come before the clock"
