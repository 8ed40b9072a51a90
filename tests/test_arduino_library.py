"""The library for the Arduino IDE and the examples: as the specification wants it, compiled, and run where they can."""

from __future__ import annotations

import re
import shutil
import subprocess
import zipfile

import needs
import numpy as np
import pytest
from conftest import CC, FIRMWARE, ROOT, SANITIZERS, WARNINGS, without_vendor

from tinyproof.boards import BOARDS, REAL_BOARDS
from tinyproof.console import UserError
from tinyproof.cores import PORTABLE
from tinyproof.export.golden import Golden
from tinyproof.export.stage import emit
from tinyproof.export.tflite_writer import ModelBuilder
from tinyproof.firmware.arduino import zip_of
from tinyproof.firmware.build import build_example, example_files, kernel_folders
from tinyproof.firmware.sketch import sketch
from tinyproof.manifest import load_manifest
from tinyproof.model_files import load_splits
from tinyproof.options import ENGINES

ARDUINO = ROOT / "tests" / "arduino"
CATEGORIES = ("Display", "Communication", "Signal Input/Output", "Sensors", "Device Control", "Timing", "Data Storage")
CATEGORIES += ("Data Processing", "Other")
# What the Arduino IDE passes for the Nano 33 BLE, as far as it decides about code and warnings.
CORTEX_M4 = ("-mcpu=cortex-m4", "-mthumb", "-mfloat-abi=softfp", "-mfpu=fpv4-sp-d16", "-ffunction-sections")
VECTOR = re.compile(r"^Golden vector (\d+): (.+)\r$", re.MULTILINE)


def library(model, engine=None):
    return sketch(REAL_BOARDS["nano33ble"], model, engine)


def scores(info, labels, output):
    """The line of an output, int8 (n,), as Python has it."""
    best = np.argsort(-output.astype(int), kind="stable")[:3]
    real = np.float32(info.scale) * (output.astype(np.float32) - info.zero_point)
    is_probability = info.zero_point == -128 and np.float32(info.scale) * np.float32(255) <= 1
    texts = [f"{int(value * 100 + 0.5)} %" if is_probability else f"{value:.2f}" for value in real]
    names = labels or [f"no. {index}" for index in range(len(output))]
    return ", ".join(f"{names[index]} ({texts[index]})" for index in best)


def golden_lines(model):
    """What HelloModel says to each golden vector, by Python; and how many bytes they have."""
    manifest = load_manifest(model)
    text = (model / "c" / "golden_vectors.c").read_text().partition("golden_inputs")[2]
    inputs, outputs = (re.findall(r"^    \{\n([^}]+)\}", part, re.MULTILINE) for part in text.split("golden_outputs"))
    golden = Golden((model / "model.tflite").read_bytes())
    lines = []
    for values, answer in zip(inputs, outputs, strict=True):
        x = np.array(re.findall(r"-?\d+", values), np.int8)[: manifest.input_bytes]
        y = np.frombuffer(golden.run_bytes(x.tobytes()), np.int8)
        assert y.tolist() == [int(value) for value in re.findall(r"-?\d+", answer)]
        parts = np.split(y, np.cumsum([info.size_bytes for info in manifest.outputs])[:-1])
        pairs = zip(manifest.outputs, parts, strict=True)
        lines.append("; ".join(scores(info, manifest.labels, part) for info, part in pairs))
    return lines, len(lines) * manifest.output_bytes


def assert_is_hello_model(text, model, times=1):
    lines, size = golden_lines(model)
    numbered = [(str(number), line) for number, line in enumerate(lines, 1)]
    assert VECTOR.findall(text) == numbered * times
    assert text.count(f"\r\n0 of {size} bytes differ from TensorFlow Lite Micro.\r\nOne inference takes ") == times


def a_picture(model):
    """A test picture, uint8 (n,), and what Classify says to it."""
    picture = load_splits(model / "splits.npz").x_test[3].ravel()
    golden = Golden((model / "model.tflite").read_bytes())
    output = np.frombuffer(golden.run_bytes((picture ^ 128).tobytes()), np.int8)
    manifest = load_manifest(model)
    return picture, "This is: " + scores(manifest.outputs[0], manifest.labels, output) + ", in "


