"""`python -m training.lab`: what a convolution does, as figures, numbers and a page, down to the chip."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

import click

from host.console import UserError, console, make_writable, run
from host.options import ModelFolder, PortName, Words, board_option_for, compiler_option
from training.lab.convolution import PADDINGS, Padding, dropped
from training.lab.filters import NAMED, as_filter
from training.lab.pictures import ASCENT, BUNDLED, load_picture

if TYPE_CHECKING:
    from training.lab.exploration import HandMade, Learned, OnChip

NO_BOARD = "none"


@click.command()
@click.option(
    "--image",
    default=BUNDLED,
    type=Words((BUNDLED, ASCENT)),
    show_default=True,
    help=f"A picture's file, {BUNDLED} or {ASCENT}.",
)
@click.option(
    "--filter",
    "filter_text",
    type=Words(tuple(NAMED)),
    default="vertical-lines",
    show_default=True,
    help="A name or numbers.",
)
@click.option("--weight", help="What the sum is multiplied by, e.g. 1/9.  [default: makes the numbers add up to 1]")
@click.option("--stride", type=int, default=1, show_default=True, help="Keep every n-th pixel.")
@click.option("--padding", type=Words(PADDINGS), default=PADDINGS[0], show_default=True, help=f"{', '.join(PADDINGS)}.")
@click.option("--model", type=ModelFolder(), help="A trained model's folder, or its name in build/.")
@click.option("--classes", help="Classes of the model to show side by side, e.g. 3,8.  [default: two unlike ones]")
@board_option_for(f"A board, or {NO_BOARD}.", NO_BOARD)
@compiler_option
@click.option("--port", type=PortName(), help="The serial port of a real board; without it the board is found on USB.")
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    default="build/explore",
    show_default=True,
    help="A folder for page and figures.",
)
def main(
    image: str,
    filter_text: str,
    weight: str | None,
    stride: int,
    padding: Padding,
    model: Path | None,
    classes: str | None,
    board_name: str,
    compiler: str | None,
    port: str | None,
    out: Path,
) -> None:
    """Filter and pool a picture, by hand, in NumPy and on a chip, and look into a trained model.

    Writes index.html and a PNG of every figure.

    Examples: python -m training.lab --image photo.jpg --filter "-1 0 1 -2 0 2 -1 0 1"

              python -m training.lab --model digits_small --board none
    """
    from firmware.boards import find_board
    from firmware.toolchain import with_compiler
    from training.lab.exploration import by_hand, look_into, on_chip
    from training.lab.page import write_page
    from training.lab.trained import load_trained

    filter_ = as_filter(filter_text, None if weight is None else parse_weight(weight))
    board = None if board_name == NO_BOARD else with_compiler(find_board(board_name), compiler)
    if port is not None and (board is None or not board.application):
        raise UserError(f"PORT={port} goes with a real board; name it with BOARD=, e.g. BOARD=nano33ble")
    if classes is not None and model is None:
        raise UserError(f"CLASSES={classes} goes with a trained model; name it with MODEL=, e.g. MODEL=digits_small")
    trained = None if model is None else load_trained(model)
    labels = None if trained is None or classes is None else parse_classes(classes, trained.labels)
    source = load_picture(image)
    hand = by_hand(source, filter_, stride, padding)
    make_writable(out)
    _say_by_hand(hand)
    chip = None if board is None else on_chip(hand, out, board, port)
    if chip:
        _say_chip(chip)
    learned = None if trained is None else look_into(trained, out / "layers", labels, board, port)
    if learned:
        _say_learned(learned)
    console.print("Drawing")
    try:
        path = write_page(out, hand, chip, learned)
    except OSError as error:
        raise UserError(f"{out} cannot be written to ({error.strerror}): make room or choose another --out") from error
    console.print(f"wrote {path} and a PNG of every figure: final.png, ...", markup=False)
    if (chip and chip.different) or (learned and learned.different):
        raise SystemExit(1)


def parse_weight(text: str) -> float:
    """Read 0.111 or 1/9.

    >>> parse_weight("1/8")
    0.125
    """
    try:
        return float(Fraction(text))
    except (ValueError, ZeroDivisionError, OverflowError):
        raise UserError(f"WEIGHT={text} is no number: write 0.111 or 1/9") from None


def parse_classes(text: str, names: tuple[str, ...]) -> list[int]:
    """Read names of classes, separated by commas, as their labels. UserError naming the ones there are.

    >>> parse_classes("Bag, Coat", ("Coat", "Dress", "Bag"))
    [2, 0]
    """
    wanted = [word.strip() for word in text.split(",")]
    for word in wanted:
        if word not in names:
            raise UserError(f"CLASSES={text}: the model has no class {word!r}; it has {', '.join(names)}")
    return [names.index(word) for word in wanted]


def _say_by_hand(hand: HandMade) -> None:
    from training.lab.worked_numbers import worked_pixel, worked_pooling

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


def _say_chip(chip: OnChip) -> None:
    from host.console import table

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
    from training.lab.trained import shape_text, total

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


if __name__ == "__main__":
    run(main, "python -m training.lab")
