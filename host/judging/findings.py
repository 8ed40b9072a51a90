"""From the answers of a run to its record."""

from __future__ import annotations

import platform
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tinyproof.boards import BOARDS
from tinyproof.firmware.build import load_sizes
from tinyproof.host.expected import Expected
from tinyproof.host.journal_records import Answer, Identity, run_sha256
from tinyproof.host.judging.accuracy import (
    Classified,
    accuracies,
    accuracy_intervals,
    class_results,
    comparisons,
    confusions,
)
from tinyproof.host.judging.examples import choose_examples
from tinyproof.host.record.accuracies import Accuracy, AccuracyIntervals, Agreement, Classification
from tinyproof.host.record.parts import (
    Cost,
    DeviceResult,
    Diagnosis,
    Difference,
    Disagreement,
    LineUse,
    Origin,
    Reference,
    Sampling,
    SelfTest,
    Sure,
)
from tinyproof.host.record.report import Report
from tinyproof.host.samples import Samples
from tinyproof.manifest import Manifest
from tinyproof.model_files import FLOAT_SCORES_FILE, TRAINING_FILE, load_float_scores, load_record
from tinyproof.protocol import HelloReply
from tinyproof.statistics import Latency, summarize_latency, wilson
from tinyproof.version import package_version

DIFFERENT_LISTED = 100  # differing samples written out in full
ESTIMATED = (
    "Accuracies are estimated for all samples: those drawn at random stand for those that did not run. "
    "Confusions count what ran."
)


@dataclass(frozen=True)
class Finding:
    """A run as the journal has it. `samples`, `answers` and the rows of `outputs` (N, output bytes) go together.

    `weights` (N,): how many of all samples each of them stands for. `answered_by` has the port that answered each
    sample of this run; `resumed` are the samples of the one before. `devices` has a line for each device of this run;
    `hello` and `identity` are the first one's.
    """

    samples: list[int]
    answers: list[Answer]
    outputs: NDArray[np.int8]
    weights: NDArray[np.float64]
    identities: Mapping[int, Identity]
    resumed: set[int]
    answered_by: Mapping[int, str]
    disagreements: list[Disagreement]
    sure: Sure | None
    seconds: float
    devices: list[DeviceResult]
    hello: HelloReply
    identity: Identity


def make_report(
    model: Path,
    manifest: Manifest,
    samples: Samples,
    expected: Expected,
    finding: Finding,
    diagnosis: Diagnosis,
) -> Report:
    """The record of a run; the first device speaks for what it has once."""
    outputs, ran, hello = finding.outputs, finding.samples, finding.hello
    golden = expected.golden[ran]
    default = None if expected.default is None else expected.default[ran]
    differs = outputs != golden
    labels = samples.labels[ran] if samples.labels is not None else None
    float_scores = _float_scores(model, samples, ran)
    accuracy, classification = _classification(model, manifest, samples, finding, default, float_scores)
    examples = choose_examples(golden, default, outputs, labels, float_scores)
    return Report(
        model=manifest.name,
        model_sha256=manifest.model_sha256,
        board=hello.board,
        engine=hello.engine,
        samples=len(ran),
        bytes_compared=outputs.size,
        bytes_different=int(differs.sum()),
        samples_different=int(differs.any(axis=1).sum()),
        run_sha256=run_sha256(finding.answers),
        reference=Reference(expected.golden_name, expected.bit_exact, expected.default_name),
        sampling=Sampling(len(samples.inputs), len(finding.resumed), samples.source, samples.sha256, finding.sure),
        agreement=None if default is None else agreement(outputs, default),
        accuracy=accuracy,
        classification=classification,
        cost=_cost(model, manifest, finding),
        line=_line_use(finding.devices),
        self_test=SelfTest(hello.self_test_vectors, hello.self_test_failures),
        devices=finding.devices + earlier_devices(finding),
        differences=find_differences(golden, outputs, ran, finding.answered_by),
        disagreements=finding.disagreements,
        diagnosis=diagnosis,
        examples=[replace(example, sample=ran[example.sample]) for example in examples],
        origin=Origin(round(finding.seconds, 2), _versions(model, hello.board)),
    )


def _float_scores(model: Path, samples: Samples, ran: Sequence[int]) -> NDArray[np.float32] | None:
    """The float model's answers to the samples that ran, (N, classes); None where training did not write them down."""
    scores = load_float_scores(model / FLOAT_SCORES_FILE) if samples.labels is not None else None
    return scores[ran] if scores is not None and len(scores) > max(ran, default=0) else None


def agreement(outputs: NDArray[np.int8], default: NDArray[np.int8]) -> Agreement:
    """Of the device with Python's default interpreter, both int8 (N, output bytes)."""
    count = len(outputs)
    equal = int((outputs == default).all(axis=1).sum())
    same_class = int((outputs.argmax(axis=1) == default.argmax(axis=1)).sum())
    return Agreement(equal, wilson(equal, count), same_class, wilson(same_class, count))