def compiled_sketch(folder, example, program):
    """A sketch of the library with the library's sources, for this computer."""
    source = program.with_suffix(".cpp")
    sketch_folder = folder / "examples" / example
    source.write_text(f"#include <Arduino.h>\n{(sketch_folder / f'{example}.ino').read_text()}")
    checked = ["-O0", "-Wall", "-Wextra", "-Werror", *SANITIZERS]
    objects = program.parent / "objects"
    objects.mkdir()
    sources = sorted((folder / "src" / "tinyproof").glob("*.c"))
    subprocess.run([*CC, "-std=gnu11", *checked, "-c", *sources], cwd=objects, check=True)
    includes = [f"-I{place}" for place in (folder / "src", ARDUINO, sketch_folder)]
    command = ["g++", "-std=gnu++14", *checked, *includes, source, ARDUINO / "main.cpp", *objects.iterdir()]
    subprocess.run([*command, "-o", program], check=True)
    return program


@pytest.mark.parametrize("engine", ENGINES)
def test_the_zip_is_a_library_as_the_specification_wants_it(model, engine):
    folder = library(model, engine)
    with zipfile.ZipFile(zip_of(folder)) as archive:
        names = archive.namelist()
        lines = archive.read(f"{folder.name}/library.properties").decode().split("\n")[:-1]
        fields = dict(line.split("=", 1) for line in lines if not line.startswith("#"))
        keywords = archive.read(f"{folder.name}/keywords.txt").decode()
    assert set(names) == {str(path.relative_to(folder.parent)) for path in folder.rglob("*") if path.is_file()}
    assert fields["name"] == folder.name
    assert re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_.\- ]{0,62}", fields["name"])
    assert re.fullmatch(r"\d+\.\d+\.\d+", fields["version"])
    assert fields["category"] in CATEGORIES
    assert all(fields[field] for field in ("author", "maintainer", "sentence", "paragraph", "architectures"))
    assert bool(fields["url"]) != any("LP056" in line for line in lines)  # a page, or why there is none
    assert f"{folder.name}/src/{fields['includes']}" in names
    assert fields.get("depends") == ("Chirale_TensorFLowLite" if engine == "tflm" else None)
    for line in keywords.splitlines():
        assert re.fullmatch(r"\w+\t(KEYWORD[123]|LITERAL1)", line)
        word = line.partition("\t")[0]
        assert any(word in path.read_text() for path in (folder / "src").rglob("*.h")), word
    sketches = {name.split("/")[2]: name for name in names if name.endswith(".ino")}
    assert set(sketches) == {"HelloModel", "Classify", "Camera", "Validate"}
    for name, path in sketches.items():
        assert path == f"{folder.name}/examples/{name}/{name}.ino"
    assert {name.split("/")[1] for name in names} == {
        "LICENSE",
        "README.txt",
        "examples",
        "keywords.txt",
        "library.properties",
        "src",
    }


def test_who_publishes_a_library_gives_its_page(model):
    page = "https://example.org/~me/digits?of=mine#top"
    text = (sketch(REAL_BOARDS["nano33ble"], model, None, page) / "library.properties").read_text()
    assert f"\nurl={page}\n" in text and "#" not in text.replace(page, "")
    for wrong in ("example.org", "https://", "ftp://example.org", "https://example.org/\nname=x", "https://a@b.org"):
        with pytest.raises(UserError, match="is no address of a page"):
            sketch(REAL_BOARDS["nano33ble"], model, None, wrong)


def test_the_same_model_makes_the_same_zip(model):
    first = zip_of(library(model)).read_bytes()
    assert zip_of(library(model)).read_bytes() == first


@pytest.mark.parametrize("engine", ENGINES)
def test_every_include_of_the_library_is_in_it_or_comes_with_the_tools(model, engine):
    folder = library(model, engine)
    for path in [*(folder / "src").rglob("*.*"), *folder.glob("examples/[HC]*/*.*")]:
        for quoted in re.findall(r'^\s*#\s*include\s+"([^"]+)"', path.read_text(), re.MULTILINE):
            assert (path.parent / quoted).is_file() or (engine == "tflm" and quoted.startswith("tensorflow/")), path
        if path.suffix == ".ino":
            assert f"#include <{folder.name}.h>\n" in path.read_text()


