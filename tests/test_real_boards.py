"""One set of facts about the real boards: table, firmware, PlatformIO, ESP-IDF and documentation agree."""

from __future__ import annotations

import configparser
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import needs
import pytest
from conftest import DEMO_MODEL, FIRMWARE, ROOT

from tinyproof.firmware.build import GENERATED
from tinyproof.firmware.sketch import ARDUINO_LIBRARY, ARDUINO_LIBRARY_VERSION, SOURCE_SUFFIXES, source_files
from tinyproof.host.flash import STAGED_MODEL
from tinyproof.host.ports import REAL_BOARDS
from tinyproof.line import BAUD
from tinyproof.options import ENGINES

ESP32 = FIRMWARE / "boards" / "esp32"
DOCS = (ROOT / "docs" / "boards.md").read_text()
EXACT_VERSION = re.compile(r"\d+\.\d+\.\d+$")


@pytest.fixture(scope="module")
def ini():
    parser = configparser.ConfigParser(interpolation=None)
    parser.read(FIRMWARE / "platformio.ini")
    return parser


def option(ini, section, name):
    """A value of platformio.ini as PlatformIO sees it: from the section or, failing that, those it extends."""
    value = ini.get(section, name, fallback=None)
    for base in re.split(r",\s*", ini.get(section, "extends", fallback="")):
        if value is None and base:
            value = option(ini, base, name)
    return value and re.sub(r"\$\{([\w-]+)\.([\w-]+)\}", lambda match: option(ini, match[1], match[2]), value)


def dependencies():
    text = (ESP32 / "idf_component.yml").read_text()
    return dict(re.findall(r'^  (\S+): "(.+)"$', text, re.MULTILINE))


def compiled_files(board, engine):
    """The C and C++ files that belong into an image, by where they lie or will lie."""
    folder = (FIRMWARE / "boards" / REAL_BOARDS[board].sources[0]).parent
    files = [path for path in source_files(folder, DEMO_MODEL, engine) if path.suffix != ".h"]
    return {STAGED_MODEL / path.name if path.parent == DEMO_MODEL / GENERATED else path for path in files}


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("board", REAL_BOARDS)
def test_every_board_has_an_environment_for_every_engine(ini, board, engine):
    environment = f"env:{board}-{engine}"
    assert environment in ini
    platform = option(ini, environment, "platform")
    assert EXACT_VERSION.search(platform.partition("@")[2]), platform
    assert option(ini, environment, "board") and option(ini, environment, "framework")
    for library in (option(ini, environment, "lib_deps") or "").split():
        assert EXACT_VERSION.search(library.partition("@")[2]), library
    if board.startswith("esp32"):
        assert option(ini, environment, "board_build.cmake_extra_args") == f"-DTINYPROOF_ENGINE={engine}"
        assert option(ini, environment, "board_build.esp-idf.sdkconfig_path").endswith(f"/sdkconfig.{board}")


def test_no_environment_is_for_a_board_that_is_not_in_the_table(ini):
    named = {
        section.removeprefix("env:").rpartition("-")[0] for section in ini.sections() if section.startswith("env:")
    }
    assert named == set(REAL_BOARDS)


@pytest.mark.parametrize("engine", ENGINES)
def test_platformio_compiles_the_files_of_the_nano_that_a_sketch_has(ini, engine):
    staged = os.path.relpath(STAGED_MODEL, FIRMWARE)
    generated = {path.name for path in (DEMO_MODEL / GENERATED).iterdir()}
    chosen: set[Path] = set()
    for sign, pattern in re.findall(r"([+-])<([^>]+)>", option(ini, f"env:nano33ble-{engine}", "build_src_filter")):
        if pattern.startswith(staged):
            names = [Path(pattern).name] if pattern.endswith(".c") else generated
            found = {STAGED_MODEL / name for name in names if name in generated}
        elif pattern == "*":
            found = set(FIRMWARE.rglob("*"))
        else:
            found = set((FIRMWARE / pattern).rglob("*"))
        chosen = chosen | found if sign == "+" else chosen - found
    assert {path for path in chosen if path.suffix in SOURCE_SUFFIXES and path.suffix != ".h"} == compiled_files(
        "nano33ble", engine
    )


@pytest.mark.skipif(shutil.which("cmake") is None, reason="needs CMake")
@pytest.mark.parametrize("engine", ENGINES)
def test_esp_idf_compiles_the_files_of_the_esp32_that_a_project_folder_has(tmp_path, engine):
    script = tmp_path / "sources.cmake"
    script.write_text(
        "function(idf_component_register)\n"
        "  cmake_parse_arguments(A '' '' 'SRCS;PRIV_INCLUDE_DIRS;PRIV_REQUIRES' ${ARGN})\n"
        '  file(WRITE ${OUT} "${A_SRCS}")\n'
        "endfunction()\n".replace("'", '"')
        + f'include("{ESP32 / "CMakeLists.txt"}")\n'
    )
    out = tmp_path / "sources"
    subprocess.run(["cmake", f"-DOUT={out}", f"-DTINYPROOF_ENGINE={engine}", "-P", str(script)], check=True)
    # The model's files are there only once one was flashed.
    files = {Path(path) for path in out.read_text().split(";")}
    there = {path for path in compiled_files("esp32", engine) if path.parent != STAGED_MODEL}
    assert {path for path in files if path.parent != STAGED_MODEL} == there


