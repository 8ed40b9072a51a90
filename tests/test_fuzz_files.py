"""Damaged files of every kind at the commands that read them: one line and status 2, or success; never a traceback.

`python tests/test_fuzz_files.py COUNT SEED` throws as many as you like.
"""

from __future__ import annotations

import contextlib
import io
import os
import sys
import tempfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

from tinyproof.__main__ import main
from tinyproof.console import UserError
from tinyproof.export.tflite_reader import read_graph

COUNT = 12


def png() -> bytes:
    file = io.BytesIO()
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (12, 12, 3), np.uint8)).save(file, "PNG")
    return file.getvalue()


def npy() -> bytes:
    file = io.BytesIO()
    np.save(file, np.zeros((4, 8, 8, 1), np.uint8))
    return file.getvalue()


def zipped() -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for number in range(8):
            archive.writestr(f"{'ab'[number % 2]}/{number}.png", png())
    return file.getvalue()


def mutated(content: bytes, rng: np.random.Generator) -> bytes:
    """Bytes changed, cut out, doubled, or the end cut off."""
    changed = bytearray(content)
    for _ in range(rng.integers(1, 6)):
        at, size = int(rng.integers(0, max(1, len(changed)))), int(rng.integers(1, 40))
        match rng.integers(0, 4):
            case 0:
                changed[at : at + size] = rng.bytes(len(changed[at : at + size]))
            case 1:
                del changed[at : at + size]
            case 2:
                changed[at:at] = changed[at : at + size]
            case _:
                del changed[max(at, len(changed) // 3) :]
    return bytes(changed)


def run(*arguments: str) -> None:
    """A command must end in success, or in a click error; whatever else it raises fails the test."""
    result = CliRunner().invoke(main, list(arguments))
    assert result.exception is None or isinstance(result.exception, SystemExit), (arguments, result.exception)
    assert result.exit_code in (0, 1, 2), (arguments, result.exit_code)


def throw(kind: str, content: bytes, seed: int, folder: Path) -> None:
    """One mutated file of that kind at the command that reads it."""
    rng = np.random.default_rng(seed)
    bad = mutated(content, rng)
    file = folder / f"bad.{kind}"
    file.write_bytes(bad)
    if kind == "tflite":
        with contextlib.suppress(UserError):
            read_graph(bad, "bad")
        run("describe", "--tflite", str(file))
    elif kind == "npy":
        from tinyproof.export.calibration import calibration_labels, load_calibration

        try:
            load_calibration(file, None)
            calibration_labels(file)
        except UserError:
            pass
    elif kind == "png":
        from tinyproof.pictures import read_pictures

        with contextlib.suppress(UserError):
            read_pictures([file, file], (8, 8), None)
    elif kind == "zip":
        from tinyproof.training.datasets import load_dataset

        with contextlib.suppress(UserError):
            load_dataset(str(file))


def demo_tflite() -> bytes:
    from conftest import DEMO_MODEL

    return (DEMO_MODEL / "model.tflite").read_bytes()


KINDS: dict[str, Callable[[], bytes]] = {"tflite": demo_tflite, "npy": npy, "png": png, "zip": zipped}


@pytest.mark.parametrize("kind", KINDS)
def test_a_damaged_file_never_ends_in_a_traceback(kind, tmp_path):
    content = KINDS[kind]()
    for seed in range(COUNT):
        throw(kind, content, seed, tmp_path)


@pytest.mark.parametrize(
    "name", ["model.keras", "splits.npz", "labels.txt", "model.json", "fidelity.json", "report.json"]
)
def test_a_damaged_file_of_a_models_folder_never_ends_in_a_traceback(name, tmp_path):
    import shutil

    from conftest import DEMO_MODEL

    folder = tmp_path / "model"
    shutil.copytree(DEMO_MODEL, folder, ignore=shutil.ignore_patterns("host*", "qemu*", "c"))
    if not (folder / name).is_file():
        pytest.skip(f"the model has no {name}")
    content = (folder / name).read_bytes()
    for seed in range(3):
        (folder / name).write_bytes(mutated(content, np.random.default_rng(seed)))
        run("report", "--model", str(folder))
        run("validate", "--model", str(folder), "--board", "interpreter", "--limit", "2")
    run("export", "--model", str(folder), "--board", "interpreter")


if __name__ == "__main__":
    os.environ["TINYPROOF_BY_MAKE"] = "1"
    first = int(sys.argv[2]) if len(sys.argv) > 2 else 0
    with tempfile.TemporaryDirectory() as scratch:
        contents = {kind: make() for kind, make in KINDS.items()}
        for number in range(first, first + int(sys.argv[1])):
            for kind, content in contents.items():
                throw(kind, content, number, Path(scratch))
    print(f"{sys.argv[1]} damaged files of each kind: no traceback")
