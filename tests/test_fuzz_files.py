"""Damaged files of every kind at the commands that read them: one line and status 2, or success; never a traceback.

`make fuzz-files COUNT=2000 SEED=0` throws as many as you like, with bounded memory;
`python tests/test_fuzz_files.py models COUNT SEED` so many mutated models, those of $TINYPROOF_DATA among them, at the
reader and the lowering.
"""

from __future__ import annotations

import contextlib
import io
import os
import resource
import signal
import sys
import tempfile
import time
import zipfile
from collections.abc import Callable
from functools import partial
from pathlib import Path

import needs
import numpy as np
import pytest
from click.testing import CliRunner
from needs import PUBLIC_DATA
from PIL import Image

from tinyproof.__main__ import main
from tinyproof.console import UserError
from tinyproof.export.lower import lower
from tinyproof.export.tflite_reader import read_graph
from tinyproof.pictures import register_heif_opener

COUNT = 12
MEMORY_BYTES = 12 << 30  # of addresses; TensorFlow reserves several at its start
MODELS = 300
MODEL_S, MODEL_BYTES = 60, 1 << 30  # no mutated model may take more
register_heif_opener()


def coded(kind: str, mode: str = "RGB", **how: str) -> bytes:
    """A small picture in a format of Pillow's."""
    file = io.BytesIO()
    noise = np.random.default_rng(0).integers(0, 256, (12, 12, 3), np.uint8)
    Image.fromarray(noise).convert(mode).save(file, kind, **how)
    return file.getvalue()


def png() -> bytes:
    return coded("PNG")


def npz() -> bytes:
    file = io.BytesIO()
    np.savez(file, x=np.zeros((4, 8, 8, 1), np.uint8), y=np.arange(4))
    return file.getvalue()


def keras_file(ending: str) -> bytes:
    import keras

    layers = keras.layers
    network = keras.Sequential(
        [keras.Input((8, 8, 1)), layers.Conv2D(2, 3), layers.BatchNormalization(), layers.Flatten(), layers.Dense(3)]
    )
    with tempfile.TemporaryDirectory() as scratch:
        network.save(Path(scratch) / f"m{ending}")
        return (Path(scratch) / f"m{ending}").read_bytes()


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


def mutated_inside(content: bytes, rng: np.random.Generator) -> bytes:
    """A zip with one of its files mutated, or the zip itself."""
    if rng.random() < 0.3:
        return mutated(content, rng)
    file = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(file, "w") as new:
        chosen = rng.choice(old.namelist())
        for name in old.namelist():
            new.writestr(name, mutated(old.read(name), rng) if name == chosen else old.read(name))
    return file.getvalue()


def mutated_tables(content: bytes, rng: np.random.Generator) -> bytes:
    """Some bytes changed where a `.tflite` has its tables: at its begin and end."""
    changed = bytearray(content)
    for _ in range(rng.integers(1, 4)):
        at = int(rng.integers(8, 400) if rng.random() < 0.3 else rng.integers(len(changed) - 5000, len(changed) - 4))
        changed[at : at + 2] = rng.bytes(2)
    return bytes(changed)


def run(*arguments: str) -> None:
    """A command must end in success, or in a click error; whatever else it raises fails the test."""
    result = CliRunner().invoke(main, list(arguments))
    assert result.exception is None or isinstance(result.exception, SystemExit), (arguments, result.exception)
    assert result.exit_code in (0, 1, 2), (arguments, result.exit_code)


def throw(kind: str, content: bytes, seed: int, folder: Path) -> None:
    """One mutated file of that kind at the command that reads it."""
    rng = np.random.default_rng(seed)
    mutate = {"tflite": mutated_tables if seed % 2 else mutated, "keras": mutated_inside}.get(kind, mutated)
    bad = mutate(content, rng)
    file = folder / f"bad.{kind}"
    file.write_bytes(bad)
    if kind == "tflite":
        with contextlib.suppress(UserError):
            read_graph(bad, "bad")
        run("describe", "--tflite", str(file))
        run("export", "--tflite", str(file), "--model", str(folder / "model"), "--board", "interpreter")
    elif kind in ("keras", "h5"):
        from tinyproof.export.conversion.loading import load_network

        with contextlib.suppress(UserError):  # what the conversion's own process does first
            load_network(file, folder, (8, 8, 1), "save it again")
    elif kind in ("npy", "npz"):
        from tinyproof.export.calibration import calibration_labels, load_calibration

        try:
            load_calibration(file, None)
            calibration_labels(file)
        except UserError:
            pass
    elif kind != "zip":
        from tinyproof.pictures import read_pictures

        with contextlib.suppress(UserError):
            read_pictures([file, file], (8, 8), None)
    else:
        from tinyproof.training.datasets import load_dataset

        with contextlib.suppress(UserError):
            load_dataset(str(file))


def demo_tflite() -> bytes:
    from conftest import DEMO_MODEL

    return (DEMO_MODEL / "model.tflite").read_bytes()


KINDS: dict[str, Callable[[], bytes]] = {
    "tflite": demo_tflite,
    "npy": npy,
    "npz": npz,
    "zip": zipped,
    "png": png,
    "jpg": partial(coded, "JPEG"),
    "gif": partial(coded, "GIF", "P"),
    "tif": partial(coded, "TIFF", compression="tiff_lzw"),
    "webp": partial(coded, "WEBP"),
    "avif": partial(coded, "AVIF"),
    "heic": partial(coded, "HEIF"),
    "keras": partial(keras_file, ".keras"),
    "h5": partial(keras_file, ".h5"),
}


