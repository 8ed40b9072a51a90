"""The firmware of a board as one self-contained folder, for those who build with the vendor's tools instead of ours.

An Arduino board gets a sketch that opens in the Arduino IDE, an ESP32 a project folder for ESP-IDF's `idf.py`. Both are
copies made anew each time: edit the originals. The folder appears whole or not at all.
"""

from __future__ import annotations

import re
import shutil
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path

from tinyproof import advice
from tinyproof.boards import Board
from tinyproof.console import UserError
from tinyproof.export.runtimes import check_runtime, runtime_of
from tinyproof.export.tflite_reader import load_graph
from tinyproof.firmware.build import FIRMWARE, kernel_folders, require_own_sources
from tinyproof.manifest import C_FOLDER, TFLITE_FILE, Manifest, load_manifest
from tinyproof.protocol_c import protocol_header

SOURCE_SUFFIXES = (".c", ".cc", ".cpp", ".h")
ESPIDF_COMPONENTS = "esp_driver_gpio esp_driver_uart esp_hw_support"
ARDUINO_LIBRARY = "Chirale_TensorFLowLite"
ARDUINO_LIBRARY_VERSION = "2.0.0"
ARDUINO_LIBRARY_HEADER = "Chirale_TensorFlowLite.h"


def sketch(board: Board, model: Path, engine: str | None = None) -> Path:
    """Write the folder for `board` and the model exported to `model`, and return it.

    Raises UserError when the model was not exported, or the board is not one that a vendor's tools build for.
    """
    manifest = load_manifest(model)
    require_own_sources(model)
    engine = check_engine(board, engine, model, manifest)
    if board.framework == "espidf":
        target = model / "sketch" / board.name
        return replace_folder(target, lambda new: _write_espidf(new, board, manifest, model, engine))
    if board.framework == "arduino":
        # The Arduino IDE wants the folder and the .ino under one name, of letters, digits and underscores.
        name = "tinyproof_" + re.sub(r"\W", "_", manifest.name, flags=re.ASCII)
        target = model / "sketch" / board.name / name
        return replace_folder(target, lambda new: _write_arduino(new, name, board, manifest, model, engine))
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
            copy_sources(new / "src", source_files(board, model, engine))

    return replace_folder(model / "platformio" / board.name, write)


def check_engine(board: Board, engine: str | None, model: Path, manifest: Manifest) -> str:
    """The engine to use on `board`: `engine`, or the board's own. Raises UserError unless it runs the model."""
    engine = engine or board.engine
    if engine == "compiled":
        manifest.compiled_for(board.core)
    if runtime := runtime_of(board, engine):
        check_runtime(load_graph(model / TFLITE_FILE), runtime)
    return engine


def board_folder(board: Board) -> Path:
    """The folder of a board's sources. Raises UserError for a board without firmware."""
    if not board.sources:
        raise UserError(f"board {board.name} needs no firmware: {board.title}")
    return (FIRMWARE / "boards" / board.sources[0]).parent


def source_files(board: Board, model: Path, engine: str) -> list[Path]:
    """Every C and C++ file, headers too, of the firmware of a board; protocol.h is made, not listed."""
    folders = [FIRMWARE / "core", FIRMWARE / "engine" / engine, board_folder(board), model / C_FOLDER]
    unused = set()
    if engine == "compiled":
        folders += [model / C_FOLDER / board.core.name, *kernel_folders(board.core)]
        unused = {"model_data.c", "model_data.h", "model_ops.h"}
    shared = [FIRMWARE / "boards" / "board.h", *sorted((FIRMWARE / "engine").glob("*.h"))]
    found = (path for place in folders for path in sorted(place.iterdir()) if path.suffix in SOURCE_SUFFIXES)
    return shared + [path for path in found if path.name not in unused]


def copy_sources(target: Path, paths: Iterable[Path]) -> None:
    """Copy files, and write protocol.h, side by side into the folder `target`."""
    target.mkdir(parents=True, exist_ok=True)
    for path in paths:
        assert not (target / path.name).exists(), f"two source files are called {path.name}"
        shutil.copyfile(path, target / path.name)
    (target / "protocol.h").write_text(protocol_header(), encoding="utf-8")


def replace_folder(target: Path, write: Callable[[Path], None]) -> Path:
    """Have `write` fill a new folder, then put it in the place of `target`; returns `target`."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=f".{target.name}.") as scratch:
        new, old = Path(scratch) / "new", Path(scratch) / "old"
        new.mkdir()
        write(new)
        if target.exists():
            target.rename(old)
        new.rename(target)
    return target


def _write_arduino(new: Path, name: str, board: Board, manifest: Manifest, model: Path, engine: str) -> None:
    copy_sources(new / "src", source_files(board, model, engine))
    for path in sorted((new / "src").glob("*.cc")):  # not every version of the IDE compiles .cc
        path.rename(path.with_suffix(".cpp"))
    library = f"#include <{ARDUINO_LIBRARY_HEADER}>\n" if engine == "tflm" else ""
    needs = (
        f"It needs the library {ARDUINO_LIBRARY} {ARDUINO_LIBRARY_VERSION} (Tools > Manage Libraries)."
        if engine == "tflm"
        else "It needs no library."
    )
    (new / f"{name}.ino").write_text(
        f"// {manifest.name} with the engine {engine}; setup() and loop() are in src/board.cpp. {needs}\n{library}",
        encoding="utf-8",
    )
    steps = f"Open {name}.ino in the Arduino IDE, choose the board and its port, and upload.\n{needs}"
    _write_readme(new, manifest, steps)


def _write_espidf(new: Path, board: Board, manifest: Manifest, model: Path, engine: str) -> None:
    _write_component(new / "main", board, model, engine)
    chip = board.name
    steps = f"With ESP-IDF 5.1 or later:\n\n    idf.py set-target {chip}\n    idf.py -p PORT flash"
    _write_readme(new, manifest, steps)


def _write_component(component: Path, board: Board, model: Path, engine: str, requires: str = "") -> None:
    """The sources as one component of an ESP-IDF project, and the project around it.

    One that is called main may use all others without naming them, as it `requires` nothing.
    """
    project, folder = component.parent, board_folder(board)
    copy_sources(component, source_files(board, model, engine))
    if engine == "tflm":
        shutil.copyfile(folder / "idf_component.yml", component / "idf_component.yml")
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


def _write_readme(new: Path, manifest: Manifest, steps: str) -> None:
    (new / "README.txt").write_text(
        f"The firmware of tinyproof for the model {manifest.name}\n"
        f"(model.tflite, sha256 {manifest.model_sha256}), made by `make sketch`: a copy, do not edit it here.\n\n"
        f"{steps}\n\nThen, in tinyproof:  make validate MODEL={manifest.name} PORT=the board's port\n",
        encoding="utf-8",
    )
