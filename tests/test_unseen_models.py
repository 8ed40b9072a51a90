"""Networks and files as people have them, beyond the first kinds: what they take, what they answer, what they are."""

from __future__ import annotations

import json
import pickle
import zipfile
from pathlib import Path
from typing import Any

import needs
import numpy as np
import pytest
from click.testing import CliRunner, Result
from training_sets import assert_one_line

from tinyproof.console import UserError
from tinyproof.export.commands import quantize as command_line
from tinyproof.export.foreign_files import foreign, foreign_folder
from tinyproof.export.lower import lower
from tinyproof.export.pixels import candidates, taken
from tinyproof.export.tflite_reader import read_graph
from tinyproof.fidelity import FIDELITY_FILE

SIDE = 8


def blobs(seed: int, count: int) -> tuple[Any, Any]:
    """Pictures uint8 (N,8,8,3) with a warm (0, 1) or a cold (2, 3) half, above (0, 2) or below; and which it is."""
    rng = np.random.default_rng(seed)
    y = rng.integers(0, 4, count)
    x = rng.normal(110, 20, (count, SIDE, SIDE, 3))
    for row, place in enumerate(y):
        tint = np.array([70, 0, -70]) * (1 if place < 2 else -1)
        x[row, 4 * (place % 2) :][:4] += tint
    return np.clip(np.rint(x), 0, 255).astype(np.uint8), y


def fitted(see: Any, *ends: Any, loss: str = "sparse_categorical_crossentropy", target: Any = None) -> Any:
    import keras

    k = keras.layers
    keras.utils.set_random_seed(2)
    last = ends or (k.Dense(4, activation="softmax"),)
    network = keras.Sequential(
        [keras.Input((SIDE, SIDE, 3)), k.Conv2D(6, 3, activation="relu"), k.Flatten(), k.Dense(16, "relu"), *last]
    )
    network.compile(keras.optimizers.Adam(0.01), loss)
    x, y = blobs(0, 300)
    network.fit(see(x.astype(np.float32)), y if target is None else target(y), epochs=6, verbose=0)
    return network


def quantize(network: Any, folder: Path, *more: str, **samples: Any) -> Result:
    """Save the network and the samples x (and y) in the folder, and quantize it into `out` there."""
    network.save(folder / "net.keras")
    np.savez(folder / "samples.npz", **samples)
    arguments = ["--keras", str(folder / "net.keras"), "--calibration", str(folder / "samples.npz")]
    return CliRunner().invoke(command_line.command, ["--model", str(folder / "out"), *arguments, *more])


def measured(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / "out" / FIDELITY_FILE).read_text())
    return found


def on_device(folder: Path, images: Any) -> Any:
    """The int8 model's scores (N,classes) for images uint8, a byte of the input a pixel less 128."""
    from tinyproof.export.golden import Golden

    golden = Golden((folder / "out" / "model.tflite").read_bytes())
    return np.stack([golden.run((image.astype(int) - 128).astype(np.int8)[np.newaxis]).ravel() for image in images])


def caffe(x: Any) -> Any:
    return x[..., ::-1] - np.array([103.939, 116.779, 123.68], np.float32)


@needs.tensorflow
@needs.golden
@pytest.mark.parametrize(
    ("see", "pixels"), [(lambda x: x[..., ::-1] / 255, "bgr:0..1"), (caffe, "caffe")], ids=["bgr", "caffe"]
)
def test_blue_first_and_pixels_less_a_mean_are_found_from_labels(tmp_path, see, pixels):
    x, y = blobs(1, 200)
    result = quantize(fitted(see), tmp_path, x=x, y=y)
    assert result.exit_code == 0 and f"pixels {pixels}: " in result.output, result.output
    assert "blue first" in " ".join(result.output.split())
    assert measured(tmp_path)["accuracy_int8"] > 0.9
    unseen, labels = blobs(2, 100)
    assert (on_device(tmp_path, unseen).argmax(1) == labels).mean() > 0.9


@needs.tensorflow
@needs.golden
def test_any_range_of_pixels_can_be_asked_for_and_another_word_is_refused(tmp_path):
    network = fitted(lambda x: x / 64 - 3)
    x, y = blobs(1, 120)
    assert quantize(network, tmp_path, "--pixels", "-3..0.984375", x=x).exit_code == 0
    assert (on_device(tmp_path, x).argmax(1) == y).mean() > 0.9
    assert_one_line(
        quantize(network, tmp_path, "--pixels", "bgr", x=x), "unknown range of pixels 'bgr'", "torch or caffe"
    )


