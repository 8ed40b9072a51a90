"""Figures about a trained model: what its filters look like, what they respond to, how far each layer sees."""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil, sqrt
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from host.page import figure_style
from training.lab.convolution import Picture, convolve
from training.lab.drawing import NEGATIVE, POSITIVE, caption, new_figure, no_axes, show_picture
from training.lab.figures_hand import draw_grid
from training.lab.receptive import Field
from training.lab.trained import Layer, Trained, feature_maps, first_filters, relative, shape_text

if TYPE_CHECKING:
    from matplotlib.figure import Figure

ACTIVATION = "magma"  # colour map of feature maps: black where a filter is silent
UNSEEN = "#e8590c"
FILTERS_DRAWN = 64


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
            _bare(axes, f"{index}", fontsize=8, pad=2)
    return figure


def draw_learned_on_picture(picture: Picture, filters: NDArray[np.floating[Any]], count: int = 9) -> Figure:
    """A picture (H,W) through those `count` filters of (n,h,w) that leave most of it; white is the most one can give."""
    weights = [1 / max(float(np.maximum(numbers, 0).sum()), 1e-9) for numbers in filters]
    pictures = [convolve(picture, numbers, weight) for numbers, weight in zip(filters, weights, strict=True)]
    liveliest = sorted(range(len(pictures)), key=lambda index: -float(pictures[index].std()))[:count]
    return draw_grid([pictures[index] for index in sorted(liveliest)], [f"filter {i}" for i in sorted(liveliest)])


def draw_maps(image: NDArray[np.uint8], panels: Sequence[tuple[str, NDArray[np.floating[Any]]]]) -> Figure:
    """One image (H,W,C) and, for each layer, a title and all its maps (h,w,n), each scaled by its own largest value."""
    with figure_style():
        rows = ceil((len(panels) + 1) / 3)
        figure = new_figure(9.4, 3.4 * rows)
        grid = np.ravel(figure.subplots(rows, 3))
        for axes in grid[len(panels) + 1 :]:
            axes.set_axis_off()
        _show_image(grid[0], image, f"input\n{shape_text(image.shape)}")
        for axes, (title, maps) in zip(grid[1:], panels, strict=False):
            axes.imshow(mosaic(maps), cmap=_with_gaps(), interpolation="none")
            axes.set_title(title)
            axes.set_axis_off()
    return figure


def draw_same_class(
    trained: Trained, images: NDArray[np.uint8], names: Sequence[str], channels: Sequence[int]
) -> Figure:
    """Images (N,H,W,C) down, layers across: for each layer the map of one filter, `channels`, on one scale a layer."""
    layers = trained.map_layers
    maps = [feature_maps(trained, layer, images)[..., c] for layer, c in zip(layers, channels, strict=True)]
    rows, columns = len(images), len(layers) + 1
    side = min(1.55, 9.4 / columns)
    with figure_style() as color:
        figure = new_figure(side * columns, side * rows + 0.45)
        grid = figure.subplots(rows, columns, squeeze=False)
        for i, (row, image, name) in enumerate(zip(grid, images, names, strict=True)):
            _show_image(row[0], image, "input" if i == 0 else "")
            row[0].set_ylabel(name, color=color.ink)
            for axes, layer, layer_maps, channel in zip(row[1:], layers, maps, channels, strict=True):
                top = float(layer_maps.max()) or 1.0
                show_picture(axes, layer_maps[i], ticks=False, levels=(0, top)).set_cmap(ACTIVATION)
                if i == 0:
                    axes.set_title(f"{layer.name}\nfilter {channel}", fontsize=9)
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


def draw_receptive(image: NDArray[np.uint8], fields: Sequence[Field]) -> Figure:
    """What one value of each layer sees: its receptive field, drawn on an image (H,W,C)."""
    from matplotlib.patches import Rectangle

    with figure_style() as color:
        figure = new_figure(min(9.4, 2.3 * len(fields)), 2.75)
        for axes, field in zip(np.ravel(figure.subplots(1, len(fields), squeeze=False)), fields, strict=True):
            _show_image(axes, image, f"{field.layer.name}\nsees {field.size[0]} x {field.size[1]}")
            i, j = len(field.rows.first) // 2, len(field.columns.first) // 2
            top, left = int(field.rows.first[i]), int(field.columns.first[j])
            height, width = int(field.rows.last[i]) - top + 1, int(field.columns.last[j]) - left + 1
            axes.add_patch(Rectangle((left, top), width, height, fill=False, edgecolor=color.series[1], linewidth=2.2))
            axes.plot(left + width / 2, top + height / 2, "+", color=color.series[1], markersize=7)
    return figure


