"""A look into the inferences of one device, without a run: what every op costs, and the first that differs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tinyproof import advice
from tinyproof.boards import Board
from tinyproof.console import UserError, console
from tinyproof.export.golden import golden_available
from tinyproof.host.connection import open_station
from tinyproof.host.diagnosis.diagnose import TIMED, Answered, Examiner, diagnose_device
from tinyproof.host.diagnosis.tables import print_bisection, print_causes, print_profile
from tinyproof.host.diagnosis.tensors import Reference
from tinyproof.host.expected import read_model
from tinyproof.host.samples import Samples, load_samples
from tinyproof.manifest import load_manifest


@contextmanager
def _examined(model: Path, board: Board, port: str | None) -> Iterator[tuple[Examiner, Samples]]:
    manifest = load_manifest(model)
    samples = load_samples(model, manifest)
    with open_station(model, board, port) as station:
        station.greet(manifest)
        yield Examiner(station, manifest, Reference(read_model(model, manifest))), samples


def profile(model: Path, board: Board, port: str | None) -> None:
    """Print the time of every op: the least of a few samples."""
    with _examined(model, board, port) as (examiner, samples):
        for row in samples.inputs[:TIMED]:
            examiner.trace(row.tobytes())
        ops, hello = examiner.results(), examiner.station.hello
        if all(op.count is None for op in ops):
            raise UserError(
                f"{examiner.station.name}: {hello.engine} does not tell the time of single ops; "
                f"profile a board with the engine compiled, e.g. {advice.setting('board', 'qemu')}"
            )
        print_profile(f"{model.name} on {examiner.station.name}, engine {hello.engine}", ops, hello.counter_unit)
        if hello.clock_hz:
            console.print(f"CPU clock: {hello.clock_hz / 1e6:g} MHz.")


def bisect(model: Path, board: Board, port: str | None, sample: int) -> bool:
    """Print where the inference of one sample leaves the golden's; whether it does not."""
    if not golden_available():
        raise UserError("bisecting needs the golden: tflite-micro exists for Linux on x86-64 only")
    with _examined(model, board, port) as (examiner, samples):
        if sample >= len(samples.inputs):
            raise UserError(
                f"there is no sample {sample}: the samples are {samples.source}, counted from 0; "
                f"give a smaller {advice.name_of('sample')}"
            )
        data = samples.inputs[sample].tobytes()
        [inference] = examiner.station.device.infer([data], examiner.station.hello)
        given, differing = examiner.trace(data)
        ops, where = examiner.results(), f"Sample {sample} on {examiner.station.name}"
        if given and not differing:
            print_bisection(where, ops, [])
            console.print(f"All {len(ops)} tensors are the golden's.")
            return True
        print_causes(diagnose_device(examiner, [Answered(sample, data, inference.output)], []), ops, [])
        return False
