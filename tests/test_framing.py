"""Both halves of the framing, Python's and the device's C, against one table of vectors and against each other."""

from __future__ import annotations

import ctypes
import struct

import pytest
from conftest import FIRMWARE, ROOT
from hypothesis import given, settings
from hypothesis import strategies as st

from host.framing import Decoder, Frame, decode, encode

# (frame, its bytes on the wire); None where they are too many to write out: runs around COBS's block of 254.
VECTORS = [
    (Frame(0x01, 0x0000, b""), "020101010579b8f89900"),
    (Frame(0x02, 0x0001, b"\x00"), "0202020101054ace20bd00"),
    (Frame(0x02, 0x1234, bytes(range(1, 250))), None),
    *[(Frame(0x82, 0xFFFF, b"\xff" * size), None) for size in range(243, 257)],
    *[(Frame(0x82, 0xFFFF, b"\xff" * size + b"\0" + b"\xff" * 300), None) for size in range(248, 256)],
    (Frame(0x82, 0xFF01, b"\x01" * 1000), None),
    (Frame(0xFF, 0x0100, b"\x00" * 300), None),
]

COMPLETE, TOO_LONG = 1, 2
CAPACITY = 2048

frames = st.builds(
    Frame,
    st.integers(0, 255),
    st.integers(0, 65535),
    st.one_of(st.binary(max_size=600), st.binary().map(lambda b: b * 40)),
)


@pytest.fixture(scope="session")
def device(compile_shared):
    core = FIRMWARE / "core"
    sources = [core / "frame_receiver.c", core / "frame_sender.c", core / "crc32.c", ROOT / "tests" / "c" / "framing.c"]
    return compile_shared("framing", sources, [core, FIRMWARE / "boards"])


def device_encode(device, frame: Frame, head: int) -> bytes:
    wire = ctypes.create_string_buffer(2 * len(frame.payload) + 64)
    size = device.send_frame(
        wire, ctypes.c_uint8(frame.type), ctypes.c_uint16(frame.sequence), frame.payload, head, len(frame.payload)
    )
    return wire.raw[:size]


def device_receive(device, stream: bytes, capacity: int = CAPACITY) -> list[tuple[int, Frame]]:
    records = ctypes.create_string_buffer(len(stream) * 2 + 64)
    size = device.receive_frames(records, stream, len(stream), capacity)
    events, position = [], 0
    while position < size:
        event, type_, sequence, length = struct.unpack_from("<BBHI", records.raw, position)
        position += 8
        events.append((event, Frame(type_, sequence, records.raw[position : position + length])))
        position += length
    return events


@pytest.mark.parametrize("frame, wire", VECTORS, ids=lambda v: "")
def test_one_table_of_vectors_pins_both_halves(device, frame, wire):
    encoded = encode(frame)
    if wire is not None:
        assert encoded.hex() == wire
    assert device_encode(device, frame, len(frame.payload) // 2) == encoded
    assert decode(encoded[:-1]) == frame
    assert device_receive(device, encoded) == [(COMPLETE, frame)]


@settings(max_examples=300, deadline=None)
@given(frame=frames, data=st.data())
def test_device_and_host_encode_alike_and_read_each_other(device, frame, data):
    head = data.draw(st.integers(0, len(frame.payload)))
    wire = device_encode(device, frame, head)
    assert wire == encode(frame)
    assert wire.count(0) == 1 and wire[-1] == 0
    assert Decoder().push(wire) == [frame]
    assert device_receive(device, wire, len(frame.payload) + 8) == [(COMPLETE, frame)]


@settings(max_examples=300, deadline=None)
@given(
    stream=st.lists(st.one_of(frames.map(encode), st.binary(max_size=40), st.just(b"\0"))).map(b"".join), data=st.data()
)
def test_device_and_host_find_the_same_frames_in_any_stream(device, stream, data):
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=5)))
    decoder = Decoder()
    found = []
    for begin, end in zip([0, *cuts], [*cuts, len(stream)], strict=True):
        found += decoder.push(stream[begin:end])
    assert device_receive(device, stream, len(stream) + 16) == [(COMPLETE, frame) for frame in found]


@settings(max_examples=300, deadline=None)
@given(frame=frames, data=st.data())
def test_one_damaged_byte_never_passes_as_a_frame(device, frame, data):
    wire = bytearray(encode(frame))
    position = data.draw(st.integers(0, len(wire) - 2))
    wire[position] ^= data.draw(st.integers(1, 255))
    assert Decoder().push(bytes(wire)) == []
    assert device_receive(device, bytes(wire)) == []


@settings(max_examples=100, deadline=None)
@given(frame=frames, noise=st.binary(max_size=100))
def test_a_frame_behind_noise_and_a_zero_arrives(device, frame, noise):
    stream = noise + b"\0" + encode(frame)
    assert Decoder().push(stream)[-1] == frame
    assert device_receive(device, stream, 1 << 16)[-1] == (COMPLETE, frame)


@given(payload=st.binary(min_size=9, max_size=300))
def test_a_frame_longer_than_the_receiver_is_named_and_kept_out(device, payload):
    [(event, seen)] = device_receive(device, encode(Frame(2, 7, payload)), len(payload) + 7)
    assert (event, seen.type, seen.sequence) == (TOO_LONG, 2, 7)


def test_an_endless_chunk_costs_the_host_bounded_memory():
    decoder = Decoder(limit=1000)
    for _ in range(100):
        assert decoder.push(b"x" * 500) == []
        assert len(decoder._pending) <= 1000
    assert decoder.push(b"\0" + encode(Frame(1, 2, b"after"))) == [Frame(1, 2, b"after")]
    assert decoder.dropped == 1
