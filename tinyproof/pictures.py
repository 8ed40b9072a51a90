"""Reads pictures into arrays of one size: what is trained on, calibrated with, and shown to a network afterwards."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from tinyproof.console import UserError, track

SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp", ".tif", ".tiff", ".ppm", ".pgm")
RESAMPLING = Image.Resampling.BILINEAR  # when shrinking, Pillow averages over all the pixels that a new one covers
# Pillow's decoders report damage with whatever they tripped over.
DAMAGE = (OSError, ValueError, SyntaxError, EOFError, struct.error, zlib.error, Image.DecompressionBombError)


def read_pictures(files: Sequence[Path], size: tuple[int, int], color: bool | None) -> NDArray[np.uint8]:
    """The pictures as uint8 (N,H,W,C), stretched to `size` (height, width).

    `color` asks for three channels or for one; None keeps colour if any picture has some.
    """
    mode = "L" if color is False else "RGB"
    channels = 1 if mode == "L" else 3
    images = np.empty((len(files), *size, channels), np.uint8)
    for row, path in enumerate(track(files, "reading pictures")):
        images[row] = _read(path, size, mode).reshape(*size, channels)
    is_grey = bool((images == images[..., :1]).all())
    return np.ascontiguousarray(images[..., :1]) if color is None and is_grey else images


def _read(path: Path, size: tuple[int, int], mode: str) -> NDArray[np.uint8]:
    height, width = size
    return np.asarray(open_picture(path, mode).resize((width, height), RESAMPLING))


def open_picture(path: Path, mode: str) -> Image.Image:
    """Return the picture upright, over white where it is transparent, as Pillow's mode `L` or `RGB`.

    UserError if the file is no picture of 8 bits a channel.
    """
    try:
        with Image.open(path) as file:
            image = ImageOps.exif_transpose(file)
            if image.mode.startswith(("I", "F")):
                raise UserError(f"{path} has more than 8 bits a channel; save it with 8")
            if image.has_transparency_data:
                image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image.convert("RGBA"))
            return image.convert(mode)
    except DAMAGE as error:
        raise UserError(f"{path} cannot be read as a picture: replace or remove it") from error
