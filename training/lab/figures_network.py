"""Figures about a network as a whole: its layers' shapes and costs, how far each sees, and what is lost at the edge."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from tinyproof.page import Colors, figure_style
from tinyproof.training.lab.drawing import caption, new_figure, no_axes, show_image, show_picture, wrapped
from tinyproof.training.lab.receptive import Field
from tinyproof.training.lab.trained import Trained, shape_text

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

UNSEEN = "#e8590c"
PANELS_ACROSS, STEPS_ACROSS = 4, 9
PITCH = 1.75  # from one step of the journey to the next
Step = tuple[str, tuple[int, ...], int, int]  # name, shape, parameters, multiply-accumulates


def draw_receptive(image: NDArray[np.uint8], fields: Sequence[Field]) -> Figure:
    """What one value of each layer sees: its receptive field, drawn on an image (H,W,C)."""
    from matplotlib.patches import Rectangle

    with figure_style() as color:
        figure, grid = wrapped(len(fields), PANELS_ACROSS, 2.3, 2.75)
        for axes, field in zip(grid, fields, strict=True):
            show_image(axes, image, f"{field.layer.name}\nsees {field.size[0]} x {field.size[1]}")
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
        figure, grid = wrapped(len(fields), PANELS_ACROSS, 2.3, 2.95)
        for axes, field in zip(grid, fields, strict=True):
            seen = np.ma.masked_equal(field.seen, 0)
            show_picture(axes, seen, field.layer.name, levels=(0, field.seen.max())).set_cmap(shades)
            (top, bottom), (left, right) = field.centres
            axes.add_patch(
                Rectangle((left, top), right - left, bottom - top, fill=False, edgecolor="#ffffff", linestyle="--")
            )
            lost = int((field.seen == 0).sum())
            axes.set_xlabel(f"{lost} of {height * width}\npixels unseen" if lost else "every pixel\nis seen")
    return figure


def draw_journey(trained: Trained) -> Figure:
    """The layers as stacks of plates, as high as their maps and as deep as they have channels, with their costs."""
    steps: list[Step] = [("input", trained.input_shape, 0, 0)]
    steps += [(layer.name, layer.shape, layer.parameters, layer.macs) for layer in trained.layers]
    rows = [steps[k : k + STEPS_ACROSS] for k in range(0, len(steps), STEPS_ACROSS)]
    with figure_style() as color:
        figure = new_figure(1.07 * max(map(len, rows)), 2.0 * len(rows))
        for axes, row in zip(np.ravel(figure.subplots(len(rows), 1, squeeze=False)), rows, strict=True):
            no_axes(axes)
            for place, step in enumerate(row):
                _draw_step(axes, place * PITCH, step, trained.input_shape[0], color)
                if step is not steps[0]:
                    caption(axes, (place - 0.5) * PITCH + 0.1, 0, "→", color, color=color.muted, fontsize=12)
            for y, text in ((1.62, "parameters"), (1.90, "MACs")):
                caption(axes, -0.75, y, text, color, color=color.muted, fontsize=8, ha="right")
            axes.set_xlim(-1.75, (max(map(len, rows)) - 1) * PITCH + 0.95)
            axes.set_ylim(2.1, -1.1)
    return figure


def _draw_step(axes: Axes, x: float, step: Step, tallest: int, color: Colors) -> None:
    from matplotlib.patches import Rectangle

    name, shape, parameters, macs = step
    side = 1.15 * shape[0] / tallest if len(shape) == 3 else 0.1
    height = side if len(shape) == 3 else 0.3 + 0.25 * np.log10(max(shape))
    plates = min(8, 1 + int(np.log2(shape[-1]))) if len(shape) == 3 else 1
    for plate in reversed(range(plates)):
        corner = x - side / 2 + 0.045 * plate, -height / 2 - 0.045 * plate
        axes.add_patch(Rectangle(corner, side, height, facecolor=color.accent, edgecolor=color.surface, linewidth=0.7))
    lines = (
        (1.0, name, color.ink),
        (1.28, shape_text(shape), color.ink),
        (1.62, f"{parameters:,}" if parameters else "–", color.muted),
        (1.90, f"{macs:,}" if macs else "–", color.muted),
    )
    for y, text, tone in lines:
        caption(axes, x, y, text, color, color=tone, fontsize=8 if len(text) < 13 else 6)
