"""What a validation found: the record behind report.json, and nothing that computes or draws.

Three numbers that are never mixed: output bytes against the golden (`bytes_...`), agreement with Python's default
interpreter (`..._equal_to_interpreter`), and accuracy against the labels. findings.py makes the parts from a run,
summary.py prints them. Every share is 0..1, every interval at INTERVAL_CONFIDENCE.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path

from tinyproof.console import write_atomically
from tinyproof.statistics import Interval, Latency

REPORT_FILE = "report.json"
Share = float | None


@dataclass(frozen=True)
class Accuracy:
    """Share of test images classified as labelled, 0..1: None where there are no labels or no such party."""

    float: Share
    int8_host: Share
    int8_device: Share


@dataclass(frozen=True)
class AccuracyIntervals:
    """Confidence intervals of an `Accuracy`; None where it is None."""

    float: Interval | None
    int8_host: Interval | None
    int8_device: Interval | None


@dataclass(frozen=True)
class Confusions:
    """Counts [label][predicted class] of each party; None where there are no labels or no predictions of it."""

    float: list[list[int]] | None
    int8_host: list[list[int]] | None
    int8_device: list[list[int]] | None


@dataclass(frozen=True)
class ClassResult:
    """One class: how many of the samples carry its label, and the share of those that each party recognised."""

    name: str
    samples: int
    recall: Accuracy
    recall_interval: AccuracyIntervals


@dataclass(frozen=True)
class Comparison:
    """Two parties (fields of `Accuracy`) on the same labelled samples: McNemar's exact test.

    `p_value`: how often two equally good parties would differ at least this much; small says more than chance.
    """

    first: str
    second: str
    samples: int
    only_first_right: int
    only_second_right: int
    p_value: float


@dataclass(frozen=True)
class DeviceResult:
    """What one device contributed. `identity` is equal for devices that ought to answer alike.

    `samples` counts this run, `resumed` what its kind had answered in an interrupted one; a kind that answered in that
    one alone has a line without a port. `mean_count` is of `samples`, in `counter_unit`. `ended` says why the device
    stopped before the run did; empty when it did not.
    """

    url: str
    board: str
    engine: str
    identity: str
    samples: int
    resumed: int
    counter_unit: str
    mean_count: int | None = None
    clock_hz: int = 0
    self_test_vectors: int = 0
    self_test_failures: int = 0
    resent: int = 0
    chunks_dropped: int = 0
    reconnects: int = 0
    resets: int = 0
    line_bytes_to_device: int = 0
    line_bytes_from_device: int = 0
    ended: str = ""


@dataclass(frozen=True)
class Disagreement:
    """Two answers to the same sample that are not the same bytes, the first of them not the golden's.

    `first` answered in the run, `second` when asked again afterwards; the same device twice does not repeat itself.
    """

    sample: int
    first: str
    second: str
    second_is_golden: bool


@dataclass(frozen=True)
class Sure:
    """A run that was allowed to stop early: how many of all `population` samples may differ from the golden.

    The `low_margin` samples with the golden's least certain answers ran first; of the rest `drawn` ran in random order.
    With `confidence`, the differing share of all samples is in `rate`, at whatever moment the run stopped.
    """

    rate_limit: float
    confidence: float
    population: int
    low_margin: int
    low_margin_different: int
    drawn: int
    drawn_different: int
    rate: Interval
    reached: bool


@dataclass(frozen=True)
class Difference:
    """One sample whose output bytes are not the golden's."""

    sample: int
    golden: list[int]
    device: list[int]
    rounding_only: bool  # no byte is more than one step off
    answered_by: str = ""  # the port of the device


@dataclass(frozen=True)
class Example:
    """A sample worth looking at: its output differs from the golden's, or some party does not see its label.

    Output bytes of the golden, of Python's interpreter and of the device; `float` holds the scores of the float model,
    None where there is none.
    """

    sample: int
    label: int | None
    golden: list[int]
    interpreter: list[int]
    device: list[int]
    float: list[float] | None


@dataclass(frozen=True)
class OpResult:
    """One tensor that the engine computes, in its order, and what was found when samples were traced.

    `ops` of the model are computed by `kernels`; `name` and `label` are the first op's and what the training framework
    called the last. `offset` is in bytes within `place` (the arena, the output; unknown within an interpreter); counted
    in kernel calls, its memory is taken from `needed_from` to `needed_to`, both included, and `scratch_bytes` more from
    `scratch_offset` on in the arena. `count`: the time that the op took, in the counter's unit, None where unknown. The
    tensor was `different` from the golden's in so many of the `traced` samples.
    """

    index: int
    name: str
    label: str
    kernels: list[str]
    ops: list[int]
    shape: list[int]
    macs: int
    place: str
    offset: int
    size_bytes: int
    needed_from: int
    needed_to: int
    scratch_offset: int
    scratch_bytes: int
    count: int | None
    traced: int
    different: int


