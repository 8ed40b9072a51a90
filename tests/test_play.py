"""The playing page's parts, without a browser: the module's bytes, filters, the protocol, the script."""

from __future__ import annotations

import base64
import re
import zlib
from dataclasses import replace

import numpy as np
import pytest
from conftest import DEMO_MODEL
from every_op import schema_options
from needs import golden, portable, tensorflow
from page_check import faults
from web import node

from tinyproof.boards import BOARDS
from tinyproof.console import UserError
from tinyproof.cores import PLAIN, WEB
from tinyproof.export.conversion.wanted_pixels import scaled
from tinyproof.export.device_input import device_bytes
from tinyproof.export.emit import export_model, write_export
from tinyproof.export.emit_settings import tensor_info
from tinyproof.export.golden import Golden
from tinyproof.export.lower import lower
from tinyproof.export.pixels import candidates, taken
from tinyproof.export.tflite_reader import read_graph
from tinyproof.export.tflite_writer import ModelBuilder
from tinyproof.firmware.build import image_path
from tinyproof.firmware.web_module import build_web_module
from tinyproof.made import fingerprint, remember
from tinyproof.manifest import TensorInfo, load_manifest, save_manifest
from tinyproof.model_files import load_splits
from tinyproof.training.lab.convolution import convolve, pool
from tinyproof.training.lab.filters import NAMED, as_filter
from tinyproof.training.lab.int8_layer import int8_layer, quantize
from tinyproof.training.lab.trained import feature_maps, first_filters, layer_bytes, load_trained, read_layers
from tinyproof.training.play import ascent, content
from tinyproof.training.play.bundle import MODULES, bundle
from tinyproof.training.play.content import chosen_pictures
from tinyproof.training.play.elsewhere import Origin, origin_of, sources_state
from tinyproof.training.play.gradients import gradients
from tinyproof.training.play.playable import kind_of, load_playable
from tinyproof.training.play.stage import make_page
from tinyproof.training.play.weights import places

pytestmark = portable
MAX_LINES = 300


@pytest.fixture(scope="session")
def page(tmp_path_factory):
    return make_page(DEMO_MODEL, tmp_path_factory.mktemp("play") / "play.html", dreams=False)


@pytest.fixture(scope="session")
def answers(page):
    return node("engine.mjs", page)


@golden
def test_the_module_gives_the_goldens_bytes_for_every_picture_of_the_page(answers):
    trained = load_trained(DEMO_MODEL)
    rows = chosen_pictures(trained.splits.y_test, 28 * 28)
    assert answers["count"] == len(rows) >= 100
    assert (answers["wrong"], answers["unlike"], answers["failures"], answers["vectors"]) == (0, 0, 0, 6)
    model, pictures = Golden(trained.tflite), trained.splits.x_test[rows]
    assert answers["first"] == pictures[0].reshape(-1).tolist()
    x = tensor_info(trained.graph.tensors[trained.graph.inputs[0]])
    exact = [np.frombuffer(model.run_bytes(row.tobytes()), np.int8).tolist() for row in device_bytes(x, pictures)]
    assert answers["outputs"] == exact


@golden
def test_inner_products_of_any_length_are_the_goldens(tmp_path):
    """Vectors of eight and sixteen, and what is left over."""
    b, rng = ModelBuilder(), np.random.default_rng(3)
    scale, x = 1e-9, b.tensor((1, 47), 1e-9)
    first, seen = x, 47
    for size in (1, 33, 32, 31, 25, 24, 23, 17, 16, 15, 9, 8, 7, 10):
        scale *= 90 * seen**0.5  # so that the bytes keep their range
        weights = b.constant(rng.integers(-128, 128, (size, seen)).astype(np.int8))
        above, x, seen = x, b.tensor((1, size), scale), size
        b.dense([above, weights], x)
    content = b.build([first], [x])
    inputs = np.concatenate([rng.integers(-128, 128, (20, 47)), np.full((1, 47), -128), np.full((1, 47), 127)])
    write_export(tmp_path, content, export_model(content, "lengths", "lengths", (), None))
    (tmp_path / "module.wasm").write_bytes(build_web_module(tmp_path).wasm)
    found = node("module.mjs", tmp_path / "module.wasm", data={"inputs": inputs.tolist(), "size": 10})
    expected = [Golden(content).run_bytes(row.astype(np.int8).tobytes()) for row in inputs]
    assert [np.array(row, np.int8).tobytes() for row in found] == expected
    assert len(set(expected)) > 10


