"""Every tensor that the programs of a model compute, held against the golden's."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from kernel_library import KernelLibrary

from tinyproof.cores import CORTEX_M4F, PLAIN
from tinyproof.export.golden import Golden
from tinyproof.export.lower import Lowered, lower
from tinyproof.export.tflite_reader import read_graph


def lowered(content: bytes) -> Lowered:
    """A model of a test."""
    return lower(read_graph(content, "model"))


def assert_golden(kernels: KernelLibrary, content: bytes, inputs: Iterable[np.ndarray]) -> None:
    """The parts that the engine computes, by both cores' kernels."""
    one, golden = lowered(content), Golden(content, keep_tensors=True)
    for program in (one.program(PLAIN), one.program(CORTEX_M4F)):
        for x in inputs:
            golden.run_bytes(x.tobytes())
            for step, y in zip(program.steps, kernels.tensors(program, x), strict=True):
                whole = golden.tensor(step.y.index)
                if step.finishes_y:
                    np.testing.assert_array_equal(y, one.reduced.rest_of(step.y.index, whole).reshape(-1), step.name)
