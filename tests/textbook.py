"""Convolution and pooling as the textbook writes them, pixel by pixel: the oracle of the lab's vectorised ones.

Loops over rows and columns from the filter's margin on, sums, multiplies by the weight, clamps to 0..255, and stores
into an array of whole numbers, which cuts the fraction off. Slow, and meant to be read.
"""

from __future__ import annotations

import numpy as np


def convolve(picture, numbers, weight):
    """Edge pixels that the filter does not fit over keep their value."""
    result = np.copy(picture)
    k_h, k_w = len(numbers), len(numbers[0])
    top, left = (k_h - 1) // 2, (k_w - 1) // 2
    height, width = picture.shape
    for row in range(top, height - (k_h - 1 - top)):
        for column in range(left, width - (k_w - 1 - left)):
            total = 0.0
            for i in range(k_h):
                for j in range(k_w):
                    total = total + int(picture[row - top + i, column - left + j]) * numbers[i][j]
            total = total * weight
            if total < 0:
                total = 0
            if total > 255:
                total = 255
            result[row, column] = int(total)
    return result


def pool(picture, size, of_block):
    """`of_block` makes one pixel out of the whole blocks; rows and columns left over are dropped."""
    height, width = picture.shape[0] // size, picture.shape[1] // size
    result = np.zeros((height, width), np.uint8)
    for row in range(height):
        for column in range(width):
            block = [int(picture[row * size + i, column * size + j]) for i in range(size) for j in range(size)]
            result[row, column] = of_block(block)
    return result
