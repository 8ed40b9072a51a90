"""From samples whose outputs differ to named causes: the first op whose tensor is not the golden's, and its mistake.

The cost is bounded: TRACED samples are run once more and told apart by the CRC-32 of every tensor, and EXAMINED of each
cause have the tensor fetched that differs first. Nothing here decides whether outputs differ; the run did that.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinyproof.console import UserError, track
from tinyproof.host.device import count
from tinyproof.host.diagnosis.explain import Example, Explanation, explain
from tinyproof.host.diagnosis.recompute import read_layer
from tinyproof.host.diagnosis.tensors import OutputPart, Reference, computed_tensors, output_parts
from tinyproof.host.record.parts import Cause, Diagnosis, OpResult, TensorDifference
from tinyproof.host.station import Station
from tinyproof.host.transport import LineLost
from tinyproof.manifest import Manifest, StepInfo
from tinyproof.protocol import TensorTrace

TRACED = 200  # differing samples told apart by CRC
EXAMINED = 8  # of each cause, looked at element by element
TIMED = 5  # samples traced for the time of every op where nothing differs
LISTED = 20  # samples named in a cause
Bytes = NDArray[np.int8]
# Sample, output bytes, and the device that answered; None: one of an interrupted run.
Answers = Iterable[tuple[int, bytes, Station | None]]


@dataclass(frozen=True, eq=False)
class Answered:
    """One sample of a run: its number, its input and the device's output."""

    sample: int
    input: bytes
    output: bytes


class Examiner:
    """Looks into the inferences of one device. Holds what it found about every tensor that the engine computes."""

    def __init__(self, station: Station, manifest: Manifest, reference: Reference) -> None:
        self.station = station
        self.reference = reference = reference.as_computed_by(station.hello.engine)
        self.inputs = reference.graph.inputs  # in a trace they precede what is computed
        self.steps: Sequence[StepInfo] = computed_tensors(manifest, reference.graph, station.hello)
        self.parts: Sequence[OutputPart] = output_parts(reference.graph, self.steps)
        self.traces: list[Sequence[TensorTrace]] = []  # of what is computed
        self.different = [0] * len(self.steps)

    def trace(self, data: bytes) -> tuple[bool, list[int]]:
        """Run one input on both sides: whether the engine was given it, and the tensors that are not the golden's.

        Raises UserError when the device cannot.
        """
        tensors = self.station.device.trace(data).tensors
        indexes = [*self.inputs, *(step.tensor for step in self.steps)]
        if [tensor.size for tensor in tensors] != [self.reference.graph.tensors[index].size for index in indexes]:
            raise UserError(f"{self.station.name}: its engine computes other tensors than model.json lists")
        self.reference.run(data)
        wrong = [t.crc != zlib.crc32(self.reference.bytes_of(i)) for t, i in zip(tensors, indexes, strict=True)]
        first = len(self.inputs)
        differing = [k for k, differs in enumerate(wrong[first:]) if differs]
        self.traces.append(tensors[first:])
        for k in differing:
            self.different[k] += 1
        return not any(wrong[:first]), differing

    def classify(self, answered: Answered) -> tuple[str, list[int]]:
        """The kind of cause behind a differing output, and all tensors that differ. Raises UserError."""
        given, differing = self.trace(answered.input)
        if not given:
            return "input", differing
        crcs = [tensor.crc for tensor in self.traces[-1]]
        again = all(zlib.crc32(answered.output[part.start : part.end]) == crcs[part.step] for part in self.parts)
        return "kernel" if again and differing else "not repeatable", differing

    def compare(self, number: int, index: int, answered: Answered) -> tuple[Bytes, TensorDifference]:
        """Fetch tensor `number` of a trace, tensor `index` of the model, hold it against the golden's. UserError."""
        tensor = self.reference.graph.tensors[index]
        fetched = self.station.device.fetch(number, 0, tensor.size, answered.input)
        device = np.frombuffer(fetched, np.int8)
        self.reference.run(answered.input)
        golden = np.frombuffer(self.reference.bytes_of(index), np.int8)
        steps = np.abs(golden.astype(int) - device)
        first = int(np.argmax(steps > 0))
        return device, TensorDifference(
            sample=answered.sample,
            elements=golden.size,
            different=int((steps > 0).sum()),
            max_step=int(steps.max()),
            first=self.reference.place(index, first),
            golden=int(golden[first]),
            device=int(device[first]),
        )

    def examine(self, k: int, answered: Answered) -> tuple[Example, TensorDifference]:
        """What the device made of computed tensor `k` of a sample. Raises UserError."""
        step = self.steps[k]
        device, difference = self.compare(len(self.inputs) + k, step.tensor, answered)
        x = np.frombuffer(self.reference.bytes_of(self.reference.graph.ops[step.ops[0]].inputs[0]), np.int8)
        golden = np.frombuffer(self.reference.bytes_of(step.tensor), np.int8)
        return Example(x, golden, device), difference

    def count(self, k: int) -> int | None:
        """The least time that tensor `k` took in a trace, in the counter's unit; None where the device is silent."""
        ticks = min((trace[k].ticks for trace in self.traces), default=0)
        return count(ticks, self.station.hello) if ticks else None

    def results(self) -> list[OpResult]:
        """Every tensor with what was found about it."""
        return [
            OpResult(
                index=k,
                count=self.count(k),
                traced=len(self.traces),
                different=self.different[k],
                **_shown(step),
            )
            for k, step in enumerate(self.steps)
        ]


