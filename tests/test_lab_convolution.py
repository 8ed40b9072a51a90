"""The lab's convolution and pooling are the textbook's, pixel for pixel, and its shapes are TensorFlow's."""

from __future__ import annotations

import numpy as np
import pytest
import textbook
from hypothesis import given, settings
from hypothesis import strategies as st

from tinyproof.console import UserError
from tinyproof.export.golden import Golden
from tinyproof.export.tflite_writer import ModelBuilder
from tinyproof.training.lab.chip import to_int8, to_pixels
from tinyproof.training.lab.convolution import PADDINGS, convolve, dropped, pad_same, pool
from tinyproof.training.lab.filters import LARGEST_SIDE, NAMED, as_filter, natural_weight
from tinyproof.training.lab.scene import draw_scene

sides = st.integers(1, 12)
numbers = st.one_of(
    st.integers(-9, 9).map(float), st.floats(-5, 5, allow_nan=False), st.sampled_from((0.0, 0.5, 1 / 9))
)


@st.composite
def pictures(draw, least=1):
    shape = draw(st.tuples(st.integers(least, 14), st.integers(least, 14)))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    return rng.integers(0, 256, shape, np.uint8) * rng.choice([1, 1, 255], shape).astype(np.uint8)


@st.composite
def tables(draw):
    height, width = draw(st.integers(1, 5)), draw(st.integers(1, 5))
    return [[draw(numbers) for _ in range(width)] for _ in range(height)]


@settings(max_examples=120, deadline=None)
@given(pictures(5), tables(), st.one_of(st.none(), st.floats(-2, 2)))
def test_every_pixel_is_the_textbook_loops(picture, table, weight):
    expected = textbook.convolve(picture, table, natural_weight(table) if weight is None else weight)
    assert np.array_equal(convolve(picture, table, weight), expected)


@pytest.mark.parametrize("name", NAMED)
def test_named_filters_give_the_textbook_loops_picture_of_the_bundled_scene(name):
    picture = draw_scene()[200:296, 100:212]
    filter_ = NAMED[name]
    assert np.array_equal(convolve(picture, name), textbook.convolve(picture, filter_.rows, filter_.weight))


@settings(max_examples=60, deadline=None)
@given(pictures(5), tables(), st.integers(1, 4))
def test_a_stride_keeps_every_nth_pixel_and_valid_leaves_the_edge_out(picture, table, stride):
    valid = convolve(picture, table, padding="valid")
    top, left = (len(table) - 1) // 2, (len(table[0]) - 1) // 2
    whole = convolve(picture, table)
    assert np.array_equal(valid, whole[top : top + valid.shape[0], left : left + valid.shape[1]])
    for padding in ("valid", "margin"):
        steps = convolve(picture, table, stride=stride, padding=padding)
        assert np.array_equal(steps, convolve(picture, table, padding=padding)[::stride, ::stride])


