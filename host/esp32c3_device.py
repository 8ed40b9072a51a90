"""An ESP32-C3 in this process: runs an image of `esp32c3-bare` or `esp32c3-usb`, standard input and output its line.

    python -m tinyproof.host.esp32c3_device firmware.elf

What runs is what is flashed, from the place where the boot ROM jumps to. The CPU comes from unicorn (PyPI); memory and
the registers that the firmware uses are as the chip's technical reference manual has them, and there is nothing else:
any other access stops with the address, the function and the line. A cycle is an instruction. There are no interrupts:
what the UART's buffer has no room for waits outside, as in QEMU.
"""

from __future__ import annotations

import signal
import struct
import sys
from pathlib import Path
from typing import Any

from tinyproof.boards import BOARDS
from tinyproof.firmware.flash_files import flash_bytes
from tinyproof.host.unicorn_chip import HostLine, Registers, UnicornChip
from tinyproof.host.unicorn_cpu import RISC_V, Counter, whole_pages

INSTRUCTION_BUS, DATA_BUS, RAM, RTC_RAM = 0x4200_0000, 0x3C00_0000, 0x3FC8_0000, 0x5000_0000
RAM_BYTES, RTC_RAM_BYTES = 384 * 1024, 8 * 1024
BANNER = b"ESP-ROM:esp32c3-api1-20210207\r\n"  # what the boot ROM says, or begins to
MAGIC = struct.pack("<II", 0xAEDB041D, 0xAEDB041D)
ILLEGAL_INSTRUCTION = 2  # the exception number by which unicorn reports a register that its core lacks
COUNTED_EVENT, COUNTER_VALUE = 0x7E0, 0x7E2

UART, RTC, PINS, GROUP = 0x6000_0000, 0x6000_8000, 0x6000_9000, 0x6001_F000
TIMER, USB, SYSTEM, MATRIX = 0x6002_3000, 0x6004_3000, 0x600C_0000, 0x600C_2000
FIFO, STATUS, UPDATE = UART, UART + 0x1C, UART + 0x80
USB_FIFO, USB_STATE = USB, USB + 0x04
TIMER_REQUEST, TIMER_COUNT = TIMER + 0x04, TIMER + 0x44
CPU_CONFIGURATION, CLOCK_CONFIGURATION = SYSTEM + 0x08, SYSTEM + 0x58
# Register: the one that has to hold a key while it is written.
PROTECTED = {
    **{RTC + offset: (RTC + 0xA8, 0x50D83AA1) for offset in (0x90, 0x94, 0xA4)},
    RTC + 0xAC: (RTC + 0xB0, 0x8F1D312A),
    GROUP + 0x48: (GROUP + 0x64, 0x50D83AA1),
}
# Those that are not 0 after a reset and the boot ROM.
AFTER_RESET = {
    RTC + 0x38: 1,  # the power was switched on
    RTC + 0x90: 1 << 12 | 1 << 31,  # watchdogs: on
    RTC + 0xAC: 0,
    GROUP + 0x48: 1 << 14,
    CPU_CONFIGURATION: 1 << 2,
    CLOCK_CONFIGURATION: 40 << 12 | 1,
    SYSTEM + 0x10: 1 << 2 | 1 << 24,
    UPDATE: 1 << 30,
}
PLAIN = (
    *(UART + offset for offset in (0x0C, 0x10, 0x14, 0x20, 0x24, 0x6C, 0x78)),
    *(RTC, RTC + 0xA8, RTC + 0xB0, PINS + 0x54, PINS + 0x58, GROUP + 0x64, TIMER, SYSTEM + 0x18),
    *(MATRIX + offset for offset in (0x54, 0x104, 0x108, 0x118, 0x194)),
)
KNOWN = {FIFO, STATUS, USB_FIFO, USB_STATE, TIMER_REQUEST, TIMER_COUNT, *PROTECTED, *AFTER_RESET, *PLAIN}
FIFO_BYTES, USB_PACKET_BYTES = 128, 64
CRYSTAL_MHZ, TIMER_MHZ = 40, 16


