"""From samples whose outputs differ to named causes: the first op whose tensor is not the golden's, and its mistake.

The cost is bounded: TRACED samples are run once more and told apart by the CRC-32 of every tensor, and EXAMINED of each
cause have the tensor fetched that differs first. Nothing here decides whether outputs differ; the run did that.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace

import numpy as np

from export.manifest import Manifest, StepInfo
from host.connection import Station
from host.console import UserError, track
from host.diagnosis.explain import Example, Explanation, explain
from host.diagnosis.recompute import read_layer
from host.diagnosis.tensors import OutputPart, Reference, computed_tensors, output_parts
from host.protocol import TraceReply
from host.report import Cause, OpResult, TensorDifference

TRACED = 200  # differing samples told apart by CRC
EXAMINED = 8  # of each cause, looked at element by element
TIMED = 5  # samples traced for the time of every op where nothing differs
LISTED = 20  # samples named in a cause


@dataclass(frozen=True)
class Diagnosis:
    """What the report says about ops and causes."""

    ops: list[OpResult]
    causes: list[Cause]
    ruled_out: list[str]


@dataclass(frozen=True, eq=False)
class Answered:
    """One sample of a run: its number, its input and the device's output."""

    sample: int
    input: bytes
    output: bytes


class Examiner:
    """Looks into the inferences of one device. Holds what it found about every tensor."""

    def __init__(self, station: Station, manifest: Manifest, reference: Reference) -> None:
        self.station = station
        self.reference = reference
        self.steps: Sequence[StepInfo] = computed_tensors(manifest, reference.graph, station.hello.engine)
        self.parts: Sequence[OutputPart] = output_parts(reference.graph, self.steps)
        self.traces: list[TraceReply] = []
        self.different = [0] * len(self.steps)

    def trace(self, data: bytes) -> list[int]:
        """Run one input on both sides; the tensors whose CRC-32 is not the golden's. Raises UserError if it cannot."""
        trace = self.station.device.trace(data)
        if [tensor.size for tensor in trace.tensors] != [step.size_bytes for step in self.steps]:
            raise UserError(f"{self.station.name}: its engine computes other tensors than model.json lists")
        self.reference.run(data)
        self.traces.append(trace)
        crcs = [zlib.crc32(self.reference.tensor(step.tensor).tobytes()) for step in self.steps]
        differing = [k for k, crc in enumerate(crcs) if trace.tensors[k].crc != crc]
        for k in differing:
            self.different[k] += 1
        return differing

    def classify(self, answered: Answered) -> tuple[str, int | None]:
        """The kind of cause behind a differing output, and the first tensor that differs. Raises UserError."""
        differing = self.trace(answered.input)
        trace = self.traces[-1]
        if trace.input_crc != zlib.crc32(answered.input):
            return "input", None
        again = all(zlib.crc32(answered.output[p.start : p.end]) == trace.tensors[p.step].crc for p in self.parts)
        return ("kernel", differing[0]) if again and differing else ("not repeatable", None)

    def examine(self, k: int, answered: Answered) -> tuple[Example, TensorDifference]:
        """Fetch tensor `k` of a sample and hold it against the golden's. Raises UserError."""
        step = self.steps[k]
        device = np.frombuffer(self.station.device.fetch(k, 0, step.size_bytes, answered.input), np.int8)
        self.reference.run(answered.input)
        golden = self.reference.tensor(step.tensor)
        x = self.reference.tensor(self.reference.graph.ops[step.ops[0]].inputs[0])
        steps = np.abs(golden.astype(int) - device)
        place = int(np.argmax(steps > 0))
        first = [int(i) for i in np.unravel_index(place, step.shape)]
        return Example(x, golden, device), TensorDifference(
            answered.sample, golden.size, int((steps > 0).sum()), int(steps.max()), first,
            int(golden[place]), int(device[place]),
        )  # fmt: skip

    def count(self, k: int) -> int | None:
        """The least time that tensor `k` took in a trace, in the counter's unit; None where the device does not tell."""
        hello = self.station.hello
        ticks = min((trace.tensors[k].ticks for trace in self.traces), default=0)
        return round(ticks * hello.counter_numerator / hello.counter_denominator) if ticks else None

    def results(self) -> list[OpResult]:
        """Every tensor with what was found about it."""
        return [
            OpResult(
                index=k,
                count=self.count(k),
                traced=len(self.traces),
                different=self.different[k],
                **{name: value for name, value in asdict(step).items() if name not in ("inputs", "tensor")},
            )
            for k, step in enumerate(self.steps)
        ]


