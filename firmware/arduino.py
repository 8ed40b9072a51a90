"""A library for the Arduino IDE around one model: the model, its engine, and examples that open from the IDE's menu.

It keeps to the Arduino library specification 1.5: library.properties, keywords.txt, src/ and examples/. Everything but
one header lies in a folder of src/, so that no file of another library is hidden by one of the same name. The example
Validate is the board's firmware, whole: it does not use the library, which has no setup() and no loop().
"""

from __future__ import annotations

import io
import re
import zipfile
from pathlib import Path

from tinyproof import advice
from tinyproof.boards import Board
from tinyproof.console import UserError
from tinyproof.export import c_text
from tinyproof.firmware.build import EXAMPLES
from tinyproof.firmware.copies import copy_firmware, copy_sources, library_files, write_readme
from tinyproof.manifest import C_FOLDER, Manifest
from tinyproof.version import package_page, package_version

TFLM_LIBRARY = "Chirale_TensorFLowLite"
TFLM_LIBRARY_VERSION = "2.0.0"
TFLM_LIBRARY_HEADER = "Chirale_TensorFlowLite.h"
NAME_LIMIT = 63  # of the specification
SOURCES = "tinyproof"  # the folder of src/
CAMERA = "Camera"  # the example that takes a model of pictures
ZIP_DATE = (1980, 1, 1, 0, 0, 0)  # the same model makes the same bytes
NO_PAGE = (
    "# This library has no page of its own, so url says nothing. The IDE needs none; before you publish it, give your "
    "own\n# (make sketch PAGE=https://...): the Library Manager and arduino-lint (LP056) ask for one.\n"
)
PAGE = re.compile(r"https?://[^\s/?#@]+\.[^\s/?#@]+([/?#][!-~]*)?")
KEYWORDS = {
    "KEYWORD1": ("example_io", "picture_number"),
    "KEYWORD2": ("hello_model", "classify_picture", "classify_begin", "classify_character", "engine_invoke"),
    "LITERAL1": ("MODEL_NAME", "MODEL_INPUT_BYTES", "MODEL_OUTPUT_BYTES", "MODEL_LABEL_COUNT"),
}
CAMERA_KEYWORDS = {
    "KEYWORD1": ("frame_view", "frame_scaler"),
    "KEYWORD2": (
        "camera_view",
        "camera_begin",
        "camera_row",
        "camera_frame",
        "scaler_begin",
        "scaler_row",
        "scaler_frame",
    ),
    "LITERAL1": ("CAMERA_WORDS", "FRAME_WORDS"),
}


def library_name(manifest: Manifest) -> str:
    """What the library, its folder, its header and its entry in the menu are called: a word that the IDE takes."""
    return ("tinyproof_" + re.sub(r"\W", "_", manifest.name, flags=re.ASCII))[:NAME_LIMIT]


def check_page(page: str) -> None:
    """Raise UserError for what is no address of a page on the web; none at all is right."""
    if page and not PAGE.fullmatch(page):
        given = advice.setting("page", page)
        raise UserError(f"{given} is no address of a page: give one like https://example.org/my-model, or leave it out")


def library_engine(engine: str | None, manifest: Manifest) -> str | None:
    """The engine asked for; else the compiled one where it runs the model, as it needs no other library."""
    return engine or (None if manifest.compiled_refusal else "compiled")


def write_library(new: Path, board: Board, manifest: Manifest, model: Path, engine: str, page: str) -> None:
    """Fill the folder `new` with the library."""
    name = library_name(manifest)
    with_camera = manifest.picture is not None
    needs = (
        f"It needs the library {TFLM_LIBRARY} {TFLM_LIBRARY_VERSION} (Tools > Manage Libraries)."
        if engine == "tflm"
        else "It needs no other library."
    )
    copy_sources(new / "src" / SOURCES, library_files(board, model, engine, with_camera))
    _rename_cc(new / "src" / SOURCES)
    (new / "src" / f"{name}.h").write_text(_header(manifest, engine), encoding="utf-8")
    (new / "library.properties").write_text(_properties(name, manifest, engine, page), encoding="utf-8")
    (new / "keywords.txt").write_text(
        "".join(f"{word}\t{kind}\n" for kind, words in _keywords(with_camera).items() for word in words),
        encoding="utf-8",
    )
    for sketch in sorted((EXAMPLES / "arduino").glob("*/*.ino")):
        if sketch.stem == CAMERA and not with_camera:
            continue
        example = new / "examples" / sketch.stem
        example.mkdir(parents=True)
        text = sketch.read_text(encoding="utf-8").replace("LIBRARY", name)
        (example / sketch.name).write_text(text, encoding="utf-8")
    (new / "examples" / "Classify" / "picture.h").write_text(_picture(model, manifest), encoding="utf-8")
    _write_validate(new / "examples" / "Validate", board, manifest, model, engine, needs)
    write_readme(new, manifest, f"{steps(name)}\n{needs}\n\nThe example Validate is what a host talks to.")


