"""The golden reference: TensorFlow Lite Micro itself, from its wheel. What it answers is right by definition.

The wheel exists for Linux on x86-64 alone; elsewhere `golden_available` is False and exports carry no golden vectors.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinyproof.console import UserError
from tinyproof.export.graph import Graph
from tinyproof.export.tflite_reader import BROKEN_OFFSETS, read_graph

WHEEL = "tflite-micro"
SAFE_CLASSES = 511  # of more TFLM's softmax aborts where their exponentials sum up to 512 times the largest
ARENA_SPARE_BYTES = 1 << 20
SAID = 200  # characters of an error that is not ours


def golden_available() -> bool:
    """Whether the wheel is installed."""
    return find_spec("tflite_micro") is not None


def golden_name() -> str | None:
    """`tflite-micro <version>`, None where it is not installed."""
    try:
        return f"{WHEEL} {version(WHEEL)}"
    except PackageNotFoundError:
        return None


def tflm_runtime() -> Any:
    """The wheel's module. UserError where it is installed and cannot be loaded."""
    try:
        from tflite_micro.python.tflite_micro import runtime
    except Exception as error:  # whatever half a package raises
        raise unloadable(golden_name() or WHEEL, error) from None
    return runtime


def unloadable(package: str, error: Exception) -> UserError:
    """What to say of a package that is there and broken: the last line of what may be a whole traceback."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    said = lines[-1][:SAID] if lines else type(error).__name__
    name = package.partition(" ")[0]
    pip = f"{sys.executable} -m pip install --force-reinstall --no-deps {name}"
    return UserError(f"{package} is installed and cannot be loaded ({said}): run `{pip}`")


def _ended_by(action: Callable[[], object]) -> int:
    """The number of the signal that ends a process which does that; 0 where it goes on, if with an exception."""
    if child := os.fork():
        status = os.waitpid(child, 0)[1]
        return os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0
    try:
        import resource

        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        action()
    finally:
        os._exit(0)


class Golden:
    """One model, run by TFLM's reference kernels."""

    def __init__(self, model: bytes, keep_tensors: bool = False, careful: bool = False) -> None:
        """UserError when TFLM cannot prepare the model. `keep_tensors`: no tensor overwrites another. `careful`: also
        when it would end this process, as it does where it knows an op by half.
        """
        runtime = tflm_runtime()
        self.name = golden_name() or WHEEL
        self._graph = read_graph(model, "the model")
        self._has_state = any(tensor.is_variable for tensor in self._graph.tensors)
        softmaxes = (self._graph.tensors[op.inputs[0]] for op in self._graph.ops if op.name == "SOFTMAX")
        self._can_abort = any(x.shape[-1:] > (SAFE_CLASSES,) for x in softmaxes)
        kinds = runtime.InterpreterConfig
        kind = kinds.kPreserveAllTensors if keep_tensors else kinds.kAllocationRecording
        arena_size = _arena_bytes(model, self._graph)

        def prepared() -> Any:
            return runtime.Interpreter.from_bytes(model, arena_size=arena_size, intrepreter_config=kind)

        if careful and (number := _ended_by(prepared if self._can_abort else lambda: prepared().invoke())):
            raise UserError(
                f"TensorFlow Lite Micro ends by {signal.Signals(number).name} on the model, without a reason that "
                "could be shown, and so would a device; replace its rarer ops, or export it again"
            )
        try:
            self._interpreter = prepared()
        except BROKEN_OFFSETS:
            raise UserError(
                "the model is damaged where TensorFlow Lite Micro alone reads it; export it again"
            ) from None
        except RuntimeError as error:
            raise UserError(f"TensorFlow Lite Micro cannot run the model: {' '.join(str(error).split())}") from None

    def run(self, *xs: NDArray[np.int8]) -> NDArray[np.int8]:
        """xs: the inputs, int8 of the model's shapes -> the first output, int8. UserError where TFLM aborts on them."""
        for index, x in enumerate(xs):
            self._interpreter.set_input(x, index)
        if self._has_state:
            self._interpreter.reset()  # every inference begins with the same state
        if self._can_abort and _ended_by(self._interpreter.invoke):
            raise UserError(
                f"TensorFlow Lite Micro aborts on an input: a SOFTMAX of more than {SAFE_CLASSES} classes finds all "
                "about equally likely, as in an untrained model; use fewer classes, or inputs that it can tell apart"
            )
        self._interpreter.invoke()
        y: NDArray[np.int8] = self._interpreter.get_output(0)
        return y

    def run_bytes(self, data: bytes) -> bytes:
        """The bytes of all inputs, one after the other -> those of all outputs."""
        shapes = [self._graph.tensors[index].shape for index in self._graph.inputs]
        ends = np.cumsum([prod(shape) for shape in shapes])
        flat = np.split(np.frombuffer(data, np.int8), ends[:-1])
        self.run(*(x.reshape(shape) for x, shape in zip(flat, shapes, strict=True)))
        return b"".join(self._interpreter.get_output(k).tobytes() for k in range(len(self._graph.outputs)))

    def tensor(self, index: int) -> NDArray[np.generic]:
        """What the last run left in a tensor that an op computes; only of a Golden that keeps them."""
        y: NDArray[np.generic] = self._interpreter.GetTensor(index, 0)["tensor_data"]
        return y


def _arena_bytes(model: bytes, graph: Graph) -> int:
    """Enough for every tensor at once; the wheel's own guess, ten times the file, is too little for small models."""
    computed = sum(tensor.size for tensor in graph.tensors if tensor.data is None)
    return ARENA_SPARE_BYTES + 10 * len(model) + 8 * computed
