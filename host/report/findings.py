"""From the answers of a run to its report."""

from __future__ import annotations

import platform
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tinyproof.boards import BOARDS
from tinyproof.firmware.build import load_sizes
from tinyproof.host.connection import Station
from tinyproof.host.diagnosis.diagnose import Diagnosis
from tinyproof.host.expected import Expected
from tinyproof.host.journal import Answer, Identity, run_sha256
from tinyproof.host.report.accuracy import (
    Classified,
    accuracies,
    accuracy_intervals,
    class_results,
    comparisons,
    confusions,
)
from tinyproof.host.report.examples import choose_examples
from tinyproof.host.report.report import (
    Accuracy,
    AccuracyIntervals,
    DeviceResult,
    Difference,
    Disagreement,
    Report,
    Sure,
)
from tinyproof.host.samples import Samples
from tinyproof.manifest import Manifest
from tinyproof.model_files import FLOAT_SCORES_FILE, TRAINING_FILE, load_float_scores, load_record
from tinyproof.statistics import Latency, summarize_latency, wilson

DIFFERENT_LISTED = 100  # differing samples written out in full
ESTIMATED = (
    "Accuracies are estimated for all samples: those drawn at random stand for those that did not run. "
    "Confusions count what ran."
)


@dataclass(frozen=True)
class Finding:
    """A run as the journal has it. `samples`, `answers` and the rows of `outputs` (N, output bytes) go together.

    `weights` (N,): how many of all samples each of them stands for. `answered_by` knows the answers of this run alone;
    `resumed` are the samples of the one before.
    """

    samples: list[int]
    answers: list[Answer]
    outputs: NDArray[np.int8]
    weights: NDArray[np.float64]
    identities: Mapping[int, Identity]
    resumed: set[int]
    answered_by: Mapping[int, Station]
    disagreements: list[Disagreement]
    sure: Sure | None
    seconds: float


def _float_scores(model: Path, samples: Samples, ran: Sequence[int]) -> NDArray[np.float32] | None:
    """The float model's answers to the samples that ran, (N, classes); None where training did not write them down."""
    scores = load_float_scores(model / FLOAT_SCORES_FILE) if samples.labels is not None else None
    return scores[ran] if scores is not None and len(scores) > max(ran, default=0) else None


def make_report(
    model: Path,
    manifest: Manifest,
    samples: Samples,
    expected: Expected,
    stations: Sequence[Station],
    finding: Finding,
    diagnosis: Diagnosis,
) -> Report:
    """The report of a run; the first station speaks for what the report has once."""
    outputs, ran = finding.outputs, finding.samples
    golden, default = expected.golden[ran], expected.default[ran]
    differs = outputs != golden
    first = stations[0]
    hello, counter = first.hello, first.identity
    spread = latency(finding.answers, finding.identities, counter)
    mean = round(spread.mean) if spread else None
    sizes = load_sizes(model, hello.board) if hello.board in BOARDS else None
    equal = int((outputs == default).all(axis=1).sum())
    same_class = int((outputs.argmax(axis=1) == default.argmax(axis=1)).sum())
    devices = device_results(stations, finding.answers, finding.resumed, finding.identities)
    labels = samples.labels[ran] if samples.labels is not None else np.array([], np.int64)
    float_scores = _float_scores(model, samples, ran)
    scores = {"float": float_scores, "int8_host": default, "int8_device": outputs} if len(labels) else {}
    predicted = {party: rows.argmax(axis=1) for party, rows in scores.items() if rows is not None}
    classified = Classified(predicted, labels, finding.weights)
    names = list(manifest.labels) or [str(number) for number in range(manifest.output_bytes)]
    examples = choose_examples(golden, default, outputs, labels if len(labels) else None, float_scores)
    shares, intervals = accuracies(classified), accuracy_intervals(classified)
    if "float" not in predicted and len(ran) == len(samples.inputs):
        shares, intervals = _with_float(model, samples, shares, intervals)
    return Report(
        model=manifest.name,
        model_sha256=manifest.model_sha256,
        board=hello.board,
        engine=hello.engine,
        golden=expected.golden_name,
        golden_is_bit_exact=expected.bit_exact,
        interpreter=expected.default_name,
        samples=len(ran),
        samples_planned=len(samples.inputs),
        samples_resumed=len(finding.resumed),
        samples_source=samples.source,
        samples_sha256=samples.sha256,
        run_sha256=run_sha256(finding.answers),
        bytes_compared=outputs.size,
        bytes_different=int(differs.sum()),
        samples_different=int(differs.any(axis=1).sum()),
        samples_equal_to_interpreter=equal,
        samples_equal_interval=wilson(equal, len(ran)),
        classes_equal_to_interpreter=same_class,
        classes_equal_interval=wilson(same_class, len(ran)),
        classes=names,
        accuracy=shares,
        accuracy_interval=intervals,
        accuracy_note=ESTIMATED if finding.sure and len(ran) < len(samples.inputs) else "",
        comparisons=comparisons(classified),
        confusion=confusions(classified, len(names)),
        per_class=class_results(classified, names),
        instructions_per_inference=mean if hello.counter_unit == "instructions" else None,
        nanoseconds_per_inference=mean if hello.counter_unit == "nanoseconds" else None,
        cycles_per_inference=mean if hello.counter_unit == "cycles" else None,
        latency=spread,
        clock_hz=hello.clock_hz,
        flash_bytes=sizes.flash_bytes if sizes else None,
        ram_bytes=sizes.ram_bytes if sizes else None,
        arena_bytes=hello.arena_bytes,
        arena_reserved_bytes=manifest.tflm_arena_bytes if hello.engine == "tflm" else None,
        stack_used_bytes=hello.stack_used_bytes,
        self_test_vectors=hello.self_test_vectors,
        self_test_failures=hello.self_test_failures,
        requests_resent=sum(device.resent for device in devices),
        chunks_dropped=sum(device.chunks_dropped for device in devices),
        line_bytes_to_device=sum(device.line_bytes_to_device for device in devices),
        line_bytes_from_device=sum(device.line_bytes_from_device for device in devices),
        seconds=round(finding.seconds, 2),
        versions={
            "tinyproof": version("tinyproof"),
            "python": platform.python_version(),
            "numpy": np.__version__,
            **({"compiler": sizes.compiler} if sizes and sizes.compiler else {}),
            "system": f"{platform.system()} {platform.release()}, {platform.machine()}",
        },
        examples=[replace(example, sample=ran[example.sample]) for example in examples],
        differences=find_differences(golden, outputs, ran, finding.answered_by),
        devices=devices,
        disagreements=finding.disagreements,
        sure=finding.sure,
        ops=diagnosis.ops,
        causes=diagnosis.causes,
        ruled_out=diagnosis.ruled_out,
    )


