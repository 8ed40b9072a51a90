"""What an inference costs on the cores whose instructions are counted, those of `calibrate.COUNTED` beside the M4."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tinyproof.boards import find_board
from tinyproof.console import console, table
from tinyproof.firmware.build import build, image_path
from tinyproof.host.bench.counts import count
from tinyproof.host.samples import load_samples
from tinyproof.manifest import load_manifest
from tinyproof.toolchain import CHOICES, with_compiler

BOARDS = ("pico", "qemu-riscv32")


@dataclass(frozen=True)
class CoreCost:
    """One inference of a model on the core of a board, by one compiler. arena_bytes: activations and scratch."""

    model: str
    board: str
    compiler: str
    macs: int
    instructions: int
    arena_bytes: int
    weight_bytes: int


def measure_cores(models: Mapping[str, Path]) -> list[CoreCost]:
    """Every exported model on every such board by both compilers, with the first of its samples."""
    costs = []
    for name, model in models.items():
        manifest = load_manifest(model)
        x = load_samples(model, manifest, 1).inputs[0].tobytes()
        for board in map(find_board, BOARDS):
            for compiler in CHOICES:
                build(model, with_compiler(board, compiler))
                counted = count(image_path(model, board), x, manifest.output_bytes)
                compiled = manifest.compiled_for(board.core)
                memory = compiled.arena_bytes, compiled.weight_bytes
                costs.append(CoreCost(name, board.name, compiler, manifest.macs, counted.instructions, *memory))
    return costs


def print_cores(costs: list[CoreCost]) -> None:
    """A row for each."""
    rows = table("One inference on cores without DSP instructions", "", "compiler", "instructions", "per MAC", text=2)
    for cost in costs:
        per_mac = f"{cost.instructions / cost.macs:.2f}"
        rows.add_row(f"{cost.model} on {cost.board}", cost.compiler, f"{cost.instructions:,}", per_mac)
    console.print(rows)
