"""One table of compilers: the first installed one is taken, else the one from PyPI, and either can be forced."""

from __future__ import annotations

import json
import os
import pty
import shutil
import subprocess
import sys
import termios
import time
from dataclasses import replace
from functools import partial
from pathlib import Path

import needs
import pytest
from conftest import FIRMWARE, ROOT

from tinyproof import toolchain
from tinyproof.boards import BOARDS, find_board
from tinyproof.compilers import HOST_C, ZIG, ZIG_LIBRARY, Compiler
from tinyproof.console import UserError
from tinyproof.cores import CORTEX_M4F
from tinyproof.firmware import build as firmware_build
from tinyproof.firmware.build import build, image_path, load_sizes
from tinyproof.firmware.objects import Compilation
from tinyproof.host.bench.image import Image
from tinyproof.host.doctor import PROBLEM, check_tools
from tinyproof.host.record.file import REPORT_FILE
from tinyproof.installing import require_tools
from tinyproof.manifest import C_FOLDER
from tinyproof.toolchain import CHOICES, demo_board, missing_tools, with_compiler

SEVERAL = [board for board in BOARDS.values() if len(board.compilers) > 1]
FOREIGN = [
    # a computer, and how its programs begin
    ("aarch64-macos", b"\xcf\xfa\xed\xfe"),
    ("x86_64-macos", b"\xcf\xfa\xed\xfe"),
]


@needs.portable
@pytest.mark.parametrize("board", ["host", "qemu", "qemu-m33", "qemu-m7", "qemu-m55", "stm32f405", "qemu-riscv32"])
def test_both_compilers_of_a_board_give_the_same_bytes(board, model, command):
    require_tools(*(with_compiler(find_board(board), choice) for choice in CHOICES))
    reports = []
    for choice in CHOICES:
        built = command("build", "--model", model, "--board", board, "--compiler", choice)
        assert built.returncode == 0, built.stderr
        compiler = with_compiler(find_board(board), choice).compilers[0].tool.command
        assert f"compiled by {compiler}, " in " ".join(built.stdout.split())
        result = command("validate", "--model", model, "--board", board, "--limit", 50)
        assert result.returncode == 0, result.stdout + result.stderr
        reports.append(json.loads((model / REPORT_FILE).read_text()))
        assert reports[-1]["origin"]["versions"]["compiler"] == compiler
    assert [(report["verdict"], report["self_test"]["failures"]) for report in reports] == [("equal", 0)] * 2
    assert reports[0]["self_test"]["vectors"] > 0
    if find_board(board).core == CORTEX_M4F:  # both compilers have to use the instructions that it has
        counted = [report["cost"]["instructions"] for report in reports]
        assert counted[0] < 600_000 and counted[1] < 1.05 * counted[0]
        loaded = Image(image_path(model, find_board(board))).segments
        assert sum(size for *_, size in loaded) < 2**20  # without the stack of 16 MiB that LLD allows
    assert reports[0]["run_sha256"] == reports[1]["run_sha256"]
    assert load_sizes(model, board).compiler == "ziglang cc"


@pytest.mark.parametrize("board", ["qemu", "qemu-m55", "pico", "qemu-riscv32", "qemu-xtensa"])
def test_every_kernel_finds_what_the_compiler_calls(board, model):
    """Divisions and products that a core lacks, the C library: in an image that keeps what nothing calls."""
    compiler = find_board(board).compilers[0]
    whole = replace(compiler, flags=(*compiler.flags, "-Wl,--no-gc-sections"))
    build(model, replace(find_board(board), compilers=(whole,), budget=None))


@pytest.mark.parametrize("board", ["qemu", "qemu-m55", "pico", "qemu-riscv32", "qemu-xtensa"])
def test_the_kernels_of_a_core_and_a_model_compile_as_one_file(board, model, tmp_path):
    """As in a build that includes all sources in one: no two files give one name to different things."""
    board = find_board(board)
    compiler, kernels = board.compilers[0], firmware_build.kernel_folders(board.core)
    generated = model / C_FOLDER / board.core.name
    files = [path for folder in (*kernels, generated) for path in sorted(folder.glob("*.c"))]
    (tmp_path / "all.c").write_text("".join(f'#include "{path}"\n' for path in files))
    includes = (*kernels, generated, FIRMWARE / "engine")
    command = Compilation(compiler, (), includes, ()).command(tmp_path / "all.c", tmp_path / "none.o")
    subprocess.run([*command, "-fsyntax-only"], check=True)


