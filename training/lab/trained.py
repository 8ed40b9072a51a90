"""A trained model opened up: its layers, the filters it learned, and what every layer makes of an image.

Reads a model folder's `model.tflite`, `labels.txt` and `splits.npz`; needs neither Keras nor TensorFlow. Feature maps
are the golden's, so they are what a device computes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tinyproof import advice
from tinyproof.console import UserError, track
from tinyproof.export.device_input import device_bytes
from tinyproof.export.emit_settings import tensor_info
from tinyproof.export.graph import ABSENT, Graph, Op, Tensor
from tinyproof.export.lower import check_ends
from tinyproof.export.ops import BY_TFLITE_NAME
from tinyproof.export.ops.window import Window
from tinyproof.export.tflite_reader import read_graph
from tinyproof.export.truncation import truncate
from tinyproof.fidelity import FLOAT_FILE
from tinyproof.folders import BUILD
from tinyproof.host import interpreters
from tinyproof.manifest import TFLITE_FILE, other_models
from tinyproof.model_files import LABELS_FILE, SPLITS_FILE, Splits, load_labels, load_splits
from tinyproof.preprocess import preprocess
from tinyproof.training.lab.filters import NAMED, Filter

FUSED = ("Relu", "BiasAdd", "batchnorm", "Squeeze")  # what is fused into the op of another layer
IMAGES_OF_A_CLASS = 40  # looked at to tell which filter fires for which class


@dataclass(frozen=True, eq=False)
class Layer:
    """One op of the model: what it hands on and what it costs. `window` is how it looks at its input, if it slides."""

    op: Op
    name: str
    kind: str
    shape: tuple[int, ...]  # without the batch
    parameters: int
    macs: int
    window: Window | None

    @property
    def is_maps(self) -> bool:
        """Whether its output is a stack of pictures."""
        return len(self.shape) == 3 and min(self.shape[:2]) > 1


@dataclass(frozen=True, eq=False)
class Trained:
    """A model folder's model and its images. `plain` is the float network that it was made of, or empty."""

    name: str
    tflite: bytes
    graph: Graph
    layers: tuple[Layer, ...]
    labels: tuple[str, ...]
    splits: Splits
    plain: bytes = b""

    @property
    def input_shape(self) -> tuple[int, int, int]:
        """(H,W,C) of its images."""
        height, width, channels = self.splits.x_test.shape[1:]
        return height, width, channels

    @property
    def map_layers(self) -> tuple[Layer, ...]:
        """The layers whose outputs are pictures."""
        return tuple(layer for layer in self.layers if layer.is_maps)


def load_trained(model: str | Path) -> Trained:
    """Open a model by the name of its folder in build/, or by the folder. UserError if it is no model with images.

    A notebook may lie below the folder that build/ is in.
    """
    folder = _found(model)
    try:
        tflite = (folder / TFLITE_FILE).read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        raise UserError(
            f"{advice.setting('model', model)}: there is no {folder / TFLITE_FILE}; give a folder that "
            f"`{advice.command('export')}` made{other_models(folder)}"
        ) from None
    graph = read_graph(tflite, str(folder / TFLITE_FILE))
    (x, *others), (y, *_) = check_ends(graph)
    if others:
        raise UserError(f"{folder}: the model has {1 + len(others)} inputs; the lab opens models of one image")
    splits, labels, layers = load_images(folder, x.shape), load_classes(folder, y.size), read_layers(graph)
    if not any(layer.is_maps and layer.op.name == "CONV_2D" for layer in layers):
        raise UserError(f"{folder}: the model has no convolution whose output is a picture, so there is nothing to see")
    plain = folder / FLOAT_FILE
    exact = plain.read_bytes() if plain.is_file() else b""
    return Trained(folder.resolve().name, tflite, graph, layers, labels, splits, exact)


def load_images(folder: Path, shape: tuple[int, ...]) -> Splits:
    """Its images. UserError where they are none for an input of `shape`, (1,H,W,C)."""
    if not (folder / SPLITS_FILE).is_file():
        out = f"leave {advice.name_of('model')} out"
        raise UserError(f"{folder} was not trained here, so there are no pictures to look into it with: {out}")
    splits = load_splits(folder / SPLITS_FILE)
    if splits.x_test.shape[1:] != shape[1:]:
        raise _of_another(folder, f"{SPLITS_FILE} holds images")
    return splits


def load_classes(folder: Path, count: int) -> tuple[str, ...]:
    """Their names. UserError where there are not as many as outputs."""
    labels = load_labels(folder / LABELS_FILE)
    if len(labels) != count:
        raise _of_another(folder, f"{LABELS_FILE} holds the classes")
    return labels


