"""Hand-made filters as an int8 layer: NumPy's answer is TensorFlow Lite Micro's, tiles leave no seam, a chip agrees."""

from __future__ import annotations

import math
import sys
from contextlib import ExitStack
from dataclasses import replace
from fractions import Fraction
from unittest.mock import MagicMock

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tinyproof.boards import BOARDS, STACK_BYTES
from tinyproof.console import UserError
from tinyproof.export.emit import export_model
from tinyproof.export.golden import Golden
from tinyproof.export.ops.fixed_point import requantize
from tinyproof.export.runtimes import check_runtime, runtime_of
from tinyproof.export.tflite_reader import read_graph
from tinyproof.host.emulators import emulator
from tinyproof.host.flash import Flashed
from tinyproof.toolchain import demo_board
from tinyproof.training.lab.chip import filter_on_chip, to_int8, to_pixels
from tinyproof.training.lab.convolution import convolve
from tinyproof.training.lab.filters import NAMED, as_filter
from tinyproof.training.lab.int8_layer import int8_layer, quantize
from tinyproof.training.lab.scene import draw_scene
from tinyproof.training.lab.tiles import plan_tiles

typed = st.one_of(st.integers(-9, 9).map(float), st.integers(-99, 99).map(lambda n: n / 10), st.floats(-50, 50))
weights = st.one_of(st.just(None), st.floats(-3, 3), st.sampled_from((1.0, 0.5, 1 / 9, 1 / 256, 7.0)))


@st.composite
def layers(draw):
    """One to three filters of one shape, with any weights."""
    shape = draw(st.tuples(st.integers(1, 5), st.integers(1, 5)))
    tables = [[[draw(typed) for _ in range(shape[1])] for _ in range(shape[0])] for _ in range(draw(st.integers(1, 3)))]
    return [as_filter(table, draw(weights)) for table in tables]


@settings(max_examples=80, deadline=None)
@given(layers(), st.integers(1, 3), st.integers(0, 2**32 - 1))
def test_numpys_int8_layer_answers_as_tensorflow_lite_micro_bit_for_bit(filters, stride, seed):
    layer = int8_layer(filters, stride)
    rng = np.random.default_rng(seed)
    height, width = (int(side) for side in rng.integers(5, 12, 2))
    random = rng.integers(-128, 128, (height, width), np.int8)
    x = np.stack([random, np.full_like(random, -128), np.full_like(random, 127)])
    golden = Golden(layer.tflite((height, width)))
    expected = np.stack([golden.run(image.reshape(1, height, width, 1))[0] for image in x])
    assert np.array_equal(layer.reference(x), expected)


@pytest.mark.parametrize(
    "text, weights, scale",
    [
        ("-1 0 1 -2 0 2 -1 0 1", [-1, 0, 1, -2, 0, 2, -1, 0, 1], 1.0),
        ("-1 0 -2 / 0.5 4.5 -1.5 / 1.5 2 -3", [-2, 0, -4, 1, 9, -3, 3, 4, -6], 0.5),
        ("1 1 1 1 1 1 1 1 1", [1] * 9, 1 / 9),
        ("0.1 0.2 / 0.3 0.4", [1, 2, 3, 4], 0.1),
        ("0", [0], 1.0),
        ("254", [1], 1.0),
        ("1 254 / 0 0", [0, 127, 0, 0], 254 / 127 / 255),
    ],
)
def test_numbers_with_a_common_step_become_weights_without_loss(text, weights, scale):
    numbers, found = quantize(as_filter(text))
    assert numbers.ravel().tolist() == weights
    assert found == pytest.approx(scale, rel=1e-12)


@settings(max_examples=100, deadline=None)
@given(layers())
def test_no_weight_is_further_than_half_a_step_from_its_number(filters):
    for filter_ in filters:
        numbers, scale = quantize(filter_)
        assert np.abs(numbers).max() <= 127
        assert np.allclose(numbers * scale, filter_.array * filter_.weight, rtol=0, atol=scale / 2 * 1.0001 + 1e-12)


@settings(max_examples=80, deadline=None)
@given(
    st.tuples(st.integers(3, 40), st.integers(3, 40)),
    st.tuples(st.integers(1, 3), st.integers(1, 3)),
    st.integers(1, 3),
    st.integers(1, 16),
)
def test_filtering_tiles_and_stitching_is_filtering_the_whole(shape, kernel, stride, side):
    picture = np.random.default_rng(sum(shape)).integers(0, 256, shape, np.uint8)
    layer = int8_layer([as_filter(np.arange(kernel[0] * kernel[1]).reshape(kernel) + 1.0)], stride)
    tiling = plan_tiles(shape, kernel, stride, side)
    tiles = to_int8(tiling.cut(picture))
    assert tiles.shape == (tiling.rows * tiling.columns, *tiling.x_tile)
    assert max(tiling.y_tile) <= side
    whole = layer.reference(to_int8(picture)[np.newaxis])[0]
    assert np.array_equal(tiling.stitch(layer.reference(tiles)), whole)


def test_pixels_become_int8_and_back():
    every = np.arange(256, dtype=np.uint8)
    assert np.array_equal(to_int8(every), np.arange(-128, 128))
    assert np.array_equal(to_pixels(to_int8(every)), every)


@pytest.fixture(scope="module")
def part():
    return draw_scene()[150:300, 60:230]


