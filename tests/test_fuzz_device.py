"""No request, however malformed, makes the firmware read or write out of bounds, hang, or stop answering."""

from __future__ import annotations

import shutil

import pytest
from conftest import FIRMWARE

from tinyproof.firmware import fuzz
from tinyproof.firmware.fuzz import CORPUS, build_target, seeds

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


@pytest.mark.parametrize(
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
def test_the_fuzzer_finds_a_bound_that_is_not_checked(tmp_path, monkeypatch, file, right, wrong):
    copy = tmp_path / "firmware"
    shutil.copytree(FIRMWARE, copy)
    source = (copy / file).read_text()
    assert source.count(right) == 1
    (copy / file).write_text(source.replace(right, wrong))
    monkeypatch.setattr("tinyproof.firmware.build.FIRMWARE", copy)
    fuzzed = fuzz.fuzz(build_target(tmp_path / "build"), SECONDS)
    assert fuzzed.crash is not None and fuzzed.crash.is_file()
    assert "AddressSanitizer" in fuzzed.words
