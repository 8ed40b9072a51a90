"""The picture that filters are tried on: the bundled one, scipy's stairwell, or a user's own file, as grey values.

Refuses what is no picture. Nothing is downloaded but scipy's stairwell, and that by scipy's own loader.
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


def load_picture(image: str = BUNDLED) -> Source:
    """Return the bundled picture, `ascent`, or the picture in the file `image` (also a .npy of uint8 (H,W)).

    Colour becomes grey as 0.299 R + 0.587 G + 0.114 B. UserError for a file that is missing or no picture.
    """
    if image == BUNDLED:
        return Source(BUNDLED, draw_scene(), "drawn by tinyproof")
    if image == ASCENT:
        return _ascent()
    path = Path(image)
    if not path.is_file():
        raise UserError(f"{advice.setting('image', image)} is no file: give a picture, {BUNDLED} or {ASCENT}")
    if path.suffix == ".npy":
        return Source(path.stem, _array(path), f"from {path}")
    from tinyproof.pictures import open_picture

    red_green_blue = np.asarray(open_picture(path, "RGB"))
    grey = np.asarray(open_picture(path, "L"))
    coloured = bool((red_green_blue != grey[..., np.newaxis]).any())
    return Source(path.stem, grey, f"from {path}" + (", colour turned to grey" if coloured else ""))


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
