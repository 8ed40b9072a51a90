"""A picture too large for a chip's memory, cut into tiles that a filter can take one by one, and put together again.

Each tile carries the margin that the filter needs around its own part, so that no seam shows.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

TILE_SIDE = 64  # pixels that come out of one tile, each way, at most


@dataclass(frozen=True)
class Tiling:
    """How (H,W) pixels become tiles: each `x_tile` goes in, each `y_tile` comes out, `rows` x `columns` of them."""

    x_tile: tuple[int, int]
    y_tile: tuple[int, int]
    y_shape: tuple[int, int]  # of the whole picture that comes out
    rows: int
    columns: int
    stride: int

    def cut(self, picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Picture uint8 (H,W) -> tiles uint8 (rows * columns, *x_tile), row by row; black beyond the picture."""
        reach = [
            count * y * self.stride + x for count, y, x in zip(self._counts, self.y_tile, self.x_tile, strict=True)
        ]
        padded = np.pad(picture, [(0, max(0, end - side)) for end, side in zip(reach, picture.shape, strict=True)])
        down, right = (y * self.stride for y in self.y_tile)
        return np.stack(
            [
                padded[i * down : i * down + self.x_tile[0], j * right : j * right + self.x_tile[1]]
                for i in range(self.rows)
                for j in range(self.columns)
            ]
        )

    def stitch(self, tiles: NDArray[np.int8]) -> NDArray[np.int8]:
        """Tiles (rows * columns, *y_tile, n) -> the whole (*y_shape, n)."""
        grid = tiles.reshape(self.rows, self.columns, *self.y_tile, tiles.shape[-1])
        whole = grid.transpose(0, 2, 1, 3, 4).reshape(
            self.rows * self.y_tile[0], self.columns * self.y_tile[1], tiles.shape[-1]
        )
        return whole[: self.y_shape[0], : self.y_shape[1]]

    @property
    def _counts(self) -> tuple[int, int]:
        return self.rows, self.columns


def plan_tiles(picture: tuple[int, int], kernel: tuple[int, int], stride: int, side: int = TILE_SIDE) -> Tiling:
    """The tiling for a picture (H,W) and a filter (h,w) that fits on it. A picture that is one tile stays whole.

    >>> plan_tiles((512, 512), (3, 3), 1)
    Tiling(x_tile=(66, 66), y_tile=(64, 64), y_shape=(510, 510), rows=8, columns=8, stride=1)
    """
    y_shape = [(x - k) // stride + 1 for x, k in zip(picture, kernel, strict=True)]
    y_tile = [min(side, y) for y in y_shape]
    x_tile = [(y - 1) * stride + k for y, k in zip(y_tile, kernel, strict=True)]
    rows, columns = (-(-y // tile) for y, tile in zip(y_shape, y_tile, strict=True))
    return Tiling((x_tile[0], x_tile[1]), (y_tile[0], y_tile[1]), (y_shape[0], y_shape[1]), rows, columns, stride)
