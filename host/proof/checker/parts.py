"""What calls have in common: their arguments, parts of tensors, and nests of loops."""

from __future__ import annotations

import numpy as np

from .arithmetic import Ints
from .c_source import Pointer
from .findings import require
from .golden import Golden
from .params import Params
from .views import Task


def arguments(at: tuple[Pointer, ...], count: int, where: str) -> None:
    """Refuse a call with another number of buffers."""
    require(len(at) == count, f"{where}: another number of arguments")


def part_of(golden: Golden, task: Task, y: int, labels: Ints, rows: int) -> Ints:
    """The rows and channels of a task out of labels in the shape of tensor y, flat; of other than images all."""
    shape = golden.model.tensors[y].shape
    if len(shape) != 4 or shape[0] != 1:
        require(task.row == 0, f"{task.where}: a part of no image")
        return labels[..., task.channels].reshape(-1)
    require(task.row + rows <= shape[1], f"{task.where}: rows beyond the op's output")
    return labels[0, task.row : task.row + rows, : task.columns][..., task.channels].reshape(-1)


def rows_in(golden: Golden, task: Task, y: int, count: int) -> int:
    """How many rows of the task's columns and channels so many elements are."""
    shape = golden.model.tensors[y].shape
    per_row = min(task.columns or shape[2], shape[2]) * len(task.channels) if len(shape) == 4 else max(count, 1)
    require(count > 0 and count % per_row == 0, f"{task.where}: no whole rows")
    return count // per_row


def loops(p: Params) -> tuple[Ints, list[tuple[int, int, int, int]]]:
    """A loop_nest: the innermost (count, step in a, step in b), and the starts (a, b) of every run of it in order."""
    count = p.number("count")
    require(1 <= count <= 6, f"{p.where}: a nest of {count} loops")
    table = p.table("table", 4, count, 3)
    require(int(table[:, 0].min()) > 0, f"{p.where}: a loop without rounds")
    starts = [(0, 0)]
    for rounds, a, b in table[:-1].tolist():
        starts = [(x + k * a, y + k * b) for x, y in starts for k in range(rounds)]
        require(len(starts) <= 10**6, f"{p.where}: too many loops")
    rounds, a, b = table[-1].tolist()
    return table, [(x, y, a, b) for x, y in starts]


def indexes(p: Params) -> tuple[Ints, Ints]:
    """Where in a and in b each element in order lies."""
    table, runs = loops(p)
    steps = np.arange(table[-1, 0])
    a, b = (np.concatenate([run[k] + run[k + 2] * steps for run in runs]) for k in (0, 1))
    require(int(a.min()) >= 0 and int(b.min()) >= 0, f"{p.where}: its loops go below the start")
    return a, b
