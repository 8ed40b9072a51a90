"""What each TFLM runtime refuses and why; the rows about today's TFLM are held against the golden itself."""

from __future__ import annotations

import needs
import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema
from conftest import DEMO_MODEL
from every_op import edited
from hypothesis import given, settings
from hypothesis import strategies as st

from tinyproof.boards import BOARDS
from tinyproof.console import UserError
from tinyproof.export.golden import Golden
from tinyproof.export.graph import Graph, Op, Quantization, Tensor
from tinyproof.export.op_table import TFLM_OPS
from tinyproof.export.runtimes import RUNTIMES, check_runtime, find_runtime
from tinyproof.export.tflite_reader import load_graph, read_graph
from tinyproof.export.tflite_writer import ABSENT, ModelBuilder

CHIRALE, ESP, WHEEL = BOARDS["nano33ble"].runtime, BOARDS["esp32"].runtime, "tflite-micro"
FLOAT, NUMBERS = {"scale": None, "dtype": "float32"}, {"scale": None, "dtype": "int32"}
PROBABILITY = {"scale": 1 / 256, "zero_point": -128}


def with_type(content: bytes, tensor: int, name: str) -> bytes:
    def edit(model):  # type: ignore[no-untyped-def]
        model.subgraphs[0].tensors[tensor].type = getattr(schema.TensorType, name)

    return edited(content, edit)


def with_version(content: bytes, version: int) -> bytes:
    def edit(model):  # type: ignore[no-untyped-def]
        model.operatorCodes[-1].version = version

    return edited(content, edit)


def options(name: str, **fields: object) -> object:
    """An options object of the schema."""
    made = getattr(schema, name + "T")()
    for field, value in fields.items():
        setattr(made, field, value)
    return made


def op_model(
    name, y_shape=(1, 4, 4, 4), extra=(), option=None, x_shape=(1, 4, 4, 4), x=None, y=None, inputs=1
) -> bytes:  # type: ignore[no-untyped-def]
    """One op of one or more equal inputs and int32 constants; `name` and `option` as in the schema."""
    b = ModelBuilder()
    xs = [b.tensor(x_shape, **(x or {"scale": 0.25})) for _ in range(inputs)]
    out = b.tensor(y_shape, **(y or x or {"scale": 0.25}))
    constants = [b.constant(np.array(values, np.int32), None) for values in extra]
    b.op(name, [*xs, *constants], [out], option)
    return b.build(xs, [out])


def linear_model(kind="FULLY_CONNECTED", scales=1, bias=True, depth=4, zero_point=0, x=None, w=np.int8) -> bytes:  # type: ignore[no-untyped-def]
    """One layer with weights, of 4 channels out and 4 in."""
    b = ModelBuilder()
    dense, transposed, depthwise = (kind == name for name in ("FULLY_CONNECTED", "TRANSPOSE_CONV", "DEPTHWISE_CONV_2D"))
    source = b.tensor((1, 4) if dense else (1, 3, 3, 4), **(x or {"scale": 0.5}))
    y = b.tensor((1, 4) if dense else (1, 3, 3, 4), **(x or {"scale": 40.0}))
    shape = (4, 4) if dense else (1, 1, 1, 4) if depthwise else (4, 1, 1, depth)
    taps = np.arange(int(np.prod(shape))).reshape(shape).astype(w)
    axis = 3 if depthwise else 0
    weights = b.constant(
        taps, [0.5 / (i + 1) for i in range(scales)] if w == np.int8 else None, [zero_point] * scales, axis
    )
    bias_type, bias_scale = (np.float32, None) if x else (np.int32, [0.25 / (i + 1) for i in range(scales)])
    operands = [source, weights] + ([b.constant(np.zeros(4, bias_type), bias_scale)] if bias else [])
    if dense:
        b.dense(operands, y)
    elif transposed:
        sizes = b.constant(np.int32([1, 3, 3, 4]), None)
        convolution = options("TransposeConvOptions", padding=schema.Padding.VALID, strideH=1, strideW=1)
        b.op(kind, [sizes, weights, source, *operands[2:]], [y], convolution)
    elif depthwise:
        b.op(kind, operands, [y], options("DepthwiseConv2DOptions", strideH=1, strideW=1, depthMultiplier=1))
    else:
        b.conv2d(operands, y)
    return b.build([source], [y])


def pool_model(batch=1, y_scale=0.25) -> bytes:  # type: ignore[no-untyped-def]
    option = options("Pool2DOptions", filterHeight=2, filterWidth=2, strideH=2, strideW=2)
    shapes = {"x_shape": (batch, 4, 4, 4), "y_shape": (batch, 2, 2, 4)}
    return op_model("AVERAGE_POOL_2D", option=option, y={"scale": y_scale}, **shapes)


