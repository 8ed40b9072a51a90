"""Unpacks what pictures come in: zip, and tar in its usual compressions. Regular files alone, below one folder."""

from __future__ import annotations

import contextlib
import lzma
import shutil
import struct
import tarfile
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from tinyproof.console import UserError

LARGEST = 8 << 30  # bytes unpacked
# zipfile and tarfile report damage with whatever they tripped over.
DAMAGE = (
    zipfile.BadZipFile,
    tarfile.TarError,
    lzma.LZMAError,
    zlib.error,
    struct.error,
    EOFError,
    OSError,
    RuntimeError,
    ValueError,
    LookupError,
)


def is_archive(path: Path) -> bool:
    """Whether the file is one of those that `unpacked` takes, whatever its ending."""
    try:
        return path.is_file() and (zipfile.is_zipfile(path) or tarfile.is_tarfile(path))
    except DAMAGE:  # compressed, and not a tar
        return False


@contextlib.contextmanager
def unpacked(path: Path) -> Iterator[Path]:
    """A folder with what the archive holds, gone afterwards; errors raised meanwhile speak of the archive, not of it.

    UserError if it is damaged, locked with a password or too large.
    """
    with tempfile.TemporaryDirectory() as scratch:
        root = Path(scratch) / path.stem
        root.mkdir()
        try:
            _unpack(path, root)
        except DAMAGE as error:
            raise UserError(f"{path} cannot be unpacked ({error}): replace it, or give the unpacked folder") from error
        try:
            yield root
        except UserError as error:
            raise UserError(error.message.replace(str(root), str(path))) from error


def _unpack(path: Path, root: Path) -> None:
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            _limit(path, sum(member.file_size for member in archive.infolist()))
            for member in archive.infolist():
                if not member.is_dir():
                    with archive.open(member) as content:
                        _write(root, member.filename, content)
        return
    with tarfile.open(path) as archive_tar:
        size = 0
        for entry in archive_tar:
            size += entry.size
            _limit(path, size)
            if entry.isfile() and (content_tar := archive_tar.extractfile(entry)):
                with content_tar:
                    _write(root, entry.name, content_tar)


def _limit(path: Path, size: int) -> None:
    if size > LARGEST:
        raise UserError(f"{path} unpacks to more than {LARGEST >> 30} GiB: give the unpacked folder")


def _write(root: Path, name: str, content: IO[bytes]) -> None:
    """Write a member where its name says, which is below `root` however it is written: some are made on Windows."""
    parts = [part for part in name.replace("\\", "/").split("/") if part not in ("", ".", "..")]
    if not parts:
        return
    target = root.joinpath(*parts)
    target.parent.mkdir(parents=True, exist_ok=True)
    with target.open("wb") as file:
        shutil.copyfileobj(content, file)
