"""`tinyproof`: every stage's command line under one name, for those who installed the package instead of using `make`.

The commands are those of `python -m training`, `export`, `firmware`, `host` and `training.lab`; each is imported when
it is called, so that `--help` does not wait for libraries it does not need.
"""

from __future__ import annotations

import importlib
from typing import Any

import click

from host.console import run

# command: where it is defined, and its line in the list
COMMANDS = {
    "demo": ("host.__main__:demo", "Everything on this machine, from training to the verdict of the emulated chip."),
    "train": ("training.__main__:main", "Train a network and leave a model folder."),
    "search": ("training.search:main", "Search for the network that suits a data set and a board."),
    "explore": ("training.lab.__main__:main", "See what a convolution does: filters, pooling, feature maps."),
    "export": ("export.__main__:main", "Quantize to int8, write the C sources, describe a .tflite."),
    "firmware": ("firmware.__main__:main", "Install tools, build firmware, write sketches, fuzz."),
    "tools": ("firmware.__main__:tools", "The compilers and emulators that boards need."),
    "build": ("firmware.__main__:build", "Compile the firmware of a board."),
    "validate": ("host.__main__:validate", "Every test sample through a device, byte by byte against the golden."),
    "report": ("host.__main__:report", "report.html of the last validation again."),
    "emulate": ("host.__main__:emulate", "A device behind a port of this machine."),
    "hello": ("host.__main__:hello", "What a device says about itself."),
    "profile": ("host.__main__:profile", "What every op of an inference costs."),
    "bisect": ("host.__main__:bisect", "The first op of one sample that is not the golden's."),
    "describe": ("export.__main__:describe", "What is in a .tflite: ops, inputs, outputs, arena."),
    "sketch": ("firmware.__main__:sketch", "A real board's firmware for the Arduino IDE or ESP-IDF."),
    "flash": ("host.__main__:flash", "Build for a real board, upload, and hear from it."),
    "doctor": ("host.__main__:doctor", "What is installed, which boards are plugged in, and what to do."),
}


class Stages(click.Group):
    """A group whose commands are imported when they are needed."""

    def list_commands(self, context: click.Context) -> list[str]:
        """In the order of the way through the project."""
        return list(COMMANDS)

    def get_command(self, context: click.Context, name: str) -> click.Command | None:
        """The command of that name."""
        if name not in COMMANDS:
            return None
        module, attribute = COMMANDS[name][0].split(":")
        command: click.Command = getattr(importlib.import_module(module), attribute)
        return command

    def format_commands(self, context: click.Context, formatter: click.HelpFormatter) -> None:
        """The list, without importing anything."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, line) for name, (_, line) in COMMANDS.items()])


@click.command(cls=Stages)
@click.version_option(package_name="tinyproof")
def main(**_: Any) -> None:
    """From a Keras model to a microcontroller, with proof that the chip computes the same bits."""


def start() -> None:
    """The console command."""
    run(main, "tinyproof")


if __name__ == "__main__":
    start()
