"""The export stage as a whole: models through the generated C as a program, the files it writes, its commands."""

from __future__ import annotations

import hashlib
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import needs
import numpy as np
import pytest
from conftest import CC, SANITIZERS
from every_op import every_op_model, every_op_network, two_ends_network
from kernel_library import KERNELS, kernel_sources
from networks import pooled_layer, random_network, usual_network
from planting import HOST_CORE, model_c
from test_graph import MODEL

from tinyproof.boards import BOARDS
from tinyproof.console import UserError
from tinyproof.cores import PORTABLE
from tinyproof.export.device_input import device_bytes
from tinyproof.export.emit import export_model, write_export
from tinyproof.export.emit_model import emit_model_h
from tinyproof.export.emit_vectors import vector_count
from tinyproof.export.golden import Golden
from tinyproof.export.lower import lower
from tinyproof.export.tflite_reader import read_graph
from tinyproof.export.tflite_writer import ModelBuilder
from tinyproof.firmware.build import build, kernel_folders
from tinyproof.host.connection import connect
from tinyproof.manifest import load_manifest

ROOT = Path(__file__).parent.parent
FIRMWARE = ROOT / "firmware"
WARNINGS = ("-Wall", "-Wextra", "-Werror")


@dataclass(frozen=True)
class Network:
    """One of the random networks."""

    make: Callable[[int], bytes]
    seed: int

    def content(self) -> bytes:
        """The `.tflite`."""
        return self.make(self.seed)

    def __str__(self) -> str:
        return f"{self.make.__name__}-{self.seed}"


NETWORKS = [Network(make, seed) for make in (random_network, usual_network, pooled_layer) for seed in range(12)]
NETWORKS += [Network(every_op_network, 0), Network(two_ends_network, 0)]


def exported(content: bytes, folder: Path, **options) -> Path:
    """Export into `folder`, which is returned."""
    options = {"labels": (), "x_calibration": None, **options}
    write_export(folder, content, export_model(content, "model.tflite", folder.name, **options))
    return folder


def includes(folder: Path) -> list[str]:
    folders = (folder / "c", folder / "c" / HOST_CORE.name, FIRMWARE / "engine", *kernel_folders(HOST_CORE))
    return [f"-I{path}" for path in folders]


@pytest.fixture(scope="module")
def objects(tmp_path_factory) -> Path:
    """The kernels, compiled with sanitizers once for all programs."""
    folder = tmp_path_factory.mktemp("objects")
    kernels = [f"-I{path}" for path in kernel_folders(HOST_CORE)]
    command = [*CC, "-std=c11", "-O2", *WARNINGS, "-Wconversion", *SANITIZERS, *kernels, "-c", *kernel_sources()]
    subprocess.run(command, cwd=folder, check=True)
    return folder


@pytest.fixture
def program(objects):
    """(exported folder) -> the compiled engine behind a pipe, as an executable."""

    def build(folder: Path) -> Path:
        binary = folder / "engine_pipe"
        sources = [ROOT / "tests/c/engine_pipe.c", FIRMWARE / "engine/compiled/engine.c"]
        sources += [*(folder / "c").glob("*.c"), model_c(folder)]
        command = [*CC, "-std=c11", "-O2", *WARNINGS, *SANITIZERS, *includes(folder), *sources, *objects.glob("*.o")]
        subprocess.run([*map(str, command), "-o", str(binary)], check=True)
        return binary

    return build


def run(binary: Path, *arguments: str, data: bytes = b"") -> bytes:
    return subprocess.run([str(binary), *arguments], input=data, capture_output=True, check=True).stdout


@needs.golden
@pytest.mark.parametrize("network", NETWORKS, ids=str)
def test_a_network_as_a_c_program_gives_the_bytes_of_tflm(network, program, tmp_path):
    content = network.content()
    folder = exported(content, tmp_path / "network")
    manifest = load_manifest(folder)
    inputs = np.random.default_rng(network.seed).integers(-128, 128, (5, manifest.input_bytes), np.int8)
    golden = Golden(content)
    expected = b"".join(golden.run_bytes(x.tobytes()) for x in inputs)
    assert run(program(folder), data=inputs.tobytes()) == expected


