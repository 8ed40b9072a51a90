"""What tracing found, for the terminal: the time of every op, and the causes of differences with the op at fault."""

from __future__ import annotations

from collections.abc import Sequence

from rich import box
from rich.markup import escape

from tinyproof.console import console, table
from tinyproof.host.record.parts import Cause, OpResult


def print_profile(title: str, ops: Sequence[OpResult], unit: str) -> None:
    """Every tensor with its kernel, its shape and its share of the time."""
    rows = table(title, "tensor", "kernel", "shape", "MACs", unit, "share", "per MAC", text=3)
    rows.box, rows.padding = box.SIMPLE_HEAD, (0, 1, 0, 0)  # as many columns as 80 characters take
    total = sum(op.count or 0 for op in ops)
    for op in ops:
        cost = _cost(op, total)
        rows.add_row(op.name, ", ".join(op.kernels), _shape(op), f"{op.macs:,}" if op.macs else "", *cost)
    rows.add_section()
    rows.add_row("all", "", "", f"{sum(op.macs for op in ops):,}", f"{total:,}", "", "")
    console.print(rows)
    for op in ops:
        if op.plain:
            console.print(f"{op.name} is not on a fast kernel; {op.plain}", markup=False)


def print_causes(causes: Sequence[Cause], ops: Sequence[OpResult], ruled_out: Sequence[str]) -> None:
    """The tensors of the first differing sample, its first differing element, and a line for each cause."""
    if not causes:
        return
    shown = next((cause for cause in causes if cause.difference), None)
    if shown and shown.difference:
        print_bisection(f"Sample {shown.difference.sample} on {shown.device}", ops, shown.differing)
        d = shown.difference
        console.print(
            f"{ops[shown.op or 0].name}: {d.different:,} of {d.elements:,} elements differ, by at most {d.max_step}; "
            f"the first at {tuple(d.first)}: golden {d.golden}, device {d.device}. Its inputs are the golden's."
        )
    for cause in causes:
        what = "golden vector" if cause.kind == "self-test" else "sample"
        looked_at = f" ({cause.examined} looked at element by element)" if cause.examined else ""
        number = f"{cause.count:,} {what}{'' if cause.count == 1 else 's'}"
        console.print(f"[bold]{cause.kind}[/] in {number}{looked_at}: {escape(cause.text)}")
    if ruled_out:
        console.print(f"Not the cause: {'; '.join(escape(text) for text in ruled_out)}.")


def print_bisection(title: str, ops: Sequence[OpResult], differing: Sequence[int]) -> None:
    """Every tensor of one inference: the golden's or not."""
    rows = table(title, "tensor", "kernel", "shape", "", text=3)
    for op in ops:
        first = " first" if differing and op.index == differing[0] else ""
        state = f"[red]differs{first}[/]" if op.index in differing else "[green]golden[/]"
        rows.add_row(op.name, ", ".join(op.kernels), _shape(op), state)
    console.print(rows)


def _shape(op: OpResult) -> str:
    return "x".join(map(str, op.shape[1:] or op.shape))


def _cost(op: OpResult, total: int) -> tuple[str, str, str]:
    if op.count is None:
        return "", "", ""
    return f"{op.count:,}", f"{op.count / total:.1%}", f"{op.count / op.macs:.2f}" if op.macs else ""
