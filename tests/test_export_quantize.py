"""From `model.keras` to `model.tflite`: what the converter must have done, and what stops it."""

from __future__ import annotations

import sys
from pathlib import Path

import needs
import numpy as np
import pytest
from numpy.typing import NDArray

from tinyproof.console import UserError
from tinyproof.export.golden import Golden
from tinyproof.export.lower import lower
from tinyproof.export.quantize import check_quantized, quantize_model
from tinyproof.export.tflite_reader import read_graph
from tinyproof.model_files import Splits, save_splits

pytestmark = needs.tensorflow


def write_splits(folder: Path, images: NDArray[np.uint8]) -> None:
    one, none = np.zeros(1, np.int64), np.zeros(0, np.int64)
    save_splits(folder / "splits.npz", Splits(images, images[:1], np.zeros(1, np.int32), none, none, one))


def images(high: int = 256, shape: tuple[int, ...] = (20, 12, 12, 1)) -> NDArray[np.uint8]:
    """Random images that use 0 to high - 1."""
    made = np.random.default_rng(0).integers(0, high, shape, np.uint8)
    made[0, 0, 0, 0], made[0, 0, 1, 0] = 0, high - 1
    return made


def write_network(folder: Path, *layers: object) -> None:
    """An untrained network, always the same, on 12 x 12 grey images."""
    import keras

    keras.utils.set_random_seed(3)
    inner = layers or (
        keras.layers.Conv2D(4, 3, strides=2, padding="same", activation="relu6", name="first"),
        keras.layers.MaxPooling2D(2),
        keras.layers.Conv2D(6, 2, activation="relu"),
    )
    network = keras.Sequential(
        [
            keras.Input((12, 12, 1)),
            *inner,
            keras.layers.Flatten(),
            keras.layers.Dropout(0.5),
            keras.layers.Dense(9, activation="relu"),
            keras.layers.Dense(4, activation="softmax"),
        ]
    )
    network.save(folder / "model.keras")


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    made = tmp_path_factory.mktemp("net")
    write_network(made)
    write_splits(made, images())
    return made


@pytest.fixture(scope="module")
def content(folder) -> bytes:
    return quantize_model(folder).content


def test_the_model_is_int8_with_a_batch_of_one_pixel_input_and_one_scale_for_each_dense_layer(content):
    graph = read_graph(content, "model.tflite")
    check_quantized(graph)
    assert [op.name for op in graph.ops] == [
        "CONV_2D", "MAX_POOL_2D", "CONV_2D", "RESHAPE", "FULLY_CONNECTED", "FULLY_CONNECTED", "SOFTMAX",
    ]  # fmt: skip
    x, y = graph.tensors[graph.inputs[0]], graph.tensors[graph.outputs[0]]
    assert (x.shape, x.dtype, y.shape, y.dtype) == ((1, 12, 12, 1), "int8", (1, 4), "int8")
    assert "first" in graph.label(graph.ops[0])
    scales = {op.name: graph.tensors[op.inputs[1]].quantization for op in graph.ops if len(op.inputs) == 3}
    assert scales["CONV_2D"] is not None and scales["CONV_2D"].scale.size > 1
    assert scales["FULLY_CONNECTED"] is not None and scales["FULLY_CONNECTED"].scale.size == 1


def test_the_same_network_gives_the_same_bytes(content, folder):
    assert quantize_model(folder).content == content


@needs.golden
def test_a_converted_network_on_the_kernels_gives_the_bytes_of_tflm(content, kernels):
    program, golden = lower(read_graph(content, "model.tflite")).program(), Golden(content)
    for x in np.random.default_rng(1).integers(-128, 128, (50, 1, 12, 12, 1), np.int8):
        np.testing.assert_array_equal(kernels.run(program, x), golden.run(x).reshape(-1))


def test_missing_files_name_the_command_that_makes_them(tmp_path):
    with pytest.raises(UserError, match="model.keras does not exist: run `make train`"):
        quantize_model(tmp_path)


def test_a_file_that_is_no_network_is_one_line(tmp_path):
    (tmp_path / "model.keras").write_bytes(b"no network")
    write_splits(tmp_path, images())
    with pytest.raises(UserError, match="is no .keras file") as caught:
        quantize_model(tmp_path)
    assert "\n" not in caught.value.message


def test_images_of_another_shape_are_refused(tmp_path):
    write_network(tmp_path)
    write_splits(tmp_path, images(shape=(5, 8, 8, 1)))
    with pytest.raises(UserError, match=r"takes \(12, 12, 1\) but the images beside it are \(8, 8, 1\)"):
        quantize_model(tmp_path)


def test_images_that_use_half_the_range_still_give_a_pixel_input(tmp_path):
    write_network(tmp_path)
    write_splits(tmp_path, images(high=100))
    graph = read_graph(quantize_model(tmp_path).content, "model.tflite")
    quantization = graph.tensors[graph.inputs[0]].quantization
    assert quantization is not None and quantization.zero_point[0] == -128
    assert quantization.scale[0] == pytest.approx(1 / 255, rel=1e-6)


def test_a_layer_without_a_kernel_is_refused_by_name(tmp_path):
    import keras

    write_network(tmp_path, keras.layers.UpSampling2D(2, interpolation="bicubic"))
    write_splits(tmp_path, images())
    with pytest.raises(
        UserError, match=r"layer 'up_sampling2d\w*' \(UpSampling2D, number 1 of the network\): the converter"
    ):
        quantize_model(tmp_path)


def test_without_tensorflow_the_package_to_install_is_named(folder, monkeypatch):
    monkeypatch.setitem(sys.modules, "keras", None)
    with pytest.raises(UserError, match=r"needs the Python package keras: remove the folder .*make again"):
        quantize_model(folder)
