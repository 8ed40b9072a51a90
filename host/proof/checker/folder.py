"""A model's folder as the checker takes it."""

from __future__ import annotations

from pathlib import Path

from .check import Verdict, check
from .findings import Refused

CERTIFICATE_FILE = "certificate.json"
LARGEST = 2**28  # bytes of a file


def read_folder(folder: Path) -> dict[str, bytes]:
    """The files that a certificate is of, by their path in the folder."""
    names = [Path("model.tflite")]
    cores = sorted(path.parent.name for path in (folder / "c").glob("*/model.c"))
    names += [Path("c") / core / name for core in cores for name in ("model.c", "model.h")]
    return {name.as_posix(): _read(folder / name) for name in names}


def check_folder(folder: Path, only: str = "") -> Verdict:
    """The verdict on a folder with its certificate, or on one core alone."""
    return check(read_folder(folder), _read(folder / CERTIFICATE_FILE), only)


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            content = file.read(LARGEST + 1)
    except OSError as error:
        raise Refused(f"cannot read {path}: {error.strerror}") from None
    if len(content) > LARGEST:
        raise Refused(f"{path} is too large")
    return content
