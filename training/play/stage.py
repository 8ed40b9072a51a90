"""`make play` as a user runs it: the model's folder to one page, which opens from disk or has a device behind it."""

from __future__ import annotations

import contextlib
import threading
from pathlib import Path

import numpy as np

from tinyproof.boards import Board
from tinyproof.claim import claim
from tinyproof.console import console, make_writable, write_atomically
from tinyproof.export.golden import golden_name
from tinyproof.fidelity import FIDELITY_FILE
from tinyproof.firmware.build import FIRMWARE, SOURCE_SUFFIXES
from tinyproof.firmware.web_module import build_web_module
from tinyproof.folders import PLAY_FILE
from tinyproof.made import code_of, fingerprint, is_made, remember
from tinyproof.manifest import C_FOLDER, MANIFEST_FILE, TFLITE_FILE, load_manifest
from tinyproof.model_files import KERAS_FILE, LABELS_FILE, SPLITS_FILE
from tinyproof.page.page import stylesheet
from tinyproof.training.play.ascent import ascent
from tinyproof.training.play.content import chosen_pictures, model_content, places_to_try
from tinyproof.training.play.elsewhere import origin_of, sources_state
from tinyproof.training.play.gradients import gradients
from tinyproof.training.play.lab_content import lab_content
from tinyproof.training.play.link_content import link_content
from tinyproof.training.play.live import new_path, serving
from tinyproof.training.play.page import HERE, Content, play_page
from tinyproof.training.play.playable import load_playable
from tinyproof.version import package_version, tool_version

MODEL_FILES = (TFLITE_FILE, MANIFEST_FILE, KERAS_FILE, LABELS_FILE, SPLITS_FILE, FIDELITY_FILE)


def make_page(model: Path, out: Path | None, dreams: bool) -> Path:
    """Write the page of a model, where it is not there already, and say where it is.

    `dreams`: with pictures that excite the filters, by Keras. `out` is another place than the model's folder.
    """
    path = out or model / PLAY_FILE
    load_manifest(model)  # what is missing first
    if out is None:
        claim(model)
        inputs = _inputs(model, dreams)
        if is_made(model, "play", inputs):
            console.print(f"{path} is there already; open it in a browser", markup=False)
            return path
    make_writable(path.parent)
    page = page_of(model, dreams)
    write_atomically(path, page)
    if out is None:
        remember(model, "play", inputs, [path])
    console.print(f"wrote {path}: {len(page.encode()):,} bytes; open it in a browser", markup=False)
    return path


def play_live(model: Path, dreams: bool, board: Board, port: str | None) -> None:
    """Serve the page with a device behind it until the user ends that."""
    path = new_path()
    page = page_of(model, dreams, path)
    with serving(model, board, port, page, path) as address:
        console.print(f"{port or board.name} answers. Open {address}  (Ctrl-C ends it)", markup=False)
        with contextlib.suppress(KeyboardInterrupt):
            threading.Event().wait()


def page_of(model: Path, dreams: bool, live: str = "") -> str:
    """The page as HTML; `live` is the path of the device behind its own server."""
    manifest = load_manifest(model)
    playable = load_playable(model, manifest)
    trained = playable.model
    console.print(f"Compiling {trained.name} to WebAssembly", markup=False)
    module = build_web_module(model)
    if dreams:
        console.print("Climbing: what excites each filter")
    origin = origin_of(model, manifest) if dreams else None
    climbs = ascent(origin, trained)
    rows = chosen_pictures(trained.splits.y_test, int(np.prod(trained.input_shape)))
    maps = gradients(origin, trained, rows, places_to_try(len(rows)))
    content = model_content(playable, manifest, module, rows)
    return play_page(Content(content, lab_content(), climbs, maps, link_content(live)))


def _inputs(model: Path, dreams: bool) -> str:
    sources = [path for path in FIRMWARE.rglob("*") if path.suffix in SOURCE_SUFFIXES]
    page = [path for path in HERE.rglob("*") if path.suffix in (".js", ".css", ".j2")]
    return fingerprint(
        *(model / name for name in MODEL_FILES),
        sorted([*sources, *page, *(model / C_FOLDER).glob("*.c")]),
        *(sources_state(model), dreams, golden_name(), tool_version(), package_version("ziglang"), stylesheet()),
        *(code_of(f"tinyproof.{name}") for name in ("export", "training.lab", "training.play")),
    )
