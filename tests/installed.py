"""`python tests/installed.py FOLDER`: the package as an installed copy has it, in links to the repository's files.

For tools that read packages from a folder and do not run them: mypy, import-linter.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
STOREYS = ("training", "host", "firmware", "export")  # each imports those after it and the floor, `tinyproof` itself


def link_package(folder: Path) -> None:
    """Make `folder`/tinyproof anew."""
    package = folder / "tinyproof"
    shutil.rmtree(package, ignore_errors=True)
    package.mkdir(parents=True)
    for path in (*(ROOT / "tinyproof").iterdir(), *(ROOT / storey for storey in STOREYS)):
        (package / path.name).symlink_to(path)


if __name__ == "__main__":
    link_package(Path(sys.argv[1]))