@needs.golden
@pytest.mark.parametrize("network", NETWORKS[::3] + NETWORKS[-2:], ids=str)
def test_a_network_as_cortex_m4_machine_code_gives_the_bytes_of_tflm(network, tmp_path):
    content = network.content()
    folder = exported(content, tmp_path / "network")
    build(folder, BOARDS["qemu"])
    size = load_manifest(folder).input_bytes
    inputs = np.random.default_rng(network.seed).integers(-128, 128, (40, size), np.int8)
    golden = Golden(content)
    with connect(folder, BOARDS["qemu"], None) as device:
        answers = {
            answer.index: answer.output for answer in device.infer([x.tobytes() for x in inputs], device.hello())
        }
    assert [answers[i] for i in range(len(inputs))] == [golden.run_bytes(x.tobytes()) for x in inputs]


@needs.golden
@needs.public_data
@pytest.mark.parametrize("name", ["pretrainedResnet_quant.tflite", "kws_ref_model.tflite"])
def test_a_published_model_as_cortex_m4_machine_code_gives_the_bytes_of_tflm(name, tmp_path):
    content = (needs.PUBLIC_DATA / name).read_bytes()
    folder = exported(content, tmp_path / "published")
    build(folder, BOARDS["qemu"])
    size = load_manifest(folder).input_bytes
    inputs = [x.tobytes() for x in np.random.default_rng(1).integers(-128, 128, (20, size), np.int8)]
    golden = Golden(content)
    with connect(folder, BOARDS["qemu"], None) as device:
        answers = [answer.output for answer in device.infer(inputs, device.hello())]
    assert answers == [golden.run_bytes(x) for x in inputs]


@needs.golden
def test_the_program_passes_its_golden_vectors_and_carries_the_constants_of_the_manifest(program, tmp_path):
    folder = exported(MODEL, tmp_path / "small")
    manifest, binary = load_manifest(folder), program(folder)
    assert run(binary, "self-test").split() == [b"6", str(len(MODEL)).encode()]
    constants = run(binary, "segments")
    assert hashlib.sha256(constants).hexdigest() == manifest.compiled_for(HOST_CORE).constants_sha256
    assert len(constants) == manifest.compiled_for(HOST_CORE).weight_bytes
    assert manifest.golden is not None and manifest.golden_count == 6


def test_the_manifest_says_what_the_model_is(tmp_path):
    manifest = load_manifest(exported(MODEL, tmp_path / "small", labels=("a", "b", "c", "d", "é")))
    assert manifest.name == "small" and manifest.labels[4] == "é"
    assert manifest.model_sha256 == hashlib.sha256(MODEL).hexdigest() and manifest.tflite_bytes == len(MODEL)
    assert (manifest.input_bytes, manifest.output_bytes) == (64, 5) and manifest.pixel_input
    assert manifest.inputs[0].shape == (1, 8, 8, 1) and manifest.inputs[0].zero_point == -128
    assert manifest.outputs[0].scale == 1 / 256
    assert [(op.name, op.macs) for op in manifest.ops if op.macs] == [
        ("CONV_2D", 6 * 6 * 4 * 9), ("FULLY_CONNECTED", 36 * 6), ("FULLY_CONNECTED", 6 * 5),
    ]  # fmt: skip
    assert manifest.macs == sum(op.macs for op in manifest.ops)
    compiled = manifest.compiled_for(PORTABLE)
    assert compiled.weight_bytes == sum(compiled.op_weight_bytes) and len(compiled.op_weight_bytes) == len(manifest.ops)
    # The first dense layer: its input of 36 bytes, its 6 outputs, and 36 inputs in 16 bits.
    assert compiled.arena_bytes == 36 + 8 + 36 * 2


