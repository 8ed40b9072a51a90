"""The files of a model folder: read back as written, and one line about those that are missing or damaged."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from tinyproof import model_files as files
from tinyproof.console import UserError

LOADERS: dict[str, Callable[[Path], object]] = {
    files.LABELS_FILE: files.load_labels,
    files.SPLITS_FILE: files.load_splits,
    files.TRAINING_FILE: files.load_record,
}


@pytest.mark.parametrize("name", LOADERS)
def test_a_missing_file_points_to_make_train(tmp_path: Path, name: str) -> None:
    with pytest.raises(UserError, match=rf"{name} does not exist: run `make train` first"):
        LOADERS[name](tmp_path / name)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        (files.LABELS_FILE, b""),
        (files.LABELS_FILE, b"cat\n\ndog\n"),
        (files.LABELS_FILE, b"\xff\xfe\x00"),
        (files.SPLITS_FILE, b""),
        (files.SPLITS_FILE, b"PK\x03\x04 torn"),
        (files.SPLITS_FILE, b"cat\n"),
        (files.TRAINING_FILE, b""),
        (files.TRAINING_FILE, b"[]"),
        (files.TRAINING_FILE, b'{"dataset": "digits"}'),
        (files.TRAINING_FILE, b"\xff\xfe\x00"),
    ],
)
def test_a_damaged_file_points_to_make_train(tmp_path: Path, name: str, content: bytes) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(UserError, match=rf"{name} cannot be used \(.*\): run `make train` to make it again") as caught:
        LOADERS[name](tmp_path / name)
    assert "\n" not in caught.value.message


def test_a_truncated_splits_file_points_to_make_train(tmp_path: Path) -> None:
    path = tmp_path / files.SPLITS_FILE
    noise = np.random.default_rng(0).integers(0, 256, (50, 12, 12, 1), np.uint8)
    rows = np.arange(50)
    files.save_splits(path, files.Splits(noise, noise, np.zeros(50, np.int32), rows, rows, rows))
    whole = path.read_bytes()
    for length in range(0, len(whole), len(whole) // 20):
        path.write_bytes(whole[:length])
        with pytest.raises(UserError, match="run `make train`"):
            files.load_splits(path)
        path.write_bytes(whole[:length] + bytes(64) + whole[length + 64 :])
        try:
            files.load_splits(path)
        except UserError as error:
            assert "run `make train`" in error.message


@pytest.mark.parametrize(
    "module",
    [
        "tinyproof.model_files",
        "tinyproof.training.datasets",
        "tinyproof.preprocess",
        "tinyproof.training.commands.train",
    ],
)
def test_importing_a_module_brings_no_tensorflow(module: str) -> None:
    heavy = "{'tensorflow', 'keras', 'sklearn', 'PIL'}"
    code = f"import sys, {module}; print({heavy} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout == "set()\n", done.stderr
