"""Hypothesis strategies for the ops that few models have, each a case for `test_kernels.py`."""

from __future__ import annotations

import numpy as np
from every_op import schema_options as options
from hypothesis import strategies as st
from layers import Case, activations, scales, seeds, zero_points
from op_layers import activation, images, inputs_of, shapes

from tinyproof.export.ops.floats import FUNCTIONS, OPERANDS
from tinyproof.export.tflite_writer import ABSENT, ModelBuilder

FUSING = ("ADD", "DIV", "MUL", "SUB")
# Functions of numbers that are numbers; decisions have tests of their own.
NUMBERS = sorted([name for name in FUNCTIONS if OPERANDS[name] == 1 and name != "LOGICAL_NOT"] + [*FUSING])


@st.composite
def resize_bilinear(draw: st.DrawFn) -> Case:
    """One RESIZE_BILINEAR, of one image or a batch, to larger and smaller ones."""
    _, x_h, x_w, x_c = draw(images)
    batch = draw(st.integers(1, 3))
    shape = (batch, x_h, x_w, x_c)
    sizes = st.integers(1, 60)
    y_h, y_w = draw(st.one_of(st.tuples(sizes, sizes), st.just((2 * x_h, 2 * x_w))))
    align, half = draw(st.sampled_from(((False, False), (True, False), (False, True))))
    b = ModelBuilder()
    x, y = b.tensor(shape, 0.5), b.tensor((batch, y_h, y_w, x_c), 0.5)
    chosen = options("ResizeBilinearOptionsT", alignCorners=align, halfPixelCenters=half)
    b.op("RESIZE_BILINEAR", [x, b.constant(np.array([y_h, y_w], np.int32), None)], [y], chosen)
    return Case(b.build([x], [y]), inputs_of(draw(seeds), shape))


@st.composite
def log_softmax(draw: st.DrawFn) -> Case:
    """One LOG_SOFTMAX, from scales where all is equal to those where one class takes all."""
    shape = (*draw(st.sampled_from(((1,), (3,), (1, 2, 2)))), draw(st.one_of(st.integers(1, 12), st.just(4095))))
    scale = float(np.float32(2.0 ** draw(st.one_of(st.floats(-25, 6), st.floats(-7, 0)))))
    b = ModelBuilder()
    x, y = b.tensor(shape, scale, draw(zero_points)), b.tensor(shape, 1 / 16, 127)
    b.op("LOG_SOFTMAX", [x], [y], options("LogSoftmaxOptionsT"))
    near = np.random.default_rng(draw(seeds)).integers(-128, -128 + draw(st.integers(1, 255)), shape, np.int8)
    return Case(b.build([x], [y]), (near, *inputs_of(draw(seeds), shape)))


@st.composite
def gather(draw: st.DrawFn) -> Case:
    """One GATHER with constant indexes, along any axis, batch by batch or not."""
    shape = draw(shapes)
    axis = draw(st.integers(0, len(shape) - 1))
    batches = draw(st.integers(0, axis))
    own = draw(st.lists(st.integers(1, 4), min_size=0 if len(shape) > 1 else 1, max_size=2))
    indexes = np.random.default_rng(draw(seeds)).integers(0, shape[axis], (*shape[:batches], *own), np.int32)
    y_shape = (*shape[:axis], *own, *shape[axis + 1 :])
    b = ModelBuilder()
    x, y = b.tensor(shape, 0.5), b.tensor(y_shape, 0.5)
    written = axis - draw(st.sampled_from((0, len(shape))))
    b.op("GATHER", [x, b.constant(indexes, None)], [y], options("GatherOptionsT", axis=written, batchDims=batches))
    return Case(b.build([x], [y]), inputs_of(draw(seeds), shape))


