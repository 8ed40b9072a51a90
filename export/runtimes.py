"""What the runtimes based on TensorFlow Lite Micro can do with a model, as tables, and the check before one is built.

Refuses what a runtime lacks, what its kernels turn down on the board, and above all what they get wrong without a word.
The compiled engine needs no table: its check is `export.lower.lower`.

Where the rows come from, in TFLM's names of files:

- which ops exist, `op_table.py`: the `Add...` methods of `micro_mutable_op_resolver.h`;
- types and limits: Prepare and Eval of the kernels (each limit names the file), and models of one op run by all three,
  the boards' libraries built for the host (ESP-NN 1.1.2 and 1.2.3, their portable kernels), compared byte by byte;
- versions: TFLM ignores them (`micro_op_resolver.h`). They follow from types and options (`op_version.cc`), so types
  and shapes are checked here, and a version only where it alone tells of an option. A Dense layer quantized per channel
  has version 4 like any other: no version gives it away.

int16 activations are in no row: no stage here carries them to a board, and Chirale's kernels take a bias of 32 bits for
one of 64.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from tinyproof import advice
from tinyproof.boards import Board
from tinyproof.console import UserError
from tinyproof.export.graph import ABSENT, Graph, Op, Tensor
from tinyproof.export.op_table import TFLM_OPS, cure
from tinyproof.options import ENGINES


@dataclass(frozen=True)
class Limit:
    """A use of ops that a runtime has no right answer for. `why` continues a sentence that begins with its title."""

    ops: frozenset[str]
    hit: Callable[[Graph, Op], bool]
    why: str
    cure: str


@dataclass(frozen=True)
class Support:
    """What a runtime does with one op."""

    activations: frozenset[str]  # types its kernel takes
    weights: frozenset[str]  # types of weights beside int8 activations; empty where they are not told apart
    limits: tuple[Limit, ...]


@dataclass(frozen=True)
class Runtime:
    """One build of TFLM; `ops` by their name in the schema."""

    name: str
    title: str  # for messages
    ops: Mapping[str, Support]


def check_runtime(graph: Graph, runtime: Runtime) -> None:
    """Raise the refusal of the first op that the runtime does not run, or does not run right."""
    for op in graph.ops:
        trouble = _trouble(graph, op, runtime.ops.get(op.name))
        if trouble:
            raise graph.refusal(op, f"{runtime.title} {trouble}")


def runtime_of(board: Board, engine: str | None) -> Runtime | None:
    """The TFLM that runs models on `board` under `engine` (None: the board's own); None for the compiled engine.

    UserError for an engine that the board does not have.
    """
    if engine is not None and engine not in ENGINES:
        raise UserError(f"unknown engine {engine!r}; known: {', '.join(ENGINES)}")
    if engine == "tflm" and not board.runtime:
        raise UserError(
            f"board {board.name} runs {board.engine} alone: leave {advice.setting('engine')} out, or name a real board"
        )
    return find_runtime(board.runtime) if (engine or board.engine) == "tflm" and board.runtime else None


def find_runtime(name: str) -> Runtime:
    """The runtime of that name. UserError for an unknown one.

    >>> find_runtime("chirale-2.0.0").title
    'Chirale_TensorFLowLite 2.0.0'
    """
    if name not in RUNTIMES:
        raise UserError(f"There is no runtime '{name}'; there are {', '.join(RUNTIMES)}.")
    return RUNTIMES[name]


def _trouble(graph: Graph, op: Op, support: Support | None) -> str | None:
    if support is None:
        return f"does not run {op.name}; {cure(op.name)}"
    x = _operand(graph, op, ACTIVATIONS_AT.get(op.name, 0))
    if x is not None and x.dtype not in support.activations:
        return f"has no {op.name} for {x.dtype} activations; {TYPE_CURES.get(x.dtype, cure(op.name))}"
    w = _operand(graph, op, 1) if support.weights else None
    if x is not None and w is not None and w.dtype not in (support.weights if x.dtype == "int8" else {x.dtype}):
        other = INT4_CURE if w.dtype == "int4" else INT8_CURE
        return f"has no {op.name} for {x.dtype} activations and {w.dtype} weights; {other}"
    for limit in support.limits:
        if limit.hit(graph, op):
            return f"{limit.why}; {limit.cure}"
    return None


def _operand(graph: Graph, op: Op, position: int) -> Tensor | None:
    index = op.inputs[position] if position < len(op.inputs) else ABSENT
    return None if index == ABSENT else graph.tensors[index]


def _shape(graph: Graph, op: Op, position: int) -> tuple[int, ...]:
    tensor = _operand(graph, op, position)
    return () if tensor is None else tensor.shape


def _rank(graph: Graph, op: Op) -> int:
    return max(len(_shape(graph, op, position)) for position in (0, 1))


def _has_type(graph: Graph, op: Op, position: int, dtype: str) -> bool:
    tensor = _operand(graph, op, position)
    return tensor is not None and tensor.dtype == dtype


def _is_per_channel(graph: Graph, op: Op) -> bool:
    w = _operand(graph, op, 1)
    return w is not None and w.quantization is not None and w.quantization.scale.size > 1


def _is_grouped(graph: Graph, op: Op) -> bool:
    return _has_type(graph, op, 1, "int8") and _shape(graph, op, 0)[-1:] != _shape(graph, op, 1)[-1:]


def _is_asymmetric(graph: Graph, op: Op) -> bool:
    w = _operand(graph, op, 1)
    return w is not None and w.quantization is not None and bool(np.any(w.quantization.zero_point))


def _rescales(graph: Graph, op: Op) -> bool:
    """Whether an input and the output are quantized differently; the tolerance is TFLM's."""
    tensors = [graph.tensors[index] for index in (*op.inputs, *op.outputs) if index != ABSENT]
    pairs = [(t.quantization.scale[0], t.quantization.zero_point[0]) for t in tensors if t.quantization]
    return any(abs(scale - pairs[-1][0]) > 1e-6 or point != pairs[-1][1] for scale, point in pairs)


def _pads(graph: Graph, op: Op) -> bool:
    padding = _operand(graph, op, 2)
    return padding is not None and (padding.data is None or bool(np.any(padding.data)))


def _resizes_between_pixels(graph: Graph, op: Op) -> bool:
    """Whether half_pixel_centers can be set (versions below 3 have no such option) and would change anything."""
    sizes = [graph.tensors[index].shape[1:3] for index in (*op.inputs[:1], *op.outputs[:1]) if index != ABSENT]
    return op.version >= 3 and len(sizes) == 2 and any(x and y % x for x, y in zip(*sizes, strict=False))


def _outgrows_scratch(graph: Graph, op: Op) -> bool:
    x = _shape(graph, op, 0)
    return _has_type(graph, op, 0, "int8") and (len(x) < 2 or x[1] < x[-1])


def _ops(names: str) -> frozenset[str]:
    return frozenset(names.split())


INT8_CURE = (
    "convert with optimizations = [tf.lite.Optimize.DEFAULT], a representative_dataset and "
    "target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8], as `tinyproof quantize` does"
)
INT4_CURE = "quantize to 8 bits, with converter._experimental_low_bit_qat = False"
TYPE_CURES = {
    "float16": "leave target_spec.supported_types empty and give a representative_dataset",
    "float32": INT8_CURE,
    "int16": "convert with target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8] alone",
    "int32": "convert with a fixed batch of one, which leaves out computing with shapes",
    "int4": INT4_CURE,
    "uint8": "convert with inference_input_type = inference_output_type = tf.int8",
}
ACTIVATIONS_AT = {"EMBEDDING_LOOKUP": 1, "FILL": 1, "SELECT_V2": 1, "SPLIT": 1, "TRANSPOSE_CONV": 2}
WEIGHTS = {
    "CONV_2D": _ops("int8 int4"),
    "DEPTHWISE_CONV_2D": _ops("int8 int4"),
    "FULLY_CONNECTED": _ops("int8 int4"),
    "TRANSPOSE_CONV": _ops("int8"),
}

NULL_BIAS = "follows a null pointer where there is no bias", "convert again, for the converter adds one of zeros"
NO_GROUPS = "ignores groups, and gives wrong results without a word", "use Conv2D with groups=1"
# fmt: off
EVERYWHERE = (
    Limit(_ops("AVERAGE_POOL_2D MAX_POOL_2D CONCATENATION"), _rescales,
          "needs the inputs and the output quantized alike",
          "convert the model again"),  # Prepare in pooling_common.cc, concatenation.cc; Chirale mixes the scales
    Limit(_ops("CONV_2D DEPTHWISE_CONV_2D TRANSPOSE_CONV"), _is_asymmetric,
          "ignores the zero point of weights, which is not 0",
          INT8_CURE),  # integer_ops/conv.h and its like
    Limit(_ops("FULLY_CONNECTED"), lambda graph, op: _has_type(graph, op, 1, "int4") and _is_per_channel(graph, op),
          "has no FULLY_CONNECTED for int4 weights quantized per channel",
          INT4_CURE),  # Prepare in fully_connected_common.cc
    Limit(_ops("SPACE_TO_BATCH_ND"), _pads,
          "pads with what lies in memory instead of the zero point",
          "use dilation_rate, which converts to CONV_2D, or padding='valid'"),  # space_to_batch_nd.cc: output_offset
    Limit(_ops("STRIDED_SLICE"), lambda graph, op: op.version >= 4 or _rank(graph, op) > 4,
          "slices at most 4 dimensions, and takes no ellipsis, new axis or offset",
          "slice in simpler steps"),  # strided_slice.cc: Prepare, or ignored
    Limit(_ops("TRANSPOSE"), lambda graph, op: _rank(graph, op) > 5,
          "transposes at most 5 dimensions",
          "reshape to fewer before"),  # Prepare in transpose.cc
)
CHIRALE = (
    Limit(_ops("CONV_2D"), _is_grouped, *NO_GROUPS),  # arm_convolve_s8.c of its day
    Limit(_ops("CONV_2D DEPTHWISE_CONV_2D"), lambda graph, op: _operand(graph, op, 2) is None,
          *NULL_BIAS),  # conv.cc, depthwise_conv.cc in cmsis_nn/
    Limit(_ops("FULLY_CONNECTED"), _is_per_channel,
          "reads only the first scale of weights quantized per channel, and gives wrong results without a word",
          "convert with converter._experimental_disable_per_channel_quantization_for_dense_layers = True"),
    Limit(_ops("FULLY_CONNECTED"), _is_asymmetric,
          "ignores the zero point of weights, which is not 0",
          INT8_CURE),  # both in cmsis_nn/fully_connected.cc
    Limit(_ops("AVERAGE_POOL_2D MAX_POOL_2D"),
          lambda graph, op: _has_type(graph, op, 0, "int8") and _shape(graph, op, 0)[:1] != (1,),
          "pools only the first image of a batch",
          "convert with a fixed batch of one"),  # cmsis_nn/pooling.cc
    Limit(_ops("MEAN"), lambda graph, op: _has_type(graph, op, 0, "int8"),
          "rounds means otherwise than TFLM does today, so bytes would differ from the golden's",
          "use AveragePooling2D over the whole image, and Flatten, in place of GlobalAveragePooling2D"),
    Limit(_ops("SUM"), lambda graph, op: _has_type(graph, op, 0, "int8"),
          "lets int8 sums wrap around, where TFLM saturates today",
          "use AveragePooling2D over what is to be summed"),  # both in reduce.h
    Limit(_ops("RESIZE_NEAREST_NEIGHBOR"), _resizes_between_pixels,
          "ignores half_pixel_centers, and gives wrong results without a word",
          "resize to a multiple of the size, or use interpolation='bilinear'"),  # resize_nearest_neighbor.cc
    Limit(_ops("TRANSPOSE_CONV"), lambda graph, op: op.version >= 4,
          "ignores the fused activation",
          "make the activation a layer of its own"),  # transpose_conv.cc
    Limit(_ops("SVDF"), lambda graph, op: _has_type(graph, op, 2, "int8"),
          "takes the int8 state for int16",
          INT8_CURE),  # svdf_common.cc
)
ESP = (
    Limit(_ops("CONV_2D"), _is_grouped, *NO_GROUPS),  # esp_nn/conv.cc takes a group's depth for the image's
    Limit(_ops("CONV_2D DEPTHWISE_CONV_2D"),
          lambda graph, op: _operand(graph, op, 2) is None and _has_type(graph, op, 1, "int8"),
          *NULL_BIAS),  # conv.cc, depthwise_conv.cc in esp_nn/
    Limit(_ops("SOFTMAX"), _outgrows_scratch,
          "writes beyond its scratch memory, which has room for the second dimension alone",
          "flatten to (1, classes) before"),  # esp_nn/softmax.cc
)
# fmt: on


def _table(limits: tuple[Limit, ...], is_recent: bool) -> Mapping[str, Support]:
    """The ops of a build of 2023 or of a recent one, with what it gets wrong of them."""
    types = {name: op.everywhere | (op.since_2023 if is_recent else set()) for name, op in TFLM_OPS.items()}
    return {
        name: Support(activations, WEIGHTS.get(name, frozenset()), tuple(each for each in limits if name in each.ops))
        for name, activations in types.items()
        if activations
    }


RUNTIMES = {
    runtime.name: runtime
    for runtime in (
        Runtime("chirale-2.0.0", "Chirale_TensorFLowLite 2.0.0", _table(CHIRALE + EVERYWHERE, is_recent=False)),
        Runtime("esp-tflite-micro-1.4.0", "esp-tflite-micro 1.4.0", _table(ESP + EVERYWHERE, is_recent=True)),
        Runtime("tflite-micro", "the tflite-micro wheel", _table(EVERYWHERE, is_recent=True)),
    )
}
