"""What a Program costs on a Cortex-M4, in modelled cycles, without running it: to choose a network before training.

Every kernel's cycles are a sum over what it does: once for the call, for each pixel, for each group of filters, for
each quad of taps... How often follows from the step's parameters (`events`); what each costs was fitted to the cycles
that `host.bench.cycles` counts for random layers (`tinyproof calibrate` writes `cost_table.py`). Plain
kernels of rare ops have one price for every element they make or read.
"""

from __future__ import annotations

from collections.abc import Callable
from math import prod
from typing import Any

from tinyproof.export.cost_table import CYCLES
from tinyproof.export.lower import Program, Step
from tinyproof.export.ops.window import Window

Events = tuple[int, ...]
OTHER = "other"  # the prices of kernels that have none of their own


def modelled_cycles(program: Program) -> int:
    """Cycles of one inference, as `host.bench.cycles` would count them within some percent (docs/performance.md)."""
    return sum(step_cycles(step) for step in program.steps)


def step_cycles(step: Step) -> int:
    """Cycles of one kernel call."""
    prices = CYCLES.get(step.kernel.name)
    counts = events(step) if prices else elements(step)
    return round(sum(price * count for price, count in zip(prices or CYCLES[OTHER], counts, strict=True)))


def milliseconds(cycles: int, clock_hz: int) -> float:
    """How long that takes."""
    return 1000 * cycles / clock_hz


def events(step: Step) -> Events:
    """How often a step does each thing that has a price; the first is 1, for the call."""
    count = EVENTS.get(step.kernel.name)
    return (1, *count(step.params)) if count else elements(step)


def elements(step: Step) -> Events:
    """The call, the elements it makes and those it reads: all that is known of a kernel in general."""
    return 1, step.y.size, sum(x.size for x in step.xs)


