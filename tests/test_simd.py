"""The kernels with vectors by every set of instructions: plain C is what the others are held against."""

from __future__ import annotations

import ctypes
import subprocess
from dataclasses import replace
from pathlib import Path

import needs
import numpy as np
import pytest
from conftest import FIRMWARE, ROOT
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from kernel_library import KernelLibrary
from layers import Case, conv2d, conv2d_and_pool, dense
from op_layers import depthwise_conv2d
from web import node

from tinyproof.compilers import ZIG_LIBRARY, ZIG_WASM_C, Compiler
from tinyproof.console import UserError
from tinyproof.cores import SIMD
from tinyproof.export.golden import Golden
from tinyproof.export.lower import lower
from tinyproof.export.tflite_reader import read_graph
from tinyproof.firmware.build import kernel_folders

FOLDER = FIRMWARE / "kernels" / "simd"
NUMBERS = ROOT / "tests" / "c" / "simd.c"
ALONE = replace(SIMD, kernels=("simd",))
INSTRUCTIONS = ("SIMD_PLAIN", "SIMD_BASELINE")  # beside the best that this computer has, which all other tests run


@pytest.fixture(scope="module", params=INSTRUCTIONS)
def kernels(request, compile_shared) -> KernelLibrary:
    sources = sorted(FOLDER.glob("*.c"))
    return KernelLibrary(compile_shared(request.param, sources, kernel_folders(SIMD), f"-D{request.param}"))


@needs.golden
@settings(max_examples=120, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
@given(data=st.data())
def test_vectors_give_the_bytes_of_tflm(kernels, data):
    case: Case = data.draw(st.one_of(conv2d(), conv2d_and_pool(), dense(), depthwise_conv2d()))
    try:
        program = lower(read_graph(case.model, "case")).program(ALONE)
    except UserError:
        assume(False)
    assume(all(step.kernel.folder == "simd" for step in program.steps))
    golden = Golden(case.model)
    for x in case.inputs:
        np.testing.assert_array_equal(kernels.run(program, x), np.frombuffer(golden.run_bytes(x.tobytes()), np.int8))


ROUNDS = 100_000


@pytest.fixture(scope="module")
def digest(compile_shared) -> int:
    """Of what plain C makes of numbers of all sizes."""
    return digest_of(compile_shared("plain", [NUMBERS], kernel_folders(SIMD), "-DSIMD_PLAIN"))


def digest_of(library: ctypes.CDLL) -> int:
    library.simd_digest.restype = ctypes.c_uint32
    return int(library.simd_digest(ROUNDS))


def test_the_computers_vectors_compute_what_plain_c_does(digest, compile_shared):
    widest = compile_shared("widest", [FOLDER / "wider.c"], kernel_folders(SIMD))
    defines = ["SIMD_BASELINE"]
    if hasattr(widest, "has_wider") and ctypes.c_int.in_dll(widest, "has_wider"):
        defines.append("SIMD_AVX2")
    for define in defines:
        assert digest_of(compile_shared(define, [NUMBERS], kernel_folders(SIMD), f"-D{define}")) == digest


@needs.portable
def test_a_browsers_vectors_compute_what_plain_c_does(digest, tmp_path):
    module = by_zig(ZIG_WASM_C, tmp_path / "numbers.wasm", f"-I{FIRMWARE / ZIG_WASM_C.headers}", "-Wl,--export-dynamic")
    assert node("digest.mjs", module, ROUNDS) == digest


@needs.portable
def test_arms_vectors_compile(tmp_path):
    by_zig(ZIG_LIBRARY, tmp_path / "numbers.so", "-target", "aarch64-linux-musl")


def by_zig(compiler: Compiler, made: Path, *more: str) -> Path:
    includes = [f"-I{path}" for path in kernel_folders(SIMD)]
    subprocess.run([*compiler.tool.argv, *compiler.flags, *more, *includes, NUMBERS, "-o", made], check=True)
    return made
