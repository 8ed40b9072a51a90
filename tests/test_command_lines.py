"""Every command line: wrong input ends in one line and status 2, help is whole and prompt, words are the same all over.

A row of the table is a command and the words that its line must hold. Nothing may appear in the folder it runs in.
"""

from __future__ import annotations

import io
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import venv
import zipfile

import click
import numpy as np
import pytest
from click.shell_completion import BashComplete
from click.testing import CliRunner
from conftest import ROOT
from conftest import tinyproof as run_tinyproof
from rich.console import Console
from test_host_command import assert_one_line

import tinyproof.console as console_module
from tinyproof.__main__ import STOREY_OF
from tinyproof.__main__ import main as tinyproof
from tinyproof.boards import BOARDS
from tinyproof.console import table
from tinyproof.options import ENGINES, emulated_board

ALL = [pytest.param(tinyproof.get_command(click.Context(tinyproof), name), id=name) for name in STOREY_OF]


@pytest.fixture
def place(tmp_path):
    """A folder with things that are not what they should be."""
    (tmp_path / "text.txt").write_text("text")
    (tmp_path / "empty dir é").mkdir()
    (tmp_path / "cut.keras").write_bytes(b"PK\3\4half of a zip")
    (tmp_path / "cut.npy").write_bytes(b"\x93NUMPY")
    with zipfile.ZipFile(tmp_path / "some.keras", "w") as archive:
        archive.writestr("config.json", "{}")
    np.save(tmp_path / "pixels.npy", np.zeros((3, 28, 28, 1), np.uint8))
    np.save(tmp_path / "sound.npy", np.zeros((3, 49, 10), np.float32))
    (tmp_path / "saved").mkdir()
    (tmp_path / "saved" / "saved_model.pb").touch()
    (tmp_path / "cut.tflite").write_bytes(b"\x1c\0\0\0TFL3")
    return tmp_path


WRONG = [
    ("validate", "--model", "tinyproof validate --help"),
    ("validate --model text.txt", "text.txt is a file", "folder"),
    ("validate --model ''", "name a folder"),
    ("validate --model 'empty dir é'", "empty dir é/model.json does not exist", "make export"),
    ("validate --model x --port /dev/nope --devices 2", "DEVICES=2", "one of the two"),
    ("validate --model x --patience nan", "PATIENCE=nan", "give seconds"),
    ("validate --model x --junit text.txt/x.xml", "JUNIT: text.txt/x.xml cannot be written", "text.txt is no folder"),
    ("report --model text.txt", "text.txt is a file"),
    ("report --model nothing", "nothing/report.json does not exist", "make validate"),
    ("hello --model nothing", "nothing/model.json does not exist"),
    ("flash --model nothing --board qemu", "qemu is not on a USB cable", "nano33ble"),
    ("train --epochs 1 --tensorboard text.txt --out out", "text.txt", "another TENSORBOARD"),
    ("training-report --model nothing", "nothing/training.json does not exist", "make train"),
    ("train --out text.txt", "text.txt", "move what is in its place"),
    ("quantize --model out --keras no.keras --calibration pixels.npy", "no.keras does not exist"),
    ("quantize --model out --keras cut.keras --calibration pixels.npy", "no .keras file", "damaged or cut short"),
    ("quantize --model out --keras 'empty dir é' --calibration pixels.npy", "is no .keras file"),
    ("quantize --model out --keras some.keras --calibration no.npy", "no.npy does not exist", "CALIBRATION="),
    ("quantize --model out --keras some.keras --calibration pixels.npy --pixels 0-2", "'0-2'", "-1..1"),
    ("quantize --model out --keras some.keras", "some.keras needs images", "CALIBRATION="),
    ("quantize --model out --calibration pixels.npy", "add KERAS"),
    ("emit --tflite cut.tflite", "cut.tflite", "cut short"),
    ("emit --tflite cut.tflite --engine magic", "unknown engine 'magic'", *ENGINES),
    ("emit --tflite cut.tflite --engine tflm --board qemu", "qemu runs compiled alone", "leave ENGINE= out"),
    ("emit --tflite cut.tflite --model text.txt", "text.txt is a file"),
    ("emit --tflite 'empty dir é'", "empty dir é is a folder", "name a file"),
    ("emit --tflite saved", "saved is a SavedModel", "from_saved_model"),
    ("export --keras saved --calibration pixels.npy", "no .keras file but a SavedModel"),
    ("export --keras /dev/null --calibration pixels.npy", "/dev/null is no .keras file: "),
    ("export --keras cut.tflite", "cut.tflite is a .tflite; give it with TFLITE="),
    ("export --tflite cut.tflite --calibration pixels.npy", "go with a Keras model from elsewhere"),
    ("quantize --model out --keras some.keras --calibration sound.npy", "sound.npy: every value is 0"),
    ("vlidate --model x", "no command 'vlidate'; did you mean 'validate'"),
    ("BOARD=host validate", "name a command before BOARD=host"),
    ("sketch --model x", "--board", "tinyproof sketch --help"),
    ("build --model text.txt", "text.txt is a file"),
    ("fuzz-device --seconds 0 --out text.txt", "text.txt", "move what is in its place"),
    ("fuzz-link --count 1 --jobs 100000", "JOBS: 100000 is not"),
    ("fuzz-link --count 1 --seed -1", "SEED: -1 is not"),
    ("bench extra", "extra"),
    ("calibrate extra", "extra"),
    ("docs extra", "extra"),
    ("explore --board none --classes 3", "CLASSES=3", "MODEL="),
    ("explore --board none --stride 100000", "smaller stride"),
    ("explore --board none --model text.txt", "text.txt is a file"),
    ("validate --model text.txt", "MODEL: text.txt is a file"),
]


