"""A trained model opened up: cut-off models, feature maps, receptive fields and costs, held against the real thing."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from networks import random_network
from tflite_micro.python.tflite_micro import runtime

from tinyproof.boards import BOARDS
from tinyproof.console import UserError
from tinyproof.export.golden import Golden
from tinyproof.export.graph import Graph
from tinyproof.export.tflite_reader import read_graph
from tinyproof.export.tflite_writer import ModelBuilder
from tinyproof.export.truncation import truncate
from tinyproof.model_files import LABELS_FILE, SPLITS_FILE, Splits, load_splits
from tinyproof.toolchain import demo_board
from tinyproof.training.lab.device_maps import maps_on_device, parts
from tinyproof.training.lab.filters import NAMED
from tinyproof.training.lab.receptive import receptive_fields
from tinyproof.training.lab.trained import (
    Trained,
    class_responses,
    feature_maps,
    first_filters,
    images_of,
    layer_bytes,
    load_trained,
    read_layers,
    relative,
    total,
)


@pytest.fixture
def trained(model) -> Trained:
    return load_trained(model)


def _every_tensor(tflite: bytes, graph: Graph, x: np.ndarray) -> list[np.ndarray]:
    """The output of every op of the whole model, read out of TFLM's own memory."""
    interpreter = runtime.Interpreter.from_bytes(
        tflite, arena_size=1 << 24, intrepreter_config=runtime.InterpreterConfig.kPreserveAllTensors
    )
    interpreter.set_input(x, 0)
    interpreter.invoke()
    return [np.array(interpreter.GetTensor(op.outputs[0], 0)["tensor_data"]) for op in graph.ops]


@pytest.mark.parametrize("seed", range(12))
def test_a_model_cut_off_behind_an_op_answers_what_that_op_hands_on(seed):
    tflite = random_network(seed)
    graph = read_graph(tflite, "network")
    x = np.random.default_rng(seed).integers(-128, 128, graph.tensors[graph.inputs[0]].shape, np.int8)
    for index, expected in enumerate(_every_tensor(tflite, graph, x)):
        cut = truncate(tflite, [index])
        assert len(read_graph(cut, "cut").ops) == index + 1
        assert np.array_equal(Golden(cut).run(x).ravel(), expected.ravel())


def test_a_cut_off_model_hands_on_every_layer_that_is_asked_for(trained):
    layers = trained.map_layers[::-1]
    together = layer_bytes(trained, layers, trained.splits.x_test[:2])
    for layer, values in zip(layers, together, strict=True):
        assert np.array_equal(values, layer_bytes(trained, [layer], trained.splits.x_test[:2])[0])


def test_layers_go_to_the_device_in_parts_that_fit(trained):
    conv, pool, *_ = trained.map_layers
    large = replace(conv, shape=(100, 100, 10))
    small = [pool] * 6
    assert [len(part) for part in parts([conv, large, *small])] == [1, 1, 4, 2]
    assert parts(trained.map_layers) == [list(trained.map_layers)]


def test_a_cut_off_model_leaves_out_what_only_later_ops_used(trained):
    first = truncate(trained.tflite, [0])
    assert len(first) < len(trained.tflite) / 10
    tensors = read_graph(first, "cut").tensors
    assert [tensor.data is None for tensor in tensors].count(False) == 2  # weights and bias


def test_layers_have_their_names_and_cost_what_the_training_counted(trained, model):
    names = [layer.name for layer in trained.layers]
    assert names[:7] == ["conv_1", "pool_1", "conv_2", "pool_2", "flatten", "dense_1", "dense_2"]
    shapes = [layer.shape for layer in trained.layers]
    assert shapes[:5] == [(26, 26, 16), (13, 13, 16), (11, 11, 32), (5, 5, 32), (800,)]
    record = json.loads((model / "training.json").read_text())
    assert total(trained.layers) == (record["parameters"], record["macs"])


@pytest.mark.parametrize(
    "labels, names",
    [
        (["edges_1", "pool_1", "pool_1_2", ""], ["edges", "pool", "pool_1", "relu_3"]),
        (["edges_1", "pool_1", ""], ["edges", "pool", "relu_2"]),
        (["conv_1", "conv_2", ""], ["conv_1", "conv_2", "relu_2"]),
        (["edges", "", "pool_1"], ["edges", "relu_1", "pool_1"]),
    ],
)
def test_what_keras_appends_to_names_when_it_converts_is_not_shown(labels, names):
    b = ModelBuilder()
    tensors = [b.tensor((1, 4), 0.1, 3)]
    for label in labels:
        tensors.append(b.tensor((1, 4), 0.1, 3, name=f"net/{label}/Relu" if label else "call:0"))
        b.op("RELU", tensors[-2:-1], tensors[-1:])
    assert [layer.name for layer in read_layers(read_graph(b.build(tensors[:1], tensors[-1:]), "built"))] == names


