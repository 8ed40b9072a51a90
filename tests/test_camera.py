"""A camera's frame in C against the way Python reads pictures, byte for byte; and the example Camera, run."""

from __future__ import annotations

import ctypes
import re
import subprocess

import needs
import numpy as np
import pytest
from conftest import CC, FIRMWARE, ROOT, SANITIZERS, WARNINGS, without_vendor
from frames import FORMATS, PIXEL_BYTES, Frame, middle, seen
from PIL import Image
from test_arduino_library import compiled_sketch, library, scores

from tinyproof.boards import BOARDS, REAL_BOARDS
from tinyproof.export.device_input import device_bytes
from tinyproof.export.golden import Golden
from tinyproof.export.stage import emit
from tinyproof.export.tflite_writer import ModelBuilder
from tinyproof.firmware.build import build_example
from tinyproof.firmware.sketch import sketch
from tinyproof.manifest import load_manifest
from tinyproof.model_files import load_splits
from tinyproof.pictures import read_pictures, stretched

EXAMPLES = FIRMWARE / "examples"
SIDES = ((1, 12), (1, 60), (40, 200), (1, 400))  # of frames and pictures


@pytest.fixture(scope="module")
def frames_in_c(tmp_path_factory):
    """Frames -> the inputs, int8, that the C makes of them; under sanitizers."""
    program = tmp_path_factory.mktemp("frames") / "frames"
    sources = [ROOT / "tests" / "c" / "frames.c", EXAMPLES / "camera_frame.c"]
    subprocess.run(
        [*CC, "-std=c11", "-O1", *WARNINGS, *SANITIZERS, f"-I{EXAMPLES}", *sources, "-o", program], check=True
    )

    def run(frames):
        typed = b"".join(frame.packed() for frame in frames)
        result = subprocess.run([program], input=typed, capture_output=True, timeout=120)
        assert result.returncode == 0, result.stderr.decode()
        made = np.frombuffer(result.stdout, np.int8)
        ends = np.cumsum([np.prod(frame.picture) for frame in frames])
        assert len(made) == ends[-1]
        return np.split(made, ends[:-1])

    return run


def random_frame(rng, format_):
    low, high = SIDES[rng.integers(len(SIDES))]
    width, height = int(rng.integers(low, high + 1)) * 2, int(rng.integers(low, high + 1))
    left, top = int(rng.integers(width)), int(rng.integers(height))
    part = (left, top, int(rng.integers(1, width - left + 1)), int(rng.integers(1, height - top + 1)))
    low, high = SIDES[rng.integers(3)]
    picture = (*map(int, rng.integers(low, high + 1, 2)), int(rng.choice([1, 3])))
    data = rng.integers(0, 256, width * height * PIXEL_BYTES[format_], dtype=np.uint8)
    if rng.random() < 0.3:
        data = (data > 127) * np.uint8(255)  # sums at their limits
    return Frame(format_, width, height, data.tobytes(), part, picture, bool(rng.integers(2)))


@pytest.mark.parametrize("format_", FORMATS)
def test_frames_of_any_size_become_what_python_makes_of_them(frames_in_c, format_):
    rng = np.random.default_rng(FORMATS.index(format_))
    frames = [random_frame(rng, format_) for _ in range(120)]
    for frame, made in zip(frames, frames_in_c(frames), strict=True):
        assert (made == seen(frame)).all(), (frame.width, frame.height, frame.part, frame.picture, frame.inverted)


@pytest.mark.parametrize("channels", [1, 3])
def test_every_colour_of_every_format_is_pillows(frames_in_c, channels):
    both = np.arange(1 << 16)
    rgb565 = both.astype(">u2").tobytes()
    frames = [Frame("rgb565", 256, 256, rgb565, (0, 0, 256, 256), (256, 256, channels))]
    blue, red = (part.astype(np.uint8) for part in (both >> 8, both & 255))
    for luma in (0, 1, 96, 200, 255):
        data = np.stack([np.full(1 << 16, luma, np.uint8), blue, np.full(1 << 16, 255 - luma, np.uint8), red], axis=-1)
        frames.append(Frame("yuv422", 512, 256, data.tobytes(), (0, 0, 512, 256), (256, 512, channels)))
    for frame, made in zip(frames, frames_in_c(frames), strict=True):
        assert (made == seen(frame)).all()


@pytest.mark.parametrize("picture", [(28, 28, 1), (96, 96, 3), (40, 72, 3)])
def test_a_photograph_is_to_the_chip_what_it_was_to_training(frames_in_c, model, tmp_path, picture):
    rng = np.random.default_rng(7)
    pixels = np.asarray(Image.fromarray(rng.integers(0, 256, (9, 13, 3), np.uint8)).resize((320, 240)))
    left, top, across, down = part = middle((320, 240), picture)
    Image.fromarray(pixels[top : top + down, left : left + across]).save(tmp_path / "photo.png")
    trained = read_pictures([tmp_path / "photo.png"], picture[:2], picture[2] == 3)
    (made,) = frames_in_c([Frame("rgb888", 320, 240, pixels.tobytes(), part, picture)])
    assert (made == device_bytes(load_manifest(model).inputs[0], trained).ravel()).all()


