"""What a device has to answer: the golden's outputs for every sample, kept in a file because they take a while.

Beside them lie the outputs of Python's default interpreter, for the accuracy that a Python user sees.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from host.console import track, write_atomically
from host.interpreters import Interpreter, default_interpreter, golden_interpreter
from host.samples import Samples

EXPECTED_FILE = "expected.npz"


@dataclass(frozen=True)
class Expected:
    """Outputs int8 (N, output bytes) and the names of the interpreters they come from.

    `bit_exact` is False where TensorFlow Lite Micro does not exist for this platform and the default interpreter stands
    in for it: then a difference proves nothing.
    """

    golden: np.ndarray
    golden_name: str
    bit_exact: bool
    default: np.ndarray
    default_name: str


def expected_outputs(model: Path, tflite: bytes, model_sha256: str, samples: Samples) -> Expected:
    """Compute them, or read what an earlier run computed for the same model, samples and interpreters."""
    default = default_interpreter(tflite)
    exact = golden_interpreter(tflite)
    golden = exact or default
    key = f"{model_sha256} {samples.sha256} {golden.name} {default.name}"
    path = model / EXPECTED_FILE
    if path.is_file():
        with np.load(path) as stored:
            if str(stored["key"]) == key:
                return Expected(stored["golden"], golden.name, exact is not None, stored["default"], default.name)
    default_bytes = _run_all(default, samples)
    golden_bytes = _run_all(golden, samples) if exact else default_bytes
    buffer = io.BytesIO()
    np.savez_compressed(buffer, key=key, golden=golden_bytes, default=default_bytes)
    write_atomically(path, buffer.getvalue())
    return Expected(golden_bytes, golden.name, exact is not None, default_bytes, default.name)


def _run_all(interpreter: Interpreter, samples: Samples) -> np.ndarray:
    rows: list[np.ndarray] = list(samples.inputs)
    outputs = [interpreter.run_bytes(row.tobytes()) for row in track(rows, f"Python: {interpreter.name.split()[0]}")]
    return np.frombuffer(b"".join(outputs), np.int8).reshape(len(outputs), -1)
