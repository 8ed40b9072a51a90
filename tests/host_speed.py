"""How long an inference takes on this computer, beside LiteRT with one thread: the figures of docs/performance.md.

    PYTHONPATH=tests .venv/bin/python tests/host_speed.py build/digits_small build/digits_course

Of every model folder the fastest of many runs, in turns, so that what else the computer does hits all of them. Outputs
are held to the golden first.
"""

from __future__ import annotations

import ctypes
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from ai_edge_litert.interpreter import Interpreter
from conftest import CC

from tinyproof.compilers import HOST_C, ZIG
from tinyproof.cores import PORTABLE, SIMD, Core
from tinyproof.export.emit_model import emit_model_c, emit_model_h
from tinyproof.export.golden import Golden
from tinyproof.export.lower import lower
from tinyproof.export.tflite_reader import read_graph
from tinyproof.firmware.build import FIRMWARE, kernel_folders

TURNS, RUNS = 60, 20
RUN = '#include "model.h"\nvoid run(const int8_t *x, int8_t *y) { model_run(x, y); }\n'
WAYS: dict[str, tuple[list[str], Core, tuple[str, ...]]] = {
    "gcc": (CC, SIMD, ()),
    "gcc, SSE2 alone": (CC, SIMD, ("-DSIMD_BASELINE",)),
    "zig": (ZIG.argv, SIMD, ("-mcpu=baseline",)),
    "gcc, plain C": (CC, PORTABLE, ()),
}


def compiled(content: bytes, folder: Path, compiler: list[str], core: Core, more: tuple[str, ...]) -> ctypes.CDLL:
    """The model's C as a library with a function `run`."""
    program = lower(read_graph(content, "model.tflite")).program(core)
    folder.mkdir()
    texts = {"model.c": emit_model_c(program, ""), "model.h": emit_model_h(program, ""), "run.c": RUN}
    for name, text in texts.items():
        (folder / name).write_text(text)
    includes = [folder, FIRMWARE / "engine", *kernel_folders(core)]
    sources = [*folder.glob("*.c"), *(path for kernels in kernel_folders(core) for path in kernels.glob("*.c"))]
    library = folder / "model.so"
    flags = [*HOST_C.flags, "-shared", "-fPIC", *more, *(f"-I{path}" for path in includes)]
    subprocess.run([*compiler, *flags, *map(str, sources), "-o", str(library)], check=True)
    return ctypes.CDLL(str(library))


def inference(library: ctypes.CDLL, x: np.ndarray, y: np.ndarray) -> Callable[[], None]:
    """One of a compiled model."""
    addresses = ctypes.c_void_p(x.ctypes.data), ctypes.c_void_p(y.ctypes.data)
    return lambda: library.run(*addresses)


def measure(model: Path) -> None:
    """Print microseconds of an inference."""
    content = (model / "model.tflite").read_bytes()
    golden, litert = Golden(content), Interpreter(str(model / "model.tflite"), num_threads=1)
    litert.allocate_tensors()
    given, made = litert.get_input_details()[0], litert.get_output_details()[0]
    x = np.random.default_rng(0).integers(-128, 128, given["shape"], np.int8)
    y = np.zeros(made["shape"], np.int8)
    litert.set_tensor(given["index"], x)
    ways = {"LiteRT": litert.invoke}
    with tempfile.TemporaryDirectory() as scratch:
        for number, (name, how) in enumerate(WAYS.items()):
            ways[name] = inference(compiled(content, Path(scratch) / str(number), *how), x, y)
            ways[name]()
            assert y.tobytes() == golden.run_bytes(x.tobytes()), name
        best = dict.fromkeys(ways, float("inf"))
        for _ in range(TURNS):
            for name, run in ways.items():
                for _ in range(RUNS):
                    begun = time.perf_counter()
                    run()
                    best[name] = min(best[name], time.perf_counter() - begun)
    print(model.name, *(f"{name} {seconds * 1e6:.0f}" for name, seconds in best.items()), sep="; ", flush=True)


if __name__ == "__main__":
    for argument in sys.argv[1:]:
        measure(Path(argument))
