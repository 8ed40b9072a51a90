"""PAD ahead of convolutions becomes the padding of their windows, wherever that gives the golden's bytes."""

from __future__ import annotations

import needs
import numpy as np
import pytest
from every_tensor import assert_golden, lowered

from tinyproof.export.tflite_writer import ModelBuilder

SEEDS = 60
CHANNELS = 4


class Padded:
    """An image or a sequence with something laid around it, and layers that read of that."""

    def __init__(self, shape: tuple[int, ...], around: list[tuple[int, int]], zero_point: int = 3) -> None:
        self.b, self.rng = ModelBuilder(), np.random.default_rng(sum(shape))
        self.zero_point = zero_point
        self.x = self.b.tensor(shape, 0.5, zero_point)
        padded = tuple(n + before + after for n, (before, after) in zip(shape, around, strict=True))
        self.padded = self.b.tensor(padded, 0.5, zero_point)
        self.b.op("PAD", [self.x, self.b.constant(np.array(around, np.int32), None)], [self.padded])

    def conv(self, x: int, kernel=(3, 3), stride=(1, 1), dilation=(1, 1), padding="VALID", depthwise=False) -> int:
        _, *sides, channels = self.b.shape(x)
        shape = (1, *kernel, channels) if depthwise else (CHANNELS, *kernel, channels)
        count = channels if depthwise else CHANNELS
        taps = self.b.constant(self.rng.integers(-99, 100, shape, np.int8), [0.002] * count, axis=3 * depthwise)
        reach = [0, 0] if padding == "SAME" else [(k - 1) * d for k, d in zip(kernel, dilation, strict=True)]
        made = (-(-(n - r) // s) for n, r, s in zip(sides, reach, stride, strict=True))
        y = self.b.tensor((1, *made, count), 0.5, -7)
        (self.b.depthwise_conv2d if depthwise else self.b.conv2d)([x, taps], y, stride, dilation, padding, "RELU")
        return y

    def row_of_pixels(self) -> int:
        """The sequence as an image of one row."""
        y = self.b.tensor((1, 1, *self.b.shape(self.padded)[1:]), 0.5, self.zero_point)
        self.b.reshape(self.padded, y)
        return y

    def model(self, *ys: int) -> bytes:
        return self.b.build([self.x], list(ys))


def is_laid_around(content: bytes) -> bool:
    return any(step.kernel.name == "fill" for step in lowered(content).program().steps)


def random_net(seed: int) -> bytes:
    """An image or a sequence, padded on any side, and one or two convolutions of any geometry that read it."""
    rng = np.random.default_rng(seed)
    in_a_row = seed % 4 == 3

    def around(count: int) -> list[tuple[int, int]]:
        return [(0, 0), *((int(a), int(b)) for a, b in rng.integers(0, 3, (count, 2))), (0, 0)]

    channels = int(rng.choice([1, 3, 4, 8]))
    if in_a_row:
        net = Padded((1, int(rng.integers(9, 30)), channels), around(1), int(rng.integers(-128, 128)))
        x = net.row_of_pixels()
    else:
        sides = (int(n) for n in rng.integers(9, 15, 2))
        net = Padded((1, *sides, channels), around(2), int(rng.integers(-128, 128)))
        x = net.padded
    ys = []
    for _ in range(int(rng.integers(1, 3))):
        kernel = (1 if in_a_row else int(rng.integers(2, 6)), int(rng.integers(2, 6)))
        dilation = (1, 1) if rng.random() < 0.6 else (int(rng.integers(1, 4)), int(rng.integers(1, 4)))
        stride = (1, 1) if max(dilation) > 1 else (int(rng.integers(1, 4)),) * 2
        padding = str(rng.choice(["VALID", "VALID", "SAME"]))
        ys.append(net.conv(x, kernel, stride, dilation, padding, depthwise=bool(rng.integers(2))))
    return net.model(*ys)


@needs.golden
def test_random_geometries_give_the_bytes_of_tflm_in_every_tensor(kernels):
    gone = 0
    for seed in range(SEEDS):
        content = random_net(seed)
        gone += not is_laid_around(content)
        shape = lowered(content).inputs[0].shape
        assert_golden(kernels, content, np.random.default_rng(seed).integers(-128, 128, (2, *shape), np.int8))
    assert SEEDS / 3 < gone < SEEDS


@pytest.mark.parametrize("depthwise", [False, True])
def test_a_pad_of_which_convolutions_read_moves_no_byte(depthwise):
    net = Padded((1, 10, 10, 4), [(0, 0), (1, 1), (1, 1), (0, 0)])
    content = net.model(net.conv(net.padded, stride=(2, 2), depthwise=depthwise), net.conv(net.padded))
    assert [step.y.shape[1:3] for step in lowered(content).program().steps] == [(5, 5), (10, 10)]


def test_ahead_of_a_causal_convolution_of_a_sequence_too():
    net = Padded((1, 20, 3), [(0, 0), (4, 0), (0, 0)])
    content = net.model(net.conv(net.row_of_pixels(), (1, 3), dilation=(1, 2)))
    assert [step.y.shape for step in lowered(content).program().steps] == [(1, 1, 20, 4)]


def test_what_else_needs_keeps_the_pad():
    around = [(0, 0), (1, 1), (1, 1), (0, 0)]
    shown = Padded((1, 10, 10, 4), around)
    assert is_laid_around(shown.model(shown.conv(shown.padded), shown.padded))
    pooled = Padded((1, 10, 10, 4), around)
    y = pooled.b.tensor((1, 6, 6, 4), 0.5, pooled.zero_point)
    pooled.b.max_pool2d(pooled.padded, y, (2, 2), (2, 2), "VALID")
    assert is_laid_around(pooled.model(pooled.conv(pooled.padded), y))
    wide = Padded((1, 10, 10, 4), [(0, 0), (3, 0), (0, 0), (0, 0)])
    assert is_laid_around(wide.model(wide.conv(wide.padded)))  # a window would see nothing of the image
    more = Padded((1, 10, 10, 3), [(0, 0), (1, 1), (1, 1), (0, 1)])
    assert is_laid_around(more.model(more.conv(more.padded)))  # a channel more
