"""The figures of one exploration: each becomes a PNG in the folder and an SVG inside the page."""

from __future__ import annotations

import base64
import io
import re
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from markupsafe import Markup

from tinyproof.console import write_atomically
from tinyproof.page import Section, png_url, svg_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure

DOTS_PER_INCH = 160

# Every figure there can be, and what it shows.
FIGURES = {
    "worked_pixel": "one output pixel by hand: nine pixels, the filter, nine products, their sum, the clamp",
    "your_pixel": "the same nine pixels under the chosen filter",
    "final": "original, filtered and pooled side by side; the axes show the halving",
    "filters": "the picture through every named filter",
    "padding": "the upper left corner of the filtered picture under each padding",
    "worked_pooling": "a 4x4 block pooled 2x2, by its largest values and by its means",
    "pooling": "a detail before and after pooling, pixel by pixel",
    "pyramid": "the filtered picture pooled again and again, on one scale",
    "chip": "the picture that came back from the device, NumPy's, and where they differ",
    "journey": "the layers of the trained model: shapes, parameters, multiply-accumulates",
    "learned_filters": "the filters of the first layer, and the hand-made one each is most like",
    "learned_on_picture": "the picture through filters that the network learned",
    "feature_maps": "every map of every layer for one image",
    "same_class": "images of two classes, and what the same filters make of them",
    "responses": "which filter fires most for which class",
    "receptive": "how many pixels of the input one value of each layer sees",
    "margins": "which pixels of the input each layer sees how often, and which it loses",
    "device_maps": "the feature maps that came back from the device",
}


class Gallery:
    """Takes figures up; PNGs of an earlier exploration that this one does not draw are removed at the end."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.names: list[str] = []

    def add(self, section: Section, name: str, figure: Figure, alt: str, caption: str | Markup) -> None:
        """Write `<name>.png` and append the figure to the section."""
        assert name in FIGURES, name
        buffer = io.BytesIO()
        _resample(figure, "auto")  # a raster of another resolution: average, do not skip pixels
        figure.savefig(buffer, format="png", dpi=DOTS_PER_INCH, facecolor=figure.get_facecolor())
        write_atomically(self.folder / f"{name}.png", buffer.getvalue())
        _resample(figure, "none")  # inside the page every pixel is there as it is
        section.add(_with_small_images(svg_figure(figure, alt, caption)))
        self.names.append(name)

    def tidy(self) -> None:
        """Remove what an earlier exploration left and this one did not draw."""
        for name in FIGURES.keys() - set(self.names):
            (self.folder / f"{name}.png").unlink(missing_ok=True)


def _with_small_images(content: Markup) -> Markup:
    """Images of greys alone, which matplotlib writes as red, green, blue and alpha, as greys: a third of the bytes."""
    return Markup(re.sub(r"data:image/png;base64,\s*([A-Za-z0-9+/=\s]+)", _smaller, str(content)))


def _smaller(found: re.Match[str]) -> str:
    from PIL import Image

    with Image.open(io.BytesIO(base64.b64decode(found[1]))) as image:
        pixels = np.asarray(image.convert("RGBA"))
    is_grey = bool((pixels[..., :3] == pixels[..., :1]).all() and (pixels[..., 3] == 255).all())
    return png_url(pixels[..., 0]) if is_grey else found[0]


def _resample(figure: Figure, how: str) -> None:
    for axes in figure.axes:
        for image in axes.images:
            image.set_interpolation(how)