class Esp32C3Registers:
    """The chip's registers, and what is behind them: the clock, the timer of the system, the UART and its host."""

    def __init__(self, has_pll: bool = True) -> None:
        self.values = dict(AFTER_RESET)
        self.has_pll = has_pll
        self.line, self.packet = HostLine(FIFO_BYTES, BANNER), bytearray()
        self.ticks_before, self.cycles_before = 0.0, 0  # when the clock last changed

    @property
    def mhz(self) -> float:
        """The clock of the CPU."""
        configuration = self.values[CLOCK_CONFIGURATION]
        if configuration >> 10 & 3 == 1 and self.has_pll:
            return (80, 160)[self.values[CPU_CONFIGURATION] & 1]
        return CRYSTAL_MHZ / ((configuration & 0x3FF) + 1)

    def read(self, address: int, cycles: int) -> int:
        """What the register says after so many cycles. KeyError where there is none."""
        if address not in KNOWN:
            raise KeyError(address)
        if address == STATUS:
            return self.line.waiting()
        if address == USB_STATE:
            return (4 if self.line.waiting() else 0) | 2  # the host takes every packet
        if address in (FIFO, USB_FIFO):
            return self.line.take()
        if address == TIMER_COUNT:
            return int(self._ticks(cycles)) & 0xFFFF_FFFF
        return self.values.get(address, 0) | (1 << 29 if address == TIMER_REQUEST else 0)

    def write(self, address: int, value: int, cycles: int) -> None:
        """Take a value. KeyError where there is no such register."""
        if address not in KNOWN:
            raise KeyError(address)
        key_at, key = PROTECTED.get(address, (0, 0))
        if self.values.get(key_at, 0) != key:
            return
        if address == USB_FIFO and len(self.packet) < USB_PACKET_BYTES:
            self.packet.append(value & 0xFF)
        if address == USB_STATE and value & 1:
            self.line.give(self.packet)
            self.packet.clear()
        if address == FIFO:
            self.line.give(bytes([value & 0xFF]))
            return
        if address in (CPU_CONFIGURATION, CLOCK_CONFIGURATION):
            self.ticks_before, self.cycles_before = self._ticks(cycles), cycles
        self.values[address] = value & ~(1 << 31) if address == UPDATE else value

    def _ticks(self, cycles: int) -> float:
        return self.ticks_before + (cycles - self.cycles_before) * TIMER_MHZ / self.mhz


class Chip(UnicornChip):
    """The emulated chip around one ELF image, the boot ROM's work done."""

    def __init__(self, image: Path, registers: Registers) -> None:
        import unicorn
        from unicorn import riscv_const as riscv

        board = BOARDS["esp32c3-bare"]
        assert board.budget is not None
        cpu = unicorn.Uc(unicorn.UC_ARCH_RISCV, unicorn.UC_MODE_RISCV32)
        super().__init__(cpu, riscv.UC_RISCV_REG_PC, image, registers)
        self.riscv = riscv
        content = flash_bytes(image, INSTRUCTION_BUS)
        assert content.startswith(MAGIC), "the boot ROM would not start it"
        flash = content.ljust(whole_pages(board.budget.flash_bytes), b"\xff")
        for base, rights in ((INSTRUCTION_BUS, unicorn.UC_PROT_EXEC), (DATA_BUS, unicorn.UC_PROT_READ)):
            self.cpu.mem_map(base, len(flash), rights)
            self.cpu.mem_write(base, flash)
        for base, size in ((RAM, RAM_BYTES), (RTC_RAM, RTC_RAM_BYTES)):
            self.map_ram(base, size)
        for base in (UART, RTC, PINS, GROUP, TIMER, USB, SYSTEM, MATRIX):
            self.map_registers(base)
        self.counter = Counter(self.cpu, image, RISC_V, INSTRUCTION_BUS, content)
        self.cpu.hook_add(unicorn.UC_HOOK_INTR, self._exception)
        self.cpu.hook_add(unicorn.UC_HOOK_INSN_INVALID, lambda *_: self.stop("an invalid instruction"))

    def run(self, until: int = -1) -> None:
        """From the first instruction until that at an address. Ends the process where the line does, or the program."""
        self.cpu.emu_start(INSTRUCTION_BUS + len(MAGIC), until)

    def _exception(self, cpu: Any, number: int, data: Any) -> None:
        """The chip's own control and status registers; every other exception is a bug of the firmware.

        Unicorn has the next instruction in PC, and goes on there.
        """
        word = int.from_bytes(cpu.mem_read(cpu.reg_read(self.riscv.UC_RISCV_REG_PC) - 4, 4), "little")
        is_register = word & 0x7F == 0x73 and COUNTED_EVENT <= word >> 20 <= COUNTER_VALUE
        if number != ILLEGAL_INSTRUCTION or not is_register:
            self.stop(f"exception {number}")
        if target := word >> 7 & 31:
            value = self.counter.instructions if word >> 20 == COUNTER_VALUE else 0
            cpu.reg_write(self.riscv.UC_RISCV_REG_X0 + target, value & 0xFFFF_FFFF)


if __name__ == "__main__":
    # A Python exception would only end the callback it comes up in, and the CPU would go on with a wrong count.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    Chip(Path(sys.argv[1]), Esp32C3Registers()).run()
