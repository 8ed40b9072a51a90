"""The last steps of an image for a chip that is flashed over a drive: the checksum that an RP2040's boot ROM asks for,
and the file that the drive takes.

UF2 is Microsoft's format for flashing over a USB drive: blocks of 512 bytes, each with an address and 256 bytes for it.
"""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

from elftools.elf.elffile import ELFFile

from tinyproof.firmware.flash_files import ERASED, loaded

BOOT2 = ".boot2"
BOOT2_BYTES = 256
PAGE_BYTES = 256
POLYNOMIAL = 0x04C11DB7
FIRST_MAGIC, SECOND_MAGIC, LAST_MAGIC = 0x0A324655, 0x9E5D5157, 0x0AB16F30
FAMILY_GIVEN = 0x2000
BLOCK = struct.Struct("<8I476sI")


def checksum(data: bytes) -> int:
    """CRC-32 as the RP2040's boot ROM counts it (data sheet 2.8.1.3.1): highest bit first, not inverted at the end."""
    crc = 0xFFFF_FFFF
    for byte in data:
        crc ^= byte << 24
        for _ in range(8):
            crc = (crc << 1 ^ (POLYNOMIAL if crc & 0x8000_0000 else 0)) & 0xFFFF_FFFF
    return crc


def seal_boot2(image: Path) -> None:
    """Write the checksum of an ELF image's second stage into its last four bytes; only an RP2040 has such a stage."""
    with image.open("r+b") as file:
        elf: Any = ELFFile(file)
        section = elf.get_section_by_name(BOOT2)
        if section is None:
            return
        code = section.data()
        assert len(code) == BOOT2_BYTES, len(code)
        file.seek(section["sh_offset"] + BOOT2_BYTES - 4)
        file.write(struct.pack("<I", checksum(code[:-4])))


def write_uf2(image: Path, path: Path, family: int) -> None:
    """Write what an ELF image puts into flash as a UF2 file for chips of that family."""
    pages = sorted(_pages(image).items())
    with path.open("wb") as file:
        for number, (address, page) in enumerate(pages):
            head = (FIRST_MAGIC, SECOND_MAGIC, FAMILY_GIVEN, address, PAGE_BYTES, number, len(pages), family)
            file.write(BLOCK.pack(*head, bytes(page), LAST_MAGIC))


def _pages(image: Path) -> dict[int, bytearray]:
    """Address of a page: its bytes."""
    pages: dict[int, bytearray] = {}
    for start, data in loaded(image):
        for address in range(start - start % PAGE_BYTES, start + len(data), PAGE_BYTES):
            page = pages.setdefault(address, bytearray([ERASED] * PAGE_BYTES))
            first, last = max(start, address), min(start + len(data), address + PAGE_BYTES)
            page[first - address : last - address] = data[first - start : last - start]
    return pages
