"""Emits `model_ops.h`: exactly the ops of the model, for TFLM's `MicroMutableOpResolver`.

The table covers the ops that int8 models use, so that a model the compiled engine refuses can still run on TFLM.
"""

from __future__ import annotations

from export.graph import Graph

# Name in the schema -> the resolver's method, without its `Add`.
RESOLVER_METHODS = {
    "ABS": "Abs",
    "ADD": "Add",
    "ADD_N": "AddN",
    "ARG_MAX": "ArgMax",
    "ARG_MIN": "ArgMin",
    "AVERAGE_POOL_2D": "AveragePool2D",
    "BATCH_MATMUL": "BatchMatMul",
    "BATCH_TO_SPACE_ND": "BatchToSpaceNd",
    "CAST": "Cast",
    "CONCATENATION": "Concatenation",
    "CONV_2D": "Conv2D",
    "DEPTH_TO_SPACE": "DepthToSpace",
    "DEPTHWISE_CONV_2D": "DepthwiseConv2D",
    "DEQUANTIZE": "Dequantize",
    "ELU": "Elu",
    "EXPAND_DIMS": "ExpandDims",
    "FULLY_CONNECTED": "FullyConnected",
    "GATHER": "Gather",
    "HARD_SWISH": "HardSwish",
    "L2_NORMALIZATION": "L2Normalization",
    "LEAKY_RELU": "LeakyRelu",
    "LOGISTIC": "Logistic",
    "LOG_SOFTMAX": "LogSoftmax",
    "MAXIMUM": "Maximum",
    "MAX_POOL_2D": "MaxPool2D",
    "MEAN": "Mean",
    "MINIMUM": "Minimum",
    "MIRROR_PAD": "MirrorPad",
    "MUL": "Mul",
    "NEG": "Neg",
    "PACK": "Pack",
    "PAD": "Pad",
    "PADV2": "PadV2",
    "PRELU": "Prelu",
    "QUANTIZE": "Quantize",
    "REDUCE_MAX": "ReduceMax",
    "RELU": "Relu",
    "RELU6": "Relu6",
    "RESHAPE": "Reshape",
    "RESIZE_BILINEAR": "ResizeBilinear",
    "RESIZE_NEAREST_NEIGHBOR": "ResizeNearestNeighbor",
    "RSQRT": "Rsqrt",
    "SHAPE": "Shape",
    "SLICE": "Slice",
    "SOFTMAX": "Softmax",
    "SPACE_TO_BATCH_ND": "SpaceToBatchNd",
    "SPACE_TO_DEPTH": "SpaceToDepth",
    "SPLIT": "Split",
    "SPLIT_V": "SplitV",
    "SQUARED_DIFFERENCE": "SquaredDifference",
    "SQUEEZE": "Squeeze",
    "STRIDED_SLICE": "StridedSlice",
    "SUB": "Sub",
    "SUM": "Sum",
    "SVDF": "Svdf",
    "TANH": "Tanh",
    "TRANSPOSE": "Transpose",
    "TRANSPOSE_CONV": "TransposeConv",
    "UNIDIRECTIONAL_SEQUENCE_LSTM": "UnidirectionalSequenceLSTM",
    "UNPACK": "Unpack",
}


def emit_model_ops_h(graph: Graph, origin: str) -> str:
    """The list of ops, and for C++ the function that adds them. UserError for an op without a resolver method."""
    for op in graph.ops:
        if op.name not in RESOLVER_METHODS:
            raise graph.refusal(op, f"TensorFlow Lite Micro has no method to add {op.name}; change the layer")
    methods = sorted({RESOLVER_METHODS[op.name] for op in graph.ops})
    listed = " ".join(f"OP({method})" for method in methods)
    calls = " &&\n           ".join(f"static_cast<int>(resolver.Add{method}()) == 0" for method in methods)
    return f"""{origin}#pragma once

#define MODEL_OPERATOR_COUNT {len(graph.ops)}
#define MODEL_OPS_COUNT {len(methods)}
#define MODEL_OPS(OP) {listed}

#ifdef __cplusplus
// Adds the model's ops to a tflite::MicroMutableOpResolver<MODEL_OPS_COUNT or more>; false if it does not take one.
template <typename Resolver>
bool model_add_ops(Resolver &resolver) {{
    return {calls};
}}
#endif
"""