@st.composite
def depth_and_space(draw: st.DrawFn) -> Case:
    """SPACE_TO_DEPTH or DEPTH_TO_SPACE."""
    size, n, h, w, c = (draw(st.integers(1, most)) for most in (4, 2, 4, 4, 5))
    wide, deep = (n, h * size, w * size, c), (n, h, w, c * size * size)
    name, table = draw(st.sampled_from((("SPACE_TO_DEPTH", "SpaceToDepth"), ("DEPTH_TO_SPACE", "DepthToSpace"))))
    shape, y_shape = (wide, deep) if name == "SPACE_TO_DEPTH" else (deep, wide)
    b = ModelBuilder()
    x, y = b.tensor(shape, 0.5), b.tensor(y_shape, 0.5)
    b.op(name, [x], [y], options(f"{table}OptionsT", blockSize=size))
    return Case(b.build([x], [y]), inputs_of(draw(seeds), shape))


@st.composite
def batch_and_space(draw: st.DrawFn) -> Case:
    """SPACE_TO_BATCH_ND, with paddings of zero where TFLM is defined, or BATCH_TO_SPACE_ND with crops."""
    rank, n, c = draw(st.integers(1, 2)), draw(st.integers(1, 2)), draw(st.integers(1, 5))
    block, small = ([draw(st.integers(1, most)) for _ in range(rank)] for most in (3, 4))
    splits = draw(st.booleans())
    full = [a * b for a, b in zip(block, small, strict=True)]
    margins = [(0, 0)] * rank
    if not splits:
        margins = [(before := draw(st.integers(0, k - 1)), draw(st.integers(0, k - 1 - before))) for k in full]
    image = (n, *(k - sum(pair) for k, pair in zip(full, margins, strict=True)), c)
    batch = (n * int(np.prod(block)), *small, c)
    name, shape, y_shape = ("SPACE_TO_BATCH_ND", image, batch) if splits else ("BATCH_TO_SPACE_ND", batch, image)
    b = ModelBuilder()
    x, y = b.tensor(shape, 0.5), b.tensor(y_shape, 0.5)
    b.op(name, [x, *(b.constant(np.array(values, np.int32), None) for values in (block, margins))], [y])
    return Case(b.build([x], [y]), inputs_of(draw(seeds), shape))


@st.composite
def l2_normalization(draw: st.DrawFn) -> Case:
    """One L2_NORMALIZATION, of rows of all sizes and of rows that are nearly zero."""
    shape = (*draw(st.sampled_from(((1,), (3,), (1, 2, 2)))), draw(st.one_of(st.integers(1, 12), st.just(9000))))
    zero_point = draw(zero_points)
    b = ModelBuilder()
    x, y = b.tensor(shape, draw(scales), zero_point), b.tensor(shape, 1 / 128, 0)
    b.op("L2_NORMALIZATION", [x], [y], options("L2NormOptionsT"))
    rng = np.random.default_rng(draw(seeds))
    near = np.clip(zero_point + rng.integers(-2, 3, shape) * (rng.random(shape) < 0.3), -128, 127).astype(np.int8)
    return Case(b.build([x], [y]), (near, *inputs_of(draw(seeds), shape)))


@st.composite
def batch_matmul(draw: st.DrawFn) -> Case:
    """One BATCH_MATMUL: both computed, or one constant; stored either way; batches of either repeated."""
    rows, columns = draw(st.integers(1, 5)), draw(st.integers(1, 5))
    depth = draw(st.one_of(st.integers(1, 9), st.just(300)))
    adj_x, adj_y = draw(st.booleans()), draw(st.booleans())
    batches = draw(st.lists(st.integers(1, 3), max_size=3))
    over_a, over_b = ([n if draw(st.integers(0, 3)) else 1 for n in batches] for _ in range(2))
    if draw(st.booleans()):
        over_b = over_b[draw(st.integers(0, len(over_b))) :]
    y_over = np.broadcast_shapes(tuple(over_a), tuple(over_b))
    a_shape = (*over_a, *((depth, rows) if adj_x else (rows, depth)))
    b_shape = (*over_b, *((columns, depth) if adj_y else (depth, columns)))
    a_scale, b_scale = draw(scales), draw(scales)
    y_scale = a_scale * b_scale * 75 * depth**0.5 * 2.0 ** draw(st.one_of(st.floats(-1, 1), st.floats(-8, 8)))
    b = ModelBuilder()
    operands, inputs, input_shapes = [], [], []
    constant = draw(st.sampled_from(("none", "a", "b")))
    for name, shape, scale in (("a", a_shape, a_scale), ("b", b_shape, b_scale)):
        if name == constant:
            values = np.random.default_rng(draw(seeds)).integers(-128, 128, shape, np.int8)
            operands.append(b.constant(values, [scale], [draw(zero_points)]))
        else:
            operands.append(b.tensor(shape, scale, draw(zero_points)))
            inputs.append(operands[-1])
            input_shapes.append(shape)
    y = b.tensor((*map(int, y_over), rows, columns), float(np.float32(y_scale)), draw(zero_points))
    b.op("BATCH_MATMUL", operands, [y], options("BatchMatMulOptionsT", adjX=adj_x, adjY=adj_y))
    return Case(b.build(inputs, [y]), inputs_of(draw(seeds), *input_shapes))


