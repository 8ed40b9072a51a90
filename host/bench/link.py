"""How well a line is used that is really as slow as its baud rate: the part of `make bench` about the link.

Payload are the tensors: what an inference takes and gives. Everything else on the line is the protocol's. The device is
the firmware as a process behind host/line/proxy.py, which paces both directions byte by byte.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tinyproof.boards import find_board
from tinyproof.console import console, progress_bar, table
from tinyproof.firmware.build import build
from tinyproof.host.connection import start
from tinyproof.host.device import Device
from tinyproof.host.line.faults import LineSettings
from tinyproof.host.line.proxy import BITS_PER_BYTE, Line
from tinyproof.host.samples import load_samples
from tinyproof.host.transport import Transport
from tinyproof.manifest import load_manifest

# Bytes on the line per payload byte, counted in the sources of the test tools of others, which all stop and wait.
PEERS = {
    "ST X-CUBE-AI": "1.07",
    "TensorFlow's test_over_serial": "1.63",
    "MLPerf Tiny": "2.44 to 2.51",
    "Edge Impulse": "6.9",
}
# Board, model, baud, images: two where the line is the bottleneck, then one where the device is.
RUNS = 3
STREAMS = (
    ("host", "digits_small", 115_200, 200),
    ("host", "digits_small", 921_600, 1_000),
    ("host-checked", "digits_course", 4_000_000, 1_000),
)


@dataclass(frozen=True)
class LinkUse:
    """One stream. `payload_share`: input bytes as a part of what the line could have carried in that time.

    `device_idle`: the part of the time in which the device's process waited for input; waiting for a CPU is not that.
    """

    board: str
    model: str
    baud: int
    images: int
    seconds: float
    payload_share: float
    line_bytes_per_payload_byte: float
    device_idle: float
    resent: int


def measure_link(board_name: str, model: Path, baud: int, images: int) -> LinkUse:
    """Stream the test images, over and over, through a device behind a line of that speed."""
    board = find_board(board_name)
    build(model, board)
    manifest = load_manifest(model)
    rows = np.resize(load_samples(model, manifest).inputs, (images, manifest.input_bytes))
    inputs = [row.tobytes() for row in rows]
    with (
        _first_in_line(),
        Line(lambda: start(model, board), LineSettings(baud)) as line,
        Transport(line.port) as transport,
    ):
        device = Device(transport)
        hello = device.hello()
        device.speed_up(hello, baud)
        sent = transport.bytes_sent + transport.bytes_received
        with progress_bar() as progress:
            task = progress.add_task(f"{model.name} on {board_name}, {baud} baud", total=images)
            busy_ns = _busy_ns(line.device.process.pid)
            started = time.monotonic()
            for _ in device.infer(inputs, hello):
                progress.advance(task)
            seconds = time.monotonic() - started
            busy_ns = _busy_ns(line.device.process.pid) - busy_ns
        line_bytes = transport.bytes_sent + transport.bytes_received - sent
    return LinkUse(
        board=board_name,
        model=model.name,
        baud=baud,
        images=images,
        seconds=round(seconds, 2),
        payload_share=round(images * manifest.input_bytes * BITS_PER_BYTE / (baud * seconds), 4),
        line_bytes_per_payload_byte=round(line_bytes / (images * (manifest.input_bytes + manifest.output_bytes)), 4),
        device_idle=round(1 - busy_ns / 1e9 / seconds, 4),
        resent=device.exchange.resent,
    )


@contextmanager
def _first_in_line() -> Iterator[None]:
    """Let this thread, and the threads and processes it starts, run before those of other programs, where we may.

    A UART does not wait for a busy computer; the line that stands for it should not either.
    """
    before = os.sched_getscheduler(0), os.sched_getparam(0)
    with contextlib.suppress(PermissionError):
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))
    try:
        yield
    finally:
        os.sched_setscheduler(0, *before)


def _busy_ns(process: int) -> int:
    """Nanoseconds in which a process ran or waited for a CPU (Linux: Documentation/scheduler/sched-stats.rst)."""
    ran, waited, _ = Path(f"/proc/{process}/schedstat").read_text(encoding="utf-8").split()
    return int(ran) + int(waited)


def measure_links(build_folder: Path) -> list[LinkUse]:
    """Every stream of the table above; the best of some runs, since other programs only ever make one slower."""
    return [
        max(
            (measure_link(board, build_folder / model, baud, images) for _ in range(RUNS)),
            key=lambda use: use.payload_share,
        )
        for board, model, baud, images in STREAMS
    ]


def print_links(uses: list[LinkUse]) -> None:
    """The streams, and beside them what the tools of others put on the line."""
    rows = table("Streaming over a throttled line", "", "baud", "images/s", "payload", "line/payload", "device idle")
    for use in uses:
        rows.add_row(
            f"{use.model} on {use.board}",
            f"{use.baud:,}",
            f"{use.images / use.seconds:,.1f}",
            f"{use.payload_share:.1%}",
            f"{use.line_bytes_per_payload_byte:.3f}",
            f"{use.device_idle:.1%}",
        )
    rows.add_section()
    for peer, ratio in PEERS.items():
        rows.add_row(peer, "", "", "", ratio, "")
    console.print(rows)
