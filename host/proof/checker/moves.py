"""Lemma "moves": ops that make no byte and put bytes elsewhere, as a function of positions. The same one moves labels
and both bounds.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from .arithmetic import Ints, ints
from .findings import NotCovered, require
from .ops import nearest, same_scale
from .tflite_model import NONE, REFLECT, Model, Op

RENAMES = ("RESHAPE", "SQUEEZE", "EXPAND_DIMS")
JOINS = ("CONCATENATION", "PACK")
Moved = Callable[[dict[int, Ints], int], list[Ints]]  # of labels or bounds by tensor, and what the byte 0 is there


def moves(model: Model, op: Op) -> Moved:
    """What an op of `MOVES` makes of its operands, for each of its outputs in the output's shape."""
    sources = [op.inputs[k] for k in _places(op)]
    if any(model.tensors[x].dtype != "INT8" for x in sources) or not sources:
        raise NotCovered("an operand that is not int8")
    if any(model.tensors[y].dtype != "INT8" for y in op.outputs):
        raise NotCovered("an output that is not int8")
    for x in sources if op.name in JOINS else ():  # the others move bytes whatever they stand for
        same_scale(model, op, model.tensors[x], model.tensors[op.outputs[0]])
    if op.name == "CONCATENATION" and op.options["activation"] != NONE:
        raise NotCovered("a fused activation")
    rule = MOVES[op.name]
    shapes = [model.tensors[y].shape for y in op.outputs]

    def moved(of: dict[int, Ints], base: int) -> list[Ints]:
        found = rule(model, op, [of[x] for x in sources], base)
        require([each.shape for each in found] == shapes, f"{op.where}: its output has another shape")
        return found

    return moved


def _places(op: Op) -> range:
    """Which of its inputs it moves."""
    if op.name in JOINS:
        return range(len(op.inputs))
    return range(1, 2) if op.name == "SPLIT" else range(1)


def _constant(model: Model, op: Op, place: int) -> Any:
    data = model.tensors[op.inputs[place]].data
    if data is None:
        raise NotCovered("an operand computed at run time")
    return data


def _numbers(model: Model, op: Op, place: int) -> list[int]:
    return [int(value) for value in _constant(model, op, place).reshape(-1)]


def _shape(model: Model, op: Op) -> tuple[int, ...]:
    return model.tensors[op.outputs[0]].shape


Rule = Callable[[Model, Op, list[Ints], int], list[Ints]]


def _renamed(model: Model, op: Op, xs: list[Ints], base: int) -> list[Ints]:
    return [xs[0].reshape(_shape(model, op))]


def _padded(model: Model, op: Op, xs: list[Ints], base: int) -> list[Ints]:
    value = int(model.tensors[op.outputs[0]].zero_point[0])
    if op.name == "PADV2":
        value = _numbers(model, op, 2)[0]
    return [np.pad(xs[0], ints(_constant(model, op, 1)).reshape(-1, 2).tolist(), constant_values=base + value)]


def _mirrored(model: Model, op: Op, xs: list[Ints], base: int) -> list[Ints]:
    """REFLECT leaves out the pixel at the border, SYMMETRIC has it twice; either pads by no more than there is."""
    pairs, gap = ints(_constant(model, op, 1)).reshape(-1, 2), int(op.options["mode"] == REFLECT)
    if pairs.shape != (xs[0].ndim, 2) or np.any(pairs > ints(xs[0].shape)[:, None] - gap):
        raise NotCovered("a padding larger than its input")
    return [np.pad(xs[0], pairs.tolist(), "reflect" if gap else "symmetric")]


def _joined(model: Model, op: Op, xs: list[Ints], base: int) -> list[Ints]:
    join = np.concatenate if op.name == "CONCATENATION" else np.stack
    return [join(xs, axis=op.options["axis"])]


def _split(model: Model, op: Op, xs: list[Ints], base: int) -> list[Ints]:
    """SPLIT (axis, x), SPLIT_V (x, sizes, axis), UNPACK (x): each output the next part along the axis."""
    if op.name == "UNPACK":
        axis, sizes = op.options["axis"], [1] * len(op.outputs)
    else:
        (axis,) = _numbers(model, op, 0 if op.name == "SPLIT" else 2)
        sizes = [model.tensors[y].shape[axis] for y in op.outputs]
    require(sum(sizes) == xs[0].shape[axis], f"{op.where}: its outputs are not all of its input")
    parts = np.split(xs[0], np.cumsum(sizes)[:-1], axis=axis)
    return [part.squeeze(axis) for part in parts] if op.name == "UNPACK" else list(parts)


def _sliced(model: Model, op: Op, xs: list[Ints], base: int) -> list[Ints]:
    """What is taken along each axis; of STRIDED_SLICE without axes that are new or left out at one end."""
    first, second = (_numbers(model, op, place) for place in (1, 2))
    if op.name == "SLICE":
        taken = tuple(slice(k, None if n == -1 else k + n) for k, n in zip(first, second, strict=True))
        return [xs[0][taken].reshape(_shape(model, op))]
    masks = op.options
    if not masks or masks["ellipsis"] or masks["new"]:
        raise NotCovered("a slice with other axes")
    steps, parts = _numbers(model, op, 3), []
    for axis, (begin, end, step) in enumerate(zip(first, second, steps, strict=True)):
        if masks["shrink"] >> axis & 1:
            parts.append(slice(begin, (begin + 1) or None, 1))
        else:
            whole = masks["begin"] >> axis & 1, masks["end"] >> axis & 1
            parts.append(slice(None if whole[0] else begin, None if whole[1] else end, step))
    return [xs[0][tuple(parts)].reshape(_shape(model, op))]


