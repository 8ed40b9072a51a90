"""The way through the project without `make`, and the installed package."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import zipfile

from click.testing import CliRunner
from conftest import DEMO_MODEL, ROOT
from installed import STOREYS

from tinyproof.__main__ import STOREY_OF, main
from tinyproof.boards import find_board
from tinyproof.host.demo import stages


def test_the_stages_are_the_commands_of_the_makefile():
    dry = subprocess.run(
        ["make", "-nB", "validate", "BOARD=host"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.replace("\\\n", " ")
    lines = [" ".join(line.split()) for line in dry.splitlines()]
    for stage in stages("digits", "small", find_board("host"), None):
        assert any(line.startswith(f".venv/bin/tinyproof {stage.command[0]} ") for line in lines), stage


def test_what_is_there_is_not_made_again(tmp_path):
    shutil.copytree(DEMO_MODEL, tmp_path / "build" / "digits_small")
    shutil.rmtree(tmp_path / "build" / "digits_small" / "host", ignore_errors=True)
    answers = []
    for _ in range(2):
        answers.append(
            subprocess.run(
                [sys.executable, "-m", "tinyproof", "demo", "--board", "host", "--limit", "20"],
                cwd=tmp_path,
                env={**os.environ, "PYTHONPATH": str(ROOT), "COLUMNS": "200"},
                capture_output=True,
                text=True,
                timeout=120,
            )
        )
    assert [answer.returncode for answer in answers] == [0, 0], answers
    assert "built already" not in answers[0].stdout and "trained already" in answers[1].stdout
    assert "exported already" in answers[1].stdout and "built already" in answers[1].stdout
    assert "EQUAL" in answers[1].stdout


HEAVY = {"ai_edge_litert", "keras", "matplotlib", "numpy", "optuna", "tensorflow", "tflite_micro", "unicorn"}


def test_help_waits_for_no_library():
    program = """
import sys
from click.testing import CliRunner
from tinyproof.__main__ import main
assert CliRunner().invoke(main, ["--help"]).exit_code == 0
print(*{name.split(".")[0] for name in sys.modules})
"""
    result = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    assert set(result.stdout.split()) & HEAVY == set()


def test_the_version_is_that_of_the_package_everywhere():
    wanted = re.search(r'^version = "(.+)"$', (ROOT / "pyproject.toml").read_text(), re.MULTILINE)[1]
    assert f"\nversion: {wanted}\n" in (ROOT / "CITATION.cff").read_text()
    assert f"\n## {wanted}" in (ROOT / "CHANGELOG.md").read_text()
    assert wanted in CliRunner().invoke(main, ["--version"]).output


def test_every_command_of_the_console_script_exists_and_says_what_it_does():
    for name in STOREY_OF:
        result = CliRunner().invoke(main, [name, "--help"])
        assert result.exit_code == 0 and "Usage:" in result.output, name
    assert CliRunner().invoke(main, ["nonsense"]).exit_code == 2


def test_a_wheel_carries_the_firmware_and_the_pages(tmp_path):
    subprocess.run(
        [sys.executable, "-m", "pip", "wheel", "-q", ".", "--no-deps", "-w", str(tmp_path)], cwd=ROOT, check=True
    )
    carried = set(zipfile.ZipFile(next(tmp_path.glob("*.whl"))).namelist())
    ignored = {"__pycache__", "managed_components", "dependencies.lock"}
    files = set()
    for folder, name in ((ROOT / "tinyproof", "tinyproof"), *((ROOT / s, f"tinyproof/{s}") for s in STOREYS)):
        wanted = (path for path in folder.rglob("*") if path.is_file() and not ignored & set(path.parts))
        files |= {f"{name}/{path.relative_to(folder)}" for path in wanted}
    assert files <= carried, files - carried
    assert {name.split("/")[0] for name in carried} == {"tinyproof", "tinyproof-0.1.0.dist-info"}
