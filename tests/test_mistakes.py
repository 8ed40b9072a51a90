"""Mistakes that once were believed or ended in something unreadable: a test for each kind.

What is wrong on a command line alone is in test_command_lines.py.
"""

from __future__ import annotations

import json
import os
import resource
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import click
import pytest
from conftest import DEMO_MODEL, ROOT, first_on_path
from test_host_command import assert_one_line

from tinyproof import console
from tinyproof.claim import CLAIM_FILE
from tinyproof.console import UNFINISHED, UserError, write_together
from tinyproof.export import stage
from tinyproof.training.stage import keep_trained

BY_HAND = {"TINYPROOF_BY_MAKE": ""}


def make(*words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["make", *words], cwd=ROOT, env={**os.environ, **environment}, capture_output=True, text=True, timeout=60
    )


@pytest.mark.parametrize(
    "words, said",
    [
        (["validate", "BOARD=", "host"], "no target host; `make` alone lists them, and BOARD= has its value without a"),
        (["train", "validat"], "there is no target validat"),
        (["validate", "BOARD=host qemu"], "BOARD=host qemu: one at a time"),
        (["validate", "TFLITE=a$b.tflite"], "TFLITE has a $"),
        (["validate", "MODEL=/tmp"], "MODEL=/tmp is not the name of a folder in build/"),
        (["validate", "MODEL=.."], "MODEL=.. is not the name of a folder in build/"),
    ],
)
def test_make_refuses_before_it_makes_anything(words, said):
    result = make(*words)
    assert result.returncode == 2 and said in result.stderr and result.stderr.count("\n") == 1
    assert result.stdout == ""


def test_make_gives_the_shell_no_part_of_a_files_name():
    name = r"""model(1)&it's#2;`ls`|"<x>)(,\\"""
    result = make("-n", "export", "describe", "BOARD=host", f"TFLITE=/nope/{name}.tflite")
    export, describe = (shlex.split(line)[1:] for line in result.stdout.splitlines() if " --" in line)
    assert export[:3] == ["export", "--model", f"build/{name}"] and f"TFLITE=/nope/{name}.tflite" in export
    assert describe == ["describe", "--tflite", f"/nope/{name}.tflite"]


def test_make_keeps_what_is_set_for_another_python_from_ours(tmp_path):
    """Such as the packages of a ROS or a conda installation, which are of other versions."""
    (tmp_path / "numpy.py").write_text("raise SystemExit('not ours')")
    others = {"PYTHONHOME": "/nope", "PYTHONSAFEPATH": "1", "PYTHONPATH": str(tmp_path), "PYTHONPLATLIBDIR": "lib7"}
    result = make("tools", "BOARD=interpreter", **others, PYTHONINSPECT="1", PYTHONWARNINGS="error")
    assert (result.returncode, result.stderr) == (0, "")


def test_what_is_of_the_same_name_on_pythonpath_or_here_does_not_run_instead_of_ours(model, tmp_path):
    """Neither in this process nor in the device's that it starts; what only the user has is found."""
    for name in ("numpy", "click", "random", "training", "host", "tinyproof/numpy"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / f"{name}.py").write_text("raise SystemExit('not ours')")
    words = ["-m", "tinyproof", "hello", "--board", "interpreter", "--model", str(model)]
    for environment in ({"PYTHONPATH": str(tmp_path)}, {}):
        run = {"cwd": tmp_path, "env": {**os.environ, **environment}, "capture_output": True, "text": True}
        result = subprocess.run([sys.executable, *words], **run)
        assert (result.returncode, result.stderr) == (0, ""), result.stdout


def test_another_tinyproof_than_the_installed_one_says_so(tmp_path):
    shutil.copytree(ROOT / "tinyproof", tmp_path / "tinyproof")
    environment = {**os.environ, "PYTHONPATH": str(tmp_path)}
    words = [sys.executable, "-m", "tinyproof", "--version"]
    result = subprocess.run(words, cwd=ROOT.parent, env=environment, capture_output=True, text=True)
    assert result.returncode == 0
    assert (
        result.stderr == f"this is the tinyproof of {tmp_path}/tinyproof, not the installed one of {ROOT}/tinyproof\n"
    )


