"""The tflm engine without TensorFlow Lite Micro: its two files compile against declarations of the calls they make, in
both shapes those calls have had, and a fake behind them drives every way to fail through the real application.

That the engine computes the golden's bytes with the real library is not decided here.
"""

from __future__ import annotations

import random
import shutil
import subprocess
import zlib
from contextlib import contextmanager
from pathlib import Path

import pytest
from conftest import DEMO_MODEL, FIRMWARE, WARNINGS

from tinyproof.framing import Frame
from tinyproof.host.device import Device, DeviceError
from tinyproof.host.emulators import emulator
from tinyproof.host.transport import Transport
from tinyproof.manifest import load_manifest
from tinyproof.payload import pack, unpack
from tinyproof.protocol import ErrorCode, ErrorReply, Infer
from tinyproof.protocol_c import protocol_header

API = Path(__file__).parent / "c" / "tflm_api"
SHAPES = ["today", "february_2023"]
ARENA_BYTES = 1024
SANITIZED = ("-g", "-O1", *WARNINGS, "-fsanitize=address,undefined", "-fno-sanitize-recover=all")
ENGINE_CPP = ("-std=c++11", "-pedantic", "-fno-rtti", "-fno-exceptions", "-fno-threadsafe-statics", *WARNINGS)

pytestmark = pytest.mark.skipif(shutil.which("c++") is None, reason="needs a C++ compiler")