@golden
def test_convolutions_of_any_window_and_any_number_of_filters_are_the_goldens(tmp_path):
    """Windows below, of and above whole vectors; filters that are no multiple of four; the extremes of every byte."""
    b, rng = ModelBuilder(), np.random.default_rng(5)
    scale, x, seen = 1e-9, b.tensor((1, 6, 6, 1), 1e-9), 1
    first = x
    for kernel, filters in ((1, 4), (3, 5), (3, 8), (1, 7), (2, 2), (2, 9), (3, 1), (3, 6), (1, 3), (3, 4)):
        steps = rng.uniform(0.5, 1.0, filters)  # a scale for each filter
        bias = b.constant(rng.integers(-9000, 9000, filters).astype(np.int32), list(scale * steps))
        scale *= 70 * (kernel * kernel * seen) ** 0.5  # so that the bytes keep their range
        weights = rng.integers(-128, 128, (filters, kernel, kernel, seen)).astype(np.int8)
        weights.flat[0], weights.flat[-1] = -128, 127
        above, x, seen = x, b.tensor((1, 6, 6, filters), scale, filters - 5), filters
        b.conv2d([above, b.constant(weights, list(steps)), bias], x, padding="SAME")
    content = b.build([first], [x])
    inputs = np.concatenate([rng.integers(-128, 128, (20, 36)), np.full((1, 36), -128), np.full((1, 36), 127)])
    write_export(tmp_path, content, export_model(content, "windows", "windows", (), None))
    (tmp_path / "module.wasm").write_bytes(build_web_module(tmp_path).wasm)
    found = node("module.mjs", tmp_path / "module.wasm", data={"inputs": inputs.tolist(), "size": 36 * seen})
    expected = [Golden(content).run_bytes(row.astype(np.int8).tobytes()) for row in inputs]
    assert [np.array(row, np.int8).tobytes() for row in found] == expected
    assert len(set(expected)) > 10


def test_every_map_of_the_page_is_the_layers_own_byte_for_byte(answers):
    trained = load_trained(DEMO_MODEL)
    rows = chosen_pictures(trained.splits.y_test, 28 * 28)
    last = trained.splits.x_test[rows[-1:]]
    shown = [layer for layer in trained.layers if layer.op.name != "RESHAPE"]
    assert [name for name, _ in answers["tensors"]] == [layer.name for layer in shown]
    maps = layer_bytes(trained, shown, last)
    assert [values for _, values in answers["tensors"]] == [values.reshape(-1).tolist() for values in maps]


def test_the_filters_of_the_page_are_the_models(answers):
    filters = dict(answers["filters"])
    assert filters["conv_1"] == pytest.approx(first_filters(load_trained(DEMO_MODEL))[1].reshape(-1).tolist())
    assert len(filters["conv_2"]) == 3 * 3 * 16


def test_weights_are_found_where_each_kernel_has_them():
    rng, b = np.random.default_rng(4), ModelBuilder()
    x, y, z = (b.tensor((1, 9, 9, c), 0.05) for c in (3, 13, 13))
    filters, planes = (rng.integers(-127, 128, shape, np.int8) for shape in ((13, 3, 3, 3), (1, 3, 3, 13)))
    bias = b.constant(np.zeros(13, np.int32), [0.0005])
    b.conv2d([x, b.constant(filters, [0.01]), bias], y, padding="SAME")
    b.depthwise_conv2d([y, b.constant(planes, [0.01]), bias], z, padding="SAME")
    found = lower(read_graph(b.build([x], [z]), "model.tflite"))
    own = filters.reshape(13, -1), planes.reshape(9, 13).T
    for program in (found.program(PLAIN), found.call_by_call(WEB)):
        for step, weights in zip(program.steps, own, strict=True):
            at = places(step.params)
            np.testing.assert_array_equal(step.params.weights.reshape(-1)[at], weights)
            np.testing.assert_array_equal(at, at[:, :1] + at[0] - at[0, 0])
    assert [step.kernel.name for step in program.steps] == ["conv2d_simd", "depthwise_conv2d_simd"]


def test_the_module_holds_the_constants_that_were_exported(answers, page):
    assert answers["model"] == load_manifest(DEMO_MODEL).model_sha256
    assert f'"constants_sha256":"{answers["constants"]}"' in page.read_text()


