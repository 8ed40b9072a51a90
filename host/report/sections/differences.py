"""What differs and why: the causes that were found and ruled out, and every differing sample that the report lists."""

from __future__ import annotations

from markupsafe import Markup

from tinyproof.export.c_text import shape
from tinyproof.host.record.parts import Cause, Difference, TensorDifference
from tinyproof.host.record.report import Report
from tinyproof.host.report.sections.words import class_name, count
from tinyproof.page import Cell, Section, details, facts, note, table

SELF_TEST = "self-test"
CAUSES = {
    "rounding": "Rounding only",
    "kernel": "A kernel is wrong",
    "input": "Other input bytes",
    "not repeatable": "Not repeatable",
    "not traced": "Cause not known",
    SELF_TEST: "The self-test at boot failed",
}
LISTED = 20  # differing samples at once; the others are folded away
BYTES_SHOWN = 6  # of one sample
SAMPLES_SHOWN = 8  # of one cause


def add_differences(section: Section, report: Report) -> None:
    """Causes, every difference that the report lists, byte by byte, and devices that contradict each other."""
    if report.diagnosis.causes:
        _causes(section, report)
    if report.differences:
        section.sub("Sample by sample")
        rows = [_row(difference, report) for difference in report.differences]
        columns = ["sample", "byte: golden → device", "class", "bytes that differ", "largest step", "answered by"]
        section.add(table(columns, rows[:LISTED], caption="Samples whose output is not the golden's"))
        if len(rows) > LISTED:
            more = table(columns, rows[LISTED:], caption="More of them")
            section.add(details(f"{len(rows) - LISTED} more", more))
        if report.samples_different > len(rows):
            section.add(note(f"report.json lists the first {len(rows)} of {report.samples_different:,}."))
    if report.disagreements:
        section.sub("Devices that contradict each other")
        rows = [
            [f"{d.sample:,}", d.first, d.second, "yes" if d.second_is_golden else "no"]
            for d in report.disagreements[:LISTED]
        ]
        columns = ["sample", "first answer by", "asked again", "second is the golden's"]
        caption = f"The same sample, two answers: {len(rows)} of {len(report.disagreements):,}"
        section.add(table(columns, rows, caption))


def _causes(section: Section, report: Report) -> None:
    """Each cause with the place of its first difference, then what cannot be one."""
    for cause in report.diagnosis.causes:
        section.sub(cause_title(cause)).add(f"{cause.text}.")
        shown = cause.samples[:SAMPLES_SHOWN]
        rest = f" and {cause.count - len(shown):,} more" if shown and cause.count > len(shown) else ""
        found: list[tuple[str, Cell]] = [
            ("samples", (", ".join(map(str, shown)) + rest) if shown else None),
            ("in the first of them", _place(cause.difference)),
            (
                "tensors that differ there",
                ", ".join(report.diagnosis.ops[k].name for k in cause.differing if k < len(report.diagnosis.ops)),
            ),
            ("looked at element by element", count(cause.examined, "sample") if cause.examined else None),
            ("device", cause.device),
        ]
        section.add(facts([(name, value) for name, value in found if value]))
    if report.diagnosis.ruled_out:
        items = Markup("").join(Markup("<li>{}</li>").format(reason) for reason in report.diagnosis.ruled_out)
        section.sub("Ruled out").add(Markup("<ul>{}</ul>").format(items))


def cause_title(cause: Cause) -> str:
    """What kind of cause, and how many samples it explains."""
    kind = CAUSES.get(cause.kind, cause.kind)
    return kind if cause.kind == SELF_TEST else f"{kind} in {count(cause.count, 'sample')}"


def _place(difference: TensorDifference | None) -> str | None:
    """The first element that differs, and how many do."""
    if difference is None:
        return None
    return (
        f"element {shape(difference.first)}: {difference.golden} → {difference.device}; {difference.different:,} of "
        f"{difference.elements:,} differ, by at most {difference.max_step}"
    )


def class_of(outputs: list[int]) -> int:
    """The largest output, the first of equals."""
    return outputs.index(max(outputs))


def _row(difference: Difference, report: Report) -> list[Cell]:
    pairs = list(zip(difference.golden, difference.device, strict=True))
    wrong = [(i, golden, device) for i, (golden, device) in enumerate(pairs) if golden != device]
    shown = ", ".join(f"{i}: {golden} → {device}" for i, golden, device in wrong[:BYTES_SHOWN])
    rest = f" and {len(wrong) - BYTES_SHOWN} more" if len(wrong) > BYTES_SHOWN else ""
    largest = max((abs(golden - device) for _, golden, device in wrong), default=0)
    seen = [
        class_name(report.classification.classes, class_of(values)) for values in (difference.golden, difference.device)
    ]
    class_ = " → ".join(dict.fromkeys(seen)) if report.accuracy.int8_device is not None else None
    return [f"{difference.sample:,}", shown + rest, class_, len(wrong), largest, difference.answered_by or None]
