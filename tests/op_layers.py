"""Hypothesis strategies for the ops around the layers: sums, products, functions of one byte, means, bytes moved."""

from __future__ import annotations

from math import prod

import numpy as np
from ai_edge_litert import schema_py_generated as schema
from every_op import schema_options as options
from hypothesis import strategies as st
from layers import (
    Case,
    Shape,
    activations,
    add_linear_constants,
    biases,
    inputs_for,
    paddings,
    quantized,
    scales,
    seeds,
    weights,
    window_output,
    zero_points,
)

from tinyproof.export.tflite_writer import ModelBuilder

shapes = st.lists(st.integers(1, 6), min_size=1, max_size=4).map(tuple)
deep_shapes = st.one_of(shapes, shapes, st.lists(st.integers(1, 3), min_size=5, max_size=6).map(tuple))
images = st.tuples(st.just(1), st.integers(1, 7), st.integers(1, 7), st.integers(1, 9))


def activation(name: str) -> int:
    """The schema's number of a fused activation."""
    return int(getattr(schema.ActivationFunctionType, name))


def inputs_of(seed: int, *input_shapes: Shape) -> tuple[np.ndarray, ...]:
    """Bytes for inputs one after the other: random ones and the two extremes."""
    return inputs_for((sum(map(prod, input_shapes)),), seed)


@st.composite
def depthwise_conv2d(draw: st.DrawFn) -> Case:
    """One DEPTHWISE_CONV_2D, every third time a 3 x 3 one or one along an axis, which have loops of their own; some see
    all of the image.
    """
    kind = draw(st.sampled_from(("usual", "any", "along")))
    usual, along = kind == "usual", kind == "along"
    sizes = st.sampled_from((1, 2, 3, 4, 5, 7, 9))
    kernel = (3, 3) if usual else draw(st.one_of(st.tuples(sizes, sizes), st.sampled_from(((7, 7), (1, 1), (1, 12)))))
    if along:
        kernel = draw(st.permutations((draw(st.integers(2, 30)), 1)))
    anywhere = st.tuples(st.integers(1, 3), st.integers(1, 3))
    stride = draw(st.sampled_from(((1, 1), (1, 1), (2, 2), (2, 1), (3, 3))) if usual or along else anywhere)
    dilation = draw(st.sampled_from(((1, 1), (1, 1), (2, 2), (1, 3), (3, 2))))
    padding, multiplier = draw(paddings), draw(st.sampled_from((1, 1, 1, 2, 3)))
    span = tuple((k - 1) * d + 1 for k, d in zip(kernel, dilation, strict=True))
    least = span if padding == "VALID" else (1, 1)
    more = st.sampled_from((0, 1, 2, 5, 6, 11, 31, 300)) if along else st.integers(0, 6)
    x_h, x_w = (
        low + (draw(st.integers(0, 3)) if along and k == 1 else draw(more))
        for low, k in zip(least, kernel, strict=True)
    )
    x_c = draw(st.sampled_from((1, 2, 3, 4, 5, 7, 8, 13)))
    y_h, y_w = window_output((x_h, x_w), span, stride, padding)
    taps = draw(weights((x_c * multiplier, *kernel)))
    x_scale, w_scale, y_scale = draw(quantized(taps, draw(st.booleans())))
    b = ModelBuilder()
    x = b.tensor((1, x_h, x_w, x_c), x_scale, draw(zero_points))
    y = b.tensor((1, y_h, y_w, x_c * multiplier), y_scale, draw(zero_points))
    by_tap = np.ascontiguousarray(np.moveaxis(taps, 0, 2))[None]
    constants = add_linear_constants(b, by_tap, w_scale, draw(biases(x_c * multiplier)), x_scale, axis=3)
    b.depthwise_conv2d([x, *constants], y, stride, dilation, padding, draw(activations))
    return Case(b.build([x], [y]), inputs_of(draw(seeds), (1, x_h, x_w, x_c)))


