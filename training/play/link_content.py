"""What the device room is told: the layouts of the protocol's messages, and the boards there are, from their tables."""

from __future__ import annotations

from dataclasses import dataclass

from tinyproof.boards import BOARDS
from tinyproof.line import BAUD
from tinyproof.protocol import ErrorReply, Hello, HelloReply, Infer, InferReply, wire_fields

SPOKEN = (Hello, HelloReply, Infer, InferReply, ErrorReply)


@dataclass(frozen=True)
class Layout:
    """A message: its number, and the name and kind of each field."""

    id: int
    fields: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class UsbBoard:
    """A board as the browser sees it: USB vendor and product, and whether it talks only while DTR is high."""

    vendor: int
    product: int
    dtr: bool


@dataclass(frozen=True)
class LinkContent:
    """Everything about the room. `live` is the path of the device behind the page's own server, "" without one."""

    live: str
    baud: int
    protocol: dict[str, Layout]
    boards: tuple[UsbBoard, ...]


def link_content(live: str) -> LinkContent:
    """The room as the page gets it."""
    return LinkContent(
        live=live,
        baud=BAUD,
        protocol={
            message.__name__: Layout(message.ID, tuple((name, kind) for name, kind, _ in wire_fields(message)))
            for message in SPOKEN
        },
        boards=tuple(
            UsbBoard(usb.vendor, usb.product, board.wants_dtr) for board in BOARDS.values() for usb in board.application
        ),
    )