def test_what_the_shell_forbids_is_said_in_one_line(command, tmp_path):
    run = [sys.executable, "-m", "tinyproof"]
    pipes = {"cwd": ROOT, "capture_output": True, "text": True}
    result = subprocess.run([*run, "doctor"], umask=0o777, **pipes)
    assert_one_line(result, "umask 777 keeps you from your own new files: run `umask 022`")
    limit = (10**9, 10**9)
    limited = {"preexec_fn": lambda: resource.setrlimit(resource.RLIMIT_AS, limit)}
    result = subprocess.run([*run, "train", "--out", str(tmp_path / "m")], **limited, **pipes)
    assert_one_line(result, "memory is limited to 1.0 GB", "(`ulimit -v unlimited`)")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("verb, limit", [("export", 400 << 10), ("train", 64 << 10)])
def test_a_converter_that_cannot_write_for_itself_is_not_said_to_dislike_a_layer(tmp_path, verb, limit):
    """TensorFlow passes over what it cannot write where temporary files go, and fails elsewhere."""
    model = tmp_path / "m"
    model.mkdir()
    for name in ("labels.txt", "splits.npz", "model.keras") if verb == "export" else ():
        shutil.copy(DEMO_MODEL / name, model)
    words = ["-m", "tinyproof", verb, "--board", "host", "--out" if verb == "train" else "--model", str(model)]
    limited = {"preexec_fn": lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))}
    result = subprocess.run([sys.executable, *words], cwd=ROOT, capture_output=True, text=True, **limited)
    assert result.returncode == 2 and result.stderr.count("\n") == 1, result.stderr
    assert result.stderr.startswith("Error: File too large; ")


def test_a_process_that_may_start_no_thread_says_so(capsys, monkeypatch):
    monkeypatch.setattr(sys, "argv", ["x"])

    def callback():
        raise RuntimeError("can't start new thread")

    assert console._run(click.Command("x", callback=callback), "x") == 2
    said = capsys.readouterr().err
    assert said.startswith("Error: can't start new thread; end other programs") and said.count("\n") == 1


def test_a_model_from_elsewhere_takes_no_other_models_folder(model, tmp_path):
    """Two files of one name have one folder: what is there is not replaced by what happens to be called so."""

    def export(source: Path) -> None:
        with click.Context(click.Command("export")):
            stage.export(folder, stage.Source(tflite=source), "interpreter", None, "balanced")

    folder, first, other = tmp_path / "net", tmp_path / "a" / "net.tflite", tmp_path / "b" / "net.tflite"
    for path, end in ((first, b""), (other, bytes(4))):
        path.parent.mkdir()
        path.write_bytes((model / "model.tflite").read_bytes() + end)
    export(first)
    with pytest.raises(
        UserError, match=f"net is of {first}, not of {other}: give that a folder of its own with MODEL=net_2"
    ):
        export(other)
    first.write_bytes(other.read_bytes())  # a newer one of its own
    export(first)
    export(other)
    folder = model
    other.write_bytes(other.read_bytes() + bytes(4))
    with pytest.raises(UserError, match="digits_small has a model of its own, not of"):
        export(other)
    with pytest.raises(UserError, match="net holds a model from elsewhere: MODEL=net alone to use it as it is"):
        keep_trained(tmp_path / "net", {})


def test_a_line_that_is_slower_than_its_device_is_named(built_model, command):
    result = command("validate", "--model", built_model, "--board", "host", "--limit", 3, "--throttle", 9600)
    assert_one_line(result, "begins at 115200 baud and cannot be reached over 9600: give THROTTLE=115200")


def test_a_make_that_is_not_gnus_says_which_one_is_meant():
    bmake = shutil.which("bmake")
    if bmake is None:
        pytest.skip("needs bmake")
    result = subprocess.run([bmake, "validate"], cwd=ROOT, capture_output=True, text=True)
    assert result.returncode == 1 and result.stderr.count("\n") == 1 and "for GNU make, which is" in result.stderr


def test_make_says_what_it_takes_from_the_environment():
    result = make("-n", "hello", BOARD="interpreter", SECONDS="3")
    assert result.returncode == 0, result.stderr
    assert "BOARD=interpreter, from the environment\n" in result.stdout
    assert "from the environment" not in make("-n", "hello", "BOARD=interpreter").stdout


def test_make_takes_a_models_folder_for_its_name_and_a_preset_in_any_case():
    models = ("build/digits_small", "digits_small/", "./digits_small", f"{ROOT}/build/digits_small/")
    for word in (*(f"MODEL={model}" for model in models), "PRESET=Small"):
        result = make("-n", "hello", "BOARD=interpreter", word)
        assert "--model 'build/digits_small' " in result.stdout, result.stdout + result.stderr


