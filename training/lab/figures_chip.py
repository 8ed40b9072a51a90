"""Figures about what came back from a device."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from tinyproof.page import figure_style
from tinyproof.training.lab.chip import ChipPicture
from tinyproof.training.lab.drawing import new_figure, show_picture

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