def _classification(
    model: Path,
    manifest: Manifest,
    samples: Samples,
    finding: Finding,
    default: NDArray[np.int8] | None,
    float_scores: NDArray[np.float32] | None,
) -> tuple[Accuracy, Classification]:
    """How often each party is right, and more about that; nothing where there are no labels."""
    ran = finding.samples
    labels = samples.labels[ran] if samples.labels is not None else np.array([], np.int64)
    scores = {"float": float_scores, "int8_host": default, "int8_device": finding.outputs} if len(labels) else {}
    predicted = {party: rows.argmax(axis=1) for party, rows in scores.items() if rows is not None}
    classified = Classified(predicted, labels, finding.weights)
    names = list(manifest.labels) or [str(number) for number in range(manifest.output_bytes)]
    shares, intervals = accuracies(classified), accuracy_intervals(classified)
    is_whole = len(ran) == len(samples.inputs)
    if len(labels) and "float" not in predicted and is_whole:
        shares, intervals = _with_float(model, samples, shares, intervals)
    return shares, Classification(
        classes=names,
        interval=intervals,
        note=ESTIMATED if finding.sure and not is_whole else "",
        comparisons=comparisons(classified),
        confusion=confusions(classified, len(names)),
        per_class=class_results(classified, names),
    )


def _with_float(
    model: Path, samples: Samples, shares: Accuracy, intervals: AccuracyIntervals
) -> tuple[Accuracy, AccuracyIntervals]:
    """The same with the float model's accuracy as training recorded it, which is of the whole test split alone."""
    if not (model / TRAINING_FILE).is_file() or not samples.is_whole:
        return shares, intervals
    count, share = len(samples.inputs), load_record(model / TRAINING_FILE).accuracy_float
    return replace(shares, float=share), replace(intervals, float=wilson(round(share * count), count))


def _cost(model: Path, manifest: Manifest, finding: Finding) -> Cost:
    hello = finding.hello
    spread = latency(finding.answers, finding.identities, finding.identity)
    mean = {hello.counter_unit: round(spread.mean)} if spread else {}
    sizes = load_sizes(model, hello.board) if hello.board in BOARDS else None
    return Cost(
        instructions=mean.get("instructions"),
        nanoseconds=mean.get("nanoseconds"),
        cycles=mean.get("cycles"),
        clock_hz=hello.clock_hz,
        latency=spread,
        flash_bytes=sizes.flash_bytes if sizes else None,
        ram_bytes=sizes.ram_bytes if sizes else None,
        arena_bytes=hello.arena_bytes,
        arena_reserved_bytes=manifest.tflm_arena_bytes if hello.engine == "tflm" else None,
        stack_used_bytes=hello.stack_used_bytes,
    )


def _line_use(devices: Sequence[DeviceResult]) -> LineUse:
    return LineUse(
        requests_resent=sum(device.resent for device in devices),
        chunks_dropped=sum(device.chunks_dropped for device in devices),
        bytes_to_device=sum(device.line_bytes_to_device for device in devices),
        bytes_from_device=sum(device.line_bytes_from_device for device in devices),
    )


def _versions(model: Path, board: str) -> dict[str, str]:
    sizes = load_sizes(model, board) if board in BOARDS else None
    return {
        "tinyproof": package_version("tinyproof"),
        "python": platform.python_version(),
        "numpy": np.__version__,
        **({"compiler": sizes.compiler} if sizes and sizes.compiler else {}),
        "system": f"{platform.system()} {platform.release()}, {platform.machine()}",
    }


def find_differences(
    golden: NDArray[np.int8], device: NDArray[np.int8], samples: Sequence[int], answered_by: Mapping[int, str]
) -> list[Difference]:
    """The first differing samples in full; both int8 (N, output bytes)."""
    steps = np.abs(golden.astype(int) - device.astype(int))
    differences = []
    for row in np.flatnonzero(steps.any(axis=1))[:DIFFERENT_LISTED]:
        sample, is_rounding = samples[row], bool(steps[row].max() <= 1)
        url = answered_by.get(sample, "")
        differences.append(Difference(sample, golden[row].tolist(), device[row].tolist(), is_rounding, url))
    return differences


def latency(answers: Iterable[Answer], identities: Mapping[int, Identity], counter: Identity) -> Latency | None:
    """The spread over all devices that count like `counter`."""
    alike = {number for number, identity in identities.items() if _counter(identity) == _counter(counter)}
    measured = (answer.ticks for answer in answers if answer.device in alike)
    ticks = np.array([ticks for ticks in measured if ticks is not None], np.int64)
    return summarize_latency(ticks, *_counter(counter))


def earlier_devices(finding: Finding) -> list[DeviceResult]:
    """A line for each kind of device that answered in the interrupted run alone."""
    present = {device.identity for device in finding.devices}
    results = []
    for number, identity in finding.identities.items():
        count = resumed_by(finding.answers, finding.resumed, number)
        if count and identity.sha256 not in present:
            counted = (0, count, identity.counter_unit)
            results.append(DeviceResult("", identity.board, identity.engine, identity.sha256, *counted))
    return results


def resumed_by(answers: Sequence[Answer], resumed: set[int], number: int) -> int:
    """How many answers of the interrupted run are of that kind of device."""
    return sum(answer.sample in resumed for answer in answers if answer.device == number)


def _counter(identity: Identity) -> tuple[int, int, str]:
    return identity.counter_numerator, identity.counter_denominator, identity.counter_unit
