"""What the engine does, op by op: its time, and whether its tensors are the golden's."""

from __future__ import annotations

from markupsafe import Markup

from export.c_text import shape
from host.page import Bar, Cell, Column, Section, bars, note, table
from host.report import OpResult, Report


def add_ops(section: Section, report: Report) -> None:
    """Bars of time, or of multiplications where the device does not tell the time; then everything as a table."""
    ops = report.ops
    unit = report.latency.unit if report.latency else "time"
    if any(op.count for op in ops):
        section.add(_bars(ops, [op.count or 0 for op in ops], unit))
    else:
        section.add(note("This device does not tell the time of single ops: the bars are their multiplications."))
        section.add(_bars(ops, [op.macs for op in ops], "multiply-accumulates"))
    rows: list[list[Cell]] = [
        [
            f"{op.index} {op.name}",
            ", ".join(dict.fromkeys(op.kernels)),
            ", ".join(map(str, op.ops)),
            shape(op.shape),
            op.macs,
            op.count,
            _equal(op),
        ]
        for op in ops
    ]
    columns: list[str | Column] = ["what is computed", "kernel", "ops of the model", "output", "multiply-accumulates"]
    columns += [Column(unit, number=True), f"tensor is the golden's, in {_traced(ops)} samples traced"]
    section.add(table(columns, rows, caption="The engine's program, in its order"))


def _traced(ops: list[OpResult]) -> int:
    return max((op.traced for op in ops), default=0)


def _bars(ops: list[OpResult], values: list[int], unit: str) -> Markup:
    total = sum(values) or 1
    items = [
        Bar(
            f"{op.index} {op.name}",
            value,
            note=f"{value / total:.1%}",
            kind="bad" if op.different else "",
        )
        for op, value in zip(ops, values, strict=True)
    ]
    return bars(
        items,
        f"Where the {unit} go" + (": ✗ differs from the golden" if any(o.different for o in ops) else ""),
        ("op", unit),
    )


def _equal(op: OpResult) -> str | None:
    if not op.traced:
        return None
    return f"✗ not in {op.different:,}" if op.different else "✓ in all"