def floating_weights(size, to, index):
    """Those of Pillow's `resize`, in its order of operations: the first pixel, and a weight for each from it on."""
    scale = size / to
    reach = max(scale, 1.0)
    centre = (index + 0.5) * scale
    first, end = max(int(centre - reach + 0.5), 0), min(int(centre + reach + 0.5), size)
    weights = [max(1.0 - abs((x + first - centre + 0.5) * (1.0 / reach)), 0.0) for x in range(end - first)]
    total = sum(weights)
    return first, [int(0.5 + weight / total * (1 << 22)) for weight in weights]


class View(ctypes.Structure):
    """`frame_view`."""

    _fields_ = [(name, ctypes.c_int32) for name in ("format", "width", "height", "left", "top", "across", "down")]
    _fields_ += [("inverted", ctypes.c_bool)]


def test_fractions_round_as_floating_point_does_up_to_the_largest_side(compile_shared):
    frame = compile_shared("frame", [EXAMPLES / "camera_frame.c"], [EXAMPLES])
    rng = np.random.default_rng(3)
    sizes = [(size, to) for size in range(1, 20) for to in range(1, 20)]
    sizes += [(int(size), int(to)) for size, to in rng.integers(1, 2049, (40, 2))]
    sizes += [(2048, to) for to in (1, 2, 3, 1000, 2047)] + [(2047, 1), (1999, 1), (640, 96), (320, 96), (1024, 1)]
    compared = 0
    for size, to in sizes:
        taps = 2 * size // to + 1 if size > to else 3
        memory = np.zeros(to * (2 + taps) + 3 + size + 4 * to, np.uint32)
        view = View(0, size, 1, 0, 0, size, 1, False)
        frame.scaler_begin(ctypes.create_string_buffer(256), ctypes.byref(view), to, 1, 1, memory.ctypes)
        for index, row in enumerate(memory[: to * (2 + taps)].reshape(to, 2 + taps)):
            first, weights = floating_weights(size, to, index)
            ours = {int(row[0]) + t: int(row[2 + t]) for t in range(row[1])}
            floating = {first + t: weight for t, weight in enumerate(weights)}
            # Beyond the reach floating point may have a pixel with a weight of 0, or of its own error.
            assert {x: w for x, w in ours.items() if w} == {x: w for x, w in floating.items() if w}, (size, to, index)
            compared += len(ours)
    assert compared > 100_000


def test_rows_are_scaled_before_columns_whatever_pillows_version():
    """Pillow 13 takes a picture like this one, which becomes flatter and wider, the other way round."""
    pixels = np.random.default_rng(5).integers(0, 256, (90, 20), np.uint8)
    across = np.asarray(Image.fromarray(pixels).resize((40, 90), Image.Resampling.BILINEAR))
    down = Image.fromarray(np.ascontiguousarray(across.T)).resize((90, 40), Image.Resampling.BILINEAR)
    down = np.asarray(Image.fromarray(np.asarray(down)).resize((12, 40), Image.Resampling.BILINEAR)).T
    assert (np.asarray(stretched(Image.fromarray(pixels), (12, 40))) == down).all()


def a_frame(model, which, size=(160, 120)):
    """A test picture, enlarged in the middle of a frame of the size (width, height) that a camera gives."""
    height, width, channels = load_manifest(model).picture
    image = load_splits(model / "splits.npz").x_test[which, ..., 0]
    left, top, across, down = part = middle(size, (height, width))
    canvas = Image.new("L", size, 90)
    canvas.paste(Image.fromarray(image).resize((across, down), Image.Resampling.BICUBIC), (left, top))
    return Frame("grey", *size, canvas.tobytes(), part, (height, width, channels))


def answer(model, frame):
    """What Camera says to a frame, up to the time."""
    manifest = load_manifest(model)
    output = Golden((model / "model.tflite").read_bytes()).run_bytes(seen(frame).tobytes())
    return f"This is: {scores(manifest.outputs[0], manifest.labels, np.frombuffer(output, np.int8))}, in "


def assert_answers(text, model, frames):
    said = re.findall(r"^(This is: .+?, in )\d+ \w+; its picture took \d+ \w+\r$", text, re.MULTILINE)
    assert said == [answer(model, frame) for frame in frames]


def run_on(board, model, data):
    image = build_example(model, board, "camera")
    command = [word.format(firmware=image) for word in board.run]
    return subprocess.run(command, input=data, capture_output=True, check=True, timeout=60).stdout.decode()


@needs.golden
@pytest.mark.parametrize("board", ["host-checked", "qemu"])
def test_on_emulated_boards_frames_over_the_line_are_answered_one_after_the_other(model, board):
    frames = [a_frame(model, which) for which in (3, 11)]
    text = run_on(BOARDS[board], model, b"".join(frame.data for frame in frames))
    assert "frames are 160 x 120; the model sees 120 x 120 of it, made 28 x 28, grey.\r\n" in text
    assert_answers(text, model, frames)
    assert text.count("@") > 3, "the picture is shown"


