"""An RP2040 in a process of Node.js: runs the image of board `pico`, standard input and output its serial line,
which is one of USB or UART0:

    python -m tinyproof.host.rp2040_device firmware.elf usb

What runs is the UF2 file beside the image, the one that a real board is given. The chip is that of the npm package
rp2040js; rp2040/ adds what the package leaves to its user.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tinyproof.node_packages import find_node, find_package

DEVICE = Path(__file__).parent / "rp2040" / "device.mjs"


def command(image: Path, link: str) -> list[str]:
    """The words that start it."""
    node, package = find_node(), find_package("rp2040js")
    assert node and package, "installing.require_tools() was not asked"
    return [node, str(DEVICE), str(package), str(image.with_suffix(".uf2")), link]


if __name__ == "__main__":
    words = command(Path(sys.argv[1]), sys.argv[2])
    if os.name == "nt":  # where a process cannot become another one
        sys.exit(subprocess.call(words))
    os.execv(words[0], words)
