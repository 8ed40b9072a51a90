"""Which files lie below a folder. Links are followed, none of them in a circle; hidden files and those that archivers,
desktops and file servers leave behind are left out. What may not be read is an error. Standard library alone.
"""

from __future__ import annotations

import os
from pathlib import Path

from tinyproof.access import may_have
from tinyproof.console import UserError

LEFT_BEHIND = ("__macosx", "__pycache__", "@eadir", "#recycle", "$recycle.bin", "lost+found")  # @eadir: thumbnails


def is_passed_over(name: str) -> bool:
    """Whether a file or folder of that name is nobody's picture."""
    return name.startswith(".") or name.lower() in LEFT_BEHIND


def sub_folders(root: Path) -> list[str]:
    """The names of the folders in a folder, sorted; none where it is no folder."""
    if not root.is_dir():
        return []
    return sorted(entry.name for entry in _entries(root) if _is_folder(entry) and not is_passed_over(entry.name))


def files_in(folder: Path) -> list[Path]:
    """The files in the folder itself, sorted; links to nothing too."""
    return sorted(Path(entry) for entry in _entries(folder) if _is_file(entry) and not is_passed_over(entry.name))


def files_below(folder: Path) -> list[Path]:
    """The files in the folder and deeper, sorted; links to nothing too."""
    found: list[Path] = []
    _collect(folder, {os.path.realpath(folder)}, found)
    return sorted(found)


def _collect(folder: Path, entered: set[str], found: list[Path]) -> None:
    found += files_in(folder)
    for name in sub_folders(folder):
        inside = folder / name
        place = os.path.realpath(inside)
        # A link to where one came from would lead to everything beside it as well.
        leads_back = inside.is_symlink() and any(
            known == place or known.startswith(place + os.sep) for known in entered
        )
        if place not in entered and not leads_back:
            entered.add(place)
            _collect(inside, entered, found)


def _entries(folder: Path) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            return list(entries)
    except PermissionError as error:
        raise UserError(f"{folder} may not be read: {may_have(folder)}") from error


def _is_file(entry: os.DirEntry[str]) -> bool:
    """A file, or a link to nothing, to itself or to what may not be seen; a pipe or a device is neither."""
    try:
        return entry.is_file() or (entry.is_symlink() and not os.path.exists(entry))
    except OSError:
        return entry.is_symlink()


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # of a link, as above
        return False
