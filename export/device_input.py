"""Images as the bytes that a device gets: the one place where they are quantized, for golden vectors and validation."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tinyproof.manifest import TensorInfo
from tinyproof.preprocess import preprocess


def device_bytes(x: TensorInfo, images: NDArray[np.uint8]) -> NDArray[np.int8]:
    """Images uint8 (N,H,W,C) -> int8 of the same shape: round(preprocess(pixel) / scale) + zero_point, clamped."""
    return quantized(preprocess(images), x.scale, x.zero_point)


def quantized(values: NDArray[np.float32], scale: float, zero_point: int) -> NDArray[np.int8]:
    """Numbers float32 as int8 of the same shape: round(value / scale) + zero_point, clamped."""
    levels = np.rint(values / np.float32(scale)) + zero_point
    return np.asarray(np.clip(levels, -128, 127), np.int8)
