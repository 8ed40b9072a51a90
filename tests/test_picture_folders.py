"""Folders, archives and arrays as people have them: used as they are meant, or refused in one line; never half."""

from __future__ import annotations

import doctest
import io
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path

import needs
import numpy as np
import pytest
from click.testing import CliRunner
from conftest import DEMO_MODEL
from PIL import Image
from training_sets import GREY, RED, assert_one_line, picture, pictures, run

from tinyproof import class_folders, whole_sets
from tinyproof.__main__ import main
from tinyproof.class_folders import lay_out
from tinyproof.console import UserError
from tinyproof.export.calibration import calibration_labels, load_calibration
from tinyproof.made import tree_state
from tinyproof.pictures import open_picture
from tinyproof.training import datasets
from tinyproof.training.datasets import from_folder, load_dataset
from tinyproof.training.stage import describe
from tinyproof.tree import files_below

CATS = {"cat": 8, "dog": 8}


def test_the_examples_in_docstrings_hold() -> None:
    for module in (class_folders, whole_sets, datasets):
        assert doctest.testmod(module).failed == 0


def parts(*names: str) -> Callable[[Path], object]:
    return lambda root: [pictures(root / name, CATS, (10 * k,) * 3) for k, name in enumerate(names, 1)]


@pytest.mark.parametrize(
    ("names", "says"),
    [
        (("training_set", "test_set"), "training_set/ and test_set/ as they are"),
        (("seg_train/seg_train", "seg_test/seg_test"), "seg_train/ and seg_test/ as they are"),
        (("Train", "HOLDOUT"), "Train/ and HOLDOUT/ as they are"),
        (("trainImages", "evaluationImages"), "trainImages/ and evaluationImages/ as they are"),
        (("archive/data/train", "archive/data/test1"), "train/ and test1/ as they are"),
        (("holdout_numbers/train", "holdout_numbers/test"), "train/ and test/ as they are"),
        (("train",), "cut 70/15/15"),
        (("training photos",), "cut 70/15/15"),
        (("photos",), "cut 70/15/15"),
    ],
)
def test_the_owners_parts_are_used_whatever_they_are_called(tmp_path: Path, names: tuple[str, ...], says: str) -> None:
    parts(*names)(tmp_path)
    (tmp_path / "README.md").write_text("x")
    data = from_folder(tmp_path)
    assert data.class_names == ("cat", "dog") and says in data.origin and "not used: 1 .md" in data.origin
    if len(names) > 1:
        assert {int(np.median(data.images[row])) for row in data.test} == {20}
        assert {int(np.median(data.images[row])) for row in data.train} == {10}


def test_parts_within_each_class_are_kept(tmp_path: Path) -> None:
    for part, color in (("train", (10, 10, 10)), ("test", (20, 20, 20))):
        made = pictures(tmp_path / "made", CATS, color)
        for name in CATS:
            (tmp_path / "set" / name).mkdir(parents=True, exist_ok=True)
            (made / name).rename(tmp_path / "set" / name / part)
    data = from_folder(tmp_path / "set")
    assert "*/train/ and */test/ as they are" in data.origin
    assert {int(np.median(data.images[row])) for row in data.test} == {20} and len(data.test) == 16
    shutil.rmtree(tmp_path / "set" / "dog" / "test")
    assert_one_line(run("--dataset", str(tmp_path / "set")), "cat/ is cut into test/ and train/, dog/ is not wholly")


def test_pictures_that_are_of_no_class_are_named_by_where_they_lie(tmp_path: Path) -> None:
    pictures(tmp_path / "train", CATS)
    pictures(tmp_path, {"test": 5, "bird": 0})
    picture(tmp_path / "stray.png")
    assert "not used: 1 .png in no folder of a class, 5 .png in test/" in from_folder(tmp_path).origin
    parts("train", "val")(tmp_path / "more")
    pictures(tmp_path / "more", {"bird": 3})
    assert "not used: 3 .png in bird/" in from_folder(tmp_path / "more").origin


def test_folders_that_file_servers_leave_behind_hold_no_classes_and_dunder_ones_do(tmp_path: Path) -> None:
    pictures(tmp_path, {**CATS, "__background__": 8})
    pictures(tmp_path / "cat", {"@eaDir": 5}, RED)
    pictures(tmp_path, {"__MACOSX": 3}, RED)
    data = from_folder(tmp_path)
    assert data.class_names == ("__background__", "cat", "dog") and len(data.images) == 24