def real_models() -> dict[str, bytes]:
    """The demo's model, one with every op, and the published ones where there are some."""
    from every_op import every_op_network

    published = sorted(PUBLIC_DATA.glob("*.tflite")) if "TINYPROOF_DATA" in os.environ else []
    return {
        "demo": demo_tflite(),
        "every op": every_op_network(0),
        **{path.name: path.read_bytes() for path in published},
    }


EXTREMES = (0, 1, -1, 2, -2, 127, 1 << 16, (1 << 31) - 1, -(1 << 31), 1 << 28)


def mutated_model(content: bytes, rng: np.random.Generator) -> bytes:
    """A file with a few of its numbers made extreme or moved a little, or damaged like any file."""
    if rng.integers(0, 3) == 0:
        return mutated(content, rng)
    changed = bytearray(content)
    for _ in range(rng.integers(1, 9)):
        # Tables and vectors are at the ends of the file; the middle is weights.
        place = int(rng.integers(0, min(len(content), 4096)))
        at = (place if rng.integers(0, 2) else len(content) - 4 - place) & ~3
        old = int.from_bytes(changed[at : at + 4], "little", signed=True)
        near = old + int(rng.integers(-9, 10))
        new = near if rng.integers(0, 2) else EXTREMES[rng.integers(0, len(EXTREMES))]
        changed[at : at + 4] = (new & 0xFFFFFFFF).to_bytes(4, "little")
    return bytes(changed)


def read_mutated_models(count: int, seed: int) -> tuple[int, float]:
    """Read and lower so many; each in MODEL_S seconds and in MODEL_BYTES more of memory. (lowered, longest seconds)."""
    contents = list(real_models().values())
    whole, longest = 0, 0.0
    before = resource.getrlimit(resource.RLIMIT_DATA)
    resource.setrlimit(resource.RLIMIT_DATA, (data_bytes() + MODEL_BYTES, before[1]))
    signal.signal(signal.SIGALRM, too_long)
    try:
        for number in range(seed, seed + count):
            bad = mutated_model(contents[number % len(contents)], np.random.default_rng(number))
            started = time.perf_counter()
            signal.alarm(MODEL_S)
            try:
                lower(read_graph(bad, "bad")).program()
                whole += 1
            except UserError as error:
                assert "\n" not in error.message, (number, error.message)
            except BaseException as error:
                raise AssertionError(f"mutated model {number}") from error
            finally:
                signal.alarm(0)
            longest = max(longest, time.perf_counter() - started)
    finally:
        resource.setrlimit(resource.RLIMIT_DATA, before)
    return whole, longest


def too_long(*_: object) -> None:
    raise TimeoutError(f"it took more than {MODEL_S} s")


def data_bytes() -> int:
    """Memory of this process that RLIMIT_DATA counts."""
    line = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmData"))
    return int(line.split()[1]) * 1024


def test_a_mutated_model_ends_in_one_line_soon_and_in_little_memory():
    whole, _ = read_mutated_models(MODELS, 0)
    assert 0 < whole < MODELS


@pytest.mark.parametrize(
    "kind", [pytest.param(kind, marks=needs.tensorflow if kind in ("keras", "h5") else ()) for kind in KINDS]
)
def test_a_damaged_file_never_ends_in_a_traceback(kind, tmp_path):
    content = KINDS[kind]()
    for seed in range(COUNT):
        throw(kind, content, seed, tmp_path)


def test_a_picture_whose_decoder_gives_up_is_named_not_a_traceback(tmp_path):
    """Seeds at which Pillow's decoders raised what is no OSError."""
    for kind in ("avif", "gif", "tif"):
        content = KINDS[kind]()
        for seed in range(150):
            throw(kind, content, seed, tmp_path)


@pytest.mark.parametrize(
    "name", ["model.keras", "splits.npz", "labels.txt", "model.json", "fidelity.json", "report.json"]
)
def test_a_damaged_file_of_a_models_folder_never_ends_in_a_traceback(name, tmp_path):
    import shutil

    from conftest import DEMO_MODEL

    folder = tmp_path / "model"
    shutil.copytree(DEMO_MODEL, folder, ignore=shutil.ignore_patterns("host*", "qemu*", "c"))
    if not (folder / name).is_file():  # the report of a model that was not validated yet
        run("validate", "--model", str(folder), "--board", "interpreter", "--limit", "2")
    content = (folder / name).read_bytes()
    for seed in range(3):
        (folder / name).write_bytes(mutated(content, np.random.default_rng(seed)))
        run("report", "--model", str(folder))
        run("validate", "--model", str(folder), "--board", "interpreter", "--limit", "2")
    run("export", "--model", str(folder), "--board", "interpreter")


if __name__ == "__main__":
    os.environ["TINYPROOF_BY_MAKE"] = "1"
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))

    if sys.argv[1:2] == ["models"]:
        count, start = int(sys.argv[2]), int(sys.argv[3]) if len(sys.argv) > 3 else 0
        whole, longest = read_mutated_models(count, start)
        print(f"{count:,} mutated models: {whole:,} could be lowered, the longest took {longest:.1f} s, no traceback")
        sys.exit()
    first = int(sys.argv[2]) if len(sys.argv) > 2 else 0
    with tempfile.TemporaryDirectory() as scratch:
        contents = {kind: make() for kind, make in KINDS.items()}
        for number in range(first, first + int(sys.argv[1])):
            for kind, content in contents.items():
                throw(kind, content, number, Path(scratch))
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10
    print(f"{sys.argv[1]} damaged files of each of {len(KINDS)} kinds: no traceback, at most {most:,} MiB of memory")