@st.composite
def reduce_extremum(draw: st.DrawFn) -> Case:
    """REDUCE_MAX or REDUCE_MIN along any axes, often along neighbouring ones."""
    shape = draw(st.one_of(shapes, images, st.lists(st.integers(1, 3), min_size=5, max_size=6).map(tuple)))
    name, rank = draw(st.sampled_from(("REDUCE_MAX", "REDUCE_MAX", "REDUCE_MIN"))), len(shape)
    axes = draw(st.lists(st.integers(0, rank - 1), min_size=1, max_size=rank))
    if draw(st.booleans()):
        axes = list(range(min(axes), max(axes) + 1))
    if rank == 4 and draw(st.booleans()):
        axes = [1, 2]
    keep = draw(st.booleans()) or len(set(axes)) == rank
    y_shape = tuple(1 if k in axes else n for k, n in enumerate(shape) if keep or k not in axes)
    scale, zero_point = draw(scales), draw(zero_points)
    b = ModelBuilder()
    x, y = b.tensor(shape, scale, zero_point), b.tensor(y_shape, scale, zero_point)
    written = np.array([axis - draw(st.sampled_from((0, rank))) for axis in axes], np.int32)
    b.op(name, [x, b.constant(written, None)], [y], options("ReducerOptionsT", keepDims=keep))
    return Case(b.build([x], [y]), inputs_of(draw(seeds), shape))


@st.composite
def lstm(draw: st.DrawFn) -> Case:
    """One UNIDIRECTIONAL_SEQUENCE_LSTM, from gates that hardly open to gates that are always shut or open."""
    x_c, y_c, steps = draw(st.integers(1, 9)), draw(st.integers(1, 9)), draw(st.integers(1, 7))
    time_major, rng = draw(st.booleans()), np.random.default_rng(draw(seeds))
    x_scale, hidden_scale = (float(np.float32(2.0 ** draw(st.floats(*ends)))) for ends in ((-8, 0), (-9, -6)))
    b = ModelBuilder()
    shape = (steps, 1) if time_major else (1, steps)
    x = b.tensor((*shape, x_c), x_scale, draw(zero_points))
    hidden_zero = draw(zero_points)
    places = [x] + [ABSENT] * 23
    for place in range(1, 9):
        w_shape = (y_c, x_c if place < 5 else y_c)
        w_scale = float(np.float32(2.0 ** draw(st.floats(-9, -3))))
        places[place] = b.constant(rng.integers(-127, 128, w_shape, np.int8), [w_scale])
    for place in range(12, 16):
        places[place] = b.constant(rng.integers(-3000, 3000, y_c, np.int32), [x_scale * 0.01])
    places[18] = b.variable((1, y_c), hidden_scale, hidden_zero)
    places[19] = b.variable((1, y_c), 2.0 ** -draw(st.integers(9, 14)), 0, "int16")
    y = b.tensor((*shape, y_c), hidden_scale, hidden_zero)
    chosen = options(
        "UnidirectionalSequenceLSTMOptionsT",
        fusedActivationFunction=activation("TANH"),
        cellClip=draw(st.sampled_from((0.0, 0.0, 10.0, 0.5, 0.001))),
        timeMajor=time_major,
    )
    b.op("UNIDIRECTIONAL_SEQUENCE_LSTM", places, [y], chosen)
    return Case(b.build([x], [y]), inputs_of(draw(seeds), (steps, x_c)))


