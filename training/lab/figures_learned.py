"""Figures about a trained model's filters: what they look like, and what they respond to."""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil, sqrt
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from tinyproof.page import figure_style
from tinyproof.training.lab.convolution import Picture, convolve
from tinyproof.training.lab.drawing import NEGATIVE, POSITIVE, bare, evenly, new_figure, show_image, show_picture
from tinyproof.training.lab.figures_hand import draw_grid
from tinyproof.training.lab.trained import Layer, Trained, feature_maps, first_filters, relative, shape_text

if TYPE_CHECKING:
    from matplotlib.figure import Figure

ACTIVATION = "magma"  # colour map of feature maps: black where a filter is silent
FILTERS_DRAWN, LAYERS_ACROSS = 64, 6
CONTRAST = 6.0  # an edge a sixth as strong as the strongest possible is white


def draw_first_filters(trained: Trained) -> Figure:
    """Every filter of the first layer, orange where it adds, blue where it subtracts, with its nearest relative.

    Filters of a colour model are drawn as the colours they look for, around grey.
    """
    from matplotlib.colors import LinearSegmentedColormap

    filters = first_filters(trained)[:FILTERS_DRAWN]
    largest = float(np.abs(filters).max()) or 1.0
    columns = 8
    rows = ceil(len(filters) / columns)
    with figure_style() as color:
        shades = LinearSegmentedColormap.from_list("signed", [NEGATIVE, "#ffffff", POSITIVE])
        figure = new_figure(9.4, 1.28 * rows + 0.1)
        grid = np.ravel(figure.subplots(rows, columns))
        for axes in grid[len(filters) :]:
            axes.set_axis_off()
        for index, (axes, numbers) in enumerate(zip(grid, filters, strict=False)):
            if numbers.shape[2] == 1:
                bound = float(np.abs(numbers).max()) or 1.0
                axes.imshow(numbers[..., 0], cmap=shades, vmin=-bound, vmax=bound, interpolation="none")
                near, cosine = relative(numbers[..., 0])
                axes.set_xlabel(
                    f"{'−' if cosine < 0 else ''}{near.name}\n{abs(cosine):.2f}", fontsize=7, color=color.muted
                )
            else:
                axes.imshow(np.clip(0.5 + 0.5 * numbers[..., :3] / largest, 0, 1), interpolation="none")
            bare(axes, f"{index}", fontsize=8, pad=2)
    return figure


def draw_learned_on_picture(picture: Picture, filters: NDArray[np.floating[Any]], count: int = 9) -> Figure:
    """A picture (H,W) through the `count` strongest of the filters (n,h,w), each without the mean of its numbers.

    What a filter does to even areas is left out that way: they turn black, and what it looks for remains.
    """
    centred = filters - filters.mean(axis=(1, 2), keepdims=True)
    strongest = sorted(np.argsort(-(centred**2).sum(axis=(1, 2)))[:count].tolist())
    weights = [CONTRAST / max(float(np.abs(centred[index]).sum()), 1e-9) for index in strongest]
    pictures = [convolve(picture, centred[index], weight) for index, weight in zip(strongest, weights, strict=True)]
    return draw_grid(pictures, [f"filter {index}" for index in strongest])


def draw_maps(image: NDArray[np.uint8], panels: Sequence[tuple[str, NDArray[np.floating[Any]]]]) -> Figure:
    """One image (H,W,C) and, for each layer, a title and all its maps (h,w,n), each scaled by its own largest value."""
    with figure_style():
        rows = ceil((len(panels) + 1) / 3)
        figure = new_figure(9.4, 3.4 * rows)
        grid = np.ravel(figure.subplots(rows, 3))
        for axes in grid[len(panels) + 1 :]:
            axes.set_axis_off()
        show_image(grid[0], image, f"input\n{shape_text(image.shape)}")
        for axes, (title, maps) in zip(grid[1:], panels, strict=False):
            axes.imshow(mosaic(maps), cmap=_with_gaps(), vmin=0, vmax=1, interpolation="none")
            axes.set_title(title)
            axes.set_axis_off()
    return figure


def draw_same_class(
    trained: Trained, images: NDArray[np.uint8], names: Sequence[str], channels: Sequence[int]
) -> Figure:
    """Images (N,H,W,C) down, layers across: for each layer the map of one filter, on one scale a layer.

    `channels` has a filter for each layer that makes pictures; of a deep network every so many layers are drawn.
    """
    chosen = evenly(list(zip(trained.map_layers, channels, strict=True)), LAYERS_ACROSS)
    maps = [feature_maps(trained, layer, images)[..., channel] for layer, channel in chosen]
    rows, columns = len(images), len(chosen) + 1
    side = min(1.55, 9.4 / columns)
    with figure_style() as color:
        figure = new_figure(side * columns, side * rows + 0.45)
        grid = figure.subplots(rows, columns, squeeze=False)
        for i, (row, image, name) in enumerate(zip(grid, images, names, strict=True)):
            show_image(row[0], image, "input" if i == 0 else "")
            row[0].set_ylabel(name, color=color.ink)
            for axes, (layer, channel), layer_maps in zip(row[1:], chosen, maps, strict=True):
                top = max(float(layer_maps.max()), 0.0) or 1.0
                show_picture(axes, layer_maps[i], ticks=False, levels=(0, top)).set_cmap(ACTIVATION)
                if i == 0:
                    axes.set_title(f"{layer.name}\nfilter {channel}", fontsize=8)
    return figure


def draw_responses(responses: NDArray[np.float64], labels: Sequence[str], layer: Layer) -> Figure:
    """Filters across, classes down: how much more or less than usual each filter fires for each class."""
    filters, classes = responses.shape
    change = 100 * (responses.T - 1)
    bound = max(float(np.abs(change).max()), 1.0)
    with figure_style():
        figure = new_figure(9.4, 0.24 * classes + 1.3)
        axes = figure.add_subplot()
        image = axes.imshow(change, cmap="PuOr_r", vmin=-bound, vmax=bound, aspect="auto", interpolation="none")
        axes.set_yticks(range(classes), labels)
        step = 1 if filters <= 32 else 4
        axes.set_xticks(range(0, filters, step))
        axes.tick_params(length=0)
        axes.set_xlabel(f"filter of {layer.name}")
        axes.set_title("fires more (+) or less (−) than it usually does, in percent")
        for label, best in enumerate(responses.argmax(axis=0)):
            axes.plot(best, label, "o", markersize=4, color="#000000", markeredgecolor="#ffffff", markeredgewidth=0.6)
        figure.colorbar(image, ax=axes, shrink=0.9, format="%+.0f")
    return figure


def mosaic(maps: NDArray[np.floating[Any]]) -> NDArray[np.float64]:
    """Maps (h,w,n) side by side in a square, each scaled to 0..1 by its own largest value; gaps between are NaN."""
    height, width, count = maps.shape
    columns = ceil(sqrt(count))
    rows = ceil(count / columns)
    whole = np.full((rows * (height + 1) - 1, columns * (width + 1) - 1), np.nan)
    for index in range(count):
        i, j = divmod(index, columns)
        part = np.maximum(maps[..., index], 0)
        top = i * (height + 1), j * (width + 1)
        whole[top[0] : top[0] + height, top[1] : top[1] + width] = part / (part.max() or 1.0)
    return whole


def _with_gaps() -> Any:
    """The colours of feature maps, and none between the maps."""
    from matplotlib import colormaps

    colors = colormaps[ACTIVATION].copy()
    colors.set_bad(alpha=0)
    return colors
