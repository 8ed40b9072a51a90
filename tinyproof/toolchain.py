"""The compilers and emulators a board needs: which of them are there. Standard library alone, for make asks it too."""

from __future__ import annotations

import importlib.util
import shutil
import subprocess
import tempfile
from dataclasses import replace
from functools import cache
from pathlib import Path

from tinyproof.boards import BOARDS, Board
from tinyproof.compilers import ZIG, Compiler, Tool
from tinyproof.node_packages import find_package

# Of what the firmware takes of a C library, headers and functions.
TRIAL = """#include <stdint.h>
#include <string.h>
int main(void) {
    char text[9];
    memset(text, 0, sizeof text);
    return (int)strlen(text);
}
"""
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
CHOICES = ("system", "zig")  # of compilers: the one that has to be installed, and the one from PyPI


def with_compiler(board: Board, choice: str | None) -> Board:
    """The board, built by nothing but the compiler of that choice; None leaves it open. UserError where it has none."""
    if choice is None or not board.compilers:
        return board
    chosen = tuple(compiler for compiler in board.compilers if (compiler.tool == ZIG) == (choice == "zig"))
    if not chosen:
        from tinyproof import advice
        from tinyproof.console import UserError

        command = board.compilers[0].tool.command
        raise UserError(
            f"board {board.name} is compiled by {command} alone: leave {advice.setting('compiler', choice)} out"
        )
    return replace(board, compilers=chosen)


def taken_compiler(board: Board) -> Compiler:
    """The compiler that builds for a board that has any: the first that works here, or the first where none does."""
    return next((compiler for compiler in board.compilers if works(compiler)), board.compilers[0])


def works(compiler: Compiler) -> bool:
    """Whether it is installed, whole: it compiles a small program that includes the C library's headers.

    Packages from PyPI are whole.
    """
    path = find_tool(compiler.tool)
    return path is not None and (bool(compiler.tool.module) or _compiles(compiler, path))


@cache
def _compiles(compiler: Compiler, path: str) -> bool:
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder, "trial.c")
        source.write_text(TRIAL)
        command = [path, *compiler.flags, "-c", str(source), "-o", str(Path(folder, "trial.o"))]
        try:
            return subprocess.run(command, capture_output=True, cwd=folder).returncode == 0
        except OSError:  # no program of this computer
            return False


def used_tools(board: Board) -> list[Tool]:
    """What builds for the board and runs its firmware on this machine."""
    tools = [taken_compiler(board).tool] if board.compilers else []
    return [*tools, board.emulator] if board.emulator else tools


def missing_tools(*boards: Board) -> list[Tool]:
    """What building for the boards and running their firmware takes and is not installed."""
    tools = dict.fromkeys(tool for board in boards for tool in used_tools(board))
    half = {taken.tool for board in boards if board.compilers and not works(taken := taken_compiler(board))}
    return [tool for tool in tools if tool in half or find_tool(tool) is None]


def find_tool(tool: Tool) -> str | None:
    """Where a tool is: the path of the program or of the package; None where it is not installed."""
    if tool.runs_in_node:
        folder = find_package(tool.command)
        return str(folder) if folder else None
    if not tool.module:
        return shutil.which(tool.command)
    found = importlib.util.find_spec(tool.module)
    return found.origin if found else None


def find_browser() -> str | None:
    """Where Chromium is, or its relative; None where there is none."""
    return next((path for name in BROWSERS if (path := shutil.which(name))), None)


def demo_board() -> Board:
    """The emulated Cortex-M4F that this computer is ready for: `qemu` where the Arm compiler and QEMU are installed,
    else `unicorn`, which needs neither root nor Linux.
    """
    return BOARDS["unicorn" if missing_tools(with_compiler(BOARDS["qemu"], "system")) else "qemu"]
