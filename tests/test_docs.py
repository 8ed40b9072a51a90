"""The README and the Makefile say what is there: boards, ops, targets."""

from __future__ import annotations

import ast
import re
import shlex
import subprocess

import click
import pytest
from conftest import ROOT
from installed import STOREYS
from test_command_lines import SETTINGS, options_of

from tinyproof import advice
from tinyproof.__main__ import STOREY_OF
from tinyproof.__main__ import main as tinyproof
from tinyproof.host.generated_docs import generated_pages

README = (ROOT / "README.md").read_text()
SOURCES = [path for folder in ("tinyproof", *STOREYS) for path in (ROOT / folder).rglob("*.py")]
PAGES = [*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")]


def test_generated_parts_of_the_docs_are_those_of_the_tables():
    for path, text in generated_pages().items():
        assert path.read_text() == text, f"{path.name}: run make docs"


def test_make_alone_lists_every_target_that_a_user_may_want():
    result = subprocess.run(["make"], cwd=ROOT, capture_output=True, text=True)
    listed = re.findall(r"^  make ([a-z-]+) ", result.stdout, re.MULTILINE)
    phony = re.search(r"^TARGETS := (.+)$", (ROOT / "Makefile").read_text(), re.MULTILINE)[1].split()
    assert result.returncode == 0
    assert set(listed) == set(phony)


@pytest.mark.parametrize(
    "settings, words",
    [
        (["validate", "BOARD=uno"], "unknown board 'uno'"),
        (["validate", "DATASET=nothing"], "unknown data set 'nothing'"),
        (["validate", "PRESET=huge"], "unknown preset 'huge'"),
        (["export", "TFLITE=nothing.tflite"], "cannot read nothing.tflite"),
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
        return "".join(part.value if isinstance(part, ast.Constant) else advised(part.value) for part in node.values)
    return None


def advised(node):
    """What `advice` says, as `make` has it; an ellipsis for what only a run knows."""
    if not isinstance(node, ast.Call) or ast.unparse(node.func) not in {f"advice.{name}" for name in dir(advice)}:
        return "\u2026"
    known = [part.value if isinstance(part, ast.Constant) else "\u2026" for part in node.args]
    named = {p.arg: p.value.value if isinstance(p.value, ast.Constant) else "\u2026" for p in node.keywords}
    return getattr(advice, node.func.attr)(*known, **named).replace("'\u2026'", "\u2026")


def test_messages_quoted_in_troubleshooting_are_those_of_the_source():
    nodes = (node for path in SOURCES for node in ast.walk(ast.parse(path.read_text())))
    known = [text for node in nodes if (text := template(node))]
    known += [(ROOT / name).read_text() for name in ("firmware/engine/tflm/engine.cc", "Makefile")]
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
    return targets, {*SETTINGS, "PYTHON"}


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


def assert_is_a_command(words, where):
    """Fail unless `tinyproof words` names a command that exists, and options that it has."""
    command = tinyproof.get_command(click.Context(tinyproof), words[0])
    assert command, f"{where}: {words[0]}"
    for word in words[1:]:
        if word.startswith("--"):
            assert word.split("=")[0] in {*options_of(command), "--help"}, f"{where}: {word}"


def test_console_commands_in_docs_and_sources_exist_with_their_options():
    found = 0
    for path in [*PAGES, *SOURCES]:
        shown = re.findall(r"(?:`|^ +|bin/)tinyproof((?: [a-z-][^\s`#()]*)+)", path.read_text(), re.MULTILINE)
        for words in (shown_words.split() for shown_words in shown):
            assert_is_a_command([word.rstrip(".") for word in words], path.relative_to(ROOT))
            found += 1
    assert found > 30


def test_make_commands_in_messages_are_targets_and_settings_of_the_makefile():
    """Those of `advice.command` and `advice.setting`, and what is written out."""
    targets, settings = makefile_words()
    found = 0
    for path in SOURCES:
        source = path.read_text()
        for verb, arguments in re.findall(r"advice\.command(?:_line)?\(\s*[\"']([a-z-]+)[\"']([^()]*)\)", source):
            assert verb in STOREY_OF, f"{path.relative_to(ROOT)}: {verb}"
            assert verb in targets or "advice.command_line" in source, f"{path.relative_to(ROOT)}: {verb}"
            for name in re.findall(r"(\w+)=", arguments):
                assert name.upper() in {*settings, "OUT"}, f"{path.relative_to(ROOT)}: {name}"
            found += 1
        for name in re.findall(r"advice\.setting\([\"'](\w+)[\"']", source):
            assert name.upper() in settings, f"{path.relative_to(ROOT)}: {name}"
        for text in filter(None, map(template, ast.walk(ast.parse(source)))):
            for command in re.findall(r"`make ([^`]+)`", text):
                for word in command.split():
                    name = word.split("=")[0]
                    assert name in (settings if "=" in word else targets), f"{path.relative_to(ROOT)}: {word}"
    assert found > 30


def words_of_messages(tree):
    """Every string in what is raised as a UserError or printed."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and ast.unparse(node.func) in {"UserError", "console.print"}:
            yield from (n.value for n in ast.walk(node) if isinstance(n, ast.Constant) and isinstance(n.value, str))


def test_no_message_names_an_option_in_the_words_of_one_way_alone():
    """`--out` means nothing to who typed `make`: the module `advice` says it in the words of either way."""
    for path in SOURCES:
        for text in words_of_messages(ast.parse(path.read_text())):
            assert not re.search(r"(?<![\w-])--(?!no-install|cask)[a-z]", text), f"{path.relative_to(ROOT)}: {text}"


def test_every_option_named_in_advice_is_one_of_make_and_of_a_command():
    commands = [tinyproof.get_command(click.Context(tinyproof), name) for name in STOREY_OF]
    options = {option for command in commands for option in options_of(command)}
    _, settings = makefile_words()
    named = set()
    for path in SOURCES:
        source = path.read_text()
        named |= set(re.findall(r"advice\.(?:setting|name_of|another)\([\"'](\w+)[\"']", source))
        named |= set(re.findall(r"(?:make_writable|no_room)\([^()]+(?:\([^()]*\)[^()]*)*, [\"'](\w+)[\"']\)", source))
    assert len(named) > 20 and {"junit", "tensorboard", "model", "sample"} <= named
    for name in named:
        assert name.upper() in settings and f"--{name.replace('_', '-')}" in options, name
