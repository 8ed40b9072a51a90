"""Which mistake makes the golden's numbers the device's: layers computed again with one mistake each.

A mistake counts as found only if it gives every byte that the device gave, in every example. What can be said without
such a match, that one channel alone differs and what its numbers follow, is said as that.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from tinyproof.export.ops.dense import DenseParams
from tinyproof.export.ops.depthwise_conv2d import DepthwiseConv2dParams
from tinyproof.export.ops.requantize import INT32_MAX, OutputStage
from tinyproof.host.diagnosis.recompute import (
    Channels,
    Layer,
    Sums,
    finish,
    pooled,
    round_down,
    round_float,
    round_once,
    round_twice,
    sums,
    taps,
    with_padding,
)

Bytes = NDArray[np.int8]
PADDING_STEPS = 2  # rows and columns by which a window is tried elsewhere
SHIFTS = 40  # of a multiplier, from -31 on
ESTIMATES = 3  # outputs from which the change of a weight is estimated
NEIGHBOURS = 20  # changes of a weight tried on either side of an estimate, at most
POINTS_TO_JUDGE = 8  # different sums of a channel before its numbers are taken for a pattern
ROUNDINGS = {
    "rounds once instead of twice (TFLITE_SINGLE_ROUNDING)": round_once,
    "multiplies by a float32 scale and rounds once, as XNNPACK does": round_float(np.float32),
    "multiplies by a float64 scale and rounds once, as newer TFLite kernels do": round_float(np.float64),
    "cuts instead of rounding": round_down,
}


@dataclass(frozen=True, eq=False)
class Example:
    """One sample at a layer: its input, what the golden made of it and what the device made of it, all flat int8."""

    x: Bytes
    golden: Bytes
    device: Bytes


@dataclass(frozen=True)
class Explanation:
    """A mistake in words that continue "the device ..."; `is_rounding` when it is in the rounding alone.

    `proved`: computing the layer with this mistake gives exactly the device's bytes.
    """

    text: str
    is_rounding: bool
    proved: bool


def explain(layer: Layer, examples: Sequence[Example]) -> Explanation | None:
    """The mistake behind all examples; None where nothing can be said, or the layer's golden cannot be reproduced."""
    accs = [sums(layer, example.x) for example in examples]
    right = [finish(layer, acc, round_twice) for acc in accs]
    if any(not np.array_equal(y, example.golden) for y, example in zip(right, examples, strict=True)):
        return None
    roundings = [
        text for text, round_ in ROUNDINGS.items() if _all_match([finish(layer, acc, round_) for acc in accs], examples)
    ]
    if roundings:
        return Explanation(", or ".join(roundings), is_rounding=True, proved=True)
    for text, ys in _mistakes(layer, examples, accs):
        if _all_match(ys, examples):
            return Explanation(text, is_rounding=False, proved=True)
    if layer.params.output.multiplier.size == 1:
        found = _multiplier(layer, accs, [e.device.reshape(-1) for e, acc in zip(examples, accs, strict=True)])
        if found:
            return Explanation(f"has a wrong {found}", is_rounding=False, proved=True)
    return _one_channel(layer, examples, accs)


def _all_match(ys: Sequence[Bytes], examples: Sequence[Example]) -> bool:
    return all(np.array_equal(y, example.device) for y, example in zip(ys, examples, strict=True))


def _mistakes(layer: Layer, examples: Sequence[Example], accs: Sequence[Sums]) -> Iterator[tuple[str, list[Bytes]]]:
    """What a whole layer can get wrong, with what it then makes of every example."""
    stage, params = layer.params.output, layer.params
    if (stage.y_min, stage.y_max) != (-128, 127):
        yield "leaves the activation out", [finish(layer, acc, round_twice, clamp=False) for acc in accs]
    if stage.multiplier.size > 1:
        first = replace(stage, multiplier=stage.multiplier[:1], shift=stage.shift[:1])
        flat = replace(layer, params=replace(params, output=first))
        text = "uses the first channel's scale for all channels, as runtimes from before mid-2024 do with dense layers"
        yield text, [finish(flat, acc, round_twice) for acc in accs]
    if isinstance(params, DenseParams):
        return
    window = params.window
    if window.pad_h or window.pad_w:
        for value in {0, -128} - {params.x_zero_point}:
            ys = [finish(layer, sums(layer, example.x, outside=value), round_twice) for example in examples]
            yield f"pads with {value} instead of the input's zero point {params.x_zero_point}", ys
    steps = range(-PADDING_STEPS, PADDING_STEPS + 1)
    for dh, dw in ((dh, dw) for dh in steps for dw in steps if dh or dw):
        moved = with_padding(layer, dh, dw)
        ys = [finish(moved, sums(moved, example.x), round_twice) for example in examples]
        pad = f"{window.pad_h + dh} x {window.pad_w + dw}"
        yield f"computes with a padding of {pad} instead of {window.pad_h} x {window.pad_w}", ys


