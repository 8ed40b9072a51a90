"""The parts of a report: what was counted, compared and found.

Every share is 0..1, every interval at INTERVAL_CONFIDENCE.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from tinyproof.statistics import Interval, Latency


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
    None where there is none, as with an interpreter that refuses the model.
    """

    sample: int
    label: int | None
    golden: list[int]
    interpreter: list[int] | None
    device: list[int]
    float: list[float] | None


@dataclass(frozen=True)
class OpResult:
    """One tensor that the engine computes, in its order, and what was found when samples were traced.

    `ops` of the model are computed by `kernels`; `name` and `label` are the first op's and what the training framework
    called the last. `offset` is in bytes within `place` (the arena, the output; unknown within an interpreter); counted
    in kernel calls, its memory is taken from `needed_from` to `needed_to`, both included, and `scratch_bytes` more from
    `scratch_offset` on in the arena. `count`: the time that the op took, in the counter's unit, None where unknown. The
    tensor was `different` from the golden's in so many of the `traced` samples. `plain`: why no fast kernel computes
    it, where that costs much.
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
    plain: str
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
class Reference:
    """What outputs were held against: the golden, and beside it Python's default interpreter."""

    golden: str
    golden_is_bit_exact: bool
    interpreter: str


@dataclass(frozen=True)
class Sampling:
    """Which samples ran, of those planned; `resumed` were answered before an interruption."""

    planned: int
    resumed: int
    source: str
    sha256: str
    sure: Sure | None = None


@dataclass(frozen=True)
class Cost:
    """What an inference takes, and the image; None is what this board cannot know. `clock_hz` 0: it means nothing."""

    instructions: int | None
    nanoseconds: int | None
    cycles: int | None
    clock_hz: int
    latency: Latency | None
    flash_bytes: int | None
    ram_bytes: int | None
    arena_bytes: int
    arena_reserved_bytes: int | None
    stack_used_bytes: int


@dataclass(frozen=True)
class LineUse:
    """What the lines to all devices carried, and what went wrong on them."""

    requests_resent: int
    chunks_dropped: int
    bytes_to_device: int
    bytes_from_device: int


@dataclass(frozen=True)
class SelfTest:
    """Golden vectors that the device ran at boot."""

    vectors: int
    failures: int


@dataclass(frozen=True)
class Diagnosis:
    """What was found about ops and causes. `ruled_out`: what cannot be behind a difference, with the reason."""

    ops: list[OpResult]
    causes: list[Cause]
    ruled_out: list[str]


@dataclass(frozen=True)
class Origin:
    """How the report came about. `command` makes the same run again, `ended` says when this one did."""

    seconds: float
    versions: dict[str, str]
    command: str = ""
    ended: str = ""
