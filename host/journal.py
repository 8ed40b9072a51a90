"""The journal of a validation: every answer of a device, appended to a file before anybody counts it.

Records reach the operating system one by one, so a killed process loses nothing that was reported; they reach the disk
once a second, so a power cut loses at most that. journal_records.py has their layout.

Refuses to mix two runs: another model, other samples, or another kind of device.
"""

from __future__ import annotations

import json
import os
import threading
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from pathlib import Path

import portalocker

from tinyproof import advice
from tinyproof.console import UserError, console, write_atomically
from tinyproof.host.journal_records import (
    ANSWER,
    ANSWER_HEAD,
    DEVICE,
    IDENTITY_LIMIT,
    KEY,
    NOT_TIMED,
    Answer,
    Contents,
    Identity,
    JournalError,
    Key,
    pack_record,
    read_journal,
    start_anew,
)

JOURNAL_FILE = "journal"
EARLIER_FILE = "journal.before"  # what a new run finds goes there
SYNC_INTERVAL_S = 1.0
BINARY = getattr(os, "O_BINARY", 0)  # Windows would translate line ends


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
                    f"than this one ({identity}): go on with that one, or {start_anew()}"
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
                f"{start_anew()}"
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
                f"with {self.key.output_bytes} bytes; {start_anew()}"
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
            raise JournalError(f"{self.path} is of another run, with other {other}: {start_anew()}")
        self._check(contents.answers)
        samples = f"{len(contents.answers):,} of {self.key.samples:,} samples"
        damaged = f"; {contents.damaged} damaged records dropped, their samples run again" if contents.damaged else ""
        console.print(f"Resuming: {samples} are answered in {self.path}{damaged}.")
        return contents


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
