"""What an inference costs on boards that run on this machine, by each compiler: counted, not modelled."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tinyproof import advice
from tinyproof.board import Board
from tinyproof.console import UserError, console, table, track
from tinyproof.cores import CORTEX_M0PLUS, RV32IMC
from tinyproof.firmware.build import build, image_path
from tinyproof.host.bench.counts import count
from tinyproof.host.connection import connect
from tinyproof.host.device import count as in_unit
from tinyproof.host.device import mean_count
from tinyproof.host.samples import load_samples
from tinyproof.installing import require_tools
from tinyproof.manifest import Manifest, load_manifest
from tinyproof.toolchain import CHOICES, missing_tools, with_compiler

SCALAR = ("pico", "qemu-riscv32")
DSP = ("qemu", "qemu-m33", "qemu-m7", "stm32f405")
VECTORS = ("qemu-m55",)
SHOWN = (*SCALAR, *DSP, *VECTORS)  # in docs/performance.md
IN_UNICORN = (CORTEX_M0PLUS, RV32IMC)  # whose images are called there, whatever else emulates the board
INFERENCES = 20
TIMED = 1_000  # where a clock of this computer is the counter: others have it, too, so the fastest counts


@dataclass(frozen=True)
class BoardCost:
    """One inference of a model on a board, by one of its compilers. arena_bytes: activations and scratch."""

    model: str
    board: str
    compiler: str
    macs: int
    count: int
    unit: str  # instructions, cycles or nanoseconds
    arena_bytes: int
    weight_bytes: int


def measure_boards(models: Mapping[str, Path], *boards: Board) -> list[BoardCost]:
    """Each exported model on each board by each installed compiler of it. UserError if one cannot run here."""
    compiled = [one for board in boards for one in _compiled(board)]
    each = [(name, model, *one) for name, model in models.items() for one in compiled]
    return [_measure(*one) for one in track(each, "boards")]


def _compiled(board: Board) -> list[tuple[Board, str]]:
    if not board.run or not board.compilers:
        raise UserError(
            f"board {board.name} does not run on this machine: {advice.command('profile')} measures one model on it"
        )
    kinds = dict.fromkeys(CHOICES[bool(compiler.tool.module)] for compiler in board.compilers)
    chosen = [(with_compiler(board, kind), kind) for kind in kinds]
    there = [(one, kind) for one, kind in chosen if not missing_tools(one)]
    if not there:
        require_tools(board)
    return there


def _measure(name: str, model: Path, board: Board, compiler: str) -> BoardCost:
    manifest = load_manifest(model)
    build(model, board)
    counted, unit = _counted(model, board, manifest)
    compiled = manifest.compiled_for(board.core)
    memory = compiled.arena_bytes, compiled.weight_bytes
    return BoardCost(name, board.name, compiler, manifest.macs, counted, unit, *memory)


def _counted(model: Path, board: Board, manifest: Manifest) -> tuple[int, str]:
    inputs = [row.tobytes() for row in load_samples(model, manifest, INFERENCES).inputs]
    if board.core in IN_UNICORN:
        return count(image_path(model, board), inputs[0], manifest.output_bytes).instructions, "instructions"
    with connect(model, board, None) as device:
        hello = device.hello()
        if hello.counter_unit == "nanoseconds":
            repeated = inputs * (TIMED // len(inputs))
            return in_unit(min(one.ticks for one in device.infer(repeated, hello)), hello), hello.counter_unit
        mean = mean_count(list(device.infer(inputs, hello)), hello)
    assert mean is not None  # there are inputs
    return mean, hello.counter_unit


def print_boards(costs: list[BoardCost]) -> None:
    """A table for each board, with a row for each model and compiler."""
    for board, unit in dict.fromkeys((cost.board, cost.unit) for cost in costs):
        columns = ("model", "compiler", unit, "per MAC", "RAM", "constants")
        rows = table(f"One inference on board {board}; memory in bytes", *columns, text=2)
        for cost in (cost for cost in costs if cost.board == board):
            per_mac = f"{cost.count / cost.macs:.3g}" if cost.macs else ""
            numbers = f"{cost.count:,}", per_mac, f"{cost.arena_bytes:,}", f"{cost.weight_bytes:,}"
            rows.add_row(cost.model, cost.compiler, *numbers)
        console.print(rows)