def test_links_are_followed_but_never_in_a_circle(tmp_path: Path) -> None:
    pictures(tmp_path / "set", CATS)
    pictures(tmp_path / "more", CATS, RED)
    (tmp_path / "set" / "cat" / "2024").symlink_to(tmp_path / "more" / "cat")
    (tmp_path / "set" / "cat" / "again").symlink_to(tmp_path / "more" / "cat")
    (tmp_path / "set" / "dog" / "up").symlink_to(tmp_path / "set")
    (tmp_path / "set" / "dog" / "self").symlink_to(tmp_path / "set" / "dog")
    assert np.bincount(from_folder(tmp_path / "set").labels).tolist() == [16, 8]
    (tmp_path / "set" / "cat" / "itself").symlink_to("itself")
    before = tree_state(tmp_path / "set")
    picture(tmp_path / "more" / "cat" / "new.png")
    assert tree_state(tmp_path / "set") != before
    (tmp_path / "set" / "dog" / "gone.png").symlink_to(tmp_path / "nowhere.png")
    assert_one_line(run("--dataset", str(tmp_path / "set")), "gone.png cannot be read as a picture (a link to nothing)")


def test_numbered_folders_in_numbered_classes_hold_no_classes(tmp_path: Path) -> None:
    """Days, or years, of which each class has pictures; or parts of the set, or sides of a thing."""
    for number in (1, 2):
        pictures(tmp_path / "cut" / f"item{number}", {"train": 4, "test": 4}, (90 * number,) * 3)
        pictures(tmp_path / "sides" / f"Class {number}", {"left": 4, "right": 4}, (90 * number,) * 3)
        pictures(tmp_path / "views" / f"person{number}", {"front": 4, "left": 4}, (90 * number,) * 3)
        pictures(tmp_path / "days" / f"kind{number}", {"day1": 4, "day2": 4}, (90 * number,) * 3)
        pictures(tmp_path / "years" / f"kind{number}", {"2023": 4, "2024": 4}, (90 * number,) * 3)
    assert [lay_out(tmp_path / name).class_names for name in ("days", "years")] == [("kind1", "kind2")] * 2
    assert lay_out(tmp_path / "cut").class_names == ("item1", "item2")
    assert lay_out(tmp_path / "sides").class_names == ("Class 1", "Class 2")
    assert lay_out(tmp_path / "views").class_names == ("person1", "person2")


def test_numbered_things_with_the_same_folders_in_them_are_refused_where_those_may_be_the_classes(
    tmp_path: Path,
) -> None:
    for outer, inner in (("person", ("happy", "sad")), ("person", ("left", "right")), ("session", ("front", "side"))):
        root = tmp_path / f"{outer}_{inner[0]}"
        for number in (1, 2):
            pictures(root / f"{outer}{number}", dict.fromkeys(inner, 4))
        if outer == "session":  # where one may lack a class
            pictures(root / "session2", {"back": 4})
        with pytest.raises(UserError, match=f"{outer}1/ to {outer}2/ have the same folders in them"):
            lay_out(root)


def test_shares_of_a_set_that_are_cut_and_versions_of_a_set_are_not_its_classes(tmp_path: Path) -> None:
    for outer in ("fold_1", "fold_2"):
        for part in ("train", "val"):
            pictures(tmp_path / "folds" / outer / part, CATS)
    with pytest.raises(UserError, match="fold_1/ to fold_2/ have the same folders in them, cat, dog: if those are the"):
        lay_out(tmp_path / "folds")
    for outer in ("Augmented Images", "original_images", "resized"):
        pictures(tmp_path / "versions" / outer, CATS)
    with pytest.raises(UserError, match="original_images/ and resized/ have the same folders in them, cat, dog"):
        lay_out(tmp_path / "versions")
    for name in ("grey", "colored"):  # days, or years, of each
        pictures(tmp_path / "animals" / f"{name} cat", {"2023": 4, "2024": 4})
    assert lay_out(tmp_path / "animals").class_names == ("colored cat", "grey cat")


def test_classes_that_are_two_by_a_slip_are_cautioned_about(tmp_path: Path) -> None:
    slips = describe(from_folder(pictures(tmp_path / "slips", dict.fromkeys(("a cat", "A-Cat", "acat"), 4))))
    assert all(f"'A-Cat' and '{name}' are two classes whose names differ" in slips for name in ("a cat", "acat"))
    assert "differ" not in describe(from_folder(pictures(tmp_path / "letters", dict.fromkeys("Aab", 4))))


