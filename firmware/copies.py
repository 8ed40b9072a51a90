"""Copies of the firmware's sources in folders for the vendors' tools: which files, and how a folder is replaced."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path

from tinyproof.boards import Board
from tinyproof.console import UNFINISHED, UserError
from tinyproof.firmware.build import FIRMWARE, example_files, example_parts, kernel_folders
from tinyproof.manifest import C_FOLDER, Manifest
from tinyproof.protocol_c import protocol_header
from tinyproof.version import package_license

SOURCE_SUFFIXES = (".c", ".cc", ".cpp", ".h")


def board_folder(board: Board) -> Path:
    """The folder of a board's sources. Raises UserError for a board without firmware."""
    if not board.sources:
        raise UserError(f"board {board.name} needs no firmware: {board.title}")
    return (FIRMWARE / "boards" / board.sources[0]).parent


def source_files(board: Board, model: Path, engine: str, example: str = "") -> list[Path]:
    """Every C and C++ file, headers too, of the firmware of a board; protocol.h is made, not listed.

    An `example` takes the place of the application.
    """
    application = example_files(example) if example else _sources_in(FIRMWARE / "core")
    shared = [FIRMWARE / "boards" / "board.h", *sorted((FIRMWARE / "engine").glob("*.h"))]
    return shared + application + _board_files(board) + _model_files(board, model, engine)


def library_files(board: Board, model: Path, engine: str, with_camera: bool) -> list[Path]:
    """Every C and C++ file, headers too, of the model, its engine and the examples, for programs of a user's own."""
    shared = [FIRMWARE / "core" / "log.h", *sorted((FIRMWARE / "engine").glob("*.h"))]
    return shared + example_parts(with_camera) + _model_files(board, model, engine)


def _board_files(board: Board) -> list[Path]:
    """The sources of the table, and all headers beside them."""
    folder = board_folder(board)
    return [*(FIRMWARE / "boards" / source for source in board.sources), *sorted(folder.glob("*.h"))]


def _model_files(board: Board, model: Path, engine: str) -> list[Path]:
    folders, unused = [FIRMWARE / "engine" / engine, model / C_FOLDER], set()
    if engine == "compiled":
        folders += [model / C_FOLDER / board.core.name, *kernel_folders(board.core)]
        unused = {"model_data.c", "model_data.h", "model_ops.h"}
    return [path for folder in folders for path in _sources_in(folder) if path.name not in unused]


def _sources_in(folder: Path) -> list[Path]:
    return [path for path in sorted(folder.iterdir()) if path.suffix in SOURCE_SUFFIXES]


def copy_sources(target: Path, paths: Iterable[Path]) -> None:
    """Copy files side by side into the folder `target`."""
    target.mkdir(parents=True, exist_ok=True)
    for path in paths:
        assert not (target / path.name).exists(), f"two source files are called {path.name}"
        shutil.copyfile(path, target / path.name)


def copy_firmware(target: Path, board: Board, model: Path, engine: str, example: str = "") -> None:
    """Copy the `source_files`, and write protocol.h, side by side into the folder `target`."""
    copy_sources(target, source_files(board, model, engine, example))
    if not example:
        (target / "protocol.h").write_text(protocol_header(), encoding="utf-8")


def replace_folder(target: Path, write: Callable[[Path], None]) -> Path:
    """Have `write` fill a new folder, then put it in the place of `target`, which an OSError names; returns it."""
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        with tempfile.TemporaryDirectory(UNFINISHED, f".{target.name}.", target.parent) as scratch:
            new, old = Path(scratch) / "new", Path(scratch) / "old"
            new.mkdir()
            write(new)
            if target.exists():
                target.rename(old)
            new.rename(target)
    except OSError as error:
        raise type(error)(error.errno, error.strerror, str(target)) from error
    return target


def write_readme(new: Path, manifest: Manifest, steps: str) -> None:
    """What the folder is, what to do with it, how the host is asked afterwards; and the licence of what it holds."""
    if text := package_license("tinyproof"):
        (new / "LICENSE").write_text(text, encoding="utf-8")
    (new / "README.txt").write_text(
        f"The firmware of tinyproof for the model {manifest.name}\n"
        f"(model.tflite, sha256 {manifest.model_sha256}), made by `make sketch`: a copy, do not edit it here.\n\n"
        f"{steps}\n\nThen, in tinyproof:  make validate MODEL={manifest.name} PORT=the board's port\n",
        encoding="utf-8",
    )