def _one_channel(layer: Layer, examples: Sequence[Example], accs: Sequence[Sums]) -> Explanation | None:
    """What is wrong with the only output channel that differs, if it is the only one."""
    channels = accs[0].shape[2]
    differing = {int(c) for e in examples for c in np.flatnonzero((e.device != e.golden).reshape(-1, channels).any(0))}
    if len(differing) != 1:
        return None
    channel = differing.pop()
    alone = _channel(layer, channel)
    acc = [acc[:, :, channel : channel + 1] for acc in accs]
    device = [e.device.reshape(-1, channels)[:, channel] for e in examples]
    text = f"is wrong in output channel {_number(layer.y_left, channel)} alone: in its "
    if len(np.unique(np.concatenate([_tops(alone, a) for a in acc]))) < POINTS_TO_JUDGE:
        return Explanation(text + "weights, bias or multiplier", is_rounding=False, proved=False)
    if found := _bias(alone, acc, device) or _multiplier(alone, acc, device):
        return Explanation(text + found, is_rounding=False, proved=True)
    if found := _weight(alone, channel, examples, acc, device):
        return Explanation(text + found, is_rounding=False, proved=True)
    text += "weights, for no other bias and no other multiplier fits"
    return Explanation(text, is_rounding=False, proved=False)


def _number(left: Channels | None, channel: int) -> int:
    """The number of a channel in the model."""
    return channel if left is None or channel >= left.size else int(left[channel])


def _channel(layer: Layer, channel: int) -> Layer:
    """The layer with the output stage of one channel."""
    stage = layer.params.output
    if stage.multiplier.size > 1:
        one = slice(channel, channel + 1)
        stage = replace(stage, multiplier=stage.multiplier[one], shift=stage.shift[one])
    return replace(layer, params=replace(layer.params, output=stage))


def _tops(layer: Layer, acc: Sums) -> NDArray[np.int64]:
    """The sums that decide the output bytes, flat: the largest of each pooling window."""
    return (pooled(acc, layer.pool.window) if layer.pool else acc).reshape(-1)


def _bias(layer: Layer, accs: Sequence[Sums], device: Sequence[Bytes]) -> str | None:
    """Whether adding one number to every sum gives the device's bytes: no output falls while that number rises."""

    def error(guess: int) -> tuple[bool, bool]:
        ys = [finish(layer, np.clip(acc + guess, -INT32_MAX, INT32_MAX), round_twice) for acc in accs]
        high = any(bool(np.any(y > d)) for y, d in zip(ys, device, strict=True))
        return high, any(bool(np.any(y < d)) for y, d in zip(ys, device, strict=True))

    found = _bisect(-INT32_MAX, INT32_MAX, error)
    if found is None:
        return None
    doubt = ", or a weight whose input is always the same" if isinstance(layer.params, DenseParams) else ""
    return f"bias{doubt}: the sums are about {abs(found):,} too {'high' if found > 0 else 'low'}"


def _multiplier(layer: Layer, accs: Sequence[Sums], device: Sequence[Bytes]) -> str | None:
    """Whether another scale gives the device's bytes: while it rises, no output of a positive sum falls, and so on."""
    stage = layer.params.output

    def stage_of(code: int) -> OutputStage:
        shift, fraction = divmod(code, 1 << 30)
        return replace(stage, multiplier=np.array([(1 << 30) + fraction]), shift=np.array([shift - 31]))

    def error(code: int) -> tuple[bool, bool]:
        guess = replace(layer, params=replace(layer.params, output=stage_of(code)))
        steps = [finish(guess, acc, round_twice).astype(int) - d for acc, d in zip(accs, device, strict=True)]
        away = [np.sign(_tops(layer, acc)) * step for acc, step in zip(accs, steps, strict=True)]
        if any(bool(np.any((a == 0) & (step != 0))) for a, step in zip(away, steps, strict=True)):
            return True, True  # a sum of zero: no scale moves its output
        return any(bool(np.any(a > 0)) for a in away), any(bool(np.any(a < 0)) for a in away)

    found = _bisect(0, SHIFTS << 30, error)
    return (
        f"multiplier or shift: its scale is {_scale(stage_of(found)) / _scale(stage):.3g} times the right one"
        if found
        else None
    )


