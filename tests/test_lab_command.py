"""`tinyproof explore` and its page: what it writes, what it refuses, and that its documentation runs."""

from __future__ import annotations

import doctest
import importlib
import os
import pkgutil
import re
import subprocess
from pathlib import Path

import numpy as np
import pytest
from conftest import DEMO_MODEL, ROOT, first_on_path
from page_check import faults
from PIL import Image

import tinyproof.training.lab
from tinyproof.console import UserError, console
from tinyproof.training.lab.convolution import convolve, pool
from tinyproof.training.lab.filters import NAMED
from tinyproof.training.lab.gallery import FIGURES
from tinyproof.training.lab.pictures import load_picture
from tinyproof.training.lab.scene import draw_scene

DOCS = ROOT / "docs" / "lab.md"
MODEL_FIGURES = set(list(FIGURES)[list(FIGURES).index("journey") :])
CHIP_FIGURES = {"chip", "device_maps"}
MODULES = [name for _, name, _ in pkgutil.iter_modules(tinyproof.training.lab.__path__, "tinyproof.training.lab.")]


@pytest.fixture
def photo(tmp_path) -> Path:
    """A small colour photo with an odd number of rows."""
    pixels = np.random.default_rng(1).integers(0, 256, (61, 84, 3), np.uint8)
    Image.fromarray(pixels).save(tmp_path / "photo.png")
    return tmp_path / "photo.png"


def pngs(folder: Path) -> set[str]:
    return {path.stem for path in folder.glob("*.png")}


def test_a_picture_goes_through_filter_pooling_and_page_without_a_board(command, photo, tmp_path):
    out = tmp_path / "out"
    result = command("explore", "--image", photo, "--filter", "1 1 1 1", "--board", "none", "--out", out)
    assert result.returncode == 0, result.stderr
    assert "84x61, from" in result.stdout and "colour turned to grey" in result.stdout
    assert "weight 0.25" in result.stdout
    assert "84x61 -> 84x61" in result.stdout and "pooled 2x2 -> 42x30: the last row is dropped" in result.stdout
    assert "the new pixel is 255" in result.stdout and "192 144" in result.stdout
    assert pngs(out) == FIGURES.keys() - MODEL_FIGURES - CHIP_FIGURES - {"your_pixel"}
    assert "0 bytes differ" not in (out / "index.html").read_text()


def test_a_model_is_looked_into_and_the_chip_agrees_without_tensorflow(command, photo, tmp_path):
    out = tmp_path / "out"
    (out).mkdir()
    (out / "not_ours.png").write_bytes(b"kept")
    result = command(
        *("explore", "--image", photo, "--model", DEMO_MODEL, "--board", "interpreter", "--classes", "3,8"),
        *("--out", out),
        PYTHONPATH=first_on_path(_without_tensorflow(tmp_path)),
    )
    assert result.returncode == 0, result.stdout + result.stderr
    assert "28x28x1 -> 26x26x16 -> 13x13x16 -> 11x11x32 -> 5x5x32 -> 800 -> 64" in result.stdout
    assert "0 are not NumPy's, 0 are not those of tflite-micro" in result.stdout
    assert pngs(out) == FIGURES.keys() | {"not_ours"}
    page = (out / "index.html").read_text()
    assert "0 bytes differ" in page and "108 of 784 pixels cannot change the answer" in page
    assert page.count("<svg") == len(FIGURES)
    assert page.index("A convolution is a sum of products") < page.index("0 bytes differ"), "what it is comes first"
    assert faults(page) == []
    again = command("explore", "--image", photo, "--board", "none", "--out", out)
    assert again.returncode == 0 and pngs(out) == FIGURES.keys() - MODEL_FIGURES - CHIP_FIGURES | {"not_ours"}


def _without_tensorflow(tmp_path: Path) -> Path:
    for name in ("tensorflow", "keras"):
        (tmp_path / "blocked" / name).mkdir(parents=True)
        (tmp_path / "blocked" / name / "__init__.py").write_text("raise RuntimeError('the lab imported it')")
    return tmp_path / "blocked"


@pytest.mark.parametrize(
    "arguments, words",
    [
        (["--image", "nowhere.jpg"], "IMAGE=nowhere.jpg is no file: give a picture, stairwell or ascent"),
        (["--image", "README.md"], "README.md cannot be read as a picture"),
        (["--filter", "1 2"], "make no square"),
        (["--filter", "0 1 0 / 1"], "rows of 1 and 3 numbers"),
        (["--size", "96x64"], "SIZE=96x64: here it is the longer side of the picture in pixels"),
        (["--size", "0"], "SIZE=0"),
        (["--weight", "much"], "WEIGHT=much is no number"),
        (["--stride", "0"], "STRIDE=0"),
        (["--padding", "full"], "PADDING: unknown padding 'full'"),
        (["--model", "nothing"], "MODEL=nothing: there is no build/nothing/model.tflite"),
        (["--model", "build/nothing"], "MODEL=nothing: there is no build/nothing/model.tflite"),
        (["--board", "uno"], "unknown board 'uno'"),
        (["--port", "/dev/ttyACM0"], "goes with a real board"),
        (["--model", str(DEMO_MODEL), "--classes", "eleven"], "has no class 'eleven'; it has 0, 1, 2"),
    ],
)
def test_a_wrong_setting_ends_in_one_line_and_leaves_nothing(command, tmp_path, arguments, words):
    board = [] if "--board" in arguments or "--port" in arguments else ["--board", "none"]
    result = command("explore", *arguments, *board, "--out", tmp_path / "out")
    assert result.returncode == 2
    assert len(result.stderr.splitlines()) == 1 and words in result.stderr
    assert not (tmp_path / "out").exists()


