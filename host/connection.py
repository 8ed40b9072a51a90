"""Getting hold of a device: the firmware started on this machine, the board found on USB, or the port the user named.

Refuses a device that does not run exactly the model in question.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from rich.progress import TaskID

from tinyproof import advice
from tinyproof.boards import Board
from tinyproof.console import UserError
from tinyproof.firmware.build import image_path, load_sizes
from tinyproof.host.device import Device, DeviceError, count
from tinyproof.host.emulators import Emulator, emulator
from tinyproof.host.journal import Identity
from tinyproof.host.line.faults import LineSettings
from tinyproof.host.ports import find_port
from tinyproof.host.transport import Transport
from tinyproof.installing import require_tools
from tinyproof.line import BAUD
from tinyproof.manifest import Manifest, load_manifest
from tinyproof.protocol import HelloReply

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


@dataclass
class Station:
    """One device of a run: how to reach it, who it said it is, and what became of it.

    `ended` says why it stopped before the run did; empty while it has not.
    """

    device: Device
    emulator: Emulator | Line | None  # where it was started here
    firmware_sha256: str  # of its image; empty where there is none on this machine
    hello: HelloReply = field(init=False)  # the newest
    number: int = 0  # of its identity in the journal
    bar: TaskID = TaskID(0)  # of its progress
    samples: int = 0  # answered in this run
    ticks: int = 0  # of those, together
    reconnects: int = 0
    resets: int = 0
    ended: str = ""

    @property
    def url(self) -> str:
        """Its port."""
        return self.device.transport.url

    @property
    def name(self) -> str:
        """For humans."""
        return f"{self.hello.board} on {self.url}"

    @property
    def identity(self) -> Identity:
        """What decides its answers."""
        hello = self.hello
        return Identity(
            board=hello.board,
            engine=hello.engine,
            constants_sha256=hello.segments_sha256.hex(),
            firmware_sha256=self.firmware_sha256,
            counter_unit=hello.counter_unit,
            counter_numerator=hello.counter_numerator,
            counter_denominator=hello.counter_denominator,
        )

    @property
    def can_come_back(self) -> bool:
        """Whether waiting for it makes sense: a process that ended stays ended."""
        return self.emulator is None or self.emulator.running

    @property
    def mean_count(self) -> int | None:
        """What one inference took on average in this run, in the counter's unit; None without any."""
        return count(self.ticks / self.samples, self.hello) if self.samples else None

    def explain(self, error: UserError) -> str:
        """The error, and how the process behind the port ended if it did."""
        if self.emulator is None or self.emulator.running:
            return error.message
        return f"{error} ({self.emulator.last_words()})"

    def greet(self, manifest: Manifest, baud: int = BAUD) -> None:
        """Ask who it is, and have its line work at up to `baud`, where that is a matter of speed.

        Raises DeviceError unless it runs exactly this model, unharmed.
        """
        try:
            self.hello = self.device.hello()
        except UserError as error:
            raise DeviceError(self.explain(error)) from error
        check_identity(self.hello, manifest, self.url)
        self.device.speed_up(self.hello, baud)

    def greet_again(self) -> None:
        """Ask what it says of itself after the run: how deep its stack went. `ended` where it is gone by now."""
        boot_count = self.hello.boot_count
        if self.ended:
            return
        try:
            self.hello = self.device.hello()
        except UserError as error:
            self.ended = self.explain(error)
        self.resets += self.hello.boot_count != boot_count

    def reconnect(self, timeout_s: float, was_reset: bool) -> None:
        """Find it again. Raises LineLost when it is not back in time, DeviceError when something else came back."""
        boot_count = self.hello.boot_count  # starts again at 1 where the power was gone
        self.hello = self.device.reconnect(self.hello, timeout_s)
        self.reconnects += 1
        self.resets += was_reset or self.hello.boot_count != boot_count


@contextmanager
def open_station(
    model: Path, board: Board, port: str | None, settings: LineSettings | None = None
) -> Iterator[Station]:
    """The device on `port`, the board found on USB, or its firmware started here for as long as the context.

    `settings` put a line between that is slow, bad, or both; only before a device that is started here.
    """
    if port is None and board.application:
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
        yield Station(Device(transport), process, sizes.image_sha256 if sizes else "")


def _start_behind(
    model: Path, board: Board, settings: LineSettings | None
) -> AbstractContextManager[Emulator] | AbstractContextManager[Line]:
    if not settings:
        return start(model, board)
    from tinyproof.host.line.proxy import Line  # of pseudo-terminals, which not every system has

    return Line(lambda: start(model, board), settings)


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
