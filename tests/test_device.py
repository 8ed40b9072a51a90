"""The firmware itself, as the host meets it: a real process behind a real line, sanitizers on, no mock anywhere."""

from __future__ import annotations

import random
import re

import pytest
from conftest import become_another_model
from devices import running
from planting import expect_constants, model_c

from tinyproof.boards import BOARDS
from tinyproof.firmware.build import build
from tinyproof.framing import Frame
from tinyproof.host.connection import start
from tinyproof.host.device import Device, DeviceError, DeviceSilent, Patience
from tinyproof.host.samples import load_samples
from tinyproof.host.transport import LineLost, Transport
from tinyproof.host.validate import Plan, validate
from tinyproof.manifest import load_manifest
from tinyproof.payload import pack, unpack
from tinyproof.protocol import ErrorCode, ErrorReply, Hello, HelloReply, Infer, InferReply

ELSEWHERE = ("host", "unicorn")  # host-checked is the former, test_unicorn.py has the latter
FIRMWARE_BOARDS = [name for name, board in BOARDS.items() if board.sources and board.run and name not in ELSEWHERE]


@pytest.fixture(params=["host-checked", "interpreter"])
def device(request, model):
    """A device that has said hello; the transport is open."""
    with running(model, request.param) as device:
        device.hello()
        yield device


def ask(device: Device, frame: Frame) -> Frame:
    device.exchange.transport.send(frame)
    # Answers to hellos that were repeated while the device started may come first.
    while (reply := device.exchange.transport.receive(5)) and reply.type == HelloReply.ID:
        pass
    assert reply is not None
    return reply


def error_code(frame: Frame) -> int:
    assert frame.type == ErrorReply.ID
    return unpack(ErrorReply, frame.payload).code


@pytest.mark.parametrize(
    "board_name, limit",
    [
        ("host-checked", None),
        ("qemu", None),
        ("interpreter", None),
        *[(board, 40) for board in ("qemu-uart", "qemu-riscv32", "qemu-xtensa")],
    ],
)
def test_every_output_byte_of_the_test_split_is_the_goldens(model, board_name, limit):
    board = BOARDS[board_name]
    if board.sources:
        build(model, board)
    report = validate(Plan(model, board, limit=limit))
    assert report.reference.golden_is_bit_exact
    assert (report.bytes_different, report.verdict, report.exit_status) == (0, "equal", 0)
    assert report.bytes_compared == report.samples * 10
    assert report.samples == (limit or len(load_samples(model, load_manifest(model)).inputs))
    assert report.accuracy.int8_device == pytest.approx(report.accuracy.int8_host, abs=0.01)
    assert report.self_test.failures == 0
    assert (report.cost.instructions is not None) == bool(board.emulator)


@pytest.mark.parametrize("board_name", FIRMWARE_BOARDS)
def test_hello_tells_what_the_export_wrote(model, board_name):
    manifest = load_manifest(model)
    compiled = manifest.compiled_for(BOARDS[board_name].core)
    with running(model, board_name) as device:
        hello = device.hello()
    assert hello.model_sha256.hex() == manifest.model_sha256
    assert hello.segments_sha256.hex() == compiled.constants_sha256
    assert (hello.board, hello.engine, hello.fault) == (board_name, "compiled", "")
    assert hello.self_test_vectors > 0 and hello.self_test_failures == 0
    assert [t.shape for t in hello.inputs] == [tuple(t.shape) for t in manifest.inputs]
    assert [(t.scale, t.zero_point) for t in hello.outputs] == [(t.scale, t.zero_point) for t in manifest.outputs]
    assert hello.arena_bytes == compiled.arena_bytes


def test_the_stack_has_room_left(model):
    with running(model, "qemu") as device:
        hello = device.hello()
    assert 0 < hello.stack_used_bytes < hello.stack_bytes // 2


def test_instruction_counts_are_exactly_repeatable(model):
    inputs = [row.tobytes() for row in load_samples(model, load_manifest(model), 20).inputs]

    def ticks():
        with running(model, "qemu") as device:
            return [inference.ticks for inference in device.infer(inputs, device.hello())]

    first, second = ticks(), ticks()
    # The timer's step is 0.625 instructions, so where in a step a run starts may show in the last digit.
    assert all(abs(a - b) <= 1 for a, b in zip(first, second, strict=True))


def test_unknown_message_gets_error_and_changes_nothing(device):
    assert error_code(ask(device, Frame(0x7E, 5, b"?"))) == ErrorCode.UNKNOWN_MESSAGE
    assert device.hello().model_sha256


@pytest.mark.parametrize("size", [0, 1, 783])
def test_input_of_wrong_length_gets_error_and_changes_nothing(device, size):
    assert error_code(ask(device, Frame(Infer.ID, 9, bytes(size)))) == ErrorCode.WRONG_LENGTH
    assert device.hello().model_sha256


