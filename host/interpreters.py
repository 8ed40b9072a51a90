"""The Python interpreters a device is compared with: bytes of all inputs in, bytes of all outputs out.

`golden_interpreter` is TensorFlow Lite Micro itself (export/golden.py), the reference for bit-exactness, where its
wheel exists. `default_interpreter` is what Python users run; it rounds differently in places and so decides
nothing about bytes.
"""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from tinyproof.console import UserError
from tinyproof.export.golden import Golden, golden_available, unloadable

# Same API under three names: today's package, its predecessor (older machines, Raspberry Pi), and all of TensorFlow.
TFLITE_PACKAGES = (
    ("ai-edge-litert", "ai_edge_litert.interpreter"),
    ("tflite-runtime", "tflite_runtime.interpreter"),
    ("tensorflow", "tensorflow.lite.python.interpreter"),
)


class Interpreter(Protocol):
    """Something that computes the model."""

    name: str

    def run_bytes(self, data: bytes) -> bytes:
        """The output tensors' bytes for the input tensors' bytes."""


class TensorKeeper(Interpreter, Protocol):
    """An interpreter that still has every tensor of its last run."""

    def tensor(self, index: int) -> NDArray[np.generic]:
        """The tensor with that index in the model."""


class LiteRT:
    """The default TFLite interpreter of this Python; `name` says which package and version it comes from.

    With `keep_tensors` it is another one: the reference kernels, without a delegate that computes several ops as one,
    and `tensor` can be asked after a run.
    """

    def __init__(self, model: bytes, keep_tensors: bool = False) -> None:
        self.name, module = _tflite_module()
        try:
            self._allocate(module, model, keep_tensors)
            self._inputs = self._interpreter.get_input_details()
            self._outputs = self._interpreter.get_output_details()
        except (ValueError, RuntimeError) as error:  # of names that are no UTF-8, too
            raise self._refusal(error) from error

    def _allocate(self, module: Any, model: bytes, keep_tensors: bool) -> None:
        kinds = module.OpResolverType
        if not keep_tensors:
            self._allocate_by(kinds.AUTO, module, model, False)
            return
        try:
            self._allocate_by(kinds.BUILTIN_REF, module, model, True)
            self.name += ", reference kernels"
        except ValueError:  # some ops have none
            self._allocate_by(kinds.BUILTIN_WITHOUT_DEFAULT_DELEGATES, module, model, True)

    def _allocate_by(self, kind: Any, module: Any, model: bytes, keep_tensors: bool) -> None:
        with _quiet():
            self._interpreter: Any = module.Interpreter(
                model_content=model,
                num_threads=1,
                experimental_preserve_all_tensors=keep_tensors,
                experimental_op_resolver_type=kind,
            )
            self._interpreter.allocate_tensors()

    def _refusal(self, error: Exception) -> UserError:
        return UserError(f"{self.name} cannot run the model: {' '.join(str(error).split())}")

    def run_bytes(self, data: bytes) -> bytes:
        """The output tensors' bytes for the input tensors' bytes. UserError where it finds only now that it cannot."""
        position = 0
        for tensor in self._inputs:
            size = int(np.prod(tensor["shape"]))
            value = np.frombuffer(data, np.int8, size, position).reshape(tensor["shape"])
            self._interpreter.set_tensor(tensor["index"], value)
            position += size
        self._interpreter.reset_all_variables()  # every inference begins with the same state
        try:
            self._interpreter.invoke()
        except (ValueError, RuntimeError) as error:
            raise self._refusal(error) from error
        return b"".join(self._interpreter.get_tensor(tensor["index"]).tobytes() for tensor in self._outputs)

    def tensor(self, index: int) -> NDArray[np.generic]:
        """The tensor with that index in the model, as the last run left it. Needs `keep_tensors`."""
        y: NDArray[np.generic] = self._interpreter.get_tensor(index)
        return y


def float_scores(plain: bytes, samples: NDArray[np.float32]) -> NDArray[np.float32]:
    """What the float network, converted without quantization, answers to samples (N,...) of its own input."""
    module = _tflite_module()[1]
    with _quiet():
        interpreter = module.Interpreter(model_content=plain, num_threads=1)
        interpreter.allocate_tensors()
    x, y = interpreter.get_input_details()[0]["index"], interpreter.get_output_details()[0]["index"]
    rows = []
    for sample in samples:
        interpreter.set_tensor(x, sample[np.newaxis])
        interpreter.invoke()
        rows.append(interpreter.get_tensor(y).copy())
    return np.concatenate(rows)


@contextmanager
def _quiet() -> Iterator[None]:
    """Standard error closed to native code, which announces its delegates there and cannot be told not to."""
    sys.stderr.flush()
    saved = os.dup(2)
    with open(os.devnull, "wb") as nowhere:
        os.dup2(nowhere.fileno(), 2)
    try:
        yield
    finally:
        os.dup2(saved, 2)
        os.close(saved)


def default_name() -> str:
    """Package and version of Python's own TFLite interpreter, without importing it. UserError where there is none."""
    return _tflite_package()[0]


def _tflite_package() -> tuple[str, str]:
    """(name and version, module) of the first interpreter that is installed."""
    for package, module in TFLITE_PACKAGES:
        try:
            if find_spec(module.partition(".")[0]):
                return f"{package} {version(package)}", module
        except PackageNotFoundError:
            continue
    raise UserError("no TFLite interpreter in this Python; install one of: " + ", ".join(p for p, _ in TFLITE_PACKAGES))


def _tflite_module() -> tuple[str, Any]:
    name, module = _tflite_package()
    try:
        return name, importlib.import_module(module)
    except Exception as error:  # whatever half a package raises
        raise unloadable(name, error) from error


def default_interpreter(model: bytes) -> Interpreter:
    """Python's own TFLite interpreter."""
    return LiteRT(model)


def golden_interpreter(model: bytes) -> Interpreter | None:
    """TensorFlow Lite Micro; None where its wheel does not exist for this platform."""
    return Golden(model) if golden_available() else None


def tensor_keeper(model: bytes) -> TensorKeeper:
    """TensorFlow Lite Micro keeping its tensors; where its wheel does not exist, LiteRT's reference kernels."""
    return Golden(model, keep_tensors=True) if golden_available() else LiteRT(model, keep_tensors=True)
