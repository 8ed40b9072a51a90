"""Emits the compiled engine's model: `model.h`, and `model.c` with a struct of constants and a call for each step."""

from __future__ import annotations

from collections import Counter

from tinyproof.export import c_text
from tinyproof.export.by_rows import row_bytes
from tinyproof.export.c_values import ConstantTable, Struct
from tinyproof.export.constants import Constants, operand_name, operand_table
from tinyproof.export.graph import Tensor
from tinyproof.export.layout import Buffer, Place
from tinyproof.export.ops.copy import MOVE
from tinyproof.export.program import Program, Step


def emit_model_h(program: Program, origin: str) -> str:
    """The interface of `model.c`, included by the engine."""
    return c_text.header(
        origin,
        ['"engine.h"'],
        f"""
#ifdef MODEL_ARENA_BYTES
#error "two models in one file: compile each model.c by itself, and include no two model.h (docs/compiled-engine.md)"
#endif
#define MODEL_ARENA_BYTES {program.arena_bytes}
#define MODEL_SEGMENT_COUNT {len(segments(program))}

// Every constant table of the model, (MODEL_SEGMENT_COUNT,).
extern const engine_segment model_segments[];

// One inference. {_ends(program)}: the caller's memory; input is only read.
// `watch` is a function of yours, called with the inputs and with every tensor as soon as it is whole (engine.h).
// One at a time: all calls share one arena.
void model_compute(const int8_t *input, int8_t *output, engine_watcher watch);

// The same; NULL for `watch` where nobody does.
static inline void model_invoke(const int8_t *input, int8_t *output, engine_watcher watch) {{
{c_text.INDENT}model_compute(input, output, watch ? watch : engine_unwatched);
}}

// The same for whom the answer is enough.
static inline void model_run(const int8_t *input, int8_t *output) {{
{c_text.INDENT}model_compute(input, output, engine_unwatched);
}}
""",
    )


def emit_model_c(program: Program, origin: str) -> str:
    """Tables, structs, the segment list, the arena and `model_compute`."""
    graph, constants = program.graph, Constants(program)
    parts = [
        f"{origin}// {len(graph.ops)} ops, {program.macs:,} multiply-accumulates, "
        f"{constants.size_bytes:,} bytes of constants, {program.arena_bytes:,} bytes of arena.\n"
        '#include "model.h"\n',
        *constant_parts(program, constants),
        _segment_list(constants),
    ]
    if program.arena_bytes:
        parts.append("alignas(16) static int8_t arena[MODEL_ARENA_BYTES];\n")
    parts.append(_invoke(program, constants))
    return "\n".join(parts)


def constant_parts(program: Program, constants: Constants) -> list[str]:
    """What the calls of a program refer to: the headers of its kernels, then every table and every struct."""
    own_structs = set(constants.structs.values())
    return [
        f"{_kernel_headers(program)}\n{c_text.ALIGNAS}",
        *(_operand(tensor) for tensor in program.constants),
        *(_constants(program, step, constants) for step in program.steps if step.name in own_structs),
    ]


def _kernel_headers(program: Program) -> str:
    """The headers that declare the kernels it calls: one for the plain ones, one for each folder of others."""
    folders = sorted({step.kernel.folder for step in program.steps} | {""})
    return "".join(f'#include "{folder}_kernels.h"\n' if folder else '#include "kernels.h"\n' for folder in folders)


def segments(program: Program) -> tuple[tuple[str, ConstantTable], ...]:
    """Every constant table with its name in C, in the order of `model_segments`."""
    return tuple(Constants(program).tables.items())


def constant_bytes(program: Program) -> int:
    """Bytes of all constant tables."""
    return Constants(program).size_bytes


def op_bytes(program: Program) -> dict[int, int]:
    """Bytes of the constant tables of every op, by its index; what is computed together counts for the first op."""
    found: Counter[int] = Counter()
    constants = Constants(program)
    for step in program.steps:
        found[step.op.index] += sum(table.values.nbytes for _, table in constants.own_tables(step))
        found[step.op.index] += sum(x.size for x in step.xs if x.data is not None)
    return found


def _shape(tensor: Tensor, without: int = 0) -> str:
    """The shape, without as many leading dimensions, which are then ones: the batch."""
    batch = tensor.shape[:without]
    return c_text.shape(tensor.shape[without:] if set(batch) <= {1} else tensor.shape)


