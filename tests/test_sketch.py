"""The folders for the Arduino IDE and ESP-IDF: complete, compilable as far as a PC can tell, whole or not there."""

from __future__ import annotations

import re
import subprocess
from dataclasses import replace

import needs
import pytest
from conftest import without_vendor

from tinyproof.boards import BOARDS, REAL_BOARDS
from tinyproof.console import UserError
from tinyproof.firmware import arduino
from tinyproof.firmware.sketch import sketch
from tinyproof.manifest import load_manifest, save_manifest
from tinyproof.options import ENGINES

# What the folders include and the vendors' tools bring along.
STANDARD = {f"{name}.h" for name in ("stdbool", "stddef", "stdint", "string", "stdalign")}
STANDARD |= {"cstdarg", "cstddef", "cstdint", "cstdio", "cstring", "new"}
ARDUINO = {"Arduino.h", "rtx_os.h", "Chirale_TensorFlowLite.h"}
ESP_IDF = {"driver/gpio.h", "driver/uart.h", "driver/usb_serial_jtag.h", "esp_cpu.h", "esp_err.h", "sdkconfig.h"}
ESP_IDF |= {"soc/uart_pins.h"}
ESP_IDF |= {"freertos/FreeRTOS.h", "freertos/idf_additions.h", "freertos/task.h"}


@pytest.fixture(params=[(board, engine) for board in REAL_BOARDS for engine in ENGINES], ids="-".join)
def folder(request, model):
    """The folder, its board's name and its engine."""
    board, engine = request.param
    return sketch(REAL_BOARDS[board], model, engine), board, engine


def sources(folder):
    """Where the firmware's sources lie."""
    return next(place for place in (folder / "examples" / "Validate" / "src", folder / "main") if place.is_dir())


def includes(path):
    return re.findall(r'^\s*#\s*include\s+(?:"([^"]+)"|<([^>]+)>)', path.read_text(), re.MULTILINE)


def test_every_include_is_in_the_folder_or_comes_with_the_vendors_tools(folder):
    path, board, engine = folder
    around = STANDARD | (ARDUINO if board == "nano33ble" else ESP_IDF)
    for file in [*sources(path).iterdir(), *sources(path).parent.glob("*.ino")]:
        if file.suffix not in (".c", ".cc", ".cpp", ".h", ".ino"):
            continue
        for quoted, angled in includes(file):
            if quoted.startswith("tensorflow/lite/"):
                assert engine == "tflm", file
            elif quoted:
                assert (sources(path) / quoted).is_file(), f"{file.name} includes {quoted}"
            else:
                assert angled in around, f"{file.name} includes <{angled}>"


