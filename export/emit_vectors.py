"""Emits `golden_vectors.h` and `.c`: inputs with the outputs the golden gives, for the device's self-test.

Flash is dear: as many vectors as fit `VECTOR_BYTES`, but at least two and at most six. The first is a calibration image
where there is one, the rest alternate between random bytes, further images and the extremes.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tinyproof.export import c_text
from tinyproof.export.golden import Golden

VECTOR_BYTES = 5 * 1024  # flash for inputs and outputs together
RANDOM_SEED = 1
EXTREMES = (127, -128)


@dataclass(frozen=True, eq=False)
class Vectors:
    """Inputs with the outputs they give; there may be none."""

    inputs: NDArray[np.int8]  # (n, input bytes)
    outputs: NDArray[np.int8]  # (n, output bytes)


def vector_count(input_bytes: int, output_bytes: int) -> int:
    """How many vectors an export carries."""
    return min(6, max(2, VECTOR_BYTES // (input_bytes + output_bytes)))


def no_vectors(input_bytes: int, output_bytes: int) -> Vectors:
    """For where the golden is not available."""
    return Vectors(np.zeros((0, input_bytes), np.int8), np.zeros((0, output_bytes), np.int8))


def golden_vectors(golden: Golden, input_bytes: int, output_bytes: int, images: NDArray[np.int8]) -> Vectors:
    """The vectors of a model. images (n, input bytes): calibration images as device bytes, none if n is 0."""
    count = vector_count(input_bytes, output_bytes)
    random = np.random.default_rng(RANDOM_SEED).integers(-128, 128, (count, input_bytes), np.int8)
    extremes = [np.full(input_bytes, value, np.int8) for value in EXTREMES]
    others = [random[0], *extremes, *random[1:]]
    chosen = np.stack([*images[: count - min(3, count // 2)], *others][:count])
    outputs = [np.frombuffer(golden.run_bytes(vector.tobytes()), np.int8) for vector in chosen]
    return Vectors(chosen, np.stack(outputs))


def emit_golden_vectors_h(vectors: Vectors, origin: str) -> str:
    """The declarations."""
    return c_text.header(
        origin,
        ["<stdint.h>"],
        f"""
#define GOLDEN_COUNT {len(vectors.inputs)}

// Row i of the outputs is what TensorFlow Lite Micro computes from row i of the inputs.
// A row of inputs is padded to a multiple of 4 bytes and aligned to 4; without vectors there is one row of zeros.
extern const int8_t golden_inputs[][{_stride(vectors)}];
extern const int8_t golden_outputs[][{vectors.outputs.shape[1]}];
""",
    )


def emit_golden_vectors_c(vectors: Vectors, origin: str) -> str:
    """The tables."""
    padding = _stride(vectors) - vectors.inputs.shape[1]
    inputs = np.pad(vectors.inputs, ((0, 0), (0, padding)))
    return (
        f'{origin}#include "golden_vectors.h"\n\n{c_text.ALIGNAS}\n'
        f"alignas(4) const int8_t golden_inputs[][{_stride(vectors)}] = {{\n{_rows(inputs)}}};\n\n"
        f"const int8_t golden_outputs[][{vectors.outputs.shape[1]}] = {{\n{_rows(vectors.outputs)}}};\n"
    )


def _stride(vectors: Vectors) -> int:
    return -(-int(vectors.inputs.shape[1]) // 4) * 4


def _rows(table: NDArray[np.int8]) -> str:
    inner = c_text.INDENT * 2
    text = "".join(f"{c_text.INDENT}{{\n{c_text.numbers(row, inner)}{c_text.INDENT}}},\n" for row in table)
    return text or f"{c_text.INDENT}{{0}},\n"
