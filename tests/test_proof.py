"""Certificates: what is proved, what is refused, and that the two ways to every byte are the same where they meet."""

from __future__ import annotations

import ast
import json
import re
import shutil
import subprocess
import sys
from collections import Counter
from dataclasses import replace
from itertools import pairwise

import networks
import numpy as np
import pytest
from conftest import DEMO_MODEL, ROOT, tinyproof
from dead_networks import dead_network
from every_op import edited, every_op_network, schema_options
from kernel_cases import conv
from proof_faults import C, Files, faults, in_structs, in_tables, in_tflite, sealed

from tinyproof.boards import BOARDS
from tinyproof.cores import CORES, CORTEX_M0PLUS, CORTEX_M4F, PLAIN, Core
from tinyproof.export.emit_model import emit_model_c, emit_model_h
from tinyproof.export.lower import lower
from tinyproof.export.ops.equivalent import PackedChannel, Stage
from tinyproof.export.tflite_reader import read_graph
from tinyproof.export.tflite_writer import ABSENT, ModelBuilder
from tinyproof.host.proof.checker import golden, winograd
from tinyproof.host.proof.checker.c_source import parse
from tinyproof.host.proof.checker.check import check
from tinyproof.host.proof.checker.findings import Refused, Unproved, causes
from tinyproof.host.proof.checker.golden import Golden
from tinyproof.host.proof.checker.tflite_model import read_model
from tinyproof.host.proof.prove import make_certificate
from tinyproof.host.proof.stage import proof_line
from tinyproof.host.validate import Plan, validate
from tinyproof.optimize import Optimize

CHECKER = ROOT / "host" / "proof" / "checker"


def every_kind(seed: int, dead: tuple[int, ...] = (), short: bool = False) -> bytes:
    """A small network with a pooled convolution, one with a residual sum, a depthwise one, a mean and a classifier.
    No input moves the filters `dead` of the first layer. `short`: the two convolutions alone.
    """
    rng = np.random.default_rng(seed)
    b = ModelBuilder()

    def operands(x: int, weights: np.ndarray, axis: int = 0) -> list[int]:
        count = weights.shape[axis]
        scales, bias = list(rng.uniform(0.004, 0.006, count)), rng.integers(-2000, 2000, count, np.int32)
        if axis == 0 and weights.shape[3] == 1:
            weights[list(dead)], bias[list(dead)] = 0, -900
        return [x, b.constant(weights, scales, axis=axis), b.constant(bias, [1.0])]

    def taps(*shape: int) -> np.ndarray:
        return rng.integers(-127, 128, shape, np.int8)

    source, first = b.tensor((1, 14, 14, 1), 1 / 255, -128), b.tensor((1, 12, 12, 8), 0.004, -128)
    b.conv2d(operands(source, taps(8, 3, 3, 1)), first, (1, 1), (1, 1), "VALID", "RELU")
    pooled, second = b.tensor((1, 6, 6, 8), 0.004, -128), b.tensor((1, 6, 6, 8), 0.02, 3)
    b.max_pool2d(first, pooled, (2, 2), (2, 2))
    b.conv2d(operands(pooled, taps(8, 3, 3, 8)), second, (1, 1), (1, 1), "SAME", "NONE")
    if short:
        return b.build([source], [second])
    summed, deep = b.tensor((1, 6, 6, 8), 0.021, -5), b.tensor((1, 6, 6, 8), 0.02, -128)
    b.op("ADD", [pooled, second], [summed], schema_options("AddOptionsT"))
    b.depthwise_conv2d(operands(summed, taps(1, 3, 3, 8), axis=3), deep, (1, 1), (1, 1), "SAME", "RELU")
    mean, flat, scores = b.tensor((1, 1, 1, 8), 0.02, -128), b.tensor((1, 8), 0.02, -128), b.tensor((1, 5), 0.1, 10)
    whole = {"strideH": 6, "strideW": 6, "filterHeight": 6, "filterWidth": 6}
    b.op("AVERAGE_POOL_2D", [deep], [mean], schema_options("Pool2DOptionsT", padding=1, **whole))
    b.reshape(mean, flat)
    b.dense([flat, b.constant(taps(5, 8), [0.005]), b.constant(rng.integers(-90, 90, 5, np.int32), [0.0001])], scores)
    y = b.tensor((1, 5), 1 / 256, -128)
    b.softmax(scores, y)
    return b.build([source], [y])


