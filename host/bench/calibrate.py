"""Fits the prices of `export.cost` to counted cycles, into `export/cost_table.py`.

Random layers of every kind go into a few models; each model is built for the emulated Cortex-M4F and run once, which
gives the cycles of each layer. Run it after a change of a kernel (it takes two minutes), naming that kernel where the
others stayed as they are, and read the errors it prints.
"""

from __future__ import annotations

import tempfile
from collections import defaultdict
from collections.abc import Callable, Sequence
from functools import partial
from math import prod
from pathlib import Path

import numpy as np
from ai_edge_litert import schema_py_generated as schema
from numpy.random import Generator

import tinyproof.export.cost
from tinyproof.boards import find_board
from tinyproof.console import UserError, console, track, write_atomically
from tinyproof.cores import CORTEX_M4F
from tinyproof.export.cost import OTHER, events, price_name
from tinyproof.export.cost_table import CYCLES
from tinyproof.export.emit import export_model, write_export
from tinyproof.export.lower import Step
from tinyproof.export.tflite_writer import ModelBuilder
from tinyproof.firmware.build import build as build_image
from tinyproof.firmware.build import image_path
from tinyproof.host.bench.cycles import measure
from tinyproof.optimize import Optimize

TABLE = Path(tinyproof.export.cost.__file__).with_name("cost_table.py")
CORE = CORTEX_M4F  # whose cycles can be counted
HEAD = '''"""Written by `tinyproof calibrate`. Do not edit."""

# core: kernel: the call, then each of its events
'''
MODELS = 8
ACCUMULATOR_STEP = 0.002  # of the output: a gain that the packed kernels take


Source = Callable[..., int]  # (shape, scale, zero point of 0 or another) -> the tensor that a layer reads


def _linear(b: ModelBuilder, rng: Generator, channels: int, taps: tuple[int, ...], axis: int = 0) -> list[int]:
    weights = rng.integers(-127, 128, taps, np.int8)
    scales = [1.0] * channels
    return [b.constant(weights, scales, axis=axis), b.constant(rng.integers(-99, 99, channels, np.int32), scales)]


