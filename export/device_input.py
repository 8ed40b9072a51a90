"""Images as the bytes that a device gets: the one place where they are quantized, for golden vectors and validation."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tinyproof.manifest import TensorInfo
from tinyproof.preprocess import preprocess

PIXEL_SCALE = 1 / 255  # of a network that was trained on pixels divided by 255
WHOLE_PIXEL_SCALE = 1.0  # of one that scales pixels itself
PIXEL_ZERO_POINT = -128
SCALE_TOLERANCE = 1e-6  # relative; float32 keeps 7 digits


def is_pixel_input(x: TensorInfo, *scales: float) -> bool:
    """Whether the input byte is `pixel - 128`; given `scales`, of a network whose input has one of them."""
    near = (abs(x.scale / scale - 1) < SCALE_TOLERANCE for scale in scales or (PIXEL_SCALE, WHOLE_PIXEL_SCALE))
    return x.zero_point == PIXEL_ZERO_POINT and any(near)


def device_bytes(x: TensorInfo, images: NDArray[np.uint8]) -> NDArray[np.int8]:
    """Images uint8 (N,H,W,C) -> int8 of the same shape: round(preprocess(pixel) / scale) + zero_point, clamped.

    A network that takes pixels undivided gets them so.
    """
    undivided = WHOLE_PIXEL_SCALE / PIXEL_SCALE if is_pixel_input(x, WHOLE_PIXEL_SCALE) else 1.0
    return quantized(preprocess(images), x.scale / undivided, x.zero_point)


def quantized(values: NDArray[np.float32], scale: float, zero_point: int) -> NDArray[np.int8]:
    """Numbers float32 as int8 of the same shape: round(value / scale) + zero_point, clamped."""
    levels = np.rint(values / np.float32(scale)) + zero_point
    return np.asarray(np.clip(levels, -128, 127), np.int8)