def _of_another(folder: Path, what: str) -> UserError:
    return UserError(f"{folder}: {what} of another model; run `{advice.command('export')}` again")


def _found(model: str | Path) -> Path:
    above = (base / BUILD / model for base in (Path.cwd(), *Path.cwd().parents))
    near = Path(model) if Path(model).is_dir() or BUILD in Path(model).parents else BUILD / model
    return next((folder for folder in (near, *above) if folder.is_dir()), near)


def read_layers(graph: Graph) -> tuple[Layer, ...]:
    """The ops of a model in order. The refusal of the first that the compiled engine does not run."""
    return tuple(_layer(graph, op, name) for op, name in zip(graph.ops, _names(graph), strict=True))


def _names(graph: Graph) -> list[str]:
    """The layers' names in Keras, each once; else the op and its place.

    When Keras converts a model it appends `_1` to all of them, or what is free: then none is shown with it.
    """
    names = [_scope(graph.tensors[op.outputs[0]].name) for op in graph.ops]
    if all(name.endswith("_1") or name.rpartition("_")[0] in set(names) - {""} for name in names if name):
        names = [name.rpartition("_")[0] for name in names]
    return [
        name if name and names.count(name) == 1 else f"{name or op.name.lower()}_{op.index}"
        for name, op in zip(names, graph.ops, strict=True)
    ]


def _scope(label: str) -> str:
    """The layer in a tensor's name, which lists everything that was fused into the op; empty where there is none.

    >>> _scope("model/net/relu_2/Relu;model/net/norm_2/batchnorm/add_1;model/net/conv_2/convolution")
    'conv_2'
    """
    paths = [path.split("/") for path in label.split(";") if path.count("/") > 1]
    own = [path for path in paths if not any(part.startswith(FUSED) for part in path[1:])]
    return (own or paths or [["", ""]])[0][-2]


def _layer(graph: Graph, op: Op, name: str) -> Layer:
    kind = BY_TFLITE_NAME.get(op.name)
    if kind is None:
        raise graph.refusal(op, "the lab does not know this op; it opens models that the compiled engine runs")
    calls = kind.lower(graph, op)
    windows = [getattr(call.params, "window", None) for call in calls]
    macs = kind.macs(graph, op)
    constants = [graph.tensors[index].size for index in _operands(graph, op)] if macs else []
    return Layer(
        op=op,
        name=name,
        kind=kind.name,
        shape=graph.tensors[op.outputs[0]].shape[1:],
        parameters=sum(constants),
        macs=macs,
        window=next((window for window in windows if isinstance(window, Window)), None),
    )


def _operands(graph: Graph, op: Op) -> list[int]:
    """Its constants; where it multiplies, they are weights and bias."""
    return [index for index in op.inputs if index != ABSENT and graph.tensors[index].data is not None]


def first_filters(trained: Trained) -> NDArray[np.float32]:
    """The filters of the first convolution in real numbers, (n,h,w,C)."""
    op = next(layer.op for layer in trained.layers if layer.op.name == "CONV_2D")  # `load_trained` saw one
    weights = trained.graph.tensors[op.inputs[1]]
    return _real(weights, np.asarray(weights.data))


def relative(numbers: NDArray[np.float32]) -> tuple[Filter, float]:
    """The hand-made filter that a learned one (h,w) is most like, and how much: their cosine, -1 to 1.

    What both do to an even grey is left out: the mean of each is subtracted first. A negative number means that the
    learned filter looks for the opposite, dark where the other looks for bright.
    """
    found = [(filter_, _cosine(numbers, filter_.array)) for filter_ in NAMED.values() if filter_.shape == numbers.shape]
    if not found:
        return next(iter(NAMED.values())), 0.0
    return max(found, key=lambda pair: abs(pair[1]))


def _cosine(a: NDArray[np.floating], b: NDArray[np.floating]) -> float:
    a, b = a - a.mean(), b - b.mean()
    length = float(np.sqrt((a * a).sum() * (b * b).sum()))
    return float((a * b).sum()) / length if length else 0.0


def input_bytes(trained: Trained, images: NDArray[np.uint8]) -> NDArray[np.int8]:
    """Images uint8 (N,H,W,C) as a device gets them, int8 (N, input bytes)."""
    x = tensor_info(trained.graph.tensors[trained.graph.inputs[0]])
    return device_bytes(x, images).reshape(len(images), prod(images.shape[1:]))