@st.composite
def average_pool2d(draw: st.DrawFn) -> Case:
    """One AVERAGE_POOL_2D."""
    kernel = draw(st.tuples(st.integers(1, 5), st.integers(1, 5)))
    stride = draw(st.tuples(st.integers(1, 4), st.integers(1, 4)))
    padding = draw(paddings)
    least = kernel if padding == "VALID" else (1, 1)
    x_h, x_w = (draw(st.integers(low, low + 7)) for low in least)
    y_h, y_w = window_output((x_h, x_w), kernel, stride, padding)
    channels, scale, zero_point = draw(st.integers(1, 9)), draw(scales), draw(zero_points)
    b = ModelBuilder()
    x = b.tensor((1, x_h, x_w, channels), scale, zero_point)
    y = b.tensor((1, y_h, y_w, channels), scale, zero_point)
    b.average_pool2d(x, y, kernel, stride, padding, draw(activations))
    return Case(b.build([x], [y]), inputs_of(draw(seeds), (1, x_h, x_w, channels)))


@st.composite
def broadcast_shapes(draw: st.DrawFn) -> tuple[Shape, Shape, Shape]:
    """Two shapes that repeat to a third: mostly equal, or one is a row, a pixel or a number."""
    y = draw(deep_shapes)
    style = draw(st.sampled_from(("equal", "equal", "equal", "channel", "scalar", "any", "swapped")))
    if style == "equal":
        return y, y, y
    if style == "channel":
        return y, y[-1:], y
    if style == "scalar":
        return y, (1,) * draw(st.integers(1, len(y))), y
    a, b = (tuple(size if draw(st.booleans()) else 1 for size in y) for _ in range(2))
    together = tuple(map(max, a, b))
    return (b[draw(st.integers(0, len(b) - 1)) :] or b, together, together) if style == "swapped" else (a, b, together)


@st.composite
def elementwise(draw: st.DrawFn, name: str) -> Case:
    """ADD, SUB, MUL, MAXIMUM, MINIMUM or PRELU of two tensors, one of which may be a constant."""
    a_shape, b_shape, y_shape = draw(broadcast_shapes())
    together = np.broadcast_shapes(a_shape, b_shape)
    y_shape = tuple(map(int, together))
    a_scale, b_scale = draw(scales), draw(scales)
    if draw(st.booleans()):
        b_scale = float(np.float32(a_scale * draw(st.floats(0.3, 3))))
    natural = {"MUL": a_scale * b_scale * 128, "SQUARED_DIFFERENCE": max(a_scale, b_scale) ** 2 * 128}.get(
        name, max(a_scale, b_scale)
    )
    y_scale = float(np.float32(natural * 2.0 ** draw(st.one_of(st.floats(-1, 1), st.floats(-8, 8)))))
    b = ModelBuilder()
    first = b.tensor(a_shape, a_scale, draw(zero_points))
    constant = draw(st.booleans())
    if constant:
        values = np.random.default_rng(draw(seeds)).integers(-128, 128, b_shape, np.int8)
        second = b.constant(values, [b_scale], [draw(zero_points)])
    else:
        second = b.tensor(b_shape, b_scale, draw(zero_points))
    y = b.tensor(y_shape, y_scale, draw(zero_points))
    chosen = None
    if name in ("ADD", "SUB", "MUL"):
        chosen = options(f"{name.title()}OptionsT", fusedActivationFunction=activation(draw(activations)))
    operands = [second, first] if constant and name != "PRELU" and draw(st.booleans()) else [first, second]
    b.op(name, operands, [y], chosen)
    inputs, input_shapes = ([first], [a_shape]) if constant else ([first, second], [a_shape, b_shape])
    return Case(b.build(inputs, [y]), inputs_of(draw(seeds), *input_shapes))


@st.composite
def lookup(draw: st.DrawFn, name: str) -> Case:
    """One function of a byte; every byte is tried."""
    x_scale = draw(st.one_of(scales, st.floats(-6, -3).map(lambda e: float(np.float32(2.0**e)))))
    y_scale = float(np.float32(x_scale * 2.0 ** draw(st.one_of(st.just(0.0), st.floats(-2, 2), st.floats(-6, 6)))))
    y_zero_point, chosen = draw(zero_points), None
    if name == "LOGISTIC":
        y_scale, y_zero_point = 1 / 256, -128
    if name == "TANH":
        y_scale, y_zero_point = 1 / 128, 0
    if name == "LEAKY_RELU":
        alpha = draw(st.one_of(st.sampled_from((0.3, 0.01, -0.2, 1.0, 0.0)), st.floats(-4, 4)))
        chosen = options("LeakyReluOptionsT", alpha=float(np.float32(alpha)))
    x_zero_point = draw(zero_points)
    if name == "RSQRT":
        x_zero_point, y_scale = -128, float(np.float32(y_scale / x_scale))
    b = ModelBuilder()
    x = b.tensor((1, 256), x_scale, x_zero_point)
    y = b.tensor((1, 256), y_scale, y_zero_point)
    b.op(name, [x], [y], chosen)
    return Case(b.build([x], [y]), (np.arange(-128, 128).astype(np.int8),))