def test_a_pipe_among_the_pictures_is_no_picture(tmp_path: Path) -> None:
    pictures(tmp_path, CATS)
    os.mkfifo(tmp_path / "cat" / "live.png")
    assert len(from_folder(tmp_path).images) == 16


def test_a_folder_that_may_not_be_read_is_an_error_and_not_an_empty_one() -> None:
    code = (
        "import os, sys; from pathlib import Path; from tinyproof.tree import files_below\n"
        "if os.geteuid() == 0: os.setgid(65534); os.setuid(65534)\n"  # root may read everything
        "files_below(Path(sys.argv[1]))"
    )
    with tempfile.TemporaryDirectory() as made:
        Path(made).chmod(0o755)
        closed = pictures(Path(made), CATS) / "cat" / "old"
        closed.mkdir(mode=0)
        done = subprocess.run([sys.executable, "-c", code, made], capture_output=True, text=True)
        closed.chmod(0o755)
    whose = "it belongs to root and not to nobody" if os.geteuid() == 0 else "change its permissions"
    assert f"{closed} may not be read: {whose}" in done.stderr


def boxes(root: Path) -> None:
    pictures(root, {"images": 5})
    (root / "labels").mkdir()
    (root / "labels" / "0.txt").write_text("0 .5 .5 .2 .2")


def folds(root: Path) -> None:
    for number in range(1, 4):
        pictures(root / f"Fold_{number}", CATS)


def masks(root: Path) -> None:
    pictures(root, {"images": 5, "masks": 5})


def names_of_files(root: Path) -> None:
    for number in range(8):
        for name in ("cat", "dog"):
            picture(root / "train" / f"{name}.{number}.jpg")


def flat_parts(root: Path) -> None:
    names_of_files(root)
    pictures(root, {"test": 5})


def table(root: Path) -> None:
    pictures(root, {"images": 5})
    (root / "labels.csv").write_text("0.png,cat\r\n")


def videos(root: Path) -> None:
    for name in CATS:
        (root / name).mkdir()
        (root / name / "1.mp4").write_bytes(b"\0\0\0\x18ftypmp42")


def zips(root: Path) -> None:
    for name in CATS:
        (root / f"{name}.zip").write_bytes(b"PK")


@pytest.mark.parametrize(
    ("fill", "says"),
    [
        (boxes, ("has images/ and labels/, as sets for finding objects or outlines",)),
        (folds, ("Fold_1/ to Fold_3/ have the same folders in them, cat, dog: if those are the classes",)),
        (masks, ("has images/ and masks/",)),
        (names_of_files, ("only 'train' (there are 16 .jpg)", "begin with cat, dog: move those of each into a folder")),
        (flat_parts, ("train needs a sub-folder of pictures", "begin with cat, dog")),
        (table, ("only 'images' (there are 5 .png, 1 .csv)", "if labels.csv says which picture is of which class")),
        (videos, ("there are 2 .mp4", "save single frames")),
        (zips, ("there are 2 .zip", "unpack what is packed")),
        (parts("test"), ("has test/ but no train/ to learn from",)),
        (
            lambda root: [parts("train")(root), pictures(root, {"bird": 3})],
            ("has train/, which holds folders, beside bird/",),
        ),
        (
            lambda root: [parts("train")(root), pictures(root / "test", {"Cat": 4, "dog": 4})],
            ("class 'Cat', 'cat' is in",),
        ),
    ],
)
def test_what_is_no_set_of_classes_is_said_in_one_line_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fill: Callable[[Path], object], says: tuple[str, ...]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("photos").mkdir()
    fill(Path("photos"))
    assert_one_line(run("--dataset", "photos"), "photos", *says)
    assert not Path("build").exists()


