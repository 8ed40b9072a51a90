"""An nRF52840 in this process: runs an image of a board with that chip, standard input and output its line.

    python -m tinyproof.host.nrf52840_device firmware.elf

What runs is what is flashed, as a boot loader starts it: from its own vectors, with the boot loader's part of the flash
out of reach. The CPU comes from unicorn (PyPI); memory and registers are as the chip's product specification and the
Armv7-M Architecture Reference Manual have them. A cycle is an instruction.
"""

from __future__ import annotations

import signal
import struct
import sys
from pathlib import Path

from tinyproof.firmware.flash_files import flash_bytes, loaded
from tinyproof.host.unicorn_chip import HostLine, Registers, UnicornChip
from tinyproof.host.unicorn_cpu import THUMB, Counter

FLASH_END, RAM, RAM_BYTES = 0x10_0000, 0x2000_0000, 256 * 1024
CLOCK, UART, WATCHDOG, FLASH_CONTROL = 0x4000_0000, 0x4000_2000, 0x4001_0000, 0x4001_E000
PORTS, TRACE, SYSTEM = 0x5000_0000, 0xE000_1000, 0xE000_E000
START_CRYSTAL, CLOCK_STATE, RESET_REASONS = CLOCK, CLOCK + 0x40C, CLOCK + 0x400
START_RX, STOP_RX, START_TX, STOP_TX = (UART + 4 * task for task in range(4))
RECEIVED, SENT, ENABLE, RX, TX = UART + 0x108, UART + 0x11C, UART + 0x500, UART + 0x518, UART + 0x51C
TX_PIN, RX_PIN = UART + 0x50C, UART + 0x514
CYCLES = TRACE + 0x04
WRITE_ONE_TO_CLEAR = (RESET_REASONS,)
PLAIN = (
    *(UART + offset for offset in (0x304, 0x308, 0x508, 0x510, 0x524, 0x56C)),
    *(WATCHDOG + offset for offset in (0x000, 0x304, 0x504, 0x508, 0x50C, 0x600)),
    *(PORTS + port + offset for port in (0, 0x300) for offset in (0x508, 0x50C, 0x518)),
    *(PORTS + port + 0x700 + 4 * pin for port in (0, 0x300) for pin in range(32)),
    *(FLASH_CONTROL + 0x540, TRACE),
    *(SYSTEM + offset for offset in (0x010, 0x100, 0x180, 0x184, 0x280, 0x284, 0x402, 0xD08, 0xD88, 0xDFC)),
)
KNOWN = {
    *(START_CRYSTAL, CLOCK_STATE, RESET_REASONS, START_RX, STOP_RX, START_TX, STOP_TX),
    *(RECEIVED, SENT, ENABLE, RX, TX, TX_PIN, RX_PIN, CYCLES, *PLAIN),
}
UART_ON, CRYSTAL_RUNS = 4, 1 << 16 | 1
FIFO_BYTES = 6
POWERED_ON = 0


class Nrf52840Registers:
    """The chip's registers, and what is behind them: the crystal, the UART and its host."""

    def __init__(self, has_crystal: bool = True, reset_reasons: int = POWERED_ON) -> None:
        self.values = {RESET_REASONS: reset_reasons}
        self.has_crystal = has_crystal
        self.line = HostLine(FIFO_BYTES)
        self.receives = self.sends = False
        self.byte: int | None = None  # in the register

    def read(self, address: int, cycles: int) -> int:
        """What the register says after so many cycles. KeyError where there is none."""
        if address not in KNOWN:
            raise KeyError(address)
        if address == CYCLES:
            return cycles & 0xFFFF_FFFF
        if address == RECEIVED and self.byte is None and self.receives and self.line.waiting():
            self._receive()
        if address == RX:
            byte, self.byte = self.byte or 0, None
            if self.line.received:
                self._receive()
            return byte
        return self.values.get(address, 0)

    def write(self, address: int, value: int, cycles: int) -> None:
        """Take a value. KeyError where there is no such register."""
        if address not in KNOWN:
            raise KeyError(address)
        is_on = self.values.get(ENABLE) == UART_ON
        if address in WRITE_ONE_TO_CLEAR:
            value = self.values[address] & ~value
        if address == ENABLE and not is_on:
            self.byte = None
        if address == START_CRYSTAL and self.has_crystal:
            self.values[CLOCK_STATE] = CRYSTAL_RUNS
        if address in (START_RX, STOP_RX):
            self.receives = address == START_RX and is_on
        if address in (START_TX, STOP_TX):
            self.sends = address == START_TX and is_on
        if address == TX and self.sends:
            self.line.give(bytes([value & 0xFF]))
            self.values[SENT] = 1
        self.values[address] = value

    def _receive(self) -> None:
        self.byte = self.line.take()
        self.values[RECEIVED] = 1


class Chip(UnicornChip):
    """The emulated chip around one ELF image, which lies behind a boot loader."""

    def __init__(self, image: Path, registers: Registers) -> None:
        import unicorn
        from unicorn import arm_const as arm

        cpu = unicorn.Uc(unicorn.UC_ARCH_ARM, unicorn.UC_MODE_THUMB | unicorn.UC_MODE_MCLASS)
        cpu.ctl_set_cpu_model(arm.UC_CPU_ARM_CORTEX_M4)
        super().__init__(cpu, arm.UC_ARM_REG_PC, image, registers)
        self.start = min(address for address, _ in loaded(image))
        content = flash_bytes(image, self.start)
        cpu.mem_map(self.start, FLASH_END - self.start, unicorn.UC_PROT_READ | unicorn.UC_PROT_EXEC)
        cpu.mem_write(self.start, content.ljust(FLASH_END - self.start, b"\xff"))
        self.map_ram(RAM, RAM_BYTES)
        for base in (CLOCK, UART, WATCHDOG, FLASH_CONTROL, PORTS, TRACE, SYSTEM):
            self.map_registers(base)
        self.counter = Counter(cpu, image, THUMB, self.start, content)
        cpu.hook_add(unicorn.UC_HOOK_INTR, lambda cpu, number, data: self.stop(f"exception {number}"))
        cpu.hook_add(unicorn.UC_HOOK_INSN_INVALID, lambda *_: self.stop("an invalid instruction"))

    def run(self, until: int = -1) -> None:
        """From the first instruction until that at an address. Ends the process where the line does, or the program."""
        from unicorn import arm_const as arm

        stack, start = struct.unpack("<II", self.cpu.mem_read(self.start, 8))
        self.cpu.reg_write(arm.UC_ARM_REG_SP, stack)
        self.cpu.emu_start(start | 1, until)


if __name__ == "__main__":
    # A Python exception would only end the callback it comes up in, and the CPU would go on with a wrong count.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    Chip(Path(sys.argv[1]), Nrf52840Registers()).run()
