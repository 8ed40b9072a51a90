"""The records of a journal file: COBS(kind u8, payload, CRC-32 u32) 0x00, one after the other.

Kinds: what is being run (KEY), who answers (DEVICE), one answer (ANSWER). COBS leaves no zero byte inside, so a torn or
damaged record is found by its CRC and dropped, its sample runs again, and nothing after it is lost.
"""

from __future__ import annotations

import hashlib
import json
import struct
import zlib
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

from cobs import cobs

from tinyproof import advice
from tinyproof.console import UserError

KEY, DEVICE, ANSWER = 1, 2, 3
ANSWER_HEAD = struct.Struct("<IBI")  # sample, number of the identity, ticks; then the output bytes
NOT_TIMED = 2**32 - 1  # as ticks
CRC = struct.Struct("<I")
IDENTITY_LIMIT = 256


class JournalError(UserError):
    """The journal does not hold what it must."""


@dataclass(frozen=True)
class Key:
    """What is being run. Journals with different keys have nothing to do with each other."""

    model_sha256: str
    samples_sha256: str
    samples: int
    output_bytes: int


@dataclass(frozen=True)
class Identity:
    """What decides a device's answers, as far as it can be known: devices of one identity ought to answer alike.

    `constants_sha256` is what the device computed over the model in its flash, `firmware_sha256` that of the image
    where it was started on this machine, else empty. Its counter gives ticks * numerator / denominator of a unit.
    """

    board: str
    engine: str
    constants_sha256: str
    firmware_sha256: str
    counter_unit: str
    counter_numerator: int
    counter_denominator: int

    def __str__(self) -> str:
        return f"{self.board}, {self.engine}, constants {self.constants_sha256[:12]}" + (
            f", firmware {self.firmware_sha256[:12]}" if self.firmware_sha256 else ""
        )

    @property
    def sha256(self) -> str:
        """Over all of it."""
        return hashlib.sha256(json.dumps(asdict(self)).encode()).hexdigest()


@dataclass(frozen=True)
class Answer:
    """One sample, the number of the identity that answered, what it took, and the output tensors' bytes.

    `ticks` is None where the device may have been disturbed while it measured.
    """

    sample: int
    device: int
    ticks: int | None
    output: bytes


@dataclass(frozen=True)
class Contents:
    """What a journal holds: no key when its beginning is damaged; `damaged` counts records that were dropped."""

    key: Key | None
    identities: dict[int, Identity]
    answers: list[Answer]
    damaged: int


def pack_record(kind: int, payload: bytes) -> bytes:
    """The bytes of a record in the file."""
    body = bytes([kind]) + payload
    return bytes(cobs.encode(body + CRC.pack(zlib.crc32(body)))) + b"\0"


def unpack_record(chunk: bytes) -> tuple[int, bytes] | None:
    """Kind and payload of what lies between two zeros, or None if it is not a whole, undamaged record."""
    try:
        record = bytes(cobs.decode(chunk))
    except cobs.DecodeError:
        return None
    body, crc = record[: -CRC.size], record[-CRC.size :]
    return (body[0], body[1:]) if body and CRC.pack(zlib.crc32(body)) == crc else None


def read_journal(path: Path) -> Contents:
    """All undamaged records of a journal. Raises JournalError for one of another version, OSError if there is none."""
    chunks = [chunk for chunk in path.read_bytes().split(b"\0") if chunk]
    records = [record for record in map(unpack_record, chunks) if record]
    key: Key | None = None
    identities: dict[int, Identity] = {}
    answers: list[Answer] = []
    orphans = 0  # answers whose DEVICE record is damaged
    try:
        for kind, payload in records:
            if kind == KEY:
                key = Key(**json.loads(payload))
            elif kind == DEVICE:
                identities[payload[0]] = Identity(**json.loads(payload[1:]))
            else:
                sample, device, ticks = ANSWER_HEAD.unpack_from(payload)
                if device in identities:
                    took = None if ticks == NOT_TIMED else ticks
                    answers.append(Answer(sample, device, took, payload[ANSWER_HEAD.size :]))
                else:
                    orphans += 1
    except (ValueError, TypeError, IndexError, struct.error) as error:
        raise JournalError(f"{path} is of another version of this tool ({error}); {start_anew()}") from error
    return Contents(key, identities, answers, len(chunks) - len(records) + orphans)


def run_sha256(answers: Iterable[Answer]) -> str:
    """The proof of a run: SHA-256 over sample (u32) and output of every answer, in the order of the samples."""
    digest = hashlib.sha256()
    for answer in sorted(answers, key=lambda answer: answer.sample):
        digest.update(struct.pack("<I", answer.sample) + answer.output)
    return digest.hexdigest()


def start_anew() -> str:
    """Advice for a journal that cannot be resumed."""
    return f"start without {advice.setting('resume', True)}"