@pytest.mark.parametrize(
    "scale, zero_point, is_pixel", [(1.0, -128, True), (1 / 255, -128, True), (1.0, 0, False), (0.5, -128, False)]
)
def test_a_network_that_divides_pixels_itself_takes_them_too(tmp_path, scale, zero_point, is_pixel):
    b = ModelBuilder()
    x, y = b.tensor((1, 4, 4, 1), scale, zero_point), b.tensor((1, 1, 1, 1), scale, zero_point)
    b.max_pool2d(x, y, kernel=(4, 4), stride=(4, 4))
    manifest = load_manifest(exported(b.build([x], [y]), tmp_path / "pool"))
    assert manifest.pixel_input == is_pixel and (manifest.picture is not None) == is_pixel
    if is_pixel:
        every = np.arange(256, dtype=np.uint8).reshape(1, 16, 16, 1)
        assert (device_bytes(manifest.inputs[0], every) == (every.astype(int) - 128)).all()


def test_the_same_model_gives_the_same_bytes():
    first, second = (export_model(MODEL, "model.tflite", "small", (), None) for _ in range(2))
    assert first.sources == second.sources
    assert first.manifest == second.manifest


def test_generated_code_says_where_it_comes_from_and_has_no_loops():
    export = export_model(MODEL, "model.tflite", "small", (), None)
    for name, text in export.sources.items():
        lines = text.splitlines()
        assert lines[0].startswith("// Generated from model.tflite by `make export`, tinyproof"), name
        assert lines[1] == f"// sha256 {hashlib.sha256(MODEL).hexdigest()}"
        assert "for (" not in text and "while" not in text
        assert max(map(len, lines)) <= 120, name


COMPILERS = {
    "C11": ["gcc", "-std=c11", "-Wconversion", "-pedantic", "-Wc++-compat"],
    "C++11": ["g++", "-std=c++11", "-x", "c++"],
    "C11 for the Cortex-M4": ["arm-none-eabi-gcc", "-std=c11", "-mcpu=cortex-m4", "-mthumb", "-Wconversion"],
    "C++11 for the Cortex-M4": ["arm-none-eabi-g++", "-std=c++11", "-mcpu=cortex-m4", "-mthumb", "-x", "c++"],
}


@pytest.mark.parametrize("dialect", COMPILERS)
def test_generated_sources_and_engine_compile_without_a_warning(dialect, tmp_path):
    command = COMPILERS[dialect]
    if shutil.which(command[0]) is None:
        pytest.skip(f"{command[0]} is not installed")
    folder = exported(MODEL, tmp_path / "small", labels=('say "hi"\\?', "b", "c", "d", "é"))
    of_every_op = exported(every_op_network(0), tmp_path / "every_op")
    sources = sorted((folder / "c").rglob("*.c")) + [model_c(of_every_op)]
    if "++" not in dialect:
        sources += [*kernel_sources(), FIRMWARE / "engine/compiled/engine.c"]
    found = [*includes(folder), *(f"-I{path}" for path in KERNELS)]
    for source in sources:
        subprocess.run([*command, "-O1", *WARNINGS, *found, "-c", str(source), "-o", "/dev/null"], check=True)


@needs.gcc
@pytest.mark.parametrize(
    ("name", "value", "says"), [("__BYTE_ORDER__", "4321", "big-endian"), ("__SIZEOF_INT__", "2", "int of 32 bits")]
)
def test_a_core_that_would_read_the_tables_otherwise_stops_the_compiler(name, value, says):
    command = ["gcc", "-x", "c", "-fsyntax-only", f"-U{name}", f"-D{name}={value}", str(FIRMWARE / "kernels/kernels.h")]
    assert says in subprocess.run(command, capture_output=True, text=True).stderr


