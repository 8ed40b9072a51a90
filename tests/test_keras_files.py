"""What a Keras file says without Keras: what is refused before TensorFlow is waited for, and what plays no part."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import needs
import numpy as np
import pytest
from click.testing import CliRunner
from training_sets import RED, assert_one_line, pictures

from tinyproof.console import UserError
from tinyproof.export.commands import export
from tinyproof.export.conversion.configuration import (
    ends_of,
    lambdas,
    own_classes,
    picture_shape,
    read_configuration,
    trained_with_own_code,
)
from tinyproof.export.conversion.loading import load_network
from tinyproof.export.quantize import quantize_keras

pytestmark = needs.tensorflow
SHAPE = (8, 9, 3)


def ended(x: Any, y: Any) -> Any:
    import keras

    return keras.Model(x, keras.layers.Dense(3, activation="softmax")(keras.layers.Flatten()(y)))


def own_layer(name: str, **how: Any) -> Any:
    import keras

    kind = type(
        name,
        (keras.layers.Layer,),
        {"call": lambda self, x: x / 255.0, "compute_output_shape": lambda self, shape: shape},
    )
    return kind(name=f"my_{name.lower()}", **how)


def with_own_classes() -> Any:
    import keras

    x = keras.Input(SHAPE)
    inner = keras.Sequential([keras.layers.Conv2D(2, 3), own_layer("Shift")])
    return ended(x, keras.layers.TimeDistributed(own_layer("Inner"))(inner(own_layer("Scale")(x))))


def with_lambdas() -> Any:
    import keras

    x = keras.Input(SHAPE)
    y = keras.Sequential([keras.layers.Lambda(lambda t: t / 255.0, name="mine")])(x)
    return ended(x, keras.layers.Lambda(lambda t: t + 1, name="other")(y))


def ones(shape: tuple[int, ...], dtype: Any = None) -> Any:
    import keras

    return keras.ops.ones(shape, dtype)


def with_own_training() -> Any:
    """A network whose weights began, were held and were judged by code of its user's own."""
    import keras

    class Held(keras.constraints.Constraint):
        def __call__(self, w):
            return w

    class Less(keras.regularizers.Regularizer):
        def __call__(self, x):
            return 0.0 * keras.ops.sum(x)

        def get_config(self):
            return {}

    x = keras.Input(SHAPE)
    how = {"kernel_initializer": ones, "kernel_constraint": Held(), "activity_regularizer": Less()}
    y = keras.layers.Conv2D(2, 3, **how)(keras.layers.Rescaling(1 / 255)(x))
    network = ended(x, y)
    network.compile(loss=lambda y, found: keras.ops.mean(found), metrics=[lambda y, found: keras.ops.max(found)])
    network.set_weights([np.random.default_rng(1).normal(size=w.shape) for w in network.get_weights()])
    return network


@pytest.mark.parametrize("ending", ["keras", "h5"])
@pytest.mark.parametrize("name", ["classes", "lambdas"])
def test_code_of_the_users_own_is_refused_before_tensorflow_is_waited_for(tmp_path, monkeypatch, name, ending):
    make, says = {
        "classes": (with_own_classes, "classes 'Scale', 'Shift', 'Inner' are not"),
        "lambdas": (with_lambdas, "layer 'mine', 'other' is a Lambda"),
    }[name]
    path = tmp_path / f"net.{ending}"
    make().save(path)
    if name == "classes" and ending == "h5":  # which has no word of where a class is from
        assert own_classes(read_configuration(path)) == ["Inner"]  # but inside a layer
        return
    assert_refused_early(path, says, monkeypatch)


def assert_refused_early(path: Path, says: str, monkeypatch) -> None:
    """With such a line: a `.keras` before TensorFlow starts, an `.h5` in the process that reads it, ahead of Keras."""
    if path.suffix == ".h5":
        monkeypatch.setattr("tinyproof.export.conversion.loading.load_keras", lambda: pytest.fail("it was loaded"))
        with pytest.raises(UserError, match=re.escape(says)):
            load_network(path, path.parent, None, "")
        return
    x, out = path.with_name("x.npy"), path.with_name("out")
    np.save(x, np.zeros((4, *SHAPE), np.uint8))
    monkeypatch.setattr("tinyproof.export.conversion.process.start", lambda *_: pytest.fail("it was waited for"))
    given = {"model": out, "keras": path, "calibration": x}
    result = CliRunner().invoke(export.command, [f"--{name}={value}" for name, value in given.items()])
    assert_one_line(result, says)
    assert not out.exists()


def test_an_h5_is_opened_only_by_the_process_that_is_watched(tmp_path, monkeypatch):
    import h5py
    import keras

    path, photos = tmp_path / "net.h5", tmp_path / "photos"
    keras.Sequential([keras.Input(SHAPE), keras.layers.Flatten(), keras.layers.Dense(2)]).save(path)
    photos.mkdir()
    monkeypatch.setattr(h5py, "File", lambda *_, **__: pytest.fail("a damaged one may be read for ever"))
    monkeypatch.setattr("tinyproof.export.quantize.input_shape", lambda job: SHAPE)
    with pytest.raises(UserError, match="holds no pictures"):
        quantize_keras(path, photos)


