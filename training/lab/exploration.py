"""Everything that `make explore` looks at, computed: plain values that the page and the terminal show.

Each step is a function of the lab that a notebook can call as well.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tinyproof.boards import Board
from tinyproof.console import UserError, console
from tinyproof.line import BAUD
from tinyproof.training.lab.chip import ChipFilters, filter_on_chip
from tinyproof.training.lab.convolution import Padding, Picture, convolve, pool
from tinyproof.training.lab.device_maps import LayerRun, maps_on_device
from tinyproof.training.lab.filters import NAMED, Filter
from tinyproof.training.lab.pictures import Source
from tinyproof.training.lab.receptive import Field, receptive_fields
from tinyproof.training.lab.trained import Layer, Trained, class_responses, images_of

IMAGES_SIDE_BY_SIDE = 3
CLASSES_SIDE_BY_SIDE = 2


@dataclass(frozen=True, eq=False)
class HandMade:
    """A picture through a filter and a pooling, in NumPy."""

    source: Source
    filter: Filter
    stride: int
    padding: Padding
    filtered: Picture
    pooled: Picture
    milliseconds: float  # of the convolution


@dataclass(frozen=True, eq=False)
class OnChip:
    """The picture through the chosen filter, and through all named ones as the channels of one layer, on a device."""

    board: Board
    chosen: ChipFilters
    named: ChipFilters

    @property
    def different(self) -> int:
        """Bytes of both runs that are not NumPy's or not the golden's."""
        return sum(made.bytes_different + made.run.proven_different for made in (self.chosen, self.named))

    @property
    def compared(self) -> int:
        """Bytes that came back in both runs."""
        return int(self.chosen.run.outputs.size + self.named.run.outputs.size)


@dataclass(frozen=True, eq=False)
class Learned:
    """A trained model looked into. `images` (N,H,W,C) are of a few classes, `names` says which."""

    trained: Trained
    fields: tuple[Field, ...]
    images: NDArray[np.uint8]
    names: tuple[str, ...]
    channels: tuple[int, ...]  # for each layer of maps, the filter that fires most for the first class shown
    responses: tuple[tuple[Layer, NDArray[np.float64]], ...]
    counts: tuple[int, ...]  # images of each class behind the responses
    on_device: tuple[LayerRun, ...]  # empty without a board

    @property
    def different(self) -> int:
        """Bytes of the device's feature maps that are not the golden's."""
        return sum(made.different for made in self.on_device if made.run.is_golden_exact)

    @property
    def compared(self) -> int:
        """Bytes of feature maps that came back."""
        return sum(made.compared for made in self.on_device)


def by_hand(source: Source, filter_: Filter, stride: int = 1, padding: Padding = "margin") -> HandMade:
    """Filter and pool the picture. UserError where the filter does not fit on it, or nothing is left to pool."""
    start = time.perf_counter()
    filtered = convolve(source.pixels, filter_, stride=stride, padding=padding)
    milliseconds = 1000 * (time.perf_counter() - start)
    return HandMade(source, filter_, stride, padding, filtered, pool(filtered), milliseconds)


def on_chip(hand: HandMade, folder: Path, board: Board, port: str | None = None, baud: int = BAUD) -> OnChip:
    """The same on a device; the model folders `filter` and `filters` appear in `folder`."""
    pixels = hand.source.pixels
    console.print(f"{hand.filter.name}: one int8 layer on board {board.name}")
    chosen = filter_on_chip(pixels, [hand.filter], folder / "filter", board, port, hand.stride, hand.padding, baud)
    console.print(f"{len(NAMED)} filters: the channels of one int8 layer on board {board.name}")
    named = filter_on_chip(pixels, tuple(NAMED.values()), folder / "filters", board, port, baud=baud)
    return OnChip(board, chosen, named)


def look_into(
    trained: Trained,
    folder: Path,
    classes: Sequence[int] | None = None,
    board: Board | None = None,
    port: str | None = None,
    baud: int = BAUD,
) -> Learned:
    """Look into a model; with a board its feature maps are also computed there, models of it go to `folder`.

    `classes`, labels, are those whose images are shown, the first one's filters too; by default two unlike ones.
    """
    layers = trained.map_layers
    responses, counts = class_responses(trained, layers)
    # The two classes that the filters of the last layer tell apart best, and the filters that fire most for the first.
    shown = list(classes) if classes else _most_different(responses[-1], counts)
    for label in shown:
        if not counts[label]:
            raise UserError(f"{trained.name} has no test image of class {trained.labels[label]!r}: choose another")
    images = [images_of(trained, label, IMAGES_SIDE_BY_SIDE) for label in shown]
    names = [trained.labels[label] for label, part in zip(shown, images, strict=True) for _ in part]
    runs: tuple[LayerRun, ...] = ()
    if board is not None:
        console.print(f"{trained.name}: the maps of {len(layers)} layers on board {board.name}")
        runs = maps_on_device(trained, np.concatenate(images), folder, board, None, port, baud)
    return Learned(
        trained=trained,
        fields=receptive_fields(trained),
        images=np.concatenate(images),
        names=tuple(names),
        channels=tuple(int(part[:, shown[0]].argmax()) for part in responses),
        responses=tuple(pair for pair in zip(layers, responses, strict=True) if pair[0].parameters),
        counts=counts,
        on_device=runs,
    )


def _most_different(responses: NDArray[np.float64], counts: tuple[int, ...]) -> list[int]:
    """Labels with images: the pair whose columns lie furthest apart; the one with the strongest response first."""
    there = [label for label, count in enumerate(counts) if count]
    columns = responses[:, there].T
    distances = np.abs(columns[:, np.newaxis] - columns[np.newaxis]).sum(axis=2)
    pair = np.unravel_index(int(distances.argmax()), distances.shape)
    labels = [there[int(index)] for index in pair][: min(CLASSES_SIDE_BY_SIDE, len(there))]
    return sorted(labels, key=lambda label: -float(responses[:, label].max()))
