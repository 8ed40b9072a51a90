"""Keras models from elsewhere: calibrated with the user's images, on the device an input byte is a pixel less 128."""

from __future__ import annotations

from pathlib import Path

import needs
import numpy as np
import pytest
from click.testing import CliRunner, Result
from training_sets import RED, assert_one_line, pictures

from tinyproof.export.commands import quantize as command_line
from tinyproof.export.golden import Golden
from tinyproof.export.tflite_reader import load_graph

pytestmark = needs.tensorflow


@pytest.fixture(scope="module")
def elsewhere(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three networks of one shape that take pixels as 0..1, as 0..255 and as -1..1, and images to calibrate with."""
    from tinyproof.backend import load_keras

    keras = load_keras()
    layers = keras.layers
    folder = tmp_path_factory.mktemp("elsewhere")
    for name, first in {
        "unit": [],
        "scaling": [layers.Rescaling(1 / 255)],
        "signed": [],
    }.items():
        keras.utils.set_random_seed(5)
        body = [
            layers.Conv2D(6, 3, use_bias=False),
            layers.BatchNormalization(),
            layers.ReLU(),
            layers.MaxPooling2D(),
            layers.Flatten(),
            layers.Dense(3, activation="softmax"),
        ]
        keras.Sequential([keras.Input((14, 16, 3)), *first, *body]).save(folder / f"{name}.keras")
    flat = keras.Sequential([keras.Input((20,)), layers.Dense(3)])
    flat.save(folder / "flat.keras")
    noise = np.random.default_rng(0).integers(0, 256, (40, 14, 16, 3), np.uint8)
    np.save(folder / "images.npy", noise)
    np.savez(folder / "images.npz", noise)
    np.save(folder / "words.npy", np.array([["a", "b"]]))
    np.save(folder / "objects.npy", np.array([[{}]], object), allow_pickle=True)
    np.save(folder / "nan.npy", np.where(noise == 7, np.nan, noise))
    np.save(folder / "row.npy", np.arange(20.0))
    np.save(folder / "steps.npy", noise[..., 0] / 255)
    np.save(folder / "flat.npy", noise.reshape(-1, 20) / 255)
    np.save(folder / "grey.npy", noise[..., 0])
    np.savez(folder / "two.npz", a=noise, b=noise)
    (folder / "torn.npy").write_bytes(b"\x93NUMPY torn")
    pictures(folder / "photos", {"cat": 3, "dog": 3}, RED)
    (folder / "empty").mkdir()
    return folder


def quantize(folder: Path, out: Path, name: str, calibration: str | None, *more: str) -> Result:
    images = ["--calibration", str(folder / calibration)] if calibration else []
    arguments = ["--model", str(out), "--keras", str(folder / f"{name}.keras"), *images, *more]
    return CliRunner().invoke(command_line.command, arguments)


@pytest.mark.parametrize("calibration", ["images.npy", "images.npz", "photos"])
def test_the_devices_input_is_the_pixel_whatever_the_calibration_images_come_as(
    elsewhere: Path, tmp_path: Path, calibration: str
) -> None:
    result = quantize(elsewhere, tmp_path, "unit", calibration)
    assert result.exit_code == 0, result.output
    graph = load_graph(tmp_path / "model.tflite")
    quantization = graph.tensors[graph.inputs[0]].quantization
    assert quantization is not None
    assert (quantization.scale[0], quantization.zero_point[0]) == (pytest.approx(1 / 255, rel=1e-6), -128)
    assert [op.name for op in graph.ops][:2] == ["CONV_2D", "MAX_POOL_2D"]  # the normalization is in the weights


@needs.golden
@pytest.mark.parametrize(
    ("name", "pixels", "see"),
    [
        ("unit", "0..1", lambda x: x / 255),
        ("scaling", "0..255", lambda x: x),
        ("signed", "-1..1", lambda x: x / 127.5 - 1),
    ],
)
def test_int8_agrees_with_the_network_on_what_it_takes_a_pixel_as(elsewhere, tmp_path, name, pixels, see):
    from tinyproof.backend import load_keras

    assert quantize(elsewhere, tmp_path, name, "images.npy", "--pixels", pixels).exit_code == 0
    images = np.load(elsewhere / "images.npy")[:10]
    network = load_keras().models.load_model(elsewhere / f"{name}.keras")
    expected = network.predict(see(images.astype(np.float32)), verbose=0)
    golden = Golden((tmp_path / "model.tflite").read_bytes())
    outputs = np.array([golden.run((image.astype(int) - 128).astype(np.int8)[np.newaxis])[0] for image in images])
    assert np.abs((outputs.reshape(10, -1).astype(float) + 128) / 256 - expected).max() < 0.1


@pytest.mark.parametrize(
    ("name", "calibration", "more", "says"),
    [
        ("unit", None, [], "needs images to calibrate with: add CALIBRATION="),
        ("unit", "nowhere", [], "nowhere does not exist: give CALIBRATION="),
        ("unit", "empty", [], "empty holds no pictures"),
        ("unit", "words.npy", [], "holds <U1, not numbers"),
        ("unit", "objects.npy", [], "objects.npy cannot be read as an array of numbers"),
        ("unit", "nan.npy", [], "holds NaN or infinite values"),
        ("unit", "row.npy", [], "holds an array 20, not images (N,H,W,C) or samples"),
        ("unit", "steps.npy", [], "takes (14, 16, 3) but the samples beside it are (14, 16)"),
        ("flat", "flat.npy", ["--pixels", "0..1"], "holds numbers, not pixels"),
        ("unit", "grey.npy", [], "takes (14, 16, 3) but the images beside it are (14, 16, 1)"),
        ("unit", "two.npz", [], "two.npz holds a, b: give a file with one array"),
        ("unit", "torn.npy", [], "torn.npy cannot be read as an array"),
        (
            "unit",
            "images.npy",
            ["--pixels", "0-2"],
            "unknown range of pixels '0-2': give LOW..HIGH, such as 0..1, 0..255 or -1..1",
        ),
        (
            "flat",
            "images.npy",
            [],
            "not one input of images (N,H,W,C) of one size: calibrate with an .npy of float32 samples",
        ),
        ("missing", "images.npy", [], "missing.keras does not exist"),
    ],
)
def test_what_cannot_be_calibrated_is_refused_in_one_line(
    elsewhere: Path, tmp_path: Path, name: str, calibration: str | None, more: list[str], says: str
) -> None:
    out = tmp_path / "model"
    assert_one_line(quantize(elsewhere, out, name, calibration, *more), says)
    assert not out.exists()
