"""A folder from a stranger: nothing in it is run, compiled, believed or followed out of it. See docs/security.md."""

from __future__ import annotations

import io
import json
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import conftest
import needs
import numpy as np
import pytest
from click.testing import CliRunner
from conftest import DEMO_MODEL, ROOT
from test_host_command import assert_one_line

from tinyproof import own
from tinyproof.__main__ import main
from tinyproof.boards import BOARDS
from tinyproof.console import UserError
from tinyproof.firmware.build import build, image_path
from tinyproof.made import RECORD_FILE, is_made, made_files, remember
from tinyproof.model_files import load_splits, open_npz


@pytest.fixture(scope="module")
def strangers(tmp_path_factory) -> Path:
    """A model's folder, exported, built and validated by somebody with another key."""
    folder = tmp_path_factory.mktemp("stranger")
    shutil.copytree(
        DEMO_MODEL, folder / "digits_small", ignore=shutil.ignore_patterns(".*", "host", "qemu*", "unicorn")
    )
    for verb in ("export", "build", "validate"):
        result = tinyproof(verb, "--model", folder / "digits_small", "--board", "host", home=folder / "home")
        assert result.returncode == 0, result.stderr
    return folder / "digits_small"


@pytest.fixture
def folder(strangers, tmp_path) -> Path:
    """A copy of it, as it came to us."""
    shutil.copytree(strangers, tmp_path / "digits_small")
    return tmp_path / "digits_small"


def tinyproof(verb: str, *arguments: object, home: Path | None = None) -> subprocess.CompletedProcess[str]:
    """A command, of a user with that home."""
    places = {} if home is None else {"HOME": str(home), "XDG_STATE_HOME": str(home / "state")}
    return conftest.tinyproof(verb, *arguments, timeout=200, **places)


def one_line(*arguments: object, words: str) -> None:
    """The same in this process: it ends in a line that holds the words, and in status 2."""
    result = CliRunner().invoke(main, list(map(str, arguments)))
    assert result.exit_code == 2 and isinstance(result.exception, SystemExit), result.exception
    assert words in result.stderr and result.stderr.count("Error: ") == 1, result.stderr


def test_an_image_that_was_built_elsewhere_is_not_run(folder, tmp_path):
    planted = tmp_path / "it_ran"
    image = image_path(folder, BOARDS["host"])
    image.write_text(f"#!/bin/sh\ntouch {planted}\n")
    image.chmod(0o755)
    for verb in ("validate", "hello", "profile", "emulate", "predict"):
        more = ["--image", ROOT / "docs/images/report-equal.png"] if verb == "predict" else []
        words = f"{image} is not as a build on this computer left it, and what others built is not run: run "
        one_line(verb, "--model", folder, "--board", "host", *more, words=words)
    assert not planted.exists()


def test_c_that_was_written_elsewhere_is_not_compiled_and_an_export_writes_it_again(folder):
    planted = folder / "c" / "zz_stranger.c"
    planted.write_text('#error "a stranger wrote this"\n')
    source = folder / "c" / "model_settings.c"
    ours = source.read_text()
    source.write_text(ours + '\n#error "and this"\n')
    one_line("build", "--model", folder, "--board", "host", words="what others wrote is not compiled: run `make export")
    one_line("sketch", "--model", folder, "--board", "esp32", words="others wrote is not compiled")
    for verb in ("export", "build", "validate"):
        result = tinyproof(verb, "--model", folder, "--board", "host")
        assert result.returncode == 0, result.stderr
    assert not planted.exists() and source.read_text() == ours


def test_a_file_added_or_changed_beside_our_own_sources_is_not_compiled(model):
    assert tinyproof("export", "--model", model, "--board", "host").returncode == 0
    (model / "c" / "added.c").write_text("int added;\n")
    one_line("build", "--model", model, "--board", "host", words="others wrote is not compiled")


@needs.golden
def test_answers_that_a_stranger_says_are_the_goldens_are_computed_again(folder):
    with np.load(folder / "expected.npz") as stored:
        arrays = {name: stored[name] for name in stored.files}
    assert arrays["golden"].any()
    np.savez_compressed(folder / "expected.npz", **{**arrays, "golden": np.zeros_like(arrays["golden"])})
    for verb in ("export", "build", "validate"):
        result = tinyproof(verb, "--model", folder, "--board", "host")
        assert result.returncode == 0, result.stderr
    assert json.loads((folder / "report.json").read_text())["verdict"] == "equal"
    with np.load(folder / "expected.npz") as stored:
        assert np.array_equal(stored["golden"], arrays["golden"])


