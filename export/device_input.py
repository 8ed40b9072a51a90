"""Images as the bytes that a device gets: the one place where they are quantized, for golden vectors and validation."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tinyproof.manifest import TensorInfo
from tinyproof.preprocess import preprocess


def device_bytes(x: TensorInfo, images: NDArray[np.uint8]) -> NDArray[np.int8]:
    """Images uint8 (N,H,W,C) -> int8 of the same shape: round(preprocess(pixel) / scale) + zero_point, clamped."""
    levels = np.rint(preprocess(images) / np.float32(x.scale)) + x.zero_point
    return np.asarray(np.clip(levels, -128, 127), np.int8)
