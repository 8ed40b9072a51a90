"""BATCH_MATMUL: the labels that meet in each sum, and the way from a sum to a byte."""

from __future__ import annotations

import numpy as np

from .arithmetic import INT32_MAX, Ints, check_equal, check_packed_range, ints, packed, stage
from .c_source import Pointer
from .findings import require
from .golden import Golden
from .kernels import PRODUCT, rounded_up
from .memory import Memory, check_apart
from .params import Params
from .parts import arguments, indexes
from .sums import Products, products
from .views import Task


def batch_matmul(golden: Golden, memory: Memory, task: Task, at: tuple[Pointer, ...], p: Params) -> None:
    """batch_matmul_s8."""
    wanted = _wanted(golden, task)
    multiplier, shift = p.number("multiplier"), p.number("shift")
    require(multiplier >= 0 and -31 <= shift <= 30, f"{task.where}: a multiplier or a shift out of range")
    require((wanted.most << max(shift, 0)) + 256 <= INT32_MAX, f"{task.where}: a sum leaves 32 bits")
    way = stage(ints([multiplier]), ints([shift]), p.byte("y_zero_point"), -128, 127)
    check_equal(wanted.way, [way], ints([-wanted.most]), ints([wanted.most]), task.where)
    arguments(at, 3, task.where)
    _check_matrices(golden, memory, task, at, p, wanted)


def batch_matmul_packed(golden: Golden, memory: Memory, task: Task, at: tuple[Pointer, ...], p: Params) -> None:
    """batch_matmul_packed_s8, which doubles its sums and takes the zero point of b from them."""
    wanted, y, matrices = _wanted(golden, task), p.part("y"), p.part("matrices")
    table = ints([[y.number(name) for name in ("multiplier", "offset", "shift")]])
    ends = ints([-wanted.most]), ints([wanted.most])
    twice, bias = ints([2]), ints([y.number("bias")])
    require(bias[0] == 0, f"{task.where}: a bias, which the kernel does not add")
    check_packed_range(table, twice, bias, *ends, task.where)
    check_equal(wanted.way, [packed(table, twice, bias, -128, 127, PRODUCT)], *ends, task.where)
    arguments(at, 4, task.where)
    depth, columns = matrices.number("depth"), matrices.number("columns")
    scratch = 2 * rounded_up(depth) + rounded_up(depth) * rounded_up(columns)
    _check_matrices(golden, memory, task, (*at[:3], at[3]), matrices, wanted, scratch)


def _wanted(golden: Golden, task: Task) -> Products:
    op = task.ops[0]
    golden.require_covered(op)
    alone = len(task.ops) == 1 and op.name == "BATCH_MATMUL" and task.row == 0
    last = golden.model.tensors[op.outputs[0]].shape[-1]
    require(
        alone and len(task.channels) == last, f"{task.where}: {op.where} is no product of matrices, or not all of it"
    )
    return products(golden.model, op)


def _check_matrices(
    golden: Golden, memory: Memory, task: Task, at: tuple[Pointer, ...], p: Params, wanted: Products, scratch: int = 0
) -> None:
    """Each row of a and each column of b that the kernel multiplies holds the labels of the op's."""
    op, where = task.ops[0], task.where
    zeros = p.number("a_zero_point"), p.number("b_zero_point")
    require(zeros == wanted.zeros, f"{where}: other zero points")
    sizes = rows, depth, columns = [p.number(name) for name in ("rows", "depth", "columns")]
    require(min(sizes) > 0, f"{where}: a matrix without elements")
    starts = indexes(p.part("batches"))

    def places(start: Ints, one: tuple[int, int], other: tuple[int, int]) -> Ints:
        (n, n_step), (m, m_step) = one, other
        return start[:, None, None] + (np.arange(n) * n_step)[:, None] + np.arange(m) * m_step

    of_a = places(starts[0], (rows, p.number("a_row")), (depth, p.number("a_depth")))
    of_b = places(starts[1], (columns, p.number("b_column")), (depth, p.number("b_depth")))
    buffers = []
    for name, index, each, pointer in zip("ab", op.inputs, (of_a, of_b), at[1:], strict=False):
        require(int(each.min()) >= 0, f"{where}: it begins before its input")
        size = int(each.max()) + 1
        theirs = wanted.rows_of(name, golden.labels[index])
        same = theirs.shape == each.shape and np.array_equal(theirs, memory.read(pointer, size, where)[each])
        require(same, f"{where}: it multiplies other elements than the op")
        buffers.append((pointer, size))
    labels = golden.labels[op.outputs[0]].reshape(-1)
    require(labels.size == len(starts[0]) * rows * columns, f"{where}: another number of elements")
    if scratch:
        buffers.append((at[3], scratch))
        memory.spoil(at[3], scratch, where)
    check_apart([(at[0], labels.size), *buffers[:1], *buffers[2:]], where)
    check_apart([(at[0], labels.size), *buffers[1:]], where)
    memory.write(at[0], labels, where)
