"""What the network sees of an image: the only place where pixels become floating-point numbers.

Training and the calibration of the int8 model both call it. The device never does: with these inputs the int8 model has
scale 1/255 and zero point -128, so there an input byte is simply `pixel - 128`.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def preprocess(images: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Map pixels uint8 (N,H,W,C), 0..255, to float32 of the same shape, 0..1."""
    if images.dtype != np.uint8 or images.ndim != 4:
        raise ValueError(f"images must be uint8 (N,H,W,C), not {images.dtype} {images.shape}")
    return images.astype(np.float32) / np.float32(255)
