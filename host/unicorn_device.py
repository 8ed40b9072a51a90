"""A Cortex-M4F in this process: runs the firmware image of board `unicorn`, standard input and output its serial line.

    python -m tinyproof.host.unicorn_device firmware.elf

Memory is that of the board's budget and nothing else: an access outside flash and RAM, or a write to flash, stops with
the address, the function and the line. The CPU comes from unicorn (PyPI), so no emulator has to be installed; the image
is the one that board qemu runs, the debug channel and the one timer it uses are emulated here. A watcher in C
(firmware/boards/unicorn/count.c, built beside it) counts the instructions.
"""

from __future__ import annotations

import os
import signal
import struct
import sys
from pathlib import Path
from typing import Any, NoReturn

from tinyproof.boards import BOARDS
from tinyproof.firmware.flash_files import loaded
from tinyproof.host.unicorn_cpu import PAGE_BYTES, THUMB, Counter, find_place, whole_pages, write_all

RAM_BASE = 0x2000_0000
TIMER_BASE = 0x4000_0000
SYSTEM_BASE = 0xE000_E000  # the processor's own registers: plain memory, only the FPU's access bits are written
TIMER_VALUE = 0x04  # offset of the CMSDK timer's count-down register
BREAKPOINT = 7  # the exception number by which unicorn reports `bkpt`
SEMIHOSTING_OPEN, SEMIHOSTING_WRITE, SEMIHOSTING_READ, SEMIHOSTING_EXIT_EXTENDED = 0x01, 0x05, 0x06, 0x20
APPLICATION_EXIT = 0x20026
TICKS_NUMERATOR, TICKS_DENOMINATOR = 8, 5  # 64 ns an instruction and 40 ns a tick, as on board qemu


class Machine:
    """The emulated microcontroller around one ELF image."""

    def __init__(self, image: Path) -> None:
        import unicorn

        budget = BOARDS["unicorn"].budget
        assert budget is not None
        self.image = image
        self.flash_bytes = whole_pages(budget.flash_bytes)
        self.ram_bytes = whole_pages(budget.ram_bytes)
        self.cpu = unicorn.Uc(unicorn.UC_ARCH_ARM, unicorn.UC_MODE_THUMB | unicorn.UC_MODE_MCLASS)
        self.cpu.ctl_set_cpu_model(unicorn.arm_const.UC_CPU_ARM_CORTEX_M4)
        self.cpu.mem_map(0, self.flash_bytes, unicorn.UC_PROT_READ | unicorn.UC_PROT_EXEC)
        self.cpu.mem_map(RAM_BASE, self.ram_bytes, unicorn.UC_PROT_READ | unicorn.UC_PROT_WRITE)
        self.cpu.mem_map(SYSTEM_BASE, PAGE_BYTES)
        self.cpu.mmio_map(TIMER_BASE, PAGE_BYTES, self._read_timer, None, lambda *_: None, None)
        for address, data in loaded(image):
            self.cpu.mem_write(address, data)
        self.counter = Counter(self.cpu, image, THUMB, 0, bytes(self.cpu.mem_read(0, self.flash_bytes)))
        self.cpu.hook_add(unicorn.UC_HOOK_INTR, self._interrupt)
        self.cpu.hook_add(unicorn.UC_HOOK_MEM_INVALID, self._bad_access)

    def run(self) -> NoReturn:
        """Run from reset until the line is closed (status 0), the firmware exits, or it does what no chip can."""
        import unicorn

        stack, start = struct.unpack("<II", self.cpu.mem_read(0, 8))
        self.cpu.reg_write(unicorn.arm_const.UC_ARM_REG_SP, stack)
        try:
            self.cpu.emu_start(start | 1, -1)
        except unicorn.UcError as error:
            self._stop(str(error))
        self._stop("the CPU stopped")

    def _read_timer(self, cpu: Any, offset: int, size: int, data: Any) -> int:
        ticks = self.counter.instructions * TICKS_NUMERATOR // TICKS_DENOMINATOR
        return ~ticks & 0xFFFF_FFFF if offset == TIMER_VALUE else 0

    def _interrupt(self, cpu: Any, number: int, data: Any) -> None:
        """The calls of the debug channel, boards/qemu/semihosting.h; every other exception is a bug of the firmware."""
        from unicorn import arm_const as arm

        if number != BREAKPOINT:
            self._stop(f"exception {number}")
        operation, block = cpu.reg_read(arm.UC_ARM_REG_R0), cpu.reg_read(arm.UC_ARM_REG_R1)
        handle, address, size = struct.unpack("<III", cpu.mem_read(block, 12))
        if operation == SEMIHOSTING_OPEN:
            result = 0 if size == 0 else 1
        elif operation == SEMIHOSTING_READ:
            received = os.read(0, size)
            cpu.mem_write(address, received)
            result = size - len(received)
        elif operation == SEMIHOSTING_WRITE:
            write_all(bytes(cpu.mem_read(address, size)))
            result = 0
        elif operation == SEMIHOSTING_EXIT_EXTENDED:
            os._exit(address if handle == APPLICATION_EXIT else 1)
        else:
            self._stop(f"debug call {operation:#x}, which nothing here answers")
        cpu.reg_write(arm.UC_ARM_REG_R0, result)
        cpu.reg_write(arm.UC_ARM_REG_PC, cpu.reg_read(arm.UC_ARM_REG_PC) + 2 | 1)

    def _bad_access(self, cpu: Any, access: int, address: int, size: int, value: int, data: Any) -> bool:
        import unicorn

        where = f"{address:#010x}, {'in flash' if address < self.flash_bytes else 'outside flash and RAM'}"
        if access in (unicorn.UC_MEM_WRITE_UNMAPPED, unicorn.UC_MEM_WRITE_PROT):
            self._stop(f"a write of {size} bytes to {where}")
        if access == unicorn.UC_MEM_READ_UNMAPPED:
            self._stop(f"a read of {size} bytes from {where}")
        self._stop(f"a jump to {where}", cpu.reg_read(unicorn.arm_const.UC_ARM_REG_LR) - 2)  # by the call before

    def _stop(self, why: str, address: int | None = None) -> NoReturn:
        """End the process, naming the code at the address (the next instruction's if None): no exception passes through
        unicorn's C code.
        """
        from unicorn import arm_const as arm

        place = find_place(self.image, self.cpu.reg_read(arm.UC_ARM_REG_PC) if address is None else address & ~1)
        print(f"the firmware stopped: {why}, by {place}", file=sys.stderr, flush=True)
        os._exit(1)


if __name__ == "__main__":
    # A Python exception would only end the callback it comes up in, and the CPU would go on with a wrong count.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    Machine(Path(sys.argv[1])).run()