def resize_model(size: int, version: int = 3) -> bytes:
    option = options("ResizeNearestNeighborOptions", halfPixelCenters=version == 3)
    return with_version(op_model("RESIZE_NEAREST_NEIGHBOR", (1, size, size, 4), [[size, size]], option), version)


def softmax_model(shape: tuple[int, ...]) -> bytes:
    option = options("SoftmaxOptions", beta=1.0)
    return op_model("SOFTMAX", shape, (), option, shape, {"scale": 0.1}, PROBABILITY)


def slice_model(rank: int = 2, version: int = 1) -> bytes:
    shape, option = (2,) * rank, options("StridedSliceOptions", newAxisMask=int(version >= 6))
    return with_version(op_model("STRIDED_SLICE", shape, [[0] * rank, shape, [1] * rank], option, shape), version)


def transpose_model(rank: int) -> bytes:
    return op_model("TRANSPOSE", (2,) * rank, [list(range(rank))], options("TransposeOptions"), (2,) * rank)


def batches_model(pad: int) -> bytes:
    shapes = {"x_shape": (1, 4, 4 - pad, 1), "y_shape": (4, 2, 2, 1)}
    return op_model("SPACE_TO_BATCH_ND", extra=[[2, 2], [[0, 0], [0, pad]]], **shapes)


def reduction_model(name: str, **tensors: dict[str, object]) -> bytes:
    return op_model(name, (1, 4), [[1, 2]], options("ReducerOptions"), **tensors)  # type: ignore[arg-type]


ALL, BOTH_BOARDS = {CHIRALE, ESP, WHEEL}, {CHIRALE, ESP}
DENSE_CURE = "_experimental_disable_per_channel_quantization_for_dense_layers = True"
INT8_CURE = "TFLITE_BUILTINS_INT8"
# What -> the model, who refuses it (the others take it), and what the refusal says.
CASES: dict[str, tuple[bytes, set[str], str, str]] = {
    "dense per tensor": (linear_model(), set(), "", ""),
    "dense per channel": (linear_model(scales=4), {CHIRALE}, "only the first scale .* without a word", DENSE_CURE),
    "dense without bias": (linear_model(bias=False), set(), "", ""),
    "dense int4": (with_type(linear_model(), 2, "INT4"), set(), "", ""),
    "dense int4 per channel": (with_type(linear_model(scales=4), 2, "INT4"), ALL, "first scale|int4 weights", "="),
    "dense asymmetric": (linear_model(zero_point=3), {CHIRALE}, "ignores the zero point", INT8_CURE),
    "dense hybrid": (linear_model(x=FLOAT), ALL, "for float32 activations and int8 weights", "representative_dataset"),
    "dense float": (linear_model(x=FLOAT, w=np.float32), set(), "", ""),
    "relu int16": (op_model("RELU", x={"dtype": "int16"}), ALL, "RELU for int16 activations", INT8_CURE),
    "conv": (linear_model("CONV_2D", scales=4), set(), "", ""),
    "conv int4": (with_type(linear_model("CONV_2D"), 2, "INT4"), set(), "", ""),
    "conv grouped": (linear_model("CONV_2D", depth=2), BOTH_BOARDS, "ignores groups", "groups=1"),
    "conv without bias": (linear_model("CONV_2D", bias=False), BOTH_BOARDS, "null pointer", "adds one of zeros"),
    "conv asymmetric": (linear_model("CONV_2D", zero_point=3), ALL, "ignores the zero point", INT8_CURE),
    "depthwise": (linear_model("DEPTHWISE_CONV_2D", scales=4), set(), "", ""),
    "depthwise without bias": (
        linear_model("DEPTHWISE_CONV_2D", bias=False), BOTH_BOARDS, "null pointer", "adds one of zeros",
    ),
    "transposed": (linear_model("TRANSPOSE_CONV", scales=4), set(), "", ""),
    "transposed int4": (
        with_type(linear_model("TRANSPOSE_CONV"), 2, "INT4"), ALL, "and int4 weights", "_experimental_low_bit_qat",
    ),
    "transposed with activation": (
        with_version(linear_model("TRANSPOSE_CONV"), 4), {CHIRALE}, "ignores the fused activation", "of its own",
    ),
    "pool": (pool_model(), set(), "", ""),
    "pool of a batch": (pool_model(batch=2), {CHIRALE}, "only the first image", "fixed batch of one"),
    "pool that rescales": (pool_model(y_scale=0.5), ALL, "quantized alike", "convert the model again"),
    "mean": (reduction_model("MEAN"), {CHIRALE}, "rounds means otherwise", "AveragePooling2D"),
    "mean in float": (reduction_model("MEAN", x=FLOAT), set(), "", ""),
    "sum": (reduction_model("SUM"), {CHIRALE}, "wrap around", "AveragePooling2D"),
    "minimum along axes": (reduction_model("REDUCE_MIN"), {CHIRALE}, "does not run REDUCE_MIN", "from others"),
    "nearest to a multiple": (resize_model(8), set(), "", ""),
    "nearest of old": (resize_model(6, version=2), set(), "", ""),
    "nearest between pixels": (resize_model(6), {CHIRALE}, "half_pixel_centers", "interpolation='bilinear'"),
    "softmax": (softmax_model((1, 10)), set(), "", ""),
    "softmax of rank 4": (softmax_model((1, 1, 1, 10)), {ESP}, "beyond its scratch memory", r"flatten to \(1, classes"),
    "softmax of rank 1": (softmax_model((10,)), {ESP}, "beyond its scratch memory", r"flatten to \(1, classes"),
    "space to batch": (batches_model(pad=0), set(), "", ""),
    "space to batch padded": (batches_model(pad=1), ALL, "pads with what lies in memory", "dilation_rate"),
    "slice": (slice_model(), set(), "", ""),
    "slice of rank 5": (slice_model(rank=5), ALL, "at most 4 dimensions", "simpler steps"),
    "slice with a new axis": (slice_model(version=6), ALL, "no ellipsis, new axis or offset", "simpler steps"),
    "transpose of rank 5": (transpose_model(5), set(), "", ""),
    "transpose of rank 6": (transpose_model(6), ALL, "at most 5 dimensions", "reshape"),
    "float16 weights": (
        with_type(op_model("DEQUANTIZE", y=FLOAT), 0, "FLOAT16"), ALL, "DEQUANTIZE for float16", "supported_types",
    ),
    "uint8 image": (
        with_type(op_model("RELU"), 0, "UINT8"), ALL, "RELU for uint8", "inference_input_type = .* tf.int8",
    ),
    "gelu": (op_model("GELU"), ALL, "does not run GELU", "swish"),
    "tile": (op_model("TILE", extra=[[1, 1, 1, 1]]), ALL, "does not run TILE", "UpSampling2D"),
    "custom op": (op_model("CUSTOM"), ALL, "does not run CUSTOM", "SELECT_TF_OPS"),
    "matmul of two tensors": (op_model("BATCH_MATMUL", inputs=2), {CHIRALE}, "does not run BATCH_MATMUL", "use Dense"),
    "computing with shapes": (
        op_model("ADD", (2,), (), None, (2,), NUMBERS, inputs=2), {CHIRALE}, "no ADD for int32", "fixed batch of one",
    ),
    "division": (op_model("DIV", inputs=2), {CHIRALE}, "no DIV for int8", "from others"),
}  # fmt: skip


