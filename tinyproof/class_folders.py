"""Where the pictures of a class lie: in a folder of its name, or in such folders within train/, test/ and the like.

What is trained on, calibrated with and predicted on is found by the same rules: hidden files and archivers' are left
out, deeper folders are read.
"""

from __future__ import annotations

from pathlib import Path

from tinyproof.pictures import SUFFIXES

# sub-folders with which the owner has cut the set already, in any case
PARTS = {
    "train": ("train", "training"),
    "validation": ("validation", "valid", "val", "dev", "validate"),
    "test": ("test", "testing", "tests", "eval"),
}


def sub_folders(root: Path) -> list[str]:
    """The names of the folders in a folder, sorted; none where it is no folder."""
    if not root.is_dir():
        return []
    return sorted(path.name for path in root.iterdir() if path.is_dir() and not path.name.startswith((".", "__")))


def part_folders(root: Path, part: str) -> list[Path]:
    """The folders of class folders that go by a name of that part of PARTS."""
    return [root / name for name in sub_folders(root) if name.lower() in PARTS[part] and sub_folders(root / name)]


def pictures_below(folder: Path) -> list[Path]:
    """All pictures in the folder and deeper, by their endings."""
    return [path for path in files_below(folder) if path.suffix.lower() in SUFFIXES]


def files_below(folder: Path) -> list[Path]:
    """All files in the folder and deeper, but hidden ones and those of archivers."""
    return sorted(
        path
        for path in folder.rglob("*")
        if path.is_file() and not any(part.startswith((".", "__")) for part in path.relative_to(folder).parts)
    )
