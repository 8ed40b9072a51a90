"""The README and the Makefile say what is there: boards, ops, targets."""

from __future__ import annotations

import ast
import re
import shlex
import subprocess
from importlib import import_module

import click
import pytest
from conftest import ROOT

from export.ops import OPS
from firmware.boards import BOARDS

README = (ROOT / "README.md").read_text()
PAGES = [*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")]


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


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.name)
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


def makefile_words():
    """(targets, settings) of the Makefile."""
    makefile = (ROOT / "Makefile").read_text()
    targets = set(re.findall(r"^([a-z-]+):", makefile, re.MULTILINE))
    return targets, set(re.findall(r"^([A-Z_]+) *\?=", makefile, re.MULTILINE)) | {"PYTHON"}


def test_make_commands_in_the_docs_are_targets_and_settings_of_the_makefile():
    targets, settings = makefile_words()
    for page in PAGES:
        text = page.read_text()
        shown = re.findall(r"^    make (.+?)(?:  .*)?$", text, re.MULTILINE) + re.findall(r"`make ([^`]+)`", text)
        for word in (word for command in shown for word in shlex.split(command)):
            name = word.split("=")[0]
            assert name in (settings if "=" in word else targets), f"{page.name}: {word}"


def slug(heading):
    """The fragment by which a heading is linked to."""
    return re.sub(r"[^\w\- ]", "", heading.replace("`", "").lower()).replace(" ", "-")


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.name)
def test_fragments_of_links_are_headings_of_the_page_they_lead_to(page):
    for link, fragment in re.findall(r"\]\(([^)#:]*)#([^)]+)\)", page.read_text()):
        target = page.parent / link if link else page
        headings = re.findall(r"^#+ (.+)$", target.read_text(), re.MULTILINE)
        assert fragment in map(slug, headings), f"{link}#{fragment}"


# The modules that run as `python -m`, and the console command.
RUNNABLE = r"(training|export|firmware|host)((?:\.\w+)*)"


def assert_is_a_command(module, words, where):
    """Fail unless `python -m module words` names a command that exists, and options that it has."""
    path = ROOT / module.replace(".", "/")
    assert path.with_suffix(".py").is_file() or (path / "__main__.py").is_file(), f"{where}: {module}"
    command = getattr(import_module(f"{module}.__main__" if path.is_dir() else module), "main", None)
    if not isinstance(command, click.Command):  # what only other programs start
        return
    while isinstance(command, click.Group) and words and re.fullmatch(r"[a-z]+", words[0]):
        found = command.get_command(click.Context(command), words[0])
        assert found, f"{where}: {words[0]}"
        command, words = found, words[1:]
    known = {option for parameter in command.params for option in (*parameter.opts, *parameter.secondary_opts)}
    for word in words:
        if word.startswith("--"):
            assert word.split("=")[0] in {*known, "--help"}, f"{where}: {word}"


def shown_commands(text):
    """(module, words) of every `python -m ...` and `tinyproof ...` that a text tells to type."""
    for module, dotted, rest in re.findall(rf"python -m {RUNNABLE}((?: [^\s`#\"'(),;:|]+)*)", text):
        yield module + dotted, rest.split()
    for rest in re.findall(r"(?:`|^    |bin/)tinyproof((?: [a-z-][^\s`#()]*)+)", text, re.MULTILINE):
        yield "host.tinyproof", rest.split()


SOURCES = [path for folder in ("export", "firmware", "host", "training") for path in (ROOT / folder).rglob("*.py")]


def test_python_commands_in_docs_and_sources_exist_with_their_options():
    found = 0
    for path in [*PAGES, *SOURCES]:
        for module, words in shown_commands(path.read_text()):
            assert_is_a_command(module, [word.rstrip(".") for word in words], path.relative_to(ROOT))
            found += 1
    assert found > 40


def test_make_commands_in_messages_are_targets_and_settings_of_the_makefile():
    targets, settings = makefile_words()
    found = 0
    for path in SOURCES:
        nodes = ast.walk(ast.parse(path.read_text()))
        for text in filter(None, map(template, nodes)):
            for command in re.findall(r"`make ([^`]+)`", text):
                for word in command.split():
                    name = word.split("=")[0]
                    assert name in (settings if "=" in word else targets), f"{path.relative_to(ROOT)}: {word}"
                    found += 1
    assert found > 30