@pytest.mark.parametrize("line, words", [(line, words) for line, *words in WRONG], ids=[line for line, *_ in WRONG])
def test_wrong_input_ends_in_one_line_that_says_what_to_do_and_leaves_nothing(place, line, words):
    before = sorted(place.rglob("*"))
    result = run_tinyproof(*shlex.split(line), cwd=place, timeout=60)
    assert_one_line(result, *words)
    assert sorted(place.rglob("*")) == before


@pytest.mark.parametrize(
    "line, words",
    [
        ("hello --port socket://", ("and port are missing", "make doctor")),
        ("hello --port ''", ("(no name)", "Ports there are")),
        ("hello --port {place}", ("Is a directory", "name one of them")),
        ("profile --board interpreter", ("does not tell the time", "BOARD=qemu")),
        ("bisect --board interpreter --sample 100000", ("there is no sample 100000", "smaller SAMPLE")),
        ("flash --board esp32 --port /dev/nope", ("there is no port /dev/nope", "Plug the board in")),
    ],
)
def test_a_wrong_port_or_sample_ends_in_one_line(model, command, line, words, tmp_path):
    verb, *rest = shlex.split(line.format(place=tmp_path))
    assert_one_line(command(verb, "--model", model, *rest), *words)


def test_a_place_that_cannot_be_written_ends_in_one_line_that_names_it(model, command):
    (model / "report.html").unlink(missing_ok=True)
    (model / "report.html").mkdir()
    result = command("validate", "--model", model, "--board", "interpreter", "--limit", 3)
    assert_one_line(result, f"{model / 'report.html'}: Is a directory; a file belongs there: move what is in its place")
    assert not list(model.glob(".report*"))


def test_a_file_that_the_system_refuses_ends_in_one_line(monkeypatch, capsys):
    from tinyproof.console import run

    @click.command()
    def broken():
        raise PermissionError(13, "Permission denied", "/some/file")

    monkeypatch.setattr(sys, "argv", ["broken"])
    with pytest.raises(SystemExit) as stopped:
        run(broken, "broken")
    assert stopped.value.code == 2
    error = capsys.readouterr().err
    assert (
        error.startswith("Error: /some/file: Permission denied; change the permissions of ") and error.count("\n") == 1
    )


