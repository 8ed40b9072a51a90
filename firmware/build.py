"""Compiles and links the firmware of one board around one exported model.

The application, the engine, the kernels, the board and the generated C make one image. It appears under
<model folder>/<board>/ only when it compiled, linked and fits.
"""

from __future__ import annotations

import contextlib
import errno
import os
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from tinyproof import advice
from tinyproof.board import Board
from tinyproof.compilers import ZIG_LIBRARY, Compiler
from tinyproof.console import UNFINISHED, UserError
from tinyproof.cores import Core
from tinyproof.firmware.flash_files import write_flash_files
from tinyproof.firmware.objects import Compilation, CompilerFailed, compile_objects, link, tool_state
from tinyproof.firmware.sizes import Sizes, check_budget, check_model, read_sizes
from tinyproof.firmware.uf2 import seal_boot2, write_uf2
from tinyproof.installing import require_tools
from tinyproof.json_files import read_json, write_json
from tinyproof.made import fingerprint, made_files, remember
from tinyproof.manifest import C_FOLDER, MANIFEST_FILE, SOURCES, load_manifest
from tinyproof.protocol_c import protocol_header
from tinyproof.scratch import temporary_files
from tinyproof.toolchain import taken_compiler

FIRMWARE = Path(__file__).parent
EXAMPLES = FIRMWARE / "examples"
CAMERA_PARTS = ("camera", "camera_frame")
SOURCE_SUFFIXES = (".c", ".h", ".ld")
DATA = "model_data.c"  # of the other engine
IMAGE_FILE = "firmware.elf"
IMAGE = "image"  # under which it is remembered
SIZES_FILE = "sizes.json"
WATCHER_FILE = "watcher.bin"  # a shared library of this computer, whatever such a file is called here
UF2_FILE = "firmware.uf2"  # what the board's drive takes
PRODUCTS = (IMAGE_FILE, SIZES_FILE, WATCHER_FILE, UF2_FILE, "firmware.bin", "firmware.hex")


def image_path(model: Path, board: Board) -> Path:
    """Where the firmware of a board lies."""
    return model / board.name / IMAGE_FILE


def load_sizes(model: Path, board_name: str) -> Sizes | None:
    """The sizes of the built image; None where the board has no image."""
    path = model / board_name / SIZES_FILE
    return read_json(path, Sizes, f"run `{advice.command('build')}`") if path.is_file() else None


def build_inputs(model: Path, board: Board) -> str:
    """What decides the image: compiler, flags, and every source of the firmware and of the model."""
    compiler = taken_compiler(board)
    files = (path for path in FIRMWARE.rglob("*") if path.suffix in SOURCE_SUFFIXES)
    return fingerprint(
        *(repr(replace(board, compilers=())), repr(compiler), tool_state(compiler.tool)),
        *(protocol_header(), model / MANIFEST_FILE),
        sorted([*files, *(model / C_FOLDER).rglob("*.[ch]")]),
    )


def require_own_sources(model: Path) -> None:
    """Raise UserError unless the C of the model is what an export on this computer wrote, every file of it."""
    files = {path for path in (model / C_FOLDER).rglob("*") if path.is_file()}
    if not files or files != made_files(model, SOURCES):
        raise UserError(
            f"{model / C_FOLDER} is not as an export here left it, and what others wrote is not compiled: "
            f"run `{advice.command('export', model=model)}`"
        )


def require_own_image(model: Path, board: Board) -> None:
    """Raise UserError unless the image of the board, and what lies beside it, was built on this computer."""
    image = image_path(model, board)
    if image not in made_files(model / board.name, IMAGE):
        raise UserError(
            f"{image} is not as a build on this computer left it, and what others built is not run: run "
            f"`{advice.command('build', board=board.name, model=model)}`"
        )


def build(model: Path, board: Board) -> Sizes:
    """Build the firmware of `board` for the model exported to the folder `model`.

    Raises UserError when the compiler is missing, the model was not exported, or the image does not fit the board.
    """
    manifest = load_manifest(model)
    if board.is_real:
        raise UserError(f"board {board.name} is built and uploaded by `{advice.command('flash', board=board.name)}`")
    if not board.compilers:
        raise UserError(f"board {board.name} has no firmware to build")
    compiled = manifest.compiled_for(board.core)
    require_tools(board)
    compiler = taken_compiler(board)
    # Before compiling: what cannot fit whatever the code's size.
    check_model(manifest, board, board.engine, "flash", "its weights", compiled.weight_bytes)
    folder = model / board.name
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(UNFINISHED, ".build.", folder) as scratch_name:
        scratch = Path(scratch_name)
        (scratch / "protocol.h").write_text(protocol_header())
        image = scratch / IMAGE_FILE
        _compile(board, compiler, model, scratch, image)
        sizes = replace(read_sizes(image, compiled.weight_bytes), compiler=compiler.tool.command)
        check_budget(sizes, manifest, board, image)
        write_json(scratch / SIZES_FILE, sizes)
        if board.watcher:
            _compile_watcher(board, scratch / WATCHER_FILE)
            os.replace(scratch / WATCHER_FILE, folder / WATCHER_FILE)
        if loader := board.st_loader or board.esp_loader or board.arduino_boot:
            for path in write_flash_files(image, loader.flash_base, with_text=loader is not board.esp_loader):
                os.replace(path, folder / path.name)
        if board.uf2_family:
            os.replace(scratch / UF2_FILE, folder / UF2_FILE)
        os.replace(scratch / SIZES_FILE, folder / SIZES_FILE)
        os.replace(image, folder / IMAGE_FILE)
    made = (folder / name for name in PRODUCTS)
    remember(folder, IMAGE, "", [path for path in made if path.is_file()])
    return sizes


