"""How much flash and RAM a firmware image takes, read from the linked ELF file, and whether the chip has that much."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any

from elftools.elf.constants import SH_FLAGS
from elftools.elf.elffile import ELFFile

from tinyproof import advice
from tinyproof.boards import Board, Budget
from tinyproof.console import UserError, console, table
from tinyproof.manifest import Compiled, Manifest

HEAVIEST_SHOWN = 4
ELF_MAGIC = b"\x7fELF"
CURE = "Use a smaller preset or model"


@dataclass(frozen=True)
class Sizes:
    """Bytes of one image. `golden` are the self-test's vectors; code is all of flash but them and the weights, so it
    counts the whole firmware: engine, protocol, start-up and C library. `image_sha256` is over the bytes that go into
    flash: the same model, sources and compiler give the same on every machine. `compiler` is the command that made it.

    A process of macOS or Windows is no ELF file: the sizes of such an image are 0, its hash is the file's.
    """

    flash_bytes: int
    ram_bytes: int
    code_bytes: int
    weight_bytes: int
    golden_bytes: int
    stack_bytes: int
    image_sha256: str
    compiler: str = ""


@dataclass(frozen=True)
class Symbol:
    """A named object of the image and its size."""

    name: str
    size_bytes: int
    in_flash: bool


def read_sizes(image: Path, weight_bytes: int) -> Sizes:
    """The sizes of an image whose model's constants take `weight_bytes`."""
    with image.open("rb") as file:
        if file.read(len(ELF_MAGIC)) != ELF_MAGIC:
            return Sizes(0, 0, 0, weight_bytes, 0, 0, hashlib.sha256(image.read_bytes()).hexdigest())
        elf: Any = ELFFile(file)
        flash = ram = stack = 0
        digest = hashlib.sha256()
        for section in elf.iter_sections():
            if not section["sh_flags"] & SH_FLAGS.SHF_ALLOC:
                continue
            if section["sh_type"] != "SHT_NOBITS":
                flash += section["sh_size"]
                if section["sh_type"] != "SHT_NOTE":  # a linker's build id follows from paths of the debug information
                    digest.update(section.data())
            if section["sh_flags"] & SH_FLAGS.SHF_WRITE:
                ram += section["sh_size"]
            if section.name == ".stack":
                stack = section["sh_size"]
    golden = sum(symbol.size_bytes for symbol in read_symbols(image) if symbol.name.startswith("golden_"))
    return Sizes(flash, ram, flash - weight_bytes - golden, weight_bytes, golden, stack, digest.hexdigest())


def read_symbols(image: Path) -> list[Symbol]:
    """The objects of an ELF image, largest first."""
    with image.open("rb") as file:
        elf: Any = ELFFile(file)
        symbols = [
            Symbol(
                symbol.name, symbol["st_size"], not elf.get_section(symbol["st_shndx"])["sh_flags"] & SH_FLAGS.SHF_WRITE
            )
            for symbol in elf.get_section_by_name(".symtab").iter_symbols()
            if symbol["st_info"]["type"] == "STT_OBJECT" and isinstance(symbol["st_shndx"], int)
        ]
    return sorted(symbols, key=lambda symbol: -symbol.size_bytes)


def check_budget(sizes: Sizes, manifest: Manifest, board: Board, image: Path) -> None:
    """Raise UserError when the image does not fit the board, saying how much is missing and what weighs most."""
    budget = board.budget
    if budget is None:
        return
    for memory, used, limit, in_flash in (
        ("flash", sizes.flash_bytes, budget.flash_bytes, True),
        ("RAM", sizes.ram_bytes, budget.ram_bytes, False),
    ):
        if used > limit:
            heaviest = [s for s in read_symbols(image) if s.in_flash == in_flash][:HEAVIEST_SHOWN]
            raise UserError(
                f"does not fit the {budget.of}: {used:,} bytes of {memory}, {used - limit:,} more than its {limit:,}; "
                f"heaviest: {', '.join(f'{s.name} {s.size_bytes:,}' for s in heaviest)}. "
                f"{_cure(manifest.compiled_for(board.core), memory, used - limit)}"
            )


def check_model(manifest: Manifest, board: Board, engine: str, memory: str, parts: str, needed: int) -> None:
    """Raise UserError when `parts` of the model alone need more of the memory ("flash" or "RAM") than the chip has."""
    budget = board.budget
    if budget is None:
        return
    compiled = manifest.compiled.get(board.core.name)
    limit = budget.flash_bytes if memory == "flash" else budget.ram_bytes
    if needed > limit:
        raise UserError(
            f"{manifest.name} does not fit the {budget.of}: {parts} alone are {needed:,} bytes, "
            f"{needed - limit:,} more than its {limit:,} of {memory}{_heaviest(manifest, compiled, memory)}. "
            f"{_cure(compiled, memory, needed - limit) if compiled and engine == 'compiled' else CURE}"
        )


def _cure(compiled: Compiled, memory: str, missing: int) -> str:
    """What to do about an image of the compiled engine that lacks so many bytes of the memory."""
    if memory == "flash":
        saved = compiled.weight_bytes - compiled.small_weight_bytes
    else:
        saved = compiled.arena_bytes - compiled.small_arena_bytes
    if saved < missing:
        return CURE
    return f"Use {advice.setting('optimize', 'small')}, which takes {saved:,} less, or a smaller preset or model"


def _heaviest(manifest: Manifest, compiled: Compiled | None, memory: str) -> str:
    """Which ops weigh most, in words: by their constants, or by the tensors they make."""
    weights = compiled.op_weight_bytes if compiled else (0,) * len(manifest.ops)
    sizes = weights if memory == "flash" else [prod(op.output_shape) for op in manifest.ops]
    heaviest = sorted(zip(sizes, manifest.ops, strict=True), key=lambda pair: -pair[0])[:HEAVIEST_SHOWN]
    named = ", ".join(f"op {op.index} {op.name} {size:,}" for size, op in heaviest if size)
    return f"; heaviest: {named}" if named else ""


def print_budget(title: str, flash_bytes: int, ram_bytes: int, budget: Budget) -> None:
    """Print the table of what is used of what there is."""
    rows = table(title, "", "used", f"of the {budget.of}'s", "")
    for name, used, limit in (("flash", flash_bytes, budget.flash_bytes), ("RAM", ram_bytes, budget.ram_bytes)):
        rows.add_row(name, f"{used:,}", f"{limit:,}", f"{used / limit:.1%}")
    console.print(rows)
