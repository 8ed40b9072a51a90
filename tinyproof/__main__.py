"""`tinyproof`: every command of the project under one name.

A command is a module of its storey's `commands`, imported when it is called, so that `--help` does not wait for
libraries that it does not need. This table names them and imports none.
"""

from __future__ import annotations

import os
import sys

from tinyproof import search_path

IS_COMMAND = __name__ == "__main__" or os.path.basename(sys.argv[0]).removesuffix(".exe") == "tinyproof"
if IS_COMMAND:
    search_path.ours_first()

import importlib  # noqa: E402
import re  # noqa: E402
import warnings  # noqa: E402
from collections.abc import Iterator, Sequence  # noqa: E402
from typing import Any  # noqa: E402

from tinyproof import interruption, missing  # noqa: E402

if IS_COMMAND:
    interruption.before_anything_began()
    missing.say_what_is_missing()

import click  # noqa: E402

from tinyproof.advice import NAME, by_make, did_you_mean, goals, name_of, program  # noqa: E402
from tinyproof.console import UserError, run  # noqa: E402
from tinyproof.options import FILE, PortName  # noqa: E402

# heading: command: its storey, and its line in the list
COMMANDS = {
    "Start here": {
        "demo": ("host", "Everything on this machine, from training to the verdict of the emulated chip."),
        "doctor": ("host", "What is installed, which boards are plugged in, and what to do."),
    },
    "From data to the verdict": {
        "train": ("training", "Train a network and leave a model folder."),
        "search": ("training", "Search for the network that suits a data set and a board."),
        "export": ("export", "Quantize to int8 and write the C sources."),
        "quantize": ("export", "Convert a Keras model to int8, the first half of the export."),
        "emit": ("export", "Write a .tflite as C sources, the second half of the export."),
        "build": ("firmware", "Compile the firmware of a board."),
        "validate": ("host", "Every test sample through a device, byte by byte against the golden."),
        "report": ("host", "report.html of the last validation again."),
        "prove": ("host", "That the exported C has the golden's bytes for every input."),
        "check-certificate": ("host", "The certificate of such a proof."),
    },
    "Look inside": {
        "predict": ("host", "What pictures are taken for: float, int8 in Python, the device."),
        "play": ("training", "A page that answers while you draw: the engine in a browser."),
        "explore": ("training", "See what a convolution does: filters, pooling, feature maps."),
        "notebook": ("training", "The convolution lab as a notebook, every number to change."),
        "describe": ("export", "What is in a .tflite: ops, inputs, outputs, arena."),
        "profile": ("host", "What every op of an inference costs."),
        "bisect": ("host", "The first op of one sample that is not the golden's."),
        "hello": ("host", "What a device says about itself."),
        "emulate": ("host", "A device behind a port of this machine."),
        "training-report": ("training", "training.html of a model folder again."),
    },
    "A board on a cable": {
        "flash": ("host", "Build for a real board, upload, and hear from it."),
        "sketch": ("firmware", "A library for the Arduino IDE, or a project for ESP-IDF."),
    },
    "This project itself": {
        "tools": ("firmware", "The compilers and emulators that boards need."),
        "bench": ("host", "The figures of the docs: cost of inference, speed of the pipeline."),
        "calibrate": ("host", "Fit the export's prices of kernels to counted cycles."),
        "fuzz-device": ("firmware", "Malformed requests against the firmware under sanitizers."),
        "fuzz-link": ("host", "Streams over bad lines."),
        "docs": ("host", "The generated pages of docs/."),
        "screenshots": ("host", "The pictures of docs/images."),
    },
}
BY_MAKEFILE = ("model", "out", "board_name", "tflite")  # options that it gives itself
STOREY_OF = {name: storey for commands in COMMANDS.values() for name, (storey, _) in commands.items()}


