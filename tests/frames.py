"""A camera's frames, and by Python what a network sees of them."""

from __future__ import annotations

import struct
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageOps

from tinyproof.pictures import stretched

# In the order of `frame_format`: their names, and the bytes of a pixel.
PIXEL_BYTES = {"grey": 1, "rgb565": 2, "rgb565 swapped": 2, "yuv422": 2, "rgb888": 3}
FORMATS = list(PIXEL_BYTES)


@dataclass(frozen=True)
class Frame:
    """Its bytes, the part that is seen (left, top, width, height), and the network's (height, width, channels)."""

    format: str
    width: int
    height: int
    data: bytes
    part: tuple[int, int, int, int]
    picture: tuple[int, int, int]
    inverted: bool = False

    def packed(self) -> bytes:
        """For tests/c/frames.c."""
        height, width, channels = self.picture
        fields = (FORMATS.index(self.format), self.width, self.height, *self.part, self.inverted)
        return struct.pack("12i", *fields, width, height, channels, len(self.data)) + self.data


def opened(frame):
    """The frame as Pillow opens such bytes."""
    size, data = (frame.width, frame.height), frame.data
    if frame.format == "grey":
        return Image.frombytes("L", size, data)
    if frame.format == "rgb888":
        return Image.frombytes("RGB", size, data)
    if frame.format == "yuv422":
        pairs = np.frombuffer(data, np.uint8).reshape(frame.height, frame.width // 2, 4)
        luma = pairs[:, :, [0, 2]].reshape(frame.height, frame.width)
        chroma = (np.repeat(pairs[:, :, index], 2, axis=1) for index in (1, 3))
        return Image.fromarray(np.stack([luma, *chroma], axis=-1), "YCbCr")
    if frame.format == "rgb565":
        data = np.frombuffer(data, ">u2").astype("<u2").tobytes()
    return Image.frombytes("RGB", size, data, "raw", "BGR;16")


def seen(frame):
    """The network's input, int8 (height * width * channels,)."""
    height, width, channels = frame.picture
    left, top, across, down = frame.part
    image = opened(frame).convert("L" if channels == 1 else "RGB").crop((left, top, left + across, top + down))
    image = stretched(image, (height, width))
    pixels = np.asarray(ImageOps.invert(image) if frame.inverted else image, np.int16)
    return (pixels - 128).astype(np.int8).ravel()


def middle(frame_size, picture):
    """(left, top, width, height) of the largest part in the middle of a frame (width, height) that is shaped alike."""
    width, height = frame_size
    across = max(min(width, height * picture[1] // picture[0]), 1)
    down = max(min(height, width * picture[0] // picture[1]), 1)
    return (width - across) // 2, (height - down) // 2, across, down
