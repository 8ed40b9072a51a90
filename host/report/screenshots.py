"""The pictures of docs/images: reports of real runs, as headless Chromium shows them (`make screenshots`).

Two runs on the emulated Cortex-M4: the demo's model as it is, and a copy whose generated C has one wrong weight, which
shows what a difference looks like. A picture appears whole or not at all.
"""

from __future__ import annotations

import hashlib
import io
import re
import shutil
import subprocess
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from tinyproof.boards import BOARDS
from tinyproof.console import UserError, console, write_atomically
from tinyproof.cores import CORES
from tinyproof.environment import run_module
from tinyproof.export.emit_model import emit_model_c, segments
from tinyproof.export.lower import lower
from tinyproof.export.tflite_reader import read_graph
from tinyproof.host.record.file import load_report
from tinyproof.host.report.page import build_page, look_beside
from tinyproof.host.report.play_film import play_film
from tinyproof.host.report.play_pictures import play_pictures, playing
from tinyproof.made import remember
from tinyproof.manifest import C_FOLDER, SOURCES, TFLITE_FILE, load_manifest, save_manifest
from tinyproof.page import Page
from tinyproof.toolchain import find_browser

BOARD = "qemu"
MODEL = Path("build/digits_small")
FAULTY = Path("build/digits_faulty")
LEFT_BEHIND = ("expected", "journal", "report")  # what a validation leaves in a folder
FAULTY_OP, FAULTY_WEIGHT, WRONG_VALUE = 2, (5, 1, 1, 3), 127  # a weight of the second convolution
IMAGES = Path("docs/images")
FLAGS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--hide-scrollbars"),
    *("--run-all-compositor-stages-before-draw", "--virtual-time-budget=2000"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-quic"),
)
COLORS = 128  # of a picture's palette
LIMIT_BYTES = 200_000
FILM_LIMIT_BYTES = 500_000


@dataclass(frozen=True)
class Shot:
    """One picture: a page from its top, or one section. Sizes in CSS pixels; `scale` is pixels for one."""

    name: str
    model: Path
    section: str | None
    width: int
    height: int  # at most: empty rows at the end are cut off
    dark: bool = False
    scale: int = 1


SHOTS = (
    Shot("report-equal", MODEL, None, 960, 640),
    Shot("report-different", FAULTY, None, 960, 840, dark=True),
    Shot("report-phone", MODEL, None, 360, 760, dark=True, scale=2),
    Shot("report-classes", MODEL, "classes", 960, 1200),
    Shot("report-samples", FAULTY, "samples", 960, 700),
    Shot("report-looks", MODEL, "what-it-looks-at", 960, 790),
    Shot("report-memory", MODEL, "memory", 960, 1000),
)


def _left_behind(folder: str, names: list[str]) -> list[str]:
    """What is no part of an export: firmware, and what validations left."""
    return [name for name in names if name.startswith(LEFT_BEHIND) or name in BOARDS]


def plant_fault(model: Path, faulty: Path) -> None:
    """Copy an exported model with one weight changed, and with the hash that says that this is what was exported."""
    shutil.rmtree(faulty, ignore_errors=True)
    shutil.copytree(model, faulty, ignore=_left_behind)
    graph = read_graph((faulty / TFLITE_FILE).read_bytes(), TFLITE_FILE)
    index = graph.ops[FAULTY_OP].inputs[1]
    tensors = list(graph.tensors)
    weights = np.array(tensors[index].data)
    weights[FAULTY_WEIGHT] = WRONG_VALUE
    tensors[index] = replace(tensors[index], data=weights)
    lowered, manifest = lower(replace(graph, tensors=tuple(tensors))), load_manifest(faulty)
    compiled = dict(manifest.compiled)
    for name, core in CORES.items():
        program = lowered.program(core)
        text = emit_model_c(program, "// One weight is wrong on purpose.\n")
        (faulty / C_FOLDER / name / "model.c").write_text(text, encoding="utf-8")
        constants = b"".join(table.flash_bytes for _, table in segments(program))
        compiled[name] = replace(compiled[name], constants_sha256=hashlib.sha256(constants).hexdigest())
    remember(faulty, SOURCES, "", (path for path in (faulty / C_FOLDER).rglob("*") if path.is_file()))
    save_manifest(faulty, replace(manifest, name=faulty.name, compiled=compiled))


