"""Reading `.tflite` files: what comes out of good ones, and that bad ones end in one clear line."""

from __future__ import annotations

import struct
import time
from pathlib import Path

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema
from every_op import edited, every_op_model
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tinyproof.console import UserError
from tinyproof.export.borders import with_int8_ends
from tinyproof.export.graph import Activation, Padding
from tinyproof.export.lower import lower
from tinyproof.export.ops import OPS
from tinyproof.export.ops.convolution import ConvolutionOptions
from tinyproof.export.tflite_reader import load_graph, read_graph
from tinyproof.export.tflite_writer import ModelBuilder

SECONDS = 5.0  # of this process, for one damaged file


def small_cnn() -> bytes:
    """Convolution, pooling, reshape, two dense layers, softmax; as a converter would write them."""
    rng = np.random.default_rng(5)
    b = ModelBuilder()
    x = b.tensor((1, 8, 8, 1), 1 / 255, -128, name="image")
    taps, row = rng.integers(-127, 128, (4, 3, 3, 1), np.int8), rng.integers(-127, 128, (6, 36), np.int8)
    conv = b.tensor((1, 6, 6, 4), 0.02, -128, name="conv/Relu;conv/BiasAdd")
    pool = b.tensor((1, 3, 3, 4), 0.02, -128)
    flat = b.tensor((1, 36), 0.02, -128)
    hidden = b.tensor((1, 6), 0.05, -128)
    logits = b.tensor((1, 5), 0.1, 3)
    y = b.tensor((1, 5), 1 / 256, -128, name="probabilities")
    scales = [0.001, 0.002, 0.003, 0.004]
    bias = b.constant(rng.integers(-99, 99, 4, np.int32), [scale / 255 for scale in scales])
    b.conv2d([x, b.constant(taps, scales), bias], conv, activation="RELU")
    b.max_pool2d(conv, pool, (2, 2), (2, 2))
    b.reshape(pool, flat)
    b.dense([flat, b.constant(row, [0.004])], hidden, "RELU")
    b.dense([hidden, b.constant(rng.integers(-127, 128, (5, 6), np.int8), [0.01])], logits)
    b.softmax(logits, y)
    return b.build([x], [y])


MODEL = small_cnn()


def test_graph_holds_what_the_file_says():
    graph = read_graph(MODEL, "small")
    conv = graph.ops[0]
    assert [op.name for op in graph.ops] == [
        "CONV_2D", "MAX_POOL_2D", "RESHAPE", "FULLY_CONNECTED", "FULLY_CONNECTED", "SOFTMAX",
    ]  # fmt: skip
    assert conv.options == ConvolutionOptions(Padding.VALID, (1, 1), (1, 1), Activation.RELU)
    assert graph.label(conv) == "conv/Relu"
    x, weights = graph.tensors[graph.inputs[0]], graph.tensors[conv.inputs[1]]
    assert (x.name, x.shape, x.dtype, x.data) == ("image", (1, 8, 8, 1), "int8", None)
    assert weights.data is not None and weights.data.shape == (4, 3, 3, 1) and weights.data.dtype == np.int8
    assert weights.quantization is not None and weights.quantization.axis == 0
    np.testing.assert_array_equal(weights.quantization.scale, np.float32([0.001, 0.002, 0.003, 0.004]))
    assert graph.file_bytes == len(MODEL)


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "holds 0 bytes"),
        (b"\0" * 7, "holds 7 bytes"),
        (b"PK\x03\x04 some archive", "TFL3"),
        (MODEL[:4] + b"TFL2" + MODEL[8:], "TFL3"),
        (b"\xff\xff\xff\x7fTFL3" + MODEL[8:], "offset"),
        (MODEL[: len(MODEL) // 2], "offset"),
        (b"\x08\0\0\0TFL3" + b"\0" * 100, "version"),
    ],
)
def test_a_file_that_is_no_model_ends_in_one_line(content, why):
    with pytest.raises(UserError, match=why) as caught:
        read_graph(content, "some.tflite")
    assert caught.value.message.startswith("some.tflite is not a readable .tflite: ")
    assert "export it again" in caught.value.message and "\n" not in caught.value.message


def test_several_subgraphs_are_refused():
    b = ModelBuilder()
    x, y = b.tensor((1, 4)), b.tensor((1, 4), 1 / 256, -128)
    b.softmax(x, y)
    content = b.build([x], [y], subgraphs=2)
    with pytest.raises(UserError, match="2 subgraphs.* with one of them"):
        read_graph(content, "two.tflite")

    def sign(model: schema.ModelT) -> None:
        model.signatureDefs = [schema.SignatureDefT() for _ in range(2)]
        for signature, key in zip(model.signatureDefs, ("encode", "decode"), strict=True):
            signature.signatureKey = key

    with pytest.raises(UserError, match=r"signatures encode, decode: .*signature_keys=\['encode'\]"):
        read_graph(edited(content, sign), "two.tflite")

    def branch(model: schema.ModelT) -> None:
        model.operatorCodes[0].builtinCode = model.operatorCodes[0].deprecatedBuiltinCode = schema.BuiltinOperator.WHILE

    with pytest.raises(UserError, match=r"without control flow \(it has WHILE\)"):
        read_graph(edited(content, branch), "two.tflite")


def test_a_missing_file_is_named(tmp_path: Path):
    with pytest.raises(UserError, match=r"cannot read .*none\.tflite: No such file"):
        load_graph(tmp_path / "none.tflite")


def read_or_refuse(content: bytes) -> None:
    """Nothing but a Program or a one-line UserError, within the time."""
    started = time.process_time()
    try:
        lower(read_graph(with_int8_ends(content, "damaged.tflite")[0], "damaged.tflite"))
    except UserError as error:
        assert "\n" not in error.message
    assert time.process_time() - started < SECONDS


FUZZ = settings(max_examples=400, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
MODELS = pytest.mark.parametrize("model", [MODEL, every_op_model()], ids=["small", "every_op"])
PLACES = st.integers(0, 2**31)  # in a file, modulo its length


@MODELS
@settings(FUZZ, max_examples=150)
@given(length=PLACES)
def test_a_truncated_model_is_read_or_refused(model, length):
    read_or_refuse(model[: length % len(model)])


@MODELS
@FUZZ
@given(flips=st.lists(st.tuples(PLACES, st.integers(1, 255)), min_size=1, max_size=8))
def test_a_model_with_flipped_bits_is_read_or_refused(model, flips):
    damaged = bytearray(model)
    for position, mask in flips:
        damaged[position % len(model)] ^= mask
    read_or_refuse(bytes(damaged))


WORDS = st.one_of(st.sampled_from((0, 1, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, len(MODEL))), st.integers(0, 2**32 - 1))


@MODELS
@FUZZ
@given(word=PLACES, value=WORDS)
def test_a_model_with_a_wild_offset_or_count_is_read_or_refused(model, word, value):
    damaged = bytearray(model)
    struct.pack_into("<I", damaged, word % (len(model) // 4) * 4, value)
    read_or_refuse(bytes(damaged))


def test_the_model_with_every_op_has_every_op():
    assert {op.name for op in read_graph(every_op_model(), "every op").ops} >= {kind.tflite_name for kind in OPS}