@pytest.mark.parametrize("runtime", RUNTIMES)
@pytest.mark.parametrize("what", CASES)
def test_a_runtime_refuses_what_it_gets_wrong_and_takes_the_rest(what, runtime):
    content, refusing, why, cure = CASES[what]
    graph = read_graph(content, "some.tflite")
    if runtime not in refusing:
        check_runtime(graph, RUNTIMES[runtime])
        return
    with pytest.raises(UserError, match=f"{why}.*; .*{cure}") as caught:
        check_runtime(graph, RUNTIMES[runtime])
    place = f"some.tflite: op 0 of 0-0, {graph.ops[0].name} '{graph.label(graph.ops[0])}': {RUNTIMES[runtime].title} "
    assert caught.value.message.startswith(place) and "\n" not in caught.value.message


def golden_runs(content: bytes) -> bool:
    """Whether the wheel prepares and invokes the model, with inputs of ones."""
    from tflite_micro.python.tflite_micro import runtime

    graph = read_graph(content, "some.tflite")
    try:
        interpreter = runtime.Interpreter.from_bytes(content, arena_size=1 << 16)
        for position, index in enumerate(graph.inputs):
            interpreter.set_input(np.ones(graph.tensors[index].shape, graph.tensors[index].dtype), position)
        interpreter.invoke()
    except RuntimeError:
        return False
    return True


# The golden runs these: not as the model means it, with what lay in memory, and as no stage here carries to a board.
RUN_THOUGH_REFUSED = {"conv asymmetric", "slice with a new axis", "space to batch padded", "relu int16"}


