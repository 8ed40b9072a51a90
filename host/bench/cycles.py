"""Runs `model_compute` of a firmware image for the Cortex-M4 and counts what it executes: instructions and cycles.

The image is the one that the emulated board runs; here it is called as a function, in Unicorn, which reports every
stretch of code it enters. Instructions are counted exactly (`-icount` of QEMU gives the same number, see
tests/test_cycles.py); cycles follow the timing table of `host.bench.cortex_m4`, and `host.bench.flash` adds what a
chip's flash costs.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tinyproof.console import UserError
from tinyproof.host.bench.chips import Chip
from tinyproof.host.bench.cortex_m4 import Instruction, refill_cycles, straight_cycles
from tinyproof.host.bench.flash import Watch
from tinyproof.host.bench.image import Image, stretch

CALLER = 0x6000_0000  # memory of the caller: input, output, and where model_compute returns to
CALLER_BYTES = 1 << 20
INPUT, OUTPUT, HOME = CALLER, CALLER + CALLER_BYTES // 2, CALLER + CALLER_BYTES - 4
PAGE = 4096
IT_STATE = 0x0600_FC00  # of the program status register


@dataclass(frozen=True)
class CallCost:
    """One kernel call of `model_compute`, with what led to it."""

    kernel: str  # its C name
    instructions: int
    cycles: int
    kinds: dict[str, int]  # instructions by kind, and taken branches


@dataclass(frozen=True)
class Cost:
    """One inference."""

    output: bytes
    calls: tuple[CallCost, ...]
    code_bytes: int  # of the functions that were executed
    waited: dict[str, int]  # cycles more by each chip's flash, by its name

    @property
    def instructions(self) -> int:
        """Executed, from the first of `model_compute` to its return."""
        return sum(call.instructions for call in self.calls)

    @property
    def cycles(self) -> int:
        """By the timing table."""
        return sum(call.cycles for call in self.calls)


def measure(path: Path, x: bytes, output_bytes: int, chips: Sequence[Chip] = ()) -> Cost:
    """One inference of the image on input x, and what the flash of each chip would add. Raises UserError where Unicorn
    is not installed.
    """
    image = Image(path)
    # Unicorn 2.1 can go wrong where accesses to memory are reported. So what is computed comes from a run without that,
    # and the second one gives no more than what accesses cost.
    machine, watched = _Machine(image, x), _Machine(image, x, Watch(chips, image.code))
    for each in (machine, watched):
        each.run()
    calls = _costs(image.code, machine.counts, watched.penalty, machine.names)
    executed = {image.function_at(address) for _, _, address, _ in machine.counts}
    code_bytes = sum(image.functions[start]["st_size"] for start in executed)
    return Cost(machine.output(output_bytes), calls, code_bytes, watched.waited)


def output_of(image: Image, x: bytes, output_bytes: int) -> bytes:
    """What the image computes, without its cost."""
    machine = _Machine(image, x, counts=False)
    machine.run()
    return machine.output(output_bytes)


class _Machine:
    """An image in Unicorn, about to call `model_compute`.

    counts: how often (call number, end of the code before, address, size) was entered. names: of the kernels called.
    penalty: cycles that unaligned loads and stores cost, by call number.
    """

    def __init__(self, image: Image, x: bytes, watch: Watch | None = None, counts: bool = True) -> None:
        try:
            import unicorn
            from unicorn import arm_const
        except ImportError:
            raise UserError(f"counting cycles needs Unicorn: {sys.executable} -m pip install unicorn") from None
        self.counts: Counter[tuple[int, int, int, int]] = Counter()
        self.penalty: Counter[int] = Counter()
        self.names: list[str] = []
        self._image = image
        self._watch = watch  # of accesses to memory too
        self._xpsr, self._pc = arm_const.UC_ARM_REG_XPSR, arm_const.UC_ARM_REG_PC
        self._call, self._left, self._before, self._conditional = 0, True, HOME, False
        self._entry = image.symbols["model_compute"] & ~1
        self._end = self._entry + image.functions[self._entry]["st_size"]
        self._engine: Any = unicorn.Uc(unicorn.UC_ARCH_ARM, unicorn.UC_MODE_THUMB | unicorn.UC_MODE_MCLASS)
        self._engine.ctl_set_cpu_model(arm_const.UC_CPU_ARM_CORTEX_M4)
        _load(self._engine, image)
        self._engine.mem_write(INPUT, x)
        self._watcher = image.symbols["engine_unwatched"] & ~1  # called after every kernel: part of model_compute
        registers = {
            "R0": INPUT,
            "R1": OUTPUT,
            "R2": self._watcher | 1,
            "SP": image.symbols["stack_high"],
            "LR": HOME | 1,
        }
        for name, value in registers.items():
            self._engine.reg_write(getattr(arm_const, f"UC_ARM_REG_{name}"), value)
        self._reads = unicorn.UC_MEM_READ
        if counts:
            self._engine.hook_add(unicorn.UC_HOOK_BLOCK, self._enter)
        if watch:
            self._engine.hook_add(unicorn.UC_HOOK_MEM_READ | unicorn.UC_HOOK_MEM_WRITE, self._access)

    def run(self) -> None:
        """Call `model_compute` and come back."""
        self._engine.emu_start(self._entry | 1, HOME)

    @property
    def waited(self) -> dict[str, int]:
        """Cycles that each chip's core waits for its flash, by the chip's name."""
        return self._watch.waited if self._watch else {}

    def output(self, size: int) -> bytes:
        """What it wrote."""
        return bytes(self._engine.mem_read(OUTPUT, size))

    def _enter(self, _: object, address: int, size: int, __: object) -> None:
        inside = self._entry <= address < self._end or address == self._watcher
        if not inside and self._left:
            self.names.append(self._image.name_at(address))
        elif inside and not self._left:
            self._call += 1
        self._left = inside
        self.counts[self._call, self._before, address, size] += 1
        self._before = address + size
        self._conditional = self._image.has_it_block(address, size)
        if self._watch:
            self._watch.enter(address, size)

    def _access(self, _: object, kind: int, address: int, size: int, *__: object) -> None:
        if self._conditional and self._image.is_in_it_block(self._engine.reg_read(self._pc) & ~1):
            # Unicorn 2.1 leaves the state of an IT block behind when it reports an access within one, and would then
            # skip instructions that follow. Elsewhere the flags that are written back may be old ones.
            state = self._engine.reg_read(self._xpsr)
            self._engine.reg_write(self._xpsr, state & ~IT_STATE)
        if address % size:
            self.penalty[self._call] += 2 if size == 4 and address % 2 else 1
        if self._watch and kind == self._reads:
            self._watch.read(address, size)


def _load(engine: Any, image: Image) -> None:
    pages: set[int] = set()
    for address, _, size in image.segments:
        pages.update(range(address // PAGE, (address + size - 1) // PAGE + 1))
    for page in sorted(pages):
        engine.mem_map(page * PAGE, PAGE)
    engine.mem_map(CALLER, CALLER_BYTES)
    for address, data, _ in image.segments:
        engine.mem_write(address, data)


def _costs(
    code: dict[int, Instruction], counts: Counter[tuple[int, int, int, int]], penalty: Counter[int], names: list[str]
) -> tuple[CallCost, ...]:
    """Sum up per call; what follows the last kernel's return belongs to it."""
    instructions, cycles = Counter[int](), Counter(penalty)
    kinds = [Counter[str]() for _ in names]
    ends = {i.address + i.size: i for i in code.values()}
    for (number, before, address, size), times in counts.items():
        call = min(number, len(names) - 1)
        executed = stretch(code, address, size)
        instructions[call] += times * len(executed)
        cycles[call] += times * straight_cycles(executed)
        for instruction in executed:
            kinds[call][instruction.kind] += times
        if before != address and before in ends:
            cycles[call] += times * refill_cycles(ends[before], executed[0])
            kinds[call]["taken"] += times
    return tuple(CallCost(name, instructions[call], cycles[call], dict(kinds[call])) for call, name in enumerate(names))
