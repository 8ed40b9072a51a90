"""Every op of the schema that TensorFlow Lite Micro runs in one graph: who can run it, and what to do where one cannot.

Control flow and variables are not among them. What a runtime gets wrong with an op that it has is in `runtimes.py`.
"""

from __future__ import annotations

from dataclasses import dataclass

# op | its method of MicroMutableOpResolver without `Add` | types of activations in every runtime | and in later ones
ROWS = """
ABS                          | Abs                        | int8 float32             |
ADD                          | Add                        | int8 float32             | int32
ADD_N                        | AddN                       | int8 float32             |
ARG_MAX                      | ArgMax                     | int8 float32             |
ARG_MIN                      | ArgMin                     | int8 float32             |
AVERAGE_POOL_2D              | AveragePool2D              | int8 float32             |
BATCH_MATMUL                 | BatchMatMul                |                          | int8 float32
BATCH_TO_SPACE_ND            | BatchToSpaceNd             | int8 float32             |
BROADCAST_ARGS               | BroadcastArgs              | int32                    |
BROADCAST_TO                 | BroadcastTo                | int8 int32 bool float32  |
CAST                         | Cast                       | int8 int32 float32       | bool
CEIL                         | Ceil                       | float32                  |
CONCATENATION                | Concatenation              | int8 int32 bool float32  |
CONV_2D                      | Conv2D                     | int8 float32             |
COS                          | Cos                        | float32                  |
CUMSUM                       | CumSum                     | int8 float32             |
DEPTHWISE_CONV_2D            | DepthwiseConv2D            | int8 float32             |
DEPTH_TO_SPACE               | DepthToSpace               | int8 float32             |
DEQUANTIZE                   | Dequantize                 | int8 uint8               |
DIV                          | Div                        | float32                  | int8 int32
DYNAMIC_UPDATE_SLICE         | DynamicUpdateSlice         |                          | int8 int32 float32
ELU                          | Elu                        | int8 float32             |
EMBEDDING_LOOKUP             | EmbeddingLookup            |                          | int8 float32
EQUAL                        | Equal                      | int8 int32 bool float32  |
EXP                          | Exp                        | float32                  |
EXPAND_DIMS                  | ExpandDims                 | int8 float32             |
FILL                         | Fill                       | int8 int32 float32       |
FLOOR                        | Floor                      | float32                  |
FLOOR_DIV                    | FloorDiv                   | float32                  |
FLOOR_MOD                    | FloorMod                   | float32                  |
FULLY_CONNECTED              | FullyConnected             | int8 float32             |
GATHER                       | Gather                     | int8 float32             |
GATHER_ND                    | GatherNd                   | int8 float32             |
GREATER                      | Greater                    | int8 int32 float32       |
GREATER_EQUAL                | GreaterEqual               | int8 int32 float32       |
HARD_SWISH                   | HardSwish                  | int8 float32             |
L2_NORMALIZATION             | L2Normalization            | int8 float32             |
L2_POOL_2D                   | L2Pool2D                   | float32                  |
LEAKY_RELU                   | LeakyRelu                  | int8 float32             |
LESS                         | Less                       | int8 int32 float32       |
LESS_EQUAL                   | LessEqual                  | int8 int32 float32       |
LOG                          | Log                        | float32                  |
LOGICAL_AND                  | LogicalAnd                 | bool                     |
LOGICAL_NOT                  | LogicalNot                 | bool                     |
LOGICAL_OR                   | LogicalOr                  | bool                     |
LOGISTIC                     | Logistic                   | int8 float32             |
LOG_SOFTMAX                  | LogSoftmax                 | int8 float32             |
MAXIMUM                      | Maximum                    | int8 int32 float32       |
MAX_POOL_2D                  | MaxPool2D                  | int8 float32             |
MEAN                         | Mean                       | int8 float32             |
MINIMUM                      | Minimum                    | int8 int32 float32       |
MIRROR_PAD                   | MirrorPad                  | int8 float32             |
MUL                          | Mul                        | int8 int32 float32       |
NEG                          | Neg                        | float32                  |
NOT_EQUAL                    | NotEqual                   | int8 int32 bool float32  |
PACK                         | Pack                       | int8 int32 float32       |
PAD                          | Pad                        | int8 int32 float32       |
PADV2                        | PadV2                      | int8 int32 float32       |
PRELU                        | Prelu                      | int8 float32             |
QUANTIZE                     | Quantize                   | int8 int32 uint8 float32 |
REDUCE_ALL                   | ReduceAll                  |                          | bool
REDUCE_MAX                   | ReduceMax                  | int8 float32             |
REDUCE_MIN                   | ReduceMin                  |                          | int8 float32
RELU                         | Relu                       | int8 float32             |
RELU6                        | Relu6                      | int8 float32             |
RESHAPE                      | Reshape                    | int8 int32 bool float32  |
RESIZE_BILINEAR              | ResizeBilinear             | int8 float32             |
RESIZE_NEAREST_NEIGHBOR      | ResizeNearestNeighbor      | int8 float32             |
REVERSE_V2                   | ReverseV2                  |                          | int8 int32 bool float32
ROUND                        | Round                      | float32                  |
RSQRT                        | Rsqrt                      | int8 float32             |
SELECT_V2                    | SelectV2                   | int8 float32             |
SHAPE                        | Shape                      | int8 int32 bool float32  |
SIN                          | Sin                        | float32                  |
SLICE                        | Slice                      | int8 int32 float32       | bool
SOFTMAX                      | Softmax                    | int8 float32             |
SPACE_TO_BATCH_ND            | SpaceToBatchNd             | int8 float32             |
SPACE_TO_DEPTH               | SpaceToDepth               | int8 float32             |
SPLIT                        | Split                      | int8 int32 float32       |
SPLIT_V                      | SplitV                     | int8 int32 float32       |
SQRT                         | Sqrt                       | float32                  |
SQUARE                       | Square                     | float32                  |
SQUARED_DIFFERENCE           | SquaredDifference          | int8 int32 float32       |
SQUEEZE                      | Squeeze                    | int8 int32 bool float32  |
STRIDED_SLICE                | StridedSlice               | int8 int32 bool float32  |
SUB                          | Sub                        | int8 float32             | int32
SUM                          | Sum                        | int8 float32             |
SVDF                         | Svdf                       | int8 float32             |
TANH                         | Tanh                       | int8 float32             |
TRANSPOSE                    | Transpose                  | int8 float32             |
TRANSPOSE_CONV               | TransposeConv              | int8 float32             |
UNIDIRECTIONAL_SEQUENCE_LSTM | UnidirectionalSequenceLSTM | int8 float32             |
UNPACK                       | Unpack                     | int8 int32 float32       |
ZEROS_LIKE                   | ZerosLike                  | int8 int32 float32       |
"""