def test_filters_are_computed_as_in_numpy_and_int8_as_on_the_chip():
    random = np.random.default_rng(3)
    picture = random.integers(0, 256, (23, 30), np.uint8)
    own = [as_filter(np.round(random.normal(0, 2, shape), 2)) for shape in [(3, 3), (5, 5), (2, 4), (3, 3)]]
    plans = [
        (filter_, stride, padding)
        for filter_ in (*NAMED.values(), *own)
        for stride in (1, 2, 3)
        for padding in ("margin", "same", "valid")
    ]
    cases = [
        {"filter": {"rows": f.rows, "weight": f.weight}, "stride": stride, "padding": padding, "int8": int8}
        for f, stride, padding in plans
        for int8 in (False, True)
    ]
    data = {"width": 30, "height": 23, "pixels": picture.reshape(-1).tolist(), "cases": cases}
    made = iter(node("filters.mjs", data=data))
    for filter_, stride, padding in plans:
        plain, chip = next(made), next(made)
        expected = convolve(picture, filter_, stride=stride, padding=padding)
        assert plain["pixels"] == expected.reshape(-1).tolist(), (filter_, stride, padding)
        assert plain["max"] == pool(expected).reshape(-1).tolist()
        assert plain["average"] == pool(expected, "average").reshape(-1).tolist()
        weights, scale = quantize(filter_)
        assert chip["quantized"]["rows"] == weights.tolist(), filter_
        assert chip["quantized"]["scale"] == pytest.approx(scale, rel=1e-12)
        if padding == "valid":
            layer = int8_layer([filter_], stride)
            answer = layer.reference((picture.astype(int) - 128).astype(np.int8)[None])[0, :, :, 0].astype(int) + 128
            assert chip["pixels"] == answer.reshape(-1).tolist(), (filter_, stride)


def test_the_page_speaks_the_protocol_with_real_firmware(page, answers, built):
    folder, _ = built
    heard = node("serial.mjs", page, image_path(folder, BOARDS["host"]))
    assert (heard["board"], heard["engine"]) == ("host", "compiled")
    assert heard["sha256"] == load_manifest(DEMO_MODEL).model_sha256
    assert heard["inputs"][0]["shape"] == [1, 28, 28, 1]
    assert heard["outputs"] == [answers["outputs"][i % answers["count"]] for i in range(270)]
    assert "not as long as the model's input" in heard["refused"]
    assert heard["requests"] >= 270 + 2 + 2  # a hello, the refused one, and the two that were lost


@tensorflow
def test_each_step_of_the_climb_excites_the_model_more(monkeypatch):
    monkeypatch.setattr(ascent, "STEPS", (0, 12))
    trained = load_trained(DEMO_MODEL)
    found = ascent.ascent(origin_of(DEMO_MODEL, load_manifest(DEMO_MODEL)), trained)
    assert [(trained.layers[climb.layer].name, climb.start) for climb in found.climbs] == [
        (name, start) for name in ("conv_1", "conv_2", "dense_2") for start in ("noise", "picture")
    ]
    for climb in found.climbs:
        layer = trained.layers[climb.layer]
        rows = np.frombuffer(zlib.decompress(base64.b64decode(climb.pixels)), np.uint8).reshape(-1, 28, 28, 1)
        before, after = np.split(np.cumsum(rows, axis=2, dtype=np.uint8), 2)
        own = range(climb.filters)
        excited = [
            feature_maps(trained, layer, kept).reshape(climb.filters, -1, layer.shape[-1]).mean(1)[own, own]
            for kept in (before, after)
        ]
        assert (excited[1] >= excited[0] - 1e-6).all() and excited[1].sum() > excited[0].sum(), climb.start


@tensorflow
def test_gradients_of_keras_tell_the_pixels_of_a_picture_that_matter():
    trained = load_trained(DEMO_MODEL)
    rows = chosen_pictures(trained.splits.y_test, 28 * 28)
    found = gradients(origin_of(DEMO_MODEL, load_manifest(DEMO_MODEL)), trained, rows, [0, 30])
    labels = trained.splits.y_test[rows[[0, 30]]]
    assert {(0, labels[0]), (30, labels[1])} <= {(one.picture, one.label) for one in found} and len(found) >= 4
    for one in found:
        saliency = np.frombuffer(zlib.decompress(base64.b64decode(one.saliency)), np.uint8).reshape(28, 28)
        picture = trained.splits.x_test[rows[one.picture], :, :, 0]
        near = picture[4:24, 4:24].any() and saliency[4:24, 4:24].mean() > 2 * saliency[[0, 1, 26, 27]].mean()
        assert near and saliency.max() == 255 and one.cam_shape in {(5, 5), (0, 0)}
    assert gradients(None, trained, rows, [0]) == []


