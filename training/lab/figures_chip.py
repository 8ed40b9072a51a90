"""Figures about what came back from a device."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from tinyproof.page import figure_style
from tinyproof.training.lab.chip import ChipFilters, ChipPicture
from tinyproof.training.lab.drawing import new_figure, show_picture
from tinyproof.training.lab.figures_hand import draw_grid

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def draw_chip(made: ChipPicture) -> Figure:
    """The device's picture, NumPy's, and where they differ: white on black."""
    ratio = made.device.shape[0] / made.device.shape[1]
    difference = 255 * (made.device != made.numpy).astype(np.uint8)
    count = f"{made.different:,} of {made.device.size:,}"
    with figure_style():
        figure = new_figure(9.6, 3.05 * ratio + 0.75)
        panels = ((made.device, "from the device"), (made.numpy, "NumPy's"), (difference, f"differ: {count}"))
        for axes, (pixels, title) in zip(figure.subplots(1, 3), panels, strict=True):
            show_picture(axes, pixels, f"{title}\n{pixels.shape[1]} x {pixels.shape[0]}")
    return figure


def draw_chip_filters(made: ChipFilters) -> Figure:
    """The device's picture for every filter of the layer, with the count of bytes that are not NumPy's."""
    titles = [f"{p.filter.name}\n{p.different:,} of {p.device.size:,} bytes differ" for p in made.pictures]
    return draw_grid([picture.device for picture in made.pictures], titles)
