"""Frames: where a message starts and ends on a byte stream, and whether it arrived whole.

frame = COBS(type u8, reserved u8 = 0, sequence u16, payload, CRC-32 u32) 0x00

COBS leaves no zero byte inside, so a receiver that joined late, or got garbage, is in step again at the next zero byte.
A frame whose CRC-32 (ISO-HDLC, the one of zlib) does not match is dropped; asking again is the sender's business.
The device's half of this file is declared in firmware/core/frame.h; tests hold both to one table of vectors.
"""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass

from cobs import cobs

HEADER = struct.Struct("<BBH")
CRC = struct.Struct("<I")
OVERHEAD_BYTES = HEADER.size + CRC.size


@dataclass(frozen=True)
class Frame:
    """One message as it travels: its type id, sequence number and payload."""

    type: int
    sequence: int
    payload: bytes


def encode(frame: Frame) -> bytes:
    """The bytes of a frame on the wire, with its closing zero."""
    body = HEADER.pack(frame.type, 0, frame.sequence) + frame.payload
    return bytes(cobs.encode(body + CRC.pack(zlib.crc32(body)))) + b"\0"


def decode(chunk: bytes) -> Frame | None:
    """The frame in the bytes between two zeros, or None if they are not a whole, undamaged frame."""
    try:
        body = bytes(cobs.decode(chunk))
    except cobs.DecodeError:
        return None
    if len(body) < OVERHEAD_BYTES or zlib.crc32(body[: -CRC.size]) != CRC.unpack_from(body, len(body) - CRC.size)[0]:
        return None
    type_, reserved, sequence = HEADER.unpack_from(body)
    if reserved:
        return None
    return Frame(type_, sequence, body[HEADER.size : -CRC.size])


class Decoder:
    """Cuts a byte stream into frames; holds at most `limit` bytes of an unfinished one."""

    def __init__(self, limit: int = 1 << 20) -> None:
        self.limit = limit
        self.dropped = 0  # chunks that were no frame: noise, boot text, damaged frames
        self._pending = bytearray()
        self._overflowed = False

    def push(self, data: bytes) -> list[Frame]:
        """The frames completed by `data`, in order."""
        frames = []
        *complete, rest = data.split(b"\0")
        for piece in complete:
            self._keep(piece)
            if frame := self._finish():
                frames.append(frame)
        self._keep(rest)
        return frames

    def _keep(self, piece: bytes) -> None:
        if len(self._pending) + len(piece) > self.limit:
            self._overflowed = True
            self._pending.clear()
        elif not self._overflowed:
            self._pending += piece

    def _finish(self) -> Frame | None:
        chunk, overflowed = bytes(self._pending), self._overflowed
        self._pending.clear()
        self._overflowed = False
        if not chunk and not overflowed:
            return None  # two zeros in a row are idle line, not damage
        frame = None if overflowed else decode(chunk)
        self.dropped += frame is None
        return frame
