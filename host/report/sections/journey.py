"""The model's journey: what each op hands on, what it costs and what it stores."""

from __future__ import annotations

from math import prod

from tinyproof.export.c_text import shape
from tinyproof.manifest import Compiled, Manifest
from tinyproof.page import Bar, Section, bars, facts, note, table


def add_journey(section: Section, manifest: Manifest, compiled: Compiled | None, with_bars: bool) -> None:
    """A row for each op, and `with_bars` of the multiplications. `compiled`: what the compiled engine makes of it."""
    weight_bytes = compiled.op_weight_bytes if compiled else [None] * len(manifest.ops)
    rows = [[f"input {tensor.name}", shape(tensor.shape), tensor.size_bytes, None, None] for tensor in manifest.inputs]
    rows += [
        [
            f"{op.index} {op.name}",
            shape(op.output_shape),
            prod(op.output_shape),
            op.macs if compiled else None,
            size,
        ]
        for op, size in zip(manifest.ops, weight_bytes, strict=True)
    ]
    total = ["in all", "", None, manifest.macs, compiled.weight_bytes] if compiled else ()
    columns = ["op", "output", "bytes handed on", "multiply-accumulates", "bytes of constants"]
    section.add(table(columns, rows, f"The way of one input through {len(manifest.ops)} ops", total))
    if with_bars and compiled and manifest.macs:
        items = [Bar(f"{op.index} {op.name}", op.macs, note=f"{op.macs / manifest.macs:.1%}") for op in manifest.ops]
        section.add(
            bars([bar for bar in items if bar.value], "Where the multiplications are", ("op", "multiply-accumulates"))
        )
    if manifest.compiled_refusal:
        section.add(note(f"The compiled engine does not run this model: {manifest.compiled_refusal}"))
    ends = [("input", tensor) for tensor in manifest.inputs] + [("output", tensor) for tensor in manifest.outputs]
    section.add(
        facts(
            [
                (
                    f"{what} {tensor.name}",
                    f"{shape(tensor.shape)} {tensor.dtype}, scale {tensor.scale:.9g}, zero point {tensor.zero_point}",
                )
                for what, tensor in ends
            ]
            + [("model.tflite", f"{manifest.tflite_bytes:,} bytes"), ("its SHA-256", manifest.model_sha256)]
        )
    )