def test_feature_maps_are_the_real_numbers_behind_the_goldens_bytes(trained):
    images = trained.splits.x_test[:3]
    layer = trained.map_layers[0]
    (values,) = layer_bytes(trained, [layer], images)
    assert values.dtype == np.int8 and values.shape == (3, 26, 26, 16)
    tensor = trained.graph.tensors[layer.op.outputs[0]]
    scale, zero_point = float(tensor.quantization.scale[0]), int(tensor.quantization.zero_point[0])
    assert np.allclose(feature_maps(trained, layer, images), (values.astype(int) - zero_point) * scale)


def test_the_first_layer_computes_with_the_filters_shown(trained):
    image = trained.splits.x_test[0]
    layer = trained.map_layers[0]
    maps = feature_maps(trained, layer, image[np.newaxis])[0]
    bias_tensor = trained.graph.tensors[layer.op.inputs[2]]
    bias = bias_tensor.data * bias_tensor.quantization.scale
    windows = np.lib.stride_tricks.sliding_window_view(image[..., 0] / 255, (3, 3))
    expected = np.einsum("hwij,nij->hwn", windows, first_filters(trained)[..., 0]) + bias
    step = float(trained.graph.tensors[layer.op.outputs[0]].quantization.scale[0])
    within = expected < 127 * step  # above it the byte is clamped
    assert np.abs(maps - np.maximum(expected, 0))[within].max() <= 0.51 * step


@pytest.mark.parametrize("name", ["vertical-lines", "horizontal-lines", "sharp-edges", "emboss"])
def test_a_filter_is_most_like_itself_whatever_its_brightness_and_strength(name):
    numbers = np.float32(NAMED[name].array)
    assert relative(3 * numbers + 5)[0].name == name
    assert relative(3 * numbers + 5)[1] == pytest.approx(1, abs=1e-6)
    assert relative(-numbers)[1] == pytest.approx(-1, abs=1e-6)


def test_responses_are_relative_to_each_filters_own_mean(trained):
    layer = trained.map_layers[2]
    (responses,), counts = class_responses(trained, [layer], count=6)
    assert responses.shape == (32, 10) and counts == (6,) * 10
    assert np.allclose(responses.mean(axis=1), 1)
    means = [np.maximum(feature_maps(trained, layer, images_of(trained, k, 6)), 0).mean((0, 1, 2)) for k in range(10)]
    strongest = np.argmax(np.array(means) / np.mean(means, axis=0), axis=1)
    assert responses.argmax(axis=0).tolist() == strongest.tolist()


steps = st.tuples(
    st.sampled_from(("conv", "pool")), st.integers(1, 3), st.integers(1, 2), st.sampled_from(("VALID", "SAME"))
)


