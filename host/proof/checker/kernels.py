"""What each kernel for convolutions computes of its tables, as firmware/kernels/kernels.h and
dsp/dsp_kernels.h promise it: a sum of products for each output, and its way to a byte. Weights are unpacked from the
order in which the kernel loads them, transformed ones from their transform.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from .arithmetic import INT32_MAX, Ints, ints
from .findings import require
from .ops import seen
from .params import Geometry, Params

PRODUCT, SUM, NONE = "product", "sum", "none"


@dataclass(frozen=True, eq=False)
class Linear:
    """y = max over the pooling's window of byte(bias + sum of x * weights), x_zero outside the image."""

    geometry: Geometry
    pool: Geometry | None
    weights: Ints  # (y_c, k_h, k_w, x_c); of a depthwise one (y_c, k_h, k_w, 1)
    bias: Ints  # (y_c,)
    x_zero: int | None  # None: it has no outside
    clamp: tuple[int, int]
    table: Ints  # (y_c, 3): multiplier, offset, shift; of a plain kernel multiplier, left shift, zero point
    signs: tuple[str, ...]  # what decides on the -1, all that builds of the kernel may take; () for a plain kernel
    scratch_bytes: int
    band: int  # rows of y that are finished before rows of x that they see may be overwritten; 0: none, or `pixels` may
    sees: Ints | None = None  # of a depthwise one: the channel of x for each of y
    x_sizes: tuple[int, int] | None = None  # of an image that is laid into a larger one, else the geometry's
    pads: tuple[int, int] | None = None
    pixels: int = 0  # of y, in the order of memory, that are finished together instead of rows
    in_place: bool = False  # a depthwise one whose bands of rows are laid out before they are overwritten
    own_views: tuple[Ints, Ints] | None = None  # of one whose windows are none of its geometry

    @property
    def x_shape(self) -> tuple[int, int, int]:
        """Of the image in memory."""
        h, w = self.x_sizes or (self.geometry.x_h, self.geometry.x_w)
        return h, w, self.geometry.x_c

    def views(self) -> tuple[Ints, Ints]:
        """Which rows and columns of that image each of the convolution's output sees; -1: outside."""
        if self.own_views:
            return self.own_views
        g, (h, w, _), (top, left) = self.geometry, self.x_shape, self.pads or (self.geometry.pad_h, self.geometry.pad_w)
        return (
            seen(g.y_h, g.k_h, g.stride_h, g.dilation_h, top, h),
            seen(g.y_w, g.k_w, g.stride_w, g.dilation_w, left, w),
        )


