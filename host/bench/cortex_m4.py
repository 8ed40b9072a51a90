"""How many cycles a Cortex-M4 takes for a stretch of instructions: the timing table of its Technical Reference Manual.

Source: Arm DDI 0439, chapter 3.3 (instruction set summary, load/store timings). Left out: wait states of flash and
buses, what it costs to fetch wide instructions that lie across words, interrupts.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

DIVIDE_CYCLES = 12  # 2 to 12, depending on the numbers
REFILL = 2  # of the pipeline after a taken branch to a known address: 1 to 3, 3 where the next two do not hold
REFILL_SLOW = 3  # to a wide instruction across a word boundary, or to an address from a register or memory
FLOAT_CYCLES = {"vmla": 3, "vmls": 3, "vfma": 3, "vfms": 3, "vnmla": 3, "vdiv": 14, "vsqrt": 14}

CONDITION = "(eq|ne|cs|cc|mi|pl|vs|vc|hi|ls|ge|lt|gt|le|hs|lo)"
BRANCH = re.compile(rf"(b{CONDITION}?|bl|blx|bx{CONDITION}?|cbn?z|tb[bh])(\.n|\.w)?$")
LOAD = re.compile(rf"ldr(b|h|sb|sh)?{CONDITION}?(\.n|\.w)?$")
STORE = re.compile(rf"str(b|h)?{CONDITION}?(\.n|\.w)?$")
DOUBLE = re.compile(rf"(ldrd|strd){CONDITION}?$")
MULTIPLE = re.compile(rf"(ldm|stm|push|pop|vldm|vstm|vpush|vpop)(ia|db|fd|ea)?{CONDITION}?(\.n|\.w)?$")
IT = re.compile(r"i[te]{1,4}$")
MULTIPLY = re.compile(r"(mul|mla|mls|sm|um)")
REGISTER = re.compile(r"\b(r1[0-2]|r[0-9]|sb|sl|fp|ip|sp|lr|pc)\b")
SECOND_NAMES = {"r9": "sb", "r10": "sl", "r11": "fp", "r12": "ip"}


@dataclass(frozen=True)
class Instruction:
    """One line of a disassembly; `kind` is one of branch, load, store, double, multiple, multiply, it, other."""

    address: int
    size: int  # bytes
    kind: str
    cycles: int  # by itself, a branch not taken
    writes: frozenset[str]  # core registers; of a load not its base, which is known early
    address_registers: frozenset[str]  # of a load or store
    has_far_target: bool  # a branch whose target is not in the instruction


def decode(address: int, size: int, mnemonic: str, operands: str) -> Instruction:
    """The timing of one instruction in the syntax of Capstone, or of GNU objdump."""
    if IT.match(mnemonic):
        return Instruction(address, size, "it", 1, frozenset(), frozenset(), False)
    registers = [SECOND_NAMES.get(name, name) for name in REGISTER.findall(operands)]
    plain = Instruction(address, size, "other", 1, frozenset(registers[:1]), frozenset(), False)
    if MULTIPLE.match(mnemonic):
        listed = _listed(operands[operands.index("{") :])
        return replace(
            plain, kind="multiple", cycles=1 + listed, writes=frozenset(registers), has_far_target="pc" in registers
        )
    if BRANCH.match(mnemonic):
        far = mnemonic.startswith(("bx", "blx", "tb"))
        cycles = 2 if mnemonic.startswith("tb") else 1
        return replace(plain, kind="branch", cycles=cycles, writes=frozenset(), has_far_target=far)
    if "[" in operands:
        return _memory(plain, mnemonic, operands, registers)
    if mnemonic.startswith("v"):
        cycles = 2 if mnemonic == "vmov" and len(registers) == 2 else FLOAT_CYCLES.get(mnemonic.split(".")[0], 1)
        return replace(plain, cycles=cycles)
    if mnemonic.startswith(("udiv", "sdiv")):
        return replace(plain, cycles=DIVIDE_CYCLES)
    if MULTIPLY.match(mnemonic):
        return replace(plain, kind="multiply", writes=frozenset(registers[:2]))
    return replace(plain, has_far_target=registers[:1] == ["pc"])


def _memory(plain: Instruction, mnemonic: str, operands: str, registers: list[str]) -> Instruction:
    inside = operands[operands.index("[") : operands.index("]")]
    used = frozenset(SECOND_NAMES.get(name, name) for name in REGISTER.findall(inside))
    written = registers[: 2 if DOUBLE.match(mnemonic) else 1]
    memory = replace(plain, address_registers=used, writes=frozenset(written))
    if DOUBLE.match(mnemonic):
        return replace(memory, kind="double", cycles=3)
    if LOAD.match(mnemonic) or mnemonic == "vldr":
        if "pc" in written:
            return replace(memory, kind="load", cycles=2, has_far_target=True)
        return replace(memory, kind="load", cycles=3 if "pc" in used else 2)  # a literal can meet the fetch unit
    if STORE.match(mnemonic):
        return replace(memory, kind="store", cycles=1 if len(used) == 1 else 2, writes=frozenset(written[1:]))
    return replace(memory, kind="double", cycles=2)  # exclusive and floating-point stores, preloads


def _listed(braces: str) -> int:
    """How many registers `{r4-r7, lr}` names."""
    count = 0
    for part in braces.strip("{}! ").replace("}", "").split(","):
        first, _, last = part.strip().partition("-")
        count += int(last.lstrip("rsd")) - int(first.lstrip("rsd")) + 1 if last else 1
    return count


def straight_cycles(instructions: Sequence[Instruction]) -> int:
    """Cycles of instructions executed one after the other, the last one, if it is a branch, not taken."""
    total = 0
    previous: Instruction | None = None
    for this in instructions:
        total += this.cycles + (_dependence(previous, this) if previous else 0)
        previous = this
    return total


def _dependence(previous: Instruction, this: Instruction) -> int:
    """What the instruction before saves or costs a load or store."""
    if not this.address_registers:
        return 0
    waits = bool(previous.writes & this.address_registers)
    if previous.kind == "load" and this.kind in ("load", "store"):
        return 0 if waits or this.cycles == 1 else -1  # address and data phases overlap
    return 1 if waits and previous.kind in ("other", "multiply") else 0  # no forwarding to the address


def refill_cycles(branch: Instruction, target: Instruction) -> int:
    """What a taken branch costs beyond its own cycles."""
    across = target.size == 4 and target.address % 4 != 0
    return REFILL_SLOW if across or branch.has_far_target else REFILL