@pytest.mark.parametrize("pixels", candidates(3))
def test_a_network_from_elsewhere_gets_pixels_as_it_was_quantized_with(pixels):
    images = np.random.default_rng(2).integers(0, 256, (2, 3, 4, 3), np.uint8)
    given = Origin(DEMO_MODEL, taken(pixels)).given(images.astype(np.float32) / 255)
    assert given.dtype == np.float32 and np.allclose(given, scaled(images, pixels), rtol=1e-5, atol=1e-4)


def from_elsewhere(model, lying):
    """The demo's model as one that came by KERAS= and CALIBRATION=, which lie in another folder."""
    network, pictures = lying / "net.keras", lying / "pictures.npz"
    network.write_bytes((model / "model.keras").read_bytes())
    splits = load_splits(model / "splits.npz")
    np.savez(pictures, x=splits.x_test[:60], y=splits.y_test[:60])
    without_pictures(model)
    noted = {"network": fingerprint(network), "keras": str(network), "calibration": str(pictures)}
    remember(model, "quantize", "", [model / "model.tflite"], noted)
    return network, pictures


def test_a_model_from_elsewhere_is_looked_into_with_what_it_was_made_of_while_that_lies_there(model, tmp_path):
    manifest = load_manifest(model)
    assert origin_of(model, manifest).keras == model / "model.keras"
    network, pictures = from_elsewhere(model, tmp_path)
    manifest = load_manifest(model)
    trained = load_playable(model, manifest).model
    assert origin_of(model, manifest).keras == network and len(trained.splits.x_test) == 60
    assert content._test_pictures(trained, np.arange(60)).noun == "calibration picture"
    assert trained.splits.y_test.tolist() == load_splits(DEMO_MODEL / "splits.npz").y_test[:60].tolist()
    state = sources_state(model)
    network.write_bytes(network.read_bytes() + b" ")  # another one
    pictures.unlink()
    assert origin_of(model, manifest) is None and sources_state(model) != state
    assert len(load_playable(model, manifest).model.splits.x_test) == 0


def test_what_a_strangers_folder_names_as_its_own_is_not_looked_at(model, tmp_path):
    from_elsewhere(model, tmp_path)
    record = model / ".made.json"
    record.write_text(record.read_text().replace("net.keras", "else.keras"))
    assert sources_state(model) == fingerprint()
    assert len(load_playable(model, load_manifest(model)).model.splits.x_test) == 0


def without_pictures(model, **changed):
    """As a model from elsewhere is exported: no test pictures, no names of classes."""
    for name in ("splits.npz", "labels.txt", "model.keras"):
        (model / name).unlink()
    save_manifest(model, replace(load_manifest(model), labels=(), **changed))
    return model


def test_a_model_from_elsewhere_has_a_page_to_draw_on(model):
    playable = load_playable(without_pictures(model), load_manifest(model))
    trained = playable.model
    assert trained.labels[3] == "class 3" and trained.splits.x_test.shape == (0, 28, 28, 1)
    assert playable.kind == "shares" and content._median(trained.splits.x_test) == (0,)
    assert content._median(np.full((3, 4, 4, 3), 255, np.uint8)) == (255, 255, 255)


@pytest.mark.parametrize(
    "last, outputs, said, kind",
    [
        ("SOFTMAX", 10, "class", "shares"),
        ("FULLY_CONNECTED", 10, "", "scores"),
        ("FULLY_CONNECTED", 10, "numbers", "numbers"),
        ("FULLY_CONNECTED", 1, "", "numbers"),
        ("LOGISTIC", 1, "class", "decisions"),
        ("LOGISTIC", 10, "decisions", "decisions"),
        ("FULLY_CONNECTED", 10, "decisions", "scores"),
    ],
)
def test_outputs_are_what_the_last_op_and_the_quantization_say(last, outputs, said, kind):
    layers = [replace(layer, op=replace(layer.op, name=last)) for layer in load_trained(DEMO_MODEL).layers]
    assert kind_of(layers, TensorInfo("y", (1, outputs), "int8", 1 / 256, -128), said) == kind