def test_a_reader_that_goes_away_is_no_traceback(model):
    result = subprocess.run(
        f"{sys.executable} -m tinyproof describe --tflite {model / 'model.tflite'} | true",
        shell=True,
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert result.stderr == ""


@pytest.mark.parametrize("command", ALL)
def test_help_at_80_columns_cuts_nothing_off_and_explains_every_option(command):
    result = CliRunner().invoke(command, ["--help"], env={"COLUMNS": "80"}, terminal_width=80)
    assert result.exit_code == 0
    assert not [line for line in result.output.splitlines()[1:] if len(line) > 80 or line.endswith("...")], (
        result.output
    )
    for parameter in command.params:
        is_option = isinstance(parameter, click.Option)
        assert parameter.help if is_option else parameter.name.upper() in result.output, parameter.name


SLOW = {"keras", "matplotlib", "optuna", "scipy", "sklearn", "tensorflow", "tflite_micro", "unicorn"}


@pytest.mark.parametrize("verb", STOREY_OF)
def test_help_does_nothing_and_waits_for_no_slow_library(verb, tmp_path):
    program = (
        "import runpy, sys\n"
        f"sys.argv = ['x', '{verb}', '--help']\n"
        "try:\n"
        "    runpy.run_module('tinyproof', run_name='__main__')\n"
        "except SystemExit as stopped:\n"
        "    assert stopped.code == 0\n"
        "print(*{name.split('.')[0] for name in sys.modules})\n"
    )
    result = subprocess.run(
        [sys.executable, "-c", program],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=30,
        check=True,
    )
    assert result.stdout.startswith("Usage: ")
    assert set(result.stdout.splitlines()[-1].split()) & SLOW == set()
    assert list(tmp_path.iterdir()) == []


def completed(line):
    """What the shell offers for the last word of a line."""
    *words, incomplete = line.split(" ")
    found = BashComplete(tinyproof, {}, "tinyproof", "_X").get_completions(words[1:], incomplete)
    return [item.value for item in found]


def test_the_shell_completes_commands_options_boards_and_models(tmp_path, monkeypatch):
    (tmp_path / "build" / "my_model").mkdir(parents=True)
    (tmp_path / "build" / "my_model" / "model.json").touch()
    (tmp_path / "build" / "explore").mkdir()
    monkeypatch.chdir(tmp_path)

    assert completed("tinyproof val") == ["validate"]
    assert completed("tinyproof validate --res") == ["--resume"]
    assert completed("tinyproof validate --board ") == list(BOARDS)
    assert completed("tinyproof flash --board nano") == ["nano33ble-bare", "nano33ble"]
    assert "qemu" not in completed("tinyproof flash --board ")
    assert "none" in completed("tinyproof explore --board ")
    for command in ("validate", "report", "profile", "explore", "build", "emit"):
        assert completed(f"tinyproof {command} --model ") == ["my_model"], command
        assert completed(f"tinyproof {command} --model build/") == ["build/my_model"], command
    assert completed("tinyproof train --dataset fash") == ["fashion_mnist"]
    assert "course" in completed("tinyproof train --preset ")


def test_a_model_is_named_by_its_folder_or_by_its_name_in_build(tmp_path, monkeypatch):
    from tinyproof.options import ModelFolder

    (tmp_path / "build" / "my_model").mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    to_folder = ModelFolder()
    assert str(to_folder.convert("my_model", None, None)) == "build/my_model"
    assert str(to_folder.convert("build/my_model", None, None)) == "build/my_model"
    assert str(to_folder.convert("new_model", None, None)) == "new_model"


MAKEFILE = (ROOT / "Makefile").read_text()
LINES = MAKEFILE.replace("\\\n", " ").splitlines()
SETTINGS = next(line for line in LINES if line.startswith("SETTINGS :=")).split()[2:]
RECIPES = re.findall(r"^\t@\$\(RUN\) (.+)", MAKEFILE, re.MULTILINE)


def options_of(command):
    return {word for parameter in command.params for word in (*parameter.opts, *parameter.secondary_opts)}


def test_every_setting_of_make_is_an_option_of_a_command_and_is_shown():
    known = set().union(*(options_of(parameter.values[0]) for parameter in ALL))
    assert [name for name in SETTINGS if f"--{name.lower().replace('_', '-')}" not in known] == []
    shown = subprocess.run(["make"], cwd=ROOT, capture_output=True, text=True).stdout
    assert [name for name in SETTINGS if not re.search(rf"\b{name}\b", shown)] == []


@pytest.mark.parametrize("recipe", RECIPES)
def test_what_make_runs_is_a_command_with_those_options(recipe):
    verb, *words = recipe.split()
    command = tinyproof.get_command(click.Context(tinyproof), verb)
    assert {word for word in words if word.startswith("--")} <= options_of(command)


def test_the_console_command_has_the_words_of_make():
    of_this_project = MAKEFILE.split("#: This project itself")[1]
    targets = set(re.findall(r"^([a-z-]+):.*##", MAKEFILE, re.MULTILINE))
    maintenance = set(re.findall(r"^([a-z-]+):.*##", of_this_project, re.MULTILINE)) - {"tools"}
    assert targets - maintenance - {"help"} <= set(STOREY_OF)


def test_a_setting_is_an_option_in_the_words_of_make(model, command):
    for words in (("BOARD=interpreter", "LIMIT=3"), ("--board", "interpreter", "--limit", "3")):
        assert command("validate", "--model", model, *words).returncode == 0
        assert json.loads((model / "report.json").read_text())["samples"] == 3
    assert_one_line(command("validate", "LIMIT=0", "--model", model), "LIMIT: 0 is not in the range")
    assert_one_line(command("validate", "EPOCHS=1", "--model", "nothing"), "nothing/model.json")  # another stage's
    assert_one_line(command("validate", "LIMT=1", TINYPROOF_BY_MAKE=""), "there is no setting LIMT", "validate --help")


@pytest.mark.parametrize(
    "arguments, words",
    [
        (["validate", "BAORD=host"], "there is no setting BAORD"),
        (["train", "DATASET=my photos"], "DATASET=my photos has a space"),
        (["validate", "TFLITE=a.tflite", "DATASET=digits"], "DATASET says what to train here, and TFLITE is a model"),
    ],
)
def test_make_refuses_a_setting_that_it_would_ignore_or_misread(arguments, words):
    result = subprocess.run(["make", *arguments], cwd=ROOT, capture_output=True, text=True)
    assert result.returncode == 2 and words in result.stderr and result.stderr.count("\n") == 1


@pytest.mark.parametrize("target", ["flash", "sketch BOARD=host"])
def test_make_refuses_a_board_on_no_cable_before_anything_is_made_for_it(target):
    result = subprocess.run(["make", *target.split()], cwd=ROOT, capture_output=True, text=True)
    assert result.returncode == 2
    assert all(line.startswith("make") for line in result.stdout.splitlines())  # nothing but where it is
    assert re.search("is not on a USB cable; those that are: .*nano33ble,", result.stderr)


def test_a_table_on_a_very_narrow_terminal_has_room_for_words(monkeypatch):
    narrow = Console(width=40, file=io.StringIO())
    monkeypatch.setattr(console_module, "console", narrow)
    rows = table("digits on board host", "", "")
    rows.add_row("accuracy, int8 on the device", "98.89% of 359 (97.2% to 99.6%)")
    narrow.print(rows)
    lines = narrow.file.getvalue().splitlines()
    assert "accuracy" in lines[2] and "98.89%" in lines[2] and max(map(len, lines)) <= 40


@pytest.fixture
def checkout(tmp_path):
    """A folder that is this repository for make, with a virtual environment that has it and no more."""
    here = tmp_path / "né w"
    here.mkdir()
    for name in ("Makefile", "tinyproof", "pyproject.toml", "requirements.lock"):
        (here / name).symlink_to(ROOT / name)
    environment = here / ".venv"
    venv.create(environment, symlinks=True)
    packages = next(environment.glob("lib/*/site-packages"))
    (packages / "tinyproof.pth").write_text(str(here), encoding="utf-8")
    (environment / "bin" / "tinyproof").write_text("#!/bin/sh\n.venv/bin/python -I -c 'import tinyproof; print(1)'\n")
    (environment / "bin" / "tinyproof").chmod(0o755)
    (environment / "base").touch()
    return here


def doctor_of(checkout):
    return subprocess.run(
        ["make", "doctor"], cwd=checkout, capture_output=True, text=True, env={**os.environ, "LC_ALL": "C"}
    )


def test_a_folder_with_other_letters_works_in_the_locale_of_c(checkout):
    made = doctor_of(checkout)
    assert (made.stdout, made.stderr) == ("1\n", "")


@pytest.mark.parametrize("kind", ["removed", "other", "copied"])
def test_make_refuses_an_environment_that_is_not_of_this_folder(checkout, kind):
    place, library = checkout, next(checkout.glob(".venv/lib/*"))
    if kind == "removed":
        (checkout / ".venv" / "bin" / "python").unlink()
        (checkout / ".venv" / "bin" / "python").symlink_to("/nonexistent")
    elif kind == "other":
        library.rename(library.with_name("python3.9"))
    else:
        place = shutil.copytree(checkout, checkout.parent / "copy", symlinks=True)
        (place / "tinyproof").unlink()
        shutil.copytree(ROOT / "tinyproof", place / "tinyproof")
    made = doctor_of(place)
    assert made.returncode == 2 and not made.stdout
    assert ".venv was made by another Python or in another folder: remove it (rm -r .venv) and run make" in made.stderr


def test_a_package_that_is_missing_is_named_in_one_line():
    command = [sys.executable, "-S", "-m", "tinyproof", "doctor"]  # without site-packages
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert_one_line(result, "the Python package click is missing in ", "install tinyproof")


def test_make_says_where_its_targets_are_listed():
    result = subprocess.run(["make", "vaildate", "BOARD=host"], cwd=ROOT, capture_output=True, text=True)
    assert result.returncode == 2 and "there is no target vaildate; `make` alone lists them." in result.stderr


def test_make_refuses_a_value_of_a_later_stage_before_the_first_one_works(tmp_path, command):
    """Whoever mistypes LIMIT should not hear of it after an hour of training."""
    for setting, words in (
        ("LIMIT=abc", "LIMIT: 'abc' is not a valid whole number"),
        ("DEVICES=0", "DEVICES: 0 is not"),
        ("OPTIMIZE=Fats", "did you mean 'fast'"),
        ("ENGINE=tf", "unknown engine 'tf'"),
        ("SURE=perhaps", "SURE: 'perhaps' is neither 1 nor 0"),
        ("JUNIT=/dev/null/x.xml", "/dev/null is no folder"),
        ("INJECT=7:rain", "'rain'"),
    ):
        result = command("tools", "BOARD=interpreter", setting, TINYPROOF_BY_MAKE="1")
        assert_one_line(result, words)
    for setting in (
        "LIMIT=3",
        "SEED=7",
        "RESUME=1",
        "PATIENCE=60",
        "JUNIT=some.xml",
        "COUNT=5",
        "PORT=/dev/ttyACM0 /dev/ttyACM1",
        "INJECT=7:drop",
        "FILTER=emboss",
    ):
        assert command("tools", "BOARD=interpreter", setting, TINYPROOF_BY_MAKE="1").returncode == 0, setting


@pytest.mark.parametrize(
    "goal, setting, words",
    [
        ("predict", "LIMIT=3", "make predict needs IMAGE=: A picture's file or a folder"),
        ("predict", "IMAGE=nope.jpg", "IMAGE: there is no file or folder nope.jpg"),
        ("export", "TFLITE=nope.tflite", "TFLITE: there is no file or folder nope.tflite"),
        ("validate", "PORT=/dev/nope", "there is no port /dev/nope"),
        ("validate", "PORT=README.md", "README.md is no serial port"),
    ],
)
def test_what_the_goal_of_make_lacks_is_said_by_the_first_stage(command, goal, setting, words):
    assert_one_line(command("tools", "BOARD=interpreter", setting, TINYPROOF_BY_MAKE=f"doctor {goal}"), words)
    assert command("tools", "BOARD=interpreter", setting, TINYPROOF_BY_MAKE="lint").returncode == 0


def test_a_command_without_a_board_takes_the_emulated_one_that_is_ready():
    others = ("interpreter", "host")  # what no chip is needed for
    options = [
        (option, parameter.id)
        for parameter in ALL
        for option in parameter.values[0].params
        if option.name == "board_name" and not option.required and option.default not in others
        if parameter.id != "bench"  # which measures several without one
    ]
    assert len(options) > 8
    for option, words in options:
        assert option.default is emulated_board and "qemu if installed, else unicorn" in option.help, words
    assert emulated_board() in ("qemu", "unicorn")
