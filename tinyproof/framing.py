"""Frames: where a message starts and ends on a byte stream, whether it arrived whole, and which request it belongs to.

frame = COBS(type u8, low byte of the sequence number u8, payload, check u32) 0x00

COBS leaves no zero byte inside, so a receiver that joined late, or got garbage, is in step again at the next zero byte.
The check is the CRC-32 (ISO-HDLC, the one of zlib) of everything before it, XOR a key that both sides know: 0 for
sequence number 0, which belongs to no session, else the session's number plus the upper byte of the sequence number,
modulo 2^32. A frame whose check does not match is dropped; asking again is the sender's business. So a frame that is
damaged, or of another session, passes once in 2^32, and an undamaged one of this session whose number is another never.
The device's half of this file is declared in firmware/core/frame.h; tests hold both to one table of vectors.
"""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass

from cobs import cobs

HEADER = struct.Struct("<BB")
CHECK = struct.Struct("<I")
OVERHEAD_BYTES = HEADER.size + CHECK.size
SEQUENCES = 1 << 16
NUMBERS_IN_SIGHT = 128  # how far from the newest number of its session a frame's number may lie


@dataclass(frozen=True)
class Frame:
    """One message as it travels: its type id, sequence number and payload."""

    type: int
    sequence: int
    payload: bytes


@dataclass
class Session:
    """What both sides know without sending it: the session's number, and the highest sequence number used in it."""

    number: int = 0  # 0: none yet, and no numbered frame passes
    newest: int = 0

    def used(self, sequence: int) -> None:
        """A frame under this sequence number was sent or received."""
        self.newest = max(self.newest, sequence)

    def nearest(self, low: int) -> int:
        """The number with this low byte that is nearest to the newest; may be no number at all."""
        return self.newest + (low - self.newest + NUMBERS_IN_SIGHT) % 256 - NUMBERS_IN_SIGHT


def key(session: int, sequence: int) -> int:
    """What the check of a frame is XORed with."""
    return (session + (sequence >> 8)) & 0xFFFFFFFF if sequence else 0


def encode(frame: Frame, session: int = 0) -> bytes:
    """The bytes of a frame on the wire, with its closing zero."""
    body = HEADER.pack(frame.type, frame.sequence & 0xFF) + frame.payload
    check = zlib.crc32(body) ^ key(session, frame.sequence)
    return bytes(cobs.encode(body + CHECK.pack(check))) + b"\0"


def wire_bytes_limit(payload_bytes: int) -> int:
    """The most bytes that a frame with so much payload takes on the wire."""
    body = OVERHEAD_BYTES + payload_bytes
    return body + body // 254 + 2


class Decoder:
    """Cuts a byte stream into frames; holds at most `limit` bytes of an unfinished one."""

    def __init__(self, limit: int = 1 << 20) -> None:
        self.limit = limit
        self.dropped = 0  # chunks that were no frame: noise, boot text, damaged frames, frames of other sessions
        self.session = Session()  # replaced as a whole where a new one begins, so that a thread may do it
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
        frame = None if overflowed else self._decode(chunk)
        self.dropped += frame is None
        return frame

    def _decode(self, chunk: bytes) -> Frame | None:
        """The frame in the bytes between two zeros, or None if they are not a whole, undamaged frame."""
        try:
            body = bytes(cobs.decode(chunk))
        except cobs.DecodeError:
            return None
        if len(body) < OVERHEAD_BYTES:
            return None
        type_, low = HEADER.unpack_from(body)
        found_key = zlib.crc32(body[: -CHECK.size]) ^ CHECK.unpack_from(body, len(body) - CHECK.size)[0]
        if low == 0 and found_key == 0:
            return Frame(type_, 0, body[HEADER.size : -CHECK.size])
        session = self.session
        sequence = session.nearest(low)
        if not session.number or not 0 < sequence < SEQUENCES or found_key != key(session.number, sequence):
            return None
        session.used(sequence)
        return Frame(type_, sequence, body[HEADER.size : -CHECK.size])
