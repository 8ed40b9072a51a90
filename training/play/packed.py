"""Arrays as text of a page: exact bytes, small, and read back without a canvas, which some browsers falsify."""

from __future__ import annotations

import base64
import zlib

import numpy as np
from numpy.typing import NDArray


def packed(content: bytes) -> str:
    """zlib, then base64; `unpack` in js/data.js reads it."""
    return base64.b64encode(zlib.compress(content, 9)).decode()


def packed_pictures(pictures: NDArray[np.uint8]) -> str:
    """Pictures uint8 (N,H,W,C), each pixel as its difference from the one at the left: packs better."""
    before = np.pad(pictures, ((0, 0), (0, 0), (1, 0), (0, 0)))[:, :, :-1]
    return packed((pictures - before).tobytes())