@st.composite
def floats_between(draw: st.DrawFn) -> Case:
    """One or two functions in float32 between int8 ones; every byte is tried."""
    names = draw(st.lists(st.sampled_from(NUMBERS), min_size=1, max_size=2))
    b = ModelBuilder()
    x = b.tensor((1, 256), draw(scales), draw(st.one_of(st.just(-128), zero_points)))
    real = b.tensor((1, 256), None, dtype="float32")
    y = b.tensor((1, 256), draw(scales), draw(zero_points))
    b.op("DEQUANTIZE", [x], [real])
    for name in names:
        result = b.tensor((1, 256), None, dtype="float32")
        number = b.constant(np.array([draw(st.floats(-4, 4))], np.float32), None)
        operands = [real, number] if draw(st.booleans()) else [number, real]
        chosen = None
        if name in FUSING:
            chosen = options(f"{name.title()}OptionsT", fusedActivationFunction=activation(draw(activations)))
        b.op(name, operands if OPERANDS[name] == 2 else [real], [result], chosen)
        real = result
    b.op("QUANTIZE", [real], [y])
    return Case(b.build([x], [y]), (np.arange(-128, 128).astype(np.int8),))


@st.composite
def reverse(draw: st.DrawFn) -> Case:
    """One REVERSE_V2 along neighbouring axes."""
    shape = draw(shapes)
    first = draw(st.integers(0, len(shape) - 1))
    axes = np.arange(first, draw(st.integers(first, len(shape) - 1)) + 1, dtype=np.int32)
    b = ModelBuilder()
    x, y = b.tensor(shape, 0.5), b.tensor(shape, 0.5)
    b.op("REVERSE_V2", [x, b.constant(axes, None)], [y])
    return Case(b.build([x], [y]), inputs_of(draw(seeds), shape))


@st.composite
def broadcast_to(draw: st.DrawFn) -> Case:
    """One BROADCAST_TO."""
    y_shape = draw(shapes)
    shape = tuple(n if draw(st.booleans()) else 1 for n in y_shape)
    shape = shape[draw(st.integers(0, len(shape) - 1)) :]
    b = ModelBuilder()
    x, y = b.tensor(shape, 0.5), b.tensor(y_shape, 0.5)
    b.op("BROADCAST_TO", [x, b.constant(np.array(y_shape, np.int32), None)], [y])
    return Case(b.build([x], [y]), inputs_of(draw(seeds), shape))


@st.composite
def mirror_pad(draw: st.DrawFn) -> Case:
    """One MIRROR_PAD along any axes, of both kinds."""
    shape, gap = draw(st.lists(st.integers(1, 5), min_size=1, max_size=5)), draw(st.booleans())
    pairs = [(draw(st.integers(0, n - gap)), draw(st.integers(0, n - gap))) for n in shape]
    b = ModelBuilder()
    x, y = b.tensor(shape, 0.5), b.tensor(tuple(n + sum(pair) for n, pair in zip(shape, pairs, strict=True)), 0.5)
    paddings = b.constant(np.array(pairs, np.int32), None)
    b.op("MIRROR_PAD", [x, paddings], [y], options("MirrorPadOptionsT", mode=0 if gap else 1))
    return Case(b.build([x], [y]), inputs_of(draw(seeds), tuple(shape)))


RARER = {
    "reverse": reverse(),
    "broadcast_to": broadcast_to(),
    "mirror_pad": mirror_pad(),
    "floats_between": floats_between(),
    "lstm": lstm(),
    "reduce_extremum": reduce_extremum(),
    "l2": l2_normalization(),
    "batch_matmul": batch_matmul(),
    "gather": gather(),
    "depth_and_space": depth_and_space(),
    "batch_and_space": batch_and_space(),
    "log_softmax": log_softmax(),
    "resize_bilinear": resize_bilinear(),
}