def _transposed(model: Model, op: Op, xs: list[Ints], base: int) -> list[Ints]:
    return [xs[0].transpose(_numbers(model, op, 1))]


def _resized(model: Model, op: Op, xs: list[Ints], base: int) -> list[Ints]:
    """Each pixel that of `GetNearestNeighbor`; of images (n, h, w, c)."""
    h, w = _numbers(model, op, 1)
    if xs[0].ndim != 4 or not op.options:
        raise NotCovered("images of another shape")
    rows, columns = (nearest(y, x, op.options) for y, x in ((h, xs[0].shape[1]), (w, xs[0].shape[2])))
    return [xs[0][:, rows][:, :, columns]]


def _gathered(model: Model, op: Op, xs: list[Ints], base: int) -> list[Ints]:
    """GATHER along an axis; the first `batches` axes of the indexes are those of x."""
    (x,), indexes = xs, ints(_constant(model, op, 1))
    axis, batches = op.options["axis"] % x.ndim, op.options["batches"]
    batches += indexes.ndim if batches < 0 else 0
    if indexes.size and not 0 <= int(indexes.min()) <= int(indexes.max()) < x.shape[axis]:
        raise NotCovered("indexes beyond its input")
    if not batches:
        return [np.take(x, indexes, axis=axis)]
    fits = batches <= axis and indexes.shape[:batches] == x.shape[:batches]
    require(fits, f"{op.where}: its indexes are no batches of its input")
    parts = x.reshape(-1, *x.shape[batches:])
    own = indexes.reshape(len(parts), *indexes.shape[batches:])
    taken = [np.take(part, which, axis=axis - batches) for part, which in zip(parts, own, strict=True)]
    return [np.stack(taken).reshape(_shape(model, op))]


def _reversed(model: Model, op: Op, xs: list[Ints], base: int) -> list[Ints]:
    """TFLM goes backwards along neighbouring axes."""
    axes = sorted(axis % xs[0].ndim for axis in _numbers(model, op, 1))
    if axes != list(range(axes[0], axes[0] + len(axes))):
        raise NotCovered("axes that are no neighbours")
    return [np.flip(xs[0], tuple(axes))]


def _repeated(model: Model, op: Op, xs: list[Ints], base: int) -> list[Ints]:
    return [np.broadcast_to(xs[0], _numbers(model, op, 1))]


def _of_depth(model: Model, op: Op, xs: list[Ints], base: int) -> list[Ints]:
    """SPACE_TO_DEPTH and DEPTH_TO_SPACE: (n, h * k, w * k, c) and (n, h, w, k * k * c)."""
    (x,), k = xs, op.options["block"]
    if op.name == "DEPTH_TO_SPACE":
        n, h, w, c = x.shape
        apart = x.reshape(n, h, w, k, k, c // (k * k))
        return [apart.transpose(0, 1, 3, 2, 4, 5).reshape(n, h * k, w * k, -1)]
    n, h, w, c = x.shape
    apart = x.reshape(n, h // k, k, w // k, k, c)
    return [apart.transpose(0, 1, 3, 2, 4, 5).reshape(n, h // k, w // k, -1)]


def _of_batches(model: Model, op: Op, xs: list[Ints], base: int) -> list[Ints]:
    """SPACE_TO_BATCH_ND and BATCH_TO_SPACE_ND: pixels of the same place in their blocks are an image of their own, and
    the place counts before the image.
    """
    (x,), block, margins = xs, _numbers(model, op, 1), ints(_constant(model, op, 2)).reshape(-1, 2)
    rank, count = len(block), int(np.prod(block))
    small: Sequence[int]
    require(x.ndim == rank + 2 and len(margins) == rank, f"{op.where}: blocks of another shape")
    if op.name == "SPACE_TO_BATCH_ND":
        if np.any(margins):
            raise NotCovered("paddings, which TFLM fills with what lies in memory")
        small = [size // k for size, k in zip(x.shape[1:], block, strict=False)]
        apart = x.reshape(len(x), *(n for pair in zip(small, block, strict=True) for n in pair), x.shape[-1])
        order = [*range(2, 2 * rank + 1, 2), 0, *range(1, 2 * rank, 2), 2 * rank + 1]
        return [apart.transpose(order).reshape(len(x) * count, *small, x.shape[-1])]
    n, small, c = len(x) // count, x.shape[1:-1], x.shape[-1]
    apart = x.reshape(*block, n, *small, c)
    order = [rank, *(axis for k in range(rank) for axis in (rank + 1 + k, k)), 2 * rank + 1]
    whole = apart.transpose(order).reshape(n, *(size * k for size, k in zip(small, block, strict=True)), c)
    return [whole[(slice(None), *(slice(a, size - b) for size, (a, b) in zip(whole.shape[1:], margins, strict=False)))]]


MOVES: dict[str, Rule] = {
    **dict.fromkeys(RENAMES, _renamed),
    **dict.fromkeys(("PAD", "PADV2"), _padded),
    **dict.fromkeys(JOINS, _joined),
    **dict.fromkeys(("SPLIT", "SPLIT_V", "UNPACK"), _split),
    **dict.fromkeys(("SLICE", "STRIDED_SLICE"), _sliced),
    **dict.fromkeys(("SPACE_TO_DEPTH", "DEPTH_TO_SPACE"), _of_depth),
    **dict.fromkeys(("SPACE_TO_BATCH_ND", "BATCH_TO_SPACE_ND"), _of_batches),
    "MIRROR_PAD": _mirrored,
    "TRANSPOSE": _transposed,
    "RESIZE_NEAREST_NEIGHBOR": _resized,
    "GATHER": _gathered,
    "REVERSE_V2": _reversed,
    "BROADCAST_TO": _repeated,
}
