"""The kernels after Winograd: filters out of their transforms (lemma "Winograd")."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from .arithmetic import INT32_MAX, Ints, ints
from .findings import require
from .kernels import Linear, filters, output, pool_of, pools_squares, rounded_up, unpacked
from .params import Params

TWICE_G = ints([[2, 0, 0], [1, 1, 1], [1, -1, 1], [0, 0, 2]])
SCALED_G = ints([[1, 0, 0], [-1, -1, -1], [-1, 1, -1], [1, 2, 4], [1, -2, 4], [0, 0, 1]])
# Of whole numbers: times these, a transformed line gives twice the line.
TWICE_G_BACK = ints([[1, 0, 0, 0], [0, 1, -1, 0], [0, 0, 0, 1]])
SCALED_G_BACK = ints([[2, 0, 0, 0, 0, 0], [0, -1, 1, 0, 0, 0], [0, 0, 0, 0, 0, 2]])


def _untransformed(positions: Ints, forth: Ints, back: Ints, where: str) -> Ints:
    """Filters (y_c, 3, 3, x_c) of which (y_c, side, side, x_c) are the transforms. Refused where there are none."""
    fourfold = np.einsum("ai,oijc,bj->oabc", back, positions, back)
    weights = ints(fourfold // 4)
    again = np.einsum("ia,oabc,jb->oijc", forth, weights, forth)
    require(bool(np.all(again == positions)), f"{where}: its weights are not the transform of any filter")
    return weights


def _winograd(p: Params, weights: Ints, band: int, scratch: int, tiles: tuple[int, int, int]) -> Linear:
    g = p.window("window")
    steps = (g.k_h, g.k_w, g.stride_h, g.stride_w, g.dilation_h, g.dilation_w)
    require(steps == (3, 3, 1, 1, 1, 1) and g.x_c % 4 == 0, f"{p.where}: not for this kernel")
    bias, table, clamp, signs = output(p.part("output"), g.y_c)
    rows, columns, side = tiles
    leaves = bool(g.pad_h or g.pad_w or side * rows + 2 > g.x_h or side * columns + 2 > g.x_w)
    scratch += leaves * (32 if side == 2 else 36) * g.x_c
    return Linear(g, pool_of(p, g), weights, bias, p.byte("x_zero_point"), clamp, table, signs, scratch, band)


def conv2d_winograd(p: Params) -> Linear:
    """F(2x2, 3x3) in whole numbers: sums are four times the convolution's, half of them is doubled."""
    g, pool = p.window("window"), pool_of(p, p.window("window"))
    groups, quads = -(-g.y_c // 4), g.x_c // 4
    table = unpacked(p.table("weights", 2, 4, groups, 4, quads, 2, 4, 2), 4)  # (row, group, column, filter, x_c)
    every = np.moveaxis(table, (1, 3), (0, 1)).reshape(-1, 16 * g.x_c)
    positions = filters(every[:, None], g.y_c, p.where).reshape(-1, 4, 4, g.x_c)
    most = int(np.abs(positions).sum(axis=(1, 2, 3)).max(initial=0)) * 4 * 128
    require(most <= INT32_MAX, f"{p.where}: a sum of transformed products may overflow")
    weights = 2 * _untransformed(positions, TWICE_G, TWICE_G_BACK, p.where)
    require(pools_squares(pool), f"{p.where}: not for this kernel")
    tiles = (pool.y_h, pool.y_w, 2) if pool else (-(-g.y_h // 2), -(-g.y_w // 2), 2)
    return _winograd(p, weights, 1 if pool else 2, 128 + 32 * rounded_up(g.y_c) + 16 * g.x_c, tiles)


def conv2d_winograd4(p: Params) -> Linear:
    """F(4x4, 3x3) modulo 2^32: what a sum is multiplied with at the end must leave it within 32 bits."""
    g, pool = p.window("window"), pool_of(p, p.window("window"))
    groups, quads = -(-g.y_c // 4), g.x_c // 4
    table = unpacked(p.table("weights", 2, groups, 36, quads, 2, 4, 2), 4)  # (group, position, filter, x_c)
    every = np.moveaxis(table, 1, 2).reshape(-1, 36 * g.x_c)
    positions = filters(every[:, None], g.y_c, p.where).reshape(-1, 6, 6, g.x_c)
    weights = _untransformed(positions, SCALED_G, SCALED_G_BACK, p.where)
    most = int(np.abs(weights).sum(axis=(1, 2, 3)).max(initial=0)) * 64 * 128
    require(most <= INT32_MAX and pool is None, f"{p.where}: a sum of transformed products may overflow")
    tiles = (-(-g.y_h // 4), -(-g.y_w // 4), 4)
    return _winograd(p, 2 * weights, 4, 1152 + 144 * g.x_c, tiles)


WINOGRAD: dict[str, tuple[str, Callable[[Params], Linear]]] = {
    "conv2d_winograd_s8": ("conv2d_winograd_params", conv2d_winograd),
    "conv2d_winograd4_s8": ("conv2d_winograd_params", conv2d_winograd4),
}
