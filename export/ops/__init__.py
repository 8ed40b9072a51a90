"""The ops the compiled engine runs, one file each: parse its options, fold its constants, emit its parameters.

Each file has the name of its kernel in `firmware/kernels`. To add an op: write the kernel and the file, list it here.
"""

from export.ops.add import ADD, SUB
from export.ops.conv2d import CONV2D
from export.ops.dense import DENSE
from export.ops.depthwise_conv2d import DEPTHWISE_CONV2D
from export.ops.kind import OpKind
from export.ops.pool2d import AVERAGE_POOL2D, MAX_POOL2D
from export.ops.reshape import RESHAPE
from export.ops.softmax import SOFTMAX

OPS: tuple[OpKind, ...] = (CONV2D, DEPTHWISE_CONV2D, MAX_POOL2D, AVERAGE_POOL2D, DENSE, ADD, SUB, RESHAPE, SOFTMAX)
BY_TFLITE_NAME = {kind.tflite_name: kind for kind in OPS}

__all__ = ["BY_TFLITE_NAME", "OPS", "OpKind"]