@dataclass
class Group:
    """Differing samples of one device with one cause; `op` is the tensor that differs first, if that is the cause."""

    kind: str
    op: int | None
    text: str = ""
    members: list[Answered] = field(default_factory=list)


def diagnose_device(examiner: Examiner, differing: Sequence[Answered], some: Sequence[bytes]) -> list[Cause]:
    """The causes of one device's differing samples; traces `some` inputs for the time of each op where none differs."""
    groups: dict[tuple[str, int | None], Group] = {}
    try:
        for data in some if not differing else ():
            examiner.trace(data)
        for answered in track(differing[:TRACED], f"Causes: {examiner.station.name}") if differing else ():
            kind, op = examiner.classify(answered)
            groups.setdefault((kind, op), Group(kind, op)).members.append(answered)
        causes = [_cause(examiner, group) for group in groups.values()]
        rest = Group("not traced", None, f"beyond the first {TRACED} that were traced", list(differing[TRACED:]))
    except UserError as error:
        causes = []
        rest = Group("not traced", None, f"which op differs is not known: {error.message}", list(differing))
    return _self_test(examiner.station) + causes + ([_cause(examiner, rest)] if rest.members else [])


def _cause(examiner: Examiner, group: Group) -> Cause:
    samples = [member.sample for member in group.members]
    cause = Cause(group.kind, group.text, examiner.station.name, len(samples), samples[:LISTED])
    if group.kind == "input":
        return replace(cause, text="the engine was given other input bytes than were sent")
    if group.kind == "not repeatable":
        return replace(cause, text="the device gave other bytes for the same input when it was asked again")
    return _kernel(examiner, group.op, group.members, cause) if group.op is not None else cause


def _kernel(examiner: Examiner, k: int, members: Sequence[Answered], cause: Cause) -> Cause:
    """A cause at one tensor, in full: fetched, compared, and explained if an explanation fits all that was fetched."""
    found = [examiner.examine(k, member) for member in members[:EXAMINED]]
    step = examiner.steps[k]
    layer = read_layer(examiner.reference.graph, step.ops)
    why = explain(layer, [example for example, _ in found]) if layer else None
    worst = max(difference.max_step for _, difference in found)
    return replace(
        cause,
        kind="rounding" if (why.is_rounding if why else worst <= 1) else "kernel",
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
    examined: Sequence[tuple[Station, Sequence[Answered]]],
    some: Sequence[bytes],
    bit_exact: bool,
) -> Diagnosis:
    """Causes on every device, given each device's differing samples; the first device's time of every op.

    Without a bit-exact golden nothing differs for certain, and nothing is asked but the time.
    """
    reference = Reference(tflite)
    examiners = [Examiner(station, manifest, reference) for station, _ in examined]
    causes = []
    for examiner, (_, differing) in zip(examiners, examined, strict=True):
        first = examiner is examiners[0]
        causes += diagnose_device(examiner, differing if bit_exact else (), some[:TIMED] if first else ())
    return Diagnosis(examiners[0].results() if examiners else [], causes, ruled_out(examined))


def ruled_out(examined: Sequence[tuple[Station, Sequence[Answered]]]) -> list[str]:
    """What cannot be behind a difference, and why."""
    dropped = sum(station.device.transport.chunks_dropped for station, _ in examined)
    return [
        "transport: every frame carries a CRC-32 of its bytes; "
        f"{dropped:,} damaged ones were dropped and asked for again, none was taken for an answer",
        "another model: the SHA-256 of the .tflite is the one that was exported",
        "damaged constants: the device's own SHA-256 over the constants in its flash is the export's",
    ]
