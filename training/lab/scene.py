"""The bundled picture: a stairwell with a window, a railing and a ball, drawn here and so nobody else's.

It has what filters are made for: horizontal, vertical and diagonal edges, curves, fine texture, even areas and soft
gradients. The same bytes on every run; no file, no download.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

SIDE = 512
OVERSAMPLING = 2  # drawn larger and averaged down, so that edges are smooth
# In units of the picture's side, heights from the top.
HORIZON, FLOOR = 0.55, 0.80
STEPS, RISE, RUN = 9, 0.062, 0.075
STAIRS_LEFT, STAIRS_FOOT = 0.335, 0.93

Canvas = NDArray[np.float32]  # (n,n), 0 black to 1 white
Points = list[tuple[float, float]]  # (x, y), in units of the picture's side


def draw_scene() -> NDArray[np.uint8]:
    """Return the picture, uint8 (512,512)."""
    n = SIDE * OVERSAMPLING
    y, x = np.mgrid[0:n, 0:n].astype(np.float32) / n
    canvas = _wall(x, y)
    canvas = np.where(y > FLOOR, _floor(x, y), canvas)
    _window(canvas, x, y)
    _daylight(canvas, y)
    _stairs(canvas, x)
    _railing(canvas)
    _ball(canvas, x, y)
    small = canvas.reshape(SIDE, OVERSAMPLING, SIDE, OVERSAMPLING).mean((1, 3))
    grain = np.random.default_rng(7).normal(0, 0.008, small.shape)
    return np.asarray(np.clip((small + grain) * 255, 0, 255), np.uint8)


def _wall(x: Canvas, y: Canvas) -> Canvas:
    """Bricks in running bond, darker towards the lower right."""
    row = np.floor(y / 0.035)
    along = x / 0.085 + 0.5 * (row % 2)
    joint = (np.abs(y / 0.035 - row - 0.5) > 0.44) | (np.abs(along - np.floor(along) - 0.5) > 0.475)
    tint = np.sin(np.floor(along) * 12.9898 + row * 78.233) * 0.018
    return (0.60 - 0.16 * x - 0.10 * y + np.where(joint, -0.075, tint)).astype(np.float32)


def _floor(x: Canvas, y: Canvas) -> Canvas:
    """Tiles in perspective."""
    depth = 0.22 / np.maximum(y - HORIZON, 0.02)
    across = (x - 0.42) * depth
    tile = (np.floor(across * 5.0) + np.floor(depth * 9.0)) % 2
    return np.asarray(0.30 + 0.26 * tile + 0.16 * (y - FLOOR) / (1 - FLOOR), np.float32)


def _mask(side: int, points: Points) -> NDArray[np.bool_]:
    image = Image.new("1", (side, side))
    ImageDraw.Draw(image).polygon([(x * side, y * side) for x, y in points], fill=1)
    return np.asarray(image)


def _fill(canvas: Canvas, points: Points, shade: float | Canvas) -> None:
    mask = _mask(len(canvas), points)
    canvas[mask] = shade if isinstance(shade, float) else shade[mask]


def _box(canvas: Canvas, left: float, top: float, right: float, bottom: float, shade: float | Canvas) -> None:
    _fill(canvas, [(left, top), (right, top), (right, bottom), (left, bottom)], shade)


def _window(canvas: Canvas, x: Canvas, y: Canvas) -> None:
    """An arched window of 4 x 3 panes with sky behind it."""
    left, right, top, bottom = 0.09, 0.37, 0.20, 0.60
    middle, radius = (left + right) / 2, (right - left) / 2
    sky = (0.99 - 0.30 * (y - 0.05)).astype(np.float32)
    for grow, shade in ((0.028, 0.74), (0.014, 0.20), (0.0, sky)):
        arch = ((x - middle) ** 2 + (y - top) ** 2 < (radius + grow) ** 2) & (y <= top)
        canvas[arch] = shade if isinstance(shade, float) else shade[arch]
        _box(canvas, left - grow, top - 0.001, right + grow, bottom + grow, shade)
    bar = 0.0055
    for k in (1, 2):
        position = left + k * (right - left) / 3
        _box(canvas, position - bar, top - 0.134, position + bar, bottom, 0.22)
    for k in range(4):
        position = top + k * (bottom - top) / 4
        _box(canvas, left, position - bar, right, position + bar, 0.22)
    _box(canvas, left - 0.05, bottom + 0.028, right + 0.05, bottom + 0.05, 0.80)
    _box(canvas, left - 0.05, bottom + 0.05, right + 0.05, bottom + 0.06, 0.30)


def _daylight(canvas: Canvas, y: Canvas) -> None:
    """The panes' light, fallen slanting on the wall."""
    for column in range(3):
        for row in range(3):
            left, top = 0.52 + 0.105 * column + 0.03 * row, 0.07 + 0.105 * row - 0.045 * column
            corners = [
                (left, top),
                (left + 0.085, top - 0.036),
                (left + 0.112, top + 0.052),
                (left + 0.027, top + 0.088),
            ]
            mask = _mask(len(canvas), corners)
            canvas[mask] += 0.20 - 0.25 * y[mask]


