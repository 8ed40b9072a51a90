"""A training run: leaves six files, repeats itself byte for byte, goes on where it was interrupted."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from training_sets import assert_one_line, pictures, run

from tinyproof import model_files as files
from tinyproof.backend import load_keras
from tinyproof.boards import BOARDS
from tinyproof.export.quantize import quantize_model
from tinyproof.made import RECORD_FILE
from tinyproof.preprocess import preprocess
from tinyproof.training import resume
from tinyproof.training.averaging import Average
from tinyproof.training.commands import train as command_line
from tinyproof.training.datasets import load_dataset
from tinyproof.training.report import REPORT_FILE


def weights(folder: Path) -> list[bytes]:
    model = load_keras().models.load_model(folder / files.KERAS_FILE)
    return [array.tobytes() for array in model.get_weights()]


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Two model folders that one command has made, two epochs each."""
    folders = (tmp_path_factory.mktemp("first"), tmp_path_factory.mktemp("second"))
    for folder in folders:
        result = run("--epochs", "2", "--out", str(folder))
        assert result.exit_code == 0, result.output
        assert "conv_1" in result.stdout and "359 test images" in result.stdout
    return folders


def test_a_run_leaves_exactly_the_six_files(trained: tuple[Path, Path]) -> None:
    for folder in trained:
        names = {path.name for path in folder.iterdir()}
        left = (
            RECORD_FILE,
            REPORT_FILE,
            files.KERAS_FILE,
            files.LABELS_FILE,
            files.SPLITS_FILE,
            files.FLOAT_SCORES_FILE,
            files.TRAINING_FILE,
        )
        assert names == set(left)


def test_the_same_seed_gives_the_same_weights_and_the_same_tflite(trained: tuple[Path, Path]) -> None:
    assert weights(trained[0]) == weights(trained[1])
    first, second = (quantize_model(folder).content for folder in trained)
    assert first == second
    assert (trained[0] / files.SPLITS_FILE).read_bytes() == (trained[1] / files.SPLITS_FILE).read_bytes()


def test_calibration_images_come_from_training_rows_and_test_images_from_test_rows(trained: tuple[Path, Path]) -> None:
    data, splits = load_dataset("digits"), files.load_splits(trained[0] / files.SPLITS_FILE)
    assert len(splits.x_calibration) == 500
    from_training = {image.tobytes() for image in data.images[splits.train_index]}
    assert all(image.tobytes() in from_training for image in splits.x_calibration)
    assert np.array_equal(splits.x_test, data.images[splits.test_index])
    assert np.array_equal(splits.y_test, data.labels[splits.test_index])
    assert splits.y_test.dtype == np.int32 and splits.test_index.dtype == np.int64
    assert np.array_equal(splits.validation_index, data.validation)


def test_the_record_says_what_the_saved_model_does(trained: tuple[Path, Path]) -> None:
    folder = trained[0]
    record, splits = files.load_record(folder / files.TRAINING_FILE), files.load_splits(folder / files.SPLITS_FILE)
    model = load_keras().models.load_model(folder / files.KERAS_FILE)
    guesses = model.predict(preprocess(splits.x_test), verbose=0).argmax(axis=1)
    assert record.accuracy_float == pytest.approx(np.mean(guesses == splits.y_test))
    assert record.accuracy_float > 0.6
    assert (record.dataset, record.preset, record.epochs_run, record.recipe["epochs"]) == ("digits", "small", 2, 2)
    assert (record.parameters, record.macs) == (56_714, 706_752)
    assert set(record.versions) == {"python", "tensorflow", "keras", "numpy", "processor"}
    assert all(len(values) == 2 for values in record.history.values())
    assert files.load_labels(folder / files.LABELS_FILE) == tuple("0123456789")


def test_an_interrupted_run_goes_on_and_ends_with_the_same_bytes(tmp_path: Path, trained: tuple[Path, Path]) -> None:
    command = [
        sys.executable,
        "-m",
        "tinyproof",
        "train",
        "--board",
        "interpreter",
        "--epochs",
        "2",
        "--out",
        str(tmp_path),
    ]
    environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if (tmp_path / resume.RESUME_FILE).exists():
                process.send_signal(signal.SIGINT)
                break
            assert "epoch 2/" not in line
        process.communicate(timeout=60)
    assert process.returncode == 128 + signal.SIGINT
    assert {path.name for path in tmp_path.iterdir()} == {resume.RESUME_FILE}
    result = run("--epochs", "2", "--out", str(tmp_path))
    assert "going on after epoch 1" in result.stdout
    assert weights(tmp_path) == weights(trained[0])
    assert not (tmp_path / resume.RESUME_FILE).exists()


