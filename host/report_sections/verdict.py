"""The answer at the top: equal, different or could not tell, with what it rests on; and what differs, in full."""

from __future__ import annotations

from markupsafe import Markup

from host.page import Kind, Section, banner, details, note, table
from host.report import Difference, Report
from host.report_sections.words import count, percent

WORDS: dict[str, tuple[Kind, str]] = {
    "equal": ("good", "Equal"),
    "different": ("bad", "Different"),
    "unknown": ("unsure", "Could not tell"),
}
LISTED = 20  # differing samples at once; the others are folded away
BYTES_SHOWN = 6  # of one sample


def verdict(report: Report) -> Markup:
    """The banner."""
    kind, word = WORDS[report.verdict]
    return banner(kind, word, _answer(report), _grounds(report))


def _answer(report: Report) -> str:
    if report.samples == 0:
        return "No sample was compared."
    if report.verdict == "equal":
        return f"All {report.bytes_compared:,} output bytes of {count(report.samples, 'sample')} are the golden's" + (
            "." if report.golden_is_bit_exact else f", though {_not_exact(report)}."
        )
    differ = (
        f"{report.bytes_different:,} of {report.bytes_compared:,} output bytes differ from the golden's, "
        f"in {report.samples_different:,} of {count(report.samples, 'sample')}"
    )
    return f"{differ}." if report.golden_is_bit_exact else f"{differ}, but {_not_exact(report)}."


def _not_exact(report: Report) -> str:
    return (
        f"the golden here is {report.golden}, which rounds differently from TensorFlow Lite Micro and decides nothing"
    )


def _grounds(report: Report) -> list[str]:
    """What a reader has to know before trusting the answer."""
    found = [f"Compared: {report.samples_source}, on board {report.board}, engine {report.engine}."]
    if report.verdict == "different" and report.differences and all(d.rounding_only for d in report.differences):
        found.append("No byte of those listed is more than one step off.")
    if report.sure:
        sure = report.sure
        found.append(
            f"The run was allowed to stop when sure, after {report.samples:,} of {sure.population:,}: with "
            f"{sure.confidence:.0%} confidence {percent(sure.rate.low)} to {percent(sure.rate.high)} of all differ."
        )
    elif report.samples < report.samples_planned:
        found.append(f"The run ended early: {report.samples:,} of {report.samples_planned:,} samples were compared.")
    if report.self_test_vectors:
        passed = report.self_test_vectors - report.self_test_failures
        found.append(f"Self-test at boot: {passed} of {report.self_test_vectors} golden vectors passed.")
    else:
        found.append("The device has no golden vectors to test itself with.")
    if report.disagreements:
        found.append(f"Answers changed when asked again for {count(len(report.disagreements), 'sample')}: see below.")
    if report.samples_resumed:
        found.append(
            f"{report.samples_resumed:,} samples were answered before an interruption; each counted exactly once."
        )
    return found


def add_differences(section: Section, report: Report) -> None:
    """Every difference that the report lists, byte by byte, and devices that contradict each other."""
    if report.differences:
        rows = [_row(difference) for difference in report.differences]
        columns = ["sample", "answered by", "bytes that differ", "largest step", "byte: golden → device"]
        section.add(table(columns, rows[:LISTED], caption="Samples whose output is not the golden's"))
        if len(rows) > LISTED:
            more = table(columns, rows[LISTED:], caption="More of them")
            section.add(details(f"{len(rows) - LISTED} more", more))
        if report.samples_different > len(rows):
            section.add(note(f"report.json lists the first {len(rows)} of {report.samples_different:,}."))
    if report.disagreements:
        section.sub("Devices that contradict each other")
        rows = [
            [
                f"{d.sample:,}",
                d.first,
                d.second,
                "yes" if d.second_is_golden else "no",
            ]
            for d in report.disagreements
        ]
        columns = ["sample", "first answer by", "asked again", "second is the golden's"]
        section.add(table(columns, rows, caption="The same sample, two answers"))


def _row(difference: Difference) -> list[str | int]:
    pairs = list(zip(difference.golden, difference.device, strict=True))
    wrong = [(i, golden, device) for i, (golden, device) in enumerate(pairs) if golden != device]
    shown = ", ".join(f"{i}: {golden} → {device}" for i, golden, device in wrong[:BYTES_SHOWN])
    rest = f" and {len(wrong) - BYTES_SHOWN} more" if len(wrong) > BYTES_SHOWN else ""
    largest = max((abs(golden - device) for _, golden, device in wrong), default=0)
    return [f"{difference.sample:,}", difference.answered_by or "the device", len(wrong), largest, shown + rest]