# What to do instead, where whoever has to run the op lacks it; for all others MISSING_CURE.
CURES = {
    "ARG_MAX": "it answers int32, and a device int8: end the model before it, and take the argmax of what comes back",
    "ARG_MIN": "it answers int32, and a device int8: end the model before it, and take the argmin of what comes back",
    "BATCH_MATMUL": "use Dense or Conv2D, whose weights are constants",
    "DEQUANTIZE": "convert with inference_output_type = tf.int8, and end the model where its numbers are int8",
    "DIV": "TFLM leaves small int8 quotients undefined, by shifts of more than 31 bits; build the layer from others",
    "GELU": "use the activation relu, swish or hard_swish",
    "SPACE_TO_BATCH_ND": "TFLM pads it with what lies in memory; use dilation_rate, with a fixed batch of one",
    "SVDF": "it keeps a state from one inference to the next, and here each stands alone; use Conv1D over all steps",
    "TILE": "the export makes GATHER of int8 ones with constant repeats; use UpSampling2D or RepeatVector",
}
MISSING_CURE = "build the layer from others"
# The same for ops of no schema, by how the file names them.
CUSTOM_CURES = {
    "ethos-u": "the file was compiled by Vela for an Arm Ethos-U; give the .tflite that it was made from",
    "edgetpu": "the file was compiled for a Coral Edge TPU; give the .tflite that it was made from",
    "Flex": "convert without tf.lite.OpsSet.SELECT_TF_OPS and replace the layer that needs it",
    "": "it is of a library of its own; convert without allow_custom_ops and SELECT_TF_OPS, and replace the layer that "
    "needs it",
}
# The newest version of each op that is known here: those of LiteRT 2.3. What a later one adds, nobody here can say.
VERSIONS = """
CONV_2D 8, DEPTHWISE_CONV_2D 7, TRANSPOSE_CONV 5, FULLY_CONNECTED 14, MAX_POOL_2D 3, AVERAGE_POOL_2D 3, REDUCE_MAX 3,
REDUCE_MIN 3, MEAN 3, SUM 2, SOFTMAX 4, ADD 6, SUB 5, MUL 8, MAXIMUM 4, MINIMUM 4, PRELU 1, RELU 3, RELU6 3,
LEAKY_RELU 2, HARD_SWISH 1, LOGISTIC 3, TANH 3, QUANTIZE 6, ELU 1, ABS 5, RSQRT 3, RESHAPE 1, SQUEEZE 2, EXPAND_DIMS 1,
PAD 6, PADV2 6, CONCATENATION 7, PACK 5, SPLIT 5, SPLIT_V 3, UNPACK 6, STRIDED_SLICE 8, SLICE 8, TRANSPOSE 9,
RESIZE_NEAREST_NEIGHBOR 4, RESIZE_BILINEAR 4, LOG_SOFTMAX 2, L2_NORMALIZATION 2, SQUARED_DIFFERENCE 2, BATCH_MATMUL 4,
GATHER 8, SPACE_TO_DEPTH 2, DEPTH_TO_SPACE 2, SPACE_TO_BATCH_ND 4, BATCH_TO_SPACE_ND 4,
UNIDIRECTIONAL_SEQUENCE_LSTM 4, NEG 2, SQUARE 1, SQRT 1, EXP 2, LOG 2, SIN 1, COS 1, FLOOR 1, CEIL 1, ROUND 1,
REVERSE_V2 3, BROADCAST_TO 3, MIRROR_PAD 3, DIV 2, GREATER 2, GREATER_EQUAL 3, LESS 3, LESS_EQUAL 3, EQUAL 4,
NOT_EQUAL 3, LOGICAL_AND 1, LOGICAL_OR 1, LOGICAL_NOT 1, SELECT_V2 2
"""

