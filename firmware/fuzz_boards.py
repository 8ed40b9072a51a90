"""The firmware's two fuzz targets, as boards that the table of boards does not list (fuzz.py)."""

from __future__ import annotations

from dataclasses import replace

from tinyproof.board import Board
from tinyproof.compilers import WARNINGS, Compiler, Tool
from tinyproof.cores import PORTABLE

FUZZ = Board(
    name="fuzz",
    title="the firmware under libFuzzer",
    engine="compiled",
    core=PORTABLE,
    sources=("fuzz/board.c",),
    compilers=(
        Compiler(
            Tool("clang", ("clang", "libclang-rt-dev"), "clang with its compiler-rt"),
            (
                *("-std=c11", "-O1", "-g", *WARNINGS),
                *("-fsanitize=fuzzer,address,undefined", "-fno-sanitize-recover=all", "-fno-omit-frame-pointer"),
            ),
        ),
    ),
    defines=('BOARD_NAME="fuzz"',),
)


LOOP = replace(
    FUZZ,
    name="fuzz_loop",
    title="the firmware under very many random requests",
    sources=(*FUZZ.sources, "fuzz/loop.c"),
    compilers=(
        replace(
            FUZZ.compilers[0],
            flags=(
                *("-std=c11", "-O2", "-g", *WARNINGS),
                *("-fsanitize=address,undefined", "-fno-sanitize-recover=all", "-fno-omit-frame-pointer"),
            ),
        ),
    ),
)
