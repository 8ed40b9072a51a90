"""Slices of more than four axes become slices of fewer, and give the same elements."""

from __future__ import annotations

import needs
import numpy as np
import pytest
from every_op import schema_options

from tinyproof.export.fewer_axes import joined, with_fewer_axes
from tinyproof.export.golden import Golden
from tinyproof.export.lower import lower
from tinyproof.export.tflite_reader import read_graph
from tinyproof.export.tflite_writer import ModelBuilder

S = slice
CASES = {  # the shape, what is taken along its first axes, which of them go
    "one step of five": ((5, 1, 4, 4, 2), (S(2, 3),), 1),
    "the last step": ((5, 1, 4, 4, 2), (S(4, 5),), 1),
    "every second step": ((5, 1, 4, 4, 2), (S(0, 5, 2),), 0),
    "rows of all steps": ((1, 3, 6, 4, 2), (S(0, 1), S(0, 3), S(1, 5)), 0),
    "rows of one step, and channels": ((1, 3, 6, 4, 4), (S(0, 1), S(1, 2), S(1, 5, 2), S(0, 4), S(1, 3)), 2),
    "six axes": ((2, 3, 2, 2, 3, 2), (S(1, 2), S(0, 3), S(0, 2), S(0, 2), S(1, 3)), 1),
}


def _model(shape: tuple[int, ...], taken: tuple[slice, ...], shrink: int) -> bytes:
    every = [*taken, *(slice(0, size) for size in shape[len(taken) :])]
    left = [n for axis, n in enumerate(np.zeros(shape)[tuple(every)].shape) if not shrink >> axis & 1]
    b = ModelBuilder()
    x, y = b.tensor(shape, 1.0, 3), b.tensor(tuple(left), 1.0, 3)
    numbers = [[each.start for each in every], [each.stop for each in every], [each.step or 1 for each in every]]
    bounds = [b.constant(np.array(each, np.int32), None) for each in numbers]
    b.op("STRIDED_SLICE", [x, *bounds], [y], schema_options("StridedSliceOptionsT", shrinkAxisMask=shrink))
    return b.build([x], [y])


@needs.golden
@pytest.mark.parametrize("what", CASES)
def test_the_same_elements_are_taken_of_fewer_axes(what):
    shape, taken, shrink = CASES[what]
    content = with_fewer_axes(_model(shape, taken, shrink), "net")
    graph = read_graph(content, "net")
    assert [op.name for op in graph.ops] == ["RESHAPE", "STRIDED_SLICE", "RESHAPE"]
    x = np.random.default_rng(1).integers(-128, 128, shape, np.int8)
    assert Golden(content).run_bytes(x.tobytes()) == x[taken].tobytes()
    lower(graph)


def test_what_has_four_axes_or_stays_with_five_is_left_as_it_is():
    scattered = ((3, 3, 3, 3, 3), tuple(slice(0, 3, 2) for _ in range(5)), 0)
    for case in (((1, 5, 4, 2), (slice(0, 1), slice(2, 3)), 0), scattered):
        assert with_fewer_axes(_model(*case), "net") == _model(*case)


def test_random_slices_take_the_same_elements():
    rng = np.random.default_rng(2)
    for _ in range(300):
        shape = rng.integers(1, 4, rng.integers(1, 7))
        starts = [int(rng.integers(size)) if rng.random() < 0.5 else 0 for size in shape]
        ends = [int(rng.integers(a + 1, size + 1)) if a else int(size) for a, size in zip(starts, shape, strict=True)]
        taken = [range(a, b, int(rng.integers(1, 3))) for a, b in zip(starts, ends, strict=True)]
        x = np.arange(np.prod(shape))
        fewer = joined([(int(size), each) for size, each in zip(shape, taken, strict=True)])
        some = x.reshape([size for size, _ in fewer])[np.ix_(*(list(each) for _, each in fewer))]
        np.testing.assert_array_equal(some.ravel(), x.reshape(shape)[np.ix_(*map(list, taken))].ravel())