def test_frames_tiny_pictures_and_large_ones_are_said(tmp_path: Path) -> None:
    pictures(tmp_path, CATS)
    frames = [Image.new("RGB", (20, 12), (40 * k, 0, 0)) for k in range(1, 4)]
    frames[0].save(tmp_path / "cat" / "film.gif", save_all=True, append_images=frames[1:])
    picture(tmp_path / "dog" / "dot.png", size=(1, 1))
    origin = from_folder(tmp_path).origin
    assert "of 1 file (film.gif) with several frames or pages the first is read" in origin
    assert "1 file (dot.png) under 8 pixels wide or high" in origin
    for name in ("a.png", "b.png"):
        Image.fromarray(np.zeros((9, 9), np.uint16)).save(tmp_path / "dog" / name)
    assert_one_line(run("--dataset", str(tmp_path)), "a.png (more than 8 bits a channel; save it with 8), ")
    for name in ("a.png", "b.png"):
        (tmp_path / "dog" / name).unlink()
    Image.new("1", (10_000, 9_000)).save(tmp_path / "large.png")
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # Pillow has one to say about the size
        assert open_picture(tmp_path / "large.png", "L").size == (10_000, 9_000)
    (tmp_path / "large.png").unlink()
    Image.new("1", (20_000, 20_000)).save(tmp_path / "dog" / "vast.png")
    assert_one_line(run("--dataset", str(tmp_path)), "vast.png cannot be read as a picture (over 179 million pixels)")


def noise(path: Path, rng: np.random.Generator, grey: bool = False) -> Image.Image:
    """A picture with something in it, saved as what its ending says."""
    small = rng.integers(0, 256, (6, 8, 3), np.uint8)
    image = Image.fromarray(small[..., 0] if grey else small).resize((160, 120), Image.Resampling.BICUBIC)
    path.parent.mkdir(parents=True, exist_ok=True)
    image.save(path)
    return image


def test_pictures_that_are_nearly_the_same_are_cautioned_about(tmp_path: Path) -> None:
    rng = np.random.default_rng(3)
    for part, count in (("train", 12), ("test", 6)):
        for name in CATS:
            for number in range(count):
                noise(tmp_path / part / name / f"{number}.png", rng)
    assert from_folder(tmp_path).cautions == ()
    noise(tmp_path / "train" / "cat" / "a.png", rng).resize((150, 113)).save(
        tmp_path / "test" / "cat" / "b.jpg", quality=85
    )
    mirrored = noise(tmp_path / "train" / "dog" / "c.png", rng).transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    mirrored.save(tmp_path / "test" / "dog" / "d.png")
    noise(tmp_path / "train" / "cat" / "e.png", rng).save(tmp_path / "train" / "dog" / "f.jpg", quality=85)
    said = describe(from_folder(tmp_path))
    assert "1 pairs of pictures look the same and are of two classes" in said and "f.jpg" in said
    assert "2 test pictures look the same as one that is trained or validated with" in said and "a.png" in said


def test_a_fixed_camera_alone_makes_no_pictures_the_same(tmp_path: Path) -> None:
    rng = np.random.default_rng(4)
    ground = np.asarray(noise(tmp_path / "ground.png", rng))
    for name in CATS:
        for number in range(8):
            image = ground.copy()
            row, column = rng.integers(0, 80), rng.integers(0, 110)
            image[row : row + 40, column : column + 50] = 255 if name == "cat" else 0
            (tmp_path / "set" / name).mkdir(parents=True, exist_ok=True)
            Image.fromarray(image).save(tmp_path / "set" / name / f"{number}.png")
    assert from_folder(tmp_path / "set", (64, 64)).cautions == ()


def test_a_grey_class_among_coloured_ones_is_cautioned_about(tmp_path: Path) -> None:
    pictures(tmp_path, {"cat": 8}, GREY)
    pictures(tmp_path, {"dog": 8}, RED)
    assert "the pictures of 'cat' are grey, those of 'dog' in colour" in describe(from_folder(tmp_path))


@pytest.mark.parametrize(
    ("names", "mirrored"), [(("0", "1"), False), (("left", "right"), False), (("cat", "dog"), True)]
)
def test_signs_and_sides_are_never_mirrored(tmp_path: Path, names: tuple[str, ...], mirrored: bool) -> None:
    assert from_folder(pictures(tmp_path, dict.fromkeys(names, 8))).mirror == mirrored


def windows_zip(folder: Path) -> Path:
    with zipfile.ZipFile(folder.with_suffix(".zip"), "w") as archive:
        for path in files_below(folder):
            member = zipfile.ZipInfo("photos")
            member.filename = "photos\\" + str(path.relative_to(folder)).replace("/", "\\")
            archive.writestr(member, path.read_bytes())
        archive.writestr("README.txt", "x")
    return folder.with_suffix(".zip")


