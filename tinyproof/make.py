"""What the Makefile asks before anything is installed: `python -m tinyproof.make SETTING=value ...`.

Prints assignments for make: which model folder the settings mean, which board, and what that board needs. They come
from the same tables as everything else. Standard library alone.
"""

from __future__ import annotations

from tinyproof import interruption

if __name__ == "__main__":
    interruption.before_anything_began()

import os  # noqa: E402
import sys  # noqa: E402
from pathlib import Path  # noqa: E402

from tinyproof import advice  # noqa: E402
from tinyproof.boards import BOARDS, CABLE_BOARDS, REAL_BOARDS, Board  # noqa: E402
from tinyproof.folders import BUILD, DATASET, PRESET, model_folder, trained_folder  # noqa: E402
from tinyproof.toolchain import demo_board, works  # noqa: E402


def facts(settings: dict[str, str]) -> dict[str, str]:
    """The variables that make goes on with. An unknown board is left for the command that gets it to refuse."""
    name = settings.get("BOARD") or demo_board().name
    board = BOARDS.get(advice.same_name(name, BOARDS) or name)
    return {
        "BOARD": name,
        "DIR": _folder(settings).as_posix(),
        "USUAL_DATASET": DATASET,
        "USUAL_PRESET": PRESET,
        "HAS_IMAGE": "yes" if board and board.compilers and not settings.get("PORT") else "",
        "ON_CABLE": "yes" if board and board.is_real else "",
        "OTHERS_ON_CABLE": ",".join(REAL_BOARDS) if board and not board.is_real else "",
        "OTHERS_TO_FLASH": ",".join(CABLE_BOARDS) if board and not board.application else "",
        "FROM_PYPI": "yes" if board and _from_pypi(board, settings.get("COMPILER", "")) else "",
    }


def _folder(settings: dict[str, str]) -> Path:
    if model := settings.get("MODEL"):
        return BUILD / Path(model.removeprefix(f"{os.getcwd()}/").removeprefix("./").removeprefix(f"{BUILD}/"))
    if file := settings.get("TFLITE") or settings.get("KERAS"):
        return model_folder(file)
    return trained_folder(settings.get("DATASET") or DATASET, settings.get("PRESET") or PRESET)


def _from_pypi(board: Board, choice: str) -> bool:
    """Whether the board is built or emulated by what pip installs: the Python asked may lack it."""
    choices = {"system": [False], "zig": [True]}.get(choice, [False, True])
    compilers = [compiler for compiler in board.compilers if bool(compiler.tool.module) in choices]
    taken = next((compiler.tool for compiler in compilers if compiler.tool.module or works(compiler)), None)
    return any(tool and (tool.module or tool.runs_in_node) for tool in (taken, board.emulator))


if __name__ == "__main__":
    interruption.interruptible()
    given = dict(word.split("=", 1) for word in sys.argv[1:] if "=" in word)
    try:
        assignments = " ".join(f"{name}:={value}" for name, value in facts(given).items())
        print(assignments.replace("#", r"\#"))  # which begins a comment of make
    except KeyboardInterrupt:
        sys.exit(interruption.exit_status())
