"""Very many inferences over one bad line: every answer right, and the memory of host and device as at the start.

`python tests/test_soak.py COUNT [SEED]` runs as many as you like and says what came of it.
"""

from __future__ import annotations

import random
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tinyproof.boards import BOARDS
from tinyproof.export.emit import export_model, write_export
from tinyproof.firmware.build import build
from tinyproof.firmware.fuzz import small_model
from tinyproof.host.connection import start
from tinyproof.host.device import Device
from tinyproof.host.fuzz import PATIENCE, clean_outputs, input_bytes
from tinyproof.host.line.faults import FAULTS, Faults, LineSettings
from tinyproof.host.line.proxy import Line
from tinyproof.host.transport import Transport

HOST = BOARDS["host"]
COUNT = 10_000
DIFFERENT = 256  # inputs; they come round and round
EVERY_BYTES = 20_000  # between two faults
KINDS = tuple(kind for kind in FAULTS if kind not in ("reset", "vanish"))  # one device, from beginning to end
PARTS = 10
GROWTH_BYTES = 4 << 20  # after the first part: what Python's own allocator may take for its pieces


@dataclass(frozen=True)
class Soaked:
    """What came of it. Resident memory in bytes of this process and of the device's, after each part."""

    wrong: int
    seconds: float
    host_bytes: list[int]
    device_bytes: list[int]
    resent: int
    faults: dict[str, int]


def soak(folder: Path, count: int, seed: int) -> Soaked:
    """So many inferences of a very small model in the firmware as a process, over a line with faults."""
    content = small_model()
    write_export(folder, content, export_model(content, "small.tflite", folder.name, (), None))
    build(folder, HOST)
    generator = random.Random(seed)
    inputs = [generator.randbytes(input_bytes(folder)) for _ in range(DIFFERENT)]
    right = clean_outputs(folder, HOST.name, inputs)
    faults = Faults(seed, KINDS, EVERY_BYTES, pause_s=0.05)
    wrong = done = 0
    host, device = [], []
    started = time.monotonic()
    with (
        Line(lambda: start(folder, HOST), LineSettings(None, faults)) as line,
        Transport(line.port, find=line.find) as transport,
    ):
        link = Device(transport, PATIENCE)
        process = line.device.process.pid
        for inference in link.infer(endless(inputs, count), link.hello()):
            wrong += inference.index != done or inference.output != right[done % DIFFERENT]
            done += 1
            if done * PARTS // count > len(host):
                host.append(resident("self"))
                device.append(resident(process))
        assert line.device.process.pid == process
    assert done == count
    return Soaked(wrong, time.monotonic() - started, host, device, link.exchange.resent, line.faults_done)


def endless(inputs: list[bytes], count: int) -> Iterator[bytes]:
    return (inputs[number % len(inputs)] for number in range(count))


def resident(process: int | str) -> int:
    """Bytes of memory that a process has in use."""
    return int(Path(f"/proc/{process}/statm").read_text().split()[1]) * 4096


def test_many_inferences_over_a_bad_line_are_right_and_take_no_more_memory_than_few(tmp_path):
    soaked = soak(tmp_path / "small", COUNT, 0)
    assert soaked.wrong == 0
    assert len(soaked.faults) >= 3 and soaked.resent > 0, soaked
    assert soaked.device_bytes[-1] == soaked.device_bytes[0]
    assert soaked.host_bytes[-1] - soaked.host_bytes[0] < GROWTH_BYTES


def main() -> None:
    """As many as asked for, in words."""
    count, seed = int(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 0
    with tempfile.TemporaryDirectory() as folder:
        soaked = soak(Path(folder) / "small", count, seed)
    kib = [[value // 1024 for value in values] for values in (soaked.host_bytes, soaked.device_bytes)]
    print(f"{count:,} inferences in {soaked.seconds:.0f} s, {soaked.wrong} wrong, {soaked.resent:,} sent again")
    print(f"{sum(soaked.faults.values()):,} faults: {soaked.faults}")
    print(f"resident KiB after each tenth: host {kib[0]}, device {kib[1]}")
    sys.exit(bool(soaked.wrong))


if __name__ == "__main__":
    main()