@needs.golden
@pytest.mark.parametrize("what", CASES)
def test_the_golden_runs_what_its_table_takes_and_turns_down_what_it_refuses(what):
    content, refusing, _, _ = CASES[what]
    assert golden_runs(content) == (WHEEL not in refusing or what in RUN_THOUGH_REFUSED)


PADDING = [[0, 0], [1, 1], [1, 1], [0, 0]]
# Op -> how `op_model` makes one; an op that is in no other way special takes one image and gives one like it.
SINGLE_OPS: dict[str, dict[str, object]] = {
    **{name: {} for name in ("ABS", "ELU", "HARD_SWISH", "QUANTIZE", "RELU", "RELU6", "ZEROS_LIKE")},
    **{name: {"inputs": 2} for name in ("ADD_N", "ADD", "MAXIMUM", "MINIMUM", "MUL", "SQUARED_DIFFERENCE", "SUB")},
    **{name: {"inputs": 2, "y": "bool"} for name in ("EQUAL", "GREATER", "GREATER_EQUAL")},
    **{name: {"inputs": 2, "y": "bool"} for name in ("NOT_EQUAL", "LESS", "LESS_EQUAL")},
    **{name: {"y_shape": (1, 4), "extra": [[1, 2]]} for name in ("MEAN", "SUM", "REDUCE_MAX", "REDUCE_MIN")},
    **{name: {"y_shape": (1, 4, 4), "extra": [3], "y": NUMBERS} for name in ("ARG_MAX", "ARG_MIN")},
    **{name: {"y_shape": (1, 6, 6, 4), "extra": [PADDING]} for name in ("MIRROR_PAD", "PAD")},
    **{name: {"y_shape": (1, 8, 8, 4), "extra": [[8, 8]]} for name in ("RESIZE_BILINEAR", "RESIZE_NEAREST_NEIGHBOR")},
    "BATCH_MATMUL": {"inputs": 2},
    "BATCH_TO_SPACE_ND": {"x_shape": (4, 2, 2, 1), "y_shape": (1, 4, 4, 1), "extra": [[2, 2], [[0, 0], [0, 0]]]},
    "BROADCAST_TO": {"y_shape": (2, 4, 4, 4), "extra": [[2, 4, 4, 4]]},
    "CAST": {"y": FLOAT},
    "CONCATENATION": {"y_shape": (2, 4, 4, 4), "inputs": 2},
    "CUMSUM": {"extra": [3]},
    "DEPTH_TO_SPACE": {"y_shape": (1, 8, 8, 1), "option": options("DepthToSpaceOptions", blockSize=2)},
    "DEQUANTIZE": {"y": FLOAT},
    "DIV": {"inputs": 2},
    "EXPAND_DIMS": {"y_shape": (1, 1, 4, 4, 4), "extra": [1]},
    "GATHER": {"y_shape": (2, 4, 4, 4), "extra": [[0, 0]]},
    "GATHER_ND": {"y_shape": (1, 4, 4), "extra": [[[0, 1]]]},
    "L2_NORMALIZATION": {"y": {"scale": 1 / 128}},
    "LEAKY_RELU": {"option": options("LeakyReluOptions", alpha=0.5)},
    "LOGISTIC": {"y": PROBABILITY},
    "LOG_SOFTMAX": {"y": {"scale": 1 / 16, "zero_point": 127}},
    "PACK": {"y_shape": (2, 1, 4, 4, 4), "inputs": 2, "option": options("PackOptions", valuesCount=2)},
    "RESHAPE": {"y_shape": (1, 64), "extra": [[1, 64]]},
    "REVERSE_V2": {"extra": [[3]]},
    "RSQRT": {"x": {"scale": 0.25, "zero_point": -1}},
    "SHAPE": {"y_shape": (4,), "y": NUMBERS},
    "SLICE": {"y_shape": (1, 2, 2, 4), "extra": [[0, 1, 1, 0], [1, 2, 2, 4]]},
    "SOFTMAX": {"y": PROBABILITY, "option": options("SoftmaxOptions", beta=1.0)},
    "SPACE_TO_DEPTH": {"y_shape": (1, 2, 2, 16), "option": options("SpaceToDepthOptions", blockSize=2)},
    "SQUEEZE": {"y_shape": (4, 4, 4), "option": options("SqueezeOptions", squeezeDims=[0])},
    "TANH": {"y": {"scale": 1 / 128}},
    "TRANSPOSE": {"extra": [[0, 2, 1, 3]]},
}  # fmt: skip


