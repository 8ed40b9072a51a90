"""The kernels of other cores, in halves, fours, planes, helium and simd, as their headers promise them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from .arithmetic import INT32_MAX, Ints, ints
from .findings import NotCovered, Refused, require
from .kernels import SUM, Linear, filters, of_last_group, output, pool_of, rounded_up
from .params import Geometry, Params


def _by_four_pixels(p: Params) -> tuple[Geometry, Geometry | None]:
    """The geometry of a kernel that takes four pixels at a time, or a pooling of 2 x 2."""
    g, pool = p.window("window"), pool_of(p, p.window("window"))
    if pool:
        whole = (pool.k_h, pool.k_w, pool.stride_h, pool.stride_w, pool.pad_h, pool.pad_w) == (2, 2, 2, 2, 0, 0)
        require(whole and 2 * pool.y_h <= g.y_h and 2 * pool.y_w <= g.y_w, f"{p.where}: not for this kernel")
    return g, pool


def conv2d_fours(p: Params) -> Linear:
    """A byte a weight, four filters side by side; the kernel doubles its sums."""
    g, pool = _by_four_pixels(p)
    taps = g.k_h * g.k_w * g.x_c
    require(p.number("taps") == taps, f"{p.where}: not for this kernel")
    table = p.table("weights", 1, -(-g.y_c // 4), taps, 4)
    weights = 2 * filters(np.moveaxis(table, 2, 1), g.y_c, p.where).reshape(g.y_c, g.k_h, g.k_w, g.x_c)
    bias, channels, clamp, signs = output(p.part("output"), g.y_c)
    x_zero, together = p.byte("x_zero_point"), 1 if pool else 4
    return Linear(g, pool, weights, bias, x_zero, clamp, channels, signs, 4 * taps, band=0, pixels=together)


def conv2d_halves(p: Params) -> Linear:
    """Lemma "halves": two filters in a word, whose sums come apart as long as a segment keeps both within 16 bits."""
    g, pool = _by_four_pixels(p)
    taps = g.k_h * g.k_w * g.x_c
    even = taps + taps % 2
    require(p.number("taps") == even and g.y_c > 1, f"{p.where}: not for this kernel")
    stream, at = p.stream("weights", 4), 0
    every, segments, pairs = [], [], -(-g.y_c // 2)
    for _ in range(pairs):
        words: list[int] = []
        count = 0
        while (size := int(stream[at])) != 0:
            length = size // 16
            require(size % 32 == 0 and 0 < length <= even - len(words), f"{p.where}: a segment of {size} bytes")
            _check_segment(stream[at + 1 : at + 1 + length], p.where)
            words += stream[at + 1 : at + 1 + length].tolist()
            at, count = at + 1 + length, count + 1
        at += 1
        require(len(words) == even, f"{p.where}: filters of {len(words)} taps")
        every += list(_apart(ints(words)))
        segments += [count, 0]  # the second filter is counted from nothing
    require(at == stream.size, f"{p.where}: more weights than filters")
    weights = 2 * np.stack(every)
    require(not np.any(weights[:, taps:]), f"{p.where}: weights beyond the window")
    bias, channels, clamp, signs = output(p.part("output"), 2 * pairs)
    counted = 2**16 * ints(segments)
    most = int((128 * np.abs(weights).sum(axis=1) + counted).max())
    if most > INT32_MAX or int(np.abs(bias + counted).max()) > INT32_MAX:
        raise NotCovered("sums of segments near the end of 32 bits")
    each = np.column_stack([bias + counted, channels, weights])
    each = of_last_group(each.reshape(pairs, 2, -1), g.y_c, p.where)  # the same for a filter that is there twice
    bias, channels, weights = each[:, 0], each[:, 1:4], each[:, 4 : 4 + taps]
    shaped = weights.reshape(g.y_c, g.k_h, g.k_w, g.x_c)
    x_zero, together = p.byte("x_zero_point"), 1 if pool else 4
    return Linear(g, pool, shaped, bias, x_zero, clamp, channels, signs, 16 * even, band=0, pixels=together)


def _apart(words: Ints) -> tuple[Ints, Ints]:
    first = (words + 2**15) % 2**16 - 2**15
    return first, (words - first) >> 16


def _check_segment(words: Ints, where: str) -> None:
    for taps in _apart(words):
        high = np.maximum(127 * taps, -128 * taps).sum()
        low = np.minimum(127 * taps, -128 * taps).sum()
        require(low >= -(2**15) and high < 2**15, f"{where}: a segment leaves 16 bits")


def depthwise_planes(p: Params) -> Linear:
    """One channel after the other, laid into a plane with all that lies outside."""
    g, h, w = p.window("window"), p.number("plane_h"), p.number("plane_w")
    three = (g.k_h, g.k_w, g.dilation_h, g.dilation_w) == (3, 3, 1, 1) and g.stride_h == g.stride_w <= 2
    rows = g.y_h + (g.y_h % 2 if three else 0)
    least = (rows - 1) * g.stride_h + (g.k_h - 1) * g.dilation_h + 1, (g.y_w - 1) * g.stride_w
    fits = h >= least[0] and w >= least[1] + (g.k_w - 1) * g.dilation_w + 1 and g.y_c % g.x_c == 0
    require(fits, f"{p.where}: its plane is too small")
    weights = p.table("weights", 2, g.y_c, g.k_h, g.k_w, 1)
    bias, channels, clamp, signs = output(p.part("output"), g.y_c)
    sees = ints(np.arange(g.y_c)) // (g.y_c // g.x_c)
    in_place = g.x_c == g.y_c and g.y_h * g.y_w <= g.x_h * g.x_w  # each channel in the place of the same one
    x_zero = p.byte("x_zero_point")
    return Linear(g, None, weights, bias, x_zero, clamp, channels, signs, h * w, band=0, sees=sees, in_place=in_place)


def _vectors(p: Params, groups: int, lanes: int = 4) -> tuple[Ints, tuple[int, int]]:
    """Bias, multiplier, offset and shift (lanes * groups, 4) of a vector_output or a simd_output, and its clamp."""
    table = p.table("channels", 4, groups, 4, lanes)
    return np.moveaxis(table, 1, 2).reshape(-1, 4).copy(), p.clamp


def _pool_inside(p: Params, g: Geometry) -> Geometry | None:
    """A pooling whose windows lie wholly inside what it pools; None for single pixels."""
    if pool := pool_of(p, g):
        inside = (pool.y_h - 1) * pool.stride_h + pool.k_h <= g.y_h and pool.pad_h == pool.pad_w == 0
        inside = inside and (pool.y_w - 1) * pool.stride_w + pool.k_w <= g.y_w
        require(inside, f"{p.where}: not for this kernel")
    return pool


def conv2d_helium(p: Params) -> Linear:
    """Sixteen taps of four filters at a time; sums as they are, which are doubled in the product."""
    g, pool = p.window("window"), _pool_inside(p, p.window("window"))
    taps, groups = g.k_h * g.k_w * g.x_c, -(-g.y_c // 4)
    vectors = p.table("weights", 1, groups, -(-taps // 16), 4, 16)
    every = filters(np.moveaxis(vectors, 2, 1).reshape(groups, 4, -1), g.y_c, p.where)
    require(not np.any(every[:, taps:]), f"{p.where}: weights beyond the window")
    rows, clamp = _vectors(p.part("output"), groups)
    rows = rows[: g.y_c] * (1, 1, 1, -1)
    weights = 2 * every[:, :taps].reshape(g.y_c, g.k_h, g.k_w, g.x_c)
    x_zero, bias, table = p.byte("x_zero_point"), 2 * rows[:, 0], rows[:, 1:]
    scratch, together = _laid(g, pool, taps), 1 if pool else 2
    return Linear(g, pool, weights, bias, x_zero, clamp, table, (SUM,), scratch, band=0, pixels=together)


def _laid(g: Geometry, pool: Geometry | None, taps: int) -> int:
    """Bytes of the windows that are laid side by side for pixels that are computed together, sixteen at least."""
    lie_so = (g.k_h == 1 or (g.k_w == g.x_w and g.dilation_h == 1)) and (g.k_w == 1 or g.dilation_w == 1) and not pool
    lowest = (g.y_h - 1) * g.stride_h - g.pad_h + (g.k_h - 1) * g.dilation_h
    rightmost = (g.y_w - 1) * g.stride_w - g.pad_w + (g.k_w - 1) * g.dilation_w
    if lie_so and g.pad_h == g.pad_w == 0 and lowest < g.x_h and rightmost < g.x_w:
        return 16
    alone = g.y_h * g.y_w == 1 or (taps <= 16 and not lie_so)
    return rounded_up((pool.k_h * pool.k_w if pool else 1 if alone else 2) * max(taps, 16))


def depthwise_helium(p: Params) -> Linear:
    """Eight channels at a time, the last ones with some before them again."""
    g = p.window("window")
    taps, octets = g.k_h * g.k_w, -(-g.x_c // 8)
    require(g.x_c == g.y_c >= 8, f"{p.where}: not for this kernel")
    table = p.table("weights", 1, octets, taps, 8)
    require(int(table.min()) > -128, f"{p.where}: a weight of -128")
    rows, clamp = _vectors(p.part("output"), 2 * octets)
    rows = rows * (1, 1, 1, -1)
    in_order = rows.reshape(octets, 2, 4, 4).swapaxes(1, 2).reshape(octets, 8, 4)  # 0, 2, 4, 6, then the others
    found = _of_octets(p, g, table.swapaxes(1, 2), in_order, clamp, rounded_up(taps * g.x_c))
    return replace(found, pixels=1)


def _of_octets(p: Params, g: Geometry, weights: Ints, rows: Ints, clamp: tuple[int, int], scratch: int) -> Linear:
    """Depthwise weights (octets, 8, taps) and rows of the output's table (octets, 8, 4)."""
    octets, _, taps = weights.shape
    places = np.minimum(8 * np.arange(octets), g.x_c - 8)[:, None] + np.arange(8)
    both = np.concatenate([weights, rows], axis=2)
    by_channel = np.zeros((g.y_c, taps + 4), np.int64)
    by_channel[places] = both
    if np.any(by_channel[places] != both):
        raise Refused(f"{p.where}: a channel is there twice with other numbers")
    doubled = 2 * by_channel[:, :taps].reshape(g.y_c, g.k_h, g.k_w, 1)
    scale, bias, x_zero = by_channel[:, taps + 1 :], 2 * by_channel[:, taps], p.byte("x_zero_point")
    return Linear(g, None, doubled, bias, x_zero, clamp, scale, (SUM,), scratch, 1, ints(np.arange(g.y_c)))


