"""Random Keras models of mixed layers, converted by TensorFlow, through the compiled engine and TensorFlow Lite Micro.

    python tests/random_models.py --count 500 --seed 0         make fuzz-models COUNT=500 SEED=0
    python tests/random_models.py --count 1 --seed 123 --keep folder         one model again, its files kept

Every seed is a model of its own. The emitted C, built as a shared library, has to give TFLM's bytes; where it does not, the
seed and the first op that differs are named. Exit status 1 if one differs, or TFLM runs what the compiled engine refuses.
"""

from __future__ import annotations

import argparse
import ctypes
import multiprocessing
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np
from kernel_library import KERNELS, KernelLibrary
from random_layers import converted_model

from export.emit import Export, export_model
from export.golden import Golden
from export.lower import lower
from export.tflite_reader import read_graph
from host.console import UserError, progress_bar

ENGINE = KERNELS.parent / "engine"
FLAGS = ["-std=c11", "-O1", "-shared", "-fPIC", "-fsanitize=undefined", "-fno-sanitize-recover=all"]
INPUTS = 6  # of each model: random bytes, and the two extremes
MODELS_A_PROCESS = 40  # TensorFlow grows with every model that it converts


@dataclass(frozen=True)
class Outcome:
    """What became of one model. `trouble` is None where all bytes are equal."""

    seed: int
    ops: tuple[str, ...]
    kernels: tuple[str, ...]
    trouble: str | None
    unsupported: str | None  # what TFLM itself does not run: nothing to compare


def check_model(seed: int, keep: Path | None = None) -> Outcome:
    """Make the model of a seed and compare every output byte."""
    content = converted_model(seed)
    graph = read_graph(content, f"model of seed {seed}")
    names = tuple(op.name for op in graph.ops)
    with tempfile.TemporaryDirectory() as scratch:
        folder = keep or Path(scratch)
        (folder / "model.tflite").write_bytes(content)
        try:
            golden = Golden(content)
        except UserError as error:
            return Outcome(seed, names, (), None, error.message)
        try:
            export = export_model(content, f"model of seed {seed}", "random", (), None)
        except UserError as error:
            return Outcome(seed, names, (), error.message, None)
        assert export.program is not None
        kernels = tuple(step.kernel.name for step in export.program.steps)
        return Outcome(seed, names, kernels, _difference(content, export, golden, folder, seed), None)


def _difference(content: bytes, export: Export, golden: Golden, folder: Path, seed: int) -> str | None:
    """What is wrong with the emitted C, in words; None where it gives the golden's bytes."""
    for name, text in export.sources.items():
        (folder / name).write_text(text)
    library = folder / "model.so"
    sources = [folder / "model.c", *sorted(KERNELS.glob("*.c"))]
    includes = [f"-I{path}" for path in (folder, KERNELS, ENGINE)]
    subprocess.run(["cc", *FLAGS, *includes, *map(str, sources), "-o", str(library)], check=True)
    model = ctypes.CDLL(str(library))
    watch = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_size_t)(lambda tensor, size: None)
    manifest, rng = export.manifest, np.random.default_rng(seed)
    inputs = rng.integers(-128, 128, (INPUTS, manifest.input_bytes), np.int8)
    inputs[-2], inputs[-1] = -128, 127
    for x in inputs:
        expected = np.frombuffer(golden.run_bytes(x.tobytes()), np.int8)
        y = np.zeros(manifest.output_bytes, np.int8)
        model.model_invoke(ctypes.c_void_p(x.ctypes.data), ctypes.c_void_p(y.ctypes.data), watch)
        if not np.array_equal(y, expected):
            wrong = int(np.count_nonzero(y != expected))
            return f"{wrong} of {y.size} output bytes differ, first at {_first_op(content, x, library)}"
    return _stray_writes(content, inputs[0], library)


def _first_op(content: bytes, x: np.ndarray, library: Path) -> str:
    """The first op, by the order of computation, whose output is not the golden's."""
    program = lower(read_graph(content, "model"))
    golden = Golden(content, keep_tensors=True)
    golden.run_bytes(x.tobytes())
    kernels = KernelLibrary(ctypes.CDLL(str(library)))
    for step, y in zip(program.steps, kernels.tensors(program, x), strict=True):
        if step.finishes_y and not np.array_equal(y, golden.tensor(step.y.index).reshape(-1)):
            return f"{program.graph.place(step.op)} computed by {step.kernel.name}"
    return "no step: the emitted calls differ from the lowered ones"


def _stray_writes(content: bytes, x: np.ndarray, library: Path) -> str | None:
    """Where a kernel writes outside its output and scratch, in words."""
    try:
        KernelLibrary(ctypes.CDLL(str(library))).run(lower(read_graph(content, "model")), x)
    except AssertionError as error:
        return str(error)
    return None


def _checked(seed: int) -> Outcome:
    try:
        return check_model(seed)
    except Exception as error:  # one broken model must not end the run of hundreds: it is reported with its seed
        return Outcome(seed, (), (), f"{type(error).__name__}: {error}", None)


def outcomes(seeds: Iterator[int], processes: int) -> Iterator[Outcome]:
    """Check models in several processes, each converting many: loading TensorFlow takes longer than a model."""
    context = multiprocessing.get_context("spawn")
    with context.Pool(processes, maxtasksperchild=MODELS_A_PROCESS) as pool:
        yield from pool.imap_unordered(_checked, seeds)


def main() -> int:
    """Check `--count` models from `--seed` on."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=500)
    parser.add_argument("--seed", type=int, default=0, help="of the first model")
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--keep", type=Path, help="keep the files of one model here (with --count 1)")
    args = parser.parse_args()
    if args.keep is not None:
        args.keep.mkdir(parents=True, exist_ok=True)
        found = [check_model(args.seed, args.keep)]
    else:
        found = []
        with progress_bar() as progress:
            task = progress.add_task("random models", total=args.count)
            for outcome in outcomes(iter(range(args.seed, args.seed + args.count)), args.processes):
                found.append(outcome)
                progress.advance(task)
                if outcome.trouble:
                    progress.console.print(f"seed {outcome.seed}: {outcome.trouble}", markup=False)
    return report(found)


def report(found: list[Outcome]) -> int:
    """Print what was checked and what went wrong; the exit status."""
    ops = Counter(op for outcome in found for op in set(outcome.ops))
    kernels = Counter(kernel for outcome in found for kernel in set(outcome.kernels))
    unsupported = [outcome for outcome in found if outcome.unsupported]
    troubled = [outcome for outcome in found if outcome.trouble]
    print(f"{len(found)} models, {len(found) - len(unsupported) - len(troubled)} equal to TFLM in every byte")
    print("ops, in so many models: " + ", ".join(f"{op} {count}" for op, count in ops.most_common()))
    print("kernels: " + ", ".join(f"{kernel} {count}" for kernel, count in kernels.most_common()))
    print(
        f"not run by TFLM itself: {len(unsupported)}"
        + "".join(f"\n  seed {o.seed}: {o.unsupported}" for o in islice(unsupported, 3))
    )
    for outcome in troubled:
        print(f"seed {outcome.seed}: {outcome.trouble}")
        print(f"  again: python tests/random_models.py --count 1 --seed {outcome.seed} --keep /tmp/seed_{outcome.seed}")
    return 1 if troubled else 0


if __name__ == "__main__":
    sys.exit(main())
