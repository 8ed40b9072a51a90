"""The summary of a validation for the terminal: accuracy, bytes, cost, and the verdict in its last line."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from rich.markup import escape
from rich.table import Table

from tinyproof.boards import Budget
from tinyproof.console import console, table
from tinyproof.export.arena import with_margin
from tinyproof.host.diagnosis.tables import print_causes
from tinyproof.host.record.accuracies import Comparison
from tinyproof.host.record.parts import Cost, Sure
from tinyproof.host.record.report import Report
from tinyproof.host.report.usefulness import usefulness

SURPRISING = 0.01  # p-value below which two parties are said to differ
PARTY = {"float": "float in Keras", "int8_host": "int8 in Python", "int8_device": "int8 on the device"}


def print_summary(report: Report, budget: Budget | None, proof: str = "") -> None:
    """The table a run ends with: accuracy, bytes, cost, and the verdict in its last line, with the `proof` for it."""
    console.print(_figures(report, budget))
    if len(report.devices) > 1:
        console.print(_devices(report))
    _print_notes(report, budget)
    for difference in report.differences[:3]:
        console.print(f"sample {difference.sample}: golden {difference.golden}, device {difference.device}")
    print_causes(report.diagnosis.causes, report.diagnosis.ops, report.diagnosis.ruled_out)
    if useful := usefulness(report):
        color = {"good": "green", "bad": "red", "unsure": "yellow", "": ""}[useful.kind]
        console.print(f"[bold {color}]{useful.word.upper()}[/]: {escape(' '.join((useful.text, *useful.grounds)))}")
    console.print(" ".join(filter(None, (_verdict_line(report), escape(proof)))))


def _figures(report: Report, budget: Budget | None) -> Table:
    rows = table(f"{report.model} on board {report.board}, engine {report.engine}", "", "")
    for party, name in PARTY.items():
        share, interval = getattr(report.accuracy, party), getattr(report.classification.interval, party)
        if share is not None:
            of = f"{report.sampling.planned:,}, estimated" if report.classification.note else f"{report.samples:,}"
            rows.add_row(
                f"accuracy, {name}",
                f"{share:.2%} of {of}" + (f" ({interval.low:.1%} to {interval.high:.1%})" if interval else ""),
            )
    rows.add_section()
    resumed = f" ({report.sampling.resumed:,} from before the interruption)" if report.sampling.resumed else ""
    rows.add_row("samples, each counted once", f"{report.samples:,}{resumed}")
    rows.add_row("they are", report.sampling.source)
    rows.add_row("output bytes compared with the golden", f"{report.bytes_compared:,}")
    rows.add_row("output bytes different", f"{report.bytes_different:,}")
    if report.agreement is not None:
        rows.add_row("samples equal to Python's interpreter", f"{report.agreement.samples:,}")
    if report.line.requests_resent or report.line.chunks_dropped:
        rows.add_row(
            "requests resent / damaged chunks dropped", f"{report.line.requests_resent} / {report.line.chunks_dropped}"
        )
    rows.add_section()
    for row in _costs(report.cost, budget, _timed(report)):
        rows.add_row(*row)
    return rows


def _costs(cost: Cost, budget: Budget | None, timed: str) -> Iterator[tuple[str, str]]:
    if cost.instructions is not None:
        yield ("instructions per inference", f"{cost.instructions:,}{timed}")
    if cost.cycles is not None:
        yield ("cycles per inference", f"{cost.cycles:,}{timed}")
        if cost.clock_hz:
            milliseconds = 1e3 * cost.cycles / cost.clock_hz
            yield (f"time per inference at {cost.clock_hz / 1e6:g} MHz", f"{milliseconds:.2f} ms")
    if cost.nanoseconds is not None:
        yield ("time per inference on this computer", f"{cost.nanoseconds / 1e6:.3f} ms{timed}")
    if budget and cost.flash_bytes is not None and cost.ram_bytes is not None:
        yield ("flash", f"{cost.flash_bytes:,} of {budget.flash_bytes:,}")
        yield ("RAM", f"{cost.ram_bytes:,} of {budget.ram_bytes:,}")
    if cost.arena_reserved_bytes is not None:
        yield ("arena", f"{cost.arena_bytes:,} of {cost.arena_reserved_bytes:,}")


def _print_notes(report: Report, budget: Budget | None) -> None:
    if (
        report.cost.arena_reserved_bytes is not None
        and with_margin(report.cost.arena_bytes) < report.cost.arena_reserved_bytes
    ):
        tight = with_margin(report.cost.arena_bytes)
        console.print(f"The arena could be {tight:,} bytes, margin included: build with -DTFLM_ARENA_BYTES={tight}.")
    notes = f"Golden: {report.reference.golden}. Python's interpreter: {report.reference.interpreter}."
    console.print(notes + (f" Memory limits: {budget.of}." if budget else ""))
    if report.accuracy.int8_device is None:
        console.print(f"No accuracy: nobody knows the classes of these samples ({report.sampling.source}).")
    if report.classification.note:
        console.print(report.classification.note)
    for comparison in report.classification.comparisons:
        if comparison.p_value < SURPRISING:
            console.print(describe_comparison(comparison))
    if report.sampling.sure:
        console.print(describe_sure(report.sampling.sure))
    for device in report.devices:
        if device.ended:
            console.print(f"[yellow]lost[/]: {device.ended}")
    if disagreements := describe_disagreements(report):
        console.print(f"[bold red]DEVICES DISAGREE[/]: {disagreements}.")


def _timed(report: Report) -> str:
    """Of how many samples the time is, where it is not of all that ran."""
    inferences = report.cost.latency.inferences if report.cost.latency else 0
    return "" if inferences == report.samples else f" (of {inferences:,} samples)"


def describe_bytes(report: Report) -> str:
    """How many bytes and samples differ from the golden."""
    return (
        f"{report.bytes_different:,} of {report.bytes_compared:,} output bytes differ "
        f"in {report.samples_different:,} samples"
    )


def describe_comparison(comparison: Comparison) -> str:
    """What McNemar's test says of two parties."""
    return (
        f"{PARTY[comparison.first]} and {PARTY[comparison.second]} differ by more than chance: only the first is right "
        f"on {comparison.only_first_right:,} samples, only the second on {comparison.only_second_right:,} "
        f"(McNemar's exact test, p = {comparison.p_value:.2g})."
    )


