"""Random Keras models of mixed layers, converted by TensorFlow, through the compiled engine and TensorFlow Lite Micro.

    python tests/random_models.py --count 500 --seed 0         make fuzz-models COUNT=500 SEED=0
    python tests/random_models.py --count 1 --seed 123 --keep folder         one model again, its files kept

Every seed is a model of its own. The emitted C, built as a shared library, has to give TFLM's bytes, and so has every
tensor on the way for one input; where it does not, the seed and the first op that differs are named.
Exit status 1 where one differs, or TFLM runs what the compiled engine refuses.
"""

from __future__ import annotations

import argparse
import ctypes
import json
import queue
import subprocess
import sys
import tempfile
import threading
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from conftest import CC
from kernel_library import KERNELS, KernelLibrary, kernel_sources
from layers import UNDEFINED_IN_TFLM
from random_layers import NotConverted, converted_model

from tinyproof.console import UserError, progress_bar
from tinyproof.cores import CORES, CORTEX_M4F, Core
from tinyproof.export.emit_model import emit_model_c, emit_model_h
from tinyproof.export.golden import Golden
from tinyproof.export.lower import Lowered, lower
from tinyproof.export.program import Program
from tinyproof.export.tflite_reader import read_graph

ENGINE = KERNELS[0].parent / "engine"
FLAGS = ["-std=c11", "-O1", "-shared", "-fPIC", "-fsanitize=undefined", "-fno-sanitize-recover=all"]
INPUTS = 6  # of each model: random bytes, and the two extremes
MODELS_A_PROCESS = 60  # TensorFlow grows with every model that it converts


@dataclass(frozen=True)
class Outcome:
    """What became of one model. `trouble` is None where all bytes are equal."""

    seed: int
    ops: tuple[str, ...]
    kernels: tuple[str, ...]
    left_out: int  # dead filters
    trouble: str | None
    unsupported: str | None  # what TFLM itself does not run: nothing to compare


def build_kernels(folder: Path) -> Path:
    """The kernels as a shared library that every model links with."""
    library = folder / "libkernels.so"
    includes = [f"-I{folder}" for folder in KERNELS]
    subprocess.run([*CC, *FLAGS, *includes, *map(str, kernel_sources()), "-o", str(library)], check=True)
    return library


def check_model(seed: int, kernels: Path, cores: list[Core], keep: Path | None = None) -> Outcome:
    """Make the model of a seed and compare every byte of each core's outputs. `kernels`: from `build_kernels`."""
    try:
        content = converted_model(seed)
    except NotConverted as error:
        return Outcome(seed, (), (), 0, None, f"TensorFlow: {error}")
    graph = read_graph(content, f"model of seed {seed}")
    names = tuple(op.name for op in graph.ops)
    with tempfile.TemporaryDirectory() as scratch:
        folder = keep or Path(scratch)
        (folder / "model.tflite").write_bytes(content)
        try:
            lowered = lower(graph)
        except UserError as refusal:
            return Outcome(seed, names, (), 0, *_refused(content, refusal.message))
        golden, programs = Golden(content), {core.name: lowered.program(core) for core in cores}
        called = tuple(step.kernel.name for program in programs.values() for step in program.steps)
        try:
            for core, program in programs.items():
                (folder / core).mkdir(exist_ok=True)
                if difference := _difference(content, lowered, program, golden, folder / core, seed, kernels):
                    return Outcome(seed, names, called, lowered.reduced.filters, f"{core}: {difference}", None)
            return Outcome(seed, names, called, lowered.reduced.filters, None, None)
        except UserError as aborted:
            return Outcome(seed, names, called, 0, None, aborted.message)


def _refused(content: bytes, refusal: str) -> tuple[str | None, str | None]:
    """(trouble, excuse): it is trouble where TFLM runs the model in whole numbers and its result is defined."""
    reason = refusal.split(": ", 2)[-1]
    if UNDEFINED_IN_TFLM.search(refusal) or "left it in float32" in refusal:  # the converter left float32 inside
        return None, reason
    try:
        Golden(content)
    except UserError as error:
        return None, f"{error.message} ({reason})"
    return refusal, None


def _difference(
    content: bytes, lowered: Lowered, program: Program, golden: Golden, folder: Path, seed: int, kernels: Path
) -> str | None:
    """What is wrong with the emitted C, in words; None where it gives the golden's bytes."""
    (folder / "model.c").write_text(emit_model_c(program, ""))
    (folder / "model.h").write_text(emit_model_h(program, ""))
    library = folder / "model.so"
    includes = [f"-I{path}" for path in (folder, *KERNELS, ENGINE)]
    linked = [str(kernels), f"-Wl,-rpath,{kernels.parent}"]
    subprocess.run([*CC, *FLAGS, *includes, str(folder / "model.c"), *linked, "-o", str(library)], check=True)
    model = ctypes.CDLL(str(library))
    watch = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_size_t)(lambda tensor, size: None)
    input_bytes, output_bytes = (sum(tensor.size for tensor in ends) for ends in (program.inputs, program.outputs))
    inputs = np.random.default_rng(seed).integers(-128, 128, (INPUTS, input_bytes), np.int8)
    inputs[-2], inputs[-1] = -128, 127
    for x in inputs:
        expected = np.frombuffer(golden.run_bytes(x.tobytes()), np.int8)
        y = np.zeros(output_bytes, np.int8)
        model.model_compute(ctypes.c_void_p(x.ctypes.data), ctypes.c_void_p(y.ctypes.data), watch)
        if not np.array_equal(y, expected):
            where = _first_op(content, lowered, program, x, kernels)
            where = where or "no op alone: the emitted calls are not the lowered ones"
            return f"{np.count_nonzero(y != expected)} of {y.size} output bytes differ, first at {where}"
    return _first_op(content, lowered, program, inputs[0], kernels)


