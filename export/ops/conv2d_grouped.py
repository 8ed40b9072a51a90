"""CONV_2D whose filters see a group of the channels each, with the MAX_POOL_2D that follows it: `conv2d_grouped_s8`."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import gcd
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from tinyproof.export.ops.conv2d import Conv2dParams
from tinyproof.export.ops.conv2d_packed import Conv2dPackedParams, bytes_beside, doubled_quads, filled_up, no_pool
from tinyproof.export.ops.kind import Call, Events, Fast, Kernel, Params
from tinyproof.export.ops.packed import DSP, MOST_WEIGHT, fours, is_affordable, pack_output
from tinyproof.export.ops.window import Window, lead_bytes, windows_inside
from tinyproof.optimize import Optimize


@dataclass(frozen=True, eq=False)
class Conv2dGroupedParams(Params):
    """The members of `conv2d_grouped_params`."""

    c_type: ClassVar[str] = "conv2d_grouped_params"

    conv: Conv2dPackedParams  # of one block, with the weights and the output of all
    blocks: int


def group_count(weights: NDArray[np.int8]) -> int:
    """Into how many groups the channels fall of which filters (y_c, k_h, k_w, x_c) see one each; 1: into none."""
    y_c, _, _, x_c = weights.shape
    seen = (weights != 0).any(axis=(1, 2))  # (y_c, x_c)
    for groups in range(gcd(x_c, y_c), 1, -1):
        if gcd(x_c, y_c) % groups == 0:
            own = np.kron(np.eye(groups, dtype=np.bool_), np.ones((y_c // groups, x_c // groups), np.bool_))
            if not (seen & ~own).any():
                return groups
    return 1


def block_count(window: Window, groups: int) -> int:
    """How many blocks of whole groups make the least work, each with its input channels in fours; 1 where none does."""
    taps = window.k_h * window.k_w

    def work(blocks: int) -> int:  # instructions for two pixels, roughly
        quads, filters = taps * window.x_c // blocks // 4, fours(window.y_c // blocks)
        return blocks * (filters * (22 * quads + 55) + 9 * quads + 8 * taps + 40)

    divisors = [n for n in range(2, groups + 1) if groups % n == 0 and window.x_c // n % 4 == 0]
    return min(divisors, key=work, default=1)


def pack(conv: Conv2dParams, pool: Window) -> Conv2dGroupedParams | None:
    """The packed layer; None where filters see all channels, or its numbers do not fit the kernel."""
    window = conv.window
    blocks = block_count(window, group_count(conv.weights))
    output = pack_output(conv.bias, conv.weights, conv.output, MOST_WEIGHT) if blocks > 1 else None
    if output is None:
        return None
    x_c, y_c = window.x_c // blocks, window.y_c // blocks
    filters = output.scaled(conv.weights)
    own = [filters[n * y_c : (n + 1) * y_c, ..., n * x_c : (n + 1) * x_c].reshape(y_c, -1) for n in range(blocks)]
    packed = Conv2dPackedParams(
        weights=np.stack([doubled_quads(part) for part in own]),
        x_zero_point=conv.x_zero_point,
        row_taps=window.k_w * x_c,
        window=replace(window, x_c=x_c, y_c=y_c),
        pool=replace(pool, x_c=y_c, y_c=y_c),
        output=filled_up(output, y_c),
    )
    return Conv2dGroupedParams(packed, blocks)


def scratch_bytes(params: Conv2dGroupedParams) -> int:
    """The bytes of some outputs; and what two output pixels see."""
    window, pool = params.conv.window, params.conv.pool
    return bytes_beside(pool, params.blocks) + 4 * params.blocks * window.k_h * window.k_w * window.x_c


def leads(params: Conv2dGroupedParams) -> tuple[int]:
    """How many bytes before the input the output has to begin where it overwrites it."""
    window, pool, n = params.conv.window, params.conv.pool, params.blocks
    return (lead_bytes(replace(window, x_c=n * window.x_c), replace(pool, y_c=n * pool.y_c)),)


def events(params: Conv2dGroupedParams) -> Events:
    """How often it does each thing that has a price."""
    window, pool, blocks = params.conv.window, params.conv.pool, params.blocks
    taps, pixels = window.k_h * window.k_w, pool.y_h * pool.y_w
    looks = pixels * pool.k_h * pool.k_w
    inside = looks * windows_inside(window) // (window.y_h * window.y_w)
    pairs, quads, filters = -(-looks // 2), taps * window.x_c // 4, fours(window.y_c)
    return (
        pairs,
        looks * taps,
        pairs * blocks,
        looks * blocks * taps,
        looks * blocks * quads,
        (looks - inside) * blocks * taps,
        pairs * blocks * filters,
        pairs * blocks * filters * quads,
        pairs * blocks * filters * fours(quads),
        pairs * blocks if window.y_c % 4 else 0,
        (looks - pixels) * blocks * pool.y_c,
    )


CONV2D_GROUPED = Kernel("conv2d_grouped", scratch_bytes, leads, events=events, folder=DSP)


def fit(call: Call, pool: Window | None, optimize: Optimize) -> Call | None:
    """Where weights may take twice their bytes, with zeros for what a filter does not see of its block."""
    conv = call.params
    params = pack(conv, pool or no_pool(conv.window)) if isinstance(conv, Conv2dParams) else None
    if params is None or not is_affordable(params.conv.weights):
        return None
    return replace(call, kernel=CONV2D_GROUPED, params=params)


def fit_small(call: Call, pool: Window | None, optimize: Optimize) -> Call | None:
    """Where weights are to be small, and these are no more than a byte for each filter and channel."""
    found = fit(call, pool, optimize) if optimize is Optimize.SMALL else None
    if found is None or not isinstance(found.params, Conv2dGroupedParams) or not isinstance(call.params, Conv2dParams):
        return None
    return found if found.params.conv.weights.nbytes <= call.params.weights.nbytes else None


SMALL = Fast(CONV2D_GROUPED, fit_small, rank=1)
FAST = Fast(CONV2D_GROUPED, fit, rank=2)