def _stairs(canvas: Canvas, x: Canvas) -> None:
    """Steps going up to the right: light treads, dark risers, and the side below them in shade."""
    left, foot, rise, run = STAIRS_LEFT, STAIRS_FOOT, RISE, RUN
    for k in range(STEPS):
        start, top = left + k * run, foot - (k + 1) * rise
        side = (0.42 - 0.08 * (x - left) / 0.665).astype(np.float32)
        _box(canvas, start, top, 1.0, 1.0, side)
        _box(canvas, start, top, start + 0.012, top + rise, 0.16)
    slope = rise / run
    for inset, shade in ((0.0, 0.24), (0.007, 0.50), (0.012, 0.35)):
        corner, base, end = 0.58 + 2.2 * inset, 0.94 - inset, 0.965 - inset
        _fill(canvas, [(corner, base), (end, base), (end, base - (end - corner) * slope)], shade)
    for k in range(STEPS):
        start, top = left + k * run, foot - (k + 1) * rise
        tread = [(start - 0.012, top), (start + run, top), (start + run, top + 0.015), (start - 0.012, top + 0.015)]
        _fill(canvas, tread, 0.93)
        _box(canvas, start, top + 0.015, start + run, top + 0.021, 0.14)


def _railing(canvas: Canvas) -> None:
    """Thin balusters on every step, a handrail, and a newel post at its foot."""
    left, foot, rise, run, tall = STAIRS_LEFT, STAIRS_FOOT, RISE, RUN, 0.215
    for k in range(2 * STEPS):
        centre = left + (k + 0.7) * run / 2
        tread = foot - (k // 2 + 1) * rise
        rail = foot - rise - tall - (centre - left) * rise / run
        _box(canvas, centre - 0.0035, rail, centre + 0.0035, tread, 0.10)
    slope = rise / run
    start, end = left - 0.045, 1.0
    height = foot - rise - tall
    line = [(start, height - (start - left) * slope), (end, height - (end - left) * slope)]
    (x0, y0), (x1, y1) = line
    _fill(canvas, [(x0, y0 - 0.014), (x1, y1 - 0.014), (x1, y1 + 0.014), (x0, y0 + 0.014)], 0.13)
    _fill(canvas, [(x0, y0 - 0.014), (x1, y1 - 0.014), (x1, y1 - 0.008), (x0, y0 - 0.008)], 0.72)
    _box(canvas, start - 0.014, y0 - 0.02, start + 0.014, foot + 0.01, 0.12)
    _box(canvas, start - 0.006, y0 - 0.02, start - 0.001, foot + 0.01, 0.55)


def _ball(canvas: Canvas, x: Canvas, y: Canvas) -> None:
    """A glossy ball on the floor, lit from the window, with a soft shadow."""
    centre_x, centre_y, radius = 0.145, 0.845, 0.088
    shadow = np.exp(-(((x - centre_x - 0.06) / 0.11) ** 2 + ((y - centre_y - 0.078) / 0.026) ** 2))
    canvas *= 1 - 0.72 * shadow
    u, v = (x - centre_x) / radius, (y - centre_y) / radius
    inside = u * u + v * v < 1
    w = np.sqrt(np.maximum(1 - u * u - v * v, 0))
    light = np.array([-0.25, -0.75, 0.61], np.float32)
    diffuse = np.maximum(u * light[0] + v * light[1] + w * light[2], 0)
    gloss = np.maximum(2 * diffuse * w - light[2], 0) ** 24
    canvas[inside] = (0.07 + 0.72 * diffuse + 0.5 * gloss)[inside]
