"""The `.tflite` as the checker reads it: through the accessors of the schema, and into plain arrays."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Any

import numpy as np
import tflite
from numpy.typing import NDArray

from .findings import Refused, require

DTYPES = {
    "INT8": "<i1",
    "INT32": "<i4",
    "INT64": "<i8",
    "FLOAT32": "<f4",
    "UINT8": "<u1",
    "INT16": "<i2",
    "BOOL": "<u1",
}
TYPE_NAMES = {code: name for name, code in vars(tflite.TensorType).items() if name.isupper()}
OP_NAMES = {code: name for name, code in vars(tflite.BuiltinOperator).items() if name.isupper()}
SAME, VALID = tflite.Padding.SAME, tflite.Padding.VALID
REFLECT = tflite.MirrorPadMode.REFLECT
NONE, RELU, RELU_N1_TO_1, RELU6, TANH = 0, 1, 2, 3, 4
# What is read of each op's options: by our name the accessor.
_STRIDES = {"padding": "Padding", "stride_h": "StrideH", "stride_w": "StrideW", "activation": "FusedActivationFunction"}
_DILATION = {"dilation_h": "DilationHFactor", "dilation_w": "DilationWFactor"}
OPTIONS: dict[str, tuple[str, dict[str, str]]] = {
    "CONV_2D": ("Conv2DOptions", _STRIDES | _DILATION),
    "DEPTHWISE_CONV_2D": ("DepthwiseConv2DOptions", _STRIDES | _DILATION | {"multiplier": "DepthMultiplier"}),
    "TRANSPOSE_CONV": ("TransposeConvOptions", _STRIDES),
    "FULLY_CONNECTED": ("FullyConnectedOptions", {"activation": "FusedActivationFunction", "format": "WeightsFormat"}),
    "MAX_POOL_2D": ("Pool2DOptions", _STRIDES | {"k_h": "FilterHeight", "k_w": "FilterWidth"}),
    "AVERAGE_POOL_2D": ("Pool2DOptions", _STRIDES | {"k_h": "FilterHeight", "k_w": "FilterWidth"}),
    "SOFTMAX": ("SoftmaxOptions", {"beta": "Beta"}),
    "ADD": ("AddOptions", {"activation": "FusedActivationFunction"}),
    "SUB": ("SubOptions", {"activation": "FusedActivationFunction"}),
    "MUL": ("MulOptions", {"activation": "FusedActivationFunction"}),
    "DIV": ("DivOptions", {"activation": "FusedActivationFunction"}),
    "STRIDED_SLICE": (
        "StridedSliceOptions",
        {"begin": "BeginMask", "end": "EndMask", "shrink": "ShrinkAxisMask"}
        | {"ellipsis": "EllipsisMask", "new": "NewAxisMask"},
    ),
    "RESIZE_NEAREST_NEIGHBOR": (
        "ResizeNearestNeighborOptions",
        {"corners": "AlignCorners", "centers": "HalfPixelCenters"},
    ),
    "RESIZE_BILINEAR": ("ResizeBilinearOptions", {"corners": "AlignCorners", "centers": "HalfPixelCenters"}),
    "BATCH_MATMUL": ("BatchMatMulOptions", {"a_transposed": "AdjX", "b_transposed": "AdjY"}),
    "L2_NORMALIZATION": ("L2NormOptions", {"activation": "FusedActivationFunction"}),
    "UNIDIRECTIONAL_SEQUENCE_LSTM": (
        "UnidirectionalSequenceLSTMOptions",
        {"activation": "FusedActivationFunction", "cell_clip": "CellClip"}
        | {"time_major": "TimeMajor", "diagonal": "DiagonalRecurrentTensors"},
    ),
    "LEAKY_RELU": ("LeakyReluOptions", {"alpha": "Alpha"}),
    "GATHER": ("GatherOptions", {"axis": "Axis", "batches": "BatchDims"}),
    "MIRROR_PAD": ("MirrorPadOptions", {"mode": "Mode"}),
    "SPACE_TO_DEPTH": ("SpaceToDepthOptions", {"block": "BlockSize"}),
    "DEPTH_TO_SPACE": ("DepthToSpaceOptions", {"block": "BlockSize"}),
    "PACK": ("PackOptions", {"axis": "Axis"}),
    "UNPACK": ("UnpackOptions", {"axis": "Axis"}),
    "CONCATENATION": ("ConcatenationOptions", {"axis": "Axis", "activation": "FusedActivationFunction"}),
}


@dataclass(frozen=True, eq=False)
class Tensor:
    """One tensor; `data` is None for what is computed, `kept` says that it lasts from one invocation to the next."""

    index: int
    shape: tuple[int, ...]
    dtype: str
    scale: NDArray[np.float32]
    zero_point: NDArray[np.int64]
    axis: int
    data: NDArray[Any] | None
    kept: bool


@dataclass(frozen=True, eq=False)
class Op:
    """One operator."""

    index: int
    name: str
    inputs: tuple[int, ...]  # -1: none
    outputs: tuple[int, ...]
    options: dict[str, Any]

    @property
    def where(self) -> str:
        """How messages name it."""
        return f"op {self.index} {self.name}"


@dataclass(frozen=True, eq=False)
class Model:
    """The only subgraph of a file."""

    tensors: tuple[Tensor, ...]
    ops: tuple[Op, ...]
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]


def read_model(content: bytes) -> Model:
    """The model in a file. Refused where it is damaged or has what is not read here."""
    try:
        require(content[4:8] == b"TFL3", "model.tflite is no .tflite")
        model = tflite.Model.GetRootAs(content, 0)
        require(model.SubgraphsLength() == 1, "model.tflite has several subgraphs")
        graph = model.Subgraphs(0)
        tensors = tuple(_tensor(model, graph.Tensors(k), k) for k in range(graph.TensorsLength()))
        ops = tuple(_op(model, graph.Operators(k), k) for k in range(graph.OperatorsLength()))
        ends = [tuple(map(int, side)) for side in (_ints(graph, "Inputs"), _ints(graph, "Outputs"))]
    except (struct.error, IndexError, ValueError, TypeError, OverflowError, AttributeError) as error:
        raise Refused(f"model.tflite is damaged: {error}") from None
    for op in ops:
        require(all(-1 <= index < len(tensors) for index in (*op.inputs, *op.outputs)), f"{op.where}: no such tensor")
    return Model(tensors, ops, ends[0], ends[1])


def _ints(table: Any, name: str) -> list[int]:
    length = getattr(table, f"{name}Length")()
    return [int(getattr(table, name)(k)) for k in range(length)]


def _tensor(model: Any, table: Any, index: int) -> Tensor:
    shape, dtype = tuple(_ints(table, "Shape")), TYPE_NAMES[table.Type()]
    require(table.Sparsity() is None, f"tensor {index} is sparse")
    quantization, data = table.Quantization(), None
    buffer = model.Buffers(table.Buffer())
    if buffer.DataLength() and dtype in DTYPES:
        data = np.frombuffer(buffer.DataAsNumpy().tobytes(), DTYPES[dtype]).reshape(shape)
    empty = quantization is None or not quantization.ScaleLength()
    scale = [] if empty else [quantization.Scale(k) for k in range(quantization.ScaleLength())]
    zero = [] if empty else [quantization.ZeroPoint(k) for k in range(quantization.ZeroPointLength())]
    axis = 0 if empty else quantization.QuantizedDimension()
    scales, zeros = np.array(scale, np.float32), np.array(zero, np.int64)
    return Tensor(index, shape, dtype, scales, zeros, axis, data, bool(table.IsVariable()))


def _op(model: Any, table: Any, index: int) -> Op:
    code = model.OperatorCodes(table.OpcodeIndex())
    name = OP_NAMES[max(code.BuiltinCode(), code.DeprecatedBuiltinCode())]
    options: dict[str, Any] = {}
    if name in OPTIONS and table.BuiltinOptions() is not None:
        kind, accessors = OPTIONS[name]
        require(table.BuiltinOptionsType() == getattr(tflite.BuiltinOptions, kind), f"op {index}: not its options")
        found = getattr(tflite, kind)()
        found.Init(table.BuiltinOptions().Bytes, table.BuiltinOptions().Pos)
        options = {ours: getattr(found, accessor)() for ours, accessor in accessors.items()}
    return Op(index, name, tuple(_ints(table, "Inputs")), tuple(_ints(table, "Outputs")), options)