def test_a_record_counts_with_our_signature_alone(tmp_path):
    (tmp_path / "file").write_text("content")
    remember(tmp_path, "stage", "inputs", [tmp_path / "file"])
    assert is_made(tmp_path, "stage", "inputs") and made_files(tmp_path, "stage") == {tmp_path / "file"}
    written = json.loads((tmp_path / RECORD_FILE).read_text())
    for change in (
        {"inputs": "others"},
        {"signature": "0" * 64},
        {"signature": None},
        {"signature": "ä"},
        {"files": []},
    ):
        (tmp_path / RECORD_FILE).write_text(json.dumps({"stage": {**written["stage"], **change}}))
        assert not is_made(tmp_path, "stage", change.get("inputs", "inputs")) and not made_files(tmp_path, "stage")
    (tmp_path / RECORD_FILE).write_text(json.dumps({"other": written["stage"]}))
    assert not is_made(tmp_path, "other", "inputs")


def test_the_key_is_nobody_elses_to_read_or_to_choose(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    monkeypatch.setattr(sys, "prefix", str(tmp_path / "nothing"))
    own._key.cache_clear()
    try:
        first = own.signature(b"x")
        place = tmp_path / "tinyproof" / "key"
        assert place.stat().st_mode & 0o777 == 0o600 and own.is_signed(b"x", first)
        own._key.cache_clear()
        assert own.signature(b"x") == first
        place.chmod(0o644)  # others may have read it
        monkeypatch.setattr("tempfile.gettempdir", lambda: str(tmp_path / "nothing"))
        own._key.cache_clear()
        assert own.signature(b"x") != first and place.stat().st_mode & 0o777 == 0o600
    finally:
        own._key.cache_clear()


@pytest.mark.parametrize("name", ["c", "host", "journal", ".claim", "report.html", "sub/deep"])
def test_a_link_in_a_models_folder_is_not_followed(model, tmp_path, name):
    treasure = tmp_path / "treasure"
    treasure.mkdir()
    (treasure / "file").write_text("precious")
    place = model / name
    shutil.rmtree(place) if place.is_dir() else place.unlink(missing_ok=True)
    place.parent.mkdir(exist_ok=True)
    place.symlink_to(treasure if name in ("c", "host", "sub/deep") else treasure / "file")
    for verb in ("export", "build", "validate"):
        one_line(verb, "--model", model, "--board", "host", words=f"{place} is a symbolic link")
    assert (treasure / "file").read_text() == "precious" and len(list(treasure.iterdir())) == 1


class Pickled:
    """Leaves a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self):
        return (Path.touch, (self.path,))


def test_no_file_is_ever_unpickled(model, tmp_path):
    planted = tmp_path / "it_ran"
    objects = np.array([Pickled(planted)], dtype=object)
    for name in ("splits.npz", "expected.npz", "training.npz"):
        with (model / name).open("wb") as file:
            np.savez(file, x_test=objects, x_calibration=objects, key=objects, golden=objects, signature=objects)
    with (model / "float_scores.npy").open("wb") as file:
        np.save(file, objects, allow_pickle=True)
    assert_one_line(tinyproof("validate", "--model", model, "--board", "interpreter"), "splits.npz cannot be used")
    with pytest.raises(UserError):
        load_splits(model / "splits.npz")
    np.save(tmp_path / "images.npy", objects, allow_pickle=True)
    result = tinyproof("explore", "--image", tmp_path / "images.npy", "--board", "none", "--out", tmp_path / "out")
    assert_one_line(result, "cannot be read")
    assert not planted.exists()


@needs.tensorflow
@pytest.mark.parametrize("ending", ["keras", "h5"])
def test_code_in_a_keras_file_is_not_run(tmp_path, ending):
    """A Lambda layer carries Python bytecode."""
    import keras

    planted = tmp_path / "it_ran"
    x = keras.Input((8, 8, 1), batch_size=1)
    touch = eval(f"lambda x: (open({str(planted)!r}, 'w').close(), x)[1]")
    y = keras.layers.Dense(2)(keras.layers.Flatten()(keras.layers.Lambda(touch, output_shape=(8, 8, 1))(x)))
    keras.Model(x, y).save(tmp_path / f"lambda.{ending}")
    planted.unlink(missing_ok=True)  # building it here ran it
    np.save(tmp_path / "images.npy", np.zeros((4, 8, 8, 1), np.uint8))
    result = tinyproof(
        *("quantize", "--model", tmp_path / "out", "--keras", tmp_path / f"lambda.{ending}"),
        *("--calibration", tmp_path / "images.npy"),
    )
    assert_one_line(result, "Lambda")
    assert not planted.exists()


def test_what_unpacks_to_more_than_memory_is_refused_unread(tmp_path, monkeypatch):
    np.savez_compressed(tmp_path / "bomb.npz", x_test=np.zeros(1 << 24, np.uint8))
    assert (tmp_path / "bomb.npz").stat().st_size < 1 << 15
    monkeypatch.setattr("tinyproof.model_files.LARGEST_NPZ", 1 << 23)
    monkeypatch.setattr(np, "load", lambda *arguments, **how: pytest.fail("it was read"))
    with pytest.raises(ValueError, match="unpacks to more than"):
        open_npz(tmp_path / "bomb.npz")


def test_an_array_whose_header_speaks_of_more_than_there_is_ends_in_one_line(model):
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(
        header, {"descr": "|u1", "fortran_order": False, "shape": (1 << 46, 28, 28, 1)}
    )
    with zipfile.ZipFile(model / "splits.npz", "w") as archive:
        for name in ("x_calibration", "x_test", "y_test", "train_index", "validation_index", "test_index"):
            archive.writestr(f"{name}.npy", header.getvalue())
    one_line("validate", "--model", model, "--board", "interpreter", words="splits.npz cannot be used")


HOSTILE = {
    "not JSON": lambda record: "{",
    "a list": lambda record: "[1]",
    "deep": lambda record: "[" * 100_000,
    "a huge number": lambda record: json.dumps({**record, "name": 10**400}),
    "wrong types": lambda record: json.dumps(dict.fromkeys(record, {"a": [None]})),
    "nothing": lambda record: "{}",
    "one too many": lambda record: json.dumps({**record, "more": 1}),
    "not UTF-8": lambda record: "\udcff",
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_a_hostile_record_ends_in_one_line(model, kind):
    for name, verb in (("model.json", "validate"), ("report.json", "report")):
        record = json.loads((DEMO_MODEL / "model.json").read_text())
        (model / name).write_bytes(HOSTILE[kind](record).encode("utf-8", "surrogateescape"))
        more = ("--board", "interpreter") if verb == "validate" else ()
        one_line(verb, "--model", model, *more, words=f"{model / name} cannot be used")


@pytest.mark.parametrize("shape", [[1, 1 << 40, 1 << 20, 1], [1 << 20, 1 << 10], [-1, 28], [0]])
def test_shapes_that_no_memory_holds_end_in_one_line(model, shape):
    record = json.loads((model / "model.json").read_text())
    record["inputs"][0]["shape"] = shape
    (model / "model.json").write_text(json.dumps(record))
    (model / "splits.npz").unlink()
    one_line("validate", "--model", model, "--board", "interpreter", words="a tensor of shape")


@pytest.mark.parametrize("content", [b"", b"\0" * 100, b"\xff" * 5000, os.urandom(20_000), b"\x7fELF" * 1000])
def test_a_hostile_journal_ends_in_one_line_or_is_begun_anew(model, content):
    (model / "journal").write_bytes(content)
    arguments = ("validate", "--model", model, "--board", "interpreter", "--limit", "3", "--resume")
    result = CliRunner().invoke(main, list(map(str, arguments)))
    assert result.exit_code in (0, 2) and isinstance(result.exception, (SystemExit, type(None))), result.exception
    if result.exit_code:
        assert result.stderr.count("Error: ") == 1 and "journal" in result.stderr
    else:
        assert json.loads((model / "report.json").read_text())["verdict"] == "equal"


def test_a_zip_of_pictures_does_not_climb_out(tmp_path):
    with zipfile.ZipFile(tmp_path / "pictures.zip", "w") as archive:
        for name in ("../../escaped.png", "/escaped.png", "a/../../escaped.png"):
            archive.writestr(name, (ROOT / "docs/images/report-equal.png").read_bytes())
    from tinyproof.training.datasets import load_dataset

    with pytest.raises(UserError):
        load_dataset(str(tmp_path / "pictures.zip"))
    assert [path.name for path in tmp_path.iterdir()] == ["pictures.zip"] and not Path("/escaped.png").exists()


def test_an_image_built_here_runs(built_model):
    build(built_model, BOARDS["host"])
    assert tinyproof("hello", "--model", built_model, "--board", "host").returncode == 0
