"""The page's sections about what came back from the device: the verdict at the top, and the pictures."""

from __future__ import annotations

from markupsafe import Markup

from tinyproof import advice
from tinyproof.boards import BOARDS
from tinyproof.page import Cell, Page, Section, Tile, banner, code, note, table, tiles
from tinyproof.page.parts import Kind
from tinyproof.training.lab.convolution import Picture
from tinyproof.training.lab.exploration import HandMade, Learned, OnChip
from tinyproof.training.lab.figures_chip import draw_chip
from tinyproof.training.lab.filters import NAMED
from tinyproof.training.lab.gallery import Gallery


def verdict(chip: OnChip, learned: Learned | None) -> Markup:
    """What the device proved: how many bytes from the device are not what they should be."""
    run = chip.chosen.run
    reference = f"those of NumPy and of {run.golden_name}" if run.is_golden_exact else "NumPy's"
    filters = f"The filters of this page also ran on {_device(chip)}. " + _count(
        chip.compared, chip.different, reference
    )
    different, maps = chip.different, []
    if learned and learned.on_device:
        different += learned.different
        counted = _count(learned.compared, learned.different, f"those of {run.golden_name}")
        maps.append(f"Feature maps of {learned.trained.name}: {counted}")
    return banner(_kind(different), f"{different:,} bytes differ", filters, maps)


def _count(compared: int, different: int, reference: str) -> str:
    """Bytes that came back, in a sentence."""
    if different:
        return f"{different:,} of {compared:,} bytes that came back are not {reference}."
    return f"All {compared:,} bytes that came back are {reference}."


def _device(chip: OnChip) -> str:
    title = BOARDS[chip.chosen.run.board].title if chip.chosen.run.board in BOARDS else chip.chosen.run.board
    return f"board {chip.chosen.run.board} ({title})"


def _reference(chip: OnChip) -> str:
    return "the golden" if chip.chosen.run.is_golden_exact else "Python"


def add_chip(page: Page, gallery: Gallery, hand: HandMade, chip: OnChip, learned: Learned | None) -> None:
    """Append the section, which begins with the verdict on it and on the feature maps."""
    section = page.section(
        "On the chip",
        "The same filter as a network of one layer, in 8-bit integers, on the microcontroller. Look for white in the "
        "third picture: there is none unless the chip computed something else.",
    )
    section.add(verdict(chip, learned))
    made, picture = chip.chosen, chip.chosen.pictures[0]
    gallery.add(
        section,
        "chip",
        draw_chip(picture),
        f"The device's picture beside NumPy's; {picture.different:,} of {picture.device.size:,} bytes differ.",
        f"{hand.filter.name} on {_device(chip)}.",
    )
    section.add(_chip_tiles(chip))
    _explain_chip(section, hand, chip)
    section.sub("All filters in one layer")
    section.add(
        f"The {len(NAMED)} filters above as one convolution with as many channels. Of "
        f"{chip.named.run.outputs.size:,} bytes that came back {chip.named.bytes_different:,} are not NumPy's and "
        f"{chip.named.run.different:,} not {_reference(chip)}'s."
    )
    compared: list[list[Cell]] = [
        [p.filter.name, p.device.size, p.different, p.different_from_loop, _largest_step(p.device, p.loop)]
        for p in (*chip.chosen.pictures, *chip.named.pictures)
    ]
    columns = ["filter", "pixels", "differ from NumPy's int8", "from the loop in floating point", "by at most"]
    section.add(table(columns, compared, "The device's pictures, compared"))
    section.add(
        "Where the numbers of a filter are multiples of one step, int8 holds them exactly, and the chip's picture is "
        "the loop's. Where a weight makes fractions, the loop cuts them off and the chip rounds them to the nearest: "
        "one grey apart. Numbers without such a step are rounded to 127ths of the largest, which can cost more."
    )
    command = advice.command_line("validate", model=gallery.folder / "filter", board=chip.chosen.run.board)
    section.add("The model stays in its folder. The host's own validation, with random bytes in place of the picture:")
    section.add(code(command))
    if made.run.different == 0 and not made.run.is_golden_exact:
        section.add(
            note("TensorFlow Lite Micro does not exist for this platform; Python's interpreter stood in for it.")
        )


def _chip_tiles(chip: OnChip) -> Markup:
    run, tiling = chip.chosen.run, chip.chosen.tiling
    count = run.count_per_inference
    per_pixel = count / (tiling.y_tile[0] * tiling.y_tile[1]) if count else 0
    items = [
        Tile("bytes from the device", f"{run.outputs.size:,}", f"{chip.chosen.pictures[0].computed:,} of the picture"),
        Tile(
            "not NumPy's",
            f"{chip.chosen.bytes_different:,}",
            "int8, computed by the lab",
            _kind(chip.chosen.bytes_different),
        ),
        Tile(f"not {_reference(chip)}'s", f"{run.different:,}", run.golden_name, _kind(run.proven_different)),
        Tile(
            "tiles",
            f"{tiling.rows * tiling.columns:,}",
            f"{tiling.x_tile[1]}x{tiling.x_tile[0]} in, {tiling.y_tile[1]}x{tiling.y_tile[0]} out",
        ),
    ]
    if count:
        items.append(Tile(f"{run.count_unit} a pixel", f"{per_pixel:.1f}", f"{count:,} a tile"))
    if run.ram_bytes and run.flash_bytes:
        items.append(Tile("RAM", f"{run.ram_bytes:,}", f"bytes, and {run.flash_bytes:,} of flash"))
    return tiles(items)


def _explain_chip(section: Section, hand: HandMade, chip: OnChip) -> None:
    layer, tiling = chip.chosen.layer, chip.chosen.tiling
    weights = " / ".join(" ".join(str(int(w)) for w in row) for row in layer.weights[0])
    count, size = tiling.rows * tiling.columns, hand.source.pixels.size
    whole = "The picture went there whole."
    in_tiles = (
        f"A picture of {size:,} bytes and its answer are more than a chip has room for. So it goes there in {count:,} "
        "tiles that overlap by the filter's margin, and the answers are put together again without a seam."
    )
    section.add(
        whole if count == 1 else in_tiles,
        "Before that the device said hello with the SHA-256 of its model, "
        f"{chip.chosen.run.model_sha256[:12]}...: that of this filter. Its engine is called {chip.chosen.run.engine}.",
        "A byte on the chip is the pixel minus 128. The layer's scale is 1/255 on both sides, so that int8's own ends, "
        f"-128 and 127, are the clamp to 0..255. The filter became {weights}, times {layer.scales[0]:.6g}.",
        "NumPy's picture follows the integer arithmetic of TensorFlow Lite Micro: exact sums in 32 bits, a "
        "multiplication that keeps the upper half, a shift that rounds. So every byte can be expected to be equal.",
    )


def _kind(different: int) -> Kind:
    return "bad" if different else "good"


def _largest_step(a: Picture, b: Picture) -> str:
    step = int(abs(a.astype(int) - b.astype(int)).max())
    return f"{step} grey{'s' if step != 1 else ''}" if step else "–"
