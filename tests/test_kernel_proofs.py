"""What `make prove-kernels` stands on: every kernel has small layers that call it, and Eva finds faults in kernels."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from conftest import FIRMWARE
from kernel_cases import calls_of
from prove_kernels import FRAMA_C, PACKAGE, prove

from tinyproof.export.ops import KERNELS

needs_frama_c = pytest.mark.skipif(shutil.which(FRAMA_C) is None, reason=f"needs {FRAMA_C}: apt-get install {PACKAGE}")
SOURCES = ("conv2d_s8.c", "gather_s8.c")
# In which file, what, and what it becomes; what Eva says of it.
FAULTS = {
    "an index one too far": ("inner_product.h", "n > 0; n--", "n >= 0; n--", "out of bounds read"),
    "no border below": ("gather_s8.c", "i < 0 || i >= g->x_h", "i < 0", "valid_src"),
    "a shift by 32": ("requantize.h", "(a >> shift)", "(a >> (shift | 32))", "invalid RHS operand for shift"),
    "a pixel that nobody writes": ("conv2d_s8.c", "j < g->y_w; j++", "j < g->y_w - 1; j++", "not written whole"),
}


@pytest.mark.parametrize("kernel", KERNELS)
def test_every_kernel_has_a_small_layer_that_calls_it(kernel):
    assert next(calls_of(kernel)).step.kernel.name == kernel


def finding(folder: Path, kernels: Path):
    return prove([next(calls_of("conv2d"))], [kernels / name for name in SOURCES], folder, [kernels])


@needs_frama_c
def test_nothing_is_found_in_a_kernel_as_it_is(tmp_path):
    assert finding(tmp_path, FIRMWARE / "kernels").open == ()


@needs_frama_c
@pytest.mark.parametrize("fault", FAULTS)
def test_a_planted_fault_is_found(tmp_path, fault):
    name, right, wrong, said = FAULTS[fault]
    kernels = shutil.copytree(FIRMWARE / "kernels", tmp_path / "kernels")
    text = (kernels / name).read_text()
    assert right in text
    (kernels / name).write_text(text.replace(right, wrong))
    assert said in " ".join(finding(tmp_path, kernels).open)
