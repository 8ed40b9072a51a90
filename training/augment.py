"""Changed copies of training images, so that a network meets each of them in many places and lights.

Whole batches at a time in numpy, on pixels; what is random comes from the generator that the caller seeds. Only
training images are ever changed.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tinyproof.console import UserError

Images = NDArray[np.uint8]
Flags = NDArray[np.bool_]


@dataclass(frozen=True)
class Augmentation:
    """How far images are changed at most; every image by lot within these limits."""

    flip: bool = False  # left to right, every other image, where the data set allows it
    shift: float = 0.0  # share of the side, in either direction, whole pixels
    rotation: float = 0.0  # degrees, in either direction
    zoom: float = 0.0  # 0.2: objects appear at 80 % to 120 % of their size
    stretch: float = 0.0  # 0.2: and up to 20 % taller or wider
    roam: bool = False  # what is zoomed lies anywhere: any part of a larger picture, a smaller one in any place
    plain: float = 0.0  # share of the images where what comes in from beyond an edge is one colour, white for a third
    contrast: float = 0.0  # 0.2: contrast and brightness change by up to 20 %
    tint: float = 0.0  # 0.2: each channel is up to 20 % brighter or darker, and colours as much stronger or paler
    erase: float = 0.0  # share of the images that lose a rectangle of 2 % to 30 % of their area to noise


AUGMENTATIONS = {
    "none": Augmentation(),
    "light": Augmentation(flip=True, shift=0.04),  # 1 pixel of 28
    "erase": Augmentation(flip=True, shift=0.075, erase=0.2),  # 2 pixels of 28
    "photo": Augmentation(
        flip=True, shift=0.12, rotation=20, zoom=0.6, stretch=0.2, roam=True, plain=1, contrast=0.3, tint=0.1
    ),
}


def find_augmentation(name: str) -> Augmentation:
    """Return the augmentation of that name; UserError, listing the names there are, if there is none."""
    if name not in AUGMENTATIONS:
        raise UserError(f"unknown augmentation {name!r}: choose one of {', '.join(AUGMENTATIONS)}")
    return AUGMENTATIONS[name]


def augment(images: Images, how: Augmentation, mirror: bool, rng: np.random.Generator) -> Images:
    """Return changed copies of images uint8 (N,H,W,C); what comes in from beyond an edge repeats it, or is plain.

    `mirror` False keeps left and right, whatever `how` says: a mirrored 2 is no digit.
    """
    count, (height, width) = len(images), images.shape[1:3]
    shift = np.stack([rng.integers(-s, s + 1, count) for s in (round(how.shift * height), round(how.shift * width))])
    flipped = (rng.random(count) < 0.5) & (how.flip and mirror)
    if how.rotation or how.zoom or how.stretch:
        changed = _warp(images, how, shift, flipped, rng)
    else:
        rows = np.clip(np.arange(height) + shift[0][:, None], 0, height - 1)
        across = np.where(flipped[:, None], np.arange(width)[::-1], np.arange(width))
        columns = np.clip(across + shift[1][:, None], 0, width - 1)
        changed = images[np.arange(count)[:, None, None], rows[:, :, None], columns[:, None, :]]
    if how.contrast:
        changed = _relight(changed, how.contrast, rng)
    if how.tint:
        changed = _tint(changed, how.tint, rng)
    return _erase(changed, how.erase, rng) if how.erase else changed


def _warp(
    images: Images, how: Augmentation, shift: NDArray[np.number], flipped: Flags, rng: np.random.Generator
) -> Images:
    """Rotate, zoom, flip and shift in one bilinear sampling."""
    count, (height, width) = len(images), images.shape[1:3]
    angle = np.deg2rad(rng.uniform(-how.rotation, how.rotation, count))
    size = np.exp(rng.uniform(np.log(1 - how.zoom), np.log(1 + how.zoom), count))
    step = 1 / size  # pixels of the original for each new one
    taller = np.exp(rng.uniform(-1, 1, count) * np.log(1 + how.stretch))
    if how.roam:
        room = np.abs(1 - step) / 2  # share of the side by which the picture is larger or smaller than its copy
        shift = shift + rng.uniform(-1, 1, (2, count)) * room * np.array([[height], [width]])
    cos, sin = (step * np.cos(angle))[:, None, None], (step * np.sin(angle))[:, None, None]
    down = (np.arange(height) - (height - 1) / 2)[None, :, None] / taller[:, None, None]
    right = (np.arange(width) - (width - 1) / 2)[None, None, :] * (np.where(flipped, -1, 1) * taller)[:, None, None]
    y = cos * down - sin * right + (height - 1) / 2 + shift[0][:, None, None]
    x = sin * down + cos * right + (width - 1) / 2 + shift[1][:, None, None]
    beyond = (np.abs(y - (height - 1) / 2) > height / 2) | (np.abs(x - (width - 1) / 2) > width / 2)
    y, x = np.clip(y, 0, height - 1), np.clip(x, 0, width - 1)
    top, left = y.astype(int), x.astype(int)
    bottom, end = np.minimum(top + 1, height - 1), np.minimum(left + 1, width - 1)
    dy, dx = (y - top)[..., None].astype(np.float32), (x - left)[..., None].astype(np.float32)
    of = np.arange(count)[:, None, None]
    upper = images[of, top, left] * (1 - dx) + images[of, top, end] * dx
    lower = images[of, bottom, left] * (1 - dx) + images[of, bottom, end] * dx
    warped: Images = np.rint(upper * (1 - dy) + lower * dy).astype(np.uint8)
    return _plain_beyond(warped, beyond, how.plain, rng) if how.plain else warped


def _plain_beyond(images: Images, beyond: Flags, share: float, rng: np.random.Generator) -> Images:
    """Fill the places (N,H,W) beyond the edges of some images with one colour each, a third of them with white."""
    count, channels = len(images), images.shape[3]
    color = rng.integers(0, 256, (count, 1, 1, channels), np.uint8)
    color[rng.random(count) < 1 / 3] = 255
    chosen = rng.random(count) < share
    return np.where((beyond & chosen[:, None, None])[..., None], color, images)


def _relight(images: Images, limit: float, rng: np.random.Generator) -> Images:
    count = len(images)
    gain, lift = rng.uniform(1 - limit, 1 + limit, count), rng.uniform(-limit, limit, count) * 127.5
    middle = images.mean(axis=(1, 2, 3))
    new = (images - middle[:, None, None, None]) * gain[:, None, None, None] + (middle + lift)[:, None, None, None]
    relit: Images = np.clip(np.rint(new), 0, 255).astype(np.uint8)
    return relit


def _tint(images: Images, limit: float, rng: np.random.Generator) -> Images:
    count, channels = len(images), images.shape[3]
    gain = rng.uniform(1 - limit, 1 + limit, (count, 1, 1, channels))
    strength = rng.uniform(1 - limit, 1 + limit, (count, 1, 1, 1))
    grey = images.mean(axis=3, keepdims=True)
    tinted: Images = np.clip(np.rint((grey + (images - grey) * strength) * gain), 0, 255).astype(np.uint8)
    return tinted


def _erase(images: Images, share: float, rng: np.random.Generator) -> Images:
    """Fill a rectangle of some images with noise (random erasing, Zhong et al., arXiv:1708.04896)."""
    count, (height, width) = len(images), images.shape[1:3]
    area = rng.uniform(0.02, 0.3, count)
    aspect = np.exp(rng.uniform(np.log(1 / 3), np.log(3), count))
    sides = (np.minimum(np.sqrt(area * aspect), 1) * height, np.minimum(np.sqrt(area / aspect), 1) * width)
    inside = []
    for side, length in zip(sides, (height, width), strict=True):
        start = rng.random(count) * (length - side)
        place = np.arange(length) + 0.5
        inside.append((place >= start[:, None]) & (place < (start + side)[:, None]))
    chosen = rng.random(count) < share
    hole = inside[0][:, :, None] & inside[1][:, None, :] & chosen[:, None, None]
    noise = rng.integers(0, 256, images.shape, np.uint8)
    return np.where(hole[..., None], noise, images)
