"""One table of compilers: the first installed one is taken, else the one from PyPI, and either can be forced."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from dataclasses import replace

import needs
import pytest
from conftest import FIRMWARE, ROOT

from firmware import toolchain
from firmware.boards import BOARDS, HOST_C, ZIG, ZIG_LIBRARY, Compiler, find_board
from firmware.build import build, image_path, load_sizes
from firmware.toolchain import CHOICES, demo_board, missing_tools, require_tools, with_compiler
from host.console import UserError
from host.demo import stages
from host.report.report import REPORT_FILE

SEVERAL = [board for board in BOARDS.values() if len(board.compilers) > 1]
FOREIGN = [
    # a computer, and how its programs begin
    ("x86_64-windows-gnu", b"MZ"),
    ("aarch64-macos", b"\xcf\xfa\xed\xfe"),
    ("x86_64-macos", b"\xcf\xfa\xed\xfe"),
    ("aarch64-linux-musl", b"\x7fELF"),
]


@needs.portable
@pytest.mark.parametrize("board", ["host", "qemu", "qemu-riscv32"])
def test_both_compilers_of_a_board_give_the_same_bytes(board, model, command):
    require_tools(*(with_compiler(find_board(board), choice) for choice in CHOICES))
    reports = []
    for choice in CHOICES:
        built = command("firmware", "build", "--model", model, "--board", board, "--compiler", choice)
        assert built.returncode == 0, built.stderr
        compiler = with_compiler(find_board(board), choice).compilers[0].tool.command
        assert f"compiled by {compiler}, " in " ".join(built.stdout.split())
        result = command("host", "validate", "--model", model, "--board", board, "--limit", 50)
        assert result.returncode == 0, result.stdout + result.stderr
        reports.append(json.loads((model / REPORT_FILE).read_text()))
        assert reports[-1]["versions"]["compiler"] == compiler
    assert [(report["verdict"], report["self_test_failures"]) for report in reports] == [("equal", 0)] * 2
    assert reports[0]["self_test_vectors"] > 0
    assert reports[0]["run_sha256"] == reports[1]["run_sha256"]
    assert load_sizes(model, board).compiler == "ziglang cc"


@needs.portable
@pytest.mark.parametrize("board", ["qemu-riscv32", "host"])
def test_the_compiler_from_pypi_gives_the_same_image_in_any_folder(board, model, tmp_path):
    elsewhere = shutil.copytree(model, tmp_path / "another" / "place")
    chosen = with_compiler(find_board(board), "zig")
    assert build(model, chosen).image_sha256 == build(elsewhere, chosen).image_sha256


@needs.portable
@pytest.mark.parametrize("target, begins", FOREIGN, ids=[target for target, _ in FOREIGN])
def test_the_host_s_firmware_links_for_computers_of_other_systems(target, begins, model):
    """Compiled and linked without a warning, not run."""
    foreign = Compiler(ZIG, ("-target", target, "-mcpu=baseline", *HOST_C.flags))
    board = replace(find_board("host"), compilers=(foreign,))
    sizes = build(model, board)
    assert image_path(model, board).read_bytes().startswith(begins)
    assert (sizes.flash_bytes > 0) == (begins == b"\x7fELF") and len(sizes.image_sha256) == 64
    watcher = model / "watcher"
    source = FIRMWARE / "boards" / find_board("unicorn").watcher
    subprocess.run([*ZIG.argv, "-target", target, *ZIG_LIBRARY.flags, str(source), "-o", str(watcher)], check=True)
    assert watcher.read_bytes().startswith(begins)


@pytest.mark.parametrize("board", SEVERAL, ids=lambda board: board.name)
def test_a_missing_compiler_is_no_problem_where_the_one_from_pypi_is_there(board, monkeypatch):
    installed = {board.emulator, ZIG}
    monkeypatch.setattr(toolchain, "find_tool", lambda tool: "there" if tool in installed else None)
    require_tools(board)
    assert missing_tools(with_compiler(board, "zig")) == []
    assert missing_tools(with_compiler(board, "system")) == [board.compilers[0].tool]
    assert demo_board().name == "unicorn"  # whose pair comes from PyPI as a whole
    installed.remove(ZIG)
    with pytest.raises(UserError, match=r"apt-get install .*, or run `pip install ziglang`") as caught:
        require_tools(board)
    assert "\n" not in caught.value.message


def test_what_the_compiler_from_pypi_cannot_build_needs_its_own_and_says_so(command, model):
    """The sanitizers' libraries."""
    for arguments, words in (
        (("--compiler", "zig"), "board host-checked is compiled by cc alone: leave COMPILER=zig out"),
        ((), "board host-checked needs cc: "),
    ):
        result = command("firmware", "build", "--model", model, "--board", "host-checked", *arguments, PATH="")
        assert result.returncode == 2 and words in result.stderr and result.stderr.count("\n") == 1
        assert "ziglang" not in result.stderr
    assert not (model / "host-checked").exists()