@pytest.mark.skipif(shutil.which("arm-none-eabi-gcc") is None, reason="needs arm-none-eabi-gcc")
def test_an_older_thumb_than_the_assemblys_takes_plain_c(tmp_path):
    thumb = [str(path) for path in kernel_sources() if path.stem.endswith("thumb_1")]
    command = ["arm-none-eabi-gcc", "-mcpu=arm926ej-s", "-mthumb", "-O1", *WARNINGS, *(f"-I{path}" for path in KERNELS)]
    subprocess.run([*command, "-c", *thumb], cwd=tmp_path, check=True)


@needs.gcc
def test_the_op_list_is_a_c_plus_plus_function_that_adds_exactly_the_ops_of_the_model(tmp_path):
    folder = exported(MODEL, tmp_path / "small")
    (tmp_path / "ops.cc").write_text(
        '#include "model_ops.h"\n#include <cstdio>\n'
        "enum Status { kOk, kError };\n"
        "struct Resolver {\n"
        + "".join(
            f'    Status Add{op}() {{ std::puts("{op}"); return kOk; }}\n'
            for op in ("Conv2D", "MaxPool2D", "Reshape", "FullyConnected", "Softmax")
        )
        + "};\nint main() { Resolver resolver; return model_add_ops(resolver) ? MODEL_OPS_COUNT : 0; }\n"
    )
    source, binary = tmp_path / "ops.cc", tmp_path / "ops"
    subprocess.run(["g++", "-std=c++11", *WARNINGS, f"-I{folder / 'c'}", str(source), "-o", str(binary)], check=True)
    result = subprocess.run([str(binary)], capture_output=True, text=True)
    assert result.returncode == 5
    assert sorted(result.stdout.split()) == ["Conv2D", "FullyConnected", "MaxPool2D", "Reshape", "Softmax"]


def test_a_refused_model_leaves_the_earlier_export_as_it_was(tmp_path, command):
    folder = exported(MODEL, tmp_path / "small")
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    (tmp_path / "bad.tflite").write_bytes(MODEL[:500])
    result = command("emit", "--model", folder, "--tflite", tmp_path / "bad.tflite")
    assert result.returncode == 2 and "bad.tflite is not a readable .tflite" in result.stderr
    assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == before


def test_sources_of_an_earlier_export_do_not_survive(tmp_path):
    folder = exported(random_network(1), tmp_path / "model")
    (folder / "c" / "left_over.c").write_text("an earlier version wrote this")
    exported(MODEL, folder)
    names = sorted(str(path.relative_to(folder / "c")) for path in (folder / "c").rglob("*") if path.is_file())
    assert names == sorted(export_model(MODEL, "model.tflite", "small", (), None).sources)
    assert load_manifest(folder).model_sha256 == hashlib.sha256((folder / "model.tflite").read_bytes()).hexdigest()