@pytest.mark.parametrize("level", ["-Os", "-O2"])
def test_the_library_and_its_sketches_compile_for_the_nano_without_a_warning(model, level, tmp_path):
    for compiler in ("arm-none-eabi-gcc", "arm-none-eabi-g++"):
        if shutil.which(compiler) is None:
            pytest.skip(f"{compiler} is not installed")
    folder = library(model)
    flags = [*CORTEX_M4, level, "-Wall", "-Wextra", "-Werror", "-c"]
    sources = sorted(folder.glob("src/tinyproof/*.c"))
    shared = {path.name for path in sources}
    firmware = [path for path in folder.glob("examples/Validate/src/*.c") if path.name not in shared]
    for place, files in (("library", sources), ("firmware", firmware)):
        assert len(files) > 8
        (tmp_path / place).mkdir()
        subprocess.run(["arm-none-eabi-gcc", "-std=gnu11", *flags, *files], cwd=tmp_path / place, check=True)
    for example in ("HelloModel", "Classify", "Camera"):
        sketch_folder = folder / "examples" / example
        includes = [f"-I{place}" for place in (folder / "src", ARDUINO, sketch_folder)]
        command = ["arm-none-eabi-g++", "-std=gnu++14", "-fno-exceptions", *flags, *includes, "-include", "Arduino.h"]
        subprocess.run([*command, "-x", "c++", sketch_folder / f"{example}.ino"], cwd=tmp_path, check=True)


@needs.gcc
@needs.golden
def test_the_sketch_hello_model_says_what_python_says_and_again_at_a_key(model, tmp_path):
    program = compiled_sketch(library(model), "HelloModel", tmp_path / "hello")
    result = subprocess.run([program], input=b"x\n", capture_output=True, check=True, timeout=60)
    assert_is_hello_model(result.stdout.decode(), model, times=2)
    assert result.stdout.count(b"microseconds") == 2


@needs.gcc
@needs.golden
def test_the_sketch_classify_takes_its_array_and_then_numbers(model, tmp_path):
    folder = library(model)
    program = compiled_sketch(folder, "Classify", tmp_path / "classify")
    picture, said = a_picture(model)
    numbers = ", ".join(map(str, picture))
    too_large = "[" + numbers.replace(", ", ", 300, ", 1) + "]"
    typed = f"[{numbers}]\n{too_large} x 1 2 3\n{numbers[: len(numbers) // 2]} y\n{numbers}\n"
    result = subprocess.run([program], input=typed.encode(), capture_output=True, check=True, timeout=60)
    text = result.stdout.decode()
    first = "This is: " + golden_lines(model)[0][0]
    assert [line.rpartition(" in ")[0] + " in " for line in text.split("\r\n") if line.startswith("This is")] == [
        f"{first}, in ",
        said,
        said,
    ]
    assert "Number 2 is 300, which is not in the range." in text
    assert "\r\n3 numbers of 784 so far.\r\n" in text
    assert text.count("Send 784 numbers from 0 to 255, row by row; a letter starts over.") == 3
    assert text.count("@") > 3, "the picture is shown"


def assert_docs_show(said):
    """Line for line, but for what the model of today says."""
    shown = re.search(r"```text\n(Model .+?)```", (ROOT / "docs" / "boards.md").read_text(), re.DOTALL)[1]
    pattern = re.compile(r"\d \(\d+ %\)|\d+(?= instructions)")
    assert pattern.sub("#", shown).split("\n") == [*pattern.sub("#", said).strip().split("\r\n"), ""]


