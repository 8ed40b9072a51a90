"""Coverage-guided fuzzing of the firmware: frame decoder, dispatcher and engine, under libFuzzer and sanitizers.

The target is boards/fuzz/board.c around a very small model, so that the fuzzer's time goes into the protocol. It starts
from one input for every message of the protocol and from the committed corpus, which it made itself; what it finds on
top of them stays in the build folder. The same target in a plain loop (boards/fuzz/loop.c) watches no coverage and
plays many times as many requests.
"""

from __future__ import annotations

import re
import struct
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tinyproof.boards import Board
from tinyproof.console import UserError
from tinyproof.export.emit import export_model, write_export
from tinyproof.export.tflite_writer import ModelBuilder
from tinyproof.firmware.build import FIRMWARE, build, image_path
from tinyproof.firmware.fuzz_boards import FUZZ
from tinyproof.protocol import MESSAGES, SCALAR_FORMATS, wire_fields

CORPUS = FIRMWARE / "boards" / "fuzz" / "corpus"
INPUT_LIMIT_BYTES = 1024
ONE_INPUT_S = 60  # an input takes milliseconds; one that takes longer than this, on a busy machine too, is a hang
SCALAR_BYTES = {kind: struct.calcsize(layout) for kind, layout in SCALAR_FORMATS.items()}
HELLO_NEW, RUN, FRAME = 2, 3, 1  # kinds of pieces, as boards/fuzz/board.c has them


@dataclass(frozen=True)
class Fuzzed:
    """What a run of the fuzzer did. `crash` is the file that shows the finding again; None where there is none."""

    executions: int
    coverage: int  # edges of the program
    crash: Path | None
    words: str


@dataclass(frozen=True)
class Played:
    """What a run of the loop did: requests, and how often the device sent which message. `words` where it broke."""

    requests: int
    answers: dict[str, int]
    words: str


def build_target(folder: Path, target: Board = FUZZ) -> Path:
    """The fuzz target around a small model, built below `folder`."""
    content = small_model()
    write_export(folder, content, export_model(content, "small.tflite", "small", (), None))
    build(folder, target)
    return image_path(folder, target)


def small_model() -> bytes:
    """A `.tflite` that computes two tensors from 16 input bytes."""
    generator = np.random.default_rng(0)
    b = ModelBuilder()
    x = b.tensor((1, 4, 4, 1))
    pooled = b.tensor((1, 2, 2, 1))
    flat = b.tensor((1, 4))
    y = b.tensor((1, 3))
    weights = b.constant(generator.integers(-127, 128, (3, 4)).astype(np.int8), (0.01,))
    bias = b.constant(np.zeros(3, np.int32), (0.01,))
    b.max_pool2d(x, pooled, kernel=(2, 2), stride=(2, 2))
    b.reshape(pooled, flat)
    b.dense([flat, weights, bias], y)
    return b.build([x], [y])


def seeds() -> Iterator[bytes]:
    """For every message of the protocol an input for each of its fields at its limit, the others being 1."""
    pieces = []
    for message in MESSAGES:
        sizes = [SCALAR_BYTES[kind] for _, kind, _ in wire_fields(message) if kind in SCALAR_BYTES]
        for limit in range(len(sizes) + 1):
            head = b"".join(
                b"\xff" * size if field == limit else b"\1" + bytes(size - 1) for field, size in enumerate(sizes)
            )
            pieces += [_piece(RUN, bytes([message.ID, 1]) + head), _piece(FRAME, bytes([message.ID, 1, 0]) + head)]
    yield from (b"\xff" + piece for piece in pieces)
    yield b"\x07" + b"".join(pieces[::3]) + _piece(HELLO_NEW, b"\1\2\3\4") + b"".join(pieces[1::3])


def _piece(kind: int, data: bytes) -> bytes:
    return bytes([kind, len(data)]) + data


def fuzz(target: Path, seconds: int) -> Fuzzed:
    """Run the fuzzer for `seconds`, from the seeds, the committed corpus and what earlier runs found.

    With 0 seconds it only runs what is there.
    """
    found = target.parent / "corpus"
    found.mkdir(exist_ok=True)
    crashes = target.parent.resolve() / "found-"
    limit = f"-max_total_time={seconds}" if seconds else "-runs=0"
    with tempfile.TemporaryDirectory() as folder:
        for number, seed in enumerate(seeds()):
            (Path(folder) / f"seed-{number:02}").write_bytes(seed)
        result = subprocess.run(
            [
                *(str(target.resolve()), limit, f"-max_len={INPUT_LIMIT_BYTES}", f"-timeout={ONE_INPUT_S}"),
                *(f"-artifact_prefix={crashes}", str(found), str(CORPUS), folder),
            ],
            capture_output=True,
            text=True,
            errors="replace",
        )
    crash = re.search(r"Test unit written to (.+)", result.stderr)
    words = result.stderr.strip()[-3000:]
    if result.returncode and not crash:
        raise UserError(f"the fuzzer failed:\n{words}")
    return Fuzzed(
        executions=_last_number(r"#(\d+)", result.stderr),
        coverage=_last_number(r"cov: (\d+)", result.stderr),
        crash=Path(crash[1]) if crash else None,
        words=words,
    )


def play(target: Path, requests: int, first: int = 0) -> Played:
    """Have the loop play so many random requests, from the input `first` on; the same ones for the same numbers."""
    result = subprocess.run(
        [str(target.resolve()), str(first), str(requests)], capture_output=True, text=True, errors="replace"
    )
    if result.returncode:
        return Played(0, {}, result.stderr.strip()[-3000:] or f"it ended with status {result.returncode}")
    played, *lines = result.stdout.splitlines()
    answers = {int(message): int(number) for message, number in map(str.split, lines)}
    return Played(
        int(played), {message.__name__: answers.get(message.ID, 0) for message in MESSAGES if message.ID >= 0x80}, ""
    )


def _last_number(pattern: str, text: str) -> int:
    numbers = re.findall(pattern, text)
    return int(numbers[-1]) if numbers else 0
