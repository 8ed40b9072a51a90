"""Which layer the converter does not get over: each one converted alone, its name written down before it is tried."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import numpy as np

from tinyproof.backend import load_keras
from tinyproof.export.conversion.convert import one_line, run_converter
from tinyproof.export.conversion.ends import LOOKUPS
from tinyproof.export.conversion.walk import calls, describe, parts
from tinyproof.export.float_folding import fold_floats
from tinyproof.export.graph import ABSENT, Graph, Op
from tinyproof.export.op_table import TFLM_OPS
from tinyproof.export.ops.floats import FloatOptions
from tinyproof.export.tflite_reader import read_graph

SAMPLES = 4
ENDS = ("QUANTIZE", "DEQUANTIZE")
NO_OP = re.compile(r"'tf\.\w+' op is neither a custom op nor a flex op")  # behind the path of calls that leads to it
PRINTED_CODE = re.compile(r" (?:Details: tf\.|See instructions: https|<unknown>:0: note:)")


def guilty_layer(network: Any, x: Any, before: Callable[[str], None]) -> str:
    """`layer ...: why` of the first layer that does not become int8 ops; empty where each does alone.

    `before` is given the layer's place before the converter gets it, for when the converter takes the process along.
    """
    keras = load_keras()
    rng = np.random.default_rng(0)
    for call in calls(network, x):
        value = call.arguments[0] if len(call.arguments) == 1 else None
        shape = getattr(value, "shape", None)
        if shape is None or not np.issubdtype(np.asarray(value).dtype, np.floating):
            continue
        before(call.place)
        try:
            alone = keras.Input(batch_shape=(1, *shape[1:]))
            is_layer = isinstance(call.layer, keras.Layer)
            model = keras.Model(alone, call.layer(alone, training=False) if is_layer else call.layer(alone))
            samples = [rng.normal(size=(1, *shape[1:])).astype(np.float32) for _ in range(SAMPLES)]
            graph = read_graph(run_converter(model, samples), "layer")
        except Exception as error:  # the converter's, whatever it raises
            return f"{call.place}: the converter does not get over it ({reason(error)}); {replacement(call.layer)}"
        if name := strange_op(graph):
            words = "is run by no engine here" if name not in TFLM_OPS else "has no int8 form in the converter"
            return f"{call.place}: its op {name} {words}; {replacement(call.layer)}"
    return ""


def strange_layer(graph: Graph, network: Any) -> str:
    """The first op that computes in float or that no engine runs, and its layer by name; empty where there is none."""
    name = strange_op(graph)
    if not name:
        return ""
    if found := layer_of(graph, next(op for op in graph.ops if op.name == name), network):
        return f"{describe(found[1], found[0])}: its op {name} has no int8 form here; {replacement(found[1])}"
    return f"its op {name} has no int8 form that an engine here runs; use other layers"


def layer_of(graph: Graph, op: Op, network: Any) -> tuple[int, Any] | None:
    """The layer that an op was made of, and its number; None where its name does not tell."""
    path = graph.label(op).split("/")
    known = list(enumerate(parts(network), 1))
    if op.outputs[:1] == graph.outputs[:1] and path[0].startswith("StatefulPartitionedCall"):
        return known[-1] if known else None
    names = {part.rsplit("_", 1)[0] for part in path} | set(path)
    return next((one for one in known if one[1].name in names), None)


def strange_op(graph: Graph) -> str:
    """The first op that computes in float or that no engine runs; empty where there is none."""
    for op in fold_floats(graph).ops:
        if isinstance(op.options, FloatOptions):  # a function of one byte
            continue
        kinds = {graph.tensors[index].dtype for index in (*op.inputs[:1], *op.outputs) if index != ABSENT}
        tflm = TFLM_OPS.get(op.name)
        if tflm is None or (op.name not in ENDS and "float32" in kinds):
            return op.name
        if "int8" in kinds and op.name not in ENDS and "int8" not in tflm.everywhere | tflm.since_2023:
            return op.name
    return ""


REPLACEMENTS = {
    **dict.fromkeys(
        ("Argmax", "Argmin", "TopK", "OneHot"), "end the network before it, and do that with what the device answers"
    ),
    "sparsemax": "use the activation softmax or relu",
    "RMSNormalization": "use BatchNormalization, which costs nothing once quantized",
    "MultiHeadAttention": "use Conv1D over the steps, or GlobalAveragePooling1D",
    "Conv3D": "use Conv2D or Conv1D: no engine here has windows of three dimensions",
    "ConvLSTM2D": "use Conv2D for each picture and LSTM behind it",
    "LayerNormalization": "use BatchNormalization, which costs nothing once quantized",
    "GroupNormalization": "use BatchNormalization, which costs nothing once quantized",
    "UnitNormalization": "use BatchNormalization, which costs nothing once quantized",
    "Resizing": "resize the pictures before (SIZE=), or use interpolation='bilinear' or 'nearest'",
    **dict.fromkeys(
        ("MelSpectrogram", "STFTSpectrogram", "Discretization", "HashedCrossing", *LOOKUPS),
        "do that before the network, and give it the numbers that come out",
    ),
    "Embedding": "look the words up before the network, and give it their vectors",
    "Masking": "leave it out, train without it, and give windows of one length",
    "UpSampling2D": "use interpolation='nearest' or 'bilinear', or Conv2DTranspose",
    "Bidirectional": "use Conv1D or Dense",
    "GRU": "use SimpleRNN, Conv1D or Dense",
    "LSTM": "use SimpleRNN, Conv1D or Dense",
}


def replacement(layer: Any) -> str:
    """What to use instead."""
    return _is_known(layer) or (
        "use another layer, such as Conv2D, DepthwiseConv2D, Dense, MaxPooling2D, AveragePooling2D or ReLU"
    )


def _is_known(layer: Any) -> str:
    """What to use in place of a layer that is known for it; empty for others."""
    activation = getattr(getattr(layer, "activation", None), "__name__", "")
    kind = type(layer).__name__
    return REPLACEMENTS.get(kind) or REPLACEMENTS.get(kind.lower()) or REPLACEMENTS.get(activation) or ""


def suspects(network: Any) -> str:
    """The layers that converters often do not get over, for when none is guilty alone; empty where there are none."""
    found = [(number, layer) for number, layer in enumerate(parts(network), 1) if _is_known(layer)]
    if not found:
        return ""
    places = ", ".join(describe(layer, number) for number, layer in found[:3])
    return f"the converter does not get over the whole, most likely for {places}; {replacement(found[0][1])}"


def reason(error: Exception) -> str:
    """The words of the converter that say why, whole, without what it says of itself or prints of its own code."""
    text = PRINTED_CODE.split(one_line(error))[0]
    if known := NO_OP.search(text):
        return known[0]
    for mark in ("error: ", "Error: "):
        text = text.rsplit(mark, 1)[-1] if mark in text else text
    return text.split(" loc(")[0].removeprefix("loc(") or type(error).__name__
