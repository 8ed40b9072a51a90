"""What a user of the command line meets when something is wrong: one line, exit status 2, nothing half-written."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
import threading
import tty

import pytest
from conftest import ROOT
from planting import model_c, take_for_ours


def assert_one_line(result, *words):
    assert result.returncode == 2, result.stdout + result.stderr
    lines = [line for line in result.stderr.strip().splitlines() if line]
    assert len(lines) == 1 and lines[0].startswith("Error: "), result.stderr
    for word in words:
        assert word in lines[0]


@pytest.fixture
def line():
    """A pseudo-terminal: (port, master descriptor)."""
    master, slave = pty.openpty()
    tty.setraw(slave)
    yield os.ttyname(slave), master
    os.close(slave)
    os.close(master)


def test_unknown_board(command, model):
    assert_one_line(command("validate", "--model", model, "--board", "uno"), "'uno'", "qemu", "host")
    assert_one_line(command("build", "--model", model, "--board", "uno"), "'uno'", "qemu", "host")
    assert_one_line(command("emulate", "--model", model, "--board", "uno"), "'uno'", "qemu", "host")


def test_no_such_port(command, model):
    assert_one_line(command("validate", "--model", model, "--port", "/dev/ttyNONE"), "/dev/ttyNONE")


def test_nonsense_port_url(command, model):
    assert_one_line(command("validate", "--model", model, "--port", "nonsense://x"), "nonsense://x")


def test_model_that_was_never_exported(command, tmp_path):
    assert_one_line(command("validate", "--model", tmp_path / "none"), "make export")
    assert_one_line(command("build", "--model", tmp_path / "none"), "make export")


def test_firmware_that_was_never_built(command, model):
    assert_one_line(command("validate", "--model", model, "--board", "host"), "make build BOARD=host")


def test_port_that_answers_nothing(command, model, line):
    result = command("validate", "--model", model, "--port", line[0])
    assert_one_line(result, line[0], "no answer")
    assert not (model / "report.json").exists()


def test_port_that_answers_garbage(command, model, line):
    port, master = line
    stop = threading.Event()

    def babble():
        while not stop.wait(0.01):
            os.write(master, b"AT+OK\r\n\0 ets Jun  8 2016 00:22:57\r\n")

    thread = threading.Thread(target=babble)
    thread.start()
    try:
        assert_one_line(command("validate", "--model", model, "--port", port), port, "none of them an answer")
    finally:
        stop.set()
        thread.join()


def test_missing_compiler_names_what_to_install(command, model):
    result = command("build", "--model", model, "--board", "qemu", "--compiler", "system", PATH="")
    assert_one_line(result, "arm-none-eabi-gcc", "apt-get install")
    assert not (model / "qemu" / "firmware.elf").exists()


def test_missing_emulator_names_what_to_install(command, model, tmp_path):
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "arm-none-eabi-gcc").write_text("#!/bin/sh\n")
    (tmp_path / "bin" / "arm-none-eabi-gcc").chmod(0o755)
    result = command("validate", "--model", model, "--board", "qemu", PATH=str(tmp_path / "bin"))
    assert_one_line(result, "qemu-system-arm", "apt-get install")


def test_failed_compilation_leaves_nothing_behind(command, model):
    model_c(model).write_text("#error broken\n")
    take_for_ours(model)
    result = command("build", "--model", model, "--board", "host")
    assert result.returncode == 2 and "broken" in result.stderr
    assert list((model / "host").iterdir()) == []


def test_emulate_prints_a_port_that_validate_can_use(model):
    emulate = subprocess.Popen(
        [sys.executable, "-m", "tinyproof", "emulate", "--model", str(model)],
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env={**os.environ, "COLUMNS": "200"},
    )
    try:
        first_line = emulate.stdout.readline()
        port = next(word for word in first_line.split() if word.startswith("/dev/"))
        validate = [
            sys.executable,
            "-m",
            "tinyproof",
            "validate",
            "--model",
            str(model),
            "--port",
            port,
            "--limit",
            "30",
        ]
        for _ in range(2):  # the line outlives a client
            result = subprocess.run(validate, capture_output=True, text=True, cwd=ROOT, timeout=120)
            assert result.returncode == 0, result.stdout + result.stderr
            assert "EQUAL" in result.stdout
    finally:
        emulate.terminate()
        emulate.wait(10)