def test_the_makefile_has_the_compilers_of_the_table():
    """It has to know which are missing before there is a Python environment."""
    pairs = re.findall(r"^CC_(\S+) *:= (\S+)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert dict(pairs) == {board.name: board.compilers[0].tool.command for board in SEVERAL}
    assert all([compiler.tool for compiler in board.compilers[1:]] == [ZIG] for board in SEVERAL)


# What make would do; it takes a file of settings, whose recipe writes it only where it changed, for changed.
DRY = ["make", "-n", "-f", str(ROOT / "Makefile"), "-o", "build/.settings/m.export", "build", "MODEL=m", "BOARD=host"]


@pytest.fixture
def workplace(tmp_path):
    """A folder where make finds the model `m`, its firmware for board host by the system's compiler, and all tools."""
    for number, name in enumerate(
        [
            *("pyproject.toml", "requirements.lock", ".venv/base", ".venv/portable", "build/m/model.tflite"),
            *("build/m/model.json", "build/m/host/firmware.elf", "build/m/host/sizes.json"),
        ]
    ):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text('  "compiler": "cc"\n')
        os.utime(path, (number, number))
    (tmp_path / "host").mkdir()
    for name in ("protocol.py", "protocol_c.py"):
        shutil.copy2(ROOT / "host" / name, tmp_path / "host")
        os.utime(tmp_path / "host" / name, (0, 0))
    return tmp_path


@pytest.mark.parametrize("settings, rebuilt", [((), False), (("COMPILER=system",), False), (("COMPILER=zig",), True)])
@needs.gcc
def test_make_compiles_again_when_another_compiler_is_chosen(workplace, settings, rebuilt):
    result = subprocess.run([*DRY, *settings], cwd=workplace, capture_output=True, text=True, check=True)
    lines = [line for line in result.stdout.splitlines() if "firmware build" in line]
    assert len(lines) == rebuilt, result.stdout
    assert all(line.endswith("--compiler zig") for line in lines)


def test_make_without_the_system_s_compiler_installs_the_one_from_pypi(workplace):
    (workplace / ".venv" / "portable").unlink()
    tools = workplace / "bin"
    tools.mkdir()
    for name in ("make", "sh", "find", "grep", "sed", "echo", "cmp", "python3"):
        (tools / name).symlink_to(shutil.which(name))
    runs = [
        subprocess.run([*DRY, *more], cwd=workplace, env={"PATH": str(tools)}, capture_output=True, text=True)
        for more in ((), ("COMPILER=system",))
    ]
    assert ["[portable]" in run.stdout for run in runs] == [True, False], runs
    assert "firmware build" in runs[0].stdout


def test_the_demo_compiles_again_when_another_compiler_is_chosen(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "build" / "digits_small" / "host"
    folder.mkdir(parents=True)
    numbers = dict.fromkeys(("flash", "ram", "code", "weight", "golden", "stack"), 0)
    sizes = {f"{name}_bytes": number for name, number in numbers.items()} | {"image_sha256": "", "compiler": "cc"}
    (folder / "sizes.json").write_text(json.dumps(sizes))
    for choice, kept in (("system", True), ("zig", False)):
        board = with_compiler(find_board("host"), choice)
        compiling = next(s for s in stages("digits", "small", board, None, choice) if s.what == "compiling")
        assert (compiling.makes is not None) == kept
        assert compiling.command[-2:] == ("--compiler", choice)