def _weight(
    layer: Layer, channel: int, examples: Sequence[Example], accs: Sequence[Sums], device: Sequence[Bytes]
) -> str | None:
    """The only weight of the channel that gives the device's bytes with another value; None where there is not one.

    It may have been wrong before the export, which folds it into the bias too, or have become wrong afterwards.
    """
    seen = [taps(layer, example.x, channel) for example in examples]
    weights = seen[0][0].astype(int)
    golden = np.concatenate([finish(layer, acc, round_twice) for acc in accs]).astype(int)
    found = set()
    for zero in (layer.x_zero_point, 0):
        xs = [x - zero for _, x in seen]
        tops = np.concatenate([_at_tops(layer, acc, x) for acc, x in zip(accs, xs, strict=True)], axis=1)
        for tap, top in enumerate(tops):
            for change in _changes(layer.params.output, top, golden, np.concatenate(device).astype(int)):
                if not -128 <= weights[tap] + change <= 127:
                    continue
                ys = (finish(layer, acc + change * x[tap], round_twice) for acc, x in zip(accs, xs, strict=True))
                if all(np.array_equal(y, d) for y, d in zip(ys, device, strict=True)):
                    found.add((tap, change))
    if len(found) != 1:
        return None
    [(tap, change)] = found
    *place, last = (int(i) for i in np.unravel_index(tap, _filter_shape(layer)))
    if not isinstance(layer.params, DepthwiseConv2dParams):
        last = _number(layer.x_left, last)
    return f"weight {(*place, last)}: it is {weights[tap] + change}, not {weights[tap]}"


def _changes(
    stage: OutputStage, x: NDArray[np.int64], golden: NDArray[np.int64], device: NDArray[np.int64]
) -> Iterator[int]:
    """The changes of a weight, seeing x (outputs,), that the outputs that moved most allow, clamped ones left out."""
    moved = (device - golden) / _scale(stage)
    free = (np.minimum(golden, device) > stage.y_min) & (np.maximum(golden, device) < stage.y_max)
    strength = np.abs(moved * x) * free
    tried = set()
    for strongest in np.argsort(-strength)[:ESTIMATES]:
        if strength[strongest]:
            guess = round(moved[strongest] / x[strongest])
            doubt = min(round(1 / (_scale(stage) * abs(x[strongest]))) + 1, NEIGHBOURS)
            tried |= set(range(guess - doubt, guess + doubt + 1))
    yield from sorted(tried)


def _filter_shape(layer: Layer) -> tuple[int, ...]:
    """The shape of one output channel's weights."""
    params = layer.params
    return params.weights.shape[:2] if isinstance(params, DepthwiseConv2dParams) else params.weights.shape[1:]


def _at_tops(layer: Layer, acc: Sums, x: Sums) -> NDArray[np.int64]:
    """What every tap sees (n, h, w, 1) where a pooling window has its largest sum; (n, outputs)."""
    if layer.pool is None:
        return x.reshape(len(x), -1)
    places = np.arange(acc.size).reshape(acc.shape)
    largest = acc * acc.size + places  # as the sums are ordered, and each different
    return x.reshape(len(x), -1)[:, pooled(largest, layer.pool.window).reshape(-1) % acc.size]


def _scale(stage: OutputStage) -> float:
    return float(np.ldexp(float(stage.multiplier[0]), int(stage.shift[0]) - 31))


def _bisect(low: int, high: int, error: Callable[[int], tuple[bool, bool]]) -> int | None:
    """A number from `low` to `high` for which `error` says neither too high nor too low; None where there is none."""
    while low <= high:
        guess = (low + high) // 2
        too_high, too_low = error(guess)
        if too_high == too_low:
            return None if too_high else guess
        low, high = (low, guess - 1) if too_high else (guess + 1, high)
    return None
