"""What chips that unicorn (PyPI) emulates share: their line, and registers with nothing beside them.

A chip's memory and registers are those that its manual has and its firmware uses. Any other access stops the process
with the address, the function and the line. There are no interrupts: bytes that nobody takes wait outside.
"""

from __future__ import annotations

import os
import select
import sys
from pathlib import Path
from typing import Any, NoReturn, Protocol

from tinyproof.host.unicorn_cpu import PAGE_BYTES, Counter, find_place, write_all

IDLE_LOOKS = 4  # for a byte, with none between: the firmware waits for the host
PATIENCE_S = 0.05
READ_BYTES = 4096
LEFT = 0xA5  # what the memory of a chip holds that was just switched on is not known


class HostLine:
    """Standard input and output as the line of a chip whose UART holds `fifo_bytes` that came in.

    The next ones take their time: a firmware that has taken all sees once that there is nothing. So it is not filled up
    by a host that sends faster than a line.
    """

    def __init__(self, fifo_bytes: int, said: bytes = b"") -> None:
        self.fifo_bytes = fifo_bytes
        self.outside, self.received, self.to_send = bytearray(), bytearray(), bytearray(said)
        self.was_emptied = False
        self.looks = 0  # without a byte between them

    def waiting(self) -> int:
        """How many bytes there are to take; waits for the host where the firmware asks for nothing else.

        Ends the process where the host has closed the line.
        """
        self.looks += 1
        self.flush()
        if not self.received and not self.was_emptied:
            self._fill()
        self.was_emptied = False
        return len(self.received)

    def take(self) -> int:
        """The next byte; 0 where there is none."""
        self.looks = 0
        byte = self.received.pop(0) if self.received else 0
        self.was_emptied = not self.received
        return byte

    def give(self, data: bytes | bytearray) -> None:
        """Bytes for the host, which has them when the firmware next looks for an answer."""
        self.looks = 0
        self.to_send += data

    def flush(self) -> None:
        """Give the host what was sent."""
        if self.to_send:
            write_all(bytes(self.to_send))
            self.to_send.clear()

    def _fill(self) -> None:
        patience = PATIENCE_S if self.looks > IDLE_LOOKS and not self.outside else 0
        if select.select([0], [], [], patience)[0]:
            came = os.read(0, READ_BYTES)
            if not came:
                self.flush()
                os._exit(0)
            self.outside += came
        self.received += self.outside[: self.fifo_bytes]
        del self.outside[: self.fifo_bytes]


class Registers(Protocol):
    """The registers of a chip, each word by its address."""

    line: HostLine

    def read(self, address: int, cycles: int) -> int:
        """What the register says after so many cycles. KeyError where there is none."""

    def write(self, address: int, value: int, cycles: int) -> None:
        """Take a value. KeyError where there is no such register."""


class UnicornChip:
    """A CPU with a chip's registers around it. Subclasses map its memory and set its `counter`."""

    counter: Counter

    def __init__(self, cpu: Any, program_counter: int, image: Path, registers: Registers) -> None:
        import unicorn

        self.cpu, self.program_counter, self.image, self.registers = cpu, program_counter, image, registers
        cpu.hook_add(unicorn.UC_HOOK_MEM_INVALID, self._bad_access)

    def map_ram(self, base: int, size: int) -> None:
        """Memory of a chip that was just switched on."""
        import unicorn

        self.cpu.mem_map(base, size, unicorn.UC_PROT_READ | unicorn.UC_PROT_WRITE)
        self.cpu.mem_write(base, bytes([LEFT]) * size)

    def map_registers(self, base: int) -> None:
        """The page of registers at an address."""
        self.cpu.mmio_map(base, PAGE_BYTES, self._read, base, self._write, base)

    def stop(self, why: str) -> NoReturn:
        """End the process, naming the code: no exception passes through unicorn's C code."""
        place = find_place(self.image, self.cpu.reg_read(self.program_counter))
        self.registers.line.flush()
        print(f"the firmware stopped: {why}, by {place}", file=sys.stderr, flush=True)
        os._exit(1)

    def _read(self, cpu: Any, offset: int, size: int, base: int) -> int:
        try:
            return self.registers.read(base + offset, self.counter.instructions)
        except KeyError:
            self.stop(f"a read of register {base + offset:#010x}, which nothing here is")

    def _write(self, cpu: Any, offset: int, size: int, value: int, base: int) -> None:
        try:
            self.registers.write(base + offset, value, self.counter.instructions)
        except KeyError:
            self.stop(f"a write to register {base + offset:#010x}, which nothing here is")

    def _bad_access(self, cpu: Any, access: int, address: int, size: int, value: int, data: Any) -> bool:
        import unicorn

        writes = access in (unicorn.UC_MEM_WRITE_UNMAPPED, unicorn.UC_MEM_WRITE_PROT)
        fetches = access in (unicorn.UC_MEM_FETCH_UNMAPPED, unicorn.UC_MEM_FETCH_PROT)
        self.stop(f"a {'write to' if writes else 'jump to' if fetches else 'read of'} {address:#010x}")