def test_a_flag_is_set_by_yes_and_not_by_no(model, command):
    for value, is_set in (("no", False), ("false", False), ("0", False), ("yes", True), ("1", True)):
        result = command("validate", "--model", model, "BOARD=interpreter", "LIMIT=3", f"SURE={value}")
        assert result.returncode == 0, result.stderr
        assert (json.loads((model / "report.json").read_text())["sampling"]["sure"] is not None) is is_set, value
    assert_one_line(command("validate", "--model", model, "SURE=maybe"), "SURE: 'maybe' is neither 1 nor 0")


def test_words_are_known_in_any_case(model, command):
    result = command("emit", "--model", model, "--board", "Host", "--optimize", "Fast", "--engine", "Compiled")
    assert result.returncode == 0, result.stderr


@pytest.mark.parametrize(
    "port, words",
    [
        ("/dev/null", "it is no serial port"),
        ("README.md", "it is no serial port"),
        ("socket://localhost:99999", "host and port are no address"),
        ("tcp://localhost:1", "known are socket://host:port and rfc2217://host:port"),
    ],
)
def test_what_is_no_port_is_called_that(model, command, port, words):
    result = command("hello", "--model", model, "--port", port)
    assert_one_line(result, f"cannot open port {port}: ", words)
    assert "Errno" not in result.stderr and "Could not" not in result.stderr


def test_a_board_is_not_built_for_a_port_that_is_none(model, command):
    assert_one_line(command("flash", "--model", model, "--board", "esp32", "--port", model), "is no serial port")


def test_a_model_that_is_not_there_is_not_said_to_need_an_export_alone(command, in_root):
    result = command("validate", "--model", "Digits_small", "--board", "interpreter")
    assert_one_line(result, "or name a model that is there (", "did you mean 'digits_small'?")
    assert_one_line(command("validate", "--model", "/", "--board", "interpreter"), "/model.json does not exist")


