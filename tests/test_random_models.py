"""A few random Keras models through the emitted C and TFLM; `make fuzz-models` checks hundreds."""

from __future__ import annotations

import os
import subprocess
import sys

import needs
from conftest import ROOT

from tinyproof.cores import CORES

pytestmark = needs.golden
COUNT = 5


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "tests/random_models.py", *arguments]
    return subprocess.run(command, cwd=ROOT, env={**os.environ, "PYTHONPATH": "."}, capture_output=True, text=True)


def test_random_models_give_the_bytes_of_tflm():
    result = run("--count", str(COUNT), "--seed", "1000", "--processes", "1", "--core", *CORES)
    assert result.returncode == 0, result.stdout + result.stderr
    assert f"{COUNT} models" in result.stdout
