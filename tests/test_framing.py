"""Both halves of the framing, Python's and the device's C, against one table of vectors and against each other."""

from __future__ import annotations

import ctypes
import struct

import pytest
from conftest import FIRMWARE, ROOT
from hypothesis import given, settings
from hypothesis import strategies as st

from tinyproof.framing import NUMBERS_IN_SIGHT, OVERHEAD_BYTES, Decoder, Frame, Session, encode, wire_bytes_limit

SESSION = 0x9ABCDEF0

# (session, frame, its bytes on the wire); None where they are too many to write out: runs around COBS's block of 254.
VECTORS = [
    (0, Frame(0x01, 0x0000, b""), "020105be23c25800"),
    (SESSION, Frame(0x01, 0x0000, b""), "020105be23c25800"),
    (SESSION, Frame(0x02, 0x0001, b"\x00"), "03020105cde2627f00"),
    (SESSION, Frame(0x02, 0x007F, bytes(range(1, 250))), None),
    *[(SESSION, Frame(0x82, 0x007F, b"\xff" * size), None) for size in range(243, 257)],
    *[(SESSION, Frame(0x82, 0x0010, b"\xff" * size + b"\0" + b"\xff" * 300), None) for size in range(248, 256)],
    (SESSION, Frame(0x82, 0x0001, b"\x01" * 1000), None),
    (SESSION, Frame(0xFF, 0x0064, b"\x00" * 300), None),
]

COMPLETE, TOO_LONG = 1, 2
CAPACITY = 2048

frames = st.builds(
    Frame,
    st.integers(0, 255),
    st.integers(0, NUMBERS_IN_SIGHT - 1),  # so that they pass in any order
    st.one_of(st.binary(max_size=600), st.binary().map(lambda b: b * 40)),
)


@pytest.fixture(scope="session")
def device(compile_shared):
    core = FIRMWARE / "core"
    sources = [core / "frame_receiver.c", core / "frame_sender.c", core / "crc32.c", ROOT / "tests" / "c" / "framing.c"]
    library = compile_shared("framing", sources, [core, FIRMWARE / "boards"])
    size, text = ctypes.c_size_t, ctypes.c_char_p
    library.send_frame.argtypes = (text, ctypes.c_uint32, ctypes.c_uint8, ctypes.c_uint16, text, size, size)
    library.receive_frames.argtypes = (text, text, size, size, ctypes.c_uint32)
    library.send_frame.restype = library.receive_frames.restype = size
    return library


def host_encode(frame: Frame) -> bytes:
    return encode(frame, SESSION)


def host_receive(*pieces: bytes) -> list[Frame]:
    decoder = Decoder()
    decoder.session = Session(SESSION)
    return [frame for piece in pieces for frame in decoder.push(piece)]


def device_encode(device, frame: Frame, head: int) -> bytes:
    wire = ctypes.create_string_buffer(2 * len(frame.payload) + 64)
    payload = frame.payload
    size = device.send_frame(wire, SESSION, frame.type, frame.sequence, payload, head, len(payload))
    return wire.raw[:size]


def device_receive(device, stream: bytes, capacity: int = CAPACITY) -> list[tuple[int, Frame]]:
    records = ctypes.create_string_buffer(len(stream) * 2 + 64)
    size = device.receive_frames(records, stream, len(stream), capacity, SESSION)
    events, position = [], 0
    while position < size:
        event, type_, sequence, length = struct.unpack_from("<BBHI", records.raw, position)
        position += 8
        events.append((event, Frame(type_, sequence, records.raw[position : position + length])))
        position += length
    return events