def test_the_model_is_staged_where_both_builds_look(ini):
    staged = os.path.relpath(STAGED_MODEL, FIRMWARE)
    assert f"-I{staged}" in option(ini, "nano33ble", "build_src_flags")
    assert f"${{FIRMWARE}}/{staged}" in (ESP32 / "CMakeLists.txt").read_text()


def test_libraries_of_the_esp32_are_pinned_exactly():
    pinned = dependencies()
    assert set(pinned) == {"idf", "espressif/esp-tflite-micro", "espressif/esp-nn"}
    for name in ("espressif/esp-tflite-micro", "espressif/esp-nn"):
        assert re.fullmatch(r"==\d+\.\d+\.\d+", pinned[name]), name


def test_firmware_and_table_agree_on_names_and_speed():
    nano = (FIRMWARE / "boards" / "nano33ble" / "board.cpp").read_text()
    assert '.name = "nano33ble"' in nano
    esp32 = (ESP32 / "board.c").read_text()
    assert ".name = CONFIG_IDF_TARGET," in esp32, "the table's names are ESP-IDF's names of the chips"
    assert re.search(r"BAUD = (\d+)", esp32)[1] == str(BAUD)


def test_the_applications_partition_is_the_flash_budget(ini):
    defaults = (ESP32 / "sdkconfig.defaults").read_text()
    assert "CONFIG_PARTITION_TABLE_SINGLE_APP_LARGE=y" in defaults
    assert option(ini, "esp32", "board_build.partitions") == "partitions_singleapp_large.csv"
    assert {REAL_BOARDS[name].budget.flash_bytes for name in ("esp32", "esp32s3", "esp32c3")} == {1500 * 1024}


def test_the_documentation_has_the_boards_of_the_table():
    rows = re.findall(r"^\| `(\w+)` \| (.+?) \| ([\d,]+) \| ([\d,]+) \| `(\w+)` \|", DOCS, re.MULTILINE)
    assert [name for name, *_ in rows] == list(REAL_BOARDS)
    for name, title, flash, ram, engine in rows:
        board = REAL_BOARDS[name]
        assert title.startswith(board.title)
        assert (flash, ram, engine) == (f"{board.budget.flash_bytes:,}", f"{board.budget.ram_bytes:,}", board.engine)


def test_the_documentation_names_the_pinned_versions(ini):
    for section in ("nano33ble", "espidf"):
        name, _, version = ini.get(section, "platform").partition("@")
        assert f"`{name}` {version}" in DOCS
    assert f"`{ARDUINO_LIBRARY}` {ARDUINO_LIBRARY_VERSION}" in DOCS
    assert option(ini, "env:nano33ble-tflm", "lib_deps").endswith(f"/{ARDUINO_LIBRARY}@{ARDUINO_LIBRARY_VERSION}")
    for name, version in dependencies().items():
        if name != "idf":
            assert f"`{name.partition('/')[2]}` {version.removeprefix('==')}" in DOCS


def test_the_documentation_says_where_quirks_are_handled_and_the_code_is_there():
    for function, module in re.findall(r"`(\w+)` in `host/(\w+)\.py`", DOCS):
        assert re.search(rf"\b{function}\b", (ROOT / "host" / f"{module}.py").read_text()), (function, module)
    assert "## Not verified" in DOCS


def test_usb_ids_are_four_hexadecimal_digits_and_say_what_carries_them():
    for board in REAL_BOARDS.values():
        assert board.application and board.recovery
        for usb_id in (*board.application, *board.bootloader, *board.other_socket):
            assert re.fullmatch(r"[0-9a-f]{4}:[0-9a-f]{4} \(.+\)", str(usb_id))


@needs.platformio
def test_platformio_reads_its_configuration(tmp_path, ini):
    command = [sys.executable, "-m", "platformio", "project", "config", "--json-output", "-d", str(FIRMWARE)]
    result = subprocess.run(
        command, capture_output=True, text=True, env={**os.environ, "PLATFORMIO_CORE_DIR": str(tmp_path)}
    )
    assert result.returncode == 0, result.stderr
    sections = dict(json.loads(result.stdout))
    assert {name for name in sections if name.startswith("env:")} == {s for s in ini.sections() if s.startswith("env:")}
    environment = dict(sections["env:esp32s3-compiled"])
    assert environment["board"] == "esp32-s3-devkitc-1"
    assert environment["platform"] == ini.get("espidf", "platform")
