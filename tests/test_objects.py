"""Objects of our own sources are compiled once: for which they are taken again, and for which not."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest
from conftest import FIRMWARE

from tinyproof.boards import find_board
from tinyproof.compilers import HOST_C
from tinyproof.firmware import objects
from tinyproof.firmware.build import build, image_path
from tinyproof.firmware.objects import Compilation, compile_objects
from tinyproof.host.bench.compilers import optimized

KERNELS = FIRMWARE / "kernels"
BOARD = optimized(find_board("host"), "-O0")  # which compiles fastest


@pytest.fixture
def compiled(monkeypatch) -> list[str]:
    """The names of the files that the compiler is asked to compile."""
    names: list[str] = []
    run = objects._run

    def counted(commands):
        names.extend(Path(command[command.index("-c") + 1]).name for command in commands if "-c" in command)
        run(commands)

    monkeypatch.setattr(objects, "_run", counted)
    return names


@pytest.fixture
def cache(monkeypatch, tmp_path) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache/tinyproof/objects"


def test_an_image_is_the_same_of_objects_that_were_kept_even_where_one_is_cut(model, compiled, cache):
    build(model, BOARD)
    image, all_files = image_path(model, BOARD).read_bytes(), set(compiled)
    assert {"model.c", "app.c", "conv2d_s8.c"} < all_files
    compiled.clear()
    build(model, BOARD)
    generated = {path.name for path in (model / "c").rglob("*.c")}
    assert set(compiled) <= generated and image_path(model, BOARD).read_bytes() == image
    cut = next(path for path in cache.iterdir())
    cut.write_bytes(cut.read_bytes()[:100])
    compiled.clear()
    build(model, BOARD)
    assert len(set(compiled) - generated) == 1 and image_path(model, BOARD).read_bytes() == image


def test_an_image_does_not_tell_where_it_was_compiled(model, cache, tmp_path, monkeypatch):
    build(model, BOARD)
    image = image_path(model, BOARD).read_bytes()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "another"))
    monkeypatch.chdir(tmp_path)
    build(model, BOARD)
    assert image_path(model, BOARD).read_bytes() == image


def compile_one(scratch: Path) -> Path:
    """One of our own files, as a build has all of them; its object."""
    how = Compilation(BOARD.compilers[0], (), [KERNELS], [(FIRMWARE, "firmware")])
    [made] = compile_objects(how, [KERNELS / "conv2d_s8.c"], FIRMWARE, scratch)
    return made


def test_without_a_place_to_keep_objects_everything_is_compiled(tmp_path, compiled, cache):
    cache.parent.parent.mkdir(exist_ok=True)
    cache.parent.write_text("a file in the place of the folder")
    for _ in range(2):
        assert compile_one(tmp_path).parent == tmp_path
    assert compiled == ["conv2d_s8.c"] * 2


def test_what_an_object_depends_on_is_in_its_key(tmp_path):
    (tmp_path / "a.c").write_text('#include "a.h"\n#include <stdint.h>\n')
    (tmp_path / "a.h").write_text('# include "deeper.h"\n')
    (tmp_path / "deeper.h").write_text("int x;\n")
    (tmp_path / "b.h").write_text("int y;\n")

    def key(defines: tuple[str, ...] = (), compiler=HOST_C) -> str:
        how = Compilation(compiler, defines, [tmp_path], [(tmp_path, "firmware")])
        return how.key(tmp_path / "a.c")

    first = key()
    (tmp_path / "b.h").write_text("int z;\n")
    assert key() == first
    assert key(("N=1",)) == first
    (tmp_path / "deeper.h").write_text("int x = N;\n")
    assert key(("N=1",)) != key(("N=2",))
    assert key() != first


def test_what_nobody_used_for_a_month_goes(tmp_path, cache):
    cache.mkdir(parents=True)
    old, newer = cache / "old.o", cache / "newer.o"
    for path, age in ((old, 31), (newer, 29)):
        path.write_bytes(b"")
        os.utime(path, 2 * (time.time() - age * 24 * 3600,))
    compile_one(tmp_path)
    assert not old.exists() and newer.exists()