def tar(folder: Path) -> Path:
    with tarfile.open(folder.with_suffix(".tar.gz"), "w:gz") as archive:
        archive.add(folder, "photos")
        for name, kind, target in (
            ("photos/cat/l.png", tarfile.SYMTYPE, "/etc/passwd"),
            ("../out.txt", tarfile.REGTYPE, ""),
        ):
            member = tarfile.TarInfo(name)
            member.type, member.linkname = kind, target
            archive.addfile(member, io.BytesIO())
    return folder.with_suffix(".tar.gz")


@pytest.mark.parametrize("pack", [windows_zip, tar])
def test_an_archive_gives_what_the_folder_gives_and_calibrates_alike(
    tmp_path: Path, pack: Callable[[Path], Path]
) -> None:
    folder = pictures(tmp_path / "photos", CATS)
    archive = pack(folder)
    assert np.array_equal(load_dataset(str(archive)).images, load_dataset(str(folder)).images)
    assert not (tmp_path / "out.txt").exists()
    assert np.array_equal(load_calibration(archive, (8, 8, 1)), load_calibration(folder, (8, 8, 1)))
    labels = calibration_labels(archive)
    assert labels is not None and labels.tolist() == [0] * 8 + [1] * 8


def test_an_error_about_what_is_packed_speaks_of_the_archive(tmp_path: Path) -> None:
    folder = pictures(tmp_path / "photos", CATS)
    (folder / "cat" / "bad.png").write_bytes(b"")
    assert_one_line(
        run("--dataset", str(windows_zip(folder))), f"{tmp_path}/photos.zip/photos/cat/bad.png cannot be read"
    )


def test_calibrating_keeps_to_the_training_part_of_every_layout(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for names in (("training_set", "test_set"), ("cat/train", "dog/train")):
        root = tmp_path / names[0].replace("/", "_")
        if "/" in names[0]:
            for name in CATS:
                for part, color in (("train", (10, 10, 10)), ("test", (20, 20, 20))):
                    pictures(root / name, {part: 8}, color)
        else:
            parts(*names)(root)
        assert int(np.median(load_calibration(root, (8, 8, 1)))) == 10
        assert "the others are not" in capsys.readouterr().out


def test_the_order_of_numbered_classes_is_said_where_it_is_not_that_of_the_numbers(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for number in range(11):
        picture(tmp_path / str(number) / "0.png", number=number + 1)
    labels = calibration_labels(tmp_path)
    assert labels is not None and labels.tolist() == list(range(11))
    assert "classes count in the order 0, 1, 10, 2, 3," in capsys.readouterr().out


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"7z\xbc\xaf\x27\x1c", "a 7z archive, to be unpacked first"),
        (b"Rar!\x1a\x07\x01", "a RAR archive"),
        (b"PAR1", "a Parquet table"),
        (b"\x80\x04\x95", "a pickle, which could run any program"),
        (b"", "empty"),
        (b"<!DOCTYPE html>", "a web page"),
        (b"\x93NUMPY\x01", "one array without labels"),
    ],
)
def test_a_file_that_is_no_set_is_named_by_what_it_is(tmp_path: Path, content: bytes, says: str) -> None:
    (tmp_path / "set.bin").write_bytes(content)
    assert_one_line(run("--dataset", str(tmp_path / "set.bin")), "set.bin is ", says, "a folder with one sub-folder")


@pytest.mark.parametrize(
    ("name", "says"),
    [("https://example.org/a.zip", "is an address: download it"), ("nowhere/photos", "nowhere/photos does not exist")],
)
def test_what_is_no_file_here_is_said(name: str, says: str) -> None:
    assert_one_line(run("--dataset", name), says)


X = np.random.default_rng(5).integers(0, 256, (40, 12, 12, 3), np.uint8)
Y = np.arange(40) % 2


