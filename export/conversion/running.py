"""Runs `.tflite` files in TensorFlow's interpreters, to hold one against another: answers, and every tensor."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinyproof.export.device_input import quantized
from tinyproof.export.golden import Golden, golden_available
from tinyproof.export.graph import Graph, Tensor
from tinyproof.export.tflite_reader import read_graph
from tinyproof.preprocess import preprocess

Images = NDArray[Any]  # uint8 (N,H,W,C), or samples float32 (N,...)


def interpreter_of(content: bytes, keep: bool) -> Any:
    """An interpreter, by reference kernels where it has to `keep` every tensor. Raises what TensorFlow does."""
    import tensorflow as tf

    kinds = tf.lite.experimental.OpResolverType
    try:
        return _allocated(content, keep, kinds.BUILTIN_REF if keep else kinds.AUTO)
    except (RuntimeError, ValueError):  # its delegate refuses some models that its kernels run; some have no reference
        return _allocated(content, keep, kinds.BUILTIN_WITHOUT_DEFAULT_DELEGATES)


def _allocated(content: bytes, keep: bool, kind: Any) -> Any:
    import tensorflow as tf

    interpreter = tf.lite.Interpreter(
        model_content=content, experimental_preserve_all_tensors=keep, experimental_op_resolver_type=kind
    )
    interpreter.allocate_tensors()
    return interpreter


def feed(interpreter: Any, image: Images) -> None:
    """Compute one image uint8 (H,W,C) or sample float32, whatever the input's type."""
    detail = interpreter.get_input_details()[0]
    x = image[np.newaxis]
    if detail["dtype"] == np.int8:
        x = _levels(x, *detail["quantization"])
    elif x.dtype == np.uint8:
        x = preprocess(x)
    interpreter.reset_all_variables()  # an LSTM begins with a state of zero
    interpreter.set_tensor(detail["index"], x)
    interpreter.invoke()


def activations(content: bytes, images: Images) -> Iterator[dict[int, NDArray[np.float32]]]:
    """Of a float model, by index every tensor that it computes, and its inputs: for one image after the other."""
    graph, interpreter = read_graph(content, "float"), interpreter_of(content, keep=True)
    made = [*graph.inputs, *(index for op in graph.ops for index in op.outputs)]
    indexes = [index for index in made if graph.tensors[index].dtype == "float32"]
    for image in images:
        feed(interpreter, image)
        found = {}
        for index in indexes:
            with contextlib.suppress(ValueError):  # an output that nobody reads has no memory
                found[index] = np.asarray(interpreter.get_tensor(index), np.float32)
        yield found


def _levels(x: NDArray[Any], scale: float, zero_point: int) -> NDArray[np.int8]:
    """What an int8 input gets: of images uint8 the pixels less 128, of samples float32 what they are in its scale."""
    return (x.astype(np.int16) - 128).astype(np.int8) if x.dtype == np.uint8 else quantized(x, scale, zero_point)


def run(content: bytes, images: Images) -> NDArray[np.float32]:
    """The outputs (N,...) of an int8 model as the numbers that they stand for."""
    graph = read_graph(content, "int8")
    if golden_available() and any(tensor.is_variable for tensor in graph.tensors):
        return _run_golden(content, graph, images)  # the default interpreter begins an LSTM with another state
    interpreter = interpreter_of(content, keep=False)
    detail = interpreter.get_output_details()[0]
    scale, zero_point = detail["quantization"]
    rows = []
    for image in images:
        feed(interpreter, image)
        rows.append((interpreter.get_tensor(detail["index"]).astype(np.float32) - zero_point) * scale)
    return np.concatenate(rows)


def _run_golden(content: bytes, graph: Graph, images: Images) -> NDArray[np.float32]:
    golden, (scale, zero_point) = Golden(content), real(graph.tensors[graph.outputs[0]])
    x_scale, x_zero_point = real(graph.tensors[graph.inputs[0]])
    rows = []
    for image in images:
        levels = _levels(image[np.newaxis], x_scale, x_zero_point)
        rows.append((golden.run(levels).astype(np.float32) - zero_point) * np.float32(scale))
    return np.concatenate(rows)


def real(y: Tensor) -> tuple[float, int]:
    """(scale, zero_point) of a tensor that has one of each."""
    assert y.quantization is not None
    return float(y.quantization.scale[0]), int(y.quantization.zero_point[0])
