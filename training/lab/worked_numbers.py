"""One convolution and one pooling by hand: the numbers of a 3x3 neighbourhood and of a 4x4 block, step by step.

The values are those of the exercise that teaches convolutions since 2019; every result is computed here, none is typed.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tinyproof.training.lab.convolution import Pooling, convolve, pool
from tinyproof.training.lab.filters import AnyFilter, Filter, as_filter

NEIGHBOURHOOD = np.array([[0, 64, 128], [48, 192, 144], [42, 226, 168]], np.uint8)
EXERCISE_FILTER = as_filter("-1 0 -2 / 0.5 4.5 -1.5 / 1.5 2 -3")
BLOCK = np.array([[0, 64, 128, 128], [48, 192, 144, 144], [142, 226, 168, 0], [255, 0, 0, 64]], np.uint8)


@dataclass(frozen=True, eq=False)
class WorkedPixel:
    """A pixel's neighbourhood uint8 (h,w), the filter, the products (h,w), their sum, and what becomes of it."""

    neighbourhood: NDArray[np.uint8]
    filter: Filter
    products: NDArray[np.float64]
    total: float
    weighted: float
    result: int

    @property
    def text(self) -> str:
        """The calculation, a product a line.

        >>> print(worked_pixel().text)
             0 x -1   =    0
            64 x  0   =    0
           128 x -2   = -256
            48 x  0.5 =   24
           192 x  4.5 =  864
           144 x -1.5 = -216
            42 x  1.5 =   63
           226 x  2   =  452
           168 x -3   = -504
                  sum =  427, more than 255: the new pixel is 255
        """
        lines = [
            (f"{pixel:6d} x ", *_split(number), f"{product:g}")
            for pixel, number, product in zip(
                self.neighbourhood.flat, self.filter.array.flat, self.products.flat, strict=True
            )
        ]
        whole, part, wide = (max(len(line[k]) for line in lines) for k in (1, 2, 3))
        wide = max(wide, len(f"{self.total:g}"))
        rows = [f"{a}{b:>{whole}}{c:<{part}} = {d:>{wide}}" for a, b, c, d in lines]
        rows.append(f"{'sum':>{9 + whole + part}} = {self.total:>{wide}g}{self.outcome}")
        return "\n".join(rows)

    @property
    def outcome(self) -> str:
        """What happens to the sum."""
        times = "" if self.filter.weight == 1 else f", times the weight {self.filter.weight:.4g} is {self.weighted:.4g}"
        if self.weighted > 255:
            return f"{times}, more than 255: the new pixel is {self.result}"
        if self.weighted < 0:
            return f"{times}, less than 0: the new pixel is {self.result}"
        cut = "" if self.weighted == self.result else ", cut to a whole number"
        return f"{times}{cut}: the new pixel is {self.result}"


def worked_pixel(neighbourhood: NDArray[np.uint8] = NEIGHBOURHOOD, filter_: AnyFilter = EXERCISE_FILTER) -> WorkedPixel:
    """Multiply, add up, weigh, clamp: one output pixel from a neighbourhood of the filter's shape."""
    made = as_filter(filter_)
    products = neighbourhood * made.array + 0.0  # no -0
    total = float(products.sum())
    result = int(convolve(neighbourhood, made, padding="valid")[0, 0])
    return WorkedPixel(neighbourhood, made, products, total, made.weight * total, result)


def worked_pooling(block: NDArray[np.uint8] = BLOCK, kind: Pooling = "max") -> str:
    """The pooling of a block in 2x2 as text.

    >>> print(worked_pooling())
      0  64 | 128 128
     48 192 | 144 144         192 144
    --------+--------   ->    255 168
    142 226 | 168   0
    255   0 |   0  64
    """
    pooled = pool(block, kind)
    lines = []
    for i, row in enumerate(block):
        if i and i % 2 == 0:
            lines.append("+".join(["--------"] * pooled.shape[1]))
        pairs = [" ".join(f"{pixel:3d}" for pixel in row[j : j + 2]) for j in range(0, len(row), 2)]
        lines.append(" | ".join(pairs))
    start = (len(lines) - len(pooled)) // 2
    arrow = len(lines) // 2
    width = max(map(len, lines)) + 3
    for i, row in enumerate(pooled):
        between = "->" if start + i == arrow else "  "
        lines[start + i] = f"{lines[start + i]:<{width}}{between}    {' '.join(f'{pixel:3d}' for pixel in row)}"
    return "\n".join(lines)


def _split(number: float) -> tuple[str, str]:
    """A number's text before and after its decimal point."""
    whole, dot, part = f"{number:g}".partition(".")
    return whole, dot + part