def test_a_tflite_in_the_place_of_the_one_that_was_made_is_not_written_over(command, tmp_path):
    """With the images alone it would be exported; with the Keras model beside it, it was quantized away."""
    model = tmp_path / "m"
    model.mkdir()
    for name in ("labels.txt", "splits.npz", "model.keras"):
        shutil.copy(DEMO_MODEL / name, model)
    for _ in range(2):
        assert command("export", "--board", "host", "--model", model).returncode == 0
    content = bytearray((model / "model.tflite").read_bytes())
    content[len(content) // 2] ^= 1
    (model / "model.tflite").write_bytes(content)
    assert_one_line(command("export", "--board", "host", "--model", model), "is no longer what was made", "TFLITE=")
    assert (model / "model.tflite").read_bytes() == content
    (model / "model.tflite").unlink()
    assert command("export", "--board", "host", "--model", model).returncode == 0


def test_a_model_json_that_is_not_of_the_model_is_not_believed(model, command):
    manifest = json.loads((model / "model.json").read_text())
    manifest["inputs"][0]["zero_point"] += 1
    (model / "model.json").write_text(json.dumps(manifest))
    for verb, *more in (("validate",), ("bisect",), ("predict", "--image", "docs/images")):
        result = command(verb, "--model", model, "--board", "interpreter", *more)
        assert_one_line(result, "model.json has other inputs or outputs than model.tflite", "make export")
    assert not (model / "report.json").exists()


@pytest.mark.parametrize("package", ["tflite_micro", "ai_edge_litert"])
def test_a_package_that_is_there_and_broken_is_named_in_one_line(built_model, command, tmp_path, package):
    broken = tmp_path / package / "__init__.py"
    broken.parent.mkdir()
    broken.write_text("raise ImportError('Traceback (most ...\\n  File x\\nABI of 1.x')")
    (built_model / "expected.npz").unlink(missing_ok=True)
    result = command("validate", "--model", built_model, "--board", "host", PYTHONPATH=first_on_path(tmp_path))
    said = " is installed and cannot be loaded (ABI of 1.x): run `"
    if package == "tflite_micro":
        assert_one_line(result, "tflite-micro ", said, "pip install")
    else:  # it decides nothing
        assert result.returncode == 0 and said in result.stdout and "; going on without it" in result.stdout
    assert "Traceback" not in result.stdout + result.stderr


def test_a_search_that_has_no_storage_leaves_nothing(tmp_path, command):
    result = command("search", "--storage", "bogus", cwd=tmp_path)
    assert_one_line(result, "the storage bogus cannot be used")
    assert list(tmp_path.iterdir()) == []


def test_output_that_nobody_takes_is_one_line_or_none(model):
    line = f"{sys.executable} -m tinyproof describe --tflite {model / 'model.tflite'}"
    full = "Error: No space left on device; make room"
    for redirection, status, said in ((">&-", 0, ""), ("<&- >&- 2>&-", 0, ""), ("> /dev/full", 2, full)):
        result = subprocess.run(f"{line} {redirection}", shell=True, cwd=ROOT, capture_output=True, text=True)
        assert result.returncode == status and result.stderr.startswith(said), result.stderr
        assert result.stderr.count("\n") == bool(said)


def test_a_training_whose_output_is_closed_or_full_says_at_most_a_line(tmp_path):
    line = f"{sys.executable} -m tinyproof train --epochs 1 --out {tmp_path / 'm'}"
    for redirection, status, said in (("> /dev/full", 2, "Error: No space left"), (">&-", 0, "")):
        result = subprocess.run(f"{line} {redirection}", shell=True, cwd=ROOT, capture_output=True, text=True)
        assert result.returncode == status and result.stderr.startswith(said), result.stderr
        assert result.stderr.count("\n") == bool(said)


def test_what_is_set_for_other_programs_does_not_stop_a_training(command, tmp_path):
    others = {"KERAS_BACKEND": "torch", "PYTHONWARNINGS": "error", "MPLBACKEND": "of a notebook"}
    result = command("train", "--epochs", 1, "--out", tmp_path / "m", **others)
    assert result.returncode == 0 and "after 1 epoch in" in result.stdout, result.stderr


def test_a_speed_that_is_not_used_is_said_to_change_nothing(built_model, command):
    for board, why in (
        ("host", "works at 115200 at least"),
        ("interpreter", "has no speed; THROTTLE=9600 gives it one"),
    ):
        words = ("validate", "--model", built_model, "--board", board, "--limit", 3)
        said = command(*words, "--baud", 9600).stdout
        assert f"BAUD=9600 changes nothing: the line to {board} on /dev/" in said and why in said
        assert "changes nothing" not in command(*words).stdout


def test_one_device_is_not_taken_for_two(model, command):
    ports = ("--port", "/dev/null", "--port", "/dev/../dev/null")
    assert_one_line(command("validate", "--model", model, *ports), "PORT names /dev/../dev/null twice")


def test_files_that_belong_together_are_not_changed_where_one_has_no_room(tmp_path):
    (tmp_path / "a").write_text("before")
    called = []
    with pytest.raises(OSError, match="a/b"):
        write_together({tmp_path / "a": "after", tmp_path / "a" / "b": "new"}, lambda: called.append(1))
    assert (tmp_path / "a").read_text() == "before" and not called
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


def test_what_a_killed_run_could_not_finish_is_cleared_away(model, command):
    for folder in (model, model / "c", model / "c" / "portable"):
        (folder / f".model.c.abc{UNFINISHED}").touch()
    (model / f".esp32.abc{UNFINISHED}" / "new").mkdir(parents=True)
    assert command("report", "--model", model).returncode == 2  # there is none
    assert not list(model.rglob(f".*{UNFINISHED}")) and not (model / CLAIM_FILE).exists()


def test_a_disk_without_room_for_the_first_byte_is_called_full(tmp_path, command):
    disk = tmp_path / "disk"
    disk.mkdir()
    if os.getuid() or subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", disk]).returncode:
        pytest.skip("may not mount a file system")
    try:
        model = disk / "m"
        model.mkdir()
        (disk / "filler").write_bytes(b"")
        with (disk / "filler").open("wb", buffering=0) as filler, pytest.raises(OSError, match="No space"):
            while True:
                filler.write(bytes(4096))
        for verb, *more in (("train", "--out"), ("export", "--model")):
            result = command(verb, "--board", "host", *more, model, TINYPROOF_OWNER=str(os.getpid()))
            assert_one_line(result, f"{model} cannot be written to (No space left on device): ", "make room")
    finally:
        subprocess.run(["umount", disk], check=True)