def draw_margins(input_shape: tuple[int, int], fields: Sequence[Field]) -> Figure:
    """How many values of each layer see each pixel of the input, and where the values' centres lie (dashed).

    Outside of the dashed line is the margin that no value is centred on; orange pixels are seen by nothing.
    """
    from matplotlib import colormaps
    from matplotlib.patches import Rectangle

    height, width = input_shape
    shades = colormaps["viridis"].copy()
    shades.set_bad(UNSEEN)
    with figure_style():
        figure = new_figure(min(9.4, 2.3 * len(fields)), 2.95)
        for axes, field in zip(np.ravel(figure.subplots(1, len(fields), squeeze=False)), fields, strict=True):
            seen = field.seen
            masked = np.ma.masked_equal(seen, 0)
            show_picture(axes, masked, field.layer.name, levels=(0, max(1, seen.max()))).set_cmap(shades)
            (top, bottom), (left, right) = field.centres
            axes.add_patch(
                Rectangle((left, top), right - left, bottom - top, fill=False, edgecolor="#ffffff", linestyle="--")
            )
            lost = int((seen == 0).sum())
            axes.set_xlabel(f"{lost} of {height * width}\npixels unseen" if lost else "every pixel\nis seen")
    return figure


def draw_journey(trained: Trained) -> Figure:
    """The layers as stacks of plates, as high as their maps and as deep as they have channels, with their costs."""
    from matplotlib.patches import Rectangle

    steps: list[tuple[str, tuple[int, ...], int, int]] = [("input", trained.input_shape, 0, 0)]
    steps += [(layer.name, layer.shape, layer.parameters, layer.macs) for layer in trained.layers]
    tallest = max(shape[0] for _, shape, _, _ in steps if len(shape) == 3)
    pitch = 1.75
    with figure_style() as color:
        figure = new_figure(min(1.2 * len(steps), 9.6), 2.0)
        axes = no_axes(figure.add_subplot())
        for k, (name, shape, parameters, macs) in enumerate(steps):
            x = k * pitch
            side = 1.15 * shape[0] / tallest if len(shape) == 3 else 0.1
            height = side if len(shape) == 3 else 0.3 + 0.25 * np.log10(max(shape))
            plates = min(8, 1 + int(np.log2(shape[-1]))) if len(shape) == 3 else 1
            for p in reversed(range(plates)):
                corner = x - side / 2 + 0.045 * p, -height / 2 - 0.045 * p
                axes.add_patch(
                    Rectangle(corner, side, height, facecolor=color.accent, edgecolor=color.surface, linewidth=0.7)
                )
            lines = [(1.0, name, color.ink), (1.28, shape_text(shape), color.ink)]
            lines += [(1.62, f"{parameters:,}" if parameters else "–", color.muted)]
            lines += [(1.90, f"{macs:,}" if macs else "–", color.muted)]
            for y, text, tone in lines:
                caption(axes, x, y, text, color, color=tone, fontsize=8)
            if k:
                caption(axes, x - pitch / 2 + 0.1, 0, "→", color, color=color.muted, fontsize=12)
        for y, text in ((1.62, "parameters"), (1.90, "MACs")):
            caption(axes, -0.75, y, text, color, color=color.muted, fontsize=8, ha="right")
        axes.set_xlim(-1.75, (len(steps) - 1) * pitch + 0.95)
        axes.set_ylim(2.1, -1.1)
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


def _show_image(axes: Any, image: NDArray[np.uint8], title: str) -> None:
    if image.shape[2] == 1:
        show_picture(axes, image[..., 0], title, ticks=False)
        return
    height, width, _ = image.shape
    axes.imshow(image, interpolation="none", extent=(0, width, height, 0))
    _bare(axes, title)


def _bare(axes: Any, title: str, **text: Any) -> None:
    """Without ticks, in a thin frame."""
    axes.set_title(title, **text)
    axes.set_xticks([])
    axes.set_yticks([])
    for spine in axes.spines.values():
        spine.set_visible(True)