def _network(side: int, layers) -> Trained:
    """Convolutions that are means and poolings that are maxima: a lit pixel lights up all that sees it."""
    b = ModelBuilder()
    x = source = b.tensor((1, side, side, 1), 1.0, -128)
    ops = 0
    for kind, k, stride, padding in layers:
        out = -(-side // stride) if padding == "SAME" else (side - k) // stride + 1
        if out < 2:
            break
        y = b.tensor((1, out, out, 1), 1.0, -128)
        if kind == "conv":
            weights = b.constant(np.full((1, k, k, 1), 100, np.int8), [1 / 200])
            b.conv2d([x, weights, b.constant(np.zeros(1, np.int32), [1 / 200])], y, (stride, stride), padding=padding)
        else:
            b.max_pool2d(x, y, (k, k), (stride, stride), padding)
        x, side, ops = y, out, ops + 1
    tflite = b.build([source], [x])
    graph = read_graph(tflite, "network")
    size = graph.tensors[source].shape[1]
    images = np.zeros((1, size, size, 1), np.uint8)
    nothing = np.zeros(0, np.int64)
    splits = Splits(images, images, np.zeros(1, np.int32), nothing, nothing, np.zeros(1, np.int64))
    return Trained("network", tflite, graph, read_layers(graph), ("a",), splits)


@settings(max_examples=40, deadline=None)
@given(st.integers(5, 13), st.lists(steps, min_size=1, max_size=4))
def test_a_lit_pixel_lights_up_exactly_the_values_whose_field_it_is_in(side, layers):
    trained = _network(side, layers)
    if not trained.layers:
        return
    (field,) = receptive_fields(trained)[-1:]
    golden = Golden(trained.tflite)
    seen = np.zeros((side, side), int)
    for i in range(side):
        for j in range(side):
            x = np.full((1, side, side, 1), -128, np.int8)
            x[0, i, j, 0] = 127
            lit = golden.run(x)[0, :, :, 0] > -128
            assert np.array_equal(lit, np.outer(field.rows.sees[:, i], field.columns.sees[:, j]))
            seen[i, j] = lit.sum()
    assert np.array_equal(field.seen, seen)


def test_values_of_a_padded_layer_look_at_every_pixel_and_those_of_a_cut_one_leave_a_margin():
    (same,) = receptive_fields(_network(9, [("conv", 3, 1, "SAME")]))
    assert same.centres == ((0.5, 8.5), (0.5, 8.5)) and same.seen[0, 0] == 4
    (valid,) = receptive_fields(_network(9, [("conv", 3, 1, "VALID")]))
    assert valid.centres == ((1.5, 7.5), (1.5, 7.5)) and valid.seen[0, 0] == 1


def test_the_courses_network_loses_its_last_two_rows_and_columns(trained):
    fields = receptive_fields(trained)
    assert [field.size for field in fields] == [(3, 3), (4, 4), (8, 8), (10, 10)]
    assert fields[0].centres == ((1.5, 26.5), (1.5, 26.5))
    unseen = fields[-1].seen == 0
    assert unseen.sum() == 28 * 28 - 26 * 26 and unseen[26:].all() and unseen[:, 26:].all()


@pytest.mark.parametrize("board", [demo_board(), BOARDS["interpreter"]], ids=lambda board: board.name)
def test_a_devices_feature_maps_are_the_goldens(board, trained, tmp_path):
    images = trained.splits.x_test[:2]
    runs = maps_on_device(trained, images, tmp_path, board)
    assert [made.layer.name for made in runs] == ["conv_1", "pool_1", "conv_2", "pool_2"]
    assert len({made.run for made in runs}) == 1  # one firmware
    for made in runs:
        assert made.run.board == board.name and made.different == 0 and made.compared == 2 * np.prod(made.layer.shape)
        assert np.array_equal(made.maps, feature_maps(trained, made.layer, images))


@pytest.mark.parametrize(
    "damage, words",
    [
        (lambda folder: (folder / "model.tflite").unlink(), "there is no"),
        (lambda folder: (folder / SPLITS_FILE).unlink(), "no pictures to look into it with"),
        (lambda folder: (folder / LABELS_FILE).write_text("a\nb\n"), "classes of another model"),
        (lambda folder: (folder / "model.tflite").write_bytes(b"nothing at all"), "not a readable .tflite"),
    ],
)
def test_a_folder_that_is_no_trained_model_is_refused_in_one_line(model, damage, words):
    damage(model)
    with pytest.raises(UserError) as refusal:
        load_trained(model)
    assert words in refusal.value.message and "\n" not in refusal.value.message


def test_a_model_without_a_convolution_has_nothing_to_show(model):
    b = ModelBuilder()
    x, pooled, flat, y = (
        b.tensor(shape, 1 / 255, -128) for shape in ((1, 28, 28, 1), (1, 14, 14, 1), (1, 196), (1, 10))
    )
    b.max_pool2d(x, pooled, (2, 2), (2, 2))
    b.reshape(pooled, flat)
    weights = b.constant(np.ones((10, 196), np.int8), [0.01]), b.constant(np.zeros(10, np.int32), [0.01 / 255])
    b.dense([flat, *weights], y)
    (model / "model.tflite").write_bytes(b.build([x], [y]))
    with pytest.raises(UserError, match="no convolution whose output is a picture"):
        load_trained(model)


def test_images_of_a_class_are_test_images_of_that_class(trained, model):
    splits = load_splits(model / SPLITS_FILE)
    assert np.array_equal(images_of(trained, 7, 4), splits.x_test[splits.y_test == 7][:4])
