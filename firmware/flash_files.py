"""What a linked image puts into flash, in the two forms that programs for flashing take: plain bytes, and Intel HEX."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from elftools.elf.elffile import ELFFile

ERASED = 0xFF
LINE_BYTES = 16
DATA, END, UPPER_ADDRESS = 0, 1, 4  # kinds of lines of Intel HEX


def write_flash_files(image: Path, base: int, with_text: bool = True) -> list[Path]:
    """Write them beside an ELF image, whose flash begins at `base`: `firmware.bin`, and `firmware.hex` if asked for."""
    content = flash_bytes(image, base)
    plain, text = image.with_suffix(".bin"), image.with_suffix(".hex")
    plain.write_bytes(content)
    if not with_text:
        return [plain]
    text.write_text(intel_hex(content, base), encoding="ascii", newline="\n")
    return [plain, text]


def loaded(image: Path) -> list[tuple[int, bytes]]:
    """What an ELF image has for memory: addresses, and the bytes from there on."""
    with image.open("rb") as file:
        elf: Any = ELFFile(file)
        return [(part["p_paddr"], data) for part in elf.iter_segments("PT_LOAD") if (data := part.data())]


def flash_bytes(image: Path, base: int) -> bytes:
    """The bytes of an ELF image from the address `base` of the flash on; gaps are as erased flash."""
    content = bytearray()
    for address, data in loaded(image):
        start = address - base
        content.extend([ERASED] * (start + len(data) - len(content)))
        content[start : start + len(data)] = data
    return bytes(content)


def intel_hex(content: bytes, base: int) -> str:
    """Intel HEX of the bytes at an address."""
    lines = []
    for start in range(0, len(content), LINE_BYTES):
        address = base + start
        if start == 0 or address % 0x1_0000 == 0:
            lines.append(_line(UPPER_ADDRESS, 0, (address >> 16).to_bytes(2, "big")))
        lines.append(_line(DATA, address & 0xFFFF, content[start : start + LINE_BYTES]))
    return "".join([*lines, _line(END, 0, b"")])


def _line(kind: int, address: int, data: bytes) -> str:
    record = bytes([len(data)]) + address.to_bytes(2, "big") + bytes([kind]) + data
    return f":{record.hex().upper()}{-sum(record) & 0xFF:02X}\n"