@pytest.mark.parametrize(
    ("arrays", "says"),
    [
        ({"x": X, "y": Y}, "cut 70/15/15"),
        ({"Images": X, "Labels": Y[:, None]}, "cut 70/15/15"),
        ({"x": X, "y": np.eye(2)[Y]}, "cut 70/15/15"),
        ({"x": X.transpose(0, 3, 1, 2), "y": Y}, "channels moved from first to last"),
        ({"x": (X / 255).astype(np.float32), "y": Y}, "pixels of 0..1 multiplied by 255"),
        ({"x": (X / 127.5 - 1).astype(np.float32), "y": Y}, "pixels of -1..1 brought to 0..255"),
        ({"x": X.astype(np.uint16) * 257, "y": Y}, "pixels of 0..65535 divided by 257"),
        ({"x": X.astype(np.float64), "y": Y.astype(float)}, "cut 70/15/15"),
    ],
)
def test_arrays_become_the_same_pixels_and_labels_whatever_they_are_saved_as(
    tmp_path: Path, arrays: dict[str, np.ndarray], says: str
) -> None:
    np.savez(tmp_path / "set.npz", **arrays)
    data = load_dataset(str(tmp_path / "set.npz"))
    assert np.array_equal(data.images, X) and np.array_equal(data.labels, Y)
    assert says in data.origin and data.class_names == ("0", "1") and data.name == "set"


def test_pixels_of_0_and_1_are_no_black_pictures(tmp_path: Path) -> None:
    np.savez(tmp_path / "set.npz", x=X // 128, y=Y)
    data = load_dataset(str(tmp_path / "set.npz"))
    assert set(np.unique(data.images)) == {0, 255} and "pixels of 0 and 1 multiplied by 255" in data.origin


def test_arrays_keep_their_parts_and_the_names_of_their_classes(tmp_path: Path) -> None:
    names = np.array(["dog", "cat"])[Y]
    rows = {"train": slice(20), "val": slice(20, 30), "test": slice(30, 40)}
    arrays = {f"{part}_images": X[cut] for part, cut in rows.items()}
    np.savez(tmp_path / "set.npz", **arrays, **{f"{part}_labels": names[cut] for part, cut in rows.items()})
    data = load_dataset(str(tmp_path / "set.npz"))
    assert np.array_equal(data.images[data.test], X[30:]) and np.array_equal(data.images[data.validation], X[20:30])
    assert data.class_names == ("cat", "dog") and data.labels[:2].tolist() == [1, 0]
    np.savez(tmp_path / "set.npz", x=X, y=Y + 1, target_names=np.array(["none", "cat", "dog"]))
    assert load_dataset(str(tmp_path / "set.npz")).class_names == ("cat", "dog")


@pytest.mark.parametrize(
    ("arrays", "says"),
    [
        ({"x": X}, "holds x: name the arrays"),
        ({"x": X, "y": Y[1:]}, "40 images x and 39 labels y"),
        ({"x": X - np.float32(128), "y": Y}, "which are no pixels"),
        ({"x": np.where(X == 0, np.nan, X), "y": Y}, "NaN"),
        ({"x": X, "y": np.ones((40, 3)) / 3}, "rows that are not one class each"),
        ({"x": X, "y": Y + 0.5}, "not whole"),
        ({"x": X, "y": np.arange(40)}, "class '0' has 1 pictures"),
        ({"x": X, "y": Y * 0}, "1 classes"),
        ({"x": np.array([X[0], X[0, :5]], object), "y": Y[:2]}, "cannot be read as arrays"),
        ({"x_train": X, "y_train": Y, "x_test": X[:9], "y_test": np.arange(9) % 3}, "label 2 is not among y_train"),
        ({"x_train": X, "y_train": Y, "x_test": X[:9, :5], "y_test": Y[:9]}, "another size"),
    ],
)
def test_arrays_that_could_mean_two_things_are_refused_in_one_line(
    tmp_path: Path, arrays: dict[str, np.ndarray], says: str
) -> None:
    np.savez(tmp_path / "set.npz", **arrays)
    assert_one_line(run("--dataset", str(tmp_path / "set.npz")), "set.npz", says)


@needs.golden
def test_predict_reads_a_folder_by_the_same_rules(tmp_path: Path) -> None:
    pictures(tmp_path, {"cat": 2, "@eaDir": 2})
    (tmp_path / "cat" / "._0.png").write_text("x")
    (tmp_path / "cat" / "notes.txt").write_text("x")
    result = CliRunner().invoke(
        main, ["predict", "--model", str(DEMO_MODEL), "--board", "interpreter", "--image", str(tmp_path), "--json"]
    )
    assert result.exit_code == 0, result.output
    assert result.stdout.count('"file"') == 2


def test_class_folders_without_a_picture_are_none(tmp_path: Path) -> None:
    for name in CATS:
        (tmp_path / name).mkdir()
    with pytest.raises(UserError, match="it has none with pictures"):
        lay_out(tmp_path)