@dataclass(frozen=True)
class TensorDifference:
    """Where one tensor of one sample differs from the golden's; `first` is the place of the first such element."""

    sample: int
    elements: int
    different: int
    max_step: int
    first: list[int]  # in the order of the shape: batch, row, column, channel
    golden: int
    device: int


@dataclass(frozen=True)
class Cause:
    """Why outputs differ from the golden's, and in how many samples.

    `kind`: "rounding", "kernel", "input", "not repeatable", "not traced" or "self-test". `op` is the index in the
    report's `ops` of the first op whose tensor differs; its inputs were the golden's. `examined` samples were looked
    at in full, element by element; the others are told apart by the CRC-32 of every tensor.
    """

    kind: str
    text: str
    device: str
    count: int
    samples: list[int]  # the first few
    op: int | None = None
    examined: int = 0
    differing: list[int] = field(default_factory=list)  # the `ops` whose tensors differ in the first sample
    difference: TensorDifference | None = None  # of the first sample


@dataclass(frozen=True)
class Report:
    """One validation. Bytes are those of output tensors; None is what this board or model cannot know.

    `board`, `engine` and what follows from them are those of the first device; `devices` has a line for each.
    `samples_resumed` of the `samples` were answered before an interruption. `run_sha256` is over every sample's index
    (u32) and output in order: two runs with the same one got the same answers, each sample exactly once.
    """

    model: str
    model_sha256: str
    board: str
    engine: str
    golden: str
    golden_is_bit_exact: bool
    interpreter: str
    samples: int
    samples_source: str
    samples_sha256: str
    bytes_compared: int
    bytes_different: int
    samples_different: int
    accuracy: Accuracy
    samples_equal_to_interpreter: int
    classes_equal_to_interpreter: int
    instructions_per_inference: int | None
    nanoseconds_per_inference: int | None
    cycles_per_inference: int | None
    clock_hz: int  # CPU clock; 0 where it means nothing
    flash_bytes: int | None
    ram_bytes: int | None
    arena_bytes: int
    arena_reserved_bytes: int | None
    stack_used_bytes: int
    self_test_vectors: int
    self_test_failures: int
    requests_resent: int
    chunks_dropped: int
    line_bytes_to_device: int
    line_bytes_from_device: int
    seconds: float
    versions: dict[str, str]
    differences: list[Difference] = field(default_factory=list)
    samples_planned: int = 0
    samples_resumed: int = 0
    run_sha256: str = ""
    classes: list[str] = field(default_factory=list)
    samples_equal_interval: Interval | None = None
    classes_equal_interval: Interval | None = None
    accuracy_interval: AccuracyIntervals = AccuracyIntervals(None, None, None)
    accuracy_note: str = ""  # what to know about the samples behind the accuracies
    comparisons: list[Comparison] = field(default_factory=list)
    confusion: Confusions = Confusions(None, None, None)
    per_class: list[ClassResult] = field(default_factory=list)
    latency: Latency | None = None
    devices: list[DeviceResult] = field(default_factory=list)
    disagreements: list[Disagreement] = field(default_factory=list)
    sure: Sure | None = None
    examples: list[Example] = field(default_factory=list)
    command: str = ""  # what makes the same run again, typed in a checkout
    ended: str = ""  # when
    ops: list[OpResult] = field(default_factory=list)
    causes: list[Cause] = field(default_factory=list)
    ruled_out: list[str] = field(default_factory=list)  # causes that cannot be behind a difference, with the reason

    @property
    def verdict(self) -> str:
        """`equal`, `different`, or `unknown` where the reference in use does not decide."""
        if self.bytes_different == 0 and self.samples > 0:
            return "equal"
        return "different" if self.golden_is_bit_exact and self.samples > 0 else "unknown"

    @property
    def exit_status(self) -> int:
        """0 equal, 1 different, 2 could not tell."""
        return {"equal": 0, "different": 1, "unknown": 2}[self.verdict]

    def save(self, model: Path) -> Path:
        """Write report.json into the model's folder."""
        path = model / REPORT_FILE
        write_atomically(path, json.dumps({"verdict": self.verdict, **asdict(self)}, indent=2) + "\n")
        return path
