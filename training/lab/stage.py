"""`make explore` as a user runs it: a picture, a filter, perhaps a board and a trained model, to a page of figures.

Says on the terminal what was computed and how many bytes of the chip are not the golden's.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from tinyproof import advice
from tinyproof.boards import find_board
from tinyproof.claim import claim
from tinyproof.console import UserError, console, no_room, table
from tinyproof.folders import DATASET, PLAY_FILE, PRESET, trained_folder
from tinyproof.options import NO_BOARD
from tinyproof.toolchain import with_compiler
from tinyproof.training.lab.convolution import Padding, dropped
from tinyproof.training.lab.exploration import HandMade, Learned, OnChip, by_hand, look_into, on_chip
from tinyproof.training.lab.filters import as_filter
from tinyproof.training.lab.page import write_page
from tinyproof.training.lab.pictures import LONGEST, Source, load_picture, parse_size
from tinyproof.training.lab.trained import load_trained, shape_text, total
from tinyproof.training.lab.worked_numbers import worked_pixel, worked_pooling


@dataclass(frozen=True)
class Wishes:
    """What was asked for, as typed."""

    image: str
    size: str
    filter_text: str
    weight: str | None
    stride: int
    padding: Padding
    model: Path | None
    classes: str | None
    board_name: str
    compiler: str | None
    port: str | None
    out: Path


def explore(wishes: Wishes) -> None:
    """Compute, say and draw all of it. SystemExit(1) where the chip sent a byte that NumPy or the golden has not."""
    filter_ = as_filter(wishes.filter_text, None if wishes.weight is None else parse_weight(wishes.weight))
    board = None if wishes.board_name == NO_BOARD else with_compiler(find_board(wishes.board_name), wishes.compiler)
    if wishes.port is not None and (board is None or not board.application):
        raise UserError(
            f"{advice.setting('port', wishes.port)} goes with a real board; name it, e.g. "
            f"{advice.setting('board', 'nano33ble')}"
        )
    if wishes.classes is not None and wishes.model is None:
        raise UserError(
            f"{advice.setting('classes', wishes.classes)} goes with a trained model; name it, e.g. "
            f"{advice.setting('model', 'digits_small')}"
        )
    trained = None if wishes.model is None else load_trained(wishes.model)
    labels = None if trained is None or wishes.classes is None else parse_classes(wishes.classes, trained.labels)
    source = load_picture(wishes.image, parse_size(wishes.size))
    hand = by_hand(source, filter_, wishes.stride, wishes.padding)
    claim(wishes.out, make=True)
    _say_by_hand(hand)
    _warn_of_size(source)
    chip = None if board is None else on_chip(hand, wishes.out, board, wishes.port)
    if chip:
        _say_chip(chip)
    learned = None if trained is None else look_into(trained, wishes.out / "layers", labels, board, wishes.port)
    if learned:
        _say_learned(learned)
    try:
        path = write_page(wishes.out, hand, chip, learned, _playing_page(wishes.model))
    except OSError as error:
        raise no_room(wishes.out, error) from None
    console.print(f"wrote {path} and a PNG of every figure: final.png, ...", markup=False)
    if (chip and chip.different) or (learned and learned.different):
        raise SystemExit(1)


def _playing_page(model: Path | None) -> Path:
    return (model or trained_folder(DATASET, PRESET)) / PLAY_FILE


def parse_weight(text: str) -> float:
    """Read 0.111 or 1/9.

    >>> parse_weight("1/8")
    0.125
    """
    try:
        if weight := float(Fraction(text)):
            return weight
        raise UserError(
            f"{advice.setting('weight', text)} makes every pixel black: leave it out, or write 0.111 or 1/9"
        )
    except (ValueError, ZeroDivisionError, OverflowError):
        raise UserError(f"{advice.setting('weight', text)} is no number: write 0.111 or 1/9") from None


def parse_classes(text: str, names: tuple[str, ...]) -> list[int]:
    """Read names of classes, separated by commas, as their labels. UserError naming the ones there are.

    >>> parse_classes("Bag, Coat", ("Coat", "Dress", "Bag"))
    [2, 0]
    """
    wanted = [word.strip() for word in text.split(",")]
    for word in wanted:
        if word not in names:
            raise UserError(
                f"{advice.setting('classes', text)}: the model has no class {word!r}; it has {', '.join(names)}"
            )
    return [names.index(word) for word in wanted]


def _say_by_hand(hand: HandMade) -> None:
    filter_, source = hand.filter, hand.source
    console.print("[bold]One pixel by hand[/], the exercise's filter over the pixel 192:")
    console.print(worked_pixel().text, markup=False)
    console.print("\n[bold]Pooling by hand[/], the largest of each 2x2:")
    console.print(worked_pooling(), markup=False)
    console.print("\n[bold]A whole picture[/]")
    lost = dropped(hand.filtered.shape)
    size, pooled = (f"{p.shape[1]}x{p.shape[0]}" for p in (hand.filtered, hand.pooled))
    lines = [
        f"{source.name}, {source.size}, {source.remark}",
        f"{filter_.name}: {filter_.text}, weight {filter_.weight:.4g}, stride {hand.stride}, padding {hand.padding}",
        f"{source.size} -> {size} in {hand.milliseconds:.1f} ms, pooled 2x2 -> {pooled}"
        + (f": {lost}" if lost else ""),
    ]
    console.print("\n".join(lines), markup=False)


def _warn_of_size(source: Source) -> None:
    """Say before it begins that it takes long, and what would not."""
    if max(source.pixels.shape) > LONGEST:
        console.print(
            f"{source.pixels.size / 1e6:.1f} megapixels take minutes, on a board with a slow line hours; "
            f"{advice.setting('size', LONGEST)} takes seconds",
            markup=False,
        )


def _say_chip(chip: OnChip) -> None:
    rows = table(f"On board {chip.board.name}", "filter", "bytes", "not NumPy's", "not the loop's")
    for picture in (*chip.chosen.pictures, *chip.named.pictures):
        rows.add_row(
            picture.filter.name,
            f"{picture.device.size:,}",
            f"{picture.different:,}",
            f"{picture.different_from_loop:,}",
        )
    console.print(rows)
    from_golden = chip.chosen.run.different + chip.named.run.different
    from_numpy = chip.chosen.bytes_different + chip.named.bytes_different
    console.print(
        f"{chip.compared:,} bytes came back: {from_numpy:,} are not NumPy's, {from_golden:,} are not those of "
        f"{chip.chosen.run.golden_name}."
    )


def _say_learned(learned: Learned) -> None:
    layers = learned.trained.layers
    parameters, macs = total(layers)
    shapes = " -> ".join(shape_text(shape) for shape in (learned.trained.input_shape, *(la.shape for la in layers)))
    console.print(f"{learned.trained.name}: {shapes}; {parameters:,} parameters, {macs:,} MACs", markup=False)
    sight = ", ".join(f"{field.layer.name} {field.size[0]}x{field.size[1]}" for field in learned.fields)
    console.print(f"One value sees, in pixels: {sight}", markup=False)
    if learned.on_device:
        run = learned.on_device[0].run
        console.print(
            f"Feature maps on board {run.board}: {learned.compared:,} bytes came back, "
            f"{sum(made.different for made in learned.on_device):,} are not those of {run.golden_name}."
        )
