"""What the compiled engine may spend on speed."""

from __future__ import annotations

from enum import Enum


class Optimize(Enum):
    """What memory the choice of kernels spends on speed: none, some, or whatever it takes.

    SMALL keeps one byte for each weight of a convolution; the others choose kernels that take two to eight.
    """

    SMALL = "small"
    BALANCED = "balanced"
    FAST = "fast"
