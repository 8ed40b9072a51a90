"""Which kernel computes what: the fastest one that gives the same bytes, and layers that become one call.

A max pooling behind a convolution is computed with it, so that the image between them is never stored. It is exact:
the largest byte of a window is the byte of the largest accumulator, because requantizing (a product with a multiplier
that is never negative, two roundings, an addition, a clamp) never reverses an order, and the channel is the same
within a window. The pooling's own clamp and the convolution's are one clamp after the other, which is again a clamp.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from tinyproof.export.graph import Graph
from tinyproof.export.ops import (
    add_packed,
    average_pool2d_packed,
    conv2d_narrow,
    conv2d_packed,
    conv2d_padded,
    conv2d_winograd,
    conv2d_winograd4,
    dense_packed,
    depthwise_conv2d_packed,
)
from tinyproof.export.ops.add import AddParams
from tinyproof.export.ops.conv2d import Conv2dParams
from tinyproof.export.ops.conv2d_packed import Conv2dPackedParams
from tinyproof.export.ops.conv2d_winograd import Conv2dWinogradParams
from tinyproof.export.ops.dense import DenseParams
from tinyproof.export.ops.depthwise_conv2d import DepthwiseConv2dParams
from tinyproof.export.ops.kind import Call, Kernel, Params
from tinyproof.export.ops.pool2d import AVERAGE_KERNEL, MaxPool2dParams
from tinyproof.export.ops.window import Window
from tinyproof.optimize import Optimize

MAX_WEIGHT_BYTES = 192 * 1024  # of one convolution's weights where packing makes them 2 to 8 times larger
MAX_WEIGHT_BYTES_FAST = 512 * 1024
MORE_ARENA = 1.05  # what a balanced choice may make of the smallest arena


def choose_kernels(
    graph: Graph, calls: Sequence[Call], optimize: Optimize, arena_bytes: Callable[[Sequence[Call]], int]
) -> tuple[Call, ...]:
    """The same computation with as few calls, and as fast ones, as the kernels allow; in the same order.

    arena_bytes: of a program of such calls.
    """
    chosen = _join(graph, calls, optimize)
    if optimize is Optimize.SMALL:
        return chosen
    alone = {call.ops[0].index: call for call in calls}
    most = arena_bytes(chosen) * MORE_ARENA
    for place, call in enumerate(chosen):
        larger = _larger(call, alone[call.ops[0].index], optimize)
        if larger:
            tried = (*chosen[:place], larger, *chosen[place + 1 :])
            if optimize is Optimize.FAST or arena_bytes(tried) <= most:
                chosen = tried
    return chosen


def _larger(call: Call, conv: Call, optimize: Optimize) -> Call | None:
    """The faster kernel that takes more memory, for a convolution `conv` that got `call`; None where there is none."""
    if call.kernel is not conv2d_winograd.CONV2D_WINOGRAD or len(call.ops) > 1:
        return None
    assert isinstance(conv.params, Conv2dParams)
    params = conv2d_winograd4.pack(conv.params)
    limit = MAX_WEIGHT_BYTES_FAST if optimize is Optimize.FAST else MAX_WEIGHT_BYTES
    if params is None or params.weights.nbytes > limit:
        return None
    return replace(call, kernel=conv2d_winograd4.CONV2D_WINOGRAD4, params=params)


def _join(graph: Graph, calls: Sequence[Call], optimize: Optimize) -> tuple[Call, ...]:
    chosen: list[Call] = []
    readers = Counter([index for op in graph.ops for index in op.inputs] + list(graph.outputs))
    remaining = list(calls)
    while remaining:
        call = remaining.pop(0)
        pooled = _with_pool(call, remaining[0], readers, optimize) if remaining else None
        if pooled:
            remaining.pop(0)
        chosen.append(pooled or _alone(call, optimize))
    return tuple(chosen)


def _with_pool(call: Call, following: Call, readers: Counter[int], optimize: Optimize) -> Call | None:
    """A convolution and the pooling after it as one call; None where that is not possible.

    Not for windows that overlap: what they share would be computed more than once.
    """
    conv, pool = call.params, following.params
    if not isinstance(conv, Conv2dParams) or not isinstance(pool, MaxPool2dParams):
        return None
    if following.xs != (call.y,) or readers[call.y] > 1 or not _is_tiling(pool.window):
        return None
    clamped = (min(max(limit, pool.y_min), pool.y_max) for limit in (conv.output.y_min, conv.output.y_max))
    y_min, y_max = clamped
    both = replace(conv, output=replace(conv.output, y_min=y_min, y_max=y_max))
    whole = replace(call, ops=call.ops + following.ops, y=following.y)
    narrow = conv2d_narrow.pack(both, pool.window)
    if narrow:
        return replace(whole, kernel=conv2d_narrow.CONV2D_NARROW, params=narrow)
    return _convolution(whole, both, pool.window, optimize)


def _convolution(call: Call, conv: Conv2dParams, pool: Window, optimize: Optimize) -> Call | None:
    """The call with the best kernel for a convolution and its pooling; None where only the plain one is exact."""
    for kernel, params in _candidates(conv, pool, optimize):
        if params:
            return replace(call, kernel=kernel, params=params)
    return None


def _candidates(conv: Conv2dParams, pool: Window, optimize: Optimize) -> Iterator[tuple[Kernel, Params | None]]:
    """Kernels, the best first, and what each would compute with; None where the layer does not fit it."""
    if optimize is Optimize.SMALL:
        yield conv2d_packed.CONV2D_BYTES, conv2d_packed.pack(conv, pool, as_bytes=True)
    else:
        transformed = conv2d_winograd.pack(conv, pool)
        yield conv2d_winograd.CONV2D_WINOGRAD, transformed if _is_affordable(transformed) else None
        padded = conv2d_padded.pack(conv, pool)
        yield conv2d_padded.CONV2D_PADDED, padded if padded and _is_affordable(padded.conv) else None
    packed = conv2d_packed.pack(conv, pool)
    yield conv2d_packed.CONV2D_PACKED, packed if _is_affordable(packed) else None
    yield conv2d_packed.CONV2D_BYTES, conv2d_packed.pack(conv, pool, as_bytes=True)


def _is_affordable(params: Conv2dPackedParams | Conv2dWinogradParams | None) -> bool:
    return params is not None and params.weights.nbytes <= MAX_WEIGHT_BYTES


def _is_tiling(pool: Window) -> bool:
    """Whether no two windows share a pixel and each holds at least one."""
    apart = pool.stride_h >= pool.k_h and pool.stride_w >= pool.k_w
    starts_inside = pool.pad_h < pool.k_h and pool.pad_w < pool.k_w
    ends_inside = (pool.y_h - 1) * pool.stride_h - pool.pad_h < pool.x_h
    return apart and starts_inside and ends_inside and (pool.y_w - 1) * pool.stride_w - pool.pad_w < pool.x_w


def _alone(call: Call, optimize: Optimize) -> Call:
    """The call with the fastest kernel for it."""
    if isinstance(call.params, Conv2dParams):
        return _convolution(call, call.params, conv2d_packed.no_pool(call.params.window), optimize) or call
    if isinstance(call.params, DenseParams) and (rows := dense_packed.pack(call.params)):
        return replace(call, kernel=dense_packed.DENSE_PACKED, params=rows)
    if isinstance(call.params, DepthwiseConv2dParams) and (planes := depthwise_conv2d_packed.pack(call.params)):
        return replace(call, kernel=depthwise_conv2d_packed.DEPTHWISE_CONV2D_PACKED, params=planes)
    if call.kernel is AVERAGE_KERNEL and average_pool2d_packed.fits(call.params):
        return replace(call, kernel=average_pool2d_packed.AVERAGE_POOL2D_PACKED)
    if isinstance(call.params, AddParams) and (packed_sum := add_packed.pack(call.params)):
        params, swapped = packed_sum
        return replace(call, kernel=add_packed.ADD_PACKED, xs=call.xs[::-1] if swapped else call.xs, params=params)
    return call
