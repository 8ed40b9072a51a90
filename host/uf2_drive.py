"""The drive that the boot ROM of a chip offers for flashing: where it is, and how a file gets onto it whole.

The drive is one of the volumes that are mounted; a file INFO_UF2.TXT on it says which chip it belongs to.
"""

from __future__ import annotations

import errno
import os
import re
import string
import sys
from dataclasses import dataclass
from pathlib import Path

from tinyproof.boards import Board
from tinyproof.console import UserError

INFO_FILE = "INFO_UF2.TXT"
BOARD_ID = re.compile(rb"^Board-ID:\s*(\S+)", re.MULTILINE)
MOUNTS = Path("/proc/self/mounts")
MAC_VOLUMES = Path("/Volumes")
WINDOWS_VOLUMES = [Path(f"{letter}:/") for letter in string.ascii_uppercase]
LABELS = Path("/dev/disk/by-label")
PART_BYTES = 64 * 1024


@dataclass(frozen=True)
class Drive:
    """A mounted volume that takes UF2 files, and the chip it says it belongs to."""

    folder: Path
    chip: str


def find_drives() -> list[Drive]:
    """All such drives of this computer."""
    drives = []
    for folder in _volumes():
        try:
            match = BOARD_ID.search((folder / INFO_FILE).read_bytes())
        except OSError:
            continue
        if match:
            drives.append(Drive(folder, match[1].decode("ascii", "replace")))
    return drives


def find_drive(board: Board) -> Drive | None:
    """The drive of a board that waits for a program; None where there is none. UserError where there are several."""
    drives = [drive for drive in find_drives() if drive.chip == board.drive]
    if len(drives) > 1:
        places = ", ".join(str(drive.folder) for drive in drives)
        raise UserError(f"{len(drives)} boards wait for a program, at {places}: unplug all but one")
    return drives[0] if drives else None


def no_drive(board: Board) -> str:
    """What to say where there is no such drive: another chip's, one that is not mounted, or none at all."""
    hold = board.recovery
    if others := find_drives():
        listed = ", ".join(f"{drive.folder} is a {drive.chip}'s" for drive in others)
        return f"no drive is a {board.drive}'s, but {listed}: is it another board? If not, {hold}"
    if (label := LABELS / (board.drive_label or board.drive)).exists():
        return f"the drive {label.name} is there and not mounted: run `udisksctl mount -b {label}`, and try again"
    return f"no {board.title.partition(',')[0]} waits for a program, and none is on a known port: {hold}"


def copy(image: Path, drive: Drive) -> None:
    """Copy the whole file onto the drive. The board starts the program with the last block, and its drive is gone then.

    Raises UserError where the drive is full, may not be written, or vanishes before that.
    """
    data = image.read_bytes()
    place, written = drive.folder / image.name, 0
    try:
        with place.open("wb", buffering=0) as file:
            while written < len(data):
                written += file.write(data[written : written + PART_BYTES])
            os.fsync(file.fileno())
    except OSError as error:
        if written == len(data) and error.errno != errno.ENOSPC and not (drive.folder / INFO_FILE).exists():
            return  # the board has all of it, and restarted before the system was done with the drive
        raise UserError(_why(error, drive, written, len(data))) from error


def _why(error: OSError, drive: Drive, written: int, size: int) -> str:
    done = f"{written:,} of {size:,} bytes"
    if error.errno == errno.ENOSPC:
        return (
            f"the drive {drive.folder} is full after {done}: delete what was copied there, or plug the board in again"
        )
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return f"{drive.folder} may not be written ({error.strerror}): mount it as this user, e.g. by its file manager"
    return f"the drive {drive.folder} vanished after {done} ({error.strerror}): plug the board in again, and try again"


def _volumes() -> list[Path]:
    """Where volumes are mounted on this system: all of them, for the label is not part of the place everywhere."""
    if sys.platform == "win32":
        return [volume for volume in WINDOWS_VOLUMES if volume.exists()]
    if sys.platform == "darwin":
        return sorted(MAC_VOLUMES.iterdir()) if MAC_VOLUMES.is_dir() else []
    try:
        lines = MOUNTS.read_text(encoding="utf-8", errors="surrogateescape").splitlines()
    except OSError:
        return []
    fields = [line.split() for line in lines]
    return [Path(_unescaped(field[1])) for field in fields if len(field) > 2 and field[2] in ("vfat", "msdos")]


def _unescaped(text: str) -> str:
    r"""The path in a line of mounts, where `\040` is a space."""
    return re.sub(r"\\([0-7]{3})", lambda match: chr(int(match[1], 8)), text)
