"""A face to filter, drawn here and so nobody's: curves, soft shades, and fine lines of hair."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter

SIDE, OVERSAMPLING = 256, 3


def draw_face() -> NDArray[np.uint8]:
    """Return the picture, uint8 (256,256). The same bytes on every run."""
    n = SIDE * OVERSAMPLING
    image = Image.new("L", (n, n), 150)
    _ground(image)
    draw = ImageDraw.Draw(image)

    def oval(x: float, y: float, across: float, down: float, shade: int) -> None:
        draw.ellipse([(x - across) * n, (y - down) * n, (x + across) * n, (y + down) * n], fill=shade)

    oval(0.5, 1.06, 0.42, 0.26, 70)  # shoulders
    draw.rectangle([0.42 * n, 0.68 * n, 0.58 * n, 0.9 * n], fill=165)  # neck
    oval(0.5, 0.42, 0.29, 0.34, 45)  # hair behind
    oval(0.5, 0.47, 0.23, 0.30, 205)  # face
    image.paste(_shaded(image, n))
    draw = ImageDraw.Draw(image)
    for x in (0.405, 0.595):
        oval(x, 0.44, 0.055, 0.028, 245)
        oval(x, 0.44, 0.026, 0.027, 60)
        oval(x, 0.44, 0.012, 0.013, 10)
        oval(x + 0.008, 0.432, 0.005, 0.005, 255)
        draw.arc([(x - 0.07) * n, 0.36 * n, (x + 0.07) * n, 0.46 * n], 205, 335, fill=40, width=n // 60)
    draw.line([(0.5 * n, 0.46 * n), (0.475 * n, 0.575 * n), (0.515 * n, 0.585 * n)], fill=150, width=n // 110)
    draw.chord([0.41 * n, 0.60 * n, 0.59 * n, 0.70 * n], 10, 170, fill=110)
    draw.arc([0.40 * n, 0.56 * n, 0.60 * n, 0.70 * n], 25, 155, fill=60, width=n // 90)
    _hair(draw, n)
    return np.asarray(image.resize((SIDE, SIDE), Image.Resampling.BOX))


def _ground(image: Image.Image) -> None:
    """A wall that is brighter at the left, with a stripe."""
    n = image.width
    row = np.linspace(190, 110, n)[np.newaxis, :] * np.ones((n, 1))
    row[:, int(0.86 * n) : int(0.89 * n)] -= 40
    image.paste(Image.fromarray(row.astype(np.uint8)))


def _shaded(image: Image.Image, n: int) -> Image.Image:
    """Softer, and darker towards the right, as if lit from a window."""
    soft = np.asarray(image.filter(ImageFilter.GaussianBlur(n / 160)), np.float64)
    light = np.linspace(1.08, 0.72, n)[np.newaxis, :]
    return Image.fromarray(np.clip(soft * light, 0, 255).astype(np.uint8))


def _hair(draw: ImageDraw.ImageDraw, n: int) -> None:
    """Strands that fall from a parting to both sides."""
    for strand in range(70):
        share = strand / 69
        end = math.pi * (0.02 + 0.96 * share)
        x, y = 0.5 - 0.29 * math.cos(end), 0.42 - 0.30 * math.sin(end) + 0.06
        middle = (0.5 + 0.62 * (x - 0.5), 0.115 + 0.35 * abs(x - 0.5))
        points = [(0.47 * n, 0.13 * n), (middle[0] * n, middle[1] * n), (x * n, y * n)]
        draw.line(points, fill=30 + 45 * (strand % 3), width=n // 180, joint="curve")