@settings(max_examples=60, deadline=None)
@given(sides, sides, st.integers(1, 5), st.integers(1, 5), st.integers(1, 3))
def test_same_pads_as_tensorflow_lite_micro_does(height, width, k_h, k_w, stride):
    rng = np.random.default_rng(height * 100 + width)
    picture = rng.integers(0, 256, (height, width), np.uint8)
    table = rng.integers(0, 2, (k_h, k_w)).astype(np.int8)
    b = ModelBuilder()
    x = b.tensor((1, height, width, 1), 1.0, -128)
    y = b.tensor((1, -(-height // stride), -(-width // stride), 1), 1.0, -128)
    weights = [b.constant(table.reshape(1, k_h, k_w, 1), [1.0]), b.constant(np.zeros(1, np.int32), [1.0])]
    b.conv2d([x, *weights], y, (stride, stride), padding="SAME")
    golden = Golden(b.build([x], [y])).run(to_int8(picture).reshape(1, height, width, 1))
    assert np.array_equal(convolve(picture, table, 1.0, stride, "same"), to_pixels(golden[0, :, :, 0]))
    assert pad_same(picture, (k_h, k_w), stride).shape[0] >= height


@settings(max_examples=60, deadline=None)
@given(pictures(4), st.integers(1, 4))
def test_pooling_is_the_textbook_loops(picture, size):
    assert np.array_equal(pool(picture, "max", size), textbook.pool(picture, size, max))
    mean = textbook.pool(picture, size, lambda block: int(sum(block) / len(block) + 0.5))
    assert np.array_equal(pool(picture, "average", size), mean)


@settings(max_examples=40, deadline=None)
@given(pictures(), st.integers(1, 5))
def test_partial_blocks_are_pooled_from_what_is_there(picture, size):
    pooled = pool(picture, "max", size, partial=True)
    assert pooled.shape == tuple(-(-side // size) for side in picture.shape)
    padded = np.pad(picture, [(0, -side % size) for side in picture.shape])
    assert np.array_equal(pooled, pool(padded, "max", size))
    assert (pool(picture, "average", size, partial=True) <= pooled).all()


@pytest.mark.parametrize(
    "shape, pooled, said",
    [
        ((512, 512), (256, 256), ""),
        ((511, 512), (255, 256), "the last row is dropped"),
        ((512, 333), (256, 166), "the last column is dropped"),
        ((3, 3), (1, 1), "the last row is dropped and the last column is dropped"),
    ],
)
def test_odd_sizes_are_pooled_without_their_last_row_and_column_and_that_is_said(shape, pooled, said):
    assert pool(np.zeros(shape, np.uint8)).shape == pooled
    assert dropped(shape) == said


def test_identity_and_centre_only_do_what_they_say():
    picture = draw_scene()
    assert np.array_equal(convolve(picture, "identity"), picture)
    inner = convolve(picture, "centre-only", padding="valid")
    assert np.array_equal(inner, np.minimum(2 * picture[1:-1, 1:-1].astype(int), 255))


def test_an_even_grey_stays_under_any_natural_weight_and_turns_black_where_numbers_add_up_to_zero():
    grey = np.full((9, 9), 120, np.uint8)
    for filter_ in NAMED.values():
        middle = int(convolve(grey, filter_)[4, 4])
        if filter_.name != "centre-only":
            assert middle == (0 if filter_.array.sum() == 0 else 120), filter_.name


@pytest.mark.parametrize(
    "text, rows",
    [
        ("0 1 0 / 1 -4 1 / 0 1 0", NAMED["sharp-edges"].rows),
        ("-1 0 1 -2 0 2 -1 0 1", NAMED["vertical-lines"].rows),
        ("-1,0,1,-2,0,2,-1,0,1", NAMED["vertical-lines"].rows),
        ("1", ((1.0,),)),
        ("1 2 3 4", ((1.0, 2.0), (3.0, 4.0))),
        ("1 2 3 ; 4 5 6", ((1.0, 2.0, 3.0), (4.0, 5.0, 6.0))),
        ("1/4 1/4 / .25 2.5e-1", ((0.25, 0.25), (0.25, 0.25))),
        ("Vertical lines", NAMED["vertical-lines"].rows),
        ("gaussian_blur", NAMED["gaussian-blur"].rows),
    ],
)
def test_a_filter_is_typed_as_a_name_or_as_numbers(text, rows):
    assert as_filter(text).rows == rows


@pytest.mark.parametrize(
    "text, words",
    [
        ("1 2", "has 2 numbers, which make no square"),
        ("1 2 3 4 5 6", "put / between the rows"),
        ("", "has 0 numbers"),
        ("1 2 / 3", "rows of 1 and 2 numbers"),
        ("/ 1", "rows of 0 and 1 numbers"),
        ("bluur", "names: identity, centre-only"),
        ("vertical", "did you mean 'vertical-lines'?"),
        ("1 2 3 x", "'x' is neither a number"),
        ("1/0", "'1/0' is neither a number"),
        ("nan", "not finite"),
        ("1e999", "not finite"),
        (" ".join(["1"] * 33 * 33), f"at most {LARGEST_SIDE}x{LARGEST_SIDE}"),
    ],
)
def test_what_is_no_filter_is_refused_in_one_line(text, words):
    with pytest.raises(UserError) as refusal:
        as_filter(text)
    assert words in refusal.value.message and "\n" not in refusal.value.message


@pytest.mark.parametrize("padding", PADDINGS)
def test_a_filter_larger_than_the_picture_is_refused_unless_the_picture_is_padded(padding):
    picture = np.full((2, 2), 9, np.uint8)
    if padding == "same":
        assert convolve(picture, "box-blur", padding=padding).shape == (2, 2)
        return
    with pytest.raises(UserError, match="does not fit on a picture of 2x2"):
        convolve(picture, "box-blur", padding=padding)


@pytest.mark.parametrize(
    "arguments, words",
    [
        ({"stride": 0}, "STRIDE=0 does not move"),
        ({"padding": "full"}, "PADDING=full is unknown: choose margin, same, valid"),
        ({"weight": float("inf")}, "is no weight"),
    ],
)
def test_a_wrong_setting_is_refused_by_name(arguments, words):
    with pytest.raises(UserError, match=words):
        convolve(np.zeros((5, 5), np.uint8), "identity", **arguments)


@pytest.mark.parametrize("text", ["[[0,1,0],[1,-4,1],[0,1,0]]", "[[ 0.  1.  0.]\n [ 1. -4.  1.]\n [ 0.  1.  0.]]"])
def test_a_filter_may_be_written_as_python_and_numpy_write_it(text):
    assert as_filter(text).rows == as_filter("sharp-edges").rows