def _laid_bytes(g: Geometry, pool: Geometry | None) -> int:
    """The rows that a row of the output sees, in 16 bits, and one value more."""
    looks_h, looks_w = (pool.k_h, (pool.y_w - 1) * pool.stride_w + pool.k_w) if pool else (1, g.y_w)
    rows = (looks_h - 1) * g.stride_h + (g.k_h - 1) * g.dilation_h + 1
    width = (looks_w - 1) * g.stride_w + (g.k_w - 1) * g.dilation_w + 1
    return 2 * (rows * width * g.x_c + 1)


def _pairs(p: Params, groups: int, count: int) -> Ints:
    """Weights (groups, 8, 2 * count) of pairs; of two products the sum has to fit 32 bits, which those of bytes do."""
    require(p.number("pairs") == count, f"{p.where}: not for this kernel")
    table = p.table("weights", 2, groups, count, 8, 2)
    require(int(table.min()) >= -128 and int(table.max()) <= 127, f"{p.where}: a weight of more than a byte")
    return np.moveaxis(table, 1, 2).reshape(groups, 8, 2 * count)


def _eights(p: Params, groups: int) -> tuple[Ints, tuple[int, int]]:
    """`_vectors` of a simd_output; a shift by nothing is not one that every processor makes."""
    rows, clamp = _vectors(p.part("output"), groups, 8)
    require(bool(np.all((rows[:, 3] >= 1) & (rows[:, 3] <= 31))), f"{p.where}: a shift out of range")
    return rows, clamp


