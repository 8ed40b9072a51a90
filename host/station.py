"""One device of a run: who it is and how it is reached, what it has done so far, and what became of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from rich.progress import TaskID

from tinyproof import advice
from tinyproof.console import UserError
from tinyproof.host.device import Device, DeviceError, count
from tinyproof.host.journal_records import Identity
from tinyproof.host.record.parts import DeviceResult
from tinyproof.line import BAUD
from tinyproof.manifest import Manifest
from tinyproof.protocol import HelloReply

if TYPE_CHECKING:
    from tinyproof.host.emulators import Emulator
    from tinyproof.host.line.proxy import Line


@dataclass
class Progress:
    """What a device has answered in this run; `ticks` of all answers together."""

    bar: TaskID = TaskID(0)
    samples: int = 0
    ticks: int = 0

    def mean_count(self, hello: HelloReply) -> int | None:
        """What one inference took on average, in the counter's unit; None without any."""
        return count(self.ticks / self.samples, hello) if self.samples else None


@dataclass
class Outcome:
    """What became of a device. `ended` says why it stopped before the run did; empty while it has not."""

    reconnects: int = 0
    resets: int = 0
    ended: str = ""


@dataclass
class Station:
    """A device. `firmware_sha256` is of its image, empty where there is none on this machine."""

    device: Device
    emulator: Emulator | Line | None  # where it was started here
    firmware_sha256: str
    hello: HelloReply = field(init=False)  # the newest
    number: int = 0  # of its identity in the journal
    progress: Progress = field(default_factory=Progress)
    outcome: Outcome = field(default_factory=Outcome)

    @property
    def url(self) -> str:
        """Its port."""
        return self.device.exchange.transport.url

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

    def explain(self, error: UserError) -> str:
        """The error, what the device said last, and how the process behind the port ended if it did."""
        said = self.device.exchange.logs[-1:]
        words = f"{error.message}; the device said: {said[0]}" if said else error.message
        if self.emulator is None or self.emulator.running:
            hindrance = self.emulator.hindrance if self.emulator else ""
            return f"{self.url}: {hindrance}" if hindrance else words
        return f"{words} ({self.emulator.last_words()})"

    def greet(self, manifest: Manifest, baud: int = BAUD) -> None:
        """Ask who it is, and have its line work at up to `baud`, where that is a matter of speed.

        Raises DeviceError unless it runs exactly this model, unharmed.
        """
        try:
            self.hello = self.device.exchange.hello()
        except UserError as error:
            raise DeviceError(self.explain(error)) from error
        check_identity(self.hello, manifest, self.url)
        try:
            self.device.exchange.speed_up(self.hello, baud)
        except UserError as error:
            again = f"try again, or with {advice.setting('baud', BAUD)}"
            raise DeviceError(f"{self.explain(error)}; it had answered before: {again}") from error

    def greet_again(self) -> None:
        """Ask what it says of itself after the run: how deep its stack went. It has `ended` where it is gone by now."""
        boot_count = self.hello.boot_count
        if self.outcome.ended:
            return
        try:
            self.hello = self.device.exchange.hello()
        except UserError as error:
            self.outcome.ended = self.explain(error)
        self.outcome.resets += self.hello.boot_count != boot_count

    def reconnect(self, timeout_s: float, was_reset: bool) -> None:
        """Find it again. Raises LineLost when it is not back in time, DeviceError when something else came back."""
        boot_count = self.hello.boot_count  # starts again at 1 where the power was gone
        self.hello = self.device.exchange.reconnect(self.hello, timeout_s)
        self.outcome.reconnects += 1
        self.outcome.resets += was_reset or self.hello.boot_count != boot_count

    def result(self, resumed: int) -> DeviceResult:
        """What it contributed, for the record; `resumed` samples its kind had answered in an interrupted run."""
        hello, exchange = self.hello, self.device.exchange
        return DeviceResult(
            url=self.url,
            board=hello.board,
            engine=hello.engine,
            identity=self.identity.sha256,
            samples=self.progress.samples,
            resumed=resumed,
            counter_unit=hello.counter_unit,
            mean_count=self.progress.mean_count(hello),
            clock_hz=hello.clock_hz,
            self_test_vectors=hello.self_test_vectors,
            self_test_failures=hello.self_test_failures,
            resent=exchange.resent,
            chunks_dropped=exchange.transport.chunks_dropped,
            reconnects=self.outcome.reconnects,
            resets=self.outcome.resets,
            line_bytes_to_device=exchange.transport.bytes_sent,
            line_bytes_from_device=exchange.transport.bytes_received,
            ended=self.outcome.ended,
        )


def check_identity(hello: HelloReply, manifest: Manifest, where: str) -> None:
    """Raise DeviceError unless the device runs exactly this model, unharmed."""
    if hello.fault:
        raise DeviceError(f"{where}: the device cannot run its model: {hello.fault}")
    if hello.model_sha256.hex() != manifest.model_sha256:
        raise DeviceError(
            f"{where}: the device runs model {hello.model_sha256.hex()[:12]}, not {manifest.model_sha256[:12]} of "
            f"{manifest.name}; build and flash this model, or choose the other"
        )
    constants = hello.segments_sha256.hex()
    is_known = manifest.compiled_of(constants) if hello.engine == "compiled" else constants == manifest.model_sha256
    if not is_known:
        raise DeviceError(
            f"{where}: the model's constants in the device's flash are not those exported; flash it again"
        )
    bytes_in, bytes_out = hello.input_bytes, hello.output_bytes
    if (bytes_in, bytes_out) != (manifest.input_bytes, manifest.output_bytes):
        raise DeviceError(f"{where}: the device takes {bytes_in} bytes and gives {bytes_out}; flash it again")