def _shown(step: StepInfo) -> dict[str, Any]:
    """The fields of a step that an OpResult has too."""
    shown = {name: value for name, value in vars(step).items() if name not in ("inputs", "tensor")}
    return {name: list(value) if isinstance(value, tuple) else value for name, value in shown.items()}


@dataclass
class Group:
    """Differing samples of one device with one cause; `op` is the tensor that differs first, if that is the cause."""

    kind: str
    op: int | None
    text: str = ""
    differing: list[int] = field(default_factory=list)  # the tensors that differ in the first of them
    members: list[Answered] = field(default_factory=list)


def diagnose_device(examiner: Examiner, differing: Sequence[Answered], some: Sequence[bytes]) -> list[Cause]:
    """The causes of one device's differing samples; traces `some` inputs for the time of each op where none differs."""
    groups: dict[tuple[str, int | None], Group] = {}
    try:
        for data in some if not differing else ():
            examiner.trace(data)
        for answered in track(differing[:TRACED], f"Causes: {examiner.station.name}") if differing else ():
            kind, tensors = examiner.classify(answered)
            op = tensors[0] if kind == "kernel" else None
            groups.setdefault((kind, op), Group(kind, op, differing=tensors)).members.append(answered)
        causes = [_cause(examiner, group) for group in groups.values()]
        rest = Group(
            "not traced", None, f"beyond the first {TRACED} that were traced", members=list(differing[TRACED:])
        )
    except UserError as error:
        if isinstance(error, LineLost):
            examiner.station.outcome.ended = examiner.station.explain(error)
        causes = []
        rest = Group("not traced", None, f"which op differs is not known: {error.message}", members=list(differing))
    return _self_test(examiner.station) + causes + ([_cause(examiner, rest)] if rest.members else [])


def _cause(examiner: Examiner, group: Group) -> Cause:
    samples = [member.sample for member in group.members]
    cause = Cause(
        group.kind, group.text, examiner.station.name, len(samples), samples[:LISTED], differing=group.differing
    )
    if group.kind == "input":
        return _input(examiner, group.members[0], cause)
    if group.kind == "not repeatable":
        return replace(cause, text="the device gave other bytes for the same input when it was asked again")
    return _kernel(examiner, group.op, group.members, cause) if group.op is not None else cause


def _input(examiner: Examiner, member: Answered, cause: Cause) -> Cause:
    """A cause at the input: the first byte that is not what was sent."""
    for number, index in enumerate(examiner.inputs):
        _, difference = examiner.compare(number, index, member)
        if difference.different:
            where = f"{difference.different:,} of {difference.elements:,}, the first at {tuple(difference.first)}"
            text = f"the engine was given other input bytes than were sent: {where}"
            return replace(cause, text=text, examined=1, difference=difference)
    return replace(
        cause, text="the engine was given other input bytes than were sent, and the right ones when asked again"
    )


