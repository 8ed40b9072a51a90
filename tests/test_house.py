"""The house: imports run one way, files stay small, what stands in two places agrees."""

from __future__ import annotations

import ast
import re
import subprocess
import sys

import pytest
from conftest import FIRMWARE, ROOT
from installed import STOREYS, link_package

from tinyproof.console import UserError
from tinyproof.cores import CORES
from tinyproof.export import op_table, ops
from tinyproof.export.cost import CYCLES
from tinyproof.export.stage import emit
from tinyproof.export.tflite_writer import ModelBuilder

PRODUCT = ("tinyproof", *STOREYS)
MAX_FILE_LINES, MAX_FUNCTION_LINES = 300, 50


def sources(*patterns: str):
    return [path for folder in PRODUCT for pattern in patterns for path in (ROOT / folder).rglob(pattern)]


def test_imports_run_one_way(tmp_path):
    link_package(tmp_path)
    lint = [sys.executable, "-c", "from importlinter.cli import lint_imports_command; lint_imports_command()"]
    run = subprocess.run(
        [*lint, "--config", ROOT / "pyproject.toml", "--no-cache"], cwd=tmp_path, capture_output=True, text=True
    )
    assert run.returncode == 0, run.stdout + run.stderr


@pytest.mark.parametrize("path", sources("*.py", "*.c", "*.h", "*.cpp"), ids=lambda path: str(path.relative_to(ROOT)))
def test_a_file_of_the_product_has_one_purpose(path):
    text = path.read_text()
    assert text.count("\n") <= MAX_FILE_LINES
    if path.suffix == ".py":
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                assert node.end_lineno - node.lineno < MAX_FUNCTION_LINES, node.name


def test_the_table_of_ops_lists_what_the_compiled_engine_runs():
    listed = [name for names, _, _ in op_table.COMPILED_OPS for name in names]
    assert sorted(listed) == sorted(ops.BY_TFLITE_NAME)
    assert set(listed) <= set(op_table.TFLM_OPS)
    assert set(listed) <= set(op_table.NEWEST_VERSIONS)


@pytest.mark.parametrize("folder", sorted({"", *(folder for core in CORES.values() for folder in core.kernels)}))
def test_every_kernel_is_a_c_function_of_its_folder_and_the_other_way_round(folder):
    (header,) = (FIRMWARE / "kernels" / folder).glob("*kernels.h")
    functions = set(re.findall(r"^void (\w+)_s8\(", header.read_text(), re.MULTILINE))
    assert functions == {name for name, kernel in ops.KERNELS.items() if kernel.folder == folder}
    for name in functions:
        assert (header.parent / f"{name}_s8.c").is_file()


def test_kernels_with_events_have_a_price_and_no_others():
    for core, prices in CYCLES.items():
        folders = {"", *CORES[core].kernels}
        kernels = [kernel for kernel in ops.KERNELS.values() if kernel.folder in folders]
        assert set(prices) == {*(kernel.name for kernel in kernels if kernel.events or kernel.has_price), "other"}


@pytest.mark.parametrize("inputs, outputs, words", [(5, 1, "5 inputs"), (1, 5, "5 outputs")])
def test_more_tensors_than_a_device_exchanges_are_refused(inputs, outputs, words, tmp_path):
    b = ModelBuilder()
    xs = [b.tensor((1, 4), 0.1, 0) for _ in range(inputs)]
    ys = [b.tensor((1, 4), 0.1, 0) for _ in range(outputs)]
    for y in ys:
        b.op("RELU", [xs[0]], [y])
    (tmp_path / "many.tflite").write_bytes(b.build(xs, ys))
    with pytest.raises(UserError, match=words):
        emit(tmp_path / "model", tmp_path / "many.tflite", "qemu", None, "balanced")
