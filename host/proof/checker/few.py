"""The kernels for few filters, few taps or one channel: their weights out of the words in which they lie."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from .findings import require
from .kernels import PRODUCT, SUM, Linear, output, pool_of, pools_squares
from .params import Params


def conv2d_few(p: Params) -> Linear:
    """Run by run of what lies side by side, in words; the last of a run begins four taps before its end."""
    g, row_words = p.window("window"), p.number("row_words")
    runs = 1 if g.dilation_w == 1 else g.k_w
    run = g.k_w * g.x_c // runs
    words = -(-run // 4)
    require(run >= 4 and row_words == runs * words, f"{p.where}: not for this kernel")
    table = p.table("table", 4, g.y_c, g.k_h, runs, words, 3)
    first = np.add.outer(np.arange(runs) * g.dilation_w * g.x_c, np.minimum(np.arange(words) * 4, run - 4))
    require(bool(np.all(table[..., 0] == first)), f"{p.where}: a word lies elsewhere")
    low, high = (table[..., 1:] + 2**15) % 2**16 - 2**15, table[..., 1:] >> 16
    quads = np.stack([low[..., 0], low[..., 1], high[..., 0], high[..., 1]], axis=-1)  # taps 0 to 3
    whole, again = run // 4, -run % 4
    taps = [quads[..., :whole, :].reshape(g.y_c, g.k_h, runs, 4 * whole)]
    if again:
        require(not np.any(quads[..., whole, :again]), f"{p.where}: a tap is there twice")
        taps.append(quads[..., whole, again:])
    weights = np.concatenate(taps, axis=-1).reshape(g.y_c, g.k_h, g.k_w, g.x_c)
    bias, channels, clamp, signs = output(p.part("output"), g.y_c)
    columns = 3 * g.stride_w + (g.k_w - 1) * g.dilation_w + 1  # that four pixels see
    scratch, x_zero = g.k_h * columns * g.x_c + 4 * g.y_c, p.byte("x_zero_point")
    return Linear(g, None, weights, bias, x_zero, clamp, channels, signs, scratch, band=0)


def conv2d_narrow(p: Params) -> Linear:
    """Ten taps in five words."""
    g, y_c = p.window("window"), p.window("window").y_c
    channels, taps = p.table("channels", 4, y_c, 9), g.k_h * g.k_w * g.x_c
    low = (channels[:, :5] + 2**15) % 2**16 - 2**15
    words = np.stack([low, channels[:, :5] >> 16], axis=2).reshape(y_c, 10)
    pool = pool_of(p, g)
    small = taps <= 10 and (pool is None or max(pool.k_h, pool.k_w) <= 2)
    require(small and not np.any(words[:, taps:]), f"{p.where}: not for this kernel")
    weights, clamp = words[:, :taps].reshape(y_c, g.k_h, g.k_w, g.x_c), p.clamp
    x_zero = p.byte("x_zero_point")
    return Linear(g, pool, weights, channels[:, 5], x_zero, clamp, channels[:, 6:], (PRODUCT, SUM), 0, band=1)


def conv2d_one_channel(p: Params) -> Linear:
    """One channel, windows of up to 3 x 3 filled up with zeros; a shift lies beside the last weight."""
    g, pool = p.window("window"), pool_of(p, p.window("window"))
    channels = p.table("channels", 4, g.y_c, 8)
    low, high = (channels + 2**15) % 2**16 - 2**15, channels >> 16
    left, right = low[:, [0, 2, 3]], high[:, [0, 2, 3]]
    middle, shift = np.stack([low[:, 4], high[:, 4], high[:, 5]], axis=1), low[:, 5]
    every = np.stack([left, middle, right], axis=2)  # (y_c, 3, 3)
    by_squares, single = g.stride_h == g.stride_w == 1, g.x_c == g.dilation_h == g.dilation_w == 1
    shifts = bool(np.all((shift >= 0) & (shift < 32)))
    unused = bool(np.any(every[:, g.k_h :]) or np.any(every[:, :, g.k_w :]))
    fits = single and max(g.k_h, g.k_w) <= 3 and pools_squares(pool) and (by_squares or pool is None)
    require(fits and shifts and not unused, f"{p.where}: not for this kernel")
    table = np.stack([channels[:, 6], channels[:, 7], shift], axis=1)
    weights, x_zero, band = (
        every[:, : g.k_h, : g.k_w, None],
        p.byte("x_zero_point"),
        2 if by_squares and not pool else 1,
    )
    return Linear(g, pool, weights, channels[:, 1], x_zero, p.clamp, table, (SUM,), 0, band)


FEW: dict[str, tuple[str, Callable[[Params], Linear]]] = {
    "conv2d_few_s8": ("conv2d_few_params", conv2d_few),
    "conv2d_narrow_s8": ("conv2d_narrow_params", conv2d_narrow),
    "conv2d_one_channel_s8": ("conv2d_one_channel_params", conv2d_one_channel),
}
