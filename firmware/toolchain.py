"""The compilers and emulators a board needs: whether they are there, and installing them where that is possible."""

from __future__ import annotations

import os
import shutil
import subprocess

from firmware.boards import Board, Tool
from host.console import UserError, console


def tools_of(board: Board) -> list[Tool]:
    """What building for the board and running its firmware takes."""
    return [tool for tool in (board.compiler and board.compiler.tool, board.emulator) if tool]


def missing_tools(board: Board) -> list[Tool]:
    """Those of them that are not on the PATH."""
    return [tool for tool in tools_of(board) if shutil.which(tool.command) is None]


def require_tools(board: Board) -> None:
    """Raise UserError with one line that says what to install, unless everything is there."""
    if not (missing := missing_tools(board)):
        return
    commands = ", ".join(tool.command for tool in missing)
    packages = " ".join(package for tool in missing for package in tool.packages)
    elsewhere = "; ".join(tool.elsewhere for tool in missing)
    raise UserError(
        f"board {board.name} needs {commands}: on Debian or Ubuntu run `sudo apt-get install --no-install-recommends "
        f"{packages}`, elsewhere install {elsewhere}"
    )


def install_tools(board: Board) -> None:
    """Install what is missing with apt-get where that is possible without asking; otherwise say what to install."""
    missing = missing_tools(board)
    if not missing:
        return
    administrator = _administrator()
    if shutil.which("apt-get") is None or administrator is None:
        require_tools(board)
    packages = [package for tool in missing for package in tool.packages]
    console.print(f"Board {board.name} needs {', '.join(tool.command for tool in missing)}.")
    console.print(f"Installing with apt-get: {' '.join(packages)} (up to 0.9 GB, about a minute)")
    assert administrator is not None
    apt = [*administrator, "env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "-q", "-y"]
    for arguments in (["update"], ["install", "--no-install-recommends", *packages]):
        result = subprocess.run([*apt, *arguments], capture_output=True, text=True)
        if result.returncode != 0:
            raise UserError(f"apt-get {arguments[0]} failed: {result.stderr.strip().splitlines()[-1:]}")
    require_tools(board)


def _administrator() -> list[str] | None:
    """The words before a command that needs root; None where we may not become root without a password."""
    if os.geteuid() == 0:
        return []
    if shutil.which("sudo") and subprocess.run(["sudo", "-n", "true"], capture_output=True).returncode == 0:
        return ["sudo", "-n"]
    return None
