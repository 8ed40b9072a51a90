"""`python -m host.bench`: what an inference costs on the emulated chip, and how fast images go through the pipeline.

Instructions are counted by the emulator and repeat exactly; seconds depend on this computer and are there to be
compared with each other. Writes build/bench.json. The models are those of the data set that needs no download.
"""

from __future__ import annotations

import json
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from export.manifest import TFLITE_FILE, load_manifest
from firmware.boards import find_board
from firmware.build import build
from host.bench_link import measure_links, print_links
from host.connection import connect
from host.console import UserError, console, progress_bar, table, write_atomically
from host.device import mean_count
from host.interpreters import golden_interpreter
from host.samples import load_samples

BUILD = Path("build")
BENCH_FILE = BUILD / "bench.json"
MODELS = {"cnn_small": "digits_small", "cnn_course": "digits_course"}
INFERENCES = 20  # the mean of their instructions is reported
STREAMED = (("qemu", 10_000), ("qemu-uart", 300), ("host", 10_000), ("interpreter", 2_000))

# TensorFlow Lite Micro with CMSIS-NN on the same emulated chip and compiler (arm-none-eabi-gcc 12.2.1): the fewest
# instructions of 15 build settings, its arena, and its flash without the model.
TFLM_CMSIS_NN = {
    "cnn_small": {"instructions": 2_335_204, "ram_bytes": 15_892, "code_bytes": 46_756},
    "cnn_course": {"instructions": 11_294_792, "ram_bytes": 57_604, "code_bytes": 46_756},
}


@dataclass(frozen=True)
class InferenceCost:
    """One model on one board. ram: activations and scratch; code: text and constants of the whole firmware, without the
    model's weights and the self-test's golden vectors.
    """

    model: str
    board: str
    engine: str
    macs: int
    instructions: int
    ram_bytes: int
    code_bytes: int
    weight_bytes: int


@dataclass(frozen=True)
class PipelineSpeed:
    """Samples streamed through a device, or through an interpreter in this process (`board` is None)."""

    what: str
    model: str
    board: str | None
    samples: int
    seconds: float
    line_bytes_per_payload_byte: float | None


def measure_inference(name: str, board_name: str = "qemu") -> InferenceCost:
    """Instructions and memory of one inference, the mean over INFERENCES test images."""
    model = BUILD / MODELS[name]
    board = find_board(board_name)
    manifest = load_manifest(model)
    sizes = build(model, board)
    inputs = [row.tobytes() for row in load_samples(model, manifest, INFERENCES).inputs]
    with connect(model, board, None) as device:
        hello = device.hello()
        instructions = mean_count(list(device.infer(inputs, hello)), hello)
    assert instructions is not None  # there are test images
    return InferenceCost(
        model=name,
        board=board_name,
        engine=hello.engine,
        macs=manifest.macs,
        instructions=instructions,
        ram_bytes=hello.arena_bytes,
        code_bytes=sizes.code_bytes,
        weight_bytes=sizes.weight_bytes,
    )


def measure_stream(name: str, board_name: str, count: int) -> PipelineSpeed:
    """Seconds for `count` images, the test split over and over, from the first request to the last reply."""
    model = BUILD / MODELS[name]
    board = find_board(board_name)
    if board.sources:
        build(model, board)
    manifest = load_manifest(model)
    rows = np.resize(load_samples(model, manifest).inputs, (count, manifest.input_bytes))
    with connect(model, board, None) as device, progress_bar() as progress:
        hello = device.hello()
        task = progress.add_task(f"{name} on {board_name}", total=count)
        before = device.transport.bytes_sent + device.transport.bytes_received
        started = time.monotonic()
        for _ in device.infer([row.tobytes() for row in rows], hello):
            progress.advance(task)
        seconds = time.monotonic() - started
        line_bytes = device.transport.bytes_sent + device.transport.bytes_received - before
    payload = count * (manifest.input_bytes + manifest.output_bytes)
    return PipelineSpeed("stream", name, board_name, count, round(seconds, 2), round(line_bytes / payload, 4))


def measure_golden(name: str, count: int) -> PipelineSpeed:
    """Seconds for the golden interpreter to compute `count` images in this process."""
    model = BUILD / MODELS[name]
    manifest = load_manifest(model)
    golden = golden_interpreter((model / TFLITE_FILE).read_bytes())
    if golden is None:
        raise UserError("no golden interpreter on this platform: tflite-micro exists for Linux on x86-64 only")
    rows = np.resize(load_samples(model, manifest).inputs, (count, manifest.input_bytes))
    started = time.monotonic()
    for row in rows:
        golden.run_bytes(row.tobytes())
    return PipelineSpeed("golden", name, None, count, round(time.monotonic() - started, 2), None)


def main() -> None:
    """Measure everything, print it, and write build/bench.json."""
    inference = [measure_inference(name) for name in MODELS]
    pipeline = [measure_stream("cnn_small", board, count) for board, count in STREAMED]
    pipeline.append(measure_golden("cnn_small", 2_000))
    links = measure_links(BUILD)
    result = {
        "inference": [asdict(cost) for cost in inference],
        "pipeline": [asdict(speed) for speed in pipeline],
        "link": [asdict(use) for use in links],
    }
    write_atomically(BENCH_FILE, json.dumps(result, indent=2) + "\n")
    _print_inference(inference)
    _print_pipeline(pipeline)
    print_links(links)
    console.print(f"written to {BENCH_FILE}")


def _print_inference(costs: list[InferenceCost]) -> None:
    rows = table("One inference on the emulated Cortex-M4F", "model", "", "this", "TFLM + CMSIS-NN", "ratio")
    for cost in costs:
        for what in ("instructions", "ram_bytes", "code_bytes"):
            ours, theirs = getattr(cost, what), TFLM_CMSIS_NN[cost.model][what]
            rows.add_row(cost.model, what, f"{ours:,}", f"{theirs:,}", f"{ours / theirs:.2f}")
        rows.add_row(cost.model, "instructions per MAC", f"{cost.instructions / cost.macs:.2f}", "", "")
    console.print(rows)


def _print_pipeline(speeds: list[PipelineSpeed]) -> None:
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


if __name__ == "__main__":
    main()