@st.composite
def byte_functions(draw: st.DrawFn) -> Case:
    """Several ops of which each takes single bytes: of earlier results, a number, now and then one for each channel."""
    shape = draw(st.sampled_from(((1, 256), (2, 128), (1, 8, 32))))
    b, scale = ModelBuilder(), draw(scales)
    made = [(b.tensor(shape, scale, draw(zero_points)), scale)]
    saturating = {"LOGISTIC": (1 / 256, -128), "TANH": (1 / 128, 0)}
    binaries = ("ADD", "SUB", "MUL", "MUL", "MAXIMUM", "MINIMUM", "PRELU", "SQUARED_DIFFERENCE")
    for _ in range(draw(st.integers(1, 6))):
        name = draw(st.sampled_from((*saturating, "RELU", "RESHAPE", *binaries)))
        x, y_scale = draw(st.sampled_from(made[-2:]))
        if name in saturating:
            y_scale, zero_point = saturating[name]
            b.op(name, [x], [y := b.tensor(shape, y_scale, zero_point)])
        elif name == "RELU":
            b.op(name, [x], [y := b.tensor(shape, y_scale, draw(zero_points))])
        elif name == "RESHAPE":
            b.reshape(x, y := b.tensor(shape, y_scale, 0))
        else:
            y, y_scale = draw(_of_two(b, name, x, y_scale, made, shape))
        made.append((y, y_scale))
    outputs = [index for index, _ in made[1:-1] if draw(st.integers(0, 4)) == 0] + [made[-1][0]]
    inputs = (np.arange(-128, 128).astype(np.int8), *inputs_of(draw(seeds), shape))
    return Case(b.build([made[0][0]], outputs), inputs)


@st.composite
def _of_two(
    draw: st.DrawFn, b: ModelBuilder, name: str, x: int, x_scale: float, made: list[tuple[int, float]], shape: Shape
) -> tuple[int, float]:
    """The result of an op of x and an earlier result or a constant, and its scale."""
    other, other_scale = draw(st.sampled_from(made))
    if name == "PRELU" or draw(st.booleans()):
        size = draw(st.sampled_from(((1,), (1,), (1, 1), shape[-1:])))
        values = np.random.default_rng(draw(seeds)).integers(-128, 128, size, np.int8)
        other_scale = float(np.float32(x_scale * 2.0 ** draw(st.floats(-2, 2))))
        other = b.constant(values, [other_scale], [draw(zero_points)])
    larger = max(x_scale, other_scale)
    natural = {"MUL": x_scale * other_scale * 64, "SQUARED_DIFFERENCE": larger**2 * 64, "PRELU": x_scale}
    y_scale = float(np.float32(natural.get(name, larger) * 2.0 ** draw(st.floats(-1, 1))))
    y = b.tensor(shape, y_scale, draw(zero_points))
    chosen = None
    if name in ("ADD", "SUB", "MUL"):
        chosen = options(f"{name.title()}OptionsT", fusedActivationFunction=activation(draw(activations)))
    b.op(name, [x, other] if name == "PRELU" or draw(st.booleans()) else [other, x], [y], chosen)
    return y, y_scale


@st.composite
def reduction(draw: st.DrawFn, name: str) -> Case:
    """MEAN or SUM along any axes."""
    shape = draw(st.one_of(deep_shapes, st.tuples(st.just(1), st.integers(1, 9), st.integers(1, 9), st.integers(1, 9))))
    axes = draw(st.lists(st.integers(-len(shape), len(shape) - 1), min_size=1, max_size=len(shape)))
    gone, keep = {axis % len(shape) for axis in axes}, draw(st.booleans())
    y_shape = tuple(1 if k in gone else size for k, size in enumerate(shape) if keep or k not in gone)
    x_scale = draw(scales)
    y_scale = float(np.float32(x_scale * 2.0 ** draw(st.one_of(st.just(0.0), st.floats(-3, 5)))))
    b = ModelBuilder()
    x = b.tensor(shape, x_scale, draw(zero_points))
    y = b.tensor(y_shape or (1,), y_scale, draw(zero_points))
    axis = b.constant(np.array(axes, np.int32), None)
    b.op(name, [x, axis], [y], options("ReducerOptionsT", keepDims=keep))
    return Case(b.build([x], [y]), inputs_of(draw(seeds), shape))


