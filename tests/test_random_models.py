"""A few random Keras models through the emitted C and TFLM; `make fuzz-models` checks hundreds."""

from __future__ import annotations

import os
import subprocess
import sys

import needs
import pytest
from conftest import ROOT

pytestmark = needs.golden
COUNT = 5


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "tests/random_models.py", *arguments]
    return subprocess.run(command, cwd=ROOT, env={**os.environ, "PYTHONPATH": "."}, capture_output=True, text=True)


@pytest.mark.parametrize("core, count", [("cortex-m4f", COUNT), ("cortex-m0plus", 2), ("rv32imc", 2)])
def test_random_models_give_the_bytes_of_tflm(core, count):
    result = run("--count", str(count), "--seed", "1000", "--processes", "1", "--core", core)
    assert result.returncode == 0, result.stdout + result.stderr
    assert f"{count} models" in result.stdout