def _with_float(
    model: Path, samples: Samples, shares: Accuracy, intervals: AccuracyIntervals
) -> tuple[Accuracy, AccuracyIntervals]:
    """The same with the float model's accuracy as training recorded it, which is of the whole test split alone."""
    if not (model / TRAINING_FILE).is_file() or not samples.is_whole:
        return shares, intervals
    count, share = len(samples.inputs), load_record(model / TRAINING_FILE).accuracy_float
    return replace(shares, float=share), replace(intervals, float=wilson(round(share * count), count))


def find_differences(
    golden: NDArray[np.int8], device: NDArray[np.int8], samples: Sequence[int], answered_by: Mapping[int, Station]
) -> list[Difference]:
    """The first differing samples in full; both int8 (N, output bytes)."""
    steps = np.abs(golden.astype(int) - device.astype(int))
    differences = []
    for row in np.flatnonzero(steps.any(axis=1))[:DIFFERENT_LISTED]:
        sample = samples[row]
        url = answered_by[sample].url if sample in answered_by else ""
        bytes_ = golden[row].tolist(), device[row].tolist()
        differences.append(Difference(sample, *bytes_, bool(steps[row].max() <= 1), url))
    return differences


def latency(answers: Iterable[Answer], identities: Mapping[int, Identity], counter: Identity) -> Latency | None:
    """The spread over all devices that count like `counter`."""
    alike = {number for number, identity in identities.items() if _counter(identity) == _counter(counter)}
    ticks = np.array([answer.ticks for answer in answers if answer.device in alike], np.int64)
    return summarize_latency(ticks, *_counter(counter))


def device_results(
    stations: Sequence[Station], answers: Sequence[Answer], resumed: set[int], identities: Mapping[int, Identity]
) -> list[DeviceResult]:
    """A line for each device, then one for each kind of device that answered in the interrupted run alone.

    What was answered before the interruption stands with the first device of its kind.
    """
    results = []
    earlier = {number: sum(a.sample in resumed for a in answers if a.device == number) for number in identities}
    for station in stations:
        results.append(_device_result(station, earlier.pop(station.number, 0)))
    for number, count in earlier.items():
        if count:
            identity = identities[number]
            results.append(
                DeviceResult("", identity.board, identity.engine, identity.sha256, 0, count, identity.counter_unit)
            )
    return results


def _device_result(station: Station, resumed: int) -> DeviceResult:
    hello, transport = station.hello, station.device.transport
    return DeviceResult(
        url=station.url,
        board=hello.board,
        engine=hello.engine,
        identity=station.identity.sha256,
        samples=station.samples,
        resumed=resumed,
        counter_unit=hello.counter_unit,
        mean_count=station.mean_count,
        clock_hz=hello.clock_hz,
        self_test_vectors=hello.self_test_vectors,
        self_test_failures=hello.self_test_failures,
        resent=station.device.resent,
        chunks_dropped=transport.chunks_dropped,
        reconnects=station.reconnects,
        resets=station.resets,
        line_bytes_to_device=transport.bytes_sent,
        line_bytes_from_device=transport.bytes_received,
        ended=station.ended,
    )


def _counter(identity: Identity) -> tuple[int, int, str]:
    return identity.counter_numerator, identity.counter_denominator, identity.counter_unit
