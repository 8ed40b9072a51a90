"""What a validation found: the record behind report.json, and its summary for the terminal."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np

from export.arena import with_margin
from firmware.boards import Budget
from host.console import console, table, write_atomically

REPORT_FILE = "report.json"
Share = float | None
DIFFERENT_LISTED = 100  # differing samples written out in full


@dataclass(frozen=True)
class Accuracy:
    """Share of test images classified as labelled, 0..1: None where there are no labels or no such party."""

    float: Share
    int8_host: Share
    int8_device: Share


@dataclass(frozen=True)
class Difference:
    """One sample whose output bytes are not the golden's."""

    sample: int
    golden: list[int]
    device: list[int]
    rounding_only: bool  # no byte is more than one step off


@dataclass(frozen=True)
class Report:
    """One validation. Bytes are those of output tensors; None is what this board or model cannot know."""

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


def accuracy(outputs: np.ndarray, labels: np.ndarray | None) -> float | None:
    """Share of rows whose largest output (the first of equals) is the label; outputs int8 (N, classes)."""
    return None if labels is None or len(labels) == 0 else float(np.mean(outputs.argmax(axis=1) == labels))


def find_differences(golden: np.ndarray, device: np.ndarray) -> list[Difference]:
    """The first differing samples in full; both int8 (N, output bytes)."""
    steps = np.abs(golden.astype(int) - device.astype(int))
    return [
        Difference(int(i), golden[i].tolist(), device[i].tolist(), bool(steps[i].max() <= 1))
        for i in np.flatnonzero(steps.any(axis=1))[:DIFFERENT_LISTED]
    ]


def print_summary(report: Report, budget: Budget | None) -> None:
    """The table a run ends with: accuracy, bytes, cost, and the verdict in its last line."""
    rows = table(f"{report.model} on board {report.board}, engine {report.engine}", "", "")
    for name, share in (
        ("accuracy, float in Keras", report.accuracy.float),
        ("accuracy, int8 in Python", report.accuracy.int8_host),
        ("accuracy, int8 on the device", report.accuracy.int8_device),
    ):
        if share is not None:
            rows.add_row(name, f"{share:.2%}")
    rows.add_section()
    rows.add_row("samples", f"{report.samples:,}")
    rows.add_row("output bytes compared with the golden", f"{report.bytes_compared:,}")
    rows.add_row("output bytes different", f"{report.bytes_different:,}")
    rows.add_row("samples equal to Python's interpreter", f"{report.samples_equal_to_interpreter:,}")
    if report.requests_resent or report.chunks_dropped:
        rows.add_row("requests resent / damaged chunks dropped", f"{report.requests_resent} / {report.chunks_dropped}")
    rows.add_section()
    if report.instructions_per_inference is not None:
        rows.add_row("instructions per inference", f"{report.instructions_per_inference:,}")
    if report.cycles_per_inference is not None:
        rows.add_row("cycles per inference", f"{report.cycles_per_inference:,}")
        if report.clock_hz:
            milliseconds = 1e3 * report.cycles_per_inference / report.clock_hz
            rows.add_row(f"time per inference at {report.clock_hz / 1e6:g} MHz", f"{milliseconds:.2f} ms")
    if report.nanoseconds_per_inference is not None:
        rows.add_row("time per inference on this computer", f"{report.nanoseconds_per_inference / 1e6:.3f} ms")
    if budget and report.flash_bytes is not None and report.ram_bytes is not None:
        rows.add_row("flash", f"{report.flash_bytes:,} of {budget.flash_bytes:,}")
        rows.add_row("RAM", f"{report.ram_bytes:,} of {budget.ram_bytes:,}")
    if report.arena_reserved_bytes is not None:
        rows.add_row("arena", f"{report.arena_bytes:,} of {report.arena_reserved_bytes:,}")
    console.print(rows)
    if report.arena_reserved_bytes is not None and with_margin(report.arena_bytes) < report.arena_reserved_bytes:
        tight = with_margin(report.arena_bytes)
        console.print(f"The arena could be {tight:,} bytes, margin included: build with -DTFLM_ARENA_BYTES={tight}.")
    notes = f"Golden: {report.golden}. Python's interpreter: {report.interpreter}."
    console.print(notes + (f" Memory limits: {budget.of}." if budget else ""))
    for difference in report.differences[:3]:
        console.print(f"sample {difference.sample}: golden {difference.golden}, device {difference.device}")
    console.print(_verdict_line(report))


def _verdict_line(report: Report) -> str:
    if report.verdict == "equal":
        return f"[bold green]EQUAL[/]: all {report.bytes_compared:,} output bytes are the golden's."
    count = (
        f"{report.bytes_different:,} of {report.bytes_compared:,} output bytes differ "
        f"in {report.samples_different:,} samples"
    )
    if report.verdict == "different":
        cause = "every difference is one step: rounding" if all(d.rounding_only for d in report.differences) else ""
        return f"[bold red]DIFFERENT[/]: {count}" + (f"; {cause}." if cause else ".")
    return (
        f"[bold yellow]COULD NOT TELL[/]: {count or 'no samples'}, but {report.golden} is not the bit-exact reference: "
        "tflite-micro exists for Linux on x86-64 only."
    )