@st.composite
def pad(draw: st.DrawFn) -> Case:
    """PAD or PADV2."""
    shape = draw(shapes)
    paddings = [(draw(st.integers(0, 3)), draw(st.integers(0, 3))) for _ in shape]
    y_shape = tuple(size + sum(pair) for size, pair in zip(shape, paddings, strict=True))
    scale, zero_point = draw(scales), draw(zero_points)
    b = ModelBuilder()
    x, y = b.tensor(shape, scale, zero_point), b.tensor(y_shape, scale, zero_point)
    operands = [x, b.constant(np.array(paddings, np.int32), None)]
    if draw(st.booleans()):
        operands.append(b.constant(np.array(draw(st.integers(-128, 127)), np.int8), [scale], [zero_point]))
    b.op("PAD" if len(operands) == 2 else "PADV2", operands, [y])
    return Case(b.build([x], [y]), inputs_of(draw(seeds), shape))


@st.composite
def concatenation(draw: st.DrawFn) -> Case:
    """CONCATENATION or PACK of computed and constant tensors."""
    shape, count, packs = draw(deep_shapes), draw(st.integers(1, 5)), draw(st.booleans())
    rank = len(shape) + packs
    axis = draw(st.integers(-rank, rank - 1))
    front, scale, zero_point = axis % rank, draw(scales), draw(zero_points)
    pieces = [shape if packs else (*shape[:front], draw(st.integers(1, 4)), *shape[front + 1 :]) for _ in range(count)]
    length = count if packs else sum(piece[front] for piece in pieces)
    y_shape = (*shape[:front], length, *shape[front + (not packs) :])
    b, operands, inputs = ModelBuilder(), [], []
    for k, piece in enumerate(pieces):
        if k and draw(st.integers(0, 3)) == 0:
            values = np.random.default_rng(k).integers(-128, 128, piece, np.int8)
            operands.append(b.constant(values, [scale], [zero_point]))
        elif inputs and draw(st.integers(0, 3)) == 0 and piece == pieces[0]:
            operands.append(inputs[0])
        else:
            inputs.append(b.tensor(piece, scale, zero_point))
            operands.append(inputs[-1])
    y = b.tensor(y_shape, scale, zero_point)
    if packs:
        b.op("PACK", operands, [y], options("PackOptionsT", axis=axis, valuesCount=count))
    else:
        b.op("CONCATENATION", operands, [y], options("ConcatenationOptionsT", axis=axis))
    input_shapes = [pieces[operands.index(x)] for x in inputs]
    return Case(b.build(inputs, [y]), inputs_of(draw(seeds), *input_shapes))


@st.composite
def split(draw: st.DrawFn) -> Case:
    """SPLIT, SPLIT_V or UNPACK; every piece is an output of the model."""
    name = draw(st.sampled_from(("SPLIT", "SPLIT_V", "UNPACK")))
    shape, count = draw(deep_shapes), draw(st.integers(1, 4))
    axis = draw(st.integers(0, len(shape) - 1))
    sizes = [1 if name == "UNPACK" else 2] * count
    if name == "SPLIT_V":
        sizes = [draw(st.integers(1, 3)) for _ in range(count)]
    whole = (*shape[:axis], sum(sizes), *shape[axis + 1 :])
    if name == "UNPACK" and len(shape) == 1:
        whole, axis = (*whole, 3), 0
    scale, zero_point = draw(scales), draw(zero_points)
    b = ModelBuilder()
    x = b.tensor(whole, scale, zero_point)
    kept = [] if name == "UNPACK" else [1]
    ys = [b.tensor((*whole[:axis], *(size for _ in kept), *whole[axis + 1 :]), scale, zero_point) for size in sizes]
    axis_constant = b.constant(np.array(axis, np.int32), None)
    if name == "SPLIT":
        b.op(name, [axis_constant, x], ys, options("SplitOptionsT", numSplits=count))
    elif name == "SPLIT_V":
        size_constant = b.constant(np.array(sizes, np.int32), None)
        b.op(name, [x, size_constant, axis_constant], ys, options("SplitVOptionsT", numSplits=count))
    else:
        b.op(name, [x], ys, options("UnpackOptionsT", num=count, axis=axis))
    return Case(b.build([x], ys), inputs_of(draw(seeds), whole))


