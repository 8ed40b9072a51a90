"""The ops the compiled engine runs and its fast kernels, one file each, named as in `firmware/kernels`.

Imports the graph and the values of `export`, and the floor. Called by the lowering; docs/adding.md has how to add one.
"""

from tinyproof.export.ops import (
    add_packed,
    average_pool2d_packed,
    conv2d_narrow,
    conv2d_packed,
    conv2d_padded,
    conv2d_winograd,
    conv2d_winograd4,
    dense_packed,
    depthwise_conv2d_packed,
)
from tinyproof.export.ops.add import ADD, SUB
from tinyproof.export.ops.batch_matmul import BATCH_MATMUL
from tinyproof.export.ops.broadcast_to import BROADCAST_TO
from tinyproof.export.ops.concatenation import CONCATENATION, PACK
from tinyproof.export.ops.conv2d import CONV2D
from tinyproof.export.ops.dense import DENSE
from tinyproof.export.ops.depthwise_conv2d import DEPTHWISE_CONV2D
from tinyproof.export.ops.extremum import MAXIMUM, MINIMUM
from tinyproof.export.ops.floats import FLOATS
from tinyproof.export.ops.gather import GATHER
from tinyproof.export.ops.kind import Fast, OpKind
from tinyproof.export.ops.l2_normalization import L2_NORMALIZATION
from tinyproof.export.ops.log_softmax import LOG_SOFTMAX
from tinyproof.export.ops.lookup import LOOKUPS
from tinyproof.export.ops.lstm import LSTM
from tinyproof.export.ops.mean import MEAN, SUM
from tinyproof.export.ops.mirror_pad import MIRROR_PAD
from tinyproof.export.ops.mul import MUL
from tinyproof.export.ops.pad import PAD, PADV2
from tinyproof.export.ops.pool2d import AVERAGE_POOL2D, MAX_POOL2D
from tinyproof.export.ops.prelu import PRELU
from tinyproof.export.ops.reduce_extremum import REDUCE_MAX, REDUCE_MIN
from tinyproof.export.ops.reshape import EXPAND_DIMS, RESHAPE, SQUEEZE
from tinyproof.export.ops.resize_bilinear import RESIZE_BILINEAR
from tinyproof.export.ops.resize_nearest import RESIZE_NEAREST
from tinyproof.export.ops.reverse import REVERSE
from tinyproof.export.ops.softmax import SOFTMAX
from tinyproof.export.ops.space_to_depth import BLOCKS
from tinyproof.export.ops.split import SPLIT, SPLIT_V, UNPACK
from tinyproof.export.ops.squared_difference import SQUARED_DIFFERENCE
from tinyproof.export.ops.strided_slice import SLICE, STRIDED_SLICE
from tinyproof.export.ops.transpose import TRANSPOSE
from tinyproof.export.ops.transpose_conv2d import TRANSPOSE_CONV2D
from tinyproof.export.ops.unary import UNARIES

OPS: tuple[OpKind, ...] = (
    *(
        CONV2D,
        DEPTHWISE_CONV2D,
        TRANSPOSE_CONV2D,
        DENSE,
        MAX_POOL2D,
        AVERAGE_POOL2D,
        REDUCE_MAX,
        REDUCE_MIN,
        MEAN,
        SUM,
        SOFTMAX,
    ),
    *(ADD, SUB, MUL, MAXIMUM, MINIMUM, PRELU, *LOOKUPS, *UNARIES, *FLOATS),
    *(RESHAPE, SQUEEZE, EXPAND_DIMS, PAD, PADV2, CONCATENATION, PACK, SPLIT, SPLIT_V, UNPACK),
    *(STRIDED_SLICE, SLICE, TRANSPOSE, RESIZE_NEAREST, RESIZE_BILINEAR),
    *(
        LOG_SOFTMAX,
        L2_NORMALIZATION,
        SQUARED_DIFFERENCE,
        BATCH_MATMUL,
        GATHER,
        LSTM,
        *BLOCKS,
        REVERSE,
        BROADCAST_TO,
        MIRROR_PAD,
    ),
)
# The fast kernels, the best first: the first one that fits computes a call.
FAST: tuple[Fast, ...] = (
    *(conv2d_narrow.FAST, conv2d_packed.BYTES_FIRST, conv2d_winograd.FAST, conv2d_padded.FAST, conv2d_packed.FAST),
    *(conv2d_packed.BYTES, conv2d_winograd4.FAST),
    *(dense_packed.FAST, depthwise_conv2d_packed.FAST, average_pool2d_packed.FAST, add_packed.FAST),
)
BY_TFLITE_NAME = {kind.tflite_name: kind for kind in OPS}

__all__ = ["BY_TFLITE_NAME", "FAST", "OPS", "OpKind"]