def build_example(model: Path, board: Board, example: str) -> Path:
    """Build a program of firmware/examples for an emulated board, and return the image, which names it. UserError."""
    require_tools(board)
    require_own_sources(model)
    load_manifest(model).compiled_for(board.core)
    folder = model / board.name
    folder.mkdir(parents=True, exist_ok=True)
    image = folder / f"{example}.elf"
    with tempfile.TemporaryDirectory(UNFINISHED, ".build.", folder) as scratch:
        _compile(board, taken_compiler(board), model, Path(scratch), Path(scratch) / image.name, example)
        if board.uf2_family:
            os.replace(Path(scratch) / f"{example}.uf2", image.with_suffix(".uf2"))
        os.replace(Path(scratch) / image.name, image)
    return image


def example_parts(with_camera: bool) -> list[Path]:
    """C files and headers that the examples are made of; those of the camera are for models of one picture."""
    return [
        path
        for path in sorted(EXAMPLES.iterdir())
        if path.suffix in (".c", ".h") and (with_camera or path.stem not in CAMERA_PARTS)
    ]


def example_files(example: str) -> list[Path]:
    """C files and headers of a program of firmware/examples that takes the place of the application on a board."""
    parts = example_parts(with_camera=example.startswith("camera"))
    names = ("board_io.h", "board_io.c", f"{example}_app.c", f"{example}_pins.h")
    shell = (EXAMPLES / "boards" / name for name in names)
    return [
        *parts,
        *(path for path in shell if path.is_file()),
        FIRMWARE / "core" / "app.h",
        FIRMWARE / "core" / "log.h",
    ]


def sources(board: Board, model: Path, example: str = "") -> list[Path]:
    """Every C file of the image, in a fixed order; with an `example` in the place of the application."""
    generated = model / C_FOLDER
    application = example_files(example) if example else sorted((FIRMWARE / "core").glob("*.c"))
    return [
        *(path for path in application if path.suffix == ".c"),
        *sorted((FIRMWARE / "engine" / board.engine).glob("*.c")),
        *sorted((path for folder in kernel_folders(board.core) for path in folder.glob("*.c")), key=lambda p: p.name),
        *(FIRMWARE / "boards" / name for name in board.sources),
        *sorted(
            (p for folder in (generated, generated / board.core.name) for p in folder.glob("*.c") if p.name != DATA),
            key=lambda path: path.name,
        ),
    ]


def kernel_folders(core: Core) -> list[Path]:
    """Where the kernels of a core lie: the plain ones, and those that it has beside them."""
    return [FIRMWARE / "kernels", *(FIRMWARE / "kernels" / name for name in core.kernels)]


def _compile(board: Board, compiler: Compiler, model: Path, scratch: Path, image: Path, example: str = "") -> None:
    board_folder = (FIRMWARE / "boards" / board.sources[0]).parent
    includes = [
        scratch,
        model / C_FOLDER,
        model / C_FOLDER / board.core.name,
        FIRMWARE / "core",
        *([EXAMPLES, EXAMPLES / "boards"] if example else []),
        FIRMWARE / "boards",
        board_folder,
        FIRMWARE / "engine",
        *kernel_folders(board.core),
        *([FIRMWARE / compiler.headers] if compiler.headers else []),
    ]
    places = [(FIRMWARE, "firmware"), (model, "model"), (scratch, "scratch")]
    how = Compilation(compiler, board.defines, includes, places)
    link_flags = [flag.format(folder=board_folder) for flag in board.link_flags]
    if board.linker_scripts:
        link_flags.append(f"-T{_linker_script(board, scratch)}")
    with _compiler_errors(compiler, board):
        link(compiler, link_flags, compile_objects(how, sources(board, model, example), FIRMWARE, scratch), image)
    if board.uf2_family:
        seal_boot2(image)
        write_uf2(image, image.with_suffix(".uf2"), board.uf2_family)


def _linker_script(board: Board, scratch: Path) -> Path:
    """The linker scripts of the board as one."""
    script = scratch / "script.ld"
    script.write_text("".join((FIRMWARE / "boards" / name).read_text() for name in board.linker_scripts))
    return script


def _compile_watcher(board: Board, library: Path) -> None:
    with _compiler_errors(ZIG_LIBRARY, board):
        link(ZIG_LIBRARY, [], [FIRMWARE / "boards" / board.watcher], library)


@contextlib.contextmanager
def _compiler_errors(compiler: Compiler, board: Board) -> Iterator[None]:
    """What a compiler says as a UserError."""
    try:
        yield
    except CompilerFailed as failed:
        said = str(failed)
        if os.strerror(errno.ENOSPC) in said:
            raise UserError(
                f"{compiler.tool.command} has no room: make some where the model's folder lies, and in "
                f"{temporary_files()}"
            ) from None
        raise UserError(f"{compiler.tool.command} failed for board {board.name}:\n{said.strip()[-3000:]}") from None