@pytest.mark.parametrize("board", [demo_board(), BOARDS["interpreter"]], ids=lambda board: board.name)
def test_a_device_sends_back_numpys_picture(board, part, tmp_path):
    made = filter_on_chip(part, list(NAMED.values()), tmp_path / "filters", board)
    assert made.run.board == board.name
    assert made.bytes_different == 0 and made.run.different == 0
    assert made.run.outputs.size == 9 * 3 * 3 * 64 * 64  # three by three tiles of 64 x 64, nine channels
    for picture in made.pictures:
        assert picture.device.shape == part.shape and picture.different == 0
        exact = picture.filter.weight == 1
        loop = convolve(part, picture.filter)
        assert np.abs(picture.device.astype(int) - loop).max() <= (0 if exact else 1)
        assert picture.computed == (part.shape[0] - 2) * (part.shape[1] - 2)


@pytest.mark.parametrize(
    "board, filter_, arguments",
    [
        ("host", "1 2 3 4 5 / 0 0 0 0 0", {"padding": "same"}),
        ("interpreter", "1 2 / 3 4", {"padding": "valid", "stride": 2}),
        ("interpreter", "sharpen", {"padding": "margin", "stride": 3}),
        ("interpreter", "-1 -1 / -1 -1", {}),
    ],
)
def test_every_shape_stride_and_padding_goes_through_a_device(board, filter_, arguments, part, tmp_path):
    made = filter_on_chip(part, [filter_], tmp_path / "filter", BOARDS[board], **arguments)
    (picture,) = made.pictures
    loop = convolve(part, filter_, **arguments)
    assert picture.device.shape == loop.shape
    assert made.bytes_different == made.run.different == picture.different == 0
    assert np.abs(picture.device.astype(int) - loop).max() <= 1


def test_bytes_that_differ_are_counted(part, tmp_path):
    made = filter_on_chip(part, ["identity"], tmp_path / "filter", BOARDS["interpreter"])
    (picture,) = made.pictures
    damaged = picture.device.copy()
    damaged[10, 10:13] ^= 1
    assert replace(picture, device=damaged).different == 3
    outputs = made.run.outputs.copy()
    outputs.ravel()[:5] ^= 1
    run = replace(made.run, outputs=outputs)
    assert run.different == run.proven_different == 5
    assert replace(run, is_golden_exact=False).proven_different == 0


def test_a_filter_whose_sums_can_overflow_is_refused_before_anything_is_built(tmp_path):
    with pytest.raises(UserError, match="can overflow 32 bits"):
        filter_on_chip(draw_scene(), [as_filter("1", 1e8)], tmp_path / "filter", BOARDS["host"])
    assert not (tmp_path / "filter").exists()


def test_the_layer_of_all_filters_runs_on_every_real_board_and_fits_it():
    tflite = int8_layer(list(NAMED.values())).tflite(plan_tiles((512, 512), (3, 3), 1).x_tile)
    made = export_model(tflite, "filters", "filters", (), None).manifest
    for board in BOARDS.values():
        if board.is_real:
            check_runtime(read_graph(tflite, "filters"), runtime_of(board, "tflm"))
            # TensorFlow Lite Micro's arena holds input and output; the firmware keeps a frame and a reply beside it.
            needed = made.tflm_arena_bytes + made.input_bytes + made.output_bytes + STACK_BYTES
            assert needed < board.budget.ram_bytes, board.name


@pytest.mark.parametrize(
    "board_name, way",
    [
        ("nano33ble", "flash"),
        ("pico", "flash_drive"),
        ("stm32f405", "flash_stm32"),
        ("esp32c3-bare", "flash_esp"),
        ("nano33ble-bare", "flash_arduino"),
    ],
)
def test_a_board_on_a_cable_is_flashed_and_then_talked_to_on_its_port(part, tmp_path, monkeypatch, board_name, way):
    flashed = []

    def flash(board, folder, engine, port):
        command = [word.format(python=sys.executable, model=folder) for word in BOARDS["interpreter"].run]
        process = stack.enter_context(emulator(command))
        flashed.append((board.name, folder.name, port))
        return Flashed(process.port, MagicMock())

    monkeypatch.setattr(f"tinyproof.host.flashing.{way}", flash)
    with ExitStack() as stack:
        port = str(tmp_path / "ttyACM0")
        made = filter_on_chip(part, ["emboss"], tmp_path / "filter", BOARDS[board_name], port)
    assert flashed == [(board_name, "filter", port)]
    assert made.bytes_different == made.run.different == 0


@settings(max_examples=300, deadline=None)
@given(st.integers(-(2**26), 2**26), st.integers(2**30, 2**31 - 1), st.integers(-31, 4))
def test_requantize_rounds_twice_as_its_definition_says(acc, multiplier, shift):
    high = math.floor(Fraction((acc << max(shift, 0)) * multiplier, 2**31) + Fraction(1, 2))
    half_away = math.floor(abs(Fraction(high, 2 ** max(-shift, 0))) + Fraction(1, 2))
    assert requantize(np.array([acc]), multiplier, shift).tolist() == [half_away if high >= 0 else -half_away]


@pytest.mark.parametrize("acc, expected", [(4, 1), (6, 2), (-4, -1), (-6, -2), (-5, -1), (-7, -2)])
def test_requantize_takes_halves_away_from_zero(acc, expected):
    assert requantize(np.array([acc]), 2**30, -1).tolist() == [expected]


def test_filters_of_two_shapes_make_no_layer():
    with pytest.raises(UserError, match="filters of one shape"):
        int8_layer([NAMED["identity"], as_filter("1")])