def _fours(count: int) -> int:
    return -(-count // 4)


def _inside(window: Window) -> int:
    """How many windows lie wholly inside the image."""

    def along(y: int, stride: int, pad: int, span: int, x: int) -> int:
        return sum(0 <= i * stride - pad <= x - span for i in range(y))

    rows = along(window.y_h, window.stride_h, window.pad_h, (window.k_h - 1) * window.dilation_h + 1, window.x_h)
    span_w = (window.k_w - 1) * window.dilation_w + 1
    return rows * along(window.y_w, window.stride_w, window.pad_w, span_w, window.x_w)


def _conv2d(p: Any) -> Events:
    window, taps = p.window, prod(p.weights.shape[1:])
    pixels = window.y_h * window.y_w
    border = pixels - _inside(window)
    sums = pixels * window.y_c
    return pixels, pixels * taps, border * window.k_h * window.k_w, sums, sums * (taps // 4), sums * (taps % 4)


def _conv2d_packed(p: Any) -> Events:
    window, pool = p.window, p.pool
    outputs = pool.y_h * pool.y_w
    looks = outputs * pool.k_h * pool.k_w
    inside = looks * _inside(window) // (window.y_h * window.y_w)
    row = p.row_taps
    whole = inside if row % 4 == 0 and window.dilation_w == 1 else 0
    gathered = looks - whole
    border = looks - inside
    pairs, groups, quads = -(-looks // 2), _fours(window.y_c), _fours(window.k_h * row)
    return (
        pairs,
        pairs * groups,
        pairs * groups * quads,
        pairs * groups * _fours(quads),
        outputs * pool.y_c,
        (looks - outputs) * pool.y_c,
        whole * window.k_h,
        looks * quads,
        gathered * window.k_h,
        border * window.k_h * window.k_w,
    )


def _conv2d_padded(p: Any) -> Events:
    return (p.padded_bytes, *_conv2d_packed(p.conv))


def _conv2d_winograd(p: Any) -> Events:
    window, pool = p.window, p.pool
    pools = pool.k_h > 1
    rows, columns = (pool.y_h, pool.y_w) if pools else (-(-window.y_h // 2), -(-window.y_w // 2))
    made = rows * columns * window.y_c
    return *_winograd(window, rows, columns, 2), made * pools, made * (not pools)


def _conv2d_winograd4(p: Any) -> Events:
    window = p.window
    rows, columns = -(-window.y_h // 4), -(-window.y_w // 4)
    return (
        *_winograd(window, rows, columns, 4),
        rows * columns * window.y_c,
        columns * window.y_h * window.y_c,
    )


def _winograd(window: Any, rows: int, columns: int, side: int) -> Events:
    """Of tiles that make side x side outputs each, before those leave: transforms, those at a border, dot products."""

    def inside(count: int, pad: int, x: int) -> int:
        return sum(0 <= side * i - pad <= x - side - 2 for i in range(count))

    tiles, quads, groups = rows * columns, window.x_c // 4, _fours(window.y_c)
    border = tiles - inside(rows, window.pad_h, window.x_h) * inside(columns, window.pad_w, window.x_w)
    runs = -(-tiles // 2) * groups
    return tiles, tiles * quads, border, border * quads, runs, runs * quads, runs * _fours(quads)


def _conv2d_narrow(p: Any) -> Events:
    window, pool = p.window, p.pool
    outputs = pool.y_h * pool.y_w
    border = outputs - outputs * _inside(window) // (window.y_h * window.y_w)
    return outputs, border, border * window.k_h * window.k_w, outputs * window.y_c


def _depthwise_conv2d(p: Any) -> Events:
    window = p.window
    pixels, taps = window.y_h * window.y_w, window.k_h * window.k_w
    border = pixels - _inside(window)
    return pixels, pixels * taps * window.x_c, border * taps, pixels * window.y_c, pixels * window.y_c * taps


def _depthwise_conv2d_packed(p: Any) -> Events:
    window = p.window
    bands = -(-window.y_h // p.rows)
    pairs = p.rows // 2 + 1 if window.stride_h == 1 else p.rows + 1
    columns = (window.y_w - 1) * window.stride_w + 3
    rows = window.y_c * (-(-window.y_h // 2) if window.stride_h == 1 else window.y_h)
    planes = bands * window.y_c // 4
    double, single = (rows * window.y_w, 0) if window.stride_h == 1 else (0, rows * window.y_w)
    return planes, planes * pairs, planes * pairs * columns, bands * window.y_c, rows, double, single


def _dense(p: Any) -> Events:
    y_c, x_c = p.weights.shape
    sums = p.rows * y_c
    return sums, sums * (x_c // 4), sums * (x_c % 4)


def _dense_packed(p: Any) -> Events:
    groups, quads = _fours(p.y_c), _fours(p.x_c)
    return p.rows, p.rows * groups, p.rows * groups * quads, p.rows * quads, p.rows * p.y_c


def _pool2d(p: Any) -> Events:
    window = p.window
    pixels, taps = window.y_h * window.y_w, window.k_h * window.k_w
    return pixels, pixels * taps, pixels * window.y_c, pixels * taps * window.y_c


def _elements(p: Any) -> Events:
    return (p.count,)


def _softmax(p: Any) -> Events:
    return p.rows, p.rows * p.x_c


EVENTS: dict[str, Callable[[Any], Events]] = {
    "add_packed": _elements,
    "average_pool2d": _pool2d,
    "average_pool2d_packed": _pool2d,
    "conv2d": _conv2d,
    "conv2d_bytes": _conv2d_packed,
    "conv2d_narrow": _conv2d_narrow,
    "conv2d_packed": _conv2d_packed,
    "conv2d_padded": _conv2d_padded,
    "conv2d_winograd": _conv2d_winograd,
    "conv2d_winograd4": _conv2d_winograd4,
    "dense": _dense,
    "dense_packed": _dense_packed,
    "depthwise_conv2d": _depthwise_conv2d,
    "depthwise_conv2d_packed": _depthwise_conv2d_packed,
    "lookup": _elements,
    "max_pool2d": _pool2d,
    "softmax": _softmax,
}
