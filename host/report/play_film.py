"""A film of the playing page for the README, recorded from the page itself: a digit is drawn while the network answers,
a map is opened, then a filter of the convolution room is changed.
"""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

from tinyproof.host.report.play_pictures import SEVEN, draw, open_page

WIDTH, HEIGHT, SHRUNK = 1000, 900, 0.7
COLORS = 48
PARTS = 4  # of a stroke, each with a frame
SHORT_MS, LONG_MS = 120, 1600


class _Film:
    """Frames of a page, each with how long it stands."""

    def __init__(self, page: Any) -> None:
        self.page = page
        self.frames: list[tuple[bytes, int]] = []

    def hold(self, milliseconds: int) -> None:
        """The page as it is now."""
        self.frames.append((self.page.screenshot(), milliseconds))


def _network(film: _Film) -> None:
    page = film.page
    page.click("#clear")
    film.hold(LONG_MS // 2)
    draw(page, SEVEN, PARTS, lambda: film.hold(SHORT_MS))
    film.hold(LONG_MS)
    page.click("[aria-label='Maps of conv_1'] button >> nth=3")
    page.locator(".details").scroll_into_view_if_needed()
    film.hold(LONG_MS)
    page.evaluate("scrollTo(0, 0)")


def _convolution(film: _Film) -> None:
    page = film.page
    page.click("#tab-convolution")
    film.hold(LONG_MS)
    page.evaluate("document.querySelector('#filtered').parentElement.scrollIntoView()")
    for name in ("horizontal lines", "sharpen", "emboss", "vertical lines"):
        page.get_by_role("button", name=name, exact=True).click()
        film.hold(LONG_MS // 2)
    for share in (0.25, 0.4, 0.55):
        box = page.locator("#filtered").bounding_box()
        page.locator("#filtered").hover(position={"x": share * box["width"], "y": share * box["height"]})
        film.hold(LONG_MS // 4)
    page.select_option("#pooling", "max")
    film.hold(LONG_MS)


def play_film(chromium: Any, path: Path) -> bytes:
    """The film of a playing page, as GIF."""
    page = open_page(chromium, path, WIDTH, HEIGHT, "light")
    film = _Film(page)
    _network(film)
    _convolution(film)
    return _gif(film.frames)


def _gif(frames: list[tuple[bytes, int]]) -> bytes:
    """One palette for all frames, so that what stands still costs nothing."""
    from PIL import Image

    size = round(WIDTH * SHRUNK), round(HEIGHT * SHRUNK)
    opened = (Image.open(io.BytesIO(content)) for content, _ in frames)
    pictures = [picture.convert("RGB").resize(size, Image.Resampling.LANCZOS) for picture in opened]
    strip = Image.new("RGB", (size[0], size[1] * len(pictures)))
    for place, picture in enumerate(pictures):
        strip.paste(picture, (0, place * size[1]))
    palette = strip.quantize(COLORS, dither=Image.Dither.NONE)
    first, *others = (picture.quantize(palette=palette, dither=Image.Dither.NONE) for picture in pictures)
    buffer = io.BytesIO()
    durations = [milliseconds for _, milliseconds in frames]
    first.save(buffer, "GIF", save_all=True, append_images=others, duration=durations, loop=0, optimize=True)
    return buffer.getvalue()