def test_a_mean_of_maps_slides_no_window():
    b = ModelBuilder()
    x, y = b.tensor((1, 5, 5, 4), 0.1, 0), b.tensor((1, 4), 0.1, 0)
    b.op(
        "MEAN",
        [x, b.constant(np.array([1, 2], np.int32), None)],
        [y],
        schema_options("ReducerOptionsT", keepDims=False),
    )
    assert [layer.window for layer in read_layers(read_graph(b.build([x], [y]), "built"))] == [None]


@pytest.mark.parametrize(
    "changed, words",
    [
        ({"pixel_input": False}, "this model takes 28x28x1, which are no pixels"),
        ({"inputs": 2}, "this model takes 28x28x1, 28x28x1"),
        ({"outputs": 2}, "this model gives 10, 10"),
        ({"outputs": (1, 2, 5, 1)}, "this model gives 2x5x1"),
    ],
)
def test_a_model_of_something_else_than_one_picture_is_refused(model, changed, words):
    manifest = load_manifest(model)
    name, value = next(iter(changed.items()))
    if name != "pixel_input":
        ends = getattr(manifest, name)
        value = ends * value if isinstance(value, int) else (replace(ends[0], shape=value),)
    with pytest.raises(UserError, match=re.escape(words)):
        load_playable(model, replace(manifest, **{name: value}))


@pytest.mark.parametrize(
    "side, expected", [(28, ((0, 2, 5, 12, 30, 70), 3, 16)), (64, ((0, 12, 70), 2, 6)), (400, ((0, 12, 70), 2, 0))]
)
def test_large_pictures_that_excite_are_fewer(side, expected):
    steps, targets, most = ascent._affordable(
        {0: "first", 2: "last", 5: "classes"}, side * side * (3 if side > 28 else 1)
    )
    assert (steps, len(targets), most) == expected and "classes" in targets.values()


def test_a_second_time_nothing_is_made_again(model, command):
    words = [command("play", "--model", model, "--no-dreams").stdout for _ in range(2)]
    assert "wrote" in words[0] and "is there already" in words[1]
    assert (model / "play.html").is_file()
    assert "wrote" in command("play", "--model", model, "--no-dreams", "--out", model / "other.html").stdout


def test_a_model_that_was_not_exported_gets_no_page(command, tmp_path):
    result = command("play", "--model", tmp_path)
    assert result.returncode == 2 and "make export" in result.stderr and list(tmp_path.iterdir()) == []


def test_the_page_is_well_formed_and_needs_nothing_from_elsewhere(page):
    text = page.read_text()
    without_scripts = re.sub(r"<script.*?</script>", "", text, flags=re.DOTALL)
    assert faults(without_scripts) == []
    assert not re.search(r"https?://(?!www\.w3\.org)", text)
    assert len(text.encode()) < 1_500_000


@pytest.mark.parametrize("path", sorted(MODULES.glob("*.js")), ids=lambda path: path.name)
def test_a_module_of_the_page_has_one_purpose_and_says_which(path):
    text = path.read_text()
    assert text.startswith("// ") and text.count("\n") <= MAX_LINES
    assert max(map(len, text.splitlines())) <= 150
    assert path.name in {"main.js"} or f'"./{path.name}"' in "".join(p.read_text() for p in MODULES.glob("*.js"))


IMPORTING = 'import { a } from "./b.js";\n'


@pytest.mark.parametrize(
    "main, other, words",
    [
        (f"{IMPORTING}const c = a;\n", "export const a = 1;\nconst c = 2;\n", "c is defined by"),
        (IMPORTING, 'import { x } from "./main.js";\nexport const a = 1;\n', "import each other"),
        ('import * as b from "./b.js";\n', "", "not a form of import"),
        ("const end = '</script>';\n", "", "its own end"),
    ],
)
def test_modules_that_would_not_work_as_one_script_are_refused(main, other, words, tmp_path):
    (tmp_path / "main.js").write_text(main)
    (tmp_path / "b.js").write_text(other)
    with pytest.raises(ValueError, match=re.escape(words)):
        bundle(folder=tmp_path)
