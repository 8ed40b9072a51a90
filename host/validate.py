"""Streams the test samples through a device and holds every output byte against the golden.

Refuses to compare when the device runs another model than the folder's, or computes with damaged constants.
"""

from __future__ import annotations

import platform
import time
from importlib.metadata import version
from pathlib import Path

import numpy as np

from export.manifest import TFLITE_FILE, Manifest, load_manifest
from firmware.boards import BOARDS, Board
from firmware.build import load_sizes
from host.connection import check_identity, connect
from host.console import console, progress_bar
from host.device import Device, DeviceError, Inference, mean_count
from host.examples import choose_examples
from host.expected import Expected, expected_outputs
from host.findings import accuracy, find_differences
from host.protocol import HelloReply
from host.report import Accuracy, Report
from host.samples import Samples, load_samples
from host.transport import BAUD, LineLost, Transport
from training.files import TRAINING_FILE, load_record


def validate(model: Path, board: Board, port: str | None = None, limit: int | None = None, baud: int = BAUD) -> Report:
    """Validate `limit` samples (all by default). Raises UserError when no comparison is possible."""
    manifest = load_manifest(model)
    tflite = (model / TFLITE_FILE).read_bytes()
    samples = load_samples(model, manifest, limit)
    started = time.monotonic()
    with connect(model, board, port, baud) as device:
        hello = device.hello()
        check_identity(hello, manifest, device.transport.url)
        if board.application and hello.board != board.name:
            raise DeviceError(f"{device.transport.url}: a {hello.board} answered, not a {board.name}; name its port")
        console.print(
            f"Device on {device.transport.url}: {hello.board}, {hello.engine}, "
            f"model {hello.model_sha256.hex()[:12]}, self-test {hello.self_test_vectors - hello.self_test_failures} of "
            f"{hello.self_test_vectors} passed"
        )
        expected = expected_outputs(model, tflite, manifest.model_sha256, samples)
        inferences = _stream(device, hello, samples)
        last = device.hello()
        if last.boot_count != hello.boot_count:
            raise DeviceError(f"{device.transport.url}: the device was reset during the run; run again")
        lines = device.logs
        transport = device.transport
    for line in lines:
        console.print(f"device: {line}")
    return _report(
        model, manifest, samples, expected, inferences, last, device.resent, transport, time.monotonic() - started
    )


def _stream(device: Device, hello: HelloReply, samples: Samples) -> list[Inference]:
    inputs = [row.tobytes() for row in samples.inputs]
    inferences = []
    try:
        with progress_bar() as progress:
            task = progress.add_task(f"Device: {hello.board}", total=len(inputs))
            for inference in device.infer(inputs, hello):
                inferences.append(inference)
                progress.advance(task)
    except LineLost as error:
        raise DeviceError(f"{error} after {len(inferences):,} of {len(inputs):,} samples") from error
    return inferences


def _report(
    model: Path,
    manifest: Manifest,
    samples: Samples,
    expected: Expected,
    inferences: list[Inference],
    hello: HelloReply,
    resent: int,
    transport: Transport,
    seconds: float,
) -> Report:
    outputs = np.frombuffer(b"".join(inference.output for inference in inferences), np.int8)
    outputs = outputs.reshape(expected.golden.shape)
    differs = outputs != expected.golden
    per_inference = mean_count(inferences, hello)
    # The float model was measured on the whole test split, so a part of it has nothing to be compared with.
    trained = (model / TRAINING_FILE).is_file() and samples.is_whole
    accuracy_float = load_record(model / TRAINING_FILE).accuracy_float if trained else None
    sizes = load_sizes(model, hello.board) if hello.board in BOARDS else None
    return Report(
        model=manifest.name,
        model_sha256=manifest.model_sha256,
        board=hello.board,
        engine=hello.engine,
        golden=expected.golden_name,
        golden_is_bit_exact=expected.bit_exact,
        interpreter=expected.default_name,
        samples=len(inferences),
        samples_source=samples.source,
        samples_sha256=samples.sha256,
        bytes_compared=outputs.size,
        bytes_different=int(differs.sum()),
        samples_different=int(differs.any(axis=1).sum()),
        accuracy=Accuracy(
            accuracy_float, accuracy(expected.default, samples.labels), accuracy(outputs, samples.labels)
        ),
        samples_equal_to_interpreter=int((outputs == expected.default).all(axis=1).sum()),
        classes_equal_to_interpreter=int((outputs.argmax(axis=1) == expected.default.argmax(axis=1)).sum()),
        instructions_per_inference=per_inference if hello.counter_unit == "instructions" else None,
        nanoseconds_per_inference=per_inference if hello.counter_unit == "nanoseconds" else None,
        cycles_per_inference=per_inference if hello.counter_unit == "cycles" else None,
        clock_hz=hello.clock_hz,
        flash_bytes=sizes.flash_bytes if sizes else None,
        ram_bytes=sizes.ram_bytes if sizes else None,
        arena_bytes=hello.arena_bytes,
        arena_reserved_bytes=manifest.tflm_arena_bytes if hello.engine == "tflm" else None,
        stack_used_bytes=hello.stack_used_bytes,
        self_test_vectors=hello.self_test_vectors,
        self_test_failures=hello.self_test_failures,
        requests_resent=resent,
        chunks_dropped=transport.chunks_dropped,
        line_bytes_to_device=transport.bytes_sent,
        line_bytes_from_device=transport.bytes_received,
        seconds=round(seconds, 2),
        versions={"tinyproof": version("tinyproof"), "python": platform.python_version(), "numpy": np.__version__},
        differences=find_differences(expected.golden, outputs),
        examples=choose_examples(expected.golden, expected.default, outputs, samples.labels),
    )
