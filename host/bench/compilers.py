"""The same models by both compilers of the Cortex-M4F: the one of the system and the one from PyPI."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from tinyproof.board import Board
from tinyproof.boards import find_board
from tinyproof.compilers import Compiler
from tinyproof.console import console, table, track
from tinyproof.export.emit import export_model, write_export
from tinyproof.export.slow import LARGE
from tinyproof.firmware.build import build, image_path
from tinyproof.host.bench.cycles import measure
from tinyproof.host.bench.per_layer import LayerCost, layer_costs
from tinyproof.toolchain import CHOICES, taken_compiler, with_compiler

BOARD = "qemu"
USUAL_LEVEL = "-O2"  # of optimization, among the flags of every compiler


@dataclass(frozen=True)
class CompilerCost:
    """A model by one compiler. worst: of the kernels with at least `LARGE` multiply-accumulates the one with the most
    instructions for each, and how many.
    """

    model: str
    compiler: str
    macs: int
    instructions: int
    cycles_modelled: int
    ram_bytes: int
    worst: str
    worst_per_mac: float


def measure_compilers(models: Mapping[str, bytes], level: str = USUAL_LEVEL) -> list[CompilerCost]:
    """One inference of each `.tflite` by each compiler, at a level of optimization."""
    named = track(list(models.items()), f"both compilers, {level}")
    return [cost for name, content in named for cost in _measure(name, content, level)]


def optimized(board: Board, level: str) -> Board:
    """The board, with its code compiled at another level of optimization ("-Os")."""

    def flags(compiler: Compiler) -> tuple[str, ...]:
        return tuple(level if flag == USUAL_LEVEL else flag for flag in compiler.flags)

    return replace(board, compilers=tuple(replace(one, flags=flags(one)) for one in board.compilers))


def _measure(name: str, content: bytes, level: str) -> list[CompilerCost]:
    export = export_model(content, name, "model", (), None)
    manifest = export.manifest
    x = np.random.default_rng(1).integers(-128, 128, manifest.input_bytes, np.int8).tobytes()
    costs = []
    with TemporaryDirectory() as folder:
        write_export(Path(folder), content, export)
        for choice in CHOICES:
            board = optimized(with_compiler(find_board(BOARD), choice), level)
            build(Path(folder), board)
            cost = measure(image_path(Path(folder), board), x, manifest.output_bytes)
            program = export.programs[board.core.name]
            worst, per_mac = _worst(layer_costs(program, cost))
            command = taken_compiler(board).tool.command
            ram = manifest.compiled_for(board.core).arena_bytes
            costs.append(CompilerCost(name, command, program.macs, cost.instructions, cost.cycles, ram, worst, per_mac))
    return costs


def _worst(layers: list[LayerCost]) -> tuple[str, float]:
    each = ((layer.instructions / layer.macs, layer.kernels) for layer in layers if layer.macs >= LARGE)
    per_mac, kernel = max(each, default=(0.0, ""))
    return kernel, round(per_mac, 2)


def print_compilers(title: str, costs: list[CompilerCost]) -> None:
    """A row for each model, and how much longer the second compiler's code is."""
    pairs = list(zip(costs[::2], costs[1::2], strict=True))
    if not pairs:
        return
    names = [cost.compiler for cost in pairs[0]]
    rows = table(title, "model", "MACs", *names, "ratio", "instr/MAC", "cycles/MAC", "RAM", "most instr/MAC")
    for first, second in pairs:
        rows.add_row(
            first.model,
            *(f"{count:,}" for count in (first.macs, first.instructions, second.instructions)),
            f"{second.instructions / first.instructions:.3f}",
            f"{first.instructions / first.macs:.2f}",
            f"{first.cycles_modelled / first.macs:.2f}",
            f"{first.ram_bytes:,}",
            f"{first.worst_per_mac:.2f} {first.worst}",
        )
    console.print(rows)
