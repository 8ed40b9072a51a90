"""The answer at the top: equal, different or could not tell, with what it rests on."""

from __future__ import annotations

from markupsafe import Markup

from tinyproof.host.record.report import Report
from tinyproof.host.report.sections.differences import SELF_TEST, cause_title, class_of
from tinyproof.host.report.sections.words import count
from tinyproof.host.report.summary import describe_disagreements, describe_sure
from tinyproof.host.report.usefulness import Usefulness
from tinyproof.page import Kind, banner

WORDS: dict[str, tuple[Kind, str]] = {
    "equal": ("good", "Equal"),
    "different": ("bad", "Different"),
    "unknown": ("unsure", "Could not tell"),
}
CAUSES_SHOWN = 3  # in the banner


def verdict(report: Report, proof: str) -> Markup:
    """The banner; proof: on how many inputs it rests, or that it is proved for all."""
    kind, word = WORDS[report.verdict]
    return banner(kind, word, f"{_answer(report)} {proof}.", _grounds(report))


def use_verdict(useful: Usefulness) -> Markup:
    """The banner of the second verdict."""
    return banner(useful.kind, useful.word, useful.text, useful.grounds)


def _answer(report: Report) -> str:
    if report.samples == 0:
        return "No sample was compared."
    if report.verdict == "equal":
        all_equal = f"All {report.bytes_compared:,} output bytes of {count(report.samples, 'sample')} are the golden's"
        return (
            f"{all_equal}: {report.reference.golden}."
            if report.reference.golden_is_bit_exact
            else f"{all_equal}, though {_not_exact(report)}."
        )
    differ = (
        f"{report.bytes_different:,} of {report.bytes_compared:,} output bytes differ from the golden's, "
        f"in {report.samples_different:,} of {count(report.samples, 'sample')}"
    )
    return f"{differ}." if report.reference.golden_is_bit_exact else f"{differ}, but {_not_exact(report)}."


def _not_exact(report: Report) -> str:
    golden = report.reference.golden
    return f"the golden here is {golden}, which rounds differently from TensorFlow Lite Micro and decides nothing"


def _grounds(report: Report) -> list[str]:
    """What a reader has to know before trusting the answer."""
    causes = [
        cause for cause in report.diagnosis.causes if cause.kind != SELF_TEST
    ]  # which has a line of its own below
    found = [f"{cause_title(cause)}: {cause.text}." for cause in causes[:CAUSES_SHOWN]]
    if len(causes) > CAUSES_SHOWN:
        found.append(f"{count(len(causes) - CAUSES_SHOWN, 'more cause')} below.")
    found += [f"Samples: {report.sampling.source}. Board {report.board}, engine {report.engine}."]
    if report.differences and report.accuracy.int8_device is not None:
        changed = sum(class_of(d.golden) != class_of(d.device) for d in report.differences)
        found.append(f"The class changes in {changed:,} of the {count(len(report.differences), 'sample')} listed.")
    if report.sampling.sure:
        found.append(describe_sure(report.sampling.sure))
    elif report.samples < report.sampling.planned:
        found.append(f"The run ended early: {report.samples:,} of {report.sampling.planned:,} samples were compared.")
    if report.self_test.vectors:
        passed = report.self_test.vectors - report.self_test.failures
        found.append(f"Self-test at boot: {passed} of {report.self_test.vectors} golden vectors passed.")
    else:
        found.append("The device has no golden vectors to test itself with.")
    if report.disagreements:
        found.append(f"Devices disagree: {describe_disagreements(report)}.")
    if report.sampling.resumed:
        found.append(
            f"{report.sampling.resumed:,} samples were answered before an interruption; each counted exactly once."
        )
    return found
