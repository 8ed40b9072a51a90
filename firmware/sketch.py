"""The firmware of a board as one self-contained folder, for those who build with the vendor's tools instead of ours.

An Arduino board gets a library for the Arduino IDE and its zip (arduino.py), an ESP32 project folders for ESP-IDF's
`idf.py`. Both are copies made anew each time: edit the originals. The folder appears whole or not at all.
"""

from __future__ import annotations

import shutil
from pathlib import Path

from tinyproof import advice
from tinyproof.boards import Board
from tinyproof.console import UserError, write_atomically
from tinyproof.export.runtimes import check_runtime, runtime_of
from tinyproof.export.tflite_reader import load_graph
from tinyproof.firmware.arduino import check_page, library_engine, library_name, write_library, zip_of, zipped
from tinyproof.firmware.build import FIRMWARE, require_own_sources
from tinyproof.firmware.copies import board_folder, copy_firmware, replace_folder, write_readme
from tinyproof.manifest import TFLITE_FILE, Manifest, load_manifest

ESPIDF_COMPONENTS = "esp_driver_gpio esp_driver_uart esp_driver_usb_serial_jtag esp_hw_support"
HELLO_MODEL, CAMERA = "HelloModel", "Camera"  # folders of the examples
DEPENDENCIES = "idf_component.yml"
CAMERA_COMPONENT = '  espressif/esp32-camera: "==2.1.5"\n'


def sketch(board: Board, model: Path, engine: str | None = None, page: str = "") -> Path:
    """Write the folder for `board` and the model exported to `model`, and return it; a library's zip lies beside it.

    `page`: the address of an Arduino library's page. Raises UserError when the model was not exported, the board is not
    one that a vendor's tools build for, or the page is no address.
    """
    check_page(page)
    manifest = load_manifest(model)
    require_own_sources(model)
    if board.framework == "arduino":
        engine = library_engine(engine, manifest)
    engine = check_engine(board, engine, model, manifest)
    if board.framework == "espidf":
        target = model / "sketch" / board.name
        return replace_folder(target, lambda new: _write_espidf(new, board, manifest, model, engine))
    if board.framework == "arduino":
        target = model / "sketch" / board.name / library_name(manifest)
        folder = replace_folder(target, lambda new: write_library(new, board, manifest, model, engine, page))
        write_atomically(zip_of(folder), zipped(folder))
        return folder
    board_folder(board)
    raise UserError(f"board {board.name} is built on this machine: `{advice.command('build', board=board.name)}`")


def platformio_project(board: Board, model: Path, engine: str) -> Path:
    """Write a project folder for PlatformIO into the model's, and return it: its settings, and all sources in src/."""
    require_own_sources(model)

    def write(new: Path) -> None:
        shutil.copyfile(FIRMWARE / "platformio.ini", new / "platformio.ini")
        if board.framework == "espidf":
            _write_component(new / "src", board, model, engine, f"PRIV_REQUIRES {ESPIDF_COMPONENTS}")
        else:
            copy_firmware(new / "src", board, model, engine)

    return replace_folder(model / "platformio" / board.name, write)


def check_engine(board: Board, engine: str | None, model: Path, manifest: Manifest) -> str:
    """The engine to use on `board`: `engine`, or the board's own. Raises UserError unless it runs the model."""
    engine = engine or board.engine
    if engine == "compiled":
        manifest.compiled_for(board.core)
    if runtime := runtime_of(board, engine):
        check_runtime(load_graph(model / TFLITE_FILE), runtime)
    return engine


def _write_espidf(new: Path, board: Board, manifest: Manifest, model: Path, engine: str) -> None:
    _write_component(new / "main", board, model, engine)
    _write_component(new / HELLO_MODEL / "main", board, model, engine, example="hello_model")
    with_camera = board.camera and manifest.picture
    if with_camera:
        _write_component(new / CAMERA / "main", board, model, engine, example="camera_esp32")
        _depend_on_camera(new / CAMERA / "main", board, engine)
    steps = (
        f"With ESP-IDF 5.1 or later:\n\n    idf.py set-target {board.chip}\n    idf.py -p PORT flash\n\n"
        f"The folder {HELLO_MODEL} is a project of its own, flashed in the same way: in a terminal at 115200 baud it\n"
        f"shows what the model says to its golden vectors, and again when a key is sent."
    )
    if with_camera:
        steps += (
            f"\n\nThe folder {CAMERA} is another: it says what the model sees in each frame of a camera. Which pins\n"
            f"that is wired to is in {CAMERA}/main/camera_esp32_pins.h."
        )
    write_readme(new, manifest, steps)


def _depend_on_camera(component: Path, board: Board, engine: str) -> None:
    lines = (board_folder(board) / DEPENDENCIES).read_text(encoding="utf-8").splitlines(keepends=True)
    if engine != "tflm":
        lines = [line for line in lines if not line.startswith(("#", "  espressif/"))]
    (component / DEPENDENCIES).write_text("".join(lines) + CAMERA_COMPONENT, encoding="utf-8")


def _write_component(
    component: Path, board: Board, model: Path, engine: str, requires: str = "", example: str = ""
) -> None:
    """The sources as one component of an ESP-IDF project, and the project around it.

    One that is called main may use all others without naming them, as it `requires` nothing.
    """
    project, folder = component.parent, board_folder(board)
    copy_firmware(component, board, model, engine, example)
    if engine == "tflm":
        shutil.copyfile(folder / DEPENDENCIES, component / DEPENDENCIES)
    for path in sorted(folder.glob("sdkconfig.defaults*")):
        shutil.copyfile(path, project / path.name)
    (project / "CMakeLists.txt").write_text(
        "cmake_minimum_required(VERSION 3.16)\ninclude($ENV{IDF_PATH}/tools/cmake/project.cmake)\nproject(tinyproof)\n",
        encoding="utf-8",
    )
    (component / "CMakeLists.txt").write_text(
        "file(GLOB SOURCES ${CMAKE_CURRENT_LIST_DIR}/*.c ${CMAKE_CURRENT_LIST_DIR}/*.cc)\n"
        f"idf_component_register(SRCS ${{SOURCES}}{requires and ' ' + requires})\n",
        encoding="utf-8",
    )
