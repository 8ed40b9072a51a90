"""This computer as the project sees it: other processes of ours, and where data lies."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

END_S = 10.0  # for a program that was interrupted
DATA_VARIABLE = "TINYPROOF_DATA"  # a folder with copies of the public data sets
# Python puts the current folder first on the path of `-m` and `-c`: a file of the user's would run instead of ours.
_START = (
    "import sys; sys.path = [p for p in sys.path if p]; from tinyproof.search_path import ours_first; ours_first(); "
    "import runpy; runpy.run_module(sys.argv.pop(1), run_name='__main__', alter_sys=True)"
)


def run_module(module: str) -> list[str]:
    """The words that run a module, of this project or an installed one, in another process of this Python."""
    return [sys.executable, "-c", _START, module]


def run_along(command: Sequence[str], settings: Mapping[str, str]) -> int:
    """Run a program on this terminal, with these settings more in its environment; its exit status.

    Interrupted, the program is asked to end as well, and waited for: what it began is its own to clear up.
    """
    process = subprocess.Popen(command, env={**os.environ, **settings})
    try:
        return process.wait()
    except KeyboardInterrupt:
        process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            return process.wait(END_S)
        process.kill()
        return process.wait()


def data_folder() -> Path | None:
    """The folder that the user has named for data; None where there is none."""
    named = os.environ.get(DATA_VARIABLE)
    return Path(named) if named and Path(named).is_dir() else None
