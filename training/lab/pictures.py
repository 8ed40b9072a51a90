"""The picture that filters are tried on: the bundled one, scipy's stairwell, or a user's own file, as grey values.

Refuses what is no picture. A large file is scaled down unless its size is asked for. Nothing is downloaded but scipy's
stairwell, and that by scipy's own loader.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tinyproof import advice
from tinyproof.console import UserError
from tinyproof.environment import DATA_VARIABLE, data_folder
from tinyproof.model_files import NPZ_DAMAGE
from tinyproof.training.lab.scene import draw_scene

BUNDLED, ASCENT = "stairwell", "ascent"
ASCENT_FILE = "ascent.npy"
LONGEST = 1024  # pixels of the longer side: 200 tiles of the chip, and as fine as a page shows
FULL = "full"  # for a picture that keeps its size


@dataclass(frozen=True, eq=False)
class Source:
    """A grey picture, uint8 (H,W), its name, and what was done to it, in words for people."""

    name: str
    pixels: NDArray[np.uint8]
    remark: str

    @property
    def size(self) -> str:
        """Width and height, as pictures are described.

        >>> load_picture().size
        '512x512'
        """
        return f"{self.pixels.shape[1]}x{self.pixels.shape[0]}"


def load_picture(image: str = BUNDLED, longest: int | None = LONGEST) -> Source:
    """Return the bundled picture, `ascent`, or the picture in the file `image` (also a .npy of uint8 (H,W)).

    A file's picture is scaled down to `longest` pixels of its longer side; None keeps its size. Colour becomes grey as
    0.299 R + 0.587 G + 0.114 B. UserError for a file that is missing or no picture.
    """
    if image == BUNDLED:
        return Source(BUNDLED, draw_scene(), "drawn by tinyproof")
    if image == ASCENT:
        return _ascent()
    path = Path(image)
    if not path.is_file():
        raise UserError(f"{advice.setting('image', image)} is no file: give a picture, {BUNDLED} or {ASCENT}")
    if path.suffix == ".npy":
        return _scaled(Source(path.stem, _array(path), f"from {path}"), longest)
    from tinyproof.pictures import open_picture

    picture = open_picture(path, "RGB")
    grey = np.asarray(picture.convert("L"))
    coloured = bool((np.asarray(picture) != grey[..., np.newaxis]).any())
    return _scaled(Source(path.stem, grey, f"from {path}" + (", colour turned to grey" if coloured else "")), longest)


def parse_size(text: str) -> int | None:
    """Read how long the longer side may be; None: as long as it is. UserError for what is neither.

    >>> parse_size("800"), parse_size("full")
    (800, None)
    """
    if advice.same_name(text, [FULL]):
        return None
    if text.isascii() and text.isdigit() and int(text):
        return int(text)
    raise UserError(
        f"{advice.setting('size', text)}: here it is the longer side of the picture in pixels, {LONGEST} without it, "
        f"or {FULL} for the size that it has"
    )


def _scaled(source: Source, longest: int | None) -> Source:
    """No side longer than `longest`; the remark says what was done, and how to get it as it is."""
    height, width = source.pixels.shape
    if longest is None or max(height, width) <= longest:
        return source
    from PIL import Image

    size = tuple(max(1, round(side * longest / max(height, width))) for side in (width, height))
    pixels = np.asarray(Image.fromarray(source.pixels).resize((size[0], size[1]), Image.Resampling.BILINEAR))
    remark = f"{source.remark}, scaled down from {source.size} ({advice.setting('size', FULL)} keeps it)"
    return Source(source.name, pixels, remark)


def _ascent() -> Source:
    """From $TINYPROOF_DATA, else by scipy, which downloads it once and needs the package pooch for that."""
    folder = data_folder()
    if folder and (path := folder / ASCENT_FILE).is_file():
        return Source(ASCENT, _array(path), f"scipy's stairwell, from {path}")
    try:
        from scipy.datasets import ascent

        return Source(ASCENT, np.asarray(ascent(), np.uint8), "scipy's stairwell")
    except ImportError:
        raise UserError(
            f"{advice.setting('image', ASCENT)} comes with scipy and pooch, which are not installed here: put "
            f"{ASCENT_FILE} into a folder and set {DATA_VARIABLE} to it, or run `{sys.executable} -m pip install scipy "
            "pooch`"
        ) from None
    except (OSError, ValueError) as error:
        raise UserError(
            f"{advice.setting('image', ASCENT)}: scipy could not load it ({' '.join(str(error).split())})"
        ) from None


def _array(path: Path) -> NDArray[np.uint8]:
    try:
        pixels = np.load(path, allow_pickle=False)
    except NPZ_DAMAGE as error:
        raise UserError(f"{path} cannot be read ({' '.join(str(error).split())}): give another file") from None
    if not isinstance(pixels, np.ndarray) or pixels.dtype != np.uint8 or pixels.ndim != 2 or pixels.size == 0:
        raise UserError(f"{path} holds no grey picture: it has to be a uint8 array of shape (H,W)")
    return pixels
