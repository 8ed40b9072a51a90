"""The compilers and emulators a board needs: whether they are there, and installing them where that is possible."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess

from firmware.boards import BOARDS, Board, Tool
from host.console import UserError, console


def missing_tools(*boards: Board) -> list[Tool]:
    """What building for the boards and running their firmware takes and is not on the PATH."""
    tools = [tool for board in boards for tool in (board.compiler and board.compiler.tool, board.emulator) if tool]
    return [tool for tool in dict.fromkeys(tools) if find_tool(tool) is None]


def find_tool(tool: Tool) -> str | None:
    """Where a tool is: the path of the program or of the Python package; None where it is not installed."""
    if not tool.module:
        return shutil.which(tool.command)
    found = importlib.util.find_spec(tool.module)
    return found.origin if found else None


def demo_board() -> Board:
    """The emulated Cortex-M4F that this computer is ready for: `qemu` where its compiler and emulator are installed,
    else `unicorn`, which needs neither root nor Linux.
    """
    return BOARDS["unicorn" if missing_tools(BOARDS["qemu"]) else "qemu"]


def require_tools(*boards: Board) -> None:
    """Raise UserError with one line that says what to install, unless everything is there."""
    if not (missing := missing_tools(*boards)):
        return
    names = ", ".join(board.name for board in boards)
    commands = ", ".join(tool.command for tool in missing)
    if modules := [tool.module for tool in missing if tool.module]:
        raise UserError(f"board {names} needs {commands}: run `pip install {' '.join(modules)}`, or `make tools`")
    elsewhere = "; ".join(dict.fromkeys(tool.elsewhere for tool in missing))
    raise UserError(
        f"board {names} needs {commands}: on Debian or Ubuntu run `sudo apt-get install --no-install-recommends "
        f"{' '.join(_packages(missing))}`, elsewhere install {elsewhere}"
    )


def install_tools(*boards: Board) -> None:
    """Install what is missing with apt-get where that is possible without asking; otherwise say what to install."""
    if not (missing := missing_tools(*boards)):
        return
    administrator = _administrator()
    if administrator is None or shutil.which("apt-get") is None:
        require_tools(*boards)
        return
    packages = _packages(missing)
    if not packages:  # Python packages: pip's work, see the Makefile
        require_tools(*boards)
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
