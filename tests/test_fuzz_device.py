"""No request, however malformed, makes the firmware read or write out of bounds, hang, or stop answering."""

from __future__ import annotations

import re
import shutil

import pytest
from conftest import FIRMWARE

from tinyproof.firmware import fuzz
from tinyproof.firmware.fuzz import CORPUS, build_target, play, seeds
from tinyproof.firmware.fuzz_boards import LOOP

SECONDS = 20


@pytest.fixture(scope="module")
def target(tmp_path_factory):
    return build_target(tmp_path_factory.mktemp("fuzz"))


def test_the_corpus_and_some_seconds_of_fuzzing_find_nothing(target):
    fuzzed = fuzz.fuzz(target, SECONDS)
    assert fuzzed.crash is None, fuzzed.words
    assert fuzzed.executions > len(list(CORPUS.iterdir())) + len(list(seeds()))
    # Frames get through their check, and every handler behind it is reached.
    assert fuzzed.coverage > 200


@pytest.fixture(scope="module")
def loop(tmp_path_factory):
    return build_target(tmp_path_factory.mktemp("loop"), LOOP)


def test_a_million_random_requests_reach_every_handler_and_find_nothing(loop):
    played = play(loop, 1_000_000)
    assert not played.words and played.requests >= 1_000_000
    assert all(number > 1000 for name, number in played.answers.items() if name != "LogLine"), played.answers
    assert play(loop, 64_000) == play(loop, 64_000) != play(loop, 64_000, first=7)


BOUNDS = pytest.mark.parametrize(
    "file, right, wrong",
    [
        ("core/frame_receiver.c", "if (receiver->size < receiver->capacity) receiver->body", "receiver->body"),
        (
            "core/trace.c",
            "wanted.start > size || wanted.size > size - wanted.start",
            "wanted.start + wanted.size > size",
        ),
    ],
    ids=["a frame longer than the memory for it", "a sum that wraps around"],
)


@BOUNDS
def test_the_fuzzer_finds_a_bound_that_is_not_checked(tmp_path, monkeypatch, file, right, wrong):
    plant(tmp_path, monkeypatch, file, right, wrong)
    fuzzed = fuzz.fuzz(build_target(tmp_path / "build"), SECONDS)
    assert fuzzed.crash is not None and fuzzed.crash.is_file()
    assert "AddressSanitizer" in fuzzed.words


def test_the_loop_finds_a_bound_that_is_not_checked_and_shows_it_again(tmp_path, monkeypatch):
    """The other one takes two numbers that add up to 2^32: seeds have them, chance does not."""
    right = "if (receiver->size < receiver->capacity) receiver->body"
    plant(tmp_path, monkeypatch, "core/frame_receiver.c", right, "receiver->body")
    target = build_target(tmp_path / "build", LOOP)
    played = play(target, 2_000_000)
    assert "AddressSanitizer" in played.words
    number = int(re.search(r"^input (\d+)$", played.words, re.MULTILINE)[1])
    assert "AddressSanitizer" in play(target, 1, number).words


def plant(tmp_path, monkeypatch, file, right, wrong):
    """Have the target be built of firmware without that bound."""
    copy = tmp_path / "firmware"
    shutil.copytree(FIRMWARE, copy)
    source = (copy / file).read_text()
    assert source.count(right) == 1
    (copy / file).write_text(source.replace(right, wrong))
    monkeypatch.setattr("tinyproof.firmware.build.FIRMWARE", copy)
