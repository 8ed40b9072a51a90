"""How fast images go through the pipeline. Seconds depend on this computer, and are there to be compared."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tinyproof.boards import find_board
from tinyproof.console import UserError, console, progress_bar, table
from tinyproof.firmware.build import build
from tinyproof.host.bench.inference import (
    BUILD,
    TRAINED,
)
from tinyproof.host.connection import connect
from tinyproof.host.interpreters import golden_interpreter
from tinyproof.host.samples import load_samples
from tinyproof.manifest import TFLITE_FILE, load_manifest

STREAMED = (("qemu", 10_000), ("qemu-uart", 300), ("host", 10_000), ("interpreter", 2_000))


@dataclass(frozen=True)
class PipelineSpeed:
    """Samples streamed through a device, or through an interpreter in this process (`board` is None)."""

    what: str
    model: str
    board: str | None
    samples: int
    seconds: float
    line_bytes_per_payload_byte: float | None


def measure_stream(name: str, board_name: str, count: int) -> PipelineSpeed:
    """Seconds for `count` images, the test split over and over, from the first request to the last reply."""
    model = BUILD / TRAINED[name]
    board = find_board(board_name)
    if board.sources:
        build(model, board)
    manifest = load_manifest(model)
    rows = np.resize(load_samples(model, manifest).inputs, (count, manifest.input_bytes))
    with connect(model, board, None) as device, progress_bar() as progress:
        hello = device.hello()
        task = progress.add_task(f"{name} on {board_name}", total=count)
        before = device.exchange.transport.bytes_sent + device.exchange.transport.bytes_received
        started = time.monotonic()
        for _ in device.infer([row.tobytes() for row in rows], hello):
            progress.advance(task)
        seconds = time.monotonic() - started
        line_bytes = device.exchange.transport.bytes_sent + device.exchange.transport.bytes_received - before
    payload = count * (manifest.input_bytes + manifest.output_bytes)
    return PipelineSpeed("stream", name, board_name, count, round(seconds, 2), round(line_bytes / payload, 4))


def measure_golden(name: str, count: int) -> PipelineSpeed:
    """Seconds for the golden interpreter to compute `count` images in this process."""
    model = BUILD / TRAINED[name]
    manifest = load_manifest(model)
    golden = golden_interpreter((model / TFLITE_FILE).read_bytes())
    if golden is None:
        raise UserError("no golden interpreter on this platform: tflite-micro exists for Linux on x86-64 only")
    rows = np.resize(load_samples(model, manifest).inputs, (count, manifest.input_bytes))
    started = time.monotonic()
    for row in rows:
        golden.run_bytes(row.tobytes())
    return PipelineSpeed("golden", name, None, count, round(time.monotonic() - started, 2), None)


def print_pipeline(speeds: Sequence[PipelineSpeed]) -> None:
    """A row for each."""
    rows = table("Test images through the pipeline", "", "images", "seconds", "images/s", "line/payload")
    for speed in speeds:
        ratio = speed.line_bytes_per_payload_byte
        rows.add_row(
            f"{speed.what}, {speed.model}" + (f" on {speed.board}" if speed.board else ""),
            f"{speed.samples:,}",
            f"{speed.seconds:.1f}",
            f"{speed.samples / speed.seconds:,.0f}",
            "" if ratio is None else f"{ratio:.3f}",
        )
    console.print(rows)