@st.composite
def transpose(draw: st.DrawFn) -> Case:
    """One TRANSPOSE."""
    shape = draw(st.lists(st.integers(1, 6), min_size=1, max_size=5).map(tuple))
    order = draw(st.permutations(range(len(shape))))
    b = ModelBuilder()
    x = b.tensor(shape, 0.5)
    y = b.tensor(tuple(shape[axis] for axis in order), 0.5)
    b.op("TRANSPOSE", [x, b.constant(np.array(order, np.int32), None)], [y], options("TransposeOptionsT"))
    return Case(b.build([x], [y]), inputs_of(draw(seeds), shape))


@st.composite
def strided_slice(draw: st.DrawFn) -> Case:
    """One STRIDED_SLICE, forwards or backwards, with masks."""
    shape = draw(shapes)
    begin_mask, end_mask, shrink_mask = (draw(st.integers(0, 2 ** len(shape) - 1)) for _ in range(3))
    shrink_mask &= draw(st.integers(0, 2 ** len(shape) - 2))  # at least one axis stays
    begin, end, steps, y_shape = [], [], [], []
    for axis, size in enumerate(shape):
        step = draw(st.sampled_from((1, 1, 2, 3, -1, -2)))
        first, last = draw(st.integers(-size, size - 1)), draw(st.integers(-size - 1, size + 1))
        low, high = None if begin_mask >> axis & 1 else first, None if end_mask >> axis & 1 else last
        taken = range(*slice(low, high, step).indices(size))
        if shrink_mask >> axis & 1:
            step, last = 1, first + 1 if first != -1 else size
            begin_mask &= ~(1 << axis)
            end_mask &= ~(1 << axis)
        elif not taken:
            step, first, last = 1, 0, size
            taken = range(size)
        begin.append(first), end.append(last), steps.append(step)
        if not shrink_mask >> axis & 1:
            y_shape.append(len(taken))
    b = ModelBuilder()
    x, y = b.tensor(shape, 0.5), b.tensor(y_shape, 0.5)
    bounds = [b.constant(np.array(values, np.int32), None) for values in (begin, end, steps)]
    masks = {"beginMask": begin_mask, "endMask": end_mask, "shrinkAxisMask": shrink_mask}
    b.op("STRIDED_SLICE", [x, *bounds], [y], options("StridedSliceOptionsT", **masks))
    return Case(b.build([x], [y]), inputs_of(draw(seeds), shape))


@st.composite
def slice_op(draw: st.DrawFn) -> Case:
    """One SLICE."""
    shape = draw(shapes)
    begin = [draw(st.integers(0, size - 1)) for size in shape]
    sizes = [draw(st.integers(1, size - first)) for size, first in zip(shape, begin, strict=True)]
    rest = [first + n == size for size, first, n in zip(shape, begin, sizes, strict=True)]
    written = [-1 if last and draw(st.booleans()) else n for n, last in zip(sizes, rest, strict=True)]
    b = ModelBuilder()
    x, y = b.tensor(shape, 0.5), b.tensor(sizes, 0.5)
    bounds = [b.constant(np.array(values, np.int32), None) for values in (begin, written)]
    b.op("SLICE", [x, *bounds], [y], options("SliceOptionsT"))
    return Case(b.build([x], [y]), inputs_of(draw(seeds), shape))