@needs.golden
@pytest.mark.parametrize("board", ["host", "qemu"])
def test_the_examples_are_programs_of_emulated_boards(model, board):
    board = BOARDS[board]
    picture, said = a_picture(model)
    for example, typed in (("hello_model", ""), ("classify", " ".join(map(str, picture)) + "\n")):
        image = build_example(model, board, example)
        command = [word.format(firmware=image) for word in board.run]
        result = subprocess.run(command, input=typed.encode(), capture_output=True, check=True, timeout=60)
        text = result.stdout.decode()
        if example == "hello_model":
            assert_is_hello_model(text, model)
            if board.name == "qemu":
                assert_docs_show(text)
        else:
            assert said in text and "Send 784 numbers" in text
        assert ("microseconds" if board.name == "host" else "instructions") in text


def plain_program(model, tmp_path):
    """HelloModel of plain C and the model's files."""
    places = [FIRMWARE / "examples", FIRMWARE / "core", FIRMWARE / "engine", *kernel_folders(PORTABLE), model / "c"]
    places.append(model / "c" / PORTABLE.name)
    sources = [path for path in example_files("hello_model") if path.suffix == ".c" and path.parent.name == "examples"]
    sources += [path for place in places[3:] for path in sorted(place.glob("*.c")) if path.name != "model_data.c"]
    sources += [FIRMWARE / "engine" / "compiled" / "engine.c", FIRMWARE / "examples" / "program" / "main.c"]
    includes = [f"-I{place}" for place in places]
    program = tmp_path / "plain"
    command = [*CC, "-std=c11", "-O0", *WARNINGS, *SANITIZERS, *includes, *sources, "-o", program]
    subprocess.run(command, check=True)
    return subprocess.run([program], capture_output=True, check=True, timeout=60).stdout.decode()


@needs.golden
def test_hello_model_is_a_program_of_plain_c(model, tmp_path):
    assert_is_hello_model(plain_program(model, tmp_path), model)


@needs.golden
def test_outputs_that_are_no_probabilities_have_decimals_and_unnamed_ones_numbers(tmp_path):
    b = ModelBuilder()
    x = b.tensor((1, 5), 0.1, 3)
    ys = [b.tensor((1, 5), 0.1, 3), b.tensor((1, 5), 0.1, 3)]
    b.op("RELU", [x], [ys[0]])
    b.op("RELU6", [x], [ys[1]])
    (tmp_path / "two.tflite").write_bytes(b.build([x], ys))
    model = tmp_path / "two"
    emit(model, tmp_path / "two.tflite", "qemu", None, "balanced")
    text = plain_program(model, tmp_path)
    assert "Model two: input 5, output 5 and 5, engine compiled\r\n" in text
    assert_is_hello_model(text, model)
    assert re.search(r"no\. \d \(\d+\.\d\d\), .+; no\. \d", text)


@pytest.mark.parametrize("engine", ENGINES)
def test_esp_idf_gets_hello_model_as_a_project_of_its_own(model, engine):
    project = sketch(REAL_BOARDS["esp32s3"], model, engine) / "HelloModel"
    assert (project / "CMakeLists.txt").is_file() and (project / "sdkconfig.defaults.esp32s3").is_file()
    main = project / "main"
    assert (main / "idf_component.yml").is_file() == (engine == "tflm")
    assert (main / "hello_model_app.c").is_file() and not (main / "app.c").exists()
    files = without_vendor(main, REAL_BOARDS["esp32s3"])
    for path in files:
        for quoted in re.findall(r'^#include "([^"]+)"', path.read_text(), re.MULTILINE):
            assert (main / quoted).is_file(), (path.name, quoted)
    if engine == "compiled":
        subprocess.run([*CC, "-std=c11", "-O0", "-c", "-Wall", "-Wextra", "-Werror", *files], cwd=project, check=True)


def test_the_command_ends_with_the_zip_and_what_to_do_with_it(model, command):
    result = command("sketch", "--board", "nano33ble", "--model", model, COLUMNS="300")
    assert result.returncode == 0, result.stderr
    archive, first, second = result.stdout.splitlines()[-3:]
    assert archive == f"library: {model}/sketch/nano33ble/tinyproof_digits_small.zip"
    assert first == (
        "Arduino IDE: Sketch > Include Library > Add .ZIP Library..., "
        "then File > Examples > tinyproof_digits_small > HelloModel."
    )
    assert "Serial Monitor at 115200 baud" in second
