"""The journal: whatever happens to the file, an answer is either read back as it was written, or not at all."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace

import pytest
from conftest import ROOT
from hypothesis import given, settings
from hypothesis import strategies as st

from tinyproof.console import UserError
from tinyproof.host.journal import EARLIER_FILE, Journal
from tinyproof.host.journal_records import (
    Answer,
    Identity,
    JournalError,
    Key,
    pack_record,
    read_journal,
    run_sha256,
    unpack_record,
)

KEY = Key("a" * 64, "b" * 64, samples=40, output_bytes=10)
BOARD = Identity("host", "compiled", "c" * 64, "", "nanoseconds", 1, 1)
OTHER_BOARD = replace(BOARD, board="qemu")
ANSWERS = [Answer(sample, 0, 1000 + sample, bytes((sample * 7 + i) % 256 for i in range(10))) for sample in range(40)]


@pytest.fixture
def path(tmp_path):
    return tmp_path / "journal"


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """The bytes of a journal with ANSWERS."""
    path = tmp_path_factory.mktemp("journal") / "journal"
    write(path, ANSWERS)
    return path.read_bytes()


def write(path, answers, resume=False):
    with Journal(path, KEY, resume) as journal:
        journal.number(BOARD)
        for answer in answers:
            journal.record(answer)
        return journal.earlier


def test_what_was_recorded_is_read_back(path):
    write(path, ANSWERS)
    contents = read_journal(path)
    assert (contents.key, contents.identities, contents.damaged) == (KEY, {0: BOARD}, 0)
    assert contents.answers == ANSWERS


def test_an_answer_is_in_the_file_as_soon_as_record_returns(path):
    with Journal(path, KEY, resume=False) as journal:
        journal.number(BOARD)
        for count, answer in enumerate(ANSWERS):
            journal.record(answer)
            assert read_journal(path).answers == ANSWERS[: count + 1]


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 254), st.binary(max_size=600))
def test_a_record_survives_and_no_part_of_it_passes(kind, payload):
    data = pack_record(kind, payload)
    assert data.count(b"\0") == 1 and data.endswith(b"\0")
    assert unpack_record(data[:-1]) == (kind, payload)
    for cut in range(len(data) - 1):
        assert unpack_record(data[:cut]) is None


def assert_harmless(path, damaged):
    """What is read is a part of what was written, and a resumed run makes it whole."""
    path.write_bytes(damaged)
    contents = read_journal(path)
    assert contents.key in (KEY, None)
    assert set(contents.answers) <= set(ANSWERS)
    kept = {answer.sample for answer in write(path, [], resume=True)}
    write(path, [answer for answer in ANSWERS if answer.sample not in kept], resume=True)
    with Journal(path, KEY, resume=True) as journal:
        assert journal.read_back(range(40)) == ANSWERS


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_any_truncation_is_harmless(whole, tmp_path_factory, data):
    length = data.draw(st.integers(0, len(whole)))
    assert_harmless(tmp_path_factory.mktemp("cut") / "journal", whole[:length])


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_any_flipped_bit_is_harmless(whole, tmp_path_factory, data):
    at, bit = data.draw(st.integers(0, len(whole) - 1)), data.draw(st.integers(0, 7))
    damaged = whole[:at] + bytes([whole[at] ^ 1 << bit]) + whole[at + 1 :]
    assert_harmless(tmp_path_factory.mktemp("flip") / "journal", damaged)


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_any_stretch_of_garbage_is_harmless(whole, tmp_path_factory, data):
    at = data.draw(st.integers(0, len(whole)))
    garbage = data.draw(st.binary(max_size=200))
    assert_harmless(tmp_path_factory.mktemp("garbage") / "journal", whole[:at] + garbage + whole[at + len(garbage) :])


def test_a_torn_last_record_costs_that_record_alone(path, whole):
    path.write_bytes(whole[:-5])
    assert read_journal(path).answers == ANSWERS[:-1]
    write(path, ANSWERS[-1:], resume=True)
    contents = read_journal(path)
    assert contents.answers == ANSWERS and contents.damaged == 1


def test_answers_whose_device_is_no_longer_known_are_dropped_for_good(path, whole):
    device_at = whole.index(b"\0") + 10
    path.write_bytes(whole[:device_at] + b"?" + whole[device_at + 1 :])
    assert read_journal(path).answers == []
    write(path, ANSWERS[:5], resume=True)  # gives its number to the same device again
    assert read_journal(path).answers == ANSWERS[:5]


def test_a_new_run_puts_the_earlier_one_aside(path, whole):
    path.write_bytes(whole)
    write(path, ANSWERS[:3])
    assert read_journal(path).answers == ANSWERS[:3]
    assert path.with_name(EARLIER_FILE).read_bytes() == whole
    write(path, [])
    write(path, [])  # nothing worth keeping was there
    assert read_journal(path.with_name(EARLIER_FILE)).answers == ANSWERS[:3]


@pytest.mark.parametrize(
    "change, words",
    [
        ({"model_sha256": "d" * 64}, "other model"),
        ({"samples_sha256": "d" * 64}, "other samples"),
        ({"samples": 41}, "other samples"),
    ],
)
def test_another_run_is_not_resumed_and_stays_as_it_is(path, whole, change, words):
    path.write_bytes(whole)
    with pytest.raises(JournalError, match=words):
        Journal(path, replace(KEY, **change), resume=True)
    assert path.read_bytes() == whole


def test_a_run_of_another_device_is_not_resumed(path, whole):
    path.write_bytes(whole)
    with Journal(path, KEY, resume=True) as journal, pytest.raises(JournalError, match="another device") as caught:
        journal.number(OTHER_BOARD)
    assert "\n" not in caught.value.message and "host" in caught.value.message and "qemu" in caught.value.message


def test_a_journal_of_another_version_is_refused_in_one_line(path):
    path.write_bytes(pack_record(1, b'{"something": "else"}'))
    with pytest.raises(JournalError, match="another version") as caught:
        Journal(path, KEY, resume=True)
    assert "\n" not in caught.value.message


def test_resuming_where_nothing_is_begins_anew(path):
    assert write(path, ANSWERS, resume=True) == []
    assert read_journal(path).answers == ANSWERS


@pytest.mark.parametrize(
    "answers, wanted, words",
    [
        (ANSWERS[:-1], range(40), "1 samples are missing"),
        (ANSWERS, range(39), "1 were not asked for"),
        ([*ANSWERS, ANSWERS[7]], range(40), "sample 7 does not stand in it exactly once"),
        ([*ANSWERS, replace(ANSWERS[7], output=bytes(10))], range(40), "sample 7 does not stand in it exactly once"),
        ([*ANSWERS[:-1], replace(ANSWERS[-1], output=b"short")], range(40), "sample 39 does not stand in it"),
    ],
)
def test_a_run_that_does_not_count_each_sample_once_proves_nothing(path, answers, wanted, words):
    with Journal(path, KEY, resume=False) as journal:
        journal.number(BOARD)
        for answer in answers:
            journal.record(answer)
        with pytest.raises(JournalError, match=words):
            journal.read_back(wanted)


@pytest.mark.parametrize("extra", [ANSWERS[7], replace(ANSWERS[7], sample=40), replace(ANSWERS[7], output=b"")])
def test_a_journal_with_a_record_too_many_is_not_resumed(path, extra):
    write(path, [*ANSWERS, extra])
    with pytest.raises(JournalError, match="does not stand in it exactly once"):
        Journal(path, KEY, resume=True)
    write(path, ANSWERS)  # it is free again


def test_the_proof_depends_on_samples_and_outputs_and_on_nothing_else():
    proof = run_sha256(ANSWERS)
    assert run_sha256(reversed(ANSWERS)) == proof
    assert run_sha256([replace(answer, ticks=1, device=3) for answer in ANSWERS]) == proof
    assert run_sha256(ANSWERS[1:]) != proof
    assert run_sha256([replace(ANSWERS[0], output=bytes(10)), *ANSWERS[1:]]) != proof
    assert run_sha256([replace(ANSWERS[0], sample=40), *ANSWERS[1:]]) != proof


def test_two_validations_do_not_write_one_journal(path):
    with Journal(path, KEY, resume=False), pytest.raises(UserError, match="another validation is writing"):
        Journal(path, KEY, resume=True)
    write(path, ANSWERS)  # free again


def test_a_killed_process_leaves_the_journal_free_and_whole(path):
    program = (
        "import os, signal, pathlib; from tests.test_journal import *;"
        f"journal = Journal(pathlib.Path({str(path)!r}), KEY, False); journal.number(BOARD);"
        "[journal.record(answer) for answer in ANSWERS]; os.kill(os.getpid(), signal.SIGKILL)"
    )
    environment = {"PYTHONPATH": f"{ROOT}:{ROOT / 'tests'}"}
    assert subprocess.run([sys.executable, "-c", program], cwd=ROOT, env=environment).returncode == -9
    assert write(path, [], resume=True) == ANSWERS
