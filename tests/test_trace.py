"""Looking into an inference: every board tells of the tensors that its engine computes, and sends their bytes."""

from __future__ import annotations

import zlib

import pytest
from devices import running

from tinyproof.cores import PORTABLE as CORE
from tinyproof.export.golden import Golden
from tinyproof.export.lower import lower
from tinyproof.export.tflite_reader import load_graph
from tinyproof.host.device import DeviceError
from tinyproof.host.samples import load_samples
from tinyproof.manifest import TFLITE_FILE, load_manifest

COMPILED = ["host-checked", "qemu", "qemu-uart", "stm32f405", "qemu-riscv32", "qemu-xtensa"]


@pytest.fixture
def data(model) -> bytes:
    """One test image as the device's input."""
    return load_samples(model, load_manifest(model), 1).inputs[0].tobytes()


@pytest.mark.parametrize("board_name", COMPILED)
def test_the_input_and_every_tensor_that_a_step_computes_are_the_goldens(model, data, board_name):
    golden = Golden((model / TFLITE_FILE).read_bytes(), keep_tensors=True)
    golden.run_bytes(data)
    parts = lower(load_graph(model / TFLITE_FILE)).reduced  # of which the engine leaves something out
    tensors = [step.tensor for step in load_manifest(model).compiled_for(CORE).steps]
    expected = [data, *(parts.rest_of(index, golden.tensor(index)).tobytes() for index in tensors)]
    with running(model, board_name) as device:
        device.hello()
        trace = device.trace(data)
        fetched = [device.fetch(i, 0, len(tensor), data) for i, tensor in enumerate(expected)]
    assert [(t.size, t.crc) for t in trace.tensors] == [(len(tensor), zlib.crc32(tensor)) for tensor in expected]
    assert fetched == expected
    assert all(tensor.ticks > 0 for tensor in trace.tensors[1:])


def test_the_interpreter_tells_of_every_op(model, data):
    manifest = load_manifest(model)
    with running(model, "interpreter") as device:
        device.hello()
        trace = device.trace(data)
        last = device.fetch(len(trace.tensors) - 1, 0, manifest.output_bytes, data)
        [inference] = device.infer([data], device.hello())
    assert len(trace.tensors) == 1 + len(manifest.ops)
    assert last == inference.output


@pytest.mark.parametrize("board_name", ["host-checked", "interpreter"])
def test_bytes_that_no_tensor_has_are_refused_and_nothing_changes(model, data, board_name):
    with running(model, board_name) as device:
        device.hello()
        sizes = [tensor.size for tensor in device.trace(data).tensors]
        last = len(sizes) - 1
        for tensor, start, size in [
            (len(sizes), 0, 1),
            (65535, 0, 1),
            (last, 0, sizes[last] + 1),
            (last, sizes[last] + 1, 1),
            (last, 2**32 - 1, 2),
        ]:
            with pytest.raises(DeviceError, match="no such tensor, or a shorter one"):
                device.fetch(tensor, start, size, data)
        assert [tensor.size for tensor in device.trace(data).tensors] == sizes
        assert device.exchange.transport.chunks_dropped == 0


@pytest.mark.parametrize("board_name", ["host-checked", "interpreter"])
def test_any_part_of_a_tensor_can_be_fetched(model, data, board_name):
    with running(model, board_name) as device:
        device.hello()
        size = device.trace(data).tensors[0].size
        whole = device.fetch(0, 0, size, data)
        for start, count in [(0, 1), (1, 7), (size - 1, 1), (0, size), (5, 0), (size // 2, size - size // 2)]:
            assert device.fetch(0, start, count, data) == whole[start : start + count]


def test_watching_costs_next_to_nothing_while_nobody_watches(model, data):
    with running(model, "qemu") as device:
        hello = device.hello()
        [inference] = device.infer([data], hello)
        trace = device.trace(data)
    assert abs(inference.ticks - sum(tensor.ticks for tensor in trace.tensors)) < inference.ticks / 500


def test_a_trace_leaves_the_stack_room(model, data):
    with running(model, "qemu") as device:
        device.hello()
        device.trace(data)
        hello = device.hello()
    assert 0 < hello.stack_used_bytes < hello.stack_bytes // 2
