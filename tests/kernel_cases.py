"""Small layers for every kernel, and the calls that the export makes of them: what `prove_kernels.py` goes through.

A layer is small enough that every loop can be followed step by step, and awkward enough to reach a kernel's corners:
windows that leave the image on each side, strides, dilations, channels that fill no word, poolings that end early.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import product

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema
from every_op import schema_options as options
from layers import add_linear_constants, window_output

from tinyproof.cores import CORES, PLAIN
from tinyproof.export import choose
from tinyproof.export.c_values import ConstantTable, Struct
from tinyproof.export.lower import lower
from tinyproof.export.ops import FAST, KERNELS
from tinyproof.export.program import Program, Step
from tinyproof.export.tflite_reader import read_graph
from tinyproof.export.tflite_writer import ABSENT, ModelBuilder
from tinyproof.optimize import Optimize

Pair = tuple[int, int]
Shape = tuple[int, ...]
Layer = Callable[[], bytes]


@dataclass(frozen=True)
class KernelCall:
    """A call of a kernel: the step of a program."""

    program: Program
    step: Step

    @property
    def shapes(self) -> str:
        """Of what goes in and of what comes out."""
        xs = " ".join("x".join(map(str, x.shape)) for x in self.step.xs)
        return f"{xs} -> {'x'.join(map(str, self.step.y.shape))}".strip()


def _linear(taps_shape: Shape, seed: int, gain: float) -> tuple[np.ndarray, np.ndarray, list[float], float]:
    """Weights, biases, scales of the weights, scale of the output; `gain` is how much more than its range is filled."""
    rng = np.random.default_rng(seed)
    taps = rng.integers(-128, 128, taps_shape, np.int8)
    scales = [float(np.float32(s)) for s in rng.uniform(0.3, 1, taps_shape[0])]
    spread = 75 * float(np.sqrt((taps.reshape(len(taps), -1).astype(float) ** 2).sum(axis=1)).max())
    return taps, rng.integers(-2000, 2000, len(taps), np.int32), scales, float(np.float32(spread / 100 / gain))


def conv(
    x: Shape,
    y_c: int,
    kernel: Pair,
    padding: str = "SAME",
    stride: Pair = (1, 1),
    dilation: Pair = (1, 1),
    pool: Pair | None = None,
    groups: int = 1,
    gain: float = 1.0,
) -> bytes:
    """A CONV_2D of an image x (h, w, c), and the MAX_POOL_2D behind it."""
    taps, bias, scales, y_scale = _linear((y_c, *kernel, x[2] // groups), sum(x), gain)
    span = tuple((k - 1) * d + 1 for k, d in zip(kernel, dilation, strict=True))
    b = ModelBuilder()
    source = b.tensor((1, *x), 1.0, -3)
    shape = window_output(x, span, stride, padding)
    y = b.tensor((1, *shape, y_c), y_scale, 5)
    b.conv2d(
        [source, *add_linear_constants(b, taps, scales, bias, 1.0)],
        y,
        stride,
        dilation,
        padding,
        "RELU" if pool else "NONE",
    )
    if pool:
        between, pooled = y, tuple(n // k for n, k in zip(shape, pool, strict=True))
        y = b.tensor((1, *pooled, y_c), y_scale, 5)
        b.max_pool2d(between, y, pool, pool)
    return b.build([source], [y])


def depthwise(
    x: Shape, kernel: Pair, padding: str = "SAME", stride: Pair = (1, 1), dilation: Pair = (1, 1), multiplier: int = 1
) -> bytes:
    """A DEPTHWISE_CONV_2D of an image x (h, w, c)."""
    y_c = x[2] * multiplier
    taps, bias, scales, y_scale = _linear((y_c, *kernel), sum(x), 1.0)
    span = tuple((k - 1) * d + 1 for k, d in zip(kernel, dilation, strict=True))
    b = ModelBuilder()
    source = b.tensor((1, *x), 1.0, -3)
    y = b.tensor((1, *window_output(x, span, stride, padding), y_c), y_scale, 5)
    weights = np.ascontiguousarray(np.moveaxis(taps, 0, -1))[None]
    b.depthwise_conv2d(
        [source, *add_linear_constants(b, weights, scales, bias, 1.0, axis=3)], y, stride, dilation, padding
    )
    return b.build([source], [y])


def transposed(x: Shape, y: Shape, kernel: Pair, stride: Pair = (2, 2), padding: str = "SAME") -> bytes:
    """A TRANSPOSE_CONV from an image x (h, w, c) to y."""
    taps, bias, scales, y_scale = _linear((y[2], *kernel, x[2]), sum(x), 1.0)
    b = ModelBuilder()
    source, target = b.tensor((1, *x), 1.0, -3), b.tensor((1, *y), y_scale, 5)
    weights, *others = add_linear_constants(b, taps, scales, bias, 1.0)
    chosen = options(
        "TransposeConvOptionsT", padding=getattr(schema.Padding, padding), strideH=stride[0], strideW=stride[1]
    )
    shape = b.constant(np.array((1, *y), np.int32), None)
    b.op("TRANSPOSE_CONV", [shape, weights, source, *others], [target], chosen)
    return b.build([source], [target])


def dense(rows: int, x_c: int, y_c: int, gain: float = 1.0) -> bytes:
    """A FULLY_CONNECTED."""
    taps, bias, scales, y_scale = _linear((y_c, x_c), x_c, gain)
    b = ModelBuilder()
    x, y = b.tensor((rows, x_c), 1.0, -3), b.tensor((rows, y_c), y_scale, 5)
    b.dense([x, *add_linear_constants(b, taps, scales[:1], bias, 1.0)], y)
    return b.build([x], [y])


def pool(name: str, x: Shape, kernel: Pair, stride: Pair, padding: str = "SAME") -> bytes:
    """MAX_POOL_2D or AVERAGE_POOL_2D."""
    b = ModelBuilder()
    source = b.tensor((1, *x), 0.5, 3)
    y = b.tensor((1, *window_output(x, kernel, stride, padding), x[2]), 0.5, 3)
    getattr(b, name)(source, y, kernel, stride, padding, "RELU")
    return b.build([source], [y])


def one_op(name: str, xs: tuple[Shape, ...], y: Shape, y_scale: float = 0.5, y_zero: int = 3, **kind: object) -> bytes:
    """An op of computed tensors, all of them inputs. `kind`: `options`, and `constants` of int32 behind the tensors."""
    b = ModelBuilder()
    inputs = [b.tensor(x, 0.5 + k / 8, 3 - k) for k, x in enumerate(xs)]
    constants = [b.constant(np.array(values, np.int32), None) for values in kind.get("constants", ())]
    target = b.tensor(y, y_scale, y_zero)
    b.op(name, [*inputs, *constants], [target], kind.get("options"))
    return b.build(inputs, [target])


def _arithmetic(name: str, y_scale: float = 1.0) -> tuple[Layer, ...]:
    chosen = options(f"{name.title()}OptionsT") if name in ("ADD", "SUB", "MUL") else None
    pairs = (((1, 3, 5), (1, 3, 5)), ((1, 2, 3, 4), (1, 1, 3, 1)), ((1, 4), (3, 4)))
    return tuple(
        partial(one_op, name, each, tuple(np.broadcast_shapes(*each)), y_scale, options=chosen) for each in pairs
    )


def _resized(name: str, kind: str) -> Layer:
    return partial(one_op, name, ((1, 3, 2, 3),), (1, 5, 4, 3), constants=[[5, 4]], options=options(kind))


def _prelu() -> bytes:
    b = ModelBuilder()
    x, y = b.tensor((1, 3, 4, 5), 0.5, 3), b.tensor((1, 3, 4, 5), 0.5, 3)
    alpha = b.constant(np.random.default_rng(1).integers(-128, 128, (1, 1, 5), np.int8), [0.01])
    b.op("PRELU", [x, alpha], [y])
    return b.build([x], [y])


def _lstm(steps: int, x_c: int, y_c: int) -> bytes:
    b, rng = ModelBuilder(), np.random.default_rng(1)
    x = b.tensor((1, steps, x_c), 0.05, 3)
    places = [x] + [ABSENT] * 23
    for place in range(1, 9):
        shape = (y_c, x_c if place < 5 else y_c)
        places[place] = b.constant(rng.integers(-127, 128, shape, np.int8), [0.01])
    for place in range(12, 16):
        places[place] = b.constant(rng.integers(-3000, 3000, y_c, np.int32), [0.0005])
    places[18], places[19] = b.variable((1, y_c), 1 / 128), b.variable((1, y_c), 2.0**-12, 0, "int16")
    y = b.tensor((1, steps, y_c), 1 / 128)
    tanh = schema.ActivationFunctionType.TANH
    b.op(
        "UNIDIRECTIONAL_SEQUENCE_LSTM",
        places,
        [y],
        options("UnidirectionalSequenceLSTMOptionsT", fusedActivationFunction=tanh, cellClip=0.5),
    )
    return b.build([x], [y])


def _softmax(classes: int) -> bytes:
    b = ModelBuilder()
    x, y = b.tensor((1, classes), 0.1, 3), b.tensor((1, classes), 1 / 256, -128)
    b.softmax(x, y)
    return b.build([x], [y])


def _matrices(a: Shape, other: Shape, y: Shape, **adjoint: bool) -> bytes:
    return one_op("BATCH_MATMUL", (a, other), y, 50.0, options=options("BatchMatMulOptionsT", **adjoint))


CONVOLUTIONS: tuple[Layer, ...] = (
    partial(conv, (5, 4, 3), 3, (3, 3)),
    partial(conv, (6, 7, 3), 8, (3, 3), stride=(2, 2)),
    partial(conv, (5, 5, 2), 5, (2, 3), dilation=(2, 1)),
    partial(conv, (4, 6, 4), 5, (2, 2), dilation=(1, 2)),
    partial(conv, (3, 4, 4), 6, (1, 1)),
    partial(conv, (5, 5, 8), 4, (1, 1), stride=(2, 2)),
    partial(conv, (6, 5, 4), 4, (3, 3)),
    partial(conv, (8, 8, 4), 4, (3, 3), "VALID"),
    partial(conv, (6, 5, 1), 4, (3, 3)),
    partial(conv, (7, 6, 1), 3, (2, 2), "VALID", stride=(1, 2)),
    partial(conv, (7, 7, 1), 4, (3, 3), "VALID", pool=(2, 2)),
    partial(conv, (6, 6, 3), 5, (3, 3), pool=(2, 2)),
    partial(conv, (6, 6, 4), 4, (3, 3), pool=(2, 2)),
    partial(conv, (6, 5, 4), 1, (3, 3)),
    partial(conv, (5, 6, 3), 2, (3, 2), "VALID"),
    partial(conv, (1, 9, 4), 3, (1, 5)),
    partial(conv, (4, 3, 2), 2, (2, 2), gain=300.0),
    partial(conv, (4, 4, 8), 8, (3, 3), groups=2),
    partial(conv, (4, 4, 8), 10, (3, 3), groups=2, pool=(2, 2)),
    partial(conv, (9, 8, 4), 4, (3, 3)),
)
DEPTHWISE: tuple[Layer, ...] = (
    partial(depthwise, (5, 5, 4), (3, 3)),
    partial(depthwise, (6, 5, 5), (3, 3), stride=(2, 2)),
    partial(depthwise, (6, 6, 4), (5, 3), "VALID"),
    partial(depthwise, (5, 5, 2), (2, 2), dilation=(2, 2)),
    partial(depthwise, (4, 5, 3), (2, 3), multiplier=2),
    partial(depthwise, (4, 4, 8), (4, 4), "VALID"),
    partial(depthwise, (4, 5, 9), (3, 3)),
    partial(depthwise, (4, 3, 16), (2, 3), stride=(1, 2)),
)
ALONG_ONE_AXIS: tuple[Layer, ...] = (
    partial(depthwise, (9, 2, 5), (4, 1)),
    partial(depthwise, (2, 9, 4), (1, 5), stride=(1, 2)),
    partial(depthwise, (1, 12, 3), (1, 3), "VALID", dilation=(1, 2)),
)
TRANSPOSED: tuple[Layer, ...] = (
    partial(transposed, (2, 3, 4), (4, 6, 3), (3, 3)),
    partial(transposed, (3, 3, 1), (6, 6, 4), (2, 2)),
    partial(transposed, (3, 2, 5), (5, 4, 2), (3, 3), (1, 1), "VALID"),
)
# By how the names of kernels begin; the longest beginning counts.
LAYERS: dict[str, tuple[Layer, ...]] = {
    "conv2d": CONVOLUTIONS,
    "depthwise_conv2d": DEPTHWISE,
    "depthwise_conv1d": ALONG_ONE_AXIS,
    "transpose_conv2d": TRANSPOSED,
    "dense": (partial(dense, 1, 17, 5), partial(dense, 2, 8, 4), partial(dense, 1, 6, 3, 300.0)),
    "max_pool2d": (
        partial(pool, "max_pool2d", (5, 5, 5), (2, 2), (2, 2)),
        partial(pool, "max_pool2d", (4, 5, 8), (3, 3), (1, 1)),
        partial(pool, "max_pool2d", (4, 4, 3), (2, 3), (2, 1), "VALID"),
        partial(pool, "max_pool2d", (5, 7, 1), (3, 5), (2, 2)),
    ),
    "average_pool2d": (
        partial(pool, "average_pool2d", (5, 5, 5), (2, 2), (2, 2)),
        partial(pool, "average_pool2d", (4, 5, 8), (3, 3), (1, 1)),
        partial(pool, "average_pool2d", (4, 4, 3), (4, 3), (1, 1), "VALID"),
    ),
    "add": (*_arithmetic("ADD"), *_arithmetic("SUB")),
    "mul": _arithmetic("MUL", 40.0),
    "maximum": _arithmetic("MAXIMUM"),
    "minimum": _arithmetic("MINIMUM"),
    "squared_difference": _arithmetic("SQUARED_DIFFERENCE", 40.0),
    "prelu": (_prelu,),
    "lookup": (partial(one_op, "LOGISTIC", ((1, 11),), (1, 11), 1 / 256, -128),),
    "mean": (
        partial(one_op, "MEAN", ((1, 3, 3, 5),), (1, 5), 0.25, constants=[[1, 2]], options=options("ReducerOptionsT")),
        partial(one_op, "MEAN", ((1, 4, 3, 4),), (1, 4), 0.25, constants=[[1, 2]], options=options("ReducerOptionsT")),
        partial(one_op, "SUM", ((1, 3, 4),), (1, 3), 2.0, constants=[[2]], options=options("ReducerOptionsT")),
    ),
    "copy": (
        partial(one_op, "TRANSPOSE", ((2, 3, 4),), (4, 2, 3), 0.5, constants=[[2, 0, 1]]),
        partial(one_op, "REVERSE_V2", ((2, 3, 4),), (2, 3, 4), 0.5, constants=[[1]]),
        partial(one_op, "PAD", ((2, 3),), (4, 4), 0.5, constants=[[[1, 1], [0, 1]]]),
    ),
    "fill": (partial(one_op, "PAD", ((2, 3),), (4, 4), 0.5, constants=[[[1, 1], [0, 1]]]),),
    "resize_nearest": (_resized("RESIZE_NEAREST_NEIGHBOR", "ResizeNearestNeighborOptionsT"),),
    "resize_bilinear": (_resized("RESIZE_BILINEAR", "ResizeBilinearOptionsT"),),
    "softmax": (partial(_softmax, 1), partial(_softmax, 3)),
    "log_softmax": tuple(
        partial(one_op, "LOG_SOFTMAX", ((1, n),), (1, n), 1 / 16, 127, options=options("LogSoftmaxOptionsT"))
        for n in (1, 3)
    ),
    "l2_normalization": (
        partial(one_op, "L2_NORMALIZATION", ((2, 3),), (2, 3), 1 / 128, 0, options=options("L2NormOptionsT")),
    ),
    "batch_matmul": (
        partial(_matrices, (2, 3, 5), (2, 5, 4), (2, 3, 4)),
        partial(_matrices, (1, 2, 8), (3, 4, 8), (3, 2, 4), adjY=True),
    ),
    "reduce_extremum": tuple(
        partial(one_op, name, ((2, 3, 4),), (2, 4), constants=[[1]], options=options("ReducerOptionsT"))
        for name in ("REDUCE_MAX", "REDUCE_MIN")
    ),
    "lstm": (partial(_lstm, 2, 3, 2), partial(_lstm, 2, 4, 4)),
}


def layers_of(kernel: str) -> tuple[Layer, ...]:
    """The small layers for a kernel. KeyError for one that has none."""
    return LAYERS[max((start for start in LAYERS if kernel.startswith(start)), key=len, default=kernel)]


def calls_of(kernel: str) -> Iterator[KernelCall]:
    """Each call of the kernel that the export makes of its layers on some core, the other fast kernels left out; each
    set of parameters once.
    """
    seen = set()
    own = [one for one in FAST if one.kernel.name == kernel]
    cores = [core for core in CORES.values() if KERNELS[kernel].folder in core.kernels] if own else [PLAIN]
    for layer in layers_of(kernel):
        lowered = lower(read_graph(layer(), kernel), keep_dead=True)
        for core, optimize in product(cores, Optimize):
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(choose, "FAST", own)
                program = lowered.program(core, optimize)
            for step in program.steps:
                if step.kernel.name == kernel and (key := _key(step)) not in seen:
                    seen.add(key)
                    yield KernelCall(program, step)


def _key(step: Step) -> str:
    struct = step.params.struct()
    values = [table.flash_bytes for _, table in struct.tables()]
    return repr((step.buffers, _numbers(struct), values))


def _numbers(struct: Struct) -> list[object]:
    values = (field.value for field in struct.fields)
    return [_numbers(v) if isinstance(v, Struct) else v for v in values if not isinstance(v, ConstantTable)]