def rounded_up(count: int) -> int:
    """To a multiple of 4."""
    return -(-count // 4) * 4


def unpacked(table: Ints, group: int) -> Ints:
    """Tables (..., quads, 2, group, 2) of pairs -> (..., group, taps): taps 0 and 2 of a quad come first, then 1, 3."""
    in_order = np.moveaxis(table, (-4, -3, -2, -1), (-3, -1, -4, -2))  # (..., group, quads, t // 2, t % 2)
    return in_order.reshape(*table.shape[:-4], group, -1)


def filters(groups: Ints, count: int, where: str) -> Ints:
    """(groups, group, taps) -> (count, taps)."""
    every = groups.reshape(-1, groups.shape[-1])
    require(not np.any(every[count:]), f"{where}: more filters than channels")
    return every[:count]


def of_last_group(groups: Ints, count: int, where: str) -> Ints:
    """The same where the last group has the last filters, some of which the group before has too."""
    each = groups.shape[-2]
    again = -count % each if count > each else 0
    if again == 0:
        return filters(groups, count, where)
    last = len(groups) - 1
    require(np.array_equal(groups[last - 1, -again:], groups[last, :again]), f"{where}: a filter is there twice")
    return np.concatenate([groups[:last].reshape(each * last, -1), groups[last, again:]])


def _rows(taps: Ints, g: Geometry, row_taps: int, where: str) -> Ints:
    """Filters (y_c, taps), the whole words of all rows and then the rests, as (y_c, k_h, k_w, x_c)."""
    used, words = g.k_h * row_taps, row_taps // 4 * 4
    require(row_taps >= g.k_w * g.x_c and not np.any(taps[:, used:]), f"{where}: weights beyond the window")
    heads = taps[:, : g.k_h * words].reshape(len(taps), g.k_h, words)
    rests = taps[:, g.k_h * words : used].reshape(len(taps), g.k_h, row_taps - words)
    rows = np.concatenate([heads, rests], axis=2)
    require(not np.any(rows[:, :, g.k_w * g.x_c :]), f"{where}: weights beyond the window")
    return rows[:, :, : g.k_w * g.x_c].reshape(len(taps), g.k_h, g.k_w, g.x_c)


def output(p: Params, y_c: int, behind: int = 0) -> tuple[Ints, Ints, tuple[int, int], tuple[str, ...]]:
    """Bias, table, clamp and signs of a packed_output, with so many rows behind that are read and not used."""
    table = p.table("channels", 4, y_c + behind, 4)[:y_c]
    signs = (PRODUCT, SUM, NONE) if p.flag("rectifies") else (PRODUCT, SUM)
    return table[:, 0], table[:, 1:], p.clamp, signs


def pool_of(p: Params, g: Geometry) -> Geometry | None:
    """The pooling of a kernel that takes one; None for single pixels."""
    pool = p.window("pool")
    fits = (pool.x_h, pool.x_w, pool.x_c) == (g.y_h, g.y_w, g.y_c) and pool.y_c == g.y_c
    require(fits and pool.dilation_h == pool.dilation_w == 1, f"{p.where}: its pooling is of another image")
    if (pool.k_h, pool.k_w) != (1, 1):
        return pool
    ones = (pool.stride_h, pool.stride_w, pool.pad_h, pool.pad_w) == (1, 1, 0, 0)
    require(ones and (pool.y_h, pool.y_w) == (g.y_h, g.y_w), f"{p.where}: a pooling of single pixels that leaves some")
    return None


Decoder = Callable[[Params, Geometry], Ints]  # filters (y_c, taps), doubled


def doubled(p: Params, g: Geometry) -> Ints:
    """Weights of 16 bits, groups of four filters."""
    groups, quads = -(-g.y_c // 4), -(-g.k_h * p.number("row_taps") // 4)
    return of_last_group(unpacked(p.table("weights", 2, groups, quads, 2, 4, 2), 4), g.y_c, p.where)


def pairs(p: Params, g: Geometry) -> Ints:
    """The same for the kernel of single pixels, groups of two."""
    alone = (g.k_h, g.k_w, g.pad_h, g.pad_w) == (1, 1, 0, 0) and p.number("row_taps") == g.x_c
    inside = (g.y_h - 1) * g.stride_h < g.x_h and (g.y_w - 1) * g.stride_w < g.x_w
    require(alone and inside and g.y_c >= 2, f"{p.where}: not for this kernel")
    return of_last_group(unpacked(p.table("weights", 2, -(-g.y_c // 2), -(-g.x_c // 4), 2, 2, 2), 2), g.y_c, p.where)


def two_in_one(p: Params, g: Geometry) -> Ints:
    """256 times the second filter plus the first; the kernel's sums of both must come apart again."""
    groups, quads = -(-g.y_c // 4), -(-g.k_h * p.number("row_taps") // 4)
    both = unpacked(p.table("weights", 2, groups, quads, 2, 2, 2), 2)
    first = (both + 128) % 256 - 128
    second = (both - first) // 256
    apart = np.abs(second).sum(axis=2).max(initial=0) * 256 * 128 <= INT32_MAX
    require(bool(apart), f"{p.where}: the sums of two filters in one number run into each other")
    return 2 * of_last_group(np.stack([first, second], axis=2).reshape(groups, 4, -1), g.y_c, p.where)


def single_bytes(p: Params, g: Geometry) -> Ints:
    """A byte a weight, as they come."""
    groups, quads = -(-g.y_c // 4), -(-g.k_h * p.number("row_taps") // 4)
    numbers = p.table("weights", 2, groups, quads, 4, 2)
    low = (numbers + 128) % 256 - 128
    each = np.stack([low, numbers >> 8], axis=-1).reshape(groups, quads, 4, 4)
    return 2 * of_last_group(np.moveaxis(each, 2, 1).reshape(groups, 4, -1), g.y_c, p.where)


def packed(decoder: Decoder) -> Callable[[Params], Linear]:
    """The kernel for one order of weights."""

    def read(p: Params) -> Linear:
        g = p.window("window")
        weights = _rows(decoder(p, g), g, p.number("row_taps"), p.where)
        bias, table, clamp, signs = output(p.part("output"), g.y_c, max(0, 4 - g.y_c))
        pool = pool_of(p, g)
        scratch = 8 * rounded_up(g.x_c) if decoder is pairs else _scratch(p, g, pool)
        require(not (pool and decoder is pairs), f"{p.where}: not for this kernel")
        x_zero, together = p.byte("x_zero_point"), 4 if decoder is pairs else 2
        return Linear(g, pool, weights, bias, x_zero, clamp, table, signs, scratch, band=0, pixels=together)

    return read


def _scratch(p: Params, g: Geometry, pool: Geometry | None) -> int:
    """As dsp_kernels.h has it; what one window sees in 8 bits only where one is gathered."""
    row_taps = p.number("row_taps")
    n = rounded_up(g.k_h * row_taps)
    outputs = 8 + (2 * g.y_c if pool else 0)
    top = np.arange(g.y_h) * g.stride_h - g.pad_h
    left = np.arange(g.y_w) * g.stride_w - g.pad_w
    bottom = top + (g.k_h - 1) * g.dilation_h
    inside = np.all((top >= 0) & (bottom < g.x_h)) and np.all((left >= 0) & (left + g.k_w <= g.x_w))
    last = bottom.max() + 1 < g.x_h or left.max() * g.x_c + row_taps <= g.x_w * g.x_c
    gathered = g.x_c % 4 != 0 and (g.dilation_w > 1 or not (inside and last))
    return outputs + 4 * n + (n if gathered else 0)


def conv2d_padded(p: Params) -> Linear:
    """The packed kernel on an image that is laid into a larger one of zero points first."""
    inner = packed(doubled)(p.part("conv"))
    g, h, w, top, left = inner.geometry, *(p.number(name) for name in ("x_h", "x_w", "pad_h", "pad_w"))
    size = p.number("padded_bytes")
    fits = g.pad_h == g.pad_w == 0 and min(h, w) > 0 and min(top, left) >= 0 and size % 4 == 0
    fits = fits and top + h <= g.x_h and left + w <= g.x_w and g.x_h * g.x_w * g.x_c <= size
    require(fits, f"{p.where}: the image does not fit the larger one")
    reach = seen(g.y_h, g.k_h, g.stride_h, g.dilation_h, 0, g.x_h), seen(g.y_w, g.k_w, g.stride_w, 1, 0, g.x_w)
    require(bool(np.all(reach[0] >= 0) and np.all(reach[1] >= 0)), f"{p.where}: windows leave the larger image")
    return replace(inner, x_sizes=(h, w), pads=(top, left), scratch_bytes=size + inner.scratch_bytes, pixels=0)


def conv2d_grouped(p: Params) -> Linear:
    """Blocks of channels one after the other: filters with zeros for the channels of other blocks (lemma "groups")."""
    conv, blocks = p.part("conv"), p.number("blocks")
    g, pool, n = conv.window("window"), pool_of(conv, conv.window("window")), conv.number("row_taps")
    require(blocks > 0 and g.x_c % 4 == 0 and n == g.k_w * g.x_c, f"{p.where}: not for this kernel")
    groups, quads = -(-g.y_c // 4), g.k_h * n // 4
    table = conv.table("weights", 2, blocks, groups, quads, 2, 4, 2)
    weights = np.zeros((blocks, g.y_c, g.k_h, g.k_w, blocks, g.x_c), np.int64)
    for k in range(blocks):
        of_block = of_last_group(unpacked(table[k], 4), g.y_c, p.where)
        weights[k, :, :, :, k] = of_block.reshape(g.y_c, g.k_h, g.k_w, g.x_c)
    y_c, x_c = blocks * g.y_c, blocks * g.x_c
    bias, channels, clamp, signs = output(conv.part("output"), y_c, max(0, 4 - g.y_c))
    scratch = 8 + (2 * y_c if pool else 0) + 4 * blocks * g.k_h * n
    whole, shaped = replace(g, x_c=x_c, y_c=y_c), weights.reshape(y_c, g.k_h, g.k_w, x_c)
    after = replace(pool, x_c=y_c, y_c=y_c) if pool else None
    return Linear(whole, after, shaped, bias, conv.byte("x_zero_point"), clamp, channels, signs, scratch, band=1)


def pools_squares(pool: Geometry | None) -> bool:
    """Whether no pooling follows, or one of 2 x 2 pixels side by side that are all there."""
    if pool is None:
        return True
    whole = (pool.k_h, pool.k_w, pool.stride_h, pool.stride_w, pool.pad_h, pool.pad_w) == (2, 2, 2, 2, 0, 0)
    return whole and 2 * pool.y_h <= pool.x_h and 2 * pool.y_w <= pool.x_w


def plain_way(p: Params, y_c: int) -> tuple[Ints, tuple[int, int]]:
    """Multiplier, left shift and zero point of an output_stage for each channel, and its clamp."""
    count = y_c if p.flag("per_channel") else 1
    columns = [p.table("multiplier", 4, count), p.table("shift", 1, count), ints([p.byte("y_zero_point")])]
    return np.stack([np.broadcast_to(each, y_c) for each in columns], axis=1), p.clamp


def conv2d(p: Params) -> Linear:
    """The plain kernel."""
    g = p.window("window")
    weights, bias = p.table("weights", 1, g.y_c, g.k_h, g.k_w, g.x_c), p.table("bias", 4, g.y_c)
    table, clamp = plain_way(p.part("output"), g.y_c)
    scratch = g.k_h * g.k_w * g.x_c
    return Linear(g, None, weights, bias, p.byte("x_zero_point"), clamp, table, (), scratch, band=1)


def transpose_conv2d(p: Params) -> Linear:
    """The plain kernel: its geometry is that of the convolution turned round."""
    g, views = p.window("window"), []
    for y, x, k, stride, before in (
        (g.y_h, g.x_h, g.k_h, g.stride_h, g.pad_h),
        (g.y_w, g.x_w, g.k_w, g.stride_w, g.pad_w),
    ):
        at = ints(np.arange(y))[:, None] + before - np.arange(k)
        views.append(np.where((at % stride == 0) & (at >= 0) & (at < stride * x), at // stride, -1))
    return replace(conv2d(p), band=0, own_views=(views[0], views[1]))


def depthwise_conv2d(p: Params) -> Linear:
    """The plain kernel."""
    g = p.window("window")
    require(g.y_c % g.x_c == 0, f"{p.where}: not for this kernel")
    weights, bias = p.table("weights", 1, g.k_h, g.k_w, g.y_c), p.table("bias", 4, g.y_c)
    table, clamp = plain_way(p.part("output"), g.y_c)
    sees, by_channel = ints(np.arange(g.y_c)) // (g.y_c // g.x_c), np.moveaxis(weights, 2, 0)[..., None]
    scratch, x_zero = g.k_h * g.k_w * g.x_c, p.byte("x_zero_point")
    return Linear(g, None, by_channel, bias, x_zero, clamp, table, (), scratch, band=1, sees=sees)


CONVOLUTIONS: dict[str, tuple[str, Callable[[Params], Linear]]] = {
    "conv2d_packed_s8": ("conv2d_packed_params", packed(doubled)),
    "conv2d_pointwise_s8": ("conv2d_packed_params", packed(pairs)),
    "conv2d_bytes_s8": ("conv2d_packed_params", packed(two_in_one)),
    "conv2d_wide_s8": ("conv2d_packed_params", packed(single_bytes)),
    "conv2d_padded_s8": ("conv2d_padded_params", conv2d_padded),
    "conv2d_grouped_s8": ("conv2d_grouped_params", conv2d_grouped),
    "conv2d_s8": ("convolution_params", conv2d),
    "transpose_conv2d_s8": ("convolution_params", transpose_conv2d),
    "depthwise_conv2d_s8": ("convolution_params", depthwise_conv2d),
}
