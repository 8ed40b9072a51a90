"""Tables about a model for the terminal."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from rich.table import Table

from tinyproof.console import UserError, console, table
from tinyproof.cores import CORTEX_M4F, Core
from tinyproof.export import c_text
from tinyproof.export.adapting import adapted
from tinyproof.export.borders import with_int8_ends
from tinyproof.export.emit_model import constant_bytes, op_bytes
from tinyproof.export.graph import Graph, Tensor
from tinyproof.export.lower import lower
from tinyproof.export.ops import BY_TFLITE_NAME
from tinyproof.export.program import Program
from tinyproof.export.slow import plain_layers
from tinyproof.export.steps import describe_steps
from tinyproof.export.tflite_reader import read_graph, read_tflite
from tinyproof.manifest import Manifest, StepInfo
from tinyproof.optimize import Optimize


def describe(tflite: Path) -> None:
    """Print what is in a `.tflite`, and what the compiled engine would make of it."""
    content, taken_off = with_int8_ends(adapted(read_tflite(tflite), str(tflite)), str(tflite))
    graph = read_graph(content, str(tflite))
    try:
        lowered = lower(graph)
        program, left_out, refusal = lowered.program(), lowered.reduced.line, ""
    except UserError as error:
        program, left_out, refusal = None, "", error.message
    console.print(op_table(graph, program))
    slow = plain_layers(program, CORTEX_M4F, Optimize.BALANCED) if program else {}
    steps = describe_steps(program, slow) if program else ()
    for line in [*end_lines(graph), *filter(None, [taken_off, left_out]), *plain_lines(steps)]:
        console.print(line)
    console.print(f"arena {program.arena_bytes:,} bytes" if program else f"not for the compiled engine: {refusal}")


def op_table(graph: Graph, program: Program | None) -> Table:
    """One row for each op. Constants are those of the compiled engine, blank where it does not run the model."""
    result = table(f"{graph.source}, {graph.file_bytes:,} bytes", "op", "output", "MACs", "constants, bytes")
    constants = op_bytes(program) if program else {}
    for op in graph.ops:
        kind = BY_TFLITE_NAME.get(op.name)
        shape = c_text.shape(graph.tensors[op.outputs[0]].shape) if op.outputs else ""
        macs = f"{kind.macs(graph, op):,}" if kind and program else ""
        size = f"{constants.get(op.index, 0):,}" if program else ""
        result.add_row(f"{op.index} {op.name}", shape, macs, size)
    if program:
        total = sum(BY_TFLITE_NAME[op.name].macs(graph, op) for op in graph.ops if op.name in BY_TFLITE_NAME)
        result.add_section()
        result.add_row("total", "", f"{total:,}", f"{constant_bytes(program):,}")
    return result


def plain_lines(steps: Sequence[StepInfo]) -> list[str]:
    """A line for each layer that takes long for want of a fast kernel."""
    return [f"not on a fast kernel: {step.label or step.name}, {step.plain}" for step in steps if step.plain]


def end_lines(graph: Graph) -> list[str]:
    """A line for each input and output: shape, type and quantization."""
    ends = [("input", index) for index in graph.inputs] + [("output", index) for index in graph.outputs]
    return [f"{what} {_tensor(graph.tensors[index])}" for what, index in ends]


def _tensor(tensor: Tensor) -> str:
    text = f"{c_text.shape(tensor.shape)} {tensor.dtype}"
    if tensor.quantization is None or tensor.quantization.scale.size != 1:
        return text
    return f"{text}, scale {tensor.quantization.scale[0]:.9g}, zero point {tensor.quantization.zero_point[0]}"


def summary_table(manifest: Manifest, core: Core) -> Table:
    """What an export holds for a core, in a few numbers."""
    result = table(f"{manifest.name}, exported", "", "")
    compiled = manifest.compiled.get(core.name)
    rows = (
        ("ops", f"{len(manifest.ops)}"),
        ("multiply-accumulates", f"{manifest.macs:,}" if compiled else "-"),
        ("compiled: constants, bytes", f"{compiled.weight_bytes:,}" if compiled else "-"),
        ("compiled: arena, bytes", f"{compiled.arena_bytes:,}" if compiled else "-"),
        ("TFLM: model.tflite as an array, bytes", f"{manifest.tflite_bytes:,}"),
        ("TFLM: arena with its margin, bytes", f"{manifest.tflm_arena_bytes:,}"),
        ("golden vectors", f"{manifest.golden_count} from {manifest.golden}" if manifest.golden else "none here"),
    )
    for what, value in rows:
        result.add_row(what, value)
    return result
