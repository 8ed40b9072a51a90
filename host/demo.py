"""The whole path without `make`, for systems that have none: train, quantize, export, build, validate.

Each stage is the command that the Makefile runs, and runs only when what it makes is missing or older than what it is
made from. Unlike `make`, this does not look at the project's own sources.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from export.manifest import MANIFEST_FILE, TFLITE_FILE
from firmware.boards import Board
from firmware.build import image_path, load_sizes
from firmware.toolchain import require_tools, taken_compiler, with_compiler
from host.console import UserError, console
from training.files import TRAINING_FILE


@dataclass(frozen=True)
class Stage:
    """One command and the file that it leaves, after those of the stages before."""

    what: str
    makes: Path | None  # None: runs in any case
    command: tuple[str, ...]


def stages(dataset: str, preset: str, board: Board, limit: int | None, compiler: str | None = None) -> list[Stage]:
    """The stages from nothing to the verdict of `board`."""
    model = Path("build") / f"{Path(dataset).name}_{preset}"
    where = ("--model", str(model))
    chosen = ("--board", board.name)
    few = () if limit is None else ("--limit", str(limit))
    by = () if compiler is None else ("--compiler", compiler)
    built: list[Path | None] = []
    if board.sources:
        sizes = load_sizes(model, board.name)
        by_it = sizes is not None and sizes.compiler == taken_compiler(board).tool.command
        built = [image_path(model, board) if by_it else None]
    return [
        Stage(
            "training",
            model / TRAINING_FILE,
            ("training", "--dataset", dataset, "--preset", preset, "--out", str(model)),
        ),
        Stage("quantizing", model / TFLITE_FILE, ("export", "quantize", *where)),
        Stage("exporting", model / MANIFEST_FILE, ("export", "emit", *where, *chosen)),
        *(Stage("compiling", image, ("firmware", "build", *where, *chosen, *by)) for image in built),
        Stage("validating", None, ("host", "validate", *where, *chosen, *few)),
    ]


def demo(dataset: str, preset: str, board: Board, limit: int | None, compiler: str | None = None) -> int:
    """Run the stages that have something to do; returns the exit status of the last one that ran."""
    board = with_compiler(board, compiler)
    if not board.run:
        raise UserError(f"board {board.name} is a real one: `make flash BOARD={board.name}` uploads to it")
    require_tools(board)
    todo = stages(dataset, preset, board, limit, compiler)
    status = 0
    newest = 0.0
    for number, stage in enumerate(todo, 1):
        if stage.makes and stage.makes.is_file() and stage.makes.stat().st_mtime >= newest:
            console.print(f"[bold]{number}/{len(todo)} {stage.what}[/]: {stage.makes} is there")
        else:
            console.print(f"[bold]{number}/{len(todo)} {stage.what}[/]")
            status = _run(stage.command)
            if status != 0:
                return status
        newest = stage.makes.stat().st_mtime if stage.makes else newest
    return status


def _run(command: Sequence[str]) -> int:
    return subprocess.run([sys.executable, "-m", *command], env=os.environ).returncode