@pytest.mark.parametrize("size", [793, 5000])
def test_oversized_frame_gets_error_and_changes_nothing(model, size):
    with running(model, "host-checked") as device:
        device.hello()
        assert error_code(ask(device, Frame(Infer.ID, 9, bytes(size)))) == ErrorCode.FRAME_TOO_LONG
        assert device.hello().model_sha256


def test_a_repeated_request_is_answered_again_without_running_twice(device):
    request = Frame(Infer.ID, 77, bytes(784))
    first, second = ask(device, request), ask(device, request)
    assert unpack(InferReply, first.payload).ticks > 0
    assert first == second  # equal ticks: on a clock of nanoseconds that does not happen by running again


def test_in_a_new_session_the_same_number_means_a_new_request(device):
    first = unpack(InferReply, ask(device, Frame(Infer.ID, 77, bytes(784))).payload)
    device.hello()
    other = unpack(InferReply, ask(device, Frame(Infer.ID, 77, bytes([127] * 784))).payload)
    assert other.ticks != first.ticks


def test_random_bytes_never_stop_the_device(device):
    generator = random.Random(1)
    hello = Frame(Hello.ID, 0, pack(Hello(device.exchange.transport.session.number)))
    for _ in range(100):
        noise = generator.randbytes(generator.randrange(3000))
        device.exchange.transport._port.write(noise + b"\0")
        device.exchange.transport.send(hello)
        while (reply := device.exchange.transport.receive(5)) and reply.type != HelloReply.ID:
            pass
        assert reply is not None


class LossyTransport(Transport):
    """Loses every third reply, once."""

    lost = 0
    seen = 0

    def receive(self, timeout_s):
        frame = super().receive(timeout_s)
        if frame is not None and frame.type == InferReply.ID:
            self.seen += 1
            if self.seen % 3 == 0 and self.lost < 5:
                self.lost += 1
                return None if timeout_s == 0 else self.receive(timeout_s)
        return frame


def test_lost_replies_are_fetched_again_and_every_sample_comes_once_in_order(model):
    inputs = [row.tobytes() for row in load_samples(model, load_manifest(model), 40).inputs]
    build(model, BOARDS["host-checked"])
    with start(model, BOARDS["host-checked"]) as process, LossyTransport(process.port) as transport:
        device = Device(transport, Patience(answer_s=0.3))
        hello = device.hello()
        results = list(device.infer(inputs, hello))
    assert transport.lost == 5 and device.exchange.resent >= 5
    assert [r.index for r in results] == list(range(40))
    with running(model, "host-checked") as clean:
        assert [r.output for r in clean.infer(inputs, clean.hello())] == [r.output for r in results]


def test_a_device_that_stops_answering_is_an_error(model):
    quick = Patience(answer_s=0.05, silence_s=0.3)
    build(model, BOARDS["host-checked"])
    with start(model, BOARDS["host-checked"]) as process, Transport(process.port) as transport:
        device = Device(transport, quick)
        hello = device.hello()
        process.process.send_signal(19)  # SIGSTOP
        with pytest.raises(DeviceSilent, match="without an answer"):
            list(device.infer([bytes(784)], hello))
        process.process.send_signal(18)  # SIGCONT


def test_a_device_that_ends_during_the_run_is_an_error(model):
    build(model, BOARDS["host-checked"])
    inputs = [row.tobytes() for row in load_samples(model, load_manifest(model)).inputs]
    with start(model, BOARDS["host-checked"]) as process, Transport(process.port) as transport:
        device = Device(transport)
        hello = device.hello()
        with pytest.raises(LineLost, match="went away"):
            for inference in device.infer(inputs, hello):
                if inference.index == 5:
                    process.process.kill()


def edit_weights(model):
    """Change a few weights of the last layer in the generated C, as bad flash cells would."""
    source = model_c(model)
    head, name, table = re.split(r"(dense_6_weights\[)", source.read_text(), maxsplit=1)
    changed = re.sub(r"(?<=[\s{])-?\d+(?=,)", lambda number: str(-int(number[0]) // 2 + 30), table, count=16)
    assert changed != table
    source.write_text(head + name + changed)


def test_constants_that_changed_in_flash_are_refused(model):
    edit_weights(model)
    build(model, BOARDS["host-checked"])
    with pytest.raises(DeviceError, match="constants in the device's flash"):
        validate(Plan(model, BOARDS["host-checked"]))


def test_a_wrong_weight_that_passes_for_right_makes_the_verdict_different(model):
    edit_weights(model)
    build(model, BOARDS["host-checked"])
    with running(model, "host-checked") as device:
        hello = device.hello()
    assert hello.self_test_failures > 0
    expect_constants(model, hello.segments_sha256.hex())
    report = validate(Plan(model, BOARDS["host-checked"]))
    assert (report.verdict, report.exit_status) == ("different", 1)
    assert report.bytes_different > 0 and report.differences
    assert report.differences[0].golden != report.differences[0].device


def test_firmware_with_another_model_is_refused(model):
    build(model, BOARDS["host-checked"])
    become_another_model(model)
    with pytest.raises(DeviceError, match="runs model"):
        validate(Plan(model, BOARDS["host-checked"]))
