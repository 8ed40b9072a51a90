"""The journal of a validation: every answer of a device, appended to a file before anybody counts it.

record = COBS(kind u8, payload, CRC-32 u32) 0x00; kinds: what is being run (KEY), who answers (DEVICE), one answer
(ANSWER). COBS leaves no zero byte inside, so a torn or damaged record is found by its CRC and dropped, its sample runs
again, and nothing after it is lost. Records reach the operating system one by one, so a killed process loses nothing
that was reported; they reach the disk once a second, so a power cut loses at most that.

Refuses to mix two runs: another model, other samples, or another kind of device.
"""

from __future__ import annotations

import hashlib
import json
import os
import struct
import threading
import time
import zlib
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import portalocker
from cobs import cobs

from tinyproof import advice
from tinyproof.console import UserError, console, write_atomically

JOURNAL_FILE = "journal"
EARLIER_FILE = "journal.before"  # what a new run finds goes there
SYNC_INTERVAL_S = 1.0
BINARY = getattr(os, "O_BINARY", 0)  # Windows would translate line ends

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
        raise JournalError(f"{path} is of another version of this tool ({error}); {_start_anew()}") from error
    return Contents(key, identities, answers, len(chunks) - len(records) + orphans)


def run_sha256(answers: Iterable[Answer]) -> str:
    """The proof of a run: SHA-256 over sample (u32) and output of every answer, in the order of the samples."""
    digest = hashlib.sha256()
    for answer in sorted(answers, key=lambda answer: answer.sample):
        digest.update(struct.pack("<I", answer.sample) + answer.output)
    return digest.hexdigest()


class Journal:
    """The open journal of a run; a context manager. Its methods may be called from any thread.

    `earlier` holds the answers of the run that is being resumed.
    """

    def __init__(self, path: Path, key: Key, resume: bool) -> None:
        """Open it. Raises UserError when another process has it, or when it cannot be resumed with this key."""
        self.path = path
        self.key = key
        self.earlier: list[Answer] = []
        self._recorded = 0
        self.identities: dict[int, Identity] = {}
        self._lock = threading.Lock()
        self._synced_at = time.monotonic()
        self._file = _lock(path)
        try:
            contents = self._resumable() if resume else None
            if contents:
                self.earlier = contents.answers
                self.identities = contents.identities
                os.write(self._file, b"\0")  # ends a torn last record
            else:
                self._begin()
        except BaseException:
            os.close(self._file)
            raise

    def __enter__(self) -> Journal:
        return self

    def __exit__(self, *exception: object) -> None:
        os.fsync(self._file)
        os.close(self._file)

    def number(self, identity: Identity) -> int:
        """The number under which this kind of device answers. Raises JournalError if it is not the one of `earlier`."""
        with self._lock:
            for number, known in self.identities.items():
                if known == identity:
                    return number
            if self.earlier:
                raise JournalError(
                    f"{self.path} is of another device or firmware ({'; '.join(map(str, self.identities.values()))}) "
                    f"than this one ({identity}): go on with that one, or {_start_anew()}"
                )
            number = max(self.identities, default=-1) + 1
            if number == IDENTITY_LIMIT:
                raise JournalError(f"{self.path}: more than {IDENTITY_LIMIT} kinds of devices")
            self.identities[number] = identity
            self._append(DEVICE, bytes([number]) + json.dumps(asdict(identity)).encode())
            return number

    def record(self, answer: Answer) -> None:
        """Append an answer; it survives the end of this process from here on."""
        head = ANSWER_HEAD.pack(answer.sample, answer.device, NOT_TIMED if answer.ticks is None else answer.ticks)
        with self._lock:
            self._append(ANSWER, head + answer.output)
            self._recorded += 1
            if time.monotonic() - self._synced_at > SYNC_INTERVAL_S:
                os.fsync(self._file)
                self._synced_at = time.monotonic()

    def kept(self) -> str:
        """What an interruption leaves, and how to go on."""
        answered = len(self.earlier) + self._recorded
        return f"{answered:,} of {self.key.samples:,} samples are in {self.path}: {_go_on()}"

    def read_back(self, samples: Iterable[int]) -> list[Answer]:
        """The answers to exactly `samples`, from the file, in the order of the samples.

        Raises JournalError when one is missing, was answered twice, or has another size: the run proves nothing then.
        """
        answers = sorted(read_journal(self.path).answers, key=lambda answer: answer.sample)
        self._check(answers)
        found, wanted = {answer.sample for answer in answers}, set(samples)
        if found != wanted:
            raise JournalError(
                f"{self.path}: {len(wanted - found)} samples are missing and {len(found - wanted)} were not asked for; "
                f"{_start_anew()}"
            )
        return answers

    def _check(self, answers: Sequence[Answer]) -> None:
        """Raise JournalError unless each is to a sample of this run, of the right size, and the only one to it."""
        counts = Counter(answer.sample for answer in answers)
        wrong = [
            answer.sample
            for answer in answers
            if answer.sample >= self.key.samples
            or len(answer.output) != self.key.output_bytes
            or counts[answer.sample] > 1
        ]
        if wrong:
            raise JournalError(
                f"{self.path}: sample {wrong[0]} does not stand in it exactly once, "
                f"with {self.key.output_bytes} bytes; {_start_anew()}"
            )

    def _append(self, kind: int, payload: bytes) -> None:
        data = pack_record(kind, payload)
        try:
            written = os.write(self._file, data)
        except OSError as error:
            raise JournalError(f"{self.path}: {error.strerror}; when that is settled, {_go_on()}") from error
        if written != len(data):
            raise JournalError(f"{self.path}: the disk is full; when there is room, {_go_on()}")

    def _begin(self) -> None:
        """Put an earlier run aside if it got anywhere, and start a file of our own."""
        if _holds_answers(self.path):
            write_atomically(self.path.with_name(EARLIER_FILE), self.path.read_bytes())
        os.ftruncate(self._file, 0)
        self._append(KEY, json.dumps(asdict(self.key)).encode())

    def _resumable(self) -> Contents | None:
        """The run in the file if it is the one of our key; None if there is none. Raises JournalError if it is not."""
        contents = read_journal(self.path)
        if contents.key is None:
            console.print(f"Nothing to resume in {self.path}: starting anew.")
            return None
        if contents.key != self.key:
            other = "model" if contents.key.model_sha256 != self.key.model_sha256 else "samples (LIMIT, data)"
            raise JournalError(f"{self.path} is of another run, with other {other}: {_start_anew()}")
        self._check(contents.answers)
        samples = f"{len(contents.answers):,} of {self.key.samples:,} samples"
        damaged = f"; {contents.damaged} damaged records dropped, their samples run again" if contents.damaged else ""
        console.print(f"Resuming: {samples} are answered in {self.path}{damaged}.")
        return contents


def _start_anew() -> str:
    return f"start without {advice.setting('resume', True)}"


def _go_on() -> str:
    return f"run the same command with {advice.setting('resume', True)} to go on"


def _holds_answers(path: Path) -> bool:
    try:
        return bool(read_journal(path).answers)
    except JournalError:
        return True  # of another version, for all we know


def _lock(path: Path) -> int:
    """The file, open for appending and ours alone until we close it or end, however we end."""
    file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | BINARY, 0o644)
    try:
        portalocker.lock(file, portalocker.LockFlags.EXCLUSIVE | portalocker.LockFlags.NON_BLOCKING)
    except portalocker.AlreadyLocked:
        os.close(file)
        raise UserError(f"another validation is writing {path}; wait for it, or stop it") from None
    return file
