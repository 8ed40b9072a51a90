"""The kinds of Keras files that people have: the range of pixels found, int8 held against float, no crash, names."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import needs
import numpy as np
import pytest
from click.testing import CliRunner, Result
from conftest import DEMO_MODEL
from PIL import Image
from training_sets import assert_one_line

from tinyproof.console import UserError
from tinyproof.export.commands import quantize as command_line
from tinyproof.fidelity import FIDELITY_FILE
from tinyproof.made import settings_of
from tinyproof.model_files import load_splits

pytestmark = needs.tensorflow

SIDE = 8


def bars(seed: int, count: int) -> tuple[Any, Any]:
    """Pictures uint8 (N,8,8,1) of a bright bar in one of four rows pairs, on noise, and which one it is."""
    rng = np.random.default_rng(seed)
    y = rng.integers(0, 4, count)
    x = rng.integers(0, 120, (count, SIDE, SIDE, 1))
    for row, place in enumerate(y):
        x[row, 2 * place : 2 * place + 2] += 110
    return x.astype(np.uint8), y


def fitted(front: Callable[[Any], Any], see: Callable[[Any], Any]) -> Any:
    """A network with this front, trained on bars as `see` shows them."""
    import keras

    layers = keras.layers
    keras.utils.set_random_seed(2)
    pixels = keras.Input((SIDE, SIDE, 1))
    y = front(pixels)
    for layer in (layers.Conv2D(6, 3, activation="relu"), layers.Flatten(), layers.Dense(4, activation="softmax")):
        y = layer(y)
    network = keras.Model(pixels, y)
    network.compile(keras.optimizers.Adam(0.01), "sparse_categorical_crossentropy")
    x, labels = bars(0, 400)
    network.fit(see(x.astype(np.float32)), labels, epochs=8, verbose=0)
    return network


def nested(x: Any) -> Any:
    import keras

    inner = keras.Sequential([keras.layers.RandomTranslation(0.01, 0.01), keras.layers.Rescaling(1 / 127.5, -1)])
    return keras.Sequential([keras.Input((SIDE, SIDE, 1)), inner])(x)


def normalization(x: Any) -> Any:
    import keras

    return keras.layers.Normalization(mean=100.0, variance=2500.0)(x)


def batch_normalization(x: Any) -> Any:
    import keras

    return keras.layers.BatchNormalization(momentum=0.9)(x)


RAW = [
    ("nested", nested, lambda x: x, "0..255"),
    ("divided", lambda x: x / 255.0, lambda x: x, "0..255"),
    ("shifted", lambda x: x / 127.5 - 1.0, lambda x: x, "0..255"),
    ("normalization", normalization, lambda x: x, "0..255"),
    ("batch_norm", batch_normalization, lambda x: x, "0..255"),
    ("batch_norm_signed", batch_normalization, lambda x: x / 127.5 - 1, "-1..1"),
    ("raw", lambda x: x, lambda x: x, "0..255"),
    ("unit", lambda x: x, lambda x: x / 255, "0..1"),
]


def quantize(path: Path, out: Path, images: Any, *more: str) -> Result:
    np.save(path.with_suffix(".npy"), images)
    arguments = ["--model", str(out), "--keras", str(path), "--calibration", str(path.with_suffix(".npy")), *more]
    return CliRunner().invoke(command_line.command, arguments)


@pytest.mark.parametrize(("name", "front", "see", "pixels"), RAW, ids=[case[0] for case in RAW])
def test_the_range_of_pixels_is_found_out_and_said(tmp_path, name, front, see, pixels):
    fitted(front, see).save(tmp_path / f"{name}.keras")
    result = quantize(tmp_path / f"{name}.keras", tmp_path / "out", bars(1, 150)[0])
    assert result.exit_code == 0, result.output
    assert f"pixels {pixels}: " in result.output
    fidelity = json.loads((tmp_path / "out" / FIDELITY_FILE).read_text())
    assert fidelity["pixels"] == pixels and fidelity["agreement"] >= 0.95 and fidelity["layers"]


def test_a_model_that_takes_long_is_held_against_float_on_fewer_pictures_spread_over_all(monkeypatch):
    from tinyproof.export.conversion import compare

    content, images = (DEMO_MODEL / "model.tflite").read_bytes(), load_splits(DEMO_MODEL / "splits.npz").x_calibration
    assert compare.affordable(content, images) == len(images) > 50
    monkeypatch.setattr(compare, "LONGEST_S", 0)
    assert compare.affordable(content, images) == 50
    assert list(compare.spread(np.arange(300), 4)) == [0, 99, 199, 299]
    assert list(compare.spread(np.arange(3), 50)) == [0, 1, 2]


def test_dark_pictures_to_calibrate_with_are_said():
    from tinyproof.export.conversion.compare import cautions

    dark = (bars(1, 60)[0] // 4).astype(np.uint8)
    said = cautions(dark)
    assert len(said) == 1 and f"take {dark.min()} to {dark.max()} of a pixel's 0 to 255 alone" in said[0]
    assert cautions(bars(1, 60)[0]) == []
    assert "are grey and the network sees colours" in cautions(bars(1, 60)[0].repeat(3, -1))[0]


def test_labelled_pictures_give_both_accuracies_and_three_blank_ones_a_caution(tmp_path):
    network = fitted(lambda x: x / 255.0, lambda x: x)
    network.save(tmp_path / "net.keras")
    x, y = bars(1, 200)
    np.savez(tmp_path / "labelled.npz", x=x, y=y)
    out = ["--model", str(tmp_path / "out"), "--keras", str(tmp_path / "net.keras"), "--calibration"]
    result = CliRunner().invoke(command_line.command, [*out, str(tmp_path / "labelled.npz")])
    assert result.exit_code == 0 and "accuracy of float on 200 labelled" in result.output, result.output
    result = quantize(
        tmp_path / "net.keras", tmp_path / "blank", np.zeros((3, SIDE, SIDE, 1), np.uint8), "--accept-loss"
    )
    assert "3 pictures are few" in result.output and "every pixel of the calibration pictures is 0" in result.output
    assert "the same answer" in result.output


def as_folder(root: Path, seed: int, count: int, names: list[str]) -> Path:
    """Bars as grey pictures in a folder for each class, with a note that is no picture."""
    for number, (image, label) in enumerate(zip(*bars(seed, count), strict=True)):
        (root / names[label]).mkdir(parents=True, exist_ok=True)
        Image.fromarray(image[..., 0]).save(root / names[label] / f"{number}.png")
    (root / "notes.txt").write_text("bars")
    return root


@pytest.mark.parametrize("packed", [False, True], ids=["folder", "zip"])
def test_class_folders_to_calibrate_with_are_labels_and_the_part_for_training_is_used(tmp_path, monkeypatch, packed):
    from tinyproof import archives

    unpackings = []
    unpack = archives._unpack
    monkeypatch.setattr(archives, "_unpack", lambda *arguments: (unpackings.append(arguments), unpack(*arguments)))
    fitted(lambda x: x / 255.0, lambda x: x).save(tmp_path / "net.keras")
    as_folder(tmp_path / "bars" / "Train", 1, 120, ["a", "b", "c", "d"])
    as_folder(tmp_path / "bars" / "test", 2, 40, ["a", "b", "c", "d"])
    given = shutil.make_archive(str(tmp_path / "bars"), "zip", tmp_path / "bars") if packed else str(tmp_path / "bars")
    arguments = ["--keras", str(tmp_path / "net.keras"), "--calibration", given]
    result = CliRunner().invoke(command_line.command, ["--model", str(tmp_path / "out"), *arguments])
    assert result.exit_code == 0, result.output
    assert "the pictures of Train/ are used" in result.output and "2 .txt" in result.output
    assert "accuracy of float on 120 labelled" in result.output and "no more than guessing" not in result.output
    assert len(unpackings) == packed


@pytest.mark.parametrize(
    ("names", "says"),
    [
        (["d", "c", "b", "a"], "no more than guessing: are its classes in another order"),
        (["a", "b", "c", "c"], "it has 4 classes and the calibration pictures' labels 3"),
    ],
)
def test_class_folders_that_are_not_the_networks_classes_are_said(tmp_path, names, says):
    fitted(lambda x: x / 255.0, lambda x: x).save(tmp_path / "net.keras")
    folder = as_folder(tmp_path / "bars", 1, 120, names)
    arguments = ["--model", str(tmp_path / "out"), "--keras", str(tmp_path / "net.keras"), "--calibration", str(folder)]
    result = CliRunner().invoke(command_line.command, arguments)
    assert result.exit_code == 0 and says in " ".join(result.output.split()), result.output


def test_a_loss_stops_with_its_figure_and_the_remedy_that_was_measured_or_accept_loss_goes_on(tmp_path):
    """One weight of a million takes the range of its Dense layer, and int8 has nothing left for the others."""
    network = fitted(lambda x: x / 255.0, lambda x: x)
    dense = network.layers[-1]
    weights, bias = dense.get_weights()
    weights[0, 0] = 1e4  # a corner of the picture that is dark in calibration
    dense.set_weights([weights, bias])
    convolution = network.layers[-3]
    kernel, offsets = convolution.get_weights()
    kernel[..., 0], offsets[0] = 0, -1  # its input is 0 after ReLU: float does not notice the weight
    convolution.set_weights([kernel, offsets])
    network.save(tmp_path / "net.keras")
    refused = quantize(tmp_path / "net.keras", tmp_path / "out", bars(1, 150)[0])
    assert_one_line(refused, "int8 gives float's answer on", "limit: 90%", "REMEDY=equalize keeps", "ACCEPT_LOSS=1")
    assert "Remedies, on the same pictures" in refused.stdout and not (tmp_path / "out").exists()
    accepted = quantize(tmp_path / "net.keras", tmp_path / "out", bars(1, 150)[0], "--accept-loss")
    assert accepted.exit_code == 0 and (tmp_path / "out" / "model.tflite").is_file()
    remedied = quantize(tmp_path / "net.keras", tmp_path / "out", bars(1, 150)[0], "--remedy", "equalize")
    assert remedied.exit_code == 0 and "with the remedy equalize" in remedied.output, remedied.output
    fidelity = json.loads((tmp_path / "out" / FIDELITY_FILE).read_text())
    assert fidelity["agreement"] > 0.95 and fidelity["remedy"] == "equalize" and fidelity["layers"]


@pytest.mark.parametrize(("worst", "cure"), [("conv", "use ReLU6 there"), ("answers", "train with weight decay")])
def test_an_outlier_in_the_answers_is_not_to_be_cut_off_by_an_activation(worst, cure):
    from tinyproof.export.fidelity_table import refuse_loss
    from tinyproof.fidelity import Fidelity, LayerFidelity

    ops = (("conv", "CONV_2D"), ("answers", "FULLY_CONNECTED"), ("answers", "SOFTMAX"))
    layers = [LayerFidelity(name, op, 5.0 if name == worst else 40.0, 1.0, 0.1) for name, op in ops]
    fidelity = Fidelity("", "0..1", "", 100, 0.5, None, 9.0, 0, None, None, None, None, layers, [])
    with pytest.raises(UserError, match=f"takes the range of layer '{worst}' .*; {cure}"):
        refuse_loss(fidelity)


def test_a_class_that_is_never_the_answer_takes_no_range_once_clipped_and_an_export_keeps_its_remedy(tmp_path):
    from tinyproof.export.commands import export

    network = fitted(lambda x: x / 255.0, lambda x: x)
    weights, bias = network.layers[-1].get_weights()
    bias[3] = -40000  # a logit by which int8 has one level for all the others
    network.layers[-1].set_weights([weights, bias])
    network.save(tmp_path / "net.keras")
    np.save(tmp_path / "net.npy", bars(1, 150)[0])
    arguments = ["--keras", str(tmp_path / "net.keras"), "--calibration", str(tmp_path / "net.npy")]
    place = ["--model", str(tmp_path / "out"), "--board", "interpreter"]
    tried = CliRunner().invoke(export.command, [*place, *arguments, "--remedy", "try"])
    assert_one_line(tried, "REMEDY=clip keeps")
    for more in (["--remedy", "clip"], []):
        taken = CliRunner().invoke(export.command, [*place, *arguments, *more])
        assert taken.exit_code == 0, taken.output
    noted = settings_of(tmp_path / "out", "quantize")
    assert (noted["keras"], noted["calibration"]) == (arguments[1], arguments[3])
    assert "remedy clip, as before" in taken.output and "is exported already" in taken.output
    assert json.loads((tmp_path / "out" / FIDELITY_FILE).read_text())["agreement"] > 0.95
    assert CliRunner().invoke(export.command, [*place, *arguments, "--remedy", "none"]).exit_code == 2
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "labels.txt").write_text("a\nb\n")  # of another model: the second half refuses
    place = ["--model", str(tmp_path / "other"), "--board", "interpreter"]
    refused = CliRunner().invoke(export.command, [*place, *arguments, "--remedy", "clip"])
    assert_one_line(refused, "has 4 outputs but there are 2 labels")
    assert not [path for path in (tmp_path / "other").iterdir() if path.suffix in (".tflite", ".json")]


def test_an_equalized_network_computes_what_it_did_and_its_channels_are_of_one_size():
    import keras

    from tinyproof.export.conversion.convert import convert_calibrated
    from tinyproof.export.conversion.equalization import equalized
    from tinyproof.export.conversion.running import activations
    from tinyproof.export.tflite_reader import read_graph

    k = keras.layers
    keras.utils.set_random_seed(4)
    pixels = keras.Input((SIDE, SIDE, 3))
    y = k.Conv2D(6, 3, padding="same", activation="relu")(pixels)
    y = k.MaxPooling2D()(k.DepthwiseConv2D(3, depth_multiplier=2, activation="relu")(y))
    y = k.Add()([y, k.Conv2D(12, 3, padding="same")(y)])
    y = k.Conv2D(8, 2, activation="relu6")(k.LeakyReLU()(y))
    y = k.Dense(5)(k.Dense(9, activation="relu")(k.Flatten()(k.Conv2D(4, 1, groups=2)(y))))
    network = keras.Model(pixels, y)
    rng = np.random.default_rng(0)
    for layer in network.layers[1:]:
        layer.set_weights([w * 10 ** rng.uniform(-1, 1, w.shape[-1]).astype(np.float32) for w in layer.get_weights()])
    x = rng.integers(0, 256, (30, SIDE, SIDE, 3), np.uint8)
    before = convert_calibrated(network, x, "0..1")
    after = equalized(before, x)
    assert after is not None
    graph = read_graph(before, "net")
    first = next(op for op in graph.ops if op.name == "CONV_2D").outputs[0]
    spread = []
    for content in (before, after):
        seen = list(activations(content, x))
        largest = np.max([each[first] for each in seen], axis=(0, 1, 2, 3))
        spread.append((largest.max() / largest[largest > 0].min(), [each[graph.outputs[0]] for each in seen]))
    assert np.array_equal(spread[0][1], spread[1][1])  # to the last bit
    assert spread[1][0] < min(3, spread[0][0] / 3)


def test_weights_trained_to_be_rounded_help_where_nothing_else_does(tmp_path):
    """One channel of two layers is large and of no use, and ReLU6 keeps the others from being brought to its size."""
    import keras

    k = keras.layers
    keras.utils.set_random_seed(2)
    convolutions = [k.Conv2D(12, 3, activation="relu6"), k.Conv2D(12, 3, activation="relu6")]
    ends = [k.Flatten(), k.Dense(4, activation="softmax")]
    network = keras.Sequential([keras.Input((SIDE, SIDE, 1)), *convolutions, *ends])
    network.compile(keras.optimizers.Adam(0.01), "sparse_categorical_crossentropy")
    x, y = bars(0, 400)
    network.fit(x / 255, y, epochs=8, verbose=0)
    for layer, reader in zip(convolutions, (convolutions[1], ends[1]), strict=True):
        weights, bias = (0.004 * values for values in layer.get_weights())
        weights[..., 0], bias[0] = 0, 5
        layer.set_weights([weights, bias])
        weights, bias = reader.get_weights()
        weights = weights / 0.004
        weights.reshape(-1, 12, weights.shape[-1])[:, 0] = 0
        reader.set_weights([weights, bias])
    network.save(tmp_path / "net.keras")
    refused = quantize(tmp_path / "net.keras", tmp_path / "out", bars(1, 150)[0])
    assert_one_line(refused, "limit: 90%", "REMEDY=finetune keeps")
    tuned = quantize(tmp_path / "net.keras", tmp_path / "out", bars(1, 150)[0], "--remedy", "finetune")
    assert tuned.exit_code == 0 and "with the remedy finetune" in tuned.output, tuned.output
    fidelity = json.loads((tmp_path / "out" / FIDELITY_FILE).read_text())
    assert fidelity["agreement"] > 0.95 and fidelity["output_snr_db"] > 20
    assert fidelity["images"] == 38  # those that it did not learn from


def test_a_float_model_computes_the_same_in_tensorflow_and_what_it_cannot_is_named():
    import keras

    from tinyproof.export.conversion.convert import as_inputs, convert_calibrated
    from tinyproof.export.conversion.differentiable import Unknown, outputs
    from tinyproof.export.conversion.remedied import NothingToDo, Remedies
    from tinyproof.export.conversion.running import activations
    from tinyproof.export.tflite_reader import read_graph

    k = keras.layers
    keras.utils.set_random_seed(4)
    pixels = keras.Input((SIDE, SIDE, 3))
    y = k.Conv2D(6, 3, 2, padding="same", activation="relu")(k.ZeroPadding2D(1)(pixels))
    y = k.Add()([y, k.DepthwiseConv2D(3, padding="same", depth_multiplier=1, activation="relu6")(y)])
    y = k.Concatenate()([k.MaxPooling2D(2, 1)(y), k.AveragePooling2D(2, 1)(y)])
    y = k.Multiply()([y, k.Activation("sigmoid")(k.Conv2D(12, 1, dilation_rate=2)(y))])
    y = k.Activation("hard_swish")(k.Activation("tanh")(y))
    ends = k.Concatenate()([k.GlobalAveragePooling2D()(y), k.Dense(4)(k.Flatten()(y))])
    network = keras.Model(pixels, k.Dense(5, activation="softmax")(ends))
    x = np.random.default_rng(0).integers(0, 256, (6, SIDE, SIDE, 3), np.uint8)
    content = convert_calibrated(network, x, "0..1")
    graph = read_graph(content, "net")
    found = outputs(graph, np.concatenate(as_inputs(x)), {}, lambda _, y: y)
    wanted = np.concatenate([each[graph.ops[-1].inputs[0]] for each in activations(content, x)])
    np.testing.assert_allclose(found, wanted, atol=1e-5)
    grouped = keras.Sequential([keras.Input((SIDE, SIDE, 4)), k.Conv2D(4, 1, groups=2), k.Flatten(), k.Dense(2)])
    graph = read_graph(convert_calibrated(grouped, x[..., [0, 1, 2, 0]], "0..1"), "net")
    with pytest.raises(Unknown, match="CONV_2D of groups"):
        outputs(graph, np.zeros((1, SIDE, SIDE, 4), np.float32), {}, lambda _, y: y)
    with pytest.raises(NothingToDo, match="finetune does nothing for it: give 64 pictures"):
        Remedies(network, x, "0..1").model("finetune")


def small(*layers: Any, head: bool = True) -> Any:
    import keras

    ends = [keras.layers.Flatten(), keras.layers.Dense(3, activation="softmax")] if head else []
    return keras.Sequential([keras.Input((SIDE, SIDE, 1)), *layers, *ends])


def refused_networks() -> dict[str, tuple[Callable[[Any], Any], tuple[str, ...]]]:
    return {
        "bicubic": (lambda k: small(k.Resizing(6, 6, interpolation="bicubic")), ("(Resizing,", "bilinear")),
        "sparsemax": (
            lambda k: small(k.Conv2D(2, 3, activation="sparsemax", name="mine")),
            ("layer 'mine'", "softmax"),
        ),
        "lambda": (lambda k: small(k.Lambda(lambda x: x / 2, name="half")), ("layer 'half' is a Lambda", "Rescaling")),
        "outputs": (lambda k: two_outputs(), ("has 2 outputs",)),
        "bytes": (lambda k: of_bytes(), ("takes uint8", "without a dtype")),
        "stateful": (lambda k: with_a_state(), ("keeps its state from one call to the next", "with stateful=False")),
    }


def of_bytes() -> Any:
    import keras

    x = keras.Input((SIDE, SIDE, 1), dtype="uint8")
    return keras.Model(x, keras.layers.Dense(3)(keras.layers.Flatten()(keras.layers.Rescaling(1 / 255)(x))))


def with_a_state() -> Any:
    import keras

    k = keras.layers
    states = k.Bidirectional(k.GRU(2, stateful=True))
    return keras.Sequential([keras.Input((SIDE, SIDE, 1), batch_size=1), k.Reshape((SIDE, SIDE)), states])


def two_outputs() -> Any:
    import keras

    x = keras.Input((SIDE, SIDE, 1))
    y = keras.layers.Flatten()(x)
    return keras.Model(x, [keras.layers.Dense(2)(y), keras.layers.Dense(3)(y)])


@pytest.mark.parametrize("name", ["bicubic", "sparsemax", "lambda", "outputs", "bytes", "stateful"])
def test_a_refusal_names_the_users_layer_and_advises(tmp_path, name):
    import keras

    make, says = refused_networks()[name]
    make(keras.layers).save(tmp_path / f"{name}.keras")
    result = quantize(tmp_path / f"{name}.keras", tmp_path / "out", bars(1, 60)[0])
    assert_one_line(result, *says)
    assert "tensor<" not in result.stderr  # the converter's own code
    assert not (tmp_path / "out").exists()


def test_an_operation_that_is_no_layer_is_named_by_its_place_in_the_summary():
    import keras

    from tinyproof.export.conversion.probe import guilty_layer

    x = keras.Input((4,))
    network = keras.Model(x, keras.ops.argmax(keras.layers.Dense(3)(x / 2.0), axis=-1))
    said = guilty_layer(network, np.zeros((1, 4), np.float32), lambda place: None)
    assert re.match(r"operation 'argmax\w*' \(Argmax, number 3 of the network\)", said)
    assert "does not get over it ('tf.BitwiseAnd' op is neither" in said and "end the network before it" in said


def test_a_network_with_weights_that_are_no_numbers_is_named_by_layer(tmp_path):
    import keras

    network = small(keras.layers.Conv2D(2, 3, name="mine"))
    network.layers[0].set_weights([np.full_like(weight, np.nan) for weight in network.layers[0].get_weights()])
    network.save(tmp_path / "net.keras")
    assert_one_line(quantize(tmp_path / "net.keras", tmp_path / "out", bars(1, 60)[0]), "'mine'", "are not numbers")
    normalized = small(keras.layers.BatchNormalization(name="norm"))
    normalized.layers[0].set_weights([np.full(1, value, np.float32) for value in (1, 0, 0, -1)])
    normalized.save(tmp_path / "net.keras")
    assert_one_line(quantize(tmp_path / "net.keras", tmp_path / "out", bars(1, 60)[0]), "'norm'", "a variance below 0")


def test_a_softmax_of_one_and_an_h5_of_keras_1_are_said(tmp_path):
    import h5py

    from tinyproof.export.conversion.compare import _one_share
    from tinyproof.export.conversion.loading import load_network

    assert "end in sigmoid" in _one_share(np.ones((5, 1), np.float32))[0]
    assert _one_share(np.array([[1.0], [0.5]], np.float32)) == []
    with h5py.File(tmp_path / "old.h5", "w") as file:
        file.attrs["keras_version"] = "1.2.2"
        layer = {"class_name": "Convolution2D", "config": {"nb_filter": 4, "nb_row": 3, "nb_col": 3}}
        file.attrs["model_config"] = json.dumps({"class_name": "Sequential", "config": [layer]})
    with pytest.raises(UserError, match=r"was saved by Keras 1\.2\.2.*save it again as \.h5"):
        load_network(tmp_path / "old.h5", tmp_path, None, "")


def test_half_precision_recurrent_unbuilt_and_h5_networks_convert(tmp_path):
    import keras

    k = keras.layers
    keras.mixed_precision.set_global_policy("mixed_float16")
    half = small(k.Conv2D(2, 3))
    keras.mixed_precision.set_global_policy("float32")
    keras.utils.set_random_seed(1)  # of other weights the converter may leave a SPLIT in float
    networks = {
        "half.keras": (half, "cast to float32"),
        "gru.keras": (small(k.Conv2D(4, 3), k.Reshape((6, 24)), k.GRU(8)), "unrolled"),
        "unbuilt.keras": (keras.Sequential([k.Conv2D(2, 3), k.Flatten(), k.Dense(3)]), "its weights are random"),
        "old.h5": (small(k.Conv2D(2, 3)), ""),
    }
    for name, (network, says) in networks.items():
        network.save(tmp_path / name)
        result = quantize(tmp_path / name, tmp_path / f"out_{name}", bars(1, 60)[0], "--accept-loss")
        assert result.exit_code == 0 and says in result.output, (name, result.output)


def test_a_converter_that_crashes_or_takes_too_long_is_one_line(tmp_path, monkeypatch, own_conversions):
    import keras

    from tinyproof.export.conversion import process

    small(keras.layers.Conv2D(2, 3)).save(tmp_path / "net.keras")
    monkeypatch.setattr(process, "LONGEST_S", 0.5)
    assert_one_line(quantize(tmp_path / "net.keras", tmp_path / "out", bars(1, 60)[0]), "was not done after")
    monkeypatch.setattr(process, "LONGEST_S", 600)
    monkeypatch.setattr(process, "LEAST_BYTES", 1 << 20)
    monkeypatch.setattr(process, "SHARE_OF_MEMORY", 0)
    assert_one_line(quantize(tmp_path / "net.keras", tmp_path / "out", bars(1, 60)[0]), "of memory")
    assert not (tmp_path / "out").exists()


def waves(seed: int, count: int) -> tuple[Any, Any]:
    """Windows float32 (N,24,2) of a slow or a fast wave beside noise, about -3..3, and which one it is."""
    rng = np.random.default_rng(seed)
    y = rng.integers(0, 2, count)
    x = rng.normal(0, 0.3, (count, 24, 2))
    x[..., 0] += 2 * np.sin(np.arange(24) * np.where(y, 1.5, 0.4)[:, np.newaxis])
    return x.astype(np.float32), y


def test_windows_of_a_conv1d_network_are_used_as_they_are_and_the_golden_agrees_with_float(tmp_path):
    import keras

    from tinyproof.export.commands import export as export_command
    from tinyproof.export.golden import Golden
    from tinyproof.export.tflite_reader import load_graph

    k = keras.layers
    keras.utils.set_random_seed(1)
    ends = [k.GlobalAveragePooling1D(), k.Dense(2, activation="softmax")]
    network = keras.Sequential([keras.Input((24, 2)), k.Conv1D(8, 5, activation="relu"), *ends])
    network.compile(keras.optimizers.Adam(0.02), "sparse_categorical_crossentropy")
    network.fit(*waves(0, 300), epochs=8, verbose=0)
    network.save(tmp_path / "waves.keras")
    x, y = waves(1, 600)
    np.savez(tmp_path / "waves.npz", x=x.astype(np.float64), y=y)
    arguments = ["--keras", str(tmp_path / "waves.keras"), "--calibration", str(tmp_path / "waves.npz")]
    out = tmp_path / "out"
    result = CliRunner().invoke(export_command.command, ["--model", str(out), *arguments, "--board", "interpreter"])
    assert result.exit_code == 0, result.output
    assert "no pixels: the samples are numbers" in result.output and "on 500 calibration samples" in result.output
    fidelity = json.loads((out / FIDELITY_FILE).read_text())
    assert fidelity["labelled"] == 500 and fidelity["accuracy_int8"] > 0.9 and fidelity["agreement"] > 0.9
    assert fidelity["output_snr_db"] > 15
    graph = load_graph(out / "model.tflite")
    quantization = graph.tensors[graph.inputs[0]].quantization
    assert quantization is not None
    scale, zero_point = float(quantization.scale[0]), int(quantization.zero_point[0])
    used = x[[int(place * 1.2) for place in range(500)]]
    assert scale == pytest.approx((used.max() - used.min()) / 255, rel=0.02)
    levels = np.clip(np.rint(x[:20] / scale) + zero_point, -128, 127).astype(np.int8)
    golden = Golden((out / "model.tflite").read_bytes())
    answers = np.stack([golden.run(level[np.newaxis])[0].ravel() for level in levels])
    assert np.abs((answers.astype(float) + 128) / 256 - network.predict(x[:20], verbose=0)).max() < 0.1


def test_an_autoencoder_of_features_is_held_against_float_by_its_noise(tmp_path):
    import keras

    keras.utils.set_random_seed(1)
    k = keras.layers
    keras.Sequential([keras.Input((12,)), k.Dense(6, activation="relu"), k.Dense(12)]).save(tmp_path / "auto.keras")
    x = np.random.default_rng(0).normal(5, 20, (80, 12))
    result = quantize(tmp_path / "auto.keras", tmp_path / "out", x.astype(np.int64))
    assert result.exit_code == 0, result.output
    fidelity = json.loads((tmp_path / "out" / FIDELITY_FILE).read_text())
    assert fidelity["agreement"] is None and fidelity["output_snr_db"] > 20


def test_bytes_of_a_networks_own_shape_without_channels_are_numbers_and_two_inputs_are_refused(tmp_path):
    import keras

    k = keras.layers
    bytes_ = np.random.default_rng(0).integers(0, 256, (60, 10, 4), np.uint8)
    keras.Sequential([keras.Input((10, 4)), k.Conv1D(3, 3), k.Flatten(), k.Dense(2)]).save(tmp_path / "net.keras")
    result = quantize(tmp_path / "net.keras", tmp_path / "out", bytes_)
    assert result.exit_code == 0 and "no pixels" in result.output, result.output
    assert_one_line(quantize(tmp_path / "net.keras", tmp_path / "no", bytes_, "--pixels", "0..1"), "leave PIXELS")
    ends = [keras.Input((4,)), keras.Input((4,))]
    keras.Model(ends, k.Dense(2)(k.Concatenate()(ends))).save(tmp_path / "two.keras")
    two = quantize(tmp_path / "two.keras", tmp_path / "no", bytes_[:, 0].astype(np.float32))
    assert_one_line(two, "not one input", "give the .tflite")
    assert not (tmp_path / "no").exists()


@pytest.mark.parametrize("kind", ["one_hot", "floats", "column"])
def test_labels_are_taken_as_people_write_them(tmp_path, kind):
    fitted(lambda x: x / 255.0, lambda x: x).save(tmp_path / "net.keras")
    x, y = bars(1, 120)
    written = {"one_hot": np.eye(4, dtype=np.float32)[y], "floats": y.astype(np.float64), "column": y[:, np.newaxis]}
    np.savez(tmp_path / "labelled.npz", x=x, y=written[kind])
    arguments = ["--keras", str(tmp_path / "net.keras"), "--calibration", str(tmp_path / "labelled.npz")]
    result = CliRunner().invoke(command_line.command, ["--model", str(tmp_path / "out"), *arguments])
    assert result.exit_code == 0 and "accuracy of float on 120 labelled" in result.output, result.output


def test_labels_below_0_and_of_another_number_are_refused(tmp_path):
    fitted(lambda x: x / 255.0, lambda x: x).save(tmp_path / "net.keras")
    x, y = bars(1, 120)
    arguments = ["--keras", str(tmp_path / "net.keras"), "--calibration", str(tmp_path / "labelled.npz")]
    for labels, says in (
        (y - 1, "the label -1: number the classes from 0"),
        (y[:100], "120 samples x and 100 labels y"),
    ):
        np.savez(tmp_path / "labelled.npz", x=x, y=labels)
        result = CliRunner().invoke(command_line.command, ["--model", str(tmp_path / "out"), *arguments])
        assert_one_line(result, says)


def test_pixels_as_floats_in_a_range_that_does_not_fit_are_a_caution(tmp_path):
    """A network that divides by 255 itself gets 0..1: nothing is left, and float and int8 agree on it."""
    fitted(lambda x: x / 255.0, lambda x: x).save(tmp_path / "net.keras")
    x = bars(1, 150)[0].astype(np.float32)
    for values, says in (
        (x / 255, "was it trained on another range? Give pixels as uint8"),
        (x, "whole numbers of 0..255"),
    ):
        result = quantize(tmp_path / "net.keras", tmp_path / "out", values, "--accept-loss")
        assert result.exit_code == 0 and says in " ".join(result.output.split()), result.output


def test_what_keras_2_wrote_into_h5_is_read(tmp_path):
    """A division without a layer, settings that Keras 3 does not have, in the configuration that Keras 2 wrote."""
    import h5py
    import keras

    k = keras.layers
    keras.utils.set_random_seed(1)
    pixels = keras.Input((SIDE, SIDE, 1), name="in")
    y = k.Rescaling(1 / 255, name="tf.math.truediv")(pixels)
    y = k.Flatten(name="f")(k.SeparableConv2D(3, 3, name="c")(y))
    network = keras.Model(pixels, k.Dense(4, activation="softmax", name="d")(y))
    path = tmp_path / "old.h5"
    network.save(path)

    def layer(kind: str, name: str, before: str, given: dict[str, Any], **settings: Any) -> dict[str, Any]:
        nodes = [[[before, 0, 0, given]]] if before else []
        return {"class_name": kind, "name": name, "inbound_nodes": nodes, "config": {"name": name, **settings}}

    division = layer("TFOpLambda", "tf.math.truediv", "in", {"y": 255.0, "name": None}, function="math.truediv")
    initial = {"class_name": "GlorotUniform", "config": {"seed": None}}
    layers = [
        layer("InputLayer", "in", "", {}, batch_input_shape=[None, SIDE, SIDE, 1], dtype="float32"),
        {**division, "inbound_nodes": [["in", 0, 0, {"y": 255.0, "name": None}]]},
        layer("SeparableConv2D", "c", "tf.math.truediv", {}, filters=3, kernel_size=[3, 3], kernel_initializer=initial),
        layer("Flatten", "f", "c", {}),
        layer("Dense", "d", "f", {}, units=4, activation="softmax"),
    ]
    ends = {"input_layers": [["in", 0, 0]], "output_layers": [["d", 0, 0]]}
    with h5py.File(path, "r+") as file:
        config = {"class_name": "Functional", "config": {"name": "old", "layers": layers, **ends}}
        file.attrs["model_config"] = json.dumps(config)
        file.attrs["keras_version"] = "2.15.0"
    result = quantize(path, tmp_path / "out", bars(1, 120)[0], "--accept-loss")
    assert result.exit_code == 0 and "scales them itself, to 0..1" in result.output, result.output
    from tinyproof.export.conversion.loading import load_network

    x = bars(2, 5)[0].astype(np.float32)
    np.testing.assert_allclose(load_network(path, tmp_path, None, "").network(x), network(x), atol=1e-6)


def test_a_keras_file_of_keras_2_is_refused_with_what_to_do(tmp_path):
    import zipfile

    with zipfile.ZipFile(tmp_path / "old.keras", "w") as archive:
        archive.writestr("metadata.json", json.dumps({"keras_version": "2.15.0"}))
        archive.writestr("config.json", json.dumps({"class_name": "Functional", "config": {}}))
        archive.writestr("model.weights.h5", b"")
    refused = quantize(tmp_path / "old.keras", tmp_path / "out", bars(1, 60)[0])
    assert_one_line(refused, "saved by Keras 2.15.0", "save it as .h5", "TFLiteConverter")