# The compiled engine's: ops | by which kernels | what it refuses of them. The ops' own files say no more of it.
COMPILED = """
CONV_2D | `conv2d_s8`; a grouped one as a whole one, with zeros for the channels that a filter does not see, \
most of which `conv2d_grouped_s8` leaves out |
DEPTHWISE_CONV_2D | `depthwise_conv2d_s8`, any multiplier |
TRANSPOSE_CONV | `transpose_conv2d_s8`; packed as a convolution with a filter for each phase of the stride | \
an output that this convolution turned round would not make
FULLY_CONNECTED | `dense_s8`, one scale or one for each output | a bias of another scale, as TFLM does
MAX_POOL_2D, AVERAGE_POOL_2D | `max_pool2d_s8`, `average_pool2d_s8` | different quantization of input and output, \
as TFLM does
REDUCE_MAX, REDUCE_MIN | `max_pool2d_s8` with one window for the largest along neighbouring axes, \
else `reduce_extremum_s8` | different quantization of input and output, as TFLM does
MEAN, SUM | `mean_s8`, any axes |
SOFTMAX | `softmax_s8`, along the last axis | more than 8191 classes; from 512 on TFLM aborts where all are about equal
BATCH_MATMUL | `batch_matmul_s8`, computed and constant matrices, any batches |
L2_NORMALIZATION | `l2_normalization_s8`, along the last axis | a fused activation, as TFLM does
LOG_SOFTMAX | `log_softmax_s8`, along the last axis | more than 4095 classes
ADD, SUB | `add_s8`, operands repeated to a common shape, constants too | an output scale so small that TFLM aborts
MUL, PRELU, SQUARED_DIFFERENCE | `mul_s8`, `prelu_s8`, `squared_difference_s8`, likewise |
MAXIMUM, MINIMUM | `maximum_s8`, `minimum_s8`, likewise |
RELU, RELU6, LEAKY_RELU, HARD_SWISH, LOGISTIC, TANH, QUANTIZE | `lookup_s8`: a table of 256 bytes, evaluated at \
export in TFLM's steps; no call where it changes nothing | LOGISTIC whose output's zero point is not -128
ELU, ABS, RSQRT | `lookup_s8`, likewise | RSQRT of what can be negative, where TFLM stops
NEG, SQUARE, SQRT, EXP, LOG, SIN, COS, FLOOR, CEIL, ROUND, DIV, GREATER, GREATER_EQUAL, LESS, LESS_EQUAL, EQUAL, \
NOT_EQUAL, LOGICAL_AND, LOGICAL_OR, LOGICAL_NOT, SELECT_V2 | `lookup_s8`, with all that stands in float32 between \
DEQUANTIZE and QUANTIZE: together a function of one byte | what joins tensors that do not follow from one; results \
that are no numbers
RESHAPE, SQUEEZE, EXPAND_DIMS | no call, the bytes get another name |
PAD, PADV2 | `fill_s8`, then `copy_s8` | a value computed at run time
CONCATENATION, PACK | `copy_s8` for each input | inputs quantized unlike the output, as TFLM does
SPLIT, SPLIT_V, UNPACK | `copy_s8` for each output |
STRIDED_SLICE, SLICE, TRANSPOSE | `copy_s8`, or no call where the bytes stay in order | bounds computed at run time, \
inserted axes
RESIZE_NEAREST_NEIGHBOR | `resize_nearest_s8`: the row and column of each output are found at export |
UNIDIRECTIONAL_SEQUENCE_LSTM | `lstm_s8`, a whole sequence from a state of zero | peepholes, projections, \
normalization, as TFLM does
GATHER | `resize_nearest_s8`, which copies a run for each index | indexes computed at run time
REVERSE_V2, BROADCAST_TO | `copy_s8` |
MIRROR_PAD | `resize_nearest_s8` |
SPACE_TO_DEPTH, DEPTH_TO_SPACE, BATCH_TO_SPACE_ND | `copy_s8` |
SPACE_TO_BATCH_ND | `copy_s8` for each pixel of a block; no call where a convolution between it and BATCH_TO_SPACE_ND \
is a dilated one | paddings, which TFLM fills with what lies in memory
RESIZE_BILINEAR | `resize_bilinear_s8`, likewise | sizes for which TFLM reads beyond the image
"""


@dataclass(frozen=True)
class TflmOp:
    """What TensorFlow Lite Micro has of an op: types of activations in all runtimes here, and in those since 2023."""

    method: str
    everywhere: frozenset[str]
    since_2023: frozenset[str]


def _rows(text: str) -> list[list[str]]:
    lines = text.strip().splitlines()
    return [[cell.strip() for cell in line.split("|")] for line in lines]


TFLM_OPS = {
    name: TflmOp(method, frozenset(everywhere.split()), frozenset(later.split()))
    for name, method, everywhere, later in _rows(ROWS)
}
NEWEST_VERSIONS = {name: int(version) for name, version in (each.split() for each in VERSIONS.split(","))}
COMPILED_OPS = [(ops.split(", "), by, refused) for ops, by, refused in _rows(COMPILED)]  # as the docs show them


def cure(name: str) -> str:
    """What to do where the op is missing.

    >>> cure("LSTM_OF_THE_FUTURE")
    'build the layer from others'
    """
    kind, _, custom = name.partition(" ")
    if kind == "CUSTOM":
        return next(text for known, text in CUSTOM_CURES.items() if custom.startswith(known))
    return CURES.get(name, MISSING_CURE)