def test_an_interrupted_export_is_seen_as_none(tmp_path, monkeypatch):
    folder = exported(random_network(1), tmp_path / "model")
    export = export_model(MODEL, "model.tflite", "model", (), None)

    def fail(*arguments: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("tinyproof.export.emit.remember", fail)
    with pytest.raises(KeyboardInterrupt):
        write_export(folder, MODEL, export)
    with pytest.raises(UserError, match="run `make export`"):
        load_manifest(folder)


@pytest.mark.parametrize("content", ["", "{}", "[]", '{"inputs": 3}', '{"name": "x", "inputs": [{}]}', "\x00"])
def test_a_damaged_manifest_is_one_line(content, tmp_path):
    (tmp_path / "model.json").write_text(content)
    with pytest.raises(UserError, match="run `make export` to make it again"):
        load_manifest(tmp_path)


def test_labels_and_images_of_another_model_are_refused():
    with pytest.raises(UserError, match="has 5 outputs but there are 2 labels"):
        export_model(MODEL, "model.tflite", "small", ("a", "b"), None)
    with pytest.raises(UserError, match=r"takes \(8,8,1\) but the images beside it are \(4,4,1\)"):
        export_model(MODEL, "model.tflite", "small", (), np.zeros((3, 4, 4, 1), np.uint8))


@needs.golden
def test_golden_vectors_start_with_calibration_images_as_device_bytes():
    images = np.random.default_rng(3).integers(0, 256, (10, 8, 8, 1), np.uint8)
    text = export_model(MODEL, "model.tflite", "small", (), images).sources["golden_vectors.c"]
    first = (images[0].reshape(-1).astype(int) - 128).tolist()
    row = text.split("{\n", 2)[2].split("}", 1)[0]
    assert [int(number) for number in row.replace("\n", " ").split(",")[:-1]] == first
    assert "#define GOLDEN_COUNT 6" in export_model(MODEL, "m", "small", (), images).sources["golden_vectors.h"]


@pytest.mark.parametrize(("sizes", "count"), [((784, 10), 6), ((3072, 10), 2), ((27648, 2), 2), ((1, 1), 6)])
def test_golden_vectors_are_few_where_inputs_are_large(sizes, count):
    assert vector_count(*sizes) == count


def test_without_the_golden_an_export_has_no_vectors_and_says_so(monkeypatch, tmp_path):
    monkeypatch.setattr("tinyproof.export.emit.golden_available", lambda: False)
    folder = exported(MODEL, tmp_path / "small")
    assert load_manifest(folder).golden is None
    assert "#define GOLDEN_COUNT 0" in (folder / "c/golden_vectors.h").read_text()
    subprocess.run(
        [*CC, "-std=c11", "-pedantic", *WARNINGS, *includes(folder), "-c", str(folder / "c/golden_vectors.c"),
         "-o", str(tmp_path / "vectors.o")], check=True
    )  # fmt: skip


def test_emit_copies_a_model_from_elsewhere_into_its_own_folder(tmp_path, command):
    (tmp_path / "thing.tflite").write_bytes(MODEL)
    result = command("emit", "--tflite", tmp_path / "thing.tflite", "--model", tmp_path / "thing")
    assert result.returncode == 0, result.stderr
    assert (tmp_path / "thing/model.tflite").read_bytes() == MODEL
    assert load_manifest(tmp_path / "thing").name == "thing"
    assert "1,542" in result.stdout  # multiply-accumulates


def test_emit_without_a_model_says_what_to_run_first(tmp_path, command):
    result = command("emit", "--model", tmp_path)
    assert result.returncode == 2 and "run `make export`" in result.stderr
    assert command("emit").returncode == 2


def test_a_folder_that_cannot_be_written_is_one_line(tmp_path, command):
    (tmp_path / "model.tflite").write_bytes(MODEL)
    (tmp_path / "c").write_text("a file where the folder should be")
    result = command("emit", "--model", tmp_path)
    assert result.returncode == 2 and "cannot be written to" in result.stderr


def test_describe_shows_ops_and_quantization(tmp_path, command):
    (tmp_path / "thing.tflite").write_bytes(MODEL)
    result = command("describe", "--tflite", tmp_path / "thing.tflite")
    assert result.returncode == 0
    for text in ("MAX_POOL_2D", "(1,6,6,4)", "1,296", "arena 116 bytes", "zero point -128"):
        assert text in result.stdout


def test_describe_takes_borders_off_as_emit_does(tmp_path, command):
    (tmp_path / "float.tflite").write_bytes(every_op_model())
    result = command("describe", "--tflite", tmp_path / "float.tflite")
    assert result.returncode == 0
    assert "taken off the model" in result.stdout and "arena" in result.stdout
    assert "not for the compiled engine" not in result.stdout


def test_exporting_imports_no_tensorflow(tmp_path):
    (tmp_path / "model.tflite").write_bytes(MODEL)
    script = (
        "import sys; from tinyproof.__main__ import main;"
        f"main(['emit', '--model', {str(tmp_path)!r}], standalone_mode=False);"
        "assert not {'tensorflow', 'keras', 'ai_edge_litert'} & sys.modules.keys()"
    )
    subprocess.run([sys.executable, "-c", script], cwd=ROOT, check=True)


def test_the_graph_of_every_random_network_is_read_back():
    assert {op.name for seed in range(24) for op in read_graph(random_network(seed), "n").ops} == {
        "CONV_2D", "MAX_POOL_2D", "FULLY_CONNECTED", "RESHAPE", "SOFTMAX",
    }  # fmt: skip


@needs.golden
def test_the_program_of_the_docs_compiles_gives_tflms_bytes_and_tells_of_every_tensor(model, objects, tmp_path):
    """`model_run`, and `model_invoke` with a watcher and without one."""
    example = re.search(r"```c\n(#include.+?)```", (ROOT / "docs/compiled-engine.md").read_text(), re.DOTALL)[1]
    x = np.random.default_rng(0).integers(0, 256, 784, np.uint8)
    expected = Golden((model / "model.tflite").read_bytes()).run_bytes((x ^ 128).tobytes())
    steps = load_manifest(model).compiled[PORTABLE.name].steps
    for name, text in (("watched", example), ("unwatched", example.replace(", show_size)", ", NULL)"))):
        (tmp_path / f"{name}.c").write_text(text)
        command = [*CC, "-std=c11", "-O2", "-Wall", "-Wextra", *SANITIZERS, *includes(model), *objects.glob("*.o")]
        command += [tmp_path / f"{name}.c", model_c(model), "-o", tmp_path / name]
        subprocess.run(list(map(str, command)), check=True)
        made = subprocess.run([tmp_path / name], input=x.tobytes(), capture_output=True, check=True)
        assert made.stdout == expected
        sizes = [784, *(step.size_bytes for step in steps)] if name == "watched" else []
        assert [int(line) for line in made.stderr.split()] == sizes


@needs.golden
def test_two_models_in_one_program_as_the_docs_have_it(model, objects, tmp_path):
    renamed = re.search(r"```c\n(#define.+?)```", (ROOT / "docs/compiled-engine.md").read_text(), re.DOTALL)[1]
    path, names = "build/digits_small/c/portable/model.c", ("digits_compute", "others_compute")
    for name, text in (("digits", renamed), ("others", renamed.replace("digits_", "others_", 2))):
        (tmp_path / f"{name}.c").write_text(text.replace(path, str(model_c(model))))
    declared = "".join(f"void {name}(const int8_t *, int8_t *, engine_watcher);\n" for name in names)
    called = "".join(f"{name}(input, output, engine_unwatched); fwrite(output, 1, 10, stdout);\n" for name in names)
    arrays = "_Alignas(4) static int8_t input[784], output[10];\n"
    main = f"#include <stdio.h>\n#include <engine.h>\n{declared}int main(void) {{\n{arrays}{called}}}\n"
    (tmp_path / "main.c").write_text(main)
    command = [*CC, "-std=c11", *WARNINGS, *SANITIZERS, *includes(model), *objects.glob("*.o"), *tmp_path.glob("*.c")]
    subprocess.run([*map(str, command), "-o", str(tmp_path / "two")], check=True)
    made = subprocess.run([tmp_path / "two"], capture_output=True, check=True).stdout
    assert made == 2 * Golden((model / "model.tflite").read_bytes()).run_bytes(bytes(784))


def test_two_models_in_one_file_are_refused_in_a_line(tmp_path):
    program = lower(read_graph(MODEL, "model.tflite")).program(PORTABLE)
    for name in ("one", "another"):
        (tmp_path / f"{name}.h").write_text(emit_model_h(program, f"// {name}\n"))
    (tmp_path / "both.c").write_text('#include "one.h"\n#include "another.h"\n')
    command = [*CC, "-std=c11", "-fsyntax-only", f"-I{FIRMWARE / 'engine'}", tmp_path / "both.c"]
    said = subprocess.run(list(map(str, command)), capture_output=True, text=True)
    assert said.returncode and "two models in one file: compile each model.c by itself" in said.stderr.splitlines()[1]
