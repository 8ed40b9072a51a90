"""What a network costs on a board, known before it is trained: flash, RAM, multiply-accumulates, modelled time.

The untrained network goes through the conversion and the export that the trained one will go through, and where the
board's compiler is installed its firmware is linked: sizes depend on shapes, not on what the weights become.
"""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinyproof.boards import Board
from tinyproof.console import console
from tinyproof.cores import CORTEX_M4F, Core
from tinyproof.export.conversion.convert import convert, with_full_range
from tinyproof.export.cost import milliseconds, modelled_cycles
from tinyproof.export.describe import summary_table
from tinyproof.export.emit import export_model, write_export
from tinyproof.export.emit_model import constant_bytes
from tinyproof.export.lower import lower
from tinyproof.export.runtimes import runtime_of
from tinyproof.export.tflite_reader import read_graph
from tinyproof.firmware.build import build
from tinyproof.firmware.sizes import print_budget
from tinyproof.host.bench.chips import NRF52840
from tinyproof.host.flash import check_fits
from tinyproof.optimize import Optimize
from tinyproof.toolchain import missing_tools

CLOCK_HZ = NRF52840.clock_hz  # of the Arduino Nano 33 BLE Sense
SAMPLE_IMAGES = 8


def print_device_cost(model: Any, board: Board, name: str, optimize: Optimize = Optimize.BALANCED) -> None:
    """Print what a Keras model, trained or not, costs on a board. UserError where it cannot run there or fit."""
    noise = _noise(model)
    content = convert(model, noise)
    export = export_model(content, f"the network {name}", name, (), noise, runtime_of(board, None), optimize)
    console.print(summary_table(export.manifest, board.core))
    core = board.core if board.core.prices else CORTEX_M4F
    if program := export.programs.get(core.name):
        console.print(_time(modelled_cycles(program, core), board, core))
    if board.budget is None:
        return
    if not board.compilers or missing_tools(board):
        check_fits(export.manifest, board, board.engine)
        return
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / name
        write_export(folder, content, export)
        sizes = build(folder, board)
    print_budget(f"Memory on board {board.name}: the whole firmware", sizes.flash_bytes, sizes.ram_bytes, board.budget)


def _time(cost: int, board: Board, core: Core) -> str:
    if core.unit != "cycles":
        return f"compiled, on the core of board {board.name}: {cost:,} {core.unit} an image, estimated"
    return (
        f"compiled, on a Cortex-M4 at {CLOCK_HZ // 10**6} MHz: {milliseconds(cost, CLOCK_HZ):.1f} ms an image "
        f"({cost:,} cycles, modelled)"
    )


@dataclass(frozen=True)
class Cost:
    """One inference with the compiled engine: bytes of constants and activations, modelled time on a Cortex-M4."""

    weight_bytes: int
    arena_bytes: int
    milliseconds: float


def estimate(model: Any) -> Cost:
    """The cost of a Keras model, in a second and without a compiler. UserError where the engine does not run it."""
    program = lower(read_graph(convert(model, _noise(model)), "the network")).program()
    time_ms = milliseconds(modelled_cycles(program), CLOCK_HZ)
    return Cost(constant_bytes(program), program.arena_bytes, time_ms)


def _noise(model: Any) -> NDArray[np.uint8]:
    """Images to convert with: they decide the ranges of activations, and no size."""
    shape = (SAMPLE_IMAGES, *model.input_shape[1:])
    return with_full_range(np.random.default_rng(0).integers(0, 256, shape, np.uint8))