@needs.golden
@pytest.mark.parametrize("name", SINGLE_OPS)
def test_the_golden_runs_an_int8_op_that_its_table_lists(name):
    made = dict(SINGLE_OPS[name])
    to_bool = made.get("y") == "bool"
    content = op_model(name, **{**made, "y": None} if to_bool else made)
    content = with_type(content, 2, "BOOL") if to_bool else content
    check_runtime(read_graph(content, "some.tflite"), find_runtime(WHEEL))
    assert golden_runs(content)


FLOAT_ALONE = sorted(
    name
    for name, op in TFLM_OPS.items()
    if "float32" in op.everywhere and "int8" not in op.everywhere and name not in ("DIV", "L2_POOL_2D")
)


@needs.golden
@pytest.mark.parametrize("name", FLOAT_ALONE)
def test_the_golden_turns_down_an_int8_op_that_its_table_lists_for_float_alone(name):
    inputs = 2 if name in ("FLOOR_DIV", "FLOOR_MOD") else 1
    assert golden_runs(op_model(name, x=FLOAT, inputs=inputs)) and not golden_runs(op_model(name, inputs=inputs))


@needs.golden
def test_the_golden_computes_each_row_of_a_dense_layer_per_channel_with_its_own_scale():
    x = np.int8([[5, -7, 11, 13]])
    scales = [0.5, 0.05, 0.2, 0.1]

    def outputs(w_scales: list[float]) -> list[int]:
        b = ModelBuilder()
        source, y = b.tensor((1, 4), 0.5, 3), b.tensor((1, 4), 2.0, -4)
        b.dense([source, b.constant(np.arange(-40, 40, 5, np.int8).reshape(4, 4), w_scales)], y)
        return [int(value) for value in Golden(b.build([source], [y])).run(x)[0]]

    assert outputs(scales) == [outputs([scale])[row] for row, scale in enumerate(scales)]


@needs.golden
def test_the_golden_does_not_look_at_the_version_of_an_op():
    content, x = linear_model(scales=4), np.int8([[1, -2, 3, 100]])
    assert Golden(content).run(x).tobytes() == Golden(with_version(content, 99)).run(x).tobytes()


@pytest.mark.skipif(not (DEMO_MODEL / "model.tflite").exists(), reason="the demo's model is not exported")
@pytest.mark.parametrize("runtime", RUNTIMES)
def test_the_demo_model_runs_everywhere(runtime):
    check_runtime(load_graph(DEMO_MODEL / "model.tflite"), RUNTIMES[runtime])


@needs.public_data
@pytest.mark.parametrize("runtime", RUNTIMES)
@pytest.mark.parametrize("name", ["pretrainedResnet_quant.tflite", "kws_ref_model.tflite"])
def test_known_models_run_everywhere(name, runtime):
    check_runtime(load_graph(needs.PUBLIC_DATA / name), RUNTIMES[runtime])


def test_an_unknown_runtime_is_named_with_the_known_ones():
    with pytest.raises(UserError, match=f"no runtime 'chirale'; there are {CHIRALE}, {ESP}, {WHEEL}"):
        find_runtime("chirale")


def test_a_later_runtime_takes_all_that_an_earlier_one_does():
    for name, support in RUNTIMES[CHIRALE].ops.items():
        assert support.activations <= RUNTIMES[WHEEL].ops[name].activations


shapes = st.lists(st.integers(-1, 3), max_size=6).map(tuple)
quantizations = st.sampled_from(
    [None, *(Quantization(np.ones(n, np.float32), np.zeros(n, np.int32), 0) for n in (1, 3))]
)
dtypes = st.sampled_from(["int8", "float32", "int4", "int32", "string"])
tensors = st.builds(
    Tensor, st.just(0), st.just("t"), shapes, dtypes, quantizations, st.sampled_from([None, np.int8(1)])
)


@settings(max_examples=1000, deadline=None, derandomize=True)
@given(
    name=st.sampled_from(sorted(TFLM_OPS)),
    version=st.integers(-1, 9),
    pool=st.lists(tensors, min_size=3, max_size=3),
    inputs=st.lists(st.sampled_from((0, 1, 2, ABSENT)), max_size=4),
    outputs=st.lists(st.sampled_from((0, 1, ABSENT)), max_size=2),
)
def test_any_graph_is_taken_or_refused_in_one_line(name, version, pool, inputs, outputs):
    op = Op(0, name, version, tuple(inputs), tuple(outputs), None)
    graph = Graph("some.tflite", "", 0, tuple(pool), (op,), (), ())
    for runtime in RUNTIMES.values():
        try:
            check_runtime(graph, runtime)
        except UserError as error:
            assert runtime.title in error.message and "\n" not in error.message


def test_every_op_that_a_runtime_has_can_be_added_to_its_resolver():
    assert set(TFLM_OPS) == set(RUNTIMES["tflite-micro"].ops)
