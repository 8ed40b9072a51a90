"""The kinds of places in an image, by which taps of a window lie inside there."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tinyproof.export.ops.window import Window


def window_classes(window: Window) -> NDArray[np.bool_]:
    """Which taps are inside, for every kind of place that an output has, (kinds, k_h * k_w); True: inside."""

    def along(y: int, k: int, stride: int, dilation: int, pad: int, x: int) -> NDArray[np.bool_]:
        places = np.arange(y)[:, None] * stride - pad + np.arange(k) * dilation
        return np.unique((places >= 0) & (places < x), axis=0)

    rows = along(window.y_h, window.k_h, window.stride_h, window.dilation_h, window.pad_h, window.x_h)
    columns = along(window.y_w, window.k_w, window.stride_w, window.dilation_w, window.pad_w, window.x_w)
    both = rows[:, None, :, None] & columns[None, :, None, :]
    return np.asarray(both.reshape(len(rows) * len(columns), -1), np.bool_)
