"""Reads the images that a Keras model from elsewhere is calibrated with: a folder of pictures, or an .npy or .npz.

Pixels only, 0..255 in 8 bits: what the network sees of a pixel is said apart (`export.quantize.PIXELS`), so that it is
known on the device too. Needs no TensorFlow.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tinyproof import advice
from tinyproof.console import UserError
from tinyproof.model_files import NPZ_DAMAGE

MOST_IMAGES = 500
Images = NDArray[np.uint8]


def load_calibration(path: Path, input_shape: tuple[int, int, int]) -> Images:
    """Images uint8 (n <= 500,H,W,C) of the shape (H,W,C) that the network takes: pictures are stretched to it.

    Of more than 500, as many spread over all of them. UserError if there are none, or arrays of another shape or type.
    """
    from tinyproof.pictures import SUFFIXES, read_pictures

    check_calibration(path)
    if path.is_dir():
        files = [file for file in sorted(path.rglob("*")) if file.suffix.lower() in SUFFIXES]
        if not files:
            raise UserError(f"{path} holds no pictures ({' '.join(SUFFIXES)}) to calibrate with; name another folder")
        if input_shape[2] not in (1, 3):
            raise UserError(
                f"the network takes {input_shape[2]} channels, pictures have 1 or 3: give an .npy of images"
            )
        return read_pictures([files[i] for i in _spread(len(files))], input_shape[:2], input_shape[2] == 3)
    images = _read_array(path)
    if images.ndim == 3 and input_shape[2] == 1:
        images = images[..., np.newaxis]
    if images.dtype != np.uint8:
        raise UserError(
            f"{path} holds {images.dtype}, not uint8: calibration images are pixels 0..255 before any preprocessing; "
            "save them with astype('uint8')"
        )
    if images.shape[1:] != input_shape or len(images) == 0:
        shape, wanted = (" x ".join(map(str, sides)) for sides in (images.shape, ("n", *input_shape)))
        raise UserError(
            f"{path} holds an array {shape}, but the network takes {wanted}: resize the images, channels last"
        )
    return images[_spread(len(images))].astype(np.uint8)


def check_calibration(path: Path) -> None:
    """Raise UserError where there is nothing of that name: known before TensorFlow is waited for."""
    if not path.exists():
        raise UserError(
            f"{path} does not exist: give {advice.setting('calibration')}, a folder of pictures or an .npy of images "
            "uint8 (N,H,W,C), "
            "such as a few hundred of those the network was trained on"
        )


def _read_array(path: Path) -> NDArray[np.generic]:
    try:
        found = np.load(path, allow_pickle=False)
        if isinstance(found, np.ndarray):
            return found
        with found as archive:
            if len(archive.files) != 1:
                raise UserError(f"{path} holds {', '.join(archive.files) or 'nothing'}: give a file with one array")
            array: NDArray[np.generic] = archive[archive.files[0]]
            return array
    except NPZ_DAMAGE:
        raise UserError(f"{path} cannot be read as an array of numbers: save it with numpy.save") from None


def _spread(count: int) -> list[int]:
    """At most 500 of so many places, evenly over all of them."""
    step = max(1.0, count / MOST_IMAGES)
    return [int(place * step) for place in range(min(count, MOST_IMAGES))]
