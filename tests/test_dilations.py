"""Dilated convolutions that a file holds as three ops become one, and give the bytes of one that was written so."""

from __future__ import annotations

from dataclasses import dataclass

import needs
import numpy as np
import pytest

from tinyproof.export.dilations import with_dilations
from tinyproof.export.golden import Golden
from tinyproof.export.lower import lower
from tinyproof.export.tflite_reader import read_graph
from tinyproof.export.tflite_writer import ModelBuilder

CHANNELS, ZERO = 3, -5


@dataclass(frozen=True)
class Layer:
    """A convolution of an image (h, w), or of a line (n,), with what is padded and cropped in blocks."""

    image: tuple[int, ...]
    kernel: tuple[int, int]
    block: tuple[int, ...]
    pads: tuple[tuple[int, int], ...]
    crops: tuple[tuple[int, int], ...]
    depthwise: bool = False

    @property
    def size(self) -> tuple[int, ...]:
        """Of the output."""
        along = self.kernel if len(self.image) == 2 else [k for k in self.kernel if k > 1]
        every = zip(self.image, along, self.block, self.pads, self.crops, strict=True)
        return tuple(n + sum(pad) - sum(crop) - (k - 1) * d for n, k, d, pad, crop in every)


LAYERS = {
    "SAME": Layer((9, 7), (3, 3), (2, 2), ((2, 3), (2, 3)), ((0, 1), (0, 1))),
    "VALID": Layer((11, 9), (3, 2), (3, 2), ((0, 1), (0, 1)), ((0, 1), (0, 1))),
    "neither": Layer((8, 8), (3, 3), (2, 2), ((4, 2), (0, 4)), ((0, 0), (0, 0))),
    "cropped before": Layer((8, 8), (3, 3), (2, 2), ((2, 2), (2, 2)), ((1, 0), (2, 1))),
    "one axis": Layer((8, 6), (3, 1), (4, 1), ((4, 4), (0, 0)), ((0, 0), (0, 0))),
    "depthwise": Layer((8, 8), (3, 3), (4, 4), ((4, 4), (4, 4)), ((0, 0), (0, 0)), depthwise=True),
    "a line": Layer((17,), (1, 3), (4,), ((4, 7),), ((0, 3),)),
    "a line as a column": Layer((16,), (5, 1), (2,), ((4, 4),), ((0, 0),)),
    "a line that sees what was": Layer((16,), (1, 3), (2,), ((4, 0),), ((0, 0),)),
}


def _image(sizes: tuple[int, ...], layer: Layer) -> tuple[int, ...]:
    if len(sizes) == 2:
        return sizes
    return (1, *sizes) if layer.kernel[0] == 1 else (*sizes, 1)


def _conv(b: ModelBuilder, layer: Layer, x: int, y: int, **options) -> None:
    rng = np.random.default_rng(1)
    shape = (1, *layer.kernel, CHANNELS) if layer.depthwise else (4, *layer.kernel, CHANNELS)
    filters = CHANNELS if layer.depthwise else 4
    taps = b.constant(rng.integers(-127, 128, shape, np.int8), [0.01] * filters, axis=3 if layer.depthwise else 0)
    bias = b.constant(rng.integers(-99, 99, filters, np.int32), [0.01] * filters)
    (b.depthwise_conv2d if layer.depthwise else b.conv2d)([x, taps, bias], y, **options)