def describe_sure(sure: Sure) -> str:
    """What a run that was allowed to stop early may claim, and from what."""
    return (
        f"{'Sure' if sure.reached else 'Not sure'}: of all {sure.population:,} samples, {sure.rate.low:.2%} to "
        f"{sure.rate.high:.2%} differ from the golden ({sure.confidence:.0%} confidence, limit {sure.rate_limit:.2%}). "
        f"Different: {sure.low_margin_different:,} of the {sure.low_margin:,} with the least certain answers, "
        f"{sure.drawn_different:,} of {sure.drawn:,} drawn at random from the rest."
    )


def describe_disagreements(report: Report) -> str:
    """Which devices contradict each other, or themselves; empty when none does."""
    pairs = Counter((one.first, one.second) for one in report.disagreements)
    return "; ".join(
        f"{second} does not repeat its own answers ({count} samples)"
        if first == second
        else f"{second} answers otherwise than {first} ({count} samples)"
        for (first, second), count in pairs.items()
    )


def _devices(report: Report) -> Table:
    rows = table("Devices", "", "samples", "mean", "", "resent", "reset", "self-test")
    for device in report.devices:
        tried = device.self_test_vectors
        rows.add_row(
            f"{device.board} on {device.url}" if device.url else f"{device.board}, before the interruption",
            f"{device.samples:,}" + (f" and {device.resumed:,} before" if device.resumed else ""),
            f"{device.mean_count:,}" if device.mean_count is not None else "",
            device.counter_unit,
            f"{device.resent:,}",
            f"{device.resets:,}",
            f"{tried - device.self_test_failures} of {tried}" if tried else "",
        )
    return rows


def _verdict_line(report: Report) -> str:
    if report.verdict == "equal":
        return f"[bold green]EQUAL[/]: all {report.bytes_compared:,} output bytes are the golden's."
    count = describe_bytes(report)
    if report.verdict == "different":
        kinds = ", ".join(sorted({cause.kind for cause in report.diagnosis.causes}))
        return f"[bold red]DIFFERENT[/]: {count}" + (f"; {kinds}." if kinds else ".")
    return (
        f"[bold yellow]COULD NOT TELL[/]: {count or 'no samples'}, but {report.reference.golden} is not the "
        "bit-exact reference: "
        "tflite-micro exists for Linux on x86-64 only."
    )
