"""The README and the Makefile say what is there: boards, ops, targets."""

from __future__ import annotations

import ast
import re
import shlex
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
    listed = re.findall(r"^  make ([a-z-]+) ", result.stdout, re.MULTILINE)
    phony = re.search(r"^\.PHONY: (.+)$", (ROOT / "Makefile").read_text(), re.MULTILINE)[1].split()
    assert result.returncode == 0
    assert set(listed) == set(phony) - {"FORCE"}


def test_commands_shown_in_the_readme_are_targets():
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
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


def template(node):
    """The text of a string in the source, with an ellipsis for what is filled in; None for anything else."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.JoinedStr):
        return "".join(part.value if isinstance(part, ast.Constant) else "\u2026" for part in node.values)
    return None


def test_messages_quoted_in_troubleshooting_are_those_of_the_source():
    sources = [path for folder in ("export", "firmware", "host", "training") for path in (ROOT / folder).rglob("*.py")]
    nodes = (node for path in sources for node in ast.walk(ast.parse(path.read_text())))
    known = [text for node in nodes if (text := template(node))]
    known.append((ROOT / "firmware/engine/tflm/engine.cc").read_text())
    quotes = re.findall(r"^> (.+)$", (ROOT / "docs/troubleshooting.md").read_text(), re.MULTILINE)
    assert len(quotes) > 10
    for quote in quotes:
        parts = [part.strip(" .,;:") for part in quote.split("\u2026") if part.strip(" .,;:")]
        assert any(all(part in text for part in parts) for text in known), quote


def links(page):
    """The relative links of a page of Markdown."""
    return [link for link in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", page.read_text()) if "://" not in link]


@pytest.mark.parametrize("page", [*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")], ids=lambda path: path.name)
def test_links_of_the_docs_lead_somewhere(page):
    assert [link for link in links(page) if not (page.parent / link).exists()] == []


def test_every_page_of_the_docs_is_reached_from_the_readme():
    reached, waiting = set(), [ROOT / "README.md"]
    while waiting:
        page = waiting.pop()
        if page not in reached:
            reached.add(page)
            waiting += [(page.parent / link).resolve() for link in links(page) if link.endswith(".md")]
    assert set(ROOT.glob("docs/*.md")) <= reached


def test_make_commands_in_the_docs_are_targets_and_settings_of_the_makefile():
    makefile = (ROOT / "Makefile").read_text()
    targets = set(re.findall(r"^([a-z-]+):", makefile, re.MULTILINE))
    settings = set(re.findall(r"^([A-Z_]+) *\?=", makefile, re.MULTILINE)) | {"PYTHON"}
    for page in [ROOT / "README.md", *ROOT.glob("docs/*.md")]:
        text = page.read_text()
        shown = re.findall(r"^    make (.+?)(?:  .*)?$", text, re.MULTILINE) + re.findall(r"`make ([^`]+)`", text)
        for word in (word for command in shown for word in shlex.split(command)):
            name = word.split("=")[0]
            assert name in (settings if "=" in word else targets), f"{page.name}: {word}"
