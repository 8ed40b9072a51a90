"""The kernels for dense layers, as convolutions of single pixels."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from .findings import require
from .kernels import Linear, output, plain_way, rounded_up
from .params import Geometry, Params


def _of_dense(p: Params) -> Geometry:
    rows, x_c, y_c = (p.number(name) for name in ("rows", "x_c", "y_c"))
    require(min(rows, x_c, y_c) > 0, f"{p.where}: no rows or channels")
    return Geometry(rows, 1, x_c, rows, 1, y_c, 1, 1, 1, 1, 1, 1, 0, 0)


def dense(p: Params) -> Linear:
    """The plain kernel."""
    g = _of_dense(p)
    weights, bias = p.table("weights", 1, g.y_c, 1, 1, g.x_c), p.table("bias", 4, g.y_c)
    table, clamp = plain_way(p.part("output"), g.y_c)
    return Linear(g, None, weights, bias, None, clamp, table, (), 0, band=0)


def dense_packed(p: Params) -> Linear:
    """Bytes as they come, of four filters side by side, then of single ones; the kernel doubles its sums."""
    g = _of_dense(p)
    whole, row = g.y_c // 4 * 4, rounded_up(g.x_c)
    table = p.table("weights", 1, g.y_c * row)
    fours = np.moveaxis(table[: whole * row].reshape(whole // 4, row // 4, 4, 4), 2, 1).reshape(whole, row)
    taps = np.concatenate([fours, table[whole * row :].reshape(g.y_c - whole, row)])
    require(not np.any(taps[:, g.x_c :]), f"{p.where}: weights beyond the inputs")
    bias, channels, clamp, signs = output(p.part("output"), g.y_c)
    weights = 2 * taps[:, : g.x_c].reshape(g.y_c, 1, 1, g.x_c)
    return Linear(g, None, weights, bias, None, clamp, channels, signs, 2 * rounded_up(g.x_c), band=0)


DENSE: dict[str, tuple[str, Callable[[Params], Linear]]] = {
    "dense_s8": ("dense_params", dense),
    "dense_packed_s8": ("dense_packed_params", dense_packed),
}
