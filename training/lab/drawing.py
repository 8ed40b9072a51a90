"""What the lab's figures are drawn with: pictures on axes in pixels, tables of numbers as shaded cells.

Figures are matplotlib's, in the style of the project's pages, and belong to no global state: a notebook shows them, and
`tinyproof.page.svg_figure` puts them into a page.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from tinyproof.page import Colors

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# Pixels each way; a larger picture is averaged down, its axes keep counting its own pixels.
LARGEST_DRAWN, LARGEST_IN_GRID = 1024, 512
T = TypeVar("T")
POSITIVE, NEGATIVE = "#f0a35e", "#6fa8dc"  # numbers of a filter, on cells with black text


def new_figure(width: float, height: float) -> Figure:
    """An empty figure; sizes in inches. Call it within `figure_style`.

    White, so that a dark notebook shows its black text; a page makes it transparent and its text follow the page.
    """
    from matplotlib.figure import Figure as MatplotlibFigure

    return MatplotlibFigure(figsize=(width, height), facecolor="white")


def show_picture(
    axes: Axes,
    picture: NDArray[Any],
    title: str = "",
    ticks: bool = True,
    levels: tuple[float, float] = (0, 255),
    largest: int = LARGEST_DRAWN,
) -> Any:
    """Draw a grey picture (H,W), every pixel sharp, on axes that count its pixels. Returns matplotlib's image."""
    height, width = picture.shape
    image = axes.imshow(
        _reduced(picture, largest),
        cmap="gray",
        vmin=levels[0],
        vmax=levels[1],
        interpolation="none",
        extent=(0, width, height, 0),
    )
    axes.set_title(title)
    if ticks:
        axes.set_xticks([0, width / 2, width], [f"{x:g}" for x in (0, width / 2, width)])
        axes.set_yticks([0, height / 2, height], [f"{y:g}" for y in (0, height / 2, height)])
    else:
        axes.set_xticks([])
        axes.set_yticks([])
    for spine in axes.spines.values():
        spine.set_visible(True)
    return image


def show_image(axes: Axes, image: NDArray[np.uint8], title: str) -> None:
    """Draw a small image (H,W,C), grey or in colour, in a thin frame."""
    if image.shape[2] == 1:
        show_picture(axes, image[..., 0], title, ticks=False)
        return
    height, width, _ = image.shape
    axes.imshow(image, interpolation="none", extent=(0, width, height, 0))
    bare(axes, title)


def bare(axes: Axes, title: str, **text: Any) -> None:
    """Without ticks, in a thin frame."""
    axes.set_title(title, **text)
    axes.set_xticks([])
    axes.set_yticks([])
    for spine in axes.spines.values():
        spine.set_visible(True)


def wrapped(count: int, columns: int, width: float, height: float) -> tuple[Figure, list[Axes]]:
    """A figure with axes in rows of at most `columns`, each of that size in inches; what is left over stays empty."""
    across, rows = min(count, columns), ceil(count / columns)
    figure = new_figure(across * width, rows * height)
    grid = list(np.ravel(figure.subplots(rows, across, squeeze=False)))
    for axes in grid[count:]:
        axes.set_axis_off()
    return figure, grid[:count]


def evenly(items: Sequence[T], most: int) -> list[T]:
    """At most so many of the items, evenly spaced, the first and the last among them.

    >>> evenly("abcdefg", 3), evenly("ab", 3)
    (['a', 'd', 'g'], ['a', 'b'])
    """
    count = min(len(items), most)
    return [items[round(k * (len(items) - 1) / max(count - 1, 1))] for k in range(count)]


def no_axes(axes: Axes) -> Axes:
    """Axes without anything of their own, as a ground for shapes; y points down."""
    axes.set_axis_off()
    axes.set_aspect("equal")
    axes.invert_yaxis()
    return axes


def draw_cells(
    axes: Axes,
    corner: tuple[float, float],
    values: NDArray[Any],
    colors: Sequence[str],
    frame: str,
    text: str = "{:g}",
    size: float = 11,
) -> None:
    """Draw numbers (h,w) as unit squares from `corner` (x, y), row by row in `colors`."""
    from matplotlib.patches import Rectangle

    for (i, j), value in np.ndenumerate(values):
        color = colors[i * values.shape[1] + j]
        x, y = corner[0] + j, corner[1] + i
        axes.add_patch(Rectangle((x, y), 1, 1, facecolor=color, edgecolor=frame, linewidth=0.8))
        axes.text(x + 0.5, y + 0.5, text.format(value), ha="center", va="center", fontsize=size, color=_on(color))


def greys(values: NDArray[Any]) -> list[str]:
    """The pixels' own greys, row by row."""
    return [f"#{int(value):02x}{int(value):02x}{int(value):02x}" for value in values.flat]


def signed(values: NDArray[Any], largest: float | None = None) -> list[str]:
    """Orange for positive numbers, blue for negative ones, the paler the smaller; row by row."""
    from matplotlib.colors import to_hex, to_rgb

    top = float(np.abs(values).max(initial=0)) if largest is None else largest
    white = np.ones(3)
    return [
        str(to_hex(white + (np.array(to_rgb(POSITIVE if value > 0 else NEGATIVE)) - white) * min(1, abs(value) / top)))
        if top
        else "#ffffff"
        for value in values.flat
    ]


def caption(axes: Axes, x: float, y: float, text: str, colors: Colors, **more: Any) -> None:
    """A line of text in the figure's ink."""
    axes.text(x, y, text, **{"ha": "center", "va": "center", "color": colors.ink, **more})


def _on(color: str) -> str:
    """Black or white, whichever is read better on `color`."""
    from matplotlib.colors import to_rgb

    red, green, blue = to_rgb(color)
    return "#000000" if 0.299 * red + 0.587 * green + 0.114 * blue > 0.5 else "#ffffff"


def _reduced(picture: NDArray[Any], largest: int) -> NDArray[Any]:
    block = -(-max(picture.shape) // largest)
    if block == 1:
        return picture
    height, width = (side // block * block for side in picture.shape)
    whole = picture[:height, :width].reshape(height // block, block, width // block, block)
    return np.asarray(whole.mean((1, 3)))
