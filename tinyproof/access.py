"""Whose a file or folder is that this user may not read or write, and what to type. Standard library alone."""

from __future__ import annotations

import contextlib
import os
import shlex
from pathlib import Path


def may_have(path: Path, named: bool = True) -> str:
    """What to do about a file or folder that may not be read or written, by whose it is; `named`: just before."""
    there = next((place for place in (path, *path.absolute().parents) if os.path.lexists(place)), path)
    it = "it" if named and there == path else there
    with contextlib.suppress(OSError, AttributeError):  # such as on Windows
        if os.statvfs(there).f_flag & os.ST_RDONLY:
            return f"{it} is on a drive that can only be read: work on a copy elsewhere"
    owners = {place: _owner(place) for place in (there, *there.absolute().parents)}
    owner, me = owners[there], _me()
    if not owner or not me or owner == me:
        return f"change the permissions of {it} (`chmod -R u+rwX {shlex.quote(str(there))}`)"
    # What this user's project holds, and no other folder, may be asked for as one's own.
    foreign = [place for place, of in owners.items() if of == owner and Path.cwd() in place.absolute().parents]
    if not foreign:
        return f"{it} belongs to {owner} and not to {me}: ask for access, or take another place"
    theirs = shlex.quote(os.path.relpath(foreign[-1]))
    return f"{it} belongs to {owner} and not to {me}: `sudo chown -R {me} {theirs}` changes that"


def _owner(path: Path) -> str:
    """The user whose it is; nothing where the system does not say."""
    with contextlib.suppress(OSError, NotImplementedError, KeyError):
        return path.owner()
    return ""


def _me() -> str:
    with contextlib.suppress(ImportError, KeyError):
        import pwd

        return pwd.getpwuid(os.geteuid()).pw_name
    return ""
