"""What the microcontrollers that unicorn (PyPI) emulates share: counting instructions, and saying where one stopped."""

from __future__ import annotations

import ctypes
import os
from pathlib import Path
from typing import Any

from tinyproof.firmware.build import WATCHER_FILE

PAGE_BYTES = 0x1000
THUMB, RISC_V = 0, 1  # as count.c has them


class Watcher(ctypes.Structure):
    """`watcher` of firmware/boards/unicorn/count.c: the code at `base`, how its instructions look, how many ran."""

    _fields_ = [
        ("code", ctypes.c_void_p),
        ("base", ctypes.c_uint32),
        ("code_bytes", ctypes.c_uint32),
        ("kind", ctypes.c_uint32),
        ("instructions", ctypes.c_uint64),
    ]


class Counter:
    """Counts the instructions that a CPU executes of the code at `base`, by the C function beside the image."""

    def __init__(self, cpu: Any, image: Path, kind: int, base: int, code: bytes) -> None:
        import unicorn
        from unicorn.unicorn_py3.unicorn import uclib

        self.code = ctypes.create_string_buffer(code, len(code))
        self.watcher = Watcher(ctypes.addressof(self.code), base, len(code), kind, 0)
        # A Python function before every block would make it a hundred times slower.
        watch = ctypes.CDLL(str(image.parent / WATCHER_FILE)).watch
        handle = ctypes.c_size_t()
        uclib.uc_hook_add(
            cpu._uch,
            ctypes.byref(handle),
            unicorn.UC_HOOK_BLOCK,
            ctypes.cast(watch, ctypes.c_void_p),
            ctypes.byref(self.watcher),
            ctypes.c_uint64(1),
            ctypes.c_uint64(0),
        )

    @property
    def instructions(self) -> int:
        """How many, so far; the whole block that is running counts."""
        return int(self.watcher.instructions)


def find_place(image: Path, address: int) -> str:
    """The function and the source line of an address in flash, in words, from the image's debug information."""
    from elftools.elf.elffile import ELFFile

    with image.open("rb") as file:
        elf: Any = ELFFile(file)
        functions = [
            (symbol["st_value"] & ~1, symbol["st_size"], symbol.name)
            for symbol in elf.get_section_by_name(".symtab").iter_symbols()
            if symbol["st_info"]["type"] == "STT_FUNC"
        ]
        name = next((name for start, size, name in functions if start <= address < start + size), "nothing known")
        line = _find_line(elf, address)
    return f"{name} ({line}) at {address:#x}" if line else f"{name} at {address:#x}"


def _find_line(elf: Any, address: int) -> str:
    """`conv2d_s8.c:12`, or nothing where the image does not say."""
    dwarf = elf.get_dwarf_info()
    for unit in dwarf.iter_CUs():
        program = dwarf.line_program_for_CU(unit)
        if program is None:
            continue
        states = [entry.state for entry in program.get_entries() if entry.state is not None]
        for state, following in zip(states, states[1:], strict=False):
            if not state.end_sequence and state.address <= address < following.address:
                file = program["file_entry"][state.file - (program["version"] < 5)]
                return f"{file.name.decode()}:{state.line}"
    return ""


def write_all(data: bytes) -> None:
    """Write to standard output, whatever it takes at a time."""
    while data:
        data = data[os.write(1, data) :]


def whole_pages(size: int) -> int:
    """The size in whole pages of memory."""
    return -(-size // PAGE_BYTES) * PAGE_BYTES