@needs.tensorflow
@pytest.mark.parametrize(
    ("mean", "deviation", "pixels"),
    [(33.0, 10.0, "0..255"), (240.0, 20.0, "0..255"), (0.13, 0.31, "0..1"), (0.9, 0.05, "0..1")],
)
def test_black_and_white_are_not_scaled_to_about_the_same(mean, deviation, pixels):
    """A mean taken off pixels that are all far smaller leaves nothing of a picture."""
    import keras

    from tinyproof.export.conversion.wanted_pixels import wanted_pixels

    front = keras.Sequential([keras.Input((8, 8, 1)), keras.layers.Normalization(mean=mean, variance=deviation**2)])
    network = keras.Sequential([front, keras.layers.Conv2D(2, 3)])
    images = np.random.default_rng(1).integers(0, 256, (4, 8, 8, 1), np.uint8)
    assert wanted_pixels(network, images, None)[0] == pixels


def test_labels_in_another_order_are_not_taken_for_black_in_the_place_of_white():
    from tinyproof.export.conversion.wanted_pixels import wanted_pixels

    def network(x: Any, training: bool) -> Any:
        """Bright pictures are of class 1."""
        bright = 1 / (1 + np.exp(-40 * (np.asarray(x).mean((1, 2, 3)) - 0.5)))
        return np.stack([1 - bright, bright], 1)

    rng = np.random.default_rng(0)
    y = rng.integers(0, 2, 200)
    images = (rng.integers(0, 60, (200, 4, 4, 1)) + 180 * y[:, np.newaxis, np.newaxis, np.newaxis]).astype(np.uint8)
    keras_like = type("Network", (), {"__call__": lambda self, x, training: network(x, training)})()
    keras_like.layers = []
    assert wanted_pixels(keras_like, images, y, "crossentropy")[0] == "0..1"
    assert wanted_pixels(keras_like, images, 1 - y, "crossentropy")[0] == "0..1"


@needs.tensorflow
def test_pixels_less_a_mean_are_suspected_without_labels_and_pixels_as_they_are_are_not():
    from tinyproof.export.conversion.wanted_pixels import wanted_pixels

    for see, is_suspected in ((lambda x: x - 128, True), (lambda x: x, False)):
        name, why = wanted_pixels(fitted(see), blobs(1, 120)[0], None)
        assert name == "0..255" and ("sharper less a mean" in why and "PIXELS=caffe" in why) == is_suspected, why


@needs.tensorflow
@pytest.mark.parametrize(
    ("see", "momentum", "pixels", "says"),
    [
        (caffe, 0.5, "caffe", "fit this range best"),
        (lambda x: x / 255, 0.99, "0..1", "once a short training is allowed for"),
        (lambda x: x, 0.99, "0..255", "once a short training is allowed for"),
        (lambda x: x / 255, 0.9999, "0..1", "fit 0..1 and -1..1 alike; "),
    ],
    ids=["caffe", "unit", "bytes", "hardly"],
)
def test_statistics_of_batch_normalization_tell_pixels_without_labels(see, momentum, pixels, says):
    """After three epochs: a momentum near 1 leaves the statistics near where they start."""
    import keras

    from tinyproof.export.conversion.wanted_pixels import wanted_pixels

    k = keras.layers
    keras.utils.set_random_seed(2)
    ends = [k.BatchNormalization(momentum=momentum), k.ReLU(), k.Flatten(), k.Dense(4, activation="softmax")]
    network = keras.Sequential([keras.Input((SIDE, SIDE, 3)), k.Conv2D(6, 3, use_bias=False), *ends])
    network.compile("adam", "sparse_categorical_crossentropy")
    x, y = blobs(0, 300)
    network.fit(see(x.astype(np.float32)), y, epochs=3, verbose=0)
    name, why = wanted_pixels(network, blobs(1, 120)[0], None)
    assert name == pixels and says in why


