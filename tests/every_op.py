"""One model with every op that the compiled engine runs, float32 borders and shape arithmetic: made to be broken."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema

from tinyproof.export.borders import with_int8_ends
from tinyproof.export.tflite_writer import ABSENT, ModelBuilder

SCALE, ZERO_POINT = 0.05, 3


def schema_options(name: str, **fields: Any) -> Any:
    """An options object of the schema."""
    found = getattr(schema, name)()
    for field, value in fields.items():
        assert hasattr(found, field), field
        setattr(found, field, value)
    return found


def edited(content: bytes, edit: Callable[[schema.ModelT], None]) -> bytes:
    """The model after a change to its schema objects."""
    model = schema.ModelT.InitFromPackedBuf(content)
    edit(model)
    builder = flatbuffers.Builder(1024)
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())


class _Chain:
    """Appends ops to the end of a chain of tensors."""

    def __init__(self) -> None:
        self.b = ModelBuilder()
        self.source = self.b.tensor((1, 6, 6, 4), None, dtype="float32")
        self.shape: tuple[int, ...] = (1, 6, 6, 4)
        self.end = self.tensor(self.shape)
        self.b.op("QUANTIZE", [self.source], [self.end])

    def tensor(self, shape: tuple[int, ...], scale: float = SCALE, zero_point: int = ZERO_POINT) -> int:
        return self.b.tensor(shape, scale, zero_point)

    def whole(self, *values: int) -> int:
        return self.b.constant(np.array(values, np.int32), None)

    def then(
        self, name: str, *others: int, shape: tuple[int, ...] | None = None, options: Any = None, **kind: Any
    ) -> None:
        """The op on the end of the chain and `others`; the shape stays unless there is another."""
        self.shape = shape or self.shape
        y = self.tensor(self.shape, **kind)
        self.b.op(name, [self.end, *others], [y], options)
        self.end = y


def every_op_model() -> bytes:
    """A chain of all ops, each on small tensors."""
    rng = np.random.default_rng(3)
    chain = _Chain()
    b = chain.b

    def weights(*shape: int) -> int:
        return b.constant(rng.integers(-127, 128, shape, np.int8), [0.004])

    def convolution(name: str, shape: tuple[int, ...], *operands: int, options: Any) -> None:
        y = chain.tensor(shape)
        b.op(name, list(operands), [y], options)
        chain.end, chain.shape = y, shape

    valid, same = schema.Padding.VALID, schema.Padding.SAME
    strides = {"strideH": 1, "strideW": 1}
    dilation = {"dilationHFactor": 1, "dilationWFactor": 1}
    conv = schema_options("Conv2DOptionsT", padding=same, **strides, **dilation)
    convolution("CONV_2D", (1, 6, 6, 4), chain.end, weights(4, 3, 3, 2), options=conv)
    depthwise = schema_options("DepthwiseConv2DOptionsT", padding=same, depthMultiplier=1, **strides, **dilation)
    convolution("DEPTHWISE_CONV_2D", (1, 6, 6, 4), chain.end, weights(1, 3, 3, 4), options=depthwise)
    transposed = schema_options("TransposeConvOptionsT", padding=valid, **strides)
    shape = chain.whole(1, 7, 7, 4)
    convolution("TRANSPOSE_CONV", (1, 7, 7, 4), shape, weights(4, 2, 2, 4), chain.end, options=transposed)
    pool = schema_options("Pool2DOptionsT", padding=same, filterHeight=2, filterWidth=2, **strides)
    chain.then("MAX_POOL_2D", options=pool)
    chain.then("AVERAGE_POOL_2D", options=pool)
    for name in ("ADD", "SUB", "MUL"):
        chain.then(name, weights(4) if name == "MUL" else chain.end, options=schema_options(f"{name.title()}OptionsT"))
    for name in ("MAXIMUM", "MINIMUM", "PRELU", "SQUARED_DIFFERENCE"):
        chain.then(name, weights(4))
    for name in ("RELU", "RELU6", "HARD_SWISH", "QUANTIZE", "ELU", "ABS"):
        chain.then(name)
    _in_floats(chain)
    chain.then("LEAKY_RELU", options=schema_options("LeakyReluOptionsT", alpha=0.1))
    chain.then("LOGISTIC", scale=1 / 256, zero_point=-128)
    chain.then("RSQRT")
    chain.then("TANH", scale=1 / 128, zero_point=0)
    chain.then("PAD", chain.whole(0, 0, 1, 0, 0, 1, 0, 0), shape=(1, 8, 8, 4))
    pad_value = b.constant(np.array(7, np.int8), [SCALE], [ZERO_POINT])
    chain.then("PADV2", chain.whole(0, 0, 0, 0, 0, 0, 0, 1), pad_value, shape=(1, 8, 8, 5))
    bounds = [chain.whole(0, 1, 7, 0), chain.whole(1, 8, 0, 5), chain.whole(1, 1, -1, 1)]
    chain.then("STRIDED_SLICE", *bounds, shape=(1, 7, 7, 5), options=schema_options("StridedSliceOptionsT"))
    chain.then("SLICE", chain.whole(0, 0, 0, 1), chain.whole(1, -1, 6, 4), shape=(1, 7, 6, 4))
    chain.then("TRANSPOSE", chain.whole(0, 2, 1, 3), shape=(1, 6, 7, 4))
    _moved(chain)
    halves = _split(chain)
    joined = chain.tensor((1, 5, 4, 4))
    b.op("CONCATENATION", halves[::-1], [joined], schema_options("ConcatenationOptionsT", axis=-1))
    chain.end, chain.shape = joined, (1, 5, 4, 4)
    reduced = schema_options("ReducerOptionsT", keepDims=True)
    chain.then("REDUCE_MAX", chain.whole(1), shape=(1, 1, 4, 4), options=reduced)
    chain.then("SQUEEZE", shape=(4, 4), options=schema_options("SqueezeOptionsT", squeezeDims=[0, 1]))
    chain.then("EXPAND_DIMS", chain.whole(0), shape=(1, 4, 4))
    chain.then("BROADCAST_TO", chain.whole(1, 4, 4), shape=(1, 4, 4))
    _remembered(chain, [weights(4, 4) for _ in range(8)])
    chain.then("BATCH_MATMUL", chain.end, options=schema_options("BatchMatMulOptionsT"))
    _reshape_with_computed_shape(chain, (1, 16))
    chain.then("REDUCE_MIN", chain.whole(0), options=reduced)
    chain.then("L2_NORMALIZATION", scale=1 / 128, zero_point=0, options=schema_options("L2NormOptionsT"))
    chain.then("LOG_SOFTMAX", scale=1 / 16, zero_point=127, options=schema_options("LogSoftmaxOptionsT"))
    chain.then("SUM", chain.whole(0), shape=(1, 16), options=reduced)
    dense = schema_options("FullyConnectedOptionsT")
    chain.then("FULLY_CONNECTED", weights(6, 16), shape=(1, 6), options=dense)
    chain.then("SOFTMAX", scale=1 / 256, zero_point=-128, options=schema_options("SoftmaxOptionsT", beta=1.0))
    chain.then("MEAN", chain.whole(0), options=reduced)
    y = b.tensor(chain.shape, None, dtype="float32")
    b.op("DEQUANTIZE", [chain.end], [y])
    return b.build([chain.source], [y])


def _in_floats(chain: _Chain) -> None:
    """Functions that TFLM has for float32 alone, each way back to int8."""
    b = chain.b
    for names in (("NEG", "FLOOR"), ("COS", "CEIL"), ("ROUND", "SIN"), ("EXP", "LOG"), ("SQRT",), ("SQUARE",)):
        real = b.tensor(chain.shape, None, dtype="float32")
        b.op("DEQUANTIZE", [chain.end], [real])
        for name in names:
            before, real = real, b.tensor(chain.shape, None, dtype="float32")
            b.op(name, [before], [real])
        chain.end = chain.tensor(chain.shape, zero_point=-128)
        b.op("QUANTIZE", [real], [chain.end])
    _decided(chain)


def _decided(chain: _Chain) -> None:
    """Decisions, and what is chosen by them."""
    b = chain.b
    real = b.tensor(chain.shape, None, dtype="float32")
    b.op("DEQUANTIZE", [chain.end], [real])
    number = b.constant(np.array([1.5], np.float32), None)
    decisions = []
    for name in ("GREATER", "GREATER_EQUAL", "LESS", "LESS_EQUAL", "EQUAL", "NOT_EQUAL"):
        decisions.append(b.tensor(chain.shape, None, dtype="bool"))
        b.op(name, [real, number], decisions[-1:])
    for name in ("LOGICAL_OR", "LOGICAL_AND", "LOGICAL_OR", "LOGICAL_AND", "LOGICAL_NOT"):
        taken = decisions[: 1 if name == "LOGICAL_NOT" else 2]
        decisions = [*decisions[len(taken) :], b.tensor(chain.shape, None, dtype="bool")]
        b.op(name, taken, decisions[-1:])
    part, chosen = (b.tensor(chain.shape, None, dtype="float32") for _ in range(2))
    b.op("DIV", [real, number], [part])
    b.op("SELECT_V2", [decisions[-1], part, real], [chosen])
    chain.end = chain.tensor(chain.shape)
    b.op("QUANTIZE", [chosen], [chain.end])


def _moved(chain: _Chain) -> None:
    """The end of the chain (1, 6, 7, 4) resized twice to (1, 5, 4, 4), with its pixels in other places on the way."""
    resize = schema_options("ResizeNearestNeighborOptionsT")
    chain.then("RESIZE_NEAREST_NEIGHBOR", chain.whole(6, 4), shape=(1, 6, 4, 4), options=resize)
    chain.then("SPACE_TO_DEPTH", shape=(1, 3, 2, 16), options=schema_options("SpaceToDepthOptionsT", blockSize=2))
    chain.then("GATHER", chain.whole(2, 0, 1), shape=(1, 3, 2, 16), options=schema_options("GatherOptionsT", axis=1))
    chain.then("DEPTH_TO_SPACE", shape=(1, 6, 4, 4), options=schema_options("DepthToSpaceOptionsT", blockSize=2))
    block, margins = chain.whole(2, 2), chain.b.constant(np.zeros((2, 2), np.int32), None)
    chain.then("SPACE_TO_BATCH_ND", block, margins, shape=(4, 3, 2, 4))
    chain.then("BATCH_TO_SPACE_ND", block, margins, shape=(1, 6, 4, 4))
    chain.then("REVERSE_V2", chain.whole(1))
    margins = chain.b.constant(np.array([(0, 0), (1, 0), (1, 2), (0, 0)], np.int32), None)
    chain.then("MIRROR_PAD", margins, shape=(1, 7, 7, 4), options=schema_options("MirrorPadOptionsT"))
    bilinear = schema_options("ResizeBilinearOptionsT", halfPixelCenters=True)
    chain.then("RESIZE_BILINEAR", chain.whole(5, 4), shape=(1, 5, 4, 4), options=bilinear)


def _remembered(chain: _Chain, weights: list[int]) -> None:
    """UNIDIRECTIONAL_SEQUENCE_LSTM of 4 units over the end of the chain (1, 4, 4)."""
    b = chain.b
    biases = [b.constant(np.arange(4, dtype=np.int32), [SCALE * 0.004]) for _ in range(4)]
    states = [b.variable((1, 4), SCALE, ZERO_POINT), b.variable((1, 4), 2.0**-11, 0, "int16")]
    absent = [ABSENT]
    operands = [*weights, *absent * 3, *biases, *absent * 2, *states, *absent * 4]
    tanh = schema.ActivationFunctionType.TANH
    chosen = schema_options("UnidirectionalSequenceLSTMOptionsT", fusedActivationFunction=tanh)
    chain.then("UNIDIRECTIONAL_SEQUENCE_LSTM", *operands, options=chosen)


def _split(chain: _Chain) -> list[int]:
    """The end of the chain (1, 5, 4, 4) in two, by way of UNPACK, PACK, SPLIT_V and SPLIT."""
    b = chain.b
    rows = [chain.tensor((1, 4, 4)) for _ in range(5)]
    b.op("UNPACK", [chain.end], rows, schema_options("UnpackOptionsT", num=5, axis=1))
    packed = chain.tensor((1, 5, 4, 4))
    b.op("PACK", rows[::-1], [packed], schema_options("PackOptionsT", valuesCount=5, axis=1))
    parts = [chain.tensor((1, 5, 1, 4)), chain.tensor((1, 5, 3, 4))]
    b.op("SPLIT_V", [packed, chain.whole(1, 3), chain.whole(2)], parts, schema_options("SplitVOptionsT", numSplits=2))
    turned = chain.tensor((1, 5, 4, 4))
    b.op("CONCATENATION", parts[::-1], [turned], schema_options("ConcatenationOptionsT", axis=2))
    halves = [chain.tensor((1, 5, 4, 2)) for _ in range(2)]
    axis = b.constant(np.array(3, np.int32), None)
    b.op("SPLIT", [axis, turned], halves, schema_options("SplitOptionsT", numSplits=2))
    return halves


def _reshape_with_computed_shape(chain: _Chain, shape: tuple[int, ...]) -> None:
    """SHAPE, STRIDED_SLICE, PACK, RESHAPE: what a Flatten of a dynamic batch becomes."""
    b = chain.b
    sizes = b.tensor((len(chain.shape),), None, dtype="int32")
    batch = b.tensor((), None, dtype="int32")
    wanted = b.tensor((2,), None, dtype="int32")
    b.op("SHAPE", [chain.end], [sizes], schema_options("ShapeOptionsT", outType=schema.TensorType.INT32))
    first = schema_options("StridedSliceOptionsT", shrinkAxisMask=1)
    b.op("STRIDED_SLICE", [sizes, chain.whole(0), chain.whole(1), chain.whole(1)], [batch], first)
    rest = b.constant(np.array(-1, np.int32), None)
    b.op("PACK", [batch, rest], [wanted], schema_options("PackOptionsT", valuesCount=2, axis=0))
    chain.then("RESHAPE", wanted, shape=shape, options=schema_options("ReshapeOptionsT"))


def every_op_network(seed: int) -> bytes:
    """The same for every seed, with int8 inputs and outputs."""
    return with_int8_ends(every_op_model(), "every op")[0]


def two_ends_network(seed: int) -> bytes:
    """Two inputs of odd sizes; outputs that are read again, that are an input's bytes, and one another's."""
    rng = np.random.default_rng(seed)
    b = ModelBuilder()
    a, c = b.tensor((1, 5, 5, 3), SCALE, ZERO_POINT), b.tensor((1, 3, 3, 1), SCALE, ZERO_POINT)
    conv, joined, flat, row, first = (
        b.tensor(shape, SCALE, ZERO_POINT) for shape in ((1, 3, 3, 5), (1, 3, 3, 5), (1, 45), (1, 7), (1, 75))
    )
    b.conv2d([a, b.constant(rng.integers(-99, 99, (5, 3, 3, 3), np.int8), [0.003])], conv)
    b.op("ADD", [conv, c], [joined], schema_options("AddOptionsT"))
    b.reshape(joined, flat)
    b.dense([flat, b.constant(rng.integers(-99, 99, (7, 45), np.int8), [0.003])], row)
    b.reshape(a, first)
    return b.build([c, a], [row, flat, first, joined])
