"""The way through the project without `make`, and the installed package."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import zipfile

import pytest
from click.testing import CliRunner
from conftest import DEMO_MODEL, FIRMWARE, ROOT

from firmware.boards import find_board
from host.demo import stages
from host.tinyproof import COMMANDS, main


def test_the_stages_are_the_commands_of_the_makefile():
    dry = subprocess.run(
        ["make", "-nB", "validate", "BOARD=host"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.replace("\\\n", " ")
    lines = [" ".join(line.split()) for line in dry.splitlines()]
    for stage in stages("digits", "small", find_board("host"), None):
        words = set(stage.command)
        assert any(f"-m {stage.command[0]} " in line and words <= set(line.split()) for line in lines), stage


def test_what_is_there_is_not_made_again(tmp_path):
    shutil.copytree(DEMO_MODEL, tmp_path / "build" / "digits_small")
    shutil.rmtree(tmp_path / "build" / "digits_small" / "host", ignore_errors=True)
    answers = []
    for _ in range(2):
        answers.append(
            subprocess.run(
                [sys.executable, "-m", "host", "demo", "--board", "host", "--limit", "20"],
                cwd=tmp_path,
                env={**os.environ, "PYTHONPATH": str(ROOT), "COLUMNS": "200"},
                capture_output=True,
                text=True,
                timeout=120,
            )
        )
    assert [answer.returncode for answer in answers] == [0, 0], answers
    assert "1/5 training: build" in answers[0].stdout and "4/5 compiling\n" in answers[0].stdout
    assert "4/5 compiling: build" in answers[1].stdout and "EQUAL" in answers[1].stdout


HEAVY = {"ai_edge_litert", "keras", "matplotlib", "numpy", "optuna", "tensorflow", "tflite_micro", "unicorn"}


@pytest.mark.parametrize("module", ["host.tinyproof", "host.__main__", "firmware.__main__", "export.__main__"])
def test_help_waits_for_no_library(module):
    program = f"""
import sys
from click.testing import CliRunner
from {module} import main
assert CliRunner().invoke(main, ["--help"]).exit_code == 0
print(*{{name.split(".")[0] for name in sys.modules}})
"""
    result = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    assert set(result.stdout.split()) & HEAVY == set()


def test_the_version_is_that_of_the_package_everywhere():
    wanted = re.search(r'^version = "(.+)"$', (ROOT / "pyproject.toml").read_text(), re.MULTILINE)[1]
    assert f"\nversion: {wanted}\n" in (ROOT / "CITATION.cff").read_text()
    assert f"\n## {wanted}" in (ROOT / "CHANGELOG.md").read_text()
    assert wanted in CliRunner().invoke(main, ["--version"]).output


def test_every_command_of_the_console_script_exists_and_says_what_it_does():
    for name in COMMANDS:
        result = CliRunner().invoke(main, [name, "--help"])
        assert result.exit_code == 0 and "Usage:" in result.output, name
    assert CliRunner().invoke(main, ["nonsense"]).exit_code == 2


def test_a_wheel_carries_the_firmware_and_the_pages(tmp_path):
    subprocess.run(
        [sys.executable, "-m", "pip", "wheel", "-q", ".", "--no-deps", "-w", str(tmp_path)], cwd=ROOT, check=True
    )
    carried = set(zipfile.ZipFile(next(tmp_path.glob("*.whl"))).namelist())
    wanted = [*FIRMWARE.rglob("*"), *(ROOT / "host" / "page").rglob("*")]
    ignored = {"__pycache__", "managed_components", "dependencies.lock"}
    files = {str(path.relative_to(ROOT)) for path in wanted if path.is_file() and not ignored & set(path.parts)}
    assert files <= carried, files - carried
