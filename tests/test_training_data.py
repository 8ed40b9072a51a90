"""Data sets: cut without leaks whatever they come from, and one line about those that cannot be learnt from."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path

import needs
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image
from training_sets import BLACK, GREY, RED, assert_one_line, picture, pictures, run

from tinyproof.training.datasets import from_folder, load_dataset
from tinyproof.training.splits import Dataset, class_weights, take_stratified


@settings(deadline=None)  # machines may be busy
@given(st.lists(st.integers(0, 4), min_size=1, max_size=200), st.floats(0, 1))
def test_a_stratified_cut_takes_the_asked_count_and_the_same_share_of_every_class(
    classes: list[int], part: float
) -> None:
    labels = np.array(classes, np.int32)
    rows, count = np.arange(len(labels)), round(part * len(labels))
    taken, left = take_stratified(labels, rows, count)
    assert len(taken) == count
    assert np.array_equal(np.sort(np.concatenate([taken, left])), rows)
    for label in np.unique(labels):
        whole = np.count_nonzero(labels == label)
        assert abs(np.count_nonzero(labels[taken] == label) - whole * count / len(labels)) <= len(np.unique(labels))
        if count >= len(np.unique(labels)):
            assert label in labels[taken]


def digits(_: Path) -> Dataset:
    return load_dataset("digits")


def flat_folder(root: Path) -> Dataset:
    return from_folder(pictures(root, {"cat": 20, "dog": 40, "owl": 3}))


def folder_without_test(root: Path) -> Dataset:
    pictures(root / "train", {"cat": 20, "dog": 12})
    pictures(root / "validation", {"cat": 5, "dog": 5}, RED)
    return from_folder(root)


@pytest.mark.parametrize(
    ("load", "train", "validation", "test"),
    [(digits, 1258, 180, 359), (flat_folder, 45, 9, 9), (folder_without_test, 27, 10, 5)],
)
def test_training_validation_and_test_share_no_row_and_each_holds_every_class(
    tmp_path: Path, load: Callable[[Path], Dataset], train: int, validation: int, test: int
) -> None:
    data = load(tmp_path)
    assert (len(data.train), len(data.validation), len(data.test)) == (train, validation, test)
    together = np.concatenate([data.train, data.validation, data.test])
    assert np.array_equal(np.sort(together), np.arange(len(data.images)))
    for rows in (data.train, data.validation, data.test):
        assert set(data.labels[rows]) == set(range(len(data.class_names)))
    again = load(tmp_path)
    assert np.array_equal(again.test, data.test) and np.array_equal(again.images, data.images)


def test_a_row_in_two_parts_is_refused() -> None:
    data = load_dataset("digits")
    with pytest.raises(ValueError, match="exactly once"):
        Dataset("twice", "", data.images, data.labels, data.class_names, data.train, data.test, data.test)


def test_digits_are_full_range_pixels_inside_a_black_margin() -> None:
    data = load_dataset("digits")
    assert data.images.dtype == np.uint8 and data.images.shape == (1797, 28, 28, 1)
    assert data.images.min() == 0 and data.images.max() >= 250
    inside = data.images[:, 4:24, 4:24]
    assert inside.sum(dtype=int) == data.images.sum(dtype=int)


@needs.public_data
def test_fashion_mnist_keeps_its_own_test_images_for_the_test() -> None:
    data = load_dataset("fashion_mnist")
    assert data.image_shape == (28, 28, 1)
    assert np.array_equal(data.test, np.arange(60_000, 70_000))
    assert np.array_equal(np.bincount(data.labels[data.validation]), [600] * 10)
    assert data.class_names[data.labels[0]] == "Ankle boot"


def zipped_nonsense(path: Path) -> None:
    np.savez(path, x_train=np.zeros((3, 5, 5), np.uint8), y_train=np.zeros(3), x_test=np.zeros(3), y_test=np.zeros(3))


@pytest.mark.parametrize(
    "spoil", [lambda path: path.write_bytes(b"PK\x03\x04 and no more"), Path.touch, zipped_nonsense]
)
def test_a_spoilt_copy_of_fashion_mnist_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, spoil: Callable[[Path], object]
) -> None:
    spoil(tmp_path / "fashion_mnist.npz")
    monkeypatch.setenv("TINYPROOF_DATA", str(tmp_path))
    assert_one_line(run("--dataset", "fashion_mnist"), "fashion_mnist.npz is ")


def test_fashion_mnist_without_a_network_says_what_to_do(tmp_path: Path) -> None:
    nowhere = {"https_proxy": "http://127.0.0.1:9", "no_proxy": "", "KERAS_HOME": str(tmp_path), "TINYPROOF_DATA": ""}
    done = subprocess.run(
        [sys.executable, "-m", "tinyproof", "train", "--dataset", "fashion_mnist"],
        env=os.environ | nowhere,
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 2
    assert done.stderr.startswith("Error: Fashion-MNIST could not be downloaded: ") and done.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("color", "mode", "asked", "channels"),
    [
        (GREY, "L", None, 1),
        (GREY, "RGB", None, 1),  # three equal channels are grey
        (GREY, "1", None, 1),
        (RED, "RGB", None, 3),
        (RED, "P", None, 3),
        (RED, "RGB", False, 1),
        (GREY, "L", True, 3),
    ],
)
def test_pictures_keep_their_colour_unless_told_otherwise(
    tmp_path: Path, color: tuple[int, ...], mode: str, asked: bool | None, channels: int
) -> None:
    pictures(tmp_path, {"cat": 3}, color, mode)
    pictures(tmp_path, {"dog": 3}, BLACK, "L")
    assert from_folder(tmp_path, (11, 17), asked).images.shape == (6, 11, 17, channels)


def test_a_transparent_picture_is_seen_on_white(tmp_path: Path) -> None:
    pictures(tmp_path, {"clear": 3}, (0, 0, 0, 0), "RGBA")
    pictures(tmp_path, {"black": 3}, (0, 0, 0, 255), "RGBA")
    data = from_folder(tmp_path)
    assert data.class_names == ("black", "clear")
    assert {int(grey) for grey in np.median(data.images[data.labels == 1], axis=(1, 2, 3))} == {255}
    assert {int(grey) for grey in np.median(data.images[data.labels == 0], axis=(1, 2, 3))} == {0}


def test_hidden_files_and_other_files_are_passed_over(tmp_path: Path) -> None:
    pictures(tmp_path, {"cat": 3, "dog": 3})
    (tmp_path / "cat" / ".DS_Store").write_text("x")
    (tmp_path / "cat" / "._0.png").write_text("x")
    (tmp_path / "cat" / "notes.txt").write_text("x")
    (tmp_path / ".git").mkdir()
    (tmp_path / "__MACOSX").mkdir()
    picture(tmp_path / "cat" / "UPPER.JPG")
    data = from_folder(tmp_path)
    assert data.class_names == ("cat", "dog") and len(data.images) == 7
    assert "not used: 1 .txt" in data.origin


def test_telephone_pictures_and_deeper_folders_are_read(tmp_path: Path) -> None:
    pictures(tmp_path, {"cat": 3, "dog": 3})
    for number, ending in enumerate(("heic", "AVIF", "jfif"), 1):
        made = Image.new("RGB", (64, 48), (50 * number, 0, 0))
        (tmp_path / "cat" / "2024").mkdir(exist_ok=True)
        kind = {"heic": "HEIF", "AVIF": "AVIF", "jfif": "JPEG"}[ending]
        made.save(tmp_path / "cat" / "2024" / f"{number}.{ending}", format=kind)
    assert len(from_folder(tmp_path).images) == 9


def test_all_bad_files_are_named_at_once_with_what_they_are(tmp_path: Path) -> None:
    pictures(tmp_path, {"cat": 3, "dog": 3})
    (tmp_path / "cat" / "a.jpg").write_bytes(b"")
    (tmp_path / "dog" / "b.png").write_bytes(b"<html>404</html>")
    (tmp_path / "dog" / "c.png").write_bytes((tmp_path / "cat" / "0.png").read_bytes()[:50])
    says = ("3 files", "a.jpg (empty)", "b.png (a web page)", "c.png (damaged or cut short")
    assert_one_line(run("--dataset", str(tmp_path)), *says)


def test_a_picture_under_two_labels_is_named(tmp_path: Path) -> None:
    pictures(tmp_path, {"cat": 3, "dog": 3})
    (tmp_path / "dog" / "copy.png").write_bytes((tmp_path / "cat" / "1.png").read_bytes())
    assert_one_line(run("--dataset", str(tmp_path)), "1 pictures are under two labels", "cat/1.png", "dog/copy.png")


@pytest.mark.parametrize(
    ("parts", "tested", "says"),
    [
        (("train", "validation"), "train", "the test set is 15 % of train/"),
        (("train", "test"), "test", "validation is 15 % of train/"),
        (("train", "validation", "test"), "test", "test/ is for test"),
        (("Training", "VAL", "testing"), "test", "VAL/ is for validation"),
        (("train", "dev"), "train", "train/ and dev/ as they are"),
    ],
)
def test_a_folder_cut_by_its_owner_is_never_mixed(tmp_path: Path, parts: Sequence[str], tested: str, says: str) -> None:
    grey = {"train": 10, "validation": 20, "test": 30}
    meant = {"Training": "train", "VAL": "validation", "dev": "validation", "testing": "test"}
    for part in parts:
        pictures(tmp_path / part, {"cat": 8, "dog": 8}, (grey[meant.get(part, part)],) * 3)
    data = from_folder(tmp_path)

    def greys(rows: NDArray[np.int64]) -> set[int]:
        return {int(grey) for grey in np.median(data.images[rows], axis=(1, 2, 3))}

    assert greys(data.train) == {grey["train"]}
    assert greys(data.test) == {grey[tested]}
    assert greys(data.validation) == {grey["train" if parts[1] == "test" else "validation"]}
    assert says in data.origin


@needs.public_data
def test_a_real_folder_of_colour_pictures_is_read(tmp_path: Path) -> None:
    with zipfile.ZipFile(needs.PUBLIC_DATA / "horse_or_human_96.zip") as archive:
        archive.extractall(tmp_path)
    (train,) = tmp_path.rglob("train")
    data = from_folder(train.parent, (96, 96))
    assert data.images.shape == (300, 96, 96, 3) and data.class_names == ("horses", "humans")
    assert (len(data.train), len(data.validation), len(data.test)) == (170, 100, 30)


def cat_and(**more: int) -> Callable[[Path], object]:
    return lambda root: pictures(root, {"cat": 5, **more})


def broken_picture(root: Path) -> None:
    pictures(root, {"cat": 5, "dog": 5})
    whole = picture(root / "dog" / "torn.png", RED).read_bytes()
    (root / "dog" / "torn.png").write_bytes(whole[: len(whole) // 2])


def text_named_png(root: Path) -> None:
    pictures(root, {"cat": 5, "dog": 5})
    (root / "dog" / "torn.png").write_text("no picture")


def deep_picture(root: Path) -> None:
    pictures(root, {"cat": 5, "dog": 5})
    Image.fromarray(np.full((12, 20), 40_000, np.uint16)).save(root / "dog" / "deep.png")


def empty_class(root: Path) -> None:
    pictures(root, {"cat": 5})
    (root / "dog").mkdir()


def parts_with_other_classes(root: Path) -> None:
    pictures(root / "train", {"cat": 5, "dog": 5})
    pictures(root / "validation", {"cat": 5})


@pytest.mark.parametrize(
    ("fill", "says"),
    [
        (Path.exists, "two or more classes; it has none"),
        (cat_and(), "two or more classes; it has only 'cat'"),
        (cat_and(dog=2), "class 'dog' has 2 pictures to train on; it needs 3 or more"),
        (cat_and(**{"two\nlines": 5}), "'two\\nlines' cannot be a class name"),
        (empty_class, "dog holds no pictures"),
        (parts_with_other_classes, "class 'dog' is in one of train/ and validation/ only"),
        (broken_picture, "torn.png cannot be read as a picture"),
        (text_named_png, "torn.png cannot be read as a picture"),
        (deep_picture, "deep.png cannot be read as a picture (more than 8 bits a channel): save it with 8"),
    ],
)
def test_a_folder_that_cannot_be_learnt_from_is_refused_in_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fill: Callable[[Path], object], says: str
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("photos").mkdir()
    fill(Path("photos"))
    assert_one_line(run("--dataset", "photos"), "photos", says)
    assert not Path("build").exists()


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--dataset", "kmnist"], "unknown data set 'kmnist': give digits, mnist, fashion_mnist, cifar10, or a folder"),
        (["--preset", "searched"], "build/search/digits/chosen.json does not exist: run `make search DATASET=digits`"),
        (["--board", "uno"], "unknown board 'uno'"),
        (["--dataset", "photos", "--size", "0"], "'0' is no image size"),
        (["--dataset", "photos", "--size", "28x"], "'28x' is no image size"),
        (["--dataset", "photos", "--size", "-4x4"], "'-4x4' is no image size"),
        (["--dataset", "photos", "--size", "9999x9999"], "each from 1 to 512"),
        (["--dataset", "photos", "--size", "9"], "images of 9x9 are too small for this network: use at least 10x10"),
        (["--size", "32"], "digits has its own size and colour"),
        (["--color"], "digits has its own size and colour"),
        (["--out", "file"], "file cannot be made a folder"),
        (["--out", "file/model"], "file/model cannot be made a folder"),
    ],
)
def test_an_argument_that_makes_no_sense_is_refused_in_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], says: str
) -> None:
    monkeypatch.chdir(tmp_path)
    pictures(Path("photos"), {"cat": 3, "dog": 3})
    Path("file").touch()
    assert_one_line(run(*arguments), says)


def test_uneven_classes_are_said_and_the_rare_one_counts_more(tmp_path: Path) -> None:
    folder = pictures(tmp_path / "photos", {"cat": 40, "dog": 10})
    data = from_folder(folder)
    weights = class_weights(data)
    assert weights is not None and np.isclose(weights[1] / weights[0], (28 / 6) ** 0.5)
    assert np.isclose(weights[data.labels[data.train]].mean(), 1)
    result = run("--dataset", str(folder), "--epochs", "1", "--out", str(tmp_path / "model"))
    assert result.exit_code == 0 and "uneven classes: 28 of 'cat' to train on, 6 of 'dog'" in result.output
    assert class_weights(from_folder(pictures(tmp_path / "even", {"cat": 12, "dog": 10}))) is None


def test_a_preset_has_a_size_of_its_own_for_pictures(tmp_path: Path) -> None:
    folder = pictures(tmp_path / "photos", {"cat": 10, "dog": 10})
    for wishes, shape in ((["--preset", "photo"], "64x64x3"), (["--preset", "photo", "--size", "32"], "32x32x3")):
        out = str(tmp_path / shape)
        assert shape in run("--dataset", str(folder), "--epochs", "1", "--color", "--out", out, *wishes).output