def conv2d_simd(p: Params) -> Linear:
    """Pairs of taps of eight filters at a time, from rows of 16 bits; none goes from one run of taps to the next."""
    g, pool = p.window("window"), _pool_inside(p, p.window("window"))
    runs = g.k_h * (1 if g.dilation_w == 1 else g.k_w)
    taps, groups = g.k_h * g.k_w * g.x_c // runs, -(-g.y_c // 8)
    count = runs * -(-taps // 2)
    every = filters(_pairs(p, groups, count), g.y_c, p.where).reshape(g.y_c, runs, -1)
    require(not np.any(every[:, :, taps:]), f"{p.where}: weights beyond the window")
    rows, clamp = _eights(p, groups)
    rows, looks = rows[: g.y_c], pool.k_h * pool.k_w if pool else 1
    weights = 2 * every[:, :, :taps].reshape(g.y_c, g.k_h, g.k_w, g.x_c)
    scratch = rounded_up(4 * (count + rounded_up(looks)) + _laid_bytes(g, pool))
    return Linear(g, pool, weights, 2 * rows[:, 0], p.byte("x_zero_point"), clamp, rows[:, 1:], (SUM,), scratch, band=1)


def depthwise_simd(p: Params) -> Linear:
    """Two taps of eight channels at a time, the last ones with some before them again, from rows of 16 bits."""
    g = p.window("window")
    taps, octets = g.k_h * g.k_w, -(-g.x_c // 8)
    require(g.x_c == g.y_c >= 8, f"{p.where}: not for this kernel")
    count = -(-taps // 2)
    table = _pairs(p, octets, count)
    require(not np.any(table[:, :, taps:]), f"{p.where}: weights beyond the window")
    rows, clamp = _eights(p, octets)
    scratch = rounded_up(8 * count + _laid_bytes(g, None))
    return _of_octets(p, g, table[:, :, :taps], rows.reshape(octets, 8, 4), clamp, scratch)


OTHER_CORES: dict[str, tuple[str, Callable[[Params], Linear]]] = {
    "conv2d_fours_s8": ("conv2d_fours_params", conv2d_fours),
    "conv2d_halves_s8": ("conv2d_halves_params", conv2d_halves),
    "depthwise_conv2d_planes_s8": ("depthwise_conv2d_planes_params", depthwise_planes),
    "conv2d_helium_s8": ("conv2d_helium_params", conv2d_helium),
    "depthwise_conv2d_helium_s8": ("depthwise_conv2d_helium_params", depthwise_helium),
    "conv2d_simd_s8": ("conv2d_simd_params", conv2d_simd),
    "depthwise_conv2d_simd_s8": ("depthwise_conv2d_simd_params", depthwise_simd),
}
