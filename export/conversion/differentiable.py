"""A float `.tflite` as a function of TensorFlow that gradients go through: the ops that trained networks are made of.

Called by the fine-tuning (`export.conversion.finetuning`), which rounds each tensor on the way.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from tinyproof.export.graph import ABSENT, Activation, Graph, Op, Padding

Constants = dict[tuple[int, int], Any]  # by op, and which of its operands
LINEAR = ("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED")
FUNCTIONS: dict[str, Callable[[Any, Any], Any]] = {
    "RELU": lambda tf, x: tf.nn.relu(x),
    "RELU6": lambda tf, x: tf.nn.relu6(x),
    "LOGISTIC": lambda tf, x: tf.sigmoid(x),
    "TANH": lambda tf, x: tf.tanh(x),
    "HARD_SWISH": lambda tf, x: x * tf.nn.relu6(x + 3) / 6,
    "SOFTMAX": lambda tf, x: tf.nn.softmax(x),
}
FUSED = {Activation.NONE: "", Activation.RELU: "RELU", Activation.RELU6: "RELU6"}
KEEPS_SCALE = ("MAX_POOL_2D", "AVERAGE_POOL_2D", "RESHAPE", "PAD")  # int8 gives their output the input's scale


class Unknown(Exception):
    """The op's name: it has no function here."""


def outputs(graph: Graph, x: Any, constants: Constants, see: Callable[[int, Any], Any]) -> Any:
    """The last tensor but a closing SOFTMAX, for inputs x (N,...). `constants` replace operands of ops; `see` is given
    every computed tensor with its index, and what it returns is computed with. Raises Unknown.
    """
    import tensorflow as tf

    values = {graph.inputs[0]: see(graph.inputs[0], x)}
    ops = graph.ops[:-1] if graph.ops[-1].name == "SOFTMAX" else graph.ops
    for op in ops:
        operands = [
            None if index == ABSENT else constants.get((op.index, place), values.get(index, graph.tensors[index].data))
            for place, index in enumerate(op.inputs)
        ]
        y = _activated(tf, op, _computed(tf, graph, op, operands))
        values[op.outputs[0]] = see(op.outputs[0], y)
    return values[ops[-1].outputs[0]]


def _activated(tf: Any, op: Op, y: Any) -> Any:
    kind = getattr(op.options, "activation", Activation.NONE)
    if kind not in FUSED:
        raise Unknown(f"{op.name} with {kind.value}")
    return FUNCTIONS[FUSED[kind]](tf, y) if FUSED[kind] else y


def _computed(tf: Any, graph: Graph, op: Op, operands: list[Any]) -> Any:
    """The op on its operands, before the activation within it."""
    x, shape = operands[0], graph.tensors[op.outputs[0]].shape
    if op.name in LINEAR:
        y = _linear(tf, op, x, operands[1])
        return y if len(operands) < 3 or operands[2] is None else y + operands[2]
    if op.name in FUNCTIONS:
        return FUNCTIONS[op.name](tf, x)
    if op.name == "ADD":
        return x + operands[1]
    if op.name == "MUL":
        return x * operands[1]
    if op.name == "RESHAPE":
        return tf.reshape(x, (-1, *shape[1:]))
    if op.name == "PAD":
        return tf.pad(x, operands[1])
    if op.name == "MEAN":
        return tf.reshape(tf.reduce_mean(x, [int(axis) for axis in np.ravel(operands[1])]), (-1, *shape[1:]))
    if op.name == "CONCATENATION":
        return tf.concat(operands, op.options.axis)  # type: ignore[union-attr]
    if op.name in ("MAX_POOL_2D", "AVERAGE_POOL_2D"):
        options: Any = op.options
        pool = tf.nn.max_pool2d if op.name == "MAX_POOL_2D" else tf.nn.avg_pool2d
        return pool(x, options.kernel, options.stride, _padding(op))
    raise Unknown(op.name)


def _linear(tf: Any, op: Op, x: Any, weights: Any) -> Any:
    options: Any = op.options
    if op.name == "FULLY_CONNECTED":
        return tf.matmul(tf.reshape(x, (-1, weights.shape[1])), weights, transpose_b=True)
    if op.name == "CONV_2D":
        if weights.shape[3] != x.shape[3]:
            raise Unknown("CONV_2D of groups")
        kernel = tf.transpose(weights, (1, 2, 3, 0))
        return tf.nn.conv2d(x, kernel, options.stride, _padding(op), dilations=options.dilation)
    if options.stride[0] != options.stride[1]:
        raise Unknown("DEPTHWISE_CONV_2D of two strides")
    kernel = tf.reshape(weights, (*weights.shape[1:3], x.shape[3], -1))
    return tf.nn.depthwise_conv2d(x, kernel, (1, *options.stride, 1), _padding(op), dilations=options.dilation)


def _padding(op: Op) -> str:
    padding = op.options.padding  # type: ignore[union-attr]
    if not isinstance(padding, Padding):
        raise Unknown(f"{op.name} with a padding of its own")
    return padding.value