def _validated(model: Path) -> Page:
    """The report of a run on the emulated board, whatever its verdict."""
    for verb in ("build", "validate"):
        command = [*run_module("tinyproof"), verb, "--model", str(model), "--board", BOARD]
        result = subprocess.run(command, capture_output=True, text=True, check=False)
        if result.returncode not in (0, 1):
            raise UserError(f"{verb} of {model} failed: {result.stderr.strip()}")
    report = load_report(model)
    return build_page(report, look_beside(report, model))


def _capture(browser: str, html: str, shot: Shot) -> bytes:
    """The page as Chromium shows it, as PNG."""
    with tempfile.TemporaryDirectory() as scratch:
        page, picture = Path(scratch) / "page.html", Path(scratch) / "page.png"
        page.write_text(html, encoding="utf-8")
        theme = ("--force-dark-mode",) if shot.dark else ("--blink-settings=preferredColorScheme=1",)
        size = f"--window-size={shot.width},{shot.height}"
        scale = f"--force-device-scale-factor={shot.scale}"
        command = [
            browser,
            *FLAGS,
            *theme,
            size,
            scale,
            f"--user-data-dir={scratch}/profile",
            f"--screenshot={picture}",
        ]
        subprocess.run([*command, page.as_uri()], capture_output=True, check=True, timeout=120)
        return picture.read_bytes()


def _compressed(content: bytes) -> bytes:
    """With a palette, and without the empty rows at its end but a few."""
    from PIL import Image

    image = Image.open(io.BytesIO(content)).convert("RGB")
    pixels = np.asarray(image)
    filled = np.flatnonzero((pixels != pixels[-1, 0]).any(axis=(1, 2)))
    bottom = min(int(filled[-1]) + 25, image.height) if len(filled) else image.height
    buffer = io.BytesIO()
    image.crop((0, 0, image.width, bottom)).quantize(COLORS).save(buffer, format="PNG", optimize=True)
    return buffer.getvalue()


def _of(page: Page, shot: Shot) -> str:
    """The page's HTML, or that of one of its sections alone."""
    html = page.html()
    if shot.section is None:
        return html
    section = re.search(rf'<section id="{shot.section}".*?</section>', html, re.DOTALL)
    if section is None:
        raise UserError(f"the report of {shot.model} has no section {shot.section}")
    alone = section[0].replace("<section", '<section style="border:0;margin:0;padding:0"', 1)
    head, _, _ = html.partition('<a class="skip"')
    return f"{head}<main>{alone}</main></body></html>\n"


def take_screenshots() -> None:
    """Make every picture of docs/images again."""
    browser = find_browser()
    if browser is None:
        raise UserError("there is no Chromium here to take pictures with: install the package chromium")
    plant_fault(MODEL, FAULTY)
    pages = {model: _validated(model) for model in (MODEL, FAULTY)}
    shots = {shot.name: _capture(browser, _of(pages[shot.model], shot), shot) for shot in SHOTS}
    with playing(browser, MODEL) as (chromium, page):
        shots |= play_pictures(chromium, page)
        film = play_film(chromium, page)
    for name, picture in shots.items():
        _write(f"{name}.png", _compressed(picture), LIMIT_BYTES)
    _write("play.gif", film, FILM_LIMIT_BYTES)


def _write(name: str, content: bytes, limit: int) -> None:
    if len(content) > limit:
        raise UserError(f"{name} takes {len(content):,} bytes of {limit:,}: make it smaller")
    write_atomically(IMAGES / name, content)
    console.print(f"{IMAGES / name}: {len(content):,} bytes")