def layer_bytes(trained: Trained, layers: Sequence[Layer], images: NDArray[np.uint8]) -> list[NDArray[np.int8]]:
    """What each layer hands on for images uint8 (N,H,W,C), byte by byte as on a device: int8 (N, *layer.shape)."""
    cut = truncate(trained.tflite, [layer.op.index for layer in layers])
    interpreter = interpreters.golden_interpreter(cut) or interpreters.default_interpreter(cut)
    rows: list[NDArray[np.int8]] = list(input_bytes(trained, images))
    source = track(rows, f"Feature maps: {trained.name}") if len(rows) > IMAGES_OF_A_CLASS else rows
    outputs = b"".join(interpreter.run_bytes(row.tobytes()) for row in source)
    return split_layers(layers, np.frombuffer(outputs, np.int8).reshape(len(rows), -1))


def split_layers(layers: Sequence[Layer], outputs: NDArray[np.int8]) -> list[NDArray[np.int8]]:
    """The bytes of all layers one after the other, int8 (N, bytes) -> for each layer int8 (N, *layer.shape)."""
    parts = np.split(outputs, np.cumsum([prod(layer.shape) for layer in layers])[:-1], axis=1)
    return [part.reshape(len(outputs), *layer.shape) for layer, part in zip(layers, parts, strict=True)]


def feature_maps(trained: Trained, layer: Layer, images: NDArray[np.uint8]) -> NDArray[np.float32]:
    """What one layer hands on as real numbers, float32 (N, *layer.shape)."""
    return to_real(trained, layer, layer_bytes(trained, [layer], images)[0])


def float_scores(trained: Trained, images: NDArray[np.uint8]) -> NDArray[np.float32]:
    """What the float network answers to images uint8 (N,H,W,C), float32 (N, classes). UserError where there is none."""
    if not trained.plain:
        raise UserError(f"{trained.name} has no {FLOAT_FILE}: it came as a .tflite, or an older export made it")
    return interpreters.float_scores(trained.plain, preprocess(images))


def to_real(trained: Trained, layer: Layer, values: NDArray[np.int8]) -> NDArray[np.float32]:
    """A layer's bytes as the numbers they stand for: scale * (byte - zero point)."""
    return _real(trained.graph.tensors[layer.op.outputs[0]], values)


def _real(tensor: Tensor, values: NDArray[np.generic]) -> NDArray[np.float32]:
    assert tensor.quantization is not None  # checked when the layers were folded
    quantization = tensor.quantization
    sides = [1] * values.ndim
    if quantization.scale.size > 1:
        sides[quantization.axis] = quantization.scale.size
    scale, zero_point = quantization.scale.reshape(sides), quantization.zero_point.reshape(sides)
    return np.asarray((values.astype(np.int32) - zero_point) * scale, np.float32)


def images_of(trained: Trained, label: int, count: int) -> NDArray[np.uint8]:
    """The first test images of a class, at most `count`, uint8 (n,H,W,C)."""
    return trained.splits.x_test[np.flatnonzero(trained.splits.y_test == label)[:count]]


def class_responses(
    trained: Trained, layers: Sequence[Layer], count: int = IMAGES_OF_A_CLASS
) -> tuple[list[NDArray[np.float64]], tuple[int, ...]]:
    """How strongly the filters of each layer fire for each class: (filters, classes), from `count` images of each.

    It is the mean of a filter's map, relative to its mean over all classes: 1 is as usual, 2 twice as much, 0 not at
    all; a filter that never fires has 1 everywhere. Also returns how many images of each class there were.
    """
    images = [images_of(trained, label, count) for label in range(len(trained.labels))]
    counts = tuple(len(part) for part in images)
    values = layer_bytes(trained, layers, np.concatenate(images))
    maps = [to_real(trained, layer, part) for layer, part in zip(layers, values, strict=True)]
    return [_relative_means(part, counts) for part in maps], counts


def _relative_means(maps: NDArray[np.float32], counts: tuple[int, ...]) -> NDArray[np.float64]:
    positive = np.maximum(maps, 0).mean(axis=tuple(range(1, maps.ndim - 1)), dtype=np.float64)
    ends = np.cumsum(counts)
    parts = [positive[end - n : end] for end, n in zip(ends, counts, strict=True)]
    means = np.stack([part.mean(axis=0) if len(part) else np.zeros(maps.shape[-1]) for part in parts], axis=1)
    usual = means.mean(axis=1, keepdims=True)
    shares: NDArray[np.float64] = np.divide(means, usual, out=np.ones_like(means), where=usual > 0)
    return shares


def total(layers: Sequence[Layer]) -> tuple[int, int]:
    """Parameters and multiply-accumulates of all of them."""
    return sum(layer.parameters for layer in layers), sum(layer.macs for layer in layers)


def shape_text(shape: Sequence[int]) -> str:
    """As in 28x28x1."""
    return "x".join(map(str, shape)) if prod(shape) else "0"