@pytest.mark.parametrize("session, frame, wire", VECTORS, ids=lambda v: "")
def test_one_table_of_vectors_pins_both_halves(device, session, frame, wire):
    encoded = encode(frame, session)
    if wire is not None:
        assert encoded.hex() == wire
    assert device_encode(device, frame, len(frame.payload) // 2) == encoded
    assert len(encoded) <= wire_bytes_limit(len(frame.payload))
    assert host_receive(encoded) == [frame]
    assert device_receive(device, encoded) == [(COMPLETE, frame)]


@settings(max_examples=300, deadline=None)
@given(frame=frames, data=st.data())
def test_device_and_host_encode_alike_and_read_each_other(device, frame, data):
    head = data.draw(st.integers(0, len(frame.payload)))
    wire = device_encode(device, frame, head)
    assert wire == host_encode(frame)
    assert wire.count(0) == 1 and wire[-1] == 0
    assert host_receive(wire) == [frame]
    assert device_receive(device, wire, len(frame.payload) + OVERHEAD_BYTES) == [(COMPLETE, frame)]


@settings(max_examples=300, deadline=None)
@given(
    stream=st.lists(st.one_of(frames.map(host_encode), st.binary(max_size=40), st.just(b"\0"))).map(b"".join),
    data=st.data(),
)
def test_device_and_host_find_the_same_frames_in_any_stream(device, stream, data):
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=5)))
    found = host_receive(*(stream[begin:end] for begin, end in zip([0, *cuts], [*cuts, len(stream)], strict=True)))
    assert device_receive(device, stream, len(stream) + 16) == [(COMPLETE, frame) for frame in found]


@settings(max_examples=300, deadline=None)
@given(frame=frames, data=st.data())
def test_one_damaged_byte_never_passes_as_a_frame(device, frame, data):
    wire = bytearray(host_encode(frame))
    position = data.draw(st.integers(0, len(wire) - 2))
    wire[position] ^= data.draw(st.integers(1, 255))
    assert host_receive(bytes(wire)) == []
    assert device_receive(device, bytes(wire)) == []


@settings(max_examples=100, deadline=None)
@given(frame=frames, noise=st.binary(max_size=100))
def test_a_frame_behind_noise_and_a_zero_arrives(device, frame, noise):
    stream = noise + b"\0" + host_encode(frame)
    assert host_receive(stream)[-1] == frame
    assert device_receive(device, stream, 1 << 16)[-1] == (COMPLETE, frame)


@given(payload=st.binary(min_size=9, max_size=300))
def test_a_frame_longer_than_the_receiver_is_named_and_kept_out(device, payload):
    [(event, seen)] = device_receive(device, host_encode(Frame(2, 7, payload)), len(payload) + OVERHEAD_BYTES - 1)
    assert (event, seen.type, seen.sequence) == (TOO_LONG, 2, 7)


NUMBERS = [1, 100, 200, 255, 256, 300, 420, 300, 512, 639, 520]


def test_numbers_that_grow_and_repeat_are_told_apart_by_their_low_byte(device):
    sent = [Frame(2, number, b"x") for number in NUMBERS]
    stream = b"".join(map(host_encode, sent))
    assert host_receive(stream) == sent
    assert device_receive(device, stream) == [(COMPLETE, frame) for frame in sent]


@settings(max_examples=300, deadline=None)
@given(
    newest=st.integers(1, 65535),
    number=st.integers(1, 65535),
    session=st.sampled_from([SESSION, SESSION + (1 << 31), 1]),
)
def test_an_undamaged_frame_of_another_session_or_of_an_old_number_never_passes(device, newest, number, session):
    walk = [*range(100, newest, 100), newest]
    stream = b"".join(host_encode(Frame(2, step, b"")) for step in walk)
    stale = Frame(2, number, b"stale")
    passes = session == SESSION and -NUMBERS_IN_SIGHT <= number - newest < NUMBERS_IN_SIGHT
    seen = host_receive(stream + encode(stale, session))[len(walk) :]
    assert seen == ([stale] if passes else [])
    assert device_receive(device, stream + encode(stale, session))[len(walk) :] == [(COMPLETE, frame) for frame in seen]


def test_before_a_session_only_number_zero_passes(device):
    stream = encode(Frame(1, 0, b""), 5) + encode(Frame(2, 1, b""), 5)
    assert Decoder().push(stream) == [Frame(1, 0, b"")]


def test_an_endless_chunk_costs_the_host_bounded_memory():
    decoder = Decoder(limit=1000)
    for _ in range(100):
        assert decoder.push(b"x" * 500) == []
        assert len(decoder._pending) <= 1000
    assert decoder.push(b"\0" + encode(Frame(1, 0, b"after"))) == [Frame(1, 0, b"after")]
    assert decoder.dropped == 1
