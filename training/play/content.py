"""What the page is told of a model, as plain values that become JSON: module, layers, pictures to try.

The names are those that the JavaScript reads. Nothing is computed here that the module can compute in the page.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tinyproof.export.constants import Constants
from tinyproof.export.device_input import device_bytes
from tinyproof.export.emit_settings import tensor_info
from tinyproof.export.golden import Golden, golden_available
from tinyproof.export.graph import ABSENT
from tinyproof.export.program import Program
from tinyproof.firmware.web_module import WebModule
from tinyproof.manifest import Manifest
from tinyproof.training.lab.receptive import Field, receptive_fields
from tinyproof.training.lab.trained import Layer, Trained, input_bytes
from tinyproof.training.play.packed import packed, packed_pictures
from tinyproof.training.play.playable import Playable
from tinyproof.training.play.weights import AnyConvolution, Filters, filters_of

MOST_PICTURES, MOST_BYTES = 300, 1_000_000  # test pictures within the page, unpacked
GREY = 128  # of colour pictures of which nothing is known
INK = 64  # a brighter pixel is part of what was drawn
TO_TRY = 10  # test pictures beside the sheet
DARK = 32  # a data set whose pictures have darker borders is drawn white on black


@dataclass(frozen=True)
class Span:
    """Along one side: the first and the last pixel of the input that each position of a map sees."""

    first: tuple[int, ...]
    last: tuple[int, ...]


@dataclass(frozen=True)
class LayerContent:
    """One op. `offset` is where its output lies among the tensors of the module's `look`, -1 if it computes nothing."""

    name: str
    op: str
    shape: tuple[int, ...]
    offset: int
    scale: float
    zero_point: int
    parameters: int
    macs: int
    inputs: tuple[int, ...]  # layers, -1 is the picture
    window: tuple[int, ...]  # height, width, stride, and whether it is padded (0 or 1); empty if it slides no window
    filters: Filters | None
    rows: Span | None
    columns: Span | None


@dataclass(frozen=True)
class Ink:
    """How the drawn things of a data set lie in their pictures, in pixels: what a drawing is made alike."""

    height: float
    widest: float
    middle: tuple[float, float]


@dataclass(frozen=True)
class TestPictures:
    """Pictures of the test set, and what the golden answers to each; `golden` is empty where there is none here.

    `noun`: what they are called; a label is -1 where nobody gave one.
    """

    noun: str
    count: int
    pixels: str
    labels: tuple[int, ...]
    golden: str
    to_try: tuple[int, ...]  # the places of those beside the sheet


@dataclass(frozen=True)
class ModelContent:
    """Everything about the model. `kind` of its outputs: one of the words of `playable`."""

    name: str
    sha256: str
    constants_sha256: str
    golden: str
    labels: tuple[str, ...]
    height: int
    width: int
    channels: int
    byte_of_pixel: tuple[int, ...]  # (256,): what the model gets for it
    cover: tuple[int, ...]  # a pixel that says least: the test pictures' median
    kind: str
    output_scale: float
    output_zero_point: int
    macs: int
    tflite_bytes: int
    wasm: str
    layers: tuple[LayerContent, ...]
    test: TestPictures
    ink: Ink | None


def model_content(playable: Playable, manifest: Manifest, module: WebModule, rows: NDArray[np.int64]) -> ModelContent:
    """The model as the page gets it, with the test pictures `rows`."""
    trained = playable.model
    x, y = tensor_info(module.program.inputs[0]), tensor_info(module.program.outputs[0])
    height, width, channels = trained.input_shape
    levels = np.arange(256, dtype=np.uint8).reshape(1, 16, 16, 1)
    return ModelContent(
        name=trained.name,
        sha256=manifest.model_sha256,
        constants_sha256=module.constants_sha256,
        golden=manifest.golden or "",
        labels=trained.labels,
        height=height,
        width=width,
        channels=channels,
        byte_of_pixel=tuple(device_bytes(x, levels).reshape(-1).tolist()),
        cover=_median(trained.splits.x_test),
        kind=playable.kind,
        output_scale=y.scale,
        output_zero_point=y.zero_point,
        macs=manifest.macs,
        tflite_bytes=manifest.tflite_bytes,
        wasm=packed(module.wasm),
        layers=_layers(trained, module.program),
        test=_test_pictures(trained, rows),
        ink=ink_of(trained.splits.x_test),
    )


def _median(pictures: NDArray[np.uint8]) -> tuple[int, ...]:
    if not len(pictures):
        return (GREY,) * 3 if pictures.shape[3] == 3 else (0,)  # grey ones are drawn white on black
    return tuple(np.median(pictures, axis=(0, 1, 2)).astype(int).tolist())


