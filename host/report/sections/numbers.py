"""The three numbers that are never mixed: bytes against the golden, agreement with LiteRT, accuracy against labels."""

from __future__ import annotations

from tinyproof.host.record.accuracies import Comparison
from tinyproof.host.record.report import Report
from tinyproof.host.report.sections.words import count, interval, percent
from tinyproof.host.report.summary import PARTY, SURPRISING
from tinyproof.page import Kind, Section, Tile, note, table, tiles


def add_numbers(section: Section, report: Report) -> None:
    """The three tiles, and below them what is behind the third."""
    section.add(tiles([_bytes(report), _agreement(report), _accuracy(report)]))
    if report.accuracy.int8_device is None:
        section.add(
            note(f"These samples ({report.sampling.source}) have no labels, so nothing can be said about accuracy.")
        )
        return
    if report.classification.note:
        section.add(note(report.classification.note))
    rows = [
        [name, percent(share), interval(getattr(report.classification.interval, party))]
        for party, name in PARTY.items()
        if (share := getattr(report.accuracy, party)) is not None
    ]
    section.add(table(["who classifies", "accuracy", "95% interval"], rows, caption="Accuracy against the labels"))
    if report.classification.comparisons:
        section.add(
            table(
                ["compared", "only the first right", "only the second right", "p", "in words"],
                [_comparison(comparison) for comparison in report.classification.comparisons],
                caption="Are the accuracies different? The same images for both, McNemar's exact test",
            )
        )


def _bytes(report: Report) -> Tile:
    equal = report.bytes_compared - report.bytes_different
    kind: Kind = "good" if report.verdict == "equal" else "bad" if report.verdict == "different" else "unsure"
    share = percent(equal / report.bytes_compared) if report.bytes_compared else "–"
    text = f"{equal:,} of {report.bytes_compared:,}, against {report.reference.golden}. Expected: all."
    return Tile("1 · output bytes equal to the golden", share, text, kind)


def _agreement(report: Report) -> Tile:
    if not report.samples:
        return Tile("2 · same class as LiteRT", "–", "no sample was compared")
    if report.agreement is None:
        return Tile("2 · same class as Python's interpreter", "–", f"{report.reference.interpreter}.")
    same = report.agreement.classes
    text = (
        f"{same:,} of {count(report.samples, 'sample')}; every byte equal in {report.agreement.samples:,}. "
        f"{report.reference.interpreter} rounds once where the golden rounds twice: a few differ, and that is no fault."
    )
    return Tile("2 · same class as Python's interpreter", percent(same / report.samples), text)


def _accuracy(report: Report) -> Tile:
    device = report.accuracy.int8_device
    if device is None:
        return Tile("3 · accuracy on the device", "–", "no labels")
    others = ", ".join(
        f"{name} {percent(share)}"
        for party, name in PARTY.items()
        if party != "int8_device" and (share := getattr(report.accuracy, party)) is not None
    )
    return Tile("3 · accuracy on the device", percent(device), others)


def _comparison(comparison: Comparison) -> list[str | int | float]:
    same = comparison.only_first_right == comparison.only_second_right == 0
    words = (
        "right on the same images" if same else f"{'no ' if comparison.p_value > SURPRISING else ''}more than chance"
    )
    return [
        f"{PARTY.get(comparison.first, comparison.first)} and {PARTY.get(comparison.second, comparison.second)}",
        comparison.only_first_right,
        comparison.only_second_right,
        f"{comparison.p_value:.3f}",
        words,
    ]
