"""Getting hold of a device: the firmware started on this machine, the board found on USB, or the port the user named.

Refuses a device that does not run exactly the model in question.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import numpy as np

from export.manifest import Manifest
from firmware.boards import Board
from firmware.build import image_path
from firmware.toolchain import require_tools
from host.console import UserError
from host.device import Device, DeviceError
from host.emulators import Emulator, emulator
from host.ports import find_port
from host.protocol import HelloReply
from host.transport import BAUD, Transport


def start(model: Path, board: Board) -> AbstractContextManager[Emulator]:
    """The firmware of `board` for `model`, running on this machine."""
    if not board.run:
        raise UserError(f"board {board.name} is a real one: name its port with PORT=...")
    require_tools(board)
    image = image_path(model, board)
    if board.sources and not image.is_file():
        raise UserError(f"{image} is not there; run `make build BOARD={board.name}` first")
    places = {"firmware": str(image), "model": str(model), "python": sys.executable}
    return emulator([word.format(**places) for word in board.run])


@contextmanager
def connect(model: Path, board: Board, port: str | None, baud: int = BAUD) -> Iterator[Device]:
    """A device: the one on `port`, the board found on USB, or its firmware started here for as long as the context."""
    if port is None and board.application:
        port = find_port(board).device
    if port is not None:
        with Transport(port, baud) as transport:
            yield Device(transport)
        return
    with start(model, board) as process:
        try:
            with Transport(process.port, baud) as transport:
                yield Device(transport)
        except UserError as error:
            if process.running:
                raise
            raise DeviceError(f"{error} ({process.last_words()})") from error


def check_identity(hello: HelloReply, manifest: Manifest, where: str) -> None:
    """Raise DeviceError unless the device runs exactly this model, unharmed."""
    if hello.fault:
        raise DeviceError(f"{where}: the device cannot run its model: {hello.fault}")
    if hello.model_sha256.hex() != manifest.model_sha256:
        raise DeviceError(
            f"{where}: the device runs model {hello.model_sha256.hex()[:12]}, not {manifest.model_sha256[:12]} of "
            f"{manifest.name}; build and flash this model, or choose the other"
        )
    constants = manifest.segments_sha256 if hello.engine == "compiled" else manifest.model_sha256
    if hello.segments_sha256.hex() != constants:
        raise DeviceError(
            f"{where}: the model's constants in the device's flash are not those exported; flash it again"
        )
    bytes_in = sum(int(np.prod(tensor.shape)) for tensor in hello.inputs)
    bytes_out = sum(int(np.prod(tensor.shape)) for tensor in hello.outputs)
    if (bytes_in, bytes_out) != (manifest.input_bytes, manifest.output_bytes):
        raise DeviceError(f"{where}: the device takes {bytes_in} bytes and gives {bytes_out}; flash it again")
