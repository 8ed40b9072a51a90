"""Compiles C files to objects, several at a time, and keeps those of our own sources for the next image.

Most of a firmware is the same for every model. What decides an object is in its name: the compiler, its flags, and the
contents of the file and of all that it includes. So is the hash of the object itself, lest one that was cut be linked.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import subprocess
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from pathlib import Path

from tinyproof.compilers import Compiler, Tool
from tinyproof.made import fingerprint, tree_state
from tinyproof.toolchain import find_tool
from tinyproof.version import package_version

FOR_THE_LINKER = ("-Wl,", "-T", "-l", "-nostartfiles", "-nostdlib", "-static")  # flags that begin so
INCLUDE = re.compile(rb'^[ \t]*#[ \t]*include[ \t]*["<]([^">]+)[">]', re.MULTILINE)
KEPT_S = 30 * 24 * 3600.0  # for how long an object is kept that nobody uses


class CompilerFailed(Exception):
    """What a compiler said when it did not compile or link a file."""


@dataclass(frozen=True)
class Source:
    """A C file as it was read: what the key of an object needs of it."""

    name: str  # in the image, wherever it lies
    sha256: str
    defines: frozenset[str]  # those of its Compilation whose macro it names
    includes: tuple[Path, ...]


@dataclass(frozen=True)
class Compilation:
    """How the files of one image are compiled; it reads each of them once, so a file that changes needs another.

    `places`: for each folder what it is called in the image, wherever it lies.
    """

    compiler: Compiler
    defines: Sequence[str]
    includes: Sequence[Path]
    places: Sequence[tuple[Path, str]]

    @property
    def _flags(self) -> list[str]:
        return [flag for flag in self.compiler.flags if not flag.startswith(FOR_THE_LINKER)]

    def command(self, source: Path, to: Path) -> list[str]:
        """What compiles a file."""
        return [
            *(*self.compiler.tool.argv, *self._flags),
            *(f"-D{define}" for define in self._defined_for(self._read_by(source))),
            *(f"-I{folder}" for folder in self.includes),
            # The last one that fits counts: where this runs is nowhere to be seen.
            *(f"-ffile-prefix-map={folder}={name}" for folder, name in [(Path.cwd(), "."), *self.places]),
            *("-c", str(source), "-o", str(to)),
        ]

    def key(self, source: Path) -> str:
        """What decides the object of a file."""
        read = self._read_by(source)
        words = repr((self._defined_for(read), [(file.name, file.sha256) for file in read]))
        return fingerprint(self._decided_by_tool, words)

    @cached_property
    def _decided_by_tool(self) -> str:
        return fingerprint(repr(self._flags), tool_state(self.compiler.tool))

    def _defined_for(self, read: Sequence[Source]) -> list[str]:
        """Of the macros those that one of these files names: boards of one core share the objects of its kernels."""
        return [define for define in self.defines if any(define in file.defines for file in read)]

    def _read_by(self, source: Path) -> list[Source]:
        """The file and all that it includes, wherever a compiler may find it."""
        found: dict[Path, Source] = {}
        waiting = [source]
        while waiting:
            path = waiting.pop(0)
            if path not in found:
                found[path] = self._read(path)
                waiting += found[path].includes
        return list(found.values())

    @cached_property
    def _known(self) -> dict[Path, Source]:
        """What was read already: most headers are included by every kernel."""
        return {}

    def _read(self, path: Path) -> Source:
        if path not in self._known:
            text = path.read_bytes()
            included: list[Path] = []
            for name in INCLUDE.findall(text):
                places = (folder / os.fsdecode(name) for folder in (path.parent, *self.includes))
                included += islice(filter(Path.is_file, places), 1)
            named = frozenset(define for define in self.defines if define.partition("=")[0].encode() in text)
            sha256 = hashlib.sha256(text).hexdigest()
            self._known[path] = Source(self._name(path), sha256, named, tuple(included))
        return self._known[path]

    def _name(self, file: Path) -> str:
        found = [(at, name) for at, name in self.places if at in file.parents]
        at, name = max(found, key=lambda place: len(str(place[0])), default=(file.parent, ""))
        return f"{name}/{file.relative_to(at)}"


def tool_state(tool: Tool) -> str:
    """Which compiler it is, and of which version: what changes when another one is installed."""
    path = Path(find_tool(tool) or "")
    return fingerprint(str(path), tree_state(path), package_version(tool.module))


def compile_objects(how: Compilation, sources: Sequence[Path], own: Path, scratch: Path) -> list[Path]:
    """The objects of some files, in order; those of files below `own` are kept. CompilerFailed."""
    kept = _kept_objects()
    keys = {source: how.key(source) for source in sources if kept and own in source.parents}
    there = _by_key(kept) if kept else {}
    objects = {source: _whole(key, there.get(key, [])) for source, key in keys.items()}
    missing = [source for source in sources if objects.get(source) is None]
    made = {source: scratch / f"{place}.o" for place, source in enumerate(missing)}
    _run([how.command(source, to) for source, to in made.items()])
    if kept and any(source in keys for source in made):
        _keep(kept, [(keys[source], to) for source, to in made.items() if source in keys])
    return [objects.get(source) or made[source] for source in sources]


def link(compiler: Compiler, flags: Sequence[str], objects: Sequence[Path], image: Path) -> None:
    """Make an image of objects. CompilerFailed."""
    _run([[*compiler.tool.argv, *compiler.flags, *flags, *map(str, objects), "-o", str(image)]])


def _run(commands: Sequence[list[str]]) -> None:
    """Run all, as many at a time as there are processors."""

    def run(command: list[str]) -> None:
        result = subprocess.run(command, capture_output=True, text=True, errors="replace")
        if result.returncode != 0:
            raise CompilerFailed(result.stderr)

    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        try:
            for _ in pool.map(run, commands):
                pass
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise


def _kept_objects() -> Path | None:
    """Where this user's objects lie; None where there is no such place."""
    with contextlib.suppress(OSError, RuntimeError):
        caches = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
        folder = Path(caches) / "tinyproof" / "objects"
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        if not hasattr(os, "getuid") or folder.stat().st_uid == os.getuid():
            return folder
    return None


def _by_key(kept: Path) -> dict[str, list[Path]]:
    """The objects that are there."""
    found: dict[str, list[Path]] = {}
    with contextlib.suppress(OSError):
        for path in kept.glob("*.o"):
            found.setdefault(path.name.partition(".")[0], []).append(path)
    return found


def _whole(key: str, there: Sequence[Path]) -> Path | None:
    """The object of a key, if one of them is whole; then it counts as used."""
    with contextlib.suppress(OSError):
        for path in there:
            if path.name == _object_name(key, path.read_bytes()):
                os.utime(path)
                return path
    return None


def _keep(kept: Path, objects: Sequence[tuple[str, Path]]) -> None:
    """Keep objects, and forget those that nobody used for long; not being able to is no error."""
    with contextlib.suppress(OSError):
        for key, made in objects:
            content = made.read_bytes()
            unfinished = kept / f".{key}.{os.getpid()}"
            unfinished.write_bytes(content)
            os.replace(unfinished, kept / _object_name(key, content))
    for old in _old(kept):
        with contextlib.suppress(OSError):
            old.unlink()


def _old(kept: Path) -> Iterator[Path]:
    with contextlib.suppress(OSError):
        before = time.time() - KEPT_S
        yield from [path for path in kept.iterdir() if path.stat().st_mtime < before]


def _object_name(key: str, content: bytes) -> str:
    return f"{key}.{hashlib.sha256(content).hexdigest()}.o"
