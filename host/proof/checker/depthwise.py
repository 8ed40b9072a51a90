"""The packed kernel for depthwise convolutions (lemma "pairs")."""

from __future__ import annotations

import numpy as np

from .arithmetic import ints
from .findings import NotCovered, require
from .kernels import PRODUCT, SUM, Linear, rounded_up
from .params import Geometry, Params


def depthwise_packed(p: Params) -> Linear:
    """The loops for 3 x 3 windows with strides of 1 or 2; others have no lemma yet."""
    g = p.window("window")
    if p.number("run_count") > 0:
        raise NotCovered("no lemma for the pairs of this window")
    one = p.number("alternates")
    stride = 1 if one else 2
    steps = (g.k_h, g.k_w, g.stride_h, g.stride_w, g.dilation_h, g.dilation_w)
    row_words = ((g.y_w if one else max(g.y_w, 4)) - 1) * stride + 3
    wanted = {
        "run_count": 0, "alternates": stride % 2, "words": 6, "pairs": 2, "pair_step": 2, "row_words": row_words,
        "phases": 1, "maps_h": 1, "maps_w": 1, "x_row": g.x_w * g.x_c, "x_step": g.x_c,
        "y_row": g.y_w * g.y_c, "y_step": g.y_c,
    }  # fmt: skip
    rows, moves = p.number("rows"), p.number("moves")
    right = steps == (3, 3, stride, stride, 1, 1) and g.y_c % g.x_c == 0 and rows > 0 and rows % 2 == 0
    require(right and all(p.number(k) == v for k, v in wanted.items()), f"{p.where}: not for this kernel")
    table = p.table("channels", 4, g.y_c, 10)
    low = (table[:, :6] + 2**15) % 2**16 - 2**15
    high = table[:, :6] >> 16
    (first, third), (second, last) = (np.split(each, 2, axis=1) for each in (low, high))
    if one:  # rows 0 and 1, then 1 and 2
        require(bool(np.all(third == second)), f"{p.where}: its middle row is there with two values")
        third = last
    else:  # rows 0 and 1, then 2 and nothing
        require(not np.any(last), f"{p.where}: weights beyond the window")
    weights = np.stack([first, second, third], axis=1)[..., None]
    sees = ints(np.arange(g.y_c)) // (g.y_c // g.x_c)
    pair_rows = ((rows - 1) // 2 if one else rows - 1) + 2
    in_place = _moves_on(g, rows, moves, pair_rows, p.where) if moves else False
    clamp, x_zero = p.clamp, p.byte("x_zero_point")
    scratch = 4 * 4 * pair_rows * row_words
    return Linear(
        g,
        None,
        weights,
        table[:, 6],
        x_zero,
        clamp,
        table[:, 7:],
        (PRODUCT, SUM),
        scratch,
        0 if moves else rows,
        sees,
        in_place=in_place,
    )


def _moves_on(g: Geometry, rows: int, moves: int, pair_rows: int, where: str) -> bool:
    """Lemma "in place": four channels of `rows` rows of y take the place of the same channels of x only after every
    later band has what it sees of them in the scratch: the pairs that it keeps, and rows of x further down.
    """
    kept = pair_rows - moves
    first = [i * g.stride_h - g.pad_h + kept * 2 for i in range(rows, g.y_h, rows)]  # that later bands still read
    written = [i * g.y_w for i in range(rows, g.y_h, rows)]
    clear = all(most <= max(row, 0) * g.x_w for most, row in zip(written, first, strict=True))
    follows = 2 * moves == rows * g.stride_h and kept >= 0
    require(g.x_c == g.y_c and clear and follows, f"{where}: in x's place it would overwrite what it still reads")
    return True


def depthwise_taps(p: Params) -> Linear:
    """Four channels at a time from x as it lies; the last four may be those before them again."""
    g, pairs = p.window("window"), p.number("pairs")
    require(g.x_c >= 4 and g.y_c % g.x_c == 0 and pairs == -(-g.k_h * g.k_w // 2), f"{p.where}: not for this kernel")
    each, quads, taps = g.y_c // g.x_c, -(-g.x_c // 4), g.k_h * g.k_w
    table = p.table("channels", 4, each, quads, 16 + 4 * pairs)
    starts = np.minimum(4 * np.arange(quads), g.x_c - 4)
    places = (starts[:, None] + np.arange(4)) * each + np.arange(each)[:, None, None]  # (each, quads, 4): of y
    bias, words, scales = np.split(table, [4, 4 + 4 * pairs], axis=2)
    words = words.reshape(each, quads, pairs, 4).swapaxes(2, 3)
    low = (words + 2**15) % 2**16 - 2**15
    filled = np.stack([low, words >> 16], axis=-1).reshape(each, quads, 4, 2 * pairs)
    require(not np.any(filled[..., taps:]), f"{p.where}: weights beyond the window")
    rows = np.concatenate([bias[..., None], filled[..., :taps], scales.reshape(each, quads, 4, 3)], axis=3)
    by_channel = np.zeros((g.y_c, 4 + taps), np.int64)
    by_channel[places] = rows
    require(bool(np.all(by_channel[places] == rows)), f"{p.where}: a channel is there twice with other numbers")
    sees = ints(np.arange(g.y_c)) // each
    weights = by_channel[:, 1 : 1 + taps].reshape(g.y_c, g.k_h, g.k_w, 1)
    scratch, x_zero = 16 * pairs + rounded_up(g.x_c), p.byte("x_zero_point")
    scale = by_channel[:, 1 + taps :]
    return Linear(g, None, weights, by_channel[:, 0], x_zero, p.clamp, scale, (PRODUCT, SUM), scratch, 1, sees)