def certified(content: bytes, core: Core = CORTEX_M4F, optimize: Optimize = Optimize.BALANCED) -> tuple[Files, bytes]:
    """The files of a model exported for a core, and its certificate."""
    program = lower(read_graph(content, "model.tflite")).program(core, optimize)
    sources = {"model.c": emit_model_c(program, ""), "model.h": emit_model_h(program, "")}
    files = {"model.tflite": content, **{f"c/core/{name}": text.encode() for name, text in sources.items()}}
    return files, make_certificate(files, [core]).encode()


WAYS = [(core, Optimize.BALANCED) for core in (*CORES.values(), PLAIN)]
WAYS += [(CORTEX_M4F, Optimize.SMALL), (CORTEX_M4F, Optimize.FAST)]


@pytest.mark.parametrize(("core", "optimize"), WAYS, ids=lambda value: getattr(value, "name", None))
def test_small_models_are_proved_with_every_kernel(core, optimize):
    models = [every_kind(1), every_kind(2, dead=(1, 3, 4, 6)), *map(networks.random_network, range(2))]
    models += [make(seed) for make in (networks.usual_network, networks.pooled_layer) for seed in (0, 4)]
    models += [dead_network(seed).model for seed in (7, 11, 23)]
    for number, content in enumerate(models):
        verdict = check(*certified(content, core, optimize))
        assert verdict.proved, (number, verdict.line)


def test_a_model_without_constants_is_proved():
    b = ModelBuilder()
    x, y = b.tensor((1, 4, 4, 4), 0.05, 3), b.tensor((1, 2, 2, 4), 0.05, 3)
    b.max_pool2d(x, y, (2, 2), (2, 2))
    assert check(*certified(b.build([x], [y]))).proved


@pytest.fixture
def without_abs(monkeypatch):
    """The checker with one lemma less."""
    monkeypatch.setattr(golden, "OF_ONE", tuple(name for name in golden.OF_ONE if name != "ABS"))


@pytest.mark.usefixtures("without_abs")
def test_what_has_no_lemma_is_named_and_the_rest_is_proved():
    b = ModelBuilder()
    x, y, z = (b.tensor((1, 4, 4, 4), 0.05, zero_point) for zero_point in (3, -128, -128))
    b.op("ABS", [x], [y])
    b.max_pool2d(y, z, (1, 1), (1, 1), activation="RELU6")
    files, certificate = certified(b.build([x], [z]))
    verdict = check(files, certificate)
    assert verdict.unproved == (Unproved("op 0 ABS", "lookup_s8", "no lemma for ABS"),) and not verdict.proved
    assert verdict.line.startswith("Partly proved (certificate ")
    assert verdict.line.endswith("): not op 0 ABS by lookup_s8: no lemma for ABS")
    for what, with_it, claims in faults(files, certificate, np.random.default_rng(0)):
        if what.startswith("call 1") or "max_pool" in what:
            with pytest.raises(Refused):
                assert check(with_it, claims).unproved == verdict.unproved