@needs.golden
def test_a_model_of_colours_that_is_not_square_gets_rgb565(tmp_path):
    b = ModelBuilder()
    x, y = b.tensor((1, 6, 10, 3), 1 / 255, -128), b.tensor((1, 1, 1, 3), 1 / 255, -128)
    b.max_pool2d(x, y, kernel=(6, 10), stride=(6, 10))
    (tmp_path / "brightest.tflite").write_bytes(b.build([x], [y]))
    model = tmp_path / "brightest"
    emit(model, tmp_path / "brightest.tflite", "host", None, "balanced")
    data = np.random.default_rng(4).integers(0, 256, 160 * 120 * 2, np.uint8).tobytes()
    frame = Frame("rgb565", 160, 120, data, middle((160, 120), (6, 10)), (6, 10, 3))
    (model / "model.tflite").write_bytes((tmp_path / "brightest.tflite").read_bytes())
    text = run_on(BOARDS["host-checked"], model, data)
    assert "frames are 160 x 120; the model sees 160 x 96 of it, made 10 x 6, in colour.\r\n" in text
    assert_answers(text, model, [frame])


@needs.gcc
@needs.golden
def test_the_sketch_camera_takes_frame_after_frame(model, tmp_path):
    program = compiled_sketch(library(model), "Camera", tmp_path / "camera")
    frames = [a_frame(model, which, (176, 144)) for which in (5, 8)]
    typed = b"".join(frame.data for frame in frames)
    result = subprocess.run([program], input=typed, capture_output=True, check=True, timeout=60)
    assert_answers(result.stdout.decode(), model, frames)
    assert "frames are 176 x 144; the model sees 144 x 144 of it" in result.stdout.decode()


def test_a_model_that_takes_no_pictures_has_no_example_for_a_camera(tmp_path):
    b = ModelBuilder()
    x, y = b.tensor((1, 5), 0.1, 3), b.tensor((1, 5), 0.1, 3)
    b.op("RELU", [x], [y])
    (tmp_path / "numbers.tflite").write_bytes(b.build([x], [y]))
    emit(tmp_path / "numbers", tmp_path / "numbers.tflite", "qemu", None, "balanced")
    folder = library(tmp_path / "numbers")
    assert {path.stem for path in folder.glob("examples/*/*.ino")} == {"HelloModel", "Classify", "Validate"}
    assert not list(folder.rglob("camera*")) and "camera" not in (folder / "keywords.txt").read_text()
    assert not (sketch(REAL_BOARDS["esp32"], tmp_path / "numbers", "compiled") / "Camera").exists()


@pytest.mark.parametrize("board", ["esp32", "esp32s3", "esp32s3-usb", "esp32c3"])
@pytest.mark.parametrize("engine", ["tflm", "compiled"])
def test_esp_idf_gets_camera_as_a_project_where_the_chip_can_have_one(model, board, engine):
    project = sketch(REAL_BOARDS[board], model, engine)
    camera = project / "Camera"
    assert (
        camera.is_dir() == bool(REAL_BOARDS[board].camera) == ("folder Camera" in (project / "README.txt").read_text())
    )
    if not camera.is_dir():
        return
    lines = (camera / "main" / "idf_component.yml").read_text().splitlines()
    names = [line.split(":")[0].strip() for line in lines if not line.startswith("#")]
    wanted = ["espressif/esp-tflite-micro", "espressif/esp-nn"] * (engine == "tflm")
    assert names == ["dependencies", "idf", *wanted, "espressif/esp32-camera"]
    files = [path for path in sorted((camera / "main").glob("*.[ch]"))]
    assert not any(path.name in ("app.c", "hello_model_app.c") for path in files)
    for path in files:
        for quoted in re.findall(r'^#include "([^"]+)"', path.read_text(), re.MULTILINE):
            assert (camera / "main" / quoted).is_file(), (path.name, quoted)
    own = without_vendor(camera / "main", REAL_BOARDS[board])
    sources = [path for path in own if path.name != "camera_esp32_app.c"]
    subprocess.run([*CC, "-std=c11", "-fsyntax-only", "-Wall", "-Wextra", "-Werror", *sources], check=True)


def test_the_middle_of_a_frame_is_the_largest_part_shaped_like_the_picture(compile_shared):
    frame = compile_shared("frame", [EXAMPLES / "camera_frame.c"], [EXAMPLES])
    frame.frame_middle.restype = View
    for size in ((160, 120), (176, 144), (320, 240), (240, 320), (7, 5)):
        for picture in ((28, 28), (96, 96), (40, 72), (72, 40), (1, 9)):
            view = frame.frame_middle(1, *size, picture[1], picture[0])
            part = (view.left, view.top, view.across, view.down)
            assert part == middle(size, picture) and view.across <= size[0] and view.down <= size[1]
            assert view.across == size[0] or view.down == size[1]
