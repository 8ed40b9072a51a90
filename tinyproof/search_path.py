"""Where modules are looked for: here first, and in the folders of PYTHONPATH or the current one last.

Those may hold a `numpy.py`, a `training.py` or packages of another Python, which would run instead of ours without a
word. What only they have is still found. Standard library alone, and little of it: that could be theirs, too.
"""

import os
import sys


def ours_first() -> None:
    """Move the folders that the user's surroundings put first on the path of modules to its end."""
    named = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    theirs = {os.path.realpath(name) for name in [*named, os.getcwd()] if name}
    moved = [name for name in sys.path if os.path.realpath(name) in theirs]
    sys.path[:] = [name for name in sys.path if name not in moved] + moved


def passed_over(package: str) -> str:
    """The folder with the `tinyproof` that is installed where another, in the folder `package`, runs; else nothing."""
    folders = (os.path.join(name, os.path.basename(package)) for name in sys.path)
    found = next((name for name in folders if os.path.isfile(os.path.join(name, "__init__.py"))), package)
    return "" if os.path.realpath(found) == os.path.realpath(package) else found
