"""The README and the Makefile say what is there: boards, ops, targets."""

from __future__ import annotations

import re
import subprocess

import pytest
from conftest import ROOT

from export.ops import OPS
from firmware.boards import BOARDS

README = (ROOT / "README.md").read_text()


def test_readme_lists_every_board_as_the_table_of_boards_has_it():
    rows = re.findall(r"^\| `([\w-]+)` \| (.+) \|$", README, re.MULTILINE)
    assert [row for row in rows if row[0] in BOARDS] == [(board.name, board.title) for board in BOARDS.values()]


def test_the_compiled_engine_s_page_lists_every_op():
    table = (ROOT / "docs" / "compiled-engine.md").read_text().split("## The ops")[1].split("\n## ")[0]
    rows = re.findall(r"^\| ([A-Z][A-Z0-9_, ]+) \|", table, re.MULTILINE)
    assert sorted(", ".join(rows).split(", ")) == sorted(op.tflite_name for op in OPS)


def test_make_alone_lists_every_target_that_a_user_may_want():
    result = subprocess.run(["make"], cwd=ROOT, capture_output=True, text=True)
    listed = re.findall(r"^  make ([a-z]+) ", result.stdout, re.MULTILINE)
    phony = re.search(r"^\.PHONY: (.+)$", (ROOT / "Makefile").read_text(), re.MULTILINE)[1].split()
    assert result.returncode == 0
    assert set(listed) == set(phony) - {"FORCE"}


def test_commands_shown_in_the_readme_are_targets():
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    shown = re.findall(r"^    make (.+?)(?:  .*)?$", README, re.MULTILINE)
    assert len(shown) > 5
    for command in shown:
        for word in command.split():
            assert "=" in word or word in targets, command


@pytest.mark.parametrize(
    "settings, words",
    [
        (["validate", "BOARD=uno"], "unknown board 'uno'"),
        (["validate", "DATASET=nothing"], "unknown data set 'nothing'"),
        (["validate", "PRESET=huge"], "unknown preset 'huge'"),
        (["export", "TFLITE=nothing.tflite"], "nothing.tflite does not exist"),
        (["validate", "MODEL=nothing"], "build/nothing/model.tflite"),
    ],
)
def test_a_wrong_setting_ends_make_with_one_line_and_leaves_nothing(settings, words):
    before = set((ROOT / "build").iterdir())
    result = subprocess.run(["make", *settings], cwd=ROOT, capture_output=True, text=True)
    assert result.returncode == 2
    errors = [line for line in result.stderr.splitlines() if not line.startswith("make")]
    assert len(errors) == 1 and words in errors[0]
    assert set((ROOT / "build").iterdir()) == before
