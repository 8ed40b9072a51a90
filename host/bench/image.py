"""A firmware image for the Cortex-M4, taken apart: its memory, its functions, every instruction."""

from __future__ import annotations

import sys
from bisect import bisect_right
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

from elftools.elf.constants import SH_FLAGS
from elftools.elf.elffile import ELFFile

from tinyproof.console import UserError
from tinyproof.host.bench.cortex_m4 import Instruction, decode


class Image:
    """A linked firmware: its memory, its symbols and its disassembled code."""

    def __init__(self, path: Path) -> None:
        self._path = path
        with path.open("rb") as file:
            elf: Any = ELFFile(file)
            self.segments = [
                (s["p_vaddr"], s.data(), s["p_memsz"]) for s in elf.iter_segments("PT_LOAD") if s["p_memsz"]
            ]
            symbols = _symbols(elf)
        self.symbols = {s.name: s["st_value"] for s in symbols if s.name}
        self.functions: dict[int, Any] = {s["st_value"] & ~1: s for s in symbols if s["st_info"]["type"] == "STT_FUNC"}
        self._starts: list[int] = sorted(self.functions)
        self._it_blocks: dict[tuple[int, int], bool] = {}

    @property
    def code(self) -> dict[int, Instruction]:
        """Every instruction by its address."""
        return self._disassembled[0]

    @cached_property
    def _disassembled(self) -> tuple[dict[int, Instruction], set[int]]:
        """The code, and the addresses of what is in IT blocks: only where somebody asks, because it takes long."""
        with self._path.open("rb") as file:
            elf: Any = ELFFile(file)
            return _disassemble(elf, _symbols(elf))

    def is_in_it_block(self, address: int) -> bool:
        """Whether the instruction there is conditional and not a branch."""
        return address in self._disassembled[1]

    def has_it_block(self, address: int, size: int) -> bool:
        """Whether any instruction of a stretch is."""
        key = address, size
        if key not in self._it_blocks:
            self._it_blocks[key] = any(i.kind == "it" for i in stretch(self.code, address, size))
        return self._it_blocks[key]

    def function_at(self, address: int) -> int:
        """Where the function begins that holds the instruction there."""
        return self._starts[bisect_right(self._starts, address) - 1]

    def name_at(self, address: int) -> str:
        """The function that begins there."""
        return self.functions[address].name if address in self.functions else f"0x{address:x}"


def _symbols(elf: Any) -> list[Any]:
    return list(elf.get_section_by_name(".symtab").iter_symbols())


def _disassemble(elf: Any, symbols: list[Any]) -> tuple[dict[int, Instruction], set[int]]:
    """Every instruction by its address, and the addresses of those in IT blocks.

    What is code and what data, the mapping symbols $t and $d say (Arm AAELF32).
    """
    try:
        import capstone
    except ImportError:
        raise UserError(f"counting cycles needs Capstone: {sys.executable} -m pip install capstone") from None
    thumb = capstone.Cs(capstone.CS_ARCH_ARM, capstone.CS_MODE_THUMB | capstone.CS_MODE_MCLASS)
    marks = sorted((s["st_value"], s.name.startswith("$t")) for s in symbols if s.name.startswith(("$t", "$d")))
    code, conditional, left = {}, set(), 0
    for section in elf.iter_sections():
        if not section["sh_flags"] & SH_FLAGS.SHF_EXECINSTR:
            continue
        start, data = section["sh_addr"], section.data()
        end = start + len(data)
        inside = [mark for mark in marks if start <= mark[0] < end]
        for (first, is_code), (last, _) in zip(inside, [*inside[1:], (end, False)], strict=True):
            stretch = data[first - start : last - start] if is_code else b""
            for address, size, mnemonic, operands in thumb.disasm_lite(stretch, first):
                code[address] = decode(address, size, mnemonic, operands)
                if left:
                    conditional.add(address)
                left = len(mnemonic) - 1 if code[address].kind == "it" else max(left - 1, 0)  # "itte" is for 3
    return code, conditional


def stretch(code: Mapping[int, Instruction], address: int, size: int) -> list[Instruction]:
    """The instructions from an address on."""
    found, at = [], address
    while at < address + size:
        found.append(code[at])
        at += code[at].size
    return found
