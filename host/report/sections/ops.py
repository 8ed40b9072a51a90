"""What the engine does, op by op: its time, and whether its tensors are the golden's."""

from __future__ import annotations

from markupsafe import Markup

from tinyproof.export.c_text import shape
from tinyproof.host.record.parts import OpResult
from tinyproof.host.record.report import Report
from tinyproof.host.report.sections.words import count
from tinyproof.page import Bar, Cell, Column, Section, bars, note, table


def add_ops(section: Section, report: Report) -> None:
    """Bars of time, or of multiplications where the device does not tell the time; then everything as a table."""
    ops = report.diagnosis.ops
    if any(op.different for op in ops):
        section.add("The first tensor that is not the golden's is where to look: the ops after it compute with it.")
    unit = report.cost.latency.unit if report.cost.latency else "time"
    if any(op.count for op in ops):
        section.add(_bars(ops, [op.count or 0 for op in ops], unit))
    else:
        section.add(note("This device does not tell the time of single ops: the bars are their multiplications."))
        section.add(_bars(ops, [op.macs for op in ops], "multiply-accumulates"))
    rows: list[list[Cell]] = [
        [
            op.name,
            ", ".join(dict.fromkeys(op.kernels)),
            ", ".join(map(str, op.ops)),
            shape(op.shape),
            op.macs,
            op.count,
            _equal(op),
        ]
        for op in ops
    ]
    columns: list[str | Column] = ["step", "kernel", "ops of the model", "output", "multiply-accumulates"]
    columns += [Column(unit, number=True), "equal"]
    for op in ops:
        if op.plain:
            section.add(note(f"{op.name} is not on a fast kernel; {op.plain}."))
    traced = max((op.traced for op in ops), default=0)
    compared = f"; their tensors held against the golden's in {count(traced, 'sample')}" if traced else ""
    section.add(table(columns, rows, caption=f"The engine's steps in their order{compared}"))


def _bars(ops: list[OpResult], values: list[int], unit: str) -> Markup:
    total = sum(values) or 1
    differs = any(op.different for op in ops)
    items = [
        Bar(op.name, value, note=f"{value / total:.1%}", kind="bad" if op.different else "")
        for op, value in zip(ops, values, strict=True)
    ]
    caption = f"Where the {unit} go" + ("; ✗: its tensor is not the golden's" if differs else "")
    return bars(items, caption, ("step", unit))


def _equal(op: OpResult) -> str | None:
    if not op.traced:
        return None
    return f"✗ {op.traced - op.different:,} of {op.traced:,}" if op.different else f"✓ all {op.traced:,}"