def run(*words: object) -> str:
    result = subprocess.run([*map(str, words)], capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    return result.stdout


def includes(shape: str) -> list[str]:
    generated = DEMO_MODEL / "c"
    folders = [API / shape, API, generated, FIRMWARE / "core", FIRMWARE / "boards", FIRMWARE / "engine"]
    return [*(f"-I{folder}" for folder in folders), f"-DTFLM_ARENA_BYTES={ARENA_BYTES}"]


@pytest.fixture(scope="module")
def application(tmp_path_factory) -> Path:
    """The folder of everything but the engine, as object files."""
    folder = tmp_path_factory.mktemp("application")
    (folder / "protocol.h").write_text(protocol_header())
    sources = [
        *(FIRMWARE / "core").glob("*.c"),
        FIRMWARE / "boards" / "host" / "board.c",
        *(DEMO_MODEL / "c" / name for name in ("golden_vectors.c", "model_data.c", "model_settings.c")),
    ]
    flags = ["-std=c11", *SANITIZED, '-DBOARD_NAME="host"', f"-I{folder}", *includes("today")]
    for source in sources:
        run("cc", *flags, "-c", source, "-o", folder / f"{source.stem}.o")
    return folder


@pytest.fixture(scope="module", params=SHAPES)
def firmware(request, application, tmp_path_factory) -> Path:
    """The firmware with the engine of one shape, and the fake."""
    image = tmp_path_factory.mktemp(request.param) / "firmware"
    engine = [*(FIRMWARE / "engine" / "tflm").glob("*.cc"), API / "fake_tflm.cc"]
    run("c++", *ENGINE_CPP, *SANITIZED, *includes(request.param), *engine, *application.glob("*.o"), "-o", image)
    return image


@contextmanager
def running(firmware: Path, monkeypatch, fake: str = ""):
    """The firmware as a device, its fake told what to do."""
    monkeypatch.setenv("TFLM_FAKE", fake)
    with emulator([str(firmware)]) as process, Transport(process.port) as transport:
        yield Device(transport)
        assert process.running, process.last_words()


def test_hello_tells_that_the_tflite_itself_is_what_runs(firmware, monkeypatch):
    with running(firmware, monkeypatch) as device:
        hello = device.hello()
    manifest = load_manifest(DEMO_MODEL)
    assert (hello.engine, hello.fault) == ("tflm", "")
    assert hello.segments_sha256.hex() == hello.model_sha256.hex() == manifest.model_sha256
    assert hello.arena_bytes == manifest.input_bytes + manifest.output_bytes  # what the fake uses


def test_inputs_go_in_and_outputs_come_out(firmware, monkeypatch):
    inputs = [random.Random(i).randbytes(load_manifest(DEMO_MODEL).input_bytes) for i in range(40)]
    with running(firmware, monkeypatch) as device:
        outputs = [inference.output for inference in device.infer(inputs, device.hello())]
    assert outputs == [data[: len(outputs[0])] for data in inputs]


def test_every_op_is_watched_as_it_runs(firmware, monkeypatch):
    manifest = load_manifest(DEMO_MODEL)
    data = random.Random(1).randbytes(manifest.input_bytes)
    hidden, output = bytes(~byte & 0xFF for byte in data), data[: manifest.output_bytes]
    with running(firmware, monkeypatch) as device:
        device.hello()
        for _ in range(2):  # an inference in between or not
            trace = device.trace(data)
            assert [t.size for t in trace.tensors] == [len(data), len(hidden), len(output)]
            assert [t.crc for t in trace.tensors] == [zlib.crc32(data), zlib.crc32(hidden), zlib.crc32(output)]
            assert device.fetch(1, 7, 300, data) == hidden[7:307]
            assert device.fetch(2, 0, len(output), data) == output


@pytest.mark.parametrize(
    "fake, words",
    [
        ("schema", ["schema version 4", "reads 3", "export it again"]),
        ("resolver", ["model_ops.h", "no room for op 2", "export again"]),
        ("op", ["HARD_SWISH", "built without", "export again"]),
        ("arena", [f"{ARENA_BYTES} bytes", "requested: 13520, missing: 48", "more TFLM_ARENA_BYTES"]),
        ("float", ["not the int8 tensors of model_settings.h"]),
        ("size", ["not the int8 tensors of model_settings.h"]),
        ("inputs", ["not the int8 tensors of model_settings.h"]),
        ("invoke", ["cannot compute the model", "type FLOAT32 is not supported"]),
    ],
)
def test_a_fault_reaches_the_host_in_words_and_refuses_inferences(firmware, monkeypatch, fake, words):
    with running(firmware, monkeypatch, fake) as device:
        hello = device.hello()
        device.exchange.transport.send(Frame(Infer.ID, 7, pack(Infer(bytes(load_manifest(DEMO_MODEL).input_bytes)))))
        reply = device.exchange.transport.receive(5)
    assert all(word in hello.fault for word in words), hello.fault
    assert (hello.arena_bytes, hello.self_test_vectors) == (0, 0)
    assert reply is not None and reply.type == ErrorReply.ID
    refusal = unpack(ErrorReply, reply.payload)
    assert (refusal.code, refusal.text) == (ErrorCode.ENGINE_NOT_READY, hello.fault)


def test_an_inference_that_fails_later_passes_for_no_result(firmware, monkeypatch):
    with running(firmware, monkeypatch, "second invoke") as device:
        hello = device.hello()
        with pytest.raises(DeviceError, match="type FLOAT32 is not supported"):
            list(device.infer([bytes(load_manifest(DEMO_MODEL).input_bytes)], hello))
        later = device.hello()
    assert hello.fault == "" and hello.self_test_failures == hello.self_test_vectors
    assert "an inference failed" in later.fault


def test_what_tflm_prints_arrives_as_log_lines_between_undamaged_frames(firmware, monkeypatch):
    with running(firmware, monkeypatch, "talk") as device:
        hello = device.hello()
        damaged = device.exchange.transport.chunks_dropped
        [inference] = device.infer([bytes(load_manifest(DEMO_MODEL).input_bytes)], hello)
    assert inference.output == bytes(len(inference.output))
    assert device.exchange.logs[-4:] == ["five = 5", "and a second line in one piece", "??", "0" * 160]
    assert device.exchange.transport.chunks_dropped == damaged


@pytest.mark.parametrize("shape", SHAPES)
def test_the_engine_uses_no_heap_and_nothing_that_runs_before_main(shape, tmp_path):
    for source in (FIRMWARE / "engine" / "tflm").glob("*.cc"):
        run("c++", *ENGINE_CPP, "-O2", *includes(shape), "-c", source, "-o", tmp_path / "engine.o")
        needed = run("nm", "-u", tmp_path / "engine.o")
        assert not {"malloc", "_Znwm", "_Znam", "__cxa_atexit", "__cxa_guard_acquire"} & set(needed.split())
        assert "init_array" not in run("readelf", "-S", tmp_path / "engine.o")
