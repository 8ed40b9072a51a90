"""What is installed, which boards are plugged in, whether this user may open them, and what to do about the rest.

Looks and changes nothing. Every check stands for itself: one that cannot look (another operating system) is left out.
"""

from __future__ import annotations

import importlib.util
import os
import platform
import re
import shutil
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path

from rich.markup import escape

from tinyproof import advice
from tinyproof.boards import BOARDS, REAL_BOARDS, Board
from tinyproof.compilers import Tool
from tinyproof.console import UserError, console
from tinyproof.export.golden import golden_name
from tinyproof.host import flash_esp, flash_stm32
from tinyproof.host.flash import find_platformio
from tinyproof.host.interpreters import TFLITE_PACKAGES
from tinyproof.host.ports import SerialPort, boards_behind, may_open, scan
from tinyproof.toolchain import demo_board, find_tool, taken_compiler, used_tools, works

OK, MISSING, PROBLEM = "ok", "missing", "problem"
STYLES = {OK: "green", MISSING: "yellow", PROBLEM: "red"}
PYTHONS = ((3, 10), (3, 13))  # the first and the last version that works
PROCESSES = Path("/proc")


@dataclass(frozen=True)
class Check:
    """One line: `needed` where the default demo does not run without it; `remedy` is empty where all is well."""

    subject: str
    state: str
    finding: str
    remedy: str = ""
    needed: bool = False

    @property
    def stops_demo(self) -> bool:
        """Whether the default demo cannot run because of it."""
        return self.needed and self.state != OK


def examine() -> list[Check]:
    """Every check that this computer allows, in the order of reading."""
    ports = scan()
    return [
        check_python(),
        *check_packages(),
        *check_tools(BOARDS.values()),
        check_platformio(),
        *check_loaders(BOARDS.values()),
        *check_ports(ports),
        *check_meddlers(ports),
    ]


def print_checks(checks: Sequence[Check]) -> None:
    """A line for each check, what to do below it where something is to be done, and whether the demo can run."""
    width = max(len(check.subject) for check in checks)
    for check in checks:
        state = f"[{STYLES[check.state]}]{check.state:8}[/]"
        console.print(f"{state} {check.subject:{width}}  {escape(check.finding)}")
        if check.remedy:
            console.print(f"{'':8} {'':{width}}  -> {escape(check.remedy)}")
    demo = advice.command("demo")
    stopping = [check.subject for check in checks if check.stops_demo]
    console.print(f"`{demo}` needs: {', '.join(stopping)}" if stopping else f"`{demo}` has all it needs.")


def check_python() -> Check:
    """The version this project is tested with."""
    first, last = PYTHONS
    right = first <= sys.version_info[:2] <= last
    return Check(
        "Python",
        OK if right else PROBLEM,
        f"{platform.python_version()} at {sys.executable}",
        "" if right else f"use {first[0]}.{first[1]} to {last[0]}.{last[1]}: make setup PYTHON=/path/to/python3",
        needed=True,
    )


def check_packages() -> Iterator[Check]:
    """The packages of pyproject.toml, and the two interpreters that decide what a verdict is worth."""
    try:
        required = [requirement for requirement in requires("tinyproof") or [] if ";" not in requirement]
    except PackageNotFoundError:
        yield Check("tinyproof", MISSING, "not installed in this Python", "make setup", needed=True)
        return
    names = [re.split(r"[^\w.-]", requirement, maxsplit=1)[0] for requirement in required]
    absent = [name for name in names if not _installed(name)]
    if absent:
        yield Check("packages", MISSING, f"{', '.join(absent)} not installed", "make setup", needed=True)
    else:
        yield Check("packages", OK, f"all {len(names)}", needed=True)
    yield _check_golden()
    yield _check_interpreter()
    tensorflow = importlib.util.find_spec("tensorflow") is not None
    yield Check(
        "TensorFlow",
        OK if tensorflow else MISSING,
        "installed" if tensorflow else "not installed; only training and quantizing need it",
        "" if tensorflow else "nothing: `make train` installs it",
    )


def check_tools(boards: Iterable[Board]) -> Iterator[Check]:
    """The compilers and emulators of the boards that are built and run on this machine, and which boards use them."""
    using: dict[Tool, list[str]] = {}
    replaced: dict[Tool, dict[str, list[str]]] = {}  # a compiler that is not installed: what builds which board instead
    half = set()
    for board in boards:
        half |= {compiler.tool for compiler in board.compilers if not works(compiler)}
        for compiler in board.compilers:
            using.setdefault(compiler.tool, [])
        for tool in used_tools(board):
            using.setdefault(tool, []).append(board.name)
        if board.compilers and (taken := taken_compiler(board)) != board.compilers[0]:
            instead = replaced.setdefault(board.compilers[0].tool, {})
            instead.setdefault(taken.tool.command, []).append(board.name)
    for tool, names in using.items():
        path = find_tool(tool)
        findings = [path or "not installed"]
        if is_half := path is not None and tool in half:
            findings = [f"{path}, which compiles nothing: it is there without its C library"]
        if names:
            findings.append(f"{'used' if path and not is_half else 'needed'} for {', '.join(names)}")
        findings += [f"{command} is taken for {', '.join(those)}" for command, those in replaced.get(tool, {}).items()]
        elsewhere = f" (Debian, Ubuntu); elsewhere install {tool.elsewhere}" if tool.elsewhere else ""
        lacking = bool(names) and (not path or is_half)
        yield Check(
            tool.command,
            PROBLEM if is_half else MISSING if lacking else OK,
            "; ".join(findings),
            f"{advice.command('tools', board=names[0])}{elsewhere}" if lacking else "",
            needed=demo_board().name in names,
        )


