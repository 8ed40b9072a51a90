"""Emulated boards behind a port: a pseudo-terminal, and a TCP port where there are none."""

from __future__ import annotations

import pytest

from tinyproof.boards import find_board
from tinyproof.firmware.build import build, image_path
from tinyproof.host.device import Device
from tinyproof.host.emulators import emulator
from tinyproof.host.transport import Transport


@pytest.fixture
def firmware(model):
    board = find_board("host")
    build(model, board)
    return [str(image_path(model, board))]


@pytest.mark.parametrize("terminal, scheme", [(True, "/dev/"), (False, "socket://127.0.0.1:")])
def test_a_device_answers_client_after_client_and_ends_with_its_line(firmware, terminal, scheme):
    with emulator(firmware, terminal) as process:
        assert process.port.startswith(scheme)
        for _ in range(3):
            with Transport(process.port) as transport:
                device = Device(transport)
                hello = device.hello()
                inputs = [bytes([n] * 784) for n in range(40)]
                outputs = [inference.output for inference in device.infer(inputs, hello)]
                assert len(outputs) == 40 and len(set(outputs)) > 1
        assert process.running
    assert process.process.returncode == 0


def test_a_process_that_ends_closes_the_tcp_line():
    with emulator(["true"], terminal=False) as process:
        process.process.wait(10)
        assert not process.running and "status 0" in process.last_words()
