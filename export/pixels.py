"""What a Keras model from elsewhere may take a pixel 0..255 as. Standard library alone."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

DEFAULT = "0..1"
AUTO = "auto"  # find out
USUAL = ("0..1", "0..255", "-1..1")  # what is tried where nothing tells right from wrong
BLUE_FIRST = "bgr:"  # before any name: the channels in OpenCV's order
IMAGENET_MEAN, IMAGENET_DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
CAFFE_MEAN = (103.939, 116.779, 123.68)  # blue, green, red
HELP = "LOW..HIGH, such as 0..1, 0..255 or -1..1; torch or caffe, as keras.applications has them; bgr: before it"


@dataclass(frozen=True)
class Taken:
    """`scale` and `offset` from a pixel divided by 255: one of each, or three in the network's order of channels."""

    scale: tuple[float, ...]
    offset: tuple[float, ...]
    blue_first: bool = False

    @property
    def by_channel(self) -> bool:
        """Whether the channels are told apart, which takes three of them."""
        return self.blue_first or len(self.scale) > 1


def taken(name: str) -> Taken | None:
    """What a name says; None for no such name.

    >>> taken("-1..1"), taken("bgr:0..255").blue_first, taken("0-1")
    (Taken(scale=(2.0,), offset=(-1.0,), blue_first=False), True, None)
    """
    if name == "caffe":
        return Taken((255.0,) * 3, tuple(-mean for mean in CAFFE_MEAN), True)
    plain = name.removeprefix(BLUE_FIRST)
    if plain == "torch":
        each = list(zip(IMAGENET_MEAN, IMAGENET_DEVIATION, strict=True))
        return Taken(tuple(1 / d for _, d in each), tuple(-m / d for m, d in each), plain != name)
    ends = re.fullmatch(r"(-?[\d.]+?)\.\.(-?[\d.]+)", plain)
    try:
        low, high = map(float, ends.groups() if ends else ())
    except ValueError:
        return None
    if low == high or not math.isfinite(high - low):
        return None
    return Taken((high - low,), (low,), plain != name)


def candidates(channels: int, orders: bool = True) -> list[str]:
    """What a network of so many channels may have been trained on, the likeliest first; in both `orders` of colours."""
    ranges = [*USUAL, "-0.5..0.5", "-128..127", "1..0"]
    if channels != 3:
        return ranges
    blue_first = [BLUE_FIRST + name for name in (*ranges, "torch")] if orders else []
    return [*ranges, "torch", "caffe", *blue_first]
