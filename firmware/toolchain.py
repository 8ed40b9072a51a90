"""The compilers and emulators a board needs: whether they are there, and installing them where that is possible."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
from collections.abc import Iterable
from dataclasses import replace

from firmware.boards import BOARDS, ZIG, Board, Compiler, Tool
from host.console import UserError, console

CHOICES = ("system", "zig")  # of compilers: the one that has to be installed, and the one from PyPI


class MissingTools(UserError):
    """A compiler or an emulator is not installed."""


def with_compiler(board: Board, choice: str | None) -> Board:
    """The board, built by nothing but the compiler of that choice; None leaves it open. UserError where it has none."""
    if choice is None or not board.compilers:
        return board
    chosen = tuple(compiler for compiler in board.compilers if (compiler.tool == ZIG) == (choice == "zig"))
    if not chosen:
        command = board.compilers[0].tool.command
        raise UserError(f"board {board.name} is compiled by {command} alone: leave COMPILER={choice} out")
    return replace(board, compilers=chosen)


def taken_compiler(board: Board) -> Compiler:
    """The compiler that builds for a board that has any: the first installed one, or the first where none is."""
    return next((compiler for compiler in board.compilers if find_tool(compiler.tool)), board.compilers[0])


def used_tools(board: Board) -> list[Tool]:
    """What builds for the board and runs its firmware on this machine."""
    tools = [taken_compiler(board).tool] if board.compilers else []
    return [*tools, board.emulator] if board.emulator else tools


def missing_tools(*boards: Board) -> list[Tool]:
    """What building for the boards and running their firmware takes and is not installed."""
    tools = dict.fromkeys(tool for board in boards for tool in used_tools(board))
    return [tool for tool in tools if find_tool(tool) is None]


def find_tool(tool: Tool) -> str | None:
    """Where a tool is: the path of the program or of the Python package; None where it is not installed."""
    if not tool.module:
        return shutil.which(tool.command)
    found = importlib.util.find_spec(tool.module)
    return found.origin if found else None


def demo_board() -> Board:
    """The emulated Cortex-M4F that this computer is ready for: `qemu` where the Arm compiler and QEMU are installed,
    else `unicorn`, which needs neither root nor Linux.
    """
    return BOARDS["unicorn" if missing_tools(with_compiler(BOARDS["qemu"], "system")) else "qemu"]


def require_tools(*boards: Board) -> None:
    """Raise MissingTools with one line that says what to install, unless everything is there."""
    if not (missing := missing_tools(*boards)):
        return
    names = ", ".join(board.name for board in boards if missing_tools(board))
    commands = ", ".join(tool.command for tool in missing)
    if modules := [tool.module for tool in missing if tool.module]:
        raise MissingTools(f"board {names} needs {commands}: run `pip install {' '.join(modules)}`, or `make tools`")
    elsewhere = "; ".join(dict.fromkeys(tool.elsewhere for tool in missing))
    stands_in = f", or run `pip install {ZIG.module}`: its compiler does, too" if _stands_in(missing, boards) else ""
    raise MissingTools(
        f"board {names} needs {commands}: on Debian or Ubuntu run `sudo apt-get install --no-install-recommends "
        f"{' '.join(_packages(missing))}`, elsewhere install {elsewhere}{stands_in}"
    )


def _stands_in(missing: list[Tool], boards: Iterable[Board]) -> bool:
    """Whether the compiler from PyPI would do for a compiler that is missing."""
    lists = [[compiler.tool for compiler in board.compilers] for board in boards]
    return any(ZIG in tools[1:] and tools[0] in missing for tools in lists)


def install_tools(*boards: Board) -> None:
    """Install what is missing with apt-get where that is possible without asking; otherwise say what to install."""
    if not (missing := missing_tools(*boards)):
        return
    packages = _packages(missing)  # none for Python packages: pip's work, see the Makefile
    administrator = _administrator() if packages and shutil.which("apt-get") else None
    if administrator is None:
        require_tools(*boards)
        return
    console.print(f"Missing: {', '.join(tool.command for tool in missing)}.")
    console.print(f"Installing with apt-get: {' '.join(packages)} (up to 0.9 GB, about a minute)")
    apt = [*administrator, "env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "-q", "-y"]
    for arguments in (["update"], ["install", "--no-install-recommends", *packages]):
        result = subprocess.run([*apt, *arguments], capture_output=True, text=True)
        if result.returncode != 0:
            reason = (result.stderr.strip().splitlines() or ["no reason given"])[-1]
            raise UserError(f"apt-get {arguments[0]} failed: {reason}; install by hand: {' '.join(packages)}")
    require_tools(*boards)


def _packages(tools: list[Tool]) -> list[str]:
    return list(dict.fromkeys(package for tool in tools for package in tool.packages))


def _administrator() -> list[str] | None:
    """The words before a command that needs root; None where we may not become root without a password."""
    if os.geteuid() == 0:
        return []
    if shutil.which("sudo") and subprocess.run(["sudo", "-n", "true"], capture_output=True).returncode == 0:
        return ["sudo", "-n"]
    return None
