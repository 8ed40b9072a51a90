"""Figures about filters made by hand: the worked numbers, pictures before and after, many filters, edges, pooling."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from tinyproof.page import figure_style
from tinyproof.training.lab.convolution import PADDINGS, Picture, convolve, pool
from tinyproof.training.lab.drawing import (
    LARGEST_IN_GRID,
    caption,
    draw_cells,
    greys,
    new_figure,
    no_axes,
    show_picture,
    signed,
)
from tinyproof.training.lab.filters import NAMED, AnyFilter, Filter, as_filter
from tinyproof.training.lab.worked_numbers import BLOCK, WorkedPixel, worked_pixel

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def draw_worked_pixel(worked: WorkedPixel | None = None) -> Figure:
    """The neighbourhood, the filter, the nine products, their sum and the new pixel."""
    made = worked or worked_pixel()
    h, w = made.products.shape
    with figure_style() as color:
        figure = new_figure(9.4, 0.62 * h + 0.95)
        axes = no_axes(figure.add_subplot())
        gap, after = w + 1.2, 3 * (w + 1.2)
        draw_cells(axes, (0, 0), made.neighbourhood, greys(made.neighbourhood), color.line)
        draw_cells(axes, (gap, 0), made.filter.array, signed(made.filter.array), color.line)
        draw_cells(axes, (2 * gap, 0), made.products, signed(made.products), color.line)
        for x, sign in ((gap - 0.6, "×"), (2 * gap - 0.6, "="), (after - 0.6, "→")):
            caption(axes, x, h / 2, sign, color, fontsize=18)
        for x, title in ((0.0, "nine pixels"), (gap, "the filter"), (2 * gap, "products")):
            caption(axes, x + w / 2, -0.4, title, color, color=color.muted)
        draw_cells(
            axes, (after + 1.2, h / 2 - 0.5), np.array([[made.result]]), greys(np.array([made.result])), color.line
        )
        weighted = "" if made.filter.weight == 1 else f" × {made.filter.weight:.3g} = {made.weighted:.1f}"
        caption(axes, after + 1.7, h / 2 - 0.95, f"sum {made.total:g}{weighted}", color)
        clamped = "clamped to 0..255" if not 0 <= made.weighted <= 255 else "the new pixel"
        caption(axes, after + 1.7, h / 2 + 0.95, clamped, color, color=color.muted)
        axes.set_xlim(-0.1, after + 4.0)
        axes.set_ylim(h + 0.15, -0.75)
    return figure


def draw_worked_pooling(block: NDArray[np.uint8] = BLOCK) -> Figure:
    """A block of pixels, its 2x2 blocks outlined, and what maximum and mean leave of them."""
    from matplotlib.patches import Rectangle

    h, w = block.shape
    with figure_style() as color:
        figure = new_figure(7.6, 3.0)
        axes = no_axes(figure.add_subplot())
        draw_cells(axes, (0, 0), block, greys(block), color.line)
        outlines = color.series[:2] * 8
        starts = [(i, j) for i in range(0, h, 2) for j in range(0, w, 2)]
        for k, (i, j) in enumerate(starts):
            tone = outlines[(i // 2 + k) % 2]
            axes.add_patch(Rectangle((j + 0.05, i + 0.05), 1.9, 1.9, fill=False, edgecolor=tone, linewidth=2.2))
        for x, kind in ((w + 1.4, "max"), (w + w / 2 + 2.8, "average")):
            pooled = pool(block, "max" if kind == "max" else "average")
            top = (h - pooled.shape[0]) / 2
            draw_cells(axes, (x, top), pooled, greys(pooled), color.line)
            caption(axes, x + pooled.shape[1] / 2, top - 0.4, "largest" if kind == "max" else "mean", color)
        caption(axes, w + 0.7, h / 2, "→", color, fontsize=18)
        caption(axes, w / 2, -0.4, f"{h} x {w}", color, color=color.muted)
        axes.set_xlim(-0.1, w + w + 3.0)
        axes.set_ylim(h + 0.15, -0.8)
    return figure


def draw_final(picture: Picture, filter_: AnyFilter, filtered: Picture, pooled: Picture) -> Figure:
    """Original, filtered and pooled side by side; the axes show that pooling halves both sides."""
    made = as_filter(filter_)
    ratio = picture.shape[0] / picture.shape[1]
    with figure_style():
        figure = new_figure(9.6, 3.05 * ratio + 0.75)
        panels = ((picture, "original"), (filtered, made.name), (pooled, "pooled 2x2"))
        for axes, (pixels, title) in zip(figure.subplots(1, 3), panels, strict=True):
            show_picture(axes, pixels, f"{title}\n{pixels.shape[1]} x {pixels.shape[0]}")
    return figure


def draw_filters(picture: Picture, filters: Sequence[AnyFilter] = tuple(NAMED.values())) -> Figure:
    """A grid: the picture through every filter, its numbers above."""
    made = [as_filter(filter_) for filter_ in filters]
    pictures = [convolve(picture, filter_) for filter_ in made]
    return draw_grid(pictures, [f"{filter_.name}\n{_numbers(filter_)}" for filter_ in made])


def draw_grid(pictures: Sequence[Picture], titles: Sequence[str], columns: int = 3) -> Figure:
    """Pictures of one size in a grid, without axes."""
    rows = -(-len(pictures) // columns)
    ratio = pictures[0].shape[0] / pictures[0].shape[1]
    with figure_style():
        figure = new_figure(9.6, rows * (3.1 * ratio + 0.45))
        grid = np.ravel(figure.subplots(rows, columns))
        for axes in grid[len(pictures) :]:
            axes.set_axis_off()
        for axes, picture, title in zip(grid, pictures, titles, strict=False):
            show_picture(axes, picture, ticks=False, largest=LARGEST_IN_GRID)
            axes.set_title(title, fontsize=9)
    return figure


def draw_paddings(picture: Picture, filter_: AnyFilter, window: int = 12) -> Figure:
    """The upper left corner of the filtered picture under each padding, pixel by pixel."""
    made = as_filter(filter_)
    shapes = [convolve(picture, made, padding=padding).shape for padding in PADDINGS]
    with figure_style():
        figure = new_figure(9.6, 2.9)
        grid = figure.subplots(1, 4)
        side = min(window, *picture.shape)
        show_picture(grid[0], picture[:side, :side], f"original\n{picture.shape[1]} x {picture.shape[0]}")
        for axes, padding, shape in zip(grid[1:], PADDINGS, shapes, strict=True):
            filtered = convolve(picture, made, padding=padding)
            show_picture(axes, filtered[:side, :side], f"{padding}\n{shape[1]} x {shape[0]}")
    return figure


def draw_pyramid(picture: Picture, rounds: int = 4) -> Figure:
    """The picture pooled again and again, all on one scale: features survive at a quarter of the pixels each time."""
    pictures = [picture]
    while len(pictures) < rounds and min(pictures[-1].shape) >= 4:
        pictures.append(pool(pictures[-1]))
    with figure_style():
        figure = new_figure(9.6, 9.6 * picture.shape[0] / sum(p.shape[1] for p in pictures) + 0.35)
        grid = figure.subplots(1, len(pictures), width_ratios=[p.shape[1] for p in pictures], squeeze=False)[0]
        for axes, pixels in zip(grid, pictures, strict=True):
            show_picture(axes, pixels, f"{pixels.shape[1]} x {pixels.shape[0]}", ticks=pixels is picture)
            axes.set_anchor("S")
    return figure


def draw_poolings(filtered: Picture, side: int = 48) -> Figure:
    """A detail of a filtered picture, and what maximum and mean leave of it; the liveliest part is chosen."""
    top, left = _liveliest(filtered, side)
    part = filtered[top : top + side, left : left + side]
    with figure_style():
        figure = new_figure(9.6, 3.5)
        panels = ((part, "filtered"), (pool(part, "max"), "largest of 2x2"), (pool(part, "average"), "mean of 2x2"))
        for axes, (pixels, title) in zip(figure.subplots(1, 3), panels, strict=True):
            show_picture(axes, pixels, f"{title}\n{pixels.shape[1]} x {pixels.shape[0]}")
    return figure


def _liveliest(picture: Picture, side: int) -> tuple[int, int]:
    """Where the block of that side with the largest spread of greys begins."""
    rows, columns = (max(1, n // side) for n in picture.shape)
    blocks = [(i * side, j * side) for i in range(rows) for j in range(columns)]
    return max(blocks, key=lambda at: float(picture[at[0] : at[0] + side, at[1] : at[1] + side].std()))


def _numbers(filter_: Filter) -> str:
    return filter_.text if max(filter_.shape) <= 3 else f"{filter_.shape[0]} x {filter_.shape[1]}"
