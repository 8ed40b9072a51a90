"""What to type: commands and settings in the words of the way the user came, through `make` or the console command."""

from __future__ import annotations

import difflib
import os
import shlex
import shutil
import sys
from collections.abc import Iterable
from pathlib import Path

BY_MAKE = "TINYPROOF_BY_MAKE"  # the Makefile sets it to its goals
NAME = "tinyproof"


def by_make() -> bool:
    """Whether `make` called us; its words then work where the user stands."""
    return bool(os.environ.get(BY_MAKE))


def goals() -> list[str]:
    """What `make` was asked for."""
    return os.environ.get(BY_MAKE, "").split()


def program() -> str:
    """What starts the console command from anywhere: its name where the shell finds this one, else its path."""
    beside = Path(sys.executable).parent / NAME
    found = shutil.which(NAME)
    if not beside.exists() or (found and Path(found).resolve() == beside.resolve()):
        return NAME
    return shlex.quote(str(beside))


def command_line(verb: str, **settings: object) -> str:
    """The console command: `tinyproof build --board host`. None and False are left out, True is a flag."""
    words = [_option(name, value) for name, value in settings.items() if value is not None and value is not False]
    return " ".join([program(), verb, *words])


def command(verb: str, **settings: object) -> str:
    """`make build BOARD=host`, or the console command that does the same.

    A Path is a model's folder, which `make` knows by its name.
    """
    if not by_make():
        return command_line(verb, **settings)
    given = {name: value for name, value in settings.items() if value is not None and value is not False}
    return " ".join(["make", verb, *(_setting(name, value) for name, value in given.items())])


def setting(name: str, value: object = "") -> str:
    """`BOARD=host`, or `--board host`; without a value its name alone: `BOARD=`, `--board`. A tuple: several values."""
    return _setting(name, value) if by_make() else _option(name, value)


def another(option: str) -> str:
    """`choose another --out, or `, to go on with what else helps; nothing for a place that `make` chooses itself.

    >>> another("")
    ''
    """
    return "" if not option or (by_make() and option == "out") else f"choose another {name_of(option)}, or "


def name_of(option: str) -> str:
    """What an option is called: `--board`, by make `BOARD`."""
    return option.upper() if by_make() else _option(option, "")


def same_name(name: str, known: Iterable[str]) -> str | None:
    """The known name that differs in case, spaces, hyphens or underscores at most.

    >>> same_name("Fashion-MNIST", ["digits", "fashion_mnist"])
    'fashion_mnist'
    """
    return {_plain(one): one for one in known}.get(_plain(name))


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """`; did you mean ...?` for a name that resembles known ones, else nothing.

    >>> did_you_mean("nano33", ["qemu", "nano33ble"])
    "; did you mean 'nano33ble'?"
    """
    plain = {_plain(one): one for one in known}
    wanted = _plain(name)
    begun = [one for one in plain if wanted and (one.startswith(wanted) or wanted.startswith(one))]
    begun.sort(key=lambda one: abs(len(one) - len(wanted)))
    near = (begun or difflib.get_close_matches(wanted, plain))[:2]
    return f"; did you mean {' or '.join(repr(plain[one]) for one in near)}?" if near else ""


def _plain(name: str) -> str:
    return "".join(letter for letter in name.lower() if letter.isalnum())


def _setting(name: str, value: object) -> str:
    value = " ".join(value) if isinstance(value, tuple) else value
    text = "1" if value is True else value.resolve().name if isinstance(value, Path) else shlex.quote(str(value))
    return f"{name.upper()}={text if value != '' else ''}"


def _option(name: str, value: object) -> str:
    if isinstance(value, tuple):
        return " ".join(_option(name, one) for one in value)
    option = f"--{name.replace('_', '-')}"
    if value is True or value == "":
        return option
    return f"{option} {shlex.quote(str(value.resolve() if isinstance(value, Path) else value))}"
