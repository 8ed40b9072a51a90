"""Reads pictures into arrays of one size: what is trained on, calibrated with, and shown to a network afterwards."""

from __future__ import annotations

import struct
import warnings
import zlib
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps
from pillow_heif import register_heif_opener

from tinyproof.beginnings import stand_in
from tinyproof.console import UserError, track

SUFFIXES = (
    ".png",
    ".jpg",
    ".jpeg",
    ".jfif",
    ".jpe",
    ".jp2",
    ".bmp",
    ".gif",
    ".webp",
    ".tif",
    ".tiff",
    ".ppm",
    ".pgm",
    ".pnm",
    ".tga",
    ".heic",
    ".heif",
    ".avif",
)
NAMED = 25  # bad files in one message
TINY = 8  # pixels a side; what is smaller shows nothing
MOST_PIXELS = 2 * (Image.MAX_IMAGE_PIXELS or 0)  # from here on Pillow refuses
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


@dataclass
class Oddities:
    """Pictures that are read, but perhaps not as their owner thinks: found while reading."""

    frames: list[Path] = field(default_factory=list)  # of several pictures: the first of them is read
    tiny: list[Path] = field(default_factory=list)

    def in_words(self) -> str:
        """`; of 40 files with several pictures the first is read`; empty where there is nothing odd."""
        words = ""
        if self.frames:
            words += f"; of {_files(self.frames)} with several frames or pages the first is read"
        if self.tiny:
            words += f"; {_files(self.tiny)} under {TINY} pixels wide or high"
        return words


def _files(paths: list[Path]) -> str:
    return f"{len(paths):,} {'file' if len(paths) == 1 else 'files'} ({paths[0].name}{', ...' * (len(paths) > 1)})"


def read_pictures(
    files: Sequence[Path], size: tuple[int, int], color: bool | None, oddities: Oddities | None = None
) -> NDArray[np.uint8]:
    """The pictures as uint8 (N,H,W,C), stretched to `size` (height, width).

    `color` asks for three channels or for one; None keeps colour if any picture has some. `oddities` takes what is odd.
    """
    mode = "L" if color is False else "RGB"
    channels = 1 if mode == "L" else 3
    images = np.empty((len(files), *size, channels), np.uint8)
    bad: list[tuple[Path, BadPicture]] = []
    for row, path in enumerate(track(files, "reading pictures")):
        try:
            picture = stretched(open_picture(path, mode, oddities), size)
            images[row] = np.asarray(picture).reshape(*size, channels)
        except BadPicture as error:
            bad.append((path, error))
    if len(bad) == 1:
        raise bad[0][1]
    if bad:
        more = f", and {len(bad) - NAMED} more" if len(bad) > NAMED else ""
        names = ", ".join(f"{path} ({error.reason}{error.advice})" for path, error in bad[:NAMED])
        raise UserError(f"{len(bad)} files cannot be read as pictures: replace or remove {names}{more}")
    is_grey = bool((images == images[..., :1]).all())
    return np.ascontiguousarray(images[..., :1]) if color is None and is_grey else images


def stretched(image: Image.Image, size: tuple[int, int]) -> Image.Image:
    """The picture, mode `L` or `RGB`, in the size (height, width): along its rows first, whatever Pillow's version.

    A camera's frames come to a chip row by row, and firmware/examples/camera_frame.c makes the same bytes of them.
    Pillow 13 takes tall pictures the other way round, and the bytes between the two ways are rounded.
    """
    height, width = size
    return image.resize((width, image.height), RESAMPLING).resize((width, height), RESAMPLING)


class BadPicture(UserError):
    """A file that cannot be read as a picture, and what it is."""

    def __init__(self, path: Path, reason: str, cure: str = "") -> None:
        super().__init__(f"{path} cannot be read as a picture ({reason}): {cure or 'replace or remove it'}")
        self.reason, self.advice = reason, f"; {cure}" if cure else ""


@contextmanager
def _unwarned() -> Iterator[None]:
    """Without Pillow's words about size, and about damage in what is not the picture itself."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def open_picture(path: Path, mode: str, oddities: Oddities | None = None) -> Image.Image:
    """Return the picture upright, over white where it is transparent, as Pillow's mode `L` or `RGB`.

    UserError if the file is no picture of 8 bits a channel.
    """
    try:
        with _unwarned(), Image.open(path) as file:
            if oddities is not None and getattr(file, "n_frames", 1) > 1:
                oddities.frames.append(path)
            image = ImageOps.exif_transpose(file)
            if image.mode.startswith(("I", "F")):
                raise BadPicture(path, "more than 8 bits a channel", "save it with 8")
            if image.has_transparency_data:
                image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image.convert("RGBA"))
            if oddities is not None and min(image.size) < TINY:
                oddities.tiny.append(path)
            return image.convert(mode)
    except Image.DecompressionBombError as error:
        raise BadPicture(path, f"over {MOST_PIXELS / 1e6:.0f} million pixels", "save it smaller") from error
    except DAMAGE as error:
        raise BadPicture(path, what_it_is(path)) from error


def what_it_is(path: Path) -> str:
    """What a file is that cannot be read as a picture, in a few words."""
    try:
        with path.open("rb") as file:
            start = file.read(512)
    except OSError as error:
        return "a link to nothing" if path.is_symlink() and not path.exists() else str(error.strerror)
    if not start:
        return "empty"
    text = start.lstrip().lower()
    if text.startswith((b"<svg", b"<!doctype svg", b"<?xml")) and b"<svg" in text:
        return "SVG, which is no picture of pixels"
    if kind := stand_in(start):
        return kind[0]
    if start.startswith((b"\x89PNG", b"\xff\xd8", b"GIF8", b"BM", b"RIFF", b"II*", b"MM\0*")) or start[4:8] == b"ftyp":
        return "damaged or cut short"
    if start.startswith(b"PK"):
        return "a zip"
    return "no picture"


def count_kinds(files: Sequence[Path]) -> str:
    """`40 .txt, 3 without an ending`: how many files of each kind; empty where there are none."""
    kinds = Counter(path.suffix.lower() or "without an ending" for path in files)
    return ", ".join(f"{count:,} {kind}" for kind, count in kinds.most_common())
