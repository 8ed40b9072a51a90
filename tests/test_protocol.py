"""The declarations of the protocol, and what is generated from them."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tinyproof.payload import ProtocolError, pack, unpack
from tinyproof.protocol import (
    MESSAGE_BY_ID,
    MESSAGES,
    SHA256_BYTES,
    TENSOR_COUNT_LIMIT,
    TENSOR_RANK_LIMIT,
    Infer,
    InferReply,
    TensorSpec,
    TensorTrace,
    wire_fields,
)
from tinyproof.protocol_docs import PAGE, protocol_page

tensor_specs = st.builds(
    TensorSpec,
    st.lists(st.integers(0, 65535), max_size=TENSOR_RANK_LIMIT).map(tuple),
    st.floats(width=32, allow_nan=False),
    st.integers(-128, 127),
)
VALUES = {
    "u8": st.integers(0, 2**8 - 1),
    "u16": st.integers(0, 2**16 - 1),
    "u32": st.integers(0, 2**32 - 1),
    "sha256": st.binary(min_size=SHA256_BYTES, max_size=SHA256_BYTES),
    "text": st.text(st.characters(codec="ascii"), max_size=200),
    "tensors": st.lists(tensor_specs, max_size=TENSOR_COUNT_LIMIT).map(tuple),
    "rest": st.binary(max_size=2000),
    "traces": st.lists(st.builds(TensorTrace, *[st.integers(0, 2**32 - 1)] * 3), max_size=40).map(tuple),
}


@pytest.mark.parametrize("message", MESSAGES, ids=lambda m: m.__name__)
@settings(deadline=None)
@given(data=st.data())
def test_every_message_survives_the_wire(message, data):
    value = message(**{name: data.draw(VALUES[kind]) for name, kind, _ in wire_fields(message)})
    assert unpack(message, pack(value)) == value


@given(type_=st.sampled_from(sorted(MESSAGE_BY_ID)), payload=st.binary(max_size=400))
def test_a_hostile_payload_is_a_message_or_a_protocol_error(type_, payload):
    with contextlib.suppress(ProtocolError):
        unpack(MESSAGE_BY_ID[type_], payload)


@pytest.mark.parametrize("payload", [b"", b"\0\0\0"])
def test_a_short_payload_is_an_error(payload):
    with pytest.raises(ProtocolError):
        unpack(InferReply, payload)


def test_bytes_on_the_wire_are_little_endian_and_raw():
    assert pack(InferReply(0x01020304, b"\x80\x7f")) == bytes([4, 3, 2, 1, 0x80, 0x7F])
    assert pack(Infer(b"\x80\x00")) == b"\x80\x00"


def test_ids_are_unique():
    assert len(MESSAGE_BY_ID) == len(MESSAGES)


def test_the_protocol_page_is_up_to_date():
    assert PAGE.read_text() == protocol_page(), "run `make docs`"
