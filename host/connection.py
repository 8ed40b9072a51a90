"""Getting hold of a device: the firmware started on this machine, the board found on USB, or the port the user named.

Refuses a device that does not run exactly the model in question.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from tinyproof import advice
from tinyproof.boards import Board
from tinyproof.console import UserError
from tinyproof.firmware.build import image_path, load_sizes, require_own_image
from tinyproof.host.device import Device, DeviceError
from tinyproof.host.emulators import Emulator, emulator
from tinyproof.host.line.faults import LineSettings
from tinyproof.host.ports import find_port
from tinyproof.host.station import Station
from tinyproof.host.transport import Transport
from tinyproof.installing import require_tools
from tinyproof.manifest import load_manifest

if TYPE_CHECKING:
    from tinyproof.host.line.proxy import Line


def start(model: Path, board: Board) -> AbstractContextManager[Emulator]:
    """The firmware of `board` for `model`, running on this machine."""
    if not board.run:
        raise UserError(f"board {board.name} is a real one: name its port with {advice.setting('port', '...')}")
    require_tools(board)
    image = image_path(model, board)
    if board.sources and not image.is_file():
        load_manifest(model)  # what is missing first
        raise UserError(f"{image} is not there; run `{advice.command('build', board=board.name, model=model)}` first")
    if board.sources:
        require_own_image(model, board)
    places = {"firmware": str(image), "model": str(model)}
    return emulator([word.format(**places) for word in board.run])


@contextmanager
def connect(model: Path, board: Board, port: str | None) -> Iterator[Device]:
    """A device: the one on `port`, the board found on USB, or its firmware started here for as long as the context."""
    with open_station(model, board, port) as station:
        try:
            yield station.device
        except UserError as error:
            raise DeviceError(station.explain(error)) from error


@contextmanager
def open_station(
    model: Path, board: Board, port: str | None, settings: LineSettings | None = None
) -> Iterator[Station]:
    """The device on `port`, the board found on USB, or its firmware started here for as long as the context.

    `settings` put a line between that is slow, bad, or both; only before a device that is started here.
    """
    if port is None and board.is_real:
        port = find_port(board).device
    if port is not None:
        if settings:
            raise UserError(f"{port} is a line of its own: only that of a device started here can be slow or bad")
        # On another machine USB cannot say that the board wants DTR.
        with Transport(port, dtr=board.wants_dtr) as transport:
            yield Station(Device(transport), None, "")
        return
    sizes = load_sizes(model, board.name)
    with (
        _start_behind(model, board, settings) as process,
        Transport(process.port, find=process.find) as transport,
    ):
        device = Device(transport)
        device.exchange.first_answer_s = board.start_s
        yield Station(device, process, sizes.image_sha256 if sizes else "")


def _start_behind(
    model: Path, board: Board, settings: LineSettings | None
) -> AbstractContextManager[Emulator] | AbstractContextManager[Line]:
    if not settings:
        return start(model, board)
    from tinyproof.host.line.proxy import Line  # of pseudo-terminals, which not every system has

    return Line(lambda: start(model, board), settings)
