"""Which serial port is the board: finds it by its USB ids, and knows what the port wants when it is opened.

Every id of every board stands in REAL_BOARDS. A USB-to-serial chip says nothing about what is behind it, so an ESP32 is
"a port that could be one"; which firmware answers is what HELLO is for.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace

from serial.tools import list_ports

from firmware.boards import KIB, Board, Budget
from host.console import UserError


@dataclass(frozen=True)
class UsbId:
    """A USB vendor and product number, and what carries it."""

    vendor: int
    product: int
    bearer: str

    def __str__(self) -> str:
        return f"{self.vendor:04x}:{self.product:04x} ({self.bearer})"


@dataclass(frozen=True)
class RealBoard(Board):
    """A board on a USB cable. `application` are its ids while it runs a program, `bootloader` those while it waits for
    one, `other_socket` those of a USB connector of the board that this firmware does not talk through.
    """

    application: tuple[UsbId, ...] = ()
    bootloader: tuple[UsbId, ...] = ()
    other_socket: tuple[UsbId, ...] = ()
    wants_dtr: bool = False  # sends and receives only while DTR is high; elsewhere DTR can reset the chip
    recovery: str = ""  # what to do by hand when it does not react


# Chips between USB and an ESP32's UART0, on boards by Espressif and others.
USB_BRIDGES = (
    UsbId(0x10C4, 0xEA60, "CP210x"),
    UsbId(0x1A86, 0x7523, "CH340"),
    UsbId(0x1A86, 0x55D3, "CH343"),
    UsbId(0x1A86, 0x55D4, "CH9102"),
    UsbId(0x0403, 0x6001, "FT232R"),
    UsbId(0x0403, 0x6010, "FT2232H"),
    UsbId(0x0403, 0x6015, "FT231X"),
)
ESP32_RECOVERY = "hold its BOOT button while you press and release RESET (EN), then try again"


def _esp32(name: str, title: str, ram_bytes: int, own_usb: bool) -> RealBoard:
    return RealBoard(
        name=name,
        title=title,
        engine="tflm",
        sources=("esp32/board.c",),
        # Flash: the application's partition (boards/esp32/sdkconfig.defaults).
        budget=Budget(title, flash_bytes=1_536_000, ram_bytes=ram_bytes),
        application=USB_BRIDGES,
        other_socket=(UsbId(0x303A, 0x1001, "USB-Serial-JTAG of the chip"),) if own_usb else (),
        recovery=ESP32_RECOVERY,
    )


REAL_BOARDS = {
    board.name: board
    for board in (
        RealBoard(
            name="nano33ble",
            title="Arduino Nano 33 BLE",
            engine="tflm",
            sources=("nano33ble/board.cpp",),
            # RAM: what the Arduino core leaves of 256 KiB, its 32 KiB main stack among what it takes.
            budget=Budget("Arduino Nano 33 BLE", flash_bytes=983_040, ram_bytes=(256 - 44) * KIB),
            application=(UsbId(0x2341, 0x805A, "application"),),
            bootloader=(UsbId(0x2341, 0x005A, "bootloader"),),
            wants_dtr=True,
            recovery="press its reset button twice quickly (the orange light then fades in and out), then try again",
        ),
        # RAM: static data may take 160 KiB of the ESP32's 320; on the others, what ESP-IDF's own code and data leave.
        _esp32("esp32", "ESP32", 160 * KIB, own_usb=False),
        _esp32("esp32s3", "ESP32-S3", 256 * KIB, own_usb=True),
        _esp32("esp32c3", "ESP32-C3", 240 * KIB, own_usb=True),
    )
}


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


def candidates(board: RealBoard, ports: Sequence[SerialPort]) -> list[SerialPort]:
    """Those ports that could be the board running a program."""
    return [port for port in ports if port.has(board.application)]


def find_port(board: RealBoard, bootloader_too: bool = False) -> SerialPort:
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
            f"{len(found)} ports could be the {board.title}: {_listed(found)}; name one, e.g. PORT={found[0].device}"
        )
    if waiting:
        raise UserError(
            f"the {board.title} on {waiting[0].device} is in its bootloader and runs no program: "
            f"`make flash BOARD={board.name}` gives it one, pressing its reset button once starts the one it has"
        )
    if other := [port for port in ports if port.has(board.other_socket)]:
        raise UserError(
            f"{other[0]} is the {board.title}'s own USB connector, which this firmware does not use: plug the cable "
            "into the one labelled UART or COM"
        )
    looked_for = ", ".join(map(str, board.application))
    raise UserError(
        f"no port is an {board.title}: looked for USB {looked_for}; ports there are: {_listed(ports) or 'none'}. "
        "Plug it in with a cable that carries data, name its port with PORT=, or run `make doctor`"
    )


def named_port(device: str) -> SerialPort:
    """The port the user named, with what USB knows of it."""
    real = os.path.realpath(device)  # /dev/serial/by-id/... is a link
    for port in scan():
        if port.device in (device, real):
            return replace(port, device=device)
    return SerialPort(device)


def wants_dtr(url: str) -> bool:
    """Whether opening this port has to raise DTR: only on the boards that take it to mean that somebody listens."""
    port = named_port(url)
    return any(board.wants_dtr and port.has(board.application) for board in REAL_BOARDS.values())


def boards_behind(port: SerialPort) -> list[str]:
    """What the port could be, in words; empty when no board of the table has its ids."""
    return [
        f"{board.name}{note}"
        for board in REAL_BOARDS.values()
        for ids, note in (
            (board.application, ""),
            (board.bootloader, " in its bootloader"),
            (board.other_socket, " on its own USB connector, which is the wrong one"),
        )
        if port.has(ids)
    ]


def _listed(ports: Sequence[SerialPort]) -> str:
    return ", ".join(map(str, ports))
