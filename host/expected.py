"""What a device has to answer: the golden's outputs for every sample, kept in a file because they take a while.

Beside them lie the outputs of Python's default interpreter, for the accuracy that a Python user sees.
"""

from __future__ import annotations

import hashlib
import io
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from tinyproof import advice
from tinyproof.console import UserError, console, track, write_atomically
from tinyproof.export.emit_settings import tensor_info
from tinyproof.export.golden import WHEEL, golden_available, golden_name
from tinyproof.export.lower import check_ends
from tinyproof.export.tflite_reader import read_graph
from tinyproof.host.interpreters import Interpreter, default_interpreter, default_name, golden_interpreter
from tinyproof.host.samples import Samples
from tinyproof.manifest import MANIFEST_FILE, TFLITE_FILE, Manifest
from tinyproof.model_files import NPZ_DAMAGE, open_npz
from tinyproof.own import is_signed, signature

EXPECTED_FILE = "expected.npz"


@dataclass(frozen=True)
class Expected:
    """Outputs int8 (N, output bytes) and the names of the interpreters they come from.

    `bit_exact` is False where TensorFlow Lite Micro does not exist for this platform and the default interpreter stands
    in for it: then a difference proves nothing. `default` is None where that interpreter refuses a model that the
    golden runs, which takes nothing away from the verdict; `default_name` then says so.
    """

    golden: np.ndarray
    golden_name: str
    bit_exact: bool
    default: np.ndarray | None
    default_name: str


def read_model(model: Path, manifest: Manifest) -> bytes:
    """The `.tflite` in the folder. UserError unless `model.json` beside it is of it, and tells its ends as they are."""
    tflite = (model / TFLITE_FILE).read_bytes()
    again = f"run `{advice.command('export', model=model)}`"
    if hashlib.sha256(tflite).hexdigest() != manifest.model_sha256:
        raise UserError(f"{model / TFLITE_FILE} is not the model that {MANIFEST_FILE} beside it is of: {again}")
    inputs, outputs = check_ends(read_graph(tflite, str(model / TFLITE_FILE)))
    if (manifest.inputs, manifest.outputs) != (tuple(map(tensor_info, inputs)), tuple(map(tensor_info, outputs))):
        raise UserError(f"{model / MANIFEST_FILE} has other inputs or outputs than {TFLITE_FILE} beside it: {again}")
    return tflite


def expected_outputs(model: Path, tflite: bytes, model_sha256: str, samples: Samples) -> Expected:
    """Compute them, or read what an earlier run computed for the same model, samples and interpreters.

    An interpreter is made only when there is something to compute.
    """
    bit_exact = golden_available()
    names = (golden_name() or WHEEL if bit_exact else default_name(), default_name())
    key = " ".join((model_sha256, samples.sha256, *names))
    path = model / EXPECTED_FILE
    outputs = _stored(path, key)
    if outputs is None:
        outputs = _compute(tflite, samples)
        buffer = io.BytesIO()
        arrays: dict[str, Any] = {} if outputs[1] is None else {"default": outputs[1]}
        np.savez_compressed(buffer, key=key, signature=signature(_content(key, *outputs)), golden=outputs[0], **arrays)
        write_atomically(path, buffer.getvalue())
    refused = "" if outputs[1] is not None else ", which refuses this model"
    return Expected(outputs[0], names[0], bit_exact, outputs[1], names[1] + refused)


def _compute(tflite: bytes, samples: Samples) -> tuple[np.ndarray, np.ndarray | None]:
    """(golden, default); no default where its interpreter refuses what the golden runs."""
    exact = golden_interpreter(tflite)
    try:
        default = _run_all(default_interpreter(tflite), samples)
    except UserError as error:
        if exact is None:
            raise
        console.print(f"{error.message}; going on without it", markup=False)
        default = None
    golden = _run_all(exact, samples) if exact else default
    assert golden is not None
    return golden, default


def _stored(path: Path, key: str) -> tuple[np.ndarray, np.ndarray | None] | None:
    """(golden, default) of the file if it is there, whole, about `key`, and of our own making."""
    try:
        with open_npz(path) as stored:
            if str(stored["key"]) != key:
                return None
            golden, default = stored["golden"], stored["default"] if "default" in stored.files else None
            return (golden, default) if is_signed(_content(key, golden, default), str(stored["signature"])) else None
    except NPZ_DAMAGE:
        return None


def _content(key: str, golden: np.ndarray, default: np.ndarray | None) -> bytes:
    """All that the signature stands for."""
    arrays = (golden, np.zeros(0, np.int8) if default is None else default)
    return b"".join([key.encode(), *(f"{a.dtype.str} {a.shape} ".encode() + a.tobytes() for a in arrays)])


def _run_all(interpreter: Interpreter, samples: Samples) -> np.ndarray:
    rows: list[np.ndarray] = list(samples.inputs)
    outputs = [interpreter.run_bytes(row.tobytes()) for row in track(rows, f"Python: {interpreter.name.split()[0]}")]
    return np.frombuffer(b"".join(outputs), np.int8).reshape(len(outputs), -1)