def check_platformio() -> Check:
    """PlatformIO, which builds and uploads for real boards."""
    try:
        return Check("PlatformIO", OK, find_platformio())
    except UserError:
        boards = ", ".join(REAL_BOARDS)
        return Check(
            "PlatformIO",
            MISSING,
            f"not installed; `make flash` needs it ({boards})",
            "nothing: `make flash` installs it",
        )


def check_loaders(boards: Iterable[Board]) -> Iterator[Check]:
    """The programs that speak with the boot loaders of chips, where `make flash` writes an image that is built here."""
    loaders: dict[str, list[str]] = {}
    for board in boards:
        if board.st_loader:
            loaders.setdefault(flash_stm32.LOADER, []).append(board.name)
            loaders.setdefault(flash_stm32.DFU, []).append(f"{board.name} over USB")
        if board.esp_loader:
            loaders.setdefault(flash_esp.LOADER, []).append(board.name)
    for name, needed_for in loaders.items():
        is_package = name != flash_stm32.DFU
        found = importlib.util.find_spec(name) if is_package else shutil.which(name)
        where = f"{name} {version(name)}" if found and is_package else found
        remedy = "nothing: `make flash` installs it" if is_package else f"sudo apt-get install {name} (Debian, Ubuntu)"
        yield Check(
            name,
            OK if found else MISSING,
            f"{where or 'not installed'}; {'used' if found else 'needed'} to flash {', '.join(needed_for)}",
            "" if found else remedy,
        )


def check_ports(ports: list[SerialPort]) -> Iterator[Check]:
    """What is plugged in, what it could be, and whether this user may open it."""
    if not any(boards_behind(port) for port in ports):
        yield Check(
            "boards", MISSING, "no board is plugged in", "only needed for a real board: a cable that carries data"
        )
    for port in ports:
        boards = boards_behind(port)
        guess = f"could be {', '.join(boards)}" if boards else "no board of the table has its USB ids"
        yield _check_permission(port, f"{port}: {guess}")


def check_meddlers(ports: list[SerialPort]) -> Iterator[Check]:
    """Programs of Linux desktops that take serial ports away."""
    if not PROCESSES.is_dir():
        return
    running = _running_programs()
    if "ModemManager" in running:
        plugged = sorted({f"{port.vendor:04x}" for port in ports if port.vendor and boards_behind(port)})
        rule = "; ".join(f'ATTRS{{idVendor}}=="{vendor}", ENV{{ID_MM_DEVICE_IGNORE}}="1"' for vendor in plugged)
        yield Check(
            "ModemManager",
            PROBLEM if plugged else OK,
            "running: it may talk to a board that was just plugged in, for up to half a minute",
            f"wait, or sudo systemctl stop ModemManager, or for good a udev rule: {rule}" if plugged else "",
        )
    else:
        yield Check("ModemManager", OK, "not running")
    if "brltty" in running:
        yield Check(
            "brltty",
            PROBLEM,
            "running: it takes CH340 ports for a braille display, so that they vanish again",
            "if you use no braille display: sudo apt-get remove brltty, then plug the board in again",
        )


def _check_golden() -> Check:
    if name := golden_name():
        return Check("golden reference", OK, name)
    return Check(
        "golden reference",
        MISSING,
        "no tflite-micro wheel: outputs are held against the default interpreter, so a verdict of equal bytes is not "
        "possible here",
        "it exists for Linux on x86-64 with Python 3.10 to 3.13: make setup there",
    )


def _check_interpreter() -> Check:
    found = [package for package, _ in TFLITE_PACKAGES if _installed(package)]
    if found:
        return Check("TFLite interpreter", OK, f"{found[0]} {version(found[0])}", needed=True)
    return Check(
        "TFLite interpreter", MISSING, f"none of {', '.join(p for p, _ in TFLITE_PACKAGES)}", "make setup", needed=True
    )


def _check_permission(port: SerialPort, finding: str) -> Check:
    if os.access(port.device, os.R_OK | os.W_OK):
        return Check("port", OK, finding)
    if not os.path.exists(port.device):
        return Check("port", PROBLEM, f"{finding}; it has gone", "plug it in again")
    return Check("port", PROBLEM, f"{finding}; this user may not open it", may_open(port.device))


def _running_programs() -> set[str]:
    """Names of the running programs, from /proc."""
    names = set()
    for path in PROCESSES.glob("[0-9]*/comm"):
        try:
            names.add(path.read_text(encoding="utf-8").strip())
        except OSError:  # it ended meanwhile
            continue
    return names


def _installed(package: str) -> bool:
    try:
        version(package)
    except PackageNotFoundError:
        return False
    return True