def _conv2d(b: ModelBuilder, rng: Generator, source: Source, plain: bool = False) -> int:
    side = [int(n) for n in rng.integers(7, 15, 2)]
    k = (3, 3) if rng.random() < 0.6 else (int(rng.integers(1, 6)), int(rng.integers(1, 6)))
    x_c, y_c = int(rng.choice([1, 1, 1, 3, 4, 8, 16, 24, 32])), int(rng.choice([6, 8, 16, 24, 32]))
    step = int(rng.choice([1, 1, 2]))
    same = rng.random() < 0.6
    out = [-(-n // step) if same else (n - w) // step + 1 for n, w in zip(side, k, strict=True)]
    gain = 1.5 if plain else ACCUMULATOR_STEP
    x = source((1, *side, x_c), 1.0, -128)
    y = b.tensor((1, *out, y_c), 1 / gain, -128)
    operands = [x, *_linear(b, rng, y_c, (y_c, *k, x_c))]
    b.conv2d(operands, y, (step, step), (1, 1), "SAME" if same else "VALID", "RELU")
    if plain or step > 1 or rng.random() < 0.5:
        return y
    window = int(rng.choice([2, 2, 2, 3]))
    pooled = b.tensor((1, *(n // window for n in out), y_c), 1 / gain, -128)
    b.max_pool2d(y, pooled, (window, window), (window, window))
    return pooled


def _inner_conv2d(b: ModelBuilder, rng: Generator, source: Source) -> int:
    side, x_c, y_c = int(rng.integers(8, 21)), int(rng.choice([4, 8, 16, 32, 64])), int(rng.choice([4, 8, 16, 24]))
    x = source((1, side, side, x_c), 1.0, -128)
    y = b.tensor((1, side, side, y_c), 1 / ACCUMULATOR_STEP, -128)
    b.conv2d([x, *_linear(b, rng, y_c, (y_c, 3, 3, x_c))], y, padding="SAME", activation="RELU")
    return y


def _wide_conv2d(b: ModelBuilder, rng: Generator, source: Source) -> int:
    """Sums of a filter that leave no room for a second one's."""
    side, x_c, y_c = int(rng.integers(3, 8)), int(rng.choice([64, 72, 80])), int(rng.choice([6, 8, 16]))
    x = source((1, side, side, x_c), 1.0, -128)
    y = b.tensor((1, side, side, y_c), 20 / ACCUMULATOR_STEP, -128)
    taps = rng.choice(np.array([-127, 127], np.int8), (y_c, 3, 3, x_c))
    b.conv2d([x, b.constant(taps, [1.0] * y_c)], y, padding="SAME", activation="RELU")
    return y


def _depthwise_conv2d(b: ModelBuilder, rng: Generator, source: Source, usual: bool = True) -> int:
    side = rng.integers(7, 21, 2)
    channels, k = int(rng.choice([4, 8, 16, 32, 6])), (3, 3)
    if not usual:
        k = ((5, 5), (7, 7), (5, 1), (1, 5), (3, 5), (2, 2))[rng.integers(6)]
    options = schema.DepthwiseConv2DOptionsT()
    options.strideH = options.strideW = step = int(rng.choice([1, 1, 2]))
    options.depthMultiplier = multiplier = 1 if usual else int(rng.choice([1, 1, 2]))
    options.dilationHFactor = options.dilationWFactor = 1
    options.padding = schema.Padding.SAME
    filters = channels * multiplier
    x = source((1, *map(int, side), channels), 1.0, -128)
    y = b.tensor((1, *(-(-int(n) // step) for n in side), filters), 1 / ACCUMULATOR_STEP, -128)
    b.op("DEPTHWISE_CONV_2D", [x, *_linear(b, rng, filters, (1, *k, filters), axis=3)], [y], options)
    return y


def _transpose_conv2d(b: ModelBuilder, rng: Generator, source: Source) -> int:
    h, w = (int(n) for n in rng.integers(4, 10, 2))
    x_c, y_c, k = int(rng.choice([4, 8, 16, 24])), int(rng.choice([1, 3, 8, 16])), int(rng.integers(2, 5))
    options = schema.TransposeConvOptionsT()
    options.strideH = options.strideW = step = int(rng.choice([1, 2, 2]))
    options.padding = schema.Padding.SAME
    x = source((1, h, w, x_c), 1.0, -128)
    y = b.tensor((1, h * step, w * step, y_c), 1 / ACCUMULATOR_STEP, -128)
    shape = b.constant(np.array(b.shape(y), np.int32), None)
    weights, bias = _linear(b, rng, y_c, (y_c, k, k, x_c))
    b.op("TRANSPOSE_CONV", [shape, weights, x, bias], [y], options)
    return y


def _dense(b: ModelBuilder, rng: Generator, source: Source, plain: bool = False) -> int:
    rows, x_c, y_c = int(rng.choice([1, 1, 3])), int(rng.integers(5, 400)), int(rng.integers(2, 90))
    x = source((rows, x_c), 1.0)
    y = b.tensor((rows, y_c), 1 / (1.5 if plain else ACCUMULATOR_STEP))
    weights = b.constant(rng.integers(-127, 128, (y_c, x_c), np.int8), [1.0])
    b.dense([x, weights, b.constant(rng.integers(-99, 99, y_c, np.int32), [1.0])], y)
    return y


def _pool2d(b: ModelBuilder, rng: Generator, source: Source) -> int:
    k, out, channels = int(rng.integers(2, 5)), rng.integers(1, 6, 2), int(rng.integers(4, 33))
    options = schema.Pool2DOptionsT()
    options.filterHeight = options.filterWidth = options.strideH = options.strideW = k
    options.padding = schema.Padding.VALID
    x = source((1, *(int(n) * k for n in out), channels), 1.0)
    y = b.tensor((1, *map(int, out), channels), 1.0)
    b.op(str(rng.choice(["MAX_POOL_2D", "AVERAGE_POOL_2D"])), [x], [y], options)
    return y


def _softmax(b: ModelBuilder, rng: Generator, source: Source) -> int:
    size = int(rng.integers(2, 200))
    x = source((1, size), 0.05)
    y = b.tensor((1, size), 1 / 256, -128)
    b.softmax(x, y)
    return y


def _add(b: ModelBuilder, rng: Generator, source: Source) -> int:
    size, constant = int(rng.integers(50, 2000)), rng.random() < 0.5
    x = source((1, size), 0.3, 5)
    y = b.tensor((1, size), 0.7, -3)
    other = b.constant(rng.integers(-128, 128, (1, 1 if constant else size), np.int8), [0.2])
    b.op("ADD", [x, other], [y], schema.AddOptionsT())
    return y


def _mul(b: ModelBuilder, rng: Generator, source: Source) -> int:
    size = int(rng.integers(50, 2000))
    x = source((1, size), 0.3, 5)
    y = b.tensor((1, size), 30.0, -3)
    b.op("MUL", [x, b.constant(rng.integers(-128, 128, (1, size), np.int8), [0.2])], [y], schema.MulOptionsT())
    return y


def _tanh(b: ModelBuilder, rng: Generator, source: Source) -> int:
    size = int(rng.integers(50, 2000))
    x = source((1, size), 0.02)
    y = b.tensor((1, size), 1 / 128)
    b.op("TANH", [x], [y])
    return y


def _mean(b: ModelBuilder, rng: Generator, source: Source) -> int:
    h, w, channels = map(int, rng.integers(3, 12, 3))
    x = source((1, h, w, channels), 0.5)
    y = b.tensor((1, channels), 0.5)
    b.op("MEAN", [x, b.constant(np.array([1, 2], np.int32), None)], [y], schema.ReducerOptionsT())
    return y


LAYERS: tuple[tuple[Callable[[ModelBuilder, Generator, Source], int], int], ...] = (
    (_conv2d, 10),
    (_inner_conv2d, 3),
    (partial(_conv2d, plain=True), 1),
    (_wide_conv2d, 1),
    (_depthwise_conv2d, 4),
    (partial(_depthwise_conv2d, usual=False), 3),
    (_transpose_conv2d, 2),
    (_dense, 2),
    (partial(_dense, plain=True), 1),
    (_pool2d, 3),
    (_softmax, 1),
    (_add, 2),
    (_mul, 1),
    (_tanh, 1),
    (_mean, 1),
)


def random_layers(seed: int, side_by_side: bool = False) -> bytes:
    """Layers that have nothing to do with each other. Each with an input and an output of its own, if `side_by_side`;
    else in a chain, where between them all values become one and one becomes all.
    """
    b, rng = ModelBuilder(), np.random.default_rng(seed)
    inputs = [] if side_by_side else [b.tensor((1, 1), 1.0)]
    outputs = list(inputs)

    def source(shape: tuple[int, ...], scale: float, zero_point: int = 0) -> int:
        x = b.tensor(shape, scale, zero_point)
        if side_by_side:
            inputs.append(x)
        else:
            b.op("ADD", [outputs[-1], b.constant(np.zeros(shape, np.int8), [0.5])], [x], schema.AddOptionsT())
        return x

    for make, count in LAYERS:
        for _ in range(2 if side_by_side else count):
            outputs.append(make(b, rng, source))
            if not side_by_side:
                y = outputs[-1]
                outputs.append(b.tensor((1, 1), 1 / ACCUMULATOR_STEP))
                weights = b.constant(rng.integers(-127, 128, (1, prod(b.shape(y))), np.int8), [1.0])
                b.dense([y, weights], outputs[-1])
    return b.build(inputs, outputs if side_by_side else outputs[-1:])


def count_cycles(content: bytes, folder: Path, optimize: Optimize) -> list[tuple[Step, int]]:
    """Every step of a model with the cycles counted for it."""
    export = export_model(content, "random layers", "layers", (), None, optimize=optimize)
    write_export(folder, content, export)
    board = find_board("qemu")
    build_image(folder, board)
    x = np.random.default_rng(1).integers(-128, 128, export.manifest.input_bytes, np.int8)
    cost = measure(image_path(folder, board), x.tobytes(), export.manifest.output_bytes)
    return [(step, call.cycles) for step, call in zip(export.programs[board.core.name].steps, cost.calls, strict=True)]


def fit(samples: list[tuple[Step, int]]) -> dict[str, tuple[float, ...]]:
    """Prices for each kernel, none negative, that make the relative errors small."""
    from scipy.optimize import nnls  # comes with scikit-learn

    by_kernel: dict[str, list[tuple[tuple[int, ...], int]]] = defaultdict(list)
    for step, cycles in samples:
        for name in {price_name(step.kernel), *([] if step.kernel.events else [OTHER])}:
            by_kernel[name].append((events(step), cycles))
    prices = {}
    for kernel, counted in sorted(by_kernel.items()):
        total = np.array([cycles for _, cycles in counted], float)
        rows = np.array([each for each, _ in counted], float) / total[:, None]
        prices[kernel] = tuple(round(float(price), 3) for price in nnls(rows, np.ones(len(rows)))[0])
        errors = np.abs(rows @ prices[kernel] - 1)
        console.print(f"{kernel}: {len(rows)} layers, mean error {errors.mean():.1%}, largest {errors.max():.1%}")
    return prices


def calibrate(kernels: Sequence[str]) -> None:
    """Fit the prices of these kernels, or of all where none is named, and write the table.

    UserError for a kernel that no layer takes.
    """
    known = CYCLES[CORE.name]
    samples: list[tuple[Step, int]] = []
    with tempfile.TemporaryDirectory() as folder:
        for seed in track(range(MODELS), "random layers"):
            layers = random_layers(seed)
            usual = count_cycles(layers, Path(folder) / f"layers_{seed}", Optimize.BALANCED)
            counted = {step.kernel.name for step, _ in usual}
            small = count_cycles(layers, Path(folder) / f"small_{seed}", Optimize.SMALL)
            samples += usual + [(step, cycles) for step, cycles in small if step.kernel.name not in counted]
    prices = fit([sample for sample in samples if not kernels or sample[0].kernel.name in kernels])
    if missing := set(kernels) - set(prices):
        raise UserError(
            f"no layer took {', '.join(sorted(missing))}; those counted: {', '.join(prices) or 'none'}: "
            "correct the name, or add such a layer to LAYERS in host/bench/calibrate.py"
        )
    tables = {**CYCLES, CORE.name: dict(sorted({**(known if kernels else {}), **prices}.items()))}
    text = "".join(_table(core, prices) for core, prices in tables.items())
    write_atomically(TABLE, f"{HEAD}CYCLES: dict[str, dict[str, tuple[float, ...]]] = {{\n{text}}}\n")
    console.print(f"written to {TABLE}")


def _table(core: str, prices: dict[str, tuple[float, ...]]) -> str:
    rows = "".join(_row(kernel, costs) for kernel, costs in prices.items())
    return f"    {core!r}: {{\n{rows}    }},\n".replace("'", '"')


def _row(kernel: str, costs: tuple[float, ...]) -> str:
    """A line of the table; a line for each price where one would be too long for the linter."""
    row = f"        {kernel!r}: {costs},\n"
    prices = "".join(f"            {cost},\n" for cost in costs)
    return row if len(row) <= 121 else f"        {kernel!r}: (\n{prices}        ),\n"