@pytest.mark.usefixtures("without_abs")
def test_a_missing_lemma_is_named_once_with_its_ops_and_what_follows_in_a_clause():
    """A channel is left out as its range allows, which the checker does not know after an op without a lemma."""
    rng, b = np.random.default_rng(1), ModelBuilder()
    zero_points = (3, -128, -128, 7, -128)
    x, positive, small, last, y = (b.tensor((1, 4, 4, 4), 0.05, zero_point) for zero_point in zero_points)
    b.op("ABS", [x], [positive])
    weights = b.constant(rng.integers(-127, 128, (4, 1, 1, 4), np.int8), [0.01] * 4, axis=0)
    bias = b.constant(np.array([-30000, 0, 0, 0], np.int32), [1.0])
    b.conv2d([positive, weights, bias], small, (1, 1), (1, 1), "SAME", "RELU")
    b.conv2d([small, weights, bias], last, (1, 1), (1, 1), "SAME", "NONE")
    b.op("ABS", [last], [y])
    verdict = check(*certified(b.build([x], [y])))
    named = "): not op 0 ABS, op 3 ABS by lookup_s8: no lemma for ABS; nor what follows: op 1 CONV_2D"
    assert verdict.line.endswith(named), verdict.line


@pytest.mark.parametrize("core", (CORTEX_M4F, PLAIN), ids=lambda core: core.name)
def test_a_chain_of_all_ops_is_proved(core):
    verdict = check(*certified(every_op_network(0), core))
    assert verdict.proved, verdict.line


def test_a_call_makes_all_rows_of_its_op_also_where_its_windows_are_other_axes():
    b = ModelBuilder()
    x, larger, largest = (b.tensor(shape, 0.05, 3) for shape in ((1, 3, 4, 8), (1, 6, 8, 4), (1, 6, 8, 1)))
    taps = b.constant(np.random.default_rng(0).integers(-127, 128, (4, 2, 2, 8), np.int8), [0.01] * 4, axis=0)
    stride = schema_options("TransposeConvOptionsT", padding=0, strideH=2, strideW=2)
    b.op("TRANSPOSE_CONV", [b.constant(np.array([1, 6, 8, 4], np.int32), None), taps, x], [larger], stride)
    axis = b.constant(np.array([3], np.int32), None)
    b.op("REDUCE_MAX", [larger, axis], [largest], schema_options("ReducerOptionsT", keepDims=True))
    files, certificate = certified(b.build([x], [larger, largest]))
    assert check(files, certificate).proved
    assert [call["rows"] for call in json.loads(certificate)["cores"]["core"]["calls"]] == [6, 6]


def test_an_image_that_is_cut_to_its_one_column_that_is_seen_is_proved():
    rng, b = np.random.default_rng(0), ModelBuilder()
    x, both, seen = (b.tensor(shape, 0.02, -3) for shape in ((1, 5, 2, 6), (1, 5, 2, 6), (1, 3, 1, 7)))
    for of, to, stride in ((x, both, 1), (both, seen, 2)):
        taps = b.constant(rng.integers(-127, 128, (b.shape(to)[3], 1, 1, 6), np.int8), [0.005], axis=0)
        b.conv2d([of, taps], to, (stride, stride))
    assert all(check(*certified(b.build([x], [seen]), core)).proved for core in CORES.values())


def test_what_is_undefined_for_bytes_that_cannot_be_is_no_fault():
    """exp(128) does not fit 32 bits, and what is read of the RELU6 is at most 6."""
    b = ModelBuilder()
    x, six, large = (b.tensor((1, 3), 1.0, zero_point) for zero_point in (0, 0, -128))
    y = b.tensor((1, 3), 1 / 256, -128)
    b.op("RELU6", [x], [six])
    reals = [b.tensor((1, 3), None, dtype="float32") for _ in range(2)]
    b.op("DEQUANTIZE", [six], reals[:1])
    b.op("EXP", reals[:1], reals[1:])
    b.op("QUANTIZE", reals[1:], [large])
    b.op("LOGISTIC", [large], [y])
    files, certificate = certified(b.build([x], [six, y]))
    assert check(files, certificate).proved


def test_an_op_without_a_call_of_its_own_is_named_where_something_follows_from_it():
    follows = Unproved("op 2 ADD", "add_s8", "no lemma for ABS", "op 1 ABS")
    assert causes((follows,)) == "not op 1 ABS: no lemma for ABS; nor what follows: op 2 ADD"


