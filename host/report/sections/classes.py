"""Which classes are taken for which: confusion matrices of each party, and recall by class."""

from __future__ import annotations

import numpy as np

from tinyproof.host.record.accuracies import ClassResult
from tinyproof.host.record.report import Report
from tinyproof.host.report.sections.words import class_name, interval, percent
from tinyproof.host.report.summary import PARTY
from tinyproof.page import Cell, Section, details, heat_table, table

MATRIX_CLASSES = 20  # more do not fit on a page: then the most frequent confusions are listed instead
CONFUSIONS_LISTED = 15
WEAKEST_LISTED = 15


def add_classes(section: Section, report: Report) -> None:
    """Matrices, or the most frequent confusions where there are many classes; then recall by class."""
    known = {
        party: np.array(m) for party in PARTY if (m := getattr(report.classification.confusion, party)) is not None
    }
    names = [class_name(report.classification.classes, i) for i in range(len(next(iter(known.values()))))]
    if len(names) > MATRIX_CLASSES:
        _most_frequent(section, known, names)
    else:
        _matrices(section, known, names)
    if report.classification.per_class:
        section.sub("By class")
        _recall(section, report.classification.per_class)


def _matrices(section: Section, known: dict[str, np.ndarray], names: list[str]) -> None:
    """One matrix for each party, drawn once for parties that have the same."""
    drawn: list[tuple[list[str], np.ndarray]] = []
    for party, matrix in known.items():
        same = next((parties for parties, other in drawn if np.array_equal(other, matrix)), None)
        if same is None:
            drawn.append(([PARTY[party]], matrix))
        else:
            same.append(PARTY[party])
    for parties, matrix in drawn:
        wrong = int(matrix.sum() - np.trace(matrix))
        who = "; ".join(parties) + (" (all the same)" if len(parties) > 1 else "")
        caption = f"{who}: {wrong:,} of {int(matrix.sum()):,} off the diagonal"
        section.add(heat_table(matrix, names, names, caption, ("labelled", "taken for"), confusion=True))


def _most_frequent(section: Section, known: dict[str, np.ndarray], names: list[str]) -> None:
    last = next(reversed(known.values())).copy()
    np.fill_diagonal(last, 0)
    worst = [divmod(int(i), len(names)) for i in np.argsort(last, axis=None, kind="stable")[::-1][:CONFUSIONS_LISTED]]
    rows: list[list[Cell]] = [
        [f"{names[label]} → {names[taken]}", *(int(matrix[label, taken]) for matrix in known.values())]
        for label, taken in worst
        if last[label, taken]
    ]
    columns = ["labelled → taken for", *(PARTY[party] for party in known)]
    section.add(table(columns, rows, caption=f"The most frequent confusions among {len(names)} classes"))


def _recall(section: Section, classes: list[ClassResult]) -> None:
    parties = [party for party in PARTY if any(getattr(c.recall, party) is not None for c in classes)]
    columns = ["class", "samples", *(PARTY[party] for party in parties), "95% interval on the device"]
    rows: list[list[Cell]] = [
        [
            c.name,
            c.samples,
            *(percent(share) if (share := getattr(c.recall, party)) is not None else None for party in parties),
            interval(c.recall_interval.int8_device),
        ]
        for c in classes
    ]
    caption = "Recall: the share of a class's samples that is recognised"
    if len(rows) <= MATRIX_CLASSES:
        section.add(table(columns, rows, caption))
        return
    weakest = sorted(range(len(rows)), key=lambda i: classes[i].recall.int8_device or 0)[:WEAKEST_LISTED]
    section.add(table(columns, [rows[i] for i in weakest], f"{caption}: the {WEAKEST_LISTED} weakest"))
    section.add(details(f"all {len(rows)} classes", table(columns, rows, caption)))
