"""What Windows lacks is not needed: the tool runs with Python's Unix-only modules and functions taken away."""

from __future__ import annotations

import os
import subprocess
import sys

import needs
import pytest
from conftest import ROOT

WITHOUT_UNIX = """
import os, runpy, subprocess, sys
import portalocker, serial.tools.list_ports  # which have another half for Windows
for name in ("fcntl", "grp", "pty", "pwd", "resource", "termios", "tty"):
    sys.modules[name] = None
for name in ("fork", "forkpty", "geteuid", "getuid", "openpty", "ttyname"):
    delattr(os, name)
sys.argv[0] = "tinyproof"
runpy.run_module("tinyproof", run_name="__main__", alter_sys=True)
"""


def run(*arguments: object, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", WITHOUT_UNIX, *map(str, arguments)]
    return subprocess.run(
        command, capture_output=True, text=True, cwd=ROOT, timeout=200, env={**os.environ, **environment}
    )


@needs.portable
@pytest.mark.parametrize("board", ["host", "unicorn"])
def test_a_model_is_built_and_validated_without_unix(model, board):
    """And without any compiler of the system's."""
    built = run("build", "--model", model, "--board", board, PATH="")
    assert built.returncode == 0, built.stderr
    result = run("validate", "--model", model, "--board", board, "--limit", 20)
    assert result.returncode == 0, result.stdout + result.stderr
    assert "EQUAL" in result.stdout and "socket://127.0.0.1:" in result.stdout


@pytest.mark.parametrize("arguments", [("doctor",), ("export", "--help"), ("train", "--help")])
def test_other_commands_start_without_unix(arguments):
    result = run(*arguments)
    assert "Traceback" not in result.stderr, result.stderr


def test_what_is_missing_is_said_without_unix():
    result = run("tools", "--board", "host-checked", PATH="")
    assert result.returncode == 2
    assert result.stderr.startswith("Error: board host-checked needs cc: ") and result.stderr.count("\n") == 1
