"""What a network costs on a board, known before it is trained: flash, RAM, multiply-accumulates, modelled time.

The untrained network goes through the conversion and the export that the trained one will go through, and where the
board's compiler is installed its firmware is linked: sizes depend on shapes, not on what the weights become.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from export.describe import summary_table
from export.emit import export_model, write_export
from export.quantize import convert, with_full_range
from export.runtimes import runtime_of
from firmware.boards import Board
from firmware.build import build
from firmware.sizes import print_budget
from firmware.toolchain import missing_tools
from host.console import console
from host.flash import check_fits

SAMPLE_IMAGES = 8  # noise to convert with: it decides the ranges of activations, and no size


def print_device_cost(model: Any, board: Board, name: str) -> None:
    """Print what a Keras model, trained or not, costs on a board. UserError where it cannot run there or fit."""
    shape = tuple(model.input_shape[1:])
    noise = np.random.default_rng(0).integers(0, 256, (SAMPLE_IMAGES, *shape), np.uint8)
    content = convert(model, with_full_range(noise))
    export = export_model(content, f"the network {name}", name, (), noise, runtime_of(board, None))
    console.print(summary_table(export.manifest))
    if board.budget is None:
        return
    if board.compiler is None or missing_tools(board):
        check_fits(export.manifest, board, board.engine)
        return
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / name
        write_export(folder, content, export)
        sizes = build(folder, board)
    print_budget(f"Memory on board {board.name}: the whole firmware", sizes.flash_bytes, sizes.ram_bytes, board.budget)