def _first_op(content: bytes, lowered: Lowered, program: Program, x: np.ndarray, kernels: Path) -> str | None:
    """The first op, by the order of computation, whose output is not the golden's, or that writes where it may not."""
    golden = Golden(content, keep_tensors=True)
    golden.run_bytes(x.tobytes())
    try:
        tensors = KernelLibrary(ctypes.CDLL(str(kernels))).tensors(program, x)
    except AssertionError as error:
        return str(error)
    for step, y in zip(program.steps, tensors, strict=True):
        whole = golden.tensor(step.y.index)
        if step.finishes_y and not np.array_equal(y, lowered.reduced.rest_of(step.y.index, whole).reshape(-1)):
            return f"{program.graph.place(step.op)} computed by {step.kernel.name}"
    return None


def work(kernels: Path, cores: list[Core], seeds: list[int]) -> None:
    """Check models one after the other and print each outcome as a line, for the process that started this one."""
    for seed in seeds:
        print(json.dumps(asdict(check_model(seed, kernels, cores))), flush=True)


def outcomes(seeds: range, kernels: Path, processes: int, cores: list[Core]) -> Iterator[Outcome]:
    """Check models in several processes, each converting many: loading TensorFlow takes longer than a model.

    A process that dies, by a sanitizer or in TensorFlow, costs the model it was at, which is reported.
    """
    waiting = [list(seeds[at : at + MODELS_A_PROCESS]) for at in range(0, len(seeds), MODELS_A_PROCESS)]
    done: queue.Queue[Outcome] = queue.Queue()

    def run_chunks() -> None:
        while waiting:
            chunk = waiting.pop(0)
            for outcome in _chunk(kernels, cores, chunk):
                done.put(outcome)
                chunk.remove(outcome.seed)
            if chunk:
                waiting.append(chunk)

    for _ in range(processes):
        threading.Thread(target=run_chunks, daemon=True).start()
    for _ in seeds:
        yield done.get()


def _chunk(kernels: Path, cores: list[Core], seeds: list[int]) -> Iterator[Outcome]:
    """The outcomes of one process, up to the model it dies of."""
    command = [
        sys.executable,
        __file__,
        "--worker",
        str(kernels),
        ",".join(core.name for core in cores),
        *map(str, seeds),
    ]
    left = list(seeds)
    with tempfile.TemporaryFile("w+") as errors:
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=errors, text=True) as process:
            assert process.stdout is not None
            for line in process.stdout:
                fields = json.loads(line)
                left.remove(fields["seed"])
                yield Outcome(**{**fields, "ops": tuple(fields["ops"]), "kernels": tuple(fields["kernels"])})
        if left:
            errors.seek(0)
            last = errors.read().strip().splitlines()[-1:]
            yield Outcome(left[0], (), (), 0, f"the process ended with {process.returncode}: {' '.join(last)}", None)


def main() -> int:
    """Check `--count` models from `--seed` on."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=500)
    parser.add_argument("--seed", type=int, default=0, help="of the first model")
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--core", nargs="+", choices=CORES, default=[CORTEX_M4F.name], help="whose kernels are chosen")
    parser.add_argument("--worker", nargs="+", help=argparse.SUPPRESS)
    parser.add_argument("--keep", type=Path, help="keep the files of one model here (with --count 1)")
    args = parser.parse_args()
    if args.count < 1 or args.seed < 0:
        parser.error("--count is 1 or more, --seed 0 or more")
    if args.worker:
        work(Path(args.worker[0]), [CORES[name] for name in args.worker[1].split(",")], list(map(int, args.worker[2:])))
        return 0
    cores = [CORES[name] for name in args.core]
    with tempfile.TemporaryDirectory() as folder:
        kernels = build_kernels(Path(folder))
        if args.keep is not None:
            args.keep.mkdir(parents=True, exist_ok=True)
            return report([check_model(args.seed, kernels, cores, args.keep)])
        found = []
        with progress_bar() as progress:
            task = progress.add_task("random models", total=args.count)
            seeds = range(args.seed, args.seed + args.count)
            for outcome in outcomes(seeds, kernels, args.processes, cores):
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
    reduced = [outcome.left_out for outcome in found if outcome.left_out]
    print(f"dead channels left out: {sum(reduced):,}, in {len(reduced)} models")
    print("ops, in so many models: " + ", ".join(f"{op} {count}" for op, count in ops.most_common()))
    print("kernels: " + ", ".join(f"{kernel} {count}" for kernel, count in kernels.most_common()))
    reasons = Counter((outcome.unsupported or "")[:160] for outcome in unsupported)
    print(f"not converted by TensorFlow, or not run by TFLM itself: {len(unsupported)}")
    print("".join(f"  {count} x {reason}\n" for reason, count in reasons.most_common()), end="")
    for outcome in troubled:
        print(f"seed {outcome.seed}: {outcome.trouble}")
        print(f"  again: python tests/random_models.py --count 1 --seed {outcome.seed} --keep /tmp/seed_{outcome.seed}")
    return 1 if troubled else 0


if __name__ == "__main__":
    sys.exit(main())