def test_the_state_of_a_run_with_another_seed_is_not_taken_up(tmp_path: Path) -> None:
    keras = load_keras()
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])
    model.compile("sgd", "mse")
    resume.save(tmp_path, "two", model, resume.Progress(3, 1.5, {"loss": [3.0, 2.0, 1.0]}))
    assert resume.restore(tmp_path, "one", model) == resume.Progress()
    assert resume.restore(tmp_path, "two", model).epochs == 3
    (tmp_path / resume.RESUME_FILE).write_bytes(b"PK torn")
    assert resume.restore(tmp_path, "two", model) == resume.Progress()


@pytest.mark.parametrize("board, memory", [("qemu", "RAM"), ("esp32", "RAM")])
def test_a_network_that_does_not_fit_the_board_is_refused_before_it_is_trained(
    tmp_path: Path, board: str, memory: str
) -> None:
    folder = pictures(tmp_path / "photos", {"cat": 12, "dog": 12})
    out = tmp_path / "out"
    arguments = ("--dataset", str(folder), "--preset", "photo", "--size", "256", "--color", "--out", str(out))
    refused = CliRunner().invoke(command_line.command, [*arguments, "--board", board])
    assert_one_line(refused, memory, BOARDS[board].budget.of)
    assert "epoch" not in refused.stdout and not out.exists()


def test_the_mean_is_that_of_the_second_half_of_the_epochs_interrupted_or_not(tmp_path: Path) -> None:
    keras = load_keras()
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2), keras.layers.BatchNormalization()])
    model.compile("sgd", "mse")
    average = Average(epochs=6)
    for epoch in range(1, 7):
        model.set_weights([np.full(weight.shape, epoch, np.float32) for weight in model.get_weights()])
        average.after_epoch(epoch, model)
        if epoch == 5:
            resume.save(tmp_path, "plan", model, resume.Progress(epoch), average)
            average = Average(epochs=6)
            assert resume.restore(tmp_path, "plan", model, average).epochs == 5
    average.apply(model)
    assert average.count == 3 and all((weight.numpy() == 5).all() for weight in model.trainable_variables)
    assert all((weight.numpy() == 6).all() for weight in model.layers[-1].non_trainable_variables)


def test_tensorboard_finds_the_curves_of_training_and_validation(tmp_path: Path) -> None:
    logs = tmp_path / "logs"
    result = run("--epochs", "1", "--out", str(tmp_path / "out"), "--tensorboard", str(logs))
    assert result.exit_code == 0, result.output
    for part in ("train", "validation"):
        [events] = (logs / part).glob("events.out.tfevents.*")
        assert b"epoch_accuracy" in events.read_bytes()


def test_a_trained_network_is_never_trained_over_unasked(tmp_path: Path, trained: tuple[Path, Path]) -> None:
    folder = tmp_path / "model"
    shutil.copytree(trained[0], folder)
    before = weights(folder)
    result = run("--epochs", "1", "--seed", "9", "--out", str(folder))
    for words in ("another network", "trained with EPOCHS=2, now 1", "SEED=1, now 9", "MODEL=model_2", "OVERWRITE=1"):
        assert words in result.stderr, result.stderr
    (folder / RECORD_FILE).unlink()  # of an earlier version, or copied by hand
    assert "not trained with these settings" in run("--epochs", "1", "--out", str(folder)).stderr
    (folder / files.TRAINING_FILE).unlink()  # a network from elsewhere
    assert "not here" in run("--epochs", "1", "--out", str(folder)).stderr
    assert weights(folder) == before
    run("--epochs", "1", "--out", str(folder), "--overwrite")
    assert weights(folder) != before


def test_a_network_that_an_earlier_version_trained_with_the_same_settings_stays(
    tmp_path: Path, trained: tuple[Path, Path]
) -> None:
    folder = tmp_path / "model"
    shutil.copytree(trained[0], folder)
    for name in (RECORD_FILE, files.TRAINING_FILE):
        record = json.loads((folder / name).read_text())
        record.get("train", {})["inputs"] = record["plan"] = "of other code"
        if name == RECORD_FILE:
            del record["plan"]
        (folder / name).write_text(json.dumps(record))
    before = weights(folder)
    assert "same settings by other versions" in run("--epochs", "2", "--out", str(folder)).stdout
    assert weights(folder) == before
