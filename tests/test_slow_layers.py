"""A layer that no fast kernel computes is named, with the reason and what it costs; small ones are not worth a word."""

from __future__ import annotations

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema
from conftest import DEMO_MODEL

from tinyproof.cores import CORTEX_M4F, PLAIN
from tinyproof.export.describe import describe
from tinyproof.export.lower import lower
from tinyproof.export.slow import plain_layers
from tinyproof.export.tflite_reader import load_graph, read_graph
from tinyproof.export.tflite_writer import ModelBuilder
from tinyproof.optimize import Optimize


def reasons(content: bytes, optimize: Optimize = Optimize.BALANCED) -> list[str]:
    program = lower(read_graph(content, "layers")).program(CORTEX_M4F, optimize)
    return list(plain_layers(program, CORTEX_M4F, optimize).values())


def wide(x_c: int) -> bytes:
    """A convolution of three pixels with one filter of the largest weights."""
    b = ModelBuilder()
    x, y = b.tensor((1, 1, 3, x_c), 1.0, 0), b.tensor((1, 1, 1, 1), 2.0**20, 0)
    b.conv2d([x, b.constant(np.full((1, 1, 3, x_c), 127, np.int8), [1.0])], y)
    return b.build([x], [y])


def matmul(rows: int, side: int) -> bytes:
    b = ModelBuilder()
    x, a, y = b.tensor((1, rows, side), 1.0), b.tensor((1, side, 2), 1.0), b.tensor((1, rows, 2), 100.0)
    b.op("BATCH_MATMUL", [x, a], [y], schema.BatchMatMulOptionsT())
    return b.build([x, a], [y])


@pytest.mark.parametrize(
    "content, says",
    [
        (wide(30_000), "too large"),
        (matmul(2, 8000), "a shape that the fast kernels do not take"),
    ],
)
def test_what_is_slow_is_named_with_the_reason(content, says, tmp_path, capsys):
    (reason,) = reasons(content)
    assert "of the time: " in reason and says in reason
    (tmp_path / "slow.tflite").write_bytes(content)
    describe(tmp_path / "slow.tflite")
    assert "not on a fast kernel" in capsys.readouterr().out


@pytest.mark.parametrize("content", [wide(4000), matmul(20, 900)])
def test_what_is_fast_or_small_is_not(content):
    assert reasons(content) == []


@pytest.mark.parametrize("optimize", Optimize)
def test_every_layer_of_the_demo_has_a_fast_kernel(optimize):
    program = lower(load_graph(DEMO_MODEL / "model.tflite")).program(CORTEX_M4F, optimize)
    assert plain_layers(program, CORTEX_M4F, optimize) == {}
    assert plain_layers(program, PLAIN, optimize) == {}  # which has nothing better to offer
