"""Calls of the kernels for UNIDIRECTIONAL_SEQUENCE_LSTM: every table and number is the op's. What kernel and TensorFlow
Lite Micro make of them is the same arithmetic line by line.
"""

from __future__ import annotations

import numpy as np

from .arithmetic import Ints
from .c_source import Pointer
from .findings import require
from .golden import Golden
from .kernels import rounded_up
from .lstm_op import NAME, lstm
from .memory import Memory, check_apart
from .params import Params
from .parts import arguments
from .views import Task


def _tables(p: Params, x_c: int, y_c: int) -> dict[str, Ints]:
    return {
        "x_weights": p.table("x_weights", 1, 4, y_c, x_c),
        "hidden_weights": p.table("hidden_weights", 1, 4, y_c, y_c),
        "x_bias": p.table("x_bias", 4, 4, y_c),
        "hidden_bias": p.table("hidden_bias", 4, 4, y_c),
    }


def _tables_by_unit(p: Params, x_c: int, y_c: int) -> dict[str, Ints]:
    """The four gates of a unit side by side, four taps of each."""

    def weights(name: str, n: int) -> Ints:
        quads = -(-n // 4)
        taps = np.moveaxis(p.table(name, 1, y_c, quads, 4, 4), 2, 0).reshape(4, y_c, 4 * quads)
        require(not np.any(taps[..., n:]), f"{p.where}: weights beyond the inputs")
        return taps[..., :n]

    bias = p.table("bias", 4, y_c, 2, 4)
    by_gate = {"x_bias": bias[:, 0].T, "hidden_bias": bias[:, 1].T}
    return {"x_weights": weights("x_weights", x_c), "hidden_weights": weights("hidden_weights", y_c)} | by_gate


def check_lstm(golden: Golden, memory: Memory, task: Task, at: tuple[Pointer, ...], p: Params) -> None:
    """lstm_s8 and lstm_packed_s8: every table and number of the call is the op's."""
    arguments(at, 3, task.where)
    op, where = task.ops[0], task.where
    golden.require_covered(op)
    require(
        len(task.ops) == 1 and op.name == NAME and task.row == 0, f"{where}: {op.where} is no LSTM, or not all of it"
    )
    wanted = lstm(golden.model, op)
    steps, x_c, y_c = (p.number(name) for name in ("steps", "x_c", "y_c"))
    sizes = (steps, x_c, y_c) == (wanted.steps, wanted.x_c, wanted.y_c) and len(task.channels) == y_c
    require(sizes, f"{where}: an LSTM of another size")
    packed = task.kernel == "lstm_packed_s8"
    tables = (_tables_by_unit if packed else _tables)(p, x_c, y_c) | {"scales": p.table("scales", 4, 4, 4)}
    for name, table in wanted.tables.items():
        require(np.array_equal(table, tables[name]), f"{where}: its {name} are not the op's")
    cell = p.part("cell")
    require(np.array_equal(cell.table("sigmoid", 2, 256), wanted.sigmoid), f"{where}: another sigmoid")
    for name, number in wanted.cell.items():
        require(cell.number(name) == number, f"{where}: its {name} is {cell.number(name)}, and TFLM's {number}")
    x, y = (golden.labels[k].reshape(-1) for k in (op.inputs[0], op.outputs[0]))
    require(np.array_equal(memory.read(at[1], x.size, where), x), f"{where}: its input is not the op's")
    scratch = 2 * (rounded_up(x_c) + rounded_up(y_c) + y_c) if packed else 3 * y_c
    check_apart([(at[0], y.size), (at[1], x.size), (at[2], scratch)], where)
    memory.spoil(at[2], scratch, where)
    memory.write(at[0], y, where)
