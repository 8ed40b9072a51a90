"""Pictures within a page: figures of matplotlib as SVG that follows light and dark, and pixels as PNG.

Everything ends up inside the HTML file; nothing is written beside it.
"""

from __future__ import annotations

import base64
import hashlib
import io
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from markupsafe import Markup
from numpy.typing import NDArray

from tinyproof.page.page import render

if TYPE_CHECKING:
    from matplotlib.figure import Figure

READABLE = 0.75  # of its natural width: text of 10 points is then 10 CSS pixels high
PixelArray = NDArray[np.uint8]  # (H,W), (H,W,1) grey or (H,W,3) RGB


@dataclass(frozen=True)
class Colors:
    """Colours by their role, for artists of matplotlib; `svg_figure` replaces each by the stylesheet's variable.

    The values themselves are never seen in a page. They are what a figure saved as PNG shows, so they are those of the
    light theme, each made unlike any colour chosen by hand.
    """

    ink: str = "#1b1e23"
    muted: str = "#59616c"
    line: str = "#d7dce3"
    surface: str = "#fefefd"
    accent: str = "#1d5fa9"
    good: str = "#1a7a49"
    bad: str = "#b4271f"
    unsure: str = "#855801"
    series2: str = "#b9520b"
    series3: str = "#0f7d72"
    series4: str = "#8a46a3"
    series5: str = "#7a6a14"

    @property
    def series(self) -> tuple[str, ...]:
        """The colours of lines in their order."""
        return (self.accent, self.series2, self.series3, self.series4, self.series5)


@contextmanager
def figure_style() -> Iterator[Colors]:
    """Draw within this context: fonts, transparent ground, thin lines, the page's colours."""
    import matplotlib
    from cycler import cycler

    colors = Colors()
    settings: Any = {  # its type would be all of matplotlib's names
        "svg.fonttype": "none",
        "svg.hashsalt": "tinyproof",
        "figure.facecolor": "none",
        "figure.figsize": (6.4, 3.2),
        "figure.constrained_layout.use": True,
        "savefig.facecolor": "none",
        "axes.facecolor": "none",
        "axes.edgecolor": colors.muted,
        "axes.labelcolor": colors.ink,
        "axes.titlesize": 10,
        "axes.titlecolor": colors.ink,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.prop_cycle": cycler(color=colors.series),
        "axes.linewidth": 0.8,
        "font.size": 10,
        "grid.color": colors.line,
        "grid.linewidth": 0.6,
        "legend.frameon": False,
        "lines.linewidth": 1.6,
        "text.color": colors.ink,
        "xtick.color": colors.muted,
        "ytick.color": colors.muted,
        "xtick.labelcolor": colors.ink,
        "ytick.labelcolor": colors.ink,
    }
    with matplotlib.rc_context(settings):
        yield colors


def svg_figure(figure: Figure, alt: str, caption: str | Markup = "") -> Markup:
    """A figure drawn within `figure_style`, as SVG inside the page; `alt` says what it shows to who cannot see it.

    The figure is closed. The same figure gives the same bytes.
    """
    import matplotlib.pyplot as plt

    buffer = io.StringIO()
    with figure_style():
        figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None})
    plt.close(figure)
    content = inline_svg(buffer.getvalue(), alt)
    return render("part.html.j2", macro="figure", values={"content": content, "caption": caption})


def inline_svg(text: str, alt: str) -> Markup:
    """SVG as matplotlib writes it, made part of a page: colours by variable, ids that no other figure has, an `alt`."""
    prefix = "f" + hashlib.sha256(text.encode()).hexdigest()[:8] + "-"
    body = text[text.index("<svg") :]
    body = re.sub(r"<metadata>.*?</metadata>", "", body, flags=re.DOTALL)
    referenced = set(re.findall(r'(?:href="#|url\(#)([^")]+)', body))
    body = re.sub(r' id="([^"]+)"', lambda found: f' id="{prefix}{found[1]}"' if found[1] in referenced else "", body)
    body = re.sub(r'(href="#|url\(#)', rf"\g<1>{prefix}", body)
    body = re.sub(r"'DejaVu Sans'[^;\"]*", "var(--font)", body)
    for name, value in asdict(Colors()).items():
        body = body.replace(value, f"var(--{name})")
    width = float(re.findall(r'width="([0-9.]+)pt"', body)[0])
    # On a phone a figure shrinks only while its text stays readable, then it scrolls.
    opening = Markup('<svg role="img" aria-label="{}" style="min-width:{:.0f}pt"').format(alt, READABLE * width)
    return Markup(opening + Markup(body[len("<svg") :].rstrip()))


def png_url(pixels: PixelArray) -> str:
    """The pixels as a PNG in a data: URL, at their own size."""
    from PIL import Image

    array = np.asarray(pixels)
    if array.ndim == 3 and array.shape[2] == 1:
        array = array[:, :, 0]
    if array.dtype != np.uint8 or not (array.ndim == 2 or (array.ndim == 3 and array.shape[2] == 3)):
        raise ValueError(f"pixels must be uint8 (H,W), (H,W,1) or (H,W,3), not {array.dtype} {array.shape}")
    buffer = io.BytesIO()
    Image.fromarray(array).save(buffer, format="PNG", optimize=True)
    return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode()


def pixel_image(pixels: PixelArray, alt: str, caption: str | Markup = "", scale: int = 4) -> Markup:
    """An image of uint8 pixels, each shown as a square of `scale` screen pixels."""
    height, width = np.asarray(pixels).shape[:2]
    content = Markup('<img class="pixels" src="{}" alt="{}" width="{}" height="{}">').format(
        png_url(pixels), alt, width * scale, height * scale
    )
    return render("part.html.j2", macro="figure", values={"content": content, "caption": caption})