def steps(name: str) -> str:
    """What a maker does with the zip, in two sentences."""
    return (
        f"Arduino IDE: Sketch > Include Library > Add .ZIP Library..., then File > Examples > {name} > HelloModel.\n"
        "Choose the board and its port, upload, and open Tools > Serial Monitor at 115200 baud."
    )


def zip_of(folder: Path) -> Path:
    """Where the zip of a library's folder lies."""
    return folder.parent / f"{folder.name}.zip"


def zipped(folder: Path) -> bytes:
    """The zip of a library's folder, which it holds under the folder's name."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(path for path in folder.rglob("*") if path.is_file()):
            entry = zipfile.ZipInfo(f"{folder.name}/{path.relative_to(folder).as_posix()}", ZIP_DATE)
            entry.compress_type, entry.external_attr = zipfile.ZIP_DEFLATED, 0o644 << 16
            archive.writestr(entry, path.read_bytes())
    return content.getvalue()


def _rename_cc(folder: Path) -> None:
    for path in sorted(folder.glob("*.cc")):  # not every version of the IDE compiles .cc
        path.rename(path.with_suffix(".cpp"))


def _keywords(with_camera: bool) -> dict[str, tuple[str, ...]]:
    return {kind: words + (CAMERA_KEYWORDS[kind] if with_camera else ()) for kind, words in KEYWORDS.items()}


def _tflm_include(engine: str) -> str:
    return f"#include <{TFLM_LIBRARY_HEADER}>\n" if engine == "tflm" else ""


def _header(manifest: Manifest, engine: str) -> str:
    headers = ("camera",) * (manifest.picture is not None) + ("classify", "hello_model", "model_settings")
    return (
        f"// The model {manifest.name}: hello_model(), classify_picture(), and engine_invoke() for your own program.\n"
        f"// model.tflite, sha256 {manifest.model_sha256}. Made by `make sketch`.\n"
        f"#pragma once\n{_tflm_include(engine)}"
        f'extern "C" {{\n#include "{SOURCES}/engine.h"\n}}\n'
        + "".join(f'#include "{SOURCES}/{name}.h"\n' for name in headers)
    )


def _properties(name: str, manifest: Manifest, engine: str, page: str) -> str:
    takes = " and ".join(c_text.shape(tensor.shape[1:]) for tensor in manifest.inputs)
    fields = {
        "name": name,
        "version": package_version("tinyproof") or "0.0.0",
        "author": "The tinyproof authors",
        "maintainer": "The tinyproof authors",
        "sentence": f"The neural network {c_text.comment(manifest.name)}, int8, input {takes}.",
        "paragraph": "Its bytes are compared with TensorFlow Lite Micro's in the example HelloModel.",
        "category": "Data Processing",
        "url": page or package_page("tinyproof"),
        "architectures": "mbed_nano,mbed",
        "includes": f"{name}.h",
        **({"depends": TFLM_LIBRARY} if engine == "tflm" else {}),
    }
    return ("" if fields["url"] else NO_PAGE) + "".join(f"{field}={value}\n" for field, value in fields.items())


def _picture(model: Path, manifest: Manifest) -> str:
    """The first golden vector as the array of the example Classify; zeros where there is none."""
    table = (model / C_FOLDER / "golden_vectors.c").read_text(encoding="utf-8").partition("golden_inputs")[2]
    first = table.partition("= {")[2].partition("{")[2].partition("}")[0]
    values = [int(value) for value in re.findall(r"-?\d+", first)][: manifest.input_bytes]
    values += [0] * (manifest.input_bytes - len(values))
    pixels = (value + 128 if manifest.pixel_input else value for value in values)
    shapes = " and ".join(c_text.shape(tensor.shape[1:]) for tensor in manifest.inputs)
    numbers = "pixels, 0 to 255" if manifest.pixel_input else "the model's own bytes, -128 to 127"
    return (
        f"// The picture that Classify shows first, {shapes}: {numbers}, row by row. Put your own here.\n"
        f"static const picture_number picture[MODEL_INPUT_BYTES] = {{\n{c_text.rows(map(str, pixels))}}};\n"
    )


def _write_validate(folder: Path, board: Board, manifest: Manifest, model: Path, engine: str, needs: str) -> None:
    """The firmware of the board as a sketch: complete, so that the bytes are those of `make flash`'s sources."""
    copy_firmware(folder / "src", board, model, engine)
    _rename_cc(folder / "src")
    (folder / "Validate.ino").write_text(
        f"// Validate: the firmware that `make validate MODEL={manifest.name}` talks to, with the engine {engine}. It\n"
        f"// does not speak to the Serial Monitor. setup() and loop() are in src/board.cpp. {needs}\n"
        f"{_tflm_include(engine)}",
        encoding="utf-8",
    )