def _ends(program: Program) -> str:
    """The shapes of the inputs and of the outputs."""
    inputs, outputs = ("  ".join(map(_shape, tensors)) for tensors in (program.inputs, program.outputs))
    return f"input {inputs}  output {outputs}"


def _table(name: str, table: ConstantTable) -> str:
    """The definition of a table."""
    values = table.values
    return (
        f"alignas(4) static const {c_text.C_TYPES[values.dtype.name]} {name}[{values.size}] = "
        f"{{  // {c_text.shape(values.shape)}\n{c_text.numbers(values)}}};\n"
    )


def _operand(tensor: Tensor) -> str:
    """The table of a constant that a step reads as an operand."""
    return f"// {c_text.comment(tensor.name)}\n{_table(operand_name(tensor.index), operand_table(tensor))}"


def _constants(program: Program, step: Step, constants: Constants) -> str:
    """The parameter struct of one step, and the tables that no step before has."""
    ops = ", ".join(f"{op.name} {c_text.comment(program.graph.label(op), 96 // len(step.ops) - 20)}" for op in step.ops)
    title = f"// {step.name}: {ops}"
    struct = step.params.struct()
    tables = "".join(_table(name, table) for name, table in constants.own_tables(step))
    return f"{title}\n{tables}static const {struct.ctype} {step.name} = {_initializer(struct, constants, '')};\n"


def _initializer(struct: Struct, constants: Constants, indent: str) -> str:
    """{.member = value, ...}; a line for each member of a struct that holds structs, as few as fit for the others."""
    inner = indent + c_text.INDENT
    members = []
    for field in struct.fields:
        if isinstance(field.value, Struct):
            value = _initializer(field.value, constants, inner)
        elif isinstance(field.value, ConstantTable):
            value = constants.name(field.value)
        else:
            value = c_text.number(field.value)
        members.append(f".{field.name} = {value}")
    if any(isinstance(field.value, Struct) for field in struct.fields):
        lines = "".join(f"{inner}{member},\n" for member in members)
    else:
        lines = c_text.rows(members, inner)
    return f"{{\n{lines}{indent}}}"


def _segment_list(constants: Constants) -> str:
    entries = [f"{{{name}, sizeof {name}}}" for name in constants.tables] or ["{NULL, 0}"]
    lines = "".join(f"{c_text.INDENT}{entry},\n" for entry in entries)
    return f"const engine_segment model_segments[] = {{\n{lines}}};\n"


def _invoke(program: Program, constants: Constants) -> str:
    calls = [
        (f"{step.kernel.name}_s8({', '.join([*map(_where, step.buffers), f'&{constants.structs[step.name]}'])});", step)
        for step in program.steps
    ]
    width = max(len(call) for call, _ in calls)
    lines = "".join(f"{c_text.INDENT}{call.ljust(width)}  // {_shapes(step)}\n{_watched(step)}" for call, step in calls)
    head = "void model_compute(const int8_t *input, int8_t *output, engine_watcher watch)"
    inputs = "".join(
        f"{c_text.INDENT}watch({_where(buffer)}, {buffer.size_bytes});\n" for buffer in program.input_buffers
    )
    return f"{head} {{  // {_ends(program)}\n{inputs}{lines}}}\n"


def _watched(step: Step) -> str:
    return f"{c_text.INDENT}watch({_where(step.y_buffer)}, {step.y.size});\n" if step.finishes_y else ""


def _shapes(step: Step) -> str:
    """What goes in and what comes out."""
    pooled = ", max-pooled" if step.ops[-1].name == "MAX_POOL_2D" and len(step.ops) > 1 else ""
    shapes = f"{', '.join(_shape(x, 1) for x in step.xs)} -> {_shape(step.y, 1)}{pooled}"
    if not step.parts:
        return shapes
    rows = step.parts[0].size_bytes // row_bytes(step.y)
    stay = " that stay" if step.kernel is MOVE else ""
    return f"{shapes}: {rows} {'row' if rows == 1 else 'rows'}{stay}"


def _where(buffer: Buffer) -> str:
    """The address of a buffer, in C."""
    if buffer.place is Place.CONSTANT:
        return operand_name(buffer.offset)
    if buffer.place is Place.ARENA:
        return f"arena + {buffer.offset}"
    return f"{buffer.place.value} + {buffer.offset}" if buffer.offset else buffer.place.value