def _three_ops(layer: Layer, batch_is_open: bool) -> bytes:
    """As converters write it; with an open batch the shapes between the ops have a batch of one."""
    b, ints = ModelBuilder(), lambda values: b.constant(np.array(values, np.int32), None)
    filters, count = CHANNELS if layer.depthwise else 4, 1 if batch_is_open else int(np.prod(layer.block))
    block = ints(layer.block)
    cut = [(n + sum(pad)) // d for n, d, pad in zip(layer.image, layer.block, layer.pads, strict=True)]
    along = layer.kernel if len(layer.image) == 2 else [k for k in layer.kernel if k > 1]
    small = tuple(n - k + 1 for n, k in zip(cut, along, strict=True))
    x = b.tensor((1, *layer.image, CHANNELS), 1.0, ZERO)
    blocks = b.tensor((count, *cut, CHANNELS), 1.0, ZERO)
    b.op("SPACE_TO_BATCH_ND", [x, block, ints(layer.pads)], [blocks])
    at = blocks
    if len(layer.image) == 1:
        shape = (count, *_image(tuple(cut), layer), CHANNELS)
        at = b.tensor(shape, 1.0, ZERO)
        b.op("RESHAPE", [blocks, ints(shape)], [at])
    y = b.tensor((count, *_image(small, layer), filters), 2.0, 9)
    _conv(b, layer, at, y, padding="VALID")
    if len(layer.image) == 1:
        line = b.tensor((count, *small, filters), 2.0, 9)
        b.op("RESHAPE", [y, ints((count, *small, filters))], [line])
        y = line
    last = b.tensor((1, *layer.size, filters), 2.0, 9)
    b.op("BATCH_TO_SPACE_ND", [y, block, ints(layer.crops)], [last])
    return b.build([x], [last])


def _one_op(layer: Layer) -> bytes:
    """The same image in a larger one of zeros, and one dilated convolution without a padding."""
    b, filters = ModelBuilder(), CHANNELS if layer.depthwise else 4
    x = b.tensor((1, *_image(layer.image, layer), CHANNELS), 1.0, ZERO)
    pads = [(before - crop, 0) for (before, _), (crop, _) in zip(layer.pads, layer.crops, strict=True)]
    dilation = _image(layer.block, layer)
    along = layer.kernel if len(layer.image) == 2 else [k for k in layer.kernel if k > 1]
    sizes = zip(layer.size, along, layer.block, layer.image, pads, strict=True)
    pads = [(before, y + (k - 1) * d - n - before) for y, k, d, n, (before, _) in sizes]
    if len(pads) == 1:
        pads = [(0, 0), *pads] if layer.kernel[0] == 1 else [*pads, (0, 0)]
    assert min(min(pair) for pair in pads) >= 0
    around = np.array([(0, 0), *pads, (0, 0)], np.int32)
    shape = tuple(
        int(n + sum(pair)) for n, pair in zip((1, *_image(layer.image, layer), CHANNELS), around, strict=True)
    )
    padded, y = b.tensor(shape, 1.0, ZERO), b.tensor((1, *_image(layer.size, layer), filters), 2.0, 9)
    b.op("PAD", [x, b.constant(around, None)], [padded])
    _conv(b, layer, padded, y, dilation=dilation, padding="VALID")
    return b.build([x], [y])


@needs.golden
@pytest.mark.parametrize("batch_is_open", [True, False])
@pytest.mark.parametrize("what", LAYERS)
def test_three_ops_become_one_dilated_convolution(what, batch_is_open):
    layer = LAYERS[what]
    content = with_dilations(_three_ops(layer, batch_is_open), "net")
    names = [op.name for op in read_graph(content, "net").ops]
    convs = [name for name in names if name not in ("RESHAPE", "PAD")]
    assert convs == ["DEPTHWISE_CONV_2D" if layer.depthwise else "CONV_2D"]
    assert ("PAD" in names) == (what in ("neither", "cropped before", "a line that sees what was"))
    x = np.random.default_rng(2).integers(-128, 128, int(np.prod(layer.image)) * CHANNELS, np.int8).tobytes()
    assert Golden(content).run_bytes(x) == Golden(_one_op(layer)).run_bytes(x)
    lower(read_graph(content, "net"))


def _gated(as_three_ops: bool, third: bool) -> bytes:
    """Two dilated lines that read the same blocks, as a gated unit does, and what is made of both; a `third` reader
    takes the blocks as they are.
    """
    b, ints = ModelBuilder(), lambda values: b.constant(np.array(values, np.int32), None)
    x, block = b.tensor((1, 16, CHANNELS), 1.0, ZERO), ints([2])
    ends = []
    laid = b.tensor((2, 8, CHANNELS), 1.0, ZERO)
    b.op("SPACE_TO_BATCH_ND", [x, block, ints([[0, 0]])], [laid])
    at = b.tensor((2, 1, 8, CHANNELS), 1.0, ZERO)
    b.op("RESHAPE", [laid, ints((2, 1, 8, CHANNELS))], [at])
    whole = b.tensor((1, 1, 16, CHANNELS), 1.0, ZERO)
    if not as_three_ops:
        b.op("RESHAPE", [x, ints((1, 1, 16, CHANNELS))], [whole])
    for seed in (1, 2):
        taps = b.constant(np.random.default_rng(seed).integers(-127, 128, (4, 1, 3, CHANNELS), np.int8), [0.01] * 4)
        bias = b.constant(np.arange(4, dtype=np.int32) * 99, [0.01] * 4)
        last = b.tensor((1, 12, 4), 2.0, 9)
        y = b.tensor((2, 1, 6, 4) if as_three_ops else (1, 1, 12, 4), 2.0, 9)
        b.conv2d([at if as_three_ops else whole, taps, bias], y, **({} if as_three_ops else {"dilation": (1, 2)}))
        if as_three_ops:
            line = b.tensor((2, 6, 4), 2.0, 9)
            b.op("RESHAPE", [y, ints((2, 6, 4))], [line])
            b.op("BATCH_TO_SPACE_ND", [line, block, ints([[0, 0]])], [last])
        else:
            b.op("RESHAPE", [y, ints((1, 12, 4))], [last])
        ends.append(last)
    if third:
        b.op("RESHAPE", [at, ints((1, 16, CHANNELS))], [moved := b.tensor((1, 16, CHANNELS), 1.0, ZERO)])
        ends.append(moved)
    return b.build([x], ends)


@needs.golden
@pytest.mark.parametrize("third", [False, True])
def test_dilated_layers_that_read_the_same_blocks_each_become_one(third):
    content = with_dilations(_gated(True, third), "net")
    names = [op.name for op in read_graph(content, "net").ops]
    assert names.count("CONV_2D") == 2 and "BATCH_TO_SPACE_ND" not in names
    assert ("SPACE_TO_BATCH_ND" in names) == third
    x = np.random.default_rng(2).integers(-128, 128, 16 * CHANNELS, np.int8).tobytes()
    assert Golden(content).run_bytes(x) == Golden(_gated(False, third)).run_bytes(x)
    lower(read_graph(content, "net"))


def _two_readers() -> bytes:
    b, block, none = ModelBuilder(), np.array([2, 2], np.int32), np.zeros((2, 2), np.int32)
    x, batch = b.tensor((1, 8, 8, 3)), b.tensor((4, 4, 4, 3))
    b.op("SPACE_TO_BATCH_ND", [x, b.constant(block, None), b.constant(none, None)], [batch])
    ys = [b.tensor((4, 3, 3, 2)) for _ in range(2)]
    for y in ys:
        b.conv2d([batch, b.constant(np.ones((2, 2, 2, 3), np.int8))], y)
    return b.build([x], ys)


def test_what_is_no_dilated_convolution_stays_as_it_is():
    plain = Layer((8, 8), (3, 3), (2, 2), ((2, 2), (2, 2)), ((0, 0), (0, 0)))
    uneven = Layer((8, 8), (3, 3), (2, 2), ((0, 0), (2, 2)), ((1, 0), (0, 0)))  # what comes before the image is cropped
    assert with_dilations(_three_ops(plain, True), "net") != _three_ops(plain, True)
    for content in (_three_ops(uneven, True), _two_readers()):
        assert with_dilations(content, "net") == content