@pytest.mark.parametrize("board", ["qemu", "pico", "qemu-riscv32", "qemu-xtensa"])
def test_what_a_compiler_does_unasked_changes_no_object(board, tmp_path):
    """Some are built to write position-independent code and to guard the stack, for which nothing here is prepared."""
    source = tmp_path / "source.c"
    declared = "extern int there; void fill(char *); int f(void);"
    source.write_text(f"{declared}\nint f(void) {{ char line[64]; fill(line); return there + line[9]; }}\n")
    compiler = find_board(board).compilers[0]
    objects = []
    for defaults in ((), ("-fpic", "-fstack-protector-all")):
        each = replace(compiler, flags=(*defaults, *compiler.flags, "-g0"))
        command = Compilation(each, (), (), ()).command(source, tmp_path / "object.o")
        subprocess.run(command, check=True)
        objects.append((tmp_path / "object.o").read_bytes())
    assert objects[0] == objects[1]


@needs.portable
@pytest.mark.parametrize("board", ["qemu-riscv32", "host"])
def test_the_compiler_from_pypi_gives_the_same_image_in_any_folder(board, model, tmp_path, monkeypatch):
    elsewhere = shutil.copytree(model, tmp_path / "another" / "place")
    chosen = with_compiler(find_board(board), "zig")
    usual = build(model, chosen).image_sha256
    caches = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    monkeypatch.setenv("ZIG_GLOBAL_CACHE_DIR", str(caches / "zig"))  # its own library, which takes it seconds
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "empty"))  # no object from there
    assert build(elsewhere, chosen).image_sha256 == usual


@needs.portable
def test_the_line_of_the_host_s_firmware_has_its_speed_on_the_library_that_is_there(model):
    """zig's headers are those of the newest glibc, which gives speeds other numbers than older ones take."""
    assert Path(ZIG.argv[0]).stem == "zig"  # no Python in between
    board = with_compiler(find_board("host"), "zig")
    build(model, board)
    ours, line = pty.openpty()
    with os.fdopen(ours), os.fdopen(line), subprocess.Popen([image_path(model, board)], stdin=ours, stdout=ours) as it:
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline and termios.tcgetattr(line)[4:6] != [termios.B115200] * 2:
            time.sleep(0.01)
        it.kill()
        assert termios.tcgetattr(line)[4:6] == [termios.B115200] * 2


@needs.portable
@pytest.mark.parametrize("target, begins", FOREIGN, ids=[target for target, _ in FOREIGN])
def test_the_host_s_firmware_links_for_computers_of_other_systems(target, begins, model):
    """Compiled and linked without a warning, not run."""
    foreign = Compiler(ZIG, ("-target", target, "-mcpu=baseline", *HOST_C.flags))
    board = replace(find_board("host"), compilers=(foreign,))
    sizes = build(model, board)
    assert image_path(model, board).read_bytes().startswith(begins)
    assert sizes.flash_bytes == 0 and len(sizes.image_sha256) == 64  # of an ELF alone they are known
    watcher = model / "watcher"
    source = FIRMWARE / "boards" / find_board("unicorn").watcher
    subprocess.run([*ZIG.argv, "-target", target, *ZIG_LIBRARY.flags, str(source), "-o", str(watcher)], check=True)
    assert watcher.read_bytes().startswith(begins)


@needs.portable
@pytest.mark.parametrize("target, begins", [("x86_64-windows-gnu", b"\x64\x86"), ("aarch64-linux-musl", b"\x7fE")])
def test_the_host_s_firmware_compiles_for_windows_and_arm64(target, begins, model, monkeypatch, tmp_path):
    """Not linked: zig would compile all of those C libraries first, for minutes."""
    made: list[bytes] = []
    monkeypatch.setattr(firmware_build, "link", lambda *given: made.extend(o.read_bytes()[:2] for o in given[2]))
    foreign = Compiler(ZIG, ("-target", target, "-mcpu=baseline", *HOST_C.flags))
    with pytest.raises(FileNotFoundError):  # the image
        build(model, replace(find_board("host"), compilers=(foreign,)))
    watcher = tmp_path / "watcher.o"
    source = FIRMWARE / "boards" / find_board("unicorn").watcher
    subprocess.run(
        [*ZIG.argv, "-target", target, *ZIG_LIBRARY.flags, "-c", str(source), "-o", str(watcher)], check=True
    )
    assert len(made) > 20 and {*made, watcher.read_bytes()[:2]} == {begins}


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
        result = command("build", "--model", model, "--board", "host-checked", *arguments, PATH="")
        assert result.returncode == 2 and words in result.stderr and result.stderr.count("\n") == 1
        assert "ziglang" not in result.stderr
    assert not (model / "host-checked").exists()


