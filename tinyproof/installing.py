"""Installing the compilers and emulators that boards need, where that is possible; elsewhere saying what to install."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterable

from tinyproof import advice
from tinyproof.boards import Board
from tinyproof.compilers import ZIG, Tool
from tinyproof.console import UNFINISHED, UserError, console
from tinyproof.node_packages import NODE_PACKAGE, OLDEST_NODE, WANTED, npm_command, packages_folder
from tinyproof.toolchain import find_tool, missing_tools


class MissingTools(UserError):
    """A compiler or an emulator is not installed."""


def require_tools(*boards: Board) -> None:
    """Raise MissingTools with one line that says what to install, unless everything is there."""
    if not (missing := missing_tools(*boards)):
        return
    names = ", ".join(board.name for board in boards if missing_tools(board))
    commands = ", ".join(tool.command for tool in missing)
    if any(tool.runs_in_node for tool in missing):
        raise MissingTools(f"board {names} needs {commands}: run `{advice.command('tools', board=boards[0].name)}`")
    if modules := [tool.module for tool in missing if tool.module]:
        raise MissingTools(
            f"board {names} needs {commands}: run `pip install {' '.join(modules)}`, or `{advice.command('tools')}`"
        )
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


def install_tools(*boards: Board, others: tuple[Tool, ...] = ()) -> None:
    """Install what is missing with apt-get where that is possible without asking, and with npm; otherwise say what to
    install.

    `others` are wanted, too, but nobody has to have them.
    """
    missing = [*missing_tools(*boards), *(tool for tool in others if find_tool(tool) is None)]
    if packages := _packages(missing):  # none for Python packages: pip's work, see the Makefile
        _install_packages(missing, packages)
    if any(tool.runs_in_node for tool in missing):
        _install_node_packages()
    require_tools(*boards)


def _install_packages(missing: list[Tool], packages: list[str]) -> None:
    administrator = _administrator() if shutil.which("apt-get") else None
    if administrator is None:
        return
    console.print(f"Missing: {', '.join(tool.command for tool in missing if tool.packages)}.")
    console.print(f"Installing with apt-get: {' '.join(packages)} (up to 0.9 GB, about a minute)")
    apt = [*administrator, "env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "-q", "-y"]
    for arguments in (["update"], ["install", "--no-install-recommends", *packages]):
        result = subprocess.run([*apt, *arguments], capture_output=True, text=True)
        if result.returncode != 0:
            reason = (result.stderr.strip().splitlines() or ["no reason given"])[-1]
            raise UserError(f"apt-get {arguments[0]} failed: {reason}; install by hand: {' '.join(packages)}")


def _install_node_packages() -> None:
    """Have npm install what the lock names, checksums and all, or nothing. MissingTools."""
    npm = npm_command()
    if npm is None:
        raise MissingTools(
            f"no Node.js {OLDEST_NODE} or newer with its npm: run `pip install {NODE_PACKAGE}`, or install Node.js"
        )
    home = packages_folder()
    try:
        home.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(UNFINISHED, ".node.", home.parent) as scratch_name:
            made = shutil.copytree(WANTED, os.path.join(scratch_name, "node"))
            console.print(f"Installing with npm, into {home}", markup=False)
            arguments = ["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
            result = subprocess.run([*npm, *arguments], cwd=made, capture_output=True, text=True)
            if result.returncode != 0:
                lines = [line.removeprefix("npm error ") for line in result.stderr.strip().splitlines()]
                raise MissingTools(f"npm ci failed: {'; '.join(lines[:2]) or 'no reason given'}")
            shutil.rmtree(home, ignore_errors=True)
            os.replace(made, home)
    except OSError as error:
        raise MissingTools(
            f"cannot write to {home.parent}: {error.strerror}; use a virtual environment of your own"
        ) from error


def _packages(tools: list[Tool]) -> list[str]:
    return list(dict.fromkeys(package for tool in tools for package in tool.packages))


def _administrator() -> list[str] | None:
    """The words before a command that needs root; None where we may not become root without a password."""
    if os.geteuid() == 0:
        return []
    if shutil.which("sudo") and subprocess.run(["sudo", "-n", "true"], capture_output=True).returncode == 0:
        return ["sudo", "-n"]
    return None
