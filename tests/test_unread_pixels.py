"""Pixels at the lower and right edge that no window sees are not computed; every byte that is stays the golden's."""

from __future__ import annotations

import needs
import numpy as np
import pytest
from every_op import schema_options as options
from every_tensor import assert_golden, lowered

import tinyproof.firmware.build
from tinyproof.boards import BOARDS
from tinyproof.export.emit import export_model, write_export
from tinyproof.export.tflite_writer import ModelBuilder
from tinyproof.host.validate import Plan, validate

SEEDS = 40
CHANNELS = 8


class Net:
    """Layers of eight channels on an image; each takes tensors and gives one."""

    def __init__(self, height: int, width: int, seed: int = 0) -> None:
        self.b = ModelBuilder()
        self.rng = np.random.default_rng(seed)
        self.first = self._image(height, width)

    def _image(self, height: int, width: int, channels: int = CHANNELS) -> int:
        return self.b.tensor((1, height, width, channels), 0.5, 0)

    def _made(self, x: int, kernel, stride, padding: str) -> int:
        """A tensor of the size that such a window makes."""
        sides = self.b.shape(x)[1:3]
        reach = [0, 0] if padding == "SAME" else [k - 1 for k in kernel]
        return self._image(*(-(-(n - r) // s) for n, r, s in zip(sides, reach, stride, strict=True)))

    def conv(self, x: int, kernel=(3, 3), stride=(1, 1), padding="VALID", depthwise=False) -> int:
        channels = self.b.shape(x)[3]
        shape = (1, *kernel, channels) if depthwise else (CHANNELS, *kernel, channels)
        taps = self.b.constant(self.rng.integers(-99, 100, shape, np.int8), [0.002] * CHANNELS, axis=3 * depthwise)
        y = self._made(x, kernel, stride, padding)
        (self.b.depthwise_conv2d if depthwise else self.b.conv2d)([x, taps], y, stride, (1, 1), padding, "RELU")
        return y

    def pool(self, x: int, largest=True, kernel=(2, 2), stride=(2, 2), padding="VALID") -> int:
        y = self._made(x, kernel, stride, padding)
        (self.b.max_pool2d if largest else self.b.average_pool2d)(x, y, kernel, stride, padding)
        return y

    def add(self, a: int, b: int) -> int:
        y = self._image(*self.b.shape(a)[1:3])
        self.b.op("ADD", [a, b], [y], options("AddOptionsT"))
        return y

    def scaled(self, x: int) -> int:
        """Each channel times a constant."""
        y, factors = self._image(*self.b.shape(x)[1:3]), self.rng.integers(-99, 100, (CHANNELS,), np.int8)
        self.b.op("MUL", [x, self.b.constant(factors, [0.01])], [y], options("MulOptionsT"))
        return y

    def gated(self, x: int) -> int:
        """Each channel times a number made from all of it."""
        y, (_, height, width, _) = self._image(*self.b.shape(x)[1:3]), self.b.shape(x)
        gate = self.conv(self.pool(x, False, (height, width), (height, width)), (1, 1))
        self.b.op("MUL", [self.conv(x, (1, 1)), gate], [y], options("MulOptionsT"))
        return y

    def joined(self, a: int, b: int) -> int:
        y = self._image(*self.b.shape(a)[1:3], self.b.shape(a)[3] + self.b.shape(b)[3])
        self.b.op("CONCATENATION", [a, b], [y], options("ConcatenationOptionsT", axis=3))
        return y

    def model(self, *ys: int) -> bytes:
        return self.b.build([self.first], list(ys))


def sizes(content: bytes) -> list[tuple[int, ...]]:
    """Rows and columns of what every step computes."""
    return [step.y.shape[1:3] for step in lowered(content).program().steps]


def random_net(seed: int) -> bytes:
    """Six layers, some of which have two readers or two operands."""
    rng = np.random.default_rng(seed)
    net = Net(*(int(n) for n in rng.integers(17, 31, 2)), seed)
    x = net.first
    for _ in range(6):
        stride, padding = (int(rng.integers(1, 4)),) * 2, str(rng.choice(["VALID", "SAME"]))
        kernel = tuple(int(k) for k in rng.integers(1, 4, 2))
        kind = int(rng.integers(7))
        if min(net.b.shape(x)[1:3]) < 4:
            break
        if kind == 0:
            x = net.pool(x, bool(rng.integers(2)), kernel, stride, padding)
        elif kind == 1:
            x = net.add(net.conv(x, (1, 1)), net.conv(x, padding="SAME"))
        elif kind == 6:
            x = net.gated(x)
        elif kind == 2:
            x = net.conv(net.joined(net.scaled(x), x) if net.b.shape(x)[3] == CHANNELS else x, kernel, stride, padding)
        else:
            x = net.conv(x, kernel, stride, padding, depthwise=kind == 5 and net.b.shape(x)[3] == CHANNELS)
    return net.model(net.pool(x, kernel=(1, 1), stride=(2, 2)))


@needs.golden
def test_random_networks_give_the_bytes_of_tflm_in_every_tensor(kernels):
    smaller = 0
    for seed in range(SEEDS):
        content = random_net(seed)
        one = lowered(content)
        smaller += one.reduced.pixels > 0
        shape = one.graph.tensors[one.graph.inputs[0]].shape
        assert_golden(kernels, content, np.random.default_rng(seed).integers(-128, 128, (2, *shape), np.int8))
    assert smaller > SEEDS / 2


def test_what_leads_to_an_unread_row_is_left_out_up_to_the_input():
    net = Net(28, 28)
    content = net.model(net.pool(net.conv(net.pool(net.conv(net.first)))))
    assert sizes(content) == [(12, 12), (5, 5)]  # of 13 x 13 pooled pixels; the input stays whole
    assert lowered(content).reduced.line == (
        "left out as dead, which changes no byte: 146 pixels, 69,696 multiply-accumulates"
    )


def test_both_operands_of_a_sum_have_the_size_that_any_reader_needs():
    net = Net(11, 9)
    a = net.conv(net.first, (1, 1))
    b = net.scaled(net.conv(net.first, padding="SAME"))
    both = net.add(a, b)
    assert sizes(net.model(net.pool(both))) == [(10, 8)] * 4 + [(5, 4)]
    assert sizes(net.model(net.pool(both), net.pool(a, kernel=(3, 1), stride=(4, 1))))[:4] == [(11, 9)] * 4


@pytest.mark.parametrize("padding, left", [("VALID", (10, 10)), ("SAME", (11, 11))])
def test_a_window_that_reaches_beyond_the_image_needs_all_of_it(padding, left):
    for layer in (Net.pool, Net.conv):
        net = Net(11, 11)
        x = net.conv(net.first, (1, 1))
        content = net.model(layer(net, x, kernel=(2, 2), stride=(2, 2), padding=padding))
        assert lowered(content).graph.tensors[x].shape[1:3] == left


def test_outputs_and_what_an_op_of_another_kind_reads_stay_whole():
    net = Net(11, 11)
    x = net.conv(net.first, (1, 1))
    assert sizes(net.model(x, net.conv(x, (2, 2), (2, 2))))[0] == (11, 11)
    flat = net.b.tensor((1, 11 * 11 * CHANNELS), 0.5, 0)
    net.b.reshape(x, flat)
    assert sizes(net.model(flat, net.conv(x, (2, 2), (2, 2))))[0] == (11, 11)


@needs.golden
def test_a_device_is_compared_in_the_pixels_that_it_computes(tmp_path):
    net, model = Net(13, 13), tmp_path / "edges"
    content = net.model(net.pool(net.conv(net.conv(net.first), depthwise=True), kernel=(3, 3), stride=(4, 4)))
    write_export(model, content, export_model(content, "edges", "edges", (), None))
    tinyproof.firmware.build.build(model, BOARDS["host"])
    report = validate(Plan(model, BOARDS["host"], limit=8))
    assert (report.verdict, report.diagnosis.causes) == ("equal", [])
    assert [tuple(op.shape[1:3]) for op in report.diagnosis.ops] == [(9, 9), (7, 7), (2, 2)]
    assert all((op.traced, op.different) == (5, 0) for op in report.diagnosis.ops)


@needs.golden
def test_a_pooling_of_single_pixels_only_makes_strides_longer(kernels):
    for kernel, name in (((1, 1), "conv2d_pointwise"), ((3, 3), "conv2d_packed")):
        net = Net(9, 10)
        content = net.model(net.pool(net.conv(net.first, kernel), kernel=(1, 1)))
        [step] = lowered(content).program().steps
        assert step.kernel.name == name and step.params.window.stride_h == 2
        assert_golden(kernels, content, np.random.default_rng(1).integers(-128, 128, (2, 1, 9, 10, 8), np.int8))