def asked_by_make(*settings, path):
    """What make is told, by a Python without packages, where these programs are."""
    words = [sys.executable, "-S", "-m", "tinyproof.make", *settings]
    done = subprocess.run(words, cwd=ROOT, env={"PATH": str(path)}, capture_output=True, text=True, check=True)
    return dict(word.split(":=") for word in done.stdout.split())


def test_make_installs_the_compiler_from_pypi_where_the_system_has_none(tmp_path):
    for board in SEVERAL:
        assert all([compiler.tool for compiler in board.compilers[1:]] == [ZIG] for board in SEVERAL)
        none, one = tmp_path / "none", tmp_path / board.name
        one.mkdir()
        compiler = one / board.compilers[0].tool.command
        compiler.write_text("#!/bin/sh\n")
        compiler.chmod(0o755)
        name = f"BOARD={board.name}"
        found = [asked_by_make(name, path=none), asked_by_make(name, "COMPILER=system", path=none)]
        found += [asked_by_make(name, path=one), asked_by_make(name, "COMPILER=zig", path=one)]
        compiled = [True, False, False, True]
        from_pypi = board.emulator and (board.emulator.runs_in_node or board.emulator.module)
        expected = [True] * 4 if from_pypi else compiled
        assert [bool(facts["FROM_PYPI"]) for facts in found] == expected, board.name
    assert asked_by_make(path=tmp_path / "none")["BOARD"] == "unicorn"


def test_make_knows_what_a_board_needs_and_which_folder_is_meant(tmp_path):
    for board in BOARDS.values():
        facts = asked_by_make(f"BOARD={board.name}", path=tmp_path)
        assert (bool(facts["HAS_IMAGE"]), bool(facts["ON_CABLE"])) == (bool(board.compilers), board.is_real)
    assert not asked_by_make("BOARD=host", "PORT=/dev/ttyACM0", path=tmp_path)["HAS_IMAGE"]
    folders = {
        (): "digits_small",
        ("DATASET=My-Photos.zip", "PRESET=photo"): "my_photos_photo",
        ("DATASET=a/Photos/",): "photos_small",
        ("TFLITE=x/Person.tflite",): "Person",
        ("KERAS=mine.keras",): "mine",
        ("MODEL=some",): "some",
    }
    for settings, folder in folders.items():
        assert asked_by_make(*settings, path=tmp_path)["DIR"] == f"build/{folder}"


@needs.gcc
@needs.portable
def test_an_image_is_built_again_when_another_compiler_is_chosen_and_only_then(command, model):
    build = partial(command, "build", "--model", model, "--board", "host")
    said = [build(*more).stdout for more in ((), (), ("--compiler", "system"), ("--compiler", "zig"), ())]
    assert ["is built already" in text for text in said] == [False, True, True, False, False]


def test_a_compiler_without_its_c_library_is_not_taken(tmp_path, monkeypatch):
    """A program of that name that fails as gcc does without a header; the next in the table builds."""
    half = tmp_path / "arm-none-eabi-gcc"
    half.write_text("#!/bin/sh\necho 'fatal error: string.h: No such file or directory' >&2\nexit 1\n")
    half.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    board = BOARDS["qemu"]
    system = with_compiler(board, "system")
    assert toolchain.find_tool(system.compilers[0].tool) == str(half)
    assert toolchain.taken_compiler(board).tool == ZIG
    assert system.compilers[0].tool in missing_tools(system) and demo_board().name == "unicorn"
    checks = {check.subject: check for check in check_tools([board])}
    found = checks["arm-none-eabi-gcc"]
    assert (found.state, "without its C library" in found.finding) == (PROBLEM, True)