@needs.tensorflow
def test_answers_for_every_place_of_a_picture_tell_the_range_too_and_numbers_are_said_to_tell_nothing():
    import keras

    from tinyproof.export.conversion.wanted_pixels import wanted_pixels

    k = keras.layers
    keras.utils.set_random_seed(2)
    pixels = keras.Input((SIDE, SIDE, 3))
    network = keras.Model(pixels, k.Conv2D(2, 1, activation="softmax")(k.Conv2D(6, 3, 1, "same")(pixels)))
    network.compile(keras.optimizers.Adam(0.01), "sparse_categorical_crossentropy")
    x = blobs(0, 200)[0]
    network.fit(x.astype(np.float32), (x[..., 0] > x[..., 2]) * 1, epochs=6, verbose=0)
    assert wanted_pixels(network, blobs(1, 120)[0], None)[0] == "0..255"
    scores = keras.Model(pixels, k.Conv2D(2, 1)(network.layers[1].output))
    name, why = wanted_pixels(scores, blobs(1, 120)[0], None, "mse")
    assert name == "0..1" and why.startswith("this is assumed")


@needs.tensorflow
@needs.golden
@pytest.mark.parametrize("kind", ["map", "row"])
def test_a_network_of_maps_or_rows_of_pixels_takes_pictures_in_the_range_that_it_was_trained_on(tmp_path, kind):
    """As the first lesson of TensorFlow has it, Flatten(input_shape=(28, 28)), with the arrays of an mnist.npz; labels
    as words, or counted from 1.
    """
    import keras

    k = keras.layers
    keras.utils.set_random_seed(2)
    x, y = (values[..., 0] if values.ndim == 4 else values % 2 for values in blobs(0, 400))
    begin = [keras.Input((SIDE, SIDE)), k.Flatten()] if kind == "map" else [keras.Input((SIDE * SIDE,))]
    network = keras.Sequential([*begin, k.Dense(16, "relu"), k.Dense(2)])
    network.compile(keras.optimizers.Adam(0.01), keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    x, y = np.where((np.arange(SIDE) < 4)[:, np.newaxis] == y[:, np.newaxis, np.newaxis], x, x // 2), y
    rows = x if kind == "map" else x.reshape(len(x), -1)
    network.fit(rows[:300] / 255, y[:300], epochs=6, verbose=0)
    arrays = {"x_train": rows[300:], "y_train": np.array(["off", "on"])[y[300:]], "x_test": rows[:3], "y_test": y[:3]}
    given = arrays if kind == "map" else {"x": rows[300:], "y": y[300:] + 1}
    result = quantize(network, tmp_path, **given)
    said = " ".join(result.output.split())
    assert result.exit_code == 0 and "is taken as a grey picture (8, 8)" in said, said
    assert ("classes count in the order off, on" if kind == "map" else "they are taken as one less") in said
    assert measured(tmp_path)["pixels"] == "0..1" and measured(tmp_path)["accuracy_int8"] > 0.9
    assert (on_device(tmp_path, x[300:, ..., np.newaxis]).argmax(1) == y[300:]).mean() > 0.9


def numbers(y: Any) -> Any:
    """Of class 0..3 a number of hundreds and one below one."""
    return np.stack([1000 + 100.0 * y, y / 4], 1)


@needs.tensorflow
def test_numbers_are_held_against_float_by_how_they_differ_and_small_ones_that_drown_are_said(tmp_path):
    import keras

    k = keras.layers
    keras.utils.set_random_seed(3)
    network = keras.Sequential([keras.Input((SIDE, SIDE, 3)), k.Rescaling(1 / 255), k.Flatten(), k.Dense(2)])
    network.layers[-1].set_weights(
        [np.random.default_rng(0).normal(0, 1, (192, 2)) * [100, 0.1], np.array([1000.0, 0.5])]
    )
    network.compile("adam", "mse")
    result = quantize(network, tmp_path, "--accept-loss", x=blobs(1, 80)[0])
    assert result.exit_code == 0, result.output
    found = measured(tmp_path)
    assert found["agreement"] is None and "keeps little of output 1 of 2" in found["cautions"][0]
    assert "was it trained?" not in result.output
    assert found["layers"][-1]["name"].startswith("dense")


@needs.tensorflow
def test_decisions_are_counted_each_by_itself(tmp_path):
    import keras

    decide = keras.layers.Dense(2, activation="sigmoid")
    network = fitted(
        lambda x: x / 255, decide, loss="binary_crossentropy", target=lambda y: np.stack([y // 2, y % 2], 1)
    )
    result = quantize(network, tmp_path, x=blobs(1, 100)[0])
    assert result.exit_code == 0 and "was it trained?" not in result.output, result.output
    assert measured(tmp_path)["agreement"] > 0.9


def test_agreement_of_decisions_sees_what_the_largest_score_does_not():
    pytest.importorskip("keras")
    from tinyproof.export.conversion.answers import Answers, agreeing, outputs_snr_db

    exact = np.array([[0.9, 0.8], [0.9, 0.1], [0.9, 0.51]], np.float32)
    int8 = np.array([[0.9, 0.2], [0.9, 0.1], [0.9, 0.49]], np.float32)
    assert agreeing(Answers.DECISIONS, exact, int8) == 2 and agreeing(Answers.CLASS, exact, int8) == 3
    constant = np.full((4, 1), 300.0, np.float32)
    varied = constant + np.arange(4, dtype=np.float32)[:, np.newaxis]
    assert outputs_snr_db(Answers.NUMBERS, varied, constant) < 3 < 40 < outputs_snr_db(Answers.CLASS, varied, constant)


@needs.tensorflow
def test_features_that_differ_in_size_are_named_with_the_layer_that_scales_them_too_late(tmp_path):
    import keras

    k = keras.layers
    keras.utils.set_random_seed(1)
    rng = np.random.default_rng(0)
    x = np.stack([rng.uniform(0, 1, 200), rng.uniform(0, 90000, 200)], 1).astype(np.float32)
    scale = k.Normalization(name="scale")
    scale.adapt(x)
    network = keras.Sequential([keras.Input((2,)), scale, k.Dense(8, "relu"), k.Dense(2)])
    network.compile("adam", "mse")
    refused = quantize(network, tmp_path, x=x)
    assert_one_line(refused, "feature 0 of 2", "before the network, not within it (layer 'scale')")
    assert not (tmp_path / "out").exists()


def small(*layers: Any, shape: tuple[Any, ...] = (SIDE, SIDE, 3)) -> Any:
    import keras

    k = keras.layers
    return keras.Sequential([keras.Input(shape), *layers, k.Flatten(), k.Dense(3, activation="softmax")])


def any_size() -> Any:
    import keras

    k = keras.layers
    layers = [
        k.Rescaling(1 / 255),
        k.Conv2D(3, 3, activation="relu"),
        k.GlobalAveragePooling2D(),
        k.Dense(3, activation="softmax"),
    ]
    return keras.Sequential([keras.Input((None, None, 3)), *layers])


def one_in_dictionaries() -> Any:
    import keras

    k = keras.layers
    x = keras.Input((SIDE, SIDE, 3), name="photo")
    y = k.Dense(3, activation="softmax")(k.Flatten()(k.Rescaling(1 / 255)(x)))
    return keras.Model({"photo": x}, {"class": y})


def augmented() -> Any:
    import keras

    k = keras.layers
    return small(k.RandomHue(0.1), k.RandomGrayscale(0.5), k.Rescaling(1 / 255), k.Conv2D(3, 3, activation="relu"))


def named_by_hand() -> Any:
    import keras

    k = keras.layers
    layers = [k.Rescaling(1 / 255), k.Conv2D(3, 3, name='my conv "*" ü'), k.Flatten(), k.Dense(3, activation="softmax")]
    return keras.Sequential([keras.Input((SIDE, SIDE, 3)), *layers], name="my model")


def of_doubles() -> Any:
    import keras

    keras.config.set_dtype_policy("float64")
    try:
        k = keras.layers
        layers = [k.Rescaling(1 / 255), k.Conv2D(3, 3), k.Flatten(), k.Dense(3, activation="softmax")]
        return keras.Sequential([keras.Input((SIDE, SIDE, 3)), *layers])
    finally:
        keras.config.set_dtype_policy("float32")


def steps_of_any_number() -> Any:
    import keras

    k = keras.layers
    return keras.Sequential([keras.Input((None, 3)), k.LSTM(4), k.Dense(3, activation="softmax")])


@needs.tensorflow
@pytest.mark.parametrize(
    "make", [any_size, steps_of_any_number, one_in_dictionaries, augmented, named_by_hand, of_doubles]
)
def test_networks_of_any_size_or_name_of_dictionaries_of_one_and_with_augmentation_convert(tmp_path, make):
    import keras

    keras.utils.set_random_seed(1)
    x = blobs(1, 60)[0]
    is_steps = make is steps_of_any_number
    result = quantize(make(), tmp_path, "--accept-loss", x=x[:, 0] / 255.0 if is_steps else x)
    assert result.exit_code == 0, result.output
    graph = read_graph((tmp_path / "out" / "model.tflite").read_bytes(), "m")
    assert graph.tensors[graph.inputs[0]].shape == ((1, SIDE, 3) if is_steps else (1, SIDE, SIDE, 3))
    assert ("goes by layer_" in result.output) == (make is named_by_hand)
    assert ("cast to float32" in result.output) == (make is of_doubles)


def test_a_tflite_of_any_size_is_refused_by_its_input():
    from ai_edge_litert import schema_py_generated as schema

    from tinyproof.export.tflite_editing import packed
    from tinyproof.export.tflite_writer import ModelBuilder

    b = ModelBuilder()
    x, y = b.tensor((1, 4, 4, 3), 0.1, 0, name="photo"), b.tensor((1, 4, 4, 3), 0.1, 0)
    b.op("RELU", [x], [y])
    model = schema.ModelT.InitFromPackedBuf(b.build([x], [y]), 0)
    model.subgraphs[0].tensors[x].shapeSignature = [-1, -1, -1, 3]
    with pytest.raises(UserError, match="input 'photo' is of any size, and a device takes one"):
        read_graph(packed(model), "net")
    model.subgraphs[0].tensors[x].shapeSignature = [-1, 4, 4, 3]
    assert read_graph(packed(model), "net").inputs


def test_what_stands_in_a_tflite_because_its_batch_is_open_is_refused_as_that():
    """Converters make an unrolled GRU's first state by FILL there, which no file of a fixed batch has."""
    from ai_edge_litert import schema_py_generated as schema

    from tinyproof.export.tflite_editing import packed
    from tinyproof.export.tflite_writer import ModelBuilder

    b = ModelBuilder()
    x, y, state = b.tensor((1, 16), 0.1, 0), b.tensor((1, 16), 0.1, 0), b.tensor((1, 16), 0.1, 0)
    b.op("FILL", [b.constant(np.array([1, 16], np.int32), None), b.constant(np.int8(0), [0.1])], [state])
    b.op("ADD", [x, state], [y])
    model = schema.ModelT.InitFromPackedBuf(b.build([x], [y]), 0)
    for batch, cure in (
        (1, "build the layer from others"),
        (-1, "batch is open: give the .keras file, or convert again"),
    ):
        model.subgraphs[0].tensors[x].shapeSignature = [batch, 16]
        with pytest.raises(UserError, match=f"op 0 of 0-1, FILL.*the compiled engine does not run FILL; .*{cure}"):
            lower(read_graph(packed(model), "net"))


def batch_of_32() -> Any:
    import keras

    x = keras.Input(batch_shape=(32, SIDE, SIDE, 3))
    y = keras.ops.reshape(keras.layers.Conv2D(2, 3)(x), (32, -1))
    return keras.Model(x, keras.layers.Dense(3)(y))


def quantized_by_keras() -> Any:
    import keras

    network = small(keras.layers.Rescaling(1 / 255))
    network.quantize("int8")
    return network


def of_words() -> Any:
    import keras

    k = keras.layers
    x = keras.Input((5,), dtype="int32")
    return keras.Model(x, k.Dense(3)(k.Flatten()(k.Embedding(9, 4, name="words")(x))))


def sparsemax() -> Any:
    import keras

    return small(keras.layers.Conv2D(3, 3), keras.layers.Activation("sparsemax", name="sparse"))


REFUSED = {
    "batch": (batch_of_32, (SIDE, SIDE, 3), ("batch of 32 alone",)),
    "keras_int8": (quantized_by_keras, (SIDE, SIDE, 3), ("is quantized by Keras ('int8')", "before model.quantize()")),
    "words": (of_words, (5,), ("takes int32", "'words' (Embedding) does before the network")),
    "sparsemax": (sparsemax, (SIDE, SIDE, 3), ("layer 'sparse'", "softmax or relu")),
    "grey": (lambda: small(shape=(SIDE, SIDE, 1)), (SIDE, SIDE, 3), ("the network sees grey", "x.mean(-1")),
    "rgba": (small, (SIDE, SIDE, 4), ("x[..., :3]",)),
    "first": (lambda: small(shape=(3, SIDE, SIDE)), (SIDE, SIDE, 3), ("channels first", "transpose(0, 3, 1, 2)")),
}


@needs.tensorflow
@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_taken_is_one_line_with_what_to_do(tmp_path, name):
    make, shape, says = REFUSED[name]
    x = np.random.default_rng(0).integers(0, 255, (50, *shape), np.uint8)
    assert_one_line(quantize(make(), tmp_path, x=x), *says)
    assert not (tmp_path / "out").exists()


def zipped(path: Path, *names: str) -> bytes:
    with zipfile.ZipFile(path, "w") as archive:
        for name in names:
            archive.writestr(name, "content")
    return path.read_bytes()


def test_files_of_other_programs_are_each_called_what_they_are(tmp_path):
    says = {
        "a PyTorch file": zipped(tmp_path / "a", "net/data.pkl"),
        "an .npz of arrays": zipped(tmp_path / "b", "x.npy"),
        "holds deep/net.keras": zipped(tmp_path / "c", "deep/net.keras"),
        "damaged or cut short": b"PK\3\4half",
        "a pickle": pickle.dumps({"a": 1}),
        "ONNX": b"\x08\x08\x12\x07pytorch\x1a\x05",
        "JSON": b'{"class_name": "Sequential"}',
        "TensorFlow.js": b'{"modelTopology": {}, "weightsManifest": []}',
        "a zip of a SavedModel": zipped(tmp_path / "d", "net/saved_model.pb", "net/variables/variables.index"),
        "C source": b"alignas(8) const unsigned char g_model[] = {0x1c};",
        "C source of": b"static const char data[] = {" + b"0x1c, " * 40 + b"};",
        "C source of a model": b"{" + b"0x1C,0x0,\n" * 20,
        "ONNX: convert it": b"\x08\x07\x12\x0ckeras2circle" + bytes(40),
        "Python code": b"import keras\n",
        "base64": b"HAAAAFRGTDMUACAA",
    }
    for words, content in says.items():
        assert words in foreign(content), (words, foreign(content))
        with pytest.raises(UserError, match="no.* readable .tflite") as caught:
            read_graph(content, "net")
        assert words in caught.value.message and "\n" not in caught.value.message
    assert foreign(bytes(40)) == "" and foreign(bytes(40), ".mlmodel").startswith("Core ML: convert it")


@needs.tensorflow
def test_the_same_files_given_as_keras_models_are_one_line(tmp_path):
    from tinyproof.export.conversion.loading import load_network

    for name, content in {
        "net.keras": zipped(tmp_path / "a", "net/data.pkl"),
        "net.pb": b"\n\x10",
        "n.h5": b"{}",
    }.items():
        (tmp_path / name).write_bytes(content)
        with pytest.raises(UserError, match="is no .keras file but") as caught:
            load_network(tmp_path / name, tmp_path, None, "remedy")
        assert "\n" not in caught.value.message


def test_folders_are_told_apart(tmp_path):
    for names, says in (
        (["saved_model.pb"], "a SavedModel"),
        (["config.json", "model.weights.h5"], "unpacked"),
        (["model.json", "shard.bin"], "TensorFlow.js"),
        (["ckpt.index"], "a checkpoint"),
        (["best.keras", "notes.txt"], "holds best.keras: name that file"),
    ):
        folder = tmp_path / names[0].replace(".", "_")
        folder.mkdir()
        for name in names:
            (folder / name).write_text("")
        assert says in foreign_folder(folder)


@pytest.mark.parametrize("name", ["0..1", "-0.5..0.5", "bgr:-1..1", "1..0", "torch", "bgr:torch", "caffe"])
def test_a_name_of_pixels_says_what_becomes_of_black_and_white(name):
    how = taken(name)
    assert how is not None and name in candidates(3)
    if ".." in name:
        low, high = map(float, name.removeprefix("bgr:").split(".."))
        assert how.offset == (low,) and how.scale[0] + how.offset[0] == pytest.approx(high)
    assert how.by_channel == ("bgr" in name or name in ("torch", "caffe"))


@pytest.mark.parametrize("name", ["", "bgr", "0..0", "0-1", "a..b", "1e9..2", "...", "0..1..2", "numbers"])
def test_what_is_no_range_is_none(name):
    assert taken(name) is None