def chosen_pictures(labels: NDArray[np.integer], picture_bytes: int) -> NDArray[np.int64]:
    """Which test pictures the page has: the first of every class in turn, as many as there is room for, in order.

    >>> chosen_pictures(np.array([0, 0, 0, 1, 1]), 250_000).tolist()
    [0, 1, 3, 4]
    """
    count = max(8, min(MOST_PICTURES, MOST_BYTES // picture_bytes))
    place = np.zeros(len(labels), np.int64)
    for label in np.unique(labels):
        rows = np.flatnonzero(labels == label)
        place[rows] = np.arange(len(rows))
    return np.sort(np.argsort(place, kind="stable")[:count])


def places_to_try(count: int) -> tuple[int, ...]:
    """Of so many pictures those beside the sheet.

    >>> places_to_try(3), places_to_try(300)[:3]
    ((0, 1, 2), (0, 30, 60))
    """
    return tuple(range(0, count, max(count // TO_TRY, 1)))[:TO_TRY]


def ink_of(pictures: NDArray[np.uint8]) -> Ink | None:
    """Of pictures uint8 (N,H,W,C) that show something bright on black, as drawings do; None of others."""
    if (
        not len(pictures)
        or pictures.shape[3] != 1
        or np.median(_border(pictures)) >= DARK
        or np.median(pictures) >= DARK
    ):
        return None
    bright = pictures[..., 0] > INK
    bright = bright[bright.any(axis=(1, 2))]
    top, bottom = _ends(np.asarray(bright.any(axis=2)))
    left, right = _ends(np.asarray(bright.any(axis=1)))
    middle = float((top + bottom).mean() / 2), float((left + right).mean() / 2)
    return Ink(float((bottom - top).mean()), float((right - left).max()), middle)


def _border(pictures: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return np.concatenate([pictures[:, [0, -1]].reshape(-1), pictures[:, :, [0, -1]].reshape(-1)])


def _ends(filled: NDArray[np.bool_]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The first filled place of each row, and the one after the last."""
    return filled.argmax(axis=1), filled.shape[1] - filled[:, ::-1].argmax(axis=1)


def _test_pictures(trained: Trained, rows: NDArray[np.int64]) -> TestPictures:
    splits = trained.splits
    pictures = splits.x_test[rows]
    golden = Golden(trained.tflite) if golden_available() else None
    answers = [golden.run_bytes(row.tobytes()) for row in input_bytes(trained, pictures)] if golden else []
    return TestPictures(
        noun="test picture" if len(splits.test_index) else "calibration picture",
        count=len(rows),
        pixels=packed_pictures(pictures),
        labels=tuple(splits.y_test[rows].tolist()),
        golden=base64.b64encode(b"".join(answers)).decode(),
        to_try=places_to_try(len(rows)),
    )


def _layers(trained: Trained, program: Program) -> tuple[LayerContent, ...]:
    offsets = _offsets(program)
    fields = {field.layer.op.index: field for field in receptive_fields(trained)}
    maker = {layer.op.outputs[0]: place for place, layer in enumerate(trained.layers)}
    constants = Constants(program)
    numbers = {name: place for place, name in enumerate(constants.tables)}
    tables = {
        step.op.index: (step.params, numbers[constants.table_of[f"{step.name}_weights"]])
        for step in program.steps
        if isinstance(step.params, AnyConvolution)
    }
    return tuple(_layer(trained, layer, offsets, fields, maker, tables) for layer in trained.layers)


def _offsets(program: Program) -> dict[int, int]:
    """By tensor, where the module's `look` leaves it."""
    position = sum(x.size for x in program.inputs)
    offsets = {}
    for step in program.steps:
        if step.finishes_y:
            offsets[step.y.index] = position
            position += step.y.size
    return offsets


def _layer(
    trained: Trained,
    layer: Layer,
    offsets: dict[int, int],
    fields: dict[int, Field],
    maker: dict[int, int],
    tables: dict[int, tuple[AnyConvolution, int]],
) -> LayerContent:
    tensor = trained.graph.tensors[layer.op.outputs[0]]
    assert tensor.quantization is not None  # checked when the layers were folded
    field, window = fields.get(layer.op.index), layer.window
    return LayerContent(
        name=layer.name,
        op=layer.op.name,
        shape=layer.shape,
        offset=offsets.get(tensor.index, -1),
        scale=float(tensor.quantization.scale[0]),
        zero_point=int(tensor.quantization.zero_point[0]),
        parameters=layer.parameters,
        macs=layer.macs,
        inputs=tuple(
            maker.get(x, -1) for x in layer.op.inputs if x != ABSENT and trained.graph.tensors[x].data is None
        ),
        window=(window.k_h, window.k_w, window.stride_h, int(window.pad_h + window.pad_w > 0)) if window else (),
        filters=filters_of(trained, layer, *tables[layer.op.index]) if layer.op.index in tables else None,
        rows=_span(field.rows.first, field.rows.last) if field else None,
        columns=_span(field.columns.first, field.columns.last) if field else None,
    )


def _span(first: NDArray[np.int64], last: NDArray[np.int64]) -> Span:
    return Span(tuple(first.tolist()), tuple(last.tolist()))