@pytest.mark.parametrize("seed", (0, 2))
def test_planted_faults_are_refused(seed):
    files, certificate = certified(every_kind(seed))
    assert check(files, certificate).proved
    rng = np.random.default_rng(seed)
    every = list(faults(files, certificate, rng))
    assert len(every) > 200
    accepted = [every[k][0] for k in rng.permutation(len(every))[:100] if is_proved(*every[k][1:])]
    assert not accepted


def depthwise(
    seed: int, k: tuple[int, int], stride: tuple[int, int], padding: str = "SAME", dilation: int = 1, w: int = 9
) -> bytes:
    """A depthwise layer on 11 rows of w pixels with 8 channels."""
    rng, b = np.random.default_rng(seed), ModelBuilder()
    sizes = []
    for x, kernel, step in zip((11, w), k, stride, strict=True):
        sizes.append(-(-x // step) if padding == "SAME" else (x - (kernel - 1) * dilation - 1) // step + 1)
    x, y = b.tensor((1, 11, w, 8), 0.02, -3), b.tensor((1, *sizes, 8), 0.03, 4)
    weights = b.constant(rng.integers(-127, 128, (1, *k, 8), np.int8), list(rng.uniform(0.004, 0.006, 8)), axis=3)
    bias = b.constant(rng.integers(-2000, 2000, 8, np.int32), [1.0])
    options = {"strideH": stride[0], "strideW": stride[1], "dilationHFactor": dilation, "dilationWFactor": dilation}
    options = schema_options("DepthwiseConv2DOptionsT", padding=padding == "VALID", depthMultiplier=1, **options)
    b.op("DEPTHWISE_CONV_2D", [x, weights, bias], [y], options)
    return b.build([x], [y])


def of_filters(
    seed: int, y_c: int, k: int, groups: int = 1, x_c: int = 8, stride: int = 1, pools: bool = False
) -> bytes:
    """A convolution of 6 x 7 pixels whose filters see one of so many groups of channels each."""
    rng, b = np.random.default_rng(seed), ModelBuilder()
    sizes = (-(-6 // stride), -(-7 // stride))
    x, y = b.tensor((1, 6, 7, x_c), 0.02, -3), b.tensor((1, *sizes, y_c), 0.03, 4)
    weights = rng.integers(-127, 128, (y_c, k, k, x_c // groups), np.int8)
    constants = b.constant(weights, list(rng.uniform(0.004, 0.006, y_c)), axis=0)
    bias = b.constant(rng.integers(-2000, 2000, y_c, np.int32), [1.0])
    b.conv2d([x, constants, bias], y, (stride, stride), (1, 1), "SAME", "NONE")
    if pools:
        pooled = b.tensor((1, 3, 3, y_c), 0.03, 4)
        b.max_pool2d(y, pooled, (2, 2), (2, 2))
        y = pooled
    return b.build([x], [y])


def of_bytes(seed: int) -> bytes:
    """HARD_SWISH, PRELU, RESIZE_NEAREST_NEIGHBOR and REDUCE_MIN of 4 x 3 pixels."""
    rng, b = np.random.default_rng(seed), ModelBuilder()
    x, swished = b.tensor((1, 4, 3, 4), 0.05, -20), b.tensor((1, 4, 3, 4), 0.03, -110)
    b.op("HARD_SWISH", [x], [swished])
    sloped, larger = b.tensor((1, 4, 3, 4), 0.04, -9), b.tensor((1, 8, 5, 4), 0.04, -9)
    slopes = b.constant(rng.integers(-128, 128, (1, 1, 4), np.int8), [0.01], [5])
    b.op("PRELU", [swished, slopes], [sloped])
    size = b.constant(np.array([8, 5], np.int32), [])
    b.op("RESIZE_NEAREST_NEIGHBOR", [sloped, size], [larger], schema_options("ResizeNearestNeighborOptionsT"))
    y = b.tensor((1, 4), 0.04, -9)
    b.op("REDUCE_MIN", [larger, b.constant(np.array([1, 2], np.int32), [])], [y], schema_options("ReducerOptionsT"))
    return b.build([x], [y])


def resized(seed: int) -> bytes:
    """TRANSPOSE_CONV with a stride of 2, of 3 x 4 pixels; RESIZE_BILINEAR, and REDUCE_MAX of all its pixels."""
    rng, b = np.random.default_rng(seed), ModelBuilder()
    shapes = (1, 3, 4, 5), (1, 7, 9, 3), (1, 5, 7, 3), (1, 3)
    x, larger, smaller, y = (b.tensor(shape, 0.02, zero) for shape, zero in zip(shapes, (-3, 4, 4, 4), strict=True))
    taps = b.constant(rng.integers(-127, 128, (3, 3, 3, 5), np.int8), list(rng.uniform(0.004, 0.006, 3)), axis=0)
    bias, shape = (
        b.constant(rng.integers(-900, 900, 3, np.int32), [1.0]),
        b.constant(np.array(shapes[1], np.int32), None),
    )
    stride = schema_options("TransposeConvOptionsT", padding=1, strideH=2, strideW=2)
    b.op("TRANSPOSE_CONV", [shape, taps, x, bias], [larger], stride)
    size = b.constant(np.array(shapes[2][1:3], np.int32), None)
    b.op("RESIZE_BILINEAR", [larger, size], [smaller], schema_options("ResizeBilinearOptionsT", halfPixelCenters=True))
    b.op("REDUCE_MAX", [smaller, b.constant(np.array([1, 2], np.int32), [])], [y], schema_options("ReducerOptionsT"))
    return b.build([x], [y])


def of_rows(seed: int) -> bytes:
    """BATCH_MATMUL of computed matrices, SQUARED_DIFFERENCE, L2_NORMALIZATION and LOG_SOFTMAX."""
    rng, b = np.random.default_rng(seed), ModelBuilder()
    kinds = ((1, 4, 5), 0.02, -3), ((1, 4, 6), 0.03, 2), ((1, 5, 6), 0.02, 1), ((1, 5, 6), 0.01, -100)
    x, other, product, square = (b.tensor(*kind) for kind in kinds)
    b.op("BATCH_MATMUL", [x, other], [product], schema_options("BatchMatMulOptionsT", adjX=True))
    b.op("SQUARED_DIFFERENCE", [product, b.constant(rng.integers(-128, 128, 6, np.int8), [0.01], [9])], [square])
    root, y = b.tensor((1, 5, 6), 1 / 128, 0), b.tensor((1, 5, 6), 1 / 16, 127)
    b.op("L2_NORMALIZATION", [square], [root], schema_options("L2NormOptionsT"))
    b.op("LOG_SOFTMAX", [root], [y], schema_options("LogSoftmaxOptionsT"))
    return b.build([x, other], [y])


def remembered(seed: int) -> bytes:
    """UNIDIRECTIONAL_SEQUENCE_LSTM of 3 units over 4 steps, and a softplus of it in float32."""
    rng, b = np.random.default_rng(seed), ModelBuilder()
    x, y = b.tensor((1, 4, 5), 0.02, -3), b.tensor((1, 4, 3), 1 / 128, 0)
    weights = [b.constant(rng.integers(-127, 128, (3, k), np.int8), [0.01]) for k in (5, 3) for _ in range(4)]
    biases = [b.constant(rng.integers(-900, 900, 3, np.int32), [0.0002]) for _ in range(4)]
    states = [b.variable((1, 3), 1 / 128, 0), b.variable((1, 3), 2.0**-11, 0, "int16")]
    operands = [x, *weights, *[ABSENT] * 3, *biases, *[ABSENT] * 2, *states, *[ABSENT] * 4]
    tanh = schema_options("UnidirectionalSequenceLSTMOptionsT", fusedActivationFunction=4)
    b.op("UNIDIRECTIONAL_SEQUENCE_LSTM", operands, [y], tanh)
    real, one = b.tensor((1, 4, 3), None, dtype="float32"), b.constant(np.array([1], np.float32), None)
    b.op("DEQUANTIZE", [y], [real])
    for name in ("EXP", "ADD", "LOG"):
        before, real = real, b.tensor((1, 4, 3), None, dtype="float32")
        b.op(name, [before, one] if name == "ADD" else [before], [real])
    last = b.tensor((1, 4, 3), 0.01, -100)
    b.op("QUANTIZE", [real], [last])
    return b.build([x], [last])


RARER = {
    "resized": (resized(1), "transpose_conv2d_packed_s8"),
    "rows": (of_rows(2), "batch_matmul_packed_s8"),
    "a sequence": (remembered(3), "lstm_packed_s8"),
    "5x5": (depthwise(1, (5, 5), (1, 1)), "depthwise_conv2d_packed_s8"),
    "5x5, strides of 1 and 2": (depthwise(3, (5, 5), (1, 2), w=15), "depthwise_conv2d_packed_s8"),
    "3x3, dilated": (depthwise(4, (3, 3), (1, 1), dilation=2), "depthwise_conv2d_packed_s8"),
    "along a column": (depthwise(13, (5, 1), (1, 1), w=1), "depthwise_conv1d_packed_s8"),
    "along rows, strides of 2": (depthwise(14, (1, 6), (1, 2), w=40), "depthwise_conv1d_packed_s8"),
    "along rows, dilated": (depthwise(15, (1, 9), (1, 1), dilation=2, w=40), "depthwise_conv1d_packed_s8"),
    "groups": (of_filters(6, 16, 3, groups=4, x_c=16), "conv2d_grouped_s8"),
    "few": (of_filters(7, 1, 1, x_c=5), "conv2d_few_s8"),
    "three, at borders": (of_filters(17, 3, 3, x_c=3), "conv2d_few_s8"),
    "one, along a column": (conv((20, 1, 5), 1, (5, 1)), "conv2d_few_s8"),
    "one, dilated": (conv((4, 20, 4), 1, (3, 3), dilation=(3, 2)), "conv2d_few_s8"),
    "one channel": (of_filters(10, 6, 3, x_c=1), "conv2d_one_channel_s8"),
    "one channel, strides of 2": (of_filters(11, 9, 3, x_c=1, stride=2), "conv2d_one_channel_s8"),
    "eight taps and a pooling": (of_filters(12, 6, 2, x_c=2, pools=True), "conv2d_narrow_s8"),
    "along a column, seven filters": (conv((12, 1, 4), 7, (5, 1)), "conv2d_packed_s8"),
    "along a row, dilated": (conv((1, 20, 4), 5, (1, 3), dilation=(1, 2), pool=(1, 2)), "conv2d_packed_s8"),
    "pixels as channels": (conv((6, 8, 4), 2, (3, 3)), "conv2d_packed_s8"),
    "two filters in a word, of five": (of_filters(16, 5, 2), "conv2d_halves_s8", CORTEX_M0PLUS),
    "bytes": (of_bytes(8), "prelu_s8"),
}


# Of a nest over x alone the steps in the other tensor mean nothing, and of a loop that goes once both; packed products
# of matrices have their way to a byte in another struct; one more before a shift makes no difference; and a line may be
# computed in any parts.
NO_FAULT = re.compile(
    r"reduce_min\w+table\[\d*[258]\]|batch_matmul\w+batches_table\[[12]\]|squared_difference_1\.bias"
    r"|batch_matmul_0\.(multiplier|shift|y_zero_point) |depthwise_conv2d_0\.columns "
)


def test_layers_in_bands_of_which_the_next_one_leaves_rows_out_are_proved_and_make_no_others():
    b, rng = ModelBuilder(), np.random.default_rng(1)
    images = [b.tensor((1, *sides), 1.0, -128) for sides in ((21, 15, 2), (21, 15, 16), (11, 8, 16), (6, 4, 3))]
    for place, (x, y) in enumerate(pairwise(images)):
        filters = (1, 2, 2, 16) if place == 1 else (b.shape(y)[3], 1, 1, b.shape(x)[3])
        weights = b.constant(
            rng.integers(-127, 128, filters, np.int8), [0.004] * b.shape(y)[3], axis=3 if place == 1 else 0
        )
        (b.depthwise_conv2d if place == 1 else b.conv2d)([x, weights], y, (2, 2) if place else (1, 1), padding="SAME")
    content = b.build(images[:1], images[-1:])
    rows = Counter[int]()
    for step in lower(read_graph(content, "model")).program(CORTEX_M0PLUS).steps:
        rows[step.op.index] += step.params.window.y_h
    assert rows == {0: 11, 1: 6, 2: 6}  # of 21 and 11; whole images take more memory
    assert check(*certified(content, CORTEX_M0PLUS)).proved


@pytest.mark.parametrize("what", RARER)
def test_rarer_kernels_are_proved_and_their_faults_refused(what):
    content, kernel, *core = RARER[what]
    files, certificate = certified(content, *core)
    verdict = check(files, certificate)
    assert verdict.proved and kernel in verdict.kernels, verdict.line
    rng, text = np.random.default_rng(0), files[C].decode()
    every = [*in_tables(text, rng, each=6), *in_structs(text)]
    planted = [(name, {**files, C: changed.encode()}) for name, changed in every]
    planted += [(name, {**files, "model.tflite": model}) for name, model in in_tflite(content, rng)]
    accepted = [name for name, with_it in planted if is_proved(with_it, sealed(with_it, certificate))]
    assert not [name for name in accepted if not NO_FAULT.match(name)]


def is_proved(files: Files, certificate: bytes) -> bool:
    try:
        return check(files, certificate).proved
    except Refused:
        return False


def test_a_multiplier_by_one_is_refused_where_some_sum_gives_another_byte():
    """Every sum that can be, one by one, in the export's own arithmetic: it and the checker agree on each channel."""
    files, certificate = certified(networks.pooled_layer(1))
    op = Golden(read_model(files["model.tflite"])).convolutions[0]
    source = parse(files[C].decode(), files["c/core/model.h"].decode())
    rows = source.tables["conv2d_0_output_channels"].reshape(-1, 4)
    for channel, row in enumerate(rows.tolist()):
        low, high = int(op.lowest[channel]), int(op.highest[channel])
        stage = Stage(int(op.multiplier[channel]), int(op.shift[channel]), op.y_zero, *op.clamp, low, high)
        bias = int(op.bias[channel]) - op.x_zero * int(op.weights[channel].sum())
        sums = np.arange(low, high + 1)
        for by in (-1, 0, 1):
            other = PackedChannel(row[0], row[1] + by, row[2], row[3])
            ways = [other.bytes_of(sums - bias, *op.clamp, sign) for sign in ("product", "sum")]
            equal = all(np.array_equal(way, stage.bytes_of(sums)) for way in ways)
            text = files[C].decode().replace(f"    {row[0]}, {row[1]}, ", f"    {row[0]}, {row[1] + by}, ")
            with_it = {**files, C: text.encode()}
            assert is_proved(with_it, sealed(with_it, certificate)) == equal, (channel, by)
            assert equal or by


def test_a_dead_channel_that_is_not_dead_is_refused():
    content = every_kind(4, dead=(1, 3, 4, 6), short=True)
    files, certificate = certified(content)
    assert "channels" in certificate.decode() and check(files, certificate).proved
    bias = read_model(content).ops[0].inputs[2]
    for filter_, value, proved in ((3, -950, True), (3, 900, False), (6, 2000, False)):

        def revive(model, filter_=filter_, value=value):
            buffer = model.buffers[model.subgraphs[0].tensors[bias].buffer]
            numbers = np.array(buffer.data, np.uint8).view("<i4").copy()
            numbers[filter_] = value
            buffer.data = numbers.view(np.uint8)

        with_it = {**files, "model.tflite": edited(content, revive)}
        assert is_proved(with_it, sealed(with_it, certificate)) == proved, (filter_, value)


def test_winograds_transforms_make_a_convolution():
    """Both sides are linear in the pixels and in the filter, so that equal on every pair of ones they are equal."""
    forms = {
        2: (
            winograd.TWICE_G,
            [[1, 0, -1, 0], [0, 1, 1, 0], [0, -1, 1, 0], [0, 1, 0, -1]],
            [[1, 1, 1, 0], [0, 1, -1, -1]],
            4,
        ),
        4: (
            winograd.SCALED_G,
            [
                [4, 0, -5, 0, 1, 0],
                [0, -4, -4, 1, 1, 0],
                [0, 4, -4, -1, 1, 0],
                [0, -2, -1, 2, 1, 0],
                [0, 2, -1, -2, 1, 0],
            ]
            + [[0, 4, 0, -5, 0, 1]],
            [[6, 4, 4, 1, 1, 0], [0, 4, -4, 2, -2, 0], [0, 4, 4, 4, 4, 0], [0, 4, -4, 8, -8, 24]],
            576,
        ),
    }
    for side, (g, b, a, times) in forms.items():
        for pixel in np.eye((side + 2) ** 2, dtype=np.int64).reshape(-1, side + 2, side + 2):
            for tap in np.eye(9, dtype=np.int64).reshape(-1, 3, 3):
                product = (g @ tap @ g.T) * (np.array(b) @ pixel @ np.array(b).T)
                direct = [[(pixel[i : i + 3, j : j + 3] * tap).sum() for j in range(side)] for i in range(side)]
                assert np.array_equal(np.array(a) @ product @ np.array(a).T, times * np.array(direct))


def test_the_checker_shares_nothing_with_the_export():
    allowed = {"__future__", "collections", "dataclasses", "functools", "hashlib", "json", "math", "pathlib", "re"}
    allowed |= {"struct", "sys", "typing", "numpy", "tflite"}
    for file in CHECKER.glob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                assert {alias.name for alias in node.names} <= allowed, file
            elif isinstance(node, ast.ImportFrom) and not node.level:
                assert node.module.split(".")[0] in allowed, file


def test_the_presets_certificate_is_made_and_checked_and_reports_say_so(tmp_path):
    model = shutil.copytree(DEMO_MODEL, tmp_path / "model", ignore=shutil.ignore_patterns("*.elf", "certificate.json"))
    (model / ".claim").unlink(missing_ok=True)
    missing = tinyproof("check-certificate", str(model))
    assert missing.returncode == 2 and "prove" in missing.stderr and missing.stderr.count("\n") == 1
    made = tinyproof("prove", "--model", str(model))
    assert made.returncode == 0 and made.stdout.splitlines()[-1].startswith("Proved for every input (certificate ")
    assert "tested and not proved: conv2d_" in " ".join(made.stdout.split())
    checker = [sys.executable, "-m", "tinyproof.host.proof.checker", str(model)]
    alone = subprocess.run(checker, cwd=ROOT, capture_output=True, text=True)
    assert alone.returncode == 0 and alone.stdout.strip() == made.stdout.splitlines()[-1]
    report = replace(validate(Plan(model, BOARDS["interpreter"], limit=3)), engine="compiled")
    assert proof_line(report, model) == alone.stdout.strip()
    assert proof_line(replace(report, engine="tflm"), model) == "Tested on 3 inputs"
    assert proof_line(replace(report, model_sha256="0"), model) == "Tested on 3 inputs"
    (model / "model.tflite").write_bytes((model / "model.tflite").read_bytes() + b"\0")
    stale = tinyproof("check-certificate", str(model))
    assert stale.returncode == 2 and "is of another model.tflite" in stale.stderr and stale.stderr.count("\n") == 1
    assert proof_line(report, model) == "Tested on 3 inputs"
