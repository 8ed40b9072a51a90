"""The answer at the top: equal, different or could not tell, with what it rests on; and what differs, in full."""

from __future__ import annotations

from markupsafe import Markup

from export.c_text import shape
from host.page import Cell, Kind, Section, banner, details, facts, note, table
from host.report import Difference, Report, TensorDifference
from host.report_sections.words import class_name, count
from host.summary import describe_disagreements, describe_sure

WORDS: dict[str, tuple[Kind, str]] = {
    "equal": ("good", "Equal"),
    "different": ("bad", "Different"),
    "unknown": ("unsure", "Could not tell"),
}
CAUSES = {
    "rounding": "Rounding only",
    "kernel": "A kernel differs",
    "input": "Other input bytes",
    "not repeatable": "Not repeatable",
    "not traced": "Cause not known",
    "self-test": "Self-test failed",
}
CAUSES_SHOWN = 3  # in the banner
LISTED = 20  # differing samples at once; the others are folded away
BYTES_SHOWN = 6  # of one sample
SAMPLES_SHOWN = 8  # of one cause


def verdict(report: Report) -> Markup:
    """The banner."""
    kind, word = WORDS[report.verdict]
    return banner(kind, word, _answer(report), _grounds(report))


def _answer(report: Report) -> str:
    if report.samples == 0:
        return "No sample was compared."
    if report.verdict == "equal":
        all_equal = f"All {report.bytes_compared:,} output bytes of {count(report.samples, 'sample')} are the golden's"
        return (
            f"{all_equal}: {report.golden}."
            if report.golden_is_bit_exact
            else f"{all_equal}, though {_not_exact(report)}."
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
    found = [
        f"{CAUSES.get(c.kind, c.kind)}, {count(c.count, 'sample')}: {c.text}" for c in report.causes[:CAUSES_SHOWN]
    ]
    if len(report.causes) > CAUSES_SHOWN:
        found.append(f"{count(len(report.causes) - CAUSES_SHOWN, 'more cause')} below.")
    found += [f"Samples: {report.samples_source}. Board {report.board}, engine {report.engine}."]
    if report.differences and report.accuracy.int8_device is not None:
        changed = sum(_class(d.golden) != _class(d.device) for d in report.differences)
        found.append(f"The class changes in {changed:,} of the {count(len(report.differences), 'sample')} listed.")
    if report.sure:
        found.append(describe_sure(report.sure))
    elif report.samples < report.samples_planned:
        found.append(f"The run ended early: {report.samples:,} of {report.samples_planned:,} samples were compared.")
    if report.self_test_vectors:
        passed = report.self_test_vectors - report.self_test_failures
        found.append(f"Self-test at boot: {passed} of {report.self_test_vectors} golden vectors passed.")
    else:
        found.append("The device has no golden vectors to test itself with.")
    if report.disagreements:
        found.append(f"Devices disagree: {describe_disagreements(report)}.")
    if report.samples_resumed:
        found.append(
            f"{report.samples_resumed:,} samples were answered before an interruption; each counted exactly once."
        )
    return found


def add_differences(section: Section, report: Report) -> None:
    """Causes, every difference that the report lists, byte by byte, and devices that contradict each other."""
    if report.causes:
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


def _causes(section: Section, report: Report) -> None:
    """Each cause with the place of its first difference, then what cannot be one."""
    for cause in report.causes:
        section.sub(f"{CAUSES.get(cause.kind, cause.kind)}: {count(cause.count, 'sample')}").add(cause.text)
        shown = cause.samples[:SAMPLES_SHOWN]
        rest = f" and {cause.count - len(shown):,} more" if cause.count > len(shown) else ""
        found: list[tuple[str, Cell]] = [
            ("samples", (", ".join(map(str, shown)) + rest) if shown else None),
            ("in the first of them", _place(cause.difference)),
            (
                "tensors that differ there",
                ", ".join(report.ops[k].name for k in cause.differing if k < len(report.ops)),
            ),
            ("looked at element by element", count(cause.examined, "sample") if cause.examined else None),
            ("device", cause.device),
        ]
        section.add(facts([(name, value) for name, value in found if value]))
    if report.ruled_out:
        items = Markup("").join(Markup("<li>{}</li>").format(reason) for reason in report.ruled_out)
        section.sub("Ruled out").add(Markup("<ul>{}</ul>").format(items))


def _place(difference: TensorDifference | None) -> str | None:
    """The first element that differs, and how many do."""
    if difference is None:
        return None
    return (
        f"element {shape(difference.first)}: {difference.golden} → {difference.device}; {difference.different:,} of "
        f"{difference.elements:,} differ, by at most {difference.max_step}"
    )


def _class(outputs: list[int]) -> int:
    """The largest output, the first of equals."""
    return outputs.index(max(outputs))


def _row(difference: Difference, report: Report) -> list[Cell]:
    pairs = list(zip(difference.golden, difference.device, strict=True))
    wrong = [(i, golden, device) for i, (golden, device) in enumerate(pairs) if golden != device]
    shown = ", ".join(f"{i}: {golden} → {device}" for i, golden, device in wrong[:BYTES_SHOWN])
    rest = f" and {len(wrong) - BYTES_SHOWN} more" if len(wrong) > BYTES_SHOWN else ""
    largest = max((abs(golden - device) for _, golden, device in wrong), default=0)
    seen = [class_name(report.classes, _class(values)) for values in (difference.golden, difference.device)]
    class_ = " → ".join(dict.fromkeys(seen)) if report.accuracy.int8_device is not None else None
    return [f"{difference.sample:,}", shown + rest, class_, len(wrong), largest, difference.answered_by or None]
