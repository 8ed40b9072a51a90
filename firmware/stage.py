"""The build as a user runs it: the image of a board, where it is not there already, and what it takes of the chip."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from tinyproof.boards import Board
from tinyproof.claim import claim
from tinyproof.console import console
from tinyproof.firmware.build import PRODUCTS, build, build_inputs, image_path, require_own_sources
from tinyproof.firmware.sizes import print_budget
from tinyproof.made import is_made, remember
from tinyproof.manifest import load_manifest


def build_image(model: Path, board: Board) -> None:
    """Build, and say what came of it; an image made of the same inputs is left as it is. UserError."""
    manifest = load_manifest(model)
    claim(model)
    require_own_sources(model)
    folder = model / board.name
    inputs = build_inputs(model, board) if board.compilers else ""
    if inputs and is_made(folder, "build", inputs):
        console.print(f"{image_path(model, board)} is built already", markup=False)
        return
    sizes = build(model, board)
    files = (folder / name for name in PRODUCTS)
    remember(folder, "build", inputs, [path for path in files if path.is_file()])
    if board.budget:
        print_budget("Memory", sizes.flash_bytes, sizes.ram_bytes, board.budget)
    if sizes.flash_bytes:
        console.print(
            f"Flash: weights {sizes.weight_bytes:,}, code {sizes.code_bytes:,}, golden vectors {sizes.golden_bytes:,}. "
            f"RAM: activations {manifest.compiled_for(board.core).arena_bytes:,}, stack {sizes.stack_bytes:,}."
        )
    console.print(
        f"firmware: {image_path(model, board)}, compiled by {sizes.compiler}, sha256 of its flash "
        f"{sizes.image_sha256[:16]}"
    )


def build_to_flash(model: Path, board: Board) -> None:
    """The same for the chip itself, which takes no emulator. UserError."""
    build_image(model, replace(board, emulator=None, watcher=""))
