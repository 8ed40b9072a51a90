"""Where images come from: public sets by name, zips, and copies that must not be in two parts."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
from training_sets import RED, assert_one_line, picture, pictures, run

from tinyproof.console import UserError
from tinyproof.training.datasets import from_archive, from_folder, load_dataset
from tinyproof.training.public_sets import PUBLIC_SETS


def zipped(folder: Path, path: Path, prefix: str = "") -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for file in folder.rglob("*"):
            if file.is_file():
                archive.write(file, prefix + str(file.relative_to(folder)))
    return path


@pytest.mark.parametrize("prefix", ["", "photos/"])
def test_a_zip_gives_what_the_folder_in_it_gives(tmp_path: Path, prefix: str) -> None:
    folder = pictures(tmp_path / "photos", {"cat": 9, "dog": 9}, RED)
    from_archive = load_dataset(str(zipped(folder, tmp_path / "photos.zip", prefix)), (12, 14))
    direct = from_folder(folder, (12, 14))
    assert from_archive.name == direct.name == "photos" and from_archive.class_names == ("cat", "dog")
    assert np.array_equal(from_archive.images, direct.images) and np.array_equal(from_archive.test, direct.test)


def test_a_torn_zip_is_named(tmp_path: Path) -> None:
    path = zipped(pictures(tmp_path / "photos", {"cat": 5, "dog": 5}), tmp_path / "photos.zip")
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 3] + bytes(400) + whole[len(whole) // 3 + 400 :])
    with pytest.raises(UserError, match=r"photos\.zip cannot be unpacked"):
        from_archive(path)


def test_a_copy_of_a_test_picture_is_not_trained_on_and_the_output_says_so(tmp_path: Path) -> None:
    for part, color in (("train", (10, 10, 10)), ("validation", (20, 20, 20)), ("test", (30, 30, 30))):
        pictures(tmp_path / part, {"cat": 6, "dog": 6}, color)
    picture(tmp_path / "train" / "cat" / "copy.png", (30, 30, 30), number=1)
    picture(tmp_path / "train" / "dog" / "twin_a.png", (99, 99, 99))
    picture(tmp_path / "train" / "dog" / "twin_b.png", (99, 99, 99))
    data = from_folder(tmp_path)
    assert (len(data.train), len(data.validation), len(data.test), len(data.left_out)) == (14, 6 * 2, 6 * 2, 1)
    kept = {image.tobytes() for image in data.images[data.train]}
    assert not kept & {image.tobytes() for image in data.images[data.test]}
    result = run("--dataset", str(tmp_path), "--epochs", "1", "--out", str(tmp_path / "model"))
    assert "1 copies of these left out" in result.stdout, result.output


def test_a_class_of_copies_alone_is_refused(tmp_path: Path) -> None:
    for part in ("train", "test"):
        pictures(tmp_path / part, {"cat": 6})
        pictures(tmp_path / part, {"dog": 6}, RED if part == "test" else (1, 2, 3))
    assert_one_line(run("--dataset", str(tmp_path)), "picture of class 'cat' is a copy")


@pytest.mark.parametrize("name", PUBLIC_SETS)
def test_a_public_set_is_read_from_a_copy(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    public = PUBLIC_SETS[name]
    shape = public.image_shape if public.image_shape[2] == 3 else public.image_shape[:2]
    noise = np.random.default_rng(0).integers(0, 256, (130, *shape), np.uint8)
    labels = np.arange(130) % 10
    np.savez(tmp_path / public.file, x_train=noise[:100], y_train=labels[:100], x_test=noise[100:], y_test=labels[100:])
    monkeypatch.setenv("TINYPROOF_DATA", str(tmp_path))
    data = load_dataset(name)
    assert data.image_shape == public.image_shape and data.class_names == public.class_names
    assert (len(data.train), len(data.validation)) == (90, 10)
    assert np.array_equal(data.images[data.test].reshape(-1), noise[100:].reshape(-1))


def test_another_public_set_under_the_name_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    noise, labels = np.zeros((20, 28, 28), np.uint8), np.arange(20) % 10
    np.savez(tmp_path / "cifar10.npz", x_train=noise, y_train=labels, x_test=noise, y_test=labels)
    monkeypatch.setenv("TINYPROOF_DATA", str(tmp_path))
    assert_one_line(run("--dataset", "cifar10"), "cifar10.npz is not CIFAR-10")


@pytest.mark.parametrize("name", ["mnist", "cifar10"])
def test_without_a_network_one_line_says_what_to_do(name: str, tmp_path: Path) -> None:
    nowhere = {"https_proxy": "http://127.0.0.1:9", "no_proxy": "", "KERAS_HOME": str(tmp_path), "TINYPROOF_DATA": ""}
    done = subprocess.run(
        [sys.executable, "-m", "tinyproof", "train", "--dataset", name],
        env=os.environ | nowhere,
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 2
    title = PUBLIC_SETS[name].title
    assert done.stderr.startswith(f"Error: {title} could not be downloaded: ") and done.stderr.count("\n") == 1