def test_make_passes_every_setting_on(tmp_path):
    settings = [
        "IMAGE=my photo.jpg",
        "FILTER=1 0 / 0 1",
        "WEIGHT=1/2",
        "STRIDE=2",
        "PADDING=same",
        "SIZE=full",
        "CLASSES=Ankle boot,Bag",
    ]
    result = subprocess.run(
        ["make", "-n", "explore", "BOARD=none", "MODEL=digits_small", *settings],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert result.returncode == 0, result.stderr
    said = " ".join(result.stdout.replace("\\\n", " ").split())
    for word in (
        *("BOARD='none'", "IMAGE='my photo.jpg'", "FILTER='1 0 / 0 1'", "WEIGHT='1/2'", "STRIDE='2'"),
        *("PADDING='same'", "SIZE='full'", "--model 'build/digits_small'", "CLASSES='Ankle boot,Bag'"),
    ):
        assert word in said


def test_a_large_picture_is_scaled_down_unless_its_size_is_asked_for(command, tmp_path):
    Image.fromarray(np.tile(draw_scene(), (3, 4))).save(tmp_path / "large.png")
    arguments = ("--image", tmp_path / "large.png", "--board", "none", "--out", tmp_path / "out")
    scaled = command("explore", *arguments).stdout
    assert "large, 1024x768, from" in scaled and "scaled down from 2048x1536 (SIZE=full keeps it)" in scaled
    assert "megapixels" not in scaled
    whole = command("explore", *arguments, "--size", "full").stdout
    assert "large, 2048x1536, from" in whole and "scaled down" not in whole
    assert "3.1 megapixels take minutes" in whole and "SIZE=1024 takes seconds" in whole
    assert whole.index("megapixels") < whole.index("Drawing")


def test_pictures_come_from_files_as_greys(tmp_path):
    grey = draw_scene()[:40, :50]
    np.save(tmp_path / "grey.npy", grey)
    Image.fromarray(grey).save(tmp_path / "grey.png")
    colour = np.stack([grey, grey // 2, grey // 4], axis=-1)
    Image.fromarray(colour).save(tmp_path / "colour.png")
    for name in ("grey.npy", "grey.png"):
        source = load_picture(str(tmp_path / name))
        assert np.array_equal(source.pixels, grey) and "colour" not in source.remark
    source = load_picture(str(tmp_path / "colour.png"))
    luma = colour @ [0.299, 0.587, 0.114]
    assert np.abs(source.pixels - luma).max() <= 1 and "colour turned to grey" in source.remark


@pytest.mark.parametrize("array", [np.zeros((3, 3)), np.zeros((3, 3, 3), np.uint8), np.zeros((0, 4), np.uint8)])
def test_an_array_that_is_no_grey_picture_is_refused(tmp_path, array):
    np.save(tmp_path / "array.npy", array)
    with pytest.raises(UserError, match="holds no grey picture"):
        load_picture(str(tmp_path / "array.npy"))


def test_ascent_comes_from_the_data_folder_or_says_what_to_do(tmp_path, monkeypatch):
    stairs = draw_scene()
    np.save(tmp_path / "ascent.npy", stairs)
    monkeypatch.setenv("TINYPROOF_DATA", str(tmp_path))
    assert np.array_equal(load_picture("ascent").pixels, stairs)
    monkeypatch.delenv("TINYPROOF_DATA")
    monkeypatch.setitem(__import__("sys").modules, "scipy.datasets", None)
    with pytest.raises(UserError, match="pip install scipy pooch"):
        load_picture("ascent")


def test_the_real_ascent_shows_its_stairs():
    folder = os.environ.get("TINYPROOF_DATA")
    if not folder or not (Path(folder) / "ascent.npy").is_file():
        pytest.skip("no copy of scipy's ascent here")
    ascent = load_picture("ascent").pixels
    assert ascent.shape == (512, 512)
    assert pool(convolve(ascent, "horizontal-lines")).shape == (256, 256)


def test_the_bundled_picture_is_the_same_on_every_run_and_has_every_grey():
    picture = draw_scene()
    assert picture.shape == (512, 512) and picture.dtype == np.uint8
    assert np.array_equal(picture, draw_scene())
    assert picture.min() < 20 and picture.max() > 240 and len(np.unique(picture)) > 200


def test_docs_list_every_figure_as_the_page_makes_it():
    assert re.findall(r"^\| `(\w+)\.png` \| (.+) \|$", DOCS.read_text(), re.MULTILINE) == list(FIGURES.items())


def test_docs_list_every_named_filter_with_its_numbers():
    rows = re.findall(r"^\| `([\w-]+)` \| ([-0-9 /]+) \| (.+) \|$", DOCS.read_text(), re.MULTILINE)
    assert rows == [(filter_.name, filter_.text, filter_.shows) for filter_ in NAMED.values()]


def test_commands_of_the_docs_are_targets():
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert set(re.findall(r"^    make (\w+)", DOCS.read_text(), re.MULTILINE)) <= targets


def test_the_examples_of_the_docs_run(monkeypatch):
    monkeypatch.setattr(console, "quiet", True)  # progress bars are not in the examples
    result = doctest.testfile(str(DOCS), module_relative=False)
    assert result.attempted > 20 and result.failed == 0


@pytest.mark.parametrize("module", [name for name in MODULES if not name.endswith("__main__")])
def test_the_examples_of_the_modules_run(module):
    assert doctest.testmod(importlib.import_module(module)).failed == 0
