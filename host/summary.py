"""The summary of a validation for the terminal: accuracy, bytes, cost, and the verdict in its last line."""

from __future__ import annotations

from export.arena import with_margin
from firmware.boards import Budget
from host.console import console, table
from host.diagnosis.tables import print_causes
from host.report import Report


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
    print_causes(report.causes, report.ops, report.ruled_out)
    console.print(_verdict_line(report))


def _verdict_line(report: Report) -> str:
    if report.verdict == "equal":
        return f"[bold green]EQUAL[/]: all {report.bytes_compared:,} output bytes are the golden's."
    count = (
        f"{report.bytes_different:,} of {report.bytes_compared:,} output bytes differ "
        f"in {report.samples_different:,} samples"
    )
    if report.verdict == "different":
        kinds = ", ".join(sorted({cause.kind for cause in report.causes}))
        return f"[bold red]DIFFERENT[/]: {count}" + (f"; {kinds}." if kinds else ".")
    return (
        f"[bold yellow]COULD NOT TELL[/]: {count or 'no samples'}, but {report.golden} is not the bit-exact reference: "
        "tflite-micro exists for Linux on x86-64 only."
    )
