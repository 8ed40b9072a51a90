"""What the compiled engine does not run exactly, it refuses: in one line with the op's name, its place and the cure."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import needs
import numpy as np
import pytest
from every_op import edited
from op_layers import options

from tinyproof.console import UserError
from tinyproof.export.conversion import process
from tinyproof.export.conversion.process import Job, why_unfit
from tinyproof.export.golden import Golden
from tinyproof.export.lower import lower
from tinyproof.export.tflite_reader import read_graph
from tinyproof.export.tflite_writer import ABSENT, ModelBuilder

ZEROS = np.zeros((2, 3, 3, 1), np.int8)


def conv_model(
    x_shape=(1, 5, 5, 1), y_shape=(1, 3, 3, 2), taps=ZEROS, bias=None, x=None, y=None, w=None, **options
) -> bytes:
    """One CONV_2D with something wrong about it."""
    b = ModelBuilder()
    source = b.tensor(x_shape, **(x or {}))
    out = b.tensor(y_shape, **(y or {}))
    operands = [source, b.constant(taps, **(w or {}))]
    if bias is not None:
        operands.append(b.constant(bias, None))
    b.conv2d(operands, out, **options)
    return b.build([source], [out])


def shared_dilation_model() -> bytes:
    """A CONV_2D of the batch of images that SPACE_TO_BATCH_ND cuts one into."""
    b = ModelBuilder()
    x, batch, y = b.tensor((1, 6, 6, 1)), b.tensor((4, 3, 3, 1)), b.tensor((4, 1, 1, 2))
    cut = b.constant(np.array([2, 2], np.int32), None), b.constant(np.zeros((2, 2), np.int32), None)
    b.op("SPACE_TO_BATCH_ND", [x, *cut], [batch])
    b.conv2d([batch, b.constant(ZEROS)], y)
    return b.build([x], [y])


def dense_model(y_shape=(1, 3), bias=None, bias_scale=1.0, w_shape=(3, 4)) -> bytes:
    b = ModelBuilder()
    x, y = b.tensor((1, 4)), b.tensor(y_shape)
    operands = [x, b.constant(np.ones(w_shape, np.int8))]
    if bias is not None:
        operands.append(b.constant(bias, [bias_scale]))
    b.dense(operands, y)
    return b.build([x], [y])


def softmax_model(classes=4, scale=0.1, y_scale=1 / 256, y_zero_point=-128, beta=1.0) -> bytes:
    b = ModelBuilder()
    x, y = b.tensor((1, classes), scale), b.tensor((1, classes), y_scale, y_zero_point)
    b.softmax(x, y, beta)
    return b.build([x], [y])


def pool_model(y_scale=1.0, y_shape=(1, 2, 2, 1), kernel=(2, 2)) -> bytes:
    b = ModelBuilder()
    x, y = b.tensor((1, 4, 4, 1)), b.tensor(y_shape, y_scale)
    b.max_pool2d(x, y, kernel, (2, 2))
    return b.build([x], [y])


def other_op_model() -> bytes:
    """A convolution, then an op without a kernel."""
    b = ModelBuilder()
    x, hidden, y = b.tensor((1, 3, 3, 1)), b.tensor((1, 1, 1, 2)), b.tensor((1, 1, 1, 2), name="net/elu;more")
    b.conv2d([x, b.constant(ZEROS)], hidden)
    b.op("GELU", [hidden], [y])
    return b.build([x], [y])


def float_middle_model() -> bytes:
    """An op left in float32 between int8 ones, its float32 result the output."""
    b = ModelBuilder()
    x, real = b.tensor((1, 4)), b.tensor((1, 4), None, dtype="float32")
    y = b.tensor((1, 4), None, dtype="float32", name="net/exp")
    b.op("DEQUANTIZE", [x], [real])
    b.op("EXP", [real], [y])
    return b.build([x], [y])


def argmax_model() -> bytes:
    b = ModelBuilder()
    x, y = b.tensor((1, 4)), b.tensor((1,), None, dtype="int32")
    b.op("ARG_MAX", [x, b.constant(np.array(1, np.int32), None)], [y])
    return b.build([x], [y])


def custom_model(code: str) -> bytes:
    """One op that is in no schema."""

    def change(model: Any) -> None:
        model.operatorCodes[0].builtinCode = model.operatorCodes[0].deprecatedBuiltinCode = 32  # CUSTOM
        model.operatorCodes[0].customCode = code

    return edited(softmax_model(), change)


def newer_model() -> bytes:
    def change(model: Any) -> None:
        model.operatorCodes[0].version = 99

    return edited(softmax_model(), change)


def float_weights_model() -> bytes:
    """A dense layer in float32 whose weights are unpacked when it runs, as of a model of float16."""
    b = ModelBuilder()
    x, y = (b.tensor(shape, None, dtype="float32") for shape in ((1, 4), (1, 3)))
    real = b.tensor((3, 4), None, dtype="float32")
    b.op("DEQUANTIZE", [b.constant(np.ones((3, 4), np.int8))], [real])
    b.dense([x, real], y)
    return b.build([x], [y])


def newer_square_root_model() -> bytes:
    def change(model: Any) -> None:
        model.operatorCodes[0].version = 2

    b = ModelBuilder()
    x, y = b.tensor((1, 4)), b.tensor((1, 4))
    b.op("SQRT", [x], [y])
    return edited(b.build([x], [y]), change)


def joining_model(count: int) -> bytes:
    b = ModelBuilder()
    xs, y = [b.tensor((1, 1)) for _ in range(count)], b.tensor((1, count))
    b.op("CONCATENATION", xs, [y], options("ConcatenationOptionsT", axis=1))
    return b.build(xs, [y])


def many_axes_model(name: str, rank: int, *numbers: list[int], **chosen: Any) -> bytes:
    """An op that moves bytes, with more axes than TFLM takes."""
    b = ModelBuilder()
    x, y = b.tensor((1,) * rank), b.tensor((1,) * rank)
    options_of = options(f"{name.title().replace('_', '')}OptionsT", **chosen)
    b.op(name, [x, *(b.constant(np.array(each, np.int32), None) for each in numbers)], [y], options_of)
    return b.build([x], [y])


def depthwise_model(multiplier: int) -> bytes:
    """Three channels become six, whatever the file says."""

    def change(model: Any) -> None:
        model.subgraphs[0].operators[0].builtinOptions.depthMultiplier = multiplier

    b = ModelBuilder()
    x, y = b.tensor((1, 5, 5, 3)), b.tensor((1, 5, 5, 6))
    b.depthwise_conv2d([x, b.constant(np.ones((1, 1, 1, 6), np.int8))], y)
    return edited(b.build([x], [y]), change)


def without_zero_points() -> bytes:
    def change(model: Any) -> None:
        for tensor in model.subgraphs[0].tensors[1:]:
            tensor.quantization.zeroPoint = None

    return edited(dense_model(bias=np.int32([1, 2, 3])), change)


def sum_model(name: str, scale: float = 1.0) -> bytes:
    """A number of that scale is added, or nothing is averaged."""
    b = ModelBuilder()
    x, y = b.tensor((1, 4)), b.tensor((1, 4))
    other = b.constant(np.ones(1, np.int8), [scale]) if name != "MEAN" else b.constant(np.zeros(0, np.int32), None)
    b.op(name, [x, other], [y], options("ReducerOptionsT") if name == "MEAN" else options(f"{name.title()}OptionsT"))
    return b.build([x], [y])


def wiring(inputs, outputs, *ops) -> bytes:
    """Softmaxes between five equal tensors, given as (from, to)."""
    b = ModelBuilder()
    for _ in range(4):
        b.tensor((1, 4), 1 / 256, -128)
    b.constant(np.zeros((1, 4), np.int8), [1 / 256], [-128])
    for x, y in ops:
        b.softmax(x, y)
    return b.build(inputs, outputs)


def unread_input_model() -> bytes:
    b = ModelBuilder()
    unread, x, y = b.tensor((1, 4), None, dtype="float32"), b.tensor((1, 4)), b.tensor((1, 4), 1 / 256, -128)
    b.softmax(x, y)
    return b.build([unread, x], [y])


def reshape_model() -> bytes:
    b = ModelBuilder()
    x, y = b.tensor((1, 4)), b.tensor((2, 2))
    b.reshape(x, y)
    return b.build([x], [y])


def batch_of_two(dtype: str = "int8") -> bytes:
    return conv_model(x_shape=(2, 5, 5, 1), y_shape=(2, 3, 3, 2))


FLOAT = {"scale": None, "dtype": "float32"}
REFUSALS = {
    "an op without a kernel": (other_op_model(), r"op 1 of 0-1, GELU 'net/elu': the compiled engine does not run GELU"),
    "a float model": (conv_model(x=FLOAT, y=FLOAT), "is float32, not int8; convert with full-integer quantization"),
    "a float output": (conv_model(y=FLOAT), "output 'tensor_1' is float32, not int8"),
    "int16 activations": (conv_model(x={"dtype": "int16"}), "input 'tensor_0' is int16, not int8"),
    "an int16 result": (
        conv_model(x={"dtype": "int16"}, y={"dtype": "int16"}), "CONV_2D.* its result is int16.*TFLITE_BUILTINS_INT8",
    ),
    "weights kept for float32": (float_weights_model(), "FULLY_CONNECTED.* weights that are kept as int8; convert"),
    "an int8 op of float32 alone": (newer_square_root_model(), "SQRT.* TFLM has it for float32 alone"),
    "eleven tensors joined": (joining_model(11), "joins 11 tensors, and TFLM 10 at most; join them in groups"),
    "a number without an axis": (conv_model(y_shape=()), "one number without an axis"),
    "an unquantized tensor": (conv_model(x={"scale": None}), "'tensor_0' has no scale of its own"),
    "dilated layers of one tensor": (shared_dilation_model(), "only the convolution may stand between"),
    "a dynamic shape": (conv_model(x_shape=(1, -1, 5, 1)), "dynamic shape .* fixed batch of one"),
    "a batch of two": (batch_of_two(), r"has shape \(2, 5, 5, 1\), not \(1, h, w, c\)"),
    "a scale of zero": (conv_model(x={"scale": 0.0}), "not a positive number"),
    "a scale that is no number": (conv_model(y={"scale": float("nan")}), "not a positive number"),
    "a zero point beyond int8": (conv_model(x={"zero_point": 300}), "zero point of tensor 'tensor_0' is not an int8"),
    "asymmetric weights": (conv_model(w={"zero_point": [4]}), "zero point other than 0.*min = -max"),
    "weights per input channel": (
        conv_model(taps=np.zeros((2, 3, 3, 3), np.int8), x_shape=(1, 5, 5, 3), w={"scale": [1.0] * 3, "axis": 3}),
        "3 scales along axis 3",
    ),
    "int32 weights": (conv_model(taps=ZEROS.astype(np.int32)), "weights 'tensor_2' are int32"),
    "filters for no group": (conv_model(taps=np.zeros((2, 3, 3, 2), np.int8), x_shape=(1, 5, 5, 3)), "see 2 of 3"),
    "filters that are not channels": (conv_model(y_shape=(1, 3, 3, 4)), "2 filters but 4 output channels"),
    "an output that does not fit its window": (conv_model(y_shape=(1, 4, 3, 2)), "4 x 3, its window makes 3 x 3"),
    "a stride of zero": (conv_model(stride=(0, 1)), "make no sense"),
    "a fused tanh": (conv_model(activation="TANH"), "fused activation TANH is not supported"),
    "a bias that overflows": (conv_model(bias=np.int32([2**31 - 1, 0])), "output channel 0 can overflow 32 bits"),
    "a float bias": (conv_model(bias=np.float32([1, 2])), "bias 'tensor_3' is float32"),
    "a multiplier beyond 2^30": (conv_model(x={"scale": 1e20}, y={"scale": 1e-9}), "multiplier above"),
    "an activation beyond int32": (
        conv_model(x={"scale": 1e-10}, y={"scale": 1e-10}, activation="RELU6"), "too small for its activation",
    ),
    "dense weights that do not fit": (dense_model(w_shape=(3, 5)), "do not turn"),
    "a dense bias of another scale": (dense_model(bias=np.int32([1, 2, 3]), bias_scale=2.0), "bias has scale 2"),
    "a pooling that rescales": (pool_model(y_scale=0.9), "quantized differently"),
    "a pooling of another shape": (pool_model(y_shape=(1, 3, 2, 1)), "its window makes 2 x 2"),
    "a softmax of another scale": (softmax_model(y_scale=1 / 128), "not 1/256 and -128"),
    "a softmax of too many classes": (softmax_model(classes=8192), "8192 classes"),
    "a softmax of nearly nothing": (softmax_model(scale=1e-9), "too small for TFLM's softmax"),
    "a constant output": (wiring([0], [4], (0, 1)), "output is a constant, 'tensor_4'; leave it out"),
    "an input that nothing reads": (unread_input_model(), "no op reads the input 'tensor_0'.* left it float32; leave"),
    "an output that is an input": (wiring([0], [1, 0], (0, 1)), "'tensor_0' is more than one of its inputs and"),
    "an output twice": (wiring([0], [1, 1], (0, 1)), "'tensor_1' is more than one of"),
    "an output nobody computes": (wiring([0], [2], (0, 1)), "no op computes the model's output"),
    "ops in the wrong order": (wiring([0], [2], (1, 2), (0, 1)), "reads what no earlier op computes"),
    "a tensor computed twice": (wiring([0], [1], (0, 1), (0, 1)), "or computes a tensor again"),
    "an op left in float32": (float_middle_model(), "EXP 'net/exp': the converter left it in float32"),
    "the largest of all": (argmax_model(), "ARG_MAX.*answers int32.* end the model before it"),
    "a file compiled by Vela": (custom_model("ethos-u"), "CUSTOM ethos-u.*compiled by Vela.*give the .tflite"),
    "an op of TensorFlow": (custom_model("FlexErf"), "CUSTOM FlexErf.* without tf.lite.OpsSet.SELECT_TF_OPS"),
    "an op of a library": (custom_model("MyOp"), "CUSTOM MyOp.* without allow_custom_ops"),
    "an op of the future": (newer_model(), "version 99 of its op, and 4 is the newest"),
    "a constant operand": (wiring([0], [2], (0, 1), (4, 2)), "is a constant"),
    "six axes transposed": (many_axes_model("TRANSPOSE", 6, [*range(6)]), "TRANSPOSE.* at most 5 axes of it, not"),
    "six axes sliced": (many_axes_model("SLICE", 6, [0] * 6, [1] * 6), "SLICE.* at most 5 axes of it"),
    "five axes sliced with strides": (
        many_axes_model("STRIDED_SLICE", 5, [0] * 5, [1] * 5, [1] * 5), "STRIDED_SLICE.* at most 4 axes of it",
    ),
    "seven axes joined": (many_axes_model("CONCATENATION", 7, axis=0), "CONCATENATION.* at most 6 axes of it"),
    "seven axes turned round": (many_axes_model("REVERSE_V2", 7, [0]), "REVERSE_V2.* at most 6 axes of it"),
    "a depth multiplier of another layer": (depthwise_model(1), "turns 3 channels into 6, .* its depth_multiplier, 1"),
    "scales without zero points": (without_zero_points(), "output 'tensor_1' has no scale of its own"),
    "a sum with a scale of zero": (sum_model("ADD", 0.0), "ADD.* scale is 0, which TFLM refuses"),
    "a difference with a scale of zero": (sum_model("SUB", 0.0), "SUB.* scale is 0, which TFLM refuses"),
    "a mean along no axis": (sum_model("MEAN"), "MEAN.*'tensor_2', which it goes by, is empty"),
    "a missing operand": (wiring([0], [1], (ABSENT, 1)), "is left out"),
}  # fmt: skip


@needs.golden
def test_an_input_on_which_tflm_aborts_ends_in_one_line():
    golden = Golden(softmax_model(classes=600))
    apart = np.full((1, 600), -128, np.int8)
    apart[0, 7] = 127
    assert golden.run(apart)[0, 7] == 127
    with pytest.raises(UserError, match="aborts on an input: a SOFTMAX of more than 511 classes"):
        golden.run(np.zeros((1, 600), np.int8))


@needs.golden
def test_a_model_on_which_tflm_ends_the_process_ends_in_one_line():
    content = many_axes_model("SLICE", 6, [0] * 6, [1] * 6)
    with pytest.raises(UserError, match="TensorFlow Lite Micro ends by SIGABRT on the model"):
        Golden(content, careful=True)


@pytest.mark.parametrize("what", REFUSALS)
def test_refused_in_one_line(what):
    content, why = REFUSALS[what]
    with pytest.raises(UserError, match=why) as caught:
        lower(read_graph(content, "some.tflite"))
    assert caught.value.message.startswith("some.tflite") and "\n" not in caught.value.message


def test_a_model_that_interpreters_abort_on_is_named_by_the_engine_s_refusal(tmp_path):
    """An untrained network's numbers hardly differ, and its scales are next to nothing."""
    assert why_unfit(tmp_path) == ""
    (tmp_path / "model.tflite").write_bytes(softmax_model())
    assert why_unfit(tmp_path) == ""
    (tmp_path / "model.tflite").write_bytes(softmax_model(scale=1e-9))
    assert re.search("SOFTMAX.* too small for TFLM's softmax.* train it", why_unfit(tmp_path))


def test_what_the_golden_refuses_in_the_conversion_is_named_by_the_engine_s_refusal(tmp_path, monkeypatch):
    """TensorFlow Lite Micro's own words say neither which op nor what to do."""

    def refuse(folder: Path, job: Job) -> str:
        (folder / "model.tflite").write_bytes(many_axes_model("TRANSPOSE", 6, [*range(6)]))
        raise UserError("TensorFlow Lite Micro cannot run the model")

    monkeypatch.setattr(process, "_run", refuse)
    job = Job(tmp_path / "net.keras", "", "", "auto", "", None)
    with pytest.raises(UserError, match="net.keras: .*op 0 of 0-0, TRANSPOSE .* at most 5 axes of it"):
        process.convert_apart(job)
