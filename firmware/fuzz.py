"""Coverage-guided fuzzing of the firmware: frame decoder, dispatcher and engine, under libFuzzer and sanitizers.

The target is boards/fuzz/board.c around the smallest model, so that the fuzzer's time goes into the protocol. It starts
from the committed corpus below boards/fuzz/corpus, which it made itself; what it
finds on top stays in the build folder.
"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from export.emit import export_model, write_export
from export.tflite_writer import ModelBuilder
from firmware.boards import WARNINGS, Board, Compiler, Tool
from firmware.build import FIRMWARE, build, image_path
from host.console import UserError
from host.protocol import MESSAGES, SCALAR_FORMATS, wire_fields

CORPUS = FIRMWARE / "boards" / "fuzz" / "corpus"
INPUT_LIMIT_BYTES = 1024
ONE_INPUT_S = 5  # an input that takes longer counts as a hang
HELLO_NEW, RUN, FRAME = 2, 3, 1  # kinds of pieces, as boards/fuzz/board.c has them

FUZZ = Board(
    name="fuzz",
    title="the firmware under libFuzzer",
    engine="compiled",
    sources=("fuzz/board.c",),
    compiler=Compiler(
        Tool("clang", ("clang", "libclang-rt-dev"), "clang with its compiler-rt"),
        (
            *("-std=c11", "-O1", "-g", *WARNINGS),
            *("-fsanitize=fuzzer,address,undefined", "-fno-sanitize-recover=all", "-fno-omit-frame-pointer"),
        ),
    ),
    defines=('BOARD_NAME="fuzz"',),
)


@dataclass(frozen=True)
class Fuzzed:
    """What a run of the fuzzer did. `crash` is the file that shows the finding again; None where there is none."""

    executions: int
    coverage: int
    corpus: int
    crash: Path | None
    words: str


def build_target(folder: Path) -> Path:
    """The fuzz target around a small model, built below `folder`."""
    content = small_model()
    write_export(folder, content, export_model(content, "small.tflite", "small", (), None))
    build(folder, FUZZ)
    return image_path(folder, FUZZ)


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
    """One input for every message of the protocol, alone and after others: where the fuzzer starts from nothing."""
    pieces = []
    for message in MESSAGES:
        head = bytes(sum(struct_bytes(kind) for _, kind, _ in wire_fields(message)))
        pieces += [piece(RUN, bytes([message.ID, 1]) + head), piece(FRAME, bytes([message.ID, 1, 0]) + head)]
    yield from (b"\xff" + one for one in pieces)
    yield b"\x07" + b"".join(pieces) + piece(HELLO_NEW, b"\1\2\3\4") + b"".join(pieces)


def piece(kind: int, data: bytes) -> bytes:
    """One piece of an input."""
    return bytes([kind, len(data)]) + data


def struct_bytes(kind: str) -> int:
    """Bytes of a field of fixed size; 0 for others."""
    return {"<B": 1, "<H": 2, "<I": 4, "<i": 4, "<f": 4}.get(SCALAR_FORMATS.get(kind, ""), 0)


def fuzz(target: Path, seconds: int, jobs: int = 1) -> Fuzzed:
    """Run the fuzzer for `seconds`, from the committed corpus and what earlier runs found."""
    corpus = target.parent / "corpus"
    corpus.mkdir(exist_ok=True)
    arguments = [f"-max_total_time={seconds}", f"-max_len={INPUT_LIMIT_BYTES}", f"-timeout={ONE_INPUT_S}"]
    if jobs > 1:
        arguments.append(f"-fork={jobs}")
    return run_target(target, [*arguments, "-print_final_stats=1", str(corpus), str(CORPUS)])


def replay(target: Path) -> Fuzzed:
    """Run every input of the committed corpus once."""
    return run_target(target, [f"-timeout={ONE_INPUT_S}", *map(str, sorted(CORPUS.iterdir()))])


def run_target(target: Path, arguments: list[str]) -> Fuzzed:
    """The target's own command line."""
    crashes = target.parent / "found-"
    try:
        result = subprocess.run(
            [str(target.resolve()), f"-artifact_prefix={crashes.resolve()}", *arguments],
            capture_output=True,
            text=True,
            errors="replace",
        )
    except OSError as error:
        raise UserError(f"cannot start {target}: {error.strerror}") from error
    found = re.search(r"Test unit written to (.+)", result.stderr)
    words = result.stderr.strip()[-3000:]
    if result.returncode and not found:
        raise UserError(f"the fuzzer failed:\n{words}")
    return Fuzzed(
        executions=_last_number(r"#(\d+)", result.stderr),
        coverage=_last_number(r"cov: (\d+)", result.stderr),
        corpus=_last_number(r"corp: (\d+)", result.stderr),
        crash=Path(found[1]) if found else None,
        words=words,
    )


def _last_number(pattern: str, text: str) -> int:
    numbers = re.findall(pattern, text)
    return int(numbers[-1]) if numbers else 0
