"""The verdict as JUnit XML, the format in which CI systems take test results: a test case for every question."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tinyproof.console import write_atomically
from tinyproof.host.record.report import Report
from tinyproof.host.report.summary import describe_bytes, describe_disagreements, describe_sure

ACCURACY_DROP_LIMIT = 0.01  # share of the samples by which the device may be worse than the float model


@dataclass(frozen=True)
class Case:
    """One question. `failure` says what is wrong, `skipped` why there is no answer; both empty: all is well."""

    name: str
    failure: str = ""
    skipped: str = ""


def cases(report: Report) -> list[Case]:
    """Every question that a validation answers, with its answer.

    That the devices run this model unharmed, and that each sample was counted exactly once, has no other answer than
    yes: a validation that finds otherwise ends without a report.
    """
    failed = [device for device in report.devices if device.self_test_failures]
    lost = [device for device in report.devices if device.ended]
    different = describe_bytes(report) if report.bytes_different else ""
    return [
        Case("the device runs this model and its constants are whole"),
        Case(
            "the self-test passes",
            "; ".join(f"{d.board} on {d.url}: {d.self_test_failures} of {d.self_test_vectors} fail" for d in failed),
            "" if any(device.self_test_vectors for device in report.devices) else "no golden vectors in the firmware",
        ),
        Case("every sample is counted exactly once"),
        Case(
            "every output byte is the golden's",
            different if report.reference.golden_is_bit_exact else "",
            ""
            if report.reference.golden_is_bit_exact or not different
            else f"{different}, but it is not the exact reference",
        ),
        Case("all devices give the same answers", describe_disagreements(report)),
        Case("no device is lost", "; ".join(device.ended for device in lost)),
        _accuracy_case(report),
        *(
            [
                Case(
                    "few enough samples differ",
                    "" if report.sampling.sure.reached else describe_sure(report.sampling.sure),
                )
            ]
            if report.sampling.sure
            else []
        ),
    ]


def save_junit(report: Report, path: Path) -> None:
    """Write them, as Jenkins, GitLab and GitHub's actions read them."""
    write_atomically(path, junit_xml(report, cases(report)))


def junit_xml(report: Report, answers: Sequence[Case]) -> bytes:
    """The document: one suite with one test case for each answer."""
    counts = {
        "tests": str(len(answers)),
        "failures": str(sum(bool(case.failure) for case in answers)),
        "errors": "0",
        "time": f"{report.origin.seconds:.2f}",
    }
    skipped = str(sum(bool(case.skipped) for case in answers))
    root = ElementTree.Element("testsuites", {"name": "tinyproof", **counts})
    named = {"name": f"{report.model} on {report.board}", **counts, "skipped": skipped}
    suite = ElementTree.SubElement(root, "testsuite", named)
    properties = ElementTree.SubElement(suite, "properties")
    facts = {
        "model_sha256": report.model_sha256,
        "samples": str(report.samples),
        "samples_resumed": str(report.sampling.resumed),
        "run_sha256": report.run_sha256,
        "golden": report.reference.golden,
    }
    for name, value in facts.items():
        ElementTree.SubElement(properties, "property", name=name, value=value)
    for case in answers:
        element = ElementTree.SubElement(
            suite, "testcase", classname=f"tinyproof.{report.model}.{report.board}", name=case.name, time="0"
        )
        if case.failure:
            ElementTree.SubElement(element, "failure", message=case.failure, type="validation").text = case.failure
        elif case.skipped:
            ElementTree.SubElement(element, "skipped", message=case.skipped)
    ElementTree.indent(root)
    return bytes(ElementTree.tostring(root, encoding="utf-8", xml_declaration=True)) + b"\n"


def _accuracy_case(report: Report) -> Case:
    name = f"accuracy on the device is at most {ACCURACY_DROP_LIMIT:.0%} below the float model's"
    before, after = report.accuracy.float, report.accuracy.int8_device
    if before is None or after is None:
        return Case(name, skipped="no labels, or no float model measured on the same samples")
    drop = before - after
    return Case(name, f"it is {after:.2%}, {drop:.2%} below {before:.2%}" if drop > ACCURACY_DROP_LIMIT else "")