def _kernel(examiner: Examiner, k: int, members: Sequence[Answered], cause: Cause) -> Cause:
    """A cause at one tensor, in full: fetched, compared, and explained if an explanation fits all that was fetched."""
    found = [examiner.examine(k, member) for member in members[:EXAMINED]]
    step = examiner.steps[k]
    layer = read_layer(examiner.reference.graph, step.ops, examiner.reference.reduced.kept)
    why = explain(layer, [example for example, _ in found]) if layer else None
    worst = max(difference.max_step for _, difference in found)
    return replace(
        cause,
        kind="rounding" if (why.is_rounding if why else layer is None and worst <= 1) else "kernel",
        text=f"{_where(examiner, step)}: {_why(why, worst)}",
        op=k,
        examined=len(found),
        difference=found[0][1],
    )


def _where(examiner: Examiner, step: StepInfo) -> str:
    """The op in words: kernel, ops of the model, name."""
    ops = " + ".join(f"op {index} {examiner.reference.graph.ops[index].name}" for index in step.ops)
    return f"{step.name} ({', '.join(dict.fromkeys(step.kernels))}; {ops} '{step.label}')"


def _why(why: Explanation | None, worst: int) -> str:
    if why is None:
        return (
            "no element is more than one step off" if worst <= 1 else "it computes something else from the same inputs"
        )
    return f"the device {why.text}" + ("; so computed, all examined bytes are its own" if why.proved else "")


def _self_test(station: Station) -> list[Cause]:
    hello = station.hello
    if not hello.self_test_failures:
        return []
    text = f"{hello.self_test_failures} of {hello.self_test_vectors} golden vectors gave other bytes at boot"
    return [Cause("self-test", text, station.name, hello.self_test_failures, [])]


def diagnose(
    manifest: Manifest,
    tflite: bytes,
    stations: Sequence[Station],
    inputs: NDArray[np.int8],
    answers: Answers,
    golden: NDArray[np.int8] | None,
) -> Diagnosis:
    """Causes on every device that is still there, and the first device's time of every op.

    `inputs` (N, input bytes) and `golden` (N, output bytes) are those of all samples. Without a bit-exact golden (None)
    nothing differs for certain, and nothing is asked but the time.
    """
    reference = Reference(tflite)
    first = next((station for station in stations if not station.outcome.ended), stations[0])
    examiner = Examiner(first, manifest, reference)
    some = [row.tobytes() for row in inputs[:TIMED]]
    causes = []
    for station in stations:
        differing = _differing(station, first, inputs, answers, golden)
        if not station.outcome.ended:
            one = examiner if station is first else Examiner(station, manifest, reference)
            causes += diagnose_device(one, differing, some if station is first else [])
        elif differing:
            samples = [answered.sample for answered in differing]
            text = f"the device is gone: {station.outcome.ended}"
            causes.append(Cause("not traced", text, station.name, len(samples), samples[:LISTED]))
    return Diagnosis(examiner.results(), causes, ruled_out(stations))


def _differing(
    station: Station, first: Station, inputs: NDArray[np.int8], answers: Answers, golden: NDArray[np.int8] | None
) -> list[Answered]:
    """What the device answered otherwise than the golden; what an interrupted run left falls to the first device."""
    if golden is None:
        return []
    return [
        Answered(sample, inputs[sample].tobytes(), output)
        for sample, output, answered_by in answers
        if output != golden[sample].tobytes() and (answered_by or first) is station
    ]


def ruled_out(stations: Sequence[Station]) -> list[str]:
    """What cannot be behind a difference, and why."""
    dropped = sum(station.device.exchange.transport.chunks_dropped for station in stations)
    return [
        "transport: every frame carries a CRC-32 of its bytes; "
        f"{dropped:,} damaged ones were dropped and asked for again, none was taken for an answer",
        "another model: the SHA-256 of the .tflite is the one that was exported",
        "damaged constants: the device's own SHA-256 over the constants in its flash is the export's",
    ]