class Commands(click.Group):
    """A group whose commands are imported when they are needed."""

    def list_commands(self, context: click.Context) -> list[str]:
        """In the order of the way through the project."""
        return list(STOREY_OF)

    def get_command(self, context: click.Context, name: str) -> click.Command | None:
        """The command of that name."""
        if name not in STOREY_OF:
            return None
        module = importlib.import_module(f"tinyproof.{STOREY_OF[name]}.commands.{name.replace('-', '_')}")
        command: click.Command = module.command
        return command

    def resolve_command(
        self, context: click.Context, words: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """The command and its arguments, of which `BOARD=host`, as make has it, becomes `--board host`."""
        if words and words[0] not in STOREY_OF and not words[0].startswith("-"):
            if "=" in words[0]:
                context.fail(f"name a command before {words[0]}, such as validate")
            context.fail(f"there is no command '{words[0]}'{did_you_mean(words[0], STOREY_OF)}")
        name, command, rest = super().resolve_command(context, words)
        if command is not None:
            _check_goals(context, rest)
            rest = [word for argument in rest for word in _as_options(context, command, argument)]
        return name, command, rest

    def format_commands(self, context: click.Context, formatter: click.HelpFormatter) -> None:
        """The list, without importing anything."""
        for heading, commands in COMMANDS.items():
            with formatter.section(heading):
                formatter.write_dl([(name, line) for name, (_, line) in commands.items()])


def _as_options(context: click.Context, command: click.Command, argument: str) -> Iterator[str]:
    """An argument as the command takes it. `make` passes every setting that was given to every stage."""
    match = re.fullmatch(r"([A-Z_]+)=(.*)", argument, re.DOTALL)
    if match is None:
        yield argument
        return
    name, value = f"--{match[1].lower().replace('_', '-')}", match[2]
    option = next((option for option in command.params if name in option.opts), None)
    if option is None and by_make() and value:
        _check_for_others(context, name, value)
    if isinstance(option, click.Option) and value:
        if option.is_flag:
            yield from [name] if _is_yes(context, command, option, value) else option.secondary_opts
        else:
            yield from (f"{name}={one}" for one in _values(option, value))
    elif option is None and not by_make():
        raise click.UsageError(f"there is no setting {match[1]}", click.Context(command, context, command.name))


def _values(option: click.Option, value: str) -> list[str]:
    """What a setting holds: of an option that may be given several times all, unless it is a path with spaces."""
    return value.split() if option.multiple and not os.path.exists(value) else [value]


def _is_yes(context: click.Context, command: click.Command, option: click.Option, value: str) -> bool:
    """Whether a flag is set: 1, yes, true or on set it; 0, no, false and off do not; nothing else is understood."""
    try:
        return bool(click.BOOL.convert(value, option, None))
    except click.BadParameter:
        raise click.BadParameter(f"{value!r} is neither 1 nor 0", click.Context(command, context), option) from None


def _check_goals(context: click.Context, words: Sequence[str]) -> None:
    """Refuse now what `make` was asked for at the end, where a setting lacks that nothing but its user can give."""
    given = {f"--{word.partition('=')[0].lower()}" for word in words}
    for verb in goals():
        command = main.get_command(context, verb)
        for option in command.params if command else ():
            if option.required and option.name not in BY_MAKEFILE and not given.intersection(option.opts):
                text = str(getattr(option, "help", "")).rstrip(".")
                raise UserError(f"make {verb} needs {name_of(option.opts[0].lstrip('-'))}=: {text}")


def _check_for_others(context: click.Context, name: str, value: str) -> None:
    """Refuse a value that the goals of `make` do not take, or no command where none of them has that option: now, and
    not when the stage that has it is reached.
    """
    found = {verb: _option_of(context, verb, name) for verb in STOREY_OF}
    takers = {verb: option for verb, option in found.items() if option}
    wanted = {verb: option for verb, option in takers.items() if verb in goals()}
    refused: list[click.UsageError] = []
    demo_last = sorted((wanted or takers).items(), key=lambda each: each[0] == "demo")  # it borrows its options
    for verb, option in demo_last:
        try:
            _check_value(context, verb, option, value)
        except click.UsageError as error:
            refused.append(error)
    if refused and (wanted or len(refused) == len(takers)):
        raise refused[0]


def _option_of(context: click.Context, verb: str, name: str) -> click.Option | None:
    command = main.get_command(context, verb)
    options = command.params if command else ()
    return next((option for option in options if isinstance(option, click.Option) and name in option.opts), None)


def _check_value(context: click.Context, verb: str, option: click.Option, value: str) -> None:
    command = main.get_command(context, verb)
    assert command is not None
    if option.is_flag:
        _is_yes(context, command, option, value)
        return
    here, values = click.Context(command, context, verb), _values(option, value)
    option.type_cast_value(here, values if option.multiple else value)
    for name in values if verb in goals() else ():
        if option.type is FILE and not os.path.lexists(name):
            raise click.BadParameter(f"there is no file or folder {name}", here, option)
        if isinstance(option.type, PortName) and "://" not in name:
            ports = importlib.import_module("tinyproof.host.ports")
            ports.check_there(ports.SerialPort(name))


@click.command(cls=Commands)
@click.version_option(package_name=NAME, prog_name=NAME)
def main(**_: Any) -> None:
    """From a Keras model to a microcontroller, with proof that the chip computes the same bits."""


def start() -> None:
    """The console command."""
    os.environ.pop("MPLBACKEND", None)  # which a notebook sets for what it runs; nothing is shown in a window here
    if sys.warnoptions:
        warnings.simplefilter("ignore")  # of libraries, to their authors: asked for as errors, they would stop a run
    here = os.path.dirname(__file__)
    if installed := search_path.passed_over(here):
        print(f"this is the tinyproof of {here}, not the installed one of {installed}", file=sys.stderr)
    run(main, program())


if __name__ == "__main__":
    start()