@st.composite
def transpose_conv2d(draw: st.DrawFn) -> Case:
    """One TRANSPOSE_CONV."""
    kernel = draw(st.tuples(st.integers(1, 4), st.integers(1, 4)))
    stride = draw(st.tuples(st.integers(1, 3), st.integers(1, 3)))
    padding = draw(paddings)
    y_h, y_w = (draw(st.integers(k if padding == "VALID" else 1, k + 7)) for k in kernel)
    x_h, x_w = window_output((y_h, y_w), kernel, stride, padding)
    x_c, y_c = draw(st.sampled_from((1, 2, 3, 8))), draw(st.integers(1, 5))
    taps = draw(weights((y_c, *kernel, x_c)))
    x_scale, w_scale, y_scale = draw(quantized(taps, draw(st.booleans())))
    b = ModelBuilder()
    x = b.tensor((1, x_h, x_w, x_c), x_scale, draw(zero_points))
    y = b.tensor((1, y_h, y_w, y_c), y_scale, draw(zero_points))
    shape = b.constant(np.array((1, y_h, y_w, y_c), np.int32), None)
    taps_index, *bias = add_linear_constants(b, taps, w_scale, draw(biases(y_c)), x_scale)
    chosen = options(
        "TransposeConvOptionsT",
        padding=getattr(schema.Padding, padding),
        strideH=stride[0],
        strideW=stride[1],
        fusedActivationFunction=activation(draw(activations)),
    )
    b.op("TRANSPOSE_CONV", [shape, taps_index, x, *bias], [y], chosen)
    return Case(b.build([x], [y]), inputs_of(draw(seeds), (1, x_h, x_w, x_c)))


@st.composite
def grouped_conv2d(draw: st.DrawFn) -> Case:
    """One CONV_2D whose filters see a group of the channels each."""
    groups, w_c = draw(st.sampled_from((2, 3, 4, 8))), draw(st.sampled_from((1, 2, 3, 4, 4, 8)))
    per_group, stride = draw(st.integers(1, 5)), draw(st.tuples(st.integers(1, 2), st.integers(1, 3)))
    kernel, side = draw(st.tuples(st.integers(1, 3), st.integers(1, 3))), draw(st.integers(5, 9))
    dilation, padding, pools = draw(st.sampled_from(((1, 1), (1, 1), (2, 2)))), draw(paddings), draw(st.booleans())
    span = tuple((k - 1) * d + 1 for k, d in zip(kernel, dilation, strict=True))
    taps = draw(weights((groups * per_group, *kernel, w_c)))
    x_scale, w_scale, y_scale = draw(quantized(taps, draw(st.booleans())))
    y_h, y_w = window_output((side, side), span, stride, padding)
    b = ModelBuilder()
    x = b.tensor((1, side, side, groups * w_c), x_scale, draw(zero_points))
    zero_point = draw(zero_points)
    y = b.tensor((1, y_h, y_w, groups * per_group), y_scale, zero_point)
    constants = add_linear_constants(b, taps, w_scale, draw(biases(groups * per_group)), x_scale)
    b.conv2d([x, *constants], y, stride, dilation, padding, draw(activations))
    if pools:
        x_pool, window = y, (draw(st.integers(1, min(y_h, 3))), draw(st.integers(1, min(y_w, 3))))
        y = b.tensor((1, y_h // window[0], y_w // window[1], groups * per_group), y_scale, zero_point)
        b.max_pool2d(x_pool, y, window, window)
    return Case(b.build([x], [y]), inputs_of(draw(seeds), (1, side, side, groups * w_c)))


@st.composite
def resize_nearest(draw: st.DrawFn) -> Case:
    """One RESIZE_NEAREST_NEIGHBOR, of one image or a batch, to larger and smaller ones."""
    _, x_h, x_w, x_c = draw(images)
    batch = draw(st.integers(1, 3))
    shape = (batch, x_h, x_w, x_c)
    y_h, y_w = draw(st.one_of(st.tuples(st.integers(1, 20), st.integers(1, 20)), st.just((2 * x_h, 2 * x_w))))
    align, half = draw(st.sampled_from(((False, False), (True, False), (False, True))))
    b = ModelBuilder()
    x, y = b.tensor(shape, 0.5), b.tensor((batch, y_h, y_w, x_c), 0.5)
    chosen = options("ResizeNearestNeighborOptionsT", alignCorners=align, halfPixelCenters=half)
    b.op("RESIZE_NEAREST_NEIGHBOR", [x, b.constant(np.array([y_h, y_w], np.int32), None)], [y], chosen)
    return Case(b.build([x], [y]), inputs_of(draw(seeds), shape))
