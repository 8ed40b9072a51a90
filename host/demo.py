"""The whole path without `make`, for systems that have none: train, export, build, validate.

Each stage is the command that the Makefile runs, with the same settings; a stage whose files are there leaves them.
"""

from __future__ import annotations

import os
from dataclasses import dataclass

from tinyproof import advice
from tinyproof.boards import Board
from tinyproof.claim import OWNER
from tinyproof.console import UserError, console
from tinyproof.environment import run_along, run_module
from tinyproof.folders import trained_folder
from tinyproof.installing import require_tools
from tinyproof.toolchain import with_compiler


@dataclass(frozen=True)
class Stage:
    """One command."""

    what: str
    command: tuple[str, ...]


def stages(dataset: str, preset: str, board: Board, limit: int | None, compiler: str | None = None) -> list[Stage]:
    """The stages from nothing to the verdict of `board`."""
    model = str(trained_folder(dataset, preset))
    chosen = ("--board", board.name)
    few = () if limit is None else ("--limit", str(limit))
    by = () if compiler is None else ("--compiler", compiler)
    found = [
        Stage("training", ("train", "--dataset", dataset, "--preset", preset, "--out", model, *chosen)),
        Stage("exporting", ("export", "--model", model, *chosen)),
        Stage("compiling", ("build", "--model", model, *chosen, *by)),
        Stage("validating", ("validate", "--model", model, *chosen, *few)),
    ]
    return [stage for stage in found if board.compilers or stage.what != "compiling"]


def demo(dataset: str, preset: str, board: Board, limit: int | None, compiler: str | None = None) -> int:
    """Run them one after the other; returns the exit status of the last one that ran. UserError for a real board."""
    board = with_compiler(board, compiler)
    if not board.run:
        flash = advice.command("flash", board=board.name, model=trained_folder(dataset, preset))
        raise UserError(f"board {board.name} is a real one: `{flash}` uploads to it")
    require_tools(board)
    run = {OWNER: os.environ.get(OWNER) or str(os.getpid())}
    todo = stages(dataset, preset, board, limit, compiler)
    for number, stage in enumerate(todo, 1):
        console.print(f"[bold]{number}/{len(todo)} {stage.what}[/]")
        status = run_along([*run_module("tinyproof"), *stage.command], run)
        if status != 0:
            break
    return status
