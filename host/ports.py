"""Which serial port is the board: finds it by its USB ids, and knows what the port wants when it is opened.

The ids stand in the table of boards. A USB-to-serial chip says nothing about what is behind it, so an ESP32 is
"a port that could be one"; which firmware answers is what HELLO is for.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Sequence
from dataclasses import dataclass, replace

from serial.tools import list_ports

from tinyproof import advice
from tinyproof.boards import CABLE_BOARDS, Board
from tinyproof.console import UserError
from tinyproof.usb_ids import UsbId


@dataclass(frozen=True)
class SerialPort:
    """A serial port of this computer. The USB fields are None where it is not on USB or the system does not say."""

    device: str
    vendor: int | None = None
    product: int | None = None
    serial_number: str | None = None
    place: str | None = None  # on the bus; stays the same when the board comes back under another name
    description: str = ""

    def has(self, ids: Sequence[UsbId]) -> bool:
        """Whether it carries one of the ids."""
        return any((self.vendor, self.product) == (usb_id.vendor, usb_id.product) for usb_id in ids)

    def is_same_board(self, other: SerialPort) -> bool:
        """Whether both are one board, before and after it came back; boards that nothing tells apart count as one."""
        if self.place and other.place:
            return self.place == other.place
        if self.serial_number and other.serial_number:
            return self.serial_number == other.serial_number
        return True

    def __str__(self) -> str:
        ids = "" if self.vendor is None or self.product is None else f"{self.vendor:04x}:{self.product:04x}"
        details = " ".join(filter(None, (ids, self.description if self.description != "n/a" else "")))
        return f"{self.device} ({details})" if details else self.device


def scan() -> list[SerialPort]:
    """The serial ports there are now, by name."""
    ports = [
        SerialPort(
            device=info.device,
            vendor=info.vid,
            product=info.pid,
            serial_number=info.serial_number or None,
            # "1-2:1.0": the interface after the colon differs between a board's application and its bootloader.
            place=info.location.partition(":")[0] if info.location else None,
            description=info.description or "",
        )
        for info in list_ports.comports()
    ]
    return sorted(ports, key=lambda port: port.device)


def candidates(board: Board, ports: Sequence[SerialPort]) -> list[SerialPort]:
    """Those ports that could be the board running a program."""
    return [port for port in ports if port.has(board.application)]


def find_port(board: Board, bootloader_too: bool = False) -> SerialPort:
    """The one port that could be the board; `bootloader_too` accepts one that waits for a program.

    Raises UserError in one line when there is none, or more than one to choose from.
    """
    ports = scan()
    found = candidates(board, ports)
    waiting = [port for port in ports if port.has(board.bootloader)]
    if bootloader_too:
        found = found + waiting
    if len(found) == 1:
        return found[0]
    if found:
        raise UserError(
            f"{len(found)} ports could be the {board.title}: {listed(found)}; name one, e.g. "
            f"{advice.setting('port', found[0].device)}"
        )
    if waiting:
        raise UserError(
            f"the {board.title} on {waiting[0].device} is in its bootloader and runs no program: "
            f"`{advice.command('flash', board=board.name)}` gives it one, pressing its reset button once starts the "
            "one "
            "it has"
        )
    if other := [port for port in ports if port.has(board.other_socket)]:
        raise UserError(
            f"{other[0]} is the {board.title}'s own USB connector, which this firmware does not use: plug the cable "
            "into the one labelled UART or COM"
        )
    looked_for = ", ".join(map(str, board.application))
    raise UserError(
        f"no port is an {board.title}: looked for USB {looked_for}; ports there are: {listed(ports) or 'none'}. "
        f"Plug it in with a cable that carries data, name its port with {advice.setting('port')}, or run "
        f"`{advice.command('doctor')}`"
    )


def named_port(device: str) -> SerialPort:
    """The port the user named, with what USB knows of it."""
    real = os.path.realpath(device)  # /dev/serial/by-id/... is a link
    for port in scan():
        if port.device in (device, real):
            return replace(port, device=device)
    return SerialPort(device)


def check_there(port: SerialPort) -> None:
    """Raise UserError, before minutes of compiling, where a port that the user named is not there."""
    ports = scan()
    if os.path.isdir(port.device) or os.path.isfile(port.device):
        raise UserError(f"{port.device} is no serial port; ports there are: {listed(ports) or 'none'}")
    if not os.path.exists(port.device) and port.device not in [other.device for other in ports]:
        raise UserError(
            f"there is no port {port.device}; ports there are: {listed(ports) or 'none'}. Plug the board "
            f"in, or leave {advice.setting('port')} out to have it found"
        )


def find_again(before: SerialPort) -> str | None:
    """Where a port is that may have come back under another name; None while it is away.

    A port that USB says nothing about is looked for under its own name.
    """
    if not before.place and not before.serial_number:
        return before.device
    for port in scan():
        if (port.vendor, port.product) == (before.vendor, before.product) and port.is_same_board(before):
            return before.device if os.path.realpath(before.device) == port.device else port.device
    return None


def may_open(device: str) -> str:
    """What a user does who may not open this port: join its group, as it is on Linux."""
    try:
        import grp
        import pwd

        status, user = os.stat(device), pwd.getpwuid(os.geteuid()).pw_name
        group = grp.getgrgid(status.st_gid)
    except (ImportError, KeyError, OSError):
        return "ask whoever looks after this computer for access to it"
    if not status.st_mode & stat.S_IWGRP or group.gr_name == "root":
        return "add a udev rule that gives it a group"
    if user in group.gr_mem:
        return f"{user} joined the group {group.gr_name} after logging in: log out and in again"
    return f"sudo usermod -aG {group.gr_name} {user}, then log out and in again"


def wants_dtr(url: str) -> bool:
    """Whether opening this port has to raise DTR: only on the boards that take it to mean that somebody listens."""
    port = named_port(url)
    return any(board.wants_dtr and port.has(board.application) for board in CABLE_BOARDS.values())


def boards_behind(port: SerialPort) -> list[str]:
    """What the port could be, in words; empty when no board of the table has its ids."""
    return [
        f"{board.name}{note}"
        for board in CABLE_BOARDS.values()
        for ids, note in (
            (board.application, ""),
            (board.bootloader, " in its bootloader"),
            (board.other_socket, " on its own USB connector, which is the wrong one"),
        )
        if port.has(ids)
    ]


def listed(ports: Sequence[SerialPort]) -> str:
    """The ports in words; empty where there are none."""
    return ", ".join(map(str, ports))
