"""What a file is that is no set of pictures, by its first bytes, and how to make one of it."""

from __future__ import annotations

from pathlib import Path

from tinyproof.beginnings import stand_in
from tinyproof.class_folders import is_picture

BEGINNINGS = (
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive, to be unpacked first"),
    (b"Rar!\x1a\x07", "a RAR archive, to be unpacked first"),
    (b"PAR1", "a Parquet table"),
    (b"\x89HDF\r\n", "an HDF5 file"),
    (b"MATLAB", "a MATLAB file"),
    (b"\x93NUMPY", "one array without labels"),
    (b"\x80", "a pickle, which could run any program and is never read"),
    (b"SQLite", "a data base"),
    (b"PK\x03\x04", "a zip that is cut short"),
    (b"\x1f\x8b", "a compressed file, but no tar in it"),
    (b"\x00\x00\x08", "an IDX file, as MNIST has it"),
)
ENDINGS = {
    ".tfrecord": "a TFRecord file",
    ".tfrecords": "a TFRecord file",
    ".csv": "a table",
    ".tsv": "a table",
    ".json": "a list",
    ".yaml": "a list",
    ".zip": "no zip archive, or one that is cut",
    ".npz": "no .npz of arrays, or one that is cut",
}


def kind_of(path: Path) -> str:
    """`a 7z archive, to be unpacked first`."""
    if is_picture(path):
        return "a single picture"
    with path.open("rb") as file:
        start = file.read(512)
    if not start:
        return "empty"
    for beginning, kind in BEGINNINGS:
        if start.startswith(beginning):
            return kind
    if other := stand_in(start):
        return f"{other[0]} ({other[1]})"
    return ENDINGS.get(path.suffix.lower(), "nothing that holds pictures")
