"""One set of facts about the real boards: table, firmware, PlatformIO, ESP-IDF and documentation agree."""

from __future__ import annotations

import configparser
import json
import os
import re
import subprocess
import sys

import needs
import pytest
from conftest import FIRMWARE, ROOT

from tinyproof.boards import BOARDS, CABLE_BOARDS, REAL_BOARDS, find_board
from tinyproof.console import UserError
from tinyproof.export.runtimes import RUNTIMES
from tinyproof.firmware.arduino import TFLM_LIBRARY, TFLM_LIBRARY_VERSION
from tinyproof.firmware.copies import SOURCE_SUFFIXES
from tinyproof.firmware.sketch import platformio_project, sketch
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


def test_no_environment_is_for_a_board_that_is_not_in_the_table(ini):
    named = {
        section.removeprefix("env:").rpartition("-")[0] for section in ini.sections() if section.startswith("env:")
    }
    assert named == set(REAL_BOARDS)


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("board", REAL_BOARDS)
def test_platformio_gets_the_files_that_a_sketch_has(model, board, engine):
    project = platformio_project(REAL_BOARDS[board], model, engine)
    folder = sketch(REAL_BOARDS[board], model, engine)
    folder = folder / ("main" if REAL_BOARDS[board].framework == "espidf" else "examples/Validate")
    sources = {path.stem for path in (project / "src").iterdir() if path.suffix in SOURCE_SUFFIXES}
    assert sources == {path.stem for path in folder.rglob("*") if path.suffix in SOURCE_SUFFIXES}
    assert (project / "platformio.ini").read_text() == (FIRMWARE / "platformio.ini").read_text()
    if REAL_BOARDS[board].framework == "espidf":
        assert "project(tinyproof)" in (project / "CMakeLists.txt").read_text()
        lines = {name for name in ("line_uart", "line_usb") if f"esp32/{name}.c" in REAL_BOARDS[board].sources}
        assert len(lines) == 1 and sources & {"line_uart", "line_usb"} == lines
        assert f"set-target {REAL_BOARDS[board].chip}\n" in (folder.parent / "README.txt").read_text()
        assert "PRIV_REQUIRES esp_driver_gpio" in (project / "src" / "CMakeLists.txt").read_text()
        assert (project / "src" / "idf_component.yml").is_file() == (engine == "tflm")
        assert (project / "sdkconfig.defaults").is_file()


def test_libraries_of_the_esp32_are_pinned_exactly():
    pinned = dependencies()
    assert set(pinned) == {"idf", "espressif/esp-tflite-micro", "espressif/esp-nn"}
    for name in ("espressif/esp-tflite-micro", "espressif/esp-nn"):
        assert re.fullmatch(r"==\d+\.\d+\.\d+", pinned[name]), name


def test_the_tables_of_runtimes_are_of_the_pinned_versions():
    espressif = f"esp-tflite-micro {dependencies()['espressif/esp-tflite-micro'].removeprefix('==')}"
    title = {"arduino": f"{TFLM_LIBRARY} {TFLM_LIBRARY_VERSION}", "espidf": espressif}
    for board in REAL_BOARDS.values():
        assert RUNTIMES[board.runtime].title == title[board.framework], board.name
        assert board.runtime.endswith("-" + title[board.framework].rpartition(" ")[2])


def test_firmware_and_table_agree_on_names_and_speed():
    nano = (FIRMWARE / "boards" / "nano33ble" / "board.cpp").read_text()
    assert '.name = "nano33ble"' in nano
    for board in REAL_BOARDS.values():
        if board.framework != "espidf":
            continue
        (line,) = (source for source in board.sources if "/line_" in source)
        text = (FIRMWARE / "boards" / line).read_text()
        suffix = re.search(r'BOARD_ON_LINE\(CONFIG_IDF_TARGET(?: "(.+?)")?, RECEIVE_BYTES, (\w+)\)', text)
        assert board.name == board.chip + (suffix[1] or ""), "ESP-IDF's name of the chip, and what its line adds"
        baud = re.search(r"BAUD = (\d+)", text)
        assert baud[1] == str(BAUD) if suffix[2] == "BAUD" else not baud and suffix[2] == "0"


def test_freertos_headers_come_after_the_one_that_they_need():
    for path in sorted(ESP32.glob("*.[ch]")):
        included = re.findall(r"^#include <freertos/(\S+)>", path.read_text(), re.MULTILINE)
        assert included[:1] in ([], ["FreeRTOS.h"]), f"{path.name}: task.h stops without FreeRTOS.h before it"


def test_the_applications_partition_is_the_flash_budget(ini):
    defaults = (ESP32 / "sdkconfig.defaults").read_text()
    assert "CONFIG_PARTITION_TABLE_SINGLE_APP_LARGE=y" in defaults
    assert option(ini, "esp32", "board_build.partitions") == "partitions_singleapp_large.csv"
    assert {REAL_BOARDS[name].budget.flash_bytes for name in REAL_BOARDS if REAL_BOARDS[name].chip} == {1500 * 1024}


def test_the_nanos_budget_leaves_what_its_core_was_linked_with_and_a_heap():
    static = int(re.search(r"static data takes ([\d,]+) bytes of RAM", DOCS)[1].replace(",", ""))
    assert 256 * 1024 - REAL_BOARDS["nano33ble"].budget.ram_bytes >= static + 1024  # a thread for USB, the pins


def test_the_documentation_has_the_boards_of_the_table():
    rows = re.findall(r"^\| `([\w-]+)` \| (.+?) \| ([\d,]+) \| ([\d,]+) \| `(\w+)` \|", DOCS, re.MULTILINE)
    assert [name for name, *_ in rows] == list(REAL_BOARDS)
    for name, title, flash, ram, engine in rows:
        board = REAL_BOARDS[name]
        assert title.startswith(board.title)
        assert (flash, ram, engine) == (f"{board.budget.flash_bytes:,}", f"{board.budget.ram_bytes:,}", board.engine)


def test_the_documentation_names_the_pinned_versions(ini):
    for section in ("nano33ble", "espidf"):
        name, _, version = ini.get(section, "platform").partition("@")
        assert f"`{name}` {version}" in DOCS
    assert f"`{TFLM_LIBRARY}` {TFLM_LIBRARY_VERSION}" in DOCS
    assert option(ini, "env:nano33ble-tflm", "lib_deps").endswith(f"/{TFLM_LIBRARY}@{TFLM_LIBRARY_VERSION}")
    for name, version in dependencies().items():
        if name != "idf":
            assert f"`{name.partition('/')[2]}` {version.removeprefix('==')}" in DOCS


def test_the_documentation_says_where_quirks_are_handled_and_the_code_is_there():
    for function, module in re.findall(r"`(\w+)` in `host/(\w+)\.py`", DOCS):
        assert re.search(rf"\b{function}\b", (ROOT / "host" / f"{module}.py").read_text()), (function, module)
    assert "## Not verified" in DOCS


def test_usb_ids_are_four_hexadecimal_digits_and_say_what_carries_them():
    for board in CABLE_BOARDS.values():
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


def test_a_board_may_be_written_otherwise_and_a_wrong_name_gets_the_right_one():
    assert find_board("Nano33-BLE") is BOARDS["nano33ble"]
    with pytest.raises(UserError, match="did you mean 'nano33ble' or 'nano33ble-bare'"):
        find_board("nano33")