@pytest.mark.parametrize("ending", ["keras", "h5"])
def test_several_inputs_and_outputs_are_refused_before_tensorflow_is_waited_for(tmp_path, monkeypatch, ending):
    import keras

    k = keras.layers
    x, z = keras.Input(SHAPE), keras.Input(SHAPE)
    flat = k.Flatten()(k.Conv2D(2, 3)(x))
    networks = {
        "inputs": (ended([x, z], k.Add()([x, z])), "takes [(None, 8, 9, 3), (None, 8, 9, 3)], not one input"),
        "outputs": (keras.Model(x, [k.Dense(2)(flat), k.Dense(3)(flat)]), "has 2 outputs, not one"),
    }
    if ending == "keras":
        networks["named"] = keras.Model(x, {"a": k.Dense(2)(flat), "b": k.Dense(3)(flat)}), "has 2 outputs, not one"
    for name, (network, _) in networks.items():
        network.save(tmp_path / f"{name}.{ending}")
    with monkeypatch.context() as patch:
        for name, (_, says) in networks.items():
            assert_refused_early(tmp_path / f"{name}.{ending}", says, patch)
    one = keras.Model({"x": x}, {"y": k.Dense(2)(flat)})
    one.save(tmp_path / f"one.{ending}")
    shapes, outputs = ends_of(read_configuration(tmp_path / f"one.{ending}"))
    assert len(shapes) <= 1 and outputs <= 1


@pytest.mark.parametrize("ending", ["keras", "h5"])
def test_how_a_network_was_trained_plays_no_part(tmp_path, ending):
    network, x = with_own_training(), np.random.default_rng(0).normal(size=(5, *SHAPE)).astype(np.float32)
    path = tmp_path / f"net.{ending}"
    network.save(path)
    configuration = read_configuration(path)
    assert trained_with_own_code(configuration)
    assert not own_classes(configuration) and not lambdas(configuration)
    loaded = load_network(path, tmp_path, None, "")
    np.testing.assert_allclose(loaded.network(x), network(x), atol=1e-6)
    assert loaded.notes == []


@pytest.mark.parametrize("ending", ["keras", "h5"])
def test_the_shape_of_a_picture_is_read_without_tensorflow(tmp_path, ending):
    """Of a usual network; one of any size, of other than pictures or of several inputs has to be loaded for it."""
    import keras

    k = keras.layers
    inner = keras.Sequential([keras.Input(SHAPE), k.Conv2D(2, 3)])
    x, several = keras.Input(SHAPE), [keras.Input(SHAPE), keras.Input(SHAPE)]
    networks = {
        "functional": (ended(x, inner(x)), SHAPE),
        "sequential": (keras.Sequential([keras.Input(SHAPE), k.Flatten(), k.Dense(2)]), SHAPE),
        "any": (keras.Sequential([keras.Input((None, None, 3)), k.Conv2D(2, 3)]), None),
        "steps": (keras.Sequential([keras.Input((8, 9)), k.Flatten(), k.Dense(2)]), None),
        "several": (ended(several, k.Add()(several)), None),
        "unbuilt": (keras.Sequential([k.Conv2D(2, 3), k.Flatten(), k.Dense(3)]), None),
    }
    for name, (network, shape) in networks.items():
        network.save(tmp_path / f"{name}.{ending}")
        assert picture_shape(read_configuration(tmp_path / f"{name}.{ending}")) == shape, name


@pytest.mark.parametrize(
    "content", ["", "null", "[]", '{"class_name": 3}', '{"class_name": "Functional", "config": []}']
)
def test_a_configuration_of_anything_else_says_nothing(tmp_path, content):
    import zipfile

    path: Path = tmp_path / "net.keras"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("config.json", content)
    configuration = read_configuration(path)
    assert (lambdas(configuration), own_classes(configuration), picture_shape(configuration)) == ([], [], None)
    assert ends_of(configuration) == ([], 0)


@pytest.mark.parametrize(
    "settings", [{"layers": 3}, {"input_layers": [["a", 0, 0], ["b", 0, 0]]}, {"layers": [[], {}]}]
)
def test_ends_that_are_not_said_are_none(settings):
    shapes, outputs = ends_of({"class_name": "Functional", "config": settings})
    assert all(shape == () for shape in shapes) and outputs == 0


def test_pictures_to_calibrate_with_cost_one_start_of_tensorflow(tmp_path, monkeypatch):
    import keras

    from tinyproof.export import quantize
    from tinyproof.export.conversion import process

    k = keras.layers
    keras.Sequential([keras.Input((8, 9, 3)), k.Flatten(), k.Dense(2)]).save(tmp_path / "net.keras")
    pictures(tmp_path / "photos", {"cat": 3, "dog": 3}, RED)
    jobs: list[process.Job] = []
    monkeypatch.setattr(quantize, "input_shape", lambda job: pytest.fail("TensorFlow was started for the shape"))
    monkeypatch.setattr(quantize, "_convert", jobs.append)
    quantize.quantize_keras(tmp_path / "net.keras", tmp_path / "photos")
    assert jobs[0].images is not None and jobs[0].images.shape == (6, 8, 9, 3)


def test_both_ways_of_a_bidirectional_layer_are_counted():
    import keras

    from tinyproof.export.conversion.recurrent import prepare_recurrent

    k = keras.layers
    assert prepare_recurrent(k.LSTM(2)) == "becomes one op, UNIDIRECTIONAL_SEQUENCE_LSTM"
    assert prepare_recurrent(k.Bidirectional(k.LSTM(2))) == "becomes 2 ops, UNIDIRECTIONAL_SEQUENCE_LSTM"
    mixed = k.Bidirectional(k.LSTM(2), backward_layer=k.GRU(2, go_backwards=True))
    said = "becomes one op, UNIDIRECTIONAL_SEQUENCE_LSTM and is unrolled, which the converter needs"
    assert prepare_recurrent(mixed) == said
