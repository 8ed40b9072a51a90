"""The networks that can be trained by name.

`small` suits a quick start and a tight board; `course` is the classifier of the well-known TensorFlow course, about
nine times the parameters. The others show what a budget buys: `best` is the most accurate one.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from tinyproof import advice
from tinyproof.console import UserError
from tinyproof.folders import BUILD, dataset_name
from tinyproof.training.network import Block, Network, network_from_json

SEARCHED = "searched"  # the name under which `make search` leaves its choice for a data set
SEARCH_FOLDER = BUILD / "search"
CHOICE_FILE = "chosen.json"


@dataclass(frozen=True)
class Preset:
    """A network and what it is for."""

    title: str
    network: Network
    side: int = 28  # pixels, to which pictures of a folder are stretched where no size is asked for


PRESETS = {
    "small": Preset(
        "two convolutions, for a quick start",
        Network(
            (Block("conv", 16, pool=True), Block("conv", 32, pool=True)),
            head="flatten",
            units=64,
            normalized=False,
            padding="valid",
        ),
    ),
    "course": Preset(
        "two convolutions, as taught",
        Network(
            (Block("conv", 64, pool=True), Block("conv", 64, pool=True)),
            head="flatten",
            units=128,
            normalized=False,
            padding="valid",
        ),
    ),
    "normalized": Preset(
        "three normalized convolutions",
        Network(
            (Block("conv", 16, pool=True), Block("conv", 32, pool=True), Block("conv", 64, pool=True)),
            head="flatten",
            units=64,
        ),
    ),
    "separable": Preset(
        "depthwise-separable convolutions, the fewest multiplications",
        Network(
            (
                Block("conv", 16, stride=2),
                Block("separable", 32),
                Block("separable", 64, stride=2),
                Block("separable", 64),
                Block("separable", 128, stride=2),
            ),
            head="mean",
        ),
    ),
    "residual": Preset(
        "three residual blocks",
        Network(
            (
                Block("conv", 16, stride=2),
                Block("residual", 16),
                Block("residual", 32, stride=2),
                Block("residual", 48, stride=2),
            ),
            head="mean",
        ),
    ),
    "photo": Preset(
        "for objects anywhere in a colour picture",
        Network(
            (
                Block("conv", 16, stride=2),
                Block("conv", 32, pool=True),
                Block("conv", 48, pool=True),
                Block("conv", 64, pool=True),
                Block("conv", 96),
            ),
            head="mean",
        ),
        side=64,
    ),
    "best": Preset(
        "the most accurate within 128 KB of weights",
        Network(
            (
                Block("conv", 16),
                Block("residual", 16),
                Block("residual", 32, stride=2),
                Block("residual", 32),
                Block("residual", 48, stride=2),
                Block("residual", 48),
            ),
            head="places",
        ),
    ),
}


def find_preset(name: str, dataset: str) -> Preset:
    """Return the preset of that name, `searched` being what `make search` chose for the data set.

    UserError, listing the names there are, if there is none.
    """
    if name == SEARCHED:
        return _searched(choice_file(dataset), dataset)
    if name not in PRESETS:
        known = (*PRESETS, SEARCHED)
        meant = advice.did_you_mean(name, known)
        raise UserError(f"unknown preset {name!r}: choose one of {', '.join(known)}{meant}")
    return PRESETS[name]


def choice_file(dataset: str) -> Path:
    """Where the search of a data set leaves its choice."""
    return SEARCH_FOLDER / dataset_name(dataset) / CHOICE_FILE


def _searched(path: Path, dataset: str) -> Preset:
    try:
        return Preset(
            f"chosen by the search, {path}", network_from_json(json.loads(path.read_text(encoding="utf-8"))["network"])
        )
    except FileNotFoundError:
        raise UserError(f"{path} does not exist: run `{advice.command('search', dataset=dataset)}` first") from None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UserError(
            f"{path} cannot be used ({error}): run `{advice.command('search', dataset=dataset)}` again"
        ) from None
