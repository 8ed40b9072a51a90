"""Writes int8 `.tflite` models from numpy arrays, op by op, without TensorFlow; also what no converter would make.

>>> b = ModelBuilder()
>>> x = b.tensor((1, 4, 4, 1), scale=0.5, zero_point=3)
>>> y = b.tensor((1, 2, 2, 1), scale=0.5, zero_point=3)
>>> b.max_pool2d(x, y, kernel=(2, 2), stride=(2, 2))
>>> model = b.build(inputs=[x], outputs=[y])
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema
from numpy.typing import NDArray

from tinyproof.export.tflite_editing import packed

Pair = tuple[int, int]
DTYPES = {
    np.dtype(name): getattr(schema.TensorType, name.upper())
    for name in ("int8", "uint8", "int16", "int32", "int64", "float32", "bool")
}
ABSENT = -1


class ModelBuilder:
    """Collects tensors and ops; every `tensor` and `constant` returns the tensor's index."""

    def __init__(self) -> None:
        self._tensors: list[schema.TensorT] = []
        self._ops: list[schema.OperatorT] = []
        self._codes: list[schema.OperatorCodeT] = []
        self._buffers = [schema.BufferT()]  # by convention the first one is empty

    def tensor(
        self, shape: Sequence[int], scale: float | None = 1.0, zero_point: int = 0, dtype: str = "int8", name: str = ""
    ) -> int:
        """A tensor computed at run time. `scale` None leaves the quantization out."""
        scales = None if scale is None else [scale]
        return self._add(shape, np.dtype(dtype), scales, [zero_point], 0, None, name)

    def variable(self, shape: Sequence[int], scale: float, zero_point: int = 0, dtype: str = "int8") -> int:
        """A state that an op keeps."""
        index = self.tensor(shape, scale, zero_point, dtype)
        self._tensors[index].isVariable = True
        return index

    def constant(
        self,
        values: NDArray[np.generic],
        scale: Sequence[float] | None = (1.0,),
        zero_point: Sequence[int] | None = None,
        axis: int = 0,
        name: str = "",
    ) -> int:
        """A constant tensor, quantized with one scale or one for each index along `axis`."""
        points = [0] * (0 if scale is None else len(scale)) if zero_point is None else list(zero_point)
        return self._add(values.shape, values.dtype, scale, points, axis, values.tobytes(), name)

    def _add(
        self,
        shape: Sequence[int],
        dtype: np.dtype[np.generic],
        scale: Sequence[float] | None,
        zero_point: Sequence[int],
        axis: int,
        data: bytes | None,
        name: str,
    ) -> int:
        tensor = schema.TensorT()
        tensor.name = name or f"tensor_{len(self._tensors)}"
        tensor.shape = list(shape)
        tensor.type = DTYPES[dtype]
        tensor.buffer = 0
        if scale is not None:
            quantization = schema.QuantizationParametersT()
            quantization.scale = [float(value) for value in scale]
            quantization.zeroPoint = list(zero_point)
            quantization.quantizedDimension = axis
            tensor.quantization = quantization
        if data is not None:
            buffer = schema.BufferT()
            buffer.data = np.frombuffer(data, np.uint8)
            tensor.buffer = len(self._buffers)
            self._buffers.append(buffer)
        self._tensors.append(tensor)
        return len(self._tensors) - 1

    def shape(self, tensor: int) -> tuple[int, ...]:
        """The shape of a tensor."""
        return tuple(self._tensors[tensor].shape)

    def op(self, name: str, inputs: Sequence[int], outputs: Sequence[int], options: object = None) -> None:
        """Any op of the schema; `options` is the schema's options object, its class names the union member."""
        number = getattr(schema.BuiltinOperator, name)
        code = schema.OperatorCodeT()
        code.builtinCode = number
        code.deprecatedBuiltinCode = min(number, 127)
        code.version = 1
        operator = schema.OperatorT()
        operator.opcodeIndex = len(self._codes)
        operator.inputs, operator.outputs = list(inputs), list(outputs)
        if options is not None:
            operator.builtinOptionsType = getattr(schema.BuiltinOptions, type(options).__name__.removesuffix("T"))
            operator.builtinOptions = options
        self._codes.append(code)
        self._ops.append(operator)

    def conv2d(
        self,
        inputs: Sequence[int],
        y: int,
        stride: Pair = (1, 1),
        dilation: Pair = (1, 1),
        padding: str = "VALID",
        activation: str = "NONE",
    ) -> None:
        """CONV_2D of (x, weights) or (x, weights, bias)."""
        options = _windowed(schema.Conv2DOptionsT(), stride, padding, activation)
        options.dilationHFactor, options.dilationWFactor = dilation
        self.op("CONV_2D", inputs, [y], options)

    def depthwise_conv2d(
        self,
        inputs: Sequence[int],
        y: int,
        stride: Pair = (1, 1),
        dilation: Pair = (1, 1),
        padding: str = "VALID",
        activation: str = "NONE",
    ) -> None:
        """DEPTHWISE_CONV_2D of (x, weights) or (x, weights, bias)."""
        options = _windowed(schema.DepthwiseConv2DOptionsT(), stride, padding, activation)
        options.dilationHFactor, options.dilationWFactor = dilation
        options.depthMultiplier = self._tensors[y].shape[3] // self._tensors[inputs[0]].shape[3]
        self.op("DEPTHWISE_CONV_2D", inputs, [y], options)

    def max_pool2d(
        self, x: int, y: int, kernel: Pair, stride: Pair, padding: str = "VALID", activation: str = "NONE"
    ) -> None:
        """MAX_POOL_2D."""
        self._pool("MAX_POOL_2D", x, y, kernel, stride, padding, activation)

    def average_pool2d(
        self, x: int, y: int, kernel: Pair, stride: Pair, padding: str = "VALID", activation: str = "NONE"
    ) -> None:
        """AVERAGE_POOL_2D."""
        self._pool("AVERAGE_POOL_2D", x, y, kernel, stride, padding, activation)

    def _pool(self, name: str, x: int, y: int, kernel: Pair, stride: Pair, padding: str, activation: str) -> None:
        options = _windowed(schema.Pool2DOptionsT(), stride, padding, activation)
        options.filterHeight, options.filterWidth = kernel
        self.op(name, [x], [y], options)

    def dense(self, inputs: Sequence[int], y: int, activation: str = "NONE", keep_dims: bool = False) -> None:
        """FULLY_CONNECTED of (x, weights) or (x, weights, bias)."""
        options = schema.FullyConnectedOptionsT()
        options.fusedActivationFunction = getattr(schema.ActivationFunctionType, activation)
        options.keepNumDims = keep_dims
        self.op("FULLY_CONNECTED", inputs, [y], options)

    def reshape(self, x: int, y: int) -> None:
        """RESHAPE to the shape of y."""
        options = schema.ReshapeOptionsT()
        options.newShape = list(self._tensors[y].shape)
        self.op("RESHAPE", [x, self.constant(np.array(options.newShape, np.int32), None)], [y], options)

    def softmax(self, x: int, y: int, beta: float = 1.0) -> None:
        """SOFTMAX along the last axis."""
        options = schema.SoftmaxOptionsT()
        options.beta = beta
        self.op("SOFTMAX", [x], [y], options)

    def build(
        self, inputs: Sequence[int], outputs: Sequence[int], subgraphs: int = 1, description: str = "tinyproof"
    ) -> bytes:
        """The bytes of the `.tflite`."""
        graph = schema.SubGraphT()
        graph.tensors, graph.operators = self._tensors, self._ops
        graph.inputs, graph.outputs = list(inputs), list(outputs)
        graph.name = "main"
        model = schema.ModelT()
        model.version = 3
        model.description = description
        model.operatorCodes, model.buffers = self._codes, self._buffers
        model.subgraphs = [graph] * subgraphs
        return packed(model)


def _windowed(options: Any, stride: Pair, padding: str, activation: str) -> Any:
    """The options of an op that moves a window, with what all of them have filled in."""
    options.strideH, options.strideW = stride
    options.padding = getattr(schema.Padding, padding)
    options.fusedActivationFunction = getattr(schema.ActivationFunctionType, activation)
    return options
