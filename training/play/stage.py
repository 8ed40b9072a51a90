"""`make play` as a user runs it: the model's folder to one page that opens from disk."""

from __future__ import annotations

import contextlib
import threading
from pathlib import Path

from tinyproof.boards import Board
from tinyproof.console import console, make_writable, write_atomically
from tinyproof.firmware.web_module import build_web_module
from tinyproof.folders import PLAY_FILE
from tinyproof.manifest import load_manifest
from tinyproof.training.lab.trained import load_trained
from tinyproof.training.play.ascent import ascent
from tinyproof.training.play.content import model_content
from tinyproof.training.play.lab_content import lab_content
from tinyproof.training.play.link_content import link_content
from tinyproof.training.play.live import new_path, serving
from tinyproof.training.play.page import Content, play_page

LIVE_FILE = "play_live.html"


def make_page(model: Path, out: Path | None, dreams: bool, live: str = "") -> Path:
    """Write the page of a model and say where it is. `dreams`: with pictures that excite the filters, by Keras."""
    trained, manifest = load_trained(model), load_manifest(model)
    path = out or model / PLAY_FILE
    make_writable(path.parent)
    console.print(f"Compiling {trained.name} to WebAssembly", markup=False)
    module = build_web_module(model)
    if dreams:
        console.print("Climbing: what excites each filter")
    climbs = ascent(model, trained) if dreams else None
    content = Content(model_content(trained, manifest, module), lab_content(), climbs, link_content(live))
    page = play_page(content)
    write_atomically(path, page)
    console.print(
        f"wrote {path}: {len(page.encode()):,} bytes, with the model as {len(module.wasm):,} bytes of WebAssembly; "
        "open it in a browser",
        markup=False,
    )
    return path


def play_live(model: Path, out: Path | None, dreams: bool, board: Board, port: str | None) -> None:
    """Serve the page with a device behind it until the user ends that."""
    path = new_path()
    page = make_page(model, out or model / LIVE_FILE, dreams, path)
    with serving(model, board, port, page, path) as address:
        console.print(f"{port or board.name} answers. Open {address}  (Ctrl-C ends it)", markup=False)
        with contextlib.suppress(KeyboardInterrupt):
            threading.Event().wait()
