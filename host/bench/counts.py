"""Counts the instructions of `model_compute` on cores whose cycles are not modelled: the Cortex-M0+ and RV32IMC.

As `host.bench.cycles`, which needs a timing table, and without it: the image is called in Unicorn, kernel by kernel.
"""

from __future__ import annotations

import sys
from bisect import bisect_right
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from elftools.elf.elffile import ELFFile

from tinyproof.console import UserError

CALLER = 0x6000_0000  # memory of the caller: input, output, stack, and where model_compute returns to
CALLER_BYTES = 1 << 20
INPUT, OUTPUT, STACK, HOME = CALLER, CALLER + CALLER_BYTES // 4, CALLER + CALLER_BYTES - 64, CALLER + CALLER_BYTES - 16
PAGE = 4096


@dataclass(frozen=True)
class CallCount:
    """One kernel call of `model_compute`, with what led to it. functions: instructions of each that it entered."""

    kernel: str  # its C name
    instructions: int
    functions: dict[str, int]


@dataclass(frozen=True)
class Count:
    """One inference."""

    output: bytes
    calls: tuple[CallCount, ...]

    @property
    def instructions(self) -> int:
        """Executed, from the first of `model_compute` to its return."""
        return sum(call.instructions for call in self.calls)


def count(path: Path, x: bytes, output_bytes: int) -> Count:
    """One inference of the image on input x. UserError where Unicorn is not installed."""
    machine = _Machine(path)
    machine.run(x)
    by_call: dict[int, Counter[str]] = {place: Counter() for place in range(len(machine.names))}
    for (number, address, size), times in machine.counts.items():
        place = min(number, len(machine.names) - 1)
        by_call[place][machine.function_at(address)] += times * machine.instructions(address, size)
    calls = (
        CallCount(name, sum(by_call[place].values()), dict(by_call[place])) for place, name in enumerate(machine.names)
    )
    return Count(machine.output(output_bytes), tuple(calls))


class _Machine:
    """An image in Unicorn. counts: how often (call number, address, size) was entered. names: of the kernels called."""

    def __init__(self, path: Path) -> None:
        try:
            import unicorn
        except ImportError:
            raise UserError(f"counting instructions needs Unicorn: {sys.executable} -m pip install unicorn") from None
        with path.open("rb") as file:
            elf: Any = ELFFile(file)
            self._is_arm = elf["e_machine"] == "EM_ARM"
            segments = [(s["p_vaddr"], s.data(), s["p_memsz"]) for s in elf.iter_segments("PT_LOAD") if s["p_memsz"]]
            symbols = [s for s in elf.get_section_by_name(".symtab").iter_symbols() if s.name]
        places = {s["st_value"] & ~self._is_arm: s.name for s in symbols if s["st_info"]["type"] == "STT_FUNC"}
        self._starts: list[int] = sorted(places)
        self._functions: list[str] = [places[start] for start in self._starts]
        self._symbols = {s.name: s["st_value"] & ~self._is_arm for s in symbols}
        sizes = {s.name: s["st_size"] for s in symbols}
        self._entry, self._watcher = (self._symbols[name] for name in ("model_compute", "engine_unwatched"))
        self._end = self._entry + sizes["model_compute"]
        self.counts: Counter[tuple[int, int, int]] = Counter()
        self.names: list[str] = []
        self._call, self._left = 0, True
        self._uc: Any = self._made(unicorn)
        self._load(segments)
        self._uc.hook_add(unicorn.UC_HOOK_BLOCK, self._enter)

    def _made(self, unicorn: Any) -> Any:
        if self._is_arm:
            uc = unicorn.Uc(unicorn.UC_ARCH_ARM, unicorn.UC_MODE_THUMB | unicorn.UC_MODE_MCLASS)
            uc.ctl_set_cpu_model(unicorn.arm_const.UC_CPU_ARM_CORTEX_M0)
            return uc
        return unicorn.Uc(unicorn.UC_ARCH_RISCV, unicorn.UC_MODE_RISCV32)

    def _load(self, segments: list[tuple[int, bytes, int]]) -> None:
        pages: set[int] = set()
        for address, _, size in segments:
            pages.update(range(address // PAGE, (address + size - 1) // PAGE + 1))
        for page in sorted(pages):
            self._uc.mem_map(page * PAGE, PAGE)
        self._uc.mem_map(CALLER, CALLER_BYTES)
        for address, data, _ in segments:
            self._uc.mem_write(address, data)

    def run(self, x: bytes) -> None:
        """Call `model_compute` and come back."""
        from unicorn import arm_const, riscv_const

        self._uc.mem_write(INPUT, x)
        values = (INPUT, OUTPUT, self._watcher | self._is_arm, STACK, HOME | self._is_arm)
        names = ("R0", "R1", "R2", "SP", "LR") if self._is_arm else ("A0", "A1", "A2", "SP", "RA")
        kind, prefix = (arm_const, "UC_ARM_REG_") if self._is_arm else (riscv_const, "UC_RISCV_REG_")
        for name, value in zip(names, values, strict=True):
            self._uc.reg_write(getattr(kind, prefix + name), value)
        self._uc.emu_start(self._entry | self._is_arm, HOME)

    def output(self, size: int) -> bytes:
        """What it wrote."""
        return bytes(self._uc.mem_read(OUTPUT, size))

    def function_at(self, address: int) -> str:
        """The function that holds the instruction there."""
        return self._functions[bisect_right(self._starts, address) - 1]

    def instructions(self, address: int, size: int) -> int:
        """How many a stretch of code has: of 16 and 32 bits, as its halves say."""
        code = self._uc.mem_read(address, size)
        at = found = 0
        while at < size:
            half = code[at] | code[at + 1] << 8
            is_wide = half >= 0xE800 if self._is_arm else half & 3 == 3
            at += 4 if is_wide else 2
            found += 1
        return found

    def _enter(self, _: object, address: int, size: int, __: object) -> None:
        inside = self._entry <= address < self._end or address == self._watcher
        if not inside and self._left:
            self.names.append(self.function_at(address))
        elif inside and not self._left:
            self._call += 1
        self._left = inside
        self.counts[self._call, address, size] += 1