@needs.gcc  # zig cannot check the syntax alone
def test_application_engine_and_model_compile_without_any_include_path(folder):
    path, board, _ = folder
    files = without_vendor(sources(path), REAL_BOARDS[board])
    assert len(files) > 8
    command = ["cc", "-std=c11", "-fsyntax-only", "-Wall", "-Wextra", "-Werror", *map(str, files)]
    result = subprocess.run(command, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr


def test_only_the_chosen_engine_is_in_the_folder(folder):
    path, _, engine = folder
    names = {file.name for file in sources(path).iterdir()}
    assert ("model.c" in names, "conv2d_s8.c" in names) == (engine == "compiled",) * 2
    assert ("model_data.c" in names, "model_ops.h" in names) == (engine == "tflm",) * 2


def test_an_arduino_sketch_names_the_library_that_it_needs(model):
    for engine in ENGINES:
        path = sketch(REAL_BOARDS["nano33ble"], model, engine)
        assert path.name == "tinyproof_digits_small"
        text = (sources(path).parent / "Validate.ino").read_text()
        readme = (path / "README.txt").read_text()
        assert ("#include <Chirale_TensorFlowLite.h>" in text) == (engine == "tflm")
        assert ("Chirale_TensorFLowLite 2.0.0" in readme) == (engine == "tflm")
        assert load_manifest(model).model_sha256 in readme
        assert not list(path.rglob("*.cc")), "not every version of the IDE compiles .cc"


NAMES = [("my-model 2", "my_model_2"), ("modèle", "mod_le"), ("n" * 90, "n" * 53)]


@pytest.mark.parametrize("name, library", NAMES)
def test_the_name_of_a_library_is_one_the_ide_takes(model, name, library):
    renamed = model.parent / name
    model.rename(renamed)
    manifest = renamed / "model.json"
    manifest.write_text(manifest.read_text().replace('"name": "digits_small"', f'"name": "{name}"', 1))
    path = sketch(REAL_BOARDS["nano33ble"], renamed)
    library = f"tinyproof_{library}"
    assert (path.name, (path / "src" / f"{library}.h").is_file()) == (library, True)
    assert f"name={library}\n" in (path / "library.properties").read_text()


def test_an_esp_idf_project_has_what_idf_py_looks_for(model):
    for engine in ENGINES:
        path = sketch(REAL_BOARDS["esp32s3"], model, engine)
        assert "project(tinyproof)" in (path / "CMakeLists.txt").read_text()
        assert "idf_component_register" in (path / "main" / "CMakeLists.txt").read_text()
        assert (path / "main" / "idf_component.yml").is_file() == (engine == "tflm")
        assert "CONFIG_ESP_CONSOLE_NONE=y" in (path / "sdkconfig.defaults").read_text()
        assert (path / "sdkconfig.defaults.esp32s3").is_file()
        assert "idf.py set-target esp32s3" in (path / "README.txt").read_text()


def test_a_second_time_replaces_the_whole_folder(model):
    path = sketch(REAL_BOARDS["esp32"], model, "tflm")
    (path / "main" / "leftover.c").touch()
    assert sketch(REAL_BOARDS["esp32"], model, "compiled") == path
    names = {file.name for file in (path / "main").iterdir()}
    assert "leftover.c" not in names and "model_data.c" not in names and "model.c" in names


def test_a_failure_half_way_leaves_what_was_there(model, monkeypatch):
    path = sketch(REAL_BOARDS["nano33ble"], model)
    before = sorted(path.rglob("*"))

    def full_disk(*_):
        raise OSError(28, "No space left on device", "a source of ours")

    monkeypatch.setattr(arduino, "write_readme", full_disk)
    with pytest.raises(OSError, match="No space left on device: .*/sketch/nano33ble/tinyproof_digits_small"):
        sketch(REAL_BOARDS["nano33ble"], model, "compiled")
    assert sorted(path.rglob("*")) == before
    assert sorted(path.parent.iterdir()) == [path, arduino.zip_of(path)]


@pytest.mark.parametrize(
    "board, engine, words",
    [
        (BOARDS["host"], None, "board host is built on this machine: `make build BOARD=host`"),
        (BOARDS["interpreter"], "compiled", "board interpreter needs no firmware"),
        (REAL_BOARDS["esp32"], "onnx", "unknown engine 'onnx'; known: tflm, compiled"),
    ],
)
def test_what_makes_no_sketch_is_refused(model, board, engine, words):
    with pytest.raises(UserError, match=re.escape(words)):
        sketch(board, model, engine)


def test_a_model_that_was_not_exported_is_refused(tmp_path):
    with pytest.raises(UserError, match="make export"):
        sketch(REAL_BOARDS["esp32"], tmp_path)


def test_the_boards_engine_is_the_default(model):
    board = replace(REAL_BOARDS["esp32"], engine="compiled")
    assert (sketch(board, model) / "main" / "model.c").is_file()


def test_the_ide_gets_the_engine_that_needs_no_library_where_it_runs_the_model(model):
    nano = REAL_BOARDS["nano33ble"]
    assert "It needs no other library." in (sketch(nano, model) / "README.txt").read_text()
    save_manifest(model, replace(load_manifest(model), compiled_refusal="LSTM at op 3 is not there"))
    assert "Chirale_TensorFLowLite 2.0.0" in (sketch(nano, model) / "README.txt").read_text()


def test_a_model_that_the_compiled_engine_refuses_is_refused_with_its_reason(model):
    save_manifest(model, replace(load_manifest(model), compiled_refusal="LSTM at op 3 is not there"))
    with pytest.raises(UserError, match="LSTM at op 3"):
        sketch(REAL_BOARDS["esp32"], model, "compiled")
    assert sketch(REAL_BOARDS["esp32"], model, "tflm").is_dir()
