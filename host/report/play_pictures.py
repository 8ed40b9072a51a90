"""Pictures of the playing page for docs/images: it is opened in Chromium, drawn on and used, as a user would."""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any

from tinyproof.console import UserError
from tinyproof.environment import run_module

SEVEN = ((0.3, 0.22), (0.72, 0.2), (0.5, 0.55), (0.42, 0.82))  # strokes on the sheet, in shares of its sides
WALKED = 2  # steps of the walk
STEPS = 12  # of the mouse from one point to the next
WIDTH, NETWORK_HEIGHT, CONVOLUTION_HEIGHT = 1280, 1450, 900


@contextmanager
def playing(browser: str, model: Path) -> Iterator[tuple[Any, Path]]:
    """A browser, and the playing page of a model."""
    from playwright.sync_api import sync_playwright

    with tempfile.TemporaryDirectory() as scratch, sync_playwright() as playwright:
        path = Path(scratch) / "play.html"
        command = [*run_module("tinyproof"), "play", "--model", str(model), "--out", str(path)]
        result = subprocess.run(command, capture_output=True, text=True, check=False)
        if result.returncode:
            raise UserError(f"play of {model} failed: {result.stderr.strip()}")
        chromium = playwright.chromium.launch(executable_path=browser, args=["--no-sandbox"])
        yield chromium, path
        chromium.close()


def play_pictures(chromium: Any, path: Path) -> dict[str, bytes]:
    """By name, each as PNG: the network room with a drawn digit and an open map, and the convolution room."""
    return {"play-network": _network(chromium, path), "play-convolution": _convolution(chromium, path)}


def open_page(chromium: Any, path: Path, width: int, height: int, scheme: str) -> Any:
    """A playing page that has compared its bytes."""
    page = chromium.new_page(viewport={"width": width, "height": height}, color_scheme=scheme)
    page.goto(path.as_uri())
    page.wait_for_selector("#proof.good")
    return page


def draw(
    page: Any, points: Sequence[tuple[float, float]], parts: int = 1, drawn: Callable[[], None] = lambda: None
) -> None:
    """One stroke with the mouse from point to point (x, y), in shares of the sheet's sides.

    `drawn` is called after each of so many parts of the way from one to the next.
    """
    box = page.locator("#sheet").bounding_box()
    places = [(box["x"] + box["width"] * x, box["y"] + box["height"] * y) for x, y in points]
    page.mouse.move(*places[0])
    page.mouse.down()
    for (x, y), (to_x, to_y) in pairwise(places):
        for part in range(1, parts + 1):
            page.mouse.move(x + (to_x - x) * part / parts, y + (to_y - y) * part / parts, steps=STEPS // parts)
            drawn()
    page.mouse.up()


def _network(chromium: Any, path: Path) -> bytes:
    page = open_page(chromium, path, WIDTH, NETWORK_HEIGHT, "light")
    page.click("#clear")
    draw(page, SEVEN)
    page.click("[aria-label='Maps of conv_1'] button >> nth=3")
    for _ in range(WALKED):
        page.click("#walk-next")
    page.locator(".details canvas >> nth=0").hover()
    page.evaluate("scrollTo(0, 0)")
    picture: bytes = page.screenshot()
    return picture


def _convolution(chromium: Any, path: Path) -> bytes:
    page = open_page(chromium, path, WIDTH, CONVOLUTION_HEIGHT, "dark")
    page.click("#tab-convolution")
    for _ in range(2):
        page.click("#path-next")
    page.select_option("#pooling", "max")
    page.locator("#filtered").hover(position={"x": 91, "y": 119})
    page.evaluate("scrollTo(0, 0)")
    picture: bytes = page.screenshot()
    return picture
