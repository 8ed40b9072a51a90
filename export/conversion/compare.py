"""Int8 against the float network it was made of: answers, accuracies, and every tensor that both have by name."""

from __future__ import annotations

import hashlib
import time
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinyproof.export.conversion.answers import (
    Answers,
    agreeing,
    classes,
    kind_of,
    lost_columns,
    outputs_snr_db,
    snr_db,
)
from tinyproof.export.conversion.kept_statistics import BATCH, outdated
from tinyproof.export.conversion.probe import layer_of
from tinyproof.export.conversion.running import Images, feed, interpreter_of, real, run
from tinyproof.export.conversion.wanted_pixels import noun, scaled
from tinyproof.export.tflite_reader import read_graph
from tinyproof.fidelity import NUMBERS, Fidelity, LayerFidelity
from tinyproof.statistics import wilson

LAYER_PICTURES = 16
LONGEST_S = 60.0  # of a processor that the int8 model may take for the pictures
LEAST_PICTURES = 50
FEW_LEVELS = 64  # of a pixel's 256


def affordable(content: bytes, images: Images) -> int:
    """How many of the images an int8 model is held against float on: fewer where one takes long."""
    run(content, images[:1])
    started = time.process_time()  # what else the computer does decides nothing
    run(content, images[:2])
    return min(len(images), max(LEAST_PICTURES, int(LONGEST_S / max(1e-6, (time.process_time() - started) / 2))))


def spread(values: NDArray[Any], count: int) -> NDArray[Any]:
    """So many of them at most, spread over all."""
    return np.asarray(values[np.linspace(0, len(values) - 1, min(count, len(values))).astype(int)])


def compare(
    network: Any,
    content: bytes,
    plain: bytes,
    images: Images,
    pixels: tuple[str, str],
    labelled: tuple[Images, Any] | None,
    loss: str = "",
    by_layer: bool = True,
) -> Fidelity:
    """Hold the int8 model against the network on the images and, where there are some, on labelled ones. `plain` is
    the network converted without quantization, `loss` the name of what it was trained with. Layers only `by_layer`.
    """
    int8, float_scores = run(content, images), _float(network, images, pixels[0])
    kind = kind_of(network, float_scores, loss, labelled is not None, pixels[0] != NUMBERS)
    agreement = None if kind is Answers.NUMBERS else agreeing(kind, float_scores, int8)
    is_classes = kind is Answers.CLASS
    judged, count, right = (images, float_scores), 0, {}
    if labelled is not None and is_classes:
        judged, count = (labelled[0], _float(network, labelled[0], pixels[0])), len(labelled[1])
        scores = {"float": judged[1], "int8": run(content, labelled[0])}
        right = {name: int((classes(each) == labelled[1]).sum()) for name, each in scores.items()}
    share = {name: right[name] / count if count else None for name in right}
    interval = {name: wilson(right[name], count) for name in right}
    doubts = _doubts(network, pixels[0], (images, float_scores), judged, labelled, share) if is_classes else []
    return Fidelity(
        model_sha256=hashlib.sha256(content).hexdigest(),
        pixels=pixels[0],
        why_pixels=pixels[1],
        images=len(images),
        agreement=None if agreement is None else agreement / len(images),
        agreement_interval=None if agreement is None else wilson(agreement, len(images)),
        output_snr_db=outputs_snr_db(kind, float_scores, int8),
        labelled=count,
        accuracy_float=share.get("float"),
        accuracy_float_interval=interval.get("float"),
        accuracy_int8=share.get("int8"),
        accuracy_int8_interval=interval.get("int8"),
        layers=_layers(network, content, plain, images) if by_layer else [],
        cautions=[
            *lost_columns(kind, float_scores, int8),
            *_one_share(float_scores),
            *cautions(images),
            *doubts,
        ],
        answers=kind.value,
    )


def cautions(images: Images) -> list[str]:
    """What makes the pictures a poor calibration: too few, blank, or all alike."""
    found = []
    what = noun(images)
    if len(images) < 50:
        found.append(f"{len(images)} {what} are few to calibrate with: give some hundreds")
    if images.min() == images.max():
        found.append(f"every pixel of the calibration pictures is {images.min()}: they say nothing of real ones")
    elif images.dtype == np.uint8 and int(images.max()) - int(images.min()) < FEW_LEVELS:
        found.append(
            f"the calibration pictures take {images.min()} to {images.max()} of a pixel's 0 to 255 alone, and the "
            "layers' ranges are taken from them: give some as bright and as dark as those to come"
        )
    elif len(np.unique(images.reshape(len(images), -1), axis=0)) * 2 < len(images) and len(images) > 1:
        found.append(f"most calibration {what} are copies of others")
    if images.dtype == np.uint8 and images.shape[-1] == 3 and (images == images[..., :1]).all() and np.ptp(images):
        found.append("all calibration pictures are grey and the network sees colours: give such as it was trained on")
    return found


