"""The options that several commands share: what they are called, what they take, and what a shell completes them with.

Nothing heavy is imported before a value is read, so that `--help` answers at once.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import click
from click.shell_completion import CompletionItem

from tinyproof import advice
from tinyproof.boards import BOARDS, CABLE_BOARDS, REAL_BOARDS, Board
from tinyproof.folders import BUILD
from tinyproof.optimize import Optimize
from tinyproof.toolchain import CHOICES, demo_board

F = TypeVar("F", bound=Callable[..., Any])
ENGINES = ("tflm", "compiled")
NO_BOARD = "none"  # for what can do without
FILE = click.Path(path_type=Path, readable=False)  # whoever reads it says what to do
MODEL_FILES = ("model.json", "model.tflite", "model.keras")  # of which a model's folder has one


class BoardName(click.types.StringParamType):
    """The name of a board. Completed from the table of boards; `find_board` refuses what is not in it."""

    name = "board"

    def __init__(self, *others: str, known: Mapping[str, Board] = BOARDS) -> None:
        self.others, self.known = others, known  # words it may also be; the boards that are of use

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        """The boards whose names begin so."""
        return [CompletionItem(name) for name in (*self.known, *self.others) if name.startswith(incomplete)]


class ModelFolder(click.Path):
    """A model's folder, or the name of one in build/. It need not exist; a file is refused."""

    name = "model"

    def __init__(self) -> None:
        super().__init__(path_type=Path, readable=False)

    def convert(self, value: str | os.PathLike[str], param: click.Parameter | None, ctx: click.Context | None) -> Path:
        """The folder."""
        if not str(value):
            self.fail("it is empty; name a folder, e.g. build/digits_small", param, ctx)
        folder = Path(value)
        if not folder.exists() and (BUILD / folder).is_dir():
            folder = BUILD / folder
        if folder.exists() and not folder.is_dir():
            self.fail(f"{folder} is a file; name the model's folder, e.g. build/digits_small", param, ctx)
        return folder

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        """The models in build/ by name, or by path where a path was begun, then the shell's own folders."""
        models = sorted(path.parent for file in MODEL_FILES for path in BUILD.glob(f"*/{file}"))
        words = dict.fromkeys(word for path in models for word in (path.name, str(path)) if word.startswith(incomplete))
        names = [word for word in words if "/" not in word]
        return [CompletionItem(word) for word in names or words] or [CompletionItem(incomplete, type="dir")]


class PortName(click.types.StringParamType):
    """A serial port or pyserial URL. Completed with the ports there are now."""

    name = "port"

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        """The ports whose names begin so, or the shell's own files: a link in /dev/serial/by-id is one."""
        from serial.tools import list_ports

        ports = [CompletionItem(port.device) for port in list_ports.comports() if port.device.startswith(incomplete)]
        return ports or [CompletionItem(incomplete, type="file")]


class Words(click.types.StringParamType):
    """Any text, completed with the given words: for what may be one of them or a path."""

    name = "text"

    def __init__(self, words: Sequence[str]) -> None:
        self.words = words

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        """The words that begin so, or the shell's own files."""
        words = [CompletionItem(word) for word in self.words if word.startswith(incomplete)]
        return words or [CompletionItem(incomplete, type="file")]


class OneOf(Words):
    """One of the given words, whatever its case, hyphens or underscores."""

    def __init__(self, what: str, words: Sequence[str]) -> None:
        super().__init__(words)
        self.what = what

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """The word."""
        if found := advice.same_name(value, self.words):
            return found
        meant = advice.did_you_mean(value, self.words)
        self.fail(f"unknown {self.what} {value!r}: choose one of {', '.join(self.words)}{meant}", param, ctx)


class WordOrPath(Words):
    """As `OneOf`, or a path; a file or folder of that name goes first."""

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """The word, or the path as it is."""
        return value if os.path.exists(value) else advice.same_name(value, self.words) or value


class FileToWrite(click.Path):
    """A file that is to be written later: refused now where it cannot be."""

    def __init__(self) -> None:
        super().__init__(path_type=Path, dir_okay=False)

    def convert(self, value: str | os.PathLike[str], param: click.Parameter | None, ctx: click.Context | None) -> Path:
        """The path."""
        path = Path(os.fspath(value))
        super().convert(value, param, ctx)
        place = next(folder for folder in path.absolute().parents if os.path.lexists(folder))
        if not place.is_dir() or not os.access(place, os.W_OK | os.X_OK):
            self.fail(
                f"{path} cannot be written, for {place} {'may not be' if place.is_dir() else 'is no folder'}",
                param,
                ctx,
            )
        return path


def emulated_board() -> str:
    """The emulated Cortex-M4F that this computer is ready for."""
    return demo_board().name


def board_option_for(help_text: str, *others: str) -> Callable[[F], F]:
    """`--board`, as `board_name`: by default the emulated Cortex-M4F that this computer is ready for."""
    return click.option(
        "--board",
        "board_name",
        type=BoardName(*others),
        default=emulated_board,
        show_default=False,
        help=f"{help_text}  [default: qemu if installed, else unicorn]",
    )


model_option = click.option(
    "--model", required=True, type=ModelFolder(), help="The model's folder, or its name in build/."
)
board_option = board_option_for("A name from the table of boards.")
real_board_option = click.option(
    *("--board", "board_name"),
    type=BoardName(known=REAL_BOARDS),
    required=True,
    help="A real board from the table of boards.",
)
cable_board_option = click.option(
    *("--board", "board_name"),
    type=BoardName(known=CABLE_BOARDS),
    required=True,
    help="A board on a USB cable from the table of boards.",
)
engine_option = click.option(
    "--engine", type=OneOf("engine", ENGINES), help=f"{' or '.join(ENGINES)}; without it the board's own choice."
)
compiler_option = click.option(
    "--compiler",
    type=OneOf("compiler", CHOICES),
    help="The one that has to be installed (cc, arm-none-eabi-gcc, ...), or the one from PyPI.  [default: the first of "
    "them that is there]",
)
optimize_option = click.option(
    "--optimize",
    type=OneOf("optimization", [each.value for each in Optimize]),
    default=Optimize.BALANCED.value,
    show_default=True,
    help="What memory the compiled engine spends on speed; small: one byte a weight, as in the .tflite.",
)
port_option = click.option(
    "--port",
    type=PortName(),
    help="A serial port or pyserial URL; without it a real board is found on USB, any other started on this machine.",
)
