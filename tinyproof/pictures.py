"""Reads pictures into arrays of one size: what is trained on, calibrated with, and shown to a network afterwards."""

from __future__ import annotations

import struct
import warnings
import zlib
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps
from pillow_heif import register_heif_opener

from tinyproof.console import UserError, track

SUFFIXES = (
    ".png",
    ".jpg",
    ".jpeg",
    ".jfif",
    ".bmp",
    ".gif",
    ".webp",
    ".tif",
    ".tiff",
    ".ppm",
    ".pgm",
    ".heic",
    ".heif",
    ".avif",
)
NAMED = 25  # bad files in one message
register_heif_opener()  # .heic, as telephones write it; Pillow reads AVIF itself
RESAMPLING = Image.Resampling.BILINEAR  # when shrinking, Pillow averages over all the pixels that a new one covers
# Pillow's decoders report damage with whatever they tripped over.
DAMAGE = (
    ArithmeticError,
    AttributeError,
    EOFError,
    Image.DecompressionBombError,
    LookupError,
    MemoryError,
    OSError,
    RuntimeError,
    SyntaxError,
    TypeError,
    ValueError,
    struct.error,
    zlib.error,
)


def read_pictures(files: Sequence[Path], size: tuple[int, int], color: bool | None) -> NDArray[np.uint8]:
    """The pictures as uint8 (N,H,W,C), stretched to `size` (height, width).

    `color` asks for three channels or for one; None keeps colour if any picture has some.
    """
    mode = "L" if color is False else "RGB"
    channels = 1 if mode == "L" else 3
    images = np.empty((len(files), *size, channels), np.uint8)
    bad = []
    for row, path in enumerate(track(files, "reading pictures")):
        try:
            images[row] = _read(path, size, mode).reshape(*size, channels)
        except UserError as error:
            bad.append((path, error))
    if len(bad) == 1:
        raise bad[0][1]
    if bad:
        more = f", and {len(bad) - NAMED} more" if len(bad) > NAMED else ""
        names = ", ".join(f"{path} ({what_it_is(path)})" for path, _ in bad[:NAMED])
        raise UserError(f"{len(bad)} files cannot be read as pictures: replace or remove {names}{more}")
    is_grey = bool((images == images[..., :1]).all())
    return np.ascontiguousarray(images[..., :1]) if color is None and is_grey else images


def _read(path: Path, size: tuple[int, int], mode: str) -> NDArray[np.uint8]:
    return np.asarray(stretched(open_picture(path, mode), size))


def stretched(image: Image.Image, size: tuple[int, int]) -> Image.Image:
    """The picture, mode `L` or `RGB`, in the size (height, width): along its rows first, whatever Pillow's version.

    A camera's frames come to a chip row by row, and firmware/examples/camera_frame.c makes the same bytes of them.
    Pillow 13 takes tall pictures the other way round, and the bytes between the two ways are rounded.
    """
    height, width = size
    return image.resize((width, image.height), RESAMPLING).resize((width, height), RESAMPLING)


def open_picture(path: Path, mode: str) -> Image.Image:
    """Return the picture upright, over white where it is transparent, as Pillow's mode `L` or `RGB`.

    UserError if the file is no picture of 8 bits a channel.
    """
    try:
        with warnings.catch_warnings(), Image.open(path) as file:
            warnings.simplefilter("ignore")  # of damage in what is not the picture itself
            image = ImageOps.exif_transpose(file)
            if image.mode.startswith(("I", "F")):
                raise UserError(f"{path} has more than 8 bits a channel; save it with 8")
            if image.has_transparency_data:
                image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image.convert("RGBA"))
            return image.convert(mode)
    except DAMAGE as error:
        raise UserError(f"{path} cannot be read as a picture ({what_it_is(path)}): replace or remove it") from error


def what_it_is(path: Path) -> str:
    """What a file is that cannot be read as a picture, in a few words."""
    try:
        with path.open("rb") as file:
            start = file.read(512)
    except OSError as error:
        return str(error.strerror)
    if not start:
        return "empty"
    text = start.lstrip().lower()
    if text.startswith((b"<html", b"<!doctype", b"<?xml")):
        return "a web page" if b"svg" not in text else "SVG, which is no picture of pixels"
    if text.startswith(b"version https://git-lfs"):
        return "a Git LFS pointer"
    if start.startswith((b"\x89PNG", b"\xff\xd8", b"GIF8", b"BM", b"RIFF", b"II*", b"MM\0*")) or start[4:8] == b"ftyp":
        return "damaged or cut short, or more than 8 bits a channel"
    if start.startswith(b"PK"):
        return "a zip"
    return "no picture"


def count_unused(files: Sequence[Path]) -> str:
    """`40 .txt, 3 without an ending`: how many files of each kind; empty where there are none."""
    kinds = Counter(path.suffix.lower() or "without an ending" for path in files)
    return ", ".join(f"{count:,} {kind}" for kind, count in kinds.most_common())