def _doubts(
    network: Any,
    pixels: str,
    calibrated: tuple[Images, NDArray[np.float32]],
    judged: tuple[Images, NDArray[np.float32]],
    labelled: tuple[Images, Any] | None,
    share: dict[str, float | None],
) -> list[str]:
    """What makes the float network's classes doubtful: one answer to all, no more than guessing, and why that may be.

    Images and their scores come in pairs: those it was calibrated with, and those that say most of it.
    """
    found = [*_same_answer(*calibrated), *_other_order(share, labelled)]
    if not found and labelled is None:
        return []
    labels = None if labelled is None else spread(labelled[1], BATCH)
    x, scores = (spread(values, BATCH) for values in judged)
    why = outdated(network, scaled(x, pixels), scores, labels)
    return [why] if why else found


def _same_answer(images: Images, scores: NDArray[np.float32]) -> list[str]:
    if len(images) < 2 or len(np.unique(classes(scores))) > 1:
        return []
    answer = classes(scores)[0]
    return [f"float gives all calibration {noun(images)} the same answer, class {answer}: are they of one class?"]


def _one_share(scores: NDArray[np.float32]) -> list[str]:
    if scores.ndim != 2 or scores.shape[1] != 1 or not (scores == 1).all():
        return []
    return ["its one output is 1 whatever it is given, as a softmax of one is: end in sigmoid, and train it again"]


def _other_order(share: dict[str, float | None], labelled: tuple[Images, Any] | None) -> list[str]:
    right = share.get("float")
    if right is None or labelled is None or right > np.bincount(labelled[1]).max() / len(labelled[1]):
        return []
    return [
        f"float is right on {right:.1%} of the labelled {noun(labelled[0])}, no more than guessing: are its classes in "
        "another order than the labels? Class folders count in the order of their names"
    ]


def _float(network: Any, images: Images, pixels: str) -> NDArray[np.float32]:
    return np.concatenate(
        [np.asarray(network(scaled(images[k : k + 64], pixels), training=False)) for k in range(0, len(images), 64)]
    )


def _layers(network: Any, content: bytes, plain: bytes, images: Images) -> list[LayerFidelity]:
    """Every op's output that both models have under one name."""
    graphs = read_graph(content, "int8"), read_graph(plain, "float")
    by_name = {graphs[1].label(op): graphs[1].tensors[op.outputs[0]] for op in graphs[1].ops}
    try:
        runs = interpreter_of(content, keep=True), interpreter_of(plain, keep=True)
    except (ValueError, RuntimeError):  # the reference kernels lack an op of it
        return []
    pairs = []
    for op in graphs[0].ops:
        y = graphs[0].tensors[op.outputs[0]]
        other = by_name.get(graphs[0].label(op))
        if other is not None and other.shape == y.shape and y.dtype == "int8" and y.quantization is not None:
            pairs.append((op, y, other))
    seen: list[tuple[list[Any], list[Any]]] = [([], []) for _ in pairs]
    for image in images[:: max(1, len(images) // LAYER_PICTURES)][:LAYER_PICTURES]:
        for each in runs:
            feed(each, image)
        for (_, y, other), (int8, exact) in zip(pairs, seen, strict=True):
            scale, zero_point = real(y)
            int8.append((runs[0].get_tensor(y.index).astype(np.float32) - zero_point) * scale)
            exact.append(runs[1].get_tensor(other.index).copy())
    results = []
    for (op, y, _), (int8, exact) in zip(pairs, seen, strict=True):
        layer = layer_of(graphs[0], op, network)
        a, b = np.concatenate([part.ravel() for part in int8]), np.concatenate([part.ravel() for part in exact])
        norm = float(np.linalg.norm(a) * np.linalg.norm(b))
        low, high = np.quantile(b, (0.0005, 0.9995))
        results.append(
            LayerFidelity(
                name=layer[1].name if layer else "/".join(graphs[0].label(op).split("/")[-2:]),
                op=op.name,
                snr_db=snr_db(b, a),
                cosine=float(a @ b) / norm if norm else 1.0,
                range_used=min(1.0, float(high - low) / (255 * real(y)[0])),
            )
        )
    return results
